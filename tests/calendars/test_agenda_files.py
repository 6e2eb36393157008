"""agenda.ics and <item>.ics: who sees what, how changes arrive, and that nothing unchanged is sent."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.accounts.models import User
from forum_app.agenda.models import AccessLevel, AgendaItem, ItemInvitation, ItemKind, ItemStatus
from forum_app.events.models import Event, EventRole, Visibility
from forum_app.organizations.models import Kind
from forum_app.registration.models import RegistrationState
from tests.calendars.parts import START, bare, change, publish, read, speaks
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_item,
    make_organization,
    make_registration,
    make_room,
    make_speaker,
    make_track,
    make_user,
    save,
    sign_in,
)
from tests.queries import count_queries

LATER = NOW + timedelta(days=1)


def agenda_of(client: FlaskClient, event: Event, query: str = "") -> bytes:
    response = client.get(f"/events/{event.slug}/agenda.ics{query}")
    assert response.status_code == 200
    return bytes(response.data)


def test_an_item_says_all_that_a_calendar_can_show(client: FlaskClient) -> None:
    event = make_event(venue_en="Forum Center", venue_ja="フォーラムセンター")
    room = make_room(event, name_en="Main Hall", name_ja="大会議室")
    track = make_track(event, name_en="Sensing", name_ja="センシング")
    item = make_item(
        event,
        title_en="Autonomy at sea; lessons, limits",
        title_ja="洋上の自律化 その教訓と限界",
        text_en="First line\nSecond line",
        text_ja="本文",
        room_id=room.id,
        track_id=track.id,
        kind=ItemKind.KEYNOTE,
        language="en-ja",
    )
    organization = make_organization(name_en="Hayabusa Robotics", name_ja="隼ロボティクス")
    person = make_user(name_latin="Ren Asakura", name_native="朝倉 蓮")
    speaks(person, item, name_native="朝倉 蓮", organization_id=organization.id)
    publish(event)

    response = client.get(f"/events/{event.slug}/agenda.ics?lang=en")
    assert response.content_type == "text/calendar; charset=utf-8"
    entry = read(response.data)[item.uid]
    assert entry["SUMMARY"] == "Autonomy at sea; lessons, limits"
    assert entry["LOCATION"] == "Main Hall, Forum Center"
    assert entry["URL"] == f"https://forum.test/events/{event.slug}/agenda/{item.code}"
    assert [str(c) for c in entry["CATEGORIES"].cats] == ["Sensing", "Keynote"]
    assert (entry["STATUS"], entry["CLASS"], entry["SEQUENCE"]) == ("CONFIRMED", "PUBLIC", 0)
    assert entry["DTSTART"].dt == datetime(2026, 11, 30, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert entry["DTSTART"].params["TZID"] == "Asia/Tokyo"
    description = str(entry["DESCRIPTION"]).split("\n")
    assert description[0] == "洋上の自律化 その教訓と限界"
    assert "Speakers: Ren Asakura (Hayabusa Robotics)" in description
    assert description[-3:] == ["First line", "Second line", str(entry["URL"])]

    entry = read(agenda_of(client, event, "?lang=ja"))[item.uid]
    assert entry["SUMMARY"] == "洋上の自律化 その教訓と限界"
    assert entry["LOCATION"].startswith("大会議室")
    assert "朝倉 蓮(隼ロボティクス)" in entry["DESCRIPTION"]
    # the language was kept in the session
    assert read(agenda_of(client, event))[item.uid]["SUMMARY"] == "洋上の自律化 その教訓と限界"


def test_times_around_a_change_of_summer_time(client: FlaskClient) -> None:
    event = make_event(timezone="America/New_York", starts_on=date(2026, 10, 31), ends_on=date(2026, 11, 1))
    starts = [
        datetime(2026, 10, 31, 13, tzinfo=UTC),  # 09:00 EDT
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),  # 01:30 EDT, the hour that comes twice
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),  # 01:30 EST
        datetime(2026, 11, 1, 14, tzinfo=UTC),  # 09:00 EST
    ]
    items = [make_item(event, starts_at=s, ends_at=s + timedelta(minutes=20)) for s in starts]
    publish(event)
    entries = read(agenda_of(client, event))
    assert [entries[i.uid]["DTSTART"].dt.astimezone(UTC) for i in items] == starts
    assert [entries[i.uid]["DTEND"].dt.astimezone(UTC) for i in items] == [
        s + timedelta(minutes=20) for s in starts
    ]
    assert entries[items[3].uid]["DTSTART"].dt.hour == 9


def test_a_move_raises_the_sequence_and_keeps_the_uid(client: FlaskClient) -> None:
    event = make_event()
    moved, kept = make_item(event), make_item(event)
    publish(event)
    before = read(agenda_of(client, event))
    change(moved, starts_at=START, ends_at=START + timedelta(hours=1))
    publish(event, LATER)
    body = agenda_of(client, event)
    after = read(body)
    assert after.keys() == before.keys() == {moved.uid, kept.uid}
    assert (before[moved.uid]["SEQUENCE"], after[moved.uid]["SEQUENCE"]) == (0, 1)
    assert after[moved.uid]["LAST-MODIFIED"].dt == LATER
    assert after[moved.uid]["DTSTAMP"].dt == LATER
    assert after[kept.uid].to_ical() == before[kept.uid].to_ical()
    change(moved, title_en="Renamed")
    publish(event, LATER + timedelta(hours=1))
    renamed = read(agenda_of(client, event))[moved.uid]
    assert (renamed["SUMMARY"], renamed["SEQUENCE"]) == ("Renamed", 1)


def test_what_is_cancelled_or_gone_stays_as_cancelled(client: FlaskClient) -> None:
    event = make_event()
    cancelled, unplaced = make_item(event), make_item(event)
    publish(event)
    change(cancelled, status=ItemStatus.CANCELLED)
    change(unplaced, starts_at=None, ends_at=None)
    publish(event, LATER)
    entries = read(agenda_of(client, event))
    for item in (cancelled, unplaced):
        assert (entries[item.uid]["STATUS"], entries[item.uid]["SEQUENCE"]) == ("CANCELLED", 1)
        assert entries[item.uid]["SUMMARY"] == f"Cancelled: {item.title_en}"
    assert read(client.get(f"/events/{event.slug}/agenda/{cancelled.code}.ics").data).keys() == {
        cancelled.uid
    }


def test_unchanged_means_304_and_the_same_bytes(client: FlaskClient) -> None:
    event = make_event()
    item = make_item(event)
    publish(event)
    for path in (f"/events/{event.slug}/agenda.ics", f"/events/{event.slug}/agenda/{item.code}.ics"):
        first, second = client.get(path), client.get(path)
        assert first.data == second.data
        assert first.cache_control.private
        assert first.last_modified == NOW
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        # a proxy that compresses weakens the tag
        assert client.get(path, headers={"If-None-Match": "W/" + first.headers["ETag"]}).status_code == 304
        head = client.head(path)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["ETag"] == first.headers["ETag"]
        assert int(head.headers["Content-Length"]) == len(first.data)
        other = client.get(f"{path}?lang=ja", headers={"If-None-Match": first.headers["ETag"]})
        assert other.status_code == 200
        client.get(f"{path}?lang=en")
        # dates alone do not decide: what hangs on the event or on access has none
        dated = client.get(path, headers={"If-Modified-Since": first.headers["Last-Modified"]})
        assert dated.status_code == 200
    old = client.get(f"/events/{event.slug}/agenda.ics").headers["ETag"]
    change(event, venue_en="Another house")
    changed = client.get(f"/events/{event.slug}/agenda.ics", headers={"If-None-Match": old})
    assert changed.status_code == 200
    assert read(changed.data)[item.uid]["LOCATION"] == "Another house"


def test_before_the_first_publication_the_calendar_is_empty(client: FlaskClient) -> None:
    event = make_event()
    make_item(event)
    assert read(agenda_of(client, event)) == {}
    assert client.get(f"/events/{event.slug}/agenda/{make_item(event).code}.ics").status_code == 404


def test_closed_and_unpublished_events_are_not_known(client: FlaskClient) -> None:
    closed, draft = make_event(visibility=Visibility.CLOSED), make_event(published_at=None)
    for event in (closed, draft):
        item = make_item(event)
        publish(event)
        assert client.get(f"/events/{event.slug}/agenda.ics").status_code == 404
        assert client.get(f"/events/{event.slug}/agenda/{item.code}.ics").status_code == 404
    assert client.get("/events/nothing/agenda.ics").status_code == 404


LEVELS = list(AccessLevel)
READABLE = {
    "stranger": {AccessLevel.PUBLIC},
    "user": {AccessLevel.PUBLIC},
    "applied": {AccessLevel.PUBLIC},
    "approved": {AccessLevel.PUBLIC, AccessLevel.REGISTERED},
    "checked in": {AccessLevel.PUBLIC, AccessLevel.REGISTERED},
    "invited": {AccessLevel.PUBLIC, AccessLevel.REGISTERED, AccessLevel.INVITED},
    "government": {AccessLevel.PUBLIC, AccessLevel.REGISTERED, AccessLevel.GOVERNMENT},
    "cleared": {AccessLevel.PUBLIC, AccessLevel.REGISTERED, AccessLevel.CLEARED},
    "clearance over": {AccessLevel.PUBLIC, AccessLevel.REGISTERED},
    "cancelled": {AccessLevel.PUBLIC},
    "organizer": set(LEVELS),
    "organizer of another": {AccessLevel.PUBLIC},
    "admin": set(LEVELS),
}


def reader_of(kind: str, event: Event, items: dict[AccessLevel, AgendaItem]) -> User | None:
    """A person of that kind at event."""
    if kind == "stranger":
        return None
    user = make_user(is_admin=kind == "admin")
    if kind == "organizer":
        grant(user, event)
    elif kind == "organizer of another":
        grant(user, make_event(), EventRole.ORGANIZER)
    elif kind not in ("user", "admin"):
        state = {
            "applied": RegistrationState.APPLIED,
            "checked in": RegistrationState.CHECKED_IN,
            "cancelled": RegistrationState.CANCELLED,
        }.get(kind, RegistrationState.APPROVED)
        agency = make_organization(kind=Kind.AGENCY) if kind == "government" else None
        until = {"cleared": date(2026, 11, 30), "clearance over": date(2026, 11, 29)}.get(kind)
        registration = make_registration(event, user, state=state, organization=agency, cleared_until=until)
        if kind in ("invited", "cancelled", "applied"):
            item = items[AccessLevel.INVITED]
            save(ItemInvitation(item_id=item.id, registration_id=registration.id))
    return user


@pytest.mark.parametrize("kind", READABLE)
def test_everyone_gets_what_they_may_know_and_no_more(app: Flask, kind: str) -> None:
    event = make_event()
    items = {level: make_item(event, access=level, title_en=f"Level {level}") for level in LEVELS}
    user = reader_of(kind, event, items)
    publish(event)
    client = app.test_client()
    if user is not None:
        sign_in(client, user)
    body = agenda_of(client, event)
    entries = read(body)
    assert entries.keys() == {items[level].uid for level in READABLE[kind]}
    for level, item in items.items():
        known = level in READABLE[kind]
        assert (f"Level {level}" in bare(body)) is known
        response = client.get(f"/events/{event.slug}/agenda/{item.code}.ics")
        assert response.status_code == (200 if known else 404)
        if known:
            wanted = {"public": "PUBLIC", "registered": "PRIVATE"}.get(level, "CONFIDENTIAL")
            assert entries[item.uid]["CLASS"] == wanted


def test_speakers_get_their_own_closed_item(app: Flask) -> None:
    event, user = make_event(), make_user()
    own, other = (make_item(event, access=AccessLevel.CLEARED) for _ in range(2))
    speaks(user, own)
    publish(event)
    client = sign_in(app.test_client(), user)
    assert read(agenda_of(client, event)).keys() == {own.uid}
    assert client.get(f"/events/{event.slug}/agenda/{other.code}.ics").status_code == 404


def test_one_readers_calendar_is_never_anothers(app: Flask) -> None:
    event, organizer = make_event(), make_user()
    grant(organizer, event)
    closed = make_item(event, access=AccessLevel.GOVERNMENT)
    make_item(event)
    publish(event)
    full = agenda_of(sign_in(app.test_client(), organizer), event)
    stranger = app.test_client()
    assert closed.uid in bare(full)
    assert closed.uid not in bare(agenda_of(stranger, event))
    tag = app.test_client().get(f"/events/{event.slug}/agenda.ics").headers["ETag"]
    again = sign_in(app.test_client(), organizer).get(
        f"/events/{event.slug}/agenda.ics", headers={"If-None-Match": tag}
    )
    assert again.status_code == 200


def test_the_page_of_an_item_and_its_file_have_addresses_of_their_own(client: FlaskClient) -> None:
    event = make_event()
    item = make_item(event)
    publish(event)
    page = client.get(f"/events/{event.slug}/agenda/{item.code}")
    assert page.content_type.startswith("text/html")
    file = client.get(f"/events/{event.slug}/agenda/{item.code}.ics")
    assert file.content_type.startswith("text/calendar")
    assert read(file.data).keys() == {item.uid}


def test_text_from_outside_adds_no_line(client: FlaskClient) -> None:
    event = make_event(title_en="E\r\nX-EVIL:1")
    evil = "T\r\nATTACH:https://evil.example\u2028x\x07 <script>alert(1)</script>"
    item = make_item(event, title_en=evil, text_en=evil + "語" * 400)
    make_speaker(event)
    publish(event)
    text = bare(agenda_of(client, event))
    assert not [line for line in text.split("\r\n") if line.startswith(("ATTACH", "X-EVIL"))]
    assert read(agenda_of(client, event)).keys() == {item.uid}


@pytest.mark.parametrize("path", ["agenda.ics", "agenda/{code}.ics"])
def test_as_many_statements_for_300_items_as_for_3(client: FlaskClient, path: str) -> None:
    counts = []
    for number in (3, 300):
        event = make_event()
        items = [
            AgendaItem(
                event_id=event.id,
                uid=f"{event.slug}-{n}",
                kind=ItemKind.TALK,
                title_en=f"Talk {n}",
                starts_at=datetime(2026, 11, 30, 1, tzinfo=UTC),
                ends_at=datetime(2026, 11, 30, 2, tzinfo=UTC),
                created_at=NOW,
                changed_at=NOW,
            )
            for n in range(number)
        ]
        save(*items)
        publish(event)
        for _ in range(2):  # the first reader after a publication keeps what is shown from now on
            with count_queries() as statements:
                response = client.get(f"/events/{event.slug}/{path.format(code=items[0].code)}")
            assert response.status_code == 200
            counts.append(len(statements))
    assert counts[:2] == counts[2:]
    assert counts[0] <= 7
    assert counts[1] <= 4
