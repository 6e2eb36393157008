"""The house answers before any feature does."""

from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from wtforms.widgets import html_params

from forum_app.web.forms import attributes
from tests.factories import make_user, sign_in


@pytest.mark.every_database
def test_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200, response.json
    parts = ("status", "database", "migrations", "queue", "storage")
    assert response.json == dict.fromkeys(parts, "ok")


def test_healthy(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


@given(
    st.dictionaries(
        st.sampled_from(["class_", "id", "data_a_b", "aria_label", "value", "checked", "for_", "required"]),
        st.one_of(st.booleans(), st.text(), st.integers()),
    )
)
def test_attributes_are_written_as_wtforms_writes_them(values: dict[str, Any]) -> None:
    assert unescape(attributes(**values)) == unescape(html_params(**values))


def test_only_an_answer_that_changes_the_session_sets_the_cookie(client: FlaskClient) -> None:
    sign_in(client, make_user())
    assert "Set-Cookie" in client.get("/?lang=ja").headers
    for path in ("/healthz", "/", "/static/manifest.json"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers, path
