"""Tables, interpreters, office hours, requests and meetings of a demonstration event."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, ItemSpeaker, Speaker
from forum_app.core.intervals import grid_cells
from forum_app.db import db
from forum_app.demo.content import FAMILY_NAMES, GIVEN_NAMES
from forum_app.demo.interest import (
    make_request,
    open_some_hours,
    seed_no_thanks,
    seed_profiles,
    seed_rules,
    willing_pairs,
)
from forum_app.events.models import Event
from forum_app.events.queries import list_rooms
from forum_app.meetings.models import (
    GRID_MINUTES,
    Claim,
    Interpreter,
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    MeetingTable,
    OfficeHours,
    RequestState,
    ResourceKind,
)
from forum_app.organizations.models import Kind, Organization
from forum_app.registration.models import SEATED, Registration

TABLES, INTERPRETERS, REQUESTS, MINUTES = 12, 6, 300, 20
HOST_KINDS = (Kind.AGENCY, Kind.GOVERNMENT_INVESTOR, Kind.VENTURE_CAPITAL, Kind.PRIME)
HOURS = ((0, "11:00", "12:00"), (0, "13:00", "15:00"), (1, "09:40", "12:00"), (1, "13:20", "15:00"))


class Diary:
    """Which cells each resource has taken, so that the seeding claims nothing twice."""

    def __init__(self) -> None:
        self.taken: set[tuple[ResourceKind, int, datetime]] = set()

    def free(self, kind: ResourceKind, number: int, cells: list[datetime]) -> bool:
        return all((kind, number, cell) not in self.taken for cell in cells)

    def take(self, kind: ResourceKind, number: int, cells: list[datetime]) -> None:
        self.taken |= {(kind, number, cell) for cell in cells}


def seed_meetings(
    event: Event,
    organizations: Mapping[str, Organization],
    registrations: Mapping[int, Registration],
    users: Mapping[str, User],
    now: datetime,
    *,
    held: bool,
) -> None:
    """300 requests (80 for a held event): agreed, waiting, accepted into slots and tables, ended."""
    tables, interpreters = _resources(event)
    kinds = {organization.id: organization.kind for organization in organizations.values()}
    seated = [r for r in registrations.values() if r.state in SEATED]
    hosts = [r for r in seated if kinds.get(r.organization_id or 0) in HOST_KINDS]
    askers = [r for r in seated if kinds.get(r.organization_id or 0) in (Kind.STARTUP, Kind.UNIVERSITY)]
    hours = [_office_hours(event, host, day, start, end) for host in hosts for day, start, end in HOURS]
    db.session.add_all(hours)
    if not held:
        open_some_hours(hours)
    diary = Diary()
    _agenda_busy(event, diary)
    founder = users["founder"].id
    pairs = [
        (asker, hosts[(a * 7 + turn * 5) % len(hosts)])
        for turn in range(len(hosts))
        for a, asker in enumerate(askers)
        # the account of the demonstration asks its reps itself
        if held or asker.user_id != founder or turn >= len(hosts) - 2
    ]
    wanted = 80 if held else REQUESTS
    seen: set[tuple[int, int]] = set()
    for number, (asker, host) in enumerate(willing_pairs(event, pairs, now)):
        if len(seen) == wanted:
            break
        if (asker.id, host.id) in seen:
            continue
        seen.add((asker.id, host.id))
        request = make_request(event, number, asker, host, now, held=held)
        if held:
            request.answered_at = request.created_at + timedelta(days=1)
        db.session.add(request)
        db.session.flush()
        if request.state == RequestState.ACCEPTED:
            # in office hours, which the one of the two who takes meetings has
            guest, rep = (asker, host) if request.host_id == host.id else (host, asker)
            if request.host_id != host.id or not _book(
                event, request, guest, rep, hours, tables, interpreters, diary, now
            ):
                request.state = RequestState.DECLINED if held else RequestState.AGREED
    db.session.flush()
    if not held:
        seed_rules(event)
        seed_profiles(event, seated, kinds, now)
        seed_no_thanks(hosts, askers, seen, now)


def _resources(event: Event) -> tuple[list[MeetingTable], list[Interpreter]]:
    room = list_rooms(event.id)[2]
    tables = [
        MeetingTable(event_id=event.id, label=f"T{n + 1:02}", room_id=room.id, position=n)
        for n in range(TABLES)
    ]
    interpreters = []
    for n in range(INTERPRETERS):
        family, given = FAMILY_NAMES[(n * 3 + 1) % 20], GIVEN_NAMES[(n * 5 + 2) % 11]
        interpreters.append(
            Interpreter(
                event_id=event.id,
                name_latin=f"{given[0]} {family[0]}",
                name_native=f"{family[1]} {given[1]}",
                name_kana=f"{family[2]} {given[2]}",
            )
        )
    db.session.add_all([*tables, *interpreters])
    db.session.flush()
    return tables, interpreters


def _instant(event: Event, day: int, clock: str) -> datetime:
    local = datetime.combine(
        event.starts_on + timedelta(days=day), time.fromisoformat(clock), ZoneInfo(event.timezone)
    )
    return local.astimezone(UTC)


def _office_hours(event: Event, host: Registration, day: int, start: str, end: str) -> OfficeHours:
    return OfficeHours(
        event_id=event.id,
        registration_id=host.id,
        starts_at=_instant(event, day, start),
        ends_at=_instant(event, day, end),
        slot_minutes=MINUTES,
        note_en="Bring one page, not a deck.",
        note_ja="資料は1枚にまとめてお持ちください。",
    )


def _agenda_busy(event: Event, diary: Diary) -> None:
    rows = db.session.execute(
        select(Speaker.user_id, AgendaItem.starts_at, AgendaItem.ends_at)
        .join(ItemSpeaker, ItemSpeaker.speaker_id == Speaker.id)
        .join(AgendaItem, AgendaItem.id == ItemSpeaker.item_id)
        .where(AgendaItem.event_id == event.id, Speaker.user_id.is_not(None))
    )
    for user_id, starts_at, ends_at in rows:
        if user_id is not None and starts_at is not None and ends_at is not None:
            diary.take(ResourceKind.PERSON, user_id, list(grid_cells(starts_at, ends_at)))


def _book(
    event: Event,
    request: MeetingRequest,
    asker: Registration,
    host: Registration,
    hours: list[OfficeHours],
    tables: list[MeetingTable],
    interpreters: list[Interpreter],
    diary: Diary,
    now: datetime,
) -> bool:
    """Book the first slot in which everybody and everything needed is free."""
    people = [asker.user_id or 0, host.user_id or 0]
    for stretch in hours:
        if stretch.registration_id != host.id:
            continue
        starts_at = stretch.starts_at
        while starts_at + timedelta(minutes=MINUTES) <= stretch.ends_at:
            ends_at = starts_at + timedelta(minutes=MINUTES)
            cells = list(grid_cells(starts_at, ends_at))
            table = next((t for t in tables if diary.free(ResourceKind.TABLE, t.id, cells)), None)
            interpreter = next(
                (i for i in interpreters if diary.free(ResourceKind.INTERPRETER, i.id, cells)), None
            )
            if (
                all(diary.free(ResourceKind.PERSON, person, cells) for person in people)
                and table is not None
                and (interpreter is not None or not request.needs_interpreter)
            ):
                chosen = interpreter if request.needs_interpreter else None
                _add(event, request, asker, host, starts_at, ends_at, table, chosen, diary, now)
                return True
            starts_at = ends_at
    return False


def _add(
    event: Event,
    request: MeetingRequest,
    asker: Registration,
    host: Registration,
    starts_at: datetime,
    ends_at: datetime,
    table: MeetingTable,
    interpreter: Interpreter | None,
    diary: Diary,
    now: datetime,
) -> None:
    meeting = Meeting(
        event_id=event.id,
        request_id=request.id,
        starts_at=starts_at,
        ends_at=ends_at,
        table_id=table.id,
        interpreter_id=interpreter.id if interpreter else None,
        topic=request.topic,
        status=MeetingStatus.CONFIRMED,
        uid=f"{event.slug}-meeting-{request.id}@forum.example",
        created_at=now,
        changed_at=now,
        participants=[
            MeetingParticipant(registration_id=host.id, role=MeetingRole.HOST),
            MeetingParticipant(registration_id=asker.id, role=MeetingRole.GUEST),
        ],
    )
    db.session.add(meeting)
    db.session.flush()
    uses = [
        (ResourceKind.PERSON, asker.user_id or 0),
        (ResourceKind.PERSON, host.user_id or 0),
        (ResourceKind.TABLE, table.id),
    ]
    if interpreter is not None:
        uses.append((ResourceKind.INTERPRETER, interpreter.id))
    cells = list(grid_cells(starts_at, ends_at, GRID_MINUTES))
    for kind, number in uses:
        diary.take(kind, number, cells)
        db.session.add_all(
            Claim(resource_kind=kind, resource_id=number, slot_at=cell, meeting_id=meeting.id)
            for cell in cells
        )
    db.session.flush()
