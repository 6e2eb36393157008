"""Attempts are slowed, and not by anything a guesser can get around."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select

from forum_app.accounts import attempts
from forum_app.accounts.attempts import MINUTE, SIGN_IN_ADDRESS, TooManyAttempts, admit, client_key
from forum_app.accounts.models import Attempt
from forum_app.core.errors import Conflict
from forum_app.db import db, transaction
from tests.factories import NOW

WHOM = "ann@people.example"


def admitted(rule: attempts.Rule, now: object, whom: str = WHOM) -> bool:
    try:
        with transaction():
            admit(rule, whom, now)  # type: ignore[arg-type]
    except TooManyAttempts:
        return False
    return True


@pytest.mark.every_database
def test_windows_double(app: Flask) -> None:
    now = NOW
    for length in (1, 2, 4, 8, 16):
        assert [admitted(SIGN_IN_ADDRESS, now) for _ in range(7)] == [True] * 5 + [False] * 2
        assert not admitted(SIGN_IN_ADDRESS, now + length * MINUTE - timedelta(seconds=11))
        assert admitted(SIGN_IN_ADDRESS, now, "another@people.example") or length > 4
        now += length * MINUTE


def test_at_most_a_hundred_guesses_in_a_month(app: Flask) -> None:
    guesses, now = 0, NOW
    while now < NOW + timedelta(days=30):
        try:
            with transaction():
                admit(SIGN_IN_ADDRESS, WHOM, now)
            guesses += 1
        except TooManyAttempts as error:
            now = error.until
    assert guesses < 100


def test_forgiven_after_success(app: Flask) -> None:
    for _ in range(5):
        assert admitted(SIGN_IN_ADDRESS, NOW)
    assert not admitted(SIGN_IN_ADDRESS, NOW)
    with transaction():
        attempts.forgive(SIGN_IN_ADDRESS, WHOM)
    assert admitted(SIGN_IN_ADDRESS, NOW)


def test_taken_back(app: Flask) -> None:
    for _ in range(20):
        assert admitted(SIGN_IN_ADDRESS, NOW)
        with transaction():
            attempts.take_back(SIGN_IN_ADDRESS, WHOM, NOW)
    assert db.session.scalars(select(Attempt.count)).all() == [0]


@pytest.mark.every_database
def test_many_at_once_are_counted_one_by_one(app: Flask) -> None:
    workers = 12
    barrier = Barrier(workers)

    def guess() -> bool:
        with app.app_context():
            try:
                barrier.wait()
                return admitted(SIGN_IN_ADDRESS, NOW)
            except Conflict:
                return False
            finally:
                db.session.remove()

    with ThreadPoolExecutor(workers) as pool:
        results = [future.result() for future in [pool.submit(guess) for _ in range(workers)]]
    assert results.count(True) == SIGN_IN_ADDRESS.tries


def test_nothing_readable_is_kept(app: Flask) -> None:
    admitted(SIGN_IN_ADDRESS, NOW)
    (key,) = db.session.scalars(select(Attempt.key))
    assert len(key) == 64
    assert "ann" not in key


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_one_customer_is_one_client(address: str | None, key: str) -> None:
    assert client_key(address) == key


def test_forgotten_after_a_month(app: Flask) -> None:
    admitted(SIGN_IN_ADDRESS, NOW)
    with transaction():
        attempts.forget_old(NOW + timedelta(days=31))
    assert db.session.scalars(select(Attempt)).all() == []
