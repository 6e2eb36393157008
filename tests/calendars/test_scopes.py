"""Feeds of events, tracks, rooms, organizations, tables and interpreters: what they show, and to whom."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.accounts.models import User
from forum_app.agenda.models import AccessLevel, ItemSpeaker
from forum_app.calendars.models import FeedScope, FeedToken
from forum_app.calendars.services import Subject, change_feed, create_feed, revoke_feed
from forum_app.core.errors import NotFound, PermissionDenied
from forum_app.db import db, transaction
from forum_app.events.models import Event, RoleGrant
from forum_app.meetings.models import MeetingStatus
from forum_app.organizations.models import MemberRole, MemberState
from forum_app.registration.models import RegistrationState
from tests.calendars.parts import (
    bare,
    change,
    make_feed,
    make_interpreter,
    make_meeting,
    make_table,
    publish,
    read,
)
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_item,
    make_member,
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


def feed_of(user: User, scope: FeedScope, **subject: Any) -> str:
    with transaction():
        _, token = create_feed(
            actor=user, label="", locale="en", now=NOW, subject=Subject(scope, **subject), reminder_minutes=10
        )
    return f"/calendars/{token}.ics"


def test_track_and_room_hold_their_items_and_withdraw_what_leaves(client: FlaskClient) -> None:
    event, user = make_event(title_en="Forum"), make_user()
    room, other = make_room(event, name_en="Hall"), make_room(event)
    track = make_track(event, name_en="Sea", color=6)
    one = make_item(event, room_id=room.id, track_id=track.id, title_en="One")
    two = make_item(event, room_id=other.id, track_id=track.id, title_en="Two")
    closed = make_item(
        event, room_id=room.id, track_id=track.id, access=AccessLevel.CLEARED, title_en="Secret"
    )
    publish(event)
    of_track = feed_of(user, FeedScope.TRACK, event=event, track=track)
    of_room = feed_of(user, FeedScope.ROOM, event=event, room=room)
    of_event = feed_of(user, FeedScope.EVENT, event=event)
    assert read(client.get(of_event).data).keys() == {one.uid, two.uid}
    assert read(client.get(of_track).data).keys() == {one.uid, two.uid}
    body = client.get(of_track).data
    assert "NAME:Forum – Sea" in bare(body)
    assert "COLOR:teal" in bare(body)
    assert f"SOURCE;VALUE=URI:https://forum.test{of_track}" in bare(body)
    assert "Secret" not in bare(body)
    assert closed.uid not in bare(body)
    assert read(client.get(of_room).data).keys() == {one.uid}
    # a meeting room knows when it is busy, an agenda takes nobody's time
    assert read(client.get(of_room).data)[one.uid]["TRANSP"] == "OPAQUE"
    assert read(body)[one.uid]["TRANSP"] == "TRANSPARENT"
    change(one, room_id=other.id)
    change(two, access=AccessLevel.CLEARED)
    db.session.expire_all()
    publish(event, LATER)
    gone = read(client.get(of_room).data)[one.uid]
    assert (gone["STATUS"], gone["SEQUENCE"], gone["SUMMARY"]) == (
        "CANCELLED",
        1,
        "No longer in your calendar",
    )
    entries = read(client.get(of_track).data)
    assert (entries[one.uid]["STATUS"], entries[one.uid]["SEQUENCE"]) == ("CONFIRMED", 1)
    assert (entries[two.uid]["STATUS"], entries[two.uid]["SEQUENCE"]) == ("CANCELLED", 1)
    assert "Two" not in bare(client.get(of_track).data)


def test_an_organization_sees_its_people_and_closed_meetings_only_as_such(client: FlaskClient) -> None:
    event = make_event()
    acme = make_organization(name_en="Acme", slug="acme")
    rep, colleague = make_user(), make_user()
    membership = make_member(rep, acme)
    theirs = make_registration(event, colleague, organization=acme)
    agency = make_registration(event, name_latin="Dana Fields")
    make_registration(event, rep, organization=acme)
    open_one = make_meeting(agency, theirs, topic="Sensors")
    closed = make_meeting(agency, theirs, topic="Classified", closed=True, starts_at=NOW)
    foreign = make_meeting(agency, make_registration(event))
    speaker = make_speaker(event, organization_id=acme.id, user_id=colleague.id)
    item = make_item(event, title_en="Their talk")
    save(ItemSpeaker(item_id=item.id, speaker_id=speaker.id))
    publish(event)
    path = feed_of(rep, FeedScope.ORGANIZATION, organization=acme)
    body = client.get(path).data
    entries = read(body)
    assert entries.keys() == {open_one.uid, closed.uid, item.uid}
    assert foreign.uid not in bare(body)
    assert "Dana Fields" in entries[open_one.uid]["SUMMARY"]
    assert (entries[closed.uid]["SUMMARY"], entries[closed.uid]["CLASS"]) == (
        "Closed meeting",
        "CONFIDENTIAL",
    )
    assert "Classified" not in bare(body)
    # who no longer speaks for it loses all of it, and the calendar learns that
    change(membership, role=MemberRole.MEMBER)
    lost = read(client.get(path).data)
    assert {str(e["STATUS"]) for e in lost.values()} == {"CANCELLED"}
    assert lost.keys() == entries.keys()
    assert "Sensors" not in bare(client.get(path).data)
    change(membership, role=MemberRole.REPRESENTATIVE)
    assert read(client.get(path).data)[open_one.uid]["SEQUENCE"] == 2
    change(membership, state=MemberState.ENDED)
    assert {str(e["STATUS"]) for e in read(client.get(path).data).values()} == {"CANCELLED"}


def test_a_table_shows_who_sits_there_and_an_interpreter_all_their_meetings(client: FlaskClient) -> None:
    event, organizer, helper = make_event(), make_user(), make_user()
    role: RoleGrant = grant(organizer, event)
    table, other = make_table(event), make_table(event)
    interpreter = make_interpreter(event, name_latin="Mori Emi", user_id=helper.id)
    host, guest = make_registration(event, name_latin="Dana Fields"), make_registration(event)
    meeting = make_meeting(host, guest, table_id=table.id, topic="Sensors", interpreter_id=interpreter.id)
    hushed = make_meeting(host, guest, table_id=table.id, closed=True, starts_at=NOW)
    of_table = feed_of(organizer, FeedScope.TABLE, event=event, table=table)
    of_helper = feed_of(helper, FeedScope.INTERPRETER, event=event, interpreter=interpreter)
    body = client.get(of_table).data
    assert "Dana Fields" in read(body)[meeting.uid]["SUMMARY"]
    assert read(body)[hushed.uid]["SUMMARY"] == "Closed meeting"
    assert "Sensors" not in bare(body)
    entry = read(client.get(of_helper).data)[meeting.uid]
    assert "Sensors" in entry["DESCRIPTION"]
    assert str(entry["LOCATION"]).startswith(f"Table {table.label}")
    assert [a["TRIGGER"].dt for a in entry.walk("VALARM")] == [timedelta(minutes=-10)]
    change(meeting, table_id=other.id, sequence=1, changed_at=LATER)
    assert read(client.get(of_table).data)[meeting.uid]["STATUS"] == "CANCELLED"
    assert read(client.get(of_helper).data)[meeting.uid]["SEQUENCE"] == 1
    change(meeting, interpreter_id=None)
    assert read(client.get(of_helper).data)[meeting.uid]["STATUS"] == "CANCELLED"
    change(hushed, status=MeetingStatus.CANCELLED, sequence=1, changed_at=LATER)
    assert read(client.get(of_table).data)[hushed.uid]["STATUS"] == "CANCELLED"
    with transaction():
        db.session.delete(db.session.get(RoleGrant, role.id))
    assert {str(e["STATUS"]) for e in read(client.get(of_table).data).values()} == {"CANCELLED"}


def test_what_is_not_ones_own_cannot_be_had(app: Flask) -> None:
    event, elsewhere, stranger = make_event(), make_event(), make_user()
    table, interpreter = make_table(event), make_interpreter(event, name_latin="Mori Emi")
    acme = make_organization()
    make_member(stranger, acme, role=MemberRole.MEMBER)
    organizer = make_user()
    grant(organizer, elsewhere)
    for user in (stranger, organizer):
        for subject in (
            {"scope": FeedScope.TABLE, "event": event, "table": table},
            {"scope": FeedScope.TABLE, "event": elsewhere, "table": table},
            {"scope": FeedScope.INTERPRETER, "event": event, "interpreter": interpreter},
            {"scope": FeedScope.ORGANIZATION, "organization": acme},
        ):
            with pytest.raises(PermissionDenied):
                feed_of(user, **subject)  # type: ignore[arg-type]


def test_registration_lost_and_item_closed_are_taken_back(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    registration = make_registration(event, user)
    item = make_item(event, access=AccessLevel.REGISTERED, title_en="For registered people")
    publish(event)
    path = feed_of(user, FeedScope.EVENT, event=event)
    assert read(client.get(path).data)[item.uid]["STATUS"] == "CONFIRMED"
    change(registration, state=RegistrationState.CANCELLED, state_changed_at=LATER)
    body = client.get(path).data
    entry = read(body)[item.uid]
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", 1)
    assert "For registered people" not in bare(body)


def test_reminders_are_as_the_person_likes(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    meeting = make_meeting(make_registration(event), make_registration(event, user))
    path = make_feed(user)
    first = client.get(path)
    assert read(first.data)[meeting.uid].walk("VALARM") == []
    row = db.session.query(FeedToken).one()
    sign_in(client, user)
    page = client.post(
        f"/account/calendars/{row.id}", data={"label": "Phone", "locale": "en", "reminder": "60"}
    )
    assert page.status_code == 303
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    [alarm] = read(changed.data)[meeting.uid].walk("VALARM")
    assert (alarm["TRIGGER"].dt, alarm["ACTION"]) == (timedelta(hours=-1), "DISPLAY")
    # a reminder is no change of the entry
    assert read(changed.data)[meeting.uid]["SEQUENCE"] == 0
    bad = client.post(
        f"/account/calendars/{row.id}", data={"label": "x" * 101, "locale": "en", "reminder": "7"}
    )
    assert bad.status_code == 422
    other = make_user()
    with pytest.raises(NotFound), transaction():
        change_feed(actor=other, feed_id=row.id, label="", locale="en", reminder_minutes=None, now=NOW)


def test_organizers_list_make_and_revoke_the_addresses_of_their_event(app: Flask) -> None:
    event, organizer, colleague = make_event(), make_user(), make_user()
    grant(organizer, event)
    grant(colleague, event)
    table = make_table(event)
    client = sign_in(app.test_client(), organizer)
    page = f"/events/{event.slug}/manage/calendars"
    response = client.post(
        page, data={"subject": f"table-{table.id}", "label": "Hall screen", "locale": "ja"}
    )
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    found = re.search(r"https://forum\.test(/calendars/[\w-]+\.ics)", response.text)
    assert found is not None
    assert client.get(found[1]).status_code == 200
    assert "Hall screen" in client.get(page).text
    assert found[1] not in client.get(page).text
    personal = make_feed(organizer, label="Mine alone")
    second = sign_in(app.test_client(), colleague)
    assert "Hall screen" in second.get(page).text
    assert "Mine alone" not in second.get(page).text
    rows = {row.label: row.id for row in db.session.query(FeedToken)}
    assert second.post(f"{page}/{rows['Mine alone']}/revoke").status_code == 404
    assert second.post(f"{page}/{rows['Hall screen']}/revoke").status_code == 303
    assert client.get(found[1]).status_code == 404
    assert client.get(personal).status_code == 200
    assert client.post(page, data={"subject": "table-999", "locale": "en"}).status_code == 422
    elsewhere = make_table(make_event())
    assert client.post(page, data={"subject": f"table-{elsewhere.id}", "locale": "en"}).status_code == 422
    assert "テーブル" in client.get(f"{page}?lang=ja").text


def test_the_organizers_page_costs_the_same_for_one_and_for_thirty(client: FlaskClient) -> None:
    event, organizer = make_event(), make_user()
    grant(organizer, event)
    sign_in(client, organizer)
    counts = []
    for number in (1, 30):
        for _ in range(number):
            feed_of(organizer, FeedScope.TABLE, event=event, table=make_table(event))
        with count_queries() as statements:
            assert client.get(f"/events/{event.slug}/manage/calendars").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 14


@pytest.mark.every_database
def test_nothing_is_read_while_nothing_was_written(app: Flask) -> None:
    event, user = make_event(), make_user()
    meeting = make_meeting(make_registration(event), make_registration(event, user))
    path = make_feed(user)
    client = app.test_client()
    tag = {"If-None-Match": client.get(path).headers["ETag"]}
    assert client.get(path, headers=tag).status_code == 304
    with count_queries() as statements:
        answer = client.get(path, headers=tag)
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag["If-None-Match"])
    assert len(statements) <= 1  # PostgreSQL is asked for its snapshot
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    # whatever is written, the long way is gone, and finds what it finds
    change(event, title_en="Another title")
    fresh = client.get(path, headers=tag)
    assert fresh.status_code == 200
    assert "Another title" in fresh.text
    tag = {"If-None-Match": fresh.headers["ETag"]}
    assert client.get(path, headers=tag).status_code == 304
    change(meeting, status=MeetingStatus.CANCELLED, sequence=1, changed_at=LATER)
    assert client.get(path, headers=tag).status_code == 200
    client.get(path)
    with transaction():
        revoke_feed(actor=user, feed_id=db.session.query(FeedToken).one().id, now=NOW)
    assert client.get(path, headers=tag).status_code == 404


def test_the_place_of_the_event_is_part_of_the_agenda_file(client: FlaskClient) -> None:
    event: Event = make_event(venue_en="Pier 9")
    item = make_item(event)
    publish(event)
    path = f"/events/{event.slug}/agenda.ics"
    assert read(client.get(path).data)[item.uid]["SEQUENCE"] == 0
    change(event, title_en="Another title")
    assert read(client.get(path).data)[item.uid]["SEQUENCE"] == 0
    change(event, venue_en="Dock 1")
    for _ in range(2):
        entry = read(client.get(path).data)[item.uid]
        assert (entry["SEQUENCE"], entry["LOCATION"]) == (1, "Dock 1")
    assert read(client.get(f"/events/{event.slug}/agenda/{item.code}.ics").data)[item.uid]["SEQUENCE"] == 1
