"""A start-up's side: the programme, submitting, changing, withdrawing, the slides."""

import re
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.agenda.models import AccessLevel, AgendaItem, ItemKind
from forum_app.agenda.publication import publish_agenda
from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole
from forum_app.mail.models import OutboxMail
from forum_app.organizations.models import Kind, MemberRole, MemberState, Organization
from forum_app.pitches.models import PitchCall, PitchSubmission, SubmissionState
from forum_app.pitches.services import PitchValues, create_submission, update_submission, withdraw_submission
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_item,
    make_member,
    make_organization,
    make_registration,
    make_user,
    sign_in,
)
from tests.pitches.parts import make_block, make_call, make_pitch, pdf, together

S = SubmissionState


class Scene:
    """An event with an open call, a start-up with a founder."""

    def __init__(self, app: Flask) -> None:
        self.event: Event = make_event()
        self.call: PitchCall = make_call(self.event)
        self.startup: Organization = make_organization(name_en="Kaze Sensing", name_ja="風センシング")
        self.founder: User = make_user(name_latin="Hanako Kaze", name_native="風花子")
        make_member(self.founder, self.startup)

    def path(self, rest: str = "") -> str:
        return f"/events/{self.event.slug}/pitches{rest}"

    def fields(self, **changes: Any) -> dict[str, Any]:
        return {
            "organization_id": self.startup.id,
            "title_en": "Wind from far away",
            "title_ja": "遠くの風を測る",
            "abstract_en": "A lidar on a truck.",
            "abstract_ja": "",
            "stage": "prototype",
            "language": "en",
            "presenter": "Hanako Kaze",
            "area_ids": [self.call.areas[0].id],
            "action": "submit",
            **changes,
        }


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene(app)


@pytest.fixture
def founder(app: Flask, scene: Scene) -> FlaskClient:
    return sign_in(app.test_client(), scene.founder)


def all_pitches() -> list[PitchSubmission]:
    db.session.rollback()  # what was read before is a snapshot
    return list(db.session.scalars(select(PitchSubmission).order_by(PitchSubmission.id)))


def mails(kind: str) -> list[OutboxMail]:
    db.session.rollback()
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == f"pitches/{kind}")))


# --- The programme -------------------------------------------------------------------------------
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_programme_says_what_the_call_is(client: FlaskClient, scene: Scene, lang: str) -> None:
    page = client.get(scene.path(f"?lang={lang}")).get_data(as_text=True)
    assert ("Ten minutes on stage." if lang == "en" else "10分間の発表です。") in page
    assert ("Submit a pitch" in page) == (lang == "en")
    assert 'href="/events/' in page


def test_no_call_and_other_windows(client: FlaskClient, app: Flask) -> None:
    event = make_event()
    assert "No call for pitches" in client.get(f"/events/{event.slug}/pitches").get_data(as_text=True)
    make_call(event, opens_at=NOW - timedelta(days=9), closes_at=NOW - timedelta(days=8))
    page = client.get(f"/events/{event.slug}/pitches").get_data(as_text=True)
    assert "Closed" in page
    assert "Submit a pitch" not in page
    member = make_user()
    make_member(member, make_organization())
    sign_in(client, member)
    assert client.get(f"/events/{event.slug}/pitches/submit").status_code == 200
    assert client.post(f"/events/{event.slug}/pitches/submit").status_code == 409


