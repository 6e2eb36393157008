"""Calendars to the byte, as they are served, around the traps of clocks; each is read by four others.

After a change that is meant, FORUM_GOLDEN=1 writes the files anew; look at the difference before you keep it.
"""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from forum_app.accounts.links import digest
from forum_app.agenda.models import AccessLevel, AgendaItem, ItemKind, ItemStatus
from forum_app.calendars.models import FeedToken
from forum_app.events.models import Event
from forum_app.meetings.models import MeetingFormat, MeetingStatus, MeetingTable
from tests.calendars.parts import change, make_meeting, mark, publish
from tests.calendars.readers import read_by_all
from tests.factories import (
    NOW,
    make_event,
    make_item,
    make_registration,
    make_room,
    make_track,
    make_user,
    save,
)

GOLDEN = Path(__file__).parent / "golden"
TITLE = "日米共同開発に向けた自律型海洋観測システムの実証と今後の課題について、現場の技術者と語る。"
TITLE_300 = (TITLE * 7)[:300]


def compare(name: str, body: bytes) -> None:
    """Equal to the golden file, and read alike by icalendar, ical, ical.js and libical."""
    path = GOLDEN / f"{name}.ics"
    if os.environ.get("FORUM_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    assert body == path.read_bytes()
    read_by_all(body)


def placed(event: Event, uid: str, **values: Any) -> AgendaItem:
    item = make_item(event, **values)
    change(item, uid=uid)
    return item


def tokyo() -> Event:
    """A forum that goes on over the end of a year."""
    event = make_event(
        slug="golden-tokyo",
        title_en="36th Technology Forum",
        title_ja="第36回 技術フォーラム",
        timezone="Asia/Tokyo",
        starts_on=date(2026, 12, 31),
        ends_on=date(2027, 1, 1),
        venue_en="Forum Center, Tokyo",
        venue_ja="東京フォーラムセンター",
    )
    hall = make_room(event, name_en="Main Hall; east, west", name_ja="大会議室(東・西)")
    track = make_track(event, name_en="Sea", name_ja="海洋", color=6)
    placed(
        event,
        "midnight@golden.example",
        code="midnight",
        title_en="Over midnight, into the new year",
        title_ja="年越しセッション",
        room_id=hall.id,
        track_id=track.id,
        starts_at=datetime(2026, 12, 31, 14, 30, tzinfo=UTC),  # 23:30
        ends_at=datetime(2026, 12, 31, 15, 30, tzinfo=UTC),  # 00:30
    )
    placed(
        event,
        "long@golden.example",
        code="longtitl",
        title_en="",
        title_ja=TITLE_300,
        text_ja='一行目\n二行目; \\ "引用", 🗾',
        kind=ItemKind.KEYNOTE,
        access=AccessLevel.PUBLIC,
        starts_at=datetime(2027, 1, 1, 0, 0, tzinfo=UTC),
        ends_at=datetime(2027, 1, 1, 1, 0, tzinfo=UTC),
    )
    placed(
        event,
        "midnight-sharp@golden.example",
        code="sharp234",
        title_en="At midnight sharp",
        status=ItemStatus.TENTATIVE,
        starts_at=datetime(2026, 12, 31, 15, 0, tzinfo=UTC),  # 00:00
        ends_at=datetime(2027, 1, 1, 15, 0, tzinfo=UTC),  # 24 hours
    )
    publish(event)
    return event


def new_york(slug: str, first: date, *starts: datetime) -> Event:
    event = make_event(
        slug=slug,
        title_en="Technology Forum",
        title_ja="",
        timezone="America/New_York",
        starts_on=first,
        ends_on=first + timedelta(days=1),
        venue_en="Pier 9",
        venue_ja="",
    )
    for number, start in enumerate(starts):
        placed(
            event,
            f"{slug}-{number}@golden.example",
            code=f"{slug[-6:]}{number}".replace("-", "x"),
            title_en=f"Session {number}",
            starts_at=start,
            ends_at=start + timedelta(hours=1),
        )
    publish(event)
    return event


def test_tokyo_over_the_end_of_a_year(client: FlaskClient) -> None:
    event = tokyo()
    for language in ("en", "ja"):
        compare(f"tokyo-{language}", client.get(f"/events/{event.slug}/agenda.ics?lang={language}").data)


def test_new_york_around_the_changes_to_and_from_summer_time(client: FlaskClient) -> None:
    spring = new_york(
        "golden-spring",
        date(2027, 3, 13),
        datetime(2027, 3, 14, 4, 30, tzinfo=UTC),  # Saturday 23:30 EST, over midnight
        datetime(2027, 3, 14, 6, 30, tzinfo=UTC),  # 01:30 EST to 03:30 EDT: one hour
        datetime(2027, 3, 14, 7, 0, tzinfo=UTC),  # 03:00 EDT, the first instant of summer time
    )
    autumn = new_york(
        "golden-autumn",
        date(2027, 11, 6),
        datetime(2027, 11, 7, 4, 30, tzinfo=UTC),  # 00:30 EDT to the first 01:30
        datetime(2027, 11, 7, 5, 30, tzinfo=UTC),  # the first 01:30 to the second
        datetime(2027, 11, 7, 6, 30, tzinfo=UTC),  # the second 01:30
        datetime(2027, 11, 7, 7, 0, tzinfo=UTC),  # 02:00 EST
    )
    for event in (spring, autumn):
        compare(event.slug.removeprefix("golden-"), client.get(f"/events/{event.slug}/agenda.ics").data)


def test_all_that_one_person_can_have(client: FlaskClient) -> None:
    event = tokyo()
    reader = make_user(name_latin="Ren Asakura", name_native="朝倉 蓮")
    me = make_registration(event, reader)
    rep = make_registration(event, name_latin="Dana Fields", name_native="")
    item = placed(
        event,
        "closed@golden.example",
        code="closed23",
        title_en="For registered people",
        access=AccessLevel.REGISTERED,
        starts_at=datetime(2026, 12, 31, 2, 0, tzinfo=UTC),
        ends_at=datetime(2026, 12, 31, 3, 0, tzinfo=UTC),
    )
    mark(reader, item)
    publish(event)
    room = make_room(event, name_en="Meeting room", name_ja="面談室")
    table = MeetingTable(event_id=event.id, label="T07", room_id=room.id)
    save(table)
    start = datetime(2026, 12, 31, 4, 0, tzinfo=UTC)
    plain: dict[str, Any] = {"topic": "Sensors", "table_id": table.id}
    remote = {"topic": "Radar", "format": MeetingFormat.REMOTE, "link": "https://meet.example/r?a=1,2;b"}
    for number, values in enumerate(
        (
            plain,
            remote,
            plain | {"status": MeetingStatus.CANCELLED, "sequence": 2, "cancel_reason": "Typhoon"},
            plain | {"closed": True},
        )
    ):
        starts_at = start + timedelta(minutes=30 * number)
        meeting = make_meeting(
            rep, me, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=20), **values
        )
        change(meeting, uid=f"meeting-{number}@golden.example")
    token = FeedToken(
        user_id=reader.id, token_hash=digest("golden"), locale="ja", reminder_minutes=15, created_at=NOW
    )
    save(token)
    body = client.get("/calendars/golden.ics").data
    own = f"attendance-{event.id}-{reader.id}@".encode()
    compare("person-ja", body.replace(own, b"attendance@"))


def test_an_empty_calendar(client: FlaskClient) -> None:
    event = make_event(
        slug="golden-empty",
        title_en="Nothing yet",
        timezone="America/New_York",
        starts_on=date(2027, 3, 13),
        ends_on=date(2027, 3, 14),
        title_ja="",
    )
    compare("empty", client.get(f"/events/{event.slug}/agenda.ics").data)
