"""Calendars read by software not of ours: icalendar and ical (Python), ical.js (JavaScript), libical (C).

Each gives the same few facts of each entry, with instants in UTC; what they do not agree on is an error
of ours, or a reason to say why. Each is a skip where a machine has no such part, and with CI a failure.
"""

import ctypes
import json
import os
import shutil
import subprocess
from ctypes import Structure, c_char_p, c_int, c_void_p
from ctypes.util import find_library
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import icalendar
from ical.calendar_stream import IcsCalendarStream
from ical.exceptions import CalendarParseError

from tests.parts import ROOT, missing


class Seen(NamedTuple):
    """What a reader makes of one entry."""

    sequence: int
    status: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str


def by_icalendar(body: bytes) -> dict[str, Seen]:
    """The icalendar library, which we write nothing with."""
    found = {}
    events: list[Any] = list(icalendar.Calendar.from_ical(body).walk("VEVENT"))
    for event in events:
        start = event["DTSTART"].dt
        end = event["DTEND"].dt if "DTEND" in event else start
        found[str(event["UID"])] = Seen(
            int(event["SEQUENCE"]),
            str(event["STATUS"]),
            start.astimezone(UTC),
            end.astimezone(UTC),
            str(event["SUMMARY"]),
            str(event.get("LOCATION", "")),
        )
    return found


def by_ical(body: bytes) -> dict[str, Seen]:
    """Allen Porter's ical, with a strict model of each property."""
    try:
        stream = IcsCalendarStream.from_ics(body.decode())
    except CalendarParseError as error:
        raise AssertionError(f"ical refuses it: {error} {error.detailed_error}") from error
    [calendar] = stream.calendars
    found = {}
    for event in calendar.events:
        found[str(event.uid)] = Seen(
            event.sequence or 0,
            str(event.status.value if event.status else ""),
            _instant(event.dtstart),
            _instant(event.end),
            event.summary or "",
            event.location or "",
        )
    return found


def _instant(value: date | datetime | None) -> datetime:
    assert value is not None
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC)
    return value.astimezone(UTC)


# --- ical.js -------------------------------------------------------------------------------------
SCRIPT = """
import ICAL from %s;
import { readFileSync } from "node:fs";
const files = JSON.parse(readFileSync(0, "utf8"));
const read = (text) => {
  ICAL.TimezoneService.reset();
  const root = new ICAL.Component(ICAL.parse(text));
  if (root.name !== "vcalendar") throw new Error("no calendar");
  for (const zone of root.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  return root.getAllSubcomponents("vevent").map((part) => {
    const event = new ICAL.Event(part);
    return [event.uid, event.sequence, part.getFirstPropertyValue("status"), event.startDate.toUnixTime(),
      event.endDate.toUnixTime(), event.summary ?? "", event.location ?? ""];
  });
};
console.log(JSON.stringify(files.map(read)));
"""


@lru_cache(maxsize=1)
def node() -> str:
    """Node, from the machine or from the wheel that builds the style."""
    found = shutil.which("node")
    if found is None:
        wheel = ROOT / ".venv/bin/node"
        found = str(wheel) if wheel.exists() else None
    if found is None:
        missing("Node, to read calendars with ical.js")
    return str(found)


