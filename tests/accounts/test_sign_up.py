"""From nothing to a signed-in person, and no way round it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from forum_app.accounts.links import use_link
from forum_app.accounts.models import LoginSession, MailedLink, Purpose, User
from forum_app.accounts.passwords import verify_password
from forum_app.accounts.queries import find_user_by_email
from forum_app.core.errors import NotFound
from forum_app.db import db, transaction
from tests.accounts.mails import OTHER, PASSWORD, kinds, last_path, mails
from tests.factories import NOW, make_user

FORM = {
    "email": "Hanako@People.example",
    "password": PASSWORD,
    "name_latin": "Hanako Yamada",
    "name_native": "山田 花子",
    "name_kana": "やまだ はなこ",
    "locale": "ja",
    "timezone": "Asia/Tokyo",
    "next": "/events/tech-forum-36/register?type=startup",
}


def sign_up(client: FlaskClient, **changes: Any) -> Any:
    return client.post("/sign-up", data={**FORM, **changes})


def who(client: FlaskClient) -> str | None:
    """Address of whoever is signed in at client."""
    page = client.get("/account")
    if page.status_code == 302:
        return None
    db.session.rollback()
    db.session.expire_all()
    return next(user.email for user in db.session.scalars(select(User)) if user.email in page.text)


@pytest.mark.every_database
def test_the_whole_way(client: FlaskClient) -> None:
    assert sign_up(client).location == "/sign-up/sent"
    assert "Hanako@people.example" in client.get("/sign-up/sent").text
    assert who(client) is None
    (mail,) = mails()
    assert (mail.to_address, mail.to_name, mail.locale) == ("Hanako@people.example", "山田 花子", "ja")

    path = last_path("/confirm/")
    assert client.get(path).status_code == 200
    assert who(client) is None  # a mail scanner that follows links confirms nothing
    answer = client.post(path)
    assert (answer.status_code, answer.location) == (303, FORM["next"])
    assert who(client) == "Hanako@people.example"
    user = find_user_by_email("hanako@people.example")
    assert user is not None
    assert (user.name_native, user.name_kana, user.locale) == ("山田 花子", "ヤマダ ハナコ", "ja")
    assert user.verified_at is not None

    stranger = client.application.test_client()
    assert stranger.get(path).status_code == 404
    assert stranger.post(path).status_code == 404
    assert who(stranger) is None


def test_only_the_browser_with_the_link_is_signed_in(client: FlaskClient) -> None:
    sign_up(client)
    path = last_path("/confirm/")
    phone = client.application.test_client()
    assert "password" in phone.get(path).text
    assert phone.post(path).status_code == 422
    assert phone.post(path, data={"password": OTHER}).status_code == 422
    assert phone.post(path, data={"password": PASSWORD}).status_code == 303
    assert who(phone) == "Hanako@people.example"
    assert who(client) is None


def test_nobody_confirms_what_a_stranger_began(client: FlaskClient) -> None:
    """Somebody signs up with my address and hopes that I confirm their password."""
    stranger = client.application.test_client()
    sign_up(stranger, password=OTHER, name_latin="Stranger")
    theirs = last_path("/confirm/")
    sign_up(client)
    mine = last_path("/confirm/")
    sign_up(stranger, password=OTHER, name_latin="Stranger")
    assert client.post(theirs).status_code == 422  # asks for the stranger's password
    assert client.post(mine).status_code == 303
    db.session.rollback()
    user = find_user_by_email(FORM["email"])
    assert user is not None
    assert user.name_latin == "Hanako Yamada"
    assert verify_password(user.password_hash, PASSWORD)
    assert stranger.post(theirs).status_code == 404  # all other links died with it
    assert stranger.post("/sign-in", data={"email": FORM["email"], "password": OTHER}).status_code == 422


def test_a_known_address_is_not_told(client: FlaskClient) -> None:
    make_user("known@people.example", name_latin="Known")
    known = sign_up(client, email="known@people.example")
    unknown = sign_up(client.application.test_client(), email="unknown@people.example")
    assert (known.status_code, known.location, known.data) == (
        unknown.status_code,
        unknown.location,
        unknown.data,
    )
    assert kinds() == ["accounts/already", "accounts/confirm"]
    (mail, _) = mails()
    assert mail.to_address == "known@people.example"
    assert "https://forum.test/sign-in?next=" in mail.body
    assert "https://forum.test/reset-password/" in mail.body
    user = find_user_by_email("known@people.example")
    assert user is not None
    assert (user.name_latin, user.password_hash) == ("Known", None)


def test_both_cases_take_as_long(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """One mail and one hash, which takes longer than all the rest; counted, since time is noisy."""
    work: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        inner = getattr(PasswordHasher, name)

        def count(*args: Any, **more: Any) -> Any:
            work.append(name)
            return inner(*args, **more)

        return count

    for name in ("hash", "verify"):
        monkeypatch.setattr(PasswordHasher, name, counted(name))
    make_user("known@people.example")
    done = []
    for kind in ("known", "unknown"):
        work.clear()
        before = len(mails())
        assert sign_up(app.test_client(), email=f"{kind}@people.example").status_code == 303
        done.append((list(work), len(mails()) - before))
    assert done == [(["hash"], 1), (["hash"], 1)]


def test_links_die_after_a_day(client: FlaskClient) -> None:
    sign_up(client)
    path = last_path("/confirm/")
    link = db.session.scalars(select(MailedLink)).one()
    assert link.expires_at - link.created_at == timedelta(hours=24)
    with transaction():
        db.session.execute(update(MailedLink).values(expires_at=NOW))
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404
    assert client.get("/sign-up/confirm/" + "x" * 5000).status_code == 404
    assert client.get("/sign-up/confirm/%00").status_code == 404


@pytest.mark.every_database
def test_a_link_works_once_even_at_once(app: Flask) -> None:
    client = app.test_client()
    sign_up(client)
    token = last_path("/confirm/").rsplit("/", 1)[1]
    workers = 6
    barrier = Barrier(workers)

    def use() -> bool:
        with app.app_context():
            try:
                barrier.wait()
                with transaction():
                    use_link(token, Purpose.VERIFY, db.session.scalars(select(MailedLink.created_at)).one())
            except NotFound:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(workers) as pool:
        results = [future.result() for future in [pool.submit(use) for _ in range(workers)]]
    assert results.count(True) == 1


@pytest.mark.every_database
def test_sent_twice_acts_once(client: FlaskClient) -> None:
    for _ in range(2):
        assert sign_up(client, idempotency_key="one").location == "/sign-up/sent"
    assert kinds() == ["accounts/confirm"]


def test_only_digests_are_kept(client: FlaskClient) -> None:
    sign_up(client)
    token = last_path("/confirm/").rsplit("/", 1)[1]
    link = db.session.scalars(select(MailedLink)).one()
    assert token not in str(vars(link))
    assert PASSWORD not in str(vars(link))
    client.post(last_path("/confirm/"))
    with client.session_transaction() as session:
        secret = session["login"]
    assert secret not in str([vars(row) for row in db.session.scalars(select(LoginSession))])


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "nobody"},
        {"email": ""},
        {"email": "a@b"},
        {"email": "a@b.example\nBcc: c@d.example"},
        {"email": "x" * 65 + "@people.example"},
        {"email": "名前@people.example"},
        {"email": "a" * 100_000},
        {"password": ""},
        {"password": "short"},
        {"password": "hanako.yamada.hanako"},
        {"password": "x" * 100_000},
        {"name_latin": "", "name_native": ""},
        {"name_latin": "x" * 201},
        {"name_kana": "Yamada"},
        {"locale": "fr"},
        {"timezone": "Mars/Olympus"},
        {"timezone": ""},
        {"timezone": "../../etc/passwd"},
    ],
)
def test_refused_with_what_was_typed(client: FlaskClient, changes: dict[str, str]) -> None:
    answer = sign_up(client, **changes)
    assert answer.status_code == 422
    assert 'id="password"' in answer.text
    assert PASSWORD not in answer.text
    if "name_latin" not in changes:
        assert "Hanako Yamada" in answer.text
    assert mails() == []


def test_addresses_are_taken_as_servers_take_them(client: FlaskClient) -> None:
    sign_up(client, email="ｈａｎａｋｏ@例え.example")
    assert mails()[0].to_address == "hanako@xn--r8jz45g.example"


def test_script_is_shown_harmless(client: FlaskClient) -> None:
    evil = "<script>alert(1)</script>"
    sign_up(client, name_latin=evil, name_native=evil, name_kana="")
    client.post(last_path("/confirm/"))
    for path in ("/account", "/account/password", "/account/email", "/account/sessions", "/sign-out"):
        assert evil not in client.get(path).text


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "evil"],
)
def test_no_way_out_of_the_house(client: FlaskClient, target: str) -> None:
    page = client.get("/sign-up", query_string={"next": target}).text
    assert 'name="next" type="hidden" value=""' in page
    sign_up(client, next=target)
    assert client.post(last_path("/confirm/")).location == "/"


def test_mails_to_one_address_are_limited(client: FlaskClient) -> None:
    codes = [sign_up(client).status_code for _ in range(5)]
    assert codes == [303, 303, 303, 429, 429]
    locked = sign_up(client)
    assert int(locked.headers["Retry-After"]) > 0
    assert len(mails()) == 3
    known = make_user("known@people.example")
    assert [sign_up(client, email=known.email).status_code for _ in range(5)] == codes


def test_signed_in_people_need_no_second_account(client: FlaskClient) -> None:
    sign_up(client)
    client.post(last_path("/confirm/"))
    assert client.get("/sign-up?next=/events/").location == "/events/"
