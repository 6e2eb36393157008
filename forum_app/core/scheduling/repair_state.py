"""The schedule that a repair works on, and what of the published one can stay."""

from collections.abc import Iterable, Iterator, Mapping

from forum_app.core.scheduling.problem import Assignment, Problem, allowed_slots, tables_per_slot


class State:
    """A schedule under repair; slots of people, and slots that are allowed, as bits."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        meetings = problem.meetings
        self.a = [m.a for m in meetings]
        self.b = [m.b for m in meetings]
        self.weight = [m.weight for m in meetings]
        self.allowed = [sum(1 << slot for slot in free) for free in allowed_slots(problem)]
        self.slot = [-1] * len(meetings)
        self.free = [(1 << problem.n_slots) - 1] * len(problem.participants)
        self.at: list[dict[int, int]] = [{} for _ in problem.participants]
        self.seats = tables_per_slot(problem)
        self.open = sum(1 << slot for slot, seats in enumerate(self.seats) if seats > 0)
        self.limit = [
            problem.n_slots if p.max_meetings is None else p.max_meetings for p in problem.participants
        ]
        self.home = [-1] * len(meetings)
        self.pinned = {row.meeting for row in problem.pinned}
        self.later: list[list[int]] = [[] for _ in meetings]
        for k, meeting in enumerate(meetings):
            for earlier in meeting.after:
                self.later[earlier].append(k)
        self.special = [
            bool(m.after or self.later[k])
            or m.interpreters is not None
            or m.tables is not None
            or k in self.pinned
            for k, m in enumerate(meetings)
        ]
        self.published = {row.meeting: row for row in problem.previous}
        self.tables: dict[tuple[int, int], int] = {}
        self.table: dict[int, int] = {}
        self.talks: list[dict[int, int]] = [{} for _ in problem.interpreters]
        self.interpreter: dict[int, int] = {}
        self.mine: list[list[int]] = [[] for _ in problem.participants]
        for k, meeting in enumerate(meetings):
            if self.allowed[k]:
                self.mine[meeting.a].append(k)
                self.mine[meeting.b].append(k)
        self.log: dict[int, int] | None = None
        """While something is tried: where the meetings were that it has touched."""

    # ---------------------------------------------------------------- placing and taking
    def put(self, k: int, slot: int) -> None:
        if self.log is not None:
            self.log.setdefault(k, -1)
        bit = 1 << slot
        for p in (self.a[k], self.b[k]):
            self.at[p][slot] = k
            self.free[p] &= ~bit
        self.slot[k] = slot
        self.seats[slot] -= 1
        if self.seats[slot] <= 0:
            self.open &= ~bit

    def take(self, k: int) -> None:
        slot = self.slot[k]
        if self.log is not None:
            self.log.setdefault(k, slot)
        bit = 1 << slot
        for p in (self.a[k], self.b[k]):
            del self.at[p][slot]
            self.free[p] |= bit
        self.slot[k] = -1
        self.seats[slot] += 1
        if self.seats[slot] > 0:
            self.open |= bit
        if k in self.table:
            del self.tables[slot, self.table.pop(k)]
        if k in self.interpreter:
            del self.talks[self.interpreter.pop(k)][slot]

    def full(self, p: int) -> bool:
        return len(self.at[p]) >= self.limit[p]

    def in_order(self, k: int, slot: int) -> bool:
        return all(self.slot[e] < slot for e in self.problem.meetings[k].after) and all(
            self.slot[e] < 0 or self.slot[e] > slot for e in self.later[k]
        )

    def equip(self, k: int, slot: int, wanted: Assignment | None = None) -> bool:
        """Give a meeting with needs its table and interpreter in the slot, the wanted ones if there are;
        False if none.
        """
        meeting = self.problem.meetings[k]
        if not self.in_order(k, slot):
            return False
        pin = next((row for row in self.problem.pinned if row.meeting == k), None)
        table, interpreter = None, None
        if meeting.tables is not None or (pin is not None and pin.table is not None):
            serve = meeting.tables if pin is None or pin.table is None else (pin.table,)
            first = [wanted.table] if wanted is not None and wanted.table is not None else []
            choice = [t for t in (*first, *(serve or ())) if t in (serve or ()) and self.table_there(t, slot)]
            if not choice:
                return False
            table = choice[0]
        if meeting.interpreters is not None:
            talkers = meeting.interpreters if pin is None or pin.interpreter is None else (pin.interpreter,)
            first = [wanted.interpreter] if wanted is not None and wanted.interpreter is not None else []
            choice = [q for q in (*first, *talkers) if q in talkers and self.rested(q, slot)]
            if not choice:
                return False
            interpreter = choice[0]
        if table is not None:
            self.tables[slot, table] = k
            self.table[k] = table
        if interpreter is not None:
            self.talks[interpreter][slot] = k
            self.interpreter[k] = interpreter
        return True

    def table_there(self, table: int, slot: int) -> bool:
        away = self.problem.table_unavailable
        return (slot, table) not in self.tables and not (away and slot in away[table])

    def rested(self, q: int, slot: int) -> bool:
        interpreter, talks = self.problem.interpreters[q], self.talks[q]
        if slot in interpreter.unavailable or slot in talks:
            return False
        before = after = slot
        while before - 1 in talks:
            before -= 1
        while after + 1 in talks:
            after += 1
        return interpreter.max_run is None or after - before < interpreter.max_run

    # ---------------------------------------------------------------- what can stay
    def start(self) -> int:
        """Keep pins and what is still possible of the schedule before; returns how many rows surely cannot
        stay.
        """
        lost = 0
        kept: list[Assignment] = []
        for row in (*self.problem.pinned, *self.problem.previous):
            k = row.meeting
            if self.slot[k] >= 0:
                if (k in self.pinned and row.slot != self.slot[k]) and row is self.published.get(k):
                    lost += 1
                continue
            alone = self.allowed[k] >> row.slot & 1 and (
                row.table is None
                or not self.problem.table_unavailable
                or row.slot not in self.problem.table_unavailable[row.table]
            )
            if not alone:
                lost += row is self.published.get(k)
                continue
            free = self.free[self.a[k]] & self.free[self.b[k]] & self.open
            possible = free >> row.slot & 1 and not self.full(self.a[k]) and not self.full(self.b[k])
            if possible and (not self.special[k] or self.equip(k, row.slot, row)):
                self.put(k, row.slot)
                kept.append(row)
        for row in self.problem.previous:
            self.home[row.meeting] = row.slot
        for row in kept:
            k = row.meeting
            if row.table is not None and k not in self.table and self.table_there(row.table, row.slot):
                self.tables[row.slot, row.table] = k
                self.table[k] = row.table
        return lost

    def arrange(self, slots: Mapping[int, int]) -> None:
        """Put the meetings without needs of their own into these slots, as far as there is room, those that
        go home first; take out those without one.
        """
        moving = [k for k, slot in enumerate(self.slot) if not self.special[k] and slot != slots.get(k, -1)]
        for k in moving:
            if self.slot[k] >= 0:
                self.take(k)
        for k in sorted((k for k in moving if k in slots), key=lambda k: slots[k] != self.home[k]):
            a, b = self.a[k], self.b[k]
            room = self.allowed[k] & self.free[a] & self.free[b] & self.open
            if room >> slots[k] & 1 and not self.full(a) and not self.full(b):
                self.put(k, slots[k])

    def moved(self) -> int:
        """How many rows of the schedule before are in another slot, or in none."""
        return sum(1 for k, home in enumerate(self.home) if home >= 0 and self.slot[k] != home)

    def placed_weight(self) -> int:
        return sum(self.weight[k] for k, slot in enumerate(self.slot) if slot >= 0)

    # ---------------------------------------------------------------- what a change would mean
    def leaving(self, meetings: Iterable[int]) -> int:
        """How many of the meetings lie in their published slot."""
        return sum(1 for k in meetings if self.home[k] >= 0 and self.slot[k] == self.home[k])

    def breaks(self, p: int) -> int:
        day = self.at[p]
        return max(0, sum(1 for slot in day if slot + 1 not in day) - 1)

    def breaks_gained(self, p: int, slot: int) -> int:
        """By how many breaks (runs, if it is the first meeting) a meeting in the free slot changes p's
        day.
        """
        day = self.at[p]
        return (1 if day else 0) - (slot - 1 in day) - (slot + 1 in day)


def slots_of(bits: int) -> Iterator[int]:
    """The slots whose bits are set, in order."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
