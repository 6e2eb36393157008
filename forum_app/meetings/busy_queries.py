"""The one conflict engine: when people are taken, whatever by, and what they have to walk.

Sources: what they speak at or signed up for, their pitch, pitches they judge, meetings at all events,
absences they declared, and their other calendars. Where a place is in another building, the way there
and back is taken too. A fixed number of statements, for one person as for thousands.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select

from forum_app.agenda.busy_queries import agenda_busy
from forum_app.core.intervals import Interval, clip, merge, overlaps
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, Room
from forum_app.freebusy.queries import other_busy
from forum_app.meetings.models import (
    Absence,
    Meeting,
    MeetingParticipant,
    MeetingSettings,
    MeetingStatus,
    MeetingTable,
)
from forum_app.registration.models import Registration

WALK_MINUTES = 10  # MeetingSettings.walk_minutes of an event without settings
LONGEST_WALK = timedelta(minutes=120)
IN_MEETING = N_("Has a meeting")
ABSENT = N_("Declared an absence")
WALKS = N_("On the way from or to another building")
NOT_FREE = N_("Not free")  # by another calendar, which is nobody's business but the person's own


class Source(StrEnum):
    """Where a busy time comes from."""

    AGENDA = "agenda"
    MEETING = "meeting"
    ABSENCE = "absence"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Busy:
    """One time at which a person is taken, and why. reason: a text to translate; titles may be empty.

    building: as in BusyTime. meeting_id, item_id: of a meeting, of an agenda item.
    """

    span: Interval
    source: Source
    reason: str
    title_en: str = ""
    title_ja: str = ""
    building: str | None = None
    meeting_id: int | None = None
    item_id: int | None = None

    @property
    def is_absence(self) -> bool:
        return self.source == Source.ABSENCE


@dataclass(slots=True)
class Diary:
    """What is known of people's time. entries: by login; walk: between two buildings of the event.

    buildings: where the event's tables stand.
    """

    entries: dict[int, list[Busy]]
    walk: timedelta
    buildings: frozenset[str]
    _merged: dict[tuple[int, frozenset[str]], list[Interval]] = field(default_factory=dict)

    def busy(self, user_id: int, buildings: Collection[str] | None = None) -> list[Interval]:
        """Merged and sorted; buildings: where a meeting might be (None: at any table of the event)."""
        key = (user_id, self.buildings if buildings is None else frozenset(buildings))
        if key not in self._merged:
            entries = self.entries.get(user_id, ())
            self._merged[key] = merge(self._reach(entry, key[1]) for entry in entries)
        return self._merged[key]

    def clashes(self, user_id: int, span: Interval, buildings: Collection[str] | None = None) -> list[Busy]:
        """What stands against a meeting of a person in span, in order of time; the way counts as WALKS."""
        places = self.buildings if buildings is None else frozenset(buildings)
        found = []
        for entry in self.entries.get(user_id, ()):
            if overlaps(entry.span, span):
                found.append(entry)
            elif overlaps(reach := self._reach(entry, places), span):
                found.append(Busy(reach, entry.source, WALKS, entry.title_en, entry.title_ja, entry.building))
        return sorted(found, key=lambda busy: (busy.span, busy.reason))

    def is_free(self, user_id: int, span: Interval, buildings: Collection[str] | None = None) -> bool:
        """Whether nothing stands against a meeting of a person in span."""
        return not any(overlaps(busy, span) for busy in self.busy(user_id, buildings))

    def _reach(self, entry: Busy, buildings: frozenset[str]) -> Interval:
        """The span of an entry with the way to and from buildings that are not its own."""
        if not self.walk or entry.building is None or not buildings - {entry.building}:
            return entry.span
        return Interval(entry.span.start - self.walk, entry.span.end + self.walk)


def read_diary(
    event: Event,
    user_ids: Collection[int],
    *,
    window: Interval | None = None,
    without: Collection[int] = (),
    buildings: frozenset[str] | None = None,
) -> Diary:
    """The busy times of people around an event; without: meetings (ids) that do not count.

    Nine statements at most, however many people. window: only what may matter to meetings in it.
    buildings: where the event's tables stand, if the caller knows.
    """
    wanted = set(user_ids)
    reach = Interval(window.start - LONGEST_WALK, window.end + LONGEST_WALK) if window else None
    entries: dict[int, list[Busy]] = {user_id: [] for user_id in wanted}
    walk = read_walk(event.id)
    if buildings is None:
        buildings = list_table_buildings(event.id)
    if wanted:
        for user_id, busy in [
            *_agenda(event, wanted),
            *_meetings(event, wanted, reach),
            *_absent(wanted, reach),
            *_elsewhere(wanted, reach),
        ]:
            if busy.meeting_id not in without and (reach is None or overlaps(busy.span, reach)):
                entries[user_id].append(busy)
    return Diary(entries, walk, buildings)


def read_walk(event_id: int) -> timedelta:
    """What people need from one building of an event to another."""
    minutes = db.session.scalar(
        select(MeetingSettings.walk_minutes).where(MeetingSettings.event_id == event_id)
    )
    return timedelta(minutes=WALK_MINUTES if minutes is None else minutes)


def list_table_buildings(event_id: int) -> frozenset[str]:
    """The buildings in which the tables of an event stand; tables without a room are in none."""
    return frozenset(
        db.session.scalars(
            select(Room.building)
            .join(MeetingTable, MeetingTable.room_id == Room.id)
            .where(MeetingTable.event_id == event_id)
            .distinct()
        )
    )


def _agenda(event: Event, user_ids: Collection[int]) -> list[tuple[int, Busy]]:
    return [
        (
            time.user_id,
            Busy(
                time.span,
                Source.AGENDA,
                time.reason,
                time.title_en,
                time.title_ja,
                time.building,
                item_id=time.item_id,
            ),
        )
        for time in agenda_busy(event.id, user_ids)
    ]


def _meetings(event: Event, user_ids: Collection[int], window: Interval | None) -> list[tuple[int, Busy]]:
    statement = (
        select(
            Registration.user_id,
            Meeting.starts_at,
            Meeting.ends_at,
            Meeting.id,
            Meeting.event_id,
            Meeting.topic,
            Room.building,
        )
        .select_from(MeetingParticipant)
        .join(MeetingParticipant.registration)
        .join(MeetingParticipant.meeting)
        .outerjoin(MeetingTable, MeetingTable.id == Meeting.table_id)
        .outerjoin(Room, Room.id == MeetingTable.room_id)
        .where(Meeting.status == MeetingStatus.CONFIRMED, Registration.user_id.in_(user_ids))
    )
    if window is not None:
        statement = statement.where(Meeting.starts_at < window.end, Meeting.ends_at > window.start)
    return [
        (
            user_id,
            Busy(
                Interval(start, end),
                Source.MEETING,
                IN_MEETING,
                topic,
                topic,
                # of another event's buildings nothing is known but the hour
                building if event_id == event.id else None,
                meeting_id,
            ),
        )
        for user_id, start, end, meeting_id, event_id, topic, building in db.session.execute(statement)
        if user_id is not None
    ]


def _absent(user_ids: Collection[int], window: Interval | None) -> list[tuple[int, Busy]]:
    statement = (
        select(Registration.user_id, Absence.starts_at, Absence.ends_at)
        .join(Absence.registration)
        .where(Registration.user_id.in_(user_ids))
    )
    if window is not None:
        statement = statement.where(Absence.starts_at < window.end, Absence.ends_at > window.start)
    return [
        (user_id, Busy(Interval(start, end), Source.ABSENCE, ABSENT))
        for user_id, start, end in db.session.execute(statement)
        if user_id is not None
    ]


def _elsewhere(user_ids: Collection[int], window: Interval | None) -> list[tuple[int, Busy]]:
    return [
        (user_id, Busy(span, Source.CALENDAR, NOT_FREE)) for user_id, span in other_busy(user_ids, window)
    ]


def busy_of(
    event: Event,
    user_ids: Collection[int],
    *,
    window: Interval | None = None,
    without: Collection[int] = (),
    buildings: Collection[str] | None = None,
) -> dict[int, list[Interval]]:
    """When each person cannot meet at this event; UTC, merged, sorted; every id given is a key.

    window: cut to it. without: meetings (ids) that do not count. buildings: where the meetings might
    be; None stands for all in which tables stand, so that a time that is left is good at any table;
    () for remote ones, to which nobody walks.
    """
    diary = read_diary(event, user_ids, window=window, without=without)
    found = {user_id: diary.busy(user_id, buildings) for user_id in user_ids}
    return found if window is None else {user_id: clip(times, window) for user_id, times in found.items()}
