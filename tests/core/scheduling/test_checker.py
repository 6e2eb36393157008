from dataclasses import replace

import pytest

from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import Assignment, Interpreter, Meeting, Participant, Problem

PROBLEM = Problem(
    n_slots=6,
    n_tables=2,
    participants=(
        Participant(min_meetings=4),
        Participant(unavailable=frozenset({2})),
        Participant(max_meetings=2),
        Participant(),
    ),
    meetings=(
        Meeting(0, 1, 5),
        Meeting(0, 2, 3, session=1),
        Meeting(1, 3, 1, after=(0,)),
        Meeting(2, 3, 1, interpreters=(0,)),
        Meeting(0, 3, 1, tables=(1,)),
    ),
    sessions=((0, 1, 2), (3, 4, 5)),
    interpreters=(Interpreter(frozenset({5}), max_run=1), Interpreter()),
    table_unavailable=(frozenset({0}), frozenset()),
    previous=(Assignment(0, 0, 1), Assignment(2, 4, 0)),
)
GOOD = (
    Assignment(0, 0, 1),
    Assignment(1, 3, 0),
    Assignment(2, 3, 1),
    Assignment(3, 1, 0, 0),
    Assignment(4, 5, 1),
)


def changed(row: Assignment) -> tuple[Assignment, ...]:
    return tuple(row if other.meeting == row.meeting else other for other in GOOD)


def test_a_good_schedule_is_measured() -> None:
    report = check(PROBLEM, GOOD)
    assert report.violations == ()
    assert (report.placed, report.weight) == (5, 11)
    # participant 0 is busy in 0, 3, 5; 1 in 0, 3 (away in 2); 2 in 1, 3; 3 in 1, 3, 5
    assert (report.breaks, report.break_spread) == (2 + 1 + 1 + 2, 1)
    assert (report.idle_slots, report.idle_slots_available) == (3 + 2 + 1 + 2, 3 + 1 + 1 + 2)
    assert (report.moved, report.shortfalls) == (1, (1,))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((*GOOD, Assignment(9, 0)), "meeting 9 does not exist"),
        ((*GOOD, Assignment(0, 1)), "placed twice"),
        (changed(Assignment(0, 6, 1)), "slot 6 does not exist"),
        (changed(Assignment(0, 3, None)), "participant 0 has meetings"),
        (changed(Assignment(2, 2, 1)), "participant 1 is unavailable in slot 2"),
        (changed(Assignment(1, 2, 0)), "outside its session"),
        (changed(Assignment(2, 0, 0)), "must come after meeting 0"),
        (changed(Assignment(0, 0, 2)), "table 2 does not exist"),
        (changed(Assignment(0, 0, 0)), "table 0 is not there in slot 0"),
        (changed(Assignment(2, 3, 0)), "slot 3 table 0 holds meetings"),
        (changed(Assignment(4, 5, 0)), "table 0 does not serve"),
        (changed(Assignment(4, 5, None)), "needs one of certain tables"),
        (changed(Assignment(3, 1, 0, 1)), "interpreter 1 does not serve"),
        (changed(Assignment(3, 1, 0, 7)), "interpreter 7 does not exist"),
        (changed(Assignment(3, 1, 0, None)), "needs an interpreter and has none"),
        (changed(Assignment(3, 5, 0, 0)), "interpreter 0 is unavailable in slot 5"),
        (changed(Assignment(0, 0, 1, 1)), "has an interpreter and needs none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_is_found(rows: tuple[Assignment, ...], words: str) -> None:
    assert any(words in violation for violation in check(PROBLEM, rows).violations)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (replace(PROBLEM, fairness_d=0), "break counts differ by 1"),
        (replace(PROBLEM, n_tables=1, table_unavailable=()), "slot 3 holds 2 meetings, there are 1 tables"),
        (replace(PROBLEM, pinned=(Assignment(0, 1, 1),)), "pinned to slot 1"),
        (replace(PROBLEM, pinned=(Assignment(1, 3, 1),)), "pinned to slot 3"),
        (
            replace(PROBLEM, participants=(Participant(max_meetings=1), *PROBLEM.participants[1:])),
            "participant 0 has 3 meetings, at most 1 allowed",
        ),
        (
            replace(PROBLEM, meetings=(*PROBLEM.meetings, Meeting(1, 2)), all_mandatory=True),
            "meeting 5 is mandatory and not placed",
        ),
        (
            replace(PROBLEM, meetings=(replace(PROBLEM.meetings[0], fixed=1), *PROBLEM.meetings[1:])),
            "fixed to slot 1",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_broken_rule_is_found(problem: Problem, words: str) -> None:
    assert any(words in violation for violation in check(problem, GOOD).violations)


def test_an_interpreter_rests_after_the_longest_run() -> None:
    people = tuple(Participant() for _ in range(4))
    meetings = tuple(Meeting(a, b, interpreters=(0,)) for a, b in ((0, 1), (2, 3), (0, 2)))
    problem = Problem(4, 1, people, meetings, interpreters=(Interpreter(max_run=2),))
    rested = (Assignment(0, 0, 0, 0), Assignment(1, 1, 0, 0), Assignment(2, 3, 0, 0))
    assert check(problem, rested).feasible
    tired = (*rested[:2], Assignment(2, 2, 0, 0))
    assert "without a rest" in check(problem, tired).violations[0]


def test_the_border_between_sessions_is_no_break() -> None:
    problem = Problem(
        4,
        1,
        (Participant(), Participant(), Participant()),
        (Meeting(0, 1), Meeting(0, 2)),
        sessions=((0, 1), (2, 3)),
    )
    assert check(problem, (Assignment(0, 1, 0), Assignment(1, 2, 0))).breaks == 0
    assert check(problem, (Assignment(0, 0, 0), Assignment(1, 3, 0))).breaks == 1
