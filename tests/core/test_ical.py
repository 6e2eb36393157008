import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.tz import tzical  # type: ignore[import-untyped]  # has no stubs
from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.errors import Invalid
from forum_app.core.ical import (
    CalendarAddress,
    CalendarEntry,
    CalendarInfo,
    Klass,
    Status,
    render_feed,
)

NOW = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
INFO = CalendarInfo(name="Forum 36", refresh=timedelta(minutes=15))
ENTRY = CalendarEntry(
    uid="item-1@forum.example",
    sequence=2,
    dtstamp=NOW,
    last_modified=NOW,
    created=NOW - timedelta(days=3),
    starts_at=datetime(2027, 3, 14, 0, 30, tzinfo=UTC),
    ends_at=datetime(2027, 3, 14, 1, 15, tzinfo=UTC),
    zone="Asia/Tokyo",
    summary="開会の辞",
)


def lines_of(feed: bytes) -> list[str]:
    """Content lines unfolded by RFC 5545 3.1, with its rules on octets asserted on the way."""
    assert feed.endswith(b"\r\n")
    for raw in feed[:-2].split(b"\r\n"):
        assert 0 < len(raw) <= 75
        assert b"\n" not in raw
        assert b"\r" not in raw
        raw.decode()  # no character was split
    return feed.replace(b"\r\n ", b"").decode()[:-2].split("\r\n")


def events_of(feed: bytes) -> list[Any]:
    """The events as the icalendar library reads them."""
    return list(icalendar.Calendar.from_ical(feed).walk("VEVENT"))


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)


def value_of(feed: bytes, name: str) -> str:
    """The value of a property of the first event."""
    lines = lines_of(feed)
    return next(
        line.split(":", 1)[1]
        for line in lines[lines.index("BEGIN:VEVENT") :]
        if re.match(rf"{name}[;:]", line)
    )


def test_one_entry_in_tokyo_to_the_byte() -> None:
    entry = replace(
        ENTRY,
        description="一行目\n二行目; a, b \\ c",
        location="ホールA",
        url="https://forum.example/events/f/agenda/1",
        categories=("AI, ML", "宇宙"),
    )
    info = replace(
        INFO, description="All days", color="Teal", source_url="https://forum.example/a.ics", language="ja"
    )
    assert render_feed([entry], info).decode() == "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//forum-app//Calendar//JA",
            "CALSCALE:GREGORIAN",
            "NAME:Forum 36",
            "X-WR-CALNAME:Forum 36",
            "DESCRIPTION:All days",
            "X-WR-CALDESC:All days",
            "COLOR:teal",
            "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
            "X-PUBLISHED-TTL:PT15M",
            "SOURCE;VALUE=URI:https://forum.example/a.ics",
            "BEGIN:VTIMEZONE",
            "TZID:Asia/Tokyo",
            "BEGIN:STANDARD",
            "DTSTART:19700101T000000",
            "TZNAME:JST",
            "TZOFFSETFROM:+0900",
            "TZOFFSETTO:+0900",
            "END:STANDARD",
            "END:VTIMEZONE",
            "BEGIN:VEVENT",
            "UID:item-1@forum.example",
            "DTSTAMP:20261102T030405Z",
            "CREATED:20261030T030405Z",
            "LAST-MODIFIED:20261102T030405Z",
            "SEQUENCE:2",
            "DTSTART;TZID=Asia/Tokyo:20270314T093000",
            "DTEND;TZID=Asia/Tokyo:20270314T101500",
            "SUMMARY:開会の辞",
            "DESCRIPTION:一行目\\n二行目\\; a\\, b \\\\ c",
            "LOCATION:ホールA",
            "URL:https://forum.example/events/f/agenda/1",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "CLASS:PUBLIC",
            "CATEGORIES:AI\\, ML,宇宙",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )


