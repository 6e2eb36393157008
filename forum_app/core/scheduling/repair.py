"""A published schedule after a change on the day: the largest weight again, moving as few meetings as
possible.

Pure Python without the solvers' libraries, so that a request of the web may wait for it. What is still
possible stays. Then each waiting meeting is tried, heaviest first: in a slot in which both are free; by a
Kempe chain that frees one (or both) of them; or in the place of something lighter, which then waits itself.
Of the ways that gain most weight, the one that takes the fewest meetings from their published slots is
chosen, and of those the one with fewest breaks. In the end, what moved goes home wherever that has become
possible.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from forum_app.core.scheduling.explain import explain_unplaced
from forum_app.core.scheduling.problem import (
    Assignment,
    Problem,
    Result,
    Status,
    allowed_slots,
    tables_per_slot,
)
from forum_app.core.scheduling.tables import assign_tables

LONGEST_CHAIN = 40
TRIES = 700


@dataclass(frozen=True, slots=True)
class Chain:
    """Exchange of two slots along a path: these meetings go to the other slot of source and target."""

    meetings: tuple[int, ...]
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way to place a meeting: carry out the chains, take the others out, put it into the slot."""

    slot: int
    chains: tuple[Chain, ...] = ()
    out: tuple[int, ...] = ()


def repair(
    problem: Problem,
    *,
    time_limit: float = 2.0,
    seed: int = 0,
    weight_bound: int | None = None,
    moved_bound: int = 0,
) -> Result:
    """Problem.previous made valid again for the problem as it is now.

    moved counts what is not kept of Problem.previous; its bound is the number of rows that cannot stay
    whatever else happens, or the caller's, if that is larger. weight_bound defaults to the sum of all
    weights. Breaks are not proven. fairness_d is not looked at; a mandatory meeting may be missing (status
    unknown).
    """
    started = time.monotonic()
    state = _State(problem)
    displaced = state.start()
    state.improve(started + 0.8 * time_limit)
    state.go_home()
    state.polish(started + 0.55 * time_limit, seed)
    state.tidy()
    return state.result(started, weight_bound, max(moved_bound, displaced))


def must_move(problem: Problem) -> int:
    """How many rows of Problem.previous cannot stay, by themselves: a bound on what any schedule moves."""
    return _State(problem).start()


