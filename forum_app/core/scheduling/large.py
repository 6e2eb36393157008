"""Schedules at forum scale: thousands of people, tens of thousands of meetings.

The search works in four steps on one board (arrays of `large_kernel`):

1. A greedy pass places meetings by weight, each next to others of its participants.
2. `fill` brings the weight to its proven bound: a waiting meeting comes in by a Kempe chain (two slots
   exchanged along an alternating path, which keeps everybody free of clashes), or by taking others out,
   accepted by Metropolis' rule on the weight.
3. `anneal` lowers the breaks at that weight. A Kempe chain is a path, and everybody inside it is busy in
   both slots before and after: so only its two ends can gain or lose a break, and a proposal costs some ten
   memory accesses. Waiting meetings are exchanged with placed ones on the way.
4. Tables last: any assignment of slots that keeps to the tables' number has one, so they only have to be
   few changes.

Breaks alone say nothing about how far a day is from one break less, so `anneal` also looks at the shape of
days: a small run beside a large one, and a short gap, cost less than equal runs far apart. In the same way
a slot that is nearly full costs something, and one meeting more than there are tables is only dear at first.
All three fade before the end, and what is kept is judged by breaks alone.

With one worker budgets are counted in rounds that follow from the time limit and the size, so the same input
and seed give the same result. The clock is a safety stop: on a machine too slow for its rounds it hastens the
cooling, and the result is then no longer reproducible. Several workers are threads on the same board, which
look at proposals all at once and carry them out in turns; they cool by the clock and use all of it.

numba and numpy are imported here, in `large_board` and in `large_kernel` only; neither the web nor the
worker imports them.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from forum_app.core.scheduling import bounds, large_kernel
from forum_app.core.scheduling.large_board import GRAIN, make_board, read_board, seeded, start
from forum_app.core.scheduling.large_kernel import Board
from forum_app.core.scheduling.problem import Assignment, Meeting, Participant, Problem, Progress

ROUNDS_A_SECOND = 3_500_000
"""What a core of 2024 does for 600 people; larger boards leave its caches and get fewer rounds."""
CHUNK = 200_000
APART = 5
"""So many chunks several threads go on before they meet: each time one waits for the others."""
HOTTEST, COLDEST = 0.36, 0.13
AHEAD = 0.3
"""How far, of what is left, the clock may be ahead of the rounds before it hastens the cooling."""
DEEPEST = 100
"""No loss larger than so many grains is accepted."""
EXCHANGES = 40
"""Of 256 rounds, those that exchange a waiting meeting with a placed one, or let it in, or one out."""
RUN_SHAPE, GAP_SHAPE = 2.0, 0.375
"""In breaks: what a run of n meetings costs, times sqrt(n) - 1, and a gap of n slots, times log2(n)."""
LONGEST_GAP = 16
SCARCE = 0.25
"""What a slot's last table costs, in breaks; the last third of them costs something."""
ONE_TOO_MANY = (0.5, 2.0)
"""What each meeting above the number of tables costs, in breaks, at the start and at the end."""
FADING = 0.2
"""The last part of the cooling, in which shapes and scarce tables cost less and less."""

CACHE_LINES = 128
"""Bytes that processors fetch together: two lines."""

