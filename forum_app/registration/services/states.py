"""The one place where a registration changes its state: rule, seat, trail and mail together.

Seats: one conditional UPDATE takes a seat, never a count that is looked at first. Whoever finds no
seat locks the type's row and tries again, so that joining the waitlist and freeing a seat cannot
miss each other. Locks are always taken in the order type, then registrations.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Update, bindparam, or_, select, update
from sqlalchemy.orm.util import identity_key

from forum_app.audit.services import Actor, record
from forum_app.core.errors import Conflict
from forum_app.core.text import N_
from forum_app.db import Base, db, run
from forum_app.mail.services import queue_mail
from forum_app.registration.models import (
    SEATED,
    TRANSITIONS,
    ParticipantType,
    Registration,
    RegistrationState,
)
from forum_app.registration.permissions import forget_states

S = RegistrationState
_TYPE = Base.metadata.tables[ParticipantType.__tablename__]
_FREE = or_(_TYPE.c.seats.is_(None), _TYPE.c.seats_taken < _TYPE.c.seats)
_TAKE = (
    update(_TYPE).where(_TYPE.c.id == bindparam("type_id"), _FREE).values(seats_taken=_TYPE.c.seats_taken + 1)
)
_RELEASE = (
    update(_TYPE)
    .where(_TYPE.c.id == bindparam("type_id"), _TYPE.c.seats_taken > 0)
    .values(seats_taken=_TYPE.c.seats_taken - 1)
)


def take_seat(type_id: int) -> bool:
    """Take one seat of the type, if one is free; holds the type's row until the transaction ends."""
    _forget_seats(type_id)
    if _changed(_TAKE, type_id):
        return True
    lock_types(type_id)  # a seat freed meanwhile is seen now; one freed later sees our place in the queue
    return _changed(_TAKE, type_id)


def release_seat(type_id: int) -> None:
    """Give one seat of the type back."""
    _forget_seats(type_id)
    _changed(_RELEASE, type_id)


def lock_types(*type_ids: int) -> None:
    """Hold the rows of the types, in the order of their ids, until the transaction ends."""
    db.session.execute(
        select(ParticipantType.id)
        .where(ParticipantType.id.in_(type_ids))
        .order_by(ParticipantType.id)
        .with_for_update()
    ).all()


def _changed(statement: Update, type_id: int) -> bool:
    db.session.flush()  # so that our place in the queue is there before we look for a seat
    return run(statement, {"type_id": type_id}).rowcount == 1


def _forget_seats(type_id: int) -> None:
    loaded = db.session.identity_map.get(identity_key(ParticipantType, type_id))
    if loaded is not None:
        db.session.expire(loaded, ["seats_taken"])


def change_state(
    *,
    actor: Actor | None,
    registration: Registration,
    to: RegistrationState,
    now: datetime,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
    tell: bool = True,
) -> RegistrationState:
    """Bring registration into state to, with its seat, trail and mail; returns the state it got.

    Who is approved while no seat is free goes to the waitlist instead. A seat that this frees goes
    at once to the first on the waitlist. reason is told to the person. Raises Conflict when the
    transition is not allowed from the present state, or when who waits is approved without a seat.
    """
    before = registration.state
    if to not in TRANSITIONS[before]:
        raise Conflict(N_("This is not possible any more: the registration has moved on. Look at it again."))
    if to in SEATED and before not in SEATED and not take_seat(registration.type_id):
        if before == S.WAITLISTED:
            raise Conflict(N_("No seat of this participant type is free. The person stays on the waitlist."))
        to = S.WAITLISTED
    frees_a_seat = before in SEATED and to not in SEATED
    if frees_a_seat:
        release_seat(registration.type_id)
    registration.state = to
    registration.state_changed_at = now
    registration.state_reason = reason
    registration.waitlisted_at = now if to == S.WAITLISTED else None
    registration.checked_in_at = now if to == S.CHECKED_IN else None
    forget_states()
    record(
        actor=actor,
        action=f"registration.{to.value}",
        subject=registration,
        event_id=registration.event_id,
        now=now,
        detail={
            "from": before.value,
            "to": to.value,
            **({"reason": reason} if reason else {}),
            **(detail or {}),
        },
    )
    if tell and (template := mail_for(before, to)) is not None:
        send(registration, template, now)
    if frees_a_seat:
        promote_waiting(type_id=registration.type_id, now=now)
    return to


def mail_for(before: RegistrationState | None, to: RegistrationState) -> str | None:
    """Template of the mail that tells about a transition; None where nobody needs one."""
    if to == S.APPROVED:
        return (
            {S.CHECKED_IN: None, S.WAITLISTED: "promoted"}.get(before, "approved") if before else "approved"
        )
    if to == S.IN_VETTING:
        return "reopened" if before == S.DECLINED else None
    return {
        S.INVITED: "invited",
        S.APPLIED: "received",
        S.WAITLISTED: "waitlisted",
        S.DECLINED: "declined",
        S.CANCELLED: "cancelled",
    }.get(to)


def promote_waiting(*, type_id: int, now: datetime) -> int:
    """Give free seats of the type to those who wait longest; returns how many.

    The caller holds the type's row (a seat was just released, or the number of seats raised).
    """
    promoted = 0
    while (waiting := _next_waiting(type_id)) is not None:
        try:
            change_state(
                actor=None, registration=waiting, to=S.APPROVED, now=now, detail={"waitlist": "first in line"}
            )
        except Conflict:  # no seat is left
            break
        promoted += 1
    return promoted


def _next_waiting(type_id: int) -> Registration | None:
    while True:
        first = db.session.scalar(
            select(Registration.id)
            .where(Registration.type_id == type_id, Registration.state == S.WAITLISTED)
            .order_by(Registration.waitlisted_at, Registration.id)
            .limit(1)
        )
        if first is None:
            return None
        row = db.session.scalar(
            select(Registration)
            .where(Registration.id == first, Registration.state == S.WAITLISTED)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if row is not None:  # else the person cancelled while we waited for the row
            return row


def send(registration: Registration, template: str, now: datetime, **context: Any) -> None:
    """Queue a mail to the person, in the language of their account, else in the one they speak."""
    user = registration.user
    spoken = "ja" if registration.language == "ja" else "en"
    locale = user.locale if user is not None else spoken
    names = (registration.name_latin, registration.name_native)
    first, second = names[::-1] if locale == "ja" else names
    queue_mail(
        to=registration,
        template=f"registration/{template}",
        context={
            "registration": registration,
            "event": registration.event,
            "name": first or second,
            **context,
        },
        now=now,
        locale=locale,
        thread=f"registration-{registration.id}",
    )
