"""Optional mail: one click to leave it, for who holds the mail and nobody else."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.db import db, transaction
from forum_app.mail.lists import optional_lists
from forum_app.mail.models import MailPreference, MailState, OutboxMail
from forum_app.mail.preferences import wishes_of
from forum_app.mail.services import Queued, Recipient, queue_optional
from forum_app.mail.unsubscribe import leaving_token
from tests.factories import NOW, make_user, sign_in
from tests.mail.conftest import Mailbox
from tests.mail.test_delivery import deliver
from tests.parts import text_of

DAY = NOW.replace(hour=3)  # noon in Tokyo


@pytest.fixture(autouse=True)
def news() -> Iterator[str]:
    yield optional_lists.add("news", "News")
    optional_lists._labels.pop("news")


def send(address: str = "Ann@People.example", locale: str = "en") -> Queued | None:
    with transaction():
        return queue_optional(
            to=Recipient(address, "Ann", locale),
            template="accounts/password_changed",
            context={},
            listed="news",
            now=DAY,
        )


def test_headers_and_text_say_how(app: Flask, mailbox: Mailbox, client: FlaskClient) -> None:
    assert send() is not None
    deliver(mailbox, DAY)
    message = mailbox.messages[0]
    url = str(message["List-Unsubscribe"]).strip("<>")
    assert url.startswith("https://forum.test/mail/lists/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url in text_of(message).replace("\r\n", "\n")
    path = url.removeprefix("https://forum.test")
    # as a mail program does it: no cookie, no session, and no redirect for an answer
    answer = client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert wishes_of("ann@people.EXAMPLE").off == {"news"}
    assert send() is None
    assert db.session.scalars(select(OutboxMail)).one().state == MailState.SENT


def test_one_that_waits_for_the_morning_does_not_reach_who_leaves_at_night(
    app: Flask, mailbox: Mailbox, client: FlaskClient
) -> None:
    assert send() is not None
    path = f"/mail/lists/{leaving_token('ann@people.example', 'news')}"
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    deliver(mailbox, DAY)
    assert mailbox.messages == []
    db.session.rollback()
    assert db.session.scalars(select(OutboxMail)).one().state == MailState.DROPPED


def test_one_click_needs_no_token_of_a_form(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        path = f"/mail/lists/{leaving_token('ann@people.example', 'news')}"
        assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert client.post(path, data={"again": "1"}).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert wishes_of("ann@people.example").off == {"news"}


def test_reading_changes_nothing_and_the_page_goes_both_ways(app: Flask, client: FlaskClient) -> None:
    path = f"/mail/lists/{leaving_token('ann@people.example', 'news')}"
    page = client.get(path + "?lang=ja")
    assert page.status_code == 200
    assert "配信を停止する" in page.text
    assert "ann@people.example" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert db.session.scalar(select(MailPreference)) is None
    assert client.post(path).status_code == 303
    db.session.rollback()
    assert wishes_of("ann@people.example").off == {"news"}
    assert client.post(path, data={"again": "1"}).status_code == 303
    db.session.rollback()
    assert wishes_of("ann@people.example").off == frozenset()


@pytest.mark.parametrize("token", ["x", "x" * 5000, "WyJhIiwibmV3cyJd.forged", "%00", "a/b"])
def test_forged_links_are_not_there(client: FlaskClient, token: str) -> None:
    assert client.get(f"/mail/lists/{token}").status_code == 404
    assert client.post(f"/mail/lists/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 404


def test_a_list_that_is_no_more(app: Flask, client: FlaskClient) -> None:
    token = leaving_token("ann@people.example", "gone")
    assert client.get(f"/mail/lists/{token}").status_code == 404


def test_mail_that_one_needs_bears_no_such_header(app: Flask, mailbox: Mailbox, client: FlaskClient) -> None:
    client.post("/forgot-password", data={"email": "nobody@people.example"})
    deliver(mailbox, db.session.scalars(select(OutboxMail)).one().created_at)
    assert mailbox.messages[0]["List-Unsubscribe"] is None


def test_the_page_of_all_wishes(app: Flask, client: FlaskClient) -> None:
    user = make_user()
    sign_in(client, user)
    page = client.get("/account/mail")
    assert page.status_code == 200
    assert 'name="remind-meeting-day" value="y" checked' in page.text
    assert "remind-event-hour" not in page.text
    answer = client.post(
        "/account/mail",
        data={"quiet": "y", "quiet_from": "23:30", "quiet_until": "06:15", "remind-meeting-hour": "y"},
    )
    assert answer.status_code == 303
    wishes = wishes_of(user.email)
    assert (wishes.quiet_from, wishes.quiet_until) == (23 * 60 + 30, 6 * 60 + 15)
    assert wishes.off == set(optional_lists)
    page = client.get("/account/mail?lang=ja")
    assert 'name="remind-meeting-hour" value="y" checked' in page.text
    assert 'name="remind-meeting-day" value="y" checked' not in page.text
    assert 'value="23:30"' in page.text
    refused = client.post("/account/mail", data={"quiet": "y", "quiet_from": "25:99", "list-news": "y"})
    assert refused.status_code == 422
    assert 'name="list-news" value="y" checked' in refused.text
