"""Jobs: Huey on an SQLite file by default, on Redis or Valkey for several machines.

A job takes ids, opens its own short transactions and is safe to run twice.
"""

import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol

from flask import Flask

from forum_app.config import Settings
from forum_app.db import db

# Huey would load the driver of PostgreSQL for a kind of queue that we do not use: 4 to 9 MiB of each process.
# None is Python's way to say that there is no such module.
_driver = sys.modules.get("psycopg")
sys.modules["psycopg"] = None  # type: ignore[assignment]
try:
    from huey import Huey, MemoryHuey, PriorityRedisHuey, SqliteHuey, crontab
finally:
    del sys.modules["psycopg"]
    if _driver is not None:
        sys.modules["psycopg"] = _driver


PAUSE = 1.0  # seconds between two wake-ups of one job from one process


class Job(Protocol):
    """A function that runs in the worker: call enqueue() with ids; call it directly to run now."""

    def __call__(self, *args: Any) -> Any: ...
    def enqueue(self, *args: Any) -> None: ...


class Queue:
    """Registry of jobs before the application exists, Huey behind it afterwards."""

    def __init__(self) -> None:
        self._functions: list[tuple[Callable[..., Any], dict[str, Any], Any]] = []
        self.huey: Huey | None = None
        self._app: Flask | None = None
        self._tasks: dict[str, Any] = {}
        self._wakes: dict[str, float] = {}

    def init_app(self, app: Flask, settings: Settings) -> None:
        """Bind all registered jobs to a Huey of this application."""
        self._app = app
        self.huey = _make_huey(settings)
        for function, options, schedule in self._functions:
            wrapped = self._in_context(app, function)
            name = f"{function.__module__}.{function.__name__}"
            if schedule is not None:
                self.huey.periodic_task(schedule, name=f"{name}.periodic")(wrapped)
            self._tasks[name] = self.huey.task(name=name, **options)(wrapped)
        app.extensions["forum_queue"] = self

    @staticmethod
    def _in_context(app: Flask, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*args: Any) -> Any:
            with app.app_context():
                try:
                    return function(*args)
                finally:
                    db.session.remove()

        return run

    def job(
        self, *, retries: int = 0, retry_delay: int = 0, schedule: Any = None
    ) -> Callable[[Callable[..., Any]], Job]:
        """Register a function as a job; schedule (crontab) also runs it without arguments."""

        def register(function: Callable[..., Any]) -> Job:
            options = {"retries": retries, "retry_delay": retry_delay}
            self._functions.append((function, options, schedule))
            name = f"{function.__module__}.{function.__name__}"

            def enqueue(*args: Any) -> None:
                self.enqueue(name, *args)

            function.enqueue = enqueue  # type: ignore[attr-defined]
            return function  # type: ignore[return-value]

        return register

    def enqueue(self, name: str, *args: Any) -> None:
        """Queue a job by its full name, for those who may not import it."""
        self._tasks[name](*args)

    def wake(self, name: str) -> None:
        """Let a job that looks for its work itself run at once; at most each PAUSE, for what came in between.

        Called once the work is committed. The job must also run by a schedule, in case a wake-up is lost.
        """
        now = time.monotonic()
        latest = self._wakes.get(name)
        if latest is None or latest + PAUSE <= now:
            self._wakes[name] = now
            self._tasks[name]()
        elif latest <= now:  # one has just run: the next one waits, and finds what comes until then
            self._wakes[name] = latest + PAUSE
            self._tasks[name].schedule(delay=latest + PAUSE - now)

    def pending(self) -> int:
        """How many jobs wait; raises what the store raises when it cannot be reached."""
        if self.huey is None:
            raise RuntimeError("the queue is not set up")
        return int(self.huey.pending_count())


def _make_huey(settings: Settings) -> Huey:
    if settings.env == "test" and settings.queue_url is None:
        # tests run due jobs themselves, or start a real worker on a real store
        return MemoryHuey("forum", immediate=False)
    if settings.queue_url is None:
        path = settings.var / "queue.sqlite3"
        path.parent.mkdir(parents=True, exist_ok=True)
        # what must not be lost is in the database; a job only wakes the worker for it
        return SqliteHuey("forum", filename=str(path), timeout=15, fsync=False)
    url = settings.queue_url.replace("valkey://", "redis://", 1)
    return PriorityRedisHuey("forum", url=url)


queue = Queue()
job = queue.job
every = crontab
