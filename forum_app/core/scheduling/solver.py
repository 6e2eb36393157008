"""The scheduler: chooses how to solve, keeps the best so far, and lets the checker judge what it returns."""

import importlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from forum_app.core.scheduling.checker import Report, check
from forum_app.core.scheduling.exact import Fewest, fewest_breaks, is_plain
from forum_app.core.scheduling.exact_tables import with_tables
from forum_app.core.scheduling.problem import (
    Assignment,
    Problem,
    Progress,
    Result,
    Status,
)
from forum_app.core.scheduling.repair import repair
from forum_app.core.scheduling.ways import has_ways, in_turn, result_of, worth

SMALL = 40_000
"""Meetings times slots up to which the exact model is tried."""
TINY = 2_000
"""And up to which it needs no start by local search."""
FIRST_SEARCH = 8.0
"""Seconds at most for the search at forum scale where the exact model follows."""
SHORT = 5.0
"""Time limits below this do without that search: a start in plain Python needs nothing compiled, but is far
worse (60 people in 8 s: 102 breaks instead of 11)."""
UNSTOPPED = 2.0
"""Seconds that each of several buildings gets even when a run is to stop."""


def _part(name: str) -> Any:
    """A part that loads OR-Tools or numba, which takes a second or two; quick answers do without."""
    return importlib.import_module(f"forum_app.core.scheduling.{name}")


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

    The limit does not count the compiling of the search, where that is not kept from an earlier run (phase
    `preparing`, once per installation).

    The largest weight, then the worst-off lifted, the fewest moves from the schedule before, the fewest
    breaks, few changes of table. progress is called whenever something better is known; should_stop is
    asked several times a second. The same problem and seed with one worker give the same result, unless
    time runs out. Raises Wrong if the result does not pass the checker.
    """
    run = _Run(problem, time_limit, seed, max(1, workers), progress, should_stop)
    if has_ways(problem):
        run.solve_in_turn()
    else:
        run.solve()
    return run.result()


class _Run:
    """One run. offer() takes schedules from wherever they come and keeps the best."""

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
        self.short = time_limit < SHORT
        self.seed = seed
        self.workers = workers
        self.progress = progress
        self.asked_to_stop = should_stop or (lambda: False)
        self.best: tuple[Assignment, ...] | None = None
        self.report: Report | None = None
        self.key: tuple[int, ...] | None = None
        self.most_wished = max((person.min_meetings for person in problem.participants), default=0)
        self.impossible = False
        self.proven = False
        self.weight_bound = sum(meeting.weight for meeting in problem.meetings)
        self.breaks_bound = 0
        self.moved_bound = 0
        self.duals: Any = None

    def stopped(self) -> bool:
        return time.monotonic() >= self.ends_at or self.asked_to_stop()

    def left(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())

    def offer(self, assignments: Sequence[Assignment]) -> bool:
        """Keeps the schedule if it is feasible and better in lexicographic order; True if feasible."""
        rows = with_tables(self.problem, assignments)
        report = check(self.problem, rows)
        if not report.feasible:
            return False
        key = worth(self.problem, report)
        if self.key is None or key > self.key:
            self.best, self.report, self.key = rows, report, key
        return True

    def solve_in_turn(self) -> None:
        """One building after the other, where people have to walk between them."""

        def solve_part(
            part: Problem, seconds: float, elsewhere: Collection[Assignment]
        ) -> tuple[Assignment, ...]:
            weight = sum(self.problem.meetings[row.meeting].weight for row in elsewhere)
            began = time.monotonic()

            def tell(progress: Progress) -> None:
                if self.progress is not None:
                    self.progress(
                        Progress(
                            seconds=time.monotonic() - self.began_at,
                            placed=len(elsewhere) + (progress.placed or 0),
                            placed_weight=weight + (progress.placed_weight or 0),
                            weight_bound=self.weight_bound,
                            breaks=None,
                            breaks_bound=0,
                            phase="preparing" if progress.phase == "preparing" else "placing",
                        )
                    )

            def stop() -> bool:  # a building without a schedule would be an empty one
                return self.asked_to_stop() and time.monotonic() - began > UNSTOPPED

            run = _Run(part, seconds, self.seed, self.workers, tell, stop)
            run.solve()
            return run.best or ()

        rows = in_turn(
            self.problem, solve_part, time_limit=self.left(), again=True, should_stop=self.asked_to_stop
        )
        self.best, self.report = rows, check(self.problem, rows)
        self.key = worth(self.problem, self.report)
        self.bound()
        self.settled()

    def solve(self) -> None:
        self.tell("placing")
        size = len(self.problem.meetings) * self.problem.n_slots
        small = size <= SMALL
        if self.problem.all_mandatory and is_plain(self.problem) and small:
            self.fewest(self.problem, range(len(self.problem.meetings)), exact=True)
            return
        if size > TINY:
            if self.problem.previous or (small and self.short):
                self.mend()
            if small and self.short:
                self.bound()
            else:
                self.search(FIRST_SEARCH, small)
        if self.settled() or not small:
            return
        everything = range(len(self.problem.meetings))
        if is_plain(self.problem) and self.best is not None and len(self.best) == len(everything):
            self.fewest(only(self.problem, everything), everything, exact=True)
        else:
            self.levels()

    def settled(self) -> bool:
        """Whether what was found reaches the bounds."""
        report = self.report
        if report is None:
            return False
        self.proven = (
            report.weight == self.weight_bound
            and report.breaks == self.breaks_bound
            and report.moved == self.moved_bound
            and not report.shortfalls
        )
        return self.proven

    # -------------------------------------------------------------- at forum scale

    def mend(self) -> None:
        """The schedule before, made possible again with few moves."""
        mended = repair(self.problem, time_limit=min(2.0, 0.3 * self.left()), seed=self.seed)
        self.moved_bound = mended.moved_bound
        self.offer(mended.assignments)
        self.tell("placing")

    def search(self, seconds: float, small: bool) -> None:
        """A good schedule by local search, and bounds by linear programming."""
        self.prepare()
        self.bound()
        left = self.left()
        found = _part("large").search(
            self.problem,
            time_limit=max(0.5, min(seconds, 0.4 * left) if small else 0.97 * left),
            seed=self.seed,
            workers=self.workers,
            progress=self.progress,
            should_stop=self.asked_to_stop,
            weight_bound=self.weight_bound,
        )
        self.offer(found.assignments)
        self.bound()
        self.tell("breaks")

    def prepare(self) -> None:
        """Load the search, and compile it where no earlier run has; that is not part of the time limit."""
        began = time.monotonic()
        self.tell("preparing")
        _part("large").prepare()
        self.ends_at += time.monotonic() - began

    def bound(self) -> None:
        """Bounds by linear programming; those of breaks and moves for the weight that is reached."""
        bounds = _part("bounds")
        if self.duals is None:
            self.duals = bounds.duals(self.problem)
            self.weight_bound = min(self.weight_bound, self.duals.bound)
        if self.report is not None:
            self.breaks_bound = bounds.breaks_bound(self.problem, self.report.weight, self.duals)
            if self.problem.previous:
                least = bounds.moved_bound(self.problem, self.report.weight)
                self.moved_bound = max(self.moved_bound, least)

    # -------------------------------------------------------------- mandatory and plain

    def fewest(self, problem: Problem, meetings: Sequence[int], *, exact: bool, share: float = 1.0) -> None:
        """Fewest breaks of a plain problem, whose meetings are ours under other numbers.

        exact: what is proven of it is proven of ours.
        """

        def tell(found: Fewest) -> None:
            if found.assignments is not None:
                self.offer([replace(row, meeting=meetings[row.meeting]) for row in found.assignments])
            if exact:
                self.breaks_bound = max(self.breaks_bound, found.lower)
            self.tell("breaks")

        found = fewest_breaks(
            problem,
            time_limit=max(0.1, self.left() * share),
            seed=self.seed,
            workers=self.workers,
            tell=tell,
            should_stop=self.asked_to_stop,
        )
        if exact:
            self.impossible = found.impossible
            self.proven = found.proven

    # -------------------------------------------------------------- small, with all the rules

    def levels(self) -> None:
        exact_model = _part("exact_model")
        model = exact_model.Model(self.problem)
        objectives = [model.weight(), *(-lacking for lacking in model.lacking()), -model.moves()]
        bound_to: list[int] = []
        proven = True
        try:
            for place, objective in enumerate([*objectives, -sum(model.breaks)]):
                last = place == len(objectives)
                if self.best is not None and self.stopped():
                    return
                if last:
                    self.shortcut()
                value, bound = self.level(model, objective, place, bound_to, share=1.0 if last else 0.4)
                if value is None:
                    return
                bound_to.append(value)
                if place == 0:
                    self.weight_bound = min(self.weight_bound, bound)
                    bound = self.weight_bound
                elif place == len(objectives) - 1 and proven:
                    self.moved_bound = max(self.moved_bound, -bound)
                elif last and proven:
                    self.breaks_bound = max(self.breaks_bound, -bound)
                    bound = -self.breaks_bound
                proven = proven and bound == value
            self.proven = proven
        except exact_model.Impossible:
            if self.best is not None:
                raise
            self.impossible = True

    def level(
        self, model: Any, objective: Any, place: int, bound_to: list[int], *, share: float
    ) -> tuple[int | None, int]:
        """Maximizes one level and binds those after it. Returns value and bound; None: nothing was found."""
        known = None
        if self.key is not None and list(self.key[:place]) == bound_to:
            known = self.key[place]
        ceiling = self.weight_bound if place == 0 else 0
        if place == self.most_wished + 1:
            ceiling = -self.moved_bound
        if known == ceiling:
            model.bind(objective, known)
            return known, ceiling

        def tell(assignments: tuple[Assignment, ...], bound: int) -> None:
            if place == 0:
                self.weight_bound = min(self.weight_bound, bound)
            self.offer(assignments)
            self.tell("breaks" if place == len(self.key or ()) - 1 else "placing")

        found, bound = model.solve(
            objective,
            at_least=known,
            seconds=share * self.left(),
            seed=self.seed,
            workers=self.workers,
            hint=self.best if known is not None else None,
            tell=tell,
            should_stop=self.stopped,
        )
        value = known if found is None else found
        if value is not None:
            model.bind(objective, value)
        return value, min(ceiling, bound)

    def shortcut(self) -> None:
        """Fewer breaks for the chosen meetings, by the search for mandatory schedules."""
        if (
            self.best is not None
            and self.report is not None
            and self.report.breaks
            and is_plain(self.problem)
        ):
            chosen = [row.meeting for row in self.best]
            self.fewest(only(self.problem, chosen), chosen, exact=False, share=0.4)

    # -------------------------------------------------------------- telling

    def tell(self, phase: str) -> None:
        if self.progress is None:
            return
        report = self.report
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
        assignments, status = self.best, Status.OPTIMAL if self.proven else Status.FEASIBLE
        if self.impossible or assignments is None:
            assignments, status = (), Status.INFEASIBLE if self.impossible else Status.UNKNOWN
        report = check(self.problem, assignments)
        if status in (Status.OPTIMAL, Status.FEASIBLE) and not report.feasible:
            raise Wrong("; ".join(report.violations[:5]))
        self.tell("done")
        return result_of(
            self.problem,
            assignments,
            report,
            status=status,
            started=self.began_at,
            weight_bound=self.weight_bound,
            breaks_bound=self.breaks_bound,
            moved_bound=self.moved_bound,
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
