"""Organizers' pages through HTTP: forms, refusals, lost updates, the dashboard."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.db import db
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Series, Track
from forum_app.events.queries import Tile, list_rooms, list_tracks
from tests.factories import grant, make_event, make_room, make_series, make_track, make_user, sign_in
from tests.queries import count_queries

NEW = {
    "slug": "tech-forum-36",
    "title_en": "36th Forum",
    "title_ja": "第36回フォーラム",
    "timezone": "Asia/Tokyo",
    "second_timezone": "America/New_York",
    "starts_on": "2026-11-30",
    "ends_on": "2026-12-01",
    "visibility": "public",
    "series": "",
    "registration_opens_at": "2026-10-01T09:00",
    "registration_closes_at": "2026-11-20T18:00",
}


@pytest.fixture
def event(app: Flask) -> Event:
    return make_event(slug="forum")


@pytest.fixture
def organizer(event: Event, client: FlaskClient) -> FlaskClient:
    """A browser in which an organizer of the event is signed in."""
    user = make_user("organizer@forum.example")
    grant(user, event)
    return sign_in(client, user)


@pytest.fixture
def admin(client: FlaskClient) -> FlaskClient:
    return sign_in(client, make_user(is_admin=True))


def settings(event: Event, **changes: Any) -> dict[str, Any]:
    values = {**NEW, "version": event.version, **changes}
    values.pop("slug")
    return values


def test_create(app: Flask, admin: FlaskClient) -> None:
    series = make_series(slug="tech-forum")
    assert admin.get("/events/new").status_code == 200
    answer = admin.post("/events/new", data={**NEW, "series": "tech-forum", "edition": "36"})
    assert (answer.status_code, answer.location) == (303, "/events/tech-forum-36/manage/")
    event = db.session.scalars(select(Event)).one()
    assert event.series_id == series.id
    assert not event.is_published
    # typed in the event's zone
    assert event.registration_opens_at == datetime(2026, 10, 1, 0, 0, tzinfo=UTC)
    again = admin.post("/events/new", data=NEW)
    assert again.status_code == 422
    assert "already taken by another event" in again.get_data(as_text=True)
    assert "第36回フォーラム" in again.get_data(as_text=True)


def test_create_as_a_browser_does(admin: FlaskClient) -> None:
    page = admin.get("/events/new").get_data(as_text=True)
    tags = re.findall(r'<input[^>]*type="hidden"[^>]*>', page)
    found = [re.search(r'name="(\w+)".*value="([^"]*)"', tag) for tag in tags]
    hidden = {one[1]: one[2] for one in found if one}
    assert "idempotency_key" in hidden
    assert admin.post("/events/new", data={**NEW, **hidden}).status_code == 303


@pytest.mark.parametrize(
    "changes",
    [
        {"slug": "Tech Forum"},
        {"slug": "new"},
        {"slug": "../x"},
        {"title_en": "", "title_ja": ""},
        {"title_en": "x" * 501},
        {"timezone": "Tokyo"},
        {"timezone": ""},
        {"timezone": "\x00"},
        {"second_timezone": "<script>alert(1)</script>"},
        {"starts_on": "yesterday"},
        {"starts_on": "0001-01-01", "ends_on": "0001-01-01"},
        {"starts_on": "9999-12-31", "ends_on": "9999-12-31"},
        {"ends_on": "2026-11-29"},
        {"ends_on": ""},
        {"visibility": "secret"},
        {"series": "no-such-series"},
        {"edition": "-1"},
        {"edition": "9" * 40},
        {"registration_opens_at": "0001-01-01T00:00"},
        {"registration_closes_at": "9999-12-31T23:59"},
        {"registration_closes_at": "2026-10-01T09:00"},
        {"registration_opens_at": "2026-03-08T02:30", "timezone": "America/New_York"},
        {"summary_en": "x" * 5001},
    ],
)
def test_create_refused(app: Flask, admin: FlaskClient, changes: dict[str, str]) -> None:
    answer = admin.post("/events/new", data={**NEW, "venue_ja": "国立の会場", **changes})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "国立の会場" in page
    assert "<script>alert" not in page
    assert db.session.scalar(select(func.count(Event.id))) == 0


def test_settings(app: Flask, event: Event, organizer: FlaskClient) -> None:
    page = organizer.get("/events/forum/manage/settings").get_data(as_text=True)
    assert 'name="series"' not in page  # only administrators put events into series
    answer = organizer.post(
        "/events/forum/manage/settings", data=settings(event, timezone="America/New_York")
    )
    assert answer.status_code == 303
    db.session.refresh(event)
    assert event.title_en == "36th Forum"
    assert event.registration_opens_at == datetime(2026, 10, 1, 13, 0, tzinfo=UTC)
    page = organizer.get("/events/forum/manage/settings").get_data(as_text=True)
    assert 'value="2026-10-01T09:00"' in page
    assert "Settings saved." in page


def test_an_organizer_cannot_join_a_series(app: Flask, event: Event, organizer: FlaskClient) -> None:
    make_series(slug="dicas")
    organizer.post("/events/forum/manage/settings", data=settings(event, series="dicas"))
    db.session.refresh(event)
    assert event.title_en == "36th Forum"
    assert event.series_id is None


@pytest.mark.every_database
def test_nobodys_change_is_lost(app: Flask, event: Event, organizer: FlaskClient) -> None:
    first = settings(event, title_en="First")
    second = settings(event, title_en="Second")
    assert organizer.post("/events/forum/manage/settings", data=first).status_code == 303
    lost = organizer.post("/events/forum/manage/settings", data=second)
    assert lost.status_code == 409
    assert "Somebody else changed this event" in lost.get_data(as_text=True)
    assert organizer.post("/events/forum/manage/texts", data={"version": "no number"}).status_code == 422
    db.session.refresh(event)
    assert event.title_en == "First"


def test_publishing(app: Flask, organizer: FlaskClient, event: Event) -> None:
    stranger = app.test_client()
    assert organizer.post("/events/forum/manage/unpublish").status_code == 303
    assert stranger.get("/events/forum/").status_code == 404
    assert "This event is a draft" in organizer.get("/events/forum/manage/").get_data(as_text=True)
    assert organizer.post("/events/forum/manage/publish").status_code == 303
    assert stranger.get("/events/forum/").status_code == 200


def test_consent_texts(app: Flask, event: Event, organizer: FlaskClient) -> None:
    data = {"version": event.version, "privacy_en": "We keep it.", "privacy_ja": "保存します。"}
    assert organizer.post("/events/forum/manage/texts", data=data).status_code == 303
    db.session.refresh(event)
    assert (event.privacy_en, event.privacy_ja, event.photo_en) == ("We keep it.", "保存します。", "")
    too_long = {"version": event.version, "photo_en": "x" * 20001}
    assert organizer.post("/events/forum/manage/texts", data=too_long).status_code == 422


def test_rooms(app: Flask, event: Event, organizer: FlaskClient) -> None:
    base = "/events/forum/manage/rooms"
    assert "No rooms yet" in organizer.get(base).get_data(as_text=True)
    for name in ("Fuji", "Aso"):
        assert organizer.post(base, data={"name_en": name, "capacity": "120"}).status_code == 303
    for bad in ({}, {"name_en": "Fuji"}, {"name_en": "X", "capacity": "many"}, {"name_en": "X" * 201}):
        assert organizer.post(base, data=bad).status_code == 422, bad
    fuji, aso = list_rooms(event.id)
    assert organizer.post(f"{base}/{aso.id}/move", data={"up": "1"}).status_code == 303
    db.session.rollback()
    assert [room.id for room in list_rooms(event.id)] == [aso.id, fuji.id]
    assert "120" in organizer.get(f"{base}/{fuji.id}").get_data(as_text=True)
    changed = {"name_en": "Fuji", "name_ja": "富士", "floor": "3階", "capacity": ""}
    assert organizer.post(f"{base}/{fuji.id}", data=changed).status_code == 303
    db.session.rollback()
    db.session.refresh(fuji)
    assert (fuji.name_ja, fuji.capacity) == ("富士", None)
    assert organizer.post(f"{base}/{fuji.id}", data={"name_en": "Aso", "name_ja": ""}).status_code == 422
    assert organizer.post(f"{base}/{aso.id}/delete").status_code == 303
    assert organizer.post(f"{base}/{aso.id}/delete").status_code == 404


def test_tracks(app: Flask, event: Event, organizer: FlaskClient) -> None:
    base = "/events/forum/manage/tracks"
    assert "No tracks yet" in organizer.get(base).get_data(as_text=True)
    assert organizer.post(base, data={"name_ja": "宇宙", "color": "3"}).status_code == 303
    for color in ("0", "9", "red", ""):
        assert organizer.post(base, data={"name_en": "X", "color": color}).status_code == 422
    track = db.session.scalars(select(Track)).one()
    assert "track-3" in organizer.get(base).get_data(as_text=True)
    changed = {"name_en": "Space", "color": "8"}
    assert organizer.post(f"{base}/{track.id}", data=changed).status_code == 303
    assert organizer.post(f"{base}/{track.id}/move").status_code == 303
    assert organizer.post(f"{base}/{track.id}/delete").status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(func.count(Track.id))) == 0


def test_parts_of_other_events_are_not_to_be_found(app: Flask, organizer: FlaskClient) -> None:
    other = make_event()
    room, track = make_room(other), make_track(other)
    row = grant(make_user(), other)
    for path in (
        f"rooms/{room.id}",
        f"rooms/{room.id}/move",
        f"rooms/{room.id}/delete",
        f"tracks/{track.id}",
        f"tracks/{track.id}/move",
        f"tracks/{track.id}/delete",
        f"roles/{row.id}/revoke",
        "rooms/99999999999999999999",
        "rooms/0",
    ):
        answer = organizer.post(f"/events/forum/manage/{path}", data={"name_en": "Mine", "color": "1"})
        assert answer.status_code == 404, path
    assert db.session.scalars(select(Room.name_en)).one() == room.name_en


def test_roles(app: Flask, event: Event, organizer: FlaskClient) -> None:
    base = "/events/forum/manage/roles"
    staff = make_user("staff@forum.example")
    unknown = organizer.post(base, data={"email": "nobody@forum.example", "role": "organizer"})
    assert unknown.status_code == 422
    assert "nobody@forum.example" in unknown.get_data(as_text=True)
    given_role = organizer.post(base, data={"email": "Staff@Forum.example", "role": "check_in_staff"})
    assert given_role.status_code == 303
    assert organizer.post(base, data={"email": staff.email, "role": "king"}).status_code == 422
    assert staff.email in organizer.get(base).get_data(as_text=True)
    own, other = db.session.scalars(select(RoleGrant).order_by(RoleGrant.id))
    assert organizer.post(f"{base}/{own.id}/revoke").status_code == 409
    assert organizer.post(f"{base}/{other.id}/revoke").status_code == 303
    assert organizer.post(f"{base}/{other.id}/revoke").status_code == 404


def test_who_gives_the_own_role_back_leaves(app: Flask, event: Event, organizer: FlaskClient) -> None:
    grant(make_user(), event)
    own = db.session.scalars(select(RoleGrant).order_by(RoleGrant.id)).first()
    assert own is not None
    answer = organizer.post(f"/events/forum/manage/roles/{own.id}/revoke")
    assert (answer.status_code, answer.location) == (303, "/")
    assert organizer.get("/events/forum/manage/").status_code == 403


@pytest.mark.every_database
def test_names_that_no_database_takes(app: Flask, client: FlaskClient) -> None:
    for slug in ("%00", "forum%00", "%F0%9F%92%A3", "%FF", "%ED%A0%80", "x" * 3000, "..%2F.."):
        assert client.get(f"/events/{slug}/").status_code == 404


def test_a_replayed_form_acts_once(app: Flask, event: Event, organizer: FlaskClient) -> None:
    data = {"name_en": "Fuji", "idempotency_key": "same-key"}
    first = organizer.post("/events/forum/manage/rooms", data=data)
    second = organizer.post("/events/forum/manage/rooms", data=data)
    assert (first.status_code, second.status_code) == (303, 303)
    assert db.session.scalar(select(func.count(Room.id))) == 1


def test_series(app: Flask, admin: FlaskClient) -> None:
    assert "No series yet" in admin.get("/events/series/").get_data(as_text=True)
    data = {"slug": "tech-forum", "name_en": "Technology Forum", "name_ja": "技術フォーラム"}
    assert admin.post("/events/series/", data=data).status_code == 303
    assert admin.post("/events/series/", data=data).status_code == 422
    assert admin.post("/events/series/", data={**data, "slug": "Ä"}).status_code == 422
    assert admin.post("/events/series/tech-forum", data={"name_en": "Forum"}).status_code == 303
    assert admin.post("/events/series/tech-forum", data={"name_en": "", "name_ja": ""}).status_code == 422
    make_event(series_id=db.session.scalars(select(Series.id)).one())
    assert admin.post("/events/series/tech-forum/delete").status_code == 409
    assert admin.post("/events/series/none/delete").status_code == 404


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upper feature with something to do for vetting officers and a figure for all staff."""

    def source(user: Any, event: Event, now: datetime) -> Iterable[Tile]:
        if user.email.startswith("officer"):
            yield Tile("To vet <b>", 7, "events.show", waiting=True, values={"state": "applied"})
            yield Tile("Nothing left", 0, "events.show", waiting=True)
        yield Tile("%(kind)s here", 12, "events.show", params={"kind": "People"})

    monkeypatch.setattr("forum_app.events.queries.dashboard_tiles", [source])


