"""What people and organizers see of invitations."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.core.ical import Participation
from forum_app.db import db
from forum_app.invitations.models import Note, NoteKind
from forum_app.invitations.queries import is_refused
from tests.calendars.parts import change, publish, speaks
from tests.factories import NOW, grant, login_of, make_event, make_item, make_user, save, sign_in
from tests.invitations.parts import MINUTE, answer, invitation_of, invitations, send, take
from tests.meetings.conftest import scene as scene
from tests.meetings.scene import Scene
from tests.queries import count_queries

SCRIPT = "<script>alert(1)</script>"


def test_everybody_who_meets_sees_who_answered(scene: Scene, client: FlaskClient) -> None:
    scene.accept(scene.ask())
    send()
    sign_in(client, login_of(scene.host))
    path = f"{scene.path}/meetings?lang=en"
    assert "Will come" not in client.get(path).text
    (mail,) = invitations(login_of(scene.guest).email)
    take(answer(mail))
    page = client.get(path).text
    assert f"{login_of(scene.guest).name}: Will come" in page
    assert "出席" in client.get(f"{scene.path}/meetings?lang=ja").text


def test_organizers_see_answers_and_notes(scene: Scene, client: FlaskClient) -> None:
    scene.accept(scene.ask(topic=SCRIPT))
    send()
    (mail,) = invitations(login_of(scene.guest).email)
    take(answer(mail, "TENTATIVE", comment=SCRIPT))
    take(answer(mail, "TENTATIVE", method="COUNTER", at=NOW + 2 * MINUTE), NOW + 2 * MINUTE)
    sign_in(client, scene.organizer)
    path = f"{scene.path}/manage/invitations"
    page = client.get(f"{path}?lang=en").text
    assert "Perhaps" in page
    assert "Proposes another time" in page
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    only = client.get(f"{path}?answer=NEEDS-ACTION").text
    assert login_of(scene.host).email in only
    assert client.get(f"{path}?answer=nonsense&kind=nonsense&sort=nonsense&page=x").status_code == 200
    assert client.get(f"{path}?q={login_of(scene.host).email}&kind=meeting").status_code == 200
    assert "仮承諾" in client.get(f"{path}?lang=ja").text


def test_the_switch(scene: Scene, client: FlaskClient) -> None:
    scene.accept(scene.ask())
    send()
    user = login_of(scene.guest)
    sign_in(client, user)
    page = client.get("/account/invitations?lang=en").text
    assert "Send me no invitations" in page
    assert "No answer yet" in page
    assert client.post("/account/invitations/choice", data={"wanted": "perhaps"}).status_code == 422
    assert client.post("/account/invitations/choice", data={"wanted": "no"}).status_code == 303
    db.session.rollback()
    assert is_refused(user.id)
    assert "Send me invitations" in client.get("/account/invitations").text
    assert client.post("/account/invitations/choice", data={"wanted": "yes"}).status_code == 303
    db.session.rollback()
    assert not is_refused(user.id)


@pytest.mark.parametrize("number", [3, 30])
def test_the_lists_cost_the_same_at_any_length(app: Flask, client: FlaskClient, number: int) -> None:
    event, organizer, speaker = make_event(), make_user(), make_user()
    grant(organizer, event)
    for _ in range(number):
        item = make_item(event)
        speaks(make_user(), item)
        speaks(speaker, item)
    publish(event)
    send()
    sign_in(client, organizer)
    with count_queries() as many:
        assert client.get(f"/events/{event.slug}/manage/invitations?size=100").status_code == 200
    sign_in(client, speaker)
    with count_queries() as own:
        assert client.get("/account/invitations").status_code == 200
    assert len(many) <= 20
    assert len(own) <= 12
    counts.setdefault(number, (len(many), len(own)))
    assert len(set(counts.values())) == 1


counts: dict[int, tuple[int, int]] = {}


def test_declined_invitations_wait_on_the_dashboard(app: Flask, client: FlaskClient) -> None:
    event, organizer, user = make_event(), make_user(), make_user()
    grant(organizer, event)
    speaks(user, make_item(event))
    publish(event)
    send()
    sign_in(client, organizer)
    assert "Declined invitations" not in client.get(f"/events/{event.slug}/manage/?lang=en").text
    change(invitation_of(user), participation=Participation.DECLINED)
    assert "Declined invitations" in client.get(f"/events/{event.slug}/manage/").text


def test_long_and_hostile_notes_are_shown_as_text(app: Flask, client: FlaskClient) -> None:
    event, organizer, user = make_event(), make_user(), make_user(name_latin=SCRIPT)
    grant(organizer, event)
    speaks(user, make_item(event, title_en=SCRIPT))
    publish(event)
    send()
    row = invitation_of(user)
    save(*(Note(invitation_id=row.id, kind=kind, text=SCRIPT * 30, received_at=NOW) for kind in NoteKind))
    sign_in(client, organizer)
    page = client.get(f"/events/{event.slug}/manage/invitations").text
    assert SCRIPT not in page
