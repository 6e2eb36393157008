"""What a feed holds, access settled: the common form of all kinds of feed, before any word is written."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from forum_app.agenda.models import AccessLevel, ItemStatus
from forum_app.agenda.snapshot import PublishedItem
from forum_app.calendars.ledger import Face, KeptFace, digest
from forum_app.calendars.queries import EventFacts, MeetingFacts
from forum_app.meetings.models import MeetingFormat, MeetingStatus
from forum_app.registration.models import ENDED, SEATED, RegistrationState

# Raised when the same rows come out as other bytes, so that no calendar keeps the old ones.
RENDERING = 2


class Attendance(NamedTuple):
    """A person's latest registration at one event."""

    user_id: int
    state: RegistrationState
    created_at: datetime
    changed_at: datetime


_written = lru_cache(maxsize=1024)(datetime.isoformat)  # most things change at the same few moments


class _ItemColumns(NamedTuple):
    event: EventFacts
    item: PublishedItem
    hidden: bool = False
    settled_at: datetime | None = None
    busy: bool = True
    chosen: bool = False


class ItemPart(_ItemColumns):
    """An agenda item. hidden: the reader had it and may no longer know of it; settled_at: when their
    access last changed. busy: whether it takes the time of whose feed it is. chosen: it is there since
    the reader marked it.

    The same in the feeds of many, see item_part(): so what is made of it is made once.
    """

    @cached_property
    def key(self) -> str:
        return f"item:{self.item.id}"

    @cached_property
    def mark(self) -> str:
        """Tells an item from all others and from what it was; a publication that leaves it as it was leaves
        its changed_at."""
        event, item, hidden, settled_at, busy, chosen = self
        flags = f"{hidden}{busy}{chosen} {settled_at and _written(settled_at)}"
        return f"i{event.id} {item.id} {_written(item.changed_at)} {flags}"

    def face(self, uid_domain: str) -> Face:
        return self._face

    @cached_property
    def _face(self) -> Face:
        item, event = self.item, self.event
        changed = item.changed_at if self.settled_at is None else max(item.changed_at, self.settled_at)
        if self.hidden:
            start, _ = days_of(event)
            return Face(
                self.key, item.uid, item.sequence, "", "", changed, start, start, event.timezone, hidden=True
            )
        room = item.room
        venue = (event.venue_en, event.venue_ja)
        where = (room.name_en if room else "", room.name_ja if room else "", venue)
        place = None if item.is_cancelled else where  # nobody goes to a cancelled one
        return KeptFace(
            self.key,
            item.uid,
            item.sequence,
            digest(repr((item.starts_at, item.ends_at, item.status.value, place))),
            digest(repr((item.changed_at, where, event.timezone, event.slug))),
            changed,
            item.starts_at,
            item.ends_at,
            event.timezone,
            cancelled=item.status == ItemStatus.CANCELLED,
            chosen=self.chosen,
        )


MOST_PARTS = 3000
_parts: dict[tuple[object, ...], ItemPart] = {}


def item_part(
    event: EventFacts,
    item: PublishedItem,
    *,
    hidden: bool = False,
    settled_at: datetime | None = None,
    busy: bool = True,
    chosen: bool = False,
) -> ItemPart:
    """An item as a part of a feed; the same object for all to whom it looks alike. By identity, since a
    published item never changes."""
    if item.access == AccessLevel.PUBLIC:
        settled_at = None  # only of others can be said that whoever was let in later has had it since then
    key = (id(event), id(item), hidden, settled_at, busy, chosen)
    known = _parts.get(key)
    if known is not None and known.item is item and known.event is event:
        return known
    if len(_parts) >= MOST_PARTS:
        _parts.clear()
    part = _parts[key] = ItemPart(event, item, hidden, settled_at, busy, chosen)
    return part


@lru_cache(maxsize=1024)
def _times(starts_at: datetime, ends_at: datetime) -> str:
    return f"{starts_at!r}, {ends_at!r}"


class MeetingPart(NamedTuple):
    """A meeting. discreet: only that there is one, when and where."""

    event: EventFacts
    meeting: MeetingFacts
    discreet: bool = False

    @property
    def key(self) -> str:
        return f"meeting:{self.meeting.id}"

    @property
    def mark(self) -> str:
        meeting = self.meeting
        changed, shown = _written(meeting.changed_at), meeting.shown
        flags = f"{not meeting.topic}{self.discreet} {len(shown)}"
        return f"m{meeting.id} {meeting.sequence} {changed} {flags} {shown}"

    def face(self, uid_domain: str) -> Face:
        meeting, event = self.meeting, self.event
        cancelled = meeting.status != MeetingStatus.CONFIRMED
        # nobody goes to a cancelled one, and it may have given its table back
        place = "None" if cancelled else self._place()
        times = _times(meeting.starts_at, meeting.ends_at)
        return Face(
            self.key,
            meeting.uid,
            meeting.sequence,
            digest(f"({times}, {cancelled}, {place})"),
            digest(f"{event.named} {self.discreet} {meeting.topic!r} {meeting.shown}"),
            meeting.changed_at,
            meeting.starts_at,
            meeting.ends_at,
            event.timezone,
            cancelled=cancelled,
        )

    def _place(self) -> str:
        """As repr() of a tuple writes it, but with what is the same for many written once."""
        meeting = self.meeting
        table, room_en, room_ja = meeting.table, meeting.room_en, meeting.room_ja
        how = _FORMATS[meeting.format]
        return f"({how}, {table!r}, {room_en!r}, {room_ja!r}, {meeting.link!r}, {self.event.venue})"


_FORMATS = {format_: repr(format_) for format_ in MeetingFormat}


class AttendancePart(NamedTuple):
    """The days of an event at which a person registered."""

    event: EventFacts
    attendance: Attendance

    @property
    def key(self) -> str:
        return f"attendance:{self.event.id}"

    @property
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
            digest(repr((start, end, status, place))),
            digest(repr((state.value, titles, venue))),
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
    text = "\n".join([around, *[part.mark for part in parts]])
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
