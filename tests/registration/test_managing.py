"""Organizers, vetting officers and check-in staff at work."""

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole
from forum_app.events.queries import list_tiles
from forum_app.mail.models import OutboxMail
from forum_app.registration.models import ParticipantType, Registration, RegistrationState
from forum_app.web import clock
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_organization,
    make_participant_type,
    make_registration,
    make_user,
    sign_in,
)
from tests.queries import LIMIT_PER_PAGE, count_queries

S = RegistrationState
PAGES = {
    "manage/registrations": {EventRole.ORGANIZER, EventRole.VETTING_OFFICER},
    "manage/registrations/{id}": {EventRole.ORGANIZER, EventRole.VETTING_OFFICER},
    "manage/vetting": {EventRole.ORGANIZER, EventRole.VETTING_OFFICER},
    "manage/registrations.csv": {EventRole.ORGANIZER},
    "manage/registrations/invite": {EventRole.ORGANIZER},
    "manage/participant-types": {EventRole.ORGANIZER},
    "manage/participant-types/new": {EventRole.ORGANIZER},
    "manage/participant-types/{type}": {EventRole.ORGANIZER},
    "manage/check-in": {EventRole.ORGANIZER, EventRole.CHECK_IN_STAFF},
}
POSTS = {
    "manage/registrations/approve": {EventRole.ORGANIZER, EventRole.VETTING_OFFICER},
    "manage/registrations/{id}/decide": {EventRole.ORGANIZER, EventRole.VETTING_OFFICER},
    "manage/registrations/{id}/note": {EventRole.ORGANIZER, EventRole.VETTING_OFFICER},
    "manage/registrations/{id}/type": {EventRole.ORGANIZER},
    "manage/no-shows": {EventRole.ORGANIZER},
    "manage/participant-types/{type}/delete": {EventRole.ORGANIZER},
    "manage/check-in/{id}": {EventRole.ORGANIZER, EventRole.CHECK_IN_STAFF},
    "manage/check-in/{id}/undo": {EventRole.ORGANIZER, EventRole.CHECK_IN_STAFF},
}


def look_again() -> None:
    """Forget what this session has read: the requests have sessions of their own."""
    db.session.rollback()
    db.session.expire_all()


def kinds_of_mail() -> list[str]:
    return list(db.session.scalars(select(OutboxMail.kind).order_by(OutboxMail.id)))


def seats(kind: ParticipantType, taken: int) -> None:
    with transaction():
        kind.seats_taken = taken


def organizer_of(event: Event, client: FlaskClient, role: EventRole = EventRole.ORGANIZER) -> Any:
    user = make_user()
    grant(user, event, role)
    sign_in(client, user)
    return user


def decide(client: FlaskClient, row: Registration, action: str, **values: Any) -> Any:
    look_again()
    data = {"action": action, "version": row.version, **values}
    return client.post(f"/events/{row.event.slug}/manage/registrations/{row.id}/decide", data=data)


@pytest.mark.parametrize("role", [None, "stranger", *EventRole])
def test_access_by_role(client: FlaskClient, role: EventRole | str | None) -> None:
    event = make_event()
    person = make_user()
    row = make_registration(event, person, state=S.APPLIED)
    other = make_event()
    foreign = make_registration(other, state=S.APPLIED)
    if isinstance(role, EventRole):
        organizer_of(event, client, role)
    elif role:
        sign_in(client, person)  # the person concerned is no officer either
    for paths, send in ((PAGES, client.get), (POSTS, client.post)):
        for path, allowed in paths.items():
            address = f"/events/{event.slug}/{path.format(id=row.id, type=row.type_id)}"
            status = send(address).status_code
            if role is None:
                assert status == 302
            elif role in allowed:
                assert status not in (401, 403, 404, 405, 500), (address, status)
            else:
                assert status == 403, (address, status)
            if role in allowed and "{" in path:
                strange = f"/events/{event.slug}/{path.format(id=foreign.id, type=foreign.type_id)}"
                assert send(strange).status_code == 404
                absurd = f"/events/{event.slug}/{path.format(id=10**30, type=10**30)}"
                assert send(absurd).status_code == 404


