"""Meetings: booking, accepting into a free slot, moving, cancelling. The claims table decides every race."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.meetings.availability_queries import wish_of
from forum_app.meetings.claim_services import lock_meetings, release
from forum_app.meetings.making_services import (
    HAVE_ONE,
    check_day,
    check_limits,
    direct_request,
    make_meeting,
    terms_of,
)
from forum_app.meetings.models import (
    REQUEST_TRANSITIONS,
    Meeting,
    MeetingFormat,
    MeetingOrigin,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    RequestState,
)
from forum_app.meetings.notices import notify_meeting, state_of
from forum_app.meetings.permissions import (
    can_act_for,
    can_answer,
    can_cancel_meeting,
    can_move_meeting,
    is_self,
    takes_meetings,
)
from forum_app.meetings.placing_services import InterpreterWish, Placing
from forum_app.meetings.queries import find_open_request, participant_of
from forum_app.meetings.slot_queries import find_hours_at
from forum_app.registration.models import Registration

LONGEST = timedelta(hours=4)
NOT_WAITING = N_("This request is no longer waiting for an answer.")


# --- Use cases ----------------------------------------------------------------------------------


def book_meeting(
    *,
    actor: User | None,
    event: Event,
    people: Sequence[Registration],
    starts_at: datetime,
    ends_at: datetime,
    topic: str,
    now: datetime,
    request: MeetingRequest | None = None,
    table_id: int | None = None,
    interpreter: InterpreterWish = None,
    format: MeetingFormat = MeetingFormat.IN_PERSON,
    link: str = "",
    closed: bool = False,
    origin: MeetingOrigin = MeetingOrigin.ORGANIZER,
    notify: bool = True,
) -> Meeting:
    """A meeting of two people or more (the host first) at that time; all that it needs is claimed.

    actor: an organizer, one of the people (upper services have asked whether they may), or None for the
    system. table_id None: the best free one; remote meetings have none, and the host's link if none is
    given. interpreter: "any", or an id. Raises MayNotMeet for rules and gates, Conflict with FreeSlot
    alternatives when somebody or something is in use.
    """
    staff = actor is not None and can_manage_event(actor, event)
    if actor is not None and not staff and not any(is_self(actor, person) for person in people):
        raise PermissionDenied(N_("Only organizers can make meetings for others."))
    if ends_at <= starts_at:
        raise Invalid(N_("The end must be after the start."), field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise Invalid(N_("A meeting takes four hours at most."), field="ends_at")
    if ends_at <= now:
        raise Invalid(N_("This time has passed."), field="starts_at")
    check_day(event, Interval(starts_at, ends_at))
    terms = terms_of(event, people, actor, starts_at, now, staff=staff)
    meeting = make_meeting(
        event=event,
        request=request,
        people=people,
        span=Interval(starts_at, ends_at),
        topic=topic,
        now=now,
        format=format,
        link=link,
        closed=closed or terms.closed,
        origin=origin,
    )
    wish = wish_of(
        people,
        format=format,
        closed=meeting.closed,
        cleared=terms.needs_clearance,
        interpreter=interpreter is not None,
    )
    Placing(event, meeting, people, wish, now).place(table_id, interpreter)
    if request is not None:
        _answer(request, RequestState.ACCEPTED, now)
    _recorded(actor, "meetings.booked", meeting, now)
    if notify:
        notify_meeting(meeting, "accepted", actor=actor, now=now)
    return meeting


def accept_request(
    *,
    actor: User,
    event: Event,
    request: MeetingRequest,
    starts_at: datetime,
    now: datetime,
    table_id: int | None = None,
) -> Meeting:
    """Accept a request into the slot that begins at starts_at, at a table (the best free one).

    Raises Conflict with FreeSlot alternatives when host, asker, table or interpreter are in use, when
    the request was answered meanwhile; Invalid when the time is not in the host's office hours.
    """
    if not can_answer(actor, request, event):
        raise PermissionDenied(N_("Only the person who was asked can answer this request."))
    if request.state not in (RequestState.PENDING, RequestState.AGREED):
        raise Conflict(NOT_WAITING)
    host, guest = request.host, request.asker
    hours = find_hours_at(host.id, starts_at)
    if hours is None:
        raise Invalid(N_("This time is not within the office hours."), field="slot")
    if starts_at < now:
        raise Invalid(N_("This time has passed."), field="slot")
    meeting = _book_pair(
        actor=actor,
        event=event,
        host=host,
        guest=guest,
        request=request,
        span=Interval(starts_at, starts_at + timedelta(minutes=hours.slot_minutes)),
        table_id=table_id,
        look_in="hours",
        now=now,
    )
    _answer(request, RequestState.ACCEPTED, now)
    _recorded(actor, "meetings.accepted", meeting, now)
    notify_meeting(meeting, "accepted", actor=actor, now=now)
    return meeting


def book_direct(
    *,
    actor: User,
    event: Event,
    host: Registration,
    guest: Registration,
    starts_at: datetime,
    topic: str,
    now: datetime,
    message: str = "",
    needs_interpreter: bool = False,
    format: MeetingFormat = MeetingFormat.IN_PERSON,
) -> Meeting:
    """Book a free slot of office hours that are open to everybody, first come, first served.

    Raises Conflict with FreeSlot alternatives when the slot is gone; one meeting per pair at a time.
    """
    if not can_act_for(actor, guest, event) or guest.event_id != event.id or host.event_id != event.id:
        raise PermissionDenied(N_("You can book meetings only in your own name."))
    if not takes_meetings(host):
        raise Invalid(N_("This person does not take meetings at this event."))
    request = find_open_request(guest.id, host.id)
    if request is not None and request.state == RequestState.ACCEPTED:
        raise Conflict(HAVE_ONE)
    check_limits(event, guest, host)
    hours = find_hours_at(host.id, starts_at, direct=True)
    if hours is None or starts_at < now:
        raise Invalid(N_("This time cannot be booked directly."), field="slot")
    if request is None:
        request = direct_request(event, guest, host, topic, message, needs_interpreter, format, now)
    else:
        request.topic, request.needs_interpreter, request.format = topic, needs_interpreter, format
        _answer(request, RequestState.ACCEPTED, now)
    meeting = _book_pair(
        actor=actor,
        event=event,
        host=host,
        guest=guest,
        request=request,
        span=Interval(starts_at, starts_at + timedelta(minutes=hours.slot_minutes)),
        table_id=None,
        look_in="direct",
        now=now,
    )
    _recorded(actor, "meetings.booked_directly", meeting, now)
    notify_meeting(meeting, "accepted", actor=actor, now=now)
    return meeting


def move_meeting(
    *,
    actor: User,
    meeting: Meeting,
    starts_at: datetime,
    now: datetime,
    table_id: int | None = None,
    interpreter: InterpreterWish = "keep",
    notify: bool = True,
) -> None:
    """Move a meeting to another time, table or interpreter; its length stays.

    table_id None: the same one if it is free, else the best. interpreter: "keep" keeps this one or finds
    another, an id is that one, "any" gives one to a meeting that had none, None takes it away. Raises
    Conflict with FreeSlot alternatives; the meeting then stays where it was.
    """
    event = meeting.event
    if not can_move_meeting(actor, meeting):
        raise PermissionDenied(N_("Only organizers can move a meeting."))
    lock_meetings([meeting.id])
    db.session.refresh(meeting)
    _must_be_confirmed(meeting)
    length = meeting.ends_at - meeting.starts_at
    same_helper = interpreter == "keep" or interpreter == meeting.interpreter_id
    if starts_at == meeting.starts_at and table_id in (None, meeting.table_id) and same_helper:
        raise Invalid(N_("The meeting is already at this time and table."), field="starts_at")
    check_day(event, Interval(starts_at, starts_at + length))
    if starts_at + length <= now:
        raise Invalid(N_("This time has passed."), field="starts_at")
    people = people_of(meeting)
    terms = terms_of(event, people, None, starts_at, now, staff=True)
    before, was = _described(meeting), state_of(meeting)
    release([meeting.id])
    meeting.starts_at, meeting.ends_at = starts_at, starts_at + length
    meeting.closed = meeting.closed or terms.closed
    wish = wish_of(
        people,
        format=meeting.format,
        closed=meeting.closed,
        cleared=terms.needs_clearance,
        interpreter=meeting.interpreter_id is not None if interpreter == "keep" else interpreter is not None,
    )
    Placing(event, meeting, people, wish, now).place(table_id, interpreter)
    after = _described(meeting)
    # another interpreter is no change of time, place or status
    _changed(meeting, now, moved=any(before[name] != after[name] for name in ("starts_at", "table_id")))
    record(
        actor=actor,
        action="meetings.moved",
        subject=meeting,
        event_id=event.id,
        now=now,
        detail={"from": before, "to": after},
    )
    if notify:
        notify_meeting(meeting, "moved", actor=actor, was=was, now=now)


def cancel_meeting(*, actor: User | None, meeting: Meeting, reason: str, now: datetime) -> None:
    """Cancel a meeting and free all it claims; its request ends with it. actor None: the system."""
    if actor is not None and not can_cancel_meeting(actor, meeting):
        raise PermissionDenied(N_("Only the two people and organizers can cancel a meeting."))
    lock_meetings([meeting.id])
    db.session.refresh(meeting)
    _must_be_confirmed(meeting)
    was = state_of(meeting)
    release([meeting.id])
    meeting.status = MeetingStatus.CANCELLED
    meeting.cancel_reason = reason
    meeting.cancelled_by_id = actor.id if actor is not None else None
    _changed(meeting, now)
    if meeting.request is not None and meeting.request.state == RequestState.ACCEPTED:
        guest = participant_of(meeting, MeetingRole.GUEST)
        by_guest = actor is not None and guest is not None and is_self(actor, guest)
        _answer(meeting.request, RequestState.WITHDRAWN if by_guest else RequestState.DECLINED, now)
    _recorded(actor, "meetings.cancelled", meeting, now, reason=reason)
    notify_meeting(meeting, "cancelled", actor=actor, was=was, now=now)


# --- Parts ----------------------------------------------------------------------------------------


def _book_pair(
    *,
    actor: User,
    event: Event,
    host: Registration,
    guest: Registration,
    request: MeetingRequest,
    span: Interval,
    table_id: int | None,
    look_in: Literal["hours", "direct"],
    now: datetime,
) -> Meeting:
    """Host and guest meet as their request says."""
    people = [host, guest]
    staff = can_manage_event(actor, event)
    terms = terms_of(event, people, actor, span.start, now, staff=staff)
    check_day(event, span)
    meeting = make_meeting(
        event=event,
        request=request,
        people=people,
        span=span,
        topic=request.topic,
        now=now,
        format=request.format,
        link="",
        closed=terms.closed,
        origin=MeetingOrigin.DIRECT,
    )
    wish = wish_of(
        people,
        format=request.format,
        closed=terms.closed,
        cleared=terms.needs_clearance,
        interpreter=request.needs_interpreter,
    )
    Placing(event, meeting, people, wish, now, look_in).place(
        table_id, "any" if request.needs_interpreter else None
    )
    return meeting


def _answer(request: MeetingRequest, state: RequestState, now: datetime) -> None:
    if state not in REQUEST_TRANSITIONS[request.state]:
        raise Conflict(NOT_WAITING)
    request.state = state
    request.answered_at = now


def _changed(meeting: Meeting, now: datetime, *, moved: bool = True) -> None:
    meeting.sequence += moved
    meeting.changed_at = now


def _must_be_confirmed(meeting: Meeting) -> None:
    if meeting.status != MeetingStatus.CONFIRMED:
        raise Conflict(N_("This meeting was cancelled already."))


def people_of(meeting: Meeting) -> list[Registration]:
    """Who meets, the host first."""
    ordered = sorted(meeting.participants, key=lambda p: (p.role != MeetingRole.HOST, p.registration_id))
    return [participant.registration for participant in ordered]


def _recorded(actor: User | None, action: str, meeting: Meeting, now: datetime, **detail: object) -> None:
    record(
        actor=actor,
        action=action,
        subject=meeting,
        event_id=meeting.event_id,
        now=now,
        detail={**detail, **_described(meeting)},
    )


def _described(meeting: Meeting) -> dict[str, object]:
    """A meeting's time and place for the trail (UTC)."""
    return {
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
        "table_id": meeting.table_id,
        "interpreter_id": meeting.interpreter_id,
    }
