"""Decks: only a PDF that shows pages and does nothing else is taken."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from forum_app.core.errors import Invalid
from forum_app.core.text import N_

MOST_BYTES = 20 * 1024 * 1024
MOST_PAGES = 30
PATIENCE = 30.0  # seconds for the whole look, waiting for a processor included
READER = Path(__file__).with_name("deck_reader.py")
HEADER = re.compile(rb"%PDF-[12]\.\d")
TAIL = 2048

REASONS = {
    "nothing": N_("The file is empty."),
    "large": N_("The file is larger than 20 MB. Make the pictures smaller and export it again."),
    "kind": N_("This is not a PDF file. Export your slides as PDF."),
    "cut": N_("The PDF is incomplete. Export it again."),
    "unreadable": N_(
        "The PDF cannot be read without repair. Export it again, for example with “Print to PDF”."
    ),
    "encrypted": N_("The PDF is protected by a password. Export it without protection."),
    "active": N_("The PDF contains scripts or actions. Export it again with “Print to PDF”."),
    "embedded": N_("The PDF contains other files or media. Export it without attachments."),
    "empty": N_("The PDF has no pages."),
    "pages": N_("The PDF has more than 30 pages. Please shorten it; 15 slides are best."),
    "complex": N_("The PDF is too complex to be checked. Export it again with “Print to PDF”."),
}


@dataclass(frozen=True, slots=True)
class Deck:
    """An uploaded deck that was checked. file: its name in web.storage; name: as the sender called it."""

    file: str
    name: str
    pages: int


def count_pages(content: bytes) -> int:
    """Pages of a PDF that may be kept, 1..30; raises Invalid with a sentence for field deck.

    The look inside is done by a process of its own with limits on time and memory, so it is called
    outside of transactions.
    """
    if not content:
        raise _refusal("nothing")
    if len(content) > MOST_BYTES:
        raise _refusal("large")
    if not HEADER.match(content):
        raise _refusal("kind")
    if b"%%EOF" not in content[-TAIL:]:
        raise _refusal("cut")
    environ = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if key in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own script, nothing of the sender in the command
            [sys.executable, "-I", str(READER)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            env=environ,
            check=False,
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:  # killed by its limits
        raise _refusal("complex") from error
    if "refused" in answer:
        raise _refusal(str(answer["refused"]))
    return int(answer["pages"])


def _refusal(reason: str) -> Invalid:
    return Invalid(REASONS.get(reason, REASONS["unreadable"]), field="deck")


def tidy_name(name: str) -> str:
    """What a browser calls a file, as a plain name that ends in .pdf."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] not in "CZ" or c == " ")
    name = re.sub(r'[<>:"/|?*;%]+', "-", name).strip(" .-")
    stem = name[:-4] if name.lower().endswith(".pdf") else name
    return f"{stem.strip(' .-')[:120] or 'deck'}.pdf"


def disposition(name: str, plain: str) -> str:
    """Content-Disposition (RFC 6266) of a download: plain is the ASCII name for old programs."""
    name = tidy_name(name)
    ascii_name = name if name.isascii() else plain
    value = f'attachment; filename="{ascii_name}"'
    return value if name == ascii_name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"
