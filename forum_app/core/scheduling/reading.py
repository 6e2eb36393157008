"""Instance files (`b2b-instance/1`) into a Problem, and a Result into a schedule (`b2b-schedule/1`).

Nothing in a file is trusted: what is wrong is said in one sentence (errors.Invalid) that names the place.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, TypeVar

from forum_app.core.errors import Invalid
from forum_app.core.scheduling.problem import (
    Assignment,
    Interpreter,
    Meeting,
    Participant,
    Problem,
    Result,
)

INSTANCE_FORMAT = "b2b-instance/1"
SCHEDULE_FORMAT = "b2b-schedule/1"

MAX_BYTES = 64 * 1024 * 1024
MAX_SLOTS = 1_000
MAX_TABLES = 20_000
MAX_PARTICIPANTS = 20_000
MAX_MEETINGS = 200_000
MAX_INTERPRETERS = 2_000
MAX_SESSIONS = 1_000
MAX_WEIGHT = 1_000_000
MAX_NUMBER = 2**53
MAX_CELLS = 20_000_000
"""Meetings times slots: what one machine can search."""

T = TypeVar("T")


def refuse(what: str) -> NoReturn:
    raise Invalid("The instance cannot be read: %(what)s.", what=what)


def read_problem(data: bytes) -> Problem:
    """The instance in data (JSON, UTF-8); raises Invalid with one sentence for anything malformed."""
    return _problem(_decoded(data))


def _decoded(data: bytes) -> dict[str, object]:
    if len(data) > MAX_BYTES:
        refuse(f"it is larger than {MAX_BYTES // 1024 // 1024} MB")
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_not_json)
    except UnicodeDecodeError as error:
        refuse(f"it is not UTF-8 (byte {error.start})")
    except RecursionError:
        refuse("it is nested too deeply")
    except json.JSONDecodeError as error:
        refuse(f"it is not JSON (line {error.lineno}, column {error.colno})")
    except ValueError:  # a number with thousands of digits
        refuse("it contains a number that is too long")
    if not isinstance(value, dict):
        refuse("it is not a JSON object")
    return value


def _not_json(word: str) -> NoReturn:
    refuse(f"{word} is not a number of JSON")


def _problem(file: dict[str, object]) -> Problem:
    if file.get("format") != INSTANCE_FORMAT:
        refuse(f"format must be {INSTANCE_FORMAT!r}")
    n_slots = _integer(_needed(file, "n_slots", ""), "n_slots", 1, MAX_SLOTS)
    n_tables = _integer(_needed(file, "n_tables", ""), "n_tables", 0, MAX_TABLES)
    sessions = tuple(
        tuple(sorted(_slots(slots, f"sessions[{index}]", n_slots)))
        for index, slots in enumerate(_list(_given(file, "sessions"), "sessions", MAX_SESSIONS))
    )
    mandatory = _needed(file, "all_mandatory", "")
    if not isinstance(mandatory, bool):
        refuse("all_mandatory must be true or false")
    fairness = _optional(file, "fairness_d", "", lambda value, at: _integer(value, at, 0, MAX_SLOTS))

    people_rows = _objects(_needed(file, "participants", ""), "participants", MAX_PARTICIPANTS)
    people_at = _numbering(people_rows, "participants")
    people = tuple(_participant(row, at, n_slots) for row, at in people_rows)

    interpreter_rows = _objects(_given(file, "interpreters"), "interpreters", MAX_INTERPRETERS)
    interpreters_at = _numbering(interpreter_rows, "interpreters")
    interpreters = tuple(_interpreter(row, at, n_slots) for row, at in interpreter_rows)

    meeting_rows = _objects(_needed(file, "meetings", ""), "meetings", MAX_MEETINGS)
    if len(meeting_rows) * n_slots > MAX_CELLS:
        refuse(f"{len(meeting_rows)} meetings times {n_slots} slots is more than {MAX_CELLS}")
    meetings_at = _numbering(meeting_rows, "meetings")
    meetings = tuple(
        _meeting(row, at, people_at, meetings_at, interpreters_at, len(sessions), n_slots, n_tables)
        for row, at in meeting_rows
    )
    _acyclic(meetings)
    places = _Places(n_slots, n_tables, meetings_at, interpreters_at)
    near = _near(_given(file, "near"), n_slots)
    if near and (mandatory or fairness is not None or any(meeting.after for meeting in meetings)):
        refuse("near goes neither with all_mandatory nor with fairness_d nor with after")
    return Problem(
        n_slots=n_slots,
        n_tables=n_tables,
        participants=people,
        meetings=meetings,
        name=_text(file.get("name"), "name"),
        sessions=sessions,
        all_mandatory=mandatory,
        fairness_d=fairness,
        interpreters=interpreters,
        table_unavailable=_tables(_given(file, "tables"), n_tables, n_slots),
        previous=places.read(_given(file, "previous"), "previous", forgotten=True),
        pinned=places.read(_given(file, "pinned"), "pinned", forgotten=False),
        buildings=_buildings(_given(file, "tables"), n_tables) if near else (),
        near=near,
    )


def _participant(row: dict[str, object], at: str, n_slots: int) -> Participant:
    most = _optional(row, "max_meetings", at, lambda value, at: _integer(value, at, 0, MAX_NUMBER))
    least = _optional(row, "min_meetings", at, lambda value, at: _integer(value, at, 0, MAX_NUMBER))
    return Participant(
        kind=_text(row.get("kind"), f"{at}.kind") or "participant",
        unavailable=_slots(_needed(row, "unavailable", at), f"{at}.unavailable", n_slots),
        max_meetings=most,
        min_meetings=least or 0,
        number=_number(row, at),
    )


def _interpreter(row: dict[str, object], at: str, n_slots: int) -> Interpreter:
    return Interpreter(
        unavailable=_slots(_given(row, "unavailable"), f"{at}.unavailable", n_slots),
        max_run=_optional(row, "max_run", at, lambda value, at: _integer(value, at, 1, MAX_NUMBER)),
        number=_number(row, at),
    )


def _meeting(
    row: dict[str, object],
    at: str,
    people: dict[int, int],
    meetings: dict[int, int],
    interpreters: dict[int, int],
    n_sessions: int,
    n_slots: int,
    n_tables: int,
) -> Meeting:
    def interpreters_of(value: object, at: str) -> tuple[int, ...] | None:
        if value is False:
            return None
        if value is True:
            return tuple(range(len(interpreters)))
        if not isinstance(value, list):
            refuse(f"{at} must be true, false or a list of interpreters")
        numbers = _list(value, at, MAX_INTERPRETERS)
        return tuple(sorted({_known(number, at, interpreters, "interpreter") for number in numbers}))

    def tables_of(value: object, at: str) -> tuple[int, ...]:
        return tuple(sorted({_integer(v, at, 0, n_tables - 1) for v in _list(value, at, n_tables)}))

    a, b = (_known(_needed(row, key, at), f"{at}.{key}", people, "participant") for key in ("a", "b"))
    if a == b:
        refuse(f"{at} is a meeting of a participant with itself")
    after = _list(_given(row, "after"), f"{at}.after", MAX_MEETINGS)
    return Meeting(
        a=a,
        b=b,
        weight=_integer(row.get("weight", 1), f"{at}.weight", 1, MAX_WEIGHT),
        session=_optional(row, "session", at, lambda value, at: _integer(value, at, 0, n_sessions - 1)),
        fixed=_optional(row, "fixed", at, lambda value, at: _integer(value, at, 0, n_slots - 1)),
        after=tuple(sorted({_known(number, f"{at}.after", meetings, "meeting") for number in after})),
        interpreters=_optional(row, "interpreter", at, interpreters_of),
        tables=_optional(row, "tables", at, tables_of),
        number=_number(row, at),
    )


class _Places:
    """Reads rows [meeting, slot, table] or [meeting, slot, table, interpreter]."""

    def __init__(
        self, n_slots: int, n_tables: int, meetings: dict[int, int], interpreters: dict[int, int]
    ) -> None:
        self.n_slots = n_slots
        self.n_tables = n_tables
        self.meetings = meetings
        self.interpreters = interpreters

    def read(self, value: object, where: str, *, forgotten: bool) -> tuple[Assignment, ...]:
        """forgotten: meetings (and interpreters) that no longer exist are left out, not refused."""
        rows: dict[int, Assignment] = {}
        for index, row in enumerate(_list(value, where, MAX_MEETINGS)):
            at = f"{where}[{index}]"
            if not isinstance(row, list) or not 2 <= len(row) <= 4:
                refuse(f"{at} must be [meeting, slot, table]")
            if forgotten and _integer(row[0], at, 0, MAX_NUMBER) not in self.meetings:
                continue
            meeting = _known(row[0], at, self.meetings, "meeting")
            if meeting in rows:
                refuse(f"{at} names meeting {row[0]} again")
            slot = _integer(row[1], f"{at} slot", 0, self.n_slots - 1)
            table = row[2] if len(row) > 2 else None
            if table is not None:
                table = _integer(table, f"{at} table", 0, self.n_tables - 1)
            interpreter = row[3] if len(row) > 3 else None
            if interpreter is not None:
                if forgotten and _integer(interpreter, at, 0, MAX_NUMBER) not in self.interpreters:
                    interpreter = None
                else:
                    interpreter = _known(interpreter, at, self.interpreters, "interpreter")
            rows[meeting] = Assignment(meeting, slot, table, interpreter)
        return tuple(rows[meeting] for meeting in sorted(rows))


def _tables(value: object, n_tables: int, n_slots: int) -> tuple[frozenset[int], ...]:
    rows = _objects(value, "tables", n_tables)
    away: dict[int, frozenset[int]] = {}
    for row, at in rows:
        table = _integer(_needed(row, "id", at), f"{at}.id", 0, n_tables - 1)
        if table in away:
            refuse(f"{at}.id {table} is there twice")
        away[table] = _slots(_given(row, "unavailable"), f"{at}.unavailable", n_slots)
    if not any(away.values()):
        return ()
    return tuple(away.get(table, frozenset()) for table in range(n_tables))


def _buildings(value: object, n_tables: int) -> tuple[int | None, ...]:
    """Of tables that _tables() has read."""
    found: dict[object, int | None] = {
        row["id"]: _optional(row, "building", at, lambda value, at: _integer(value, at, 0, MAX_NUMBER))
        for row, at in _objects(value, "tables", n_tables)
    }
    return tuple(found.get(table) for table in range(n_tables))


def _near(value: object, n_slots: int) -> tuple[frozenset[int], ...]:
    """Our own addition: per slot the others too near for the way to another building; both ways round."""
    rows = _list(value, "near", n_slots)
    if not rows:
        return ()
    near: list[set[int]] = [set() for _ in range(n_slots)]
    for slot, others in enumerate(rows):
        for other in _slots(others, f"near[{slot}]", n_slots) - {slot}:
            near[slot].add(other)
            near[other].add(slot)
    return tuple(map(frozenset, near)) if any(near) else ()


def _acyclic(meetings: Sequence[Meeting]) -> None:
    waits = [len(meeting.after) for meeting in meetings]
    followers: list[list[int]] = [[] for _ in meetings]
    for index, meeting in enumerate(meetings):
        for earlier in meeting.after:
            followers[earlier].append(index)
    ready = [index for index, count in enumerate(waits) if count == 0]
    for index in ready:  # grows while it is read
        for follower in followers[index]:
            waits[follower] -= 1
            if waits[follower] == 0:
                ready.append(follower)
    if len(ready) < len(meetings):
        first = next(meetings[index].number for index, count in enumerate(waits) if count > 0)
        refuse(f"after goes round in a circle (meeting {first})")


# ------------------------------------------------------------------ shapes


def _needed(row: dict[str, object], key: str, at: str) -> object:
    if key not in row:
        refuse(f"{at}.{key} is missing" if at else f"{key} is missing")
    return row[key]


def _given(row: dict[str, object], key: str) -> object:
    """The value, or an empty list where there is none."""
    value = row.get(key)
    return [] if value is None else value


def _optional(row: dict[str, object], key: str, at: str, read: Callable[[object, str], T]) -> T | None:
    value = row.get(key)
    return None if value is None else read(value, f"{at}.{key}" if at else key)


def _integer(value: object, at: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(f"{at} must be a whole number")
    if not least <= value <= most:
        shown = str(value) if abs(value) <= MAX_NUMBER else "a very large number"
        if most < least:
            refuse(f"{at} is {shown}, but there is nothing to refer to")
        refuse(f"{at} is {shown}, it must lie between {least} and {most}")
    return value


def _known(value: object, at: str, numbers: dict[int, int], what: str) -> int:
    number = _integer(value, at, 0, MAX_NUMBER)
    if number not in numbers:
        refuse(f"{at}: {what} {number} does not exist")
    return numbers[number]


def _text(value: object, at: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 500:
        refuse(f"{at} must be a text of at most 500 characters")
    return value


def _list(value: object, at: str, most: int) -> list[object]:
    if not isinstance(value, list):
        refuse(f"{at} must be a list")
    if len(value) > most:
        refuse(f"{at} has {len(value)} entries, at most {most} are possible")
    return value


def _objects(value: object, where: str, most: int) -> list[tuple[dict[str, object], str]]:
    rows = []
    for index, row in enumerate(_list(value, where, most)):
        if not isinstance(row, dict):
            refuse(f"{where}[{index}] must be an object")
        rows.append((row, f"{where}[{index}]"))
    return rows


def _slots(value: object, at: str, n_slots: int) -> frozenset[int]:
    return frozenset(_integer(slot, at, 0, n_slots - 1) for slot in _list(value, at, 10 * MAX_SLOTS))


def _number(row: dict[str, object], at: str) -> int:
    return _integer(_needed(row, "id", at), f"{at}.id", 0, MAX_NUMBER)


def _numbering(rows: Iterable[tuple[dict[str, object], str]], where: str) -> dict[int, int]:
    numbers: dict[int, int] = {}
    for row, at in rows:
        number = _number(row, at)
        if number in numbers:
            refuse(f"{where} has two entries with id {number}")
        numbers[number] = len(numbers)
    return numbers


# ------------------------------------------------------------------ out


def write_result(problem: Problem, result: Result) -> dict[str, object]:
    """The schedule as a JSON object with the numbers of the instance file."""

    def number(index: int, given: int) -> int:
        return given if given >= 0 else index

    def meeting(index: int) -> int:
        return number(index, problem.meetings[index].number)

    def interpreter(index: int) -> int:
        return number(index, problem.interpreters[index].number)

    rows: list[list[int | None]] = []
    for row in result.assignments:
        line = [meeting(row.meeting), row.slot, row.table]
        if row.interpreter is not None:
            line.append(interpreter(row.interpreter))
        rows.append(line)
    return {
        "format": SCHEDULE_FORMAT,
        "instance": problem.name,
        "status": str(result.status),
        "placed": len(result.assignments),
        "placed_weight": result.placed_weight,
        "weight_bound": result.weight_bound,
        "breaks": result.breaks,
        "breaks_bound": result.breaks_bound,
        "moved": result.moved,
        "moved_bound": result.moved_bound,
        "idle_slots": result.idle_slots,
        "idle_slots_available": result.idle_slots_available,
        "table_changes": result.table_changes,
        "seconds": round(result.seconds, 3),
        "assignments": rows,
        "unplaced": [[meeting(index), str(reason)] for index, reason in result.unplaced],
    }
