"""Series, editions, places, tracks, and who works on an event."""

import enum
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Date, Enum, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.core.text import N_
from forum_app.db import Base, Key


class Series(Base):
    """A row of editions: U.S.-Japan Technology Forum, DICAS Forum ..."""

    __tablename__ = "events_series"

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(200), default="")
    name_ja: Mapped[str] = mapped_column(String(200), default="")

    @property
    def audit_label(self) -> str:
        return self.name_en or self.name_ja


class Visibility(enum.StrEnum):
    """public: listed. unlisted: who has the address. closed: only people of the event know of it."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    CLOSED = "closed"


VISIBILITY_LABELS = {
    Visibility.PUBLIC: N_("Public"),
    Visibility.UNLISTED: N_("Unlisted"),
    Visibility.CLOSED: N_("Closed"),
}


class RegistrationWindow(enum.StrEnum):
    """Whether the doors of the registration are open; seats are another matter."""

    NOT_ANNOUNCED = "not_announced"
    NOT_YET = "not_yet"
    OPEN = "open"
    CLOSED = "closed"


class Event(Base):
    """One edition. Days are in its own zone; instants are UTC."""

    __tablename__ = "events_event"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="days_in_order"),
        CheckConstraint(
            "registration_opens_at IS NULL OR registration_closes_at IS NULL"
            " OR registration_closes_at > registration_opens_at",
            name="registration_window",
        ),
    )

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    series_id: Mapped[int | None] = mapped_column(ForeignKey(Series.id), index=True)
    edition: Mapped[int | None]
    title_en: Mapped[str] = mapped_column(String(500), default="")
    title_ja: Mapped[str] = mapped_column(String(500), default="")
    summary_en: Mapped[str] = mapped_column(Text, default="")
    summary_ja: Mapped[str] = mapped_column(Text, default="")
    timezone: Mapped[str] = mapped_column(String(60))
    second_timezone: Mapped[str | None] = mapped_column(String(60))
    starts_on: Mapped[date] = mapped_column(Date, index=True)
    ends_on: Mapped[date] = mapped_column(Date)
    venue_en: Mapped[str] = mapped_column(String(200), default="")
    venue_ja: Mapped[str] = mapped_column(String(200), default="")
    address_en: Mapped[str] = mapped_column(String(500), default="")
    address_ja: Mapped[str] = mapped_column(String(500), default="")
    visibility: Mapped[Visibility] = mapped_column(
        Enum(Visibility, native_enum=False, length=20), default=Visibility.PUBLIC
    )
    published_at: Mapped[datetime | None]
    registration_opens_at: Mapped[datetime | None]
    registration_closes_at: Mapped[datetime | None]
    antitrust_en: Mapped[str] = mapped_column(Text, default="")
    antitrust_ja: Mapped[str] = mapped_column(Text, default="")
    privacy_en: Mapped[str] = mapped_column(Text, default="")
    privacy_ja: Mapped[str] = mapped_column(Text, default="")
    photo_en: Mapped[str] = mapped_column(Text, default="")
    photo_ja: Mapped[str] = mapped_column(Text, default="")
    own_words: Mapped[bool] = mapped_column(default=False)  # some of its mails are in its organizers' words
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    series: Mapped[Series | None] = relationship()
    __mapper_args__ = {"version_id_col": version}

    @property
    def is_published(self) -> bool:
        return self.published_at is not None

    @property
    def over_at(self) -> datetime:
        """The midnight after the last day in the event's zone, as a UTC instant."""
        midnight = datetime.combine(self.ends_on + timedelta(days=1), time(), ZoneInfo(self.timezone))
        return midnight.astimezone(UTC)

    def registration_window(self, now: datetime) -> RegistrationWindow:
        """State of the window at now. With only one end set, the other end is open; it never
        outlasts the event."""
        opens, closes = self.registration_opens_at, self.registration_closes_at
        if now >= self.over_at or (closes is not None and now >= closes):
            return RegistrationWindow.CLOSED
        if opens is None and closes is None:
            return RegistrationWindow.NOT_ANNOUNCED
        if opens is not None and now < opens:
            return RegistrationWindow.NOT_YET
        return RegistrationWindow.OPEN

    @property
    def audit_label(self) -> str:
        return self.slug


class Room(Base):
    """A room of the venue for one event. capacity: seats, None if not limited."""

    __tablename__ = "events_room"
    __table_args__ = (UniqueConstraint("event_id", "name_en", "name_ja"),)

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    name_en: Mapped[str] = mapped_column(String(200), default="")
    name_ja: Mapped[str] = mapped_column(String(200), default="")
    building: Mapped[str] = mapped_column(String(100), default="")  # "": the venue's only one
    floor: Mapped[str] = mapped_column(String(60), default="")
    capacity: Mapped[int | None]
    position: Mapped[int] = mapped_column(default=0)

    @property
    def audit_label(self) -> str:
        return self.name_en or self.name_ja


class Track(Base):
    """A thread of the agenda. color: 1..8, one of the theme's track colours."""

    __tablename__ = "events_track"
    __table_args__ = (
        UniqueConstraint("event_id", "name_en", "name_ja"),
        CheckConstraint("color BETWEEN 1 AND 8", name="color"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    name_en: Mapped[str] = mapped_column(String(200), default="")
    name_ja: Mapped[str] = mapped_column(String(200), default="")
    color: Mapped[int] = mapped_column(default=1)
    position: Mapped[int] = mapped_column(default=0)

    @property
    def audit_label(self) -> str:
        return self.name_en or self.name_ja


class EventRole(enum.StrEnum):
    ORGANIZER = "organizer"
    VETTING_OFFICER = "vetting_officer"
    PITCH_REVIEWER = "pitch_reviewer"
    CHECK_IN_STAFF = "check_in_staff"


ROLE_LABELS = {
    EventRole.ORGANIZER: N_("Organizer"),
    EventRole.VETTING_OFFICER: N_("Vetting officer"),
    EventRole.PITCH_REVIEWER: N_("Pitch reviewer"),
    EventRole.CHECK_IN_STAFF: N_("Check-in staff"),
}


class RoleGrant(Base):
    """A role of a person at one event."""

    __tablename__ = "events_role_grant"
    __table_args__ = (UniqueConstraint("event_id", "user_id", "role"),)

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    role: Mapped[EventRole] = mapped_column(Enum(EventRole, native_enum=False, length=30))
    granted_at: Mapped[datetime]
    user: Mapped[User] = relationship()
    event: Mapped[Event] = relationship()

    @property
    def audit_label(self) -> str:
        return self.role.value