def test_new_york_across_the_change_to_summer_time() -> None:
    # 06:30Z is 01:30 EST; 07:30Z is 03:30 EDT: the hour between does not exist on 14 March 2027.
    before = replace(
        ENTRY,
        zone="America/New_York",
        starts_at=datetime(2027, 3, 14, 6, 30, tzinfo=UTC),
        ends_at=datetime(2027, 3, 14, 7, 30, tzinfo=UTC),
    )
    lines = lines_of(render_feed([before], INFO))
    assert "DTSTART;TZID=America/New_York:20270314T013000" in lines
    assert "DTEND;TZID=America/New_York:20270314T033000" in lines
    zone = lines[lines.index("BEGIN:VTIMEZONE") : lines.index("END:VTIMEZONE") + 1]
    assert zone == [
        "BEGIN:VTIMEZONE",
        "TZID:America/New_York",
        "BEGIN:DAYLIGHT",
        "DTSTART:20260308T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "TZNAME:EDT",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0400",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20261101T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
        "TZNAME:EST",
        "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0500",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]


def test_the_hour_a_clock_shows_twice_is_given_in_utc() -> None:
    # 05:30Z and 06:30Z are the first and the second 01:30 of 7 November 2027 in New York; a local time would
    # mean the first, and to some readers the second.
    for hour in (5, 6):
        twice = replace(
            ENTRY,
            zone="America/New_York",
            starts_at=datetime(2027, 11, 7, hour, 30, tzinfo=UTC),
            ends_at=datetime(2027, 11, 7, 8, tzinfo=UTC),
        )
        feed = render_feed([twice], INFO)
        assert value_of(feed, "DTSTART") == f"20271107T0{hour}3000Z"
        assert value_of(feed, "DTEND") == "20271107T080000Z"
        assert b"VTIMEZONE" not in feed


ZONES = [
    "Asia/Tokyo", "America/New_York", "Europe/Berlin", "Europe/Dublin", "America/Sao_Paulo",
    "America/Santiago", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kathmandu", "Etc/GMT-1",
    "Pacific/Apia", "Asia/Gaza", "Pacific/Honolulu",
]  # fmt: skip
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda t: t.replace(tzinfo=UTC, microsecond=0)
)


