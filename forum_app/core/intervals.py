"""Half-open spans of time in UTC: overlap, union, difference, slots and grid cells."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forum_app.core.errors import Invalid
from forum_app.core.text import N_

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The instants from `start` up to, not including, `end`.

    Both are aware; they are turned into UTC, so that equality and order are those of instants.
    Raises Invalid when the end is not after the start, ValueError for a naive datetime.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value: datetime = getattr(self, name)
            if value.utcoffset() is None:
                raise ValueError("An interval needs datetimes with a time zone.")
            if value.tzinfo is not UTC:
                object.__setattr__(self, name, value.astimezone(UTC))
        if self.end <= self.start:
            raise Invalid(N_("The end must be after the start."))

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def covers(self, other: "Interval") -> bool:
        return self.start <= other.start and other.end <= self.end


def overlaps(a: Interval, b: Interval) -> bool:
    """Whether they share an instant; touching ends share none."""
    return a.start < b.end and b.start < a.end


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The union as the fewest intervals, sorted; touching ones become one."""
    merged: list[Interval] = []
    for interval in sorted(intervals):
        if merged and interval.start <= merged[-1].end:
            if interval.end > merged[-1].end:
                merged[-1] = Interval(merged[-1].start, interval.end)
        else:
            merged.append(interval)
    return merged


def subtract(intervals: Iterable[Interval], removed: Iterable[Interval]) -> list[Interval]:
    """What is in `intervals` and not in `removed`, merged and sorted."""
    holes = merge(removed)
    left: list[Interval] = []
    first = 0
    for interval in merge(intervals):
        start = interval.start
        while first < len(holes) and holes[first].end <= start:
            first += 1
        for hole in holes[first:]:
            if hole.start >= interval.end:
                break
            if hole.start > start:
                left.append(Interval(start, hole.start))
            start = max(start, hole.end)
        if start < interval.end:
            left.append(Interval(start, interval.end))
    return left


def clip(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """The parts inside `window`, in the given order and not merged."""
    return [
        Interval(max(interval.start, window.start), min(interval.end, window.end))
        for interval in intervals
        if overlaps(interval, window)
    ]


def cut_into_slots(
    availability: Iterable[Interval],
    busy: Iterable[Interval],
    minutes: int,
    grid_minutes: int = 5,
) -> list[Interval]:
    """Free slots of `minutes` length, one after another in each free stretch, sorted.

    Each slot starts on the UTC grid of `grid_minutes`. A stretch is cut from its first grid
    point on, so that a busy time costs no more slots than it must.
    """
    if minutes <= 0 or grid_minutes <= 0 or minutes % grid_minutes:
        raise Invalid(N_("The length of a slot must be a multiple of %(grid)s minutes."), grid=grid_minutes)
    length = timedelta(minutes=minutes)
    grid = timedelta(minutes=grid_minutes)
    slots: list[Interval] = []
    for free in subtract(availability, busy):
        start = free.start + (_EPOCH - free.start) % grid
        while start + length <= free.end:
            slots.append(Interval(start, start + length))
            start += length
    return slots


def grid_cells(start: datetime, end: datetime, minutes: int = 5) -> list[datetime]:
    """The starts of the `minutes`-long cells from `start` to `end`, aligned to UTC.

    Two uses of one thing overlap if and only if they share a cell, so a unique key on
    (thing, cell) refuses a double booking. Raises Invalid off the grid or when end <= start.
    """
    span = Interval(start, end)
    cell = timedelta(minutes=minutes)
    if (span.start - _EPOCH) % cell or (span.end - _EPOCH) % cell:
        raise Invalid(N_("Times must fall on a multiple of %(minutes)s minutes."), minutes=minutes)
    return [span.start + cell * index for index in range(span.duration // cell)]
