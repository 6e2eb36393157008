"""Exact solving: core-guided search for mandatory schedules, lexicographic CP-SAT for everything else.

`fewest_breaks` runs searches side by side, each in a process of its own, so that a search can be ended at
any time and two cores are used; the first to close the gap ends all.
"""

import ctypes
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from forum_app.core.scheduling.exact_core import Found, Plan, Search
from forum_app.core.scheduling.exact_encoding import Encoding, Form
from forum_app.core.scheduling.problem import Assignment, Problem

PLANS = (
    Plan("cadical153", Form(twins=True, independent=3)),
    Plan("glucose4", Form(twins=True), upward=False),
)
BEAT = 0.1
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Fewest:
    """What is known of the fewest breaks. assignments: None if no schedule was found."""

    lower: int
    breaks: int | None
    assignments: tuple[Assignment, ...] | None
    impossible: bool

    @property
    def proven(self) -> bool:
        return self.impossible or (self.breaks is not None and self.lower >= self.breaks)


def is_plain(problem: Problem) -> bool:
    """Whether `fewest_breaks` knows all the rules of the problem (every meeting being placed)."""
    return (
        not problem.previous
        and all(meeting.interpreters is None and meeting.tables is None for meeting in problem.meetings)
        and all(row.interpreter is None for row in problem.pinned)
    )


def fits_limits(problem: Problem) -> bool:
    """Whether all meetings can be placed as far as the limits of participants go."""
    load = [0] * len(problem.participants)
    for meeting in problem.meetings:
        load[meeting.a] += 1
        load[meeting.b] += 1
    return all(
        person.max_meetings is None or count <= person.max_meetings
        for person, count in zip(problem.participants, load, strict=True)
    )


def fewest_breaks(
    problem: Problem,
    *,
    time_limit: float,
    seed: int,
    workers: int,
    tell: Callable[[Fewest], None],
    should_stop: Callable[[], bool],
) -> Fewest:
    """The fewest breaks of a plain problem in which every meeting must be placed."""
    ends_at = time.monotonic() + time_limit
    best = Fewest(0, None, None, impossible=not fits_limits(problem))
    if best.impossible:
        return best
    context = multiprocessing.get_context("fork")
    running: dict[Connection, ForkProcess] = {}
    try:
        for number, plan in enumerate(PLANS[: max(1, workers)]):
            ours, theirs = context.Pipe(duplex=False)
            child = context.Process(target=_search, args=(problem, plan, seed + number, theirs), daemon=True)
            child.start()
            theirs.close()
            running[ours] = child
        while running and not best.proven and time.monotonic() < ends_at and not should_stop():
            for pipe in wait(list(running), timeout=BEAT):
                assert isinstance(pipe, Connection)  # noqa: S101 - nothing else was given
                try:
                    found = pipe.recv()
                except EOFError:
                    running.pop(pipe).join()
                    continue
                best = _better(best, found)
                tell(best)
                if best.proven:
                    break
    finally:
        for child in running.values():
            child.kill()
        for child in running.values():
            child.join()
    return best


def _better(best: Fewest, found: Found) -> Fewest:
    best = replace(best, lower=max(best.lower, found.lower), impossible=best.impossible or found.impossible)
    if found.breaks is not None and (best.breaks is None or found.breaks < best.breaks):
        best = replace(best, breaks=found.breaks, assignments=found.assignments)
    return best


def _search(problem: Problem, plan: Plan, seed: int, pipe: Connection) -> None:
    """The child's part."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    encoding = Encoding(problem, plan.form)
    if encoding.impossible:
        pipe.send(Found(0, impossible=True, finished=True))
    else:
        Search(encoding, plan, seed, pipe.send).run()
    pipe.close()


def _die_with_parent() -> None:
    """Linux ends us with our parent; elsewhere the parent ends us, unless it is killed."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() == 1:
        os._exit(1)
