"""Rules of an organization about whom it must not meet. The audit trail knows that, never why."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select

from forum_app.audit.services import record
from forum_app.core.errors import Invalid, NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.organizations.exclusion_queries import NO_SUCH_PAGE, count_exclusions
from forum_app.organizations.models import Exclusion, ExclusionGround, Kind, Organization, TechnologyArea
from forum_app.organizations.permissions import can_see_exclusions

MOST_EXCLUSIONS = 200


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule is about; exactly one is given. area: the code of a technology area."""

    other: Organization | None = None
    kind: Kind | None = None
    area: str = ""
    weapons_related: bool = False


def add_exclusion(
    *,
    actor: Any,
    organization: Organization,
    target: Target,
    ground: ExclusionGround,
    now: datetime,
    reason: str = "",
    ends_on: date | None = None,
) -> Exclusion:
    """A new rule, in force at once and up to its last day. NotFound for whoever may not know of rules."""
    _require(actor, organization)
    if count_exclusions(organization.id) >= MOST_EXCLUSIONS:
        raise Invalid(
            N_("An organization can have %(most)s rules. Remove one that has ended."), most=MOST_EXCLUSIONS
        )
    row = Exclusion(
        organization_id=organization.id,
        created_at=now,
        created_by_id=actor.id if actor is not None else None,
    )
    _fill(row, organization, target, ground, reason, ends_on, now)
    db.session.add(row)
    db.session.flush()
    _note(actor, "organization.exclusion_added", organization, row, now)
    return row


def change_exclusion(
    *,
    actor: Any,
    organization: Organization,
    exclusion: Exclusion,
    target: Target,
    ground: ExclusionGround,
    now: datetime,
    reason: str = "",
    ends_on: date | None = None,
) -> Exclusion:
    """Other words, another day or another target for a rule."""
    _require(actor, organization)
    _fill(exclusion, organization, target, ground, reason, ends_on, now)
    _note(actor, "organization.exclusion_changed", organization, exclusion, now)
    return exclusion


def remove_exclusion(*, actor: Any, organization: Organization, exclusion: Exclusion, now: datetime) -> None:
    """The rule is gone, with its reason."""
    _require(actor, organization)
    _note(actor, "organization.exclusion_removed", organization, exclusion, now)
    db.session.delete(exclusion)


def _require(actor: Any, organization: Organization) -> None:
    if actor is not None and not can_see_exclusions(actor, organization):
        raise NotFound(NO_SUCH_PAGE)


def _fill(
    row: Exclusion,
    organization: Organization,
    target: Target,
    ground: ExclusionGround,
    reason: str,
    ends_on: date | None,
    now: datetime,
) -> None:
    given = [target.other is not None, target.kind is not None, bool(target.area), target.weapons_related]
    if sum(given) != 1:
        raise Invalid(N_("Say whom the rule is about."), field="target")
    if target.other is not None and target.other.id == organization.id:
        raise Invalid(N_("A rule is about others than your own organization."), field="organization")
    if ends_on is not None and ends_on < now.date() and ends_on != row.ends_on:
        raise Invalid(N_("The last day is over already. Leave it empty if there is none."), field="ends_on")
    area = None
    if target.area:
        area = db.session.scalar(select(TechnologyArea).where(TechnologyArea.code == target.area))
        if area is None:
            raise Invalid(N_("The technology area %(code)s is not known."), field="area", code=target.area)
    twins = select(Exclusion.id).where(
        Exclusion.organization_id == organization.id,
        Exclusion.id != (row.id or 0),
        Exclusion.other_id == target.other.id if target.other is not None else Exclusion.other_id.is_(None),
        Exclusion.kind == target.kind if target.kind is not None else Exclusion.kind.is_(None),
        Exclusion.area_id == area.id if area is not None else Exclusion.area_id.is_(None),
        Exclusion.weapons_related == target.weapons_related,
        or_(Exclusion.ends_on.is_(None), Exclusion.ends_on >= now.date()),
    )
    if db.session.scalar(twins.limit(1)) is not None:
        raise Invalid(N_("A rule about them is in force already. Change that one."), field="target")
    row.other, row.other_id = target.other, target.other.id if target.other is not None else None
    row.kind = target.kind
    row.area, row.area_id = area, area.id if area is not None else None
    row.weapons_related = target.weapons_related
    row.ground, row.reason, row.ends_on = ground, reason, ends_on


def _note(actor: Any, action: str, organization: Organization, row: Exclusion, now: datetime) -> None:
    # the organization is the subject: neither target nor reason go into a trail that others may read
    detail = {"exclusion": row.id}
    record(actor=actor, action=action, subject=organization, now=now, detail=detail)
