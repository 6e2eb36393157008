"""Quiet hours on the reader's clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum_app.mail.preferences import Wishes
from forum_app.mail.quiet import awake_at

NIGHT = (22 * 60, 7 * 60)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "zone", "then"),
    [
        ("2026-11-22T23:30+09:00", "Asia/Tokyo", "2026-11-23T07:00+09:00"),
        ("2026-11-22T06:59+09:00", "Asia/Tokyo", "2026-11-22T07:00+09:00"),
        ("2026-11-22T07:00+09:00", "Asia/Tokyo", "2026-11-22T07:00+09:00"),
        ("2026-11-22T21:59+09:00", "Asia/Tokyo", "2026-11-22T21:59+09:00"),
        ("2026-11-22T21:59+09:00", "America/New_York", "2026-11-22T21:59+09:00"),
        # the night in which the clocks are put forward, and the one in which they are put back
        ("2027-03-13T23:00-05:00", "America/New_York", "2027-03-14T07:00-04:00"),
        ("2026-10-31T23:00-04:00", "America/New_York", "2026-11-01T07:00-05:00"),
    ],
)
def test_nights(now: str, zone: str, then: str) -> None:
    assert awake_at(utc(now), zone, *NIGHT) == utc(then)


def test_a_quiet_noon_and_none_at_all() -> None:
    now = utc("2026-11-22T12:30+09:00")
    assert awake_at(now, "Asia/Tokyo", 12 * 60, 13 * 60) == utc("2026-11-22T13:00+09:00")
    assert awake_at(now, "Asia/Tokyo", 0, 0) == now


@given(
    minutes=st.integers(0, 2 * 365 * 24 * 60),
    zone=st.sampled_from(["Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe"]),
    first=st.integers(0, 1439),
    last=st.integers(0, 1439),
)
def test_nobody_waits_longer_than_a_day_nor_twice(minutes: int, zone: str, first: int, last: int) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    then = awake_at(moment, zone, first, last)
    assert moment <= then <= moment + timedelta(hours=25)
    # in the hour that exists twice, "until 01:30" is over at the first one already
    assert awake_at(then, zone, first, last) - then <= timedelta(hours=1)


def test_what_is_urgent_does_not_wait() -> None:
    night, wishes = utc("2026-11-22T23:30+09:00"), Wishes()
    assert wishes.awake_at(night, "Asia/Tokyo", night - timedelta(hours=1)) == night
    soon = night + timedelta(hours=2)
    assert wishes.awake_at(night, "Asia/Tokyo", soon) == soon
