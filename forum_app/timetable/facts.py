"""What a schedule run is made from, as values: wishes, what stays, people, tables, interpreters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from forum_app.core.intervals import Interval
from forum_app.meetings.resource_queries import Helper, Place
from forum_app.meetings.rule_queries import Terms
from forum_app.organizations.models import Kind
from forum_app.timetable.levels import Level


@dataclass(frozen=True, slots=True)
class Held:
    """Where a meeting is now. table_id None: remote."""

    meeting_id: int
    span: Interval
    table_id: int | None
    interpreter_id: int | None


@dataclass(frozen=True, slots=True)
class Wish:
    """An agreed request. host, asker: registration ids; held: where an earlier schedule put it."""

    request_id: int
    asker: int
    host: int
    level: Level
    team: bool = False
    remote: bool = False
    needs_interpreter: bool = False
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class Fixed:
    """A meeting that stays: booked directly, set by hand, pinned, or about to begin."""

    held: Held
    people: tuple[int, ...]


@dataclass(slots=True)
class Person:
    """busy: without the meetings of this event. most: None for no limit; least: a wish."""

    registration_id: int
    kind: Kind | None = None
    organization_id: int | None = None
    language: str = "en"
    busy: Sequence[Interval] = ()
    most: int | None = None
    least: int = 0


@dataclass(slots=True)
class Facts:
    """All that a run is made from. candidates: who may come instead of the host of a team request.

    pairs in terms: (asker, host). slots: in order of time, none before the first that may be used. walk: from
    one building to another.
    """

    name: str
    zone: str
    slots: Sequence[Interval]
    people: Mapping[int, Person]
    places: Sequence[Place]
    helpers: Sequence[Helper]
    wishes: Sequence[Wish]
    fixed: Sequence[Fixed]
    terms: Mapping[tuple[int, int], Terms]
    candidates: Mapping[int, Sequence[int]] = field(default_factory=dict)
    walk: timedelta = timedelta()
