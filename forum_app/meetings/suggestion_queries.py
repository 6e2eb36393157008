"""Whom to suggest to whom: rows of an event as parties of the matcher, and who is left out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased, joinedload

from forum_app.core.matching import Matcher, Party, Suggestion
from forum_app.db import db
from forum_app.events.models import Event, Visibility
from forum_app.meetings.models import (
    Meeting,
    MeetingParticipant,
    MeetingProfile,
    MeetingRequest,
    MeetingStatus,
)
from forum_app.meetings.models.rules import profile_area
from forum_app.meetings.queries import PERSON, is_present
from forum_app.meetings.rule_queries import GATES, STOPS_ASKING, STOPS_MEETING, list_obstacles
from forum_app.organizations.models import Organization, TechnologyArea, organization_area
from forum_app.registration.models import ParticipantType, Registration

MOST_SUGGESTED = 20
MOST_PAIRS = 60  # that organizers look through
MOST_OF_ONE = 2  # so that one sought-after host does not fill the list
NOT_SUGGESTED = (STOPS_ASKING | STOPS_MEETING) - GATES


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part, as far as suggestions need it."""

    id: int
    user_id: int
    organization_id: int | None
    hosts: bool  # takes meetings
    listed: bool
    party: Party


@dataclass(frozen=True, slots=True)
class Pair:
    """Two who should meet and of whom nobody has said so; reasons are told of the first as seeker."""

    first: Registration
    second: Registration
    suggestion: Suggestion


def list_people(event_id: int) -> list[Person]:
    """Everybody at the event who can meet and may be shown; three statements."""
    r, o, p = Registration, Organization, MeetingProfile
    rows = db.session.execute(
        select(
            r.id,
            r.user_id,
            r.organization_id,
            r.language,
            r.listed,
            ParticipantType.takes_meetings,
            o.kind,
            o.country,
            o.stage,
            o.profile_en,
            o.profile_ja,
            p.wishes_en,
            p.wishes_ja,
        )
        .join(r.type)
        .outerjoin(o, r.organization_id == o.id)
        .outerjoin(p, p.registration_id == r.id)
        .where(r.event_id == event_id, is_present(), or_(r.listed, ParticipantType.takes_meetings))
        .order_by(r.id)
    ).all()
    at_event = select(r.organization_id).where(r.event_id == event_id)
    done = _codes(
        select(organization_area.c.organization_id, TechnologyArea.code)
        .join(TechnologyArea, TechnologyArea.id == organization_area.c.area_id)
        .where(organization_area.c.organization_id.in_(at_event))
    )
    wanted = _codes(
        select(profile_area.c.registration_id, TechnologyArea.code)
        .join(TechnologyArea, TechnologyArea.id == profile_area.c.area_id)
        .join(r, r.id == profile_area.c.registration_id)
        .where(r.event_id == event_id)
    )
    return [
        Person(
            id=row.id,
            user_id=row.user_id,
            organization_id=row.organization_id,
            hosts=row.takes_meetings,
            listed=row.listed,
            party=Party(
                key=row.id,
                kind=row.kind.value if row.kind else "other",
                country=row.country or "",
                language=row.language,
                stage=row.stage.value if row.stage else "",
                areas=done.get(row.organization_id, frozenset()),
                wanted=wanted.get(row.id, frozenset()),
                wishes=f"{row.wishes_en or ''}\n{row.wishes_ja or ''}".strip(),
                profile=f"{row.profile_en or ''}\n{row.profile_ja or ''}".strip(),
            ),
        )
        for row in rows
    ]


def _codes(statement: Any) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for owner, code in db.session.execute(statement):
        found[owner].add(code)
    return {owner: frozenset(codes) for owner, codes in found.items()}


