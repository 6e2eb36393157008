"""The mails of one event: its organizers', and nobody else's."""

from flask.testing import FlaskClient

from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.services import Recipient, queue_mail
from tests.factories import NOW, grant, make_event, make_user, sign_in
from tests.queries import LIMIT_PER_PAGE, count_queries


def queue(event: Event, number: int = 1, **context: object) -> int:
    with transaction():
        for n in range(number):
            queued = queue_mail(
                to=Recipient(f"p{n}@people.example", "<b>P</b>"),
                template="accounts/confirm" if "token" in context else "events/role_revoked",
                context={"event": event, "role": "Reviewer", **context},
                now=NOW,
            )
    return queued.id


def test_an_organizer_sees_their_own_events_mails(client: FlaskClient) -> None:
    event, other, user = make_event(), make_event(), make_user()
    grant(user, event)
    mine, secret, theirs = queue(event), queue(event, token="SECRET"), queue(other)
    sign_in(client, user)
    page = client.get(f"/events/{event.slug}/manage/mail")
    assert page.status_code == 200
    assert f"/manage/mail/{mine}" in page.text
    assert f"/manage/mail/{theirs}" not in page.text
    assert "<b>P</b>" not in page.text
    shown = client.get(f"/events/{event.slug}/manage/mail/{mine}?lang=ja")
    assert "Reviewer" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    hidden = client.get(f"/events/{event.slug}/manage/mail/{secret}")
    assert hidden.status_code == 200
    assert "SECRET" not in hidden.text
    assert client.get(f"/events/{event.slug}/manage/mail/{theirs}").status_code == 404
    assert client.get(f"/events/{other.slug}/manage/mail").status_code == 403
    assert client.post(f"/events/{event.slug}/manage/mail/{theirs}/resend").status_code == 404


def test_send_again(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    grant(user, event)
    number = queue(event)
    sign_in(client, user)
    path = f"/events/{event.slug}/manage/mail/{number}"
    assert client.post(f"{path}/resend").status_code == 409, "it waits already"
    with transaction():
        mail = db.session.get_one(OutboxMail, number)
        mail.state, mail.last_error = MailState.FAILED, "550 <no>"
    assert "550 &lt;no&gt;" in client.get(path).text
    assert client.post(f"{path}/resend").status_code == 303
    db.session.expire_all()
    assert db.session.get_one(OutboxMail, number).state == MailState.QUEUED


def test_the_list_costs_the_same_for_any_number(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    grant(user, event)
    sign_in(client, user)
    costs = []
    for number in (3, 60):
        queue(event, number)
        with count_queries() as statements:
            assert client.get(f"/events/{event.slug}/manage/mail?size=100").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= LIMIT_PER_PAGE
