"""Refusing what rules forbid, in words that give nothing away."""

from collections.abc import Sequence
from datetime import date
from itertools import combinations

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.meetings.rule_queries import (
    GATES,
    STOPS_ASKING,
    STOPS_MEETING,
    Obstacle,
    Terms,
    get_terms,
    list_terms,
)
from forum_app.registration.models import Registration

# One sentence for every ground, so that a confidential one cannot be told from a common one.
NOT_AVAILABLE = N_("This person is not available for a meeting with you.")
BY_RULE = N_("Not possible by rule.")
COLLEAGUES = N_("You belong to the same organization; you need no table to meet.")

# To the person who can mend it themselves, to the one who waits for the other, and to organizers.
GATE_OWN = {
    Obstacle.EXPORT_STATEMENT: N_(
        "This meeting needs your export-control statement. Make it under Meetings, in your meeting profile."
    ),
    Obstacle.CLEARANCE: N_(
        "This meeting needs a clearance that is not recorded for you. Ask the vetting office of the event."
    ),
    Obstacle.CLOSED_ROOM: N_(
        "This meeting needs a table in a closed room, and there is none yet. The organizers can add one."
    ),
}
GATE_OTHER = {
    Obstacle.EXPORT_STATEMENT: N_("This meeting waits for an export-control statement of the other side."),
    Obstacle.CLEARANCE: N_("This meeting waits for a clearance of the other side to be recorded."),
    Obstacle.CLOSED_ROOM: GATE_OWN[Obstacle.CLOSED_ROOM],
}
GATE_STAFF = {
    Obstacle.EXPORT_STATEMENT: N_("%(person)s has made no export-control statement."),
    Obstacle.CLEARANCE: N_("No clearance of %(person)s is recorded for that day; a vetting officer can."),
    Obstacle.CLOSED_ROOM: N_("It needs a closed room, and no table stands in one. Add such a table."),
}


class MayNotMeet(Invalid):
    """A rule or a gate is in the way; obstacles: for the code only, never for the page of a person."""

    def __init__(self, message: str, obstacles: frozenset[Obstacle], **params: str) -> None:
        super().__init__(message, field=None, **params)
        self.obstacles = obstacles


def check_may_ask(
    event: Event, asker: Registration, other: Registration, *, today: date, staff: bool = False
) -> Terms:
    """Refuse a request that cannot lead to a meeting; unmet gates do not stop asking.

    staff: the sentence is for organizers. A mark of no thanks does not stop it either: the request is
    declined by the service, as if by hand.
    """
    terms = get_terms(event, asker.id, other.id, today=today)
    _refuse_hard(terms.obstacles & STOPS_ASKING, staff=staff)
    return terms


def check_may_all_meet(
    event: Event, people: Sequence[Registration], *, today: date, on: date | None = None, staff: bool = False
) -> Terms:
    """Refuse a meeting that a rule forbids or a gate stops: of two or more people, each with each.

    The first of them reads the sentence; staff: it is for organizers. Colleagues may sit in one group.
    today, on: see list_terms. Returns the terms of all together: closed if any two need it, cleared as the
    least cleared is.
    """
    by_id = {person.id: person for person in people}
    pairs = list(combinations(by_id, 2))
    all_terms = list_terms(event, pairs, today, on)
    for (one, other), terms in all_terms.items():
        if len(by_id) > 2:
            terms = _without_colleagues(terms)
        _refuse(terms, by_id[one], by_id[other], staff=staff)
    days = [terms.cleared_until for terms in all_terms.values() if terms.cleared_until is not None]
    return Terms(
        closed=any(terms.closed for terms in all_terms.values()),
        cleared_until=min(days, default=None),
        needs_clearance=any(terms.needs_clearance for terms in all_terms.values()),
    )


def _without_colleagues(terms: Terms) -> Terms:
    """Between colleagues no gate stands either: what one shows, the other knows."""
    if Obstacle.SAME_ORGANIZATION not in terms.obstacles:
        return terms
    return Terms(obstacles=terms.obstacles & {Obstacle.NOT_PRESENT}, closed=terms.closed)


def _refuse(terms: Terms, one: Registration, other: Registration, *, staff: bool) -> None:
    stops = terms.obstacles & STOPS_MEETING
    _refuse_hard(stops - GATES, staff=staff)
    for gate, lacking in terms.lacks:
        if staff:
            person = one if lacking == one.id else other
            raise MayNotMeet(GATE_STAFF[gate], stops, person=person.name)
        raise MayNotMeet((GATE_OWN if lacking in (one.id, None) else GATE_OTHER)[gate], stops)


def _refuse_hard(stops: frozenset[Obstacle], *, staff: bool) -> None:
    if not stops:
        return
    if Obstacle.SAME_ORGANIZATION in stops:
        raise MayNotMeet(COLLEAGUES, stops)
    raise MayNotMeet(BY_RULE if staff else NOT_AVAILABLE, stops)
