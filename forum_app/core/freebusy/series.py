"""The components of one UID to the times they take: the recurrence set and its exceptions.

RFC 5545 3.8.4.4 (RECURRENCE-ID), 3.8.5 (EXDATE, RDATE, RRULE); RFC 5546 2.1.5 (which version counts).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from forum_app.core.freebusy.entries import Entry, Length, When, beginning
from forum_app.core.freebusy.rules import UNITS, Budget, Rule, occurrences
from forum_app.core.freebusy.values import DAY

Span = tuple[datetime, datetime]
"""Start and end, naive UTC."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for, naive UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class _Instance:
    """One member of a recurrence set. key: its RECURRENCE-ID as naive UTC."""

    key: datetime
    start: When
    length: Length


def latest(entries: Iterable[Entry]) -> list[Entry]:
    """The newest version of a component: highest SEQUENCE, then latest DTSTAMP; several if both are equal."""
    found = list(entries)
    best = max((entry.rank for entry in found), default=None)
    return [entry for entry in found if entry.rank == best]


def _until(rule: Rule, start: When) -> Callable[[datetime], bool]:
    """Whether a wall-clock start is within UNTIL, inclusively (3.3.10).

    A UTC value is compared as an instant, else wall clock with wall clock; a date where DTSTART has a time
    (which it MUST NOT be) stands for its whole day.
    """
    until = rule.until
    if until is None:
        return lambda wall: True
    if start.is_date:
        last = beginning(until.wall)
        return lambda wall: wall <= last
    if until.is_utc:
        return lambda wall: start.zone.to_utc(wall) <= until.wall
    last = until.wall + timedelta(days=1, seconds=-1) if until.is_date else until.wall
    return lambda wall: wall <= last


class Series:
    """Master and exceptions of one UID, or of a component without one."""

    def __init__(self, entries: Iterable[Entry], window: Window, budget: Budget) -> None:
        self.window = window
        self.budget = budget
        masters: list[Entry] = []
        exceptions: dict[tuple[datetime, bool], list[Entry]] = {}
        for entry in entries:
            if entry.recurrence is None:
                masters.append(entry)
            else:
                key = (entry.recurrence.utc, entry.recurrence.is_date)
                exceptions.setdefault(key, []).append(entry)
        self.masters = latest(masters)
        gone = [master.rank[0] for master in self.masters if master.cancelled]
        self.exceptions = [
            entry
            for versions in exceptions.values()
            for entry in latest(versions)
            # an older exception went with the series that was called off since
            if not gone or entry.rank[0] >= min(gone)
        ]
        self.ranges = sorted((entry for entry in self.exceptions if entry.onwards), key=_key)
        self.range_keys = [_key(entry) for entry in self.ranges]
        self.replaced = {
            _key(one) for one in self.exceptions if one.recurrence and not one.recurrence.is_date
        }
        self.replaced_days = {
            one.recurrence.wall for one in self.exceptions if one.recurrence and one.recurrence.is_date
        }

    def spans(self) -> Iterator[Span]:
        """All times taken that reach into the window, in no order."""
        if not self.exceptions and len(self.masters) == 1 and not self.masters[0].repeats:
            if self.masters[0].busy:
                yield from self._within(self.masters[0].start, self.masters[0].length)
            return
        for entry in self.exceptions:
            if entry.busy:
                yield from self._within(entry.start, entry.length)
        for master in self.masters:
            if not master.busy and not self.ranges:
                continue
            for instance in self._members(master):
                if not self._is_replaced(instance):
                    yield from self._member(master, instance)

    def _is_replaced(self, instance: _Instance) -> bool:
        wall = instance.start.wall
        return instance.key in self.replaced or beginning(wall) in self.replaced_days

    def _member(self, master: Entry, instance: _Instance) -> Iterator[Span]:
        number = bisect_right(self.range_keys, instance.key)
        if number == 0:
            if master.busy:
                yield from self._within(instance.start, instance.length)
        elif (governing := self.ranges[number - 1]).busy:
            start, moved = instance.start, _moved(governing, instance.start)
            yield from self._within(When(start.wall + moved, start.zone, start.is_date), governing.length)

    def _within(self, start: When, length: Length) -> Iterator[Span]:
        begin = start.utc
        if begin >= self.window.end:
            return
        end = length.end(start)
        if end > begin and end > self.window.start:
            yield begin, end

    def _members(self, master: Entry) -> Iterator[_Instance]:
        """The recurrence set (3.8.5.3), as far as it may reach into the window, some of it twice.

        One by one, so that what is found before the steps are used up is found.
        """
        added: dict[datetime, _Instance] = {}
        for start, length in master.additions:
            self.budget.take()
            # of two with one start only one counts; a period tells its length (3.8.5.2, 3.8.5.3)
            if (key := start.utc) not in added or length is not None:
                added[key] = _Instance(key, start, length or master.length)
        periods = {start.utc for start, length in master.additions if length is not None}
        instants, days = _excluded(master)
        for instance in chain(self._by_rule(master), added.values()):
            if instance.key in periods and instance is not added[instance.key]:
                continue
            if instance.key not in instants and beginning(instance.start.wall) not in days:
                yield instance

    def _by_rule(self, master: Entry) -> Iterator[_Instance]:
        start = master.start
        if not master.rules:
            yield _Instance(start.utc, start, master.length)
            return
        reach = max(
            [master.length, *(one.length for one in self.ranges)], key=lambda one: one.longest
        ).longest
        moves = [_moved(entry, start) for entry in self.ranges]
        later = max([timedelta(), *moves]) + reach
        sooner = max([timedelta(), *(-move for move in moves)])
        for rule in master.rules:
            # clocks are put back by two hours at most, but for the few days without a date
            margin = timedelta(hours=3) if rule.freq in UNITS else 2 * DAY
            after = _shifted(start.zone.to_wall(self.window.start), -later - margin)
            before = _shifted(start.zone.to_wall(self.window.end), sooner + margin)
            within = _until(rule, start)
            for wall in occurrences(
                rule,
                start.wall,
                is_date=start.is_date,
                exists=start.zone.exists,
                budget=self.budget,
                after=after,
                before=before,
            ):
                if wall != start.wall and not within(wall):
                    break
                if wall >= after:
                    one = When(wall, start.zone, start.is_date)
                    yield _Instance(one.utc, one, master.length)


def _shifted(wall: datetime, by: timedelta) -> datetime:
    try:
        return wall + by
    except OverflowError:
        return datetime.min if by < timedelta() else datetime.max  # noqa: DTZ901 (wall clock)


def _key(entry: Entry) -> datetime:
    return entry.recurrence.utc if entry.recurrence is not None else entry.start.utc


def _moved(entry: Entry, start: When) -> timedelta:
    """By how much an exception moved its time, on the clock of the series."""
    if entry.recurrence is None:
        return timedelta()
    new, old = (
        one.wall if start.is_date else start.zone.to_wall(one.utc) for one in (entry.start, entry.recurrence)
    )
    moved = new - old
    return timedelta(days=moved.days) if start.is_date else moved


def _excluded(master: Entry) -> tuple[set[datetime], set[datetime]]:
    """EXDATEs as instants, and as days: a date excludes what begins on it, and midnight the all-day one."""
    instants, days = set(), set()
    for one in master.exceptions:
        if one.is_date or (master.start.is_date and one.wall == beginning(one.wall)):
            days.add(one.wall)
        else:
            instants.add(one.utc)
    return instants, days
