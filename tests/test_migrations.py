"""The migrations make the schema of the models, go down and come up again, and protect the audit trail."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from forum_app.audit.services import record
from forum_app.db import Base, db, transaction
from tests.factories import NOW, make_user


@pytest.mark.every_database
def test_schema_equals_models(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.every_database
def test_down_and_up_again(app: Flask) -> None:
    downgrade(revision="base")
    with db.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    upgrade()
    with db.engine.connect() as connection:
        assert {t.name for t in Base.metadata.sorted_tables} <= set(inspect(connection).get_table_names())
        assert connection.scalar(text("SELECT count(*) FROM organizations_area")) == 11


@pytest.mark.every_database
@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
def test_the_audit_trail_is_append_only(app: Flask, statement: str) -> None:
    user = make_user()
    with transaction():
        record(actor=user, action="test.happened", subject=user, now=NOW)
    with pytest.raises(DatabaseError, match="append-only"), transaction():
        db.session.execute(text(statement))
