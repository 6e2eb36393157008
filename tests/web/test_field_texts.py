"""What is said at a field that is not right: in plain words, in the reader's language."""

import pytest
from flask import Flask
from wtforms import DateField, IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange

from forum_app.web.forms import BaseForm, text_field


class Sample(BaseForm):
    name = text_field("Name", most=3)
    minutes = IntegerField("Minutes", [InputRequired(), NumberRange(1, 60)])
    day = DateField("Day")
    kind = SelectField("Kind", choices=[("a", "A")])


@pytest.mark.parametrize(
    ("language", "sent", "said"),
    [
        ("en", {}, "This field is required."),
        ("en", {"minutes": "ten"}, "Please give a whole number."),
        ("en", {"minutes": "99"}, "Please give a number from 1 to 60."),
        ("en", {"name": "Four"}, "Please use at most 3 characters."),
        ("ja", {}, "必須項目です。"),
        ("ja", {"minutes": "ten"}, "整数を入力してください。"),
        ("ja", {"minutes": "99"}, "1から60までの数を入力してください。"),
        ("ja", {"day": "soon"}, "日付を入力してください。"),
        ("ja", {"kind": "b"}, "一覧から選択してください。"),
        ("ja", {"name": "四文字だ"}, "3文字以内で入力してください。"),
    ],
)
def test_in_plain_words(app: Flask, language: str, sent: dict[str, str], said: str) -> None:
    with app.test_request_context(f"/?lang={language}", method="POST", data=sent):
        form = Sample()
        form.validate()
        assert form[next(iter(sent), "minutes")].errors == [said]
