"""Answering "nothing has changed" (304) without reading anything but what has.

Calendars ask again and again, and nearly always for the same. Once this process has answered for an
address, it knows the ETag, where in the order of changes that was right (watch.py), and what the answer was
made of. As long as nothing of that has changed, the answer is the same, whatever else the forum writes; the
moment it has, the request goes the long way, where access is settled anew. Secrets are known here by their
digests only.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from flask import Flask

from forum_app.accounts.links import digest
from forum_app.calendars.watch import Position, Watch, names
from forum_app.db import db
from forum_app.web import clock

PREFIX, SUFFIX = "/calendars/", ".ics"
POSITION = "forum.calendars_position"  # in the environment of a request
MOST = 4096  # addresses that one process remembers
HEADERS = (
    ("Cache-Control", "private, max-age=300"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
)
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Known(NamedTuple):
    """etag: as in the header, with its quotes. position: where that was right. due: when the next use is
    to be noted. made_of: as the notes name it, None for anything that is watched."""

    etag: str
    position: Position
    due: datetime
    made_of: Iterable[int] | None


class Unchanged:
    """In front of the application: 304 for what is known to be as it was."""

    def __init__(self, application: Wsgi, watch: Watch) -> None:
        self._application = application
        self._watch = watch
        self._known: OrderedDict[str, Known] = OrderedDict()

    def remember(
        self,
        token_hash: str,
        etag: str,
        position: Position | None,
        due: datetime,
        made_of: Iterable[str] | None,
    ) -> None:
        """What an answer was that was made after that position. etag: without quotes."""
        if position is None:
            return
        known = Known(f'"{etag}"', position, due, None if made_of is None else names(made_of))
        self._known[token_hash] = known
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Go the long way for all addresses once more."""
        self._known.clear()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if path.startswith(PREFIX) and path.endswith(SUFFIX):
            # before anything is read: what changes meanwhile is found the next time
            environ[POSITION] = position = self._watch.look()
            asked = environ.get("HTTP_IF_NONE_MATCH")
            if asked and position is not None and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
                hashed = digest(path[len(PREFIX) : -len(SUFFIX)])
                known = self._known.get(hashed)
                if known is not None and self._holds(known, asked):
                    self._known[hashed] = known._replace(position=position)
                    start_response("304 NOT MODIFIED", [*HEADERS, ("ETag", known.etag)])
                    return []
        return self._application(environ, start_response)

    def _holds(self, known: Known, asked: str) -> bool:
        tags = (tag.strip().removeprefix("W/") for tag in asked.split(","))
        return (
            known.etag in tags
            and clock.now() < known.due
            and self._watch.holds(known.position, known.made_of)
        )


def install(app: Flask) -> None:
    """Put it in front of app."""
    with app.app_context():
        watch = Watch(db.engine)
    unchanged = Unchanged(app.wsgi_app, watch)
    app.extensions["forum_unchanged"] = unchanged
    app.wsgi_app = unchanged  # type: ignore[method-assign]
