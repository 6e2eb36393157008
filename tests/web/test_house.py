"""The house answers before any feature does."""

from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from wtforms.widgets import html_params

from forum_app.web.forms import attributes


@pytest.mark.every_database
def test_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200, response.json
    assert response.json == {"status": "ok", "database": "ok", "migrations": "ok", "queue": "ok"}


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