Numbers = TypeVar("Numbers", bound=NDArray[Any])
ProgressCall = Callable[[Progress], None]
StopCall = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to. complete: the schedule was annealed to the end, not stopped or out of time."""

    assignments: tuple[Assignment, ...]
    placed_weight: int
    weight_bound: int
    breaks: int
    complete: bool
    seconds: float


def search(
    problem: Problem,
    *,
    time_limit: float,
    seed: int = 0,
    workers: int = 1,
    progress: ProgressCall | None = None,
    should_stop: StopCall | None = None,
    weight_bound: int | None = None,
) -> Found:
    """The best schedule found within time_limit seconds; feasible except that meetings may be missing.

    Several workers anneal the same board at once. A missing meeting is a fault only where all are mandatory;
    the caller looks. fairness_d is kept as far as found.
    """
    started = time.monotonic()
    bound = bounds.weight_bound(problem) if weight_bound is None else weight_bound
    watch = _Watch(problem, started, time_limit, bound, progress, should_stop)
    board = make_board(problem, seed)
    start(board, problem, seed)
    watch.tell(board, "placing")
    _fill(board, problem, watch)
    board, complete = _anneal(board, problem, watch, max(1, workers))
    watch.tell(board, "tables")
    assignments = read_board(board, problem)
    weight = sum(problem.meetings[row.meeting].weight for row in assignments)
    return Found(assignments, weight, bound, _breaks_of(board), complete, time.monotonic() - started)


def prepare() -> None:
    """Have all that is compiled at hand: from the disk, or by half a minute of compiling."""
    people = tuple(Participant() for _ in range(3))
    meetings = (Meeting(0, 1), Meeting(1, 2))
    problem = Problem(3, 1, people, meetings, name="preparing", previous=(Assignment(0, 0),))
    board = make_board(problem, 0)
    start(board, problem, 0)
    _round([board], heat_table(HOTTEST), EXCHANGES, 1)
    large_kernel.fill(board, 1, 0.0)


# ---------------------------------------------------------------- the search
class _Watch:
    """Clock, stop and progress of one run."""

    def __init__(
        self,
        problem: Problem,
        started: float,
        time_limit: float,
        bound: int,
        progress: ProgressCall | None,
        should_stop: StopCall | None,
    ) -> None:
        self.started, self.time_limit, self.bound = started, time_limit, bound
        self.progress, self.should_stop = progress, should_stop
        size = len(problem.participants) * problem.n_slots
        self.speed = ROUNDS_A_SECOND * min(1.0, (60_000 / max(1, size)) ** 0.5)
        self.limits = [p.min_meetings for p in problem.participants]

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def stopped(self) -> bool:
        return self.should_stop is not None and self.should_stop()

    def tell(self, board: Board, phase: str) -> None:
        if self.progress is None:
            return
        placed = board.meetings[:, large_kernel.SLOT] >= 0
        self.progress(
            Progress(
                seconds=self.seconds,
                placed=int(placed.sum()),
                placed_weight=_weight_of(board),
                weight_bound=self.bound,
                breaks=_breaks_of(board),
                breaks_bound=None,
                phase=phase,
            )
        )


def _breaks_of(board: Board) -> int:
    return int(np.maximum(board.persons[:, large_kernel.RUNS] - 1, 0).sum())


def _weight_of(board: Board) -> int:
    placed = board.meetings[:, large_kernel.SLOT] >= 0
    return int(board.meetings[placed, large_kernel.WEIGHT].sum(dtype=np.int64))


CHANGING = ("meetings", "at", "mate", "busy", "persons", "slots", "waiting", "held", "state")


def _copy(source: Board, target: Board) -> None:
    """Let the target stand as the source does."""
    for name in CHANGING:
        getattr(target, name)[...] = getattr(source, name)


def _twin(board: Board) -> Board:
    """A copy that shares only what does not change."""
    return board._replace(**{name: getattr(board, name).copy() for name in CHANGING})


def _hand(board: Board, seed: int) -> Board:
    """The same board, for a thread with working space and random numbers of its own."""
    return board._replace(chain=_apart(board.chain), spare=_apart(board.spare), random=_apart(seeded(seed)))


def _apart(array: Numbers) -> Numbers:
    """A copy that shares no cache line with anything else: processors would wait for one another's writes."""
    pad = CACHE_LINES // array.itemsize
    room = np.empty(array.size + 2 * pad, array.dtype)
    copy = room[pad : pad + array.size].reshape(array.shape)
    copy[...] = array
    return cast(Numbers, copy)


def _fill(board: Board, problem: Problem, watch: _Watch) -> None:
    """Step 2. Heat falls from half the heaviest weight to a fifth of the lightest; a last part is cold."""
    if not problem.meetings:
        return
    weights = board.meetings[:, large_kernel.WEIGHT]
    best = _twin(board)
    weight = best_weight = _weight_of(board)
    hottest = 0.12 * float(weights.max()) if not problem.previous else 0.0
    coldest = 0.12 * float(weights.min())
    hottest = max(hottest, 2 * coldest)
    share = 0.15 if len(board.people) else 0.0
    chunks = max(10, min(200, int(watch.speed * watch.time_limit * share / CHUNK)))
    began = watch.seconds
    for chunk in range(chunks):
        late = watch.seconds > began + 0.25 * watch.time_limit and chunk >= 5
        if best_weight >= watch.bound or late or watch.stopped():
            break
        done = chunk / (0.8 * chunks)
        heat = hottest * (coldest / hottest) ** done if done < 1 and not problem.previous else 0.0
        weight += int(large_kernel.fill(board, CHUNK, heat))
        if weight > best_weight:
            best_weight = weight
            _copy(board, best)
            watch.tell(board, "placing")
    if weight < best_weight:
        _copy(best, board)


