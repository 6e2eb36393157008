"""The outbox: a mail is here if and only if the change that caused it is committed."""

import enum
from datetime import datetime

from sqlalchemy import Enum, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from forum_app.db import Base, Key


class MailState(enum.StrEnum):
    """queued -> sent | failed; a failed attempt stays queued with a later next_attempt_at."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class OutboxMail(Base):
    """One mail to one person, rendered in their language when it was queued.

    calendar: an iTIP object (RFC 5546) that goes with it, of calendar_method. sender_address: of the forum's
    own, from which it goes; empty for the usual one. bounced_at: when a report of non-delivery came back.
    """

    __tablename__ = "mail_outbox"
    __table_args__ = (Index(None, "state", "next_attempt_at"),)

    id: Mapped[Key]
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str] = mapped_column(String(80))
    to_address: Mapped[str] = mapped_column(String(320), index=True)
    to_name: Mapped[str] = mapped_column(String(400))
    locale: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    calendar: Mapped[str] = mapped_column(Text, default="")
    calendar_method: Mapped[str] = mapped_column(String(20), default="")
    sender_address: Mapped[str] = mapped_column(String(320), default="")
    state: Mapped[MailState] = mapped_column(
        Enum(MailState, native_enum=False, length=20), default=MailState.QUEUED
    )
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(500))
    bounced_at: Mapped[datetime | None]
    bounce_reason: Mapped[str] = mapped_column(String(500), default="")
