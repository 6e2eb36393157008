"""Freed time on the day, offered to two people who both wish to meet."""

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.db import Base, Key
from forum_app.events.models import Event
from forum_app.meetings.models import Interpreter, Meeting, MeetingRequest, MeetingTable


class OfferState(enum.StrEnum):
    """lapsed: not taken in time, or one of the two was booked otherwise."""

    OPEN = "open"
    TAKEN = "taken"
    DECLINED = "declined"
    LAPSED = "lapsed"


_OPEN = text("state = 'OPEN'")


class Offer(Base):
    """Freed time offered to a waiting mutual interest; both sides must take it before it lapses.

    It holds no slot: the claims decide when it is taken. One open offer per request and per freed meeting.
    """

    __tablename__ = "floor_offer"
    __table_args__ = (
        Index(
            "uq_floor_offer_request", "request_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        ),
        Index("uq_floor_offer_freed", "freed_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "event_id", "state"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    request_id: Mapped[int] = mapped_column(ForeignKey(MeetingRequest.id, ondelete="CASCADE"))
    freed_id: Mapped[int | None] = mapped_column(ForeignKey(Meeting.id, ondelete="SET NULL"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    table_id: Mapped[int | None] = mapped_column(ForeignKey(MeetingTable.id, ondelete="CASCADE"), index=True)
    interpreter_id: Mapped[int | None] = mapped_column(
        ForeignKey(Interpreter.id, ondelete="CASCADE"), index=True
    )
    state: Mapped[OfferState] = mapped_column(
        Enum(OfferState, native_enum=False, length=20), default=OfferState.OPEN
    )
    asker_took_at: Mapped[datetime | None]
    host_took_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    request: Mapped[MeetingRequest] = relationship()
    table: Mapped[MeetingTable | None] = relationship()
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return f"{self.starts_at:%Y-%m-%dT%H:%MZ}"
