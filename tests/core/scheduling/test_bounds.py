"""No schedule, of all there are, beats a proven bound."""

from hypothesis import given, settings

from forum_app.core.scheduling import bounds
from forum_app.core.scheduling.problem import Assignment, Meeting, Participant, Problem
from tests.core.scheduling.brute import best_value
from tests.core.scheduling.problems import problems


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_no_schedule_weighs_more_or_has_fewer_breaks(problem: Problem) -> None:
    best = best_value(problem)
    if best is None:
        return
    weight, moved, breaks = best[0], -best[-2], -best[-1]
    assert weight <= bounds.weight_bound(problem)
    assert moved >= bounds.moved_bound(problem, weight)
    assert breaks >= bounds.breaks_bound(problem, weight)


@settings(max_examples=40, deadline=None)
@given(problem=problems(plain=True, mandatory=False))
def test_a_schedule_of_less_weight_may_have_fewer_breaks(problem: Problem) -> None:
    """The breaks bound for weight 0 is that of the empty schedule."""
    assert bounds.breaks_bound(problem, 0) == 0


def test_a_full_day_with_an_absence_in_the_middle_has_a_break() -> None:
    people = (Participant(unavailable=frozenset({2})), *(Participant() for _ in range(4)))
    meetings = tuple(Meeting(0, other) for other in range(1, 5))
    problem = Problem(5, 2, people, meetings)
    assert bounds.weight_bound(problem) == 4
    assert bounds.breaks_bound(problem, 4) == 1


def test_a_published_meeting_of_somebody_absent_must_move() -> None:
    people = (Participant(unavailable=frozenset({0})), Participant(), Participant())
    problem = Problem(
        2,
        1,
        people,
        (Meeting(0, 1), Meeting(1, 2)),
        previous=(Assignment(0, 0, 0), Assignment(1, 1, 0)),
    )
    assert bounds.moved_bound(problem, 2) == 1
