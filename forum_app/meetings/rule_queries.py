"""What stands between two people of an event: rules that forbid a meeting, and gates that can be met.

The one place that decides it; asking, booking, scheduling, refilling and suggesting all read it here.
"""

import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select

from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import KindBar, MeetingProfile, MeetingTable, NoThanks, TableKind
from forum_app.meetings.queries import PRESENT
from forum_app.organizations.models import Exclusion, Kind, Organization, organization_area
from forum_app.registration.models import Registration

Pair = tuple[int, int]
# From here on the whole event is read instead of people by number: databases limit the parameters.
MANY = 500


class Obstacle(enum.StrEnum):
    """Why two people may not meet, or not yet.

    NOT_POSSIBLE: the event bars their kinds. EXCLUDED: a rule of one of their organizations. NO_THANKS:
    one of them does not wish to. PAUSED: the second of the pair takes no new requests; it stops asking,
    never a meeting. The others are gates: a statement, a clearance or a closed room is wanting.
    """

    NOT_PRESENT = "not_present"
    SAME_ORGANIZATION = "same_organization"
    NOT_POSSIBLE = "not_possible"
    EXCLUDED = "excluded"
    NO_THANKS = "no_thanks"
    PAUSED = "paused"
    EXPORT_STATEMENT = "export_statement"
    CLEARANCE = "clearance"
    CLOSED_ROOM = "closed_room"


O = Obstacle  # noqa: E741 - read as a table below
# Nothing that the two do makes a meeting possible.
HARD = frozenset({O.NOT_PRESENT, O.SAME_ORGANIZATION, O.NOT_POSSIBLE, O.EXCLUDED, O.NO_THANKS})
# A meeting waits until somebody mends it; asking is open.
GATES = frozenset({O.EXPORT_STATEMENT, O.CLEARANCE, O.CLOSED_ROOM})
# What stops a request. A request to somebody who said no thanks is taken and declined: see services.
STOPS_ASKING = HARD - {O.NO_THANKS} | {O.PAUSED}
# What stops a meeting from being booked, scheduled or filled in.
STOPS_MEETING = HARD | GATES


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms two people may meet.

    lacks: for each unmet gate who can mend it: a registration (the statement, the clearance), or None
    for the organizers. closed: only in a closed room. cleared_until: the last day on which whoever must
    be cleared is; None: nobody must be. needs_clearance: an interpreter must be cleared too.
    excluded_by: of the two those whose organization excludes the other; never for a page.
    """

    obstacles: frozenset[Obstacle] = frozenset()
    lacks: tuple[tuple[Obstacle, int | None], ...] = ()
    closed: bool = False
    cleared_until: date | None = None
    needs_clearance: bool = False
    excluded_by: frozenset[int] = frozenset()

    @property
    def may_ask(self) -> bool:
        return not self.obstacles & STOPS_ASKING

    @property
    def may_meet(self) -> bool:
        return not self.obstacles & STOPS_MEETING


@dataclass(frozen=True, slots=True)
class _Person:
    present: bool
    organization_id: int | None
    kind: Kind
    weapons_related: bool
    cleared_until: date | None
    paused: bool
    needs_statement: bool
    needs_clearance: bool
    closed_room: bool
    stated: bool


@dataclass(slots=True)
class _Rules:
    """All exclusions of one organization."""

    others: set[int] = field(default_factory=set)
    kinds: set[Kind] = field(default_factory=set)
    areas: set[int] = field(default_factory=set)
    weapons_related: bool = False

    def forbid(self, person: _Person, areas: Collection[int]) -> bool:
        return (
            person.organization_id in self.others
            or person.kind in self.kinds
            or (self.weapons_related and person.weapons_related)
            or not self.areas.isdisjoint(areas)
        )


def today_at(event: Event, now: datetime) -> date:
    """The day at the event's place: what `today` means for its rules."""
    return now.astimezone(ZoneInfo(event.timezone)).date()


