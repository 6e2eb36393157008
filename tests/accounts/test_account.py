"""One's own account, and nobody else's."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.accounts.devices import device_name
from forum_app.accounts.models import LoginSession
from forum_app.accounts.passwords import verify_password
from forum_app.accounts.queries import find_user_by_email
from forum_app.accounts.services import create_admin, create_user
from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Conflict, Invalid
from forum_app.db import db, transaction
from tests import factories
from tests.accounts.mails import OTHER, PASSWORD, kinds, last_path, mails
from tests.accounts.test_sign_in import EMAIL, HASH, ann, sign_in
from tests.accounts.test_sign_up import who
from tests.factories import NOW, make_user, save
from tests.queries import LIMIT_PER_PAGE, count_queries

PROFILE = {
    "name_latin": "Ann B",
    "name_native": "",
    "name_kana": "",
    "locale": "ja",
    "timezone": "Asia/Tokyo",
}
PAGES = ("/account", "/account/password", "/account/email", "/account/sessions")


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """Ann's browser, signed in."""
    ann()
    sign_in(client)
    return client


def test_strangers_sign_in_first(client: FlaskClient) -> None:
    for path in PAGES:
        assert client.get(path).location == f"/sign-in?next={path}"
    for path in (*PAGES[:3], "/account/sessions/1/end", "/account/sessions/end-others"):
        assert client.post(path).location == "/sign-in"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_pages_in_both_languages(browser: FlaskClient, language: str) -> None:
    for path in PAGES:
        page = browser.get(f"{path}?lang={language}")
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text


def test_profile(browser: FlaskClient) -> None:
    browser.get("/account?lang=en")
    changes = {**PROFILE, "name_native": "安", "name_kana": "あん", "timezone": "Europe/Paris"}
    assert browser.post("/account", data=changes).status_code == 303
    db.session.rollback()
    user = find_user_by_email(EMAIL)
    assert user is not None
    assert (user.name_native, user.name_kana, user.timezone) == ("安", "アン", "Europe/Paris")
    page = browser.get("/account")
    assert '<html lang="ja"' in page.text  # the account's language counts from now on
    assert '<option selected value="Europe/Paris">' in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"name_latin": "", "name_native": " "},
        {"name_latin": "x" * 201},
        {"locale": "xx"},
        {"timezone": "Nowhere"},
        {"name_kana": "漢字"},
    ],
)
def test_profile_refused(browser: FlaskClient, changes: dict[str, str]) -> None:
    assert browser.post("/account", data={**PROFILE, **changes}).status_code == 422
    db.session.rollback()
    user = find_user_by_email(EMAIL)
    assert user is not None
    assert user.name_latin == "Ann"


def test_new_password(app: Flask, browser: FlaskClient) -> None:
    phone = app.test_client()
    sign_in(phone)

    def post(current: str, new: str) -> Any:
        return browser.post("/account/password", data={"current": current, "password": new})

    assert post(OTHER, OTHER).status_code == 422
    assert post(PASSWORD, "short").status_code == 422
    assert post(PASSWORD, OTHER).status_code == 303
    assert who(browser) == EMAIL
    assert who(phone) is None
    assert kinds() == ["accounts/password_changed"]
    assert sign_in(phone, OTHER).status_code == 303


def test_guessing_the_current_password_is_slowed(browser: FlaskClient) -> None:
    codes = [
        browser.post("/account/password", data={"current": OTHER, "password": OTHER}).status_code
        for _ in range(7)
    ]
    assert codes == [422] * 5 + [429] * 2


def test_devices(app: Flask, browser: FlaskClient) -> None:
    phone, tablet = app.test_client(), app.test_client()
    phone.environ_base["HTTP_USER_AGENT"] = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.5 Mobile/15E148 Safari/604.1"
    )
    tablet.environ_base["HTTP_USER_AGENT"] = "<script>alert(1)</script>"
    for device in (phone, tablet):
        sign_in(device)
    page = browser.get("/account/sessions").text
    assert "Safari on iPhone" in page
    assert "<script>alert" not in page
    ids = list(db.session.scalars(select(LoginSession.id).order_by(LoginSession.id)))
    assert browser.post(f"/account/sessions/{ids[1]}/end").status_code == 303
    assert (who(phone), who(tablet), who(browser)) == (None, EMAIL, EMAIL)
    assert browser.post("/account/sessions/end-others").status_code == 303
    assert (who(tablet), who(browser)) == (None, EMAIL)


