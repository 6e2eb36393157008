"""Bytes of an agenda file, XML or JSON, as one plain shape; hostile ones refused.

The shape is that of schedule.json: {"version", "base_url", "conference": {..., "days": [{..., "rooms":
{name: [item, ...]}}]}}. Values are not checked here beyond what keeps memory and time in bounds;
forum_app.core.frab does that.
"""

import io
import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from forum_app.core.errors import Invalid
from forum_app.core.text import N_

MAX_BYTES = 30_000_000
MAX_ITEMS = 20_000
_MAX_DEPTH = 30
_MAX_ELEMENTS = 700_000
_MAX_TAGS = 4_000_000
# Of JSON: each list or object costs many times its two octets once read.
_MAX_CONTAINERS = 1_000_000
_MAX_VALUES = 5_000_000


def read(data: bytes, filename: str | None) -> dict[str, Any]:
    """The file's content in the shape above; told apart by content, then by name."""
    if len(data) > MAX_BYTES:
        raise Invalid(N_("The file is larger than %(limit)s megabytes."), limit=MAX_BYTES // 1_000_000)
    start = data[:200].removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip(b"\xff\xfe \t\r\n")
    if start.startswith(b"<"):
        return _read_xml(data)
    if start.startswith((b"{", b"[")) or (start and (filename or "").lower().endswith(".json")):
        return _read_json(data)
    raise Invalid(N_("The file is neither a schedule.xml nor a schedule.json."))


def too_many_items() -> Invalid:
    return Invalid(N_("The file holds more than %(limit)s items."), limit=MAX_ITEMS)


# --- JSON ----------------------------------------------------------------------------------------
def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _read_json(data: bytes) -> dict[str, Any]:
    if data.count(b"[") + data.count(b"{") > _MAX_CONTAINERS or data.count(b",") > _MAX_VALUES:
        raise Invalid(N_("The file holds too many values for an agenda."))
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise Invalid(N_("The JSON is broken or cut off at line %(line)s."), line=error.lineno) from None
    except (ValueError, RecursionError):
        raise Invalid(N_("The JSON cannot be read: it is damaged or nested too deeply.")) from None
    schedule = document.get("schedule") if isinstance(document, dict) else None
    if not isinstance(schedule, dict) or not isinstance(schedule.get("conference"), dict):
        raise Invalid(N_("The file is not a frab schedule: it has no schedule or no conference."))
    return schedule


# --- XML -----------------------------------------------------------------------------------------
def _elements(data: bytes) -> Iterator[tuple[str, Element]]:
    """Starts and ends of elements, with bounds on their number and depth."""
    depth = count = 0
    if data.count(b"<") > _MAX_TAGS:
        raise Invalid(N_("The XML is nested too deeply or holds too many elements."))
    parser = iterparse(
        io.BytesIO(data),
        events=("start", "end"),
        forbid_dtd=True,
        forbid_entities=True,
        forbid_external=True,
    )
    try:
        for event, element in parser:
            if event == "start":
                depth += 1
                count += 1
                if depth > _MAX_DEPTH or count > _MAX_ELEMENTS:
                    raise Invalid(N_("The XML is nested too deeply or holds too many elements."))
            else:
                depth -= 1
            yield event, element
    except DefusedXmlException:
        raise Invalid(N_("The XML declares a document type or entities, which is not accepted.")) from None
    except ParseError as error:
        raise Invalid(N_("The XML is broken or cut off at line %(line)s."), line=error.position[0]) from None
    except (ValueError, LookupError):  # an encoding that is unknown or not supported
        raise Invalid(N_("The character encoding of the XML is not supported.")) from None


_TEXTS = (
    "date", "start", "duration", "title", "subtitle", "track", "type", "language", "abstract",
    "description", "slug", "url", "logo",
)  # fmt: skip


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext())


def _item(element: Element) -> dict[str, Any]:
    item: dict[str, Any] = {"id": element.get("id"), "guid": element.get("guid")}
    for child in element:
        tag = child.tag
        if tag in _TEXTS:
            item[tag] = _text(child)
        elif tag == "persons":
            item["persons"] = [
                {"id": person.get("id"), "public_name": _text(person)} for person in child.iterfind("person")
            ]
        elif tag == "links":
            item["links"] = [
                {"url": link.get("href"), "title": _text(link)} for link in child.iterfind("link")
            ]
        elif tag == "recording":
            item["recording_license"] = _text(child.find("license"))
            item["do_not_record"] = _text(child.find("optout")).strip().lower() == "true"
    return item


_CONFERENCE = {
    "acronym": "acronym", "title": "title", "start": "start", "end": "end",
    "timeslot_duration": "timeslot_duration", "time_zone_name": "time_zone_name",
    "base_url": "base_url",
}  # fmt: skip


def _read_xml(data: bytes) -> dict[str, Any]:
    schedule: dict[str, Any] = {}
    conference: dict[str, Any] | None = None
    days: list[dict[str, Any]] = []
    room: list[dict[str, Any]] | None = None
    path: list[str] = []
    items = 0
    for event, element in _elements(data):
        tag = element.tag
        if event == "start":
            path.append(tag)
            if len(path) == 1 and tag != "schedule":
                raise Invalid(N_("The file is not a frab schedule: it has no schedule or no conference."))
            if path == ["schedule", "day"]:
                days.append(
                    {
                        "date": element.get("date"),
                        "day_start": element.get("start"),
                        "day_end": element.get("end"),
                        "rooms": {},
                    }
                )
            elif path == ["schedule", "day", "room"]:
                room = days[-1]["rooms"].setdefault(element.get("name") or "", [])
            continue
        if path == ["schedule", "day", "room", "event"] and room is not None:
            items += 1
            if items > MAX_ITEMS:
                raise too_many_items()
            room.append(_item(element))
            element.clear()
        elif path == ["schedule", "conference"]:
            conference = {key: _text(element.find(tag)) for tag, key in _CONFERENCE.items()}
        elif path in (["schedule", "version"], ["schedule", "base_url"]):
            schedule[tag] = _text(element)
        path.pop()
    if conference is None:
        raise Invalid(N_("The file is not a frab schedule: it has no schedule or no conference."))
    return {**schedule, "conference": {**conference, "days": days}}
