"""Reads an event's wishes, meetings, people and resources as the facts of a schedule run.

A fixed number of statements, for a dozen people as for thousands.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from forum_app.core.intervals import Interval
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.busy_queries import busy_of, read_walk
from forum_app.meetings.models import (
    KindLimit,
    Meeting,
    MeetingFormat,
    MeetingOrigin,
    MeetingParticipant,
    MeetingProfile,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    Priority,
    RequestState,
)
from forum_app.meetings.queries import is_present
from forum_app.meetings.resource_queries import list_helpers, list_places
from forum_app.meetings.rule_queries import list_terms, today_at
from forum_app.meetings.slot_queries import list_slots
from forum_app.organizations.models import Organization
from forum_app.registration.models import ParticipantType, Registration
from forum_app.timetable.assembly import assemble
from forum_app.timetable.facts import Facts, Fixed, Held, Person, Wish
from forum_app.timetable.instance import Instance
from forum_app.timetable.levels import level_of

# What begins so soon stays where it is: people are on their way, and a run takes its time.
FREEZE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Standing:
    """A confirmed meeting as schedules see it. moves: a run may put it elsewhere."""

    id: int
    request_id: int | None
    starts_at: datetime
    ends_at: datetime
    table_id: int | None
    interpreter_id: int | None
    pinned: bool
    origin: MeetingOrigin
    remote: bool
    people: tuple[int, ...]  # registration ids, the host first

    @property
    def held(self) -> Held:
        return Held(self.id, Interval(self.starts_at, self.ends_at), self.table_id, self.interpreter_id)

    def moves(self, earliest: datetime) -> bool:
        """Placed by a schedule, not pinned, not about to begin, and of two people."""
        return (
            self.origin is MeetingOrigin.SCHEDULE
            and not self.pinned
            and self.request_id is not None
            and self.starts_at >= earliest
            and len(self.people) == 2
        )


def list_standing(event_id: int) -> list[Standing]:
    """All confirmed meetings of an event; two statements."""
    people: dict[int, list[tuple[bool, int]]] = defaultdict(list)
    for meeting_id, registration_id, role in db.session.execute(
        select(MeetingParticipant.meeting_id, MeetingParticipant.registration_id, MeetingParticipant.role)
        .join(MeetingParticipant.meeting)
        .where(Meeting.event_id == event_id, Meeting.status == MeetingStatus.CONFIRMED)
    ):
        people[meeting_id].append((role is not MeetingRole.HOST, registration_id))
    rows = db.session.execute(
        select(
            Meeting.id,
            Meeting.request_id,
            Meeting.starts_at,
            Meeting.ends_at,
            Meeting.table_id,
            Meeting.interpreter_id,
            Meeting.pinned,
            Meeting.origin,
            Meeting.format,
        )
        .where(Meeting.event_id == event_id, Meeting.status == MeetingStatus.CONFIRMED)
        .order_by(Meeting.id)
    )
    return [
        Standing(
            *row[:8], row[8] is MeetingFormat.REMOTE, tuple(person for _, person in sorted(people[row[0]]))
        )
        for row in rows
    ]


def read_facts(event: Event, *, now: datetime, standing: Sequence[Standing] | None = None) -> Facts:
    """All that a run for event is made from, at this moment."""
    earliest = now + FREEZE
    meetings = list_standing(event.id) if standing is None else standing
    movable = {one.request_id: one for one in meetings if one.moves(earliest)}
    requests = _requests(event.id)
    wishes = [_wish(row, movable.get(row.id)) for row in requests if _is_wish(row, movable)]
    people = _people(event)
    # whoever is in a meeting that stays is looked at too, even if they are gone meanwhile
    fixed = [Fixed(one.held, one.people) for one in meetings if one.request_id not in movable]
    fixed += [
        Fixed(one.held, one.people)
        for one in movable.values()
        if one.request_id not in {wish.request_id for wish in wishes}
    ]
    named = {person for wish in wishes for person in (wish.asker, wish.host)}
    candidates = _candidates(wishes, people)
    named |= {person for group in candidates.values() for person in group}
    named |= {person for one in fixed for person in one.people}
    known = {number: row.person for number, row in people.items() if number in named}
    for one in fixed:
        for number in one.people:
            known.setdefault(number, Person(number))
    logins = {number: user_id for number in known if number in people and (user_id := people[number].user_id)}
    busy = busy_of(event, sorted(set(logins.values())), without={one.id for one in meetings})
    for number, person in known.items():
        person.busy = busy[logins[number]] if number in logins else ()
    pairs = {(wish.asker, wish.host) for wish in wishes}
    pairs |= {(wish.asker, person) for wish in wishes for person in candidates.get(wish.request_id, ())}
    slots = [slot.span for slot in list_slots(event.id) if slot.start >= earliest]
    return Facts(
        name=event.slug,
        zone=event.timezone,
        slots=slots,
        people=known,
        places=list_places(event.id),
        helpers=list_helpers(event.id),
        wishes=wishes,
        fixed=fixed,
        terms=list_terms(event, sorted(pairs), today_at(event, now)),
        candidates=candidates,
        walk=read_walk(event.id),
    )


def read_instance(event: Event, *, now: datetime, chosen: Mapping[int, int] | None = None) -> Instance:
    """The instance of an event at this moment."""
    return assemble(read_facts(event, now=now), chosen=chosen)


def _requests(event_id: int) -> Sequence[Any]:
    return db.session.execute(
        select(
            MeetingRequest.id,
            MeetingRequest.asker_id,
            MeetingRequest.host_id,
            MeetingRequest.team,
            MeetingRequest.priority,
            MeetingRequest.host_priority,
            MeetingRequest.format,
            MeetingRequest.needs_interpreter,
            MeetingRequest.state,
        )
        .where(
            MeetingRequest.event_id == event_id,
            MeetingRequest.state.in_((RequestState.AGREED, RequestState.ACCEPTED)),
        )
        .order_by(MeetingRequest.id)
    ).all()


def _is_wish(row: Any, movable: Collection[int | None]) -> bool:
    return row.state is RequestState.AGREED or row.id in movable


def _wish(row: Any, standing: Standing | None) -> Wish:
    return Wish(
        request_id=row.id,
        asker=row.asker_id,
        host=row.host_id,
        level=level_of([row.priority, row.host_priority].count(Priority.MUST)),
        team=row.team,
        remote=row.format is MeetingFormat.REMOTE,
        needs_interpreter=row.needs_interpreter,
        held=standing.held if standing is not None else None,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    person: Person
    user_id: int | None  # never None: is_present() asks for it
    hosts: bool  # takes meetings and is not paused


def _people(event: Event) -> dict[int, _Row]:
    """Everybody who may take part in meetings; three statements."""
    limits = {
        limit.kind: limit
        for limit in db.session.scalars(select(KindLimit).where(KindLimit.event_id == event.id))
    }
    profiles = {
        number: (most, paused)
        for number, most, paused in db.session.execute(
            select(MeetingProfile.registration_id, MeetingProfile.most_meetings, MeetingProfile.paused)
            .join(MeetingProfile.registration)
            .where(Registration.event_id == event.id)
        )
    }
    rows = db.session.execute(
        select(
            Registration.id,
            Registration.user_id,
            Registration.organization_id,
            Registration.language,
            Organization.kind,
            ParticipantType.takes_meetings,
        )
        .join(Registration.type)
        .outerjoin(Organization, Registration.organization_id == Organization.id)
        .where(Registration.event_id == event.id, is_present())
        .order_by(Registration.id)
    )
    found = {}
    for number, user_id, organization_id, language, kind, takes in rows:
        own, paused = profiles.get(number, (None, False))
        limit = limits.get(kind)
        most = own if own is not None else (limit.most_meetings if limit else None)
        least = (limit.least_meetings if limit else None) or 0
        person = Person(number, kind, organization_id, language, most=most, least=least)
        found[number] = _Row(person, user_id, hosts=takes and not paused)
    return found


def _candidates(wishes: Sequence[Wish], people: Mapping[int, _Row]) -> dict[int, list[int]]:
    """Per request to a team: everybody of the host's organization who takes meetings."""
    teams: dict[int, list[int]] = defaultdict(list)
    for number, row in people.items():
        if row.hosts and row.person.organization_id is not None:
            teams[row.person.organization_id].append(number)
    found = {}
    for wish in wishes:
        if not wish.team or wish.held is not None:
            continue
        host = people.get(wish.host)
        team = teams.get(host.person.organization_id or 0, []) if host else []
        found[wish.request_id] = sorted({*team, *([wish.host] if host else [])} - {wish.asker})
    return found
