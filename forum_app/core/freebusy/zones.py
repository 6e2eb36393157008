"""From wall-clock time to UTC: by a VTIMEZONE of the file, by a name, or by a name behind a path.

All datetimes here are naive: wall clock or UTC, as their names say.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from forum_app.core.freebusy.lines import Component, unescaped
from forum_app.core.freebusy.rules import Budget, Exhausted, OtherCalendar, occurrences, parse_rule
from forum_app.core.freebusy.values import BadValue, parse_moment, parse_offset
from forum_app.core.freebusy.windows_zones import WINDOWS_ZONES

_NAME = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_OFFSET_NAME = re.compile(r"(?:UTC|GMT)([+-])([0-9]{1,2}):?([0-9]{2})?", re.IGNORECASE)
_UTC_NAMES = frozenset({"utc", "z", "gmt", "etc/utc", "etc/gmt", "coordinated universal time", "zulu"})
_NO_PLACE = frozenset({"localtime", "posixrules", "factory"})
_WINDOWS = {name.casefold(): zone for name, zone in WINDOWS_ZONES.items()}
MOST_OBSERVANCES = 500
STEPS_OF_ONE = 20_000


class Zone(Protocol):
    """How wall-clock time and UTC belong together."""

    def to_utc(self, wall: datetime) -> datetime:
        """The first of a time that exists twice; what is left out, by the offset before the gap (3.3.5)."""

    def to_wall(self, utc: datetime) -> datetime: ...

    def exists(self, wall: datetime) -> bool:
        """Whether the clock ever shows this."""


class FixedZone:
    """One offset for ever; UTC is the one of none."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def to_utc(self, wall: datetime) -> datetime:
        return wall - self.offset

    def to_wall(self, utc: datetime) -> datetime:
        return utc + self.offset

    def exists(self, wall: datetime) -> bool:
        return True


class NamedZone:
    """A zone of the IANA database."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def to_utc(self, wall: datetime) -> datetime:
        offset = wall.replace(tzinfo=self.zone).utcoffset()  # fold=0 is what 3.3.5 asks for
        return wall - (offset or timedelta())

    def to_wall(self, utc: datetime) -> datetime:
        return utc.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None, fold=0)

    def exists(self, wall: datetime) -> bool:
        before = wall.replace(tzinfo=self.zone).utcoffset()
        after = wall.replace(tzinfo=self.zone, fold=1).utcoffset()
        return before is None or after is None or before >= after


class DefinedZone:
    """A zone as a VTIMEZONE defines it: the observance with the last onset before (3.6.5).

    changes: (UTC of the onset, offset from then on), sorted. before: what held before the first.
    """

    def __init__(self, changes: list[tuple[datetime, timedelta]], before: timedelta) -> None:
        self.onsets = [onset for onset, _ in changes]
        self.offsets = [before, *(offset for _, offset in changes)]

    def _around(self, wall: datetime) -> range:
        """Numbers of the offsets that may hold at a wall-clock time."""
        day = timedelta(days=1)
        low = bisect_right(self.onsets, wall - day) if wall - datetime.min > day else 0  # noqa: DTZ901
        return range(low, bisect_right(self.onsets, wall + day) + 1)

    def _holds(self, number: int, utc: datetime) -> bool:
        return (number == 0 or self.onsets[number - 1] <= utc) and (
            number == len(self.onsets) or utc < self.onsets[number]
        )

    def to_utc(self, wall: datetime) -> datetime:
        around = self._around(wall)
        for number in around:
            if self._holds(number, utc := wall - self.offsets[number]):
                return utc
        for number in around[1:]:
            utc = wall - self.offsets[number - 1]
            if utc >= self.onsets[number - 1] > wall - self.offsets[number]:
                return utc
        return wall - self.offsets[around[-1]]

    def to_wall(self, utc: datetime) -> datetime:
        return utc + self.offsets[bisect_right(self.onsets, utc)]

    def exists(self, wall: datetime) -> bool:
        return any(self._holds(number, wall - self.offsets[number]) for number in self._around(wall))


UTC_ZONE = FixedZone()


@cache
def _names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


@cache
def named_zone(name: str) -> Zone | None:
    """A zone by its IANA name, in any case; None if there is none."""
    if _NAME.fullmatch(name) is None or name.casefold() in _NO_PLACE:
        return None
    if name.casefold() in _UTC_NAMES:
        return UTC_ZONE
    try:
        return NamedZone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = _names().get(name.casefold())
        return None if known is None else NamedZone(ZoneInfo(known))


def guessed_zone(tzid: str) -> Zone | None:
    """A zone by what programs write as TZID: a name, a path that ends in one, Windows' name, an offset."""
    tzid = " ".join(tzid.strip("\"' \t").split())
    if tzid.casefold() in _UTC_NAMES:
        return UTC_ZONE
    if (windows := _WINDOWS.get(tzid.casefold())) is not None:
        return named_zone(windows)
    parts = tzid.split("/")[-12:]
    for first in range(len(parts)):
        alone = len(parts) - first == 1 and len(parts) > 1 and not tzid.startswith("/")
        if not alone and parts[first] and (zone := named_zone("/".join(parts[first:]))) is not None:
            return zone
    if (offset := _OFFSET_NAME.fullmatch(tzid)) is not None and int(offset[2]) <= 14:
        value = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return FixedZone(-value if offset[1] == "-" else value)
    return None


