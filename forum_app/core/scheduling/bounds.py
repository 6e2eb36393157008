"""Proven bounds: no schedule places more weight, none of that weight has fewer breaks.

Both come from linear programming duality, but never trust a solver's arithmetic: its dual values are rounded
to whole numbers of 1/1024 and the bound is computed from them exactly. Any non-negative duals prove a bound,
good ones a sharp one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ortools.linear_solver import pywraplp

from forum_app.core.scheduling.problem import Problem, allowed_slots, tables_per_slot

UNIT = 1024
"""Duals are counted in 1/1024 of a unit of weight."""


@dataclass(frozen=True, slots=True)
class Duals:
    """The prices that prove a weight bound, in 1/1024.

    price [participant]: of one of their places, places [participant]: how many there are. bound: floor of
    the sum of price x places, of the common resources, and of what each meeting brings above its price.
    surplus [meeting]: weight minus prices; None if it can never be held. usable [participant]: the slots in
    which the person could meet anybody.
    """

    bound: int
    exact: int
    price: tuple[int, ...]
    places: tuple[int, ...]
    surplus: tuple[int | None, ...]
    usable: tuple[frozenset[int], ...]


def weight_bound(problem: Problem) -> int:
    """No schedule has a larger placed weight.

    Relaxation: each meeting once, each participant at most max_meetings and at most one per usable slot
    (more exactly: as many as a matching of their meetings to allowed slots has), all together at most one
    per table and slot, those that need an interpreter at most as many as interpreters can hold. Every
    schedule obeys these, so its weight is at most the value of any dual solution.
    """
    return duals(problem).bound


def duals(problem: Problem, worth: Sequence[int] | None = None) -> Duals:
    """Solve the relaxation and keep its prices. worth: what to maximize instead of the meetings' weights."""
    if worth is None:
        worth = [meeting.weight for meeting in problem.meetings]
    allowed = allowed_slots(problem)
    mine: list[list[int]] = [[] for _ in problem.participants]
    for k, meeting in enumerate(problem.meetings):
        if allowed[k]:
            mine[meeting.a].append(k)
            mine[meeting.b].append(k)
    usable = tuple(frozenset(slot for k in each for slot in allowed[k]) for each in mine)
    places = []
    for p, person in enumerate(problem.participants):
        most = min(len(mine[p]), _matching([allowed[k] for k in mine[p]], len(usable[p])))
        places.append(most if person.max_meetings is None else min(most, person.max_meetings))
    seats = sum(max(0, count) for count in tables_per_slot(problem))
    talks = _interpreter_slots(problem)

    solver = pywraplp.Solver.CreateSolver("GLOP")
    infinity = solver.infinity()
    rows = [solver.Constraint(-infinity, count) for count in places]
    all_seats = solver.Constraint(-infinity, seats)
    all_talks = solver.Constraint(-infinity, talks)
    objective = solver.Objective()
    objective.SetMaximization()
    for k, meeting in enumerate(problem.meetings):
        if not allowed[k]:
            continue
        held = solver.NumVar(0, 1, "")
        rows[meeting.a].SetCoefficient(held, 1)
        rows[meeting.b].SetCoefficient(held, 1)
        all_seats.SetCoefficient(held, 1)
        if meeting.interpreters is not None:
            all_talks.SetCoefficient(held, 1)
        objective.SetCoefficient(held, worth[k])
    solved = solver.Solve() == pywraplp.Solver.OPTIMAL

    def price_of(row: pywraplp.Constraint) -> int:
        return max(0, round(row.dual_value() * UNIT)) if solved else 0

    price = [price_of(row) for row in rows]
    seat, talk = price_of(all_seats), price_of(all_talks)
    surplus: list[int | None] = []
    exact = seat * seats + talk * talks + sum(a * b for a, b in zip(price, places, strict=True))
    for k, meeting in enumerate(problem.meetings):
        if not allowed[k]:
            surplus.append(None)
            continue
        paid = price[meeting.a] + price[meeting.b] + seat + (talk if meeting.interpreters is not None else 0)
        surplus.append(worth[k] * UNIT - paid)
        exact += max(0, worth[k] * UNIT - paid)
    return Duals(exact // UNIT, exact, tuple(price), tuple(places), tuple(surplus), usable)


def moved_bound(problem: Problem, weight: int) -> int:
    """No schedule that places at least this weight moves fewer rows of Problem.previous.

    A row can only be kept if its meeting is held and its slot is still allowed. So maximize n x weight +
    rows kept, n larger than their number, over the same relaxation: with the bound b on that, a schedule of
    the weight keeps at most b - n x weight rows.
    """
    allowed = allowed_slots(problem)
    away = problem.table_unavailable
    rows = [
        row
        for row in problem.previous
        if row.slot in allowed[row.meeting]
        and not (away and row.table is not None and row.slot in away[row.table])
    ]
    n = len(problem.previous) + 1
    worth = [n * meeting.weight for meeting in problem.meetings]
    for row in rows:
        worth[row.meeting] += 1
    most = min(len(rows), duals(problem, worth).bound - n * weight)
    return max(0, len(problem.previous) - most)


def _matching(choices: list[list[int]], most: int) -> int:
    """How many of the meetings can have a slot of their own (Kuhn's augmenting paths)."""
    holder: dict[int, int] = {}

    def augment(k: int, seen: set[int]) -> bool:
        for slot in choices[k]:
            if slot not in seen:
                seen.add(slot)
                if slot not in holder or augment(holder[slot], seen):
                    holder[slot] = k
                    return True
        return False

    count = 0
    for k in sorted(range(len(choices)), key=lambda k: len(choices[k])):
        if count >= most:
            break
        count += augment(k, set())
    return count


def _interpreter_slots(problem: Problem) -> int:
    """How many meetings the interpreters can hold, with their rests: in n slots in a row at most n - n //
    (run + 1).
    """
    total = 0
    for interpreter in problem.interpreters:
        length = 0
        for slot in range(problem.n_slots + 1):
            if slot < problem.n_slots and slot not in interpreter.unavailable:
                length += 1
                continue
            rests = length // (interpreter.max_run + 1) if interpreter.max_run else 0
            total += length - rests
            length = 0
    return total


def breaks_bound(problem: Problem, weight: int, known: Duals | None = None) -> int:
    """No schedule that places at least this weight has fewer breaks.

    Let g be what is missing to the exact dual value. By complementary slackness a schedule that leaves out a
    meeting of positive surplus, or a place of positive price, loses that surplus or price; losing more than
    g in total is impossible. With g = 0 every meeting of positive surplus is held and every place with a
    price is used: that gives each participant a least number of meetings, and so many do not fit into fewer
    runs of usable slots in a row than the longest of them need. A larger g buys back at most one meeting of
    two participants per smallest loss.
    """
    found = duals(problem) if known is None else known
    gap = found.exact - weight * UNIT
    if gap < 0:
        return 0
    if problem.all_mandatory or weight >= sum(meeting.weight for meeting in problem.meetings):
        least = [0] * len(problem.participants)
        for meeting in problem.meetings:
            least[meeting.a] += 1
            least[meeting.b] += 1
        return sum(_fewest(found.usable[p], count) for p, count in enumerate(least))
    least = [0] * len(problem.participants)
    losses = []
    for k, meeting in enumerate(problem.meetings):
        surplus = found.surplus[k]
        if surplus is not None and surplus > 0:
            least[meeting.a] += 1
            least[meeting.b] += 1
            losses.append(surplus)
    for p, price in enumerate(found.price):
        if price > 0:
            least[p] = max(least[p], found.places[p])
            losses.append(price)
    sure = sum(_fewest(found.usable[p], count) for p, count in enumerate(least))
    bought = gap // min(losses) if losses else 0
    return max(0, sure - 2 * bought)


def _fewest(usable: frozenset[int], count: int) -> int:
    """The fewest breaks of a person with so many meetings in the usable slots."""
    runs, length = [], 0
    for slot in range(max(usable, default=-1) + 2):
        if slot in usable:
            length += 1
        elif length:
            runs.append(length)
            length = 0
    breaks, room = -1, 0
    for length in sorted(runs, reverse=True):
        if room >= count:
            break
        room += length
        breaks += 1
    return max(0, breaks)
