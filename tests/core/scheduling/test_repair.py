"""Repair: feasible whatever changed, weight and moves what trying all schedules reaches."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.instances import after_changes, crowded
from forum_app.core.scheduling import bounds
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import Assignment, Meeting, Participant, Problem
from forum_app.core.scheduling.repair import repair
from forum_app.core.scheduling.repair_exact import fewest_moves, moved_bound
from forum_app.core.scheduling.repair_helper import plain_part
from forum_app.core.scheduling.repair_search import Search
from forum_app.core.scheduling.tables import assign_tables
from tests.core.scheduling.brute import best_value
from tests.core.scheduling.problems import problems


@settings(max_examples=120, deadline=None)
@given(problem=problems(mandatory=False))
def test_a_repaired_schedule_keeps_every_rule(problem: Problem) -> None:
    """Pins that no schedule can keep are left out."""
    problem = replace(problem, pinned=())
    result = repair(problem, workers=1)
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
    assert result.moved_bound <= -best[-2] or report.weight < best[0]
    assert moved_bound(problem, best[0]) <= -best[-2]


@settings(max_examples=60, deadline=None)
@given(problem=problems(mandatory=False))
def test_what_needs_more_than_a_slot_stays_while_the_rest_is_solved(problem: Problem) -> None:
    problem = replace(problem, fairness_d=None, pinned=())
    state = Search(problem)
    state.start()
    held = {k: slot for k, slot in enumerate(state.slot) if slot >= 0 and state.special[k]}
    plain, meetings = plain_part(state)
    found = list(fewest_moves(plain, seconds=60.0))[-1]
    assert found.complete
    state.arrange({meetings[number]: slot for number, slot in found.slots.items()})
    assert {k: slot for k, slot in enumerate(state.slot) if slot >= 0 and state.special[k]} == held
    rows = [Assignment(k, slot) for k, slot in enumerate(state.slot) if slot >= 0 and not state.special[k]]
    assert check(plain, [replace(row, meeting=meetings.index(row.meeting)) for row in rows]).feasible
    tables = assign_tables(problem, {k: s for k, s in enumerate(state.slot) if s >= 0}, state.table)
    everything = [
        Assignment(k, slot, tables[k], state.interpreter.get(k))
        for k, slot in enumerate(state.slot)
        if slot >= 0
    ]
    assert check(problem, everything).feasible


@settings(max_examples=60, deadline=None)
@given(problem=problems(plain=True, mandatory=False), data=st.data())
def test_plain_schedules_are_mended_with_the_fewest_moves(problem: Problem, data: st.DataObject) -> None:
    """After an absence; against all schedules. The search alone may miss one place, the program none."""
    meetings = tuple(replace(m, after=(), fixed=None) for m in problem.meetings)
    problem = replace(problem, fairness_d=None, pinned=(), meetings=meetings)
    published = repair(problem, workers=1).assignments
    away = data.draw(st.integers(0, len(problem.participants) - 1))
    slot = data.draw(st.integers(0, problem.n_slots - 1))
    people = list(problem.participants)
    people[away] = replace(people[away], unavailable=people[away].unavailable | {slot})
    changed = replace(problem, participants=tuple(people), previous=published)
    best = best_value(changed)
    assert best is not None

    result = repair(changed, workers=1)
    assert check(changed, result.assignments).feasible
    assert result.placed_weight >= best[0] - 5
    if result.placed_weight == best[0]:
        assert result.moved <= -best[-2] + 1
        assert bounds.moved_bound(changed, best[0]) <= -best[-2]

    found = list(fewest_moves(changed, seconds=60.0))[-1]
    assert found.complete
    tables = assign_tables(changed, found.slots, {})
    report = check(changed, [Assignment(k, at, tables[k]) for k, at in found.slots.items()])
    assert report.feasible
    assert (report.weight, report.moved) == (best[0], -best[-2])
    assert found.least <= -best[-2]
    assert bounds.moved_bound(changed, best[0]) <= max(found.least, moved_bound(changed, best[0]))


def test_a_crowded_day_is_repaired_with_a_proof() -> None:
    """By the process beside: full weight, and not one move more than it proves to be needed."""
    problem = crowded(people=60, asked=300, slots=16, tables=20, seed=5)
    published = list(fewest_moves(problem, seconds=60.0))[-1].slots
    tables = assign_tables(problem, published, {})
    rows = tuple(Assignment(k, slot, tables[k]) for k, slot in published.items())
    absent = {p: frozenset({p % 12, p % 12 + 1, p % 12 + 2}) for p in range(0, 60, 7)}
    changed = after_changes(
        replace(problem, previous=rows), cancelled={row.meeting for row in rows[::40]}, absent=absent
    )
    result = repair(changed, time_limit=120.0)
    report = check(changed, result.assignments)
    assert report.feasible
    assert report.weight == result.weight_bound
    assert report.moved == result.moved_bound > 10
    assert result.assignments == repair(changed, time_limit=120.0, seed=7).assignments


def test_three_who_all_meet_have_a_whole_solution() -> None:
    """Half of each of the three meetings in each slot would do for the linear program."""
    people = (Participant(), Participant(), Participant())
    meetings = (Meeting(0, 1), Meeting(1, 2), Meeting(0, 2))
    problem = Problem(2, 2, people, meetings, previous=(Assignment(0, 0), Assignment(1, 0)))
    found = list(fewest_moves(problem, seconds=60.0))[-1]
    assert (found.complete, found.weight, found.least, len(found.slots)) == (True, 2, 1, 2)
    assert check(problem, [Assignment(k, slot) for k, slot in found.slots.items()]).feasible


def test_two_who_meet_twice_exchange_their_meetings() -> None:
    people = (Participant(), Participant())
    meetings = (Meeting(0, 1, weight=3), Meeting(0, 1, fixed=0))
    problem = Problem(2, 1, people, meetings, previous=(Assignment(0, 0),))
    result = repair(problem, workers=1)
    assert check(problem, result.assignments).feasible
    assert (result.placed_weight, result.moved) == (4, 1)


def test_breaks_are_shared_after_an_absence() -> None:
    """Whoever is in the middle of everybody's day is away twice: that would be two breaks for person 0."""
    people = (Participant(unavailable=frozenset({1, 3})), *(Participant() for _ in range(5)))
    meetings = tuple(Meeting(0, p) for p in range(1, 6))
    published = tuple(Assignment(k, k) for k in range(5))
    problem = Problem(8, 3, people, meetings, previous=published, fairness_d=1)
    result = repair(problem, workers=1)
    report = check(problem, result.assignments)
    assert report.feasible
    assert (report.placed, report.break_spread) == (5, 1)


def test_a_meeting_is_left_out_where_breaks_cannot_be_shared() -> None:
    people = (Participant(unavailable=frozenset({1})), Participant(), Participant())
    meetings = (Meeting(0, 1, weight=3), Meeting(0, 2))
    published = (Assignment(0, 0), Assignment(1, 2))
    problem = Problem(3, 1, people, meetings, previous=published, fairness_d=0)
    result = repair(problem, workers=1)
    assert check(problem, result.assignments).feasible
    assert [row.meeting for row in result.assignments] == [0]


def test_nothing_changed_means_nothing_moves() -> None:
    people = tuple(Participant() for _ in range(6))
    meetings = tuple(Meeting(a, b) for a in range(3) for b in range(3, 6))
    problem = Problem(4, 3, people, meetings)
    published = repair(problem, workers=1).assignments
    again = repair(replace(problem, previous=published), workers=1)
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
    result = repair(problem, workers=1)
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
    result = repair(problem, workers=1)
    assert [row.meeting for row in result.assignments] == [0]
    assert result.placed_weight == 5
