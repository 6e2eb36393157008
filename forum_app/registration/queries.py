"""Reading registrations."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, false, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, aliased, contains_eager, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from forum_app.audit.models import AuditEntry
from forum_app.core.errors import NotFound
from forum_app.core.kana import katakana
from forum_app.core.names import person_sort_key
from forum_app.core.text import N_
from forum_app.db import Lookup, db, run
from forum_app.events.models import Event
from forum_app.events.queries import Participation, participation_sources
from forum_app.organizations.models import Kind, Membership, MemberState, Organization
from forum_app.registration.models import (
    ACTIVE,
    ENDED,
    STATE_LABELS,
    ParticipantType,
    Registration,
    RegistrationState,
)
from forum_app.web.tables import Page, TableState, contains, paginate

S = RegistrationState
STATE_TONES = {
    S.INVITED: "info",
    S.APPLIED: "info",
    S.IN_VETTING: "warning",
    S.APPROVED: "success",
    S.WAITLISTED: "warning",
    S.DECLINED: "danger",
    S.CANCELLED: "closed",
    S.CHECKED_IN: "success",
    S.NO_SHOW: "neutral",
}
WAITING = (S.APPLIED, S.IN_VETTING)  # for a vetting officer, oldest first
CODE_LENGTH = 16
_HIRAGANA = {code + 0x60: code for code in range(0x3041, 0x3097)}


# Asked on most pages of a signed-in person, so built once. email_key is None, which equals nothing,
# for an address that is not confirmed: an invitation knows only an address until its owner takes it.
# Two look-ups by index, and no index for the event: SQLite would rather read all of its registrations.
_SAME = aliased(Registration)
_IS_OWN = Registration.id.in_(
    union_all(
        select(_SAME.id).where(_SAME.user_id == bindparam("user_id")),
        select(_SAME.id).where(_SAME.email_key == bindparam("email_key")),
    )
)
_IS_ACTIVE = Registration.state.not_in(sorted(ENDED))
_AT_EVENT = Registration.event_id + 0 == bindparam("event_id")
_OWN = select(Registration).where(_AT_EVENT, _IS_OWN)
_LOADED = (joinedload(Registration.type), joinedload(Registration.organization))
_ACTIVE_OWN = _OWN.where(_IS_ACTIVE).options(*_LOADED).order_by(Registration.id.desc()).limit(1)
_ALL_OWN = Lookup(Registration, select(Registration).where(_IS_OWN).order_by(Registration.id))
_ORGANIZATIONS = Lookup(
    Organization, select(Organization).where(Organization.id.in_(bindparam("ids", expanding=True)))
)
_LAST_OWN = _OWN.options(*_LOADED).order_by(_IS_ACTIVE.desc(), Registration.id.desc()).limit(1)
_ACTIVE_STATE = (
    select(Registration.state).where(_AT_EVENT, _IS_OWN, _IS_ACTIVE).order_by(Registration.id.desc()).limit(1)
)
_OWN_ORGANIZATIONS = (
    select(Organization.id, Organization.name_en, Organization.name_ja)
    .join(Membership, Membership.organization_id == Organization.id)
    .where(Membership.user_id == bindparam("user_id"), Membership.state == MemberState.ACTIVE)
    .order_by(Membership.id)
)
_TYPES = Lookup(
    ParticipantType,
    select(ParticipantType)
    .where(ParticipantType.event_id == bindparam("event_id"))
    .order_by(ParticipantType.position, ParticipantType.id),
)


def _who(user: Any) -> dict[str, Any]:
    return {"user_id": user.id, "email_key": user.email_key if user.verified_at is not None else None}


def _whose(user: Any, event: Event) -> dict[str, Any]:
    return {"event_id": event.id, **_who(user)}


def find_registration(user: Any, event: Event) -> Registration | None:
    """The active registration of user at event, by login or address, with type and organization."""
    if not user.is_authenticated:
        return None
    return db.session.scalar(_ACTIVE_OWN, _whose(user, event))


def find_last_registration(user: Any, event: Event) -> Registration | None:
    """The active registration of user at event, else the one that ended last."""
    if not user.is_authenticated:
        return None
    return db.session.scalar(_LAST_OWN, _whose(user, event))


def list_registrations_of(user: Any) -> Sequence[Registration]:
    """All registrations of a person at all events, ended ones too, with organizations; oldest first."""
    rows = _ALL_OWN.all(_who(user))
    ids = {row.organization_id for row in rows if row.organization_id is not None}
    known = {one.id: one for one in _ORGANIZATIONS.all({"ids": sorted(ids)})} if ids else {}
    for row in rows:
        if row.organization_id in known:
            set_committed_value(row, "organization", known[row.organization_id])
    return rows


def find_active_state(user: Any, event: Event) -> RegistrationState | None:
    """State of the active registration of user at event."""
    db.session.flush()
    state: RegistrationState | None = run(_ACTIVE_STATE, _whose(user, event)).scalar()
    return state


def list_own_organizations(user_id: int) -> Sequence[Any]:
    """Rows (id, name_en, name_ja) of the organizations of which a person is an active member."""
    db.session.flush()
    return run(_OWN_ORGANIZATIONS, {"user_id": user_id}).all()


def list_own_participations(user: Any) -> Mapping[int, Participation]:
    """{event id: Participation} of the active registrations of user."""
    rows = db.session.execute(
        select(Registration.event_id, Registration.state)
        .where(_IS_ACTIVE, _IS_OWN)
        .order_by(Registration.id),
        _who(user),
    )
    return {
        event_id: Participation(STATE_LABELS[state], "registration.mine", STATE_TONES[state])
        for event_id, state in rows
    }


participation_sources.append(list_own_participations)


def list_types(event_id: int) -> Sequence[ParticipantType]:
    """Participant types of an event in their order."""
    return _TYPES.all({"event_id": event_id})


def get_type(event_id: int, type_id: int) -> ParticipantType:
    """A participant type of this event; raises NotFound."""
    kind = db.session.scalar(
        select(ParticipantType).where(ParticipantType.event_id == event_id, ParticipantType.id == type_id)
    )
    if kind is None:
        raise NotFound(N_("There is no such participant type at this event."))
    return kind


def count_by_type_and_state(event_id: int) -> dict[tuple[int, RegistrationState], int]:
    """{(type id, state): number of registrations}."""
    rows = db.session.execute(
        select(Registration.type_id, Registration.state, func.count())
        .where(Registration.event_id == event_id)
        .group_by(Registration.type_id, Registration.state)
    )
    return {(type_id, state): number for type_id, state, number in rows}


def count_by_state(event_id: int) -> dict[RegistrationState, int]:
    """{state: number of registrations}; states without any are left out."""
    rows = db.session.execute(
        select(Registration.state, func.count())
        .where(Registration.event_id == event_id)
        .group_by(Registration.state)
    ).all()
    return dict(rows)


def get_registration(event_id: int, registration_id: int) -> Registration:
    """A registration of this event with type, organization and user; raises NotFound."""
    row = db.session.scalar(
        select(Registration)
        .where(Registration.event_id == event_id, Registration.id == registration_id)
        .options(
            joinedload(Registration.type),
            joinedload(Registration.organization),
            joinedload(Registration.user),
        )
    )
    if row is None:
        raise NotFound(N_("There is no such registration at this event."))
    return row


def find_by_code(code: str) -> Registration | None:
    """The registration with that ticket code, of whatever event."""
    return db.session.scalar(
        select(Registration)
        .where(Registration.code == code)
        .options(
            joinedload(Registration.type),
            joinedload(Registration.organization),
            joinedload(Registration.event),
        )
    )


def ticket_code(typed: str) -> str:
    """The code in what was scanned or typed: the code alone, spaced, or the address that ends in it."""
    tail = typed.strip().replace("=", "/").rsplit("/", 1)[-1]
    return "".join(character for character in tail if character.isalnum()).upper()[:40]


def list_trail(registration: Registration) -> Sequence[AuditEntry]:
    """What happened to a registration, newest first."""
    return db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_type == "Registration", AuditEntry.subject_id == registration.id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(50)
    ).all()


def list_waiting_ids(event_id: int) -> Sequence[int]:
    """Ids of the registrations that wait for a vetting officer, oldest first."""
    return db.session.scalars(
        select(Registration.id)
        .where(Registration.event_id == event_id, Registration.state.in_(WAITING))
        .order_by(Registration.created_at, Registration.id)
    ).all()


# --- Lists ---------------------------------------------------------------------------------------
SORTS = ("-created", "kana", "name", "organization", "type", "state", "changed")
COUNTRY_KINDS = {"JP": N_("Japan"), "US": N_("United States"), "other": N_("Other countries")}


def search_condition(q: str) -> ColumnElement[bool]:
    """Every word of q is in a name (any script, kana of either kind), address or organization."""
    conditions: list[ColumnElement[bool]] = []
    for word in q.split():
        patterns = {contains(word)}
        folded = katakana(word)
        patterns |= {contains(folded), contains(folded.translate(_HIRAGANA))}
        columns: list[InstrumentedAttribute[Any]] = [
            Registration.name_latin,
            Registration.name_native,
            Registration.name_kana,
            Registration.email_key,
            Organization.name_en,
            Organization.name_ja,
            Organization.name_kana,
        ]
        conditions.append(or_(*[c.ilike(p, escape="\\") for c in columns for p in sorted(patterns)]))
    if len(conditions) > 1:
        # a name typed with a space matches the name written without, and the other way round
        solid = contains("".join(q.split()))
        bare = func.replace(func.replace(Registration.name_native, " ", ""), "\u3000", "")
        return or_(bare.like(solid, escape="\\"), *[_and(conditions)])
    if conditions:
        bare = func.replace(func.replace(Registration.name_native, " ", ""), "\u3000", "")
        return or_(conditions[0], bare.like(contains(q), escape="\\"))
    return ~false()


def _and(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    result = conditions[0]
    for condition in conditions[1:]:
        result = result & condition
    return result


def registrations_of(event_id: int, state: TableState) -> Select[Any]:
    """Registrations that match the search and the filters, joined with type and organization.

    Filters: state (a state, or "waiting"), type (id), country (JP, US, other), kind (organization).
    """
    statement = (
        select(Registration)
        .join(Registration.type)
        .outerjoin(Registration.organization)
        .where(Registration.event_id == event_id)
    )
    filters = state.filters
    if filters.get("state") == "waiting":
        statement = statement.where(Registration.state.in_(WAITING))
    elif "state" in filters:
        statement = statement.where(Registration.state == RegistrationState(filters["state"]))
    if "type" in filters:
        statement = statement.where(Registration.type_id == int(filters["type"]))
    country = filters.get("country")
    if country == "other":
        statement = statement.where(Organization.country.not_in(("JP", "US")))
    elif country:
        statement = statement.where(Organization.country == country)
    if "kind" in filters:
        statement = statement.where(Organization.kind == Kind(filters["kind"]))
    if state.q:
        statement = statement.where(search_condition(state.q))
    return statement


def list_registrations(event_id: int, state: TableState, locale: str) -> Page[Registration]:
    """One page of the registrations, with type and organization; two statements."""
    statement = registrations_of(event_id, state)
    loaded = (contains_eager(Registration.type), contains_eager(Registration.organization))
    if state.sort in ("kana", "name"):
        return _page_by_name(statement, state, "ja" if state.sort == "kana" else "en", loaded)
    organization = Organization.name_kana if locale == "ja" else func.lower(Organization.name_en)
    sorts = {
        "created": (Registration.created_at, Registration.id),
        "changed": (Registration.state_changed_at, Registration.id),
        "organization": (organization, Organization.name_en, Registration.id),
        "type": (ParticipantType.position, ParticipantType.id, Registration.id),
        "state": (Registration.state, Registration.id),
    }
    return paginate(statement.options(*loaded), state, sorts=sorts)


def _page_by_name(
    statement: Select[Any], state: TableState, locale: str, loaded: Sequence[Any]
) -> Page[Registration]:
    # Databases do not know the order of a Japanese index; keys of a few thousand names are cheap here.
    names = db.session.execute(
        statement.with_only_columns(
            Registration.id, Registration.name_latin, Registration.name_native, Registration.name_kana
        )
    ).all()
    ordered = sorted(
        ((person_sort_key(latin, native, kana, locale), key) for key, latin, native, kana in names),
        reverse=state.descending,
    )
    empty: Page[Registration] = Page((), len(ordered), state)
    first = (empty.number - 1) * state.size
    ids = [key for _, key in ordered[first : first + state.size]]
    rows = {
        row.id: row
        for row in db.session.scalars(
            select(Registration)
            .join(Registration.type)
            .outerjoin(Registration.organization)
            .where(Registration.id.in_(ids))
            .options(*loaded)
        )
    }
    return Page([rows[key] for key in ids if key in rows], len(ordered), state)


def list_for_export(event_id: int, state: TableState) -> Sequence[Registration]:
    """The registrations that match the search and the filters with type and organization, oldest first."""
    return db.session.scalars(
        registrations_of(event_id, state)
        .options(contains_eager(Registration.type), contains_eager(Registration.organization))
        .order_by(Registration.created_at, Registration.id)
    ).all()


def search_people(event_id: int, q: str, limit: int = 20) -> Sequence[Registration]:
    """People of an event for the door, by name, address or organization; those expected come first."""
    if not q.strip():
        return []
    return db.session.scalars(
        select(Registration)
        .join(Registration.type)
        .outerjoin(Registration.organization)
        .where(Registration.event_id == event_id, search_condition(q))
        .options(contains_eager(Registration.type), contains_eager(Registration.organization))
        .order_by(
            Registration.state.in_((S.APPROVED, S.NO_SHOW)).desc(),
            Registration.state.in_(ACTIVE).desc(),
            Registration.name_latin,
            Registration.id,
        )
        .limit(limit)
    ).all()
