"""The front page, the list, one event: who sees what, in how many statements."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.accounts.models import User
from forum_app.db import transaction
from forum_app.events.models import Event, EventRole, RegistrationWindow, Visibility
from forum_app.events.queries import Participation, list_upcoming
from forum_app.web import clock
from tests.factories import (
    grant,
    make_event,
    make_registration,
    make_room,
    make_series,
    make_track,
    make_user,
    save,
    sign_in,
)
from tests.queries import LIMIT_PER_PAGE, count_queries

TODAY = clock.now().date()
READERS = ("stranger", "signed in", "participant", "check-in staff", "organizer", "administrator")
# status of the event page, and whether the list shows the event, per reader in the order of READERS
VISIBLE = {
    # visibility, published: page, listed
    ("public", True): ((200, 200, 200, 200, 200, 200), (1, 1, 1, 1, 1, 1)),
    ("public", False): ((404, 404, 404, 200, 200, 200), (0, 0, 0, 1, 1, 1)),
    ("unlisted", True): ((200, 200, 200, 200, 200, 200), (0, 0, 1, 1, 1, 1)),
    ("unlisted", False): ((404, 404, 404, 200, 200, 200), (0, 0, 0, 1, 1, 1)),
    ("closed", True): ((404, 404, 200, 200, 200, 200), (0, 0, 1, 1, 1, 1)),
    ("closed", False): ((404, 404, 404, 200, 200, 200), (0, 0, 0, 1, 1, 1)),
}


@pytest.fixture
def takes_part(monkeypatch: pytest.MonkeyPatch) -> set[tuple[int, int]]:
    """Pairs of user id and event id: who takes part in what, as an upper feature would say."""
    pairs: set[tuple[int, int]] = set()

    def source(user: User) -> dict[int, Participation]:
        participation = Participation("Approved", "events.show", "success")
        return {event_id: participation for user_id, event_id in pairs if user_id == user.id}

    monkeypatch.setattr("forum_app.events.queries.participation_sources", [source])
    return pairs


def coming(**values: object) -> Event:
    values.setdefault("starts_on", TODAY + timedelta(days=60))
    values.setdefault("ends_on", TODAY + timedelta(days=61))
    return make_event(**values)


@pytest.mark.parametrize(("visibility", "published"), VISIBLE)
def test_who_may_know(app: Flask, takes_part: set[tuple[int, int]], visibility: str, published: bool) -> None:
    event = coming(visibility=Visibility(visibility), published_at=clock.now() if published else None)
    people = {name: make_user(is_admin=name == "administrator") for name in READERS[1:]}
    make_registration(event, people["participant"])
    takes_part.add((people["participant"].id, event.id))
    grant(people["check-in staff"], event, EventRole.CHECK_IN_STAFF)
    grant(people["organizer"], event)
    pages, listed = [], []
    for name in READERS:
        client = app.test_client()
        if name in people:
            sign_in(client, people[name])
        pages.append(client.get(f"/events/{event.slug}/").status_code)
        list_page = client.get("/events/").get_data(as_text=True)
        listed.append(int(event.title_en in list_page))
        home = client.get("/").get_data(as_text=True)
        # the front page shows what is announced, and everybody's own events
        own = name in ("participant", "check-in staff", "organizer") and listed[-1]
        assert (event.title_en in home) == bool(own or (published and visibility == "public")), name
    expected_pages, expected_listed = VISIBLE[visibility, published]
    assert tuple(pages) == expected_pages
    assert tuple(listed) == expected_listed


def test_empty_installation(app: Flask, client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert "No event has been announced yet" in page
    assert "/events/new" not in page
    sign_in(client, make_user(is_admin=True))
    assert "/events/new" in client.get("/").get_data(as_text=True)
    assert "/events/new" in client.get("/events/").get_data(as_text=True)


def test_home_in_both_languages(app: Flask, client: FlaskClient) -> None:
    coming(title_en="Forum of Tomorrow", title_ja="明日のフォーラム", venue_en="Hall A", venue_ja="Aホール")
    english = client.get("/").get_data(as_text=True)
    assert 'lang="en"' in english
    assert "Forum of Tomorrow" in english
    assert "明日のフォーラム" in english
    assert "Hall A" in english
    japanese = client.get("/?lang=ja").get_data(as_text=True)
    assert '<html lang="ja">' in japanese
    assert "Aホール" in japanese


def test_your_events(app: Flask, client: FlaskClient, takes_part: set[tuple[int, int]]) -> None:
    event = coming(visibility=Visibility.CLOSED)
    worked_on = coming(published_at=None)
    user = make_user()
    grant(user, worked_on, EventRole.PITCH_REVIEWER)
    takes_part.add((user.id, event.id))
    sign_in(client, user)
    page = client.get("/").get_data(as_text=True)
    assert event.title_en in page
    assert "Approved" in page
    assert f"/events/{worked_on.slug}/manage/" in page
    # a draft is not shown to those who take part: they will be told when it is out
    draft = make_event(published_at=None, title_en="Secret draft")
    takes_part.add((user.id, draft.id))
    assert "Secret draft" not in client.get("/").get_data(as_text=True)


def test_your_events_are_not_listed_again_as_further_ones(app: Flask, client: FlaskClient) -> None:
    coming(title_en="The next")
    own, other = coming(title_en="Worked on"), coming(title_en="Not mine")
    user = make_user()
    grant(user, own, EventRole.PITCH_REVIEWER)
    before = client.get("/").get_data(as_text=True)
    sign_in(client, user)
    after = client.get("/").get_data(as_text=True)
    for event in (own, other):
        link = f'href="/events/{event.slug}/"'
        assert before.count(link) == after.count(link) > 0, event.title_en


def test_past_and_upcoming(app: Flask, client: FlaskClient) -> None:
    held = make_event(starts_on=date(2025, 1, 9), ends_on=date(2025, 1, 10))
    next_one = coming()
    upcoming = client.get("/events/").get_data(as_text=True)
    past = client.get("/events/?when=past").get_data(as_text=True)
    assert next_one.title_en in upcoming
    assert held.title_en not in upcoming
    assert held.title_en in past
    assert next_one.title_en not in past


@pytest.mark.every_database
def test_over_is_over_in_the_events_own_zone(app: Flask) -> None:
    tokyo = make_event(timezone="Asia/Tokyo", starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 1))
    washington = make_event(
        timezone="America/New_York", starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 1)
    )
    # both last until their own midnight: 15:00 UTC, and 05:00 UTC of the next day
    assert tokyo.over_at == datetime(2026, 12, 1, 15, tzinfo=UTC)
    assert washington.over_at == datetime(2026, 12, 2, 5, tzinfo=UTC)
    for minutes, expected in ((-1, {tokyo.id, washington.id}), (0, {washington.id})):
        now = tokyo.over_at + timedelta(minutes=minutes)
        assert {event.id for event in list_upcoming(now, limit=9)} == expected
    assert not list_upcoming(washington.over_at, limit=9)


def test_search(app: Flask, client: FlaskClient) -> None:
    coming(title_en="Quantum days", title_ja="量子デー", venue_ja="横浜")
    coming(title_en="100% fusion", title_ja="核融合")
    for words, found, other in (
        ("quantum", "Quantum days", "100% fusion"),
        ("量子", "Quantum days", "100% fusion"),
        ("横浜", "Quantum days", "100% fusion"),
        ("100%", "100% fusion", "Quantum days"),
    ):
        page = client.get("/events/", query_string={"q": words}).get_data(as_text=True)
        assert found in page
        assert other not in page
    for hostile in ("%", "_", "\\", "'", '"><script>alert(1)</script>', "\0", "x" * 5000):
        response = client.get("/events/", query_string={"q": hostile, "page": "99999999999", "size": "-1"})
        assert response.status_code == 200
        assert "<script>alert" not in response.get_data(as_text=True)


def test_paging(app: Flask, client: FlaskClient) -> None:
    for number in range(30):
        coming(title_en=f"Number {number:02}", starts_on=TODAY + timedelta(days=number + 1))
    first = client.get("/events/").get_data(as_text=True)
    second = client.get("/events/?page=2").get_data(as_text=True)
    assert "Number 00" in first
    assert "Number 24" in first
    assert "Number 25" not in first
    assert "Number 25" in second
    assert "Number 24" not in second
    assert "30 events" in first


@pytest.mark.parametrize("path", ["/", "/events/", "/events/?when=past", "/events/main/"])
def test_constant_statements(app: Flask, takes_part: set[tuple[int, int]], path: str) -> None:
    user = make_user()
    series = make_series()
    event = coming(slug="main", series_id=series.id)
    costs = []
    for number in (1, 12):
        rows: list[object] = []
        for _ in range(number):
            rows += [
                coming(series_id=series.id),
                make_event(starts_on=date(2025, 1, 1), ends_on=date(2025, 1, 2)),
            ]
            make_room(event)
            make_track(event)
        for row in rows:
            assert isinstance(row, Event)
            grant(user, row, EventRole.PITCH_REVIEWER)
            takes_part.add((user.id, row.id))
        client = sign_in(app.test_client(), user)
        client.get(path)
        with count_queries() as statements:
            assert client.get(path).status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1]
    assert costs[0] <= LIMIT_PER_PAGE


def test_registration_window(app: Flask) -> None:
    event = make_event(registration_opens_at=None, registration_closes_at=None)
    at = datetime(2026, 10, 1, tzinfo=UTC)
    window = RegistrationWindow
    assert event.registration_window(at) == window.NOT_ANNOUNCED
    assert event.registration_window(event.over_at) == window.CLOSED
    event.registration_opens_at = at
    assert event.registration_window(at - timedelta(seconds=1)) == window.NOT_YET
    assert event.registration_window(at) == window.OPEN
    event.registration_closes_at = at + timedelta(days=1)
    assert event.registration_window(at + timedelta(days=1)) == window.CLOSED
    event.registration_opens_at = None
    assert event.registration_window(at) == window.OPEN


@pytest.mark.parametrize(
    ("opens", "closes", "words"),
    [
        (None, None, "has not been announced yet"),
        (-1, 1, "Registration is open until"),
        (1, 2, "Registration opens at"),
        (-2, -1, "Registration is closed."),
    ],
)
def test_window_in_words_with_both_zones(
    app: Flask, client: FlaskClient, opens: int | None, closes: int | None, words: str
) -> None:
    now = clock.now()
    event = coming(
        registration_opens_at=now + timedelta(days=opens) if opens is not None else None,
        registration_closes_at=now + timedelta(days=closes) if closes is not None else None,
    )
    for path in ("/", f"/events/{event.slug}/"):
        page = client.get(path).get_data(as_text=True)
        assert words in page
        if opens is not None and (closes or 0) > 0:
            assert "Tokyo (JST)" in page
            assert "Washington/New York (E" in page
        button = f'<a class="usa-button" href="/events/{event.slug}/register">'
        assert (button in page) == (words == "Registration is open until")


def test_event_page_shows_place_tracks_rooms_and_editions(app: Flask, client: FlaskClient) -> None:
    series = make_series(name_en="Technology Forum")
    event = coming(series_id=series.id, edition=36, venue_en="Hall A", address_en="1-2-3 Chiyoda")
    make_event(series_id=series.id, title_en="The 35th", starts_on=date(2025, 1, 1), ends_on=date(2025, 1, 2))
    make_event(series_id=series.id, title_en="Closed one", visibility=Visibility.CLOSED)
    make_room(event, name_en="Room Fuji", floor="3F", capacity=120)
    make_track(event, name_en="Quantum", color=4)
    page = client.get(f"/events/{event.slug}/").get_data(as_text=True)
    for text in ("Hall A", "1-2-3 Chiyoda", "Technology Forum", "The 35th", "Room Fuji", "120", "Quantum"):
        assert text in page
    assert "Closed one" not in page


def test_hostile_text_is_shown_harmless(app: Flask, client: FlaskClient) -> None:
    evil = '"><script>alert(1)</script>'
    series = make_series(name_en=evil)
    columns = [
        f"{name}_{language}" for name in ("title", "summary", "venue", "address") for language in ("en", "ja")
    ]
    event = coming(slug="evil", series_id=series.id, **dict.fromkeys(columns, evil))
    make_room(event, name_en=evil, floor=evil)
    make_track(event, name_en=evil)
    user = make_user(name_latin=evil)
    grant(user, event)
    sign_in(client, user)
    for path in (
        "",
        "manage/",
        "manage/settings",
        "manage/texts",
        "manage/rooms",
        "manage/tracks",
        "manage/roles",
    ):
        for language in ("en", "ja"):
            response = client.get(f"/events/evil/{path}?lang={language}")
            assert response.status_code == 200
            assert "<script>alert" not in response.get_data(as_text=True)
    assert "<script>alert" not in client.get("/").get_data(as_text=True)
    assert "<script>alert" not in client.get("/events/").get_data(as_text=True)


def test_editions_of_a_series_stay_when_one_is_withdrawn(app: Flask, client: FlaskClient) -> None:
    series = make_series()
    event = coming(series_id=series.id)
    other = coming(series_id=series.id)
    assert other.title_en in client.get(f"/events/{event.slug}/").get_data(as_text=True)
    with transaction():
        other.published_at = None
    save(other)
    assert other.title_en not in client.get(f"/events/{event.slug}/").get_data(as_text=True)