def test_needs_are_for_organizers_only(client: FlaskClient) -> None:
    event = make_event()
    row = make_registration(event, needs="Gluten free")
    organizer_of(event, client, EventRole.VETTING_OFFICER)
    assert "Gluten free" not in client.get(f"/events/{event.slug}/manage/registrations/{row.id}").text
    organizer_of(event, client)
    assert "Gluten free" in client.get(f"/events/{event.slug}/manage/registrations/{row.id}").text


def test_vetting_from_the_queue(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, seats=1)
    people = [make_user(locale="ja") for _ in range(4)]
    first, second, third, fourth = (
        make_registration(event, user, participant_type=kind, state=S.APPLIED) for user in people
    )
    organizer_of(event, client, EventRole.VETTING_OFFICER)
    queue = client.get(f"/events/{event.slug}/manage/vetting")
    assert queue.location == f"/events/{event.slug}/manage/registrations/{first.id}?queue=1"
    page = client.get(queue.location + "&lang=en").text
    assert "1 of 4 that wait" in page
    assert f"/manage/registrations/{second.id}?queue=1" in page

    data = {"action": "approved", "version": first.version, "cleared_until": "2026-12-31", "note": "known"}
    address = f"/events/{event.slug}/manage/registrations/{first.id}/decide?queue=1"
    answer = client.post(address, data=data)
    assert answer.location == f"/events/{event.slug}/manage/registrations/{second.id}?queue=1"
    look_again()
    assert (first.state, first.cleared_until, first.vetting_note) == (S.APPROVED, date(2026, 12, 31), "known")
    assert decide(client, second, "approved").status_code == 303
    look_again()
    assert second.state == S.WAITLISTED  # vetted, but the only seat is taken

    assert decide(client, third, "declined").status_code == 422
    assert decide(client, third, "declined", reason="Not in scope", note="secret word").status_code == 303
    look_again()
    assert (third.state, third.state_reason) == (S.DECLINED, "Not in scope")
    mail = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert mail is not None
    assert (mail.kind, mail.locale, mail.to_address) == ("registration/declined", "ja", people[2].email)
    assert "Not in scope" in mail.body
    assert "secret word" not in mail.body
    assert decide(client, third, "in_vetting").status_code == 303
    look_again()
    assert third.state == S.IN_VETTING

    # two officers at once: the second is told
    stale = third.version
    assert decide(client, third, "approved").status_code == 303
    again = {"action": "declined", "reason": "late", "version": stale}
    address = f"/events/{event.slug}/manage/registrations/{third.id}/decide"
    assert client.post(address, data=again).status_code == 409
    assert decide(client, fourth, "checked_in").status_code == 409
    assert decide(client, fourth, "nonsense").status_code == 422
    assert decide(client, fourth, "cancelled").status_code == 409  # only organizers cancel for somebody
    assert kinds_of_mail() == [
        "registration/approved",
        "registration/waitlisted",
        "registration/declined",
        "registration/reopened",
        "registration/waitlisted",
    ]
    look_again()
    assert kind.seats_taken == 1
    # the seat goes to who waits longest when the first is declined after all
    assert decide(client, first, "declined", reason="Withdrawn").status_code == 303
    look_again()
    assert [row.state for row in (first, second, third)] == [S.DECLINED, S.APPROVED, S.WAITLISTED]


def test_enter_in_a_line_decides_nothing(client: FlaskClient) -> None:
    event = make_event()
    row = make_registration(event, state=S.APPLIED)
    organizer_of(event, client, EventRole.VETTING_OFFICER)
    page = client.get(f"/events/{event.slug}/manage/registrations/{row.id}").get_data(as_text=True)
    form = page[page.index(f"/registrations/{row.id}/decide") :]
    first = form[form.index("<button") :]
    # a browser presses the first button of a form for the key; a disabled one swallows it
    assert first.startswith('<button type="submit" disabled hidden>')
    assert 'value="approved"' in first


