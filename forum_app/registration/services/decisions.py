"""What vetting officers and organizers decide about other people's registrations."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from forum_app.accounts.models import User
from forum_app.accounts.queries import email_key, find_user_by_email
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.registration.models import (
    SEATED,
    TRANSITIONS,
    Registration,
    RegistrationState,
)
from forum_app.registration.permissions import (
    can_manage_registrations,
    can_vet,
    forget_states,
    is_over,
)
from forum_app.registration.queries import get_type
from forum_app.registration.services.states import (
    change_state,
    lock_types,
    promote_waiting,
    release_seat,
    send,
    take_seat,
)

S = RegistrationState
# What officers may bring a registration into; registering and checking in have their own services.
DECISIONS = (S.APPROVED, S.WAITLISTED, S.IN_VETTING, S.DECLINED, S.CANCELLED)
MOST_AT_ONCE = 200
NOT_ALLOWED = N_("You are not allowed to do this.")


def possible_decisions(user: Any, event: Event, registration: Registration) -> tuple[RegistrationState, ...]:
    """What user may decide now about a registration, in the order of the buttons."""
    if not can_vet(user, event) or registration.state in (S.CHECKED_IN, S.NO_SHOW):
        return ()
    organizer = can_manage_registrations(user, event)
    if registration.user_id == user.id and not organizer:
        return ()
    allowed = TRANSITIONS[registration.state]
    if registration.state == S.INVITED:  # an invitation is for its owner to take; it can be withdrawn
        return (S.CANCELLED,) if organizer else ()
    return tuple(state for state in DECISIONS if state in allowed and (organizer or state != S.CANCELLED))


def decide(
    *,
    actor: User,
    registration: Registration,
    to: RegistrationState,
    now: datetime,
    reason: str = "",
    note: str | None = None,
    cleared_until: date | None = None,
    keep_clearance: bool = True,
    version: int | None = None,
) -> RegistrationState:
    """Decide about a registration; returns the state it got (the waitlist when no seat was free).

    reason is told to the person and needed to decline. note replaces the internal note unless None;
    cleared_until replaces the clearance unless keep_clearance. version: of the row the officer
    saw; Conflict if somebody decided meanwhile.
    """
    event = registration.event
    check_version(registration, version)
    if not can_vet(actor, event):
        raise PermissionDenied(NOT_ALLOWED)
    if registration.user_id == actor.id and not can_manage_registrations(actor, event):
        raise PermissionDenied(N_("Nobody decides about their own registration. Ask another officer."))
    if to not in possible_decisions(actor, event, registration):
        raise Conflict(N_("This is not possible any more: the registration has moved on. Look at it again."))
    if to == S.DECLINED and not reason:
        raise Invalid(N_("Give a reason. The person reads it in the mail."), field="reason")
    if note is not None:
        registration.vetting_note = note
    if not keep_clearance:
        registration.cleared_until = cleared_until
    try:
        result = change_state(actor=actor, registration=registration, to=to, now=now, reason=reason)
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_registration_active_user") or violated(error, "uq_registration_active_email"):
            raise Conflict(N_("The person has registered anew meanwhile. Decide about that one.")) from error
        raise
    return result


def check_version(registration: Registration, version: int | None) -> None:
    """Raise Conflict, saying how things stand, when the row is not the one that was looked at."""
    if version is not None and registration.version != version:
        raise Conflict(N_("Somebody else changed this registration meanwhile. Look at it again and decide."))


def approve_all(
    *, actor: User, event: Event, registration_ids: Sequence[int], now: datetime
) -> Counter[RegistrationState | None]:
    """Approve those of the registrations that can be; counts by the state they got.

    None counts those left as they were, because they had moved on or are the officer's own.
    """
    if not can_vet(actor, event):
        raise PermissionDenied(NOT_ALLOWED)
    rows = db.session.scalars(
        select(Registration)
        .where(Registration.event_id == event.id, Registration.id.in_(registration_ids[:MOST_AT_ONCE]))
        .options(
            joinedload(Registration.type),
            joinedload(Registration.user),
            joinedload(Registration.organization),
        )
        .order_by(Registration.created_at, Registration.id)
    ).all()
    lock_types(*{row.type_id for row in rows})
    result: Counter[RegistrationState | None] = Counter()
    for row in rows:
        # who is on the waitlist is approved when a seat is free, first come first served
        if row.state == S.WAITLISTED or S.APPROVED not in possible_decisions(actor, event, row):
            result[None] += 1
            continue
        result[change_state(actor=actor, registration=row, to=S.APPROVED, now=now)] += 1
    return result


def note_vetting(
    *,
    actor: User,
    registration: Registration,
    note: str,
    cleared_until: date | None,
    version: int | None,
    now: datetime,
) -> None:
    """Keep an internal note and until when the person is cleared (a day; None: not cleared)."""
    check_version(registration, version)
    if not can_vet(actor, registration.event):
        raise PermissionDenied(NOT_ALLOWED)
    if registration.user_id == actor.id and not can_manage_registrations(actor, registration.event):
        raise PermissionDenied(N_("Nobody decides about their own registration. Ask another officer."))
    before = registration.cleared_until
    registration.vetting_note = note
    registration.cleared_until = cleared_until
    record(
        actor=actor,
        action="registration.noted",
        subject=registration,
        event_id=registration.event_id,
        now=now,
        detail={
            "cleared_until": cleared_until.isoformat() if cleared_until else None,
            "cleared_until_before": before.isoformat() if before else None,
        },
    )


def move_to_type(
    *, actor: User, registration: Registration, type_id: int, version: int | None, now: datetime
) -> None:
    """Give a registration another participant type; its seat moves along. Raises Conflict if none is free."""
    event = registration.event
    check_version(registration, version)
    if not can_manage_registrations(actor, event):
        raise PermissionDenied(NOT_ALLOWED)
    if registration.state in (S.DECLINED, S.CANCELLED):
        raise Conflict(N_("This registration has ended."))
    kind = get_type(event.id, type_id)
    old = registration.type
    if kind.id == old.id:
        raise Invalid(N_("The registration has this participant type already."), field="type_id")
    lock_types(old.id, kind.id)
    if registration.state in SEATED:
        if not take_seat(kind.id):
            raise Conflict(
                N_("No seat of “%(name)s” is free. Nothing was changed."), name=kind.name_en or kind.name_ja
            )
        release_seat(old.id)
    registration.type_id, registration.type = kind.id, kind
    record(
        actor=actor,
        action="registration.moved",
        subject=registration,
        event_id=event.id,
        now=now,
        detail={"from": old.code, "to_type": kind.code},
    )
    db.session.flush()
    send(registration, "moved", now, old_type=old)
    if registration.state in SEATED:
        promote_waiting(type_id=old.id, now=now)
    elif registration.state == S.WAITLISTED:
        promote_waiting(type_id=kind.id, now=now)


def invite(
    *,
    actor: User,
    event: Event,
    type_id: int,
    email: str,
    now: datetime,
    name_latin: str = "",
    name_native: str = "",
    locale: str = "en",
    message: str = "",
) -> Registration:
    """Invite the owner of an address; they take the invitation by registering with it.

    locale: language of the mail where the address has no account. Raises Invalid(field="email")
    when that address is registered or invited already.
    """
    if not can_manage_registrations(actor, event):
        raise PermissionDenied(NOT_ALLOWED)
    if is_over(event, now):
        raise Conflict(N_("This event is over."))
    kind = get_type(event.id, type_id)
    user = find_user_by_email(email)
    known = user if user is not None and user.verified_at is not None else None
    row = Registration(
        event_id=event.id,
        type_id=kind.id,
        user_id=known.id if known else None,
        email=email,
        email_key=email_key(email),
        name_latin=name_latin or (known.name_latin if known else ""),
        name_native=name_native or (known.name_native if known else ""),
        name_kana=known.name_kana if known and not (name_latin or name_native) else "",
        language=locale,
        state=S.INVITED,
        created_at=now,
        state_changed_at=now,
    )
    row.event, row.type, row.user = event, kind, known
    db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_registration_active_user") or violated(error, "uq_registration_active_email"):
            raise Invalid(N_("This address is registered or invited already."), field="email") from error
        raise
    forget_states()
    record(
        actor=actor,
        action="registration.invited",
        subject=row,
        event_id=event.id,
        now=now,
        detail={"to": S.INVITED.value, "type": kind.code},
    )
    send(row, "invited", now, message=message)
    return row