def find_suggestions(
    event: Event, me: Registration, *, today: date, most: int = MOST_SUGGESTED
) -> list[Suggestion]:
    """The best people for me, one of each organization, best first; constant statements.

    Left out: who may not meet me or cannot be asked, whatever the ground, my colleagues, and whoever asked
    me or was asked by me, with their colleagues.
    """
    people = list_people(event.id)
    asked, organizations = _requested_with(me.id)
    i_host = me.type.takes_meetings
    able = [
        person
        for person in people
        if person.id != me.id
        and person.id not in asked
        and person.organization_id not in organizations
        and (person.hosts or i_host)
    ]
    obstacles = list_obstacles(event, [(me.id, person.id) for person in able], today)
    free = [person.id for person in able if not obstacles[me.id, person.id] & NOT_SUGGESTED]
    parties = [person.party for person in people]
    if all(person.id != me.id for person in people):  # not listed: others do not see me, I see them
        parties.append(_own_party(me))
    users = {person.user_id: person.id for person in able}
    met = {frozenset((me.id, users[user])): where for user, where in _met(me, users).items()}
    ranked = Matcher(parties, met).rank(me.id, free, most=len(free))
    return first_of_each(ranked, {person.id: person.organization_id for person in able})[:most]


def first_of_each(ranked: Sequence[Suggestion], organizations: Mapping[int, int | None]) -> list[Suggestion]:
    """The best of each organization, in the same order; people without one stand for themselves."""
    seen: set[int] = set()
    chosen = []
    for suggestion in ranked:
        organization_id = organizations[suggestion.key]
        if organization_id is None or organization_id not in seen:
            chosen.append(suggestion)
        if organization_id is not None:
            seen.add(organization_id)
    return chosen


def _own_party(me: Registration) -> Party:
    organization = me.organization
    profile = db.session.get(MeetingProfile, me.id)
    wishes = (profile.wishes_en, profile.wishes_ja) if profile is not None else ()
    return Party(
        key=me.id,
        kind=organization.kind.value if organization else "other",
        country=organization.country if organization else "",
        language=me.language,
        stage=organization.stage.value if organization and organization.stage else "",
        areas=frozenset(area.code for area in organization.areas) if organization else frozenset(),
        wanted=frozenset(area.code for area in profile.wanted_areas) if profile else frozenset(),
        wishes="\n".join(wishes).strip(),
        profile=f"{organization.profile_en}\n{organization.profile_ja}" if organization else "",
    )


def _requested_with(me_id: int) -> tuple[set[int], set[int]]:
    """With whom there is or was a request, in either direction: the people, their organizations."""
    request = MeetingRequest
    rows = db.session.execute(
        select(Registration.id, Registration.organization_id)
        .join(request, or_(request.asker_id == Registration.id, request.host_id == Registration.id))
        .where(or_(request.asker_id == me_id, request.host_id == me_id), Registration.id != me_id)
    ).all()
    return {row[0] for row in rows}, {row[1] for row in rows if row[1] is not None}


def _met(me: Registration, users: Collection[int]) -> dict[int, tuple[str, str]]:
    """Whom of these logins I met at other events, and where last (titles in both languages)."""
    mine, theirs = aliased(MeetingParticipant), aliased(MeetingParticipant)
    my, their = aliased(Registration), aliased(Registration)
    rows = db.session.execute(
        select(their.user_id, Event.title_en, Event.title_ja)
        .select_from(Meeting)
        .join(Event, Event.id == Meeting.event_id)
        .join(mine, mine.meeting_id == Meeting.id)
        .join(my, my.id == mine.registration_id)
        .join(theirs, and_(theirs.meeting_id == Meeting.id, theirs.registration_id != my.id))
        .join(their, their.id == theirs.registration_id)
        .where(
            my.user_id == me.user_id,
            Meeting.event_id != me.event_id,
            Meeting.status == MeetingStatus.CONFIRMED,
        )
        .order_by(Meeting.starts_at)
    )
    return {user: (en or ja, ja or en) for user, en, ja in rows if user is not None and user in users}


