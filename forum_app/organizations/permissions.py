"""Who may do what in the registry."""

from forum_app.accounts.models import User
from forum_app.organizations.models import MemberRole, MemberState, Organization
from forum_app.organizations.queries import find_membership


def is_member(user: User, organization: Organization) -> bool:
    """Whether user belongs to organization now."""
    if not user.is_authenticated:
        return False
    membership = find_membership(user.id, organization.id)
    return membership is not None and membership.state == MemberState.ACTIVE


def is_representative(user: User, organization: Organization) -> bool:
    """Whether user speaks for organization."""
    if not user.is_authenticated:
        return False
    membership = find_membership(user.id, organization.id)
    return (
        membership is not None
        and membership.state == MemberState.ACTIVE
        and membership.role == MemberRole.REPRESENTATIVE
    )


def can_edit_organization(user: User, organization: Organization) -> bool:
    """Its representatives and administrators."""
    return user.is_authenticated and (user.is_admin or is_representative(user, organization))
