"""The page of one's secret addresses."""

import logging
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.audit.models import AuditEntry
from forum_app.calendars.models import FeedToken
from forum_app.calendars.services import MOST_FEEDS
from forum_app.db import db, transaction
from forum_app.events.rooms import delete_row
from forum_app.web.models import SentForm
from tests.calendars.parts import make_feed
from tests.factories import NOW, make_event, make_registration, make_room, make_user, sign_in
from tests.mail.test_delivery import configured
from tests.queries import count_queries

PAGE = "/account/calendars"


def kept_feeds() -> list[FeedToken]:
    """The addresses as the database holds them now."""
    db.session.rollback()
    return list(db.session.scalars(select(FeedToken)))


def address_in(page: str) -> str:
    match = re.search(r"https://forum\.test(?:/forum)?(/calendars/[\w-]+\.ics)", page)
    assert match is not None
    return match[1]


def test_an_address_is_shown_once_and_works(client: FlaskClient) -> None:
    user = make_user()
    sign_in(client, user)
    response = client.post(PAGE, data={"label": "Phone", "locale": "ja", "idempotency_key": "k1"})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    path = address_in(response.text)
    assert f'data-copy="https://forum.test{path}"' in response.text
    assert f'href="webcal://forum.test{path}"' in response.text
    assert client.get(path).status_code == 200
    page = client.get(PAGE).text
    assert "Phone" in page
    assert path not in page
    [feed] = kept_feeds()
    assert (feed.user_id, feed.label, feed.locale) == (user.id, "Phone", "ja")
    # sent again: the list, and no second address
    again = client.post(PAGE, data={"label": "Phone", "locale": "ja", "idempotency_key": "k1"})
    assert again.status_code == 303
    assert len(kept_feeds()) == 1


def test_the_secret_is_kept_and_logged_nowhere(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(client, make_user())
    with caplog.at_level(logging.DEBUG):
        page = client.post(PAGE, data={"locale": "en", "idempotency_key": "k2"}).text
        path = address_in(page)
        client.get(path)
        client.get(path.replace(".ics", "x.ics"))
    secret = path.removeprefix("/calendars/").removesuffix(".ics")
    db.session.rollback()
    kept = [db.session.execute(select(t.__table__)).all() for t in (FeedToken, AuditEntry, SentForm)]
    assert secret not in str(kept)
    # what the database driver logs at DEBUG are digests too
    assert secret not in caplog.text


def test_revoking_ends_an_address(client: FlaskClient) -> None:
    user = make_user()
    sign_in(client, user)
    path = make_feed(user, label="Old phone")
    [feed] = kept_feeds()
    response = client.post(f"{PAGE}/{feed.id}/revoke")
    assert response.status_code == 303
    assert client.get(path).status_code == 404
    assert "Old phone" not in client.get(PAGE).text
    assert client.post(f"{PAGE}/{feed.id}/revoke").status_code == 303
    db.session.rollback()
    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["calendars.address_created", "calendars.address_revoked"]


def test_a_forum_below_a_path_names_it_once(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user())
    with configured(app, base_url="https://forum.test/forum"):
        below = {"SCRIPT_NAME": "/forum"}
        page = client.post(PAGE, data={"locale": "en"}, environ_overrides=below).text
        assert "https://forum.test/forum/calendars/" in page
        assert "/forum/forum/" not in page
        body = client.get(address_in(page), environ_overrides=below).data
    assert b"https://forum.test/forum/calendars/" in body.replace(b"\r\n ", b"")


def test_a_room_goes_with_its_addresses(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    room = make_room(event)
    make_registration(event, user)
    sign_in(client, user)
    page = client.post(PAGE, data={"subject": f"room-{room.id}", "locale": "en"}).text
    path = address_in(page)
    assert client.get(path).status_code == 200
    with transaction():
        delete_row(actor=None, event=event, row=room, now=NOW)
    assert client.get(path).status_code == 404


def test_nobody_sees_or_revokes_anothers_address(app: Flask) -> None:
    owner = make_user()
    path = make_feed(owner, label="Mine alone")
    [feed] = kept_feeds()
    for other in (make_user(), make_user(is_admin=True)):
        client = sign_in(app.test_client(), other)
        assert client.post(f"{PAGE}/{feed.id}/revoke").status_code == 404
        assert "Mine alone" not in client.get(PAGE).text
    stranger = app.test_client()
    for response in (stranger.get(PAGE), stranger.post(PAGE), stranger.post(f"{PAGE}/{feed.id}/revoke")):
        assert response.status_code == 302
        assert response.location.startswith("/sign-in")
    assert stranger.get(path).status_code == 200


def test_bad_input_comes_back(client: FlaskClient) -> None:
    sign_in(client, make_user())
    response = client.post(PAGE, data={"label": "x" * 101, "locale": "xx"})
    assert response.status_code == 422
    assert "x" * 101 in response.text
    assert kept_feeds() == []
    evil = client.post(PAGE, data={"label": "<script>alert(1)</script>", "locale": "en"})
    assert "<script>alert(" not in evil.text


def test_there_is_an_end_to_addresses(client: FlaskClient) -> None:
    user = make_user()
    sign_in(client, user)
    for _ in range(MOST_FEEDS):
        make_feed(user)
    assert client.post(PAGE, data={"locale": "en"}).status_code == 409
    assert len(kept_feeds()) == MOST_FEEDS


def test_the_page_costs_the_same_for_one_and_for_twenty(client: FlaskClient) -> None:
    user = make_user()
    sign_in(client, user)
    counts = []
    for number in (1, MOST_FEEDS - 1):
        for _ in range(number):
            make_feed(user)
        with count_queries() as statements:
            assert client.get(PAGE).status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 10


def test_the_page_speaks_japanese(client: FlaskClient) -> None:
    sign_in(client, make_user())
    page = client.get(f"{PAGE}?lang=ja").text
    assert "アドレスを作成" in page
    assert "How subscribing works" not in page
