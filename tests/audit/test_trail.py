"""The trail: append-only in the database itself, read by administrators."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from forum_app.audit.models import AuditEntry
from forum_app.audit.queries import list_entries
from forum_app.audit.services import record
from forum_app.db import db, transaction
from forum_app.web.tables import TableState
from tests.factories import NOW, make_user, sign_in
from tests.queries import LIMIT_PER_PAGE, count_queries


def entries(number: int, **values: object) -> None:
    subject = make_user()
    with transaction():
        for n in range(number):
            record(actor=None, action="test.done", subject=subject, now=NOW, detail={"n": n}, **values)  # type: ignore[arg-type]


@pytest.mark.every_database
@pytest.mark.parametrize("change", [update(AuditEntry).values(action="x"), delete(AuditEntry)])
def test_nobody_changes_it(app: Flask, change: object) -> None:
    entries(1)

    def try_it() -> None:
        with transaction():
            db.session.execute(change)  # type: ignore[call-overload]

    with pytest.raises(DBAPIError):
        try_it()
    assert db.session.query(AuditEntry).one().action == "test.done"


def test_it_outlives_its_subject(app: Flask) -> None:
    user = make_user("gone@people.example")
    with transaction():
        record(actor=user, action="test.done", subject=user, now=NOW)
    with transaction():
        db.session.delete(user)
    entry = db.session.query(AuditEntry).one()
    assert (entry.actor_label, entry.subject_label) == ("gone@people.example", "gone@people.example")


def test_only_administrators_read_it(client: FlaskClient) -> None:
    assert client.get("/admin/audit").location == "/sign-in?next=/admin/audit"
    sign_in(client, make_user())
    assert client.get("/admin/audit").status_code == 403


def test_read_searched_and_harmless(client: FlaskClient) -> None:
    user = make_user("<b>x</b>@people.example")
    with transaction():
        record(
            actor=user,
            action="test.done",
            subject=user,
            now=NOW,
            detail={"reason": "<script>alert(1)</script>"},
        )
    sign_in(client, make_user(is_admin=True))
    for path in ("/admin/audit", "/admin/audit?lang=ja&q=test.done&sort=actor"):
        page = client.get(path)
        assert page.status_code == 200
        assert "test.done" in page.text.split("<tbody")[1]
        assert "<script>alert" not in page.text
        assert "<b>x" not in page.text
    assert "<tbody" not in client.get("/admin/audit?q=nothing-like-that").text
    assert client.get("/admin/audit?sort=wrong&page=-1").status_code == 200


def test_one_event_only(app: Flask) -> None:
    entries(2, event_id=1)
    entries(3, event_id=2)
    state = TableState(path="/", sort="at")
    assert (list_entries(state, event_id=2).total, list_entries(state).total) == (3, 5)


def test_the_list_costs_the_same_for_any_number(client: FlaskClient) -> None:
    sign_in(client, make_user(is_admin=True))
    costs = []
    for number in (3, 297):
        entries(number)
        with count_queries() as statements:
            assert client.get("/admin/audit?size=100").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= LIMIT_PER_PAGE
