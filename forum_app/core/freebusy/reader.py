"""The busy time of a calendar file; see the package's docstring."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forum_app.core.errors import Invalid
from forum_app.core.freebusy.entries import (
    Entry,
    UnknownZone,
    read_entry,
    read_length,
    read_period,
    when,
)
from forum_app.core.freebusy.lines import Component, parse
from forum_app.core.freebusy.rules import Budget, Exhausted, OtherCalendar
from forum_app.core.freebusy.series import Series, Span, Window
from forum_app.core.freebusy.values import BadValue, parse_integer
from forum_app.core.freebusy.zones import Zone, Zones, named_zone
from forum_app.core.intervals import Interval, clip, merge, subtract
from forum_app.core.text import N_

MOST_STEPS = 120_000
STEPS_OF_ONE = 40_000  # of one series, so that one endless entry does not hide the others
MOST_SPANS = 60_000
LONGEST_WINDOW = timedelta(days=366 * 30)
HORIZON = timedelta(days=750)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found. busy: UTC, merged, sorted, cut to the window.

    cut: the first sentence (marked with N_) that says what is not in it, with its params; None if all is.
    """

    busy: list[Interval]
    cut: str | None = None
    params: dict[str, object] | None = None

    @property
    def sentence(self) -> str | None:
        """The sentence in English."""
        if self.cut is None:
            return None
        return self.cut % self.params if self.params else self.cut


def read_busy(data: bytes, *, zone: str, window: Interval, without: str = "") -> Reading:
    """The busy time of a calendar file within a window.

    zone: the reader's IANA zone, for floating times and whole days. without: a domain whose entries (by
    their UID) do not count: what came from here is no other calendar. Raises Invalid, with a sentence, for
    what is no calendar, is too large or too deep, or counts in a calendar that is not read here.
    """
    floating = named_zone(zone)
    if floating is None:
        raise Invalid(N_("%(zone)s is not a time zone."), zone=zone)
    if window.duration > LONGEST_WINDOW:
        raise Invalid(N_("At most thirty years are read at a time."))
    return _Reader(floating, window, without).read(data)


