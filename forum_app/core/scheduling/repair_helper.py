"""The exact part of a repair as a process of its own: OR-Tools stay out of the web and the worker.

It runs on the second core while the search goes on here, and is ended when its time is over.
"""

import json
import logging
import pickle
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from types import TracebackType
from typing import IO, Self

from forum_app.core.scheduling.problem import Problem
from forum_app.core.scheduling.repair_state import State

COMMAND = (sys.executable, "-m", "forum_app.core.scheduling.repair_exact")
log = logging.getLogger(__name__)


class Helper:
    """A process with `repair_exact`, to be started ahead of the question if that is sure to come.

    slots: the best it has found, for the meetings without needs of their own; complete: that is a schedule,
    nobody is in two places; most: no schedule has more weight; least: per weight, the fewest moves of a
    schedule that has so much.
    """

    def __init__(self) -> None:
        self.slots: dict[int, int] | None = None
        self.complete = False
        self.most: int | None = None
        self.least: dict[int, int] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.meetings: list[int] = []
        self.thread: Thread | None = None

    def start(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        return self.process

    def ask(self, state: State, seconds: float) -> None:
        """Ask for the best schedule, with the meetings that need more than a slot where they are now."""
        plain, self.meetings = plain_part(state)
        proof = state.problem if len(self.meetings) < len(state.problem.meetings) else None
        question, answers = _pipe(self.start().stdin), _pipe(self.start().stdout)
        job = pickle.dumps((plain, proof, seconds))
        self.thread = Thread(target=self._talk, args=(question, answers, job), daemon=True)
        self.thread.start()

    def _talk(self, question: IO[bytes], answers: IO[bytes], job: bytes) -> None:
        with suppress(OSError):  # it was ended before it had read all
            question.write(job)
            question.close()
        for line in answers:
            if not line.endswith(b"\n"):  # ended in the middle of it
                return
            self._read(json.loads(line))

    def _read(self, answer: dict[str, int | list[tuple[int, int]]]) -> None:
        match answer:
            case {"most": int(most)}:
                self.most = most
            case {"weight": int(weight), "least": int(least)}:
                self.least[weight] = max(least, self.least.get(weight, 0))
            case {"complete": bool(complete), "slots": list(rows)}:
                self.complete = complete
                self.slots = {self.meetings[number]: slot for number, slot in rows}

    def done(self) -> bool:
        return self.thread is None or not self.thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait at most so long for its last word."""
        if self.thread is not None:
            self.thread.join(max(0.0, seconds))

    def least_moves(self, weight: int) -> int:
        """What is proven for schedules of at least this weight."""
        return max((least for most, least in self.least.items() if most <= weight), default=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is None:
            return
        self.process.kill()
        if self.process.wait() > 0:  # by itself, with a traceback on standard error
            log.error("the exact part of a repair failed: status %s", self.process.returncode)
        if self.thread is not None:
            self.thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("started without pipes")
    return pipe


def plain_part(state: State) -> tuple[Problem, list[int]]:
    """The problem without meetings that need more than a slot, which stay as they are; and its meetings'
    numbers here.
    """
    problem = state.problem
    meetings = [k for k in range(len(problem.meetings)) if not state.special[k]]
    if len(meetings) == len(problem.meetings):
        return replace(problem, fairness_d=None), meetings
    held = {k: slot for k, slot in enumerate(state.slot) if slot >= 0 and state.special[k]}
    busy: list[set[int]] = [set() for _ in problem.participants]
    away = [set(slots) for slots in problem.table_unavailable] or [set() for _ in range(problem.n_tables)]
    for k, slot in held.items():
        busy[state.a[k]].add(slot)
        busy[state.b[k]].add(slot)
    for k, slot in sorted(held.items(), key=lambda one: one[0] not in state.table):
        wanted = {row.table for row in problem.previous if row.slot == slot and row.meeting != k}
        free = (t for t in range(problem.n_tables) if slot not in away[t])
        table = state.table.get(k)
        if table is None:
            table = min(free, key=lambda t: (t in wanted, t))
        away[table].add(slot)
    people = tuple(
        replace(
            person,
            unavailable=person.unavailable | slots,
            max_meetings=None if person.max_meetings is None else max(0, person.max_meetings - len(slots)),
        )
        for person, slots in zip(problem.participants, busy, strict=True)
    )
    number = {k: i for i, k in enumerate(meetings)}
    plain = replace(
        problem,
        participants=people,
        meetings=tuple(problem.meetings[k] for k in meetings),
        table_unavailable=tuple(frozenset(slots) for slots in away),
        previous=tuple(
            replace(row, meeting=number[row.meeting]) for row in problem.previous if row.meeting in number
        ),
        pinned=(),
        interpreters=(),
        fairness_d=None,
    )
    return plain, meetings
