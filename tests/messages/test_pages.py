"""The organizer's pages: from the draft to what became of each mail."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.agenda.models import ItemSpeaker
from forum_app.audit.models import AuditEntry
from forum_app.db import db, transaction
from forum_app.mail.models import OutboxMail
from forum_app.messages import jobs
from forum_app.messages.models import Message, MessageRecipient, MessageState
from forum_app.registration.models import RegistrationState
from tests.factories import (
    make_event,
    make_item,
    make_organization,
    make_participant_type,
    make_registration,
    make_speaker,
    make_user,
    sign_in,
)
from tests.messages.scene import Scene, look_again
from tests.queries import LIMIT_PER_PAGE, count_queries

BASE = "/events/forum/manage/messages"
HOSTILE = "<script>alert(1)</script>"
TYPED = {
    "subject_en": "News",
    "body_en": "Dear {name}, see {event_url}",
    "subject_ja": "お知らせ",
    "body_ja": "{name}様 {event}",
}


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene()


@pytest.fixture
def browser(scene: Scene, client: FlaskClient) -> FlaskClient:
    return scene.browser(client)


def only_message() -> Message:
    look_again()
    return db.session.scalars(select(Message)).one()


@pytest.mark.every_database
def test_from_the_draft_to_the_history(scene: Scene, browser: FlaskClient) -> None:
    scene.person("ja", user={"name_latin": "Hanako", "name_native": "技術 花子"})
    scene.person("en", state=RegistrationState.CANCELLED)
    answer = browser.post(f"{BASE}/new", data=TYPED | {"idempotency_key": "k1"})
    again = browser.post(f"{BASE}/new", data=TYPED | {"idempotency_key": "k1"})
    message = only_message()
    assert answer.location == again.location == f"{BASE}/{message.id}"

    page = browser.get(answer.location).text
    assert "1 person gets this message." in page
    assert "技術 花子様 技術フォーラム" in page
    assert "Dear Hanako, see" in page
    tested = browser.post(f"{BASE}/{message.id}/test")
    assert tested.status_code == 303
    look_again()
    tests = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert [(mail.to_address, mail.locale) for mail in tests] == [
        ("organizer@forum.example", "en"),
        ("organizer@forum.example", "ja"),
    ]
    assert tests[0].subject == "Test: News"

    data = {"version": str(message.version), "idempotency_key": "k2"}
    sent = browser.post(f"{BASE}/{message.id}/send", data=data)
    assert browser.post(f"{BASE}/{message.id}/send", data=data).location == sent.location
    assert browser.post(f"{BASE}/{message.id}/send", data={"version": "1"}).status_code == 409
    assert "Being sent" in browser.get(sent.location).text
    assert "hx-get" in browser.get(f"{BASE}/{message.id}/progress").text
    jobs.send(message.id)
    done = browser.get(f"{BASE}/{message.id}/progress")
    assert done.headers["HX-Refresh"] == "true"
    page = browser.get(sent.location).text
    assert "Handed over" in page
    assert "Hanako" in page
    assert "News" in browser.get(BASE).text
    assert browser.get(f"{BASE}/{message.id}/edit").status_code == 302
    assert browser.post(f"{BASE}/{message.id}/edit", data=TYPED).status_code == 409
    assert browser.post(f"{BASE}/{message.id}/delete").status_code == 409
    look_again()
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.like("messages.%")).order_by(AuditEntry.id)
    ).all()
    assert actions == ["messages.saved", "messages.sent"]
    copied = browser.post(f"{BASE}/{message.id}/copy")
    assert "Dear {name}, see {event_url}" in browser.get(copied.location).text


def test_what_cannot_be_sent_is_said_and_kept(scene: Scene, browser: FlaskClient) -> None:
    cases = {
        "There is no placeholder {nmae}": {"body_en": "Hi {nmae}"},
        "A brace stands alone": {"body_en": "Hi {name"},
        "Each language needs a subject and a text": {"subject_en": ""},
        "at least one language": dict.fromkeys(TYPED, ""),
        "There is no placeholder {config.SECRET_KEY}": {"body_ja": "{config.SECRET_KEY}"},
    }
    for sentence, typed in cases.items():
        answer = browser.post(f"{BASE}/new", data=TYPED | typed)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert "お知らせ" in answer.text or not typed.get("subject_ja", "x")
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_two_organizers_do_not_overwrite_one_another(scene: Scene, browser: FlaskClient) -> None:
    message = scene.message()
    address = f"{BASE}/{message.id}/edit"
    assert browser.post(address, data=TYPED | {"version": "1"}).status_code == 303
    lost = browser.post(address, data=TYPED | {"subject_en": "Mine", "version": "1"})
    assert lost.status_code == 422
    assert "Somebody else has changed this draft" in lost.text
    assert "Mine" in lost.text
    assert only_message().subject_en == "News"


@pytest.mark.every_database
def test_the_estimate_follows_the_filters(scene: Scene, browser: FlaskClient) -> None:
    other = make_participant_type(scene.event, name_en="Press")
    agency = make_organization(country="US")
    scene.person("ja", kind=other)
    scene.person("en", organization=agency)
    scene.person("en", state=RegistrationState.DECLINED)
    cases = {
        "": "2 people get",
        f"types={other.id}": "1 person gets",
        "country=US": "1 person gets",
        "country=JP": "Nobody belongs",
        "language=ja": "1 person gets",
        "states=declined": "1 person gets",
        "states=declined&states=approved": "3 people get",
        "traits=speaker": "Nobody belongs",
        "traits=pitch&traits=meetings&traits=unanswered&traits=pitch_accepted": "Nobody belongs",
        "types=99999999999999999999&states=nonsense&traits=%00&kinds=x&country=XX": "2 people get",
    }
    for query, told in cases.items():
        answer = browser.get(f"{BASE}/estimate?{query}")
        assert answer.status_code == 200
        assert told in answer.text, query
    # without scripts: a button of the form, which keeps what was typed and saves nothing
    answer = browser.post(f"{BASE}/new", data=TYPED | {"count": "1", "language": "ja"})
    assert answer.status_code == 200
    assert "1 person gets" in answer.text
    assert "お知らせ" in answer.text
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_hostile_words_are_only_words(scene: Scene, browser: FlaskClient) -> None:
    scene.person("en", user={"name_latin": HOSTILE + "{event_url}"})
    body = f"{HOSTILE} {{{{ 7 * 7 }}}} {{% raw %}} \n-- \nend {{name}}".replace("{%", "{{%").replace(
        "%}", "%}}"
    )
    typed = {"subject_en": f"{HOSTILE}\r\nBcc: a@b.example", "body_en": body}
    address = browser.post(f"{BASE}/new", data=typed).location
    page = browser.get(address).text
    assert HOSTILE not in page
    message = only_message()
    browser.post(f"{BASE}/{message.id}/send", data={"version": str(message.version)})
    jobs.send(message.id)
    look_again()
    mail = db.session.scalars(select(OutboxMail)).one()
    assert "\n" not in mail.subject
    assert "{ 7 * 7 }" in mail.body
    assert f"end {HOSTILE}{{event_url}}" in mail.body  # a name is not looked through for placeholders
    assert mail.body.count("\n-- \n") == 1
    for path in (BASE, f"{BASE}/{message.id}"):
        assert HOSTILE not in browser.get(path).text


def test_what_belongs_to_others_is_not_there(scene: Scene, browser: FlaskClient, app: Flask) -> None:
    message = scene.message()
    other = make_event(slug="other")
    stranger = make_registration(other, make_user(name_latin="Stranger"))
    assert "Stranger" not in browser.get(f"{BASE}/{message.id}?person={stranger.id}").text
    assert browser.get(f"/events/other/manage/messages/{message.id}").status_code == 403
    outsider = sign_in(app.test_client(), make_user())
    for path in ("", "/new", "/estimate", f"/{message.id}", f"/{message.id}/progress"):
        assert outsider.get(BASE + path).status_code == 403
    assert outsider.post(f"{BASE}/{message.id}/send", data={"version": "1"}).status_code == 403
    foreign = make_participant_type(other)
    answer = browser.post(f"{BASE}/new", data=TYPED | {"types": [str(foreign.id)]})
    assert answer.status_code == 422  # no such choice


def test_lists_cost_the_same_however_long(scene: Scene, browser: FlaskClient) -> None:
    costs = []
    for number in (3, 30):
        while len(db.session.scalars(select(Message.id)).all()) < number:
            scene.person()
            message = scene.message()
        look_again()
        made = []
        for path in (BASE, f"{BASE}/new", f"{BASE}/{message.id}", f"{BASE}/estimate"):
            with count_queries() as statements:
                assert browser.get(path).status_code == 200
            made.append(len(statements))
        costs.append(made)
    assert costs[0] == costs[1]
    assert max(costs[0]) <= LIMIT_PER_PAGE
    data = {"version": str(message.version)}
    assert browser.post(f"{BASE}/{message.id}/send", data=data).status_code == 303
    jobs.send(message.id)
    with count_queries() as statements:
        page = browser.get(f"{BASE}/{message.id}").text
    assert len(statements) <= LIMIT_PER_PAGE
    assert len(re.findall("row-head", page)) == 25
    look_again()
    assert db.session.scalar(select(func.count()).select_from(MessageRecipient)) == 30
    assert db.session.get_one(Message, message.id).state is MessageState.SENT


def test_a_speaker_without_a_registration_is_shown_like_the_others(
    scene: Scene, browser: FlaskClient
) -> None:
    user = make_user("speaker@people.example", locale="en")
    first, second = (
        make_speaker(scene.event, user_id=one.id, name_latin=name)
        for one, name in ((user, "Sam Speaker"), (make_user(), "Ann Other"))
    )
    item = make_item(scene.event)
    with transaction():
        db.session.add_all(ItemSpeaker(item_id=item.id, speaker_id=one.id) for one in (first, second))
    asked = f"{BASE}/estimate?traits=speaker"
    told = browser.get(asked).text
    assert "2 people get this message." in told
    assert "2 of them speak without a registration." in told
    browser.post(f"{BASE}/new", data=TYPED | {"traits": "speaker"})
    message = only_message()
    page = browser.get(f"{BASE}/{message.id}?speaker={second.id}").text
    assert "Dear Ann Other" in page
    assert f"{BASE}/{message.id}?speaker={first.id}" in page
    tried = browser.post(f"{BASE}/{message.id}/test", data={"speaker": str(second.id)})
    assert tried.location.endswith(f"?speaker={second.id}")
    elsewhere = make_speaker(make_event(slug="other"), user_id=user.id, name_latin="Not Here")
    assert "Not Here" not in browser.get(f"{BASE}/{message.id}?speaker={elsewhere.id}").text
    browser.post(f"{BASE}/{message.id}/send", data={"version": str(message.version)})
    jobs.send(message.id)
    page = browser.get(f"{BASE}/{message.id}").text
    assert "Sam Speaker" in page
    assert "Ann Other" in page