def test_nobody_vets_themselves(client: FlaskClient) -> None:
    event = make_event()
    officer = organizer_of(event, client, EventRole.VETTING_OFFICER)
    row = make_registration(event, officer, state=S.APPLIED)
    assert decide(client, row, "approved").status_code == 403
    client.post(f"/events/{event.slug}/manage/registrations/approve", data={"ids": [row.id]})
    look_again()
    assert row.state == S.APPLIED
    data = {"version": row.version, "cleared_until": "2030-01-01"}
    assert (
        client.post(f"/events/{event.slug}/manage/registrations/{row.id}/note", data=data).status_code == 403
    )


def test_note_and_clearance(client: FlaskClient) -> None:
    event = make_event()
    row = make_registration(event)
    organizer_of(event, client, EventRole.VETTING_OFFICER)
    address = f"/events/{event.slug}/manage/registrations/{row.id}/note"
    data = {"version": row.version, "note": "seen", "cleared_until": "2026-12-01"}
    assert client.post(address, data=data).status_code == 303
    assert client.post(address, data=data).status_code == 409  # that version has passed
    look_again()
    assert (row.vetting_note, row.cleared_until, row.state) == ("seen", date(2026, 12, 1), S.APPROVED)
    bad = {"version": row.version, "cleared_until": "whenever"}
    assert client.post(address, data=bad).status_code == 422


def test_bulk_approval(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, seats=2)
    rows = [make_registration(event, participant_type=kind, state=S.APPLIED) for _ in range(4)]
    foreign = make_registration(make_event(), state=S.APPLIED)
    done = make_registration(event, participant_type=kind, state=S.CANCELLED)
    organizer_of(event, client)
    ids = [row.id for row in (*rows, foreign, done)]
    data = {"ids": [*map(str, ids), "x", "9" * 40]}
    answer = client.post(f"/events/{event.slug}/manage/registrations/approve?lang=en", data=data)
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "2 registrations approved. 2 put on the waitlist" in page
    look_again()
    assert [row.state for row in rows] == [S.APPROVED, S.APPROVED, S.WAITLISTED, S.WAITLISTED]
    assert (foreign.state, done.state, kind.seats_taken) == (S.APPLIED, S.CANCELLED, 2)


def test_list_searches_any_script_and_sorts_by_kana(client: FlaskClient) -> None:
    event = make_event()
    organization = make_organization(name_en="Falcon", name_ja="株式会社はやぶさ", name_kana="ハヤブサ")
    foreign = make_organization(name_en="Acme", country="US")
    names = [
        ("Hanako Sato", "佐藤 花子", "サトウ ハナコ", organization),
        ("Taro Aoki", "青木 太郎", "あおき たろう", None),
        ("Ken Gotō", "後藤健", "ゴトウ ケン", None),
        ("John Smith", "", "", foreign),
    ]
    kind = make_participant_type(event)
    for latin, native, kana, one in names:
        user = make_user(name_latin=latin, name_native=native, name_kana=kana)
        make_registration(event, user, participant_type=kind, organization=one, name_kana=kana)
    organizer_of(event, client)

    def found(query: str) -> list[str]:
        page = client.get(f"/events/{event.slug}/manage/registrations?lang=en&{query}").text
        places = {latin: page.find(latin) for latin, *_ in names}
        return sorted((name for name, place in places.items() if place > 0), key=lambda name: places[name])

    assert found("q=佐藤花子") == ["Hanako Sato"]
    assert found("q=花子") == ["Hanako Sato"]
    assert found("q=さとう") == ["Hanako Sato"]
    assert found("q=アオキ") == ["Taro Aoki"]
    assert found("q=sato hanako") == ["Hanako Sato"]
    assert found("q=はやぶさ") == ["Hanako Sato"]
    assert found("q=100%25") == []
    assert found("country=US") == ["John Smith"]
    assert found("country=JP") == ["Hanako Sato"]
    assert sorted(found("kind=startup")) == ["Hanako Sato", "John Smith"]
    assert found("sort=kana") == ["Taro Aoki", "Ken Gotō", "Hanako Sato", "John Smith"]
    assert found("sort=-kana") == ["John Smith", "Hanako Sato", "Ken Gotō", "Taro Aoki"]
    assert found("sort=name") == ["Hanako Sato", "John Smith", "Ken Gotō", "Taro Aoki"]
    assert len(found("state=approved")) == 4
    assert found("state=declined") == []
    assert len(found(f"type={kind.id}&sort=organization")) == 4
    assert len(found("type=99&page=zz&size=7&sort=;drop")) == 4


