"""Tables, interpreters, office hours, requests and meetings of a demonstration event."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from forum_app.accounts.models import User
from forum_app.core.intervals import Interval, grid_cells
from forum_app.db import db
from forum_app.demo.interest import (
    make_request,
    open_some_hours,
    seed_no_thanks,
    seed_profiles,
    seed_rules,
    willing_pairs,
    with_wishes_of,
)
from forum_app.demo.resources import (
    MINUTES,
    Diary,
    Resources,
    instant_at,
    seed_resources,
    take_busy_times,
)
from forum_app.demo.rules import by_taste
from forum_app.events.models import Event
from forum_app.mail.rendering import message_domain
from forum_app.meetings.models import (
    GRID_MINUTES,
    Claim,
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    OfficeHours,
    RequestState,
    ResourceKind,
)
from forum_app.organizations.models import Kind, Organization
from forum_app.registration.models import SEATED, Registration

REQUESTS = 300
HOST_KINDS = (Kind.AGENCY, Kind.GOVERNMENT_INVESTOR, Kind.VENTURE_CAPITAL, Kind.PRIME)
HOURS = ((0, "11:00", "12:00"), (0, "13:00", "15:00"), (1, "09:40", "12:00"), (1, "13:20", "15:00"))


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
    kinds = {organization.id: organization.kind for organization in organizations.values()}
    seated = [r for r in registrations.values() if r.state in SEATED]
    resources = seed_resources(event, seated, kinds, held=held)
    hosts = [r for r in seated if kinds.get(r.organization_id or 0) in HOST_KINDS]
    askers = [r for r in seated if kinds.get(r.organization_id or 0) in (Kind.STARTUP, Kind.UNIVERSITY)]
    hours = [_office_hours(event, host, day, start, end) for host in hosts for day, start, end in HOURS]
    db.session.add_all(hours)
    if not held:
        open_some_hours(hours)
    diary = Diary()
    take_busy_times(event, seated, diary)
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
    wishes = willing_pairs(event, pairs, now)
    wishes = by_taste(wishes)
    if not held:
        wishes = with_wishes_of(registrations[founder], hosts, wishes)
    for number, (asker, host) in enumerate(wishes):
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
                event, request, guest, rep, hours, resources, diary, now
            ):
                request.state = RequestState.DECLINED if held else RequestState.AGREED
    db.session.flush()
    if not held:
        seed_rules(event)
        seed_profiles(event, seated, kinds, now)
        seed_no_thanks(hosts, askers, seen, now)


def _office_hours(event: Event, host: Registration, day: int, start: str, end: str) -> OfficeHours:
    return OfficeHours(
        event_id=event.id,
        registration_id=host.id,
        starts_at=instant_at(event, day, start),
        ends_at=instant_at(event, day, end),
        slot_minutes=MINUTES,
        note_en="Bring one page, not a deck.",
        note_ja="資料は1枚にまとめてお持ちください。",
    )


def _book(
    event: Event,
    request: MeetingRequest,
    asker: Registration,
    host: Registration,
    hours: list[OfficeHours],
    resources: Resources,
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
            table = resources.table(diary, host.organization_id, cells)
            interpreter = resources.interpreter(diary, Interval(starts_at, ends_at), cells)
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
    table_id: int,
    interpreter_id: int | None,
    diary: Diary,
    now: datetime,
) -> None:
    meeting = Meeting(
        event_id=event.id,
        request_id=request.id,
        starts_at=starts_at,
        ends_at=ends_at,
        table_id=table_id,
        interpreter_id=interpreter_id,
        topic=request.topic,
        status=MeetingStatus.CONFIRMED,
        uid=f"{event.slug}-meeting-{request.id}@{message_domain()}",
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
        (ResourceKind.TABLE, table_id),
    ]
    if interpreter_id is not None:
        uses.append((ResourceKind.INTERPRETER, interpreter_id))
    cells = list(grid_cells(starts_at, ends_at, GRID_MINUTES))
    for kind, number in uses:
        diary.take(kind, number, cells)
        db.session.add_all(
            Claim(resource_kind=kind, resource_id=number, slot_at=cell, meeting_id=meeting.id)
            for cell in cells
        )
    db.session.flush()
