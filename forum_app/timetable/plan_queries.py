"""What publishing a result would do today: new, moved and dropped meetings, and whether it still holds.

The rows a run was made from go on changing while it works and while somebody looks at it. A request that
was withdrawn meanwhile (or may no longer be met) falls out of the result, which harms nothing. If anything
else no longer fits, the result is stale: it may be looked at, but only a new run can be published.
"""

import enum
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from forum_app.core.intervals import Interval
from forum_app.core.scheduling.checker import check, ways_missed
from forum_app.core.scheduling.problem import Assignment, Problem
from forum_app.events.models import Event
from forum_app.timetable.assembly import assemble
from forum_app.timetable.instance import Instance, Planned
from forum_app.timetable.instance_queries import FREEZE, Standing, list_standing, read_facts


class ChangeKind(enum.StrEnum):
    NEW = "new"
    MOVED = "moved"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Change:
    """One meeting that publishing would touch. before: None for a new one; after: None for a dropped one."""

    kind: ChangeKind
    request_id: int
    host: int
    guest: int
    before: Standing | None
    after: Planned | None

    @property
    def when(self) -> Interval:
        """For ordering: where it will be, else where it was."""
        if self.after is not None:
            return self.after.span
        assert self.before is not None  # noqa: S101 - one of the two is there
        return self.before.held.span


@dataclass(slots=True)
class Plan:
    """changes: in order of time. fell_out: planned requests that are no longer to be placed.

    clashing: planned meetings that no longer fit; if broken, publishing is refused. waiting: agreed
    requests of today that the run did not know. planned: what it was made of.
    """

    planned: Sequence[Planned] = ()
    changes: list[Change] = field(default_factory=list)
    kept: int = 0
    fell_out: list[Planned] = field(default_factory=list)
    clashing: list[Planned] = field(default_factory=list)
    broken: bool = False
    waiting: int = 0

    def count(self, kind: ChangeKind) -> int:
        return sum(1 for change in self.changes if change.kind is kind)


def compare_with_today(
    event: Event, planned: Sequence[Planned], *, known: Instance | None, now: datetime
) -> Plan:
    """The plan of publishing what is planned. known: the instance it was made from, to count what is new."""
    standing = list_standing(event.id)
    facts = read_facts(event, now=now, standing=standing)
    today = assemble(facts, chosen={one.request_id: one.host for one in planned})
    plan = Plan(planned)
    index = {row.request_id: k for k, row in enumerate(today.meetings) if row.request_id is not None}
    kept = []
    for one in planned:
        k = index.get(one.request_id)
        if k is None or (today.meetings[k].host, today.meetings[k].guest) != (one.host, one.guest):
            plan.fell_out.append(one)
        else:
            kept.append((k, one))
    _judge(plan, today, kept)
    movable = {one.request_id: one for one in standing if one.moves(now + FREEZE)}
    _describe(plan, [one for _, one in kept], movable)
    if known is not None:
        knew = {row.request_id for row in known.meetings} | {number for number, _ in known.left_out}
        plan.waiting = sum(1 for number in index if number not in knew)
    return plan


def _judge(plan: Plan, today: Instance, kept: Sequence[tuple[int, Planned]]) -> None:
    """Check what is kept against today's rows with the independent checker."""
    problem = today.problem()
    slots = {slot: n for n, slot in enumerate(today.slots)}
    tables = {table: n for n, table in enumerate(today.tables) if table is not None}
    helpers = {helper: n for n, helper in enumerate(today.interpreters)}
    links = [n for n, table in enumerate(today.tables) if table is None]
    used: Counter[int] = Counter()
    rows = list(problem.pinned)
    for row in rows:
        if row.table in links:
            used[row.slot] += 1
    by_meeting: dict[int, Planned] = {}
    for k, one in kept:
        slot = slots.get(one.span)
        table = tables.get(one.table_id) if one.table_id is not None else None
        helper = helpers.get(one.interpreter_id) if one.interpreter_id is not None else None
        gone = (one.table_id is not None and table is None) or (
            one.interpreter_id is not None and helper is None
        )
        if slot is None or gone:
            plan.clashing.append(one)
            continue
        if one.table_id is None and problem.meetings[k].tables:
            table = _free_link(rows, links, slot)
        rows.append(Assignment(k, slot, table, helper))
        by_meeting[k] = one
    if not plan.clashing and check(problem, rows).feasible:
        return
    plan.broken = True
    plan.clashing += [by_meeting[row.meeting] for row in _misfits(problem, rows) if row.meeting in by_meeting]


