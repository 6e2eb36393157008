"""Delivery in the worker: claim in a short transaction, send in none, note in another."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app

from forum_app.config import Settings
from forum_app.db import transaction
from forum_app.mail.changes import make_due_mails
from forum_app.mail.checks import still_so
from forum_app.mail.journal import Journal, left_behind, open_journal
from forum_app.mail.messages import Sender, build_message
from forum_app.mail.models import OutboxMail
from forum_app.mail.outbox import (
    claim_due,
    forget_texts,
    give_back,
    note_all_sent,
    note_delayed,
    note_dropped,
    note_refused,
    note_sent,
)
from forum_app.mail.preferences import wishes_of
from forum_app.mail.transport import (
    PermanentFailure,
    TemporaryFailure,
    Transport,
    open_transport,
)
from forum_app.mail.unsubscribe import leaving_of
from forum_app.queue import every, job
from forum_app.web import clock
from forum_app.web.languages import speaking
from forum_app.web.texts import gettext

log = logging.getLogger(__name__)

BATCH = 20
LEASE = timedelta(minutes=15)
# a mail may take a few answers of the server; nothing is begun that could outlast the lease
MARGIN = timedelta(minutes=3)
MOST_BATCHES = 50
MOST_LOST = 3  # broken connections in a row, after which the server is left alone for a while


@job(schedule=every(minute="*"))
def gather_changes() -> None:
    """Make one mail for each person of the changes that waited long enough."""
    for _ in range(MOST_BATCHES):
        with transaction():
            seen = make_due_mails(now=clock.now())
        if not seen:
            break


@job(schedule=every(minute="*"))
def deliver_queued() -> None:
    """Deliver what is due; safe with several workers, and when run again after a crash."""
    settings: Settings = current_app.config["FORUM_SETTINGS"]
    folder = journal_folder(settings)
    settle_left_behind(folder)
    with open_transport(settings) as transport, open_journal(folder) as journal:
        for _ in range(MOST_BATCHES):
            if not deliver_batch(transport, settings, clock.now, journal):
                break


def journal_folder(settings: Settings) -> Path:
    """Where workers of this machine keep their journals."""
    return settings.var / "mail-journal"


def settle_left_behind(folder: Path) -> None:
    """Note what workers that were killed had handed over."""
    with left_behind(folder) as message_ids:
        if message_ids:
            with transaction():
                number = note_all_sent(message_ids=message_ids, now=clock.now())
            log.info("%d mails of a worker that is gone were sent", number)


def deliver_batch(
    transport: Transport, settings: Settings, now: Callable[[], datetime], journal: Journal | None = None
) -> bool:
    """Deliver up to BATCH mails; False when there is nothing more to do just now.

    A crash between sending and noting sends the mail once more, under the same Message-ID, unless the
    journal knows of it.
    """
    begun = now()
    with transaction():
        mails = claim_due(now=begun, most=BATCH, lease=LEASE, per_minute=settings.mail_per_minute)
    lost = 0
    for position, mail in enumerate(mails):
        if now() > begun + LEASE - MARGIN:
            _give_back(mails[position:], now())
            return False
        try:
            _deliver(mail, transport, settings, now(), journal)
            lost = 0
        except PermanentFailure as failure:
            log.warning("mail %s was refused: %s", mail.message_id, failure)
            with transaction():
                note_refused(mail_id=mail.id, reason=str(failure))
        except TemporaryFailure as failure:
            log.info("mail %s is delayed: %s", mail.message_id, failure)
            with transaction():
                note_delayed(mail_id=mail.id, attempts=mail.attempts, reason=str(failure), now=now())
            lost = lost + 1 if failure.lost else 0
            if failure.whole_server or lost >= MOST_LOST:
                # the server itself is not well: what follows waits too, but has not been tried
                _give_back(mails[position + 1 :], now())
                return False
    return bool(mails)


def _deliver(
    mail: OutboxMail, transport: Transport, settings: Settings, now: datetime, journal: Journal | None
) -> None:
    if (reason := _why_not(mail, now)) is not None:
        with transaction():
            note_dropped(mail_id=mail.id, reason=reason)
        return
    with speaking(mail.locale):
        brand = gettext("U.S.-Japan Technology Forums")
    try:
        message = build_message(mail, sender=sender_of(settings, brand), leaving=leaving_of(mail))
    except PermanentFailure:
        raise
    except Exception as error:
        # one mail that cannot be written must not keep its batch from going, again and again
        log.exception("mail %s cannot be written", mail.message_id)
        raise PermanentFailure(f"cannot be written: {type(error).__name__}") from error
    transport.send(message)
    if journal is not None:
        journal.handed_over(mail.message_id)
    with transaction():
        note_sent(mail_id=mail.id, now=now)
    if journal is not None:
        journal.settled()


def sender_of(settings: Settings, brand: str) -> Sender:
    """From whom mails come: an address of the forum's own."""
    address = settings.mail_from or f"no-reply@{settings.uid_domain}"
    return Sender(address, brand, settings.mailbox, settings.mail_reply_to)


def _why_not(mail: OutboxMail, now: datetime) -> str | None:
    """Why a mail should not go any more; None if it should."""
    if mail.useless_after is not None and mail.useless_after <= now:
        return "too late"
    if mail.listed is not None:
        with transaction():  # it may have waited a night
            if mail.listed in wishes_of(mail.to_address).off:
                return "left the list"
    check = still_so.get(mail.kind)
    if mail.facts is not None and check is not None:
        with transaction():
            if not check(mail.facts):
                return "no longer so"
    return None


def _give_back(mails: Sequence[OutboxMail], now: datetime) -> None:
    with transaction():
        give_back(mail_ids=[mail.id for mail in mails], now=now)


@job(schedule=every(minute="27", hour="3"))
def forget_old() -> None:
    """Blank the text of mails delivered long ago: it is personal, and nobody reads it here."""
    with transaction():
        forget_texts(now=clock.now())
