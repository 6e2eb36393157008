"""/metrics: what operators may count, and who may read it."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.db import transaction
from forum_app.mail.services import DELIVERY, Recipient, queue_mail
from forum_app.queue import queue
from forum_app.registration.models import RegistrationState
from forum_app.web import clock
from forum_app.web.figures import Figures, figures
from tests.factories import make_event, make_participant_type, make_registration
from tests.queries import count_queries

OURS = ("forum_registrations", "forum_mails", "forum_jobs_waiting")


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_until", 0.0)


def test_figures_of_the_forum(app: Flask, client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event)
    for state in (RegistrationState.APPROVED, RegistrationState.APPROVED, RegistrationState.APPLIED):
        make_registration(event, participant_type=kind, state=state)
    with transaction():
        queue_mail(
            to=Recipient("person@people.example", "Person"),
            template="events/role_revoked",
            context={"event": event, "role": "Organizer"},
            now=clock.now(),
        )
    queue.enqueue(DELIVERY)
    with count_queries() as statements:
        lines = client.get("/metrics").text.splitlines()
    assert len(statements) == 2
    assert 'forum_registrations{state="approved"} 2.0' in lines
    assert 'forum_registrations{state="applied"} 1.0' in lines
    assert 'forum_registrations{state="declined"} 0.0' in lines
    assert 'forum_mails{state="queued"} 1.0' in lines
    assert 'forum_mails{state="failed"} 0.0' in lines
    waiting = next(line for line in lines if line.startswith("forum_jobs_waiting "))
    assert float(waiting.split()[1]) >= 1
    with count_queries() as statements:
        client.get("/metrics")
    assert statements == []


@pytest.mark.parametrize(
    ("env", "token", "sent", "seen"),
    [
        ("production", None, None, False),
        ("production", None, "anything", False),
        ("production", "s3cret", None, False),
        ("production", "s3cret", "wrong", False),
        ("production", "s3cret", "s3cret", True),
        ("development", None, None, True),
        ("development", "s3cret", None, False),
    ],
)
def test_who_reads_them(
    app: Flask,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    env: str,
    token: str | None,
    sent: str | None,
    seen: bool,
) -> None:
    settings = replace(app.config["FORUM_SETTINGS"], env=env, metrics_token=token)
    monkeypatch.setitem(app.config, "FORUM_SETTINGS", settings)
    headers = {"Authorization": f"Bearer {sent}"} if sent else {}
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert "python_info" in answer.text
    assert [name in answer.text for name in OURS] == [seen] * 3


def test_what_cannot_be_counted_is_left_out(app: Flask) -> None:
    some = Figures()
    some.add("broken", "Raises.", read=dict)
    some.add("whole", "Counts.", read=lambda: {"": 7})
    text = some.text().decode()
    assert "whole 7.0" in text
    assert "broken" not in text
