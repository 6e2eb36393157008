"""Placeholders of a closed list: what is kept can be filled, and nothing else is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum_app.core.errors import Invalid
from forum_app.core.placeholders import check_placeholders, fill_placeholders

KNOWN = ("name", "event")
PIECES = st.lists(st.sampled_from(["{name}", "{event}", "{{", "}}", "{", "}", "a", "{x}", "\n", "%s", "名"]))


@given(PIECES, st.text(), st.text())
def test_what_is_kept_can_be_filled(pieces: list[str], name: str, event: str) -> None:
    text = "".join(pieces)
    values = {"name": name, "event": event}
    try:
        check_placeholders(text, KNOWN)
    except Invalid:
        with pytest.raises(Invalid):
            fill_placeholders(text, values)
    else:
        fill_placeholders(text, values)


@given(st.text(), st.text())
def test_braces_typed_twice_stand_for_themselves(text: str, value: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert fill_placeholders(f"{doubled}{{name}}{doubled}", {"name": value}) == text + value + text


@pytest.mark.parametrize(
    "text",
    ["{", "}", "a { b", "{name", "{na\nme}", "{name }", "{}", "{name.__class__}", "{{name}", "{name!r}"],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        check_placeholders(text, KNOWN)


def test_one_of_what_is_needed_must_be_there() -> None:
    check_placeholders("{event}", KNOWN, needed=("name", "event"))
    for text in ("", "{{event}}", "{name}"):
        with pytest.raises(Invalid, match="needs one of"):
            check_placeholders(text, KNOWN, needed=("event",))


def test_the_sentence_says_what_can_be_used() -> None:
    with pytest.raises(
        Invalid, match=r"There is no placeholder \{nmae\}\. You can use: \{name\}, \{event\}\."
    ):
        check_placeholders("Dear {nmae}", KNOWN)


def test_a_long_text_of_braces_takes_no_time() -> None:
    check_placeholders("{{" * 100_000, KNOWN)
    with pytest.raises(Invalid):
        check_placeholders("{" * 99_999, KNOWN)
    with pytest.raises(Invalid):
        check_placeholders("{" + "a" * 100_000 + "}", KNOWN)
