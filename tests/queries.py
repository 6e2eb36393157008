"""Counting SQL statements: a list page must cost the same at 3 and at 300 rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from forum_app.db import db

LIMIT_PER_PAGE = 40


@contextmanager
def count_queries() -> Iterator[list[str]]:
    """Collects the statements that run inside, without BEGIN and COMMIT."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            statements.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