def list_obstacles(
    event: Event, pairs: Collection[Pair], today: date, on: date | None = None
) -> dict[Pair, frozenset[Obstacle]]:
    """For each pair of registration ids what stands between them; an empty set: nothing.

    The order within a pair matters for PAUSED only. Six statements whatever the number of pairs.
    See list_terms for today and on.
    """
    return {pair: terms.obstacles for pair, terms in list_terms(event, pairs, today, on).items()}


def list_terms(
    event: Event, pairs: Collection[Pair], today: date, on: date | None = None
) -> dict[Pair, Terms]:
    """For each pair of registration ids the terms of a meeting between them; six statements.

    today, on: days at the event's place. An exclusion holds up to its last day, and as long as it
    holds today nothing is planned for later either. on: the day of the meeting, on which clearances
    must hold; None: the first day that is left of the event.
    """
    wanted = list(dict.fromkeys(pairs))
    ids = {number for pair in wanted for number in pair}
    people = _people(event.id, ids)
    organizations = {p.organization_id for p in people.values() if p.organization_id is not None}
    rules = _exclusions(organizations, today)
    areas = _areas_under_rules(organizations)
    bars = _bars(event.id)
    declined = _no_thanks(event.id, ids)
    has_closed_room = _has_closed_table(event.id)
    day = on or max(today, event.starts_on)
    memory: dict[tuple[int | None, int | None], bool] = {}

    def excludes(a: _Person, b: _Person) -> bool:
        """Whether a rule of a's organization forbids b, whose organization decides all that counts."""
        key = (a.organization_id, b.organization_id)
        if key not in memory:
            own = rules.get(a.organization_id or 0)
            memory[key] = own is not None and own.forbid(b, areas.get(b.organization_id or 0, ()))
        return memory[key]

    found: dict[Pair, Terms] = {}
    for pair in wanted:
        one, other = people.get(pair[0]), people.get(pair[1])
        if one is None or other is None:
            found[pair] = Terms(frozenset({O.NOT_PRESENT}))
            continue
        stops: set[Obstacle] = set()
        if not (one.present and other.present):
            stops.add(O.NOT_PRESENT)
        if pair[0] == pair[1] or (
            one.organization_id is not None and one.organization_id == other.organization_id
        ):
            stops.add(O.SAME_ORGANIZATION)
        if (one.kind, other.kind) in bars:
            stops.add(O.NOT_POSSIBLE)
        by = {number for number, a, b in ((pair[0], one, other), (pair[1], other, one)) if excludes(a, b)}
        if by:
            stops.add(O.EXCLUDED)
        if pair in declined or pair[::-1] in declined:
            stops.add(O.NO_THANKS)
        if other.paused:
            stops.add(O.PAUSED)
        lacks, until = _unmet(pair, one, other, day)
        closed = one.closed_room or other.closed_room
        if closed and not has_closed_room:
            lacks.append((O.CLOSED_ROOM, None))
        found[pair] = Terms(
            obstacles=frozenset(stops | {gate for gate, _ in lacks}),
            lacks=tuple(lacks),
            closed=closed,
            cleared_until=until,
            needs_clearance=one.needs_clearance or other.needs_clearance,
            excluded_by=frozenset(by),
        )
    return found


def get_terms(event: Event, one_id: int, other_id: int, *, today: date, on: date | None = None) -> Terms:
    """The terms of a meeting of these two."""
    return list_terms(event, [(one_id, other_id)], today, on)[one_id, other_id]


def _unmet(
    pair: Pair, one: _Person, other: _Person, day: date
) -> tuple[list[tuple[Obstacle, int | None]], date | None]:
    """The gates that a person has to mend, and until when those who must be cleared are."""
    lacks: list[tuple[Obstacle, int | None]] = []
    until: date | None = None
    for asks, number, person in ((one, pair[1], other), (other, pair[0], one)):
        if asks.needs_statement and not person.stated:
            lacks.append((O.EXPORT_STATEMENT, number))
        if asks.needs_clearance:
            cleared = person.cleared_until or date.min
            until = cleared if until is None else min(until, cleared)
            if cleared < day:
                lacks.append((O.CLEARANCE, number))
    return lacks, until