@pytest.mark.usefixtures("tiles")
def test_dashboard(app: Flask, event: Event, client: FlaskClient) -> None:
    officer = make_user("officer@forum.example")
    grant(officer, event, EventRole.VETTING_OFFICER)
    page = sign_in(client, officer).get("/events/forum/manage/").get_data(as_text=True)
    assert "Waiting for you" in page
    assert "To vet &lt;b&gt;" in page
    assert "/events/forum/?state=applied" in page
    assert "People here" in page
    # what only organizers may do is not offered
    for path in ("settings", "texts", "rooms", "tracks", "roles", "publish"):
        assert f"/events/forum/manage/{path}" not in page
    staff = make_user()
    grant(staff, event, EventRole.CHECK_IN_STAFF)
    other_page = sign_in(app.test_client(), staff).get("/events/forum/manage/").get_data(as_text=True)
    assert "To vet" not in other_page


@pytest.mark.parametrize("kind", ["room", "track"])
def test_rooms_and_tracks_are_edited_alike(
    app: Flask, event: Event, organizer: FlaskClient, kind: str
) -> None:
    base = f"/events/forum/manage/{kind}s"
    rest = {"color": "3"} if kind == "track" else {}
    for name in ("First", "Second"):
        assert organizer.post(base, data={"name_en": name, **rest}).status_code == 303
    rows = list_rooms(event.id) if kind == "room" else list_tracks(event.id)
    one = f"{base}/{rows[1].id}"
    assert 'value="Second"' in organizer.get(one).text
    assert organizer.post(one, data={"name_en": "First", **rest}).status_code == 422
    assert organizer.post(one, data={"name_en": "Last", "building": "Annex", **rest}).status_code == 303
    assert organizer.post(f"{one}/move", data={"up": "1"}).status_code == 303
    page = organizer.get(base).text
    assert page.index("Last") < page.index("First")
    assert ("Annex" in page) == (kind == "room")
    assert organizer.post(f"{one}/delete").status_code == 303
    assert "Last" not in organizer.get(base).text.split("</table>")[0].split("<table")[1]


@pytest.mark.parametrize("path", ["rooms", "tracks", "roles"])
def test_constant_statements(app: Flask, event: Event, organizer: FlaskClient, path: str) -> None:
    costs = []
    for number in (1, 20):
        for _ in range(number):
            make_room(event)
            make_track(event)
            grant(make_user(), event, EventRole.PITCH_REVIEWER)
        with count_queries() as statements:
            assert organizer.get(f"/events/forum/manage/{path}").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 12


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_in_both_languages(app: Flask, event: Event, admin: FlaskClient, language: str) -> None:
    series, room, track = make_series(slug="s"), make_room(event), make_track(event)
    assert series.id
    paths = (
        "/",
        "/events/",
        "/events/?when=past",
        "/events/new",
        "/events/series/",
        "/events/series/s",
        "/events/forum/",
        *(
            f"/events/forum/manage/{page}"
            for page in (
                "",
                "settings",
                "texts",
                "rooms",
                "tracks",
                "roles",
                f"rooms/{room.id}",
                f"tracks/{track.id}",
            )
        ),
    )
    for path in paths:
        answer = admin.get(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert answer.status_code == 200, path
        assert f'<html lang="{language}">' in answer.get_data(as_text=True)
