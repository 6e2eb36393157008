"""A mandatory schedule as clauses: which schedules there are, and where each participant has a break.

After Bofill et al. (JAIR 74, 2022): meeting m in slot t, participant p busy in slot t, and per participant
how many meetings lie at or before a slot. The counts carry the implied constraint that p is busy exactly as
often as it has meetings, and tell whether a meeting lies before an idle slot. Tables are counted over busy
participants (each meeting keeps two of them busy), at most and, where tables are scarce, at least.

Literals are whole numbers as in DIMACS; True and False stand for what is known already.
"""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forum_app.core.scheduling.problem import Assignment, Problem, allowed_slots, tables_per_slot

Literal = int | bool
PAIRWISE = 40
"""Up to so many literals, at-most-one is written as pairs."""


@dataclass(frozen=True, slots=True)
class Form:
    """Which redundant constraints are written; they change the time, not the answer.

    independent: in how many sets of participants who never meet one another tables are counted as well
    (each of them then needs a table of its own). twins: meetings that could be swapped without anybody
    noticing are put in order.
    """

    independent: int = 0
    twins: bool = False


class Clauses:
    """A growing formula."""

    def __init__(self) -> None:
        self.clauses: list[list[int]] = []
        self.last = 0

    def new(self) -> int:
        self.last += 1
        return self.last

    def add(self, literals: Iterable[Literal]) -> None:
        """At least one of the literals holds."""
        clause: list[int] = []
        for literal in literals:
            if literal is True:
                return
            if literal is not False:
                clause.append(literal)
        self.clauses.append(clause)

    def at_most_one(self, literals: Sequence[int]) -> None:
        rest = list(literals)
        while len(rest) > PAIRWISE:
            some, anyone = rest[:4], self.new()
            self.clauses.extend([-one, -other] for one, other in itertools.combinations(some, 2))
            self.clauses.extend([-one, anyone] for one in some)
            rest = [*rest[4:], anyone]
        self.clauses.extend([-one, -other] for one, other in itertools.combinations(rest, 2))

    def at_least(self, literals: Sequence[int], most: int, *, exact: bool = False) -> list[int]:
        """Outputs: output j-1 holds if j of the literals do, for j up to most; exact: and only then."""
        if len(literals) == 1:
            return list(literals)
        half = len(literals) // 2
        left = self.at_least(literals[:half], most, exact=exact)
        right = self.at_least(literals[half:], most, exact=exact)
        outputs = [self.new() for _ in range(min(most, len(left) + len(right)))]
        for i in range(len(left) + 1):
            for j in range(len(right) + 1):
                if i + j == 0:
                    continue
                clause = [outputs[min(i + j, len(outputs)) - 1]]
                if i:
                    clause.append(-left[i - 1])
                if j:
                    clause.append(-right[j - 1])
                self.clauses.append(clause)
        if exact:
            for i in range(len(left) + 1):
                for j in range(min(len(right) + 1, len(outputs) - i)):
                    self.clauses.append([-outputs[i + j], *left[i : i + 1], *right[j : j + 1]])
        return outputs

    def at_most(self, literals: Sequence[int], most: int) -> None:
        if most < 0:
            self.clauses.append([])
        elif len(literals) > most:
            self.clauses.append([-self.at_least(literals, most + 1)[most]])


def negative(literal: Literal) -> Literal:
    return (not literal) if isinstance(literal, bool) else -literal


def windows(problem: Problem) -> list[list[int]]:
    """Slots per meeting, narrowed by the orders (`after`)."""
    slots = allowed_slots(problem)
    changed = True
    while changed and all(slots):
        changed = False
        for index, meeting in enumerate(problem.meetings):
            for earlier in meeting.after:
                if not slots[earlier] or not slots[index]:
                    return slots
                later_than, before = slots[earlier][0], slots[index][-1]
                narrowed = [slot for slot in slots[index] if slot > later_than]
                sooner = [slot for slot in slots[earlier] if slot < before]
                changed |= len(narrowed) < len(slots[index]) or len(sooner) < len(slots[earlier])
                slots[index], slots[earlier] = narrowed, sooner
    return slots


