"""Which reminders a person chose, and which ones went."""

import enum
from datetime import datetime, timedelta

from sqlalchemy import JSON, Enum, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from forum_app.accounts.models import User
from forum_app.core.text import N_
from forum_app.db import Base


class Subject(enum.StrEnum):
    """What one is reminded of: an event, one's meetings there, agenda items (spoken at or chosen)."""

    EVENT = "event"
    MEETING = "meeting"
    ITEM = "item"


SUBJECT_LABELS = {
    Subject.EVENT: N_("The event itself"),
    Subject.MEETING: N_("My meetings"),
    Subject.ITEM: N_("Agenda items where I speak or that I chose"),
}


class Lead(enum.StrEnum):
    """How long before."""

    WEEK = "week"
    DAY = "day"
    HOUR = "hour"


LEADS = {Lead.WEEK: timedelta(days=7), Lead.DAY: timedelta(days=1), Lead.HOUR: timedelta(hours=1)}
LEAD_LABELS = {Lead.WEEK: N_("A week before"), Lead.DAY: N_("A day before"), Lead.HOUR: N_("An hour before")}
# An event begins on a day, not at an hour.
OFFERED = {
    Subject.EVENT: (Lead.WEEK, Lead.DAY),
    Subject.MEETING: (Lead.WEEK, Lead.DAY, Lead.HOUR),
    Subject.ITEM: (Lead.WEEK, Lead.DAY, Lead.HOUR),
}
# Of those who did not choose.
USUAL = {
    Subject.EVENT: (Lead.WEEK, Lead.DAY),
    Subject.MEETING: (Lead.DAY,),
    Subject.ITEM: (),
}


class ReminderChoice(Base):
    """What one person chose. wanted: {"meeting": ["day", "hour"], ...}; no row: USUAL."""

    __tablename__ = "reminders_choice"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    wanted: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)
    changed_at: Mapped[datetime]


class SentReminder(Base):
    """A reminder that went. With the start in the key, a thing that moved may be reminded of again."""

    __tablename__ = "reminders_sent"
    __table_args__ = (Index(None, "starts_at"),)

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    subject: Mapped[Subject] = mapped_column(Enum(Subject, native_enum=False, length=10), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    lead: Mapped[Lead] = mapped_column(Enum(Lead, native_enum=False, length=10), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
