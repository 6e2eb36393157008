"""Participant types: what kinds of participant an event has, and how many of each."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.registration.models import ParticipantType, Registration
from forum_app.registration.permissions import can_manage_registrations
from forum_app.registration.services.states import lock_types, promote_waiting

CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NOT_ALLOWED = N_("You are not allowed to do this.")
FIELDS = (
    "code", "name_en", "name_ja", "hint_en", "hint_ja", "seats", "needs_vetting", "by_invitation",
    "takes_meetings", "position",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TypeDetails:
    """What an organizer states about a participant type. seats: None means no limit."""

    code: str
    name_en: str = ""
    name_ja: str = ""
    hint_en: str = ""
    hint_ja: str = ""
    seats: int | None = None
    needs_vetting: bool = True
    by_invitation: bool = False
    takes_meetings: bool = False
    position: int = 0


def create_type(*, actor: User, event: Event, details: TypeDetails, now: datetime) -> ParticipantType:
    """Add a participant type; Invalid(field="code") when the event has one of that code."""
    kind = ParticipantType(event_id=event.id)
    _allow(actor, event)
    _write(kind, details)
    db.session.add(kind)
    _flush()
    record(
        actor=actor, action="registration.type_created", subject=kind, event_id=event.id, now=now,
        detail={"seats": kind.seats},
    )  # fmt: skip
    return kind


def update_type(
    *, actor: User, event: Event, kind: ParticipantType, details: TypeDetails, now: datetime
) -> ParticipantType:
    """Change a participant type; new seats go to the waitlist at once.

    Invalid(field="seats") when more seats are taken than would be left.
    """
    _allow(actor, event)
    lock_types(kind.id)
    db.session.refresh(kind)
    if details.seats is not None and details.seats < kind.seats_taken:
        raise Invalid(
            N_("%(taken)s seats are taken already; there cannot be fewer."),
            field="seats",
            taken=kind.seats_taken,
        )
    before = kind.seats
    _write(kind, details)
    _flush()
    record(
        actor=actor, action="registration.type_changed", subject=kind, event_id=event.id, now=now,
        detail={"seats": kind.seats, "seats_before": before},
    )  # fmt: skip
    if before is not None and (kind.seats is None or kind.seats > before):
        promote_waiting(type_id=kind.id, now=now)
    return kind


def delete_type(*, actor: User, event: Event, kind: ParticipantType, now: datetime) -> None:
    """Remove a participant type that nobody ever registered as."""
    _allow(actor, event)
    lock_types(kind.id)
    used = db.session.scalar(
        select(func.count()).select_from(Registration).where(Registration.type_id == kind.id)
    )
    if used:
        raise Conflict(N_("People have registered as this participant type; it cannot be removed."))
    record(actor=actor, action="registration.type_deleted", subject=kind, event_id=event.id, now=now)
    try:
        db.session.execute(delete(ParticipantType).where(ParticipantType.id == kind.id))
    except IntegrityError as error:
        raise Conflict(
            N_("People have registered as this participant type; it cannot be removed.")
        ) from error


def _allow(actor: User, event: Event) -> None:
    if not can_manage_registrations(actor, event):
        raise PermissionDenied(NOT_ALLOWED)


def _write(kind: ParticipantType, details: TypeDetails) -> None:
    if not (details.name_en or details.name_ja):
        raise Invalid(N_("Give a name in at least one language."), field="name_en")
    if not CODE.fullmatch(details.code):
        raise Invalid(N_("Lower-case letters, digits and hyphens only."), field="code")
    for name in FIELDS:
        setattr(kind, name, getattr(details, name))


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_registration_participant_type_event_id_code"):
            raise Invalid(N_("This event has a participant type of this code."), field="code") from error
        if "seats" in str(error.orig):
            raise Invalid(
                N_("More seats are taken already; there cannot be fewer."), field="seats"
            ) from error
        raise
