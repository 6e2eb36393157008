"""Signing in and out: who gets in, who is slowed, what a cookie is worth."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from forum_app.accounts.models import Attempt, LoginSession, User
from forum_app.accounts.passwords import hash_password, needs_rehash
from forum_app.db import db, transaction
from forum_app.web import clock
from tests.accounts.mails import OTHER, PASSWORD, kinds, last_path
from tests.accounts.test_sign_up import sign_up, who
from tests.factories import make_user

HASH = hash_password(PASSWORD)
EMAIL = "ann@people.example"


def ann(**values: Any) -> User:
    return make_user(EMAIL, name_latin="Ann", password_hash=HASH, **values)


def sign_in(client: FlaskClient, password: str = PASSWORD, email: str = EMAIL, **more: Any) -> Any:
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def sessions() -> list[LoginSession]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(LoginSession).order_by(LoginSession.id)))


@pytest.mark.every_database
def test_in_and_out(client: FlaskClient) -> None:
    ann()
    assert client.get("/account").location == "/sign-in?next=/account"
    answer = sign_in(client, email=" ANN@People.example", next="/account")
    assert (answer.status_code, answer.location) == (303, "/account")
    assert who(client) == EMAIL
    assert client.get("/sign-out").status_code == 200
    assert who(client) == EMAIL
    assert client.post("/sign-out").status_code == 303
    assert who(client) is None
    assert sessions()[0].ended_at is not None


def test_a_cookie_is_worthless_after_sign_out(app: Flask, client: FlaskClient) -> None:
    ann()
    sign_in(client)
    with client.session_transaction() as session:
        stolen = dict(session)
    client.post("/sign-out")
    thief = app.test_client()
    with thief.session_transaction() as session:
        session.update(stolen)
    assert who(thief) is None


def test_no_fixation(client: FlaskClient) -> None:
    """Nothing that was in the browser before is in it afterwards, but the language."""
    ann()
    with client.session_transaction() as session:
        session.update(login="known to an attacker", planted="x", csrf_token="fixed", lang="ja")
    sign_in(client)
    with client.session_transaction() as session:
        assert session["login"] != "known to an attacker"
        assert "planted" not in session
        assert session.get("csrf_token") != "fixed"
        assert session["lang"] == "ja"


def test_somebody_elses_id_opens_nothing(app: Flask, client: FlaskClient) -> None:
    user, other = ann(), make_user()
    sign_in(client)
    with client.session_transaction() as session:
        session["_user_id"] = str(other.id)
    assert who(client) is None
    guess = app.test_client()
    with guess.session_transaction() as session:
        session["_user_id"] = str(user.id)
    assert who(guess) is None


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "\n/x"]
)
def test_no_way_out_of_the_house(client: FlaskClient, target: str) -> None:
    ann()
    page = client.get("/sign-in", query_string={"next": target}).text
    assert 'name="next" type="hidden" value=""' in page
    assert sign_in(client, next=target).location in ("/", "/x")
    assert client.get("/sign-in", query_string={"next": target}).location in ("/", "/x")


def test_one_sentence_for_all_refusals(app: Flask) -> None:
    ann()
    make_user("disabled@people.example", password_hash=HASH, disabled_at=clock.now())
    make_user("nopassword@people.example")
    sign_up(app.test_client(), email="waiting@people.example")
    answers = [
        sign_in(app.test_client(), *case)
        for case in [
            (OTHER, EMAIL),
            (PASSWORD, "unknown@people.example"),
            (PASSWORD, "disabled@people.example"),
            (PASSWORD, "nopassword@people.example"),
            (OTHER, "waiting@people.example"),
            (PASSWORD, "waiting@people.example"),
            (PASSWORD, "not an address"),
            (PASSWORD[:-1], EMAIL),
        ]
    ]
    assert {answer.status_code for answer in answers} == {422}
    errors = {answer.text.split("error-summary")[1].split("</ul>")[0] for answer in answers}
    assert len(errors) == 1
    assert all(PASSWORD not in answer.text for answer in answers)


def test_who_waits_for_confirmation_gets_a_new_link(client: FlaskClient) -> None:
    sign_up(client)
    first = last_path("/confirm/")
    email = "hanako@people.example"
    assert sign_in(client, OTHER, email).status_code == 422
    assert kinds() == ["accounts/confirm"]  # only the right password is worth a mail
    assert sign_in(client, PASSWORD, email, next="/account").status_code == 422
    second = last_path("/confirm/")
    assert first != second
    assert client.post(second).location == "/account"
    assert who(client) == "Hanako@people.example"


def test_guessing_is_slowed(client: FlaskClient) -> None:
    ann()
    assert [sign_in(client, OTHER).status_code for _ in range(7)] == [422] * 5 + [429] * 2
    locked = sign_in(client)
    assert locked.status_code == 429
    assert 0 < int(locked.headers["Retry-After"]) <= 60
    assert 'value="ann@people.example"' in locked.text
    unknown = [sign_in(client, OTHER, "unknown@people.example").status_code for _ in range(7)]
    assert unknown == [422] * 5 + [429] * 2
    with transaction():
        for attempt in db.session.scalars(select(Attempt)):
            earlier = attempt.window_starts_at - timedelta(minutes=2)
            where = Attempt.window_starts_at == attempt.window_starts_at
            db.session.execute(update(Attempt).where(where).values(window_starts_at=earlier))
    assert sign_in(client).status_code == 303


def test_success_forgets_failures(client: FlaskClient) -> None:
    ann()
    for _ in range(3):
        for _ in range(4):
            assert sign_in(client, OTHER).status_code == 422
        assert sign_in(client).status_code == 303
        client.post("/sign-out")


def test_one_client_cannot_try_many_addresses(client: FlaskClient) -> None:
    with_limit = [sign_in(client, OTHER, f"p{n}@people.example").status_code for n in range(52)]
    assert with_limit == [422] * 50 + [429] * 2
    ann()
    assert sign_in(client).status_code == 429
    elsewhere = client.post(
        "/sign-in",
        data={"email": EMAIL, "password": PASSWORD},
        environ_overrides={"REMOTE_ADDR": "192.0.2.99"},
    )
    assert elsewhere.status_code == 303


def test_old_hashes_are_made_anew(client: FlaskClient) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    user = make_user(EMAIL, password_hash=old)
    sign_in(client)
    db.session.refresh(user)
    assert user.password_hash != old
    assert user.password_hash is not None
    assert not needs_rehash(user.password_hash)
    client.post("/sign-out")
    assert sign_in(client).status_code == 303


@pytest.mark.parametrize("column", ["created_at", "last_seen_at"])
def test_sessions_run_out(client: FlaskClient, column: str) -> None:
    ann()
    sign_in(client)
    long_ago = clock.now() - timedelta(days=31 if column == "created_at" else 8)
    with transaction():
        db.session.execute(update(LoginSession).values({column: long_ago}))
    assert who(client) is None


@pytest.mark.every_database
def test_visits_are_noted_now_and_then(client: FlaskClient) -> None:
    ann()
    sign_in(client)
    first = sessions()[0].last_seen_at
    client.get("/account")
    assert sessions()[0].last_seen_at == first
    with transaction():
        db.session.execute(update(LoginSession).values(last_seen_at=first - timedelta(minutes=11)))
    client.get("/account")
    assert sessions()[0].last_seen_at > first - timedelta(minutes=1)


def test_a_busy_database_is_no_reason_to_wait(app: Flask, client: FlaskClient) -> None:
    ann()
    sign_in(client)
    with transaction():
        db.session.execute(update(LoginSession).values(last_seen_at=clock.now() - timedelta(minutes=11)))
    with transaction(), ThreadPoolExecutor(1) as pool:
        db.session.execute(update(User).values(name_latin="busy"))
        begun = perf_counter()
        assert pool.submit(lambda: client.get("/sign-out").status_code).result() == 200
        assert perf_counter() - begun < 5


def test_disabled_accounts_are_out_at_once(client: FlaskClient) -> None:
    user = ann()
    sign_in(client)
    with transaction():
        user.disabled_at = clock.now()
    assert who(client) is None


def test_signing_in_again_ends_the_former_session_here(client: FlaskClient) -> None:
    sign_up(client)
    ann()
    sign_in(client)
    client.post(last_path("/confirm/"), data={"password": PASSWORD})
    assert who(client) == "Hanako@people.example"
    assert [row.ended_at is None for row in sessions()] == [False, True]


def test_forms_want_their_token(app: Flask, client: FlaskClient) -> None:
    ann()
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        for path in ("/sign-in", "/sign-up", "/sign-out", "/forgot-password"):
            assert client.post(path, data={"email": EMAIL, "password": PASSWORD}).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


@pytest.mark.parametrize("email", ["", "x" * 100_000, "\0", "a" * 254, "\u202e", "' OR 1=1 --"])
def test_odd_addresses(client: FlaskClient, email: str) -> None:
    assert sign_in(client, PASSWORD, email).status_code == 422
    assert sign_in(client, "x" * 100_000, EMAIL).status_code == 422
