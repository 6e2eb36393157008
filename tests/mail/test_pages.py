"""Mails in the browser: texts in development only, lists for administrators."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.db import db, transaction
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.services import Recipient, queue_mail
from tests.factories import NOW, make_user, sign_in
from tests.mail.test_delivery import queue
from tests.queries import LIMIT_PER_PAGE, count_queries


@pytest.fixture
def development(app: Flask) -> Iterator[None]:
    before = app.config["FORUM_SETTINGS"]
    app.config["FORUM_SETTINGS"] = replace(before, env="development")
    yield
    app.config["FORUM_SETTINGS"] = before


def test_texts_are_hidden_elsewhere(client: FlaskClient) -> None:
    queue()
    assert client.get("/dev/mail").status_code == 404
    assert client.get("/dev/mail/1").status_code == 404
    sign_in(client, make_user(is_admin=True))
    assert client.get("/dev/mail/1").status_code == 404


@pytest.mark.usefixtures("development")
def test_read_in_development(client: FlaskClient) -> None:
    queue(
        subject="<script>alert(1)</script>",
        to_name="<b>Ann</b>",
        body="Hello <i>you</i>\n\nhttps://forum.test/a?b=1&c=2\n",
    )
    index = client.get("/dev/mail?q=person0")
    assert index.status_code == 200
    assert "<script>alert" not in index.text
    assert "/dev/mail/1" in index.text
    assert "/dev/mail/1" not in client.get("/dev/mail?q=nobody").text
    page = client.get("/dev/mail/1").text
    assert "&lt;i&gt;you" in page
    assert "<b>Ann" not in page
    assert 'href="https://forum.test/a?b=1&amp;c=2"' in page
    assert client.get("/dev/mail/2").status_code == 404


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize("query", ["?state=wrong", "?sort=wrong", "?page=0", "?page=x", "?q=%00", "?q=%25_"])
def test_odd_questions(client: FlaskClient, query: str) -> None:
    assert client.get("/dev/mail" + query).status_code == 200


def test_administrators_see_what_became_of_it(client: FlaskClient) -> None:
    queue(2, body="secret link", state=MailState.FAILED, attempts=10, last_error="550 <no> such mailbox")
    assert client.get("/admin/mail").status_code == 302
    assert client.post("/admin/mail/1/resend").status_code == 302
    sign_in(client, make_user())
    assert client.get("/admin/mail").status_code == 403
    assert client.post("/admin/mail/1/resend").status_code == 403
    sign_in(client, make_user(is_admin=True))
    page = client.get("/admin/mail?lang=ja")
    assert page.status_code == 200
    assert "550 &lt;no&gt; such mailbox" in page.text
    assert "secret link" not in page.text
    assert client.post("/admin/mail/1/resend").status_code == 303
    db.session.rollback()
    mail = db.session.get_one(OutboxMail, 1)
    assert (mail.state, mail.attempts) == (MailState.QUEUED, 0)
    assert client.post("/admin/mail/1/resend").status_code == 409
    assert client.post("/admin/mail/99/resend").status_code == 404


def test_the_list_costs_the_same_for_any_number(client: FlaskClient) -> None:
    sign_in(client, make_user(is_admin=True))
    costs = []
    for number in (3, 297):
        _queue_more(number)
        with count_queries() as statements:
            assert client.get("/admin/mail?size=100").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= LIMIT_PER_PAGE


def _queue_more(number: int) -> None:
    start = len(db.session.query(OutboxMail.id).all())
    with transaction():
        for n in range(start, start + number):
            db.session.add(
                OutboxMail(
                    message_id=f"<more-{n}@forum.test>",
                    kind="test",
                    to_address=f"p{n}@people.example",
                    to_name="P",
                    locale="en",
                    subject=f"S {n}",
                    body="B",
                    created_at=NOW,
                    next_attempt_at=NOW,
                )
            )


def test_nothing_leaves_when_the_change_fails(app: Flask) -> None:
    def change() -> None:
        with transaction():
            to = Recipient("a@b.example", "A")
            queue_mail(to=to, template="accounts/no_account", context={"email": to.email}, now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()
    assert db.session.query(OutboxMail).count() == 0
    assert app.extensions["forum_queue"].pending() == 0


def test_written_in_the_recipients_language(app: Flask) -> None:
    app.extensions["forum_queue"]._wakes.clear()  # of the tests before: wake-ups of one moment are one
    with transaction():
        queued = queue_mail(to=make_user_row(), template="accounts/password_changed", context={}, now=NOW)
    mail = db.session.get_one(OutboxMail, queued.id)
    assert mail.to_name == "山田花子"
    assert mail.locale == "ja"
    assert "山田花子" in mail.body
    assert "https://forum.test/forgot-password" in mail.body
    assert app.extensions["forum_queue"].pending() == 1


def make_user_row() -> Recipient:
    class Person(Recipient):
        name_native = "山田花子"

    return Person("h@people.example", "Hanako Yamada", "ja")
