"""Interest: who wishes to meet whom. A request holds no slot until a meeting is made of it."""

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event
from forum_app.registration.models import Registration


class RequestState(enum.StrEnum):
    """agreed: both wish to meet and wait for a time. accepted: a meeting was made of it."""

    PENDING = "pending"
    AGREED = "agreed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


R = RequestState
REQUEST_LABELS = {
    R.PENDING: N_("Waiting for an answer"),
    R.AGREED: N_("Mutual interest"),
    R.ACCEPTED: N_("Accepted"),
    R.DECLINED: N_("Request declined"),
    R.WITHDRAWN: N_("Withdrawn"),
    R.EXPIRED: N_("Expired"),
}
REQUEST_TRANSITIONS: dict[RequestState, frozenset[RequestState]] = {
    R.PENDING: frozenset({R.AGREED, R.ACCEPTED, R.DECLINED, R.WITHDRAWN, R.EXPIRED}),
    R.AGREED: frozenset({R.ACCEPTED, R.DECLINED, R.WITHDRAWN, R.EXPIRED}),
    # its meeting was cancelled, or a schedule published anew left it out
    R.ACCEPTED: frozenset({R.PENDING, R.AGREED, R.WITHDRAWN, R.DECLINED}),
    R.DECLINED: frozenset(),
    R.WITHDRAWN: frozenset(),
    R.EXPIRED: frozenset(),
}


class Priority(enum.StrEnum):
    MUST = "must"
    WANT = "want"


PRIORITY_LABELS = {Priority.MUST: N_("Must have"), Priority.WANT: N_("Would like")}


class MeetingFormat(enum.StrEnum):
    IN_PERSON = "in_person"
    REMOTE = "remote"


FORMAT_LABELS = {MeetingFormat.IN_PERSON: N_("In person"), MeetingFormat.REMOTE: N_("Remote")}
_OPEN = text("state IN ('PENDING', 'AGREED', 'ACCEPTED')")


class MeetingRequest(Base):
    """One person asks another for a meeting; it holds no slot until it is accepted.

    team: the meeting may be with whoever of the host's organization is free; host is then who was
    addressed first. host_priority: the host's own wish, once they answered. expires_at: when a waiting
    one ends without an answer; reminded_at: when the host was reminded of it.
    """

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
    team: Mapped[bool] = mapped_column(default=False)
    topic: Mapped[str] = mapped_column(String(500))
    message: Mapped[str] = mapped_column(Text, default="")
    priority: Mapped[Priority] = mapped_column(Enum(Priority, native_enum=False, length=20))
    host_priority: Mapped[Priority | None] = mapped_column(Enum(Priority, native_enum=False, length=20))
    format: Mapped[MeetingFormat] = mapped_column(
        Enum(MeetingFormat, native_enum=False, length=20), default=MeetingFormat.IN_PERSON
    )
    needs_interpreter: Mapped[bool] = mapped_column(default=False)
    state: Mapped[RequestState] = mapped_column(
        Enum(RequestState, native_enum=False, length=20), default=R.PENDING
    )
    answer: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    reminded_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    asker: Mapped[Registration] = relationship(foreign_keys=[asker_id])
    host: Mapped[Registration] = relationship(foreign_keys=[host_id])
    __mapper_args__ = {"version_id_col": version}

    @property
    def is_mutual(self) -> bool:
        """Whether both sides have said that they wish to meet."""
        return self.state in (RequestState.AGREED, RequestState.ACCEPTED)

    @property
    def audit_label(self) -> str:
        return self.topic


class NoThanks(Base):
    """A person does not wish to meet another; the other side is not told."""

    __tablename__ = "meetings_no_thanks"
    __table_args__ = (CheckConstraint("registration_id <> other_id", name="two_people"),)

    registration_id: Mapped[int] = mapped_column(
        ForeignKey(Registration.id, ondelete="CASCADE"), primary_key=True
    )
    other_id: Mapped[int] = mapped_column(
        ForeignKey(Registration.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[datetime]
