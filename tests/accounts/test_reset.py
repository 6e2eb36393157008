"""A new password by mail."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from forum_app.accounts.models import MailedLink
from forum_app.accounts.passwords import verify_password
from forum_app.accounts.queries import find_user_by_email
from forum_app.db import db, transaction
from tests.accounts.mails import OTHER, PASSWORD, kinds, last_path, mails
from tests.accounts.test_sign_in import EMAIL, ann, sign_in
from tests.accounts.test_sign_up import FORM, sign_up, who
from tests.factories import NOW


@pytest.mark.every_database
def test_the_whole_way(app: Flask, client: FlaskClient) -> None:
    ann()
    devices = [app.test_client(), app.test_client()]
    for device in devices:
        sign_in(device)
    assert client.post("/forgot-password", data={"email": EMAIL}).location == "/sign-up/sent"
    path = last_path("/reset-password/")
    page = client.get(path)
    assert page.status_code == 200
    assert EMAIL in page.text
    assert client.post(path, data={"password": "short"}).status_code == 422
    assert client.post(path, data={"password": "ann@people.example"}).status_code == 422
    assert client.post(path, data={"password": OTHER}).status_code == 303
    assert who(client) == EMAIL
    assert [who(device) for device in devices] == [None, None]
    stranger = app.test_client()
    assert stranger.post(path, data={"password": PASSWORD}).status_code == 404
    assert sign_in(stranger).status_code == 422
    assert sign_in(stranger, OTHER).status_code == 303
    assert kinds() == ["accounts/reset", "accounts/password_changed"]


def test_unknown_addresses_are_not_told(app: Flask) -> None:
    ann()
    answers = [
        app.test_client().post("/forgot-password", data={"email": email})
        for email in (EMAIL, "unknown@people.example")
    ]
    assert answers[0].status_code == answers[1].status_code == 303
    assert answers[0].data == answers[1].data
    assert kinds() == ["accounts/reset", "accounts/no_account"]
    assert [mail.to_address for mail in mails()] == [EMAIL, "unknown@people.example"]


def test_the_link_dies_after_an_hour(client: FlaskClient) -> None:
    ann()
    client.post("/forgot-password", data={"email": EMAIL})
    path = last_path("/reset-password/")
    link = db.session.scalars(select(MailedLink)).one()
    assert link.expires_at - link.created_at == timedelta(hours=1)
    with transaction():
        db.session.execute(update(MailedLink).values(expires_at=NOW))
    assert client.get(path).status_code == 404
    assert client.post(path, data={"password": OTHER}).status_code == 404


def test_links_do_not_serve_another_purpose(client: FlaskClient) -> None:
    ann()
    client.post("/forgot-password", data={"email": EMAIL})
    token = last_path("/reset-password/").rsplit("/", 1)[1]
    assert client.get(f"/sign-up/confirm/{token}").status_code == 404
    assert client.get(f"/account/email/confirm/{token}").status_code == 404


def test_all_links_die_with_a_new_password(client: FlaskClient) -> None:
    ann()
    paths = []
    for _ in range(2):
        client.post("/forgot-password", data={"email": EMAIL})
        paths.append(last_path("/reset-password/"))
    assert client.post(paths[1], data={"password": OTHER}).status_code == 303
    assert client.application.test_client().get(paths[0]).status_code == 404


def test_the_lock_of_the_address_ends(client: FlaskClient) -> None:
    ann()
    for _ in range(6):
        sign_in(client, OTHER)
    assert sign_in(client).status_code == 429
    client.post("/forgot-password", data={"email": EMAIL})
    client.post(last_path("/reset-password/"), data={"password": OTHER})
    assert sign_in(client.application.test_client(), OTHER).status_code == 303


def test_it_confirms_the_address_too(client: FlaskClient) -> None:
    """The way in for somebody whose address a stranger signed up with."""
    sign_up(client.application.test_client(), password=PASSWORD)
    client.post("/forgot-password", data={"email": FORM["email"]})
    assert client.post(last_path("/reset-password/"), data={"password": OTHER}).status_code == 303
    db.session.rollback()
    user = find_user_by_email(FORM["email"])
    assert user is not None
    assert user.verified_at is not None
    assert verify_password(user.password_hash, OTHER)


def test_limited(client: FlaskClient) -> None:
    ann()
    for email in (EMAIL, "unknown@people.example"):
        codes = [client.post("/forgot-password", data={"email": email}).status_code for _ in range(4)]
        assert codes == [303, 303, 303, 429]
