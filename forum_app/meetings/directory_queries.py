"""Who is there: the people of an event who agreed to be listed, and all hosts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import contains_eager

from forum_app.core.errors import NotFound
from forum_app.core.kana import katakana
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.meetings.models import MeetingProfile, MeetingRequest, NoThanks, OfficeHours, RequestState
from forum_app.meetings.queries import PRESENT
from forum_app.organizations.models import Kind, Organization, TechnologyArea
from forum_app.registration.models import ParticipantType, Registration
from forum_app.web.tables import Page, TableState, contains, paginate

MOST_WORDS = 5  # a name, an organization and a title; each word costs a scan
_HIRAGANA = {code + 0x60: code for code in range(0x3041, 0x3097)}
_COLUMNS: Sequence[Any] = (
    Registration.name_latin,
    Registration.name_native,
    Registration.name_kana,
    Registration.job_title_en,
    Registration.job_title_ja,
    Organization.name_en,
    Organization.name_ja,
    Organization.name_kana,
    Organization.short_name,
    MeetingProfile.wishes_en,
    MeetingProfile.wishes_ja,
)
INTEREST_FILTERS = ("mutual", "asked", "asks")


def _listed(event_id: int) -> list[ColumnElement[bool]]:
    return [
        Registration.event_id == event_id,
        Registration.state.in_(PRESENT),
        or_(Registration.listed, ParticipantType.takes_meetings),
    ]


def _spellings(word: str) -> set[str]:
    """A word as typed, in katakana and in hiragana: readings are kept in either."""
    full = katakana(word)
    return {word, full, full.translate(_HIRAGANA)}


def _matches(word: str) -> ColumnElement[bool]:
    patterns = [contains(spelling) for spelling in sorted(_spellings(word))]
    return or_(*[column.ilike(pattern, escape="\\") for column in _COLUMNS for pattern in patterns])


def _between(me: Registration, wanted: str) -> ColumnElement[bool]:
    """SQL: people with whom I have mutual interest, whom I asked, or who ask me."""
    m = MeetingRequest
    by_me = and_(m.asker_id == me.id, m.host_id == Registration.id)
    to_me = and_(m.host_id == me.id, m.asker_id == Registration.id)
    if wanted == "asked":
        return exists().where(by_me, m.state == RequestState.PENDING)
    if wanted == "asks":
        unwelcome = exists().where(NoThanks.registration_id == me.id, NoThanks.other_id == Registration.id)
        return and_(exists().where(to_me, m.state == RequestState.PENDING), ~unwelcome)
    return exists().where(or_(by_me, to_me), m.state.in_((RequestState.AGREED, RequestState.ACCEPTED)))


def page_directory(
    event_id: int, state: TableState, language: str, me: Registration | None = None
) -> Page[Registration]:
    """People by organization, with type, organization and its areas; five statements at most.

    Every word of the search must be found in some name, title or wish. Filters: kind, country, area (of
    the organization), seeks (an area that the person looks for), language, hosts (1, or direct: with
    slots that can be booked at once), interest (between me and them).
    """
    statement = (
        select(Registration)
        .join(Registration.type)
        .outerjoin(Registration.organization)
        .outerjoin(MeetingProfile, MeetingProfile.registration_id == Registration.id)
        .where(*_listed(event_id))
        .options(
            contains_eager(Registration.type),
            contains_eager(Registration.organization).selectinload(Organization.areas),
        )
    )
    for word in state.q.split()[:MOST_WORDS]:
        statement = statement.where(_matches(word))
    if kind := state.filters.get("kind"):
        statement = statement.where(Organization.kind == Kind(kind))
    if country := state.filters.get("country"):
        statement = statement.where(Organization.country == country)
    if area := state.filters.get("area"):
        statement = statement.where(Organization.areas.any(TechnologyArea.code == area))
    if area := state.filters.get("seeks"):
        statement = statement.where(MeetingProfile.wanted_areas.any(TechnologyArea.code == area))
    if speaks := state.filters.get("language"):
        statement = statement.where(Registration.language == speaks)
    if hosts := state.filters.get("hosts"):
        statement = statement.where(ParticipantType.takes_meetings)
        if hosts == "direct":
            statement = statement.where(
                exists().where(OfficeHours.registration_id == Registration.id, OfficeHours.direct)
            )
    if me is not None and (wanted := state.filters.get("interest")):
        statement = statement.where(_between(me, wanted))
    empty = case((Organization.id.is_(None), 1), else_=0)
    order = [empty, *_name_order(language), Organization.id, *_person_order(language), Registration.id]
    return paginate(statement, state, sorts={"organization": order})


def _first_of(*columns: Any) -> ColumnElement[Any]:
    return func.lower(func.coalesce(*[func.nullif(column, "") for column in columns], ""))


def _name_order(language: str) -> list[ColumnElement[Any]]:
    o = Organization
    if language == "ja":
        return [_first_of(o.name_kana, o.name_ja, o.name_en)]
    return [_first_of(o.name_en, o.name_kana, o.name_ja)]


def _person_order(language: str) -> list[ColumnElement[Any]]:
    r = Registration
    hosts_first = case((ParticipantType.takes_meetings, 0), else_=1)
    if language == "ja":
        return [hosts_first, _first_of(r.name_kana, r.name_native, r.name_latin)]
    return [hosts_first, _first_of(r.name_latin, r.name_kana, r.name_native)]


def get_listed(event_id: int, registration_id: int) -> Registration:
    """A person of the directory with type, organization and its areas, else NotFound."""
    row = db.session.scalar(
        select(Registration)
        .join(Registration.type)
        .outerjoin(Registration.organization)
        .where(Registration.id == registration_id, *_listed(event_id))
        .options(
            contains_eager(Registration.type),
            contains_eager(Registration.organization).selectinload(Organization.areas),
        )
    )
    if row is None:
        raise NotFound(N_("There is no such person in the directory of this event."))
    return row


def list_delegation(event_id: int, person: Registration) -> Sequence[Registration]:
    """The others of this person's organization who are in the directory, hosts first."""
    if person.organization_id is None:
        return []
    return db.session.scalars(
        select(Registration)
        .join(Registration.type)
        .where(
            Registration.organization_id == person.organization_id,
            Registration.id != person.id,
            *_listed(event_id),
        )
        .options(contains_eager(Registration.type))
        .order_by(case((ParticipantType.takes_meetings, 0), else_=1), Registration.id)
        .limit(50)
    ).all()


def list_countries(event_id: int) -> Sequence[str]:
    """Countries of the organizations in the directory."""
    return db.session.scalars(
        select(Organization.country)
        .distinct()
        .join(Registration, Registration.organization_id == Organization.id)
        .join(Registration.type)
        .where(*_listed(event_id))
        .order_by(Organization.country)
    ).all()
