"""Where and when meetings of a demonstration event are: slots, tables of three kinds, interpreters, absences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from forum_app.core.intervals import Interval, grid_cells, merge
from forum_app.db import db
from forum_app.demo.content import FAMILY_NAMES, GIVEN_NAMES
from forum_app.events.models import Event
from forum_app.events.queries import list_rooms
from forum_app.meetings.busy_queries import read_diary
from forum_app.meetings.models import (
    GRID_MINUTES,
    Absence,
    Interpreter,
    InterpreterHours,
    MeetingStretch,
    MeetingTable,
    ResourceKind,
    TableHours,
    TableKind,
)
from forum_app.meetings.resource_queries import as_helper
from forum_app.organizations.models import Kind
from forum_app.registration.models import Registration

OPEN_TABLES, BOOTHS, CLOSED_TABLES, INTERPRETERS, MINUTES = 8, 2, 2, 6, 20
STRETCHES = (
    (0, "11:00", "12:00"),
    (0, "13:00", "15:00"),
    (0, "15:20", "17:00"),
    (1, "09:40", "12:00"),
    (1, "13:20", "15:00"),
    (1, "15:20", "16:40"),
)
MAIN, ANNEX = "本館 Main Building", "別館 Annex"
MAIN_HALL, STAGE, SEMINAR, SECURE = range(4)
EXHIBITION = ("10:00", "17:00")
# Minutes without a rest, clearance, and the hours (all the time without any) of the six.
RUNS = (60, 60, 60, 40, 60, None)
CLEARED = (0, 3)
DUTY: dict[int, tuple[tuple[int, str, str], ...]] = {
    1: ((0, "09:00", "17:00"),),
    2: ((1, "09:00", "17:00"),),
    4: ((0, "12:30", "17:30"), (1, "12:30", "17:30")),
}
ABSENCES = (
    (0, "11:00", "12:00", "Interview with the press", "取材対応のため"),
    (1, "14:00", "16:40", "My train leaves at 15:00.", "15時の新幹線で戻ります。"),
    (1, "09:40", "10:20", "Arriving from Nagoya", "名古屋から移動するため"),
)


class Diary:
    """Which cells each resource has taken, so that the seeding claims nothing twice."""

    def __init__(self) -> None:
        self.taken: set[tuple[ResourceKind, int, datetime]] = set()

    def free(self, kind: ResourceKind, number: int, cells: Sequence[datetime]) -> bool:
        return all((kind, number, cell) not in self.taken for cell in cells)

    def take(self, kind: ResourceKind, number: int, cells: Sequence[datetime]) -> None:
        self.taken |= {(kind, number, cell) for cell in cells}

    def held_by(self, kind: ResourceKind, number: int) -> list[Interval]:
        """The times that one resource has taken."""
        cell = timedelta(minutes=GRID_MINUTES)
        return merge(Interval(at, at + cell) for one, of, at in self.taken if (one, of) == (kind, number))


@dataclass(frozen=True, slots=True)
class Resources:
    """What meetings of the event may use. tables: the open ones; booths: by their organization."""

    tables: list[MeetingTable]
    booths: dict[int, MeetingTable]
    interpreters: list[Interpreter]

    def table(self, diary: Diary, organization_id: int | None, cells: Sequence[datetime]) -> int | None:
        """The host's own booth if it is free, else the first free table."""
        booth = self.booths.get(organization_id or 0)
        choices = ([booth] if booth is not None else []) + self.tables
        return next((t.id for t in choices if diary.free(ResourceKind.TABLE, t.id, cells)), None)

    def interpreter(self, diary: Diary, span: Interval, cells: Sequence[datetime]) -> int | None:
        """The first interpreter who is there, free and rested."""
        for row in self.interpreters:
            helper = as_helper(row, [Interval(h.starts_at, h.ends_at) for h in row.hours])
            held = diary.held_by(ResourceKind.INTERPRETER, row.id)
            if (
                helper.is_there(span)
                and diary.free(ResourceKind.INTERPRETER, row.id, cells)
                and helper.may_take(span, held)
            ):
                return row.id
        return None


def instant_at(event: Event, day: int, clock: str) -> datetime:
    """The clock at the event's place on its nth day."""
    local = datetime.combine(
        event.starts_on + timedelta(days=day), time.fromisoformat(clock), ZoneInfo(event.timezone)
    )
    return local.astimezone(UTC)


