"""Where and when meetings can be: tables, interpreters, the slots of an event, office hours, absences."""

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, Enum, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import PersonName, User
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event, Room
from forum_app.organizations.models import Organization
from forum_app.registration.models import Registration

GRID_MINUTES = 5  # a claim is one cell of this length; meetings start and end on the grid


class TableKind(enum.StrEnum):
    """open: for everybody. booth: its organization's own. closed: in a room with access control."""

    OPEN = "open"
    BOOTH = "booth"
    CLOSED = "closed"


TABLE_KIND_LABELS = {
    TableKind.OPEN: N_("Open table"),
    TableKind.BOOTH: N_("Booth of an organization"),
    TableKind.CLOSED: N_("Closed room"),
}


class MeetingTable(Base):
    """A table (or booth) where meetings are held; without hours it is there all the time."""

    __tablename__ = "meetings_table"
    __table_args__ = (
        UniqueConstraint("event_id", "label"),
        CheckConstraint("(kind = 'BOOTH') = (owner_id IS NOT NULL)", name="booth_has_owner"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(String(40))
    kind: Mapped[TableKind] = mapped_column(
        Enum(TableKind, native_enum=False, length=10), default=TableKind.OPEN
    )
    owner_id: Mapped[int | None] = mapped_column(ForeignKey(Organization.id), index=True)
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id, ondelete="SET NULL"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    room: Mapped[Room | None] = relationship()
    owner: Mapped[Organization | None] = relationship()
    hours: Mapped[list["TableHours"]] = relationship(
        cascade="all, delete-orphan", order_by="TableHours.starts_at"
    )

    @property
    def audit_label(self) -> str:
        return self.label


class TableHours(Base):
    """A stretch in which a table may be used; UTC."""

    __tablename__ = "meetings_table_hours"
    __table_args__ = (CheckConstraint("ends_at > starts_at", name="ends_after_start"),)

    id: Mapped[Key]
    table_id: Mapped[int] = mapped_column(ForeignKey(MeetingTable.id, ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class Interpreter(PersonName, Base):
    """An interpreter of an event; without hours available all the time.

    languages: pairs such as "en-ja", separated by commas. most_run_minutes: the longest run of
    meetings without a rest of one meeting's length. user_id: the login that sees the day's list.
    """

    __tablename__ = "meetings_interpreter"
    __table_args__ = (
        CheckConstraint("most_run_minutes IS NULL OR most_run_minutes >= 10", name="most_run"),
        UniqueConstraint("event_id", "user_id"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"), index=True)
    languages: Mapped[str] = mapped_column(String(60), default="en-ja")
    cleared_until: Mapped[date | None] = mapped_column(Date)
    most_run_minutes: Mapped[int | None] = mapped_column(default=60)
    user: Mapped[User | None] = relationship()
    hours: Mapped[list["InterpreterHours"]] = relationship(
        cascade="all, delete-orphan", order_by="InterpreterHours.starts_at"
    )

    @property
    def pairs(self) -> frozenset[frozenset[str]]:
        """Language pairs; the direction does not matter."""
        return frozenset(frozenset(pair.split("-")) for pair in self.languages.split(",") if "-" in pair)

    @property
    def audit_label(self) -> str:
        return self.name


class InterpreterHours(Base):
    """A stretch in which an interpreter works; UTC."""

    __tablename__ = "meetings_interpreter_hours"
    __table_args__ = (CheckConstraint("ends_at > starts_at", name="ends_after_start"),)

    id: Mapped[Key]
    interpreter_id: Mapped[int] = mapped_column(ForeignKey(Interpreter.id, ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class MeetingStretch(Base):
    """A stretch of an event's days that is cut into slots for scheduled meetings; breaks lie between.

    Slots begin every slot_minutes + gap_minutes from starts_at on, while they fit.
    """

    __tablename__ = "meetings_stretch"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("slot_minutes BETWEEN 10 AND 120 AND slot_minutes % 5 = 0", name="slot_minutes"),
        CheckConstraint("gap_minutes BETWEEN 0 AND 60 AND gap_minutes % 5 = 0", name="gap_minutes"),
        UniqueConstraint("event_id", "starts_at"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    slot_minutes: Mapped[int] = mapped_column(default=20)
    gap_minutes: Mapped[int] = mapped_column(default=0)

    @property
    def audit_label(self) -> str:
        return f"{self.starts_at:%Y-%m-%dT%H:%MZ}"


class OfficeHours(Base):
    """A stretch in which a rep takes meetings of slot_minutes each, published by the rep.

    direct: free slots can be booked at once, first come; else a request is answered first.
    """

    __tablename__ = "meetings_office_hours"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("slot_minutes BETWEEN 10 AND 120 AND slot_minutes % 5 = 0", name="slot_minutes"),
        Index(None, "event_id", "starts_at"),
        Index(None, "registration_id", "starts_at"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    registration_id: Mapped[int] = mapped_column(ForeignKey(Registration.id, ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    slot_minutes: Mapped[int] = mapped_column(default=20)
    direct: Mapped[bool] = mapped_column(default=False)
    note_en: Mapped[str] = mapped_column(String(500), default="")
    note_ja: Mapped[str] = mapped_column(String(500), default="")
    registration: Mapped[Registration] = relationship()

    @property
    def audit_label(self) -> str:
        return f"{self.starts_at:%Y-%m-%dT%H:%MZ}"


class Absence(Base):
    """A time at which a person takes no meetings, as they declared; the note is for organizers."""

    __tablename__ = "meetings_absence"
    __table_args__ = (CheckConstraint("ends_at > starts_at", name="ends_after_start"),)

    id: Mapped[Key]
    registration_id: Mapped[int] = mapped_column(ForeignKey(Registration.id, ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200), default="")
    registration: Mapped[Registration] = relationship()

    @property
    def audit_label(self) -> str:
        return f"{self.starts_at:%Y-%m-%dT%H:%MZ}"