@pytest.mark.parametrize(
    ("level", "stranger", "registered"),
    [
        (AccessLevel.PUBLIC, True, True),
        (AccessLevel.REGISTERED, False, True),
        (AccessLevel.INVITED, False, False),
        (AccessLevel.GOVERNMENT, False, False),
        (AccessLevel.CLEARED, False, False),
    ],
)
def test_accepted_pitches_show_with_the_published_agenda_only(
    app: Flask, scene: Scene, level: AccessLevel, stranger: bool, registered: bool
) -> None:
    item = make_item(scene.event, kind=ItemKind.PITCH, title_en="Secret wind", access=level)
    make_pitch(
        scene.call,
        scene.startup,
        title_en="Secret wind",
        state=S.ACCEPTED,
        agenda_item_id=item.id,
    )
    guest = make_user()
    make_registration(scene.event, guest)
    clients = app.test_client(), sign_in(app.test_client(), guest)
    for client in clients:
        page = client.get(scene.path()).get_data(as_text=True)
        assert "Secret wind" not in page
        assert "Kaze Sensing" not in page
    with transaction():
        publish_agenda(actor=None, event=scene.event, now=NOW)
    for client, sees in zip(clients, (stranger, registered), strict=True):
        page = client.get(scene.path()).get_data(as_text=True)
        assert ("Secret wind" in page) == sees
        assert ("Kaze Sensing" in page) == sees


# --- Submitting ----------------------------------------------------------------------------------
def test_a_founder_submits_with_slides(founder: FlaskClient, scene: Scene) -> None:
    assert founder.get(scene.path("/submit")).status_code == 200
    answer = founder.post(scene.path("/submit"), data=scene.fields(deck=(BytesIO(pdf(12)), "風況 deck.pdf")))
    assert answer.status_code == 303
    (pitch,) = all_pitches()
    assert answer.location == scene.path(f"/{pitch.code}")
    assert (pitch.state, pitch.deck_pages, pitch.deck_name) == (S.SUBMITTED, 12, "風況 deck.pdf")
    assert [area.id for area in pitch.areas] == [scene.call.areas[0].id]
    (mail,) = mails("submitted")
    assert mail.to_address == scene.founder.email
    assert "Wind from far away" in mail.subject
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.like("pitch.%")).order_by(AuditEntry.id)
    ).all()
    assert actions == ["pitch.created", "pitch.submitted"]
    deck = founder.get(scene.path(f"/{pitch.code}/deck"))
    assert deck.data == pdf(12)
    assert deck.headers["Content-Type"] == "application/pdf"
    assert deck.headers["X-Content-Type-Options"] == "nosniff"
    assert deck.headers["Content-Security-Policy"].startswith("sandbox")
    assert deck.headers["Content-Disposition"].startswith('attachment; filename="pitch-')
    assert "filename*=UTF-8''%E9%A2%A8" in deck.headers["Content-Disposition"]


def test_mail_in_the_recipients_language(founder: FlaskClient, scene: Scene) -> None:
    with transaction():
        db.session.get_one(User, scene.founder.id).locale = "ja"
    founder.post(scene.path("/submit"), data=scene.fields())
    (mail,) = mails("submitted")
    assert mail.locale == "ja"
    assert "遠くの風を測る" in mail.subject


def test_a_draft_needs_less_and_is_submitted_later(founder: FlaskClient, scene: Scene) -> None:
    fields = scene.fields(action="draft", abstract_en="", stage="", presenter="", area_ids=[])
    assert founder.post(scene.path("/submit"), data=fields).status_code == 303
    (pitch,) = all_pitches()
    assert pitch.state == S.DRAFT
    assert not mails("submitted")
    edit = scene.path(f"/{pitch.code}/edit")
    missing = founder.post(edit, data={**fields, "action": "submit", "version": pitch.version})
    assert missing.status_code == 422
    assert "An abstract in at least one language is needed." in missing.get_data(as_text=True)
    done = founder.post(edit, data=scene.fields(version=pitch.version))
    assert done.status_code == 303
    assert all_pitches()[0].state == S.SUBMITTED
    assert len(mails("submitted")) == 1


def test_a_refused_form_keeps_what_was_typed_and_the_slides(founder: FlaskClient, scene: Scene) -> None:
    fields = scene.fields(title_en="", title_ja="", deck=(BytesIO(pdf(7)), "good.pdf"))
    refused = founder.post(scene.path("/submit"), data=fields)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "A lidar on a truck." in page
    assert "good.pdf is kept" in page
    kept = re.search(r'name="kept_deck"[^>]*value="([^"]+)"', page)
    assert kept is not None
    assert founder.post(scene.path("/submit"), data=scene.fields(kept_deck=kept.group(1))).status_code == 303
    assert all_pitches()[0].deck_pages == 7


