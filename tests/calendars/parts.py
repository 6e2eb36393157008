"""What the tests of calendars share: reading files back, publishing, meetings."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import icalendar

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, Bookmark, ItemSpeaker, Speaker
from forum_app.agenda.publication import publish_agenda
from forum_app.calendars.services import create_feed
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.meetings.models import (
    Interpreter,
    Meeting,
    MeetingParticipant,
    MeetingRole,
    MeetingTable,
)
from forum_app.registration.models import Registration
from tests.factories import NOW, save

START = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # 13:00 in Tokyo
_number = count(1)


def read(body: bytes) -> dict[str, Any]:
    """The events of a calendar by UID, as the icalendar library reads them; checks its form."""
    assert body.startswith(b"BEGIN:VCALENDAR\r\n")
    assert body.endswith(b"END:VCALENDAR\r\n")
    for line in body[:-2].split(b"\r\n"):
        assert 0 < len(line) <= 75
        line.decode()  # folded between characters
    calendar = icalendar.Calendar.from_ical(body)
    assert len(calendar.subcomponents) > 0
    events = calendar.walk("VEVENT")
    found = {str(event["UID"]): event for event in events}
    assert len(found) == len(events)
    return found


def bare(body: bytes) -> str:
    """All text of a calendar, unfolded."""
    return re.sub(rb"\r\n ", b"", body).decode()


def publish(event: Event, now: datetime = NOW) -> None:
    with transaction():
        publish_agenda(actor=None, event=event, now=now)


def make_feed(user: User, locale: str = "en", label: str = "") -> str:
    """The path of a new personal feed."""
    with transaction():
        _, token = create_feed(actor=user, label=label, locale=locale, now=NOW)
    return f"/calendars/{token}.ics"


def mark(user: User, *items: AgendaItem) -> None:
    save(*(Bookmark(item_id=item.id, user_id=user.id, created_at=NOW) for item in items))


def speaks(user: User, item: AgendaItem, **values: Any) -> Speaker:
    speaker = Speaker(event_id=item.event_id, user_id=user.id, name_latin=user.name_latin, **values)
    save(speaker)
    save(ItemSpeaker(item_id=item.id, speaker_id=speaker.id))
    return speaker


def make_meeting(host: Registration, guest: Registration, **values: Any) -> Meeting:
    """A confirmed meeting of twenty minutes; without a table unless one is given."""
    number = next(_number)
    values.setdefault("starts_at", START)
    values.setdefault("ends_at", values["starts_at"] + timedelta(minutes=20))
    values.setdefault("topic", f"Topic {number}")
    meeting = Meeting(
        event_id=host.event_id,
        uid=f"meeting-{number}@forum.example",
        created_at=NOW,
        changed_at=NOW,
        **values,
    )
    meeting.participants = [
        MeetingParticipant(registration_id=host.id, role=MeetingRole.HOST),
        MeetingParticipant(registration_id=guest.id, role=MeetingRole.GUEST),
    ]
    save(meeting)
    return meeting


def make_table(event: Event, **values: Any) -> MeetingTable:
    table = MeetingTable(event_id=event.id, label=f"T{next(_number):02}", **values)
    save(table)
    return table


def make_interpreter(event: Event, **values: Any) -> Interpreter:
    interpreter = Interpreter(event_id=event.id, **values)
    save(interpreter)
    return interpreter


def change(row: Any, **values: Any) -> None:
    """Change a row as a service would: in a transaction of its own."""
    with transaction():
        fresh = db.session.get(type(row), row.id)
        assert fresh is not None
        for name, value in values.items():
            setattr(fresh, name, value)