class Encoding(Clauses):
    """The formula of a problem in which every meeting must be placed.

    place[m][t]: meeting m is in slot t. several[p][j]: participant p has more than j breaks. impossible:
    found infeasible while writing.
    """

    def __init__(self, problem: Problem, form: Form) -> None:
        super().__init__()
        self.problem = problem
        slots = windows(problem)
        self.impossible = not all(slots)
        self.place: list[dict[int, int]] = []
        self.several: list[list[int]] = []
        self._meetings_of: list[list[int]] = [[] for _ in problem.participants]
        if self.impossible:
            return
        for index, meeting in enumerate(problem.meetings):
            self._meetings_of[meeting.a].append(index)
            self._meetings_of[meeting.b].append(index)
            self.place.append({slot: self.new() for slot in slots[index]})
            self.add(self.place[index].values())
            self.at_most_one(list(self.place[index].values()))
        self.busy = [self._write_busy(p) for p in range(len(problem.participants))]
        self._write_orders()
        counts = [self._write_counts(p) for p in range(len(problem.participants))]
        self._write_tables(form)
        if form.twins:
            self._write_twins()
        for p, count in enumerate(counts):
            ends = self._write_breaks(p, count)
            most = min(len(self._meetings_of[p]) - 1, (problem.n_slots - 1) // 2)
            self.several.append(self.at_least(ends, most, exact=True) if ends else [])
        if problem.fairness_d is not None:
            self._write_fairness(problem.fairness_d)

    def schedule(self, model: Sequence[int]) -> list[Assignment]:
        """The assignments of a model, without tables."""
        true = {literal for literal in model if literal > 0}
        return [
            Assignment(index, slot)
            for index, places in enumerate(self.place)
            for slot, literal in places.items()
            if literal in true
        ]

    def _write_busy(self, p: int) -> dict[int, int]:
        busy = {}
        for slot in range(self.problem.n_slots):
            there = [self.place[m][slot] for m in self._meetings_of[p] if slot in self.place[m]]
            if not there:
                continue
            if len(there) == 1:
                busy[slot] = there[0]
                continue
            busy[slot] = self.new()
            self.clauses.extend([-literal, busy[slot]] for literal in there)
            self.add([-busy[slot], *there])
            self.at_most_one(there)
        return busy

    def _write_orders(self) -> None:
        for index, meeting in enumerate(self.problem.meetings):
            for earlier in meeting.after:
                for slot, literal in self.place[index].items():
                    before = {t: there for t, there in self.place[earlier].items() if t < slot}
                    self.add([-literal, *before.values()])
                    self.clauses.extend(
                        [-literal, -there] for t, there in self.place[earlier].items() if t not in before
                    )

    def _write_counts(self, p: int) -> list[list[Literal]]:
        """Row t, column j: participant p has at least j meetings in the slots up to t."""
        many, busy = len(self._meetings_of[p]), self.busy[p]
        rows: list[list[Literal]] = []
        before: list[Literal] = [True, *[False] * (many + 1)]
        seen = 0
        for slot in range(self.problem.n_slots):
            if slot not in busy:
                rows.append(before)
                continue
            here = busy[slot]
            seen += 1
            to_come = len(busy) - seen
            now: list[Literal] = [True]
            for j in range(1, many + 2):
                known: Literal | None = None
                if j > min(seen, many):
                    known = False
                elif j <= many - to_come:
                    known = True
                now.append(self.new() if known is None else known)
            for j in range(1, many + 2):
                self.add([negative(before[j]), now[j]])
                self.add([-here, negative(before[j - 1]), now[j]])
                self.add([negative(now[j]), before[j], here])
                self.add([negative(now[j]), before[j - 1]])
            rows.append(now)
            before = now
        self.add([before[many]])
        return rows

    def _write_tables(self, form: Form) -> None:
        capacity = tables_per_slot(self.problem)
        spare = sum(capacity) - len(self.problem.meetings)
        if spare < 0:
            self.clauses.append([])
        groups = _independent_sets(self.problem, form.independent)
        for slot, tables in enumerate(capacity):
            people = [busy[slot] for busy in self.busy if slot in busy]
            self.at_most(people, 2 * tables)
            needed = 2 * (tables - spare)
            if needed > 0:
                self.at_most([-literal for literal in people], len(people) - needed)
            for group in groups:
                self.at_most([self.busy[p][slot] for p in group if slot in self.busy[p]], tables)

    def _write_twins(self) -> None:
        """Guests with one meeting each, with the same host and the same slots, come in the order of their
        numbers."""
        problem = self.problem
        ordered = {index for index, meeting in enumerate(problem.meetings) if meeting.after}
        ordered |= {earlier for meeting in problem.meetings for earlier in meeting.after}
        alike: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for index, meeting in enumerate(problem.meetings):
            for host, guest in ((meeting.a, meeting.b), (meeting.b, meeting.a)):
                if len(self._meetings_of[guest]) == 1 and index not in ordered:
                    alike.setdefault((host, tuple(self.place[index])), []).append(index)
                    break
        for (_, slots), group in alike.items():
            for first, second in itertools.pairwise(group):
                held: Literal = False  # the first has been held before this slot
                for slot in slots:
                    self.add([-self.place[second][slot], held])
                    now = self.new()
                    self.add([-now, held, self.place[first][slot]])
                    held = now

    def _write_breaks(self, p: int, counts: Sequence[Sequence[Literal]]) -> list[int]:
        """One literal per slot before which a break of p may end."""
        if len(self._meetings_of[p]) < 2:
            return []
        ends = []
        busy = self.busy[p]
        for slot in range(1, self.problem.n_slots):
            begun = counts[slot - 1][1]
            if slot not in busy or begun is False:
                continue
            end = self.new()
            idle = -busy[slot - 1] if slot - 1 in busy else True
            self.add([-busy[slot], negative(idle), negative(begun), end])
            self.clauses.append([-end, busy[slot]])
            self.add([-end, idle])
            self.add([-end, begun])
            ends.append(end)
        return ends

    def _write_fairness(self, allowed: int) -> None:
        least_of_all = min((len(outputs) for outputs in self.several), default=0)
        for j in range(allowed, max((len(outputs) for outputs in self.several), default=0)):
            # somebody has more than j breaks: then everybody has more than j - allowed
            if least_of_all <= j - allowed:
                self.clauses.extend([-outputs[j]] for outputs in self.several if len(outputs) > j)
                break
            somebody = self.new()
            for outputs in self.several:
                if len(outputs) > j:
                    self.clauses.append([-outputs[j], somebody])
                self.clauses.append([-somebody, outputs[j - allowed]])


def _independent_sets(problem: Problem, many: int) -> list[list[int]]:
    """Large sets of participants of whom no two meet, each participant in one of them where possible."""
    partners: list[set[int]] = [set() for _ in problem.participants]
    for meeting in problem.meetings:
        partners[meeting.a].add(meeting.b)
        partners[meeting.b].add(meeting.a)
    chance = random.Random(1)  # noqa: S311 - no secret
    found: list[list[int]] = []
    covered: set[int] = set()
    for _ in range(many):
        worth = [
            (1 if p in covered else 3) * len(partners[p]) * (0.7 + 0.6 * chance.random())
            for p in range(len(partners))
        ]
        rest = {p for p, others in enumerate(partners) if others}
        chosen = []
        while rest:
            best = max(
                sorted(rest), key=lambda p: worth[p] / (1 + sum(worth[q] for q in partners[p] if q in rest))
            )
            chosen.append(best)
            rest -= partners[best]
            rest.discard(best)
        covered.update(chosen)
        found.append(sorted(chosen))
    return found