def test_a_kept_deck_is_worth_nothing_to_others(app: Flask, founder: FlaskClient, scene: Scene) -> None:
    fields = scene.fields(title_en="", title_ja="", deck=(BytesIO(pdf(7)), "good.pdf"))
    page = founder.post(scene.path("/submit"), data=fields).get_data(as_text=True)
    kept = re.search(r'name="kept_deck"[^>]*value="([^"]+)"', page)
    assert kept is not None
    other = make_user()
    make_member(other, scene.startup)
    for token in (kept.group(1), kept.group(1)[:-2] + "xx", "../../etc/passwd"):
        stranger = sign_in(app.test_client(), other)
        answer = stranger.post(scene.path("/submit"), data=scene.fields(kept_deck=token, action="draft"))
        assert answer.status_code == 303
        (pitch,) = all_pitches()
        assert pitch.deck_file is None
        with transaction():
            db.session.delete(db.session.get(PitchSubmission, pitch.id))


def test_a_file_that_is_no_deck_is_refused_in_words(founder: FlaskClient, scene: Scene) -> None:
    refused = founder.post(
        scene.path("/submit"), data=scene.fields(deck=(BytesIO(b"<script>alert(1)</script>"), "x.pdf"))
    )
    assert refused.status_code == 422
    assert "This is not a PDF file." in refused.get_data(as_text=True)
    assert "A lidar on a truck." in refused.get_data(as_text=True)
    assert not all_pitches()


def test_large_requests_are_read_on_the_upload_pages_only(
    client: FlaskClient, founder: FlaskClient, scene: Scene
) -> None:
    big = b"%PDF-1.7\n" + b"x" * (20 * 1024 * 1024 + 10)
    refused = founder.post(scene.path("/submit"), data=scene.fields(deck=(BytesIO(big), "big.pdf")))
    assert refused.status_code == 422
    assert "larger than 20 MB" in refused.get_data(as_text=True)
    huge = founder.post(
        scene.path("/submit"), data=scene.fields(deck=(BytesIO(big + b"x" * 2_000_000), "huge.pdf"))
    )
    assert huge.status_code == 413

    def two_megabytes() -> dict[str, Any]:
        return {"deck": (BytesIO(b"x" * 2_000_000), "x.pdf")}

    elsewhere = founder.post(scene.path("/none/withdraw"), data=two_megabytes())
    assert elsewhere.status_code in (404, 413)
    assert client.post(scene.path("/submit"), data=two_megabytes()).status_code in (302, 413)
    assert not all_pitches()


def test_a_replayed_form_acts_once(founder: FlaskClient, scene: Scene) -> None:
    fields = scene.fields(idempotency_key="once")
    first = founder.post(scene.path("/submit"), data=fields)
    again = founder.post(scene.path("/submit"), data=fields)
    assert first.location == again.location
    assert len(all_pitches()) == 1
    assert len(mails("submitted")) == 1


def test_scripts_show_harmless(founder: FlaskClient, scene: Scene) -> None:
    evil = "<script>alert(1)</script>"
    texts = dict.fromkeys(("title_en", "title_ja", "abstract_en", "abstract_ja", "presenter"), evil)
    fields = scene.fields(**texts, deck=(BytesIO(pdf(1)), f"{evil}.pdf"))
    assert founder.post(scene.path("/submit"), data=fields).status_code == 303
    pitch = all_pitches()[0]
    for rest in ("", f"/{pitch.code}", f"/{pitch.code}/edit", f"/{pitch.code}/withdraw"):
        assert evil not in founder.get(scene.path(rest)).get_data(as_text=True)


