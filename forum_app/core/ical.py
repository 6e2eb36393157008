"""Calendar entries written as iCalendar (RFC 5545, RFC 7986): dataclasses in, bytes out.

The content lines are written here, not by the icalendar library, for two measured reasons: its
object model needs nearly a millisecond for each event, some twenty times what is needed here, and
feeds are fetched all day; and its VTIMEZONE (7.3) puts the beginning of summer time an hour late,
since it gives the onset in the new offset where RFC 5545 3.6.5 asks for the old one. The library
reads the results back in the tests. This module is the only place that may import it.

The same input gives the same bytes, so that an ETag can be made of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forum_app.core.errors import Invalid
from forum_app.core.text import N_


class Status(StrEnum):
    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"
    CANCELLED = "CANCELLED"


class Klass(StrEnum):
    """CLASS of RFC 5545: who of those sharing a calendar should see the details."""

    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"
    CONFIDENTIAL = "CONFIDENTIAL"


class Method(StrEnum):
    """METHOD of a message by RFC 5546; a feed has none."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    REPLY = "REPLY"


class Role(StrEnum):
    """ROLE of an attendee."""

    CHAIR = "CHAIR"
    REQUIRED = "REQ-PARTICIPANT"
    OPTIONAL = "OPT-PARTICIPANT"
    INFORMED = "NON-PARTICIPANT"


class Participation(StrEnum):
    """PARTSTAT: what an attendee answered."""

    NEEDS_ACTION = "NEEDS-ACTION"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    TENTATIVE = "TENTATIVE"
    DELEGATED = "DELEGATED"


class UserType(StrEnum):
    """CUTYPE: what an attendee is."""

    INDIVIDUAL = "INDIVIDUAL"
    GROUP = "GROUP"
    RESOURCE = "RESOURCE"
    ROOM = "ROOM"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class CalendarAddress:
    """An organizer or attendee. Of an organizer only email and name are written."""

    email: str
    name: str = ""
    participation: str = Participation.NEEDS_ACTION
    rsvp: bool = False
    role: Role = Role.REQUIRED
    user_type: UserType = UserType.INDIVIDUAL


@dataclass(frozen=True, slots=True)
class Conference:
    """How to take part from afar (RFC 7986 5.11). features: of AUDIO, CHAT, FEED, MODERATOR, PHONE,
    SCREEN, VIDEO."""

    uri: str
    label: str = ""
    features: tuple[str, ...] = ("AUDIO", "VIDEO")


