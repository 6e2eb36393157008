"""Organizers' pages: the draft, clashes, lost races, speakers, invitations, publication."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.agenda.models import AgendaItem, ItemInvitation, ItemKind, ItemStatus, Speaker
from forum_app.agenda.queries import current_agenda
from forum_app.db import db
from forum_app.events.models import Event, EventRole
from tests.agenda.parts import at, edit, item_form, let_speak, publish
from tests.factories import (
    grant,
    make_event,
    make_item,
    make_registration,
    make_room,
    make_speaker,
    make_track,
    make_user,
    sign_in,
)
from tests.queries import LIMIT_PER_PAGE, count_queries

NASTY = "<script>alert(1)</script>\"'&"
PAGES = ("", "/new", "/publish", "/versions", "/import", "/speakers", "/speakers/new", "/clashes")


@pytest.fixture
def event(app: Flask) -> Event:
    return make_event()


@pytest.fixture
def organizer(client: FlaskClient, event: Event) -> FlaskClient:
    user = make_user()
    grant(user, event)
    return sign_in(client, user)


def base(event: Event) -> str:
    return f"/events/{event.slug}/manage/agenda"


def look_again() -> None:
    """Forget what was read before the browser changed it."""
    db.session.rollback()
    db.session.expire_all()


def saved(event: Event) -> AgendaItem:
    look_again()
    item = db.session.scalar(
        select(AgendaItem).where(AgendaItem.event_id == event.id).order_by(AgendaItem.id.desc())
    )
    assert item is not None
    return item


def test_only_organizers_come_in(client: FlaskClient, event: Event) -> None:
    item, speaker = make_item(event), make_speaker(event)
    paths = [
        *PAGES,
        f"/{item.code}",
        f"/{item.code}/move",
        f"/{item.code}/invitations",
        f"/speakers/{speaker.id}",
    ]
    posts = [
        "/new",
        "/publish",
        "/import",
        "/speakers/new",
        f"/{item.code}",
        f"/{item.code}/move",
        f"/{item.code}/remove",
        f"/{item.code}/invitations",
        f"/speakers/{speaker.id}",
        f"/speakers/{speaker.id}/remove",
    ]

    def answers() -> set[int]:
        got = {client.get(base(event) + path).status_code for path in paths}
        return got | {client.post(base(event) + path, data=item_form()).status_code for path in posts}

    assert answers() == {302}
    for number in range(2):
        user = make_user()
        grant(user, event if number else make_event(), EventRole.VETTING_OFFICER)
        sign_in(client, user)
        assert answers() == {403}
    closed = make_event(visibility="CLOSED")
    assert client.get(base(closed)).status_code == 404
    assert db.session.scalar(select(func.count(AgendaItem.id))) == 1


def test_things_of_other_events_are_not_here(organizer: FlaskClient, event: Event) -> None:
    other = make_event()
    item, speaker, room = make_item(other), make_speaker(other), make_room(other)
    for path in (
        f"/{item.code}",
        f"/{item.code}/move",
        f"/{item.code}/invitations",
        f"/speakers/{speaker.id}",
    ):
        assert organizer.get(base(event) + path).status_code == 404
    assert organizer.post(f"{base(event)}/{item.code}/remove").status_code == 404
    mine = make_item(event)
    for change in ({"room_id": str(room.id)}, {"speakers-0-speaker": str(speaker.id)}, {"parent_id": "1"}):
        form = item_form(version=mine.version, **{"speakers-0-role": "speaker", **change})
        assert organizer.post(f"{base(event)}/{mine.code}", data=form).status_code == 422
    registration = make_registration(other)
    answer = organizer.post(
        f"{base(event)}/{mine.code}/invitations", data={"registration": registration.id, "invited": "1"}
    )
    assert answer.status_code == 404


def test_an_item_from_the_form_to_the_page(organizer: FlaskClient, event: Event) -> None:
    room, track = make_room(event), make_track(event)
    first, second = make_speaker(event), make_speaker(event)
    form = item_form(
        title_en=NASTY,
        text_en=NASTY,
        room_id=str(room.id),
        track_id=str(track.id),
        new_latin="Newly Added",
        new_native="新規",
        new_role="moderator",
        **{
            "speakers-0-speaker": str(second.id),
            "speakers-0-role": "speaker",
            "speakers-1-speaker": "",
            "speakers-1-role": "speaker",
            "speakers-2-speaker": str(first.id),
            "speakers-2-role": "speaker",
        },
    )
    assert organizer.post(f"{base(event)}/new", data=form).status_code == 303
    item = saved(event)
    assert item.starts_at == at(10)
    assert item.ends_at == at(11)
    assert [link.speaker.name_latin for link in item.speakers] == [
        second.name_latin,
        first.name_latin,
        "Newly Added",
    ]
    page = organizer.get(f"{base(event)}/publish")
    expected = re.search(r'name="expected"[^>]*value="(\w+)"', page.text)
    assert expected is not None
    answer = organizer.post(f"{base(event)}/publish", data={"expected": expected[1], "name": "First"})
    assert answer.status_code == 303
    for path in ("agenda", f"agenda/{item.code}"):
        shown = organizer.get(f"/events/{event.slug}/{path}").text
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert(1)" in shown
    assert "First" in organizer.get(f"{base(event)}/versions").text
    assert "Nothing to publish" in organizer.get(f"{base(event)}/publish").text


def test_refused_forms_keep_what_was_typed(organizer: FlaskClient, event: Event) -> None:
    cases: list[dict[str, str]] = [
        {"title_en": "", "title_ja": ""},
        {"minutes": "0"},
        {"minutes": "many"},
        {"starts_at": "2062-01-01T10:00"},
        {"starts_at": "soon"},
        {"kind": "opera"},
        {"access": "secret"},
        {"title_en": "x" * 501},
    ]
    for case in cases:
        answer = organizer.post(f"{base(event)}/new", data=item_form(subtitle_en="kept as typed", **case))
        assert answer.status_code == 422, case
        assert "kept as typed" in answer.text
    assert db.session.scalar(select(func.count(AgendaItem.id))) == 0


def test_more_lines_saves_nothing(organizer: FlaskClient, event: Event) -> None:
    make_speaker(event)
    answer = organizer.post(f"{base(event)}/new", data=item_form(title_en="", more_speakers="1"))
    assert answer.status_code == 200
    assert answer.text.count("-speaker") > 6 * 2
    assert db.session.scalar(select(func.count(AgendaItem.id))) == 0


def test_clashes_are_told_and_kept_only_on_purpose(organizer: FlaskClient, event: Event) -> None:
    room, speaker = make_room(event, name_en="Hall A"), make_speaker(event, name_latin="Aiko Busy")
    other = make_item(event, title_en="Already there", room_id=room.id)
    let_speak(other, speaker)
    query = "starts_at=2026-11-30T10:30&minutes=30"
    part = organizer.get(f"{base(event)}/clashes?{query}&room_id={room.id}").text
    assert "Hall A is taken by “Already there”" in part
    assert "keep_clashes" in part
    part = organizer.get(f"{base(event)}/clashes?{query}&speakers-0-speaker={speaker.id}").text
    assert "Aiko Busy also speaks at “Already there”" in part
    touching = f"starts_at=2026-11-30T11:00&minutes=30&room_id={room.id}"
    assert "Hall A" not in organizer.get(f"{base(event)}/clashes?{touching}").text
    for odd in (
        "starts_at=x&minutes=y&room_id=z",
        "room_id=999999999999999",
        "item=",
        "minutes=99999999999999",
    ):
        assert organizer.get(f"{base(event)}/clashes?{odd}").status_code == 200

    form = item_form(room_id=str(room.id))
    refused = organizer.post(f"{base(event)}/new", data=form)
    assert refused.status_code == 422
    assert "Hall A is taken" in refused.text
    assert organizer.post(f"{base(event)}/new", data=form | {"keep_clashes": "y"}).status_code == 303
    item = saved(event)
    for path in ("", "/publish", "?show=clashing"):
        assert "Already there" in organizer.get(base(event) + path).text
    assert "1 clash in the draft" in organizer.get(base(event)).text
    # an accepted clash need not be accepted again, a new one must be
    same = form | {"title_en": "Other words", "version": str(item.version)}
    assert organizer.post(f"{base(event)}/{item.code}", data=same).status_code == 303
    more = same | {"version": str(saved(event).version), "speakers-0-speaker": str(speaker.id)}
    more["speakers-0-role"] = "speaker"
    assert organizer.post(f"{base(event)}/{item.code}", data=more).status_code == 422
    # a cancelled item is in nobody's way
    free = more | {"state": "cancelled"}
    assert organizer.post(f"{base(event)}/{item.code}", data=free).status_code == 303
    assert "clash in the draft" not in organizer.get(base(event)).text


def test_one_person_with_two_rows_cannot_be_in_two_places(organizer: FlaskClient, event: Event) -> None:
    user = make_user()
    one = make_speaker(event, user_id=user.id)
    two = make_speaker(event, user_id=user.id, name_latin="Same Person")
    let_speak(make_item(event), one)
    query = f"starts_at=2026-11-30T10:00&minutes=5&speakers-0-speaker={two.id}"
    assert "also speaks at" in organizer.get(f"{base(event)}/clashes?{query}").text


def test_a_lost_race_keeps_the_form(organizer: FlaskClient, event: Event) -> None:
    item = make_item(event)
    room = make_room(event)
    seen = str(item.version)
    edit(item, title_en="Theirs")
    form = item_form(title_en="Mine", version=seen)
    lost = organizer.post(f"{base(event)}/{item.code}", data=form)
    assert lost.status_code == 409
    assert 'value="Mine"' in lost.text
    assert saved(event).title_en == "Theirs"
    version = re.search(r'name="version"[^>]*value="(\d+)"', lost.text)
    assert version is not None
    again = organizer.post(f"{base(event)}/{item.code}", data=form | {"version": version[1]})
    assert again.status_code == 303
    assert saved(event).title_en == "Mine"
    place = {"starts_at": "2026-11-30T15:00", "minutes": "20", "room_id": str(room.id)}
    assert (
        organizer.post(f"{base(event)}/{item.code}/move", data=place | {"version": seen}).status_code == 409
    )
    now = str(saved(event).version)
    assert organizer.post(f"{base(event)}/{item.code}/move", data=place | {"version": now}).status_code == 303
    moved = saved(event)
    assert (moved.starts_at, moved.ends_at, moved.room_id) == (
        at(15),
        at(15) + timedelta(minutes=20),
        room.id,
    )
    place["starts_at"] = ""
    off = organizer.post(f"{base(event)}/{item.code}/move", data=place | {"version": str(moved.version)})
    assert off.status_code == 303
    assert saved(event).starts_at is None
    assert "Without a time" in organizer.get(f"{base(event)}?show=unplaced").text


def test_a_form_sent_twice_acts_once(organizer: FlaskClient, event: Event) -> None:
    form = item_form(idempotency_key="the-same-key", starts_at="")
    for _ in range(2):
        assert organizer.post(f"{base(event)}/new", data=form).status_code == 303
    assert db.session.scalar(select(func.count(AgendaItem.id))) == 1


def test_a_block_takes_its_pitches_along(organizer: FlaskClient, event: Event) -> None:
    room, other = make_room(event), make_room(event)
    block = make_item(event, kind=ItemKind.PITCH_BLOCK, room_id=room.id)
    pitch = make_item(
        event,
        kind=ItemKind.PITCH,
        parent_id=block.id,
        room_id=room.id,
        ends_at=at(10) + timedelta(minutes=10),
    )
    assert "in the draft" not in organizer.get(base(event)).text
    place = {"starts_at": "2026-11-30T14:00", "minutes": "60", "room_id": str(other.id)}
    url = f"{base(event)}/{block.code}/move"
    assert organizer.post(url, data=place | {"version": str(block.version)}).status_code == 303
    look_again()
    row = db.session.get_one(AgendaItem, pitch.id)
    assert (row.starts_at, row.room_id) == (at(14), other.id)
    assert organizer.post(f"{base(event)}/{block.code}/remove").status_code == 422
    assert organizer.post(f"{base(event)}/{pitch.code}/remove").status_code == 303
    assert organizer.post(f"{base(event)}/{block.code}/remove").status_code == 303
    look_again()
    assert db.session.scalar(select(func.count(AgendaItem.id))) == 0


def test_cancelling_what_is_published(organizer: FlaskClient, event: Event) -> None:
    item = make_item(event, title_en="Gone")
    publish(event)
    assert organizer.post(f"{base(event)}/{item.code}/remove").status_code == 303
    assert saved(event).status == ItemStatus.CANCELLED
    publish(event)
    page = organizer.get(f"/events/{event.slug}/agenda/{item.code}").text
    assert "This item does not take place." in page
    assert "agenda-card--cancelled" in organizer.get(f"/events/{event.slug}/agenda").text
    assert "Gone" not in organizer.get(f"/events/{event.slug}/schedule.xml").text


def test_speakers(organizer: FlaskClient, event: Event) -> None:
    user = make_user()
    form = {"name_latin": NASTY, "name_native": "山田", "name_kana": "ヤマダ", "account": user.email}
    assert organizer.post(f"{base(event)}/speakers/new", data=form).status_code == 303
    speaker = db.session.scalars(select(Speaker)).one()
    assert speaker.user_id == user.id
    assert "<script>alert" not in organizer.get(f"{base(event)}/speakers?q=ヤマ").text
    url = f"{base(event)}/speakers/{speaker.id}"
    assert user.email in organizer.get(url).text
    assert organizer.post(url, data=form | {"account": "nobody@x.example"}).status_code == 422
    assert organizer.post(url, data={"bio_en": "kept"}).status_code == 422
    assert organizer.post(url, data={"name_latin": "Taro"}).status_code == 303
    let_speak(make_item(event), speaker)
    assert organizer.post(f"{url}/remove").status_code == 422
    let_go = db.session.scalars(select(AgendaItem)).one()
    organizer.post(f"{base(event)}/{let_go.code}/remove")
    assert organizer.post(f"{url}/remove").status_code == 303
    look_again()
    assert db.session.scalar(select(func.count(Speaker.id))) == 0


def test_an_imported_item_with_many_speakers_keeps_them_all(organizer: FlaskClient, event: Event) -> None:
    item = make_item(event, title_en="Everybody on stage")
    for _ in range(60):
        let_speak(item, make_speaker(event))
    page = organizer.get(f"{base(event)}/{item.code}")
    form = item_form(title_en="Everybody on stage") | {"version": str(item.version)}
    rows = re.findall(r'name="(speakers-\d+-speaker)".*?</select>', page.text, re.DOTALL)
    for row, one in zip(rows, item.speakers, strict=False):
        form |= {row: str(one.speaker_id), row.replace("-speaker", "-role"): "speaker"}
    assert organizer.post(f"{base(event)}/{item.code}", data=form).status_code == 303
    assert len(saved(event).speakers) == 60


def test_invitations(organizer: FlaskClient, event: Event) -> None:
    item = make_item(event, access="INVITED")
    registration = make_registration(event, name_latin="Guest Of Honour")
    url = f"{base(event)}/{item.code}/invitations"
    assert "Guest Of Honour" in organizer.get(f"{url}?q=guest").text
    for invited in ("1", "1", "0", "1"):
        data = {"registration": str(registration.id), "invited": invited}
        assert organizer.post(url, data=data).status_code == 303
    assert db.session.scalar(select(func.count()).select_from(ItemInvitation)) == 1
    publish(event)
    agenda = current_agenda(event)
    assert agenda is not None
    assert agenda.items[0].registration_ids == {registration.id}


def test_somebody_changed_the_draft_before_publication(organizer: FlaskClient, event: Event) -> None:
    item = make_item(event)
    page = organizer.get(f"{base(event)}/publish").text
    expected = re.search(r'name="expected"[^>]*value="(\w+)"', page)
    assert expected is not None
    edit(item, title_en="Changed meanwhile")
    answer = organizer.post(f"{base(event)}/publish", data={"expected": expected[1]})
    assert answer.status_code == 409
    assert current_agenda(event) is None


def test_lists_cost_the_same_at_any_size(organizer: FlaskClient, event: Event) -> None:
    room = make_room(event)
    urls = [base(event), f"{base(event)}/speakers", f"{base(event)}/publish", f"{base(event)}/new"]
    urls += [f"/events/{event.slug}/agenda", f"/events/{event.slug}/schedule.json"]

    def fill(count: int) -> None:
        for _ in range(count):
            item = make_item(event, room_id=room.id)
            let_speak(item, make_speaker(event))
            make_registration(event)
        publish(event)

    def costs() -> list[int]:
        result = []
        code = saved(event).code
        for url in [*urls, f"{base(event)}/{code}/invitations", f"{base(event)}/{code}"]:
            organizer.get(url)  # what a process reads once
            with count_queries() as statements:
                assert organizer.get(url).status_code == 200
            result.append(len(statements))
        return result

    fill(3)
    few = costs()
    fill(30)
    assert costs() == few
    assert max(few) <= LIMIT_PER_PAGE


def test_list_filters_and_sorting(organizer: FlaskClient, event: Event) -> None:
    room = make_room(event)
    make_item(event, title_en="Aardvark", room_id=room.id, kind=ItemKind.PANEL)
    make_item(event, title_en="Zebra", starts_at=at(10, day=1), ends_at=at(11, day=1))
    for query, found, missing in (
        ("?q=aard", "Aardvark", "Zebra"),
        (f"?room={room.id}", "Aardvark", "Zebra"),
        ("?room=none", "Zebra", "Aardvark"),
        ("?kind=panel", "Aardvark", "Zebra"),
        ("?day=2026-12-01", "Zebra", "Aardvark"),
    ):
        text = organizer.get(base(event) + query).text
        assert found in text
        assert missing not in text
    text = organizer.get(f"{base(event)}?sort=-title").text
    assert text.index("Zebra") < text.index("Aardvark")
    for odd in ("?day=x&room=9&kind=z&show=q&sort=drop&page=0", "?q=%25_%5C"):
        assert organizer.get(base(event) + odd).status_code == 200
