"""Answers to invitations, as calendars send them (RFC 5546, METHOD:REPLY and its relatives): bytes in, a
value out.

Strangers write what is read here, so it is small: content lines by RFC 5545 3.1, the properties of the first
VEVENT that an answer needs, and nothing else. Whatever cannot be understood is an Unreadable with a sentence.

What one may rely on: UID, DTSTAMP and exactly one ATTENDEE with its PARTSTAT. ORGANIZER should be there (RFC
5546, 3.2.3), but Exchange and outlook.com leave it out (as receivers' issue trackers report), so that
whatever only it would bring back must be in the address of the mail as well. SEQUENCE is the invitation's;
some leave out a zero. Nobody need bring back X- properties.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forum_app.core.ical import Participation

MOST_BYTES = 256 * 1024
MOST_LINES = 5000
MOST_NAME = 300  # characters of a parameter or a short value
MOST_COMMENT = 1000
LARGEST_SEQUENCE = 2**31 - 1
METHODS = frozenset({"REPLY", "COUNTER", "REFRESH", "REQUEST", "CANCEL", "PUBLISH", "ADD", "DECLINECOUNTER"})


class Unreadable(Exception):
    """This is no calendar message that could be an answer; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Addresses are without mailto:, as written. stamp: aware, UTC, None if it had none.

    participation: None where PARTSTAT is missing or none that we know. starts_at, ends_at: what a COUNTER
    proposes, if it can be understood. method: as in the object, upper case.
    """

    method: str
    uid: str
    sequence: int
    stamp: datetime | None
    organizer: str
    attendee: str
    participation: Participation | None
    comment: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    one_of_many: bool = False


class _Line(NamedTuple):
    name: str
    parameters: dict[str, str]
    value: str


_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
_PARAMETER = re.compile(r';([A-Za-z0-9-]{1,100})=("[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*')
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_INSTANT = re.compile(r"(\d{8})T(\d{6})(Z?)", re.ASCII)


def read_answer(content: bytes) -> Answer:
    """The answer in a text/calendar part; raises Unreadable.

    content: UTF-8; other octets become replacement characters.
    """
    if len(content) > MOST_BYTES:
        raise Unreadable("the calendar part is too large")
    method, event = "", None
    stack: list[str] = []
    properties: list[_Line] = []
    for line in _lines(content):
        if line.name == "BEGIN":
            stack.append(line.value.strip().upper())
        elif line.name == "END":
            if not stack or stack.pop() != line.value.strip().upper():
                raise Unreadable("components are not closed in order")
            if event is None and stack == ["VCALENDAR"] and line.value.strip().upper() == "VEVENT":
                event = list(properties)
        elif stack == ["VCALENDAR"] and line.name == "METHOD":
            method = line.value.strip().upper()
        elif stack == ["VCALENDAR", "VEVENT"] and event is None:
            properties.append(line)
    if event is None:
        raise Unreadable("no event in it")
    if method not in METHODS:
        raise Unreadable("no known method")
    return _answer(method, event)


def _answer(method: str, event: list[_Line]) -> Answer:
    first: dict[str, _Line] = {}
    for line in event:
        first.setdefault(line.name, line)
    attendees = [line for line in event if line.name == "ATTENDEE"]
    if method == "REPLY" and len(attendees) != 1:  # RFC 5546, 3.2.3: the one who answers
        raise Unreadable("an answer must name exactly one attendee")
    uid = _value(first, "UID").strip()
    if not uid or len(uid) > 255:
        raise Unreadable("no UID")
    attendee = attendees[0] if attendees else _Line("ATTENDEE", {}, "")
    start = _instant(first.get("DTSTART"))
    end = _instant(first.get("DTEND"))
    return Answer(
        method=method,
        uid=uid,
        sequence=_sequence(_value(first, "SEQUENCE")),
        stamp=_instant(first.get("DTSTAMP")),
        organizer=_address(first.get("ORGANIZER")),
        attendee=_address(attendee),
        participation=_participation(attendee.parameters.get("PARTSTAT", "")),
        comment=_text(_value(first, "COMMENT")),
        starts_at=start,
        ends_at=end if start and end and start < end < start + timedelta(days=7) else None,
        one_of_many="RECURRENCE-ID" in first,
    )


def _lines(content: bytes) -> Iterator[_Line]:
    """Unfolded content lines; those that are none are passed over, as most readers do."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    text = re.sub(r"\r?\n[ \t]", "", text)
    lines = re.split(r"\r\n|\n|\r", text)
    if len(lines) > MOST_LINES:
        raise Unreadable("too many lines")
    for raw in lines:
        match = _NAME.match(raw)
        if match is None:
            continue
        at = match.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(raw, at):
            value = parameter[2].strip('"')
            parameters.setdefault(parameter[1].upper(), _CONTROLS.sub("", value)[:MOST_NAME])
            at = parameter.end()
        if raw[at : at + 1] == ":":
            yield _Line(match[0].upper(), parameters, raw[at + 1 :])


def _value(lines: dict[str, _Line], name: str) -> str:
    line = lines.get(name)
    return line.value if line is not None else ""


def _text(value: str) -> str:
    """A TEXT value (RFC 5545 3.3.11) on as many lines as it had, cut, without what disguises text."""
    value = re.sub(r"\\([\\;,nN])", lambda m: "\n" if m[1] in "nN" else m[1], value[: 4 * MOST_COMMENT])
    value = _CONTROLS.sub("", value).strip()
    return re.sub(r"\n{3,}", "\n\n", value)[:MOST_COMMENT]


def _address(line: _Line | None) -> str:
    """The mail address of a CAL-ADDRESS, else nothing."""
    if line is None:
        return ""
    value = line.value.strip()
    if value[:7].lower() != "mailto:":
        value = line.parameters.get("EMAIL", "")  # RFC 7986, 6.2: where the address is no mailto
    else:
        value = value[7:].partition("?")[0]
    value = value.strip().strip("<>").replace("%2B", "+").replace("%2b", "+").replace("%40", "@")
    return value if len(value) <= 320 and value.isprintable() else ""


def _participation(value: str) -> Participation | None:
    try:
        return Participation(value.strip().upper())
    except ValueError:
        return None


def _sequence(value: str) -> int:
    value = value.strip()
    if not value:
        return 0  # RFC 5545, 3.8.7.4: the default, which some programs leave out
    if not value.isascii() or not value.isdigit() or len(value) > 10:
        raise Unreadable("SEQUENCE is no number")
    number = int(value)
    if number > LARGEST_SEQUENCE:
        raise Unreadable("SEQUENCE is too large")
    return number


def _instant(line: _Line | None) -> datetime | None:
    """A DATE-TIME in UTC or with an IANA zone; None for anything else."""
    match = _INSTANT.fullmatch(line.value.strip()) if line is not None else None
    if match is None or line is None:
        return None
    try:
        wall = datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S")  # noqa: DTZ007 (the zone follows)
        if match[3]:
            return wall.replace(tzinfo=UTC)
        name = line.parameters.get("TZID", "")
        if not re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+){0,2}", name):
            return None
        return wall.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return None
