"""People's other calendars, as far as the forum keeps them: when they are busy on the event's days."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.db import Base, Key
from forum_app.registration.models import Registration

MOST_ADDRESS = 2000


class Kind(enum.StrEnum):
    """How a calendar came."""

    UPLOAD = "upload"
    SUBSCRIPTION = "subscription"


class OtherCalendar(Base):
    """One calendar of a person at an event. Neither the file nor a word of it is kept.

    address: of a subscription; a secret, never shown again, logged or put into the audit trail. host: the
    part of it that may be. zone: IANA, in which its floating times and days were read. read_from, read_to:
    the window it was read for. problem, cut: sentences marked with N_, with their params; problem: why the
    last reading failed; cut: what the last good one left out. failures: in a row. etag, modified: of the
    last good answer.
    """

    __tablename__ = "freebusy_calendar"
    __table_args__ = (
        CheckConstraint("(kind = 'SUBSCRIPTION') = (address <> '')", name="address_of_subscription"),
        Index("ix_freebusy_calendar_next_read_at", "next_read_at"),
    )

    id: Mapped[Key]
    registration_id: Mapped[int] = mapped_column(ForeignKey(Registration.id, ondelete="CASCADE"), index=True)
    kind: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=20))
    address: Mapped[str] = mapped_column(String(MOST_ADDRESS), default="")
    host: Mapped[str] = mapped_column(String(253), default="")
    zone: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    read_from: Mapped[datetime | None]
    read_to: Mapped[datetime | None]
    next_read_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(String(300), default="")
    problem_params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    cut: Mapped[str] = mapped_column(String(300), default="")
    cut_params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    etag: Mapped[str] = mapped_column(String(200), default="")
    modified: Mapped[str] = mapped_column(String(200), default="")
    registration: Mapped[Registration] = relationship()

    @property
    def audit_label(self) -> str:
        return str(self.kind)  # never the address: the trail outlives it


class OtherBusy(Base):
    """One time at which a person is busy, by one of their other calendars."""

    __tablename__ = "freebusy_busy"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index("ix_freebusy_busy_registration_id_starts_at", "registration_id", "starts_at"),
    )

    id: Mapped[Key]
    calendar_id: Mapped[int] = mapped_column(ForeignKey(OtherCalendar.id, ondelete="CASCADE"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey(Registration.id, ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
