"""Messages of organizers to a group of an event's people, and the organizers' own words of other mails."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.agenda.models import Speaker
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event
from forum_app.registration.models import Registration


class MessageState(enum.StrEnum):
    """draft -> sending -> sent. sent: each recipient's mail is in the outbox."""

    DRAFT = "draft"
    SENDING = "sending"
    SENT = "sent"


MESSAGE_LABELS = {
    MessageState.DRAFT: N_("Draft"),
    MessageState.SENDING: N_("Being sent"),
    MessageState.SENT: N_("Handed over"),
}


class Message(Base):
    """One message. Subject and body: with placeholders; of each language both or neither.

    recipient_group: a Group as JSON. optional: people may leave such messages. recipients: how many people it
    went to, fixed when it was sent.
    """

    __tablename__ = "messages_message"
    __table_args__ = (Index(None, "event_id", "changed_at"), Index(None, "state"))

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    subject_en: Mapped[str] = mapped_column(String(200), default="")
    subject_ja: Mapped[str] = mapped_column(String(200), default="")
    body_en: Mapped[str] = mapped_column(Text, default="")
    body_ja: Mapped[str] = mapped_column(Text, default="")
    recipient_group: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    optional: Mapped[bool] = mapped_column(default=False)
    state: Mapped[MessageState] = mapped_column(
        Enum(MessageState, native_enum=False, length=20), default=MessageState.DRAFT
    )
    recipients: Mapped[int] = mapped_column(default=0)
    written_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    event: Mapped[Event] = relationship()
    written_by: Mapped[User | None] = relationship(foreign_keys=[written_by_id])
    sent_by: Mapped[User | None] = relationship(foreign_keys=[sent_by_id])
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.subject_en or self.subject_ja


class RecipientState(enum.StrEnum):
    """waiting -> queued | left. left: they had left such messages before theirs was made, or are gone."""

    WAITING = "waiting"
    QUEUED = "queued"
    LEFT = "left"


class MessageRecipient(Base):
    """One person of one message; the unique constraint is why nobody gets it twice.

    registration, or speaker for who speaks without one. mail_id: of the outbox; named, not referenced.
    """

    __tablename__ = "messages_recipient"
    __table_args__ = (
        UniqueConstraint("message_id", "email_key"),
        Index(None, "message_id", "state"),
        Index(None, "registration_id"),
        Index(None, "speaker_id"),
    )

    id: Mapped[Key]
    message_id: Mapped[int] = mapped_column(ForeignKey(Message.id, ondelete="CASCADE"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey(Registration.id, ondelete="SET NULL"))
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey(Speaker.id, ondelete="SET NULL"))
    email_key: Mapped[str] = mapped_column(String(320))
    state: Mapped[RecipientState] = mapped_column(
        Enum(RecipientState, native_enum=False, length=20), default=RecipientState.WAITING
    )
    mail_id: Mapped[int | None]
    registration: Mapped[Registration | None] = relationship()
    speaker: Mapped[Speaker | None] = relationship()

    @property
    def person(self) -> Registration | Speaker | None:
        return self.registration or self.speaker


class OwnWording(Base):
    """An organizer's own words of one kind of mail in one language, at one event.

    kind: name of the built-in template, such as "registration/approved". subject: empty for the built-in one.
    """

    __tablename__ = "messages_own_wording"

    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(80), primary_key=True)
    locale: Mapped[str] = mapped_column(String(5), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))

    @property
    def audit_label(self) -> str:
        return f"{self.kind} {self.locale}"
