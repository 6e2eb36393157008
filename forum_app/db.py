"""The database: one declarative base, UTC instants, and the only place that commits.

SQLite runs in WAL with synchronous=FULL and foreign keys on. A read begins deferred and keeps its
snapshot; a transaction() begins IMMEDIATE, so that two writers queue instead of deadlocking.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy  # noqa: TID251 - the one place that makes it
from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Executable,
    Insert,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Text,
    TypeDecorator,
    event,
    inspect,
)
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.exc import StaleDataError

from forum_app.core.errors import Conflict
from forum_app.core.text import N_

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
CONNECTION = "forum_connection"
PATIENCE = 200  # milliseconds
log = logging.getLogger(__name__)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python (UTC), timestamptz on PostgreSQL, naive UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        # every page reads dozens: one call of C each instead of three, two of them ours
        return _read_utc if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


# The rows of one answer name the same few moments again and again. To be the same object then makes them
# cheap to compare and to look up, too.
@lru_cache(maxsize=4096)
def _read_utc(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


# Lengths are the form's limits too; a text column without a limit is an attack surface.
Name = Annotated[str, mapped_column(String(200))]
Title = Annotated[str, mapped_column(String(500))]
LongText = Annotated[str, mapped_column(Text)]
Key = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]


class Base(DeclarativeBase):
    """Base of all rows; constraint names come from one convention, so migrations can find them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime, int: BigInteger().with_variant(Integer, "sqlite")}


T = TypeVar("T", bound=Base)
# Rows derive from Base, not from db.Model: plain SQLAlchemy that type checkers understand.
db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


