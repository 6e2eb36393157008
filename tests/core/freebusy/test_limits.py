"""Hostile files: refused or cut with a sentence, at a cost that is known; nothing else is ever raised."""

import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.errors import Invalid
from forum_app.core.freebusy.lines import MAX_BYTES, MAX_COMPONENTS
from forum_app.core.freebusy.reader import Reading, read_busy
from forum_app.core.intervals import Interval, merge
from tests.core.freebusy.golden import CASES, event

WINDOW = Interval(datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 3, 4, tzinfo=UTC))
SECOND = event("DTSTART:20200101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY;INTERVAL=2")
MILLION = event("DTSTART:20270301T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY;INTERVAL=2;COUNT=1000000")
RARE = event("DTSTART:00010101T000000Z", "DURATION:PT1S", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9")
ENDLESS_ZONE = """BEGIN:VTIMEZONE
TZID:Endless
BEGIN:STANDARD
DTSTART:16010101T000000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:+0000
TZOFFSETTO:+0000
END:STANDARD
END:VTIMEZONE
"""
ALL_TIMES = ",".join(map(str, range(60)))


def wrapped(text: str) -> bytes:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{text}\nEND:VCALENDAR\n".encode()


def read(data: bytes) -> Reading:
    return read_busy(data, zone="Asia/Tokyo", window=WINDOW)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\0" * 1000,
        bytes(range(256)) * 100,
        b"x" * (MAX_BYTES + 1),
        b"<html><body>BEGIN:VCALENDAR</body></html>",
        b"\xff\xfeB",
        b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * 1000,
        wrapped("CALSCALE:HEBREW"),
        wrapped(event("DTSTART:20270301T000000Z", "RRULE:RSCALE=CHINESE;FREQ=YEARLY")),
        wrapped("VERSION:1.0").replace(b"VERSION:2.0\n", b""),
    ],
)
def test_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read(data)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "data",
    [
        wrapped(SECOND),
        wrapped(MILLION),
        wrapped("\n".join([RARE.replace("UID:1", f"UID:{n}") for n in range(200)])),
        wrapped(
            event(
                "DTSTART:20270301T000000Z",
                f"RRULE:FREQ=YEARLY;BYHOUR=1;BYMINUTE={ALL_TIMES};BYSECOND={ALL_TIMES};BYDAY=MO,TU,WE,TH,FR,SA,SU",
            )
        ),
        wrapped(ENDLESS_ZONE + event("DTSTART;TZID=Endless:20270301T000000", "DURATION:PT1H")),
        wrapped(event("DTSTART:20270301T000000Z", "RDATE:" + ",".join(["20270301T000000Z"] * 100_000))),
        wrapped(
            "\n".join([event(f"UID:{n}", "DTSTART:20270301T000000Z") for n in range(MAX_COMPONENTS + 5)])
        ),
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270301T000000Z\nDURATION:PT1H\n",
    ],
    ids=["each second", "a million", "never", "all times", "zone", "dates", "entries", "no end"],
)
def test_is_cut_with_a_sentence(data: bytes) -> None:
    began = time.process_time()
    reading = read(data)
    assert time.process_time() - began < 2
    assert reading.sentence is not None
    assert reading.sentence.endswith(".")


@pytest.mark.parametrize(
    "fill", [b"\n", b"\r", b"\n ", b"A\n", b";", b'"', b"DTSTART", b"BEGIN:V\nEND:V\n", b"DTSTART;A=b"]
)
def test_a_large_file_of_one_thing_costs_little(fill: bytes) -> None:
    data = b"BEGIN:VCALENDAR\n" + fill * (2_000_000 // len(fill))
    began = time.process_time()
    tracemalloc.start()
    try:
        read(data)
    except Invalid:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert time.process_time() - began < 6  # tracing costs most of it
    assert peak < 80_000_000


def test_an_endless_entry_does_not_hide_the_others() -> None:
    plain = event("UID:2", "DTSTART:20270302T090000Z", "DURATION:PT1H", "TRANSP:OPAQUE")
    for text in (RARE + "\n" + plain, plain + "\n" + RARE):
        assert (
            Interval(datetime(2027, 3, 2, 9, tzinfo=UTC), datetime(2027, 3, 2, 10, tzinfo=UTC))
            in read(wrapped(text)).busy
        )


def test_a_rule_of_a_megabyte_is_passed_over() -> None:
    start = f"DTSTART:{WINDOW.start:%Y%m%dT%H%M%SZ}"
    reading = read(wrapped(event(start, "DURATION:PT1H", f"RRULE:FREQ=DAILY;BYMONTHDAY={'10,' * 300_000}10")))
    assert reading.sentence is not None
    assert [span.start for span in reading.busy] == [WINDOW.start]


def test_a_part_of_an_endless_entry_is_known() -> None:
    assert read(wrapped(SECOND)).busy[0].start == WINDOW.start


PIECES = st.sampled_from(
    [line for case in CASES for line in case.text.splitlines()]
    + [
        "BEGIN:VEVENT",
        "END:VEVENT",
        "RRULE:FREQ=HOURLY",
        "DTSTART:99991231T235959Z",
        "DTSTART:00010101T000000",
    ]
    + [
        "DURATION:P99999D",
        "RRULE:FREQ=YEARLY;INTERVAL=9999999999",
        "EXDATE:00010101",
        "RDATE:99991231T235959",
    ]
    + ["RECURRENCE-ID;RANGE=THISANDFUTURE:00010102", "DTSTART;TZID=Asia/Tokyo:00010101T000000", "TZID:X"]
)


@settings(max_examples=200)
@given(st.lists(PIECES | st.text(max_size=30), max_size=25), st.sampled_from(["UTC", "America/New_York"]))
def test_any_lines_are_read_refused_or_cut(lines: list[str], zone: str) -> None:
    data = wrapped("\n".join(["BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT"]))
    try:
        reading = read_busy(data, zone=zone, window=WINDOW)
    except Invalid:
        return
    assert reading.busy == merge(reading.busy)
    assert all(WINDOW.covers(span) for span in reading.busy)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_refused_or_cut(data: bytes) -> None:
    for whole in (data, b"BEGIN:VCALENDAR\n" + data):
        try:
            read(whole)
        except Invalid:
            continue


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(-50, 90), st.integers(1, 40)), max_size=12), st.randoms())
def test_order_and_repetition_do_not_matter(spans: list[tuple[int, int]], random: object) -> None:
    """Busy time is a union: of the entries in any order, each once or twice, cut to the window."""

    def at(hours: int) -> datetime:
        return WINDOW.start + timedelta(hours=hours)

    def one(number: int, start: int, hours: int) -> str:
        return event(f"UID:{number}", f"DTSTART:{at(start):%Y%m%dT%H%M%SZ}", f"DURATION:PT{hours}H")

    entries = [one(number, start, hours) for number, (start, hours) in enumerate(spans)]
    busy = [
        Interval(max(at(s), WINDOW.start), min(at(s + h), WINDOW.end))
        for s, h in spans
        if s < 72 and s + h > 0
    ]
    assert read(wrapped("\n".join(entries))).busy == merge(busy)
    assert read(wrapped("\n".join([*reversed(entries), *entries]))).busy == merge(busy)
