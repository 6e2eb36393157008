"""An instance of the scheduler as a run keeps it, and a schedule in terms of our rows.

An instance is what `core.scheduling` solves (b2b-instance/1) with the ids of our rows beside it, index by
index: `rows["meetings"][k]` belongs to meeting k.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forum_app.core.intervals import Interval
from forum_app.core.scheduling.problem import Problem
from forum_app.core.scheduling.reading import read_problem
from forum_app.timetable.levels import Level


@dataclass(frozen=True, slots=True)
class Row:
    """What meeting k of an instance is. request_id None: a meeting that stays."""

    request_id: int | None
    meeting_id: int | None
    host: int
    guest: int
    level: Level


@dataclass(frozen=True, slots=True)
class Planned:
    """One meeting of a result in terms of our rows."""

    request_id: int
    host: int
    guest: int
    span: Interval
    table_id: int | None
    interpreter_id: int | None


class Instance:
    """b2b: the object the scheduler reads. The lists translate its indices; left_out: requests that
    are not part of it, with the reason."""

    def __init__(self, envelope: Mapping[str, Any]) -> None:
        self.b2b: dict[str, Any] = envelope["b2b"]
        rows = envelope["rows"]
        self.slots = [
            Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
            for start, end in rows["slots"]
        ]
        self.people: list[int] = rows["people"]
        self.tables: list[int | None] = rows["tables"]
        self.interpreters: list[int] = rows["interpreters"]
        self.meetings = [
            Row(request, meeting, host, guest, Level(level))
            for request, meeting, host, guest, level in rows["meetings"]
        ]
        self.left_out: list[tuple[int, str]] = [(number, reason) for number, reason in rows["left_out"]]
        self._envelope = envelope

    @classmethod
    def loads(cls, text: str) -> "Instance":
        return cls(json.loads(text))

    def dumps(self) -> str:
        return json.dumps(self._envelope, separators=(",", ":"), sort_keys=True)

    @property
    def digest(self) -> str:
        """Of everything a result depends on: equal digests, equal inputs."""
        return hashlib.sha256(self.dumps().encode()).hexdigest()

    @property
    def wishes(self) -> int:
        """How many meetings there are to place."""
        return sum(1 for row in self.meetings if row.request_id is not None)

    @property
    def stays(self) -> int:
        """How many meetings of the instance are pinned."""
        return len(self.meetings) - self.wishes

    def problem(self) -> Problem:
        return read_problem(json.dumps(self.b2b).encode())

    def planned(self, result: Mapping[str, Any]) -> list[Planned]:
        """The wishes that a schedule (b2b-schedule/1) places, in its order."""
        plan = []
        for number, slot, table, *rest in result["assignments"]:
            row = self.meetings[number]
            if row.request_id is None:
                continue
            helper = rest[0] if rest else None
            plan.append(
                Planned(
                    row.request_id,
                    row.host,
                    row.guest,
                    self.slots[slot],
                    self.tables[table] if table is not None else None,
                    self.interpreters[helper] if helper is not None else None,
                )
            )
        return plan
