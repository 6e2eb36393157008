"""All rules of a problem as a CP-SAT model, solved level by level.

Levels: the largest weight; the worst-off lifted (fewest participants who lack most of their wished
meetings, then those who lack one less, ...); the fewest moves from the schedule before; the fewest breaks.
What a level has reached binds those after it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from ortools.sat.python import cp_model

from forum_app.core.scheduling.problem import Assignment, Problem, allowed_slots, tables_per_slot

Tell = Callable[[tuple[Assignment, ...], int], None]
"""Called with each better schedule (without free tables) and the bound of the level."""


UNBOUNDED = 2**62
ASKED_EVERY = 0.1
"""Seconds between two questions whether to stop."""


class Model:
    """Variables and rules; `solve` one level after the other."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.model: Any = cp_model.CpModel()
        self.slots = allowed_slots(problem)
        self.place: list[dict[int, Any]] = []
        self.at_table: dict[int, dict[tuple[int, int], Any]] = {}
        self.talks: dict[int, dict[tuple[int, int], Any]] = {}
        self.last: Any = None
        self._write_places()
        self.busy = self._write_busy()
        self._write_limits()
        self._write_orders()
        self._write_tables()
        self._write_interpreters()
        self.breaks = self._write_breaks()
        self._write_pins()

    # -------------------------------------------------------------- rules

    def _write_places(self) -> None:
        for index, slots in enumerate(self.slots):
            self.place.append({slot: self.model.new_bool_var("") for slot in slots})
            if self.problem.all_mandatory:
                self.model.add_exactly_one(self.place[index].values())
            else:
                self.model.add_at_most_one(self.place[index].values())

    def _write_busy(self) -> list[dict[int, Any]]:
        there: list[dict[int, list[Any]]] = [defaultdict(list) for _ in self.problem.participants]
        for index, meeting in enumerate(self.problem.meetings):
            for slot, variable in self.place[index].items():
                there[meeting.a][slot].append(variable)
                there[meeting.b][slot].append(variable)
        busy: list[dict[int, Any]] = []
        for slots in there:
            busy.append({})
            for slot in sorted(slots):
                variable = self.model.new_bool_var("")
                self.model.add_exactly_one([*slots[slot], ~variable])
                busy[-1][slot] = variable
        return busy

    def _write_limits(self) -> None:
        for person, busy in zip(self.problem.participants, self.busy, strict=True):
            if person.max_meetings is not None and person.max_meetings < len(busy):
                self.model.add(sum(busy.values()) <= person.max_meetings)

    def _write_orders(self) -> None:
        for index, meeting in enumerate(self.problem.meetings):
            for earlier in meeting.after:
                for slot, variable in self.place[index].items():
                    late = [other for t, other in self.place[earlier].items() if t >= slot]
                    self.model.add_at_most_one([variable, *late])

    def _write_tables(self) -> None:
        problem = self.problem
        capacity = tables_per_slot(problem)
        used: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for index, meeting in enumerate(problem.meetings):
            if meeting.tables is None:
                continue
            choice: dict[tuple[int, int], Any] = {}
            for slot, variable in self.place[index].items():
                for table in meeting.tables:
                    if not problem.table_unavailable or slot not in problem.table_unavailable[table]:
                        choice[slot, table] = self.model.new_bool_var("")
                        used[slot, table].append(choice[slot, table])
                self.model.add(sum(v for (t, _), v in choice.items() if t == slot) == variable)
            self.at_table[index] = choice
        for row in problem.pinned:
            if row.table is not None and problem.meetings[row.meeting].tables is None:
                if problem.table_unavailable and row.slot in problem.table_unavailable[row.table]:
                    self.model.add_bool_or([])
                used[row.slot, row.table].append(self.place[row.meeting].get(row.slot, 0))
        self.used = used
        for variables in used.values():
            if len(variables) > 1:
                self.model.add(sum(variables) <= 1)
        for slot in range(problem.n_slots):
            held = [places[slot] for places in self.place if slot in places]
            if len(held) > capacity[slot]:
                self.model.add(sum(held) <= capacity[slot])

    def _write_interpreters(self) -> None:
        problem = self.problem
        used: list[dict[int, list[Any]]] = [defaultdict(list) for _ in problem.interpreters]
        for index, meeting in enumerate(problem.meetings):
            if meeting.interpreters is None:
                continue
            choice: dict[tuple[int, int], Any] = {}
            for slot, variable in self.place[index].items():
                for q in meeting.interpreters:
                    if slot not in problem.interpreters[q].unavailable:
                        choice[slot, q] = self.model.new_bool_var("")
                        used[q][slot].append(choice[slot, q])
                self.model.add(sum(v for (t, _), v in choice.items() if t == slot) == variable)
            self.talks[index] = choice
        for interpreter, slots in zip(problem.interpreters, used, strict=True):
            for variables in slots.values():
                self.model.add_at_most_one(variables)
            longest = interpreter.max_run
            if longest is None:
                continue
            for first in range(problem.n_slots - longest):
                window = [v for slot in range(first, first + longest + 1) for v in slots.get(slot, ())]
                if all(slot in slots for slot in range(first, first + longest + 1)):
                    self.model.add(sum(window) <= longest)

    def _write_breaks(self) -> list[Any]:
        """Per participant its number of breaks, as an expression: runs of busy slots less one."""
        model, breaks = self.model, []
        for busy in self.busy:
            starts = []
            for slot, variable in busy.items():
                if slot - 1 not in busy:
                    starts.append(variable)
                    continue
                start = model.new_bool_var("")
                model.add_bool_or([~variable, busy[slot - 1], start])
                model.add_implication(start, variable)
                model.add_implication(start, ~busy[slot - 1])
                starts.append(start)
            if len(busy) < 2:
                breaks.append(0)
                continue
            anything = model.new_bool_var("")
            model.add_max_equality(anything, list(busy.values()))
            breaks.append(sum(starts) - anything)
        if self.problem.fairness_d is not None:
            least = model.new_int_var(0, self.problem.n_slots, "")
            for count in breaks:
                model.add(count >= least)
                model.add(count <= least + self.problem.fairness_d)
        return breaks

    def _write_pins(self) -> None:
        for row in self.problem.pinned:
            variable = self.place[row.meeting].get(row.slot)
            if variable is None:
                self.model.add_bool_or([])
                continue
            self.model.add(variable == 1)
            if row.table is not None and row.meeting in self.at_table:
                self.model.add(self.at_table[row.meeting].get((row.slot, row.table), 0) == 1)
            if row.interpreter is not None:
                choice = self.talks.get(row.meeting, {})
                self.model.add(choice.get((row.slot, row.interpreter), 0) == 1)

    # -------------------------------------------------------------- objectives

    def weight(self) -> Any:
        pairs = zip(self.problem.meetings, self.place, strict=True)
        return sum(meeting.weight * v for meeting, places in pairs for v in places.values())

    def lacking(self) -> list[Any]:
        """Element j-1: how many participants lack at least j of the meetings they wish; last first."""
        counts: dict[int, list[Any]] = defaultdict(list)
        for person, busy in zip(self.problem.participants, self.busy, strict=True):
            for j in range(1, person.min_meetings + 1):
                short = self.model.new_bool_var("")
                self.model.add(sum(busy.values()) + person.min_meetings * short > person.min_meetings - j)
                counts[j].append(short)
        return [sum(counts[j]) for j in sorted(counts, reverse=True)]

    def moves(self) -> Any:
        """How many rows of the schedule before are not kept."""
        kept = []
        pinned = {row.meeting for row in self.problem.pinned}
        for row in self.problem.previous:
            variable = self.place[row.meeting].get(row.slot)
            if variable is None:
                continue
            away = self.problem.table_unavailable
            if row.table is not None and away and row.slot in away[row.table]:
                continue
            if row.table is not None and row.meeting in self.at_table:
                kept.append(self.at_table[row.meeting].get((row.slot, row.table), 0))
                continue
            others = self.used.get((row.slot, row.table), []) if row.table is not None else []
            if not others or row.meeting in pinned:
                kept.append(variable)
                continue
            keep = self.model.new_bool_var("")
            self.model.add_implication(keep, variable)
            for other in others:
                self.model.add(keep + other <= 1)
            kept.append(keep)
        return len(self.problem.previous) - sum(kept)

    # -------------------------------------------------------------- solving

    def solve(
        self,
        objective: Any,
        *,
        at_least: int | None,
        seconds: float,
        seed: int,
        workers: int,
        hint: Iterable[Assignment] | None,
        tell: Tell,
        should_stop: Callable[[], bool],
    ) -> tuple[int | None, int]:
        """Maximizes one level. Returns value and proven bound; the value is None if nothing was found.

        at_least: what is known to be possible. Raises Impossible if the rules cannot be kept.
        """
        model = self.model
        model.clear_hints()
        if hint is not None:
            at = {row.meeting: row.slot for row in hint}
            for index, places in enumerate(self.place):
                for slot, variable in places.items():
                    model.add_hint(variable, at.get(index) == slot)
        if at_least is not None:
            self.bind(objective, at_least)
        model.maximize(objective)
        solver: Any = cp_model.CpSolver()
        solver.parameters.num_workers = workers
        solver.parameters.random_seed = seed
        solver.parameters.max_time_in_seconds = max(0.05, seconds)
        with _stopping(solver, should_stop):
            status = solver.solve(model, _Watcher(self, tell))
        model.clear_objective()
        if status == cp_model.INFEASIBLE:
            raise Impossible
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, UNBOUNDED
        bound = int((solver.best_objective_bound + 1e-6) // 1)
        value = round(solver.objective_value)
        tell(self.assignments(solver.value), bound)
        return value, value if status == cp_model.OPTIMAL else bound

    def bind(self, objective: Any, value: int) -> None:
        """What follows must reach at least the value."""
        self.model.add(objective >= value)

    def assignments(self, value: Callable[[Any], int]) -> tuple[Assignment, ...]:
        rows = []
        for index, places in enumerate(self.place):
            for slot, variable in places.items():
                if value(variable):
                    tables = self.at_table.get(index, {})
                    talks = self.talks.get(index, {})
                    table = next((tab for (t, tab), v in tables.items() if t == slot and value(v)), None)
                    talk = next((q for (t, q), v in talks.items() if t == slot and value(v)), None)
                    rows.append(Assignment(index, slot, table, talk))
        return tuple(rows)


class Impossible(Exception):
    """No schedule keeps all the rules."""


@contextmanager
def _stopping(solver: Any, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Ends the solver's search once should_stop says so, whether or not it has found anything by then."""
    ended = Event()

    def watch() -> None:
        while not ended.wait(ASKED_EVERY):
            if should_stop():
                solver.stop_search()  # of no effect before the search has begun, so again and again

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _Watcher(cp_model.CpSolverSolutionCallback):
    def __init__(self, model: Model, tell: Tell) -> None:
        super().__init__()
        self.owner = model
        self.tell = tell

    def on_solution_callback(self) -> None:
        self.tell(self.owner.assignments(self.value), int((self.best_objective_bound + 1e-6) // 1))
