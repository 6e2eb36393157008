"""What a feed holds, access settled: the common form of all kinds of feed, before any word is written."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from forum_app.agenda.models import AccessLevel, ItemStatus
from forum_app.agenda.snapshot import PublishedItem
from forum_app.calendars.ledger import Face, KeptFace, digest
from forum_app.calendars.queries import EventFacts, MeetingFacts
from forum_app.meetings.models import MeetingStatus
from forum_app.registration.models import ENDED, SEATED, RegistrationState

# Raised when the same rows come out as other bytes, so that no calendar keeps the old ones.
RENDERING = 2


class Attendance(NamedTuple):
    """A person's latest registration at one event."""

    user_id: int
    state: RegistrationState
    created_at: datetime
    changed_at: datetime


# Items of the agenda look alike to many; by identity, since a published item never changes.
MOST_FACES = 3000
_faces: dict[tuple[object, ...], tuple[PublishedItem, EventFacts, Face]] = {}
_marks: dict[int, tuple[PublishedItem, str]] = {}


_written = lru_cache(maxsize=1024)(datetime.isoformat)  # most things change at the same few moments


def _mark_of(item: PublishedItem) -> str:
    """Tells an item from all others and from what it was; a publication that leaves it as it was leaves
    its changed_at."""
    known = _marks.get(id(item))
    if known is not None and known[0] is item:
        return known[1]
    if len(_marks) >= MOST_FACES:
        _marks.clear()
    mark = f"{item.id} {_written(item.changed_at)}"
    _marks[id(item)] = item, mark
    return mark


class ItemPart(NamedTuple):
    """An agenda item. hidden: the reader had it and may no longer know of it; settled_at: when their
    access last changed. busy: whether it takes the time of whose feed it is. chosen: it is there since
    the reader marked it."""

    event: EventFacts
    item: PublishedItem
    hidden: bool = False
    settled_at: datetime | None = None
    busy: bool = True
    chosen: bool = False

    @property
    def key(self) -> str:
        return f"item:{self.item.id}"

    def mark(self) -> str:
        event, item, hidden, settled_at, busy, chosen = self
        return f"i{event.id} {_mark_of(item)} {hidden}{busy}{chosen} {settled_at and _written(settled_at)}"

    def face(self, uid_domain: str) -> Face:
        item, event = self.item, self.event
        if self.hidden:
            start, _ = days_of(event)
            changed = item.changed_at if self.settled_at is None else max(item.changed_at, self.settled_at)
            return Face(
                self.key, item.uid, item.sequence, "", "", changed, start, start, event.timezone, hidden=True
            )
        # whoever was let in later has had it since then
        settled = self.settled_at if item.access != AccessLevel.PUBLIC else None
        key = (id(item), event.id, self.chosen, settled)
        known = _faces.get(key)
        if known is not None and known[0] is item and known[1] is event:
            return known[2]
        face = KeptFace(*self._face(settled))
        if len(_faces) >= MOST_FACES:
            _faces.clear()
        _faces[key] = (item, event, face)
        return face

    def _face(self, settled: datetime | None) -> Face:
        item, event = self.item, self.event
        room = item.room
        venue = (event.venue_en, event.venue_ja)
        where = (room.name_en if room else "", room.name_ja if room else "", venue)
        place = None if item.is_cancelled else where  # nobody goes to a cancelled one
        return Face(
            self.key,
            item.uid,
            item.sequence,
            digest((item.starts_at, item.ends_at, item.status.value, place)),
            digest((item.changed_at, where, event.timezone, event.slug)),
            item.changed_at if settled is None else max(item.changed_at, settled),
            item.starts_at,
            item.ends_at,
            event.timezone,
            cancelled=item.status == ItemStatus.CANCELLED,
            chosen=self.chosen,
        )


