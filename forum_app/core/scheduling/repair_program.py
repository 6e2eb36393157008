"""One linear program of a repair (see `repair_exact`), its solution, and what it proves."""

from collections.abc import Iterable, Iterator

from ortools.linear_solver import linear_solver_pb2 as messages
from ortools.linear_solver import pywraplp

from forum_app.core.scheduling import bounds
from forum_app.core.scheduling.repair_area import Area

FINE = 1 << 20
"""Duals are rounded to 1/FINE of a move."""
PER_UNIT = FINE // bounds.UNIT
NUDGE = 1e-4
"""What going where somebody far sits costs besides, in moves: it spares rounds, and is not part of proofs."""
TIDY = 1e-5
"""What a break costs besides."""
GLOP = "use_dual_simplex: true"
"""Three to five times as fast here as its default. HiGHS takes twice its time, and this way its duals come
out wrong (OR-Tools 9.15 hands over the rows' values instead)."""
INFINITE = float("inf")


class Program:
    """One linear program, its solution, and what it proves."""

    def __init__(self, area: Area, *, whole: bool) -> None:
        self.area = area
        self.whole = whole
        self.model = messages.MPModelProto(maximize=True)
        self.first: dict[int, int] = {}
        """Of a meeting's variables, one per allowed slot, the first."""
        self.nuisances: dict[int, list[float]] = {}
        inside = area.chosen()
        self.inside = set(inside)
        self.free = [area.seats[slot] - area.load[slot] for slot in range(area.problem.n_slots)]
        self.far = [0] * area.problem.n_slots
        """How many meetings without variables each slot has; they are at home."""
        for k, home in enumerate(area.home):
            if home >= 0:
                if k in self.inside:
                    self.free[home] += 1
                else:
                    self.far[home] += 1
        self.by_slot: list[list[int]] = [[] for _ in range(area.problem.n_slots)]
        self.cells: dict[tuple[int, int], list[int]] = {}
        self.totals: dict[int, list[int]] = {}
        self.losses: list[tuple[int, float]] = []
        """Variables that lose weight, and how much each."""
        for k in inside:
            self._write_meeting(k)
        self.cell_rows: dict[tuple[int, int], int] = {}
        self.total_rows: dict[int, int] = {}
        for (p, slot), variables in self.cells.items():
            tight = area.known.price[p] if area.every_slot[p] else 0
            self.cell_rows[p, slot] = self._row(variables, 1, tight)
        for p, variables in self.totals.items():
            self.total_rows[p] = self._row(variables, area.known.places[p], area.known.price[p])
        self._write_slots()
        self.loss_row = -1
        if self.losses:
            self.loss_row = len(self.model.constraint)
            self._add(
                [v for v, _ in self.losses],
                [loss for _, loss in self.losses],
                -INFINITE,
                area.gap / bounds.UNIT,
            )

    # ---------------------------------------------------------------- writing
    def _variable(self, worth: float = 0.0, most: float = 1.0) -> int:
        self.model.variable.add(
            lower_bound=0.0, upper_bound=most, objective_coefficient=worth, is_integer=self.whole
        )
        return len(self.model.variable) - 1

    def _add(self, variables: Iterable[int], factors: Iterable[float], least: float, most: float) -> int:
        self.model.constraint.add(
            var_index=variables, coefficient=factors, lower_bound=least, upper_bound=most
        )
        return len(self.model.constraint) - 1

    def _row(self, variables: list[int], most: int, price: int) -> int:
        """At most so many; exactly so many, if a free place loses the price (in 1/1024) and that is too
        much.
        """
        if 0 < price <= self.area.gap:
            idle = self._variable(most=INFINITE)
            self.losses.append((idle, price / bounds.UNIT))
            variables = [*variables, idle]
        return self._add(variables, [1.0] * len(variables), most if price > 0 else -INFINITE, most)

    def _write_meeting(self, k: int) -> None:
        area = self.area
        home, surplus = area.home[k], area.surplus[k]
        near = [p for p in area.pair[k] if p in area.near]
        here, there = (self._nuisance(p) for p in area.pair[k])
        first = len(self.model.variable)
        for slot in area.allowed[k]:
            column = self._variable(1.0 if slot == home else -here[slot] - there[slot])
            self.by_slot[slot].append(column)
            for p in near:
                self.cells.setdefault((p, slot), []).append(column)
        variables = list(range(first, len(self.model.variable)))
        self.first[k] = first
        if surplus < 0:
            self.losses += [(column, -surplus / bounds.UNIT) for column in variables]
        for p in near:
            if not area.every_slot[p]:
                self.totals.setdefault(p, []).extend(variables)
        if 0 < surplus <= area.gap and not area.must[k]:
            missed = self._variable()
            self.losses.append((missed, surplus / bounds.UNIT))
            variables.append(missed)
        sure = area.must[k] or surplus > 0
        self._add(variables, [1.0] * len(variables), 1 if sure else -INFINITE, 1)

    def _nuisance(self, p: int) -> list[float]:
        """What it costs besides to put a meeting of p into each slot."""
        if p not in self.nuisances:
            day, far = self.area.at[p], p not in self.area.near
            self.nuisances[p] = [
                NUDGE * (far and slot in day) + TIDY * (1 + (slot - 1 not in day) + (slot + 1 not in day))
                for slot in range(len(self.by_slot))
            ]
        return self.nuisances[p]

    def _write_slots(self) -> None:
        """Tables. Far meetings may leave a slot, each at the price of one move, and enter another."""
        area = self.area
        self.slot_rows: list[int] = []
        self.leaving = [self._variable(-1.0 - NUDGE, far) for far in self.far]
        entering: list[int] = []
        for slot, columns in enumerate(self.by_slot):
            variables = [*columns, self.leaving[slot]]
            factors = [1.0] * len(columns) + [-1.0]
            price = area.seat_price
            if price > 0:
                entering.append(self._variable(0.0, INFINITE))
                variables.append(entering[-1])
                factors.append(1.0)
                if price <= area.gap:
                    idle = self._variable(most=INFINITE)
                    self.losses.append((idle, price / bounds.UNIT))
                    variables.append(idle)
                    factors.append(1.0)
            most = self.free[slot]
            self.slot_rows.append(self._add(variables, factors, most if price > 0 else -INFINITE, most))
        self.balance_row = -1
        if entering:
            factors = [1.0] * len(entering) + [-1.0] * len(self.leaving)
            self.balance_row = self._add([*entering, *self.leaving], factors, -INFINITE, 0)

    # ---------------------------------------------------------------- solving and reading
    def solve(self, seconds: float) -> bool:
        kind = messages.MPModelRequest
        solver = kind.SCIP_MIXED_INTEGER_PROGRAMMING if self.whole else kind.GLOP_LINEAR_PROGRAMMING
        request = messages.MPModelRequest(
            model=self.model,
            solver_type=solver,
            solver_specific_parameters="" if self.whole else GLOP,
            solver_time_limit_seconds=seconds,
        )
        self.response = messages.MPSolutionResponse()
        pywraplp.Solver.SolveWithProto(request, self.response)
        if self.whole and self.response.status == messages.MPSOLVER_FEASIBLE:
            return True
        return bool(self.response.status == messages.MPSOLVER_OPTIMAL)

    def held(self) -> Iterator[tuple[int, int, float]]:
        """(meeting, slot, how much of it) of the solution."""
        value = list(self.response.variable_value)
        for k, first in self.first.items():
            for column, slot in enumerate(self.area.allowed[k], first):
                if value[column] > 1e-6:
                    yield k, slot, value[column]

    def is_whole(self) -> bool:
        return all(value > 1 - 1e-6 for _, _, value in self.held())

    def left_slots(self) -> list[int]:
        """Slots that far meetings would have to leave."""
        return [
            slot for slot, column in enumerate(self.leaving) if self.response.variable_value[column] > 1e-6
        ]

    def most_kept(self) -> int:
        """No schedule of the weight keeps more rows than that: the value of the duals, in whole numbers.

        For every price that a row may have, kept rows are at most the sum of right sides times prices plus,
        per variable, what it brings above its prices; prices are pressed into the ranges that make each
        variable without upper bound bring nothing.
        """
        area, gap = self.area, self.area.gap
        dual = self.response.dual_value

        def rounded(row: int) -> int:
            return round(dual[row] * FINE) if row >= 0 else 0

        loss = max(0, round(dual[self.loss_row] * PER_UNIT)) if self.loss_row >= 0 else 0
        """Of one 1/1024 of weight."""

        def lowest(price: int) -> int | None:
            if price > gap:
                return None
            return -loss * price if price > 0 else 0

        def pressed(row: int, price: int) -> int:
            low, value = lowest(price), rounded(row)
            return value if low is None else max(low, value)

        total = sum(self.far) * FINE + loss * gap
        cell = {}
        for (p, slot), row in self.cell_rows.items():
            cell[p, slot] = pressed(row, area.known.price[p] if area.every_slot[p] else 0)
            total += cell[p, slot]
        each = {}
        for p, row in self.total_rows.items():
            each[p] = pressed(row, area.known.price[p])
            total += each[p] * area.known.places[p]
        balance = min(FINE, max(0, rounded(self.balance_row)))
        seat = []
        for slot, row in enumerate(self.slot_rows):
            low = lowest(area.seat_price)
            floor = -balance if area.seat_price > 0 else 0
            floor = floor if low is None else max(floor, low)
            value = max(floor, rounded(row))
            seat.append(min(FINE - balance, value) if self.far[slot] else value)
            total += seat[slot] * self.free[slot]
        for k in self.inside:
            (a, b), surplus = area.pair[k], area.surplus[k]
            paid = each.get(a, 0) + each.get(b, 0) + (-surplus * loss if surplus < 0 else 0)
            best = max(
                FINE * (slot == area.home[k]) - cell.get((a, slot), 0) - cell.get((b, slot), 0) - seat[slot]
                for slot in area.allowed[k]
            )
            best -= paid
            if not area.must[k]:
                best = max(best, -surplus * loss if surplus > 0 else 0)
            total += best
        return total // FINE
