"""Answers of calendars: what programs write is understood, and nothing that strangers write does harm."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.ical import Participation
from forum_app.core.itip import Unreadable, read_answer

# As Exchange writes it: no ORGANIZER, a Windows zone, properties with a language, folded lines.
EXCHANGE = b"""BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Tokyo Standard Time
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=DECLINED;CN=Example Name:mailto:example@people.exam
 ple
COMMENT;LANGUAGE=en-GB:On leave\\, sorry\\n
UID:46CC0494-EEB2-4EC9-87F5-B71E78573F97
SUMMARY;LANGUAGE=en-GB:Declined: Meeting
DTSTART;TZID=Tokyo Standard Time:20270112T103000
DTEND;TZID=Tokyo Standard Time:20270112T110000
DTSTAMP:20261207T105935Z
SEQUENCE:2
BEGIN:VALARM
UID:another
DESCRIPTION:REMINDER
END:VALARM
END:VEVENT
END:VCALENDAR
""".replace(b"\n", b"\r\n")


def test_an_answer_of_exchange() -> None:
    answer = read_answer(EXCHANGE)
    assert answer.method == "REPLY"
    assert answer.uid == "46CC0494-EEB2-4EC9-87F5-B71E78573F97"
    assert (answer.sequence, answer.participation) == (2, Participation.DECLINED)
    assert answer.stamp == datetime(2026, 12, 7, 10, 59, 35, tzinfo=UTC)
    assert (answer.attendee, answer.organizer) == ("example@people.example", "")
    assert answer.comment == "On leave, sorry"
    assert answer.starts_at is None  # a zone by a name that only Windows knows is not guessed


def test_an_address_that_is_no_mailto_may_stand_beside_it() -> None:
    told = EXCHANGE.replace(
        b":mailto:example@people.exam\r\n ple", b";EMAIL=example@people.example:urn:uuid:1"
    )
    assert read_answer(told).attendee == "example@people.example"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"METHOD:REPLY", b"METHOD:SOMETHING"),
        (b"SEQUENCE:2", b"SEQUENCE:-1"),
        (b"SEQUENCE:2", b"SEQUENCE:99999999999999999999"),
        (b"END:VEVENT\r\n", b""),
        (b"END:VALARM\r\n", b""),
        (b"UID:46CC", b"NOUID:46CC"),
        (b"BEGIN:VEVENT", b"BEGIN:VTODO"),
        (b"COMMENT", b"ATTENDEE"),
    ],
)
def test_what_is_no_answer_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(Unreadable):
        read_answer(EXCHANGE.replace(old, new, 1))


def test_marks_and_length_are_cut() -> None:
    long = EXCHANGE.replace(b"On leave", "\u202e\u200f長".encode() * 10_000)
    comment = read_answer(long).comment
    assert len(comment) == 1000
    assert set(comment) <= {"長"}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(at=st.integers(0, len(EXCHANGE)), cut=st.integers(0, 40), put=st.binary(max_size=12))
def test_any_octets_are_read_or_refused(at: int, cut: int, put: bytes) -> None:
    with suppress(Unreadable):
        read_answer(EXCHANGE[:at] + put + EXCHANGE[at + cut :])
