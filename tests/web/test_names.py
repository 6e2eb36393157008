"""Names in two scripts as pages write them."""

from types import SimpleNamespace

import pytest
from flask import Flask


@pytest.mark.parametrize(
    ("native", "kana", "written"),
    [
        ("森 美香", "モリ ミカ", "<ruby>森 美香<rp>(</rp><rt>モリ ミカ</rt><rp>)</rp></ruby>"),
        ("森 美香", "", "森 美香"),
        ("森" * 17, "モリ ミカ", "森" * 17 + " (モリ ミカ)"),
        ("森 美香", "モ" * 29, "森 美香 (" + "モ" * 29 + ")"),
    ],
)
def test_a_long_reading_stands_behind_the_name(app: Flask, native: str, kana: str, written: str) -> None:
    person = SimpleNamespace(name_latin="Mika Mori", name_native=native, name_kana=kana)
    with app.test_request_context("/?lang=ja"):
        html = app.jinja_env.get_template("components/name.html").module.person_name(person, ruby=True)  # type: ignore[attr-defined]
        assert f'translate="no">{written}</span>' in html