def _free_link(rows: Sequence[Assignment], links: Sequence[int], slot: int) -> int | None:
    taken = {row.table for row in rows if row.slot == slot}
    return next((link for link in links if link not in taken), None)


def _misfits(problem: Problem, rows: Sequence[Assignment]) -> list[Assignment]:
    """Those of rows that by themselves, or beside what stays, no longer fit; only for showing them."""
    pinned = {row.meeting for row in problem.pinned}
    sessions = [frozenset(slots) for slots in problem.sessions]
    held: set[tuple[str, int | None, int]] = set()
    for row in problem.pinned:
        held |= set(_uses(problem, row))
    too_near = _too_near(problem, rows)
    found = []
    for row in rows:
        if row.meeting in pinned:
            continue
        meeting = problem.meetings[row.meeting]
        away = problem.participants[meeting.a].unavailable | problem.participants[meeting.b].unavailable
        if row.table is not None and problem.table_unavailable:
            away |= problem.table_unavailable[row.table]
        if row.interpreter is not None:
            away |= problem.interpreters[row.interpreter].unavailable
        fits = (
            row.slot not in away
            and (meeting.session is None or row.slot in sessions[meeting.session])
            and (meeting.tables is None or row.table in meeting.tables)
            and (meeting.interpreters is None) == (row.interpreter is None)
            and (meeting.interpreters is None or row.interpreter in meeting.interpreters)
            and held.isdisjoint(_uses(problem, row))
            and row.meeting not in too_near
        )
        if not fits:
            found.append(row)
    return found


def _too_near(problem: Problem, rows: Sequence[Assignment]) -> set[int]:
    """Meetings of people who would have to be in two buildings."""
    if not problem.near:
        return set()
    days: dict[int, dict[int, Assignment]] = defaultdict(dict)
    for row in rows:
        meeting = problem.meetings[row.meeting]
        days[meeting.a][row.slot] = days[meeting.b][row.slot] = row
    return {row.meeting for day in days.values() for pair in ways_missed(problem, day) for row in pair}


def _uses(problem: Problem, row: Assignment) -> list[tuple[str, int | None, int]]:
    meeting = problem.meetings[row.meeting]
    uses: list[tuple[str, int | None, int]] = [("p", meeting.a, row.slot), ("p", meeting.b, row.slot)]
    if row.table is not None:
        uses.append(("t", row.table, row.slot))
    if row.interpreter is not None:
        uses.append(("i", row.interpreter, row.slot))
    return uses


def _describe(plan: Plan, kept: Sequence[Planned], movable: Mapping[int | None, Standing]) -> None:
    placed = {one.request_id: one for one in kept}
    for one in kept:
        was = movable.get(one.request_id)
        if was is None:
            plan.changes.append(Change(ChangeKind.NEW, one.request_id, one.host, one.guest, None, one))
        elif _same(was, one):
            plan.kept += 1
        else:
            plan.changes.append(Change(ChangeKind.MOVED, one.request_id, one.host, one.guest, was, one))
    for request_id, was in movable.items():
        if request_id is not None and request_id not in placed:
            host, guest = was.people
            plan.changes.append(Change(ChangeKind.DROPPED, request_id, host, guest, was, None))
    plan.changes.sort(key=lambda change: (change.when, change.request_id))


def _same(was: Standing, one: Planned) -> bool:
    return (was.held.span, was.table_id, was.interpreter_id) == (one.span, one.table_id, one.interpreter_id)
