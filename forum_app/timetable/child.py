"""The scheduler as a process of its own: its libraries and its memory stay out of the worker.

Protocol of `python -m forum_app.core.scheduling`: the instance on standard input, progress as JSON lines on
standard error, the schedule on standard output. SIGTERM asks for the best so far.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, BinaryIO

COMMAND = (sys.executable, "-m", "forum_app.core.scheduling")
WARMING = (sys.executable, "-m", "forum_app.core.scheduling.warming")
GRACE = 90.0
"""Seconds between asking for the best so far and giving up on it; a busy machine takes its time."""
LONGEST_LINE = 64 * 1024
KEPT_WORDS = 2_000


class ChildFailed(Exception):
    """The scheduler ended without a schedule; the text is for the log."""


class Child:
    """A running scheduler. progress: the latest line of it, as it came."""

    def __init__(self, process: subprocess.Popen[bytes], instance: bytes) -> None:
        self.process = process
        self.progress: dict[str, Any] = {}
        self._words = ""
        self._answer = b""
        self._stopped_at: float | None = None
        jobs: list[Callable[[], None]] = [lambda: self._give(instance), self._listen, self._collect]
        self._threads = [Thread(target=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    def _give(self, instance: bytes) -> None:
        pipe = _pipe(self.process.stdin)
        with suppress(OSError):  # it has ended already, and says why by its exit
            pipe.write(instance)
            pipe.close()

    def _listen(self) -> None:
        for line in iter(lambda: _pipe(self.process.stderr).readline(LONGEST_LINE), b""):
            text = line.decode("utf-8", "replace").strip()
            try:
                value = json.loads(text)
            except ValueError:
                self._words = (self._words + text + "\n")[-KEPT_WORDS:]
                continue
            if isinstance(value, dict):
                self.progress = value

    def _collect(self) -> None:
        self._answer = _pipe(self.process.stdout).read()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the end; True if it has ended."""
        if self._stopped_at is not None and time.monotonic() - self._stopped_at > GRACE:
            self.process.kill()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Ask for the best so far; doing it again changes nothing."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self.process.terminate()

    def result(self) -> dict[str, Any]:
        """The schedule, once it has ended; raises ChildFailed."""
        for thread in self._threads:
            thread.join(GRACE)
        try:
            value = json.loads(self._answer)
        except ValueError:
            value = None
        if not isinstance(value, dict) or not isinstance(value.get("assignments"), list):
            status = self.process.returncode
            raise ChildFailed(f"ended with status {status}: {self._words.strip() or 'no words'}")
        return value


def _pipe(pipe: Any) -> BinaryIO:
    assert pipe is not None  # noqa: S101 - all three are pipes, see below
    return pipe  # type: ignore[no-any-return]


def warm() -> None:
    """Have the search compiled beside whatever else goes on, so that no run waits for it. Ends by itself."""
    quiet = subprocess.DEVNULL
    subprocess.Popen(WARMING, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 - our own module


@contextmanager
def solving(instance: str, *, time_limit: int, seed: int, workers: int | None = None) -> Iterator[Child]:
    """A scheduler at work on instance (b2b-instance/1 as JSON); ended when the block is left."""
    count = workers or min(8, os.cpu_count() or 1)
    options = ["--time-limit", str(time_limit), "--seed", str(seed), "--workers", str(count)]
    options += ["--parent", str(os.getpid())]  # it ends when we do, however we end
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
        (*COMMAND, *options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield Child(process, instance.encode())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                with suppress(OSError):  # what it never read
                    pipe.close()
