"""Who may do what in the registry."""

from typing import Any

from forum_app.organizations.models import MemberRole, Membership, MemberState, Organization
from forum_app.organizations.queries import find_membership


def is_member(user: Any, organization: Organization) -> bool:
    """Whether user belongs to organization now."""
    if not user.is_authenticated:
        return False
    membership = find_membership(user.id, organization.id)
    return membership is not None and membership.state == MemberState.ACTIVE


def is_representative(user: Any, organization: Organization) -> bool:
    """Whether user speaks for organization."""
    if not user.is_authenticated:
        return False
    membership = find_membership(user.id, organization.id)
    return (
        membership is not None
        and membership.state == MemberState.ACTIVE
        and membership.role == MemberRole.REPRESENTATIVE
    )


def can_create_organization(user: Any) -> bool:
    """People whose address is verified."""
    return user.is_authenticated and user.verified_at is not None


def can_edit_organization(user: Any, organization: Organization) -> bool:
    """Its representatives and administrators."""
    return user.is_authenticated and (user.is_admin or is_representative(user, organization))


def can_manage_members(user: Any, organization: Organization) -> bool:
    """Its representatives and administrators."""
    return can_edit_organization(user, organization)


def can_see_members(user: Any, organization: Organization) -> bool:
    """Its members and administrators."""
    return user.is_authenticated and (user.is_admin or is_member(user, organization))


def can_end_membership(user: Any, membership: Membership) -> bool:
    """The person themselves, and who manages the members."""
    if not user.is_authenticated:
        return False
    own = membership.user_id == user.id
    return own or can_manage_members(user, membership.organization)


def can_see_exclusions(user: Any, organization: Organization) -> bool:
    """Whether user may know that an organization has rules at all: representatives, administrators."""
    return can_edit_organization(user, organization)
