"""Meetings that have a time and a place, and the claims that make double use impossible."""

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event
from forum_app.meetings.models.requests import MeetingFormat, MeetingRequest
from forum_app.meetings.models.resources import Interpreter, MeetingTable
from forum_app.registration.models import Registration


class MeetingStatus(enum.StrEnum):
    """no_show: somebody did not come, so it was not held; its table and people are free again."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


MEETING_STATUS_LABELS = {
    MeetingStatus.CONFIRMED: N_("Confirmed"),
    MeetingStatus.CANCELLED: N_("Cancelled"),
    MeetingStatus.NO_SHOW: N_("Not held"),
}


class MeetingOrigin(enum.StrEnum):
    """How a meeting came about: answered or booked directly, by a published schedule, by hand, or
    into time that somebody else freed."""

    DIRECT = "direct"
    SCHEDULE = "schedule"
    ORGANIZER = "organizer"
    REFILL = "refill"


class Meeting(Base):
    """A meeting that has a time and a table. sequence: iCalendar, raised with time, place, status.

    Two people or more (a group). Remote ones have a link and no table. pinned: a schedule run leaves
    it where it is. closed: only at a table in a closed room.
    """

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
    format: Mapped[MeetingFormat] = mapped_column(
        Enum(MeetingFormat, native_enum=False, length=20), default=MeetingFormat.IN_PERSON
    )
    link: Mapped[str] = mapped_column(String(500), default="")
    closed: Mapped[bool] = mapped_column(default=False)
    pinned: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[MeetingOrigin] = mapped_column(
        Enum(MeetingOrigin, native_enum=False, length=20), default=MeetingOrigin.DIRECT
    )
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
    """One person in a meeting, and whether they came."""

    __tablename__ = "meetings_participant"

    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id, ondelete="CASCADE"), primary_key=True)
    registration_id: Mapped[int] = mapped_column(
        ForeignKey(Registration.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[MeetingRole] = mapped_column(Enum(MeetingRole, native_enum=False, length=10))
    arrived_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]  # marked as not come
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
