"""Which passwords may be chosen, and how they are kept."""

import unicodedata
from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.accounts import passwords
from forum_app.accounts.passwords import (
    LEAST,
    MOST,
    check_password,
    generate_password,
    hash_password,
    needs_rehash,
    verify_password,
)
from forum_app.core.errors import Invalid
from tests.conftest import PRODUCTS_HASHER

OWN = ["hanako.yamada@hayabusa.example", "Hanako Yamada", "山田花子", "ヤマダハナコ"]


@pytest.mark.parametrize(
    "password",
    [
        "purple giraffe tango",
        "violet-kettle-ramp",
        "xk7Qm9vT2pLw4Rz",
        "       spaces  count   too    zq",
        "古池や蛙飛びこむ水の音かな五七五",
        "über den Wolken grenzenlos",
        "🦊🐙🦉🐝🦋🐬🦜🐢🦔🐧🦩🐌🦂🐳🦚",
        "correct wombat battery lozenge",
        "q" * 3 + "zephyr-lantern-mosaic",
        "x9" * 5 + "plum teakettle" + "v" * 200,
    ],
)
def test_taken(password: str) -> None:
    check_password(password, own_words=OWN)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "fourteen chars",
        "é" * 14,
        "aaaaaaaaaaaaaaaa",
        "abababababababababab",
        "abcabcabcabcabcabc",
        "passwordpassword",
        "Password1234567890",
        "P@ssw0rd!P@ssw0rd!",
        "qwertyuiopasdfghjkl",
        "1qaz2wsx3edc4rfv",
        "123456789012345678",
        "987654321098765432",
        "abcdefghijklmnopqrstuvwxyz",
        "correct horse battery staple",
        "CorrectHorseBatteryStaple!1",
        "iloveyou iloveyou 2024",
        "letmein-letmein-letmein",
        "technology forum 2026",
        "U.S.-Japan Technology Forum",
        "hanako.yamada@hayabusa.example",
        "YamadaHanako12345678",
        "hayabusa hayabusa 1",
        "山田花子山田花子山田花子山田花子",
        "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ",
        "!!!!!!!!!!!!!!!!!!!!",
        "          " * 3,
        "x" * 5 + "y" * 5 + "z" * 5 + "123456",
        "m" * (MOST + 1),
    ],
)
def test_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_password(password, own_words=OWN)
    assert caught.value.field == "password"


def test_no_rules_of_composition() -> None:
    check_password("onlyloweritis zaq")
    assert LEAST == 15
    assert MOST >= 200


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_judged(password: str) -> None:
    with suppress(Invalid):
        check_password(password, own_words=OWN)


@given(st.text(alphabet="abcdefgh123 ", min_size=1, max_size=6), st.integers(3, 40))
@settings(deadline=None)
def test_repetition_is_never_taken(unit: str, times: int) -> None:
    with pytest.raises(Invalid):
        check_password(unit * times)


def test_one_form_however_typed() -> None:
    composed, decomposed = "がぎぐげござじずぜぞだぢづ café", None
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert verify_password(hash_password(decomposed), composed)


def test_argon2id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "hasher", PRODUCTS_HASHER)
    made = hash_password("purple giraffe tango")
    assert "$m=19456,t=3,p=1$" in made
    assert made.startswith("$argon2id$")
    assert len(made) <= 255
    assert "purple" not in made
    assert verify_password(made, "purple giraffe tango")
    assert not verify_password(made, "purple giraffe tang")
    assert not verify_password(made, "Purple giraffe tango")
    assert not needs_rehash(made)
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("x"))


@pytest.mark.parametrize("broken", [None, "", "plain", "$argon2id$v=19$broken"])
def test_without_a_hash_nothing_is_right(broken: str | None) -> None:
    assert not verify_password(broken, "purple giraffe tango")


def test_generated_passwords_may_be_chosen() -> None:
    for _ in range(20):
        check_password(generate_password())
