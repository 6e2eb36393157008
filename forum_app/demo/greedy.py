"""One greedy pass over a scheduling problem: not the best schedule, but at once and always the same."""

from collections import defaultdict

from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import (
    Assignment,
    Problem,
    Reason,
    Result,
    Status,
    allowed_slots,
)


class _Board:
    """Who and what is used in which slot."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.allowed = allowed_slots(problem)
        self.people: dict[int, set[int]] = defaultdict(set)
        self.tables: dict[int, set[int]] = defaultdict(set)  # per slot
        self.helpers: dict[int, set[int]] = defaultdict(set)  # per interpreter
        self.buildings: dict[int, dict[int, int]] = defaultdict(dict)  # per person and slot
        self.rows: list[Assignment] = []

    def put(self, row: Assignment) -> None:
        meeting = self.problem.meetings[row.meeting]
        self.people[meeting.a].add(row.slot)
        self.people[meeting.b].add(row.slot)
        if row.table is not None:
            self.tables[row.slot].add(row.table)
            if self.problem.near and (building := self.problem.buildings[row.table]) is not None:
                self.buildings[meeting.a][row.slot] = self.buildings[meeting.b][row.slot] = building
        if row.interpreter is not None:
            self.helpers[row.interpreter].add(row.slot)
        self.rows.append(row)

    def is_full(self, k: int) -> bool:
        for person in (self.problem.meetings[k].a, self.problem.meetings[k].b):
            most = self.problem.participants[person].max_meetings
            if most is not None and len(self.people[person]) >= most:
                return True
        return False

    def free_slots(self, k: int) -> list[int]:
        """Slots in which both are free, those next to other meetings of theirs first."""
        meeting = self.problem.meetings[k]
        used = self.people[meeting.a], self.people[meeting.b]
        free = [slot for slot in self.allowed[k] if all(slot not in slots for slots in used)]
        beside = {slot: sum((slot - 1 in s) + (slot + 1 in s) for s in used) for slot in free}
        return sorted(free, key=lambda slot: (-beside[slot], slot))

    def table(self, k: int, slot: int) -> int | None:
        serve = self.problem.meetings[k].tables
        away = self.problem.table_unavailable
        for table in range(self.problem.n_tables) if serve is None else serve:
            there = table not in self.tables[slot] and not (away and slot in away[table])
            if there and self.can_walk(k, slot, table):
                return table
        return None

    def can_walk(self, k: int, slot: int, table: int) -> bool:
        """Whether both have time for the way from and to what they have in other buildings."""
        if not self.problem.near or (building := self.problem.buildings[table]) is None:
            return True
        meeting = self.problem.meetings[k]
        days = self.buildings[meeting.a], self.buildings[meeting.b]
        return all(day.get(other, building) == building for day in days for other in self.problem.near[slot])

    def helper(self, k: int, slot: int) -> int | None:
        for q in self.problem.meetings[k].interpreters or ():
            helper, used = self.problem.interpreters[q], self.helpers[q]
            if slot in used or slot in helper.unavailable:
                continue
            first = last = slot
            while first - 1 in used:
                first -= 1
            while last + 1 in used:
                last += 1
            if helper.max_run is None or last - first + 1 <= helper.max_run:
                return q
        return None

    def place(self, k: int) -> Reason | None:
        """Place a meeting, or say why not."""
        if not self.allowed[k]:
            return Reason.NO_COMMON_SLOT
        if self.is_full(k):
            return Reason.LIMIT_REACHED
        reason = Reason.PARTICIPANT_FULL
        needs_helper = self.problem.meetings[k].interpreters is not None
        for slot in self.free_slots(k):
            table = self.table(k, slot)
            if table is None:
                none = Reason.OUTWEIGHED if self.problem.near else Reason.NO_TABLE  # one may be too far
                reason = none if reason is Reason.PARTICIPANT_FULL else reason
                continue
            helper = self.helper(k, slot) if needs_helper else None
            if needs_helper and helper is None:
                reason = Reason.NO_INTERPRETER
                continue
            self.put(Assignment(k, slot, table, helper))
            return None
        return reason


def place_greedily(problem: Problem) -> Result:
    """What stays, then meetings by weight; orders between meetings are not looked at."""
    board = _Board(problem)
    for row in problem.pinned:
        board.put(row)
    pinned = {row.meeting for row in problem.pinned}
    order = sorted(
        (k for k in range(len(problem.meetings)) if k not in pinned),
        key=lambda k: (-problem.meetings[k].weight, len(board.allowed[k]), k),
    )
    left = [k for k in order if board.place(k) is not None]
    # later meetings may have changed the reason, so it is asked again at the end
    unplaced = tuple((k, board.place(k) or Reason.OUTWEIGHED) for k in left)
    report = check(problem, board.rows)
    return Result(
        status=Status.FEASIBLE,
        assignments=tuple(board.rows),
        placed_weight=report.weight,
        weight_bound=sum(meeting.weight for meeting in problem.meetings),
        breaks=report.breaks,
        breaks_bound=0,
        moved=report.moved,
        idle_slots=report.idle_slots,
        idle_slots_available=report.idle_slots_available,
        table_changes=report.table_changes,
        unplaced=unplaced,
    )
