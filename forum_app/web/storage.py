"""Uploads: kept under names of our own making, never under what a browser calls them.

A name is the content's SHA-256 and a suffix, so that the same bytes are kept once. Two kinds of
storage behind one interface: a folder, and a bucket (web/bucket.py).
"""

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, cast

from flask import current_app

from forum_app.core.errors import NotFound, Unavailable
from forum_app.core.text import N_

NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,5}")
CANNOT_KEEP = N_("The file cannot be kept just now. Nothing was changed. Please try again in a few minutes.")
CANNOT_LOAD = N_("The file cannot be fetched just now. Please try again in a few minutes.")
log = logging.getLogger(__name__)


class Storage(Protocol):
    """What features may ask of a storage. Each raises Unavailable when the place itself fails."""

    def save(self, content: bytes, suffix: str) -> str:
        """Keep content durably and return its name; saving again makes it young again."""
        ...

    def load(self, name: str) -> bytes:
        """The content; raises NotFound."""
        ...

    def older_than(self, before: datetime) -> Iterator[str]:
        """Names of files saved last before an instant, which lies at least a day back."""
        ...

    def remove(self, name: str, before: datetime) -> bool:
        """Remove a file, unless it was saved again since before; whether it was removed."""
        ...

    def check(self) -> None:
        """Whether files can be kept now; writes the reason to the log and raises Unavailable."""
        ...


def current_storage() -> Storage:
    """The storage of the running application."""
    return cast(Storage, current_app.extensions["forum_storage"])


def content_name(content: bytes, suffix: str) -> str:
    """The name under which content is kept."""
    return f"{hashlib.sha256(content).hexdigest()}.{suffix}"


def checked(name: str) -> str:
    """name, if it can be one of ours; raises NotFound."""
    if not NAME.fullmatch(name):
        raise gone()
    return name


def gone() -> NotFound:
    return NotFound(N_("This file is no longer there."))


class FolderStorage:
    """Files in a folder, spread over subfolders by the beginning of their names."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, content: bytes, suffix: str) -> str:
        name = content_name(content, suffix)
        path = self._path(name)
        try:
            try:
                os.utime(path)
                path.stat()  # else the mark went to a file that remove() had looked at already
            except FileNotFoundError:
                self._write(path, content)
        except OSError as error:
            raise self._failed(error, CANNOT_KEEP) from error
        return name

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)

    def load(self, name: str) -> bytes:
        path = self._path(name)
        if not path.is_file():
            raise gone()
        return path.read_bytes()

    def older_than(self, before: datetime) -> Iterator[str]:
        for path in sorted(self.root.glob("*/*")):
            if NAME.fullmatch(path.name) and _saved_at(path) < before:
                yield path.name

    def remove(self, name: str, before: datetime) -> bool:
        path = self._path(name)
        # Out of the way first: whoever saves it from now on writes a new file, and whoever saved it
        # just before has left its mark on the one that is looked at here.
        aside = path.with_suffix(".gone")
        try:
            path.replace(aside)
        except FileNotFoundError:
            return False
        if _saved_at(aside) >= before:
            aside.replace(path)
            return False
        aside.unlink()
        return True

    def check(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise self._failed(error, CANNOT_KEEP) from error

    def _failed(self, error: OSError, sentence: str) -> Unavailable:
        log.error("storage: folder %s: %s", self.root, error.strerror)
        return Unavailable(sentence)

    def _path(self, name: str) -> Path:
        return self.root / checked(name)[:2] / name


def _saved_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:  # removed by somebody else meanwhile
        return datetime.max.replace(tzinfo=UTC)
