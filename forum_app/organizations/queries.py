"""Reading the registry."""

import enum
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from forum_app.accounts.models import User
from forum_app.core.errors import NotFound
from forum_app.core.names import normal_form, similarity
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.organizations.details import organization_keys
from forum_app.organizations.models import (
    Identifier,
    IdentifierScheme,
    Kind,
    MemberRole,
    Membership,
    MemberState,
    Organization,
    TechnologyArea,
    TwinKey,
    search_form,
)
from forum_app.web.tables import Page, TableState, contains, paginate

LIKELY = 0.72  # similarity from which two names are shown as likely the same organization
MAX_CANDIDATES = 40


class TwinReason(enum.StrEnum):
    """Why two descriptions may be of one organization, strongest first."""

    IDENTIFIER = "identifier"
    NAME = "name"
    SIMILAR = "similar"


TWIN_REASON_LABELS = {
    TwinReason.IDENTIFIER: N_("Same identifier"),
    TwinReason.NAME: N_("Same name"),
    TwinReason.SIMILAR: N_("Similar name"),
}


@dataclass(frozen=True, slots=True)
class Twin:
    """An organization of the registry that may be the one described. score: up to 1.0."""

    organization: Organization
    score: float
    reason: TwinReason

    @property
    def reason_label(self) -> str:
        return TWIN_REASON_LABELS[self.reason]


def get_organization(slug: str) -> Organization:
    """The organization with its areas and identifiers; raises NotFound."""
    organization = db.session.scalar(
        select(Organization)
        .where(Organization.slug == slug)
        .options(selectinload(Organization.areas), selectinload(Organization.identifiers))
    )
    if organization is None:
        raise NotFound(N_("There is no such organization."))
    return organization


def search_organizations(text: str) -> Select[Any]:
    """Statement for the organizations that text may mean: any name in any spelling, or a number."""
    statement = select(Organization)
    if not text:
        return statement
    number = "".join(c for c in text.upper() if c.isascii() and c.isalnum())
    by_number = select(Identifier.organization_id).where(Identifier.value == number)
    spelled = [search_form(text), *(search_form(word) for word in text.split())]
    whole = Organization.search_text.like(contains(spelled[0]), escape="\\")
    words = and_(*(Organization.search_text.like(contains(w), escape="\\") for w in spelled[1:6]))
    return statement.where(or_(whole, words, Organization.id.in_(by_number)))


def list_organizations(state: TableState, locale: str) -> Page[Organization]:
    """One page of the registry with areas; filters: kind, country, area (code)."""
    statement = search_organizations(state.q).options(selectinload(Organization.areas))
    filters = state.filters
    if "kind" in filters:
        statement = statement.where(Organization.kind == Kind(filters["kind"]))
    if "country" in filters:
        statement = statement.where(Organization.country == filters["country"])
    if "area" in filters:
        statement = statement.where(Organization.areas.any(TechnologyArea.code == filters["area"]))
    by_name = [Organization.sort_ja if locale == "ja" else Organization.sort_en, Organization.id]
    sorts = {
        "name": by_name,
        "kind": [Organization.kind, *by_name],
        "country": [Organization.country, *by_name],
    }
    return paginate(statement, state, sorts=sorts)


def list_countries() -> Sequence[str]:
    """Countries (ISO codes) that have organizations."""
    return db.session.scalars(select(Organization.country).distinct().order_by(Organization.country)).all()


def list_areas() -> Sequence[TechnologyArea]:
    """All technology areas in their order."""
    return db.session.scalars(select(TechnologyArea).order_by(TechnologyArea.position)).all()


# --- Likely twins --------------------------------------------------------------------------------
def find_holder(scheme: IdentifierScheme, value: str) -> Organization | None:
    """The organization that bears this number."""
    return db.session.scalar(
        select(Organization)
        .join(Identifier, Identifier.organization_id == Organization.id)
        .where(Identifier.scheme == scheme, Identifier.value == value)
    )


