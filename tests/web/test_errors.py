"""Pages of refusals: where they lead."""

from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_user, sign_in

LARGE = "name_latin=" + "x" * 2_000_000
FORM = "application/x-www-form-urlencoded"


def refused(client: FlaskClient, path: str, came_from: str | None = None) -> str:
    headers = {"Referer": came_from} if came_from else {}
    answer = client.post(f"{path}?lang=en", data=LARGE, content_type=FORM, headers=headers)
    assert answer.status_code == 413
    assert "To the start page" in answer.text
    return answer.text


def test_what_is_too_large_leads_back_to_its_form(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user())
    link = '<a class="usa-button" href="{}">Back to the page</a>'
    assert link.format("/account") in refused(client, "/account")
    assert link.format("/events/?q=x&amp;page=2") in refused(
        client, "/account", "http://localhost/events/?q=x&page=2"
    )
    for elsewhere in (
        "https://elsewhere.example/events/",
        "http://localhost//elsewhere.example/",
        "http://[elsewhere.example",
    ):
        assert "elsewhere.example" not in refused(client, "/account", elsewhere)


def test_what_is_not_there_leads_to_the_start_only(app: Flask, client: FlaskClient) -> None:
    for answer in (client.get("/nothing?lang=en"), client.post("/nothing?lang=en")):
        assert answer.status_code in (404, 405)
        assert "Back to the page" not in answer.text