def test_a_name_of_ten_megabytes_is_refused(founder: FlaskClient, scene: Scene) -> None:
    answer = founder.post(scene.path("/submit"), data=scene.fields(presenter="x" * 10_000_000))
    assert answer.status_code in (413, 422)
    assert not all_pitches()


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (Kind.STARTUP, True),
        (Kind.UNIVERSITY, True),
        (Kind.AGENCY, False),
        (Kind.VENTURE_CAPITAL, False),
        (Kind.PRIME, False),
    ],
)
def test_only_start_ups_and_universities_submit(app: Flask, scene: Scene, kind: Kind, allowed: bool) -> None:
    organization, user = make_organization(kind=kind), make_user()
    make_member(user, organization, role=MemberRole.MEMBER)
    client = sign_in(app.test_client(), user)
    page = client.get(scene.path("/submit")).get_data(as_text=True)
    assert ("For start-ups, universities and research institutes" not in page) == allowed
    answer = client.post(scene.path("/submit"), data=scene.fields(organization_id=organization.id))
    assert (answer.status_code == 303) == allowed
    assert len(all_pitches()) == allowed


def test_not_for_the_organization_of_others(founder: FlaskClient, scene: Scene) -> None:
    other = make_organization()
    answer = founder.post(scene.path("/submit"), data=scene.fields(organization_id=other.id))
    assert answer.status_code == 422
    former = make_user()
    make_member(former, other, state=MemberState.ENDED)
    with pytest.raises(PermissionDenied), transaction():
        create_submission(
            actor=former,
            event=scene.event,
            call=scene.call,
            organization=other,
            values=PitchValues(title_en="x"),
            submit=False,
            now=NOW,
        )


def test_one_pitch_per_organization(founder: FlaskClient, scene: Scene) -> None:
    pitch = make_pitch(scene.call, scene.startup, scene.founder)
    assert founder.get(scene.path("/submit")).location == scene.path(f"/{pitch.code}")
    answer = founder.post(scene.path("/submit"), data=scene.fields())
    assert answer.status_code == 422
    assert "has a pitch for this event already" in answer.get_data(as_text=True)
    founder.post(scene.path(f"/{pitch.code}/withdraw"))
    assert founder.post(scene.path("/submit"), data=scene.fields()).status_code == 303
    assert [row.state for row in all_pitches()] == [S.WITHDRAWN, S.SUBMITTED]


@pytest.mark.every_database
def test_two_people_submit_at_once(app: Flask, scene: Scene) -> None:
    second = make_user()
    make_member(second, scene.startup)
    ids = scene.event.id, scene.call.id, scene.startup.id

    def attempt(user_id: int) -> int:
        with transaction():
            call = db.session.get_one(PitchCall, ids[1])
            values = PitchValues(
                title_en="x", abstract_en="y", presenter="z", stage="idea", area_ids=(call.areas[0].id,)
            )
            return create_submission(
                actor=db.session.get_one(User, user_id),
                event=db.session.get_one(Event, ids[0]),
                call=call,
                organization=db.session.get_one(Organization, ids[2]),
                values=values,
                submit=True,
                now=NOW,
            ).id

    first_id, second_id = scene.founder.id, second.id
    results = together(app, lambda: attempt(first_id), lambda: attempt(second_id))
    assert sum(isinstance(one, int) for one in results) == 1
    assert sum(isinstance(one, (Conflict, Invalid)) for one in results) == 1
    assert len(all_pitches()) == 1
    assert len(mails("submitted")) == 1


# --- The window ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (NOW - timedelta(seconds=1), False),
        (NOW, True),
        (NOW + timedelta(days=1) - timedelta(microseconds=1), True),
        (NOW + timedelta(days=1), False),
    ],
)
def test_the_service_holds_the_window(app: Flask, now: datetime, is_open: bool) -> None:
    event, startup, user = make_event(), make_organization(), make_user()
    make_member(user, startup)
    call = make_call(event, opens_at=NOW, closes_at=NOW + timedelta(days=1))
    values = PitchValues(title_en="x")

    def create() -> PitchSubmission:
        with transaction():
            return create_submission(
                actor=user, event=event, call=call, organization=startup, values=values, submit=False, now=now
            )

    if is_open:
        assert create().state == S.DRAFT
        return
    with pytest.raises(Conflict):
        create()
    pitch = make_pitch(call, startup, user)
    with pytest.raises(Conflict), transaction():
        update_submission(
            actor=user, event=event, submission=pitch, values=values, submit=False, version=1, now=now
        )
    with transaction():  # withdrawing is always possible
        withdraw_submission(actor=user, event=event, submission=pitch, now=now)
    assert pitch.state == S.WITHDRAWN


