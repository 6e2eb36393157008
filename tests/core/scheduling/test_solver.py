import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from forum_app.core.scheduling.checker import Report, check
from forum_app.core.scheduling.exact_core import Found, Plan, Search
from forum_app.core.scheduling.exact_encoding import Encoding, Form
from forum_app.core.scheduling.exact_model import Model
from forum_app.core.scheduling.problem import (
    Assignment,
    Meeting,
    Participant,
    Problem,
    Progress,
    Reason,
    Result,
    Status,
)
from forum_app.core.scheduling.solver import solve
from tests.core.scheduling.brute import best_value
from tests.core.scheduling.instances import lookalike
from tests.core.scheduling.problems import problems


def value(problem: Problem, report: Report) -> tuple[int, ...]:
    short = list(report.shortfalls)
    padded = short + [0] * (len(problem.participants) - len(short))
    return (report.weight, *(-count for count in padded), -report.moved, -report.breaks)


@settings(max_examples=40)
@given(problems())
def test_levels_reach_what_trying_all_schedules_reaches(problem: Problem) -> None:
    best = best_value(problem)
    result = solve(problem, time_limit=30, workers=1)
    if best is None:
        assert result.status is Status.INFEASIBLE
        return
    report = check(problem, result.assignments)
    assert report.feasible, report.violations
    assert value(problem, report) == best
    assert result.status is Status.OPTIMAL
    assert (result.weight_bound, result.breaks_bound) == (result.placed_weight, result.breaks)
    assert {meeting for meeting, _ in result.unplaced} == {
        index
        for index in range(len(problem.meetings))
        if index not in {row.meeting for row in result.assignments}
    }


def searched(problem: Problem, plan: Plan, seed: int = 1) -> list[Found]:
    encoding = Encoding(problem, plan.form)
    if encoding.impossible:
        return [Found(0, impossible=True, finished=True)]
    messages: list[Found] = []
    Search(encoding, plan, seed, messages.append).run()
    return messages


PLANS = [
    Plan("cadical153", Form(independent=3, twins=True)),
    Plan("glucose4", Form(), minimize=1, exhaust=1),
    Plan("cadical153", Form(twins=True), upward=False),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.solver}-{plan.upward}")
@settings(max_examples=30)
@given(problem=problems(mandatory=True, plain=True))
def test_searches_reach_what_trying_all_schedules_reaches(plan: Plan, problem: Problem) -> None:
    people = tuple(
        Participant((person.unavailable and "x") or "x", person.unavailable)
        for person in problem.participants
    )
    problem = Problem(
        problem.n_slots,
        problem.n_tables,
        people,
        problem.meetings,
        sessions=problem.sessions,
        all_mandatory=True,
        fairness_d=problem.fairness_d,
        pinned=problem.pinned,
    )
    best = best_value(problem)
    messages = searched(problem, plan)
    assert messages[-1].finished
    if best is None:
        assert messages[-1].impossible
        return
    schedules = [found for found in messages if found.breaks is not None]
    assert all(found.lower <= -best[-1] for found in messages)
    assert schedules[-1].breaks == -best[-1]
    assert check(problem, schedules[-1].assignments).breaks == -best[-1]
    assert check(problem, schedules[-1].assignments).feasible


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_and_one_worker_give_the_same_schedule(seed: int) -> None:
    problem = lookalike(people=14, meetings=40, slots=8, tables=7, seed=3)
    first, again = (solve(problem, time_limit=60, seed=seed, workers=1) for _ in range(2))
    assert first.status is Status.OPTIMAL
    assert first.assignments == again.assignments


def test_two_workers_prove_the_same_number_of_breaks() -> None:
    problem = lookalike(people=14, meetings=40, slots=8, tables=6, seed=5)
    results = [solve(problem, time_limit=60, workers=workers) for workers in (1, 2)]
    assert [result.status for result in results] == [Status.OPTIMAL] * 2
    assert results[0].breaks == results[1].breaks


