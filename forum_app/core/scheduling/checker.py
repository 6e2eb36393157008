"""Is a schedule feasible, and what is it worth? Shares no code with the solver, so that it can judge it.

Follows the definitions in the module `problem`, optional parts included.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from forum_app.core.scheduling.problem import Assignment, Problem

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Report:
    """violations: sentences, at most 50, empty if the schedule is feasible. The rest measures the schedule.

    break_spread: largest difference between two participants' breaks. shortfalls: per participant with fewer
    meetings than wished, how many fewer, largest first. moved: assignments of Problem.previous not kept.
    """

    violations: tuple[str, ...]
    placed: int
    weight: int
    breaks: int
    break_spread: int
    idle_slots: int
    idle_slots_available: int
    table_changes: int
    moved: int
    shortfalls: tuple[int, ...]

    @property
    def feasible(self) -> bool:
        return not self.violations


def check(problem: Problem, assignments: Iterable[Assignment]) -> Report:
    """Judges the schedule; any sequence of assignments may be given, however wrong."""
    violations: list[str] = []
    n_slots, n_tables = problem.n_slots, problem.n_tables
    people, meetings = problem.participants, problem.meetings
    at: dict[int, Assignment] = {}
    days: list[dict[int, Assignment]] = [{} for _ in people]
    tables: dict[tuple[int, int], int] = {}
    talks: dict[int, dict[int, int]] = defaultdict(dict)

    for row in assignments:
        k, slot = row.meeting, row.slot
        if not 0 <= k < len(meetings):
            violations.append(f"meeting {k} does not exist")
            continue
        if not 0 <= slot < n_slots:
            violations.append(f"meeting {k}: slot {slot} does not exist")
            continue
        if k in at:
            violations.append(f"meeting {k} is placed twice")
            continue
        at[k] = row
        meeting = meetings[k]
        for p in (meeting.a, meeting.b):
            if slot in days[p]:
                violations.append(
                    f"participant {p} has meetings {days[p][slot].meeting} and {k} in slot {slot}"
                )
            days[p][slot] = row
            if slot in people[p].unavailable:
                violations.append(f"meeting {k}: participant {p} is unavailable in slot {slot}")
        if meeting.fixed is not None and slot != meeting.fixed:
            violations.append(f"meeting {k} is fixed to slot {meeting.fixed}, placed in {slot}")
        if meeting.session is not None and slot not in problem.sessions[meeting.session]:
            violations.append(f"meeting {k} is outside its session {meeting.session}")
        violations.extend(_table_faults(problem, row, tables))
        violations.extend(_interpreter_faults(problem, row, talks))

    if problem.near:
        violations.extend(
            f"participant {p} cannot walk from meeting {one.meeting} in slot {one.slot}"
            f" to meeting {other.meeting} in slot {other.slot}"
            for p, day in enumerate(days)
            for one, other in ways_missed(problem, day)
        )
    for slot, count in sorted(Counter(row.slot for row in at.values()).items()):
        there = n_tables - sum(1 for away in problem.table_unavailable if slot in away)
        if count > there:
            violations.append(f"slot {slot} holds {count} meetings, there are {there} tables")
    for k, meeting in enumerate(meetings):
        if k not in at:
            if problem.all_mandatory:
                violations.append(f"meeting {k} is mandatory and not placed")
            continue
        violations.extend(
            f"meeting {k} must come after meeting {earlier}"
            for earlier in meeting.after
            if earlier in at and at[earlier].slot >= at[k].slot
        )
    for p, person in enumerate(people):
        if person.max_meetings is not None and len(days[p]) > person.max_meetings:
            violations.append(
                f"participant {p} has {len(days[p])} meetings, at most {person.max_meetings} allowed"
            )
    for q, slots in talks.items():
        longest = problem.interpreters[q].max_run
        if longest is not None and _longest_run(slots) > longest:
            violations.append(f"interpreter {q} works more than {longest} slots without a rest")
    for pin in problem.pinned:
        row_there = at.get(pin.meeting)
        kept = (
            row_there is not None
            and row_there.slot == pin.slot
            and pin.table in (None, row_there.table)
            and pin.interpreter in (None, row_there.interpreter)
        )
        if not kept:
            violations.append(f"meeting {pin.meeting} is pinned to slot {pin.slot} and not there")

    breaks = [_breaks(sorted(day)) for day in days]
    spread = max(breaks, default=0) - min(breaks, default=0)
    if problem.fairness_d is not None and spread > problem.fairness_d:
        violations.append(f"break counts differ by {spread}, at most {problem.fairness_d} allowed")

    gaps = [(p, slot) for p, day in enumerate(days) for slot in _gaps(day)]
    moved = 0
    for was in problem.previous:
        now = at.get(was.meeting)
        if now is None or now.slot != was.slot or was.table not in (None, now.table):
            moved += 1
    short = [max(0, person.min_meetings - len(days[p])) for p, person in enumerate(people)]
    return Report(
        violations=tuple(violations[:MOST_SHOWN]),
        placed=len(at),
        weight=sum(meetings[k].weight for k in at),
        breaks=sum(breaks),
        break_spread=spread,
        idle_slots=len(gaps),
        idle_slots_available=sum(1 for p, slot in gaps if slot not in people[p].unavailable),
        table_changes=sum(_changes(day) for day in days),
        moved=moved,
        shortfalls=tuple(sorted((count for count in short if count), reverse=True)),
    )


def _table_faults(problem: Problem, row: Assignment, used: dict[tuple[int, int], int]) -> Iterable[str]:
    k, slot, table = row.meeting, row.slot, row.table
    serves = problem.meetings[k].tables
    if table is None:
        if serves is not None:
            yield f"meeting {k} needs one of certain tables and has none"
        return
    if not 0 <= table < problem.n_tables:
        yield f"meeting {k}: table {table} does not exist"
        return
    if (slot, table) in used:
        yield f"slot {slot} table {table} holds meetings {used[slot, table]} and {k}"
    used[slot, table] = k
    if serves is not None and table not in serves:
        yield f"meeting {k}: table {table} does not serve"
    if problem.table_unavailable and slot in problem.table_unavailable[table]:
        yield f"meeting {k}: table {table} is not there in slot {slot}"


def _interpreter_faults(problem: Problem, row: Assignment, talks: dict[int, dict[int, int]]) -> Iterable[str]:
    k, slot, q = row.meeting, row.slot, row.interpreter
    serve = problem.meetings[k].interpreters
    if q is None:
        if serve is not None:
            yield f"meeting {k} needs an interpreter and has none"
        return
    if not 0 <= q < len(problem.interpreters):
        yield f"meeting {k}: interpreter {q} does not exist"
        return
    if serve is None:
        yield f"meeting {k} has an interpreter and needs none"
    elif q not in serve:
        yield f"meeting {k}: interpreter {q} does not serve"
    if slot in talks[q]:
        yield f"interpreter {q} has meetings {talks[q][slot]} and {k} in slot {slot}"
    talks[q][slot] = k
    if slot in problem.interpreters[q].unavailable:
        yield f"meeting {k}: interpreter {q} is unavailable in slot {slot}"


def ways_missed(problem: Problem, day: dict[int, Assignment]) -> Iterable[tuple[Assignment, Assignment]]:
    """Two meetings of one person (by slot) in different buildings, with no time for the way between them.

    Two that are pinned may be as they are: nobody has a choice.
    """
    pinned = {row.meeting for row in problem.pinned}
    for earlier, later in itertools.combinations(sorted(day), 2):
        one, other = day[earlier], day[later]
        if later not in problem.near[earlier] or {one.meeting, other.meeting} <= pinned:
            continue
        here, there = (None if row.table is None else problem.buildings[row.table] for row in (one, other))
        if here is not None and there is not None and here != there:
            yield one, other


def _breaks(slots: list[int]) -> int:
    return sum(1 for earlier, later in itertools.pairwise(slots) if later > earlier + 1)


def _gaps(day: dict[int, Assignment]) -> list[int]:
    if not day:
        return []
    return [slot for slot in range(min(day), max(day)) if slot not in day]


def _changes(day: dict[int, Assignment]) -> int:
    tables = [day[slot].table for slot in sorted(day)]
    return sum(1 for was, now in itertools.pairwise(tables) if was != now)


def _longest_run(slots: Iterable[int]) -> int:
    longest = run = 0
    last = None
    for slot in sorted(slots):
        run = run + 1 if last is not None and slot == last + 1 else 1
        longest, last = max(longest, run), slot
    return longest
