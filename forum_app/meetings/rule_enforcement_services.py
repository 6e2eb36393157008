"""A rule that comes into force ends what it forbids, so that nobody can tell it from a common end.

To the excluded side a request that they made looks declined, one that they got looks withdrawn, and
a meeting is called off: all as if by hand. What an event bars expires, and is nobody's doing.
"""

from datetime import datetime
from itertools import combinations

from forum_app.audit.services import record
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.booking_services import cancel_meeting
from forum_app.meetings.models import Meeting, MeetingRequest, MeetingStatus, RequestState
from forum_app.meetings.notices import notify_request
from forum_app.meetings.rule_enforcement_queries import (
    list_coming_participants,
    list_events_under_rules,
    list_meetings_to_end,
    list_requests_to_end,
    list_waiting_pairs,
)
from forum_app.meetings.rule_queries import Obstacle, Pair, Terms, list_terms, today_at

FORBIDDEN = frozenset({Obstacle.EXCLUDED, Obstacle.NOT_POSSIBLE})
MOST_AT_ONCE = 200  # the rest follows with the next run


def end_what_rules_forbid(*, now: datetime) -> int:
    """End requests and coming meetings that an exclusion or a barred pair of kinds forbids; how many.

    Registrations, rules and what organizations state of themselves change in lower features, so this
    follows by a job; it is safe to run twice.
    """
    return sum(_end_at(event, now) for event in list_events_under_rules(now))


def _end_at(event: Event, now: datetime) -> int:
    waiting = list_waiting_pairs(event.id)
    coming = list_coming_participants(event.id, now)
    pairs: set[Pair] = {(asker, host) for _, asker, host in waiting}
    for people in coming.values():
        pairs.update(combinations(people, 2))
    if not pairs:
        return 0
    terms = list_terms(event, pairs, today_at(event, now))
    forbidden = {pair: found for pair, found in terms.items() if found.obstacles & FORBIDDEN}
    meetings = [
        number for number, people in coming.items() if any(p in forbidden for p in combinations(people, 2))
    ]
    requests = [number for number, asker, host in waiting if (asker, host) in forbidden]
    ended = 0
    for meeting in list_meetings_to_end(meetings[:MOST_AT_ONCE]):
        if meeting.status == MeetingStatus.CONFIRMED:
            cancel_meeting(actor=None, meeting=meeting, reason="", now=now)
            _turn_round(meeting, terms)
            ended += 1
    for request in list_requests_to_end(requests[:MOST_AT_ONCE]):
        _end(request, event, terms[request.asker_id, request.host_id], now)
        ended += 1
    db.session.flush()
    return ended


def _turn_round(meeting: Meeting, terms: dict[Pair, Terms]) -> None:
    """A request whose meeting was called off looks declined by its host; unless the asker's side did it."""
    request = meeting.request
    if request is None or request.state != RequestState.DECLINED:
        return
    one, other = sorted((request.asker_id, request.host_id))
    found = terms.get((one, other))
    if found is not None and request.asker_id in found.excluded_by:
        request.state = RequestState.WITHDRAWN


def _end(request: MeetingRequest, event: Event, terms: Terms, now: datetime) -> None:
    was_agreed = request.state == RequestState.AGREED
    if request.asker_id in terms.excluded_by:
        state, name, to = RequestState.WITHDRAWN, "withdrawn", request.host if was_agreed else None
    elif terms.excluded_by:
        state, name, to = RequestState.DECLINED, "declined", request.asker
    else:
        state, name, to = RequestState.EXPIRED, "expired", request.asker
    request.state = state
    request.answered_at = now
    record(actor=None, action=f"meetings.{name}", subject=request, event_id=event.id, now=now)
    if to is not None:
        notify_request(request, name, to=to, event=event, actor=None, now=now)
