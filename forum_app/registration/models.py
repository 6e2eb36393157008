"""Participant types with seats, and the registrations with their states."""

import enum
import secrets
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Date,
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
from forum_app.events.models import Event
from forum_app.organizations.models import Organization


class ParticipantType(Base):
    """A kind of participant at an event. seats: None means no limit.

    seats_taken is raised and lowered only by one conditional UPDATE (queries/services), so that
    seats are never oversold; the check constraint holds it even against a faulty service.
    """

    __tablename__ = "registration_participant_type"
    __table_args__ = (
        CheckConstraint("seats_taken >= 0 AND (seats IS NULL OR seats_taken <= seats)", name="seats"),
        UniqueConstraint("event_id", "code"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    name_ja: Mapped[str] = mapped_column(String(200), default="")
    hint_en: Mapped[str] = mapped_column(String(500), default="")
    hint_ja: Mapped[str] = mapped_column(String(500), default="")
    seats: Mapped[int | None]
    seats_taken: Mapped[int] = mapped_column(default=0)
    needs_vetting: Mapped[bool] = mapped_column(default=True)
    by_invitation: Mapped[bool] = mapped_column(default=False)
    takes_meetings: Mapped[bool] = mapped_column(default=False)  # may be asked for meetings
    position: Mapped[int] = mapped_column(default=0)

    @property
    def audit_label(self) -> str:
        return self.code


class RegistrationState(enum.StrEnum):
    INVITED = "invited"
    APPLIED = "applied"
    IN_VETTING = "in_vetting"
    APPROVED = "approved"
    WAITLISTED = "waitlisted"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    CHECKED_IN = "checked_in"
    NO_SHOW = "no_show"


S = RegistrationState
STATE_LABELS = {
    S.INVITED: N_("Invited"),
    S.APPLIED: N_("Applied"),
    S.IN_VETTING: N_("In vetting"),
    S.APPROVED: N_("Approved"),
    S.WAITLISTED: N_("On the waitlist"),
    S.DECLINED: N_("Declined"),
    S.CANCELLED: N_("Cancelled"),
    S.CHECKED_IN: N_("Checked in"),
    S.NO_SHOW: N_("No-show"),
}
TRANSITIONS: dict[RegistrationState, frozenset[RegistrationState]] = {
    S.INVITED: frozenset({S.APPLIED, S.APPROVED, S.WAITLISTED, S.DECLINED, S.CANCELLED}),
    S.APPLIED: frozenset({S.IN_VETTING, S.APPROVED, S.WAITLISTED, S.DECLINED, S.CANCELLED}),
    S.IN_VETTING: frozenset({S.APPROVED, S.WAITLISTED, S.DECLINED, S.CANCELLED}),
    S.WAITLISTED: frozenset({S.APPROVED, S.IN_VETTING, S.DECLINED, S.CANCELLED}),
    S.APPROVED: frozenset({S.CHECKED_IN, S.CANCELLED, S.DECLINED, S.NO_SHOW}),
    S.CHECKED_IN: frozenset({S.APPROVED}),  # a mistaken check-in is taken back
    S.NO_SHOW: frozenset({S.CHECKED_IN}),  # came late after all
    S.DECLINED: frozenset({S.IN_VETTING}),  # a wrong decision is taken back
    S.CANCELLED: frozenset(),  # the person registers anew
}
SEATED = frozenset({S.APPROVED, S.CHECKED_IN, S.NO_SHOW})
ENDED = frozenset({S.DECLINED, S.CANCELLED})
ACTIVE = frozenset(S) - ENDED
_ACTIVE = text("state NOT IN ('DECLINED', 'CANCELLED')")


def registration_code() -> str:
    """Ticket secret: 16 characters without look-alikes, 80 bits."""
    alphabet = "ABCDEFGHJKMNPQRSTVWXYZ23456789AZ"
    return "".join([alphabet[byte % 32] for byte in secrets.token_bytes(16)])


class Registration(PersonName, Base):
    """The person at an event; one active registration per person and event."""

    __tablename__ = "registration_registration"
    __table_args__ = (
        Index(
            "uq_registration_active_user",
            "event_id",
            "user_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index(
            "uq_registration_active_email",
            "event_id",
            "email_key",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index(None, "event_id", "state"),
        Index(None, "organization_id"),
        Index(None, "user_id"),
        Index(None, "email_key"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    type_id: Mapped[int] = mapped_column(ForeignKey(ParticipantType.id), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey(Organization.id, ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    job_title_en: Mapped[str] = mapped_column(String(200), default="")
    job_title_ja: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(5), default="en")  # spoken, for interpreters
    needs: Mapped[str] = mapped_column(Text, default="")  # access, diet: organizers only
    listed: Mapped[bool] = mapped_column(default=False)  # in the directory of participants
    state: Mapped[RegistrationState] = mapped_column(
        Enum(RegistrationState, native_enum=False, length=20), default=S.APPLIED
    )
    state_reason: Mapped[str] = mapped_column(String(500), default="")  # told to the person
    vetting_note: Mapped[str] = mapped_column(Text, default="")  # never told to the person
    cleared_until: Mapped[date | None] = mapped_column(Date)  # set by vetting officers only
    code: Mapped[str] = mapped_column(String(20), unique=True, default=registration_code)
    consent_privacy_at: Mapped[datetime | None]
    consent_antitrust_at: Mapped[datetime | None]
    consent_photo_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]
    waitlisted_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    event: Mapped[Event] = relationship()
    type: Mapped[ParticipantType] = relationship()
    user: Mapped[User | None] = relationship()
    organization: Mapped[Organization | None] = relationship()
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.email
