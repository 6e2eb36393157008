"""Requests: asking, agreeing, declining, withdrawing. A request holds no slot.

When the other side wishes to meet too, the request is agreed and waits for a schedule, or is accepted
straight into a free slot (booking_services).
"""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.meetings.booking_services import cancel_meeting
from forum_app.meetings.interest_queries import (
    get_settings,
    interest_closes_at,
    list_answerers,
    list_team,
    lock_people,
    most_requests,
)
from forum_app.meetings.models import (
    REQUEST_TRANSITIONS,
    MeetingFormat,
    MeetingRequest,
    NoThanks,
    Priority,
    RequestState,
)
from forum_app.meetings.notices import notify_request
from forum_app.meetings.permissions import (
    can_act_for,
    can_answer,
    can_withdraw,
    is_self,
    may_be_asked,
    same_organization,
)
from forum_app.meetings.queries import (
    PRESENT,
    count_pending_of,
    find_open_request,
    list_orphaned_meetings,
    list_orphaned_requests,
)
from forum_app.meetings.rule_queries import HARD, Obstacle, get_terms, today_at
from forum_app.meetings.rule_services import BY_RULE, NOT_AVAILABLE, MayNotMeet, check_may_ask
from forum_app.registration.models import Registration

ALREADY_ASKED = N_("You have already asked this person. You find the request under Meetings.")
AGREED_ALREADY = N_("You two have agreed to meet already. You find it under Meetings.")
NO_LONGER_WAITING = N_("This request is no longer waiting for an answer.")
TOPIC_WANTED = N_("Please say in one line what you want to talk about.")
ANSWERABLE = frozenset({RequestState.PENDING, RequestState.AGREED})


# --- Asking ------------------------------------------------------------------------------------------


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
    team: bool = False,
    format: MeetingFormat = MeetingFormat.IN_PERSON,
) -> MeetingRequest:
    """Say that asker wishes to meet host (team: or any of host's delegation); the host is told.

    If host has asked before, that request is agreed instead. Raises Conflict when one is open already,
    Invalid when it cannot be: rules, limits, closing time.
    """
    if not can_act_for(actor, asker, event) or asker.event_id != event.id or host.event_id != event.id:
        raise PermissionDenied(N_("You can ask for meetings only in your own name."))
    if asker.state not in PRESENT or asker.user_id is None:
        raise PermissionDenied(N_("Only approved participants can ask for meetings."))
    if asker.id == host.id or asker.user_id == host.user_id:
        raise Invalid(N_("You cannot ask yourself for a meeting."))
    staff = can_manage_event(actor, event) and not is_self(actor, asker)
    lock_people(asker.id, host.id)
    known = find_open_request(asker.id, host.id)
    if known is None:
        check_may_ask(event, asker, host, today=today_at(event, now), staff=staff)
    if known is not None and known.asker_id == asker.id:
        raise Conflict(ALREADY_ASKED)
    if known is not None and known.state != RequestState.PENDING:
        raise Conflict(AGREED_ALREADY)
    _forget_no_thanks(asker.id, host.id)
    if known is not None:
        agree_request(actor=actor, event=event, request=known, priority=priority, now=now)
        return known
    if not may_be_asked(asker, host):
        raise Invalid(N_("This person does not take meetings at this event."))
    settings = get_settings(event.id)
    closes_at = interest_closes_at(event, settings)
    if now >= closes_at:
        raise Invalid(N_("Requests for meetings are closed for this event."))
    if not topic:
        raise Invalid(TOPIC_WANTED, field="topic")
    most = most_requests(event.id, asker.organization.kind if asker.organization else None)
    if count_pending_of(asker.id) >= most:
        raise Invalid(
            N_("You have %(most)s requests waiting. Withdraw one or await an answer before you ask again."),
            most=most,
        )
    request = MeetingRequest(
        event_id=event.id,
        asker_id=asker.id,
        host_id=host.id,
        team=team and host.organization_id is not None,
        topic=topic,
        message=message,
        priority=priority,
        needs_interpreter=needs_interpreter,
        format=format,
        state=RequestState.PENDING,
        created_at=now,
        expires_at=min(now + timedelta(days=settings.request_days), closes_at),
    )
    request.asker, request.host = asker, host
    db.session.add(request)
    _flush_open(ALREADY_ASKED)
    record(
        actor=actor,
        action="meetings.asked",
        subject=request,
        event_id=event.id,
        now=now,
        detail={"asker": asker.id, "host": host.id, "priority": priority.value, "team": request.team},
    )
    for person in list_answerers(request):
        notify_request(request, "asked", to=person, event=event, actor=actor, now=now)
    return request


def _forget_no_thanks(registration_id: int, other_id: int) -> None:
    """Who wishes to meet somebody has changed their mind about a no thanks."""
    db.session.execute(
        delete(NoThanks).where(NoThanks.registration_id == registration_id, NoThanks.other_id == other_id)
    )


def _flush_open(refusal: str) -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_meetings_request_open"):
            raise Conflict(refusal) from error
        raise


# --- Answering ---------------------------------------------------------------------------------------


def answer_as(*, actor: User, event: Event, request: MeetingRequest, answering: Registration) -> None:
    """Let a colleague of the host answer a request to the whole delegation: it is theirs from now on."""
    if answering.id == request.host_id:
        return
    is_colleague = request.team and same_organization(answering, request.host)
    if request.state != RequestState.PENDING or not is_colleague or not can_act_for(actor, answering, event):
        raise PermissionDenied(N_("Only the person who was asked can answer this request."))
    request.host = answering
    _flush_open(N_("The two of you have a request of your own already. Answer that one."))