@dataclass(slots=True)  # frozen, each would take four times as long to make
class CalendarEntry:
    """One event. All instants are aware; `zone` is the IANA zone in which the times are shown.

    uid and sequence follow RFC 5545: the uid never changes, the sequence rises with every change
    of time, place or status. dtstamp is when this version of the entry came about. alarms: how long
    before the start to remind.
    """

    uid: str
    sequence: int
    dtstamp: datetime
    last_modified: datetime
    created: datetime | None
    starts_at: datetime
    ends_at: datetime
    zone: str
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    status: Status = Status.CONFIRMED
    categories: tuple[str, ...] = ()
    klass: Klass = Klass.PUBLIC
    transparent: bool = False
    organizer: CalendarAddress | None = None
    attendees: tuple[CalendarAddress, ...] = ()
    conference: Conference | None = None
    alarms: tuple[timedelta, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarInfo:
    """The calendar around the entries.

    color: a CSS3 colour name, as COLOR of RFC 7986 asks. refresh: how often to fetch again.
    language: of the product identifier. zone: stands in an empty calendar, which must hold one
    component to be valid; `year` is the year whose rules it then gives.
    """

    name: str
    description: str = ""
    color: str = ""
    refresh: timedelta = field(default=timedelta(hours=1))
    source_url: str = ""
    language: str = "en"
    zone: str = "UTC"
    year: int = 2026


# --- Text and lines ------------------------------------------------------------------------------
# Control characters but the line feed (tabs become spaces), line separators that some readers break
# lines at, and surrogates, which have no UTF-8.
_LINE_BREAKS = re.compile("\r\n|[\r\u0085\u2028\u2029\x0b\x0c]")
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _clean(text: str) -> str:
    # Two passes in C are faster than one search; nearly all text leaves here.
    if text.isprintable() or text.replace("\n", "").replace("\u3000", "").isprintable():
        return text
    text = _LINE_BREAKS.sub("\n", text).replace("\t", " ")
    return _FORBIDDEN.sub("", text)


def _text(value: str) -> str:
    """A TEXT value, escaped."""
    value = _clean(value).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return value.replace("\n", "\\n")


def _uri(value: str) -> str:
    return "".join(_clean(value).split())


def _parameter(value: str) -> str:
    """A quoted parameter value; a quotation mark cannot stand in one."""
    return '"' + " ".join(_clean(value).replace('"', "'").split()) + '"'


# Up to 74 octets that are not followed by the rest of a character.
_FOLDED = re.compile(rb"(?s:.{1,74})(?![\x80-\xbf])")


def _fold(line: str) -> bytes:
    """The line in UTF-8, broken at 75 octets, never inside a character, without the last CRLF."""
    octets = line.encode()
    if len(octets) <= 75:
        return octets
    return b"\r\n ".join(_FOLDED.findall(octets))


# --- Time zones ----------------------------------------------------------------------------------
_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"})
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(N_("“%(zone)s” is not a known time zone."), zone=name[:80]) from None


class _State(NamedTuple):
    """What a zone's clock shows: offset from UTC, summer time or not, abbreviation."""

    offset: timedelta
    daylight: bool
    name: str


def _state(zone: ZoneInfo, instant: datetime) -> _State:
    local = instant.astimezone(zone)
    offset = local.utcoffset()
    return _State(offset or timedelta(), bool(local.dst()), local.tzname() or "")


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, _State, _State]]:
    """The changes of a zone's clock between two instants: the instant, before, after."""
    found: list[tuple[datetime, _State, _State]] = []
    day = timedelta(days=1)
    at, before = start, _state(zone, start)
    while at < end:
        following = at + day
        after = _state(zone, following)
        if after != before:
            low, high = at, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                if _state(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            found.append((high, before, after))
        at, before = following, after
    return found


def _yearly_rule(onsets: list[datetime], years: int) -> str | None:
    """RRULE when the onsets are the same weekday of the month in each of `years` years."""
    first = onsets[0]
    alike = {(o.month, o.weekday(), o.time()) for o in onsets}
    if len(onsets) != years or len({o.year for o in onsets}) != years or len(alike) != 1:
        return None
    if all((o + timedelta(days=7)).month != o.month for o in onsets):
        nth = -1
    else:
        weeks = {(o.day - 1) // 7 + 1 for o in onsets}
        if len(weeks) != 1:
            return None
        nth = weeks.pop()
    return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY={nth}{_DAYS[first.weekday()]}"


def _offset(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    minutes, seconds_left = divmod(rest, 60)
    text = f"{'-' if seconds < 0 else '+'}{hours:02}{minutes:02}"
    return f"{text}{seconds_left:02}" if seconds_left else text


def _observance(onset: datetime, repeat: list[str], before: _State, after: _State) -> list[str]:
    kind = "DAYLIGHT" if after.daylight else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{onset:%Y%m%dT%H%M%S}",
        *repeat,
        f"TZNAME:{_text(after.name)}",
        f"TZOFFSETFROM:{_offset(before.offset)}",
        f"TZOFFSETTO:{_offset(after.offset)}",
        f"END:{kind}",
    ]


@lru_cache(maxsize=512)
def _vtimezone(name: str, first_year: int, last_year: int) -> bytes:
    """VTIMEZONE of a zone, right for every instant of these years.

    Yearly rules where the changes follow one, as most readers expect, else each change by date.
    """
    zone = _zone(name)
    # The year before gives the state at the beginning; the one after, summer time around New Year.
    start = datetime(max(first_year - 1, 1), 1, 1, tzinfo=UTC)
    end = datetime(min(last_year + 2, 9999), 1, 1, tzinfo=UTC)
    changes = _changes(zone, start, end)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    if not changes or changes[0][0].year >= first_year:
        state = _state(zone, start)
        lines += _observance(datetime(1970, 1, 1), [], state, state)  # noqa: DTZ001 (wall clock)
    onsets: dict[tuple[_State, _State], list[datetime]] = defaultdict(list)
    for instant, before, after in changes:
        onsets[before, after].append((instant + before.offset).replace(tzinfo=None))
    for (before, after), local in sorted(onsets.items(), key=lambda item: item[1][0]):
        rule = _yearly_rule(local, end.year - start.year)
        repeat = [rule] if rule else [f"RDATE:{onset:%Y%m%dT%H%M%S}" for onset in local[1:]]
        lines += _observance(local[0], repeat, before, after)
    lines.append("END:VTIMEZONE")
    return b"\r\n".join(_fold(line) for line in lines)


# --- Events --------------------------------------------------------------------------------------
def _digits(wall: datetime) -> str:
    """20270314T090000. Twice as fast as strftime, and right for years before 1000."""
    return wall.isoformat()[:19].replace("-", "").replace(":", "")


def _utc(instant: datetime) -> datetime:
    """In UTC, where alone two that are equal are one instant: what is kept of instants is kept by these."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


# Many things of a forum begin, end and change at the same few instants.
@lru_cache(maxsize=1024)
def _stamp(instant: datetime) -> str:
    """An instant, given in UTC: 20270314T000000Z."""
    return _digits(instant) + "Z"


@lru_cache(maxsize=1024)
def _changes_on(zone: ZoneInfo, year: int, month: int, day: int) -> bool:
    """Whether the clock changes within three days around this one."""
    noon = datetime(year, month, day, 12, tzinfo=UTC)
    around = [noon + timedelta(hours=hours) for hours in (-36, -12, 12, 36)]
    return len({instant.astimezone(zone).utcoffset() for instant in around}) > 1


def _is_shown_twice(wall: datetime, zone: ZoneInfo) -> bool:
    if not _changes_on(zone, wall.year, wall.month, wall.day):
        return False
    return bool(wall.fold) or wall.replace(fold=1).utcoffset() != wall.utcoffset()


@lru_cache(maxsize=1024)
def _times(start: datetime, end: datetime, zone_name: str) -> str:
    """DTSTART and DTEND of instants given in UTC; the latter is missing for an entry of no length.

    Local time with its zone, so that an entry stays at its hour when a country changes its rules;
    UTC where the clock shows an hour twice: local time then means the first (RFC 5545 3.3.5), but to
    ical.js and libical the second.
    """
    ends = end > start
    if zone_name not in _UTC_NAMES:
        zone = _zone(zone_name)
        first, last = start.astimezone(zone), end.astimezone(zone)
        if not (_is_shown_twice(first, zone) or _is_shown_twice(last, zone)):
            line = f"DTSTART;TZID={zone_name}:{_digits(first)}"
            return f"{line}\r\nDTEND;TZID={zone_name}:{_digits(last)}" if ends else line
    line = f"DTSTART:{_stamp(start)}"
    return f"{line}\r\nDTEND:{_stamp(end)}" if ends else line


def _address(prefix: str, address: CalendarAddress) -> str:
    name = f";CN={_parameter(address.name)}" if address.name.strip() else ""
    return f"{prefix}{name}:mailto:{_uri(address.email)}"


def _token(value: str) -> str:
    """A value of a closed list; anything else would be a way to write parameters of one's own."""
    return "".join(c for c in value.upper() if c.isascii() and (c.isalnum() or c == "-")) or "UNKNOWN"


def _attendee(address: CalendarAddress, *, answering: bool) -> str:
    if answering:
        prefix = f"ATTENDEE;PARTSTAT={_token(address.participation)}"
    else:
        prefix = (
            f"ATTENDEE;CUTYPE={address.user_type};ROLE={address.role}"
            f";PARTSTAT={_token(address.participation)};RSVP={'TRUE' if address.rsvp else 'FALSE'}"
        )
    return _address(prefix, address)


def _conference(conference: Conference) -> str:
    features = ",".join(map(_token, conference.features))
    return (
        "CONFERENCE;VALUE=URI"
        + (f";FEATURE={features}" if features else "")
        + (f";LABEL={_parameter(conference.label)}" if conference.label.strip() else "")
        + f":{_uri(conference.uri)}"
    )


@lru_cache(maxsize=64)
def _trigger(before: timedelta) -> str:
    return f"-{_duration(before)}" if before > timedelta() else "PT0S"


def _alarm(before: timedelta, summary: str) -> str:
    description = _folded(f"DESCRIPTION:{summary}")
    return f"BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:{_trigger(before)}\r\n{description}\r\nEND:VALARM"


def _folded(line: str) -> str:
    """The line as text, broken where it has to be; most are known at a glance to be short enough."""
    length = len(line)
    if length <= 25 or (length <= 75 and line.isascii()):
        return line
    return _fold(line).decode()


# Of these, the entries of a feed have few.
@lru_cache(maxsize=512)
def _place_line(value: str) -> str:
    return _folded(f"LOCATION:{_text(value)}")


@lru_cache(maxsize=512)
def _url_line(value: str) -> str:
    return _folded(f"URL:{_uri(value)}")


@lru_cache(maxsize=512)
def _categories_line(values: tuple[str, ...]) -> str:
    return _folded("CATEGORIES:" + ",".join(map(_text, values)))


def _event(entry: CalendarEntry, method: Method | None = None) -> bytes:
    # Written as one text, and folded only where a line may need it: half of the time of a feed.
    summary = _text(entry.summary)
    stamp = _stamp(_utc(entry.dtstamp))
    modified = stamp if entry.last_modified is entry.dtstamp else _stamp(_utc(entry.last_modified))
    created = f"CREATED:{_stamp(_utc(entry.created))}\r\n" if entry.created else ""
    times = _times(_utc(entry.starts_at), _utc(entry.ends_at), entry.zone)
    lines = [
        "BEGIN:VEVENT",
        _folded(f"UID:{_text(entry.uid)}"),
        f"DTSTAMP:{stamp}\r\n{created}LAST-MODIFIED:{modified}\r\nSEQUENCE:{entry.sequence:d}\r\n{times}",
        _folded(f"SUMMARY:{summary}"),
    ]
    if entry.description:
        lines.append(_folded(f"DESCRIPTION:{_text(entry.description)}"))
    if entry.location:
        lines.append(_place_line(entry.location))
    if entry.url:
        lines.append(_url_line(entry.url))
    # One who is taken off a list gets a CANCEL of an event that goes on: no STATUS (RFC 5546 3.2.5).
    if method != Method.CANCEL or entry.status == Status.CANCELLED:
        lines.append("STATUS:" + entry.status)
    transparency = "TRANSPARENT" if entry.transparent else "OPAQUE"
    lines.append(f"TRANSP:{transparency}\r\nCLASS:" + entry.klass)
    if entry.categories:
        lines.append(_categories_line(entry.categories))
    if entry.conference:
        lines.append(_folded(_conference(entry.conference)))
    if entry.organizer:
        lines.append(_folded(_address("ORGANIZER", entry.organizer)))
    for attendee in entry.attendees:
        lines.append(_folded(_attendee(attendee, answering=method == Method.REPLY)))
    if method not in (Method.CANCEL, Method.REPLY):
        for before in entry.alarms:
            lines.append(_alarm(before, summary))
    lines.append("END:VEVENT")
    return "\r\n".join(lines).encode()


@lru_cache(maxsize=64)
def _duration(value: timedelta) -> str:
    """RFC 5545 3.3.6, of a positive duration, to the second."""
    seconds = max(1, int(value.total_seconds()))
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    clock = "".join(
        f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number
    )
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def _preamble(language: str) -> tuple[str, ...]:
    language = re.sub("[^A-Z-]", "", language.upper()) or "EN"
    return (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//forum-app//Calendar//{language}",
        "CALSCALE:GREGORIAN",
    )


def _head(info: CalendarInfo) -> Iterator[str]:
    name, description = _text(info.name), _text(info.description)
    refresh = _duration(info.refresh)
    yield from _preamble(info.language)
    yield f"NAME:{name}"
    yield f"X-WR-CALNAME:{name}"
    if description:
        yield f"DESCRIPTION:{description}"
        yield f"X-WR-CALDESC:{description}"
    if re.fullmatch("[A-Za-z]+", info.color):
        yield f"COLOR:{info.color.lower()}"
    yield f"REFRESH-INTERVAL;VALUE=DURATION:{refresh}"
    yield f"X-PUBLISHED-TTL:{refresh}"
    if info.source_url:
        yield f"SOURCE;VALUE=URI:{_uri(info.source_url)}"


class Rendered(NamedTuple):
    """One entry as it stands in a calendar, without the last line break.

    zone: of which a VTIMEZONE must stand there too, empty for none; first_year, last_year: for which.
    """

    body: bytes
    starts_at: datetime
    uid: str
    zone: str
    first_year: int
    last_year: int


def render_entry(entry: CalendarEntry, method: Method | None = None) -> Rendered:
    """One entry, to be kept and put into calendars. Raises Invalid for an unknown zone."""
    body = _event(entry, method)
    # one whose times had to be given in UTC needs no zone
    zone = entry.zone if entry.zone not in _UTC_NAMES and b"\r\nDTSTART;TZID=" in body else ""
    return Rendered(body, entry.starts_at, entry.uid, zone, entry.starts_at.year, entry.ends_at.year)


def _zones(entries: Iterable[Rendered]) -> list[bytes]:
    """The zones that local times use, for just the years for which they do."""
    years: dict[str, list[int]] = {}
    # a feed has hundreds of entries, in a zone or two and a year
    for zone, first, last in {(entry.zone, entry.first_year, entry.last_year) for entry in entries}:
        if zone:
            years.setdefault(zone, []).extend((first, last))
    return [_vtimezone(name, min(years[name]), max(years[name])) for name in sorted(years)]


def render_feed(entries: Iterable[CalendarEntry], info: CalendarInfo) -> bytes:
    """A calendar to subscribe to or download, in the given order of entries; no METHOD.

    Holds one VTIMEZONE for each zone used by a local time. Raises Invalid for an unknown zone.
    """
    return render_rendered([render_entry(entry) for entry in entries], info)


def render_rendered(entries: Sequence[Rendered], info: CalendarInfo) -> bytes:
    """As render_feed, of entries that are rendered already."""
    zones = _zones(entries) if entries else [_vtimezone(info.zone, info.year, info.year)]
    head = [_fold(line) for line in _head(info)]
    return b"\r\n".join([*head, *zones, *[entry.body for entry in entries], b"END:VCALENDAR", b""])


def render_message(entry: CalendarEntry, method: Method, *, language: str = "en") -> bytes:
    """One event as a message by RFC 5546, to be sent by mail: one VCALENDAR with a METHOD.

    The entry needs an organizer, and attendees: all whom it is for in a REQUEST, those who shall
    drop it in a CANCEL (with status CANCELLED when the event is off for everybody, any other when it
    goes on without them), exactly the one who answers in a REPLY. ValueError otherwise: such a
    message would be refused by whoever gets it.
    """
    if entry.organizer is None:
        raise ValueError("a message by RFC 5546 needs an organizer")
    if not entry.attendees or (method == Method.REPLY and len(entry.attendees) != 1):
        raise ValueError(f"{method} with {len(entry.attendees)} attendees")
    if method == Method.REQUEST and entry.status == Status.CANCELLED:
        raise ValueError("what is cancelled is not asked for")
    rendered = render_entry(entry, method)
    head = [_fold(line) for line in (*_preamble(language), f"METHOD:{method}")]
    return b"\r\n".join([*head, *_zones([rendered]), rendered.body, b"END:VCALENDAR", b""])
