"""Office hours, requests, meetings, and the claims that make double use impossible."""

import enum
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import PersonName, User
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event, Room
from forum_app.registration.models import Registration

GRID_MINUTES = 5  # a claim is one cell of this length; meetings start and end on the grid


class MeetingTable(Base):
    """A table (or booth) where meetings are held."""

    __tablename__ = "meetings_table"
    __table_args__ = (UniqueConstraint("event_id", "label"),)

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(String(40))
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id, ondelete="SET NULL"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    room: Mapped[Room | None] = relationship()

    @property
    def audit_label(self) -> str:
        return self.label


class Interpreter(PersonName, Base):
    """An interpreter of an event. languages: pair such as "en-ja"."""

    __tablename__ = "meetings_interpreter"

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    languages: Mapped[str] = mapped_column(String(20), default="en-ja")

    @property
    def audit_label(self) -> str:
        return self.name


class OfficeHours(Base):
    """A stretch in which a rep takes meetings of slot_minutes each, published by the rep."""

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
    note_en: Mapped[str] = mapped_column(String(500), default="")
    note_ja: Mapped[str] = mapped_column(String(500), default="")
    registration: Mapped[Registration] = relationship()

    @property
    def audit_label(self) -> str:
        return f"{self.starts_at:%Y-%m-%dT%H:%MZ}"


class RequestState(enum.StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


R = RequestState
REQUEST_LABELS = {
    R.PENDING: N_("Waiting for an answer"),
    R.ACCEPTED: N_("Accepted"),
    R.DECLINED: N_("Request declined"),
    R.WITHDRAWN: N_("Withdrawn"),
    R.EXPIRED: N_("Expired"),
}
REQUEST_TRANSITIONS: dict[RequestState, frozenset[RequestState]] = {
    R.PENDING: frozenset({R.ACCEPTED, R.DECLINED, R.WITHDRAWN, R.EXPIRED}),
    R.ACCEPTED: frozenset({R.PENDING, R.WITHDRAWN, R.DECLINED}),  # its meeting was cancelled
    R.DECLINED: frozenset(),
    R.WITHDRAWN: frozenset(),
    R.EXPIRED: frozenset(),
}


class Priority(enum.StrEnum):
    MUST = "must"
    WANT = "want"


PRIORITY_LABELS = {Priority.MUST: N_("Must have"), Priority.WANT: N_("Would like")}
_OPEN = text("state IN ('PENDING', 'ACCEPTED')")


class MeetingRequest(Base):
    """One person asks another for a meeting; it holds no slot until it is accepted."""

    __tablename__ = "meetings_request"
    __table_args__ = (
        Index(
            "uq_meetings_request_open",
            "asker_id",
            "host_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        CheckConstraint("asker_id <> host_id", name="two_people"),
        Index(None, "host_id", "state"),
        Index(None, "event_id", "state"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    asker_id: Mapped[int] = mapped_column(ForeignKey(Registration.id, ondelete="CASCADE"))
    host_id: Mapped[int] = mapped_column(ForeignKey(Registration.id, ondelete="CASCADE"))
    topic: Mapped[str] = mapped_column(String(500))
    message: Mapped[str] = mapped_column(Text, default="")
    priority: Mapped[Priority] = mapped_column(Enum(Priority, native_enum=False, length=20))
    needs_interpreter: Mapped[bool] = mapped_column(default=False)
    state: Mapped[RequestState] = mapped_column(
        Enum(RequestState, native_enum=False, length=20), default=R.PENDING
    )
    answer: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    asker: Mapped[Registration] = relationship(foreign_keys=[asker_id])
    host: Mapped[Registration] = relationship(foreign_keys=[host_id])
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.topic


class MeetingStatus(enum.StrEnum):
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Meeting(Base):
    """A meeting that has a time and a table. sequence: iCalendar, raised with time, place, status."""

    __tablename__ = "meetings_meeting"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index(None, "event_id", "starts_at"),
        Index(None, "request_id"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey(MeetingRequest.id, ondelete="SET NULL"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    table_id: Mapped[int | None] = mapped_column(ForeignKey(MeetingTable.id), index=True)
    interpreter_id: Mapped[int | None] = mapped_column(ForeignKey(Interpreter.id), index=True)
    topic: Mapped[str] = mapped_column(String(500))
    status: Mapped[MeetingStatus] = mapped_column(
        Enum(MeetingStatus, native_enum=False, length=20), default=MeetingStatus.CONFIRMED
    )
    cancelled_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    cancel_reason: Mapped[str] = mapped_column(String(500), default="")
    uid: Mapped[str] = mapped_column(String(255), unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    event: Mapped[Event] = relationship()
    table: Mapped[MeetingTable | None] = relationship()
    interpreter: Mapped[Interpreter | None] = relationship()
    request: Mapped[MeetingRequest | None] = relationship()
    participants: Mapped[list["MeetingParticipant"]] = relationship(
        back_populates="meeting", cascade="all, delete-orphan"
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.topic


class MeetingRole(enum.StrEnum):
    HOST = "host"
    GUEST = "guest"


class MeetingParticipant(Base):
    __tablename__ = "meetings_participant"

    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id, ondelete="CASCADE"), primary_key=True)
    registration_id: Mapped[int] = mapped_column(
        ForeignKey(Registration.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[MeetingRole] = mapped_column(Enum(MeetingRole, native_enum=False, length=10))
    meeting: Mapped[Meeting] = relationship(back_populates="participants")
    registration: Mapped[Registration] = relationship()


class ResourceKind(enum.StrEnum):
    PERSON = "person"  # resource_id is a User id, so that two events cannot use one person twice
    TABLE = "table"
    INTERPRETER = "interpreter"


class Claim(Base):
    """One resource is used in one cell of GRID_MINUTES by one meeting; the primary key is the invariant."""

    __tablename__ = "meetings_claim"

    resource_kind: Mapped[ResourceKind] = mapped_column(
        Enum(ResourceKind, native_enum=False, length=20), primary_key=True
    )
    resource_id: Mapped[int] = mapped_column(primary_key=True)
    slot_at: Mapped[datetime] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id, ondelete="CASCADE"), index=True)
