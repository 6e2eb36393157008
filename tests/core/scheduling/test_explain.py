"""Every reason is true, checked by definitions written a second time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.explain import explain_unplaced
from forum_app.core.scheduling.problem import Assignment, Meeting, Participant, Problem, Reason, allowed_slots
from forum_app.core.scheduling.repair import repair
from tests.core.scheduling.problems import problems


def could_stand(problem: Problem, rows: tuple[Assignment, ...], meeting: int) -> bool:
    """Whether the meeting can be added to the schedule as it is."""
    wants = problem.meetings[meeting]
    return any(
        check(problem, (*rows, Assignment(meeting, slot, table, interpreter))).feasible
        for slot in range(problem.n_slots)
        for table in range(problem.n_tables)
        for interpreter in (wants.interpreters if wants.interpreters is not None else (None,))
    )


@settings(max_examples=80, deadline=None)
@given(problem=problems(mandatory=False), drop=st.integers(0, 3))
def test_each_reason_is_true(problem: Problem, drop: int) -> None:
    rows = repair(problem).assignments[drop:]
    held = {row.meeting: row for row in rows}
    reasons = dict(explain_unplaced(problem, rows))
    assert set(reasons) == set(range(len(problem.meetings))) - set(held)
    days: list[set[int]] = [set() for _ in problem.participants]
    for row in rows:
        days[problem.meetings[row.meeting].a].add(row.slot)
        days[problem.meetings[row.meeting].b].add(row.slot)
    slots = allowed_slots(problem)
    for meeting, reason in reasons.items():
        pair = (problem.meetings[meeting].a, problem.meetings[meeting].b)
        open_slots = [slot for slot in slots[meeting] if not any(slot in days[p] for p in pair)]
        limits = [problem.participants[p].max_meetings for p in pair]
        at_limit = any(
            most is not None and len(days[p]) >= most for p, most in zip(pair, limits, strict=True)
        )
        match reason:
            case Reason.NO_COMMON_SLOT:
                assert not slots[meeting]
            case Reason.LIMIT_REACHED:
                assert at_limit
            case Reason.PARTICIPANT_FULL:
                assert not open_slots
            case Reason.NO_TABLE | Reason.NO_INTERPRETER:
                assert open_slots
        if drop == 0 and reason is not Reason.NO_COMMON_SLOT and check(problem, rows).feasible:
            assert not could_stand(problem, rows, meeting) or reason is Reason.OUTWEIGHED


def test_full_is_said_only_of_somebody_without_a_free_slot() -> None:
    """Neither is full, but they are never free together: the meeting is outweighed."""
    people = tuple(Participant() for _ in range(4))
    problem = Problem(2, 2, people, (Meeting(0, 1), Meeting(0, 2), Meeting(1, 3)))
    rows = (Assignment(1, 0, 0), Assignment(2, 1, 0))
    assert explain_unplaced(problem, rows) == ((0, Reason.OUTWEIGHED),)
    full = Problem(1, 2, people, (Meeting(0, 1), Meeting(0, 2)))
    assert explain_unplaced(full, (Assignment(1, 0, 0),)) == ((0, Reason.PARTICIPANT_FULL),)
