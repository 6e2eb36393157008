"""Schedules at forum scale: thousands of people, tens of thousands of meetings.

The search works in four steps on one board (arrays of `large_kernel`):

1. A greedy pass places meetings by weight, each next to others of its participants.
2. `fill` brings the weight to its proven bound: a waiting meeting comes in by a Kempe chain (two slots
exchanged
   along an alternating path, which keeps everybody free of clashes), or by taking others out, accepted by
   Metropolis' rule on the weight.
3. `anneal` lowers the breaks at that weight. A Kempe chain is a path, and everybody inside it is busy in
both slots
   before and after: so only its two ends can gain or lose a break, and a proposal costs some ten memory
   accesses. Waiting meetings are exchanged with placed ones of the same weight on the way.
4. Tables last: any assignment of slots that keeps to the tables' number has one, so they only have to be few
changes.

Budgets are counted in rounds that follow from the time limit and the size, so the same input, seed and one
worker give the same result. The clock is a safety stop: on a machine too slow for its rounds it hastens the
cooling, and the result is then no longer reproducible.

numba and numpy are imported here and in `large_kernel` only; neither the web nor the worker imports this
module.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forum_app.core.scheduling import bounds, large_kernel
from forum_app.core.scheduling.large_kernel import Board
from forum_app.core.scheduling.problem import Assignment, Problem, Progress, allowed_slots, tables_per_slot
from forum_app.core.scheduling.tables import assign_tables

ROUNDS_A_SECOND = 7_000_000
"""What a core of 2024 does for 600 people; larger boards leave its caches and get fewer rounds."""
CHUNK = 200_000
HOTTEST, COLDEST = 0.32, 0.11
EXCHANGES = 40
"""Of 256 rounds, those that try to exchange a waiting meeting with a placed one."""
STAYING = 16
"""What moving a published meeting costs, in breaks: more than any single change can save."""
UNFAIR = 3
"""What each break above the allowed difference costs, in breaks."""
MISSED_WISH = 12
LONGEST_CHAIN = 400
PINNED = 2

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

    With several workers each anneals with its own seed, and from time to time all go on from the best of
    them. A missing meeting is a fault only where all are mandatory; the caller looks. fairness_d is kept as
    far as found.
    """
    started = time.monotonic()
    bound = bounds.weight_bound(problem) if weight_bound is None else weight_bound
    watch = _Watch(problem, started, time_limit, bound, progress, should_stop)
    board = make_board(problem, seed)
    start(board, problem, seed)
    watch.tell(board, "placing")
    # Compiling, where the disk has no cache yet, takes some ten seconds; nothing below should count them.
    large_kernel.fill(board, 0, 0.0)
    large_kernel.anneal(board, 0, heat_table(HOTTEST), 0)
    _fill(board, problem, watch)
    board, complete = _anneal(board, problem, watch, max(1, workers))
    watch.tell(board, "tables")
    assignments = read_board(board, problem)
    weight = sum(problem.meetings[row.meeting].weight for row in assignments)
    return Found(assignments, weight, bound, _breaks_of(board), complete, time.monotonic() - started)


