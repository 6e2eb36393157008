"""Tables in several buildings: one building after the other is solved, so that nobody has to be in two.

Who meets in one building cannot meet in another one until they have walked there (Problem.near). Each
building is a problem of its own, in which people are away while they meet elsewhere and on their way there
and back; so no schedule that comes of it lets two meetings follow each other too soon. What is lost is that
buildings are not weighed against one another but in turn; a second round lets each take what the others
left. Bounds are those of the problem without ways, and hold.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from forum_app.core.scheduling.checker import Report, check
from forum_app.core.scheduling.explain import explain_unplaced
from forum_app.core.scheduling.problem import Assignment, Problem, Result, Status, allowed_slots

SolvePart = Callable[[Problem, float, Collection[Assignment]], Iterable[Assignment]]
"""Solves a problem without ways within so many seconds; beside it, as the whole numbers them, what stands
elsewhere."""
FIRST = 0.6
"""Of the time, what the first round may take where there is a second one."""
LEAST = 0.5
"""Seconds that each part gets at least."""
Building = int | None


def has_ways(problem: Problem) -> bool:
    """Whether it matters in which building a table stands."""
    return any(problem.near) and len(set(problem.buildings) - {None}) > 1


def worth(problem: Problem, report: Report) -> tuple[int, ...]:
    """One place per level: weight, lacking meetings, moved, breaks; larger is better."""
    most_wished = max((person.min_meetings for person in problem.participants), default=0)
    lacking = (-sum(1 for short in report.shortfalls if short >= j) for j in range(most_wished, 0, -1))
    return (report.weight, *lacking, -report.moved, -report.breaks)


def result_of(
    problem: Problem,
    rows: tuple[Assignment, ...],
    report: Report,
    *,
    status: Status,
    started: float,
    weight_bound: int,
    breaks_bound: int,
    moved_bound: int,
) -> Result:
    """A schedule and its report, with what is known of the whole; started: by time.monotonic()."""
    return Result(
        status=status,
        assignments=rows,
        placed_weight=report.weight,
        weight_bound=weight_bound,
        breaks=report.breaks,
        breaks_bound=breaks_bound,
        moved=report.moved,
        moved_bound=moved_bound,
        seconds=time.monotonic() - started,
        unplaced=explain_unplaced(problem, rows),
        idle_slots=report.idle_slots,
        idle_slots_available=report.idle_slots_available,
        table_changes=report.table_changes,
    )


def in_turn(
    problem: Problem,
    solve_part: SolvePart,
    *,
    time_limit: float,
    again: bool,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Assignment, ...]:
    """A schedule that minds the ways, made of what solve_part makes of each building.

    again: further rounds, in which whatever waits may go to any building that serves, until one changes
    nothing; a part is kept if the whole is better for it. They end when should_stop says so.
    """
    ends_at = time.monotonic() + time_limit
    town = _Town(problem)
    # beside what was published, and as if each were the first: there may be no room between what stands
    starts = [town.standing(), town.standing(before=False)] if problem.previous else [town.standing()]
    share = (FIRST if again else 1.0) * time_limit / (len(starts) * max(1, len(problem.meetings)))
    found = []
    for rows in starts:
        for building in town.order:
            wanted = [k for k, home in enumerate(town.home) if home == building]
            rows = town.solved(building, wanted, rows, solve_part, max(LEAST, share * len(wanted)))
        report = check(problem, rows.values())
        found.append((report.feasible, worth(problem, report), rows))
    _, best, rows = max(found, key=lambda one: one[:2])
    share = (1 - FIRST) * time_limit / max(1, len(town.order))
    better = again
    while better:
        better = False
        for building in town.order:
            if should_stop() or time.monotonic() >= ends_at:
                return tuple(rows[k] for k in sorted(rows))
            wanted = [
                k
                for k, serving in enumerate(town.serving)
                if (town.where(rows[k]) == building if k in rows else building in serving)
            ]
            tried = town.solved(building, wanted, rows, solve_part, max(LEAST, share))
            report = check(problem, tried.values())
            value = worth(problem, report)
            if report.feasible and value > best:
                rows, best, better = tried, value, True
    return tuple(rows[k] for k in sorted(rows))


@dataclass(frozen=True, slots=True)
class _Part:
    """A problem of one building; meetings and tables: our numbers by its own."""

    problem: Problem
    meetings: Sequence[int]
    tables: Sequence[int]

    def back(self, rows: Iterable[Assignment]) -> dict[int, Assignment]:
        """Its rows under our numbers, by meeting."""
        found = {}
        for row in rows:
            k = self.meetings[row.meeting]
            table = self.tables[row.table] if row.table is not None else None
            found[k] = replace(row, meeting=k, table=table)
        return found


class _Town:
    """The buildings of a problem. None is one as well: tables to which nobody walks.

    serving: per meeting the buildings with a table for it; home: the one in which it is tried first; order:
    the fullest building first.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.tables: dict[Building, list[int]] = defaultdict(list)
        for table in range(problem.n_tables):
            self.tables[self.building(table)].append(table)
        everywhere = frozenset(self.tables)
        self.serving = [
            everywhere if meeting.tables is None else frozenset(map(self.building, meeting.tables))
            for meeting in problem.meetings
        ]
        away = problem.table_unavailable
        self.seats = {
            building: sum(problem.n_slots - (len(away[table]) if away else 0) for table in tables)
            for building, tables in self.tables.items()
        }
        self.wanted: Counter[Building] = Counter()
        self.home = self._homes()
        self.order = sorted(
            self.tables, key=lambda one: (-self.wanted[one] / max(1, self.seats[one]), one is None, one or 0)
        )

    def where(self, row: Assignment) -> Building:
        """Where a meeting is; one that is promised no certain table is at home."""
        return self.home[row.meeting] if row.table is None else self.building(row.table)

    def building(self, table: int) -> Building:
        return self.problem.buildings[table]

    def _homes(self) -> list[Building]:
        """Where a meeting is or was; else its only building; else that of its host's other meetings, or the
        emptiest for all of a host's. A meeting that no table serves has none that serves."""
        known: dict[int, Building] = {}
        for row in (*self.problem.previous, *self.problem.pinned):  # a pin has the last word
            if row.table is not None and self.building(row.table) in self.serving[row.meeting]:
                known[row.meeting] = self.building(row.table)
        open_ones: dict[int, list[int]] = defaultdict(list)
        hosts: dict[int, Counter[Building]] = defaultdict(Counter)
        for k, meeting in enumerate(self.problem.meetings):
            if k not in known and len(self.serving[k]) > 1:
                open_ones[meeting.a].append(k)
                continue
            known.setdefault(k, next(iter(self.serving[k]), None))
            hosts[meeting.a][known[k]] += 1
            self.wanted[known[k]] += 1
        for host, meetings in sorted(open_ones.items(), key=lambda item: (-len(item[1]), item[0])):
            usual = hosts[host].most_common(1)
            for k in meetings:
                if usual and usual[0][0] in self.serving[k]:
                    known[k] = usual[0][0]
                else:
                    known[k] = min(
                        self.serving[k],
                        key=lambda one: (
                            (self.wanted[one] + len(meetings)) / max(1, self.seats[one]),
                            one is None,
                            one or 0,
                        ),
                    )
                    usual = [(known[k], 1)]
                self.wanted[known[k]] += 1
        return [known[k] for k in range(len(self.problem.meetings))]

    def standing(self, *, before: bool = True) -> dict[int, Assignment]:
        """Pinned rows; before: and those of the schedule before that are possible beside them and one
        another; of two with no time for the way between them the heavier."""
        problem = self.problem
        allowed, away = allowed_slots(problem), problem.table_unavailable
        rows = {row.meeting: row for row in problem.pinned}
        days: dict[int, list[Assignment]] = defaultdict(list)
        for row in problem.pinned:
            self._enter(days, row)
        for row in sorted(
            problem.previous if before else (), key=lambda row: -problem.meetings[row.meeting].weight
        ):
            possible = (
                row.meeting not in rows
                and row.slot in allowed[row.meeting]
                and self.where(row) == self.home[row.meeting]
                and not (away and row.table is not None and row.slot in away[row.table])
            )
            meeting = problem.meetings[row.meeting]
            if possible and not any(
                self._full(person, days)  # or there would be no room for pins in the building solved first
                or any(other.slot in self.reach(row, self.where(other)) for other in days[person])
                for person in (meeting.a, meeting.b)
            ):
                rows[row.meeting] = row
                self._enter(days, row)
        return rows

    def _full(self, person: int, days: Mapping[int, list[Assignment]]) -> bool:
        most = self.problem.participants[person].max_meetings
        return most is not None and len(days[person]) >= most

    def _enter(self, days: Mapping[int, list[Assignment]], row: Assignment) -> None:
        meeting = self.problem.meetings[row.meeting]
        days[meeting.a].append(row)
        days[meeting.b].append(row)

    def reach(self, row: Assignment, building: Building) -> frozenset[int]:
        """The slots in which those who meet in row cannot meet in a building."""
        there = self.where(row)
        walk = None not in (there, building) and there != building
        return self.problem.near[row.slot] | {row.slot} if walk else frozenset({row.slot})

    def solved(
        self,
        building: Building,
        wanted: Sequence[int],
        rows: Mapping[int, Assignment],
        solve_part: SolvePart,
        seconds: float,
    ) -> dict[int, Assignment]:
        """rows with those of wanted as solve_part places them in one building."""
        ours = set(wanted)
        others = {k: row for k, row in rows.items() if k not in ours}
        part = self._part(building, wanted, others.values())
        return others | part.back(solve_part(part.problem, seconds, others.values()) if wanted else ())

    def _part(self, building: Building, wanted: Sequence[int], others: Collection[Assignment]) -> _Part:
        problem = self.problem
        tables = self.tables[building]
        table_at = {table: n for n, table in enumerate(tables)}
        number = {k: n for n, k in enumerate(wanted)}

        def ours(rows: Iterable[Assignment]) -> tuple[Assignment, ...]:
            return tuple(
                replace(
                    row,
                    meeting=number[row.meeting],
                    table=table_at[row.table] if row.table is not None else None,
                )
                for row in rows
                if row.meeting in number and (row.table is None or row.table in table_at)
            )

        pinned = ours(problem.pinned)
        stays: dict[int, set[int]] = defaultdict(set)
        talks_stay: dict[int, set[int]] = defaultdict(set)
        for row in pinned:
            if row.interpreter is not None:
                talks_stay[row.interpreter].add(row.slot)
            for person in (problem.meetings[wanted[row.meeting]].a, problem.meetings[wanted[row.meeting]].b):
                stays[person].add(row.slot)
        taken: dict[int, set[int]] = defaultdict(set)
        talks: dict[int, set[int]] = defaultdict(set)
        held: Counter[int] = Counter()
        for row in others:
            slots = self.reach(row, building)
            meeting = problem.meetings[row.meeting]
            for person in (meeting.a, meeting.b):
                taken[person] |= slots
                held[person] += 1
            if row.interpreter is not None:
                talks[row.interpreter].add(row.slot)
        people = tuple(
            replace(
                person,
                unavailable=person.unavailable | (taken[p] - stays[p]),
                max_meetings=None if person.max_meetings is None else max(0, person.max_meetings - held[p]),
                min_meetings=max(0, person.min_meetings - held[p]),
            )
            if p in taken
            else person
            for p, person in enumerate(problem.participants)
        )
        interpreters = tuple(
            replace(
                one,
                unavailable=one.unavailable
                | (_with_rests(talks[q], one.max_run, problem.n_slots) - talks_stay[q]),
            )
            if q in talks
            else one
            for q, one in enumerate(problem.interpreters)
        )
        meetings = tuple(
            replace(
                problem.meetings[k],
                tables=None
                if problem.meetings[k].tables is None
                else tuple(table_at[t] for t in problem.meetings[k].tables or () if t in table_at),
            )
            for k in wanted
        )
        away = problem.table_unavailable
        return _Part(
            replace(
                problem,
                n_tables=len(tables),
                participants=people,
                meetings=meetings,
                interpreters=interpreters,
                table_unavailable=tuple(away[table] for table in tables) if away else (),
                previous=ours(problem.previous),
                pinned=pinned,
                buildings=(),
                near=(),
            ),
            wanted,
            tables,
        )


def _with_rests(talks: set[int], max_run: int | None, n_slots: int) -> set[int]:
    """The slots of an interpreter's talks elsewhere; with those beside them, where runs are limited, so that
    no run grows."""
    if max_run is None:
        return talks
    return {n for slot in talks for n in (slot - 1, slot, slot + 1) if 0 <= n < n_slots}