def test_stopping_keeps_the_best_so_far() -> None:
    problem = lookalike(people=40, meetings=140, slots=16, tables=10, seed=1)
    seen: list[Progress] = []

    def stop() -> bool:
        return any(progress.placed for progress in seen)

    began = time.monotonic()
    result = solve(problem, time_limit=100, progress=seen.append, should_stop=stop)
    assert time.monotonic() - began < 90
    assert result.status in (Status.FEASIBLE, Status.OPTIMAL)
    assert check(problem, result.assignments).feasible


def crowd() -> Problem:
    """Too many for the exact model to be done at once; everybody would like three meetings."""
    problem = lookalike(people=72, meetings=170, slots=30, tables=19, seed=1)
    people = tuple(
        replace(person, min_meetings=3, unavailable=frozenset({p % 30, (7 * p) % 30, (11 * p) % 30}))
        for p, person in enumerate(problem.participants)
    )
    return replace(problem, all_mandatory=False, fairness_d=None, participants=people)


@pytest.mark.parametrize("words", [1, 4])
def test_stopping_between_levels_keeps_the_best_so_far(words: int) -> None:
    problem = crowd()
    seen: list[Progress] = []

    def stop() -> bool:
        return len([one for one in seen if one.placed]) >= words

    result = solve(problem, time_limit=60, progress=seen.append, should_stop=stop)
    assert check(problem, result.assignments).feasible
    assert len(result.assignments) >= max(one.placed or 0 for one in seen)


def test_the_exact_model_stops_before_it_has_found_anything() -> None:
    model = Model(crowd())
    found: list[int] = []
    for objective in (model.weight(), -sum(model.breaks)):
        value, _ = model.solve(
            objective,
            at_least=None,
            seconds=60,
            seed=1,
            workers=2,
            hint=None,
            tell=lambda rows, bound: found.append(len(rows)),
            should_stop=lambda: True,
        )
        assert value is None or found


def test_what_is_impossible_is_said() -> None:
    both = Problem(
        1,
        5,
        (Participant(), Participant(), Participant()),
        (Meeting(0, 1), Meeting(1, 2)),
        all_mandatory=True,
    )
    assert solve(both, workers=1).status is Status.INFEASIBLE
    pinned = Problem(2, 1, both.participants, (Meeting(0, 1, fixed=0),), pinned=(Assignment(0, 1, 0),))
    assert solve(pinned, workers=1).status is Status.INFEASIBLE


def small(meetings: Sequence[Meeting], *, slots: int = 2, tables: int = 2, people: int = 4) -> Problem:
    return Problem(slots, tables, tuple(Participant() for _ in range(people)), tuple(meetings))


def reason_of(result: Result) -> Reason:
    ((_, reason),) = result.unplaced
    return reason


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (small([Meeting(0, 1, fixed=0), Meeting(2, 3, fixed=0)], tables=1), Reason.NO_TABLE),
        (small([Meeting(0, 1, 3), Meeting(0, 2, 2), Meeting(0, 3)]), Reason.PARTICIPANT_FULL),
        (small([Meeting(0, 1, interpreters=())]), Reason.NO_INTERPRETER),
        (
            Problem(1, 1, (Participant(unavailable=frozenset({0})), Participant()), (Meeting(0, 1),)),
            Reason.NO_COMMON_SLOT,
        ),
        (
            Problem(2, 1, (Participant(max_meetings=0), Participant()), (Meeting(0, 1),)),
            Reason.LIMIT_REACHED,
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_each_reason_is_true(problem: Problem, reason: Reason) -> None:
    assert reason_of(solve(problem, workers=1)) is reason


def test_an_empty_problem_has_an_empty_schedule() -> None:
    result = solve(Problem(3, 0, (), ()), workers=1)
    assert (result.status, result.assignments) == (Status.OPTIMAL, ())
