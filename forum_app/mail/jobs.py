"""Delivery in the worker: claim in a short transaction, send in none, note in another."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import current_app

from forum_app.config import Settings
from forum_app.db import transaction
from forum_app.mail.outbox import (
    claim_due,
    forget_texts,
    give_back,
    note_delayed,
    note_refused,
    note_sent,
)
from forum_app.mail.transport import (
    PermanentFailure,
    TemporaryFailure,
    Transport,
    build_message,
    open_transport,
)
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


@job(schedule=every(minute="*"))
def deliver_queued() -> None:
    """Deliver what is due; safe with several workers, and when run again after a crash."""
    settings: Settings = current_app.config["FORUM_SETTINGS"]
    with open_transport(settings) as transport:
        for _ in range(MOST_BATCHES):
            if not deliver_batch(transport, settings.uid_domain, clock.now):
                break


def deliver_batch(transport: Transport, domain: str, now: Callable[[], datetime]) -> bool:
    """Deliver up to BATCH mails; False when there is nothing more to do just now.

    A crash between sending and noting sends the mail once more, under the same Message-ID.
    """
    begun = now()
    with transaction():
        mails = claim_due(now=begun, most=BATCH, lease=LEASE)
    for position, mail in enumerate(mails):
        if now() > begun + LEASE - MARGIN:
            with transaction():
                give_back(mail_ids=[m.id for m in mails[position:]], now=now())
            return False
        try:
            with speaking(mail.locale):
                sender = gettext("U.S.-Japan Technology Forums")
            transport.send(build_message(mail, sender_name=sender, domain=domain))
        except PermanentFailure as failure:
            log.warning("mail %s was refused: %s", mail.message_id, failure)
            with transaction():
                note_refused(mail_id=mail.id, reason=str(failure))
        except TemporaryFailure as failure:
            log.info("mail %s is delayed: %s", mail.message_id, failure)
            # the server itself is not well: what follows waits too, but has not been tried
            rest = [m.id for m in mails[position + 1 :]] if failure.whole_server else []
            with transaction():
                note_delayed(mail_id=mail.id, attempts=mail.attempts, reason=str(failure), now=now())
                give_back(mail_ids=rest, now=now())
            if failure.whole_server:
                return False
        else:
            with transaction():
                note_sent(mail_id=mail.id, now=now())
    return bool(mails)


@job(schedule=every(minute="27", hour="3"))
def forget_old() -> None:
    """Blank the text of mails delivered long ago: it is personal, and nobody reads it here."""
    with transaction():
        forget_texts(now=clock.now())
