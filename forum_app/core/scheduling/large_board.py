"""The board of the search at forum scale: made from a problem, begun with a greedy pass, read at the end."""

import numpy as np

from forum_app.core.scheduling import large_kernel as kernel
from forum_app.core.scheduling.large_kernel import Board
from forum_app.core.scheduling.problem import Assignment, Problem, allowed_slots, tables_per_slot
from forum_app.core.scheduling.tables import assign_tables

GRAIN = 8
"""All costs are counted in eighths of a break."""
PRICE = 7
"""What a missing meeting of the smallest weight costs, in breaks: more than leaving it out can save, so that
none stays out for long; others by their weight."""
DEAREST = 8_000
STAYING = 16
"""What moving a published meeting costs, in breaks: more than any single change can save."""
UNFAIR = 3
"""What each break above the allowed difference costs, in breaks."""
MISSED_WISH = 12
LONGEST_CHAIN = 400
MOST_PEOPLE = 32_767
"""What `Board.mate` can number; files may have fewer."""


def make_board(problem: Problem, seed: int) -> Board:
    """An empty board for the problem. Raises ValueError above MOST_PEOPLE participants."""
    slots, people, meetings = problem.n_slots, len(problem.participants), len(problem.meetings)
    if people > MOST_PEOPLE:
        raise ValueError(f"{people} participants, at most {MOST_PEOPLE} can be scheduled")
    words = max(1, (slots + 63) // 64)
    allowed = np.zeros((meetings, words), np.uint64)
    for k, free in enumerate(allowed_slots(problem)):
        bits = sum(1 << slot for slot in free)
        for word in range(words):
            allowed[k, word] = (bits >> (64 * word)) & (2**64 - 1)
    table = np.zeros((meetings, kernel.MEETING_COLUMNS), np.int32)
    table[:, kernel.FIRST] = [m.a for m in problem.meetings]
    table[:, kernel.SECOND] = [m.b for m in problem.meetings]
    table[:, kernel.WEIGHT] = [m.weight for m in problem.meetings]
    lightest = min((m.weight for m in problem.meetings), default=1)
    table[:, kernel.PRICE] = [
        min(DEAREST, round(GRAIN * PRICE * m.weight / lightest)) for m in problem.meetings
    ]
    table[:, kernel.SLOT] = table[:, kernel.HOME] = -1
    table[:, kernel.RANK] = range(meetings)
    for row in problem.previous:
        table[row.meeting, kernel.HOME] = row.slot
    serves, held = _resources(problem, table)
    links = _links(problem, table)
    ordered = links[table[:, kernel.LINKS]] > 0 if meetings else np.zeros(0, bool)
    served = (table[:, kernel.TALK] >= 0) | (table[:, kernel.TABLE] >= 0)
    table[:, kernel.SPECIAL] = ordered | served
    for row in problem.pinned:
        table[row.meeting, kernel.SPECIAL] |= kernel.PINNED
    usable = np.zeros((people, words), np.uint64)
    for column in (kernel.FIRST, kernel.SECOND):
        np.bitwise_or.at(usable, table[:, column], allowed)
    persons = np.zeros((people, 4), np.int32)
    persons[:, kernel.LIMIT] = [
        slots if p.max_meetings is None else p.max_meetings for p in problem.participants
    ]
    persons[:, kernel.WISH] = [p.min_meetings for p in problem.participants]
    use = np.zeros((slots, 2), np.int32)
    use[:, kernel.CAPACITY] = tables_per_slot(problem)
    fair = problem.fairness_d if problem.fairness_d is not None else slots
    cost = [max(0, runs - 1) + UNFAIR * max(0, runs - 1 - fair) for runs in range(slots + 3)]
    wishes = any(p.min_meetings for p in problem.participants)
    return Board(
        meetings=table,
        allowed=allowed,
        at=np.full((people, slots), -1, np.int32),
        mate=np.full((people, slots), -1, np.int16),
        busy=np.zeros((people, words), np.uint64),
        open=usable,
        persons=persons,
        slots=use,
        cost=np.array(cost, np.int64) * GRAIN,
        smooth=np.zeros(slots + 1, np.int64),
        gaps=np.zeros(slots + 1, np.int64),
        rooms=np.array([kernel.NEVER] + [0] * (1 + max(use[:, kernel.CAPACITY], default=0) // 3), np.int64),
        waiting=np.arange(meetings, dtype=np.int32),
        people=np.unique(table[:, :2]).astype(np.int32),
        links=links,
        serves=serves,
        held=held,
        saved=np.zeros((2, len(held)), np.int32),
        came=np.zeros(len(held), np.int32),
        queue=np.zeros(len(held) + 1, np.int32),
        chain=np.zeros(LONGEST_CHAIN, np.int32),
        spare=np.zeros((1, words), np.uint64),
        random=seeded(seed),
        lock=np.zeros(1, np.int64),
        state=np.array(
            [
                meetings,
                GRAIN * STAYING if problem.previous else 0,
                GRAIN * MISSED_WISH if wishes else 0,
            ],
            np.int64,
        ),
    )


def seeded(seed: int) -> kernel.Bits:
    state = (0x9E3779B97F4A7C15 * (seed % 2**63 * 2 + 1)) % 2**64
    return np.array([state or 1], np.uint64)


def _links(problem: Problem, table: kernel.Ints) -> kernel.Ints:
    """The orders of each meeting, one list after the other; the table gets where each list begins."""
    others: list[list[int]] = [[] for _ in problem.meetings]
    for k, meeting in enumerate(problem.meetings):
        for earlier in meeting.after:
            others[k].append(2 * earlier)
            others[earlier].append(2 * k + 1)
    flat = [0]
    for k, links in enumerate(others):
        table[k, kernel.LINKS] = len(flat) if links else 0
        if links:
            flat += [len(links), *links]
    return np.array(flat, np.int32)


def _resources(problem: Problem, table: kernel.Ints) -> tuple[kernel.Bytes, kernel.Ints]:
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
        table[k, kernel.TALK] = table[k, kernel.TABLE] = -1
        if talk is not None:
            table[k, kernel.TALK] = classes.setdefault(frozenset(talk), len(classes))
        if serving is not None:
            restricted = True
            members = frozenset(talkers + x for x in serving)
            table[k, kernel.TABLE] = classes.setdefault(members, len(classes))
    resources = talkers + (problem.n_tables if restricted else 0)
    serves = np.zeros((len(classes), resources), np.uint8)
    for members, number in classes.items():
        serves[number, sorted(members)] = 1
    held = np.full((resources, problem.n_slots + 1), kernel.FREE, np.int32)
    held[:, problem.n_slots] = 0
    for q, interpreter in enumerate(problem.interpreters):
        held[q, sorted(interpreter.unavailable)] = kernel.GONE
        held[q, problem.n_slots] = interpreter.max_run or 0
    for number, away in enumerate(problem.table_unavailable if restricted else ()):
        held[talkers + number, sorted(away)] = kernel.GONE
    return serves, held


def start(board: Board, problem: Problem, seed: int) -> None:
    """Pinned meetings, then the schedule before, then the others by weight."""
    for rows in (problem.pinned, problem.previous):
        for row in rows:
            meeting = problem.meetings[row.meeting]
            a, b = board.persons[meeting.a], board.persons[meeting.b]
            free = (
                board.meetings[row.meeting, kernel.SLOT] < 0
                and board.at[meeting.a, row.slot] < 0
                and board.at[meeting.b, row.slot] < 0
                and kernel.may(board.allowed, row.meeting, row.slot)
                and board.slots[row.slot, kernel.LOAD] < board.slots[row.slot, kernel.CAPACITY]
                and a[kernel.DEGREE] < a[kernel.LIMIT]
                and b[kernel.DEGREE] < b[kernel.LIMIT]
            )
            if free:
                kernel.settle_put(board, row.meeting, row.slot)
    shuffled = np.random.default_rng(seed).permutation(len(problem.meetings))
    weights = board.meetings[shuffled, kernel.WEIGHT]
    order = shuffled[np.argsort(-weights, kind="stable")].astype(np.int32)
    kernel.greedy(board, order)


def read_board(board: Board, problem: Problem) -> tuple[Assignment, ...]:
    """The schedule on the board, with tables and interpreters."""
    slots = board.meetings[:, kernel.SLOT].tolist()
    talkers = len(problem.interpreters)
    interpreter = {
        int(board.held[q, slot]): int(q)
        for q, slot in zip(*np.nonzero(board.held[:talkers, :-1] >= 0), strict=True)
    }
    placed = {k: slot for k, slot in enumerate(slots) if slot >= 0}
    # The tables on the board only prove that there are some; which ones, with_tables knows better.
    tables = assign_tables(problem, placed, {})
    return tuple(
        Assignment(meeting=k, slot=slot, table=tables[k], interpreter=interpreter.get(k))
        for k, slot in placed.items()
    )
