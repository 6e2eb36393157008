"""Tables for known slots: as many meetings as can have one, and of these as many as can keep theirs."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.exact_tables import with_tables
from forum_app.core.scheduling.problem import Assignment, Meeting, Participant, Problem

TABLES = 4


@st.composite
def one_slot(draw: st.DrawFn) -> Problem:
    """Up to four meetings of different people in one slot, some bound to tables, some published before."""
    count = draw(st.integers(1, TABLES))
    some = st.frozensets(st.integers(0, TABLES - 1), min_size=1)
    meetings = tuple(
        Meeting(2 * k, 2 * k + 1, tables=tuple(sorted(draw(some))) if draw(st.booleans()) else None)
        for k in range(count)
    )
    tables = draw(st.permutations(range(TABLES)))
    previous = tuple(Assignment(k, 0, tables[k]) for k in range(count) if draw(st.booleans()))
    away = tuple(frozenset({0}) if draw(st.integers(0, 5)) == 0 else frozenset[int]() for _ in range(TABLES))
    return Problem(
        1,
        TABLES,
        tuple(Participant() for _ in range(2 * count)),
        meetings,
        table_unavailable=away,
        previous=previous,
    )


def most(problem: Problem) -> tuple[int, int]:
    """Of all ways: meetings with a table, and of those with so many, tables kept."""
    count = len(problem.meetings)
    was = {row.meeting: row.table for row in problem.previous}
    best = (0, 0)
    for order in permutations([*range(TABLES), *[None] * count], count):
        fits = all(
            table is None
            or (
                0 not in problem.table_unavailable[table]
                and (problem.meetings[k].tables is None or table in (problem.meetings[k].tables or ()))
            )
            for k, table in enumerate(order)
        )
        if fits:
            seated = sum(table is not None for table in order)
            best = max(best, (seated, sum(was.get(k) == table for k, table in enumerate(order) if k in was)))
    return best


@settings(max_examples=60, deadline=None)
@given(problem=one_slot())
def test_no_other_tables_keep_more(problem: Problem) -> None:
    rows = with_tables(problem, [Assignment(k, 0) for k in range(len(problem.meetings))])
    was = {row.meeting: row.table for row in problem.previous}
    assert len({row.table for row in rows if row.table is not None}) == sum(r.table is not None for r in rows)
    kept = sum(was.get(row.meeting) == row.table for row in rows if row.meeting in was)
    seated = sum(row.table is not None for row in rows)
    assert seated == most(problem)[0]
    if seated == len(rows):  # else the schedule cannot be held, and nothing else matters
        assert kept == most(problem)[1]


def test_a_published_meeting_keeps_its_table_beside_those_that_need_certain_ones() -> None:
    """Two could sit at table 0; only the published one has been there."""
    people = tuple(Participant() for _ in range(4))
    meetings = (Meeting(0, 1, tables=(0, 1)), Meeting(2, 3, tables=(0, 1)))
    problem = Problem(1, 2, people, meetings, previous=(Assignment(1, 0, 0),))
    rows = with_tables(problem, [Assignment(0, 0), Assignment(1, 0)])
    assert [row.table for row in rows] == [1, 0]
    assert check(problem, rows).moved == 0
