"""The outbox: a mail is here if and only if the change that caused it is committed.

Changes that are still being gathered wait beside it, and what each address wishes to get.
"""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Enum, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from forum_app.db import Base, Key


class MailState(enum.StrEnum):
    """queued -> sent | failed | dropped; a failed attempt stays queued with a later next_attempt_at.

    dropped: no longer true or too late, so it was not sent.
    """

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class OutboxMail(Base):
    """One mail to one person, rendered in their language when it was queued.

    message_id: the same at each attempt. thread: Message-ID that all mails about one thing refer to.
    event_id: named, not referenced: the mail outlives the event. listed: the optional list to which it
    belongs, whose readers may leave it. secret: its text holds a link that opens something. facts: what
    must still be so when it is sent (checks.py). useless_after: sent no more from then on. calendar: an
    iCalendar object of method calendar_method that travels with it (RFC 6047). sender_address: of the forum's
    own, from which it goes, if not the usual one. bounced_at: when a report of non-delivery came back.
    """

    __tablename__ = "mail_outbox"
    __table_args__ = (Index(None, "state", "next_attempt_at"), Index(None, "event_id", "created_at"))

    id: Mapped[Key]
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str] = mapped_column(String(80))
    to_address: Mapped[str] = mapped_column(String(320), index=True)
    to_name: Mapped[str] = mapped_column(String(400))
    locale: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    calendar: Mapped[str | None] = mapped_column(Text)
    calendar_method: Mapped[str | None] = mapped_column(String(20))
    sender_address: Mapped[str | None] = mapped_column(String(320))
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
    bounce_reason: Mapped[str | None] = mapped_column(String(500))
    event_id: Mapped[int | None]
    thread: Mapped[str | None] = mapped_column(String(255))
    reply_to: Mapped[str | None] = mapped_column(String(320))
    listed: Mapped[str | None] = mapped_column(String(40))
    secret: Mapped[bool] = mapped_column(default=False)
    useless_after: Mapped[datetime | None]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def audit_label(self) -> str:
        return f"{self.kind} {self.to_address}"


class MailChange(Base):
    """A change that somebody is to learn of, gathered with others into one mail at due_at.

    subject, body: rendered when it happened, in the reader's language, without greeting and end.
    topic: the thing that changed; a later change of it takes an earlier one's place. before, after:
    how it was and is, as text that is equal if and only if the thing is; None where there is or was
    none. group_title: the event's name, for a mail about several things. urgent_at: from then on it
    waits for nobody's morning.
    """

    __tablename__ = "mail_change"
    __table_args__ = (Index(None, "due_at"), Index(None, "address_key", "event_id"))

    id: Mapped[Key]
    address_key: Mapped[str] = mapped_column(String(320))
    to_address: Mapped[str] = mapped_column(String(320))
    to_name: Mapped[str] = mapped_column(String(400))
    locale: Mapped[str] = mapped_column(String(5))
    zone: Mapped[str] = mapped_column(String(60))
    event_id: Mapped[int | None]
    group_title: Mapped[str] = mapped_column(String(500))
    topic: Mapped[str] = mapped_column(String(255))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    thread: Mapped[str | None] = mapped_column(String(255))
    secret: Mapped[bool]
    urgent_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]


class MailPreference(Base):
    """What one address wishes; by address, since people without an account get mail too.

    off: optional lists that it left. quiet_from, quiet_until: minutes after midnight, equal for no quiet
    hours.
    """

    __tablename__ = "mail_preference"

    address_key: Mapped[str] = mapped_column(String(320), primary_key=True)
    off: Mapped[list[str]] = mapped_column(JSON, default=list)
    quiet_from: Mapped[int]
    quiet_until: Mapped[int]
    changed_at: Mapped[datetime]


class MailMinute(Base):
    """How many mails all workers together have taken in hand in one minute of the clock."""

    __tablename__ = "mail_minute"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    taken: Mapped[int] = mapped_column(default=0)
