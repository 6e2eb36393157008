"""Uploads in a bucket of S3 or what speaks like it. The one place that imports obstore.

An object's key is <prefix>/<name>/<day of saving, UTC>. A day is written by whoever saves on it and
removed when it is long over, so that removing and saving never meet at one key, and nothing depends
on the store's clock. One request keeps a file: it is there whole, or not at all.

obstore is loaded and connected on the first use: its threads do not survive a fork, and the web
process forks its workers after the application is made.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING

from forum_app.config import ConfigError
from forum_app.core.errors import Unavailable
from forum_app.web.storage import CANNOT_KEEP, CANNOT_LOAD, NAME, checked, content_name, gone

if TYPE_CHECKING:
    from obstore.store import S3Store

TYPES = {"pdf": "application/pdf"}
# A file of 20 MB passes in half a minute or is given up; with the retries a request takes less than a minute.
TRANSFER = timedelta(seconds=30)
CONNECT = timedelta(seconds=3)
RETRY_FOR = timedelta(seconds=15)
RETRIES = 2
CHECK = timedelta(seconds=4)
CANNOT_REACH = "the bucket cannot be reached"  # for operators: a check has no reader
log = logging.getLogger(__name__)


class BucketStorage:
    """Files in a bucket. place: bucket[/prefix]; keys, region and endpoint as AWS_* of the environment."""

    def __init__(self, place: str) -> None:
        if find_spec("obstore") is None:
            raise ConfigError("FORUM_STORAGE_URL: a bucket needs more: pip install 'forum-app[s3]'")
        self.bucket, _, self.prefix = place.partition("/")
        self._stores: dict[timedelta, S3Store] = {}
        self._lock = Lock()
        self._process = 0

    def save(self, content: bytes, suffix: str) -> str:
        name = content_name(content, suffix)
        kind = TYPES.get(suffix, "application/octet-stream")
        with self._answering(CANNOT_KEEP) as store:
            today = datetime.now(UTC).date()
            store.put(f"{name}/{today}", content, attributes={"Content-Type": kind}, use_multipart=False)
        return name

    def load(self, name: str) -> bytes:
        with self._answering(CANNOT_LOAD) as store:
            days = _days_of(store, checked(name))
            if not days:
                raise gone()
            try:
                return bytes(store.get(f"{name}/{max(days)}").bytes())
            except FileNotFoundError as error:  # removed meanwhile
                raise gone() from error

    def older_than(self, before: datetime) -> Iterator[str]:
        with self._answering(CANNOT_LOAD) as store:
            saved: dict[str, date] = {}
            for name, day in _entries(store, None):
                saved[name] = max(day, saved.get(name, day))
        yield from (name for name, day in saved.items() if day < _day(before))

    def remove(self, name: str, before: datetime) -> bool:
        with self._answering(CANNOT_LOAD) as store:
            days = _days_of(store, checked(name))
            if not days or max(days) >= _day(before):
                return False
            for day in days:  # one by one: not all that speak like S3 delete several
                store.delete(f"{name}/{day}")
            return True

    def check(self) -> None:
        """The bucket answers and lets us read; raises Unavailable after a few seconds."""
        with self._answering(CANNOT_REACH, CHECK) as store:
            _days_of(store, "check")

    @contextmanager
    def _answering(self, sentence: str, timeout: timedelta = TRANSFER) -> Iterator["S3Store"]:
        """The store; its failures are one line in the log and Unavailable with a sentence."""
        from obstore.exceptions import BaseError

        try:
            yield self._store(timeout)
        # FileNotFoundError is what obstore makes of a missing bucket
        except (BaseError, OSError) as error:
            log.error("storage: bucket %s: %s", self.bucket, _reason(error))
            raise Unavailable(sentence) from None  # the whole text repeats addresses and answers

    def _store(self, timeout: timedelta) -> "S3Store":
        from obstore.store import S3Store

        with self._lock:
            if self._process not in (0, os.getpid()):
                raise RuntimeError("a bucket was used before a fork: its threads are gone in this process")
            self._process = os.getpid()
            if timeout not in self._stores:
                endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
                self._stores[timeout] = S3Store(
                    self.bucket,
                    prefix=self.prefix or None,
                    client_options={
                        "timeout": timeout,
                        "connect_timeout": CONNECT,
                        "allow_http": endpoint.startswith("http://"),
                    },
                    retry_config={
                        "max_retries": RETRIES,
                        "retry_timeout": min(timeout, RETRY_FOR),
                        "backoff": {
                            "init_backoff": timedelta(milliseconds=100),
                            "max_backoff": timedelta(seconds=2),
                            "base": 2,
                        },
                    },
                )
            return self._stores[timeout]


def _entries(store: "S3Store", folder: str | None) -> Iterator[tuple[str, date]]:
    """Names and days of what is kept; whatever else lies in the bucket is not ours."""
    for batch in store.list(folder):
        for entry in batch:
            name, _, day = str(entry["path"]).rpartition("/")
            with suppress(ValueError):
                if NAME.fullmatch(name):
                    yield name, date.fromisoformat(day)


def _days_of(store: "S3Store", name: str) -> list[date]:
    return [day for _, day in _entries(store, name)]


def _day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()


def _reason(error: Exception) -> str:
    """Why, without the rest of the message: the store's own code, the status, or the kind of error."""
    text = str(error)
    code = re.search(r"<Code>(\w{1,60})</Code>", text) or re.search(r"status code: (\d{3}[ \w]{0,30})", text)
    return code.group(1) if code else f"no answer ({type(error).__name__})"