# ---------------------------------------------------------------- the board
def make_board(problem: Problem, seed: int) -> Board:
    """An empty board for the problem."""
    slots, people, meetings = problem.n_slots, len(problem.participants), len(problem.meetings)
    words = max(1, (slots + 63) // 64)
    allowed = np.zeros((meetings, words), np.uint64)
    for k, free in enumerate(allowed_slots(problem)):
        bits = sum(1 << slot for slot in free)
        for word in range(words):
            allowed[k, word] = (bits >> (64 * word)) & (2**64 - 1)
    table = np.zeros((meetings, large_kernel.MEETING_COLUMNS), np.int32)
    table[:, large_kernel.FIRST] = [m.a for m in problem.meetings]
    table[:, large_kernel.SECOND] = [m.b for m in problem.meetings]
    table[:, large_kernel.WEIGHT] = [m.weight for m in problem.meetings]
    table[:, large_kernel.SLOT] = table[:, large_kernel.HOME] = -1
    table[:, large_kernel.RANK] = range(meetings)
    for row in problem.previous:
        table[row.meeting, large_kernel.HOME] = row.slot
    serves, held = _resources(problem, table)
    links = _links(problem, table)
    ordered = links[table[:, large_kernel.LINKS]] > 0 if meetings else np.zeros(0, bool)
    served = (table[:, large_kernel.TALK] >= 0) | (table[:, large_kernel.TABLE] >= 0)
    table[:, large_kernel.SPECIAL] = ordered | served
    for row in problem.pinned:
        table[row.meeting, large_kernel.SPECIAL] |= large_kernel.PINNED
    persons = np.zeros((people, 4), np.int32)
    persons[:, large_kernel.LIMIT] = [
        slots if p.max_meetings is None else p.max_meetings for p in problem.participants
    ]
    persons[:, large_kernel.WISH] = [p.min_meetings for p in problem.participants]
    use = np.zeros((slots, 2), np.int32)
    use[:, large_kernel.CAPACITY] = tables_per_slot(problem)
    fair = problem.fairness_d if problem.fairness_d is not None else slots
    cost = [max(0, runs - 1) + UNFAIR * max(0, runs - 1 - fair) for runs in range(slots + 3)]
    wishes = any(p.min_meetings for p in problem.participants)
    return Board(
        meetings=table,
        allowed=allowed,
        at=np.full((people, slots), -1, np.int32),
        busy=np.zeros((people, words), np.uint64),
        persons=persons,
        slots=use,
        cost=np.array(cost, np.int64),
        waiting=np.arange(meetings, dtype=np.int32),
        people=np.unique(table[:, :2]).astype(np.int32),
        links=links,
        serves=serves,
        held=held,
        saved=np.zeros((2, len(held)), np.int32),
        came=np.zeros(len(held), np.int32),
        queue=np.zeros(len(held) + 1, np.int32),
        chain=np.zeros(LONGEST_CHAIN, np.int32),
        random=_seeded(seed),
        state=np.array(
            [meetings, STAYING if problem.previous else 0, MISSED_WISH if wishes else 0, 0, 0], np.int64
        ),
    )


def _seeded(seed: int) -> large_kernel.Bits:
    state = (0x9E3779B97F4A7C15 * (seed % 2**63 * 2 + 1)) % 2**64
    return np.array([state or 1], np.uint64)


def _links(problem: Problem, table: large_kernel.Ints) -> large_kernel.Ints:
    """The orders of each meeting, one list after the other; the table gets where each list begins."""
    others: list[list[int]] = [[] for _ in problem.meetings]
    for k, meeting in enumerate(problem.meetings):
        for earlier in meeting.after:
            others[k].append(2 * earlier)
            others[earlier].append(2 * k + 1)
    flat = [0]
    for k, links in enumerate(others):
        table[k, large_kernel.LINKS] = len(flat) if links else 0
        if links:
            flat += [len(links), *links]
    return np.array(flat, np.int32)


def _resources(problem: Problem, table: large_kernel.Ints) -> tuple[large_kernel.Bytes, large_kernel.Ints]:
    """Interpreters and, if some meeting needs certain ones, tables; the table gets each meeting's classes.

    A pinned meeting has classes of its own: only what it is pinned to.
    """
    pins = {row.meeting: row for row in problem.pinned}
    talkers = len(problem.interpreters)
    classes: dict[frozenset[int], int] = {}
    restricted = False
    for k, meeting in enumerate(problem.meetings):
        pin = pins.get(k)
        talk, serving = meeting.interpreters, meeting.tables
        if pin is not None and pin.interpreter is not None and talk is not None:
            talk = (pin.interpreter,)
        if pin is not None and pin.table is not None:
            serving = (pin.table,)
        table[k, large_kernel.TALK] = table[k, large_kernel.TABLE] = -1
        if talk is not None:
            table[k, large_kernel.TALK] = classes.setdefault(frozenset(talk), len(classes))
        if serving is not None:
            restricted = True
            members = frozenset(talkers + x for x in serving)
            table[k, large_kernel.TABLE] = classes.setdefault(members, len(classes))
    resources = talkers + (problem.n_tables if restricted else 0)
    serves = np.zeros((len(classes), resources), np.uint8)
    for members, number in classes.items():
        serves[number, sorted(members)] = 1
    held = np.full((resources, problem.n_slots + 1), large_kernel.FREE, np.int32)
    held[:, problem.n_slots] = 0
    for q, interpreter in enumerate(problem.interpreters):
        held[q, sorted(interpreter.unavailable)] = large_kernel.GONE
        held[q, problem.n_slots] = interpreter.max_run or 0
    for number, away in enumerate(problem.table_unavailable if restricted else ()):
        held[talkers + number, sorted(away)] = large_kernel.GONE
    return serves, held


def start(board: Board, problem: Problem, seed: int) -> None:
    """Pinned meetings, then the schedule before, then the others by weight."""
    for rows in (problem.pinned, problem.previous):
        for row in rows:
            meeting = problem.meetings[row.meeting]
            a, b = board.persons[meeting.a], board.persons[meeting.b]
            free = (
                board.meetings[row.meeting, large_kernel.SLOT] < 0
                and board.at[meeting.a, row.slot] < 0
                and board.at[meeting.b, row.slot] < 0
                and large_kernel.may(board.allowed, row.meeting, row.slot)
                and board.slots[row.slot, large_kernel.LOAD] < board.slots[row.slot, large_kernel.CAPACITY]
                and a[large_kernel.DEGREE] < a[large_kernel.LIMIT]
                and b[large_kernel.DEGREE] < b[large_kernel.LIMIT]
            )
            if free:
                large_kernel.settle_put(board, row.meeting, row.slot)
    shuffled = np.random.default_rng(seed).permutation(len(problem.meetings))
    weights = board.meetings[shuffled, large_kernel.WEIGHT]
    order = shuffled[np.argsort(-weights, kind="stable")].astype(np.int32)
    large_kernel.greedy(board, order)


def read_board(board: Board, problem: Problem) -> tuple[Assignment, ...]:
    """The schedule on the board, with tables and interpreters."""
    slots = board.meetings[:, large_kernel.SLOT].tolist()
    talkers = len(problem.interpreters)
    interpreter: dict[int, int] = {}
    given: dict[int, int] = {}
    for resource, slot in zip(*np.nonzero(board.held[:, :-1] >= 0), strict=True):
        meeting = int(board.held[resource, slot])
        if resource < talkers:
            interpreter[meeting] = int(resource)
        else:
            given[meeting] = int(resource) - talkers
    placed = {k: slot for k, slot in enumerate(slots) if slot >= 0}
    tables = assign_tables(problem, placed, given)
    return tuple(
        Assignment(meeting=k, slot=slot, table=tables[k], interpreter=interpreter.get(k))
        for k, slot in placed.items()
    )


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
        self.speed = ROUNDS_A_SECOND * min(1.0, (60_000 / max(1, size)) ** 0.35)
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


CHANGING = ("meetings", "at", "busy", "persons", "slots", "waiting", "held", "state")


def _copy(source: Board, target: Board) -> None:
    """Let the target stand as the source does, except for its random numbers."""
    for name in CHANGING:
        getattr(target, name)[...] = getattr(source, name)


def _twin(board: Board, seed: int) -> Board:
    """A copy that shares what does not change."""
    own = (*CHANGING, "chain", "saved", "came", "queue")
    return board._replace(**{name: getattr(board, name).copy() for name in own}, random=_seeded(seed))


def _fill(board: Board, problem: Problem, watch: _Watch) -> None:
    """Step 2. Heat falls from half the heaviest weight to a fifth of the lightest; a last part is cold."""
    if not problem.meetings:
        return
    weights = board.meetings[:, large_kernel.WEIGHT]
    best = _twin(board, 0)
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
    """heat_table(h)[d]: the chance exp(-d/h) of accepting a loss of d, out of 2^62."""
    return np.array([int((2**62 - 1) * math.exp(-d / heat)) for d in range(9)], np.int64)


def _anneal(board: Board, problem: Problem, watch: _Watch, workers: int) -> tuple[Board, bool]:
    """Step 3. Returns the best board, and whether the cooling came to its end."""
    if _cost_of(board) == 0 or not len(board.people):
        return board, True
    boards = [board] + [
        _twin(board, 7919 * (i + 1) + int(board.random[0] % 1000)) for i in range(workers - 1)
    ]
    best, best_cost = _twin(board, 0), _cost_of(board)
    left = max(1.0, watch.time_limit - watch.seconds if workers > 1 else 0.85 * watch.time_limit)
    chunks = max(20, int(watch.speed * left / CHUNK))
    exchanges = EXCHANGES if board.state[large_kernel.WAITING] else 0
    began, room = watch.seconds, max(0.5, 0.96 * watch.time_limit - watch.seconds)
    done, chunk, told = 0.0, 0, watch.seconds
    while done < 1.0:
        if watch.stopped():
            return best, False
        table = heat_table(HOTTEST * (COLDEST / HOTTEST) ** done)
        _round(boards, table, exchanges)
        chunk += 1
        costs = [_cost_of(each) for each in boards]
        leader = min(range(len(boards)), key=costs.__getitem__)
        if costs[leader] < best_cost:
            best_cost = costs[leader]
            _copy(boards[leader], best)
        if best_cost == 0:
            return best, True
        if len(boards) > 1 and chunk % max(1, chunks // 40) == 0:
            for i, each in enumerate(boards):
                if i != leader:
                    _copy(boards[leader], each)
        if watch.seconds - told > 0.5:
            told = watch.seconds
            watch.tell(boards[leader], "breaks")
        done = max(chunk / chunks, (watch.seconds - began) / room)
    return best, chunk >= chunks


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


def _round(boards: list[Board], table: large_kernel.Longs, exchanges: int) -> None:
    """One chunk on each board; the kernel runs without Python's lock, so threads run at once."""
    others = [
        threading.Thread(target=large_kernel.anneal, args=(each, CHUNK, table, exchanges))
        for each in boards[1:]
    ]
    for thread in others:
        thread.start()
    large_kernel.anneal(boards[0], CHUNK, table, exchanges)
    for thread in others:
        thread.join()
