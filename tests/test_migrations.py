"""The migrations make the schema of the models, go down and come up again, and protect the audit trail."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, inspect, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from forum_app.audit.services import record
from forum_app.db import Base, db, transaction
from forum_app.invitations.models import Invitation
from forum_app.meetings.models import (
    Interpreter,
    MeetingRequest,
    MeetingTable,
    RequestState,
    TableKind,
)
from tests.factories import NOW, make_user, save
from tests.meetings.scene import change, make_scene


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


def _rows() -> dict[str, int]:
    with db.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        return {
            table: connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - our own names
            for table in sorted(tables)
            if table != "calendars_change"  # a diary: what was written there below is not carried up
        }


@pytest.mark.every_database
def test_rows_of_the_first_schema_outlive_the_second(app: Flask) -> None:
    """A forum with meetings goes down to what the first version knew, and comes up with all its rows."""
    scene = make_scene()
    scene.accept(scene.ask())
    agreed = scene.ask(scene.more_guest())
    change(agreed, state=RequestState.AGREED)
    save(Interpreter(event_id=scene.event.id, name_latin="Interpreter"))
    with transaction():  # the first version sends no invitations: what it can not know can not come up again
        db.session.execute(delete(Invitation))
    db.session.remove()
    db.engine.dispose()
    before = _rows()
    downgrade(revision="0001")
    old = _rows()
    assert {name: before[name] for name in old} == old
    upgrade()
    assert _rows() == before
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    states = db.session.scalars(select(MeetingRequest.state).order_by(MeetingRequest.id)).all()
    assert states == [RequestState.ACCEPTED, RequestState.PENDING]
    kinds = db.session.scalars(select(MeetingTable.kind)).all()
    assert set(kinds) == {TableKind.OPEN}
    # the rules came up with the rows
    booth = update(MeetingTable).values(kind=TableKind.BOOTH)
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(booth)


@pytest.mark.every_database
@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
def test_the_audit_trail_is_append_only(app: Flask, statement: str) -> None:
    user = make_user()
    with transaction():
        record(actor=user, action="test.happened", subject=user, now=NOW)
    with pytest.raises(DatabaseError, match="append-only"), transaction():
        db.session.execute(text(statement))
