"""Reading the registry."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.organizations.models import Membership, MemberState, Organization, TechnologyArea


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


def list_areas() -> Sequence[TechnologyArea]:
    """All technology areas in their order."""
    return db.session.scalars(select(TechnologyArea).order_by(TechnologyArea.position)).all()