def heat_table(heat: float) -> large_kernel.Longs:
    """heat_table(h)[d]: the chance of accepting a loss of d grains, out of 2^62. heat: in breaks."""
    return np.array([int((2**62 - 1) * math.exp(-d / GRAIN / heat)) for d in range(DEEPEST)], np.int64)


def _anneal(board: Board, problem: Problem, watch: _Watch, workers: int) -> tuple[Board, bool]:
    """Step 3. Returns the best board, and whether the cooling came to its end."""
    if _cost_of(board) == 0 or not len(board.people):
        return board, True
    board = board._replace(lock=_apart(board.lock))
    hands = [_hand(board, 7919 * i + int(board.random[0] % 2**31)) for i in range(workers)]
    best, best_value = _twin(board), _value_of(board)
    least = (*best_value[:2], 0)
    left = max(1.0, watch.time_limit - watch.seconds if workers > 1 else 0.85 * watch.time_limit)
    chunks = max(20, int(watch.speed * left / CHUNK))
    exchanges = EXCHANGES if board.state[large_kernel.WAITING] else 0
    began, room = watch.seconds, max(0.5, 0.96 * watch.time_limit - watch.seconds)
    done, chunk, told = 0.0, 0, watch.seconds
    rounds = CHUNK * max(1, min(APART, chunks // 100)) if workers > 1 else CHUNK
    while done < 1.0:
        if watch.stopped():
            return best, False
        shape(board, done)
        _round(hands, heat_table(HOTTEST * (COLDEST / HOTTEST) ** done), exchanges, rounds)
        chunk += 1
        value = _value_of(board)
        if value < best_value:
            best_value = value
            _copy(board, best)
        if best_value <= least:
            return best, True
        if watch.seconds - told > 0.5:
            told = watch.seconds
            watch.tell(board, "breaks")
        clock = (watch.seconds - began) / room
        # alone, the clock may be ahead at first: hot rounds take longer
        done = clock if workers > 1 else max(chunk / chunks, clock - AHEAD * (1 - clock))
    return best, workers > 1 or chunk >= chunks


def shape(board: Board, done: float) -> None:
    """Set what shapes of days and scarce tables cost when so much of the cooling is done, 0 to 1."""
    share = GRAIN * min(1.0, (1 - done) / FADING)
    lengths = np.arange(1, len(board.gaps))
    board.gaps[1:] = np.round(share * GAP_SHAPE * np.log2(np.minimum(lengths, LONGEST_GAP)))
    board.smooth[1:] = np.round(share * RUN_SHAPE * (np.sqrt(lengths) - 1))
    tables = len(board.rooms)
    board.rooms[1:] = np.round(share * SCARCE * (1 - np.arange(1, tables) / tables))
    first, last = ONE_TOO_MANY
    board.rooms[0] = max(board.rooms[1:].max(), round(GRAIN * first * (last / first) ** done))


def _value_of(board: Board) -> tuple[int, int, int]:
    """Less is better: meetings above the number of tables, then weight, then cost."""
    over = np.maximum(0, board.slots[:, large_kernel.LOAD] - board.slots[:, large_kernel.CAPACITY])
    return int(over.sum()), -_weight_of(board), _cost_of(board)


def _cost_of(board: Board) -> int:
    """What `anneal` minimizes: breaks, unfair ones more, meetings away from home, and wishes missed."""
    persons, meetings = board.persons, board.meetings
    missed = np.maximum(0, persons[:, large_kernel.WISH] - persons[:, large_kernel.DEGREE]).astype(np.int64)
    home = meetings[:, large_kernel.HOME]
    away = int(((home >= 0) & (meetings[:, large_kernel.SLOT] != home)).sum())
    return (
        int(board.cost[persons[:, large_kernel.RUNS]].sum())
        + int(board.state[large_kernel.LEAVING_HOME]) * away
        + int(board.state[large_kernel.WISH_COST]) * int((missed * missed).sum())
    )


def _round(hands: list[Board], table: large_kernel.Longs, exchanges: int, rounds: int = CHUNK) -> None:
    """One chunk by each thread; the kernel runs without Python's lock, so all run at once."""
    shared = len(hands) > 1
    others = [
        threading.Thread(target=large_kernel.anneal, args=(hand, rounds, table, exchanges, shared))
        for hand in hands[1:]
    ]
    for thread in others:
        thread.start()
    large_kernel.anneal(hands[0], rounds, table, exchanges, shared)
    for thread in others:
        thread.join()
