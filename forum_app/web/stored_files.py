"""Which uploads are still needed: what no row refers to is removed, some time after it came.

A column that holds names of files says so: mapped_column(String(80), info=STORED_FILE).
"""

import logging
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Column, select

from forum_app.db import Base, db
from forum_app.web.storage import Storage

STORED_FILE = {"stored_file": True}
# A file is kept before the row that refers to it, by a form that may be corrected for a day.
GRACE = timedelta(days=2)
BATCH = 200
log = logging.getLogger(__name__)


def remove_unused(storage: Storage, now: datetime) -> int:
    """Remove uploads older than GRACE that no row refers to; returns how many. Safe while serving."""
    before = now - GRACE
    names = iter(storage.older_than(before))
    removed = 0
    while batch := list(islice(names, BATCH)):
        unused = set(batch) - _in_use(batch)
        db.session.rollback()  # ends the read: removing may take its time
        removed += sum(storage.remove(name, before) for name in sorted(unused))
    if removed:
        log.info("removed %s uploads that nothing refers to", removed)
    return removed


def _in_use(names: Collection[str]) -> set[str]:
    used: set[str] = set()
    for column in _columns():
        used.update(db.session.scalars(select(column).where(column.in_(names))))
    return used


def _columns() -> Iterator[Column[Any]]:
    for table in Base.metadata.tables.values():
        yield from (column for column in table.columns if column.info.get("stored_file"))
