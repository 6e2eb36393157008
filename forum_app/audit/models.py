"""Who did what to what, and when. Append-only: triggers refuse UPDATE and DELETE."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from forum_app.db import Base, Key


class AuditEntry(Base):
    """One change. Subjects and actors are named, not referenced: the trail outlives them."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "subject_type", "subject_id"), Index(None, "event_id", "at"))

    id: Mapped[Key]
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_label: Mapped[str] = mapped_column(String(320))
    event_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(80))
    subject_type: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[int | None]
    subject_label: Mapped[str] = mapped_column(String(500))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
