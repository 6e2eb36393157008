"""Tables for meetings whose slots are known: kept where they were, else near the participants' last table."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from forum_app.core.scheduling.problem import Assignment, Problem


def with_tables(problem: Problem, assignments: Iterable[Assignment]) -> tuple[Assignment, ...]:
    """The assignments with a table each, by meeting; those that name a table keep it, as do pinned ones.

    Slot by slot a matching (Kuhn), trying first the table of the schedule before, then those at which the
    participants sat last: a greedy pass against changes of table. Where the tables cannot suffice, rows stay
    without one, and the checker will say so.
    """
    pinned = {row.meeting: row.table for row in problem.pinned}
    before = {row.meeting: row for row in problem.previous}
    by_slot: dict[int, list[Assignment]] = defaultdict(list)
    load = [0] * len(problem.participants)
    for row in assignments:
        by_slot[row.slot].append(row)
        for p in _people(problem, row.meeting):
            load[p] += 1
    last: dict[int, int] = {}
    result: dict[int, Assignment] = {}
    for slot in sorted(by_slot):
        rows = sorted(by_slot[slot], key=lambda row: row.meeting)
        fixed: dict[int, int] = {}
        for row in rows:
            table = row.table if row.table is not None else pinned.get(row.meeting)
            if table is not None:
                fixed[row.meeting] = table
        given = _matched(problem, slot, rows, fixed, before, last, load)
        for row in rows:
            table = given.get(row.meeting)
            result[row.meeting] = replace(row, table=table)
            if table is not None:
                for p in _people(problem, row.meeting):
                    last[p] = table
    return tuple(result[meeting] for meeting in sorted(result))


def _people(problem: Problem, meeting: int) -> tuple[int, int]:
    return problem.meetings[meeting].a, problem.meetings[meeting].b


def _matched(
    problem: Problem,
    slot: int,
    rows: list[Assignment],
    fixed: dict[int, int],
    before: dict[int, Assignment],
    last: dict[int, int],
    load: list[int],
) -> dict[int, int]:
    """Meeting -> table in one slot."""
    away = problem.table_unavailable
    there = [t for t in range(problem.n_tables) if not away or slot not in away[t]]
    usable = set(there)
    taken = set(fixed.values())
    holder: dict[int, int] = {}
    liked: dict[int, list[int]] = {}
    for row in rows:
        if row.meeting in fixed:
            continue
        was = before.get(row.meeting)
        first = [was.table] if was is not None and was.slot == slot and was.table is not None else []
        hosts = sorted(_people(problem, row.meeting), key=lambda p: -load[p])
        liked[row.meeting] = [*first, *(last[p] for p in hosts if p in last)]

    def choices(meeting: int) -> Iterator[int]:
        serve = problem.meetings[meeting].tables
        allowed = usable if serve is None else usable.intersection(serve)
        for table in liked[meeting]:
            if table in allowed and table not in taken:
                yield table
        for table in there if serve is None else serve:
            if table in allowed and table not in taken:
                yield table

    def place(meeting: int, tried: set[int]) -> bool:
        options = list(choices(meeting))
        for table in options:
            if table not in holder:
                holder[table] = meeting
                return True
        for table in options:
            if table not in tried:
                tried.add(table)
                if place(holder[table], tried):
                    holder[table] = meeting
                    return True
        return False

    def urgency(meeting: int) -> tuple[int, int, int]:
        serve = problem.meetings[meeting].tables
        was = before.get(meeting)
        kept = was is not None and was.slot == slot
        return (
            0 if kept else 1,
            0 if serve is not None else 1,
            -sum(load[p] for p in _people(problem, meeting)),
        )

    for meeting in sorted(liked, key=urgency):
        place(meeting, set())
    return fixed | {meeting: table for table, meeting in holder.items()}
