"""Components to entries: what one VEVENT or AVAILABLE says about time (RFC 5545 3.6.1, 3.8.2)."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from forum_app.core.freebusy.lines import Component, Property
from forum_app.core.freebusy.rules import Budget, Rule, parse_rule
from forum_app.core.freebusy.values import (
    BadValue,
    Duration,
    Moment,
    parse_duration,
    parse_integer,
    parse_moment,
)
from forum_app.core.freebusy.zones import UTC_ZONE, Zone, Zones


class UnknownZone(Exception):
    """A TZID that neither the file nor its own name explains."""


@dataclass(frozen=True, slots=True)
class When:
    """A point of time with the zone it was written in. wall: naive; of a date its midnight."""

    wall: datetime
    zone: Zone
    is_date: bool

    @property
    def utc(self) -> datetime:
        """The instant, naive."""
        return self.zone.to_utc(self.wall)


@dataclass(frozen=True, slots=True)
class Length:
    """How long an entry takes: days by the calendar, then rest by the stopwatch.

    A DTEND makes the same exact duration of each repetition, a DURATION the same nominal one (3.8.5.3).
    """

    days: int
    rest: timedelta

    def end(self, start: When) -> datetime:
        """The UTC end, naive, of what begins at start."""
        wall = start.wall + timedelta(days=self.days)
        return start.zone.to_utc(wall) + self.rest

    @property
    def longest(self) -> timedelta:
        """At most how long, on any clock: a day has up to 25 hours, or more where a country changes sides."""
        return timedelta(days=self.days + 1 if self.days else 0) + self.rest


NOTHING = Length(0, timedelta())
ONE_DAY = Length(1, timedelta())


@dataclass(slots=True)
class Entry:
    """One VEVENT or AVAILABLE. busy: neither transparent nor cancelled.

    rank: SEQUENCE and DTSTAMP. additions: RDATEs, with a length of their own if they are periods. exceptions:
    EXDATEs. recurrence: RECURRENCE-ID; onwards: with RANGE=THISANDFUTURE. broken: an RRULE or RDATE could not
    be read; the other starts still count.
    """

    uid: str | None
    rank: tuple[int, str]
    start: When
    length: Length
    busy: bool
    cancelled: bool
    rules: list[Rule]
    additions: list[tuple[When, Length | None]]
    exceptions: list[When]
    recurrence: When | None
    onwards: bool
    broken: bool = False

    @property
    def repeats(self) -> bool:
        return bool(self.rules or self.additions or self.exceptions)


def when(line: Property, zones: Zones, text: str | None = None) -> When:
    """A value with the zone that its property names; raises BadValue, UnknownZone."""
    return _placed(parse_moment(line.value if text is None else text), line, zones)


def _placed(moment: Moment, line: Property, zones: Zones) -> When:
    if moment.is_utc:
        return When(moment.wall, UTC_ZONE, False)
    # a date has no zone, whatever its TZID says (3.2.19): it is the reader's day
    tzid = None if moment.is_date else line.parameters.get("TZID")
    if tzid is None or not tzid.strip():
        return When(moment.wall, zones.floating, moment.is_date)
    zone = zones.get(tzid)
    if zone is None:
        raise UnknownZone(tzid)
    return When(moment.wall, zone, False)


def _by_duration(duration: Duration) -> Length:
    return Length(duration.days, duration.rest)


def between(start: When, end: When) -> Length | None:
    """The length from start to end; None if the end is not after the start."""
    if start.is_date and end.is_date:
        days = (end.wall - start.wall).days
        return Length(days, timedelta()) if days > 0 else None
    rest = end.utc - start.utc
    return Length(0, rest) if rest > timedelta() else None


def read_length(component: Component, start: When, zones: Zones) -> Length:
    """The length of an entry (3.6.1): DTEND, else DURATION, else the day of a date, else no time at all.

    An end that is not after the start MUST NOT be and is as if it were not there.
    """
    otherwise = ONE_DAY if start.is_date else NOTHING
    if (end := component.first("DTEND")) is not None:
        return between(start, when(end, zones)) or otherwise
    if (duration := component.first("DURATION")) is not None:
        length = _by_duration(parse_duration(duration.value))
        return otherwise if length == NOTHING else length
    return otherwise


def read_period(line: Property, zones: Zones, value: str) -> tuple[When, Length]:
    """A PERIOD (3.3.9); raises BadValue, UnknownZone."""
    first, slash, second = value.strip(" \t").partition("/")
    start = when(line, zones, first)
    if not slash or start.is_date:
        raise BadValue(value)
    if second[:1] in "Pp+-":
        length: Length | None = _by_duration(parse_duration(second))
    else:
        length = between(start, when(line, zones, second))
    if length is None or length == NOTHING:
        raise BadValue(value)
    return start, length


def _addition(line: Property, value: str, start: When, zones: Zones) -> tuple[When, Length | None]:
    if "/" in value:
        return read_period(line, zones, value)
    one = when(line, zones, value)
    if one.is_date and not start.is_date:  # the day is told, the hour is that of DTSTART
        clock = start.wall - beginning(start.wall)
        one = When(one.wall + clock, start.zone, False)
    elif start.is_date and not one.is_date:
        one = When(beginning(one.wall), start.zone, True)
    return one, None


def _exceptions(component: Component, zones: Zones, budget: Budget) -> list[When]:
    """EXDATEs; one that cannot be read excludes nothing."""
    found = []
    for line in component.every("EXDATE"):
        for value in line.values():
            budget.take(2)
            with suppress(BadValue, UnknownZone):
                found.append(when(line, zones, value))
    return found


def read_entry(component: Component, zones: Zones, budget: Budget, *, cancels: bool = False) -> Entry | None:
    """What a component says; None if it has no start and so takes no time.

    cancels: it stands in a METHOD:CANCEL. Raises BadValue, UnknownZone for what cannot be placed in time,
    OtherCalendar, Exhausted.
    """
    begin = component.first("DTSTART")
    recurrence = component.first("RECURRENCE-ID")
    cancelled = cancels or component.word("STATUS") == "CANCELLED"
    if begin is None:
        if recurrence is None or not cancelled:
            return None
        start = when(recurrence, zones)  # a cancellation of one time needs no DTSTART
    else:
        start = when(begin, zones)
    sequence = component.word("SEQUENCE")
    try:
        number = parse_integer(sequence) if sequence else 0
    except BadValue:
        number = 0
    uid = component.first("UID")
    rules, broken = [], False
    for line in component.every("RRULE") if recurrence is None else ():
        budget.take(10)
        try:
            rule = parse_rule(line.value)
        except BadValue:
            broken = True
            continue
        if rule not in rules:
            rules.append(rule)
    if start.is_date and any(rule.freq in ("HOURLY", "MINUTELY", "SECONDLY") for rule in rules):
        rules, broken = [], True
    additions = []
    for line in component.every("RDATE") if recurrence is None else ():
        for value in line.values():
            budget.take(2)
            try:
                additions.append(_addition(line, value, start, zones))
            except (BadValue, UnknownZone):
                broken = True
    return Entry(
        uid=uid.value.strip() or None if uid else None,
        rank=(number, component.word("DTSTAMP")),
        start=start,
        length=read_length(component, start, zones),
        busy=not cancelled and component.word("TRANSP") != "TRANSPARENT",
        cancelled=cancelled,
        rules=rules,
        additions=additions,
        exceptions=_exceptions(component, zones, budget) if recurrence is None else [],
        recurrence=when(recurrence, zones) if recurrence else None,
        onwards=recurrence is not None and recurrence.parameters.get("RANGE", "").upper() == "THISANDFUTURE",
        broken=broken,
    )


def beginning(wall: datetime) -> datetime:
    """The midnight of a wall-clock time's day."""
    return wall.replace(hour=0, minute=0, second=0)