def by_ical_js(*bodies: bytes) -> list[dict[str, Seen]]:
    """ical.js, which Thunderbird and Nextcloud read with; all files by one process."""
    module = ROOT / "node_modules/ical.js/dist/ical.js"
    if not module.exists():
        missing("ical.js of npm (npm ci)")
    script = SCRIPT % json.dumps(module.as_uri())
    done = subprocess.run(
        [node(), "--input-type=module", "-e", script],
        input=json.dumps([body.decode() for body in bodies]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TZ": "Pacific/Apia"},  # whatever the machine's zone is
    )
    assert done.returncode == 0, done.stderr
    return [{row[0]: _seen(row) for row in rows} for rows in json.loads(done.stdout)]


def _seen(row: list[Any]) -> Seen:
    start, end = (datetime.fromtimestamp(value, UTC) for value in row[3:5])
    return Seen(row[1], row[2], start, end, row[5], row[6])


# --- libical -------------------------------------------------------------------------------------
class IcalTime(Structure):
    _fields_ = (
        *((name, c_int) for name in ("year", "month", "day", "hour", "minute", "second")),
        ("is_date", c_int),
        ("is_daylight", c_int),
        ("zone", c_void_p),
    )


@lru_cache(maxsize=1)
def libical() -> Any:
    """The C library that Evolution, KOrganizer and many phones read with."""
    name = find_library("ical") or next(map(str, Path("/usr/lib").glob("*/libical.so.3")), None)
    if name is None:
        missing("libical (libical3 of Debian)")
    library = ctypes.CDLL(name)
    pointer_results = (
        "icalparser_parse_string", "icalcomponent_get_first_component", "icalcomponent_get_next_component",
        "icalcomponent_get_first_property", "icaltimezone_get_utc_timezone",
    )  # fmt: skip
    for function in pointer_results:
        getattr(library, function).restype = c_void_p
    for function in (
        "icalproperty_get_value_as_string",
        "icalcomponent_get_summary",
        "icalcomponent_get_location",
    ):
        getattr(library, function).restype = c_char_p
    for function in ("icalcomponent_get_dtstart", "icalcomponent_get_dtend"):
        getattr(library, function).restype = IcalTime
        getattr(library, function).argtypes = [c_void_p]
    library.icaltime_as_timet_with_zone.restype = ctypes.c_long
    library.icaltime_as_timet_with_zone.argtypes = [IcalTime, c_void_p]
    library.icalparser_parse_string.argtypes = [c_char_p]
    library.icalcomponent_get_first_component.argtypes = [c_void_p, c_int]
    library.icalcomponent_get_next_component.argtypes = [c_void_p, c_int]
    library.icalcomponent_get_first_property.argtypes = [c_void_p, c_int]
    library.icalcomponent_count_errors.argtypes = [c_void_p]
    library.icalrestriction_check.argtypes = [c_void_p]
    for function in (
        "icalproperty_get_value_as_string",
        "icalcomponent_get_summary",
        "icalcomponent_get_location",
    ):
        getattr(library, function).argtypes = [c_void_p]
    library.icalcomponent_free.argtypes = [c_void_p]
    library.icalproperty_string_to_kind.argtypes = [c_char_p]
    library.icalcomponent_string_to_kind.argtypes = [c_char_p]
    return library


def by_libical(body: bytes) -> dict[str, Seen]:
    """libical; anything that its own checks of the RFC find is an error."""
    library = libical()
    root = library.icalparser_parse_string(body)
    assert root, "libical reads nothing"
    try:
        assert library.icalcomponent_count_errors(root) == 0, "libical finds errors"
        kind = library.icalcomponent_string_to_kind(b"VEVENT")
        found = {}
        part = library.icalcomponent_get_first_component(root, kind)
        while part:
            start = library.icalcomponent_get_dtstart(part)
            end = library.icalcomponent_get_dtend(part)
            found[_value(library, part, b"UID")] = Seen(
                int(_value(library, part, b"SEQUENCE")),
                _value(library, part, b"STATUS"),
                _utc(library, start),
                _utc(library, end),
                (library.icalcomponent_get_summary(part) or b"").decode(),
                (library.icalcomponent_get_location(part) or b"").decode(),
            )
            part = library.icalcomponent_get_next_component(root, kind)
        return found
    finally:
        library.icalcomponent_free(root)


def _value(library: Any, part: int, name: bytes) -> str:
    found = library.icalcomponent_get_first_property(part, library.icalproperty_string_to_kind(name))
    return (library.icalproperty_get_value_as_string(found) or b"").decode()


def _utc(library: Any, value: IcalTime) -> datetime:
    return datetime.fromtimestamp(library.icaltime_as_timet_with_zone(value, value.zone), UTC)


def read_by_all(*bodies: bytes) -> list[dict[str, Seen]]:
    """Each body as all four read it, who must agree (libical leaves out blanks at the end of a text)."""
    found = []
    for body, javascript in zip(bodies, by_ical_js(*bodies), strict=True):
        first = by_icalendar(body)
        assert javascript == first
        assert by_ical(body) == first
        assert by_libical(body) == {
            uid: seen._replace(summary=seen.summary.rstrip(), location=seen.location.rstrip())
            for uid, seen in first.items()
        }
        found.append(first)
    return found
