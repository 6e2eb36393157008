"""Reading the outbox."""

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import defer

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.mail.models import MailChange, MailState, OutboxMail
from forum_app.web.tables import Page, TableState, contains, paginate

SORTS = {
    "created": (OutboxMail.created_at, OutboxMail.id),
    "to": (OutboxMail.to_address, OutboxMail.id),
    "subject": (OutboxMail.subject, OutboxMail.id),
    "state": (OutboxMail.state, OutboxMail.id),
}


def get_mail(mail_id: int) -> OutboxMail:
    """The mail; raises NotFound."""
    mail = db.session.get(OutboxMail, mail_id)
    if mail is None:
        raise NotFound(N_("There is no such mail."))
    return mail


def get_mail_of_event(event_id: int, mail_id: int) -> OutboxMail:
    """The mail, if it is about the event; else NotFound."""
    mail = get_mail(mail_id)
    if mail.event_id != event_id:
        raise NotFound(N_("There is no such mail."))
    return mail


def list_mail(state: TableState, event_id: int | None = None) -> Page[Any]:
    """Mails without their text; searched by address, name and subject; filter "state". event_id: only
    what is about that event."""
    statement = select(OutboxMail).options(defer(OutboxMail.body), defer(OutboxMail.calendar))
    if event_id is not None:
        statement = statement.where(OutboxMail.event_id == event_id)
    if state.q:
        pattern = contains(state.q)
        columns = (OutboxMail.to_address, OutboxMail.to_name, OutboxMail.subject)
        statement = statement.where(or_(*[column.ilike(pattern, escape="\\") for column in columns]))
    if "state" in state.filters:
        statement = statement.where(OutboxMail.state == MailState(state.filters["state"]))
    return paginate(statement, state, sorts=SORTS)


def count_gathered(event_id: int | None = None) -> int:
    """How many changes wait to be told together; event_id: about that event."""
    statement = select(func.count()).select_from(MailChange)
    if event_id is not None:
        statement = statement.where(MailChange.event_id == event_id)
    return db.session.scalar(statement) or 0


def count_by_state(event_id: int | None = None) -> dict[MailState, int]:
    """How many mails are in each state; event_id: about that event."""
    statement = select(OutboxMail.state, func.count()).group_by(OutboxMail.state)
    if event_id is not None:
        statement = statement.where(OutboxMail.event_id == event_id)
    rows = db.session.execute(statement).all()
    counts = dict.fromkeys(MailState, 0)
    counts.update((state, number) for state, number in rows)
    return counts
