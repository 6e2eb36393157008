"""The best schedule of a tiny problem by trying all of them, by definitions written down a second time."""

import itertools
from collections.abc import Iterator

from forum_app.core.scheduling.problem import Problem

Value = tuple[int, ...]


def best_value(problem: Problem) -> Value | None:
    """(weight, then negated: shortfalls from the largest, moved, breaks); None: nothing is feasible."""
    values = [value for value in (_value(problem, slots) for slots in _slots(problem)) if value is not None]
    return max(values, default=None)


def _slots(problem: Problem) -> Iterator[tuple[int | None, ...]]:
    choices: list[list[int | None]] = []
    for meeting in problem.meetings:
        free: list[int | None] = [
            slot
            for slot in range(problem.n_slots)
            if slot not in problem.participants[meeting.a].unavailable
            and slot not in problem.participants[meeting.b].unavailable
            and meeting.fixed in (None, slot)
            and (meeting.session is None or slot in problem.sessions[meeting.session])
        ]
        choices.append(free if problem.all_mandatory else [*free, None])
    return itertools.product(*choices)


def _value(problem: Problem, slots: tuple[int | None, ...]) -> Value | None:
    days: list[list[int]] = [[] for _ in problem.participants]
    for meeting, slot in zip(problem.meetings, slots, strict=True):
        if slot is not None:
            days[meeting.a].append(slot)
            days[meeting.b].append(slot)
    for person, day in zip(problem.participants, days, strict=True):
        if len(set(day)) < len(day):
            return None
        if person.max_meetings is not None and len(day) > person.max_meetings:
            return None
    for index, meeting in enumerate(problem.meetings):
        here = slots[index]
        for earlier in meeting.after:
            there = slots[earlier]
            if here is not None and there is not None and there >= here:
                return None
    for pin in problem.pinned:
        if slots[pin.meeting] != pin.slot:
            return None
    breaks = [_breaks(day) for day in days]
    if problem.fairness_d is not None and max(breaks) - min(breaks) > problem.fairness_d:
        return None
    places = _places(problem, slots)
    if places is None:
        return None
    short = [
        max(0, person.min_meetings - len(day)) for person, day in zip(problem.participants, days, strict=True)
    ]
    weight = sum(m.weight for m, slot in zip(problem.meetings, slots, strict=True) if slot is not None)
    return (weight, *(-count for count in sorted(short, reverse=True)), -places, -sum(breaks))


def _breaks(day: list[int]) -> int:
    runs = 0
    for slot in range(max(day, default=-1) + 1):
        if slot in day and slot - 1 not in day:
            runs += 1
    return max(0, runs - 1)


def _places(problem: Problem, slots: tuple[int | None, ...]) -> int | None:
    """How few rows of the schedule before are not kept; None: tables or interpreters do not suffice."""
    fewest = len(problem.previous)
    for slot in range(problem.n_slots):
        here = [index for index, at in enumerate(slots) if at == slot]
        kept = _tables(problem, slot, here)
        if kept is None:
            return None
        fewest -= kept
    if not _interpreted(problem, slots):
        return None
    return fewest


def _tables(problem: Problem, slot: int, here: list[int]) -> int | None:
    """How many rows of the schedule before can be kept in a slot; None: there is no choice of tables."""
    away = problem.table_unavailable
    there = [t for t in range(problem.n_tables) if not away or slot not in away[t]]
    before = {row.meeting: row.table for row in problem.previous if row.slot == slot}
    pinned = {row.meeting: row.table for row in problem.pinned if row.table is not None}
    best: int | None = None
    for choice in itertools.permutations(there, len(here)):
        for index, table in zip(here, choice, strict=True):
            serve = problem.meetings[index].tables
            if (serve is not None and table not in serve) or pinned.get(index, table) != table:
                break
        else:
            kept = sum(
                1
                for index, table in zip(here, choice, strict=True)
                if index in before and before[index] in (None, table)
            )
            best = kept if best is None else max(best, kept)
    return best


def _interpreted(problem: Problem, slots: tuple[int | None, ...]) -> bool:
    need = [i for i, m in enumerate(problem.meetings) if m.interpreters is not None and slots[i] is not None]
    for choice in itertools.product(*(problem.meetings[index].interpreters or () for index in need)):
        work: dict[int, list[int]] = {}
        for index, q in zip(need, choice, strict=True):
            slot = slots[index]
            if slot is not None:
                work.setdefault(q, []).append(slot)
        if all(_can_work(problem, q, busy) for q, busy in work.items()):
            return True
    return False


def _can_work(problem: Problem, q: int, busy: list[int]) -> bool:
    interpreter = problem.interpreters[q]
    if len(set(busy)) < len(busy) or interpreter.unavailable & set(busy):
        return False
    longest = interpreter.max_run
    if longest is None:
        return True
    return not any(all(first + i in busy for i in range(longest + 1)) for first in busy)
