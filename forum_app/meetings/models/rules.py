"""What an event allows: settings, limits and bars by kind of organization, and what each person states."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Enum, ForeignKey, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.db import Base, Key
from forum_app.events.models import Event
from forum_app.organizations.models import Kind, TechnologyArea
from forum_app.registration.models import Registration

profile_area = Table(
    "meetings_profile_area",
    Base.metadata,
    Column(
        "registration_id",
        ForeignKey("meetings_profile.registration_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("area_id", ForeignKey(TechnologyArea.id, ondelete="CASCADE"), primary_key=True, index=True),
)


class MeetingSettings(Base):
    """An event's rules for meetings; an event without a row has the defaults.

    interest_closes_at: after it no new requests; None: until the event ends. request_days: a request
    without an answer expires after so many days. walk_minutes: between two buildings.
    """

    __tablename__ = "meetings_settings"
    __table_args__ = (
        CheckConstraint("request_days BETWEEN 1 AND 60", name="request_days"),
        CheckConstraint("walk_minutes BETWEEN 0 AND 120", name="walk_minutes"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), primary_key=True)
    interest_closes_at: Mapped[datetime | None]
    request_days: Mapped[int] = mapped_column(default=10)
    walk_minutes: Mapped[int] = mapped_column(default=10)
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return "meetings"


class KindLimit(Base):
    """Limits of people from one kind of organization at an event; None: the event's default or none.

    most_requests: waiting at the same time. most_meetings, least_meetings: per person in a schedule.
    """

    __tablename__ = "meetings_kind_limit"
    __table_args__ = (
        CheckConstraint("most_requests IS NULL OR most_requests BETWEEN 0 AND 200", name="most_requests"),
        CheckConstraint("most_meetings IS NULL OR most_meetings BETWEEN 0 AND 200", name="most_meetings"),
        CheckConstraint("least_meetings IS NULL OR least_meetings BETWEEN 0 AND 200", name="least_meetings"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=30), primary_key=True)
    most_requests: Mapped[int | None]
    most_meetings: Mapped[int | None]
    least_meetings: Mapped[int | None]


class KindBar(Base):
    """Two kinds of organization that do not meet at an event; one <= other by value, kept once."""

    __tablename__ = "meetings_kind_bar"
    __table_args__ = (UniqueConstraint("event_id", "one", "other"),)

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    one: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=30))
    other: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=30))


class MeetingProfile(Base):
    """What a person looks for and asks of meetings; a person without a row asks nothing.

    wishes: needs in free text, seen in the directory. needs_statement, needs_clearance, closed_room: gates
    that the other side or the place must meet. export_statement: the person's own statement on what they
    show, made at export_stated_at. link: for remote meetings. paused: no new requests for now.
    """

    __tablename__ = "meetings_profile"
    __table_args__ = (
        CheckConstraint("most_meetings IS NULL OR most_meetings BETWEEN 0 AND 200", name="most_meetings"),
        CheckConstraint("(export_statement = '') = (export_stated_at IS NULL)", name="statement"),
    )

    registration_id: Mapped[int] = mapped_column(
        ForeignKey(Registration.id, ondelete="CASCADE"), primary_key=True
    )
    wishes_en: Mapped[str] = mapped_column(Text, default="")
    wishes_ja: Mapped[str] = mapped_column(Text, default="")
    most_meetings: Mapped[int | None]
    paused: Mapped[bool] = mapped_column(default=False)
    link: Mapped[str] = mapped_column(String(500), default="")
    needs_statement: Mapped[bool] = mapped_column(default=False)
    needs_clearance: Mapped[bool] = mapped_column(default=False)
    closed_room: Mapped[bool] = mapped_column(default=False)
    export_statement: Mapped[str] = mapped_column(String(1000), default="")
    export_stated_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    registration: Mapped[Registration] = relationship()
    wanted_areas: Mapped[list[TechnologyArea]] = relationship(
        secondary=profile_area, order_by=TechnologyArea.position
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return "profile"
