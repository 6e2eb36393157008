"""A published schedule after a change on the day: the largest weight again, moving as few meetings as
possible.

Two ways at once. Here, in plain Python and within a tenth of a second or two: what is still possible stays;
each waiting meeting is tried, heaviest first, in a slot in which both are free, by a Kempe chain that frees
one (or both) of them, or in the place of something lighter, which then waits itself; what moved goes home
wherever that has become possible. Beside it, in a process of its own, linear programming around what broke
finds the fewest moves there are and proves it (`repair_exact`). Where that is done in time, its schedule is
taken; otherwise what it has so far, mended here, or what was found here, if that is better. At last the
break counts are brought within fairness_d.
"""

import time
from itertools import pairwise

from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.explain import explain_unplaced
from forum_app.core.scheduling.problem import Assignment, Problem, Result, Status
from forum_app.core.scheduling.repair_fairness import make_fair
from forum_app.core.scheduling.repair_helper import Helper
from forum_app.core.scheduling.repair_search import Search
from forum_app.core.scheduling.tables import assign_tables
from forum_app.core.scheduling.ways import has_ways, in_turn, result_of

MANY = 500
"""Meetings from which on the process beside is started at once, before it is sure to be needed."""
REST = 0.15
"""Of the time, what the last steps may need: breaks, tables, reasons."""


def repair(
    problem: Problem,
    *,
    time_limit: float = 2.0,
    seed: int = 0,
    weight_bound: int | None = None,
    moved_bound: int = 0,
    workers: int = 2,
) -> Result:
    """Problem.previous made valid again for the problem as it is now: the largest weight, of that the
    fewest moves, then few breaks.

    moved counts what is not kept of Problem.previous; its bound is proven, or the caller's, if that is
    larger. weight_bound defaults to the sum of all weights or to what was proven on the way. Breaks are not
    proven. A mandatory meeting may be missing (status unknown); fairness_d is kept at the cost of moves,
    and of meetings where nothing else helps.

    workers=1 does without the process beside. The same problem and seed give the same result unless the
    time (wall time, seconds) runs out.
    """
    started = time.monotonic()
    ends_at = started + (1 - REST) * time_limit
    most = sum(meeting.weight for meeting in problem.meetings) if weight_bound is None else weight_bound
    if has_ways(problem):
        rows = in_turn(
            problem,
            lambda part, seconds, _: repair(part, time_limit=seconds, seed=seed, workers=workers).assignments,
            time_limit=time_limit,
            again=True,
        )
        report = check(problem, rows)
        return result_of(
            problem,
            rows,
            report,
            status=Status.FEASIBLE,
            started=started,
            weight_bound=most,
            breaks_bound=0,
            moved_bound=min(report.moved, moved_bound),
        )
    with Helper() as helper:
        if workers > 1 and len(problem.meetings) >= MANY:
            helper.start()
        state = Search(problem)
        asked = workers > 1 and len(problem.meetings) >= MANY and not any(state.special)
        if asked:  # nothing has to be placed before
            helper.ask(state, ends_at - time.monotonic())
        least = max(moved_bound, state.start())
        state.improve(ends_at)
        state.go_home()
        left = ends_at - time.monotonic()
        if left > 0 and (state.placed_weight() < most or state.moved() > least):
            if workers > 1 and not asked:
                helper.ask(state, left)
            state.polish(started + 0.55 * time_limit, seed, helper.done if workers > 1 else lambda: False)
            helper.wait(ends_at - time.monotonic())
            _take_better(state, helper, ends_at + 0.5 * REST * time_limit)
            most = most if helper.most is None else min(most, helper.most)
            least = max(least, helper.least_moves(state.placed_weight()))
    state.tidy()
    if problem.fairness_d is not None:
        make_fair(state, problem.fairness_d)
    return _result(state, started, most, least)


def _take_better(state: Search, helper: Helper, ends_at: float) -> None:
    """The helper's schedule, unless what was found here is better; what it has no room for yet finds its way
    by the search.
    """
    if helper.slots is None:
        return
    slots, complete = helper.slots, helper.complete
    here = {k: slot for k, slot in enumerate(state.slot) if slot >= 0}
    was = state.placed_weight(), -state.moved()
    state.arrange(slots)
    if not complete:
        state.improve(ends_at)
        state.go_home()
    if was > (state.placed_weight(), -state.moved()):
        state.arrange(here)


def _result(state: Search, started: float, weight_bound: int, moved_bound: int) -> Result:
    problem = state.problem
    placed = {k: slot for k, slot in enumerate(state.slot) if slot >= 0}
    tables = assign_tables(problem, placed, state.table)
    rows = tuple(Assignment(k, slot, tables[k], state.interpreter.get(k)) for k, slot in placed.items())
    moved = 0
    for row in problem.previous:
        gone = placed.get(row.meeting) != row.slot
        moved += gone or row.table not in (None, tables[row.meeting])
    gaps = [
        (p, slot)
        for p, day in enumerate(state.at)
        if day
        for slot in range(min(day), max(day))
        if slot not in day
    ]
    complete = not problem.all_mandatory or len(placed) == len(problem.meetings)
    return Result(
        status=Status.FEASIBLE if complete else Status.UNKNOWN,
        assignments=rows,
        placed_weight=state.placed_weight(),
        weight_bound=weight_bound,
        breaks=sum(state.breaks(p) for p in range(len(state.at))),
        breaks_bound=0,
        moved=moved,
        moved_bound=min(moved, moved_bound),
        seconds=time.monotonic() - started,
        unplaced=explain_unplaced(problem, rows),
        idle_slots=len(gaps),
        idle_slots_available=sum(1 for p, s in gaps if s not in problem.participants[p].unavailable),
        table_changes=_changes(state.at, tables),
    )


def _changes(days: list[dict[int, int]], tables: dict[int, int | None]) -> int:
    total = 0
    for day in days:
        seen = [tables[day[slot]] for slot in sorted(day)]
        total += sum(1 for was, now in pairwise(seen) if was != now)
    return total
