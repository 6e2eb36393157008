"""Freed time is offered at once to the best waiting mutual interest, one pair at a time."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from forum_app.audit.services import record
from forum_app.core.intervals import Interval
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.floor.models import Offer, OfferState
from forum_app.floor.queries import (
    count_meetings_by_person,
    list_occupied,
    list_offers_on,
    list_tried,
    list_waiting,
)
from forum_app.mail.services import queue_mail
from forum_app.meetings.availability_queries import claimed_cells
from forum_app.meetings.busy_queries import read_diary
from forum_app.meetings.models import (
    GRID_MINUTES,
    Meeting,
    MeetingRequest,
    MeetingStatus,
    Priority,
    RequestState,
    ResourceKind,
    TableKind,
)
from forum_app.meetings.rule_queries import list_terms, today_at

WALK = timedelta(minutes=5)  # until two people who are told now sit at the table
SHORTEST = timedelta(minutes=10)
ANSWER_SOON, ANSWER_LATER = timedelta(minutes=4), timedelta(minutes=30)
GRID = timedelta(minutes=GRID_MINUTES)


def offer_freed_time(*, freed: Meeting, now: datetime) -> Offer | None:
    """Offer the time of a meeting that is not held to the best pair that waits and can use it.

    Best: somebody the freed meeting left sitting there, then must before want on both sides, then who
    has the fewest meetings, then who has waited longest. Both are told by mail and on their day's page.
    None when the time is too short or nobody can.
    """
    event = freed.event
    span = _usable(freed, now)
    if freed.status == MeetingStatus.CONFIRMED or span is None:
        return None
    request = _best(event, freed, span, now)
    if request is None:
        return None
    soon = span.start - now < ANSWER_LATER
    offer = Offer(
        event_id=event.id,
        request_id=request.id,
        freed_id=freed.id,
        starts_at=span.start,
        ends_at=span.end,
        table_id=_free_table(freed, span),
        created_at=now,
        expires_at=now + ANSWER_SOON if soon else min(now + ANSWER_LATER, span.start),
    )
    try:
        with db.session.begin_nested():
            db.session.add(offer)
    except IntegrityError:  # another worker offered it at the same moment
        return None
    record(
        actor=None,
        action="floor.offered",
        subject=offer,
        event_id=event.id,
        now=now,
        detail={"request": request.id, "freed": freed.id},
    )
    for person, other in ((request.asker, request.host), (request.host, request.asker)):
        if person.user is not None:
            queue_mail(
                to=person.user,
                template="floor/offered",
                context={"offer": offer, "event": event, "other": other, "topic": request.topic},
                thread=f"request-{request.id}",
                now=now,
            )
    return offer


def _usable(freed: Meeting, now: datetime) -> Interval | None:
    """What of the freed time two people can still use, on the grid."""
    start = freed.starts_at
    if start < now + WALK:
        minutes = -(-(now + WALK).timestamp() // GRID.total_seconds()) * GRID.total_seconds()
        start = datetime.fromtimestamp(minutes, tz=freed.starts_at.tzinfo)
    return Interval(start, freed.ends_at) if freed.ends_at - start >= SHORTEST else None


def _best(event: Event, freed: Meeting, span: Interval, now: datetime) -> MeetingRequest | None:
    missed = {part.registration_id for part in freed.participants if part.missed_at is not None}
    came = {part.registration_id for part in freed.participants} - missed
    tried, occupied = list_tried(freed.id), list_occupied(event.id, span)
    waiting = [
        request
        for request in list_waiting(event.id)
        if request.id not in tried
        and not {request.asker_id, request.host_id} & (missed | set(occupied))
        and None not in (request.asker.user_id, request.host.user_id)
    ]
    free = _who_is_free(event, waiting, span)
    waiting = [r for r in waiting if {r.asker.user_id, r.host.user_id} <= free]
    day = today_at(event, now)
    terms = list_terms(event, [(r.asker_id, r.host_id) for r in waiting], day, today_at(event, span.start))
    held = count_meetings_by_person(event.id)
    fitting = [r for r in waiting if terms[r.asker_id, r.host_id].may_meet]

    def rank(request: MeetingRequest) -> tuple[object, ...]:
        musts = [request.priority, request.host_priority].count(Priority.MUST)
        return (
            not {request.asker_id, request.host_id} & came,
            -musts,
            held.get(request.asker_id, 0),
            request.created_at,
            request.id,
        )

    return min(fitting, key=rank, default=None)


def _who_is_free(event: Event, waiting: Collection[MeetingRequest], span: Interval) -> set[int | None]:
    logins = {login for r in waiting for login in (r.asker.user_id, r.host.user_id) if login is not None}
    diary = read_diary(event, logins, window=span)
    return {login for login in logins if diary.is_free(login, span)}


def _free_table(freed: Meeting, span: Interval) -> int | None:
    """The table of the freed meeting while nobody else has it; else the booking finds one."""
    if freed.table_id is None or freed.table is None or freed.table.kind != TableKind.OPEN:
        return None
    taken = claimed_cells({ResourceKind.TABLE: [freed.table_id]}, span)
    return None if taken else freed.table_id


def lapse_what_cannot_be(*, now: datetime) -> int:
    """End open offers that were not taken in time, whose interest ended, or whose people are not free
    any more; how many were."""
    number = 0
    offers = list_offers_on()
    for event_id in sorted({offer.event_id for offer in offers}):
        event = db.session.get_one(Event, event_id)
        own = [offer for offer in offers if offer.event_id == event_id]
        logins = {login for offer in own for login in _logins(offer.request) if login is not None}
        diary = read_diary(event, logins)
        for offer in own:
            span = Interval(offer.starts_at, offer.ends_at)
            free = all(login is not None and diary.is_free(login, span) for login in _logins(offer.request))
            if offer.expires_at > now and offer.request.state == RequestState.AGREED and free:
                continue
            offer.state = OfferState.LAPSED
            record(actor=None, action="floor.offer_lapsed", subject=offer, event_id=event_id, now=now)
            number += 1
    return number


def _logins(request: MeetingRequest) -> tuple[int | None, int | None]:
    return request.asker.user_id, request.host.user_id
