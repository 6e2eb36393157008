"""What is made once and used for many requests is the same for each and belongs to nobody."""

import threading

import pytest
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import bindparam, create_engine, func, inspect, select, text, update
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict

from forum_app.accounts.models import User
from forum_app.db import CONNECTION, Lookup, db, run, transaction
from forum_app.registration.forms import DetailsForm
from forum_app.web.cookies import CookieSessions
from tests.factories import make_user


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
    def is_its_own() -> bool:
        assert run(text("SELECT 1")).scalar() == 1
        return db.session().info[CONNECTION] is db.session.connection()

    assert is_its_own()
    with transaction():
        assert is_its_own()
        with db.session.begin_nested():
            assert is_its_own()
    assert is_its_own()
    with pytest.raises(ZeroDivisionError), transaction():
        raise ZeroDivisionError
    assert is_its_own()
    db.session.remove()
    assert is_its_own()


BY_ADDRESS = Lookup(
    User,
    select(User, func.length(User.email).label("length"))
    .where(User.email_key.like(bindparam("like")))
    .order_by(User.id),
)


@pytest.mark.every_database
def test_rows_looked_up_are_those_of_the_orm(app: Flask) -> None:
    ada, ben = make_user("ada@people.example", name_kana="エイダ"), make_user("ben@people.example")
    wanted = {column.key: getattr(ada, column.key) for column in inspect(User).column_attrs}
    db.session.expunge_all()
    [(found, length), (other, _)] = BY_ADDRESS.rows({"like": "%@people.example"})
    assert {column.key: getattr(found, column.key) for column in inspect(User).column_attrs} == wanted
    assert (length, other.id) == (len("ada@people.example"), ben.id)
    assert found in db.session
    assert not db.session.dirty
    assert not inspect(found).expired
    assert db.session.get(User, ada.id) is found  # and the other way round
    assert BY_ADDRESS.one_or_none({"like": "ada@%"}) is found
    assert BY_ADDRESS.one_or_none({"like": "nobody"}) is None
    with pytest.raises(MultipleResultsFound):
        BY_ADDRESS.one_or_none({"like": "%"})


@pytest.mark.every_database
def test_rows_looked_up_are_written_and_forgotten_as_others(app: Flask) -> None:
    make_user("ada@people.example")
    db.session.expunge_all()
    with transaction():
        found = BY_ADDRESS.one_or_none({"like": "ada@%"})
        assert found is not None
        found.name_native = "エイダ"
        assert BY_ADDRESS.one_or_none({"like": "ada@%"}) is found
        assert (found.name_native, found.version) == ("エイダ", 2)  # it was flushed before the look-up
    run(text("SELECT 1"))  # a read begins
    with transaction():  # what was read before is read anew
        run(update(User).values(name_native="別人"))
        assert BY_ADDRESS.one_or_none({"like": "ada@%"}) is found
        assert found.name_native == "別人"
    stale = found.version
    run(update(User).values(version=stale + 1))
    found.name_native = "誰か"
    with pytest.raises(StaleDataError):
        db.session.flush()
    db.session.rollback()


def test_a_lookup_selects_the_whole_row() -> None:
    with pytest.raises(ValueError, match="User first"):
        Lookup(User, select(User.id, User.email))


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
