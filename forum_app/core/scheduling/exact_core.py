"""Fewest breaks by core-guided search: raise the bound core by core until the formula agrees.

OLL (Andres, Kaufmann, Matheis, Schaub 2012; Morgado, Dodaro, Marques-Silva 2014) with disjoint cores first,
trimmed, minimized and exhausted within conflict budgets. All choices depend on the formula, the seed and
conflict counts, never on the clock. Every model met on the way is a schedule, and so an upper bound.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pysat.solvers import Solver

from forum_app.core.scheduling.exact_encoding import Clauses, Encoding, Form
from forum_app.core.scheduling.problem import Assignment


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search goes about it. upward: core-guided from below; else ever better schedules from above."""

    solver: str
    form: Form
    upward: bool = True
    minimize: int = 1000
    exhaust: int = 5000


@dataclass(frozen=True, slots=True)
class Found:
    """A message of a search. lower: proven breaks; None with impossible. breaks: of assignments, if there
    are any."""

    lower: int
    breaks: int | None = None
    assignments: tuple[Assignment, ...] = ()
    impossible: bool = False
    finished: bool = False


Tell = Callable[[Found], None]


class Search:
    """One run over one formula."""

    def __init__(self, encoding: Encoding, plan: Plan, seed: int, tell: Tell) -> None:
        self.encoding = encoding
        self.plan = plan
        self.tell = tell
        self.lower = 0
        self.upper: int | None = None
        clauses = encoding.clauses
        if seed != 1:
            clauses = list(clauses)
            random.Random(seed).shuffle(clauses)  # noqa: S311 - no secret
        self.oracle: Any = Solver(name=plan.solver, bootstrap_with=clauses)
        self.extra = Clauses()
        self.extra.last = encoding.last

    def run(self) -> None:
        try:
            if not self._solve([]):
                self.tell(Found(self.lower, impossible=True, finished=True))
                return
            if self.plan.upward:
                self._from_below()
            else:
                self._from_above()
            self.tell(Found(self.lower, finished=True))
        finally:
            self.oracle.delete()

    # -------------------------------------------------------------- from above

    def _from_above(self) -> None:
        costs = [literal for outputs in self.encoding.several for literal in outputs]
        if not self.upper:
            return
        sums = self.extra.at_least(costs, self.upper)
        self._send_extra()
        while self.upper > self.lower:
            self.oracle.add_clause([-sums[self.upper - 1]])
            if not self._solve([]):
                self._raise_to(self.upper)

    # -------------------------------------------------------------- from below

    def _from_below(self) -> None:
        wanted: dict[int, tuple[list[int], int]] = {}
        """Assumption -> the outputs it comes from and its place among them."""
        for outputs in self.encoding.several:
            if outputs:
                wanted[-outputs[0]] = (outputs, 0)
        while not self._closed():
            cores = self._disjoint_cores(wanted)
            if not cores:
                return
            for core in cores:
                self._relax(core, wanted)

    def _closed(self) -> bool:
        return self.upper is not None and self.lower >= self.upper

    def _disjoint_cores(self, wanted: dict[int, tuple[list[int], int]]) -> list[list[int]]:
        """Cores that share no assumption; none if all wishes can be met at once (the model is then
        optimal)."""
        cores: list[list[int]] = []
        left = sorted(wanted, key=lambda literal: (len(wanted[literal][0]), -literal))
        while not self._solve(left):
            core = self._smaller(list(self.oracle.get_core() or []))
            if not core:
                self._raise_to(self.upper or 0)
                return []
            cores.append(core)
            self._raise_to(self.lower + 1)
            if self._closed():
                return []
            taken = set(core)
            left = [literal for literal in left if literal not in taken]
        return cores

    def _relax(self, core: Sequence[int], wanted: dict[int, tuple[list[int], int]]) -> None:
        for literal in core:
            outputs, place = wanted.pop(literal)
            if place + 1 < len(outputs):
                wanted[-outputs[place + 1]] = (outputs, place + 1)
        if len(core) == 1:
            self.oracle.add_clause([-core[0]])
            return
        sums = self.extra.at_least([-literal for literal in core], len(core))
        self._send_extra()
        self.oracle.add_clause([sums[0]])
        place = 1
        while place < len(sums) and not self._closed():
            if self._solve_within(self.plan.exhaust, [-sums[place]]) is not False:
                break
            self.oracle.add_clause([sums[place]])
            self._raise_to(self.lower + 1)
            place += 1
        if place < len(sums):
            wanted[-sums[place]] = (sums, place)

    def _smaller(self, core: list[int]) -> list[int]:
        for _ in range(3):
            if len(core) <= 1 or self._solve_within(self.plan.minimize, core) is not False:
                break
            again = list(self.oracle.get_core() or [])
            if len(again) >= len(core):
                break
            core = again
        place = 0
        while place < len(core) and len(core) > 1:
            without = core[:place] + core[place + 1 :]
            answer = self._solve_within(self.plan.minimize, without)
            if answer is False:
                kept = set(self.oracle.get_core() or [])
                core = [literal for literal in without if literal in kept]
            elif answer is True:
                place += 1
            else:
                break
        return core

    # -------------------------------------------------------------- the oracle

    def _send_extra(self) -> None:
        for clause in self.extra.clauses:
            self.oracle.add_clause(clause)
        self.extra.clauses.clear()

    def _solve(self, assumptions: Sequence[int]) -> bool:
        answer: bool = self.oracle.solve(assumptions=list(assumptions))
        if answer:
            self._keep()
        return answer

    def _solve_within(self, conflicts: int, assumptions: Sequence[int]) -> bool | None:
        self.oracle.conf_budget(conflicts)
        answer: bool | None = self.oracle.solve_limited(assumptions=list(assumptions))
        self.oracle.conf_budget(-1)
        if answer:
            self._keep()
        return answer

    def _keep(self) -> None:
        """The model is a schedule; told if it is the best so far."""
        model = self.oracle.get_model()
        breaks = sum(1 for outputs in self.encoding.several for literal in outputs if model[literal - 1] > 0)
        if self.upper is None or breaks < self.upper:
            self.upper = breaks
            if not self.plan.upward:  # the next one is looked for near it
                self.oracle.set_phases(model[: self.encoding.last])
            self.tell(Found(self.lower, breaks, tuple(self.encoding.schedule(model))))

    def _raise_to(self, lower: int) -> None:
        if lower > self.lower:
            self.lower = lower
            self.tell(Found(lower))
