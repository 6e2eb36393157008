"""Tables in several buildings: nobody is in two at once, and nothing waits that would fit."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.errors import Invalid
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import Assignment, Meeting, Participant, Problem, Reason
from forum_app.core.scheduling.reading import read_problem
from forum_app.core.scheduling.repair import repair
from forum_app.core.scheduling.solver import solve
from forum_app.core.scheduling.ways import has_ways
from tests.core.scheduling.problems import problems


def neighbours(n_slots: int) -> tuple[frozenset[int], ...]:
    """No way from one building to another between a slot and the next."""
    return tuple(frozenset({slot - 1, slot + 1} & set(range(n_slots))) for slot in range(n_slots))


@st.composite
def towns(draw: st.DrawFn) -> Problem:
    """Random problems whose tables stand in two buildings, or nowhere."""
    problem = draw(problems(mandatory=False))
    buildings = draw(
        st.lists(st.sampled_from([0, 0, 1, 1, None]), min_size=problem.n_tables, max_size=problem.n_tables)
    )
    return replace(
        problem,
        meetings=tuple(replace(meeting, after=()) for meeting in problem.meetings),
        fairness_d=None,
        pinned=(),
        buildings=tuple(buildings),
        near=neighbours(problem.n_slots),
    )


def fitting(problem: Problem, rows: tuple[Assignment, ...]) -> list[Assignment]:
    """What could be added to a schedule."""
    held = {row.meeting for row in rows}
    more = []
    for k, meeting in enumerate(problem.meetings):
        if k not in held:
            more += [
                Assignment(k, slot, table, talk)
                for slot in range(problem.n_slots)
                for table in range(problem.n_tables)
                for talk in (meeting.interpreters if meeting.interpreters is not None else (None,))
            ]
    return [row for row in more if check(problem, (*rows, row)).feasible]


@settings(max_examples=60)
@given(problem=towns())
def test_nobody_is_in_two_buildings_and_nothing_waits_that_would_fit(problem: Problem) -> None:
    result = solve(problem, time_limit=5, workers=1)
    report = check(problem, result.assignments)
    assert report.feasible, report.violations
    assert result.placed_weight == report.weight <= result.weight_bound
    assert result.breaks_bound <= report.breaks
    assert result.moved_bound <= report.moved == result.moved
    assert not fitting(problem, result.assignments)
    held = {row.meeting for row in result.assignments}
    assert {k for k, _ in result.unplaced} == set(range(len(problem.meetings))) - held


@settings(max_examples=60)
@given(problem=towns())
def test_a_repair_minds_the_ways(problem: Problem) -> None:
    result = repair(problem, time_limit=2, workers=1)
    report = check(problem, result.assignments)
    assert report.feasible, report.violations
    assert result.moved == report.moved


@st.composite
def cities(draw: st.DrawFn) -> Problem:
    """As towns, with up to four tables in three buildings, longer ways, and what was published, of which some
    is pinned, even where nobody could walk."""
    problem = draw(towns())
    n_tables, slot = draw(st.integers(1, 4)), st.integers(0, problem.n_slots - 1)
    serving = st.frozensets(st.integers(0, n_tables - 1), min_size=1).map(sorted).map(tuple)
    near: list[set[int]] = [set() for _ in range(problem.n_slots)]
    for one, other in draw(st.frozensets(st.tuples(slot, slot), max_size=6)):
        if one != other:
            near[one].add(other)
            near[other].add(one)
    problem = replace(
        problem,
        n_tables=n_tables,
        meetings=tuple(
            replace(meeting, tables=None if meeting.tables is None else draw(serving))
            for meeting in problem.meetings
        ),
        previous=(),
        table_unavailable=tuple(draw(st.frozensets(slot, max_size=1)) for _ in range(n_tables)),
        buildings=tuple(draw(st.sampled_from([0, 1, 2, None])) for _ in range(n_tables)),
        near=(),
    )
    rows = solve(problem, time_limit=5, workers=1).assignments
    places = st.builds(Assignment, st.integers(0, len(problem.meetings) - 1), slot, st.none())
    some = draw(st.lists(places, max_size=3, unique_by=lambda row: row.meeting))
    return replace(
        problem,
        previous=tuple(row for row in rows if draw(st.booleans())) or tuple(some),
        pinned=tuple(row for row in rows if draw(st.booleans())),
        near=tuple(map(frozenset, near)),
    )


@settings(max_examples=80)
@given(problem=cities())
def test_pins_stay_and_everybody_else_can_walk(problem: Problem) -> None:
    for result in (solve(problem, time_limit=5, workers=1), repair(problem, time_limit=2, workers=1)):
        report = check(problem, result.assignments)
        assert report.feasible, report.violations
        assert result.placed_weight == report.weight <= result.weight_bound
        assert result.breaks_bound <= report.breaks
        assert result.moved_bound <= report.moved == result.moved


def day(*tables: tuple[int, ...], n_slots: int = 3, **changes: object) -> Problem:
    """One guest (0) and a host for each meeting, each at its own tables; table 0 here, table 1 there."""
    people = tuple(Participant() for _ in range(1 + len(tables)))
    meetings = tuple(Meeting(host, 0, tables=serving) for host, serving in enumerate(tables, 1))
    problem = Problem(
        n_slots, 2, people, meetings, buildings=(0, 1), near=neighbours(n_slots), fairness_d=None
    )
    return replace(problem, **changes)  # type: ignore[arg-type]


def test_time_for_the_way_is_left() -> None:
    result = solve(day((0,), (1,)), time_limit=5, workers=1)
    first, second = sorted(row.slot for row in result.assignments)
    assert (first, second) == (0, 2)
    crowded = solve(day((0,), (1,), n_slots=2), time_limit=5, workers=1)
    assert len(crowded.assignments) == 1
    assert [reason for _, reason in crowded.unplaced] == [Reason.OUTWEIGHED]  # the other would have to go


def test_who_may_sit_anywhere_goes_where_the_others_are() -> None:
    result = solve(day((0,), (0, 1), (0, 1)), time_limit=5, workers=1)
    assert {row.table for row in result.assignments} == {0}
    assert len(result.assignments) == 3


def test_a_published_schedule_without_time_for_the_way_is_repaired_by_one_move() -> None:
    before = (Assignment(0, 0, 0), Assignment(1, 1, 1))
    problem = day((0,), (1,), previous=before)
    assert not check(problem, before).feasible
    result = repair(problem, time_limit=2, workers=1)
    assert len(result.assignments) == 2
    assert result.moved == 1
    assert check(problem, result.assignments).feasible


def test_pins_stay_even_where_they_leave_no_time_for_the_way() -> None:
    pins = (Assignment(0, 0, 0), Assignment(1, 1, 1))
    problem = day((0,), (1,), (0, 1), pinned=pins, n_slots=4)
    result = solve(problem, time_limit=5, workers=1)
    assert set(pins) <= set(result.assignments)
    assert check(problem, result.assignments).feasible
    assert len(result.assignments) == 3


def test_pins_come_before_what_was_published_where_not_all_may_stay() -> None:
    """The guest may have fewer meetings than before; what is published in one building must not count
    against what is pinned in the other."""
    before = (Assignment(0, 0, 0), Assignment(1, 2, 1))
    problem = day((0,), (1,), previous=before, pinned=before[:1])
    guest = replace(problem.participants[0], max_meetings=1)
    problem = replace(problem, participants=(guest, *problem.participants[1:]))
    for result in (solve(problem, time_limit=5, workers=1), repair(problem, time_limit=2, workers=1)):
        assert result.assignments == before[:1]


def test_one_building_or_none_has_no_ways() -> None:
    problem = day((0,), (1,))
    assert has_ways(problem)
    assert not has_ways(replace(problem, buildings=(0, 0)))
    assert not has_ways(replace(problem, buildings=(0, None)))
    assert not has_ways(replace(problem, near=()))


FILE = """{"format": "b2b-instance/1", "n_slots": 2, "n_tables": 2, "all_mandatory": %s,
 "participants": [{"id": 0, "unavailable": []}, {"id": 1, "unavailable": []}],
 "meetings": [{"id": 0, "a": 0, "b": 1}], "tables": [{"id": 1, "building": %s}], "near": %s}"""


def test_ways_are_read_from_a_file() -> None:
    problem = read_problem((FILE % ("false", "7", "[[1], []]")).encode())
    assert problem.buildings == (None, 7)
    assert problem.near == (frozenset({1}), frozenset({0}))
    plain = read_problem((FILE % ("false", "7", "[]")).encode())
    assert (plain.buildings, plain.near) == ((), ())


@pytest.mark.parametrize(
    ("mandatory", "building", "near", "words"),
    [
        ("true", "0", "[[1]]", "near goes neither with all_mandatory"),
        ("false", '"x"', "[[1]]", "tables[0].building"),
        ("false", "0", "[[2]]", "near[0] is 2"),
        ("false", "0", "[[], [], []]", "near"),
        ("false", "0", "7", "near"),
    ],
)
def test_what_is_wrong_with_ways_is_said(mandatory: str, building: str, near: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_problem((FILE % (mandatory, building, near)).encode())
    assert words in str(refused.value)
