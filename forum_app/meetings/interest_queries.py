"""Reading interest: settings and limits, who may answer, what waits for whom, what is due."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import (
    KindBar,
    KindLimit,
    Meeting,
    MeetingParticipant,
    MeetingProfile,
    MeetingRequest,
    MeetingSettings,
    MeetingStatus,
    NoThanks,
    OfficeHours,
    RequestState,
)
from forum_app.meetings.queries import PERSON, is_present, pair_options, urgency
from forum_app.organizations.models import Kind, Organization
from forum_app.registration.models import ParticipantType, Registration
from forum_app.web.tables import Page, TableState, contains, paginate

# In two days nobody holds more than about fifteen meetings; a limit keeps one person from writing to
# everybody, and so keeps answers worth waiting for.
MOST_REQUESTS = 15
MOST_TEAM = 20  # colleagues who are told of a request to a whole team
# More than anybody answers in an evening; the rest follows as these are answered.
MOST_WAITING, MOST_ENDED = 100, 30
WAITING = (RequestState.PENDING, RequestState.AGREED)


# --- Settings --------------------------------------------------------------------------------------


def get_settings(event_id: int) -> MeetingSettings:
    """An event's rules for meetings; the defaults (a row that is not saved) where there are none."""
    row = db.session.get(MeetingSettings, event_id)
    return row or MeetingSettings(
        event_id=event_id, interest_closes_at=None, request_days=10, walk_minutes=10, version=1
    )


def event_ends_at(event: Event) -> datetime:
    """The instant at which an event's last day is over, in its own zone."""
    day = event.ends_on + timedelta(days=1)
    return datetime.combine(day, time(), ZoneInfo(event.timezone)).astimezone(UTC)


def interest_closes_at(event: Event, settings: MeetingSettings) -> datetime:
    """From then on nobody asks for a meeting: as the organizers set it, at the latest with the event."""
    ends_at = event_ends_at(event)
    return min(settings.interest_closes_at or ends_at, ends_at)


def most_requests(event_id: int, kind: Kind | None) -> int:
    """How many requests one person of this kind of organization may have waiting at the same time."""
    limit = db.session.get(KindLimit, (event_id, kind or Kind.OTHER))
    return MOST_REQUESTS if limit is None or limit.most_requests is None else limit.most_requests


def list_limits(event_id: int) -> dict[Kind, KindLimit]:
    """Limits by kind, as far as the organizers set any."""
    rows = db.session.scalars(select(KindLimit).where(KindLimit.event_id == event_id))
    return {row.kind: row for row in rows}


def list_bars(event_id: int) -> Sequence[KindBar]:
    """Pairs of kinds that do not meet at an event."""
    order = list(Kind)
    rows = db.session.scalars(select(KindBar).where(KindBar.event_id == event_id)).all()
    return sorted(rows, key=lambda bar: (order.index(bar.one), order.index(bar.other)))


def get_bar(event_id: int, bar_id: int) -> KindBar:
    """One such pair, else NotFound."""
    row = db.session.scalar(select(KindBar).where(KindBar.id == bar_id, KindBar.event_id == event_id))
    if row is None:
        raise NotFound(N_("This pair is not barred."))
    return row


# --- Profiles --------------------------------------------------------------------------------------


def find_profile(registration_id: int) -> MeetingProfile | None:
    """What a person states about meetings, with wanted areas."""
    return db.session.scalar(
        select(MeetingProfile)
        .where(MeetingProfile.registration_id == registration_id)
        .options(selectinload(MeetingProfile.wanted_areas))
    )


def profiles_of(registration_ids: Collection[int]) -> dict[int, MeetingProfile]:
    """Profiles with wanted areas by registration; two statements."""
    if not registration_ids:
        return {}
    rows = db.session.scalars(
        select(MeetingProfile)
        .where(MeetingProfile.registration_id.in_(registration_ids))
        .options(selectinload(MeetingProfile.wanted_areas))
    )
    return {row.registration_id: row for row in rows}


