"""Why a request has no place in a schedule: a reason that is true of that schedule, for each of them."""

from collections import defaultdict
from collections.abc import Iterable

from forum_app.core.scheduling.problem import Assignment, Problem, Reason, tables_per_slot


def explain_unplaced(problem: Problem, assignments: Iterable[Assignment]) -> tuple[tuple[int, Reason], ...]:
    """One true reason for each meeting that the schedule does not hold, by the first line that applies:

    - no_common_slot: there is no slot in which both are available, within the meeting's session and fixed
      slot.
    - limit_reached: one of them has max_meetings meetings.
    - participant_full: one of them has a meeting in every slot in which that person is available, within the
      meeting's session and fixed slot.
    - outweighed: in every slot allowed to the meeting one of them has a meeting, but neither is full: it
      would take another meeting's place.
    - no_table: in every allowed slot in which both are free, all tables that serve it are taken or away.
    - no_interpreter: in every allowed slot in which both and a table are free, every interpreter that serves
      it is busy, away, or due a rest.
    - outweighed: what remains open would break the order with a meeting that is held, or a pin.

    So in the maximal schedules that the scheduler returns, a request is outweighed only if others would have
    to move or go. That it would not pay is proven by `weight_bound` where the placed weight reaches it.
    """
    day = _Day(problem, assignments)
    sessions = [sum(1 << slot for slot in set(slots)) for slots in problem.sessions]
    everything = (1 << problem.n_slots) - 1
    free_time = [
        everything & ~sum(1 << slot for slot in person.unavailable) for person in problem.participants
    ]
    pinned = {row.meeting: row.slot for row in problem.pinned}
    result: list[tuple[int, Reason]] = []
    for k, meeting in enumerate(problem.meetings):
        if k in day.held:
            continue
        scope = everything if meeting.session is None else sessions[meeting.session]
        for only in (meeting.fixed, pinned.get(k)):
            if only is not None:
                scope &= 1 << only
        result.append((k, _reason(day, k, free_time[meeting.a] & scope, free_time[meeting.b] & scope)))
    return tuple(result)


class _Day:
    """A schedule, by person, table and interpreter; slots as bits."""

    def __init__(self, problem: Problem, assignments: Iterable[Assignment]) -> None:
        self.problem = problem
        self.held: set[int] = set()
        self.busy = [0] * len(problem.participants)
        self.load = [0] * problem.n_slots
        self.tables: dict[int, set[int]] = defaultdict(set)
        self.talks: dict[int, set[int]] = defaultdict(set)
        for row in assignments:
            meeting = problem.meetings[row.meeting]
            self.held.add(row.meeting)
            self.busy[meeting.a] |= 1 << row.slot
            self.busy[meeting.b] |= 1 << row.slot
            self.load[row.slot] += 1
            if row.table is not None:
                self.tables[row.slot].add(row.table)
            if row.interpreter is not None:
                self.talks[row.interpreter].add(row.slot)
        self.seats = tables_per_slot(problem)

    def at_limit(self, person: int) -> bool:
        most = self.problem.participants[person].max_meetings
        return most is not None and self.busy[person].bit_count() >= most

    def table_free(self, meeting: int, slot: int) -> bool:
        if self.load[slot] >= self.seats[slot]:
            return False
        serves = self.problem.meetings[meeting].tables
        if serves is None:
            return True
        away = self.problem.table_unavailable
        return any(table not in self.tables[slot] and not (away and slot in away[table]) for table in serves)

    def interpreter_free(self, meeting: int, slot: int) -> bool:
        serves = self.problem.meetings[meeting].interpreters
        if serves is None:
            return True
        for q in serves:
            interpreter, talks = self.problem.interpreters[q], self.talks[q]
            if slot in interpreter.unavailable or slot in talks:
                continue
            before, after = slot, slot
            while before - 1 in talks:
                before -= 1
            while after + 1 in talks:
                after += 1
            if interpreter.max_run is None or after - before < interpreter.max_run:
                return True
        return False


def _reason(day: _Day, meeting: int, can_a: int, can_b: int) -> Reason:
    """can_a, can_b: the slots, as bits, in which each could hold this meeting."""
    a, b = day.problem.meetings[meeting].a, day.problem.meetings[meeting].b
    if not can_a & can_b:
        return Reason.NO_COMMON_SLOT
    if day.at_limit(a) or day.at_limit(b):
        return Reason.LIMIT_REACHED
    if not can_a & ~day.busy[a] or not can_b & ~day.busy[b]:
        return Reason.PARTICIPANT_FULL
    open_slots = can_a & can_b & ~day.busy[a] & ~day.busy[b]
    free = [slot for slot in range(day.problem.n_slots) if open_slots >> slot & 1]
    if not free:
        return Reason.OUTWEIGHED
    seated = [slot for slot in free if day.table_free(meeting, slot)]
    if not seated:
        return Reason.NO_TABLE
    if not any(day.interpreter_free(meeting, slot) for slot in seated):
        return Reason.NO_INTERPRETER
    return Reason.OUTWEIGHED
