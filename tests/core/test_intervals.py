import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum_app.core.errors import Invalid
from forum_app.core.intervals import (
    Interval,
    clip,
    cut_into_slots,
    grid_cells,
    merge,
    overlaps,
    subtract,
)

BASE = datetime(2027, 3, 14, tzinfo=UTC)


def span(start: int, end: int) -> Interval:
    """Minutes after BASE."""
    return Interval(BASE + timedelta(minutes=start), BASE + timedelta(minutes=end))


spans = st.tuples(st.integers(0, 120), st.integers(1, 60)).map(lambda t: span(t[0], t[0] + t[1]))
many = st.lists(spans, max_size=8)


def minutes_of(intervals: list[Interval]) -> set[int]:
    """A model: the minutes covered."""
    covered: set[int] = set()
    for interval in intervals:
        first = int((interval.start - BASE).total_seconds()) // 60
        covered.update(range(first, first + int(interval.duration.total_seconds()) // 60))
    return covered


def test_an_interval_is_held_in_utc_and_compares_by_instant() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    a = Interval(datetime(2027, 3, 14, 9, tzinfo=tokyo), datetime(2027, 3, 14, 10, tzinfo=tokyo))
    assert a == span(0, 60)
    assert a.start.tzinfo is UTC
    assert a.duration == timedelta(hours=1)
    assert BASE in a
    assert BASE + timedelta(hours=1) not in a


def test_the_repeated_hour_at_the_end_of_summer_time_is_one_hour_long() -> None:
    new_york = ZoneInfo("America/New_York")
    early = datetime(2027, 11, 7, 1, 30, tzinfo=new_york)
    assert Interval(early, early.replace(fold=1)).duration == timedelta(hours=1)


@pytest.mark.parametrize("end", [0, -5])
def test_an_interval_must_not_be_empty_or_reversed(end: int) -> None:
    with pytest.raises(Invalid):
        span(0, end)


def test_a_naive_datetime_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Interval(BASE.replace(tzinfo=None), BASE + timedelta(hours=1))


@given(spans, spans)
def test_overlap_is_symmetric_and_means_a_shared_minute(a: Interval, b: Interval) -> None:
    assert overlaps(a, b) == overlaps(b, a) == bool(minutes_of([a]) & minutes_of([b]))


@given(many)
def test_merging_keeps_the_minutes_and_leaves_gaps_between(intervals: list[Interval]) -> None:
    merged = merge(intervals)
    assert minutes_of(merged) == minutes_of(intervals)
    assert all(a.end < b.start for a, b in itertools.pairwise(merged))
    assert merge(merged) == merged


@given(many, many)
def test_subtracting_is_set_difference(a: list[Interval], b: list[Interval]) -> None:
    left = subtract(a, b)
    assert minutes_of(left) == minutes_of(a) - minutes_of(b)
    assert merge(left) == left


@given(many, spans)
def test_clipping_is_set_intersection(intervals: list[Interval], window: Interval) -> None:
    clipped = clip(intervals, window)
    assert minutes_of(clipped) == minutes_of(intervals) & minutes_of([window])
    assert all(window.covers(interval) for interval in clipped)


@given(many, many, st.sampled_from([5, 10, 20, 30]))
def test_slots_are_free_on_the_grid_and_do_not_overlap(
    availability: list[Interval], busy: list[Interval], minutes: int
) -> None:
    slots = cut_into_slots(availability, busy, minutes)
    assert minutes_of(slots) <= minutes_of(availability) - minutes_of(busy)
    assert all(slot.duration == timedelta(minutes=minutes) for slot in slots)
    assert all(slot.start.minute % 5 == 0 for slot in slots)
    assert all(a.end <= b.start for a, b in itertools.pairwise(slots))
    # Nothing more would have fitted: what is left over holds no further slot.
    assert cut_into_slots(availability, [*busy, *slots], minutes) == []


def test_slots_go_around_a_busy_time() -> None:
    slots = cut_into_slots([span(0, 90)], [span(20, 27)], 20)
    assert slots == [span(0, 20), span(30, 50), span(50, 70), span(70, 90)]


@pytest.mark.parametrize("minutes", [0, -20, 7])
def test_a_slot_length_off_the_grid_is_refused(minutes: int) -> None:
    with pytest.raises(Invalid):
        cut_into_slots([span(0, 90)], [], minutes)


@given(st.integers(0, 50), st.integers(1, 30), st.integers(0, 50), st.integers(1, 30))
def test_uses_overlap_exactly_when_they_share_a_cell(a: int, la: int, b: int, lb: int) -> None:
    one = span(a * 5, (a + la) * 5)
    other = span(b * 5, (b + lb) * 5)
    shared = set(grid_cells(one.start, one.end)) & set(grid_cells(other.start, other.end))
    assert bool(shared) == overlaps(one, other)


def test_cells_of_a_local_time_are_utc() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    cells = grid_cells(
        datetime(2027, 3, 14, 9, tzinfo=kathmandu), datetime(2027, 3, 14, 9, 15, tzinfo=kathmandu)
    )
    assert cells == [datetime(2027, 3, 14, 3, minute, tzinfo=UTC) for minute in (15, 20, 25)]


@pytest.mark.parametrize(("start", "end"), [(0, 3), (2, 10), (10, 10), (10, 5)])
def test_times_off_the_grid_or_reversed_are_refused(start: int, end: int) -> None:
    with pytest.raises(Invalid):
        grid_cells(BASE + timedelta(minutes=start), BASE + timedelta(minutes=end))
