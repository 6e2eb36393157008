"""Alembic's environment: runs inside the application that Flask-Migrate hands over."""

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


with begun_to_write(), db.engine.connect() as connection:
    run(connection)
    if connection.in_transaction():
        connection.commit()
