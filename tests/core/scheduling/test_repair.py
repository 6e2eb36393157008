"""Repair: feasible whatever changed, weight and moves near what trying all schedules reaches."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.scheduling import bounds
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import Assignment, Meeting, Participant, Problem
from forum_app.core.scheduling.repair import must_move, repair
from tests.core.scheduling.brute import best_value
from tests.core.scheduling.problems import problems


@settings(max_examples=120, deadline=None)
@given(problem=problems(mandatory=False))
def test_a_repaired_schedule_keeps_every_rule(problem: Problem) -> None:
    """Pins that no schedule can keep are left out, and fairness is the whole solver's business."""
    problem = replace(problem, fairness_d=None, pinned=())
    result = repair(problem)
    report = check(problem, result.assignments)
    assert report.violations == ()
    assert (report.weight, report.moved, report.breaks, report.idle_slots, report.table_changes) == (
        result.placed_weight,
        result.moved,
        result.breaks,
        result.idle_slots,
        result.table_changes,
    )
    best = best_value(problem)
    assert best is not None
    assert report.weight <= best[0]
    assert must_move(problem) <= -best[-2] or report.weight < best[0] or not problem.previous


@settings(max_examples=60, deadline=None)
@given(problem=problems(plain=True, mandatory=False), data=st.data())
def test_plain_schedules_are_mended_with_the_fewest_moves(problem: Problem, data: st.DataObject) -> None:
    """After an absence; against all schedules. One place may be missed by the search, never two."""
    meetings = tuple(replace(m, after=(), fixed=None) for m in problem.meetings)
    problem = replace(problem, fairness_d=None, pinned=(), meetings=meetings)
    published = repair(problem).assignments
    away = data.draw(st.integers(0, len(problem.participants) - 1))
    slot = data.draw(st.integers(0, problem.n_slots - 1))
    people = list(problem.participants)
    people[away] = replace(people[away], unavailable=people[away].unavailable | {slot})
    changed = replace(problem, participants=tuple(people), previous=published)
    result = repair(changed)
    best = best_value(changed)
    assert best is not None
    assert check(changed, result.assignments).feasible
    assert result.placed_weight >= best[0] - 5
    if result.placed_weight == best[0]:
        assert result.moved <= -best[-2] + 1
        assert bounds.moved_bound(changed, best[0]) <= -best[-2]


def test_nothing_changed_means_nothing_moves() -> None:
    people = tuple(Participant() for _ in range(6))
    meetings = tuple(Meeting(a, b) for a in range(3) for b in range(3, 6))
    problem = Problem(4, 3, people, meetings)
    published = repair(problem).assignments
    again = repair(replace(problem, previous=published))
    assert again.moved == 0
    assert set(again.assignments) == set(published)


def test_an_absence_moves_only_what_it_hits() -> None:
    people = tuple(Participant() for _ in range(4))
    problem = Problem(
        4,
        2,
        (replace(people[0], unavailable=frozenset({0})), *people[1:]),
        (Meeting(0, 1), Meeting(2, 3), Meeting(0, 2)),
        previous=(Assignment(0, 0, 0), Assignment(1, 0, 1), Assignment(2, 1, 0)),
    )
    result = repair(problem)
    assert (result.placed_weight, result.moved, result.moved_bound) == (3, 1, 1)


def test_the_heavier_meeting_takes_the_place_of_the_lighter() -> None:
    people = (Participant(unavailable=frozenset({0})), Participant(), Participant())
    problem = Problem(
        2,
        1,
        people,
        (Meeting(0, 1, weight=5), Meeting(0, 2, weight=1)),
        previous=(Assignment(0, 0, 0), Assignment(1, 1, 0)),
    )
    result = repair(problem)
    assert [row.meeting for row in result.assignments] == [0]
    assert result.placed_weight == 5
