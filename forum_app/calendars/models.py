"""Secret addresses of feeds, and what each has shown."""

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event, Room, Track
from forum_app.meetings.models import Interpreter, MeetingTable
from forum_app.organizations.models import Organization


class FeedScope(enum.StrEnum):
    """What a feed holds; the column of the same name tells of which one."""

    PERSON = "person"
    EVENT = "event"
    TRACK = "track"
    ROOM = "room"
    ORGANIZATION = "organization"
    TABLE = "table"
    INTERPRETER = "interpreter"


SCOPE_LABELS = {
    FeedScope.PERSON: N_("Everything of mine"),
    FeedScope.EVENT: N_("Agenda of an event"),
    FeedScope.TRACK: N_("Track"),
    FeedScope.ROOM: N_("Room"),
    FeedScope.ORGANIZATION: N_("Organization"),
    FeedScope.TABLE: N_("Table"),
    FeedScope.INTERPRETER: N_("Interpreter"),
}
# Reminders that may be chosen, in minutes before the start.
REMINDERS = (0, 5, 10, 15, 30, 60, 120, 1440)


class FeedToken(Base):
    """A secret address of a feed, read as its user: what they may no longer know is withdrawn from it.

    token_hash: SHA-256 hex of the secret in the address; shown once, revocable. event_id: of the
    track, room, table or interpreter too, so that organizers see what is open on their event.
    reminder_minutes: None for no reminders.
    """

    __tablename__ = "calendars_feed_token"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN track_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN room_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN organization_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN table_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN interpreter_id IS NULL THEN 0 ELSE 1 END)"
            " = (CASE WHEN scope IN ('PERSON', 'EVENT') THEN 0 ELSE 1 END)",
            name="one_subject",
        ),
        CheckConstraint(
            "(event_id IS NULL) = (scope IN ('PERSON', 'ORGANIZATION'))", name="event_of_its_subject"
        ),
        CheckConstraint(
            "reminder_minutes IS NULL OR reminder_minutes BETWEEN 0 AND 10080", name="reminder_minutes"
        ),
    )

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(100), default="")
    locale: Mapped[str] = mapped_column(String(5), default="en")
    scope: Mapped[FeedScope] = mapped_column(
        Enum(FeedScope, native_enum=False, length=20), default=FeedScope.PERSON
    )
    event_id: Mapped[int | None] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    track_id: Mapped[int | None] = mapped_column(ForeignKey(Track.id, ondelete="CASCADE"), index=True)
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id, ondelete="CASCADE"), index=True)
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey(Organization.id, ondelete="CASCADE"), index=True
    )
    table_id: Mapped[int | None] = mapped_column(ForeignKey(MeetingTable.id, ondelete="CASCADE"), index=True)
    interpreter_id: Mapped[int | None] = mapped_column(
        ForeignKey(Interpreter.id, ondelete="CASCADE"), index=True
    )
    reminder_minutes: Mapped[int | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()
    event: Mapped[Event | None] = relationship()
    track: Mapped[Track | None] = relationship()
    room: Mapped[Room | None] = relationship()
    organization: Mapped[Organization | None] = relationship()
    table: Mapped[MeetingTable | None] = relationship()
    interpreter: Mapped[Interpreter | None] = relationship()

    @property
    def audit_label(self) -> str:
        return self.label


class Shown(Base):
    """What a feed has shown, so that SEQUENCE rises when it must and what is taken away is cancelled.

    Of one address, or of the published agenda of an event. entries: JSON, see calendars/ledger.py.
    fingerprint: of the facts they were made from. version: raised with each writing.
    """

    __tablename__ = "calendars_shown"
    __table_args__ = (
        CheckConstraint("(token_id IS NULL) <> (event_id IS NULL)", name="one_feed"),
        Index("uq_calendars_shown_token_id", "token_id", unique=True),
        Index("uq_calendars_shown_event_id", "event_id", unique=True),
    )

    id: Mapped[Key]
    token_id: Mapped[int | None] = mapped_column(ForeignKey(FeedToken.id, ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(String(64))
    entries: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)


class Change(Base):
    """Something that feeds are made of has changed; written by triggers alone, see calendars/watch.py.

    named: what it was, one a line. noted_at: seconds since 1970 by the database's clock. transaction_id:
    on PostgreSQL, of the transaction that did it.
    """

    __tablename__ = "calendars_change"
    __table_args__ = (
        Index(None, "transaction_id", sqlite_where=text("transaction_id IS NOT NULL")),
        {"sqlite_autoincrement": True},  # no number is ever given twice
    )

    id: Mapped[Key]
    named: Mapped[str] = mapped_column(Text)
    noted_at: Mapped[int]
    transaction_id: Mapped[int | None]
