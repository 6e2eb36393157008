"""A run's result as people look at it: by level, by person, and what was not placed. Reads no rows."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from forum_app.timetable.instance import Instance, Row
from forum_app.timetable.levels import Level
from forum_app.timetable.models import ScheduleRun


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A wish without a place. request_id of a left-out one may have no people here."""

    request_id: int
    host: int | None
    guest: int | None
    level: Level | None
    reason: str


@dataclass(frozen=True, slots=True)
class PersonDay:
    """What a schedule gives one person: meetings, breaks between them, and wishes not placed."""

    meetings: int = 0
    breaks: int = 0
    unplaced: int = 0


@dataclass(slots=True)
class Summary:
    """The figures of a run's result."""

    instance: Instance
    placed_by_level: Mapping[Level, int]
    wished_by_level: Mapping[Level, int]
    unplaced: list[Unplaced]
    people: Mapping[int, PersonDay]
    placed_weight: int | None
    weight_bound: int | None
    breaks: int | None
    breaks_bound: int | None

    @property
    def reasons(self) -> Counter[str]:
        return Counter(one.reason for one in self.unplaced)

    @property
    def with_breaks(self) -> int:
        """People who have at least one break."""
        return sum(1 for person in self.people.values() if person.breaks)

    @property
    def without_meetings(self) -> int:
        """People with a wish and no meeting at all."""
        return sum(1 for person in self.people.values() if not person.meetings)


def summarize(run: ScheduleRun) -> Summary | None:
    """The summary of a run loaded whole; None if it has no result."""
    if run.result is None:
        return None
    return summary_of(Instance.loads(run.instance), json.loads(run.result))


def summary_of(instance: Instance, result: Mapping[str, Any]) -> Summary:
    """The figures of a schedule (b2b-schedule/1) for an instance."""
    wished: Counter[Level] = Counter(row.level for row in instance.meetings if row.request_id is not None)
    placed: Counter[Level] = Counter()
    slots: dict[int, list[int]] = {person: [] for person in instance.people}
    for number, slot, *_ in result["assignments"]:
        row = instance.meetings[number]
        if row.request_id is not None:
            placed[row.level] += 1
        slots[row.host].append(slot)
        slots[row.guest].append(slot)
    missing: Counter[int] = Counter()
    unplaced = []
    for number, reason in result.get("unplaced", ()):
        row = instance.meetings[number]
        if row.request_id is not None:
            unplaced.append(_unplaced(row, reason))
            missing.update((row.host, row.guest))
    unplaced.sort(key=lambda one: (one.level or 0, one.request_id))
    unplaced += [Unplaced(number, None, None, None, reason) for number, reason in instance.left_out]
    people = {
        person: PersonDay(
            len(used),
            sum(1 for one, other in pairwise(sorted(used)) if other > one + 1),
            missing[person],
        )
        for person, used in slots.items()
    }
    return Summary(
        instance,
        placed,
        wished,
        unplaced,
        people,
        result.get("placed_weight"),
        result.get("weight_bound"),
        result.get("breaks"),
        result.get("breaks_bound"),
    )


def _unplaced(row: Row, reason: str) -> Unplaced:
    return Unplaced(row.request_id or 0, row.host, row.guest, row.level, reason)


@dataclass(frozen=True, slots=True)
class Difference:
    """One person in two results."""

    person: int
    one: PersonDay
    other: PersonDay

    @property
    def gain(self) -> int:
        return self.other.meetings - self.one.meetings

    @property
    def fewer_breaks(self) -> int:
        return self.one.breaks - self.other.breaks


def differences(one: Summary, other: Summary) -> list[Difference]:
    """Who gains and who loses from one result to the other: losses first, then gains."""
    nothing = PersonDay()
    found = [
        Difference(person, one.people.get(person, nothing), other.people.get(person, nothing))
        for person in sorted({*one.people, *other.people})
    ]
    return sorted(
        (row for row in found if row.gain or row.fewer_breaks),
        key=lambda row: (row.gain, row.fewer_breaks, row.person),
    )
