"""The scheduler: chooses how to solve, keeps the best so far, and lets the checker judge what it returns."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from forum_app.core.scheduling.checker import Report, check
from forum_app.core.scheduling.exact import Fewest, fewest_breaks, is_plain
from forum_app.core.scheduling.exact_model import Impossible, Level, Model
from forum_app.core.scheduling.exact_tables import with_tables
from forum_app.core.scheduling.problem import (
    Assignment,
    Problem,
    Progress,
    Reason,
    Result,
    Status,
    allowed_slots,
    tables_per_slot,
)

SMALL = 40_000
"""Meetings times slots up to which the exact model is tried."""
FOREVER = 10_000.0


class Wrong(Exception):
    """The scheduler made a schedule that breaks a rule: a bug, never to be published."""


def solve(
    problem: Problem,
    *,
    time_limit: float = 60.0,
    seed: int = 1,
    workers: int = 2,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Result:
    """The best schedule found within time_limit seconds (wall time), with proven bounds.

    The largest weight, then the worst-off lifted, the fewest moves from the schedule before, the fewest
    breaks, few changes of table. progress is called whenever something better is known; should_stop is
    asked several times a second. The same problem and seed with one worker give the same result, unless
    time runs out. Raises Wrong if the result does not pass the checker.
    """
    run = _Run(problem, time_limit, seed, max(1, workers), progress, should_stop)
    run.solve()
    return run.result()


class _Run:
    def __init__(
        self,
        problem: Problem,
        time_limit: float,
        seed: int,
        workers: int,
        progress: Callable[[Progress], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self.problem = problem
        self.began_at = time.monotonic()
        self.ends_at = self.began_at + time_limit
        self.seed = seed
        self.workers = workers
        self.progress = progress
        self.asked_to_stop = should_stop or (lambda: False)
        self.best: tuple[Assignment, ...] | None = None
        self.impossible = False
        self.proven = False
        self.weight_bound = sum(meeting.weight for meeting in problem.meetings)
        self.breaks_bound = 0
        self.moved_bound = 0

    def stopped(self) -> bool:
        return time.monotonic() >= self.ends_at or self.asked_to_stop()

    def solve(self) -> None:
        self.tell("placing")
        if self.problem.all_mandatory and is_plain(self.problem):
            self.fewest(self.problem, range(len(self.problem.meetings)), exact=True)
        else:
            self.levels()

    # -------------------------------------------------------------- mandatory and plain

    def fewest(self, problem: Problem, meetings: Sequence[int], *, exact: bool) -> None:
        """Fewest breaks of a plain problem, whose meetings are ours under other numbers.

        exact: what is proven of it is proven of ours.
        """

        def tell(found: Fewest) -> None:
            if found.assignments is not None:
                self.best = tuple(replace(row, meeting=meetings[row.meeting]) for row in found.assignments)
            if exact:
                self.breaks_bound = max(self.breaks_bound, found.lower)
            self.tell("breaks")

        found = fewest_breaks(
            problem,
            time_limit=max(0.1, self.ends_at - time.monotonic()),
            seed=self.seed,
            workers=self.workers,
            tell=tell,
            should_stop=self.asked_to_stop,
        )
        if found.assignments is not None:
            tell(found)
        if exact:
            self.impossible = found.impossible
            self.proven = found.proven

    # -------------------------------------------------------------- everything else

    def levels(self) -> None:
        problem = self.problem
        model = Model(problem)
        proven = True
        try:
            if not problem.all_mandatory:
                level = self.level(model, "weight", model.weight(), largest=True, share=0.5)
                if level is None:
                    return
                self.weight_bound = level.bound
                proven = level.bound == level.value
            for objective in model.lacking():
                level = self.level(model, "lacking", objective, share=0.3)
                if level is None:
                    return
                proven = proven and level.bound == level.value
            if problem.previous:
                level = self.level(model, "moved", model.moves(), share=0.5)
                if level is None:
                    return
                self.moved_bound = level.bound if proven else 0
                proven = proven and level.bound == level.value
            hint = self.shortcut()
            level = self.level(model, "breaks", sum(model.breaks), hint=hint)
            if level is None:
                return
            self.breaks_bound = level.bound if proven else 0
            self.proven = proven and level.bound == level.value
        except Impossible:
            if self.best is None:
                self.impossible = True
            else:
                raise

    def shortcut(self) -> tuple[Assignment, ...] | None:
        """Fewer breaks for the chosen meetings, by the search for mandatory schedules, where it knows the
        rules."""
        if self.best is None or not is_plain(self.problem):
            return None
        chosen = [row.meeting for row in self.best]
        problem = only(self.problem, chosen)
        before = self.best
        ends_at = self.ends_at
        self.ends_at = min(ends_at, time.monotonic() + 0.5 * max(0.0, ends_at - time.monotonic()))
        self.fewest(problem, chosen, exact=False)
        self.ends_at = ends_at
        return self.best if self.best is not before else None

    def level(
        self,
        model: Model,
        name: str,
        objective: object,
        *,
        largest: bool = False,
        share: float = 1.0,
        hint: Iterable[Assignment] | None = None,
    ) -> Level | None:
        def tell(level: Level) -> None:
            self.best = level.assignments
            if name == "weight":
                self.weight_bound = min(self.weight_bound, level.bound)
            self.tell("breaks" if name == "breaks" else "placing")

        left = max(0.0, self.ends_at - time.monotonic())
        level = model.solve(
            name,
            objective,
            largest=largest,
            ends_at=time.monotonic() + share * left,
            seed=self.seed,
            workers=self.workers,
            hint=hint,
            tell=tell,
            should_stop=self.stopped,
        )
        if level is not None:
            self.best = level.assignments
        return level

    # -------------------------------------------------------------- telling

    def tell(self, phase: str) -> None:
        if self.progress is None:
            return
        report = check(self.problem, self.best) if self.best is not None else None
        self.progress(
            Progress(
                seconds=time.monotonic() - self.began_at,
                placed=report.placed if report else None,
                placed_weight=report.weight if report else None,
                weight_bound=self.weight_bound,
                breaks=report.breaks if report else None,
                breaks_bound=self.breaks_bound,
                phase=phase,
            )
        )

    def result(self) -> Result:
        if self.best is None or self.impossible:
            return self.without()
        assignments = with_tables(self.problem, self.best)
        report = check(self.problem, assignments)
        if not report.feasible:
            raise Wrong("; ".join(report.violations[:5]))
        self.best = assignments
        status = Status.OPTIMAL if self.proven else Status.FEASIBLE
        self.tell("done")
        return _result(self, status, assignments, report)

    def without(self) -> Result:
        """There is no schedule, or none was found; if none must be placed, an empty one is one."""
        status = Status.INFEASIBLE if self.impossible else Status.UNKNOWN
        return _result(self, status, (), check(self.problem, ()))


def _result(run: _Run, status: Status, assignments: tuple[Assignment, ...], report: Report) -> Result:
    return Result(
        status=status,
        assignments=assignments,
        placed_weight=report.weight,
        weight_bound=run.weight_bound,
        breaks=report.breaks,
        breaks_bound=run.breaks_bound,
        moved=report.moved,
        moved_bound=run.moved_bound,
        seconds=time.monotonic() - run.began_at,
        unplaced=reasons(run.problem, assignments),
        idle_slots=report.idle_slots,
        idle_slots_available=report.idle_slots_available,
        table_changes=report.table_changes,
    )


def only(problem: Problem, chosen: Sequence[int]) -> Problem:
    """The problem with the chosen meetings only, all of them mandatory, numbered in the order given."""
    number = {meeting: index for index, meeting in enumerate(chosen)}
    meetings = tuple(
        replace(
            problem.meetings[meeting],
            after=tuple(number[earlier] for earlier in problem.meetings[meeting].after if earlier in number),
        )
        for meeting in chosen
    )
    pinned = tuple(replace(row, meeting=number[row.meeting]) for row in problem.pinned)
    return replace(problem, meetings=meetings, all_mandatory=True, previous=(), pinned=pinned)


def reasons(problem: Problem, assignments: Iterable[Assignment]) -> tuple[tuple[int, Reason], ...]:
    """Why each meeting that is not placed is not."""
    rows = list(assignments)
    placed = {row.meeting for row in rows}
    slots = allowed_slots(problem)
    free_tables = tables_per_slot(problem)
    busy: list[set[int]] = [set() for _ in problem.participants]
    tables = {(row.slot, row.table) for row in rows}
    talking = {(row.slot, row.interpreter) for row in rows if row.interpreter is not None}
    for row in rows:
        free_tables[row.slot] -= 1
        busy[problem.meetings[row.meeting].a].add(row.slot)
        busy[problem.meetings[row.meeting].b].add(row.slot)

    def table_free(index: int, slot: int) -> bool:
        serve = problem.meetings[index].tables
        if serve is None:
            return free_tables[slot] > 0
        away = problem.table_unavailable
        return any((slot, t) not in tables and not (away and slot in away[t]) for t in serve)

    def interpreter_free(index: int, slot: int) -> bool:
        serve = problem.meetings[index].interpreters
        if serve is None:
            return True
        return any(
            (slot, q) not in talking and slot not in problem.interpreters[q].unavailable for q in serve
        )

    def reason(index: int) -> Reason:
        meeting = problem.meetings[index]
        if not slots[index]:
            return Reason.NO_COMMON_SLOT
        for p in (meeting.a, meeting.b):
            most = problem.participants[p].max_meetings
            if most is not None and len(busy[p]) >= most:
                return Reason.LIMIT_REACHED
        open_slots = [slot for slot in slots[index] if slot not in busy[meeting.a] | busy[meeting.b]]
        if not open_slots:
            return Reason.PARTICIPANT_FULL
        open_slots = [slot for slot in open_slots if table_free(index, slot)]
        if not open_slots:
            return Reason.NO_TABLE
        if not any(interpreter_free(index, slot) for slot in open_slots):
            return Reason.NO_INTERPRETER
        return Reason.OUTWEIGHED

    return tuple((index, reason(index)) for index in range(len(problem.meetings)) if index not in placed)