def agree_request(
    *,
    actor: User,
    event: Event,
    request: MeetingRequest,
    priority: Priority,
    now: datetime,
    answering: Registration | None = None,
) -> None:
    """The host wishes to meet too: mutual interest, which waits for a time. The asker is told.

    answering: the colleague of a delegation who answers; else the host.
    """
    if not can_answer(actor, request, event):
        raise PermissionDenied(N_("Only the person who was asked can answer this request."))
    if request.state != RequestState.PENDING:
        raise Conflict(NO_LONGER_WAITING)
    if answering is not None:
        answer_as(actor=actor, event=event, request=request, answering=answering)
    _forget_no_thanks(request.host_id, request.asker_id)
    terms = get_terms(event, request.host_id, request.asker_id, today=today_at(event, now))
    if stops := terms.obstacles & (HARD - {Obstacle.NO_THANKS}):
        own = is_self(actor, request.host)
        raise MayNotMeet(NOT_AVAILABLE if own else BY_RULE, stops)
    request.state = RequestState.AGREED
    request.host_priority = priority
    request.answered_at = now
    request.expires_at = None
    record(
        actor=actor,
        action="meetings.agreed",
        subject=request,
        event_id=event.id,
        now=now,
        detail={"host": request.host_id, "priority": priority.value},
    )
    notify_request(request, "agreed", to=request.asker, event=event, actor=actor, now=now)


def decline_request(
    *,
    actor: User | None,
    event: Event,
    request: MeetingRequest,
    now: datetime,
    answer: str = "",
    answering: Registration | None = None,
) -> None:
    """Say no to a waiting request, or no longer to an agreed one; the asker is told.

    actor None: the system.
    """
    if actor is not None and not can_answer(actor, request, event):
        raise PermissionDenied(N_("Only the person who was asked can answer this request."))
    if actor is not None and answering is not None and request.state == RequestState.PENDING:
        answer_as(actor=actor, event=event, request=request, answering=answering)
    _end(request, RequestState.DECLINED, now)
    request.answer = answer
    record(actor=actor, action="meetings.declined", subject=request, event_id=event.id, now=now)
    notify_request(request, "declined", to=request.asker, event=event, actor=actor, now=now)


def withdraw_request(*, actor: User, event: Event, request: MeetingRequest, now: datetime) -> None:
    """Take a request back. A waiting one disappears from the host's list, so nobody is mailed; who has
    agreed is told."""
    if not can_withdraw(actor, request, event):
        raise PermissionDenied(N_("Only the person who asked can withdraw this request."))
    was_agreed = request.state == RequestState.AGREED
    _end(request, RequestState.WITHDRAWN, now)
    record(actor=actor, action="meetings.withdrawn", subject=request, event_id=event.id, now=now)
    if was_agreed:
        notify_request(request, "withdrawn", to=request.host, event=event, actor=actor, now=now)


def _end(request: MeetingRequest, state: RequestState, now: datetime) -> None:
    """From waiting or agreed to an end; an accepted one ends through its meeting."""
    if request.state not in ANSWERABLE or state not in REQUEST_TRANSITIONS[request.state]:
        raise Conflict(NO_LONGER_WAITING)
    request.state = state
    request.answered_at = now


# --- What follows when people leave ------------------------------------------------------------------


def release_people_who_left(*, now: datetime) -> int:
    """Cancel coming meetings and end requests of people who no longer take part; how many were.

    Registrations end in a lower feature that knows no meetings, so this follows by a job; it is safe
    to run twice. Requests of events that are over expire. A request to a delegation goes to a colleague.
    """
    number = 0
    for meeting in list_orphaned_meetings(now):
        cancel_meeting(actor=None, meeting=meeting, reason="", now=now)
        number += 1
    for request in list_orphaned_requests(now):
        event = db.session.get_one(Event, request.event_id)
        number += 1
        if request.asker.state in PRESENT and request.host.state not in PRESENT and _hand_over(request):
            record(
                actor=None,
                action="meetings.handed_over",
                subject=request,
                event_id=event.id,
                now=now,
                detail={"host": request.host_id},
            )
            notify_request(request, "asked", to=request.host, event=event, actor=None, now=now)
            continue
        if request.asker.state not in PRESENT:
            state = RequestState.WITHDRAWN
        elif request.host.state not in PRESENT:
            state = RequestState.DECLINED
        else:
            state = RequestState.EXPIRED
        _end(request, state, now)
        record(
            actor=None, action=f"meetings.{state.value}", subject=request, event_id=request.event_id, now=now
        )
        if state == RequestState.DECLINED:
            notify_request(request, "declined", to=request.asker, event=event, actor=None, now=now)
    return number


def _hand_over(request: MeetingRequest) -> bool:
    """Give a waiting request to a delegation to another of it, whom the asker has not asked already."""
    if not request.team or request.state != RequestState.PENDING:
        return False
    for colleague in list_team(request.event_id, request.host.organization_id):
        if colleague.id != request.host_id and find_open_request(request.asker_id, colleague.id) is None:
            request.host = colleague
            db.session.flush()
            return True
    return False
