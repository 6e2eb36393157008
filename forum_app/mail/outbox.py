"""What becomes of a queued mail: claimed by one worker, sent, tried again, or given up."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from forum_app.core.errors import Conflict, NotFound
from forum_app.core.text import N_
from forum_app.db import Base, after_commit, db, run, run_insert
from forum_app.mail.models import MailMinute, MailState, OutboxMail
from forum_app.mail.rendering import message_domain
from forum_app.mail.services import DELIVERY
from forum_app.queue import queue

MOST_ATTEMPTS = 10
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
TEXTS_KEPT = timedelta(days=30)
MINUTES_KEPT = timedelta(days=1)
_MINUTE = Base.metadata.tables[MailMinute.__tablename__]
_BEGIN_MINUTE = {
    "sqlite": sqlite.insert(_MINUTE).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_MINUTE).on_conflict_do_nothing(),
}


def claim_due(
    *, now: datetime, most: int, lease: timedelta, per_minute: int | None = None
) -> Sequence[OutboxMail]:
    """Up to most mails that are due; nobody else gets them until the lease ends.

    What nobody may do without goes before optional mail, then the oldest first. per_minute: how many all
    workers together may take in a minute of the clock. The rows are detached, so that reading them while
    sending opens no transaction. PostgreSQL passes over rows that another worker is claiming; SQLite lets
    one writer in at a time.
    """
    if per_minute is not None:
        most = min(most, per_minute - _taken_in(now))
        if most <= 0:
            return []
    ids = db.session.scalars(
        select(OutboxMail.id)
        .where(_is_due(now))
        .order_by(OutboxMail.listed.is_not(None), OutboxMail.next_attempt_at, OutboxMail.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    if not ids:
        return []
    if per_minute is not None:
        db.session.execute(
            update(MailMinute)
            .where(MailMinute.minute == _minute(now))
            .values(taken=MailMinute.taken + len(ids))
            .execution_options(synchronize_session=False)
        )
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


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def _taken_in(now: datetime) -> int:
    """How many mails were taken in this minute; holds its row, so that workers count one after the other."""
    run(_BEGIN_MINUTE[db.session.get_bind().dialect.name], {"minute": _minute(now), "taken": 0})
    statement = select(MailMinute.taken).where(MailMinute.minute == _minute(now)).with_for_update()
    return db.session.execute(statement).scalar_one()


def note_sent(*, mail_id: int, now: datetime) -> None:
    """The server has it."""
    _settle(mail_id, state=MailState.SENT, sent_at=now, last_error=None)


def note_all_sent(*, message_ids: Collection[str], now: datetime) -> int:
    """What a worker that died had handed over; how many of these nobody had noted."""
    done = db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.message_id.in_(message_ids), OutboxMail.state == MailState.QUEUED)
        .values(state=MailState.SENT, sent_at=now, last_error=None, locked_until=None)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(done, "rowcount", 0))


def note_dropped(*, mail_id: int, reason: str) -> None:
    """It is no longer true, or too late: it does not go."""
    _settle(mail_id, state=MailState.DROPPED, last_error=reason)


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
    """1, 2, 4 ... minutes, at most 6 hours."""
    doubled: timedelta = FIRST_WAIT * 2 ** (attempts - 1)
    return min(LONGEST_WAIT, doubled)


def give_back(*, mail_ids: Sequence[int], now: datetime) -> None:
    """Return what was claimed but not tried; it rests a minute, lest jobs queue up at a dead server."""
    db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.id.in_(mail_ids), OutboxMail.state == MailState.QUEUED)
        .values(locked_until=None, attempts=OutboxMail.attempts - 1, next_attempt_at=now + FIRST_WAIT)
        .execution_options(synchronize_session=False)
    )


def send_again(*, mail_id: int, now: datetime) -> int:
    """Send a mail anew at somebody's word; returns the id of its row.

    One that was given up goes as it is. One that arrived, or did not although the server took it, goes as
    a new mail of the same thread, since its Message-ID has been seen. Raises NotFound, Conflict.
    """
    mail = db.session.get(OutboxMail, mail_id, with_for_update=True)
    if mail is None:
        raise NotFound(N_("There is no such mail."))
    if mail.state in (MailState.QUEUED, MailState.DROPPED):
        raise Conflict(N_("This mail waits already, or is no longer true."))
    if not mail.body:
        raise Conflict(N_("The text of this mail has been forgotten, so it cannot be sent again."))
    after_commit(lambda: queue.wake(DELIVERY))
    if mail.sent_at is None:
        mail.state, mail.attempts, mail.next_attempt_at, mail.locked_until = MailState.QUEUED, 0, now, None
        return mail.id
    kept = ("kind", "to_address", "to_name", "locale", "subject", "body", "calendar", "calendar_method")
    more = ("sender_address", "event_id", "reply_to", "listed", "secret", "useless_after", "facts")
    values: dict[str, Any] = {name: getattr(mail, name) for name in kept + more}
    values |= {"message_id": make_msgid(domain=message_domain()), "thread": mail.thread or mail.message_id}
    values |= {"created_at": now, "next_attempt_at": now}
    return run_insert(insert(Base.metadata.tables[OutboxMail.__tablename__]), values)


def list_failed_ids() -> Sequence[int]:
    """Mails that were given up, and not because they came back."""
    return db.session.scalars(
        select(OutboxMail.id)
        .where(OutboxMail.state == MailState.FAILED, OutboxMail.bounced_at.is_(None), OutboxMail.body != "")
        .order_by(OutboxMail.id)
    ).all()


def forget_texts(*, now: datetime) -> None:
    """Blank the text of mails settled a month ago; to whom, when and about what stays.

    Of one that was given up or came back, a month after that: so long somebody may mend the address and
    send it again.
    """
    before = now - TEXTS_KEPT
    db.session.execute(delete(MailMinute).where(MailMinute.minute < now - MINUTES_KEPT))
    db.session.execute(
        update(OutboxMail)
        .where(
            or_(
                (OutboxMail.state == MailState.SENT) & (OutboxMail.sent_at < before),
                (OutboxMail.state == MailState.DROPPED) & (OutboxMail.created_at < before),
                (OutboxMail.state == MailState.FAILED)
                & (OutboxMail.next_attempt_at < before)
                & or_(OutboxMail.bounced_at.is_(None), OutboxMail.bounced_at < before),
            ),
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
