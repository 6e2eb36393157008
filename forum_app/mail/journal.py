"""What a worker has just handed to the server, kept where its death cannot lose it.

Between the server's answer and the commit that notes it lies a moment. Whoever is killed in it leaves the
Message-ID in its journal, a small file (what is written stays, though the process is gone), and the next
worker notes the mail as sent instead of sending it again. A living worker holds a lock on its journal;
the system lets go of it when the process ends, however it ends.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".sent"


class Journal:
    """The journal of one worker; see open_journal()."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def handed_over(self, message_id: str) -> None:
        """The server has this mail."""
        os.write(self._descriptor, message_id.encode() + b"\n")

    def settled(self) -> None:
        """All of it is noted in the database."""
        os.ftruncate(self._descriptor, 0)


@contextmanager
def open_journal(folder: Path) -> Iterator[Journal]:
    """A journal of one's own below folder, gone at the end of the block unless something is left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        path = folder / f"{secrets.token_hex(8)}{SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            break
        os.close(descriptor)  # somebody took it for a dead one's before it was locked
    try:
        yield Journal(descriptor)
    finally:
        if os.fstat(descriptor).st_size == 0:
            path.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def left_behind(folder: Path) -> Iterator[list[str]]:
    """Message-IDs in the journals of workers that are gone; these are removed when the block ends well."""
    found: list[tuple[Path, int]] = []
    ids: list[str] = []
    try:
        for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
            with suppress(OSError):
                descriptor = os.open(path, os.O_RDWR)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:  # its worker lives
                    os.close(descriptor)
                    continue
                found.append((path, descriptor))
                text = path.read_text(encoding="utf-8", errors="replace")
                ids += [line for line in text.split("\n") if line]
        yield ids
        for path, _ in found:
            path.unlink(missing_ok=True)
    finally:
        for _, descriptor in found:
            os.close(descriptor)
