"""A person registers, changes, cancels, gets a ticket."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.audit.models import AuditEntry
from forum_app.db import db, transaction
from forum_app.events.models import Event, Visibility
from forum_app.mail.models import OutboxMail
from forum_app.registration.models import ParticipantType, Registration, RegistrationState
from forum_app.registration.services import invite
from forum_app.web import clock
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_member,
    make_organization,
    make_participant_type,
    make_registration,
    make_user,
    sign_in,
)

S = RegistrationState


def form(kind: ParticipantType, **changes: Any) -> dict[str, Any]:
    """A complete form of a person who registers as kind."""
    values = {
        "type_id": kind.id,
        "name_latin": "Hanako Sato",
        "name_native": "佐藤 花子",
        "name_kana": "サトウ ハナコ",
        "organization_id": "",
        "job_title_en": "Engineer",
        "job_title_ja": "技術者",
        "language": "ja",
        "needs": "Wheelchair",
        "listed": "y",
        "privacy": "y",
    }
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def mails() -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def look_again() -> None:
    """Forget what this session has read: the requests have sessions of their own."""
    db.session.rollback()
    db.session.expire_all()


def only_registration() -> Registration:
    look_again()
    return db.session.scalars(select(Registration)).one()


@pytest.mark.every_database
def test_approved_at_once_where_no_vetting_is_needed(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False, seats=1)
    user = make_user(locale="ja")
    organization = make_organization(name_en="Hayabusa", name_ja="はやぶさ株式会社")
    make_member(user, organization)
    sign_in(client, user)
    page = client.get(f"/events/{event.slug}/register?lang=en").text
    assert "Seats left: 1 of 1" in page
    assert user.name_latin in page
    answer = client.post(f"/events/{event.slug}/register", data=form(kind, organization_id=organization.id))
    assert answer.status_code == 303
    assert answer.location == f"/events/{event.slug}/registration"
    row = only_registration()
    assert row.state == S.APPROVED
    assert row.name_native == "佐藤 花子"
    assert row.organization_id == organization.id
    assert row.consent_privacy_at is not None
    assert row.consent_photo_at is None
    assert db.session.get_one(ParticipantType, kind.id).seats_taken == 1
    (mail,) = mails()
    assert mail.kind == "registration/approved"
    assert mail.to_address == user.email
    assert f"https://forum.test/events/{event.slug}/ticket" in mail.body
    assert db.session.scalars(select(AuditEntry.action)).all() == ["registration.approved"]
    own = client.get(f"/events/{event.slug}/registration?lang=en").text
    assert "Hanako Sato" in own
    assert "You are approved" in own
    assert client.get(f"/events/{event.slug}/register").location == f"/events/{event.slug}/registration"


def test_applied_where_vetting_is_needed(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, seats=1)
    sign_in(client, make_user())
    client.post(f"/events/{event.slug}/register", data=form(kind))
    assert only_registration().state == S.APPLIED
    assert db.session.get_one(ParticipantType, kind.id).seats_taken == 0
    assert [mail.kind for mail in mails()] == ["registration/received"]


def test_waitlisted_where_full(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False, seats=0)
    sign_in(client, make_user())
    assert "you would be on the waitlist" in client.get(f"/events/{event.slug}/register?lang=en").text
    client.post(f"/events/{event.slug}/register", data=form(kind))
    assert only_registration().state == S.WAITLISTED
    assert [mail.kind for mail in mails()] == ["registration/waitlisted"]
    assert client.get(f"/events/{event.slug}/ticket").location == f"/events/{event.slug}/registration"
    assert client.get(f"/events/{event.slug}/ticket.svg").status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"privacy": None}, "not possible without this consent"),
        ({"antitrust": None}, "not possible without this agreement"),
        ({"name_latin": " ", "name_native": ""}, "Give your name in at least one script"),
        ({"type_id": None}, "Choose one of the participant types"),
        ({"type_id": "999999999999999999999999"}, "choose one of those in the list"),
        ({"type_id": "4711"}, "Choose one of the participant types"),
        ({"type_id": "x'; DROP TABLE"}, "choose one of those in the list"),
        ({"language": "tlh"}, "choose one of those in the list"),
        ({"name_latin": "x" * 10_000}, "at most 200 characters"),
        ({"organization_id": "17"}, "Choose one of your organizations"),
    ],
)
def test_refused_with_what_was_typed(client: FlaskClient, changes: dict[str, Any], sentence: str) -> None:
    event = make_event(antitrust_en="We obey the antitrust laws.")
    kind = make_participant_type(event)
    sign_in(client, make_user())
    data = {**form(kind, antitrust="y", job_title_en="Chief <b>Wizard</b>"), **changes}
    answer = client.post(
        f"/events/{event.slug}/register?lang=en", data={k: v for k, v in data.items() if v is not None}
    )
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Chief &lt;b&gt;Wizard&lt;/b&gt;" in answer.text
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0


def test_closed_windows_in_words(client: FlaskClient) -> None:
    sign_in(client, make_user())
    now = clock.now()
    later, earlier = now + timedelta(days=3), now - timedelta(days=3)
    dates = {"starts_on": (now + timedelta(days=30)).date(), "ends_on": (now + timedelta(days=31)).date()}
    past = {"starts_on": (now - timedelta(days=31)).date(), "ends_on": (now - timedelta(days=30)).date()}
    cases: list[tuple[dict[str, Any], str]] = [
        ({**dates, "registration_opens_at": later}, "Registration has not opened yet"),
        ({**dates, "registration_closes_at": earlier}, "Registration has closed"),
        (past, "This event is over"),
    ]
    for values, sentence in cases:
        event = make_event(**values)
        kind = make_participant_type(event)
        page = client.get(f"/events/{event.slug}/register?lang=en")
        assert page.status_code == 200
        assert sentence in page.text
        if "registration" in str(values):
            assert "Tokyo (JST)" in page.text
            assert "Washington/New York" in page.text
        assert client.post(f"/events/{event.slug}/register", data=form(kind)).status_code == 409
    event = make_event(**dates)
    assert "what kinds of participant" in client.get(f"/events/{event.slug}/register?lang=en").text
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0


def test_strangers(client: FlaskClient) -> None:
    event = make_event()
    for path in (
        "register",
        "registration",
        "registration/edit",
        "registration/cancel",
        "ticket",
        "ticket.svg",
    ):
        answer = client.get(f"/events/{event.slug}/{path}")
        assert answer.status_code == 302
        assert answer.location.startswith("/missing/accounts.sign_in") or "sign-in" in answer.location
    sign_in(client, make_user())
    for path in ("registration/edit", "registration/cancel", "ticket.svg"):
        assert client.get(f"/events/{event.slug}/{path}").status_code == 404
    for path in ("registration", "ticket"):
        assert client.get(f"/events/{event.slug}/{path}").status_code == 302
    closed = make_event(visibility=Visibility.CLOSED)
    assert client.get(f"/events/{closed.slug}/register").status_code == 404


def test_a_replayed_form_registers_once(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False, seats=5)
    sign_in(client, make_user())
    data = form(kind, idempotency_key="once")
    answers = [client.post(f"/events/{event.slug}/register", data=data) for _ in range(3)]
    # the second sending finds the registration and leads to it, the page or the first answer
    assert {answer.status_code for answer in answers} <= {302, 303}
    assert {answer.location for answer in answers} == {f"/events/{event.slug}/registration"}
    assert only_registration().state == S.APPROVED
    assert len(mails()) == 1
    assert db.session.get_one(ParticipantType, kind.id).seats_taken == 1


def test_cancel_gives_the_seat_to_the_waitlist(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False, seats=1)
    first, second, third = make_user(), make_user(locale="ja"), make_user()
    for user in (first, second, third):
        sign_in(client, user)
        client.post(f"/events/{event.slug}/register", data=form(kind))
    sign_in(client, first)
    assert client.get(f"/events/{event.slug}/registration/cancel").status_code == 200
    assert client.post(f"/events/{event.slug}/registration/cancel").status_code == 303
    look_again()
    states = {r.user_id: r.state for r in db.session.scalars(select(Registration))}
    assert states == {first.id: S.CANCELLED, second.id: S.APPROVED, third.id: S.WAITLISTED}
    assert db.session.get_one(ParticipantType, kind.id).seats_taken == 1
    promoted = mails()[-1]
    assert (promoted.kind, promoted.to_address) == ("registration/promoted", second.email)
    assert promoted.locale == "ja"
    # a new start is possible, at the end of the line
    client.post(f"/events/{event.slug}/register", data=form(kind))
    assert client.get(f"/events/{event.slug}/registration?lang=en").text.count("On the waitlist") >= 0
    look_again()
    rows = db.session.scalars(select(Registration.state).where(Registration.user_id == first.id)).all()
    assert sorted(rows) == [S.CANCELLED, S.WAITLISTED]


def test_change_own_data_but_not_the_vetted_identity(client: FlaskClient) -> None:
    event = make_event()
    user = make_user()
    kind = make_participant_type(event)
    row = make_registration(event, user, participant_type=kind, state=S.APPLIED, name_kana="")
    sign_in(client, user)
    assert client.get(f"/events/{event.slug}/registration/edit").status_code == 200
    changes = form(kind, name_latin="Hana Sato", job_title_en="CEO", photo="y")
    assert client.post(f"/events/{event.slug}/registration/edit", data=changes).status_code == 303
    look_again()
    assert (row.name_latin, row.job_title_en) == ("Hana Sato", "CEO")
    assert bool(row.consent_photo_at)
    with transaction():
        row.state = S.APPROVED
    changes = form(kind, name_latin="Somebody Else", job_title_en="CTO")
    assert client.post(f"/events/{event.slug}/registration/edit", data=changes).status_code == 303
    look_again()
    assert (row.name_latin, row.job_title_en, bool(row.consent_photo_at)) == ("Hana Sato", "CTO", False)
    bad = form(kind, language="")
    assert client.post(f"/events/{event.slug}/registration/edit", data=bad).status_code == 422


def test_the_ticket_is_its_owners_alone(client: FlaskClient) -> None:
    event = make_event()
    user = make_user(name_native="佐藤 花子", name_kana="サトウ ハナコ")
    organization = make_organization(name_en="Hayabusa", name_ja="はやぶさ株式会社")
    row = make_registration(event, user, organization=organization)
    sign_in(client, user)
    page = client.get(f"/events/{event.slug}/ticket?lang=en").text
    for text in (user.name_latin, "佐藤 花子", "Hayabusa", "はやぶさ株式会社", "Participant", row.code[:4]):
        assert text in page
    assert "Asia/Tokyo" not in page
    assert "14 hours ahead of Washington/New York" in page or "Tokyo (JST)" in page
    picture = client.get(f"/events/{event.slug}/ticket.svg")
    assert picture.content_type == "image/svg+xml"
    assert picture.data.startswith(b"<?xml")
    sign_in(client, make_user())
    assert client.get(f"/events/{event.slug}/ticket.svg").status_code == 404
    assert client.get(f"/events/{event.slug}/ticket").status_code == 302


def invited(event: Event, email: str, kind: ParticipantType, organizer: User | None = None) -> Registration:
    organizer = organizer or make_user()
    grant(organizer, event)
    with transaction():
        return invite(
            actor=organizer, event=event, type_id=kind.id, email=email, locale="ja", message="是非", now=NOW
        )


@pytest.mark.every_database
def test_an_invitation_is_taken_by_the_owner_of_its_address(client: FlaskClient) -> None:
    event = make_event(visibility=Visibility.CLOSED, registration_closes_at=NOW)
    kind = make_participant_type(event, by_invitation=True, needs_vetting=False, seats=3, name_en="Envoy")
    row = invited(event, "Guest@Agency.example", kind)
    (mail,) = mails()
    assert (mail.kind, mail.to_address, mail.locale) == ("registration/invited", "Guest@Agency.example", "ja")
    assert "是非" in mail.body
    stranger = make_user()
    sign_in(client, stranger)
    assert client.get(f"/events/{event.slug}/register").status_code == 404
    # the same address, not yet confirmed, is not its owner
    guest = make_user("guest@agency.example", verified_at=None)
    sign_in(client, guest)
    assert client.get(f"/events/{event.slug}/register").status_code == 404
    with transaction():
        guest.verified_at = NOW
    assert "Envoy" in client.get(f"/events/{event.slug}/register").text
    assert client.post(f"/events/{event.slug}/register", data=form(kind)).status_code == 303
    taken = only_registration()
    assert (taken.id, taken.user_id, taken.state) == (row.id, guest.id, S.APPROVED)


def test_an_invitation_can_be_refused(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, by_invitation=True)
    invited(event, "guest@agency.example", kind)
    sign_in(client, make_user("guest@agency.example"))
    assert client.post(f"/events/{event.slug}/registration/cancel").status_code == 303
    assert only_registration().state == S.CANCELLED


def test_a_type_by_invitation_is_hidden_from_others(client: FlaskClient) -> None:
    event = make_event()
    secret = make_participant_type(event, by_invitation=True, name_en="Envoy")
    make_participant_type(event, name_en="Guest")
    sign_in(client, make_user())
    assert "Envoy" not in client.get(f"/events/{event.slug}/register?lang=en").text
    assert client.post(f"/events/{event.slug}/register", data=form(secret)).status_code == 422


def test_script_in_every_field_shows_harmless(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False)
    script = "<script>alert(1)</script>"
    texts = ("name_latin", "name_native", "name_kana", "job_title_en", "job_title_ja", "needs")
    organizer = make_user()
    grant(organizer, event)
    sign_in(client, make_user())
    client.post(f"/events/{event.slug}/register", data=form(kind, **dict.fromkeys(texts, script)))
    row = only_registration()
    assert row.name_latin == script
    own = ["registration", "ticket", "registration/edit", "registration/cancel"]
    pages = [client.get(f"/events/{event.slug}/{path}") for path in own]
    sign_in(client, organizer)
    paths = ["manage/registrations", f"manage/registrations/{row.id}", f"manage/check-in?code={row.code}"]
    pages += [client.get(f"/events/{event.slug}/{path}") for path in paths]
    for page in pages:
        assert page.status_code == 200
        assert script not in page.text


def test_all_that_is_missing_is_said_at_once(client: FlaskClient) -> None:
    event = make_event(antitrust_en="No talk of prices.")
    kind = make_participant_type(event)
    sign_in(client, make_user(locale="en"))
    address = f"/events/{event.slug}/register"
    both = client.post(address, data=form(kind, privacy=None))
    assert both.status_code == 422
    assert "Registration is not possible without this consent." in both.text
    assert "Taking part is not possible without this agreement." in both.text
    one = client.post(address, data=form(kind))
    assert one.status_code == 422
    assert "Taking part is not possible without this agreement." in one.text
    assert "Wheelchair" in one.text
    assert client.post(address, data=form(kind, antitrust="y")).status_code == 303
    row = only_registration()
    assert row.consent_antitrust_at is not None
    assert len(row.code) == 16
    assert row.code.isalnum()


@pytest.mark.parametrize("good", [True, False])
def test_a_form_to_an_event_that_may_not_be_known_is_404(client: FlaskClient, good: bool) -> None:
    event = make_event(visibility=Visibility.CLOSED)
    kind = make_participant_type(event)
    sign_in(client, make_user())
    sent = form(kind) if good else {}
    assert client.post(f"/events/{event.slug}/register", data=sent).status_code == 404
    assert client.post("/events/nowhere/register", data=sent).status_code == 404
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0


def test_pages_below_another_entry_mark_that_entry(client: FlaskClient) -> None:
    """Whose address does not lie below the entry's, says so itself."""
    event = make_event()
    user = make_user()
    make_registration(event, user, participant_type=make_participant_type(event, takes_meetings=True))
    sign_in(client, user)

    def current(page: str) -> list[str]:
        text = client.get(f"/events/{event.slug}/{page}?lang=en").text
        return re.findall(r'aria-current="page">([^<]+)</a>', text)

    assert current("ticket") == ["My registration"]
    assert [current(page)[0] for page in ("floor", "freebusy", "outcomes", "meetings")] == ["Meetings"] * 4
    assert current("") == ["Overview"]
