"""The fewest moves by linear programming around what broke, with a proof.

`python -m forum_app.core.scheduling.repair_exact` is a process of its own: it loads OR-Tools, which the web
and the worker do without (see `repair_helper`).

A repair of the largest weight is a maximum of meetings at home (in their published slot) such that

- each meeting has at most one slot, each person at most one meeting per slot, each slot its tables;
- by complementary slackness with the prices of `bounds.duals`, what such a weight cannot do without is
  there: meetings of positive surplus are held, and priced places of people are used.

That is a linear program with a hundred thousand variables, of which nearly all stay at home. So only the
people hit by a change have their rows at first ("near"): everybody else is thought to be free for any
number of meetings. That relaxation is small. Where its solution asks too much of somebody, that person
becomes near, and it is solved again. Each round proves a lower bound on the moves; the first solution that
asks too much of nobody is a schedule with the fewest moves there are. The programs met so far had whole
solutions; where one has not, it is solved again with whole numbers asked for.

What is proven is not left to the solver's arithmetic: its duals are rounded to whole numbers of 1/2^20 and
the bound is computed from them exactly.
"""

import json
import pickle
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from forum_app.core.scheduling import bounds
from forum_app.core.scheduling.problem import Problem
from forum_app.core.scheduling.repair_area import Area
from forum_app.core.scheduling.repair_program import Program


@dataclass(frozen=True, slots=True)
class Moves:
    """What is known after a round: no schedule of at least the weight moves fewer than so many rows.

    slots: meeting -> slot. complete: that is a schedule, with so few moves; else it still asks too much of
    somebody.
    """

    weight: int
    least: int
    slots: dict[int, int]
    complete: bool


def moved_bound(problem: Problem, weight: int, *, seconds: float = 60.0) -> int:
    """No schedule that places at least this weight moves fewer rows of Problem.previous.

    Orders (`after`), interpreters and the choice of tables are not looked at: with them more may have to
    move. The best proven within the seconds.
    """
    rounds = _rounds(Area(problem, weight, bounds.duals(problem)), time.monotonic() + seconds)
    return max((found.least for found in rounds), default=0)


def fewest_moves(problem: Problem, *, seconds: float, known: bounds.Duals | None = None) -> Iterator[Moves]:
    """Of the largest weight the fewest moves, round by round; the last one is complete, if time allows.

    As `moved_bound`; so what needs more than a slot is to be taken out of the problem before.
    """
    ends_at = time.monotonic() + seconds
    known = bounds.duals(problem) if known is None else known
    for weight in range(known.bound, -1, -1):
        if time.monotonic() >= ends_at:
            return
        for found in _rounds(Area(problem, weight, known), ends_at):
            yield found
            if found.complete:
                return


def _rounds(area: Area, ends_at: float) -> Iterator[Moves]:
    least = 0
    whole = False
    while (left := ends_at - time.monotonic()) > 0:
        program = Program(area, whole=whole)
        if not program.solve(left):
            return
        if not whole:
            least = max(least, len(area.problem.previous) - program.most_kept())
        asked_too_much = _overbooked(area, program)
        if not asked_too_much and not program.left_slots():
            if program.is_whole():
                yield Moves(area.weight, least, _schedule(area, program), complete=True)
                return
            whole = True
            continue
        whole = False
        yield Moves(area.weight, least, _schedule(area, program), complete=False)
        area.near |= asked_too_much
        for slot in program.left_slots():
            area.let_loose |= {k for k, home in enumerate(area.home) if home == slot}


def _overbooked(area: Area, program: Program) -> set[int]:
    """The far people of whom a solution asks too much, or too little."""
    touched = {p for k in program.inside for p in area.pair[k]} - area.near
    use: dict[int, dict[int, float]] = {
        p: defaultdict(float, {slot: 1.0 for slot, k in area.at[p].items() if k not in program.inside})
        for p in touched
    }
    for k, slot, value in program.held():
        for p in area.pair[k]:
            if p in touched:
                use[p][slot] += value
    result = set()
    for p in touched:
        slots, places = use[p], area.known.places[p]
        total = sum(slots.values())
        short = area.known.price[p] > 0 and total < places - 1e-6
        if short or total > places + 1e-6 or any(count > 1 + 1e-6 for count in slots.values()):
            result.add(p)
    return result


def _schedule(area: Area, program: Program) -> dict[int, int]:
    slots = {k: home for k, home in enumerate(area.home) if home >= 0 and k not in program.inside}
    slots.update((k, slot) for k, slot, value in program.held() if value > 0.5)
    return slots


def main() -> int:
    """A job as pickle on standard input: (problem, another to prove with or None, seconds). JSON lines on
    standard output: {"most": weight}, {"weight", "least"}, {"complete", "slots": [[meeting, slot], ...]}.
    """

    def tell(**answer: object) -> None:
        print(json.dumps(answer), flush=True)

    problem, proof, seconds = pickle.load(sys.stdin.buffer)  # noqa: S301 (its parent wrote it)
    _answer(problem, proof, seconds, tell)
    return 0


def _answer(problem: Problem, proof: Problem | None, seconds: float, tell: Callable[..., None]) -> None:
    ends_at = time.monotonic() + seconds
    known = bounds.duals(problem)
    if proof is None:
        tell(most=known.bound)
    for found in fewest_moves(problem, seconds=seconds, known=known):
        if proof is None:
            tell(weight=found.weight, least=found.least)
        tell(complete=found.complete, slots=sorted(found.slots.items()))
    if proof is not None:
        most = bounds.weight_bound(proof)
        tell(most=most)
        tell(weight=most, least=moved_bound(proof, most, seconds=ends_at - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