def _onsets(
    part: Component, horizon: datetime, budget: Budget
) -> tuple[list[datetime], timedelta, timedelta]:
    """(UTC onsets, offset before, offset after) of one STANDARD or DAYLIGHT; raises BadValue."""
    start, offset_from, offset_to = (part.first(name) for name in ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO"))
    if start is None or offset_from is None or offset_to is None:
        raise BadValue(part.name)
    before, after = parse_offset(offset_from.value), parse_offset(offset_to.value)
    moment = parse_moment(start.value)
    first = moment.wall + before if moment.is_utc else moment.wall
    walls = {first}
    for line in part.every("RDATE"):
        for value in line.values():
            budget.take()
            walls.add(parse_moment(value.partition("/")[0]).wall)
    for line in part.every("RRULE"):
        rule = parse_rule(line.value)
        until = rule.until
        for wall in occurrences(
            rule, first, is_date=False, exists=lambda _: True, budget=budget, before=horizon
        ):
            # UTC by the text; local in files by older programs, where it is compared as it is
            if until is not None and (wall - before if until.is_utc else wall) > (
                until.wall + timedelta(days=1, seconds=-1) if until.is_date else until.wall
            ):
                break
            walls.add(wall)
    return [wall - before for wall in walls], before, after


def define_zone(component: Component, horizon: datetime, budget: Budget) -> DefinedZone:
    """The zone of a VTIMEZONE, right up to horizon; raises BadValue when it defines none."""
    parts = [part for part in component.children if part.name in ("STANDARD", "DAYLIGHT")]
    if not parts or len(parts) > MOST_OBSERVANCES:
        raise BadValue(component.name)
    changes: list[tuple[datetime, timedelta, timedelta]] = []
    for part in parts:
        try:
            onsets, before, after = _onsets(part, horizon, budget)
        except (OtherCalendar, OverflowError) as error:
            raise BadValue(part.name) from error
        changes += [(onset, after, before) for onset in onsets]
    changes.sort()
    return DefinedZone([(onset, after) for onset, after, _ in changes], changes[0][2])


class Zones:
    """The zones of one calendar of a file: the VTIMEZONE is what defines a TZID (3.2.19), its name is not.

    floating: the zone of the person who reads. horizon: wall clock up to which definitions are worked out.
    """

    def __init__(
        self, parts: Mapping[str, Component], floating: Zone, horizon: datetime, budget: Budget
    ) -> None:
        self.floating = floating
        self._parts = parts
        self._horizon = horizon
        self._budget = budget
        self._known: dict[str, Zone | None] = {}

    @classmethod
    def of(cls, calendar: Component, floating: Zone, horizon: datetime, budget: Budget) -> "Zones":
        parts: dict[str, Component] = {}
        for component in calendar.children:
            if component.name == "VTIMEZONE" and (tzid := component.first("TZID")) is not None:
                parts.setdefault(_key(unescaped(tzid.value)), component)
        folded = {key.casefold(): component for key, component in reversed(parts.items())}
        return cls({**folded, **parts}, floating, horizon, budget)

    def get(self, tzid: str) -> Zone | None:
        """The zone of a TZID parameter; None if neither the file nor the name tells."""
        if tzid not in self._known:
            self._known[tzid] = self._find(tzid)
        return self._known[tzid]

    def _find(self, tzid: str) -> Zone | None:
        keys = (_key(tzid), _key(unescaped(tzid)))
        for key in (*keys, *(key.casefold() for key in keys)):
            if key in self._parts:
                try:
                    return self._define(self._parts[key])
                except BadValue:
                    break  # what defines nothing leaves the name
                except Exhausted:
                    return None
        return guessed_zone(tzid) or guessed_zone(unescaped(tzid))

    def _define(self, component: Component) -> Zone:
        part = Budget(min(STEPS_OF_ONE, self._budget.left))
        before = part.left
        try:
            return define_zone(component, self._horizon, part)
        finally:
            self._budget.left -= before - max(part.left, 0)


def _key(tzid: str) -> str:
    return " ".join(tzid.split())
