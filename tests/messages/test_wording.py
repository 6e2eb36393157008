"""The words of the forum's mails: as they are, in an organizer's own words, and back."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.core.errors import Invalid
from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole
from forum_app.mail.models import OutboxMail
from forum_app.messages.kinds import KINDS, MailKind, get_kind
from forum_app.messages.models import OwnWording
from forum_app.messages.wording_services import check_wording, keep_wording, shown_wording
from forum_app.registration.models import Registration, RegistrationState
from forum_app.registration.services import decide
from forum_app.web import clock
from tests.factories import grant, make_event, make_participant_type, make_user
from tests.messages.scene import Scene, look_again
from tests.queries import LIMIT_PER_PAGE, count_queries

BASE = "/events/forum/manage/mail-texts"
APPROVED = f"{BASE}/registration-approved"
HOSTILE = "<script>alert(1)</script>"
TYPED = {"subject_en": "Welcome to {event}", "body_en": "Bring a coat, {name}.\n\n{text}"}


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene()


@pytest.fixture
def browser(scene: Scene, client: FlaskClient) -> FlaskClient:
    return scene.browser(client)


def approve(scene: Scene, locale: str = "en") -> tuple[OutboxMail, int]:
    """The mail of an approval, and how many statements the decision took."""
    person = scene.person(locale, state=RegistrationState.APPLIED)
    officer = make_user()
    grant(officer, scene.event, EventRole.VETTING_OFFICER)
    look_again()
    number = person.id
    with transaction():
        row = db.session.get_one(Registration, number)
        with count_queries() as statements:
            decide(actor=officer, registration=row, to=RegistrationState.APPROVED, now=clock.now())
    look_again()
    return db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc()).limit(1)).one(), len(
        statements
    )


def keep(scene: Scene, kind: MailKind, **typed: tuple[str, str]) -> None:
    with transaction():
        keep_wording(actor=scene.organizer, event=scene.event, kind=kind, typed=typed, now=clock.now())


@pytest.mark.every_database
def test_own_words_and_back(scene: Scene, browser: FlaskClient) -> None:
    built_in, cost = approve(scene)
    assert browser.post(APPROVED, data=TYPED).status_code == 303
    own, cost_with_own = approve(scene)
    assert own.subject == "Welcome to Tech Forum"
    assert "Bring a coat, Person" in own.body
    assert "/events/forum/ticket" in own.body  # of the built-in text
    assert own.body.startswith("Dear Person")
    assert cost_with_own == cost + 1
    japanese, _ = approve(scene, "ja")  # no own words in this language
    assert "技術フォーラム" in japanese.subject
    assert "Own words: English" in browser.get(BASE).text
    assert browser.post(f"{APPROVED}/reset").status_code == 303
    again, cost_again = approve(scene)
    assert again.subject == built_in.subject
    assert cost_again == cost  # nothing is looked up
    assert not db.session.scalars(select(OwnWording)).all()


def test_an_event_does_not_speak_for_another(scene: Scene) -> None:
    keep(scene, get_kind("registration-approved"), en=("Own", "{text}"))
    scene.event = make_event(slug="other", title_en="Other Forum")
    scene.kind = make_participant_type(scene.event)
    mail, _ = approve(scene)
    assert mail.subject == "You are approved: Other Forum"


def test_what_must_be_there_is_demanded(browser: FlaskClient) -> None:
    cases = {
        "This text needs one of these: {text}, {ticket_url}.": {"body_en": "You may come."},
        "There is no placeholder {reason}": {"body_en": "{text} {reason}"},
        "There is no placeholder {text}": {"subject_en": "{text}"},
        "A brace stands alone": {"body_ja": "{text} }"},
    }
    for sentence, typed in cases.items():
        for data in (typed, typed | {"preview": "1"}):
            answer = browser.post(APPROVED, data=data)
            assert answer.status_code == 422
            assert sentence in answer.text, sentence
    assert db.session.scalar(select(OwnWording.kind)) is None


def test_a_look_before_it_is_kept(browser: FlaskClient) -> None:
    page = browser.post(APPROVED, data=TYPED | {"preview": "1"})
    assert page.status_code == 200
    assert "Bring a coat, Hanako Yamada." in page.text
    assert "Nothing is saved yet" in page.text
    look_again()
    assert db.session.scalar(select(OwnWording.kind)) is None
    browser.post(APPROVED, data=TYPED)
    assert "Bring a coat, Hanako Yamada." in browser.get(APPROVED).text


def test_a_test_mail_goes_to_oneself(browser: FlaskClient) -> None:
    browser.post(APPROVED, data=TYPED)
    assert browser.post(f"{APPROVED}/test").status_code == 303
    look_again()
    mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert {mail.to_address for mail in mails} == {"organizer@forum.example"}
    assert [mail.locale for mail in mails] == ["en", "ja"]
    assert mails[0].subject == "Test: Welcome to Tech Forum"


def test_each_kind_can_be_seen_and_said_with_all_its_placeholders(scene: Scene, browser: FlaskClient) -> None:
    for kind in KINDS:
        everything = "\n".join(f"{{{name}}}" for name in kind.known)
        for locale in ("en", "ja"):
            subject, text = shown_wording(kind, scene.event, locale, ("", ""))
            assert subject, kind.name
            assert "{" not in subject + text, kind.name
            title = scene.event.title_ja if locale == "ja" else scene.event.title_en
            _, own = shown_wording(kind, scene.event, locale, ("", everything))
            assert title in own, kind.name
            assert text.splitlines()[0] in own, kind.name
        check_wording(kind, {"en": ("", everything)})
        with pytest.raises(Invalid):
            check_wording(kind, {"en": ("", "{__class__}")})
        assert browser.get(f"{BASE}/{kind.name}").status_code == 200


def test_hostile_words_are_only_words(scene: Scene, browser: FlaskClient) -> None:
    typed = {
        "subject_en": f"{HOSTILE}\r\nBcc: a@b.example",
        "body_en": f"{HOSTILE} {{{{ 7*7 }}}}\n-- \n{{text}}",
    }
    assert browser.post(APPROVED, data=typed).status_code == 303
    for path in (BASE, APPROVED):
        assert HOSTILE not in browser.get(path).text
    mail, _ = approve(scene)
    assert "\n" not in mail.subject
    assert "{ 7*7 }" in mail.body
    assert mail.body.count("\n-- \n") == 1
    assert browser.get(f"{BASE}/registration-nothing").status_code == 404
    assert browser.get(f"{BASE}/accounts-reset").status_code == 404  # not an event's


def test_words_of_an_older_version_fall_back(scene: Scene) -> None:
    keep(scene, get_kind("registration-approved"), en=("Own", "{text}"))
    with transaction():
        db.session.scalars(select(OwnWording)).one().body = "{gone}"
    mail, _ = approve(scene)
    assert mail.subject.startswith("You are approved")


def test_the_pages_cost_the_same_however_many_own_words(scene: Scene, browser: FlaskClient) -> None:
    costs = []
    for kinds in (KINDS[:1], KINDS):
        for kind in kinds:
            keep(scene, kind, en=("", "{text}"), ja=("", "{text}"))
        look_again()
        made = []
        for path in (BASE, f"{BASE}/{KINDS[0].name}"):
            with count_queries() as statements:
                assert browser.get(path).status_code == 200
            made.append(len(statements))
        costs.append(made)
    assert costs[0] == costs[1]
    assert max(costs[0]) <= LIMIT_PER_PAGE
    look_again()
    assert db.session.get_one(Event, scene.event.id).own_words
