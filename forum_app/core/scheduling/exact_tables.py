"""Tables for meetings whose slots are known: kept where they were, else near the participants' last table."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from forum_app.core.scheduling.problem import Assignment, Problem


def with_tables(problem: Problem, assignments: Iterable[Assignment]) -> tuple[Assignment, ...]:
    """The assignments with a table each, by meeting; those that name a table keep it, as do pinned ones.

    Slot by slot a largest matching, and of those one that keeps most tables of the schedule before; besides,
    where the participants sat last: a greedy pass against changes of table. Where the tables cannot
    suffice, rows stay without one, and the checker will say so.
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

    def home(meeting: int, table: int) -> int:
        was = before.get(meeting)
        return int(was is not None and was.slot == slot and was.table == table)

    def place(meeting: int) -> None:
        """At a free table if there is one, else by the path of changes that keeps most of the tables of the
        schedule before (shortest paths, Bellman and Ford).
        """
        lost: dict[int, int] = {}
        came: dict[int, int | None] = {}
        seekers: deque[tuple[int, int | None, int]] = deque([(meeting, None, 0)])
        best: tuple[int, int] | None = None
        while seekers:
            seeker, source, cost = seekers.popleft()
            if source is not None and cost > lost[source]:
                continue
            for table in choices(seeker):
                paid = cost - home(seeker, table)
                if table not in holder:
                    if best is None or paid < best[0]:
                        best, came[table] = (paid, table), source
                    if source is None:
                        break
                    continue
                paid += home(holder[table], table)
                if table != source and paid < lost.get(table, len(rows) + 1):
                    lost[table], came[table] = paid, source
                    seekers.append((holder[table], table, paid))
            if source is None and best is not None:
                break
        if best is None:
            return
        table = best[1]
        while (source := came[table]) is not None:
            holder[table] = holder[source]
            table = source
        holder[table] = meeting

    def urgency(meeting: int) -> tuple[int, int, int]:
        serve = problem.meetings[meeting].tables
        stays = any(home(meeting, table) for table in choices(meeting))
        return (
            0 if stays else 1,
            0 if serve is not None else 1,
            -sum(load[p] for p in _people(problem, meeting)),
        )

    for meeting in sorted(liked, key=urgency):
        place(meeting)
    return fixed | {meeting: table for table, meeting in holder.items()}
