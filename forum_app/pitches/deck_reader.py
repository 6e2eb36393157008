"""Looks into a PDF in a process of its own, so that no file can take the server's time or memory.

Run as a script, never imported by the application: the PDF on standard input; one line of JSON on
standard output, {"pages": 12} or {"refused": "<reason>"}. Reasons: see decks.REASONS.
"""

import json
import re
import resource
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

CPU_SECONDS = 8
MEMORY = 640 * 1024 * 1024
MOST_PAGES = 30
MOST_OBJECTS = 50_000
MOST_DEPTH = 60  # of dictionaries in dictionaries; ours are below ten
MOST_INFLATED = 150 * 1024 * 1024  # of all that is not a picture, together
MOST_PIXELS = 100_000_000  # of one picture
STEP = 1024 * 1024

# Names whose mere presence means that the file can act or carries another file.
EMBEDDING = frozenset({"/EmbeddedFiles", "/EmbeddedFile", "/EF", "/RichMedia", "/RichMediaContent", "/XFA"})
SCRIPTS = frozenset({"/JS", "/JavaScript"})
# Actions (ISO 32000-1, table 198) other than going to a page, a named page or a web address.
ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/GoToE",
        "/GoToR",
        "/Rendition",
        "/Movie",
        "/Sound",
    }
)
# A viewer may repair a file and find what the cross-reference table hides.
HIDDEN = re.compile(rb"/(JavaScript|Launch|EmbeddedFiles?)\b")
FLATE = frozenset({"/FlateDecode", "/Fl", "/LZWDecode", "/LZW"})


class Refused(Exception):
    """The reason is the argument."""


def limit() -> None:
    """Take from this process what a well-made deck never needs."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a system without that limit
            resource.setrlimit(what, (most, most))


def inspect(content: bytes) -> int:
    """Number of pages; raises Refused."""
    reader = PdfReader(BytesIO(content), strict=True)
    if reader.is_encrypted or "/Encrypt" in reader.trailer:
        raise Refused("encrypted")
    places = {number for generation in reader.xref.values() for number in generation if number} | set(
        reader.xref_objStm
    )
    if len(places) > MOST_OBJECTS:
        raise Refused("complex")
    walk(reader.trailer, 0)
    inflated = 0
    for number in sorted(places):
        found = reader.get_object(IndirectObject(number, 0, reader)) if number in reader.xref_objStm else None
        if found is None:
            generation = max(g for g, numbers in reader.xref.items() if number in numbers)
            found = reader.get_object(IndirectObject(number, generation, reader))
        walk(found, 0)
        if isinstance(found, StreamObject):
            inflated += size_of(found)
            if inflated > MOST_INFLATED:
                raise Refused("complex")
    if HIDDEN.search(content):
        raise Refused("active")
    pages = 0
    for _ in leaves(reader.trailer["/Root"]["/Pages"], set()):  # type: ignore[index]
        pages += 1
        if pages > MOST_PAGES:
            raise Refused("pages")
    if not pages:
        raise Refused("empty")
    return pages


def leaves(node: Any, seen: set[int]) -> Iterator[Any]:
    """Pages below a node of the page tree; a tree that bites its own tail is refused."""
    todo = [node]
    while todo:
        current = todo.pop().get_object()
        if id(current) in seen or len(seen) > MOST_OBJECTS:
            raise Refused("unreadable")
        seen.add(id(current))
        if not isinstance(current, DictionaryObject):
            raise Refused("unreadable")
        if "/Kids" in current:
            kids: Any = current["/Kids"]
            todo.extend(reversed(kids.get_object()))
        else:
            yield current


def walk(value: Any, depth: int) -> None:
    """Refuse what acts or embeds, in one object as far as it is written in one piece."""
    if depth > MOST_DEPTH:
        raise Refused("complex")
    if isinstance(value, DictionaryObject):
        keys = {str(key) for key in value}
        if keys & SCRIPTS or str(value.get("/S")) in ACTIONS:
            raise Refused("active")
        if keys & EMBEDDING or str(value.get("/Type")) in EMBEDDING:
            raise Refused("embedded")
        # to open at a page is harmless, and some programs always write it; anything else is not
        opening = value.get("/OpenAction")
        if isinstance(opening, DictionaryObject) and str(opening.get("/S")) != "/GoTo":
            raise Refused("active")
        for inner in value.values():
            walk(inner, depth + 1)
    elif isinstance(value, ArrayObject):
        for inner in value:
            walk(inner, depth + 1)


def size_of(stream: StreamObject) -> int:
    """Bytes that a stream unfolds to; of a picture none, its pixels are limited instead."""
    if str(stream.get("/Subtype")) == "/Image":
        pixels = int(stream.get("/Width", 0)) * int(stream.get("/Height", 0))
        if not 0 <= pixels <= MOST_PIXELS:
            raise Refused("complex")
        return 0
    filters = stream.get("/Filter", ArrayObject())
    names = [str(name) for name in (filters if isinstance(filters, ArrayObject) else [filters])]
    folded = [name for name in names if name in FLATE]
    data: bytes = stream._data
    if len(folded) > 1:
        raise Refused("complex")
    if names[:1] not in (["/FlateDecode"], ["/Fl"]):
        return len(data)
    return inflated_size(data)


def inflated_size(data: bytes) -> int:
    """Bytes that deflated data unfold to, without keeping them."""
    machine = zlib.decompressobj()
    total = 0
    while data:
        total += len(machine.decompress(data, STEP))
        if total > MOST_INFLATED:
            raise Refused("complex")
        if machine.eof or (not machine.unconsumed_tail):
            break
        data = machine.unconsumed_tail
    return total


def main() -> None:
    """Answer on standard output."""
    limit()
    content = sys.stdin.buffer.read()
    try:
        answer: dict[str, object] = {"pages": inspect(content)}
    except Refused as refused:
        answer = {"refused": str(refused)}
    except MemoryError:
        answer = {"refused": "complex"}
    except Exception:  # whatever pypdf stumbles over, the file is at fault
        answer = {"refused": "unreadable"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