def seed_resources(
    event: Event, seated: Sequence[Registration], kinds: Mapping[int, Kind], *, held: bool
) -> Resources:
    """Rooms in two buildings, the slots of both days, 12 tables, 6 interpreters; absences before the event."""
    rooms = list_rooms(event.id)
    for position, room in enumerate(rooms):
        room.building = ANNEX if position == STAGE else MAIN
    db.session.add_all(
        MeetingStretch(
            event_id=event.id,
            starts_at=instant_at(event, day, start),
            ends_at=instant_at(event, day, end),
            slot_minutes=MINUTES,
        )
        for day, start, end in STRETCHES
    )
    tables = [
        MeetingTable(event_id=event.id, label=f"T{n + 1:02}", room_id=rooms[SEMINAR].id, position=n)
        for n in range(OPEN_TABLES)
    ]
    booths = _booths(event, seated, kinds, rooms[MAIN_HALL].id)
    closed = [
        MeetingTable(
            event_id=event.id,
            label=f"S{n + 1}",
            kind=TableKind.CLOSED,
            room_id=rooms[SECURE].id,
            position=OPEN_TABLES + BOOTHS + n,
        )
        for n in range(CLOSED_TABLES)
    ]
    interpreters = [_interpreter(event, number) for number in range(INTERPRETERS)]
    facilitators = [p for p in seated if kinds.get(p.organization_id or 0) == Kind.FACILITATOR and p.user_id]
    for row, person in zip(interpreters, facilitators[:1], strict=False):
        row.user_id, row.name_latin = person.user_id, person.name_latin
        row.name_native, row.name_kana = person.name_native, person.name_kana
    db.session.add_all([*tables, *booths.values(), *closed, *interpreters])
    if not held:
        _seed_absences(event, seated, kinds)
    db.session.flush()
    return Resources(tables, booths, interpreters)


def _booths(
    event: Event, seated: Sequence[Registration], kinds: Mapping[int, Kind], room_id: int
) -> dict[int, MeetingTable]:
    """Booths of the first two primes that are there, open while the exhibition is."""
    sending = {person.organization_id for person in seated if person.organization_id is not None}
    primes = sorted(one for one in sending if kinds.get(one) == Kind.PRIME)[:BOOTHS]
    booths = {}
    for number, prime in enumerate(primes):
        booths[prime] = MeetingTable(
            event_id=event.id,
            label=f"B{number + 1}",
            kind=TableKind.BOOTH,
            owner_id=prime,
            room_id=room_id,
            position=OPEN_TABLES + number,
            hours=[
                TableHours(starts_at=instant_at(event, day, start), ends_at=instant_at(event, day, end))
                for day in (0, 1)
                for start, end in (EXHIBITION,)
            ],
        )
    return booths


def _interpreter(event: Event, number: int) -> Interpreter:
    family, given = FAMILY_NAMES[(number * 3 + 1) % 20], GIVEN_NAMES[(number * 5 + 2) % 11]
    return Interpreter(
        event_id=event.id,
        name_latin=f"{given[0]} {family[0]}",
        name_native=f"{family[1]} {given[1]}",
        name_kana=f"{family[2]} {given[2]}",
        languages="en-ja",
        most_run_minutes=RUNS[number],
        cleared_until=event.ends_on + timedelta(days=200) if number in CLEARED else None,
        hours=[
            InterpreterHours(starts_at=instant_at(event, day, start), ends_at=instant_at(event, day, end))
            for day, start, end in DUTY.get(number, ())
        ],
    )


def _seed_absences(event: Event, seated: Sequence[Registration], kinds: Mapping[int, Kind]) -> None:
    """Some start-ups' people come late or leave early, and tell why."""
    startups = [p for p in seated if kinds.get(p.organization_id or 0) == Kind.STARTUP and p.user_id]
    for number, (day, start, end, note_en, note_ja) in enumerate(ABSENCES):
        # not the first: the accounts of the demonstration have their days free
        chosen = startups[5 + number * 7 : 6 + number * 7]
        db.session.add_all(
            Absence(
                registration_id=person.id,
                starts_at=instant_at(event, day, start),
                ends_at=instant_at(event, day, end),
                note=note_ja if person.language == "ja" else note_en,
            )
            for person in chosen
        )


def take_busy_times(event: Event, people: Sequence[Registration], diary: Diary) -> None:
    """Mark in the diary what the forum knows of people's time, with the way between buildings."""
    logins = [person.user_id for person in people if person.user_id is not None]
    known = read_diary(event, logins)
    cell = timedelta(minutes=GRID_MINUTES)
    for login in logins:
        for span in known.busy(login):
            start = span.start - (span.start - datetime(1970, 1, 1, tzinfo=UTC)) % cell
            end = span.end + (datetime(1970, 1, 1, tzinfo=UTC) - span.end) % cell
            diary.take(ResourceKind.PERSON, login, grid_cells(start, end))