def find_twins(
    *,
    name_en: str = "",
    name_ja: str = "",
    name_kana: str = "",
    short_name: str = "",
    identifiers: Mapping[IdentifierScheme, str] | None = None,
    besides: int | None = None,
    limit: int = 5,
) -> list[Twin]:
    """Organizations that are likely the one described, best first; besides: id to leave out.

    identifiers in canonical form. Two or three statements, whatever the size of the registry.
    """
    names = [name for name in (name_en, name_ja, name_kana) if name]
    keys = organization_keys(name_en, name_ja, name_kana, short_name)
    numbered: Collection[int] = ()
    if identifiers:
        pairs = [
            and_(Identifier.scheme == scheme, Identifier.value == value)
            for scheme, value in identifiers.items()
        ]
        numbered = set(db.session.scalars(select(Identifier.organization_id).where(or_(*pairs))))
    found = db.session.scalars(
        select(TwinKey.organization_id)
        .where(TwinKey.key.in_(keys))
        .group_by(TwinKey.organization_id)
        .order_by(
            # a registry full of "National Institute of ..." must not crowd out the equal name
            func.max(case((TwinKey.key.like("n:%"), 1), else_=0)).desc(),
            func.count().desc(),
            TwinKey.organization_id,
        )
        .limit(MAX_CANDIDATES)
    ).all()
    candidates = db.session.scalars(
        select(Organization).where(
            Organization.id.in_({*numbered, *found}), Organization.id != (besides or 0)
        )
    ).all()
    twins = []
    for organization in candidates:
        if organization.id in numbered:
            twins.append(Twin(organization, 1.0, TwinReason.IDENTIFIER))
            continue
        score = _likeness(names, keys, organization)
        if score >= LIKELY:
            reason = TwinReason.NAME if score == 1.0 else TwinReason.SIMILAR
            twins.append(Twin(organization, score, reason))
    order = list(TwinReason)
    twins.sort(key=lambda twin: (order.index(twin.reason), -twin.score, twin.organization.id))
    return twins[:limit]


# A roster compares its rows with the same entries again and again.
_form = lru_cache(maxsize=1024)(normal_form)
_keys = lru_cache(maxsize=1024)(organization_keys)


def _alike(a: str, b: str) -> float:
    """similarity(), but numbered names (Fund 1, Fund 2) are told apart by their numbers."""
    mine, theirs = re.findall("[0-9]+", _form(a)), re.findall("[0-9]+", _form(b))
    return 0.0 if mine and theirs and mine != theirs else similarity(a, b)


def _likeness(names: Sequence[str], keys: frozenset[str], other: Organization) -> float:
    others = [name for name in (other.name_en, other.name_ja, other.name_kana) if name]
    if {_form(name) for name in names} & {_form(name) for name in others}:
        return 1.0
    theirs = _keys(other.name_en, other.name_ja, other.name_kana, other.short_name)
    shared = keys & theirs
    score = max((_alike(a, b) for a in names for b in others), default=0.0)
    for key in shared:
        kind, _, rest = key.partition(":")
        if kind == "w":
            score = max(score, 0.95)
        elif kind == "r":
            score = max(score, 0.9)
        elif kind == "n":
            score = max(score, 0.85)  # a short name met a name, or a short name
        elif kind == "a" and (f"n:{rest}" in keys or f"n:{rest}" in theirs):
            score = max(score, 0.8)  # initials that one of the two goes by
    return min(score, 0.99)


# --- Members -------------------------------------------------------------------------------------
def list_memberships(user_id: int) -> Sequence[Membership]:
    """Active memberships of a person, with their organizations."""
    return db.session.scalars(
        select(Membership)
        .where(Membership.user_id == user_id, Membership.state == MemberState.ACTIVE)
        .options(joinedload(Membership.organization))
        .order_by(Membership.id)
    ).all()


def find_membership(user_id: int, organization_id: int) -> Membership | None:
    """The membership of a person in an organization, in whatever state."""
    return db.session.scalar(
        select(Membership).where(Membership.user_id == user_id, Membership.organization_id == organization_id)
    )


def get_membership(organization_id: int, membership_id: int) -> Membership:
    """A membership of that organization, with its user; raises NotFound."""
    membership = db.session.scalar(
        select(Membership)
        .where(Membership.id == membership_id, Membership.organization_id == organization_id)
        .options(joinedload(Membership.user), joinedload(Membership.organization))
    )
    if membership is None:
        raise NotFound(N_("There is no such member."))
    return membership


def list_members(organization_id: int) -> Sequence[Membership]:
    """All that are not ended, with their users, representatives first."""
    return db.session.scalars(
        select(Membership)
        .where(Membership.organization_id == organization_id, Membership.state != MemberState.ENDED)
        .options(joinedload(Membership.user))
        .order_by(Membership.role.desc(), Membership.created_at, Membership.id)
    ).all()


def list_representatives(organization_id: int) -> Sequence[User]:
    """Who speaks for the organization now."""
    return db.session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.organization_id == organization_id,
            Membership.state == MemberState.ACTIVE,
            Membership.role == MemberRole.REPRESENTATIVE,
            User.disabled_at.is_(None),
        )
        .order_by(User.id)
    ).all()


def list_administrators() -> Sequence[User]:
    """Administrators of the installation, who decide where an organization has no representative."""
    return db.session.scalars(
        select(User).where(User.is_admin, User.disabled_at.is_(None)).order_by(User.id)
    ).all()


def find_invitation(token_hash: str) -> Membership | None:
    """The open invitation of a mailed secret, with its organization; expired or not."""
    return db.session.scalar(
        select(Membership)
        .where(Membership.token_hash == token_hash, Membership.state == MemberState.INVITED)
        .options(joinedload(Membership.organization))
    )
