"""Alembic's environment: runs inside the application that Flask-Migrate hands over."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from forum_app.db import Base, begun_to_write, db


def render_item(kind: str, obj: object, autogen_context: object) -> str | bool:
    """Write our own column types as the plain ones they are in the database."""
    if kind == "type" and type(obj).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    options = dict(current_app.extensions["migrate"].configure_args)
    options.update(render_as_batch=True, render_item=render_item, compare_type=True)
    context.configure(connection=connection, target_metadata=Base.metadata, **options)
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise RuntimeError(f"the migration would leave a row that refers to nothing: {broken}")


@contextmanager
def foreign_keys_at_rest(connection: Connection) -> Iterator[None]:
    """SQLite alters a table by making it anew and dropping the old one, which deletes its rows first: with
    foreign keys on, everything that refers to them would go, too. They are checked before the end instead."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")  # of no effect inside a transaction
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


with begun_to_write(), db.engine.connect() as connection, foreign_keys_at_rest(connection):
    run(connection)
    if connection.in_transaction():
        connection.commit()
