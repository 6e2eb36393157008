"""Uploads: kept under names of our own making, never under what a browser calls them."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from forum_app.core.errors import NotFound
from forum_app.core.text import N_

NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,5}")


class Storage:
    """Files by content address: <sha256>.<suffix>. Saving the same bytes twice keeps one file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, content: bytes, suffix: str) -> str:
        """Keep content durably and return its name."""
        name = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
        path = self._path(name)
        if path.exists():
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        return name

    def load(self, name: str) -> bytes:
        """The content; raises NotFound."""
        path = self._path(name)
        if not path.is_file():
            raise NotFound(N_("This file is no longer there."))
        return path.read_bytes()

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise NotFound(N_("This file is no longer there."))
        return self.root / name[:2] / name