# --- Reading ---------------------------------------------------------------------------------------
def _few(column: Any, numbers: Collection[int]) -> list[ColumnElement[bool]]:
    return [column.in_(numbers)] if len(numbers) <= MANY else []


def _people(event_id: int, ids: Collection[int]) -> dict[int, _Person]:
    p = MeetingProfile
    rows = db.session.execute(
        select(
            Registration.id,
            Registration.state,
            Registration.user_id,
            Registration.organization_id,
            Organization.kind,
            Organization.weapons_related,
            Registration.cleared_until,
            p.paused,
            p.needs_statement,
            p.needs_clearance,
            p.closed_room,
            p.export_stated_at,
        )
        .outerjoin(Organization, Registration.organization_id == Organization.id)
        .outerjoin(p, p.registration_id == Registration.id)
        .where(Registration.event_id == event_id, *_few(Registration.id, ids))
    )
    return {
        row[0]: _Person(
            present=row[1] in PRESENT and row[2] is not None,
            organization_id=row[3],
            kind=row[4] or Kind.OTHER,  # nobody's representative
            weapons_related=bool(row[5]),
            cleared_until=row[6],
            paused=bool(row[7]),
            needs_statement=bool(row[8]),
            needs_clearance=bool(row[9]),
            closed_room=bool(row[10]),
            stated=row[11] is not None,
        )
        for row in rows
    }


def in_force(today: date) -> ColumnElement[bool]:
    """SQL: this exclusion holds on that day."""
    return or_(Exclusion.ends_on.is_(None), Exclusion.ends_on >= today)


def _exclusions(organization_ids: Collection[int], today: date) -> dict[int, _Rules]:
    rows: Iterable[Any] = db.session.execute(
        select(
            Exclusion.organization_id,
            Exclusion.other_id,
            Exclusion.kind,
            Exclusion.area_id,
            Exclusion.weapons_related,
        ).where(in_force(today), *_few(Exclusion.organization_id, organization_ids))
    )
    rules: dict[int, _Rules] = defaultdict(_Rules)
    for owner, other, kind, area, weapons_related in rows:
        own = rules[owner]
        if other is not None:
            own.others.add(other)
        if kind is not None:
            own.kinds.add(kind)
        if area is not None:
            own.areas.add(area)
        own.weapons_related |= weapons_related
    return dict(rules)


def _areas_under_rules(organization_ids: Collection[int]) -> dict[int, set[int]]:
    """The technology areas of organizations, as far as any rule names them."""
    column = organization_area.c
    rows = db.session.execute(
        select(column.organization_id, column.area_id).where(
            column.area_id.in_(select(Exclusion.area_id).where(Exclusion.area_id.is_not(None))),
            *_few(column.organization_id, organization_ids),
        )
    )
    areas: dict[int, set[int]] = defaultdict(set)
    for organization_id, area_id in rows:
        areas[organization_id].add(area_id)
    return dict(areas)


def _bars(event_id: int) -> set[tuple[Kind, Kind]]:
    rows = db.session.execute(select(KindBar.one, KindBar.other).where(KindBar.event_id == event_id))
    bars = {(one, other) for one, other in rows}
    return bars | {(other, one) for one, other in bars}


def _no_thanks(event_id: int, ids: Collection[int]) -> set[Pair]:
    if len(ids) <= MANY:
        among: Sequence[ColumnElement[bool]] = [
            NoThanks.registration_id.in_(ids),
            NoThanks.other_id.in_(ids),
        ]
    else:
        here = select(Registration.id).where(Registration.event_id == event_id)
        among = [NoThanks.registration_id.in_(here)]
    rows = db.session.execute(select(NoThanks.registration_id, NoThanks.other_id).where(*among))
    return {(one, other) for one, other in rows}


def _has_closed_table(event_id: int) -> bool:
    closed = select(MeetingTable.id).where(
        MeetingTable.event_id == event_id, MeetingTable.kind == TableKind.CLOSED
    )
    return db.session.scalar(select(closed.exists())) or False
