"""Reading whom an organization must not meet. Confidential: for its representatives and administrators."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.organizations.models import Exclusion, Organization
from forum_app.organizations.queries import search_organizations

MOST_MATCHES = 10  # organizations offered for one search
# The same whether the rule, the page or the right to see it is wanting.
NO_SUCH_PAGE = N_("There is no such page, or it is not open to you.")


def list_exclusions(organization_id: int) -> Sequence[Exclusion]:
    """The rules of an organization, ended ones too, newest first, with what they are about."""
    return db.session.scalars(
        select(Exclusion)
        .where(Exclusion.organization_id == organization_id)
        .options(joinedload(Exclusion.other), joinedload(Exclusion.area))
        .order_by(Exclusion.id.desc())
    ).all()


def get_exclusion(organization_id: int, exclusion_id: int) -> Exclusion:
    """A rule of this organization; raises NotFound."""
    row = db.session.scalar(
        select(Exclusion)
        .where(Exclusion.id == exclusion_id, Exclusion.organization_id == organization_id)
        .options(joinedload(Exclusion.other), joinedload(Exclusion.area))
    )
    if row is None:
        raise NotFound(NO_SUCH_PAGE)
    return row


def count_exclusions(organization_id: int) -> int:
    """How many rules an organization has, ended ones too."""
    statement = select(func.count()).where(Exclusion.organization_id == organization_id)
    return db.session.scalar(statement) or 0


def list_matches(text: str, besides: int) -> Sequence[Organization]:
    """Organizations that somebody may mean by text, best known first; besides: its own id."""
    return db.session.scalars(
        search_organizations(text)
        .where(Organization.id != besides)
        .order_by(func.length(Organization.search_text), Organization.id)
        .limit(MOST_MATCHES)
    ).all()
