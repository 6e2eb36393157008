"""What is made once and used for many requests is the same for each and belongs to nobody."""

import threading

import pytest
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import create_engine, text
from werkzeug.datastructures import MultiDict

from forum_app.db import CONNECTION, db, run, transaction
from forum_app.registration.forms import DetailsForm
from forum_app.web.cookies import CookieSessions


def test_forms_share_nothing_that_changes(app: Flask) -> None:
    with app.test_request_context():
        first = DetailsForm(MultiDict({"name_latin": " Ada \n Lovelace ", "needs": " a\r\nb "}))
        assert first.name_latin.data == "Ada Lovelace"
        assert first.needs.data == "a\nb"
        languages = [choice.value for choice in first.language.choices]
        first.language.choices.clear()
        first.organization_id.choices = [(1, "One's own")]
        first.name_latin.render_kw["lang"] = "xx"
        first.name_latin.flags.required = True
        second = DetailsForm(MultiDict())
        assert [choice.value for choice in second.language.choices] == languages == ["en", "ja", "en-ja"]
        assert second.organization_id.choices == []
        assert second.name_latin.render_kw["lang"] == "en"
        assert not second.name_latin.flags.required
        assert second.name_latin.data is None


def test_cookies_are_those_of_flask(app: Flask) -> None:
    assert isinstance(app.session_interface, CookieSessions)
    own = SecureCookieSessionInterface().get_signing_serializer(app)
    assert own is not None
    with app.test_request_context():
        session["lang"] = "ja"
        answer = app.process_response(app.make_response(""))
    kept = answer.headers["Set-Cookie"].split(";")[0].removeprefix("forum_session=")
    assert own.loads(kept) == {"lang": "ja"}
    with app.test_request_context(headers={"Cookie": f"forum_session={own.dumps({'lang': 'en'})}"}):
        assert dict(session) == {"lang": "en"}
    with app.test_request_context(headers={"Cookie": f"forum_session={own.dumps({'lang': 'en'})}x"}):
        assert dict(session) == {}


def test_no_engine_has_listeners_that_each_statement_asks_for() -> None:
    assert not create_engine("sqlite://")._has_events  # the tests' own engine has some, to count statements


@pytest.mark.every_database
def test_statements_run_in_the_transaction_that_is_open(app: Flask) -> None:
    with transaction():
        assert db.session().info[CONNECTION] is db.session.connection()
        assert run(text("SELECT 1")).scalar() == 1
    assert CONNECTION not in db.session().info
    with pytest.raises(ZeroDivisionError), transaction():
        raise ZeroDivisionError
    assert CONNECTION not in db.session().info
    assert run(text("SELECT 1")).scalar() == 1


def test_only_a_transaction_begins_as_a_writer(app: Flask) -> None:
    """A reader in another thread does not wait for it."""
    read: list[int] = []

    def reader() -> None:
        with app.app_context():
            read.append(run(text("SELECT 1")).scalar_one())
            db.session.remove()

    with transaction():
        thread = threading.Thread(target=reader)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    assert read == [1]
