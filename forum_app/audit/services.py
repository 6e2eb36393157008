"""Writing the trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import insert

from forum_app.audit.models import AuditEntry
from forum_app.db import Base, db, run

# No row of ours refers to an entry, so none is made in the session: a third of the cost.
_ENTRY = insert(Base.metadata.tables[AuditEntry.__tablename__]).inline()


class Actor(Protocol):
    """Whoever acts: a User, or None for the system itself."""

    @property
    def id(self) -> Any: ...
    @property
    def email(self) -> Any: ...


def record(
    *,
    actor: Actor | None,
    action: str,
    subject: Any,
    now: datetime,
    event_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append one entry in the caller's transaction.

    action: "<feature>.<past participle>", such as "registration.approved". subject: a row; its
    audit_label, if it has one, is kept with its id. detail: JSON values only, no secrets.
    """
    if getattr(subject, "id", None) is None:
        db.session.flush()
    run(
        _ENTRY,
        {
            "at": now,
            "actor_id": actor.id if actor is not None else None,
            "actor_label": str(actor.email) if actor is not None else "system",
            "event_id": event_id,
            "action": action,
            "subject_type": type(subject).__name__,
            "subject_id": getattr(subject, "id", None),
            "subject_label": str(getattr(subject, "audit_label", ""))[:500],
            "detail": dict(detail or {}),
        },
    )
