"""Bytes to components: unfolding, content lines, nesting (RFC 5545 3.1, 3.4, 3.6)."""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from forum_app.core.errors import Invalid
from forum_app.core.text import N_

MAX_BYTES = 10 * 1024 * 1024
MAX_LINES = 120_000  # that are of use
MAX_COMPONENTS = 12_000  # but for alarms
MAX_DEPTH = 32
MAX_PROPERTIES = 5_000  # of one name in one component
MAX_PARAMETERS = 200  # of one line, with their values
# All that busy time is made of; everything else is dropped as it is read.
_KEPT = (
    *("BEGIN", "END", "VERSION", "CALSCALE", "METHOD", "UID", "SEQUENCE", "DTSTAMP", "STATUS", "TRANSP"),
    *("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"),
    *("FREEBUSY", "PRIORITY", "TZID", "TZOFFSETFROM", "TZOFFSETTO"),
)
# A line ends with a line feed, and only there: Python's splitlines() knows a dozen more ends.
_LINE = re.compile(rf"^({'|'.join(_KEPT)})([;:])(.*)$", re.MULTILINE | re.IGNORECASE | re.ASCII)
_PARAMETER = re.compile(r"[ \t]*([A-Za-z0-9-]+)[ \t]*=")
_VALUE = re.compile(r'"([^"]*)"|([^";:,]*)')
_CARETS = {"^n": "\n", "^N": "\n", "^^": "^", "^'": '"'}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"B\0E\0", "utf-16-le"),
    (b"\0B\0E", "utf-16-be"),
)


@dataclass(slots=True)
class Property:
    """One content line. parameters: names in upper case, the first value of each."""

    name: str
    parameters: dict[str, str]
    value: str

    def values(self) -> Iterator[str]:
        """The values of a list, one by one: a line may hold a million."""
        at = 0
        while (end := self.value.find(",", at)) >= 0:
            yield self.value[at:end]
            at = end + 1
        yield self.value[at:]


@dataclass(slots=True)
class Component:
    """One BEGIN to END with what is kept of it. whole: its END was there."""

    name: str
    properties: dict[str, list[Property]] = field(default_factory=dict)
    children: list["Component"] = field(default_factory=list)
    whole: bool = False

    def first(self, name: str) -> Property | None:
        """The first property of a name; of those that MUST NOT be repeated the rest does not count."""
        found = self.properties.get(name)
        return found[0] if found else None

    def every(self, name: str) -> Sequence[Property]:
        """All properties of a name."""
        return self.properties.get(name, ())

    def word(self, name: str) -> str:
        """The value of a property of fixed words, in upper case (they are case-insensitive, section 2)."""
        found = self.properties.get(name)
        return found[0].value.strip(" \t").upper() if found else ""


@dataclass(slots=True)
class Parsed:
    """The calendars of a file. cut: limits ended the reading, or the file ended too early."""

    calendars: list[Component]
    cut: str | None = None


def text_of(data: bytes) -> str:
    """The unfolded text; raises Invalid for what is too large or no text.

    Lines are unfolded before they are decoded, since a fold may cut a character (3.1). UTF-8 is the
    rule (3.1.4); a mark at the beginning tells UTF-16 and UTF-32, which some programs write.
    """
    if len(data) > MAX_BYTES:
        raise Invalid(
            N_("The file is too large: at most %(most)s MB are read."), most=MAX_BYTES // 1024 // 1024
        )
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            if encoding == "utf-8":
                data = data[len(mark) :]
                break
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError as error:
                raise Invalid(N_("This is not a calendar file (iCalendar, .ics).")) from error
            data = text.removeprefix("\ufeff").encode("utf-8", "replace")
            break
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    while b"\n\n" in data:  # each time half of them
        data = data.replace(b"\n\n", b"\n")
    return data.replace(b"\n ", b"").replace(b"\n\t", b"").decode("utf-8", "replace")


def _parameters(text: str, at: int) -> tuple[dict[str, str], int] | None:
    """Parameters from a semicolon on, and where the value begins; None for a line that is none."""
    found: dict[str, str] = {}
    left = MAX_PARAMETERS
    while text[at - 1] == ";":
        name = _PARAMETER.match(text, at)
        left -= 1
        if name is None or left < 0:
            return None
        at = name.end()
        first = True
        while True:
            value = _VALUE.match(text, at)
            left -= 1
            if value is None or left < 0:
                return None
            if first:
                plain = value[1] if value[1] is not None else value[2]
                # RFC 6868
                plain = re.sub(r"\^[nN^']", lambda caret: _CARETS[caret[0]], plain) if "^" in plain else plain
                found.setdefault(name[1].upper(), plain)
                first = False
            at = value.end()
            if at >= len(text):
                return None
            at += 1
            if text[at - 1] != ",":
                break
        if text[at - 1] not in ";:":
            return None
    return found, at


def _read_line(found: re.Match[str]) -> Property | None:
    """A content line, or None if its parameters are none."""
    name, mark, rest = found.groups()
    if mark == ":":
        return Property(name.upper(), {}, rest)
    line = found[0]
    read = _parameters(line, len(name) + 1)
    return None if read is None else Property(name.upper(), read[0], line[read[1] :])


def parse(data: bytes) -> Parsed:
    """The calendars of a file; raises Invalid when there is none or it is nested without end."""
    parsed = Parsed([])
    stack: list[Component] = []
    components = 0
    for number, found in enumerate(_LINE.finditer(text_of(data))):
        if number >= MAX_LINES:
            parsed.cut = N_("The file has too many lines; only the first part was read.")
            break
        content = _read_line(found)
        if content is None:
            continue
        if content.name == "BEGIN":
            name = content.value.strip(" \t").upper()
            if not stack and name != "VCALENDAR":
                continue
            if len(stack) >= MAX_DEPTH:
                raise Invalid(N_("The parts of this calendar are nested too deeply."))
            components += name != "VALARM"  # of which there are as many, and which are of no use
            if components > MAX_COMPONENTS:
                parsed.cut = N_("The file has too many entries; only the first part was read.")
                break
            component = Component(name)
            (stack[-1].children if stack else parsed.calendars).append(component)
            stack.append(component)
        elif content.name == "END":
            _close(stack, content.value.strip(" \t").upper())
        elif stack:
            same = stack[-1].properties.setdefault(content.name, [])
            if len(same) < MAX_PROPERTIES:
                same.append(content)
            else:
                parsed.cut = N_("An entry has too many lines; only the first part of it was read.")
    if not parsed.calendars:
        raise Invalid(N_("This is not a calendar file (iCalendar, .ics)."))
    if stack and parsed.cut is None:
        parsed.cut = N_("The file ends before its calendar does; what is missing is not known.")
    return parsed


def _close(stack: list[Component], name: str) -> None:
    """END of a component, and of those in it that were left open; one that was never begun is nothing."""
    if any(component.name == name for component in stack):
        while stack:
            closed = stack.pop()
            if closed.name == name:
                closed.whole = True
                return


def unescaped(text: str) -> str:
    """A TEXT value as it was meant (3.3.11)."""
    return re.sub(r"\\(.)", lambda one: "\n" if one[1] in "nN" else one[1], text, flags=re.DOTALL)