def test_nobody_elses_devices(app: Flask, browser: FlaskClient) -> None:
    other = app.test_client()
    factories.sign_in(other, make_user("other@people.example"))
    (session_id,) = db.session.scalars(
        select(LoginSession.id)
        .join(LoginSession.user)
        .where(LoginSession.user.has(email="other@people.example"))
    )
    assert browser.post(f"/account/sessions/{session_id}/end").status_code == 404
    assert browser.post("/account/sessions/999999/end").status_code == 404
    browser.post("/account/sessions/end-others")
    assert who(other) == "other@people.example"


def test_the_list_of_devices_costs_the_same(browser: FlaskClient) -> None:
    costs = []
    user = find_user_by_email(EMAIL)
    assert user is not None
    now = db.session.scalars(select(LoginSession.created_at)).one()
    for number in (3, 300):
        save(
            *[
                LoginSession(user_id=user.id, token_hash=f"{number}-{n}", created_at=now, last_seen_at=now)
                for n in range(number)
            ]
        )
        with count_queries() as statements:
            assert browser.get("/account/sessions").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= LIMIT_PER_PAGE


def change_email(browser: FlaskClient, email: str, password: str = PASSWORD) -> Any:
    return browser.post("/account/email", data={"email": email, "current": password})


@pytest.mark.every_database
def test_new_address(app: Flask, browser: FlaskClient) -> None:
    assert change_email(browser, "new@people.example", OTHER).status_code == 422
    assert change_email(browser, "ANN@people.example").status_code == 422
    assert change_email(browser, "new@people.example").status_code == 303
    assert mails()[-1].to_address == "new@people.example"
    path = last_path("/account/email/confirm/")
    assert who(browser) == EMAIL
    assert browser.get(path).status_code == 200
    assert who(browser) == EMAIL
    phone = app.test_client()
    assert phone.post(path).location == "/sign-in"
    assert who(browser) == "new@people.example"
    assert who(phone) is None
    assert phone.post(path).status_code == 404
    assert (mails()[-1].kind, mails()[-1].to_address) == ("accounts/email_changed", EMAIL)
    assert sign_in(phone, email="new@people.example").status_code == 303


def test_somebody_elses_address(app: Flask, browser: FlaskClient) -> None:
    make_user("taken@people.example")
    free, taken = change_email(browser, "free@people.example"), change_email(browser, "taken@people.example")
    assert (free.status_code, free.location) == (taken.status_code, taken.location)
    assert kinds() == ["accounts/email_change", "accounts/email_taken"]
    assert "/confirm/" not in mails()[-1].body
    change_email(browser, "late@people.example")
    path = last_path("/confirm/")
    make_user("late@people.example")
    assert browser.post(path).status_code == 409
    assert who(browser) == EMAIL


def test_replayed_forms_act_once(browser: FlaskClient) -> None:
    for _ in range(2):
        browser.post("/account", data={**PROFILE, "idempotency_key": "once"})
    actions = list(db.session.scalars(select(AuditEntry.action)))
    assert actions.count("accounts.profile_changed") == 1


def test_accounts_for_seeders_and_the_command_line(app: Flask) -> None:
    with transaction():
        user = create_user(email="Seed@People.example", name_native="種", password_hash=HASH, now=NOW)
    assert sign_in(app.test_client(), email="seed@people.example").status_code == 303
    assert user.verified_at == NOW
    with pytest.raises(Conflict), transaction():
        create_user(email="SEED@people.example", name_latin="Again", now=NOW)
    with transaction():
        admin, password = create_admin(email="root@people.example", now=NOW)
    assert admin.is_admin
    assert verify_password(admin.password_hash, password)
    with transaction():
        again, _ = create_admin(email="seed@people.example", password=OTHER, now=NOW)
    assert again.id == user.id
    for email, wrong in (("root@people.example", "short"), ("nonsense", OTHER)):
        with pytest.raises(Invalid), transaction():
            create_admin(email=email, password=wrong, now=NOW)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_device_names(app: Flask, agent: str, name: str) -> None:
    with app.test_request_context("/?lang=en"):
        assert device_name(agent) == name
