"""The personal feed: what is in it, what never is, and what it costs."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.agenda.models import AccessLevel, AgendaItem, Bookmark, ItemKind, ItemStatus
from forum_app.calendars.models import FeedToken
from forum_app.calendars.services import create_feed, revoke_feed
from forum_app.db import db, transaction
from forum_app.events.models import Visibility
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingRole, MeetingStatus
from forum_app.registration.models import RegistrationState
from forum_app.web import clock
from tests.calendars.parts import (
    START,
    bare,
    change,
    make_feed,
    make_interpreter,
    make_meeting,
    make_table,
    mark,
    publish,
    read,
    speaks,
)
from tests.calendars.test_agenda_files import LEVELS, READABLE, reader_of
from tests.factories import (
    NOW,
    make_event,
    make_item,
    make_organization,
    make_registration,
    make_room,
    make_user,
    save,
)
from tests.queries import count_queries

LATER = NOW + timedelta(days=1)
DOMAIN = "forum.test"


def test_it_holds_meetings_own_items_and_events(client: FlaskClient) -> None:
    event = make_event(title_en="Forum 36", venue_en="Forum Center", venue_ja="フォーラムセンター")
    room = make_room(event, name_en="Meeting Hall", name_ja="面談会場")
    table = make_table(event, room_id=room.id)
    interpreter = make_interpreter(event, name_latin="Yui Ono", name_native="小野 結衣")
    agency = make_organization(name_en="Defense Innovation Unit", name_ja="国防イノベーションユニット")
    founder, rep = (
        make_user(name_latin="Ren Asakura", name_native="朝倉 蓮"),
        make_user(name_latin="J. Pierce"),
    )
    guest = make_registration(event, founder)
    host = make_registration(event, rep, organization=agency)
    meeting = make_meeting(
        host, guest, table_id=table.id, interpreter_id=interpreter.id, topic="Radar, small", sequence=3
    )
    talk, marked, other = (make_item(event, access=AccessLevel.REGISTERED) for _ in range(3))
    speaks(founder, talk)
    mark(founder, marked)
    publish(event)

    response = client.get(make_feed(founder, "ja"))
    assert response.status_code == 200
    assert response.content_type == "text/calendar; charset=utf-8"
    assert "Set-Cookie" not in response.headers
    entries = read(response.data)
    assert other.uid not in entries
    days = f"attendance-{event.id}-{founder.id}@{DOMAIN}"
    assert entries.keys() == {meeting.uid, talk.uid, marked.uid, days}
    entry = entries[meeting.uid]
    assert entry["SUMMARY"] == "個別面談 J. Pierce(国防イノベーションユニット)"
    assert entry["LOCATION"].endswith("面談会場、フォーラムセンター")
    assert table.label in entry["LOCATION"]
    assert "小野 結衣" in entry["DESCRIPTION"]
    assert "Radar, small" in entry["DESCRIPTION"]
    assert (entry["STATUS"], entry["CLASS"], entry["SEQUENCE"]) == ("CONFIRMED", "PRIVATE", 3)
    assert (entry["DTSTART"].dt.hour, entry["DTEND"].dt.minute) == (13, 20)

    entry = read(client.get(make_feed(rep, "en")).data)[meeting.uid]
    assert entry["SUMMARY"] == "Meeting: Ren Asakura"
    assert "Ren Asakura / 朝倉 蓮" in entry["DESCRIPTION"]
    assert entry["URL"] == f"https://forum.test/events/{event.slug}/meetings"


def test_the_days_of_an_event_follow_the_registration(client: FlaskClient) -> None:
    event, user = make_event(timezone="America/New_York"), make_user()
    registration = make_registration(event, user, state=RegistrationState.APPLIED)
    path, uid = make_feed(user), f"attendance-{event.id}-{user.id}@{DOMAIN}"
    seen: list[int] = []
    for state, status in (
        (RegistrationState.APPLIED, "TENTATIVE"),
        (RegistrationState.APPROVED, "CONFIRMED"),
        (RegistrationState.CHECKED_IN, "CONFIRMED"),
        (RegistrationState.CANCELLED, "CANCELLED"),
    ):
        change(registration, state=state, state_changed_at=NOW + timedelta(hours=len(seen)))
        entry = read(client.get(path).data)[uid]
        assert entry["STATUS"] == status
        assert entry["TRANSP"] == "TRANSPARENT"
        assert entry["DTSTART"].dt.isoformat() == "2026-11-30T00:00:00-05:00"
        assert entry["DTEND"].dt.isoformat() == "2026-12-02T00:00:00-05:00"
        seen.append(entry["SEQUENCE"])
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    make_registration(event, user)  # the person comes back
    again = read(client.get(path).data)[uid]
    assert again["STATUS"] == "CONFIRMED"
    assert again["SEQUENCE"] > seen[-1]


def test_a_cancelled_meeting_stays_as_cancelled(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    meeting = make_meeting(make_registration(event), make_registration(event, user))
    path = make_feed(user)
    first = client.get(path)
    change(
        meeting,
        status=MeetingStatus.CANCELLED,
        cancel_reason="Flight cancelled",
        sequence=1,
        changed_at=LATER,
        table_id=None,
    )
    second = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    entry = read(second.data)[meeting.uid]
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", 1)
    assert entry["SUMMARY"].startswith("Cancelled: ")
    assert "Flight cancelled" in entry["DESCRIPTION"]
    assert entry["LAST-MODIFIED"].dt == LATER


def test_other_peoples_things_never_appear(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    make_registration(event, user)
    others = [make_registration(event) for _ in range(3)]
    foreign = make_meeting(others[0], others[1], topic="Secret topic")
    elsewhere = make_event()
    make_meeting(make_registration(elsewhere), make_registration(elsewhere), topic="Secret topic")
    item = make_item(event)
    mark(make_user(), item)
    speaks(make_user(), item)
    publish(event)
    body = client.get(make_feed(user)).data
    assert read(body).keys() == {f"attendance-{event.id}-{user.id}@{DOMAIN}"}
    assert "Secret topic" not in bare(body)
    assert foreign.uid not in bare(body)


@pytest.mark.parametrize("kind", [kind for kind in READABLE if kind != "stranger"])
def test_bookmarks_show_what_may_be_read_and_withdraw_the_rest(app: Flask, kind: str) -> None:
    event = make_event()
    items = {
        level: make_item(event, access=level, title_en=f"Level {level}", text_en=f"Level {level}")
        for level in LEVELS
    }
    user = reader_of(kind, event, items)
    assert user is not None
    mark(user, *items.values())
    publish(event)
    body = app.test_client().get(make_feed(user)).data
    entries = read(body)
    for level, item in items.items():
        known = level in READABLE[kind]
        entry = entries[item.uid]
        assert entry["STATUS"] == ("CONFIRMED" if known else "CANCELLED")
        assert (f"Level {level}" in bare(body)) is known
        if not known:
            assert "LOCATION" not in entry
            assert "DESCRIPTION" not in entry
            # nor when it is held
            assert entry["DTSTART"].dt.hour == 0
            assert item.code not in entry["URL"]


def test_access_lost_and_given_back_reaches_the_calendar(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    registration = make_registration(event, user)
    item = make_item(event, access=AccessLevel.REGISTERED)
    mark(user, item)
    publish(event)
    path = make_feed(user)
    stamps, states = [], []
    for hours, state in enumerate(
        (RegistrationState.APPROVED, RegistrationState.DECLINED, RegistrationState.IN_VETTING,
         RegistrationState.APPROVED)
    ):  # fmt: skip
        change(registration, state=state, state_changed_at=NOW + timedelta(hours=hours))
        entry = read(client.get(path).data)[item.uid]
        stamps.append(entry["DTSTAMP"].dt)
        states.append(str(entry["STATUS"]))
    assert states == ["CONFIRMED", "CANCELLED", "CANCELLED", "CONFIRMED"]
    assert stamps == sorted(stamps)
    assert stamps[3] > stamps[1] > stamps[0]


def test_moves_and_cancellations_of_items_arrive(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    item, marked = make_item(event), make_item(event)
    speaks(user, item)
    mark(user, marked)
    publish(event)
    path = make_feed(user)
    assert read(client.get(path).data)[item.uid]["SEQUENCE"] == 0
    change(item, starts_at=START, ends_at=START + timedelta(hours=1))
    change(marked, status=ItemStatus.CANCELLED)
    # the draft is nobody's business
    assert read(client.get(path).data)[item.uid]["SEQUENCE"] == 0
    publish(event, LATER)
    entries = read(client.get(path).data)
    assert entries[item.uid]["SEQUENCE"] == 1
    assert entries[item.uid]["DTSTART"].dt.astimezone(UTC) == START
    assert entries[marked.uid]["STATUS"] == "CANCELLED"
    with transaction():
        db.session.delete(db.session.get(Bookmark, (marked.id, user.id)))
    assert marked.uid not in read(client.get(path).data)


def test_an_event_that_closed_its_doors_takes_its_agenda_along(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    item = make_item(event, title_en="Public then")
    mark(user, item)
    publish(event)
    path = make_feed(user)
    before = read(client.get(path).data)[item.uid]
    change(event, visibility=Visibility.CLOSED, title_en="Secret group")
    body = client.get(path).data
    entry = read(body)[item.uid]
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", 1)
    assert entry["DTSTART"] == before["DTSTART"]
    assert "Public then" not in bare(body)
    assert "Secret group" not in bare(body)
    # and as it stays closed, the withdrawn entry stays as it is
    assert client.get(path).data == body
    change(event, visibility=Visibility.PUBLIC)
    back = read(client.get(path).data)[item.uid]
    assert (back["STATUS"], back["SEQUENCE"], back["SUMMARY"]) == ("CONFIRMED", 2, "Public then")


def test_unchanged_means_304_whatever_else_happens(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    me = make_registration(event, user)
    item, other = make_item(event), make_item(event)
    mark(user, item)
    table = make_table(event)
    meeting = make_meeting(make_registration(event), me, table_id=table.id)
    publish(event)
    path = make_feed(user)
    first = client.get(path)
    tag = {"If-None-Match": first.headers["ETag"]}
    again = client.get(path, headers=tag)
    assert (again.status_code, again.data) == (304, b"")
    assert "Set-Cookie" not in again.headers
    assert client.get(path).data == first.data
    head = client.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(first.data)
    # a publication that leaves the person's items alone
    change(other, title_en="Another title")
    publish(event, LATER)
    assert client.get(path, headers=tag).status_code == 304
    for row, values in (
        (table, {"label": "T99"}),
        (meeting, {"topic": "New topic", "changed_at": LATER}),
        (me, {"state": RegistrationState.CHECKED_IN}),
        (event, {"venue_en": "Another house"}),
    ):
        change(row, **values)
        response = client.get(path, headers=tag)
        assert response.status_code == 200
        tag = {"If-None-Match": response.headers["ETag"]}
        assert client.get(path, headers=tag).status_code == 304


def test_forged_revoked_and_closed_addresses_look_the_same(client: FlaskClient) -> None:
    user, blocked = make_user(), make_user()
    path, revoked, closed = make_feed(user), make_feed(user), make_feed(blocked)
    rows = db.session.scalars(select(FeedToken).order_by(FeedToken.id)).all()
    with transaction():
        revoke_feed(actor=user, feed_id=rows[1].id, now=NOW)
    change(blocked, disabled_at=NOW)
    assert client.get(path).status_code == 200
    hashed = f"/calendars/{rows[0].token_hash}.ics"
    answers = set()
    other = "B" if path[-5] == "A" else "A"
    forged = (hashed, f"{path[:-5]}{other}.ics", "/calendars/x.ics", f"/calendars/{'x' * 3000}.ics")
    for wrong in (revoked, closed, *forged):
        response = client.get(wrong)
        assert response.status_code == 404
        answers.add(response.text.split("<main", 1)[1].split("</main>")[0])
    assert len(answers) == 1
    assert client.get("/calendars/%F0%9F%97%BE%00.ics").status_code == 404


def test_the_feed_is_the_owners_whoever_is_signed_in(app: Flask) -> None:
    owner = make_user()
    event = make_event()
    make_registration(event, owner)
    path = make_feed(owner)
    client = app.test_client()
    assert read(client.get(f"{path}?lang=ja").data).keys() == {f"attendance-{event.id}-{owner.id}@{DOMAIN}"}
    assert client.get_cookie("forum_session") is None


def test_use_is_noted_once_an_hour(client: FlaskClient) -> None:
    path = make_feed(make_user())

    def used() -> datetime | None:
        db.session.rollback()
        return db.session.scalar(select(FeedToken.last_used_at))

    assert used() is None
    client.get(path)
    first = used()
    assert first is not None
    tag = client.get(path).headers["ETag"]
    for minutes in (50, 70):
        clock.set_to(first + timedelta(minutes=minutes))
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
        noted = used()
        assert noted is not None
        assert (noted > first) is (minutes == 70)


def test_as_many_statements_for_300_entries_as_for_3(client: FlaskClient) -> None:
    counts = []
    for number in (3, 300):
        event, user = make_event(), make_user()
        me = make_registration(event, user)
        host = make_registration(event)
        meetings = [
            Meeting(
                event_id=event.id,
                uid=f"{event.slug}-{n}",
                topic="Topic",
                starts_at=START + timedelta(minutes=20 * n),
                ends_at=START + timedelta(minutes=20 * n + 20),
                created_at=NOW,
                changed_at=NOW,
                participants=[
                    MeetingParticipant(registration_id=me.id, role=MeetingRole.GUEST),
                    MeetingParticipant(registration_id=host.id, role=MeetingRole.HOST),
                ],
            )
            for n in range(number)
        ]
        items = [
            AgendaItem(
                event_id=event.id,
                uid=f"{event.slug}-item-{n}",
                kind=ItemKind.TALK,
                starts_at=START,
                ends_at=START + timedelta(hours=1),
                created_at=NOW,
                changed_at=NOW,
            )
            for n in range(number // 3)
        ]
        save(*meetings, *items)
        mark(user, *items)
        publish(event)
        path = make_feed(user)
        client.get(path)  # notes the use
        with count_queries() as statements:
            response = client.get(path)
        assert len(read(response.data)) == number + number // 3 + 1
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert counts[0] <= 12


@pytest.mark.every_database
def test_secrets_are_long_kept_as_digests_and_read_on_every_database(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    make_meeting(make_registration(event), make_registration(event, user))
    mark(user, make_item(event))
    publish(event)
    with transaction():
        feed, token = create_feed(actor=user, label="Phone", locale="ja", now=NOW)
    assert len(token) == 43
    assert token not in str(db.session.execute(select(FeedToken.__table__)).all())
    assert client.get(f"/calendars/{token}.ics").status_code == 200
    assert len(read(client.get(f"/calendars/{token}.ics").data)) == 3
    db.session.rollback()
    assert db.session.scalar(select(FeedToken.last_used_at)) is not None
    with transaction():
        revoke_feed(actor=user, feed_id=feed.id, now=NOW)
    assert client.get(f"/calendars/{token}.ics").status_code == 404


def test_a_room_that_is_renamed_raises_sequence_everywhere_alike(client: FlaskClient) -> None:
    """Also for whoever reads the agenda for the first time, and once the new name is published."""
    event, user = make_event(), make_user()
    room, twin = (
        make_room(event, name_en="East", name_ja="東"),
        make_room(event, name_en="West", name_ja="西"),
    )
    item, other = make_item(event, room_id=room.id), make_item(event, room_id=twin.id)
    mark(user, item, other)
    publish(event)
    path = make_feed(user)
    client.get(path)

    def sequences() -> list[list[int]]:
        feeds = (read(client.get(address).data) for address in (path, f"/events/{event.slug}/agenda.ics"))
        return [[int(entries[one.uid]["SEQUENCE"]) for one in (item, other)] for entries in feeds]

    change(room, name_en="Sumida")
    publish(event, LATER)
    assert sequences() == [[1, 0], [1, 0]]
    published = select(AgendaItem.sequence).order_by(AgendaItem.id)
    db.session.rollback()
    assert db.session.scalars(published).all() == [1, 0]
    change(item, room_id=None)
    publish(event, LATER + timedelta(hours=1))
    assert sequences() == [[2, 0], [2, 0]]
