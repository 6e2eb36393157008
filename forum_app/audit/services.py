"""Writing the trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from forum_app.audit.models import AuditEntry
from forum_app.db import db


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
) -> AuditEntry:
    """Append one entry in the caller's transaction.

    action: "<feature>.<past participle>", such as "registration.approved". subject: a row; its
    audit_label, if it has one, is kept with its id. detail: JSON values only, no secrets.
    """
    if getattr(subject, "id", None) is None:
        db.session.flush()
    entry = AuditEntry(
        at=now,
        actor_id=actor.id if actor is not None else None,
        actor_label=str(actor.email) if actor is not None else "system",
        event_id=event_id,
        action=action,
        subject_type=type(subject).__name__,
        subject_id=getattr(subject, "id", None),
        subject_label=str(getattr(subject, "audit_label", ""))[:500],
        detail=dict(detail or {}),
    )
    db.session.add(entry)
    return entry
