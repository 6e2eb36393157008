"""The house answers before any feature does."""

import pytest
from flask.testing import FlaskClient


@pytest.mark.every_database
def test_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200, response.json
    assert response.json == {"status": "ok", "database": "ok", "migrations": "ok", "queue": "ok"}


def test_healthy(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