class MeetingPart(NamedTuple):
    """A meeting. discreet: only that there is one, when and where."""

    event: EventFacts
    meeting: MeetingFacts
    discreet: bool = False

    @property
    def key(self) -> str:
        return f"meeting:{self.meeting.id}"

    def mark(self) -> str:
        meeting = self.meeting
        changed, shown = _written(meeting.changed_at), meeting.shown
        flags = f"{not meeting.topic}{self.discreet} {len(shown)}"
        return f"m{meeting.id} {meeting.sequence} {changed} {flags} {shown}"

    def face(self, uid_domain: str) -> Face:
        meeting, event = self.meeting, self.event
        cancelled = meeting.status != MeetingStatus.CONFIRMED
        venue = (event.venue_en, event.venue_ja)
        table = (meeting.table, meeting.room_en, meeting.room_ja)
        # nobody goes to a cancelled one, and it may have given its table back
        place = None if cancelled else (meeting.format, *table, meeting.link, venue)
        titles = (event.slug, event.timezone, event.title_en, event.title_ja)
        return Face(
            self.key,
            meeting.uid,
            meeting.sequence,
            digest((meeting.starts_at, meeting.ends_at, cancelled, place)),
            digest((meeting.shown, venue, titles, self.discreet, meeting.topic)),
            meeting.changed_at,
            meeting.starts_at,
            meeting.ends_at,
            event.timezone,
            cancelled=cancelled,
        )


class AttendancePart(NamedTuple):
    """The days of an event at which a person registered."""

    event: EventFacts
    attendance: Attendance

    @property
    def key(self) -> str:
        return f"attendance:{self.event.id}"

    def mark(self) -> str:
        return f"a{self.event.id} {self.attendance!r}"

    def face(self, uid_domain: str) -> Face:
        event, attendance = self.event, self.attendance
        start, end = days_of(event)
        state = attendance.state
        status = "off" if state in ENDED else "on" if state in SEATED else "tentative"
        venue = (event.venue_en, event.venue_ja, event.address_en, event.address_ja)
        titles = (event.slug, event.timezone, event.title_en, event.title_ja, event.visibility.value)
        place = None if state in ENDED else venue
        return Face(
            self.key,
            f"attendance-{event.id}-{attendance.user_id}@{uid_domain}",
            0,
            digest((start, end, status, place)),
            digest((state.value, titles, venue)),
            attendance.changed_at,
            start,
            end,
            event.timezone,
            cancelled=state in ENDED,
        )


Part = ItemPart | MeetingPart | AttendancePart


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a feed shows. name_*: of the calendar, empty where the reader has no name for it.

    open_keys: of entries that the reader might still have, but took out themselves. zone and year: of
    an empty calendar. fingerprint: equal if and only if all this is. made_of: as long as none of these
    changes (calendars/watch.py), this stays as it is; None: as long as nothing does that is watched.
    """

    parts: tuple[Part, ...]
    zone: str
    year: int
    fingerprint: str
    name_en: str = ""
    name_ja: str = ""
    color: str = ""
    open_keys: frozenset[str] = frozenset()
    made_of: tuple[str, ...] | None = None


def contents(
    parts: Iterable[Part],
    *,
    zone: str,
    year: int,
    name: tuple[str, str] = ("", ""),
    color: str = "",
    open_keys: Iterable[str] = (),
    made_of: Iterable[str] | None = None,
) -> Contents:
    """Put together, with the fingerprint."""
    parts = tuple(parts)
    events = {part.event.id: part.event for part in parts}
    around = repr((RENDERING, sorted(events.items()), name, color, zone))
    text = "\n".join([around, *[part.mark() for part in parts]])
    return Contents(
        parts,
        zone,
        year,
        hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        *name,
        color=color,
        open_keys=frozenset(open_keys),
        made_of=None if made_of is None else tuple(made_of),
    )


def days_of(event: EventFacts) -> tuple[datetime, datetime]:
    """From the midnight before the first day to that after the last, in the event's zone; UTC."""
    zone = ZoneInfo(event.timezone)
    first, after = event.starts_on, event.ends_on + timedelta(days=1)
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, after))
    return start, end


def faces(parts: Sequence[Part], uid_domain: str) -> list[Face]:
    """What each part looks like."""
    return [part.face(uid_domain) for part in parts]
