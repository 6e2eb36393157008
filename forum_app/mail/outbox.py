"""What becomes of a queued mail: claimed by one worker, sent, tried again, or given up."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update

from forum_app.core.errors import Conflict, NotFound
from forum_app.core.text import N_
from forum_app.db import after_commit, db
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.services import DELIVERY
from forum_app.queue import queue

MOST_ATTEMPTS = 10
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
JITTER = 0.25
TEXTS_KEPT = timedelta(days=30)
_random = secrets.SystemRandom()


def claim_due(*, now: datetime, most: int, lease: timedelta) -> Sequence[OutboxMail]:
    """Up to most mails that are due, the oldest first; nobody else gets them until the lease ends.

    The rows are detached, so that reading them while sending opens no transaction.
    PostgreSQL passes over rows that another worker is claiming; SQLite lets one writer in at a time.
    """
    ids = db.session.scalars(
        select(OutboxMail.id)
        .where(_is_due(now))
        .order_by(OutboxMail.next_attempt_at, OutboxMail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    if not ids:
        return []
    db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.id.in_(ids), _is_due(now))
        .values(locked_until=now + lease, attempts=OutboxMail.attempts + 1)
        .execution_options(synchronize_session=False)
    )
    mails = db.session.scalars(
        select(OutboxMail)
        .where(OutboxMail.id.in_(ids), OutboxMail.locked_until == now + lease)
        .order_by(OutboxMail.id)
        .execution_options(populate_existing=True)
    ).all()
    for mail in mails:
        db.session.expunge(mail)
    return mails


def note_sent(*, mail_id: int, now: datetime) -> None:
    """The server has it."""
    _settle(mail_id, state=MailState.SENT, sent_at=now, last_error=None)


def note_refused(*, mail_id: int, reason: str) -> None:
    """It will never go."""
    _settle(mail_id, state=MailState.FAILED, last_error=reason[:500])


def note_delayed(*, mail_id: int, attempts: int, reason: str, now: datetime) -> None:
    """Try again after a while that doubles each time; give up after ten attempts."""
    if attempts >= MOST_ATTEMPTS:
        note_refused(mail_id=mail_id, reason=reason)
    else:
        _settle(mail_id, next_attempt_at=now + wait_after(attempts), last_error=reason[:500])


def wait_after(attempts: int) -> timedelta:
    """1, 2, 4 ... minutes, at most 6 hours, each longer or shorter by up to a quarter."""
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1))
    return timedelta(seconds=wait.total_seconds() * _random.uniform(1 - JITTER, 1 + JITTER))


def give_back(*, mail_ids: Sequence[int], now: datetime) -> None:
    """Return what was claimed but not tried; it rests a minute, lest jobs queue up at a dead server."""
    db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.id.in_(mail_ids), OutboxMail.state == MailState.QUEUED)
        .values(locked_until=None, attempts=OutboxMail.attempts - 1, next_attempt_at=now + FIRST_WAIT)
        .execution_options(synchronize_session=False)
    )


def send_again(*, mail_id: int, now: datetime) -> OutboxMail:
    """Queue a mail that was given up anew, at an administrator's word."""
    mail = db.session.get(OutboxMail, mail_id)
    if mail is None:
        raise NotFound(N_("There is no such mail."))
    if mail.state != MailState.FAILED:
        raise Conflict(N_("This mail is sent or waits already."))
    mail.state, mail.attempts, mail.next_attempt_at, mail.locked_until = MailState.QUEUED, 0, now, None
    after_commit(lambda: queue.enqueue(DELIVERY))
    return mail


def forget_texts(*, now: datetime) -> None:
    """Blank the text of mails delivered a month ago; to whom, when and about what stays."""
    db.session.execute(
        update(OutboxMail)
        .where(
            OutboxMail.state == MailState.SENT,
            OutboxMail.sent_at < now - TEXTS_KEPT,
            OutboxMail.body != "",
        )
        .values(body="", calendar="")
        .execution_options(synchronize_session=False)
    )


def _is_due(now: datetime) -> ColumnElement[bool]:
    return (
        (OutboxMail.state == MailState.QUEUED)
        & (OutboxMail.next_attempt_at <= now)
        & or_(OutboxMail.locked_until.is_(None), OutboxMail.locked_until <= now)
    )


def _settle(mail_id: int, **values: object) -> None:
    db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.id == mail_id, OutboxMail.state == MailState.QUEUED)
        .values(locked_until=None, **values)
        .execution_options(synchronize_session=False)
    )
