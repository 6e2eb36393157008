"""What is free when: people by the conflict engine, tables and interpreters by their hours and claims."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select

from forum_app.core.intervals import Interval, grid_cells, merge
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.busy_queries import Diary, read_diary
from forum_app.meetings.models import GRID_MINUTES, Claim, MeetingFormat, ResourceKind
from forum_app.meetings.resource_queries import (
    Helper,
    Place,
    list_helpers,
    list_places,
    serving_helpers,
    serving_places,
)
from forum_app.registration.models import Registration

CELL = timedelta(minutes=GRID_MINUTES)
Cells = dict[tuple[ResourceKind, int], set[datetime]]


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time at which all needed are free. tables, interpreters: ids that are free, in their order."""

    start: datetime
    end: datetime
    tables: tuple[int, ...] = ()
    interpreters: tuple[int, ...] = ()

    @property
    def value(self) -> str:
        """The start as a form carries it."""
        return f"{self.start:%Y%m%dT%H%MZ}"


def claimed_cells(
    wanted: Mapping[ResourceKind, Collection[int]], window: Interval, without: Collection[int] = ()
) -> Cells:
    """Which cells of the wanted resources are in use in window, but for meetings without; one statement."""
    groups = [
        and_(Claim.resource_kind == kind, Claim.resource_id.in_(ids)) for kind, ids in wanted.items() if ids
    ]
    cells: Cells = {}
    if groups:
        rows = db.session.execute(
            select(Claim.resource_kind, Claim.resource_id, Claim.slot_at).where(
                or_(*groups),
                Claim.slot_at >= window.start,
                Claim.slot_at < window.end,
                Claim.meeting_id.not_in(without),
            )
        )
        for kind, resource_id, slot_at in rows:
            cells.setdefault((kind, resource_id), set()).add(slot_at)
    return cells


def as_intervals(cells: Iterable[datetime]) -> list[Interval]:
    """Cells as spans of time."""
    return merge(Interval(cell, cell + CELL) for cell in cells)


# An interpreter's rest may hang on meetings well before and after a window.
AROUND = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a meeting needs beside its people. cleared: who takes part must be cleared on the day.

    organizations, languages: of the people, the host's first.
    """

    organizations: tuple[int | None, ...] = ()
    languages: tuple[str, ...] = ()
    format: MeetingFormat = MeetingFormat.IN_PERSON
    closed: bool = False
    cleared: bool = False
    interpreter: bool = False

    @property
    def remote(self) -> bool:
        return self.format == MeetingFormat.REMOTE


def wish_of(
    people: Sequence[Registration],
    *,
    format: MeetingFormat = MeetingFormat.IN_PERSON,
    closed: bool = False,
    cleared: bool = False,
    interpreter: bool = False,
) -> Wish:
    """What a meeting of these people (the host first) needs."""
    return Wish(
        tuple(person.organization_id for person in people),
        tuple(person.language for person in people),
        format,
        closed,
        cleared,
        interpreter,
    )


@dataclass(slots=True)
class Availability:
    """What is known about a time window at an event: who and what is in use, and when."""

    diary: Diary
    cells: Cells
    places: Sequence[Place]
    helpers: Sequence[Helper]
    zone: ZoneInfo
    _used: dict[tuple[ResourceKind, int], list[Interval]] = field(default_factory=dict)

    def used(self, kind: ResourceKind, resource_id: int) -> list[Interval]:
        """Spans in which a resource is claimed by meetings."""
        key = (kind, resource_id)
        if key not in self._used:
            self._used[key] = as_intervals(self.cells.get(key, ()))
        return self._used[key]

    def free(self, kind: ResourceKind, resource_id: int, span: Interval) -> bool:
        """Whether no meeting uses a resource in span."""
        cells = self.cells.get((kind, resource_id))
        return cells is None or cells.isdisjoint(grid_cells(span.start, span.end, GRID_MINUTES))

    def free_tables(self, user_ids: Collection[int], span: Interval, wish: Wish) -> tuple[int, ...]:
        """Tables at which these people could meet in span, best first; the way there is minded."""
        reachable: dict[str | None, bool] = {}

        def can_come(building: str | None) -> bool:
            if building not in reachable:
                places = () if building is None else (building,)
                reachable[building] = all(self.diary.is_free(one, span, places) for one in user_ids)
            return reachable[building]

        return tuple(
            place.id
            for place in serving_places(self.places, wish.organizations, closed=wish.closed)
            if place.is_there(span)
            and can_come(place.building)
            and self.free(ResourceKind.TABLE, place.id, span)
        )

    def free_helpers(self, span: Interval, wish: Wish) -> tuple[int, ...]:
        """Interpreters who could serve in span, rested enough."""
        day: date | None = span.start.astimezone(self.zone).date() if wish.cleared else None
        return tuple(
            helper.id
            for helper in serving_helpers(self.helpers, wish.languages, cleared_on=day)
            if helper.is_there(span)
            and self.free(ResourceKind.INTERPRETER, helper.id, span)
            and helper.may_take(span, self.used(ResourceKind.INTERPRETER, helper.id))
        )

    def slot(self, user_ids: Collection[int], span: Interval, wish: Wish) -> "FreeSlot | None":
        """The span as a free slot for these people and all that they need, else None."""
        helpers = self.free_helpers(span, wish) if wish.interpreter else ()
        if wish.interpreter and not helpers:
            return None
        if wish.remote:
            free = all(self.diary.is_free(one, span, ()) for one in user_ids)
            return FreeSlot(span.start, span.end, (), helpers) if free else None
        tables = self.free_tables(user_ids, span, wish)
        return FreeSlot(span.start, span.end, tables, helpers) if tables else None


def read_availability(
    event: Event,
    user_ids: Collection[int],
    window: Interval,
    *,
    interpreters: bool = True,
    without: Collection[int] = (),
) -> Availability:
    """Read all that limits meetings of these people in window; at most eleven statements.

    without: meetings (ids) whose own claims do not count.
    """
    places = list_places(event.id)
    helpers = list_helpers(event.id) if interpreters else []
    wanted = {
        ResourceKind.TABLE: [place.id for place in places],
        ResourceKind.INTERPRETER: [helper.id for helper in helpers],
    }
    wide = Interval(window.start - AROUND, window.end + AROUND) if helpers else window
    buildings = frozenset(place.building for place in places if place.building is not None)
    return Availability(
        read_diary(event, user_ids, window=window, without=without, buildings=buildings),
        claimed_cells(wanted, wide, without),
        places,
        helpers,
        ZoneInfo(event.timezone),
    )