def test_csv_is_safe_for_spreadsheets(client: FlaskClient) -> None:
    event = make_event()
    user = make_user(name_latin='=HYPERLINK("http://evil.example")', name_native="佐藤")
    make_registration(event, user, needs="+1", vetting_note="internal")
    organizer_of(event, client)
    answer = client.get(f"/events/{event.slug}/manage/registrations.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert row["name_latin"].startswith("'=")
    assert (row["name_native"], row["needs"], row["state"]) == ("佐藤", "'+1", "approved")
    assert "internal" not in answer.text


def test_csv_follows_the_list(client: FlaskClient) -> None:
    event = make_event()
    for name, state in (("Ann Approved", S.APPROVED), ("Ada Applied", S.APPLIED), ("Bob Applied", S.APPLIED)):
        make_registration(event, make_user(name_latin=name, name_native=""), state=state)
    organizer_of(event, client)
    page = client.get(f"/events/{event.slug}/manage/registrations?state=waiting&q=ada&lang=en").text
    link = re.search(r'href="([^"]*registrations\.csv[^"]*)"', page)
    assert link is not None
    address = link.group(1).replace("&amp;", "&")
    assert "state=waiting" in address
    assert "q=ada" in address

    def names(path: str) -> list[str]:
        text = client.get(path).data.decode("utf-8-sig")
        return [row["name_latin"] for row in csv.DictReader(io.StringIO(text))]

    assert names(address) == ["Ada Applied"]
    assert len(names(f"/events/{event.slug}/manage/registrations.csv")) == 3
    assert len(names(f"/events/{event.slug}/manage/registrations.csv?page=9&size=25&state=nonsense")) == 3


def test_side_navigation_says_where_one_is(client: FlaskClient) -> None:
    event = make_event()
    row = make_registration(event, make_user(), state=S.APPLIED)
    organizer_of(event, client, EventRole.VETTING_OFFICER)
    queue = client.get(f"/events/{event.slug}/manage/vetting?lang=en")
    assert queue.location.endswith("?queue=1&lang=en")

    def current(path: str) -> set[str]:
        found = re.findall(r'class="usa-current" aria-current="page">([^<]+)<', client.get(path).text)
        return {" ".join(one.split()) for one in found}

    assert current(queue.location) == {"Vetting"}
    address = f"/events/{event.slug}/manage/registrations"
    assert current(f"{address}/{row.id}?lang=en") == {"Registrations"}
    assert current(f"{address}?lang=en") == {"Registrations"}


def many(event: Event, kind: ParticipantType, number: int) -> None:
    organization = make_organization()
    start = make_user().id
    with transaction():
        for index in range(number):
            row = Registration(
                event_id=event.id,
                type_id=kind.id,
                organization_id=organization.id,
                email=f"p{start}-{index}@x.example",
                email_key=f"p{start}-{index}@x.example",
                name_latin=f"Person {index}",
                name_kana="サトウ",
                state=S.APPLIED,
                created_at=NOW,
                state_changed_at=NOW,
            )
            db.session.add(row)


@pytest.mark.parametrize(
    "path",
    [
        "manage/registrations?size=100",
        "manage/registrations?size=100&sort=kana",
        "manage/registrations?q=person",
        "manage/check-in?code=person",
        "manage/participant-types",
        "manage/registrations.csv",
    ],
)
def test_lists_cost_the_same_at_any_length(client: FlaskClient, path: str) -> None:
    event = make_event()
    kind = make_participant_type(event)
    organizer_of(event, client)
    numbers = []
    for more in (3, 297):
        many(event, kind, more)
        with count_queries() as statements:
            assert client.get(f"/events/{event.slug}/{path}").status_code == 200
        numbers.append(len(statements))
    assert numbers[0] == numbers[1] <= LIMIT_PER_PAGE / 2


def test_moving_takes_the_seat_along(client: FlaskClient) -> None:
    event = make_event()
    small = make_participant_type(event, seats=1, code="small")
    large = make_participant_type(event, seats=5, code="large")
    row = make_registration(event, participant_type=small)
    waiting = make_registration(event, participant_type=small, state=S.WAITLISTED, waitlisted_at=NOW)
    seats(small, 1)
    organizer_of(event, client)
    address = f"/events/{event.slug}/manage/registrations/{row.id}/type"
    assert client.post(address, data={"version": row.version, "type_id": small.id}).status_code == 422
    assert client.post(address, data={"version": row.version, "type_id": large.id}).status_code == 303
    look_again()
    assert (row.type_id, waiting.state) == (large.id, S.APPROVED)
    assert (small.seats_taken, large.seats_taken) == (1, 1)
    assert kinds_of_mail() == ["registration/moved", "registration/promoted"]
    assert client.post(address, data={"version": row.version, "type_id": small.id}).status_code == 409


def test_participant_types(client: FlaskClient) -> None:
    event = make_event()
    organizer_of(event, client)
    base = f"/events/{event.slug}/manage/participant-types"
    data = {"code": "press", "name_en": "Press", "name_ja": "報道", "seats": "1", "needs_vetting": "y"}
    assert client.post(f"{base}/new", data={**data, "code": "Press!"}).status_code == 422
    assert client.post(f"{base}/new", data={**data, "name_en": "", "name_ja": ""}).status_code == 422
    assert client.post(f"{base}/new", data={**data, "seats": "-1"}).status_code == 422
    assert client.post(f"{base}/new", data=data).status_code == 303
    assert client.post(f"{base}/new", data=data).status_code == 422  # the code is taken
    kind = db.session.scalars(select(ParticipantType)).one()
    waiting = make_registration(event, participant_type=kind, state=S.WAITLISTED, waitlisted_at=NOW)
    make_registration(event, participant_type=kind)
    seats(kind, 1)
    assert client.post(f"{base}/{kind.id}", data={**data, "seats": "0"}).status_code == 422
    assert client.post(f"{base}/{kind.id}", data={**data, "seats": "2"}).status_code == 303
    look_again()
    assert (kind.seats, kind.seats_taken, waiting.state) == (2, 2, S.APPROVED)
    assert client.post(f"{base}/{kind.id}/delete").status_code == 409
    empty = make_participant_type(event, code="empty")
    assert client.post(f"{base}/{empty.id}/delete").status_code == 303
    assert db.session.scalars(select(ParticipantType.code)).all() == ["press"]


def test_invitations(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event)
    organizer_of(event, client)
    address = f"/events/{event.slug}/manage/registrations/invite"
    data = {"email": "guest@agency.example", "type_id": kind.id, "locale": "ja"}
    assert client.post(address, data={**data, "email": "no address"}).status_code == 422
    assert client.post(address, data=data).status_code == 303
    assert client.post(address, data={**data, "email": "GUEST@agency.example"}).status_code == 422
    row = db.session.scalars(select(Registration)).one()
    assert row.state == S.INVITED
    assert decide(client, row, "approved").status_code == 409  # it is for its owner to take
    assert decide(client, row, "cancelled").status_code == 303
    assert client.post(address, data=data).status_code == 303


# --- The door ------------------------------------------------------------------------------------
def test_the_door(client: FlaskClient) -> None:
    event = make_event()
    user = make_user(name_latin="Hanako Sato", name_native="佐藤 花子")
    row = make_registration(event, user)
    elsewhere = make_registration(make_event(title_en="Secret Forum"))
    waiting = make_registration(event, make_user(name_latin="Wendy Waits"), state=S.WAITLISTED)
    organizer_of(event, client, EventRole.CHECK_IN_STAFF)
    base = f"/events/{event.slug}/manage/check-in"
    spaced = " ".join(row.code[i : i + 4] for i in range(0, 16, 4)).lower()
    link = f"https://forum.test{base}?code={row.code}"
    for typed in (row.code, spaced, link):
        page = client.get(base, query_string={"code": typed, "lang": "en"})
        assert "May enter" in page.text, typed
        assert "佐藤 花子" in page.text
        assert page.headers["Cache-Control"] == "no-store"
    assert f"registration={row.id}" in client.get(f"{base}?code=花子").text
    other = client.get(base, query_string={"code": elsewhere.code}).text
    assert "This ticket is for another event" in other
    assert "Secret Forum" not in other
    assert "No ticket of this event" in client.get(f"{base}?code=ABCDEFGHJKMNPQRS").text
    assert "Nobody of this name" in client.get(f"{base}?code=zzz").text
    assert "Stop: may not enter" in client.get(f"{base}?code={waiting.code}").text
    assert client.post(f"{base}/{waiting.id}", data={"version": waiting.version}).status_code == 409

    seen = row.version
    assert client.post(f"{base}/{row.id}", data={"version": seen}).status_code == 303
    second = client.post(f"{base}/{row.id}", data={"version": seen})
    assert second.status_code == 409
    assert "was checked in already by a colleague" in second.text
    look_again()
    assert (row.state, row.checked_in_at is not None) == (S.CHECKED_IN, True)
    assert "Checked in at:" in client.get(f"{base}?code={row.code}").text
    assert client.post(f"{base}/{row.id}/undo", data={"version": row.version}).status_code == 303
    look_again()
    assert (row.state, row.checked_in_at is None) == (S.APPROVED, True)
    assert client.post(f"{base}/{row.id}/undo", data={"version": row.version}).status_code == 409
    assert kinds_of_mail() == []


def test_no_shows_after_the_event(client: FlaskClient) -> None:
    today = clock.now().date()
    event = make_event(starts_on=today - timedelta(days=9), ends_on=today - timedelta(days=8))
    kind = make_participant_type(event, seats=2)
    absent = make_registration(event, participant_type=kind)
    came = make_registration(event, participant_type=kind, state=S.CHECKED_IN)
    seats(kind, 2)
    organizer = organizer_of(event, client)
    address = f"/events/{event.slug}/manage"
    assert "no-show" in client.get(f"{address}/registrations?lang=en").text
    assert client.post(f"{address}/no-shows").status_code == 303
    look_again()
    assert (absent.state, came.state, kind.seats_taken) == (S.NO_SHOW, S.CHECKED_IN, 2)
    late = client.post(f"{address}/check-in/{absent.id}", data={"version": absent.version})
    assert late.status_code == 303
    running = make_event()
    grant(organizer, running)
    assert client.post(f"/events/{running.slug}/manage/no-shows").status_code == 409


def test_dashboard_tiles(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event)
    make_registration(event, participant_type=kind, state=S.APPLIED)
    make_registration(event, participant_type=kind)
    officer = organizer_of(event, client, EventRole.VETTING_OFFICER)
    tiles = [(tile.label, tile.value) for tile in list_tiles(officer, event, NOW)]
    assert tiles == [("Waiting for vetting", 1), ("Approved participants", 1)]
    assert list_tiles(make_user(), event, NOW) == []
