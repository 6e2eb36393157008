"""The search at forum scale keeps every rule, on small problems and on a planted one."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from forum_app.core.scheduling import large, large_board, large_kernel
from forum_app.core.scheduling.bounds import weight_bound
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import Assignment, Interpreter, Meeting, Participant, Problem, Progress
from tests.core.scheduling.brute import best_value
from tests.core.scheduling.problems import problems


def sound(board: large_kernel.Board) -> None:
    """What the board keeps twice agrees."""
    runs = [
        sum(1 for t, k in enumerate(day) if k >= 0 and (t == 0 or day[t - 1] < 0))
        for day in board.at.tolist()
    ]
    assert runs == board.persons[:, large_kernel.RUNS].tolist()
    assert np.array_equal(board.slots[:, large_kernel.LOAD] * 2, (board.at >= 0).sum(axis=0))
    assert np.array_equal(board.persons[:, large_kernel.DEGREE], (board.at >= 0).sum(axis=1))
    people, slots = np.nonzero(board.at >= 0)
    both = board.meetings[board.at[people, slots], : large_kernel.SECOND + 1].sum(axis=1)
    assert np.array_equal(board.mate[people, slots], both - people)
    assert (board.mate[board.at < 0] == -1).all()
    waiting = board.waiting[: board.state[large_kernel.WAITING]].tolist()
    assert sorted(waiting) == np.flatnonzero(board.meetings[:, large_kernel.SLOT] < 0).tolist()
    assert board.meetings[waiting, large_kernel.RANK].tolist() == list(range(len(waiting)))


def tried(problem: Problem, seed: int = 1, rounds: int = 4000) -> tuple[Assignment, ...]:
    """All steps of the search, each for a moment."""
    board = large_board.make_board(problem, seed)
    large_board.start(board, problem, seed)
    for heat in (0.5, 0.0):
        large_kernel.fill(board, rounds, heat)
    large.shape(board, 0.5)
    board.rooms[0] = large_kernel.NEVER
    for heat in (0.5, 0.2):
        large_kernel.anneal(board, rounds, large.heat_table(heat), 64, False)
    sound(board)
    return large_board.read_board(board, problem)


@settings(max_examples=80, deadline=None)
@given(problem=problems(mandatory=False))
def test_every_rule_is_kept(problem: Problem) -> None:
    """Contradictory pins are the dispatcher's business; so is fairness."""
    problem = replace(problem, fairness_d=None, pinned=())
    rows = tried(problem)
    report = check(problem, rows)
    assert report.violations == ()
    best = best_value(problem)
    assert best is not None
    assert report.weight <= best[0] <= weight_bound(problem)


def forum(seed: int, *, people: int = 40, slots: int = 12, asked: int = 150) -> Problem:
    chance = random.Random(seed)  # noqa: S311 - no secret
    half = people // 2
    pairs = chance.sample([(a, b) for a in range(half) for b in range(half, people)], asked)
    meetings = [
        Meeting(
            a,
            b,
            weight=chance.choice([1, 3, 5]),
            interpreters=(0, 1) if chance.random() < 0.1 else None,
            tables=(0, 1) if chance.random() < 0.1 else None,
            after=(index - 1,) if index and chance.random() < 0.05 else (),
        )
        for index, (a, b) in enumerate(pairs)
    ]
    crowd = tuple(
        Participant(
            unavailable=frozenset(chance.sample(range(slots), 2)),
            max_meetings=chance.choice([None, 6]),
            min_meetings=3,
        )
        for _ in range(people)
    )
    return Problem(
        slots,
        15,
        crowd,
        tuple(meetings),
        interpreters=(Interpreter(frozenset({3}), 2), Interpreter()),
        table_unavailable=(frozenset({0}), *(frozenset[int]() for _ in range(14))),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_a_forum_with_everything(seed: int) -> None:
    problem = forum(seed)
    told: list[Progress] = []
    found = large.search(problem, time_limit=0.5, seed=seed, progress=told.append)
    report = check(problem, found.assignments)
    assert report.violations == ()
    assert (report.weight, report.breaks) == (found.placed_weight, found.breaks)
    assert found.placed_weight <= found.weight_bound
    assert {each.phase for each in told} >= {"placing", "tables"}
    pins = found.assignments[:3]
    pinned = replace(problem, pinned=pins, previous=found.assignments)
    rows = tried(pinned)
    again = check(pinned, rows)
    assert again.violations == ()
    assert set(pins) <= set(rows)


def test_a_run_of_interpreted_meetings_gets_its_rest() -> None:
    meetings = tuple(Meeting(0, other, interpreters=(0,)) for other in range(1, 6))
    people = tuple(Participant() for _ in range(6))
    problem = Problem(5, 1, people, meetings, interpreters=(Interpreter(max_run=2),))
    rows = tried(problem)
    assert check(problem, rows).violations == ()
    assert len(rows) == 4 == weight_bound(problem)


def test_the_same_seed_gives_the_same_schedule() -> None:
    problem = forum(3)
    assert tried(problem, 5) == tried(problem, 5)


def test_more_than_64_slots() -> None:
    people = tuple(Participant() for _ in range(20))
    meetings = tuple(Meeting(a, b) for a in range(10) for b in range(10, 20))
    problem = Problem(70, 10, people, meetings)
    rows = tried(problem, rounds=20_000)
    report = check(problem, rows)
    assert (report.violations, report.placed) == ((), 100)


def test_a_stop_keeps_what_there_is() -> None:
    found = large.search(forum(4), time_limit=30, should_stop=lambda: True)
    assert not found.complete
    assert found.assignments
    assert check(forum(4), found.assignments).feasible


def test_more_people_than_can_be_numbered() -> None:
    crowd = (Participant(),) * (large_board.MOST_PEOPLE + 1)
    with pytest.raises(ValueError, match="at most 32767"):
        large_board.make_board(Problem(1, 1, crowd, ()), 1)


def test_threads_share_no_cache_line_but_the_board() -> None:
    board = large_board.make_board(forum(1), 1)
    hands = [large._hand(board, seed) for seed in (1, 2)]
    other = [(each.ctypes.data, each.ctypes.data + each.nbytes) for each in (*board, *hands[0])]
    for name in ("chain", "spare", "random"):
        own = getattr(hands[1], name)
        first, last = own.ctypes.data, own.ctypes.data + own.nbytes
        assert all(first >= end + 64 or last + 64 <= begin for begin, end in other)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_threads_change_one_board_in_turns(seed: int) -> None:
    """Small and hot, so that nearly every proposal meets a board that another thread has just changed."""
    problem = forum(seed)
    board = large_board.make_board(problem, seed)
    large_board.start(board, problem, seed)
    hands = [large._hand(board, number) for number in range(4)]
    large.shape(board, 0.5)
    board.rooms[0] = large_kernel.NEVER
    before = board.at.copy()
    for _ in range(5):
        large._round(hands, large.heat_table(1.0), 64, 50_000)
        sound(board)
    assert (board.at != before).any()
    report = check(problem, large_board.read_board(board, problem))
    assert report.violations == ()
    assert report.breaks == np.maximum(board.persons[:, large_kernel.RUNS] - 1, 0).sum()