# --- Delegations -----------------------------------------------------------------------------------


def list_team(event_id: int, organization_id: int | None) -> Sequence[Registration]:
    """Who of an organization takes meetings at an event, with user, type and organization."""
    if organization_id is None:
        return []
    return db.session.scalars(
        select(Registration)
        .join(Registration.type)
        .where(
            Registration.event_id == event_id,
            Registration.organization_id == organization_id,
            is_present(),
            ParticipantType.takes_meetings,
        )
        .options(
            contains_eager(Registration.type),
            joinedload(Registration.organization),
            joinedload(Registration.user),
        )
        .order_by(Registration.id)
        .limit(MOST_TEAM)
    ).all()


def list_answerers(request: MeetingRequest) -> Sequence[Registration]:
    """Who is told of a request and may answer it: the host, for a team request the colleagues too.

    Without those who marked the asker with no thanks; to them the request does not exist.
    """
    people: list[Registration] = [request.host]
    if request.team:
        team = list_team(request.event_id, request.host.organization_id)
        people += [one for one in team if one.id != request.host_id]
    unwilling = set(
        db.session.scalars(
            select(NoThanks.registration_id).where(
                NoThanks.registration_id.in_([one.id for one in people]),
                NoThanks.other_id == request.asker_id,
            )
        )
    )
    return [one for one in people if one.id not in unwilling]


# --- Between two people ------------------------------------------------------------------------------


def lock_people(*registration_ids: int) -> None:
    """Wait for whoever asks or answers between these people at the same moment, and let no other begin.

    In order of id, so that two never wait for one another crosswise.
    """
    db.session.execute(
        select(Registration.id)
        .where(Registration.id.in_(registration_ids))
        .order_by(Registration.id)
        .with_for_update(key_share=True)
    )


def list_no_thanks(registration_id: int) -> Sequence[Registration]:
    """Whom this person marked with no thanks, latest first; for that person only."""
    return db.session.scalars(
        select(Registration)
        .join(NoThanks, NoThanks.other_id == Registration.id)
        .where(NoThanks.registration_id == registration_id)
        .options(*PERSON)
        .order_by(NoThanks.created_at.desc(), Registration.id)
        .limit(MOST_WAITING)
    ).all()


def requests_between(me_id: int, others: Collection[int]) -> Sequence[MeetingRequest]:
    """Requests in either direction between me and these people, newest last; one statement."""
    return db.session.scalars(
        select(MeetingRequest)
        .where(
            or_(
                and_(MeetingRequest.asker_id == me_id, MeetingRequest.host_id.in_(others)),
                and_(MeetingRequest.host_id == me_id, MeetingRequest.asker_id.in_(others)),
            )
        )
        .order_by(MeetingRequest.created_at, MeetingRequest.id)
    ).all()


def no_thanks_among(me_id: int, others: Collection[int]) -> set[int]:
    """Whom of these I marked with no thanks."""
    return set(
        db.session.scalars(
            select(NoThanks.other_id).where(NoThanks.registration_id == me_id, NoThanks.other_id.in_(others))
        )
    )


# --- One person's lists ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interest:
    """A person's requests: to answer, agreed and waiting for a time, asked, and the latest ended ones."""

    to_answer: Sequence[MeetingRequest]
    agreed: Sequence[MeetingRequest]
    asked: Sequence[MeetingRequest]
    ended: Sequence[MeetingRequest]


def _unwelcome(registration_id: int) -> ColumnElement[bool]:
    """SQL: this person marked the asker with no thanks."""
    return exists().where(
        NoThanks.registration_id == registration_id, NoThanks.other_id == MeetingRequest.asker_id
    )


def _addressed_to(me: Registration) -> ColumnElement[bool]:
    """SQL: asked of me, or of my delegation while nobody of it has answered."""
    mine: ColumnElement[bool] = MeetingRequest.host_id == me.id
    if me.organization_id is None or not me.type.takes_meetings:
        return mine
    colleagues = select(Registration.id).where(
        Registration.event_id == me.event_id, Registration.organization_id == me.organization_id
    )
    ours = and_(
        MeetingRequest.team,
        MeetingRequest.state == RequestState.PENDING,
        MeetingRequest.host_id.in_(colleagues),
    )
    return or_(mine, ours)