@given(instants, st.integers(0, 900), st.sampled_from(ZONES), st.data())
@settings(max_examples=150, deadline=None)
def test_the_zone_given_says_what_the_zone_database_says(
    start: datetime, days: int, zone: str, data: st.DataObject
) -> None:
    end = start + timedelta(days=days, hours=1)
    feed = render_feed([replace(ENTRY, zone=zone, starts_at=start, ends_at=end)], INFO)
    lines = lines_of(feed)
    if "DTSTART;TZID" not in feed.decode():
        assert "BEGIN:VTIMEZONE" not in lines  # an hour shown twice: in UTC, so no zone is used
        return
    block = lines[lines.index("BEGIN:VTIMEZONE") : lines.index("END:VTIMEZONE") + 1]
    theirs = tzical(io.StringIO("\r\n".join(block))).get(zone)
    for seconds in [0, days * 86400, data.draw(st.integers(0, days * 86400 + 3600))]:
        local = (start + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
        wall = local.replace(tzinfo=None)
        skipped_or_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        if not skipped_or_twice:
            assert wall.replace(tzinfo=theirs).utcoffset() == local.utcoffset(), wall


def test_each_zone_stands_once_and_utc_needs_none() -> None:
    entries = [
        replace(ENTRY, uid=str(number), zone=zone)
        for number, zone in enumerate(["Asia/Tokyo", "UTC", "America/New_York", "Asia/Tokyo"])
    ]
    lines = lines_of(render_feed(entries, INFO))
    assert [line for line in lines if line.startswith("TZID:")] == [
        "TZID:America/New_York",
        "TZID:Asia/Tokyo",
    ]
    assert "DTSTART:20270314T003000Z" in lines
    assert not any(line.startswith("METHOD") for line in lines)


def test_an_unknown_zone_is_refused() -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", "", "a\r\nX-EVIL:1"):
        with pytest.raises(Invalid):
            render_feed([replace(ENTRY, zone=zone)], INFO)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Europe/Berlin"])
def test_an_empty_calendar_still_holds_a_component(zone: str) -> None:
    feed = render_feed([], replace(INFO, zone=zone))
    calendar = icalendar.Calendar.from_ical(feed)
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE"]
    assert lines_of(feed)[-1] == "END:VCALENDAR"


def test_a_cancelled_entry_stays_and_says_so() -> None:
    cancelled = replace(ENTRY, status=Status.CANCELLED, klass=Klass.PRIVATE, transparent=True)
    feed = render_feed([cancelled], INFO)
    assert value_of(feed, "STATUS") == "CANCELLED"
    assert value_of(feed, "CLASS") == "PRIVATE"
    assert value_of(feed, "TRANSP") == "TRANSPARENT"


def test_an_entry_without_length_has_no_end() -> None:
    lines = lines_of(render_feed([replace(ENTRY, ends_at=ENTRY.starts_at)], INFO))
    assert not any(line.startswith("DTEND") for line in lines)


def test_a_japanese_title_of_300_characters_is_folded_between_characters() -> None:
    title = "日米技術フォーラム・自律型無人機の海上監視への応用に関する共同討議" * 10
    title = title[:300]
    feed = render_feed([replace(ENTRY, summary=title)], INFO)
    assert unescaped(value_of(feed, "SUMMARY")) == title
    event = events_of(feed)[0]
    assert str(event["SUMMARY"]) == title


def test_people_and_hostile_text_cannot_add_a_line() -> None:
    evil = 'x\r\nATTACH:https://evil.example\r\n";CN=\u0085\u2028y\x00'
    entry = replace(
        ENTRY,
        uid=evil,
        summary=evil,
        url=evil,
        categories=(evil,),
        organizer=CalendarAddress(evil, evil),
        attendees=(CalendarAddress("a@b.example", '阿部, "Abe"', "ACCEPTED", rsvp=True),),
    )
    feed = render_feed([entry], replace(INFO, name=evil, color=evil, source_url=evil, language=evil))
    lines = lines_of(feed)
    assert not any(line.startswith("ATTACH") for line in lines)
    assert (
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE"
        ";CN=\"阿部, 'Abe'\":mailto:a@b.example" in lines
    )
    event = events_of(feed)[0]
    assert event["ATTENDEE"].params["CN"] == "阿部, 'Abe'"


texts = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Cs"]),
        st.sampled_from(list("\n,;:\\\"'日本語🗾が")),
    ),
    max_size=200,
).map(lambda text: re.sub("[\ufffe\uffff]", "", text))


@given(texts, texts, texts)
def test_texts_come_back_through_two_readers(summary: str, description: str, location: str) -> None:
    entry = replace(ENTRY, summary=summary, description=description, location=location)
    feed = render_feed([entry], INFO)
    assert feed == render_feed([entry], INFO)
    event = events_of(feed)[0]
    for name, text in (("SUMMARY", summary), ("DESCRIPTION", description), ("LOCATION", location)):
        if text or name == "SUMMARY":
            assert unescaped(value_of(feed, name)) == text
            assert str(event[name]) == text
    assert event["DTSTART"].dt == entry.starts_at
    assert event["DTEND"].dt == entry.ends_at


@given(st.text(max_size=100), st.text(max_size=100))
def test_no_control_character_survives_and_every_line_fits(summary: str, name: str) -> None:
    feed = render_feed([replace(ENTRY, summary=summary, description=name)], replace(INFO, name=name))
    text = "".join(lines_of(feed))
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)
    assert feed.decode().splitlines() == feed.decode().split("\r\n")[:-1]


@given(st.lists(st.tuples(instants, st.sampled_from([*ZONES, "UTC"])), max_size=5))
@settings(max_examples=40, deadline=None)
def test_the_icalendar_library_reads_every_instant_back(starts: list[tuple[datetime, str]]) -> None:
    entries = [
        replace(ENTRY, uid=str(n), starts_at=start, ends_at=start + timedelta(hours=1), zone=zone)
        for n, (start, zone) in enumerate(starts)
    ]
    events = events_of(render_feed(entries, INFO))
    assert [event["DTSTART"].dt.astimezone(UTC) for event in events] == [s for s, _ in starts]
