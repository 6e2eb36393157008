"""The law of feeds: whatever happens in the forum, each person's feed says what the forum says.

Random changes go through the real services; after each, the feeds of three people are read by two
parsers that are not ours (by two more at the end) and held against what the pages of the forum would
show. No UID ever changes, SEQUENCE never falls, and it rises exactly when time, place or status do.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.agenda.models import AccessLevel, AgendaItem, ItemStatus
from forum_app.agenda.models import Speaker as SpeakerRow
from forum_app.agenda.permissions import reader_at
from forum_app.agenda.programme import add_bookmark, programme_ids, readable, remove_bookmark
from forum_app.agenda.publication import publish_agenda
from forum_app.agenda.queries import current_agenda
from forum_app.agenda.services import Appearance, invite, remove_item, update_item, values_of
from forum_app.core.errors import DomainError
from forum_app.db import db, transaction
from forum_app.events.models import Event, Room, Visibility
from forum_app.events.permissions import can_know_event
from forum_app.events.rooms import update_row
from forum_app.events.services import update_event
from forum_app.floor.services import mark_no_show
from forum_app.meetings.booking_services import book_meeting, cancel_meeting, move_meeting
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingStatus, MeetingTable
from forum_app.meetings.resource_services import save_table
from forum_app.registration.models import ENDED, SEATED, Registration, RegistrationState
from forum_app.registration.services.decisions import decide, note_vetting
from forum_app.web import clock
from tests.calendars.parts import make_feed, speaks
from tests.calendars.readers import Seen, by_ical, by_ical_js, by_icalendar, by_libical
from tests.factories import login_of, make_item, make_registration, make_room, make_user
from tests.meetings.scene import OPENS, SLOT, Scene, make_scene

S = RegistrationState
START = datetime(2090, 11, 20, 1, 0, tzinfo=UTC)
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class World:
    """A forum, three people who subscribe, and what their calendars have shown so far."""

    app: Flask
    scene: Scene
    speaker: User
    rooms: list[Room]
    items: list[AgendaItem]
    now: datetime = START
    seen: dict[str, dict[str, Seen]] = field(default_factory=dict)
    shown: dict[str, set[str]] = field(default_factory=dict)
    bodies: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    @property
    def event(self) -> Event:
        return self.scene.event

    @property
    def organizer(self) -> User:
        return self.scene.organizer


def make_world(app: Flask) -> tuple[World, dict[str, User]]:
    scene = make_scene()
    rooms = [make_room(scene.event), make_room(scene.event)]
    with transaction():
        scene.tables[0].room_id = rooms[0].id
    levels = (AccessLevel.PUBLIC, AccessLevel.REGISTERED, AccessLevel.INVITED, AccessLevel.CLEARED)
    items = [
        make_item(
            scene.event,
            access=level,
            room_id=rooms[0].id,
            starts_at=OPENS + timedelta(hours=3 + n),
            ends_at=OPENS + timedelta(hours=4 + n),
        )
        for n, level in enumerate(levels)
    ]
    speaker = make_user()
    make_registration(scene.event, speaker, participant_type=scene.guest_type, state=S.IN_VETTING)
    speaks(speaker, items[2])
    people = {"host": login_of(scene.host), "guest": login_of(scene.guest), "speaker": speaker}
    with transaction():
        publish_agenda(actor=None, event=scene.event, now=START)
        for item in items[:2]:
            add_bookmark(actor=people["guest"], event=scene.event, code=item.code, now=START)
        add_bookmark(actor=speaker, event=scene.event, code=items[0].code, now=START)
        book_meeting(
            actor=scene.organizer,
            event=scene.event,
            people=[scene.host, scene.guest],
            starts_at=OPENS,
            ends_at=OPENS + SLOT,
            topic="Sensors",
            now=START,
        )
    return World(app, scene, speaker, rooms, items), people


# --- What happens --------------------------------------------------------------------------------
def edit(world: World, people: dict[str, User], draw: Draw) -> None:
    item = db.session.get_one(AgendaItem, draw(st.sampled_from(world.items)).id)
    values = values_of(item)
    kind = draw(st.sampled_from(("time", "room", "status", "access", "title", "speaker")))
    if kind == "time":
        values = replace(values, starts_at=OPENS + timedelta(minutes=30 * draw(st.integers(6, 12))))
    elif kind == "room":
        values = replace(values, room_id=draw(st.sampled_from([None, *(room.id for room in world.rooms)])))
    elif kind == "status":
        values = replace(values, status=draw(st.sampled_from(list(ItemStatus))))
    elif kind == "access":
        values = replace(values, access=draw(st.sampled_from(list(AccessLevel))))
    elif kind == "title":
        values = replace(values, title_en=draw(st.sampled_from(("Radar", "Sonar; or not, \\ so", "海"))))
    else:
        found = next(iter(item.speakers), None)
        values = replace(values, speakers=() if found else tuple(map(Appearance, world_speakers(world))))
    update_item(
        actor=world.organizer,
        event=item.event,
        item=item,
        values=values,
        version=item.version,
        now=world.now,
        keep_clashes=True,
    )


def world_speakers(world: World) -> list[int]:
    return [
        s.id for s in db.session.scalars(select(SpeakerRow).where(SpeakerRow.user_id == world.speaker.id))
    ]


def publish(world: World, people: dict[str, User], draw: Draw) -> None:
    publish_agenda(actor=world.organizer, event=world.event, now=world.now)


def remove(world: World, people: dict[str, User], draw: Draw) -> None:
    item = db.session.get_one(AgendaItem, draw(st.sampled_from(world.items)).id)
    remove_item(actor=world.organizer, item=item, now=world.now)


def bookmark(world: World, people: dict[str, User], draw: Draw) -> None:
    user, item = people[draw(st.sampled_from(sorted(people)))], draw(st.sampled_from(world.items))
    if draw(st.booleans()):
        add_bookmark(actor=user, event=world.event, code=item.code, now=world.now)
    else:
        remove_bookmark(actor=user, event=world.event, code=item.code)


def registration_of(world: World, draw: Draw) -> Registration:
    rows = db.session.scalars(
        select(Registration).where(Registration.event_id == world.event.id).order_by(Registration.id)
    ).all()
    found: Registration = draw(st.sampled_from(rows))
    return found


def vet(world: World, people: dict[str, User], draw: Draw) -> None:
    row = registration_of(world, draw)
    to = draw(st.sampled_from((S.APPROVED, S.DECLINED, S.IN_VETTING, S.CANCELLED)))
    decide(actor=world.organizer, registration=row, to=to, now=world.now, reason="Because")


def clear(world: World, people: dict[str, User], draw: Draw) -> None:
    row = registration_of(world, draw)
    until = draw(st.sampled_from((None, date(2090, 11, 30), date(2091, 1, 1))))
    note_vetting(
        actor=world.organizer,
        registration=row,
        note="",
        cleared_until=until,
        version=row.version,
        now=world.now,
    )


def list_person(world: World, people: dict[str, User], draw: Draw) -> None:
    item = db.session.get_one(AgendaItem, draw(st.sampled_from(world.items)).id)
    row = registration_of(world, draw)
    invite(
        actor=world.organizer,
        event=world.event,
        item=item,
        registration_id=row.id,
        invited=draw(st.booleans()),
        now=world.now,
    )


def slot(draw: Draw) -> datetime:
    return OPENS + SLOT * int(draw(st.integers(0, 4)))


def book(world: World, people: dict[str, User], draw: Draw) -> None:
    starts_at = slot(draw)
    book_meeting(
        actor=world.organizer,
        event=world.event,
        people=[db.session.get_one(Registration, r.id) for r in (world.scene.host, world.scene.guest)],
        starts_at=starts_at,
        ends_at=starts_at + SLOT,
        topic="Sensors",
        now=world.now,
    )


def meeting_of(world: World, draw: Draw) -> Meeting | None:
    rows = db.session.scalars(
        select(Meeting).where(Meeting.event_id == world.event.id).order_by(Meeting.id)
    ).all()
    return draw(st.sampled_from(rows)) if rows else None


def move(world: World, people: dict[str, User], draw: Draw) -> None:
    if meeting := meeting_of(world, draw):
        table = draw(st.sampled_from([None, *(t.id for t in world.scene.tables)]))
        move_meeting(
            actor=world.organizer, meeting=meeting, starts_at=slot(draw), table_id=table, now=world.now
        )


def cancel(world: World, people: dict[str, User], draw: Draw) -> None:
    if meeting := meeting_of(world, draw):
        cancel_meeting(actor=world.organizer, meeting=meeting, reason="Typhoon", now=world.now)


def not_come(world: World, people: dict[str, User], draw: Draw) -> None:
    if meeting := meeting_of(world, draw):
        guest = world.scene.guest.id
        mark_no_show(actor=world.organizer, meeting=meeting, registration_id=guest, now=meeting.starts_at)


def change_event(world: World, people: dict[str, User], draw: Draw) -> None:
    values: dict[str, Any] = draw(
        st.sampled_from(
            (
                {"venue_en": "Pier 9"},
                {"venue_en": "Dock 1"},
                {"title_en": "The Forum"},
                {"visibility": Visibility.CLOSED},
                {"visibility": Visibility.PUBLIC},
                {"timezone": "America/New_York"},
            )
        )
    )
    event = db.session.get_one(Event, world.event.id)
    update_event(actor=world.organizer, event=event, now=world.now, **values)


def rename(world: World, people: dict[str, User], draw: Draw) -> None:
    name = draw(st.sampled_from(("East", "West", "North")))
    if draw(st.booleans()):
        row = db.session.get_one(Room, draw(st.sampled_from(world.rooms)).id)
        update_row(actor=world.organizer, event=world.event, row=row, now=world.now, name_en=name)
    else:
        table = db.session.get_one(MeetingTable, draw(st.sampled_from(world.scene.tables)).id)
        save_table(
            actor=world.organizer,
            event=world.event,
            label=name,
            room_id=draw(st.sampled_from([None, *(room.id for room in world.rooms)])),
            table=table,
            now=world.now,
        )


HAPPENINGS = (
    edit, publish, edit, publish, remove, bookmark, bookmark, vet, clear, list_person,
    book, move, move, cancel, not_come, change_event, rename,
)  # fmt: skip


# --- What the forum says -------------------------------------------------------------------------
def same(one: dict[str, Seen], other: dict[str, Seen]) -> None:
    """Equal; says only where not, since pytest would take minutes to compare the whole."""
    differing = [(uid, one.get(uid), other.get(uid)) for uid in one.keys() | other.keys()]
    differing = [row for row in differing if row[1] != row[2]]
    if differing:
        pytest.fail("\n".join(map(str, differing[:3])), pytrace=False)


def joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def expected(world: World, user: User) -> dict[str, Seen]:
    """The entries that are on, as the pages show them; sequences are 0."""
    event = db.session.get_one(Event, world.event.id)
    user = db.session.get_one(User, user.id)
    found: dict[str, Seen] = {}
    agenda = current_agenda(event)
    if can_know_event(user, event):
        mine = programme_ids(user, agenda) if agenda else set()
        shown = readable(agenda, reader_at(user, event)).held if agenda else ()
        for item in shown:
            if item.id in mine:
                place = joined(item.room.name_en if item.room else "", event.venue_en)
                found[item.uid] = Seen(
                    0, item.status.upper(), item.starts_at, item.ends_at, item.title_en, place
                )
        rows = db.session.scalars(
            select(Registration).where(
                Registration.event_id == event.id,
                Registration.user_id == user.id,
                Registration.state.not_in(sorted(ENDED)),
            )
        ).all()
        for row in rows:
            status = "CONFIRMED" if row.state in SEATED else "TENTATIVE"
            found["attendance"] = Seen(0, status, START, START, event.title_en, "")
    meetings = db.session.scalars(
        select(Meeting)
        .join(MeetingParticipant)
        .join(Registration)
        .where(Registration.user_id == user.id, Meeting.status == MeetingStatus.CONFIRMED)
    ).all()
    for meeting in meetings:
        table = meeting.table
        assert table is not None
        place = joined(f"Table {table.label}", table.room.name_en if table.room else "", event.venue_en)
        found[meeting.uid] = Seen(0, "CONFIRMED", meeting.starts_at, meeting.ends_at, "Meeting", place)
    return found


def looks_at(world: World, name: str, user: User, path: str) -> bytes:
    """Read the feed and hold it against the forum, and against what it was."""
    db.session.rollback()
    db.session.expire_all()  # relations that were loaded before the change too
    clock.set_to(world.now)
    old_body, old_tag = world.bodies.get(name, (b"", ""))
    at_a_glance = world.app.test_client().get(path, headers={"If-None-Match": old_tag}).status_code == 304
    world.done["unchanged at a glance"] += at_a_glance
    response = world.app.test_client().get(path)
    body: bytes = response.data
    if at_a_glance:  # whatever changed, it was not this
        world.app.extensions["forum_unchanged"].forget()
        response = world.app.test_client().get(path)
        assert (response.data, response.headers["ETag"]) == (old_body, old_tag)
    entries = by_icalendar(body)
    same(by_libical(body), entries)
    on = {uid: seen for uid, seen in entries.items() if seen.status != "CANCELLED"}
    says = expected(world, user)
    told = {}
    for uid, seen in on.items():
        if uid.startswith("attendance-"):
            told["attendance"] = Seen(0, seen.status, START, START, seen.summary, "")
        else:
            summary = "Meeting" if seen.summary.startswith("Meeting: ") else seen.summary
            told[uid] = seen._replace(sequence=0, summary=summary)
    same(told, says)
    before = world.seen.setdefault(name, {})
    for uid in world.shown.get(name, set()) - entries.keys():
        # gone without a word only what was off before, or what they took out themselves
        assert before[uid].status == "CANCELLED" or world.done["left"], uid
    world.shown[name] = set(entries)
    for uid, seen in entries.items():
        if (was := before.get(uid)) is not None:
            what, what_was = (
                (s.starts_at, s.ends_at, s.status, s.location if s.status != "CANCELLED" else "")
                for s in (seen, was)
            )
            assert seen.sequence >= was.sequence
            if (seen.sequence > was.sequence) != (what != what_was):
                pytest.fail(f"{was}\n{seen}", pytrace=False)
    before.update(entries)
    tag = response.headers["ETag"]
    if name in world.bodies:
        old_body, old_tag = world.bodies[name]
        unchanged = old_body == body
        assert unchanged == (old_tag == tag)
    world.bodies[name] = (body, tag)
    again = world.app.test_client().get(path, headers={"If-None-Match": tag})
    assert again.status_code == 304
    return body


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.data())
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # to shrink takes minutes, since each try builds a forum
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_each_feed_says_what_the_forum_says(app: Flask, data: st.DataObject) -> None:
    clock.set_to(START)
    world, people = make_world(app)
    paths = {name: make_feed(user) for name, user in people.items()}
    last = {}
    for _ in range(16):
        world.now += timedelta(minutes=7)
        happening = data.draw(st.sampled_from(HAPPENINGS))
        world.done["left"] = happening is bookmark
        try:
            with transaction():
                happening(world, people, data.draw)
        except DomainError:
            world.done["refused"] += 1
        for name, user in people.items():
            last[name] = looks_at(world, name, user, paths[name])
    read = by_ical_js(*last.values())
    for body, javascript in zip(last.values(), read, strict=True):
        same(javascript, by_icalendar(body))
        same(by_ical(body), javascript)
