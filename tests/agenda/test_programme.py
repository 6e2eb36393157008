"""The reader's side: pages, search, one's own programme, busy time, pitches in a block."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.agenda.busy_queries import SIGNED_UP, SPEAKS, agenda_busy
from forum_app.agenda.clashes import Placed, find_clashes
from forum_app.agenda.grid import blocks_of, grid_of
from forum_app.agenda.models import AccessLevel, AgendaItem, Bookmark, ItemKind, ItemStatus
from forum_app.agenda.queries import current_agenda
from forum_app.agenda.speakers import SpeakerValues, place_pitch
from forum_app.core.intervals import Interval, merge
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.web import clock
from tests.agenda.parts import at, edit, let_speak, publish
from tests.factories import (
    NOW,
    make_event,
    make_item,
    make_organization,
    make_room,
    make_speaker,
    make_user,
    save,
    sign_in,
)


def test_search_and_filters(client: FlaskClient) -> None:
    event = make_event()
    room, other = make_room(event), make_room(event, position=1)
    organization = make_organization(name_en="Hayabusa Sensing", name_ja="隼センシング")
    first = make_item(event, title_en="Wind lidar", title_ja="風況", room_id=room.id, language="en")
    let_speak(first, make_speaker(event, name_native="佐藤", organization_id=organization.id))
    make_item(
        event, title_en="Closing words", room_id=other.id, language="ja", starts_at=at(33), ends_at=at(34)
    )
    publish(event)
    url = f"/events/{event.slug}/agenda"
    for query, found in (
        ("q=WIND", True),
        ("q=hayabusa wind", True),
        ("q=隼", True),
        ("q=佐藤", True),
        ("q=ｗｉｎｄ", True),
        ("q=words", False),
        ("q=%00%25", False),
        (f"room={room.id}", True),
        (f"room={other.id}", False),
        ("language=en", True),
        ("language=ja", False),
        ("day=2026-11-30", True),
        ("day=2026-12-01", False),
        ("day=never&room=x&track=-1&language=", True),
    ):
        answer = client.get(f"{url}?{query}")
        assert answer.status_code == 200
        assert ("Wind lidar" in answer.text) == found, query


def test_now_and_next(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    event = make_event()
    for hour, title in ((9, "Past one"), (10, "Running one"), (11, "Coming one"), (12, "Later one")):
        make_item(event, title_en=title, starts_at=at(hour), ends_at=at(hour + 1))
    publish(event)
    url = f"/events/{event.slug}/agenda"
    assert "now-mark" not in client.get(url).text
    monkeypatch.setattr(clock, "now", lambda: at(10.5))
    page = client.get(url).text
    assert page.index(">Now</h2>") < page.index("Running one") < page.index(">Up next</h2>")
    assert page.count("agenda-card--past") == 1
    assert page.count("agenda-card--now") == page.count("agenda-card--next") == 2


def test_bookmarks(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    item, other = make_item(event), make_item(event, starts_at=at(12), ends_at=at(13))
    publish(event)
    url = f"/events/{event.slug}/agenda/{item.code}"
    assert client.post(f"{url}/bookmark").status_code == 302
    sign_in(client, user)
    for _ in range(2):
        assert client.post(f"{url}/bookmark").status_code == 303
    assert "Remove from my programme" in client.get(url).text
    page = client.get(f"/events/{event.slug}/agenda?mine=1").text
    assert f"agenda/{item.code}" in page
    assert f"agenda/{other.code}" not in page
    # nobody else sees the mark
    assert "My programme</span>" not in sign_in(client, make_user()).get(f"/events/{event.slug}/agenda").text
    sign_in(client, user)
    assert client.post(f"{url}/bookmark/remove").status_code == 303
    assert f"agenda/{item.code}" not in client.get(f"/events/{event.slug}/agenda?mine=1").text
    assert client.post(f"/events/{event.slug}/agenda/nothing/bookmark").status_code == 404


def busy(event: Event, user_ids: list[int]) -> dict[int, list[tuple[Interval, set[str]]]]:
    """Merged busy times of each person with the reasons among them."""
    times = agenda_busy(event.id, user_ids)
    found = {}
    for user_id in {time.user_id for time in times}:
        own = [time for time in times if time.user_id == user_id]
        found[user_id] = [
            (span, {time.reason for time in own if span.covers(time.span)})
            for span in merge(time.span for time in own)
        ]
    return found


def test_busy_times(app: Flask) -> None:
    event, speaker, visitor = make_event(), make_user(), make_user()
    row = make_speaker(event, user_id=speaker.id)
    first = make_item(event, starts_at=at(10), ends_at=at(11))
    second = make_item(event, starts_at=at(11), ends_at=at(12))
    cancelled = make_item(event, starts_at=at(14), ends_at=at(15), status=ItemStatus.CANCELLED)
    unplaced = make_item(event, starts_at=None, ends_at=None)
    for item in (first, second, cancelled, unplaced):
        let_speak(item, row)
    save(Bookmark(item_id=first.id, user_id=visitor.id, created_at=NOW))
    lunch = make_item(event, kind=ItemKind.BREAK, starts_at=at(12), ends_at=at(13))
    save(Bookmark(item_id=lunch.id, user_id=visitor.id, created_at=NOW))
    ids = [speaker.id, visitor.id]
    assert busy(event, ids) == {
        speaker.id: [(Interval(at(10), at(12)), {SPEAKS})],
        visitor.id: [(Interval(at(10), at(11)), {SIGNED_UP})],
    }
    assert busy(event, []) == {}
    assert busy(make_event(), ids) == {}


def test_pitches_fill_a_block(app: Flask) -> None:
    event, founder = make_event(), make_user()
    room = make_room(event)
    block = make_item(event, kind=ItemKind.PITCH_BLOCK, room_id=room.id, starts_at=at(10), ends_at=at(10.5))
    starts = []
    for number in range(4):
        with transaction():
            pitch = place_pitch(
                actor=None,
                event=event,
                block=block,
                title_en=f"Pitch {number}",
                minutes=10,
                speakers=[SpeakerValues(name_latin="A Founder", user_id=founder.id)],
                now=NOW,
            )
            starts.append(pitch.starts_at)
            assert (pitch.room_id, pitch.parent_id, pitch.kind) == (room.id, block.id, ItemKind.PITCH)
    assert starts == [at(10), at(10) + timedelta(minutes=10), at(10) + timedelta(minutes=20), None]
    assert len({link.speaker_id for link in pitch.speakers}) == 1
    assert busy(event, [founder.id]) == {founder.id: [(Interval(at(10), at(10.5)), {SPEAKS})]}
    publish(event)
    agenda = current_agenda(event)
    assert agenda is not None
    assert len(agenda.items) == 4
    grid = grid_of(blocks_of(agenda.items))
    assert grid is not None
    [cell] = grid.cells  # the pitches stand inside their block's card
    assert (cell.column, cell.row, cell.span, len(grid.rows)) == (1, 0, 1, 1)
    [card] = cell.blocks
    assert card.item.id == block.id
    assert [item.title_en for item in card.inside] == ["Pitch 0", "Pitch 1", "Pitch 2"]


def test_a_block_lists_only_what_the_reader_may_know(client: FlaskClient) -> None:
    event = make_event()
    room, other = make_room(event), make_room(event, position=1)

    def pair(start: float, block_values: dict[str, Any], pitch_values: dict[str, Any]) -> list[AgendaItem]:
        block = make_item(
            event,
            **{
                "kind": ItemKind.PITCH_BLOCK,
                "title_en": f"Block at {start}",
                "room_id": room.id,
                "starts_at": at(start),
                "ends_at": at(start + 1),
                **block_values,
            },
        )
        pitch = make_item(
            event,
            **{
                "kind": ItemKind.PITCH,
                "title_en": f"Pitch at {start}",
                "room_id": room.id,
                "parent_id": block.id,
                "starts_at": at(start),
                "ends_at": at(start + 0.5),
                **pitch_values,
            },
        )
        return [block, pitch]

    closed = AccessLevel.REGISTERED
    pair(9, {}, {})
    pair(10, {}, {"access": closed})
    pair(11, {"access": closed}, {})
    pair(12, {}, {"room_id": other.id})
    gone, _ = pair(13, {}, {})
    pair(14, {}, {"starts_at": at(15), "ends_at": at(15.5)})
    _, dropped = pair(16, {}, {})
    publish(event)
    edit(gone, status=ItemStatus.CANCELLED)
    edit(dropped, status=ItemStatus.CANCELLED)
    publish(event)
    page = client.get(f"/events/{event.slug}/agenda").text
    lines = re.findall(r'<li class="agenda-line[^>]*>.*?</li>', page, re.S)
    assert ["Pitch at 9" in lines[0], "Pitch at 16" in lines[1], len(lines)] == [True, True, 2]
    assert "Pitch at 10" not in page
    assert "Block at 11" not in page
    for hour in (11, 12, 13, 14):
        assert page.count(f"Pitch at {hour}") == 1
    # a search that finds the pitch and not its block shows it by itself
    found = client.get(f"/events/{event.slug}/agenda?q=Pitch+at+9").text
    assert "agenda-line" not in found
    assert found.count("Pitch at 9</a>") == 1
    assert client.get(f"/events/{event.slug}/agenda?q=at").text.count("agenda-line__title") == 2


def test_the_grid_never_lays_one_card_over_another(app: Flask) -> None:
    event = make_event()
    rooms = [make_room(event, position=n) for n in range(3)]
    for number in range(24):
        start = at(9) + timedelta(minutes=(number * 37) % 600)
        room = None if number % 6 == 0 else rooms[number % 3].id
        make_item(event, room_id=room, starts_at=start, ends_at=start + timedelta(minutes=17 + number * 3))
    publish(event)
    agenda = current_agenda(event)
    assert agenda is not None
    grid = grid_of(blocks_of(agenda.items))
    assert grid is not None
    drawn = [block.item for cell in grid.cells for block in cell.blocks]
    assert sorted(item.id for item in drawn) == sorted(item.id for item in agenda.items)
    assert all(cell.blocks[0].item.starts_at == grid.rows[cell.row] for cell in grid.cells)
    taken: set[tuple[int, int]] = set()
    for cell in grid.cells:
        columns = range(1, len(grid.columns) + 1) if cell.column == 0 else [cell.column]
        own = {(column, row) for column in columns for row in range(cell.row, cell.row + cell.span)}
        assert not own & taken
        taken |= own


def test_too_many_rooms_become_a_list(client: FlaskClient) -> None:
    event = make_event()
    for number in range(14):
        make_item(event, room_id=make_room(event, position=number).id)
    publish(event)
    page = client.get(f"/events/{event.slug}/agenda").text
    assert "agenda-grid" not in page
    assert page.count('class="agenda-card__title"') == 14


def test_clashes_touching_ends_are_none() -> None:
    def placed(
        number: int, start: float, end: float, *, parent: int | None = None, room: int | None = 1
    ) -> Placed:
        people = frozenset({"p"} if room else ())
        return Placed(number, "c", parent, "", "", room, at(start), at(end), people)

    assert find_clashes([placed(1, 9, 10), placed(2, 10, 11)]) == []
    kinds = [clash.kind for clash in find_clashes([placed(1, 9, 11), placed(2, 10, 12)])]
    assert kinds == ["room", "speaker"]
    assert find_clashes([placed(1, 9, 12), placed(2, 10, 11, parent=1)]) == []
    assert find_clashes([placed(1, 9, 11, room=None), placed(2, 10, 12)]) == []


def test_both_languages_and_zones(client: FlaskClient) -> None:
    event = make_event()
    item = make_item(event, title_en="Opening", title_ja="開会式", starts_at=at(9), ends_at=at(9.5))
    publish(event)
    for path in ("agenda", f"agenda/{item.code}"):
        page = client.get(f"/events/{event.slug}/{path}?lang=en").text
        assert "Opening" in page
        assert "09:00–09:30" in page
        assert "19:00–19:30" in page  # the evening before in Washington
        assert "Sun, 29 Nov 2026" in page
        page = client.get(f"/events/{event.slug}/{path}?lang=ja").text
        assert "開会式" in page
        assert "2026年11月29日(日)" in page
        assert 'style="' not in page
    assert db.session.is_active