class _Reader:
    def __init__(self, floating: Zone, window: Interval, without: str) -> None:
        self.without = f"@{without.casefold()}" if without else ""
        self.floating = floating
        self.window = window
        self.naive = Window(window.start.replace(tzinfo=None), window.end.replace(tzinfo=None))
        self.budget = Budget(MOST_STEPS)
        self.cut: str | None = None
        self.params: dict[str, object] | None = None
        self.unread = 0
        self.spans: list[Span] = []
        self.series: dict[str, list[Entry]] = {}
        self.alone: list[list[Entry]] = []
        self.availability: list[tuple[int, list[Interval], list[Interval]]] = []

    def read(self, data: bytes) -> Reading:
        parsed = parse(data)
        self._note(parsed.cut)
        with self._bounded():
            for calendar in parsed.calendars:
                self._calendar(calendar)
        with self._bounded():
            for entries in [*self.series.values(), *self.alone]:
                self.spans.extend(self._expand(entries))
        if self.unread:
            self._note(N_("Entries that could not be read and do not count: %(number)s."), number=self.unread)
        return Reading(self._merged(), self.cut, self.params)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Keep what was found when the steps are used up, and say so."""
        try:
            yield
        except Exhausted:
            self._note(N_("There are too many repetitions; only a part of them was read."))

    def _note(self, sentence: str | None, **params: object) -> None:
        """Keep the first thing that is wanting."""
        if sentence is not None and self.cut is None:
            self.cut, self.params = sentence, params or None

    def _merged(self) -> list[Interval]:
        found = [_interval(span) for span in self.spans]
        return merge(clip([*found, *self._unavailable()], self.window))

    # --- Components ------------------------------------------------------------------------------
    def _calendar(self, calendar: Component) -> None:
        if calendar.word("VERSION") == "1.0":
            raise Invalid(
                N_("This is a vCalendar of 1996 (version 1.0), which is not read; export it as iCalendar.")
            )
        scale = calendar.word("CALSCALE")
        if scale not in ("", "GREGORIAN"):
            raise Invalid(
                N_("This calendar does not count in the Gregorian calendar: %(name)s."), name=scale[:30]
            )
        horizon = min(self.naive.end, datetime(9990, 1, 1)) + HORIZON  # noqa: DTZ001 (naive UTC)
        zones = Zones.of(calendar, self.floating, horizon, self.budget)
        cancels = calendar.word("METHOD") == "CANCEL"
        for component in calendar.children:
            if not component.whole:  # another one began before its end
                self.unread += component.name == "VEVENT"
                continue
            try:
                if component.name == "VEVENT":
                    self._event(component, zones, cancels)
                elif component.name == "VFREEBUSY":
                    self._freebusy(component, zones)
                elif component.name == "VAVAILABILITY":
                    self._available(component, zones)
            except (BadValue, OverflowError):
                self.unread += 1
            except UnknownZone as error:
                self._note(
                    N_("Entries in the time zone “%(name)s” do not count: nobody knows it."),
                    name=" ".join(str(error).split())[:60],
                )
            except OtherCalendar as error:
                raise Invalid(
                    N_("An entry repeats by the calendar %(name)s (RSCALE), which is not read here."),
                    name=str(error),
                ) from error

    def _event(self, component: Component, zones: Zones, cancels: bool) -> None:
        self.budget.take(5)
        entry = read_entry(component, zones, self.budget, cancels=cancels)
        if entry is None:
            return
        if entry.broken:
            self._note(N_("A repetition could not be read; only the other times of its entry count."))
        if self.without and entry.uid and entry.uid.casefold().endswith(self.without):
            return
        if entry.uid is None:
            self.alone.append([entry])
        else:
            self.series.setdefault(entry.uid, []).append(entry)

    def _expand(self, entries: list[Entry]) -> Iterator[Span]:
        part = Budget(min(STEPS_OF_ONE, self.budget.left))
        before = part.left
        try:
            with self._bounded():
                for span in Series(entries, self.naive, part).spans():
                    yield span
                    if len(self.spans) > MOST_SPANS:
                        raise Exhausted
        except OverflowError:
            self.unread += 1
        self.budget.take(max(0, before - max(part.left, 0)))

    def _freebusy(self, component: Component, zones: Zones) -> None:
        """VFREEBUSY (3.6.4): its periods count; its own DTSTART and DTEND only say what was asked."""
        for line in component.every("FREEBUSY"):
            if line.parameters.get("FBTYPE", "BUSY").strip().upper() == "FREE":
                continue  # any other word counts as BUSY (3.2.9)
            for value in line.values():
                self.budget.take(2)
                try:
                    start, length = read_period(line, zones, value)
                except BadValue:
                    self.unread += 1
                    continue
                self.spans.append((start.utc, length.end(start)))

    def _available(self, component: Component, zones: Zones) -> None:
        """VAVAILABILITY (RFC 7953): within its bounds, all that is not AVAILABLE is busy."""
        begin, end = component.first("DTSTART"), component.first("DTEND")
        start = when(begin, zones) if begin else None
        low = start.utc if start else None
        high = when(end, zones).utc if end else None
        if start is not None and end is None and component.first("DURATION") is not None:
            high = read_length(component, start, zones).end(start)
        low = max(low or self.naive.start, self.naive.start)
        high = min(high or self.naive.end, self.naive.end)
        if high <= low:
            return
        series: dict[str, list[Entry]] = {}
        for number, child in enumerate(component.children):
            if child.name == "AVAILABLE" and child.whole:
                entry = read_entry(child, zones, self.budget)
                if entry is not None:
                    series.setdefault(entry.uid or f"\n{number}", []).append(entry)
        open_times = [_interval(span) for entries in series.values() for span in self._expand(entries)]
        priority = component.first("PRIORITY")
        rank = parse_integer(priority.value) if priority else 0
        self.availability.append((rank if 1 <= rank <= 9 else 10, [_interval((low, high))], open_times))

    def _unavailable(self) -> Iterable[Interval]:
        """From the lowest priority (undefined, then 9) to the highest (1), each overriding (RFC 7953, 4)."""
        busy: list[Interval] = []
        for rank in sorted({rank for rank, _, _ in self.availability}, reverse=True):
            equal = [(whole, open_times) for one, whole, open_times in self.availability if one == rank]
            busy = subtract(busy, [span for whole, _ in equal for span in whole])
            for whole, open_times in equal:
                busy = merge([*busy, *subtract(whole, open_times)])
        return busy


def _interval(span: Span) -> Interval:
    return Interval(span[0].replace(tzinfo=UTC), span[1].replace(tzinfo=UTC))
