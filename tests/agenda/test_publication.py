"""From the draft to a version: sequence, what is kept, what makes no version."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.agenda.models import AccessLevel, AgendaItem, ItemKind, ItemStatus
from forum_app.agenda.publication import advance, pending_version, publish_agenda
from forum_app.agenda.queries import current_agenda
from forum_app.agenda.services import remove_item
from forum_app.agenda.snapshot import PublishedItem, PublishedRoom, items_from_json, to_json
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.db import db, transaction
from tests.agenda.parts import at, edit, let_speak, publish
from tests.factories import NOW, make_event, make_item, make_room, make_speaker, make_user
from tests.queries import count_queries

ROOMS = [None, PublishedRoom(1, "One", "一"), PublishedRoom(2, "Two", "二")]
LATER = NOW + timedelta(hours=1)

items = st.builds(
    PublishedItem,
    id=st.integers(1, 5),
    code=st.just("c"),
    uid=st.just("u"),
    guid=st.just("g"),
    number=st.just(1),
    sequence=st.just(0),
    kind=st.sampled_from(ItemKind),
    starts_at=st.sampled_from([at(10), at(11)]),
    ends_at=st.sampled_from([at(12), at(13)]),
    last_day=st.just(NOW.date()),
    changed_at=st.just(NOW),
    access=st.sampled_from(AccessLevel),
    status=st.sampled_from(ItemStatus),
    title_en=st.sampled_from(["A", "B"]),
    room=st.sampled_from(ROOMS),
    registration_ids=st.frozensets(st.integers(1, 3), max_size=2),
)
drafts = st.lists(items, max_size=5, unique_by=lambda item: item.id)


@settings(max_examples=300, deadline=None)
@given(st.lists(drafts, min_size=2, max_size=4))
def test_sequence_rises_exactly_with_time_room_or_status(history: list[list[PublishedItem]]) -> None:
    before: dict[int, PublishedItem] = {}
    for step, draft in enumerate(history):
        now = NOW + timedelta(days=step)
        after = {item.id: item for item in advance(before.values(), draft, now)}
        wanted = {item.id: item for item in draft}
        assert set(before) <= set(after)  # nothing published ever vanishes
        for item_id, item in after.items():
            old = before.get(item_id)
            if old is None:
                assert item.sequence == 0
                assert item.changed_at == now
                assert not item.is_cancelled
                continue
            assert item.sequence == old.sequence + (item.shown_place != old.shown_place)
            same = replace(item, sequence=0, changed_at=NOW) == replace(old, sequence=0, changed_at=NOW)
            assert item.changed_at == (old.changed_at if same else now)
            if item_id not in wanted:
                assert item.is_cancelled
        assert set(after) - set(before) == {i.id for i in draft if not i.is_cancelled} - set(before)
        # publishing the same draft again changes nothing
        assert advance(after.values(), draft, now + timedelta(hours=1)) == advance(after.values(), draft, now)
        before = after


@given(drafts)
def test_the_stored_form_reads_back_equal(draft: list[PublishedItem]) -> None:
    assert list(items_from_json(to_json(draft))) == draft


@pytest.mark.every_database
def test_versions(app: Flask) -> None:
    event = make_event()
    room, other = make_room(event), make_room(event)
    item = make_item(event, room_id=room.id)
    let_speak(item, make_speaker(event))
    first = publish(event)
    assert first is not None
    assert first.number == 1
    assert publish(event, LATER) is None  # nothing changed

    edit(item, title_en="Another title")
    version = item.version
    publish(event, LATER)
    agenda = current_agenda(event)
    assert agenda is not None
    assert (agenda.number, agenda.items[0].sequence, agenda.items[0].changed_at) == (2, 0, LATER)

    edit(item, room_id=other.id)
    publish(event, LATER + timedelta(hours=1))
    agenda = current_agenda(event)
    assert agenda is not None
    assert agenda.items[0].sequence == 1
    db.session.expire_all()
    row = db.session.get_one(AgendaItem, item.id)
    assert (row.sequence, row.published, row.version) == (1, True, version + 1)  # publishing is no edit


def test_removed_items(app: Flask) -> None:
    event = make_event()
    published, never = make_item(event), make_item(event, starts_at=at(15), ends_at=at(16))
    with transaction():
        remove_item(actor=None, item=never, now=NOW)
    assert db.session.get(AgendaItem, never.id) is None
    publish(event)
    db.session.expire_all()
    with transaction():
        remove_item(actor=None, item=db.session.get_one(AgendaItem, published.id), now=NOW)
    publish(event, LATER)
    agenda = current_agenda(event)
    assert agenda is not None
    kept = agenda.by_code[published.code]
    assert (kept.status, kept.sequence, len(agenda.items)) == (ItemStatus.CANCELLED, 1, 1)
    # an item whose time is taken away is cancelled with its last time
    other = make_item(event)
    publish(event, LATER + timedelta(hours=1))
    edit(other, starts_at=None, ends_at=None)
    publish(event, LATER + timedelta(hours=2))
    agenda = current_agenda(event)
    assert agenda is not None
    assert agenda.by_code[other.code].is_cancelled
    # and comes back when it is placed again
    edit(other, starts_at=at(10), ends_at=at(11))
    publish(event, LATER + timedelta(hours=3))
    agenda = current_agenda(event)
    assert agenda is not None
    assert (agenda.by_code[other.code].status, agenda.by_code[other.code].sequence) == ("confirmed", 2)


def test_readers_see_only_what_is_published(client: FlaskClient) -> None:
    event = make_event()
    item = make_item(event, title_en="As it was")
    assert "still being made" in client.get(f"/events/{event.slug}/agenda").text
    assert client.get(f"/events/{event.slug}/agenda/{item.code}").status_code == 404
    assert client.get(f"/events/{event.slug}/schedule.xml").status_code == 404
    publish(event)
    edit(item, title_en="As it will be")
    for path in ("agenda", f"agenda/{item.code}", "schedule.xml", "schedule.json"):
        text = client.get(f"/events/{event.slug}/{path}").text
        assert "As it was" in text
        assert "As it will be" not in text


def test_what_was_looked_at_is_what_is_published(app: Flask) -> None:
    event = make_event()
    item = make_item(event)
    seen = pending_version(event, NOW).fingerprint
    assert pending_version(event, LATER).fingerprint == seen
    edit(item, title_en="Changed meanwhile")
    with pytest.raises(Conflict):
        publish(event, expected=seen)
    assert current_agenda(event) is None
    with pytest.raises(PermissionDenied), transaction():
        publish_agenda(actor=make_user(), event=event, now=NOW)


def test_publication_costs_the_same_at_any_size(app: Flask) -> None:
    def cost(count: int) -> int:
        event = make_event()
        room, speaker = make_room(event), make_speaker(event)
        for _ in range(count):
            let_speak(make_item(event, room_id=room.id), speaker)
        with count_queries() as statements:
            publish(event)
        return len(statements)

    assert cost(3) == cost(30)