class _State:
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

    # ---------------------------------------------------------------- ways in
    def chain(self, p: int, source: int, target: int) -> tuple[Chain, int] | None:
        """The Kempe chain that takes p's meeting from source to target, where p is free, and the person at
        its end.
        """
        path: list[int] = []
        here, there, current = source, target, p
        k = self.at[p][here]
        while True:
            if not self.allowed[k] >> there & 1 or self.special[k] or len(path) >= LONGEST_CHAIN:
                return None
            path.append(k)
            other = self.a[k] + self.b[k] - current
            following = self.at[other].get(there)
            if following is None:
                break
            k, current, here, there = following, other, there, here
        if len(path) & 1 and not self.open >> target & 1:
            return None
        return Chain(tuple(path), source, target), other

    def swap(self, chain: Chain) -> None:
        total = chain.source + chain.target
        slots = [self.slot[k] for k in chain.meetings]
        for k in chain.meetings:
            self.take(k)
        for k, slot in zip(chain.meetings, slots, strict=True):
            self.put(k, total - slot)

    def leaving(self, meetings: Iterable[int]) -> int:
        """How many of the meetings lie in their published slot."""
        return sum(1 for k in meetings if self.home[k] >= 0 and self.slot[k] == self.home[k])

    def coming(self, chain: Chain) -> int:
        """How many meetings of a chain it would bring home."""
        total = chain.source + chain.target
        return sum(1 for k in chain.meetings if self.home[k] == total - self.slot[k])

    def ways(self, k: int) -> Iterator[tuple[int, int, int, Way]]:
        """Ways to place the waiting meeting: (weight lost, meetings leaving home, breaks gained, way)."""
        a, b = self.a[k], self.b[k]
        if self.full(a) or self.full(b):
            yield from self.ways_at_limit(k)
            return
        both = self.allowed[k] & self.free[a] & self.free[b] & self.open
        for slot in _slots(both):
            yield 0, 0, self.breaks_gained(a, slot) + self.breaks_gained(b, slot), Way(slot)
        if both or self.special[k]:
            return
        for slot in _slots(self.allowed[k] & (self.free[a] ^ self.free[b])):
            p, other = (a, b) if not self.free[a] >> slot & 1 else (b, a)
            standing = self.at[p][slot]
            if standing in self.pinned:
                continue
            yield self.weight[standing], self.leaving((standing,)), 0, Way(slot, out=(standing,))
            for s in _slots(self.allowed[standing] & self.free[p]):
                found = self.chain(p, slot, s)
                if found is None or found[1] == other:
                    continue
                chain = found[0]
                if len(chain.meetings) & 1 or self.open >> slot & 1:
                    yield 0, self.leaving(chain.meetings) - self.coming(chain), 0, Way(slot, (chain,))
        for slot in _slots(self.allowed[k] & ~self.free[a] & ~self.free[b]):
            yield from self.ways_past_two(k, slot)
        for slot in _slots(self.allowed[k] & self.free[a] & self.free[b] & ~self.open):
            for out in self.lightest(slot):
                yield self.weight[out], self.leaving((out,)), 0, Way(slot, out=(out,))

    def ways_past_two(self, k: int, slot: int) -> Iterator[tuple[int, int, int, Way]]:
        """Both are busy: one goes out and the other moves, or both move, each by a chain of one meeting."""
        a, b = self.a[k], self.b[k]
        first, second = self.at[a][slot], self.at[b][slot]
        for stays, goes, p in ((first, second, a), (second, first, b)):
            if goes in self.pinned or self.weight[goes] >= self.weight[k]:
                continue
            for s in self.alone(stays, p):
                chain = Chain((stays,), slot, s)
                moved = self.leaving((stays, goes)) - self.coming(chain)
                yield self.weight[goes], moved, 0, Way(slot, (chain,), (goes,))
                break
        for s in self.alone(first, a):
            for t in self.alone(second, b):
                if s != t or self.a[first] + self.b[first] - a != self.a[second] + self.b[second] - b:
                    yield (
                        0,
                        self.leaving((first, second)),
                        0,
                        Way(slot, (Chain((first,), slot, s), Chain((second,), slot, t))),
                    )
                    return

    def alone(self, k: int, p: int) -> list[int]:
        """Slots to which a placed meeting can go without anybody else moving."""
        if self.special[k]:
            return []
        other = self.a[k] + self.b[k] - p
        return list(_slots(self.allowed[k] & self.free[p] & self.free[other] & self.open))

    def ways_at_limit(self, k: int) -> Iterator[tuple[int, int, int, Way]]:
        """Somebody has as many meetings as allowed: a lighter one of theirs must go."""
        full = [p for p in (self.a[k], self.b[k]) if self.full(p)]
        if len(full) == 2 and not set(self.at[full[0]].values()) & set(self.at[full[1]].values()):
            return
        for slot, out in sorted(self.at[full[0]].items()):
            if out in self.pinned or self.weight[out] >= self.weight[k]:
                continue
            if len(full) == 2 and self.at[full[1]].get(slot) != out:
                continue
            bit = 1 << slot
            free = [
                self.free[p] | (bit if p in (self.a[out], self.b[out]) else 0) for p in (self.a[k], self.b[k])
            ]
            for t in _slots(self.allowed[k] & free[0] & free[1] & (self.open | bit)):
                yield self.weight[out], self.leaving((out,)), 0, Way(t, out=(out,))
                break

    def lightest(self, slot: int) -> list[int]:
        here = [k for k, s in enumerate(self.slot) if s == slot and k not in self.pinned]
        return sorted(here, key=lambda k: (self.weight[k], self.home[k] >= 0))[:1]

    def breaks_gained(self, p: int, slot: int) -> int:
        """By how many breaks (runs, if it is the first meeting) a meeting in the free slot changes p's
        day.
        """
        day = self.at[p]
        return (1 if day else 0) - (slot - 1 in day) - (slot + 1 in day)

    def carry_out(self, k: int, way: Way) -> bool:
        before = [(other, self.slot[other]) for other in way.out]
        for other in way.out:
            self.take(other)
        for chain in way.chains:
            self.swap(chain)
        if not self.special[k] or self.equip(k, way.slot):
            self.put(k, way.slot)
            return True
        for chain in reversed(way.chains):
            self.swap(Chain(chain.meetings, chain.target, chain.source))
        for other, slot in before:
            if not self.special[other] or self.equip(other, slot, self.published.get(other)):
                self.put(other, slot)
        return False

    # ---------------------------------------------------------------- the search
    def improve(self, ends_at: float) -> None:
        """Until no single waiting meeting gains weight by one of its ways, or time is up."""
        again = True
        while again and time.monotonic() < ends_at:
            again = False
            for k in self.queued(range(len(self.slot))):
                if time.monotonic() >= ends_at:
                    return
                again = self.enter(k) or again

    def queued(self, meetings: Iterable[int]) -> list[int]:
        """Those of the meetings that wait, the heaviest first, then those published, then those with few
        slots.
        """
        waiting = [k for k in meetings if self.slot[k] < 0 and self.allowed[k]]
        return sorted(
            waiting, key=lambda k: (-self.weight[k], self.home[k] < 0, self.allowed[k].bit_count(), k)
        )

    def enter(self, k: int) -> bool:
        """Place a waiting meeting by its best way that gains weight, if there is one."""
        if self.slot[k] >= 0:
            return False
        choices = [
            (lost, moved, breaks, i, way)
            for i, (lost, moved, breaks, way) in enumerate(self.ways(k))
            if lost < self.weight[k]
        ]
        return any(self.carry_out(k, way) for _, _, _, _, way in sorted(choices)[:8])

    def polish(self, ends_at: float, seed: int) -> None:
        """Bring home, by force, single meetings that could have stayed, and mend; undo what was no gain."""
        random = Random(seed)  # noqa: S311  (chooses where to search, guards nothing)
        tries = TRIES
        while tries and time.monotonic() < ends_at:
            strays = [
                k
                for k, home in enumerate(self.home)
                if home >= 0
                and self.slot[k] != home
                and self.allowed[k] >> home & 1
                and not self.special[k]
                and self.seats[home] >= 0
            ]
            if not strays:
                return
            for k in random.sample(strays, len(strays)):
                tries -= 1
                if not tries or time.monotonic() >= ends_at:
                    return
                if self.slot[k] != self.home[k]:
                    self.force_home(k, random)

    def force_home(self, k: int, random: Random) -> None:
        a, b, home = self.a[k], self.b[k], self.home[k]
        if self.slot[k] < 0 and (self.full(a) or self.full(b)):
            return
        standing = {self.at[p][home] for p in (a, b) if home in self.at[p]}
        if any(self.special[x] for x in standing) or (not standing and not self.open >> home & 1):
            return
        self.log = {}
        if self.slot[k] >= 0:
            self.take(k)
        for x in standing:
            self.take(x)
        self.put(k, home)
        touched = {p for x in (k, *standing) for p in (self.a[x], self.b[x])}
        for _ in range(2):
            queue = self.queued({x for p in touched for x in self.mine[p] if not self.special[x]})
            if random.random() < 0.5:
                queue = sorted(queue, key=lambda x: (-self.weight[x], random.random()))
            if not sum([self.enter(x) for x in queue]):
                break
            touched = {p for x in self.log for p in (self.a[x], self.b[x])}
        log, self.log = self.log, None
        gained = sum(self.weight[x] * ((self.slot[x] >= 0) - (was >= 0)) for x, was in log.items())
        left = sum(
            (was == self.home[x]) - (self.slot[x] == self.home[x])
            for x, was in log.items()
            if self.home[x] >= 0
        )
        if gained > 0 or (gained == 0 and left <= 0):
            return
        for x in log:
            if self.slot[x] >= 0:
                self.take(x)
        for x, was in log.items():
            if was >= 0:
                self.put(x, was)

    def go_home(self) -> None:
        """What moved returns to its published slot, alone, where that is free."""
        again = True
        while again:
            again = False
            for k, home in enumerate(self.home):
                slot = self.slot[k]
                if slot < 0 or home < 0 or slot == home or self.special[k]:
                    continue
                if self.allowed[k] & self.free[self.a[k]] & self.free[self.b[k]] & self.open & 1 << home:
                    self.take(k)
                    self.put(k, home)
                    again = True

    def tidy(self) -> None:
        """What is not at home anyway goes where it causes the fewest breaks."""
        for k, home in enumerate(self.home):
            slot = self.slot[k]
            if slot < 0 or slot == home or self.special[k]:
                continue
            a, b = self.a[k], self.b[k]
            self.take(k)
            choices = _slots(self.allowed[k] & self.free[a] & self.free[b] & self.open)
            best = min(
                choices, key=lambda s: (self.breaks_gained(a, s) + self.breaks_gained(b, s), s != slot, s)
            )
            self.put(k, best)

    # ---------------------------------------------------------------- the answer
    def result(self, started: float, weight_bound: int | None, moved_bound: int) -> Result:
        problem = self.problem
        placed = {k: slot for k, slot in enumerate(self.slot) if slot >= 0}
        given = {k: table for k, table in self.table.items() if self.slot[k] >= 0}
        tables = assign_tables(problem, placed, given)
        rows = tuple(Assignment(k, slot, tables[k], self.interpreter.get(k)) for k, slot in placed.items())
        weight = sum(self.weight[k] for k in placed)
        bound = sum(self.weight) if weight_bound is None else weight_bound
        moved = 0
        for row in problem.previous:
            gone = placed.get(row.meeting) != row.slot
            moved += gone or row.table not in (None, tables[row.meeting])
        gaps = [
            (p, slot)
            for p, day in enumerate(self.at)
            if day
            for slot in range(min(day), max(day))
            if slot not in day
        ]
        breaks = sum(sum(1 for slot in day if slot + 1 not in day) - 1 for day in self.at if day)
        complete = not problem.all_mandatory or len(placed) == len(problem.meetings)
        return Result(
            status=Status.FEASIBLE if complete else Status.UNKNOWN,
            assignments=rows,
            placed_weight=weight,
            weight_bound=bound,
            breaks=breaks,
            breaks_bound=0,
            moved=moved,
            moved_bound=min(moved, moved_bound),
            seconds=time.monotonic() - started,
            unplaced=explain_unplaced(problem, rows),
            idle_slots=len(gaps),
            idle_slots_available=sum(1 for p, s in gaps if s not in problem.participants[p].unavailable),
            table_changes=_changes(self.at, tables),
        )


def _changes(days: list[dict[int, int]], tables: dict[int, int | None]) -> int:
    total = 0
    for day in days:
        seen = [tables[day[slot]] for slot in sorted(day)]
        total += sum(1 for was, now in pairwise(seen) if was != now)
    return total


def _slots(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