def engine_options(url: str) -> dict[str, Any]:
    """Options for create_engine, by kind of database."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 15}, "pool_use_lifo": True}
    return {"pool_size": 5, "max_overflow": 10, "pool_pre_ping": True}


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, record: object) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we emit BEGIN ourselves, see below
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=15000")
    cursor.execute("PRAGMA case_sensitive_like=OFF")
    cursor.close()


_writing: ContextVar[bool] = ContextVar("forum_writing", default=False)


@contextmanager
def begun_to_write() -> Iterator[None]:
    """What begins inside is meant to write."""
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


def _begin(dialect: Dialect, connection: Any) -> None:
    connection.execute("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")


# Not a listener of "begin": one listener for an event of an engine makes each statement look for more.
SQLiteDialect_pysqlite.do_begin = _begin  # type: ignore[method-assign]


@event.listens_for(Session, "after_begin")
def _note_connection(session: Session, _: object, connection: Connection) -> None:
    session.info[CONNECTION] = connection


@contextmanager
def transaction(*, keep: object = None) -> Iterator[None]:
    """One use case, all or nothing: commits at the end, rolls back on any exception.

    What was read before is forgotten, so that rules see the rows as they are inside the
    transaction; but for keep, a row that is only looked at. Raises Conflict when another writer
    changed the same row in between, or when the database stayed locked; callbacks given to
    after_commit() run only once it is committed.
    """
    session = db.session()
    if keep is not None:
        session.expunge(keep)
    session.rollback()  # ends the read that came before and expires what it loaded
    if keep is not None:
        session.add(keep)
    session.info["after_commit"] = []
    try:
        with begun_to_write():
            session.connection()
        yield
        session.commit()
    except StaleDataError as error:
        session.rollback()
        raise Conflict(
            N_("Somebody else changed this at the same moment. Look at it again and decide.")
        ) from error
    except OperationalError as error:
        session.rollback()
        if "locked" in str(error) or "deadlock" in str(error):
            raise Conflict(
                N_("Too many changes at the same moment. Nothing was changed; please try again.")
            ) from error
        raise
    except BaseException:
        session.rollback()
        raise
    callbacks: list[Callable[[], None]] = session.info.pop("after_commit", [])
    for callback in callbacks:
        callback()


def run(statement: Executable, values: Mapping[str, Any] | None = None) -> CursorResult[Any]:
    """Run a statement on tables (not on rows) in the running transaction, without the ORM's work around it.

    For statements that are built once and run often. Nothing pending is flushed first, and loaded rows do not
    learn of a change.
    """
    session = db.session()
    connection: Connection | None = session.info.get(CONNECTION)  # the session would look for it anew
    if connection is None or not connection.in_transaction():
        connection = session.connection()
    return connection.execute(statement, values)


def run_insert(statement: Insert, values: Mapping[str, Any]) -> int:
    """run() for an INSERT of one row; returns its id."""
    key = run(statement, values).inserted_primary_key
    if key is None:
        raise RuntimeError("the statement inserts no row with a key")
    return int(key[0])


class Lookup(Generic[T]):
    """Whole rows of one entity by a statement that is built once and asked on nearly every page.

    statement selects the entity first, then further columns if any: select(Event).where(...),
    select(User, LoginSession.id).where(...). What comes is in the session as after a query of the ORM, for a
    third of its cost; a row that the session knows already is the same object as before. No loader
    options, no relationships loaded along.
    """

    def __init__(self, entity: type[T], statement: Select[*tuple[Any, ...]]) -> None:
        mapper = inspect(entity)
        columns = mapper.local_table.c
        asked = [column.name for column in statement.selected_columns][: len(columns)]
        if set(asked) != set(columns.keys()):
            raise ValueError(f"the statement has to select {entity.__name__} first, whole")
        self._entity, self._mapper, self._statement = entity, mapper, statement
        self._names = [mapper.get_property_by_column(columns[name]).key for name in asked]
        self._key = asked.index(mapper.primary_key[0].name)

    def rows(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """(instance, further columns ...) of each row."""
        session = db.session()
        session.flush()
        width = len(self._names)
        return [(self._instance(session, row), *row[width:]) for row in run(self._statement, values)]

    def all(self, values: Mapping[str, Any]) -> list[T]:
        """The instance of each row."""
        return [row[0] for row in self.rows(values)]

    def one_or_none(self, values: Mapping[str, Any]) -> T | None:
        """The instance of the only row; raises where there are more."""
        found = self.all(values)
        if len(found) > 1:
            raise MultipleResultsFound(f"{len(found)} rows where one was expected")
        return found[0] if found else None

    def _instance(self, session: Session, row: Row[Any]) -> T:
        key = self._mapper.identity_key_from_primary_key((row[self._key],))
        if key in session.identity_map:
            return session.get_one(self._entity, row[self._key])  # read anew if it was forgotten
        instance: Any = self._mapper.class_manager.new_instance()
        state: Any = instance_state(instance)
        state.dict.update(zip(self._names, row, strict=False))  # the row may be longer
        # as the ORM does with what it loads; add() would look for related rows, of which there are none yet
        state.key, state.session_id = key, session.hash_key
        session.identity_map.add(state)
        return cast(T, instance)


def after_commit(callback: Callable[[], None]) -> None:
    """Run callback once the surrounding transaction() is committed; never if it is rolled back."""
    db.session().info.setdefault("after_commit", []).append(callback)


def write_if_free(statement: Executable) -> None:
    """Run one statement of little weight (when something was last used) at the end of a read.

    On a connection of its own, and rather not at all than late: it waits at most PATIENCE for other
    writers, and nobody learns that it failed but the log.
    """
    with db.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            connection.connection.execute(f"PRAGMA busy_timeout={PATIENCE}")
        try:
            with begun_to_write(), connection.begin():
                if not is_sqlite:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE}")
                connection.execute(statement)
        except DBAPIError:
            log.info("a note was not written: the database is busy")
        finally:
            if is_sqlite:
                connection.connection.execute("PRAGMA busy_timeout=15000")


def violated(error: IntegrityError, constraint: str) -> bool:
    """Whether error is a violation of the named constraint or unique index.

    SQLite names the columns instead of the constraint for UNIQUE, so both are looked at.
    """
    text = str(error.orig)
    if constraint in text:
        return True
    table = next((t for t in Base.metadata.sorted_tables for c in _named(t) if c == constraint), None)
    if table is None:
        return False
    columns = _columns(table, constraint)
    return bool(columns) and all(f"{table.name}.{column}" in text for column in columns)


def _named(table: Any) -> list[str]:
    return [c.name for c in table.constraints if c.name] + [i.name for i in table.indexes if i.name]


def _columns(table: Any, constraint: str) -> list[str]:
    for item in [*table.constraints, *table.indexes]:
        if item.name == constraint:
            return [column.name for column in item.columns]
    return []
