"""Messages by RFC 5546, conferences and alarms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest

from forum_app.core.ical import (
    CalendarAddress,
    CalendarEntry,
    CalendarInfo,
    Conference,
    Method,
    Participation,
    Role,
    Status,
    UserType,
    render_feed,
    render_message,
)

NOW = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
FORUM = CalendarAddress("calendar@forum.example", "日米技術フォーラム")
GUEST = CalendarAddress("ren@hayabusa.example", "朝倉 蓮", rsvp=True)
ROOM = CalendarAddress("table-7@forum.example", "Table 7", "ACCEPTED", role=Role.INFORMED,
                       user_type=UserType.RESOURCE)  # fmt: skip
ENTRY = CalendarEntry(
    uid="meeting-1@forum.example",
    sequence=3,
    dtstamp=NOW,
    last_modified=NOW,
    created=NOW - timedelta(days=3),
    starts_at=datetime(2027, 3, 14, 0, 30, tzinfo=UTC),
    ends_at=datetime(2027, 3, 14, 0, 50, tzinfo=UTC),
    zone="Asia/Tokyo",
    summary="Meeting",
    organizer=FORUM,
    attendees=(GUEST, ROOM),
    alarms=(timedelta(minutes=15),),
)


def unfolded(body: bytes) -> list[str]:
    return body.replace(b"\r\n ", b"").decode().split("\r\n")


def test_a_request_to_the_line() -> None:
    lines = unfolded(render_message(ENTRY, Method.REQUEST, language="ja"))
    assert lines[:5] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//forum-app//Calendar//JA",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
    ]
    assert lines[lines.index("STATUS:CONFIRMED") :] == [
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "CLASS:PUBLIC",
        'ORGANIZER;CN="日米技術フォーラム":mailto:calendar@forum.example',
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
        ';CN="朝倉 蓮":mailto:ren@hayabusa.example',
        "ATTENDEE;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE"
        ';CN="Table 7":mailto:table-7@forum.example',
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:-PT15M",
        "DESCRIPTION:Meeting",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    # nothing of what makes a subscription
    assert not any(line.startswith(("NAME", "X-WR", "REFRESH", "SOURCE")) for line in lines)


@pytest.mark.parametrize("method", list(Method))
def test_messages_are_read_by_the_icalendar_library(method: Method) -> None:
    status = Status.CANCELLED if method == Method.CANCEL else Status.CONFIRMED
    entry = replace(ENTRY, status=status, attendees=(GUEST,))
    calendar = icalendar.Calendar.from_ical(render_message(entry, method))
    assert calendar["METHOD"] == method
    events: list[Any] = list(calendar.walk("VEVENT"))
    [event] = events
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (ENTRY.uid, 3, status)
    assert event["ORGANIZER"] == "mailto:calendar@forum.example"
    assert event["ATTENDEE"].params["PARTSTAT"] == "NEEDS-ACTION"
    assert event["DTSTART"].dt == ENTRY.starts_at
    assert len(event.walk("VALARM")) == (method == Method.REQUEST)
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE", "VEVENT"]


def test_one_who_is_taken_off_the_list_is_not_told_that_all_is_off() -> None:
    goes_on = render_message(replace(ENTRY, attendees=(GUEST,)), Method.CANCEL)
    assert b"STATUS:" not in goes_on
    off = render_message(replace(ENTRY, status=Status.CANCELLED), Method.CANCEL)
    assert b"STATUS:CANCELLED" in off


def test_an_answer_names_one_and_how() -> None:
    answer = replace(GUEST, participation=Participation.DECLINED)
    lines = unfolded(render_message(replace(ENTRY, attendees=(answer,)), Method.REPLY))
    assert 'ATTENDEE;PARTSTAT=DECLINED;CN="朝倉 蓮":mailto:ren@hayabusa.example' in lines


@pytest.mark.parametrize(
    ("method", "change"),
    [
        (Method.REQUEST, {"organizer": None}),
        (Method.REQUEST, {"attendees": ()}),
        (Method.REQUEST, {"status": Status.CANCELLED}),
        (Method.CANCEL, {"attendees": ()}),
        (Method.REPLY, {}),
    ],
)
def test_messages_that_would_be_refused_are_not_written(method: Method, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        render_message(replace(ENTRY, **change), method)  # type: ignore[arg-type]


def test_a_conference_and_hostile_parameters() -> None:
    evil = 'x"\r\nATTACH:https://evil.example;,:\x00'
    entry = replace(
        ENTRY,
        organizer=CalendarAddress(evil, evil),
        attendees=(replace(GUEST, email=evil, name=evil, participation=evil),),
        conference=Conference("https://meet.example/a b", label=evil, features=("VIDEO", evil)),
    )
    lines = unfolded(render_message(entry, Method.REQUEST))
    assert not any(line.startswith("ATTACH") for line in lines)
    [conference] = [line for line in lines if line.startswith("CONFERENCE")]
    assert conference.startswith("CONFERENCE;VALUE=URI;FEATURE=VIDEO,X")
    assert conference.endswith(":https://meet.example/ab")
    icalendar.Calendar.from_ical(render_message(entry, Method.REQUEST))


def test_alarms_stand_in_a_feed_in_the_order_given() -> None:
    entry = replace(ENTRY, alarms=(timedelta(days=1), timedelta(minutes=90), timedelta()))
    lines = unfolded(render_feed([entry], CalendarInfo("x")))
    triggers = [line for line in lines if line.startswith("TRIGGER")]
    assert triggers == ["TRIGGER:-P1D", "TRIGGER:-PT1H30M", "TRIGGER:PT0S"]
    event = icalendar.Calendar.from_ical(render_feed([entry], CalendarInfo("x"))).walk("VEVENT")[0]
    assert len(event.walk("VALARM")) == 3
