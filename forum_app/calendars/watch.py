"""What has changed of all that feeds are made of: read from notes that the database writes by itself.

Triggers (migration 0009) note each change of a row in WATCHED, whoever makes it and by what statement, in
the same transaction: the event, person, meeting, company of a meeting, registration, organization or address
that it is about. A process reads the notes since its last look, one small statement, and so knows of each
answer it gave whether anything has changed that it was made of.

Notes are read in the order of commits: on SQLite by number, since there is one writer at a time; on
PostgreSQL by snapshot, since a transaction with a lower number may end later. Where that order cannot be
known (notes were thrown away, the file is another one, a trigger is missing, nobody looked for long), all
that was known is forgotten: the long way is always right.
"""

import logging
import os
import sqlite3
import time
from array import array
from collections.abc import Collection, Iterable
from threading import Lock
from typing import Any, NamedTuple

from sqlalchemy import Engine, bindparam, event, text
from sqlalchemy.exc import DBAPIError

WATCHED = (
    "accounts_user",
    "agenda_bookmark",
    "agenda_item",
    "agenda_speaker",
    "agenda_version",
    "calendars_feed_token",
    "events_event",
    "events_role_grant",
    "events_room",
    "events_track",
    "meetings_interpreter",
    "meetings_meeting",
    "meetings_participant",
    "meetings_table",
    "organizations_membership",
    "organizations_organization",
    "registration_registration",
)
LONGEST_PAUSE = 3600.0  # seconds between two looks; notes are kept for a day (jobs.py)
MOST_NAMED = 100_000  # changed things that a process remembers
log = logging.getLogger(__name__)
# What is new, in one statement, so that it is what this snapshot sees; one row without a note for nothing.
_SINCE = text(
    "SELECT pg_current_snapshot()::text, c.named FROM (SELECT 1) AS one LEFT JOIN calendars_change AS c"
    " ON c.transaction_id >= pg_snapshot_xmin(CAST(:seen AS pg_snapshot))::text::bigint"
    " AND NOT pg_visible_in_snapshot(c.transaction_id::text::xid8, CAST(:seen AS pg_snapshot))"
).bindparams(bindparam("seen"))


_inherited: list[Any] = []


def names(made_of: Iterable[str]) -> "array[int]":
    """What an answer is made of, in a hundredth of the space: processes remember thousands of answers.

    Of two things with the same hash, each seems to change with the other, which costs an answer the long
    way and no more.
    """
    return array("q", map(hash, made_of))


class Position(NamedTuple):
    """A moment in the order of changes. of: positions with another one cannot be compared."""

    of: int
    number: int


class Watch:
    """The changes, asked on a connection of this process's own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._connection: Any = None
        self._of: object = None
        self._process = os.getpid()
        self._seen: Any = None
        self._looked_at = 0.0
        # one object, so that a reader without the lock has a position and the changes that belong to it
        self._state: tuple[Position, dict[int, int]] = Position(0, 0), {}
        # With any listener an engine looks for listeners at each statement, a tenth of a short one's cost;
        # this event is told without.
        had_events = engine._has_events
        event.listen(engine, "engine_disposed", self._disposed)
        engine._has_events = had_events

    def look(self) -> Position | None:
        """Read what has changed; where we are now, None when that cannot be known."""
        with self._lock:
            try:
                if time.monotonic() - self._looked_at > LONGEST_PAUSE:
                    self._close()
                known = self._sqlite() if self._engine.dialect.name == "sqlite" else self._postgresql()
            except (DBAPIError, sqlite3.Error, OSError) as error:
                log.warning("calendars are not watched: %s", type(error).__name__)
                known = False
            if not known:
                self._close()
                return None
            self._looked_at = time.monotonic()
            return self._state[0]

    def holds(self, since: Position, made_of: Iterable[int] | None) -> bool:
        """Whether nothing has changed since then, as far as the last look saw, of what is named (see
        names()); of anything that is watched for None."""
        now, changed = self._state
        if since == now:
            return True
        if since.of != now.of or made_of is None:
            return False
        number = since.number
        return all(changed.get(name, 0) <= number for name in made_of)

    def _note(self, notes: Collection[str]) -> None:
        if not notes:
            return
        now, changed = self._state
        number = now.number + 1
        changed.update(dict.fromkeys((hash(name) for note in notes for name in note.split("\n")), number))
        if len(changed) > MOST_NAMED:
            self._begin()
        else:
            self._state = Position(now.of, number), changed

    def _begin(self) -> None:
        """What was known before is not to be compared with what comes."""
        self._state = Position(self._state[0].of + 1, 0), {}

    def _disposed(self, engine: Engine) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _is_open(self, of: object) -> bool:
        """Whether there is a connection to just this."""
        if self._connection is not None and self._of == of:
            return True
        if self._process == os.getpid():
            self._close()
        elif self._connection is not None:  # of the process that this one was forked from: not ours to close
            _inherited.append(self._connection)
            self._connection = None
        self._process = os.getpid()
        self._of = of
        self._begin()
        return False

    def _sqlite(self) -> bool:
        path = self._engine.url.database
        if not path or path == ":memory:":
            return False
        file = os.stat(path)
        if not self._is_open((os.getpid(), file.st_dev, file.st_ino)):
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            if not _are_watched({row[0] for row in names}, ("_insert", "_update", "_delete")):
                return False
            newest = self._connection.execute("SELECT max(id) FROM calendars_change").fetchone()
            self._seen = newest[0] or 0
            return True
        rows = self._connection.execute(
            "SELECT id, named FROM calendars_change WHERE id >= ? ORDER BY id", (self._seen,)
        ).fetchall()
        first = rows[0][0] if rows else 0
        if first == self._seen or (self._seen == 0 and first == 1):
            # the newest note is never thrown away, so what follows the one we know is all there is
            self._note([named for number, named in rows if number != self._seen])
        else:
            self._begin()
        self._seen = rows[-1][0] if rows else 0
        return True

    def _postgresql(self) -> bool:
        if not self._is_open(os.getpid()):
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            names = self._connection.exec_driver_sql(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
            )
            if not _are_watched({row[0] for row in names}, ("",)):
                return False
            self._seen = self._connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar()
            return True
        rows = self._connection.execute(_SINCE, {"seen": self._seen}).all()
        self._seen = rows[0][0]
        self._note([named for _, named in rows if named is not None])
        return True


def _are_watched(triggers: set[str], endings: Iterable[str]) -> bool:
    missing = {f"calendars_note_{table}{ending}" for table in WATCHED for ending in endings} - triggers
    if missing:
        log.warning("calendars are answered the long way: no trigger %s", min(missing))
    return not missing
