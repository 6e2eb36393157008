"""Invitations by mail (RFC 5546): what was sent to whom last, what they answered, who wants none."""

import enum
import secrets
from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.core.ical import Participation
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event
from forum_app.meetings.models import Meeting

# lower case, since the local part of an address may lose its case on the way
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
SECRET_LENGTH = 26  # 130 bits

ANSWER_LABELS = {
    Participation.NEEDS_ACTION: N_("No answer yet"),
    Participation.ACCEPTED: N_("Will come"),
    Participation.TENTATIVE: N_("Perhaps"),
    Participation.DECLINED: N_("Will not come"),
}


def new_secret() -> str:
    """What an answer must bring back: part of the organizer's address in one person's invitation."""
    return "".join(secrets.choice(LETTERS) for _ in range(SECRET_LENGTH))


class Invitation(Base):
    """One person and one entry of their calendar: a meeting, or an item at which they speak.

    sequence, stamp, method: of the last message (SEQUENCE, DTSTAMP, METHOD). placed and shown: digests of
    when and where it is, and of all that was shown; an equal one means that there is nothing to send.
    starts_at and ends_at: as last sent. participation: the answer to this sequence; answer_stamp: DTSTAMP
    of that answer.
    """

    __tablename__ = "invitations_invitation"
    __table_args__ = (
        UniqueConstraint("user_id", "uid"),
        CheckConstraint("sequence >= 0", name="sequence"),
        Index(None, "event_id", "method"),
        Index(None, "meeting_id"),
        Index(None, "item_id"),
    )

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(255))
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey(Meeting.id, ondelete="SET NULL"))
    item_id: Mapped[int | None]  # named, not referenced: published items outlive their rows
    address: Mapped[str] = mapped_column(String(320))
    secret: Mapped[str] = mapped_column(String(40), unique=True, default=new_secret)
    method: Mapped[str] = mapped_column(String(20))
    sequence: Mapped[int]
    stamp: Mapped[datetime]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    summary: Mapped[str] = mapped_column(String(1000))
    placed: Mapped[str] = mapped_column(String(64))
    shown: Mapped[str] = mapped_column(String(64))
    participation: Mapped[Participation] = mapped_column(
        Enum(Participation, native_enum=False, length=20), default=Participation.NEEDS_ACTION
    )
    answered_at: Mapped[datetime | None]
    answer_stamp: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    user: Mapped[User] = relationship()
    event: Mapped[Event] = relationship()
    meeting: Mapped[Meeting | None] = relationship()
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.summary


class NoteKind(enum.StrEnum):
    """What came back for an invitation besides a plain yes or maybe."""

    COMMENT = "comment"
    DECLINED = "declined"
    COUNTER = "counter"
    DELEGATED = "delegated"
    OTHER = "other"


NOTE_LABELS = {
    NoteKind.COMMENT: N_("Comment"),
    NoteKind.DECLINED: N_("Will not come"),
    NoteKind.COUNTER: N_("Proposes another time"),
    NoteKind.DELEGATED: N_("Wishes to send somebody else"),
    NoteKind.OTHER: N_("Other message"),
}


class Note(Base):
    """Words or a wish that came with an answer, for the organizers; it changes nothing by itself."""

    __tablename__ = "invitations_note"

    id: Mapped[Key]
    invitation_id: Mapped[int] = mapped_column(ForeignKey(Invitation.id, ondelete="CASCADE"), index=True)
    kind: Mapped[NoteKind] = mapped_column(Enum(NoteKind, native_enum=False, length=20))
    text: Mapped[str] = mapped_column(String(1000), default="")
    starts_at: Mapped[datetime | None]  # what was proposed
    ends_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    invitation: Mapped[Invitation] = relationship()


class Refusal(Base):
    """A person who wants no invitations by mail, only the feed."""

    __tablename__ = "invitations_refusal"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]


class Pass(Base):
    """What the periodic job has seen of an event; locked while it works there, so that two jobs take turns.

    seen: digest of the event's state at the last pass, that of one without changes is not gone through again.
    checked_at: when all of it was compared last.
    """

    __tablename__ = "invitations_pass"

    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), primary_key=True)
    seen: Mapped[str] = mapped_column(String(64), default="")
    checked_at: Mapped[datetime]
