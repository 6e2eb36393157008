"""How one person stands to others in the directory: what they may mark, and what is between them."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forum_app.events.models import Event
from forum_app.meetings.interest_queries import (
    get_settings,
    interest_closes_at,
    no_thanks_among,
    requests_between,
)
from forum_app.meetings.models import MeetingRequest, RequestState
from forum_app.meetings.permissions import may_be_asked, same_organization
from forum_app.meetings.queries import OPEN
from forum_app.meetings.rule_queries import HARD, STOPS_ASKING, Obstacle, list_obstacles, today_at
from forum_app.registration.models import Registration


class Standing(enum.StrEnum):
    """What a person's card offers. unavailable has many grounds and one sentence, so that none shows.

    open: interest can be marked. apart: neither of the two takes meetings.
    """

    SELF = "self"
    COLLEAGUE = "colleague"
    APART = "apart"
    UNAVAILABLE = "unavailable"
    NO_THANKS = "no_thanks"
    ASKED = "asked"
    ASKS_ME = "asks_me"
    AGREED = "agreed"
    ACCEPTED = "accepted"
    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Relation:
    """request: the open one between the two. ended: the latest of mine that came to nothing.

    hides_open: times that could be booked at once look taken, since a booking would be refused.
    """

    standing: Standing
    request: MeetingRequest | None = None
    ended: MeetingRequest | None = None
    hides_open: bool = False

    @property
    def shows_times(self) -> bool:
        """Whether free times of this person mean anything to the reader."""
        return self.standing in (Standing.OPEN, Standing.ASKED, Standing.ASKS_ME, Standing.AGREED)


def relations_of(
    event: Event, me: Registration, people: Sequence[Registration], now: datetime
) -> dict[int, Relation]:
    """How me stands to each of these people (loaded with type), by registration id; ten statements."""
    ids = [person.id for person in people]
    if not ids:
        return {}
    closed = now >= interest_closes_at(event, get_settings(event.id))
    marked = no_thanks_among(me.id, ids)
    pairs = [(me.id, number) for number in ids if number != me.id]
    obstacles = list_obstacles(event, pairs, today_at(event, now))
    open_ones: dict[int, MeetingRequest] = {}
    ended: dict[int, MeetingRequest] = {}
    for request in requests_between(me.id, ids):
        other = request.host_id if request.asker_id == me.id else request.asker_id
        if request.state in OPEN:
            open_ones[other] = request
        elif request.asker_id == me.id and request.state != RequestState.WITHDRAWN:
            ended[other] = request

    def standing(person: Registration, request: MeetingRequest | None) -> Standing:
        if person.id == me.id:
            return Standing.SELF
        if same_organization(me, person):
            return Standing.COLLEAGUE
        if person.id in marked:
            return Standing.NO_THANKS
        if request is not None and request.state == RequestState.PENDING:
            return Standing.ASKED if request.asker_id == me.id else Standing.ASKS_ME
        if request is not None:
            return Standing(request.state.value)
        if not may_be_asked(me, person):
            return Standing.APART
        if obstacles[me.id, person.id] & STOPS_ASKING:
            return Standing.UNAVAILABLE
        return Standing.CLOSED if closed else Standing.OPEN

    found = {}
    for person in people:
        between = open_ones.get(person.id)
        hides_open = bool(obstacles.get((me.id, person.id), frozenset()) & (HARD | {Obstacle.PAUSED}))
        found[person.id] = Relation(standing(person, between), between, ended.get(person.id), hides_open)
    return found
