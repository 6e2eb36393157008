"""What the meeting scheduler is asked and what it answers.

Everything is an index into the tuples of `Problem`: meeting 3 is `problem.meetings[3]`. Files may use other
numbers; `number` keeps them, and only `reading` translates. Slots are 0 .. n_slots-1 in time order, tables
0 .. n_tables-1.

A break (Bofill et al., JAIR 74, 2022, Definition 2.3) is a maximal run of slots without a meeting between two
consecutive meetings of one participant, whatever its length and whether or not the participant was available.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Participant:
    """A person (or whoever of a team comes): at most one meeting per slot.

    kind: `startup`, `vc`, `agency` or any other word; the solver does not look at it.
    unavailable: slots in which the person cannot meet.
    max_meetings: None means no limit. min_meetings: a wish, 0 for none.
    """

    kind: str = "participant"
    unavailable: frozenset[int] = frozenset()
    max_meetings: int | None = None
    min_meetings: int = 0
    number: int = -1


@dataclass(frozen=True, slots=True)
class Meeting:
    """A wished meeting of participants a and b.

    weight: at least 1. session: index into Problem.sessions, or None for any slot. fixed: the only slot,
    or None. after: meetings that must be held in a strictly earlier slot, if they are held at all.
    interpreters: None if the meeting needs none, else the interpreters that serve.
    tables: None for any table, else the tables that serve.
    """

    a: int
    b: int
    weight: int = 1
    session: int | None = None
    fixed: int | None = None
    after: tuple[int, ...] = ()
    interpreters: tuple[int, ...] | None = None
    tables: tuple[int, ...] | None = None
    number: int = -1


@dataclass(frozen=True, slots=True)
class Interpreter:
    """At most one meeting per slot; after max_run consecutive slots, one slot of rest (None: no limit)."""

    unavailable: frozenset[int] = frozenset()
    max_run: int | None = None
    number: int = -1


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a meeting is held. table None: any free one; interpreter None: none needed."""

    meeting: int
    slot: int
    table: int | None = None
    interpreter: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One run of the scheduler.

    sessions: the slots of each session; empty if the event has one. all_mandatory: every meeting must be
    placed. fairness_d: largest allowed difference between the break counts of any two participants, or None.
    table_unavailable: per table the slots in which it is not there; empty means always there, for all.
    previous: a published schedule, of which as few as possible move. pinned: must stay exactly so.
    buildings: per table where it stands, None for nowhere (a remote meeting's); near: per slot those other
    slots in which whoever meets in it cannot meet in another building. Empty: nobody walks.
    """

    n_slots: int
    n_tables: int
    participants: tuple[Participant, ...]
    meetings: tuple[Meeting, ...]
    name: str = ""
    sessions: tuple[tuple[int, ...], ...] = ()
    all_mandatory: bool = False
    fairness_d: int | None = None
    interpreters: tuple[Interpreter, ...] = ()
    table_unavailable: tuple[frozenset[int], ...] = ()
    previous: tuple[Assignment, ...] = ()
    pinned: tuple[Assignment, ...] = ()
    buildings: tuple[int | None, ...] = ()
    near: tuple[frozenset[int], ...] = ()


class Status(StrEnum):
    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"
    """Every meeting must be placed, none schedule was found in the time given, nor ruled out."""


class Reason(StrEnum):
    """Why a meeting is not placed; each is true of the schedule it comes with."""

    NO_COMMON_SLOT = "no_common_slot"
    """No slot in which both can meet at all (absences, session, fixed slot, order)."""
    PARTICIPANT_FULL = "participant_full"
    """In each slot in which both can meet, one of them already has a meeting."""
    NO_TABLE = "no_table"
    """In each slot in which both are free, no table that serves is free."""
    NO_INTERPRETER = "no_interpreter"
    """In each slot in which both and a table are free, no interpreter that serves is free."""
    LIMIT_REACHED = "limit_reached"
    """One of them already has as many meetings as allowed."""
    OUTWEIGHED = "outweighed"
    """It could only be placed by leaving out, or moving, others."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come. None: not known yet.

    seconds since the start; weight_bound: no schedule places more; breaks_bound: no schedule of the largest
    weight has fewer breaks; phase: one word, `preparing`,
    `reading`, `placing`, `breaks`, `proving`, `tables` or `done`.
    """

    seconds: float
    placed: int | None
    placed_weight: int | None
    weight_bound: int | None
    breaks: int | None
    breaks_bound: int | None
    phase: str


@dataclass(frozen=True, slots=True)
class Result:
    """A schedule with what is proven about it.

    status: `optimal` if weight, moves and breaks are proven. moved: assignments of Problem.previous that are
    not kept (other slot, other table, or not placed). idle_slots: slots without a meeting between the first
    and the last meeting of a participant, summed; idle_slots_available: those of them in which the
    participant was available. table_changes: how often a participant's next meeting is at another table.
    seconds: wall time.
    """

    status: Status
    assignments: tuple[Assignment, ...]
    placed_weight: int
    weight_bound: int
    breaks: int
    breaks_bound: int
    moved: int = 0
    moved_bound: int = 0
    seconds: float = 0.0
    unplaced: tuple[tuple[int, Reason], ...] = ()
    idle_slots: int = 0
    idle_slots_available: int = 0
    table_changes: int = 0


def allowed_slots(problem: Problem) -> list[list[int]]:
    """Per meeting the slots in which both participants can, within its session, fixed slot and pin.

    Empty where none remains. Orders (`after`), tables and interpreters are not looked at.
    """
    sessions = [frozenset(slots) for slots in problem.sessions]
    pinned = {row.meeting: row.slot for row in problem.pinned}
    people = problem.participants
    result = []
    for index, meeting in enumerate(problem.meetings):
        away = people[meeting.a].unavailable | people[meeting.b].unavailable
        slots = [slot for slot in range(problem.n_slots) if slot not in away]
        if meeting.session is not None:
            slots = [slot for slot in slots if slot in sessions[meeting.session]]
        if meeting.fixed is not None:
            slots = [slot for slot in slots if slot == meeting.fixed]
        if index in pinned:
            slots = [slot for slot in slots if slot == pinned[index]]
        result.append(slots)
    return result


def tables_per_slot(problem: Problem) -> list[int]:
    """How many tables are there in each slot."""
    counts = [problem.n_tables] * problem.n_slots
    for away in problem.table_unavailable:
        for slot in away:
            counts[slot] -= 1
    return counts
