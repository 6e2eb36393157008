"""Reading the trail."""

from typing import Any

from sqlalchemy import or_, select

from forum_app.audit.models import AuditEntry
from forum_app.web.tables import Page, TableState, contains, paginate

SORTS = {
    "at": (AuditEntry.at, AuditEntry.id),
    "actor": (AuditEntry.actor_label, AuditEntry.id),
    "action": (AuditEntry.action, AuditEntry.id),
    "subject": (AuditEntry.subject_label, AuditEntry.id),
}


def list_entries(state: TableState, *, event_id: int | None = None) -> Page[Any]:
    """Entries of the whole installation, or of one event; searched by actor, action and subject."""
    statement = select(AuditEntry)
    if event_id is not None:
        statement = statement.where(AuditEntry.event_id == event_id)
    if state.q:
        pattern = contains(state.q)
        columns = (AuditEntry.actor_label, AuditEntry.action, AuditEntry.subject_label)
        statement = statement.where(or_(*[column.ilike(pattern, escape="\\") for column in columns]))
    return paginate(statement, state, sorts=SORTS)