# --- For organizers --------------------------------------------------------------------------------
def find_pairs(event: Event, *, today: date, most: int = MOST_PAIRS) -> list[Pair]:
    """Organizations that should meet and of whose people nobody has asked the other, best first.

    One pair of people stands for two organizations: who takes meetings, and who fits best to them.
    Constant statements.
    """
    people = [person for person in list_people(event.id) if person.organization_id is not None]
    asked = _requested_organizations(event.id)
    groups: dict[int, list[Person]] = defaultdict(list)
    for person in people:
        groups[person.organization_id or 0].append(person)
    hosts = {org: host for org, members in groups.items() if (host := _speaker(members, hosting=True))}
    guests = {org: guest for org, members in groups.items() if (guest := _speaker(members, hosting=False))}
    pairs = [
        (guest.id, host.id)
        for org, host in hosts.items()
        for other, guest in guests.items()
        # of two that both take meetings one order is enough
        if other != org and (other not in hosts or org < other) and frozenset((org, other)) not in asked
    ]
    obstacles = list_obstacles(event, pairs, today)
    free = [pair for pair in pairs if not obstacles[pair] & NOT_SUGGESTED]
    matcher = Matcher([person.party for person in people], _met_publicly(event, hosts, guests))
    best = matcher.rank_pairs(free, most=len(free))
    shown: Counter[int] = Counter()
    chosen: list[tuple[int, Suggestion]] = []
    for seeker, found in best:
        if len(chosen) < most and max(shown[seeker], shown[found.key]) < MOST_OF_ONE:
            shown.update((seeker, found.key))
            chosen.append((seeker, found))
    rows = _load([number for seeker, found in chosen for number in (seeker, found.key)])
    return [Pair(rows[seeker], rows[found.key], found) for seeker, found in chosen]


def _speaker(members: Sequence[Person], *, hosting: bool) -> Person | None:
    """Who stands for an organization: who said what they look for comes first."""
    able = [member for member in members if member.hosts or not hosting]
    return max(able, key=lambda m: (m.hosts == hosting, len(m.party.wanted), -m.id), default=None)


def _requested_organizations(event_id: int) -> set[frozenset[int]]:
    asker, host = aliased(Registration), aliased(Registration)
    rows = db.session.execute(
        select(asker.organization_id, host.organization_id)
        .select_from(MeetingRequest)
        .join(asker, MeetingRequest.asker_id == asker.id)
        .join(host, MeetingRequest.host_id == host.id)
        .where(MeetingRequest.event_id == event_id)
        .distinct()
    )
    return {frozenset((one, other)) for one, other in rows if one is not None and other is not None}


def _met_publicly(
    event: Event, hosts: Mapping[int, Person], guests: Mapping[int, Person]
) -> dict[frozenset[int], tuple[str, str]]:
    """Where two organizations met before, as far as everybody may know of the event."""
    mine, theirs = aliased(MeetingParticipant), aliased(MeetingParticipant)
    my, their = aliased(Registration), aliased(Registration)
    rows = db.session.execute(
        select(my.organization_id, their.organization_id, Event.title_en, Event.title_ja, Event.starts_on)
        .select_from(Meeting)
        .join(Event, Event.id == Meeting.event_id)
        .join(mine, mine.meeting_id == Meeting.id)
        .join(my, my.id == mine.registration_id)
        .join(theirs, and_(theirs.meeting_id == Meeting.id, theirs.registration_id != my.id))
        .join(their, their.id == theirs.registration_id)
        .where(
            Meeting.event_id != event.id,
            Meeting.status == MeetingStatus.CONFIRMED,
            Event.visibility == Visibility.PUBLIC,
            Event.published_at.is_not(None),
            my.organization_id.in_(hosts),
            their.organization_id.in_(guests),
        )
        .order_by(Event.starts_on)
        .distinct()
    )
    return {
        frozenset((hosts[host].id, guests[guest].id)): (en or ja, ja or en)
        for host, guest, en, ja, _ in rows
        if host is not None and guest is not None and host != guest
    }


def _load(ids: Iterable[int]) -> dict[int, Registration]:
    rows = db.session.scalars(select(Registration).where(Registration.id.in_(set(ids))).options(*PERSON))
    return {row.id: row for row in rows}


def load_people(ids: Sequence[int]) -> list[Registration]:
    """People by number, in this order, with organization, its areas, type and login."""
    rows = {
        row.id: row
        for row in db.session.scalars(
            select(Registration)
            .where(Registration.id.in_(ids))
            .options(*PERSON, joinedload(Registration.organization).selectinload(Organization.areas))
        )
    }
    return [rows[number] for number in ids]
