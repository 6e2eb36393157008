"""What is kept of entries for several readers, and what kept records are compared with."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.agenda.models import AccessLevel, ItemKind
from forum_app.agenda.snapshot import PublishedItem
from forum_app.calendars.contents import ItemPart, MeetingPart, item_part
from forum_app.calendars.ledger import digest
from forum_app.calendars.models import Shown
from forum_app.calendars.queries import EventFacts, MeetingFacts
from forum_app.core.ical import CalendarEntry, CalendarInfo, render_feed
from forum_app.db import db
from forum_app.events.models import Visibility
from forum_app.meetings.models import MeetingFormat, MeetingStatus
from tests.calendars.parts import make_feed
from tests.factories import make_user

AT = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
EVENT = EventFacts(
    1, "forum", "Forum", "フォーラム", "Hall “A”", "会館", "", "", "Asia/Tokyo", date(2026, 11, 30),
    date(2026, 12, 1), Visibility.PUBLIC, AT, 1,
)  # fmt: skip
MEETING = MeetingFacts(
    7, 1, "m@forum.example", 2, MeetingStatus.CONFIRMED, AT, AT + timedelta(minutes=20), "It's\nme", "",
    AT, AT, "T1", "Room", "室", None, None,
)  # fmt: skip
ITEM = PublishedItem(
    3, "A1", "a@forum.example", "guid", 1, 0, ItemKind.KEYNOTE, AT, AT + timedelta(hours=1),
    date(2026, 11, 30), AT,
)  # fmt: skip


@pytest.mark.parametrize("status", list(MeetingStatus))
@pytest.mark.parametrize("format_", list(MeetingFormat))
def test_the_shape_of_a_meeting_is_as_it_was_ever_kept(format_: MeetingFormat, status: MeetingStatus) -> None:
    """Any other would raise the SEQUENCE of each meeting in each calendar."""
    meeting = MEETING._replace(status=status, format=format_, link="https://meet.example/'x'")
    cancelled = status != MeetingStatus.CONFIRMED
    place = (format_, "T1", "Room", "室", meeting.link, ("Hall “A”", "会館"))
    facts = (meeting.starts_at, meeting.ends_at, cancelled, None if cancelled else place)
    assert MeetingPart(EVENT, meeting).face("forum.example").shape == digest(repr(facts))


def test_an_item_is_one_part_for_all_to_whom_it_looks_alike() -> None:
    part = item_part(EVENT, ITEM, settled_at=AT)
    assert item_part(EVENT, ITEM, settled_at=AT + timedelta(days=1)) is part  # it is open to anybody
    assert item_part(EVENT, ITEM, chosen=True) is not part
    closed = replace(ITEM, access=AccessLevel.INVITED)
    later = item_part(EVENT, closed, settled_at=AT + timedelta(days=1))
    assert later is not item_part(EVENT, closed, settled_at=AT)
    assert later.face("").changed_at == AT + timedelta(days=1)
    other = item_part(EVENT._replace(venue_en="Hall B"), ITEM)
    assert other.face("").shape != part.face("").shape
    assert other == ItemPart(other.event, ITEM)


def test_the_hour_that_is_shown_twice_is_two_hours() -> None:
    """Such local times are equal to Python, but not the same instant."""
    zone = ZoneInfo("America/New_York")
    start = datetime(2026, 11, 1, 1, 30, tzinfo=zone)
    written = []
    for fold in (0, 1):
        at = start.replace(fold=fold)
        entry = CalendarEntry("a", 0, at, at, at, at, at + timedelta(0), "America/New_York", "A")
        written.append(render_feed([entry], CalendarInfo("x")).decode())
    assert all(f"{name}:20261101T053000Z" in written[0] for name in ("DTSTAMP", "CREATED", "DTSTART"))
    assert all(f"{name}:20261101T063000Z" in written[1] for name in ("DTSTAMP", "CREATED", "DTSTART"))


def test_who_finds_that_another_was_first_settles_with_what_they_kept(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_feed(make_user())
    first = client.get(path)
    monkeypatch.setattr("forum_app.calendars.keeping.find_shown", lambda token_id: None)
    second = client.get(path)
    assert (second.status_code, second.data) == (200, first.data)
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"]  # it could be written down
    assert db.session.scalars(select(Shown.version)).all() == [2]