def list_interest(me: Registration) -> Interest:
    """All that a person asked and was asked; four statements. Loaded with both people."""
    base = select(MeetingRequest).where(MeetingRequest.event_id == me.event_id).options(*pair_options())
    pending = MeetingRequest.state == RequestState.PENDING
    mine = or_(MeetingRequest.asker_id == me.id, MeetingRequest.host_id == me.id)
    newest = (MeetingRequest.answered_at.desc(), MeetingRequest.id.desc())

    def rows(statement: Any, most: int) -> Sequence[MeetingRequest]:
        found: Sequence[MeetingRequest] = db.session.scalars(statement.limit(most)).all()
        return found

    return Interest(
        to_answer=rows(
            base.where(pending, _addressed_to(me), ~_unwelcome(me.id)).order_by(*urgency()), MOST_WAITING
        ),
        agreed=rows(
            base.where(MeetingRequest.state == RequestState.AGREED, mine).order_by(*urgency()), MOST_WAITING
        ),
        asked=rows(base.where(pending, MeetingRequest.asker_id == me.id).order_by(*urgency()), MOST_WAITING),
        ended=rows(base.where(MeetingRequest.state.not_in(WAITING), mine).order_by(*newest), MOST_ENDED),
    )


# --- Organizers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HostLoad:
    """A host with what organizers want to know."""

    host: Registration
    stretches: int
    waiting: int
    agreed: int
    meetings: int
    paused: bool


def page_hosts(event_id: int, state: TableState) -> Page[HostLoad]:
    """Hosts of an event with their figures; filters: idle=1 (no office hours yet)."""
    r = Registration

    def requests(of_state: RequestState) -> Any:
        return (
            select(func.count())
            .where(MeetingRequest.host_id == r.id, MeetingRequest.state == of_state)
            .correlate(r)
            .scalar_subquery()
        )

    stretches = select(func.count()).where(OfficeHours.registration_id == r.id).correlate(r).scalar_subquery()
    meetings = (
        select(func.count())
        .select_from(MeetingParticipant)
        .join(Meeting, MeetingParticipant.meeting_id == Meeting.id)
        .where(MeetingParticipant.registration_id == r.id, Meeting.status == MeetingStatus.CONFIRMED)
        .correlate(r)
        .scalar_subquery()
    )
    waiting, agreed = requests(RequestState.PENDING), requests(RequestState.AGREED)
    statement = (
        select(
            r,
            stretches.label("stretches"),
            waiting.label("waiting"),
            agreed.label("agreed"),
            meetings.label("meetings"),
            func.coalesce(MeetingProfile.paused, False).label("paused"),
        )
        .join(r.type)
        .outerjoin(r.organization)
        .outerjoin(MeetingProfile, MeetingProfile.registration_id == r.id)
        .where(r.event_id == event_id, is_present(), ParticipantType.takes_meetings)
        .options(contains_eager(r.type), contains_eager(r.organization))
    )
    if state.q:
        pattern = contains(state.q)
        columns: Iterable[Any] = (
            r.name_latin,
            r.name_native,
            r.name_kana,
            Organization.name_en,
            Organization.name_ja,
        )
        statement = statement.where(or_(*[column.ilike(pattern, escape="\\") for column in columns]))
    if state.filters.get("idle"):
        statement = statement.where(stretches == 0)
    page = paginate(
        statement,
        state,
        sorts={
            "name": [func.lower(func.coalesce(func.nullif(r.name_latin, ""), r.name_kana)), r.id],
            "waiting": [waiting, r.id],
            "meetings": [meetings, r.id],
        },
    )
    rows = [HostLoad(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in page.rows]
    return Page(rows, page.total, page.state)
