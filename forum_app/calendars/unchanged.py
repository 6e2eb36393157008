"""Answering "nothing has changed" (304) without reading anything but whether the database has.

Calendars ask again and again, and nearly always for the same. Once this process has answered for an
address, it knows the ETag together with the state of the database in which that was right. As long
as nobody has written anything since, the answer is the same; the moment somebody has, the request
goes the long way, where access is settled anew.

The state of the database: on SQLite PRAGMA data_version, asked on a connection that never writes
itself, so that it changes with each commit of anybody; on PostgreSQL the current snapshot, which
names the transactions that are over. Secrets are known here by their digests only.
"""

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count
from threading import Lock
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from forum_app.accounts.links import digest
from forum_app.db import db
from forum_app.web import clock

PREFIX, SUFFIX = "/calendars/", ".ics"
MOST = 8192  # addresses that one process remembers
HEADERS = (
    ("Cache-Control", "private, max-age=300"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
)
State = tuple[int, object]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Watch:
    """The state of the database, asked on a connection of this process's own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._connection: Any = None
        self._of: object = None
        self._number = 0
        self._numbers = count(1)
        event.listen(engine, "engine_disposed", self._disposed)

    def state(self) -> State | None:
        """Equal as long as nobody has committed anything; None when that cannot be known."""
        with self._lock:
            try:
                if self._engine.dialect.name == "sqlite":
                    return self._sqlite()
                return self._postgresql()
            except (DBAPIError, sqlite3.Error, OSError):
                self._close()
                return None

    def _disposed(self, engine: Engine) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._of is not None:
            connection.close()

    def _is_open(self, of: object) -> bool:
        """Whether there is a connection to just this; states of another are not to be compared."""
        if self._connection is not None and self._of == of:
            return True
        if self._connection is not None and self._of is not None:
            self._connection = None  # of the process that this one was forked from, or of another file
        self._of = of
        self._number = next(self._numbers)
        return False

    def _sqlite(self) -> State | None:
        path = self._engine.url.database
        if not path or path == ":memory:":
            return None
        file = os.stat(path)
        if not self._is_open((os.getpid(), file.st_dev, file.st_ino)):
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        return self._number, self._connection.execute("PRAGMA data_version").fetchone()[0]

    def _postgresql(self) -> State | None:
        if not self._is_open(os.getpid()):
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self._number, self._connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar()


class Known(NamedTuple):
    """etag: as in the header, with its quotes. due: when the next use is to be noted."""

    etag: str
    state: State
    due: datetime


class Unchanged:
    """In front of the application: 304 for what is known to be as it was."""

    def __init__(self, application: Wsgi, watch: Watch) -> None:
        self._application = application
        self._watch = watch
        self._known: OrderedDict[str, Known] = OrderedDict()

    def state(self) -> State | None:
        """The state of the database, to be asked before an answer is made."""
        return self._watch.state()

    def remember(self, token_hash: str, etag: str, state: State | None, due: datetime) -> None:
        """In that state this was the ETag (without quotes) of an address."""
        if state is None:
            return
        self._known[token_hash] = Known(f'"{etag}"', state, due)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = environ.get("HTTP_IF_NONE_MATCH")
        if asked and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            path: str = environ.get("PATH_INFO", "")
            if path.startswith(PREFIX) and path.endswith(SUFFIX):
                known = self._known.get(digest(path[len(PREFIX) : -len(SUFFIX)]))
                if known is not None and self._holds(known, asked):
                    start_response("304 NOT MODIFIED", [*HEADERS, ("ETag", known.etag)])
                    return []
        return self._application(environ, start_response)

    def _holds(self, known: Known, asked: str) -> bool:
        tags = (tag.strip().removeprefix("W/") for tag in asked.split(","))
        return known.etag in tags and clock.now() < known.due and self._watch.state() == known.state


def install(app: Flask) -> None:
    """Put it in front of app."""
    with app.app_context():
        watch = Watch(db.engine)
    unchanged = Unchanged(app.wsgi_app, watch)
    app.extensions["forum_unchanged"] = unchanged
    app.wsgi_app = unchanged  # type: ignore[method-assign]