# --- Changing and withdrawing --------------------------------------------------------------------
def test_a_colleague_was_faster(founder: FlaskClient, scene: Scene) -> None:
    pitch = make_pitch(scene.call, scene.startup, scene.founder)
    edit = scene.path(f"/{pitch.code}/edit")
    assert founder.post(edit, data=scene.fields(version=1, title_en="First")).status_code == 303
    late = founder.post(edit, data=scene.fields(version=1, title_en="Second"))
    assert late.status_code == 409
    page = late.get_data(as_text=True)
    assert "Somebody of your organization has changed this pitch" in page
    assert 'value="Second"' in page
    assert all_pitches()[0].title_en == "First"
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert version is not None
    again = founder.post(edit, data=scene.fields(version=version.group(1), title_en="Second"))
    assert again.status_code == 303
    assert all_pitches()[0].title_en == "Second"


def test_slides_are_replaced_and_removed(founder: FlaskClient, scene: Scene) -> None:
    pitch = make_pitch(scene.call, scene.startup, scene.founder)
    edit = scene.path(f"/{pitch.code}/edit")
    founder.post(edit, data=scene.fields(version=1, deck=(BytesIO(pdf(2)), "a.pdf")))
    assert all_pitches()[0].deck_pages == 2
    founder.post(edit, data=scene.fields(version=2))
    assert all_pitches()[0].deck_pages == 2
    founder.post(edit, data=scene.fields(version=3, remove_deck="y"))
    assert all_pitches()[0].deck_file is None
    assert founder.get(scene.path(f"/{pitch.code}/deck")).status_code == 404


@pytest.mark.parametrize("state", [S.ACCEPTED, S.RESERVE, S.DECLINED, S.WITHDRAWN])
def test_what_is_decided_does_not_change(founder: FlaskClient, scene: Scene, state: S) -> None:
    pitch = make_pitch(scene.call, scene.startup, scene.founder, state=state)
    edit = scene.path(f"/{pitch.code}/edit")
    assert founder.get(edit).status_code == 302
    assert founder.post(edit, data=scene.fields(version=1)).status_code == 409
    assert all_pitches()[0].title_en == "Wind from far away"


def test_withdrawing_frees_the_slot_and_tells_the_organizers(founder: FlaskClient, scene: Scene) -> None:
    organizer, second = make_user(), make_user()
    grant(organizer, scene.event, EventRole.ORGANIZER)
    block = make_block(scene.event)
    item = make_item(scene.event, kind=ItemKind.PITCH, parent_id=block.id)
    make_member(second, scene.startup)
    pitch = make_pitch(scene.call, scene.startup, second, state=S.ACCEPTED, agenda_item_id=item.id)
    item_id, withdraw = item.id, scene.path(f"/{pitch.code}/withdraw")
    assert "Its place in the agenda becomes free." in founder.get(withdraw).get_data(as_text=True)
    answer = founder.post(withdraw, data={"idempotency_key": "w"})
    assert answer.status_code == 303
    assert founder.post(withdraw, data={"idempotency_key": "w"}).location == answer.location
    assert all_pitches()[0].state == S.WITHDRAWN
    assert db.session.scalar(select(func.count()).where(AgendaItem.id == item_id)) == 0
    assert {mail.to_address for mail in mails("withdrawn")} == {organizer.email, second.email}
    assert founder.post(scene.path(f"/{pitch.code}/withdraw")).status_code == 409


def test_a_withdrawn_draft_is_nobodys_news(founder: FlaskClient, scene: Scene) -> None:
    grant(make_user(), scene.event, EventRole.ORGANIZER)
    pitch = make_pitch(scene.call, scene.startup, scene.founder, state=S.DRAFT)
    assert founder.post(scene.path(f"/{pitch.code}/withdraw")).status_code == 303
    assert not mails("withdrawn")
