"""Requests: asking, declining, withdrawing; and what follows when people leave. A request holds no slot."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.meetings.booking_services import cancel_meeting
from forum_app.meetings.models import (
    REQUEST_TRANSITIONS,
    MeetingRequest,
    Priority,
    RequestState,
)
from forum_app.meetings.notices import notify_request
from forum_app.meetings.permissions import (
    can_act_for,
    can_answer,
    can_withdraw,
    same_organization,
    takes_meetings,
)
from forum_app.meetings.queries import (
    PRESENT,
    count_pending_of,
    find_open_request,
    list_orphaned_meetings,
    list_orphaned_requests,
)
from forum_app.registration.models import Registration

# In two days nobody holds more than about fifteen meetings; a limit keeps one person from writing to
# everybody, and so keeps answers worth waiting for.
MOST_OPEN_REQUESTS = 15

ALREADY_ASKED = N_("You have already asked this person. You find the request under Meetings.")


def request_meeting(
    *,
    actor: User,
    event: Event,
    asker: Registration,
    host: Registration,
    topic: str,
    now: datetime,
    message: str = "",
    priority: Priority = Priority.WANT,
    needs_interpreter: bool = False,
) -> MeetingRequest:
    """Ask host for a meeting. Raises Conflict when one is open already, Invalid when it cannot be."""
    if not can_act_for(actor, asker, event) or asker.event_id != event.id or host.event_id != event.id:
        raise PermissionDenied(N_("You can ask for meetings only in your own name."))
    if asker.state not in PRESENT or asker.user_id is None:
        raise PermissionDenied(N_("Only approved participants can ask for meetings."))
    if asker.id == host.id or asker.user_id == host.user_id:
        raise Invalid(N_("You cannot ask yourself for a meeting."))
    if not takes_meetings(host):
        raise Invalid(N_("This person does not take meetings at this event."))
    if same_organization(asker, host):
        raise Invalid(N_("You belong to the same organization; you need no table to meet."))
    known = find_open_request(asker.id, host.id)
    if known is not None:
        if known.asker_id == asker.id:
            raise Conflict(ALREADY_ASKED)
        raise Conflict(N_("This person has asked you already. Answer that request under Meetings."))
    if count_pending_of(asker.id) >= MOST_OPEN_REQUESTS:
        raise Invalid(
            N_("You have %(most)s requests waiting. Withdraw one or await an answer before you ask again."),
            most=MOST_OPEN_REQUESTS,
        )
    request = MeetingRequest(
        event_id=event.id,
        asker_id=asker.id,
        host_id=host.id,
        topic=topic,
        message=message,
        priority=priority,
        needs_interpreter=needs_interpreter,
        created_at=now,
    )
    request.asker, request.host = asker, host
    db.session.add(request)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_meetings_request_open"):
            raise Conflict(ALREADY_ASKED) from error
        raise
    record(
        actor=actor,
        action="meetings.asked",
        subject=request,
        event_id=event.id,
        now=now,
        detail={"asker": asker.id, "host": host.id, "priority": priority.value},
    )
    notify_request(request, "asked", to=host, event=event, actor=actor, now=now)
    return request


def decline_request(
    *, actor: User, event: Event, request: MeetingRequest, now: datetime, answer: str = ""
) -> None:
    """Say no, with or without a sentence; the asker is told."""
    if not can_answer(actor, request, event):
        raise PermissionDenied(N_("Only the person who was asked can answer this request."))
    _end(request, RequestState.DECLINED, now)
    request.answer = answer
    record(actor=actor, action="meetings.declined", subject=request, event_id=event.id, now=now)
    notify_request(request, "declined", to=request.asker, event=event, actor=actor, now=now)


def withdraw_request(*, actor: User, event: Event, request: MeetingRequest, now: datetime) -> None:
    """Take a waiting request back; it disappears from the host's list, so nobody is mailed."""
    if not can_withdraw(actor, request, event):
        raise PermissionDenied(N_("Only the person who asked can withdraw this request."))
    _end(request, RequestState.WITHDRAWN, now)
    record(actor=actor, action="meetings.withdrawn", subject=request, event_id=event.id, now=now)


def _end(request: MeetingRequest, state: RequestState, now: datetime) -> None:
    """From waiting to an end; an accepted one ends through its meeting."""
    if request.state != RequestState.PENDING or state not in REQUEST_TRANSITIONS[request.state]:
        raise Conflict(N_("This request is no longer waiting for an answer."))
    request.state = state
    request.answered_at = now


def release_people_who_left(*, now: datetime) -> int:
    """Cancel coming meetings and end requests of people who no longer take part; how many were.

    Registrations end in a lower feature that knows no meetings, so this follows by a job; it is safe
    to run twice. Requests of events that are over expire.
    """
    number = 0
    for meeting in list_orphaned_meetings(now):
        cancel_meeting(actor=None, meeting=meeting, reason="", now=now)
        number += 1
    staying = PRESENT
    for request in list_orphaned_requests(now):
        if request.asker.state not in staying:
            state = RequestState.WITHDRAWN
        elif request.host.state not in staying:
            state = RequestState.DECLINED
        else:
            state = RequestState.EXPIRED
        _end(request, state, now)
        record(
            actor=None,
            action=f"meetings.{state.value}",
            subject=request,
            event_id=request.event_id,
            now=now,
        )
        if state == RequestState.DECLINED:
            event = db.session.get_one(Event, request.event_id)
            notify_request(request, "declined", to=request.asker, event=event, actor=None, now=now)
        number += 1
    return number
