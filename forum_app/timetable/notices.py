"""Mails about a published schedule: one for each person concerned, with all that changes for them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forum_app.events.models import Event
from forum_app.mail.changes import queue_change
from forum_app.meetings.models import MeetingTable
from forum_app.meetings.queries import list_tables
from forum_app.registration.models import Registration
from forum_app.timetable.plan_queries import Change, ChangeKind
from forum_app.timetable.queries import people_by_id


@dataclass(frozen=True, slots=True)
class Line:
    """One change and what the meeting is about."""

    change: Change
    topic: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of one person's mail. was: where it was, for a moved one."""

    topic: str
    other: Registration
    start: datetime
    table: MeetingTable | None
    was: datetime | None


def notify_published(event: Event, lines: Sequence[Line], *, repair: bool, now: datetime) -> int:
    """Queue a mail for everybody whose meetings are new, moved or dropped; how many. Two statements and
    one row per mail."""
    ids = {person for line in lines for person in (line.change.host, line.change.guest)}
    people = people_by_id(event.id, ids)
    tables = {table.id: table for table in list_tables(event.id)}
    mails: dict[int, dict[ChangeKind, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        change = line.change
        table_id = change.after.table_id if change.after is not None else None
        for me, other in ((change.host, change.guest), (change.guest, change.host)):
            if me in people and other in people:
                entry = Entry(
                    line.topic,
                    people[other],
                    change.when.start,
                    tables.get(table_id) if table_id is not None else None,
                    change.before.starts_at if change.before is not None else None,
                )
                mails[me][change.kind].append(entry)
    count = 0
    for number in sorted(mails):
        person = people[number]
        if person.user is None:
            continue
        queue_change(
            to=person.user,
            template="timetable/published",
            context={"event": event, "changes": mails[number], "repair": repair},
            starts_at=min(entry.start for entries in mails[number].values() for entry in entries),
            now=now,
        )
        count += 1
    return count
