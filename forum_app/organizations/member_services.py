"""Use cases of belonging: requests, invitations, roles, leaving."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from forum_app.accounts.models import User
from forum_app.accounts.queries import email_key, find_user_by_email
from forum_app.accounts.sign_in import token_hash
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db, run
from forum_app.mail.services import Addressee, Recipient, queue_mail
from forum_app.organizations.models import MemberRole, Membership, MemberState, Organization
from forum_app.organizations.permissions import can_end_membership, can_manage_members
from forum_app.organizations.queries import (
    find_invitation,
    find_membership,
    list_administrators,
    list_representatives,
)

INVITATION_LIFETIME = timedelta(days=14)
ASK_AGAIN_AFTER = timedelta(days=1)
MAX_OPEN_INVITATIONS = 100
_GONE = N_("This invitation is no longer valid. Ask for a new one.")
_MOVED_ON = N_("This was already settled. Look at the list again.")


def _insert(membership: Membership) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(membership)
    except IntegrityError as error:
        # the same person, or the same address, came in at the same moment
        raise Conflict(_MOVED_ON) from error


# --- Requests ------------------------------------------------------------------------------------
def request_to_join(
    *, actor: Any, organization: Organization, now: datetime, message: str = ""
) -> Membership:
    """Ask to belong to organization; its representatives (else the administrators) get a mail."""
    if not actor.is_authenticated or actor.verified_at is None:
        raise PermissionDenied(N_("Confirm your mail address before you join an organization."))
    membership = find_membership(actor.id, organization.id)
    if membership is not None and membership.state == MemberState.ACTIVE:
        raise Conflict(N_("You are a member of this organization already."))
    if membership is not None and membership.state == MemberState.REQUESTED:
        raise Conflict(N_("You have asked already. You get a mail when it is decided."))
    message = message.strip()[:500]
    if membership is None:
        membership = Membership(
            organization_id=organization.id,
            organization=organization,
            user_id=actor.id,
            role=MemberRole.MEMBER,
            state=MemberState.REQUESTED,
            message=message,
            created_at=now,
        )
        _insert(membership)
    else:
        if membership.decided_at is not None and now - membership.decided_at < ASK_AGAIN_AFTER:
            raise Conflict(N_("This was decided less than a day ago. You may ask again tomorrow."))
        membership.state, membership.role = MemberState.REQUESTED, MemberRole.MEMBER
        membership.message, membership.created_at, membership.decided_at = message, now, None
    record(actor=actor, action="membership.requested", subject=membership, now=now)
    deciders: Sequence[User] = list_representatives(organization.id) or list_administrators()
    for decider in deciders:
        context = {"organization": organization, "person": actor, "message": message}
        queue_mail(to=decider, template="organizations/join_request", context=context, now=now)
    return membership


def decide_request(*, actor: Any, membership: Membership, accept: bool, now: datetime) -> Membership:
    """Take a person in, or not; they get a mail."""
    organization = membership.organization
    if not can_manage_members(actor, organization):
        raise PermissionDenied(N_("Only representatives of the organization may decide this."))
    if membership.state != MemberState.REQUESTED:
        raise Conflict(_MOVED_ON)
    membership.state = MemberState.ACTIVE if accept else MemberState.ENDED
    membership.decided_at = now
    action = "membership.accepted" if accept else "membership.declined"
    record(actor=actor, action=action, subject=membership, now=now)
    if membership.user is not None:
        template = "organizations/join_accepted" if accept else "organizations/join_declined"
        queue_mail(to=membership.user, template=template, context={"organization": organization}, now=now)
    return membership


# --- Invitations ---------------------------------------------------------------------------------
def invite_member(
    *, actor: Any, organization: Organization, email: str, role: MemberRole, now: datetime
) -> Membership:
    """Invite by address: a mail with a secret link, good once and for INVITATION_LIFETIME.

    Only the hash of the secret is stored. Inviting the same address again replaces the first link.
    """
    if not can_manage_members(actor, organization):
        raise PermissionDenied(N_("Only representatives of the organization may invite."))
    key = email_key(email)
    user = find_user_by_email(email)
    standing = find_membership(user.id, organization.id) if user is not None else None
    if standing is not None and standing.state == MemberState.ACTIVE:
        raise Invalid(N_("This person is a member already."), field="email")
    if standing is not None and standing.state == MemberState.REQUESTED:
        raise Invalid(N_("This person has asked to join. Accept the request instead."), field="email")
    token = secrets.token_urlsafe(32)
    values = {
        "role": role,
        "state": MemberState.INVITED,
        "token_hash": token_hash(token),
        "created_at": now,
        "decided_at": None,
    }
    membership = db.session.scalar(
        select(Membership).where(Membership.organization_id == organization.id, Membership.email_key == key)
    )
    if membership is None:
        _refuse_too_many(organization)
        membership = Membership(organization_id=organization.id, email_key=key, **values)
        _insert(membership)
    else:
        for name, value in values.items():
            setattr(membership, name, value)
    record(actor=actor, action="membership.invited", subject=membership, now=now, detail={"role": role.value})
    to: Addressee = user or Recipient(email.strip(), email.strip(), actor.locale)
    context = {
        "organization": organization,
        "person": actor,
        "token": token,
        "days": INVITATION_LIFETIME.days,
    }
    queue_mail(to=to, template="organizations/invitation", context=context, now=now)
    return membership


def _refuse_too_many(organization: Organization) -> None:
    open_ones = db.session.scalars(
        select(Membership.id)
        .where(Membership.organization_id == organization.id, Membership.state == MemberState.INVITED)
        .limit(MAX_OPEN_INVITATIONS)
    ).all()
    if len(open_ones) >= MAX_OPEN_INVITATIONS:
        raise Invalid(
            N_("There are %(most)s open invitations. Withdraw some first."),
            field="email",
            most=MAX_OPEN_INVITATIONS,
        )


def is_expired(invitation: Membership, now: datetime) -> bool:
    """Whether the link of an invitation is too old."""
    return now - invitation.created_at > INVITATION_LIFETIME


def get_invitation(*, token: str, now: datetime) -> Membership:
    """The invitation of a secret link; NotFound once it is used, withdrawn or expired."""
    invitation = find_invitation(token_hash(token)) if 20 <= len(token) <= 100 else None
    if invitation is None or is_expired(invitation, now):
        raise NotFound(_GONE)
    return invitation


def accept_invitation(*, actor: Any, token: str, now: datetime) -> Membership:
    """Take up an invitation: whoever holds the secret was mailed it. Works once."""
    invitation = get_invitation(token=token, now=now)
    # of two who come at once, the one whose statement changes the row is let in
    taken = run(
        update(Membership)
        .where(Membership.id == invitation.id, Membership.state == MemberState.INVITED)
        .values(state=MemberState.ENDED, token_hash=None, decided_at=now, version=Membership.version + 1)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:
        raise Conflict(_GONE)
    db.session.refresh(invitation)
    address, role = invitation.email_key, invitation.role
    membership = find_membership(actor.id, invitation.organization_id)
    if membership is None:
        membership = invitation
        membership.user_id, membership.email_key = actor.id, None
        membership.state = MemberState.ACTIVE
        db.session.flush()
    else:
        db.session.delete(invitation)
        if membership.state != MemberState.ACTIVE:
            membership.state, membership.role, membership.decided_at = MemberState.ACTIVE, role, now
        elif role == MemberRole.REPRESENTATIVE:
            membership.role = role
    record(
        actor=actor,
        action="membership.invitation_accepted",
        subject=membership,
        now=now,
        detail={"address": address or ""},
    )
    return membership


# --- Roles and leaving ---------------------------------------------------------------------------
def change_role(*, actor: Any, membership: Membership, role: MemberRole, now: datetime) -> Membership:
    """Make a member a representative, or the other way; one representative always remains."""
    if not can_manage_members(actor, membership.organization):
        raise PermissionDenied(N_("Only representatives of the organization may change roles."))
    _change_active(membership, role=role)
    record(
        actor=actor,
        action="membership.role_changed",
        subject=membership,
        now=now,
        detail={"role": role.value},
    )
    return membership


def end_membership(*, actor: Any, membership: Membership, now: datetime) -> Membership:
    """Leave, send away, or withdraw an invitation; one representative always remains."""
    if not can_end_membership(actor, membership):
        raise PermissionDenied(N_("Only representatives of the organization may end a membership."))
    if membership.state == MemberState.ACTIVE:
        _change_active(membership, state=MemberState.ENDED, decided_at=now)
    elif membership.state == MemberState.ENDED:
        raise Conflict(_MOVED_ON)
    else:
        membership.state, membership.token_hash, membership.decided_at = MemberState.ENDED, None, now
    record(actor=actor, action="membership.ended", subject=membership, now=now)
    return membership


def _change_active(membership: Membership, **values: Any) -> None:
    """Change an active membership unless it would leave the organization without representative.

    All such changes of one organization pass one at a time through the lock on its row; the
    condition is in the statement that changes, so it holds whatever was read before.
    """
    db.session.execute(
        select(Organization.id)
        .where(Organization.id == membership.organization_id)
        .with_for_update(key_share=True)
    )
    other = aliased(Membership)
    remains = (
        select(other.id)
        .where(
            other.organization_id == membership.organization_id,
            other.id != membership.id,
            other.role == MemberRole.REPRESENTATIVE,
            other.state == MemberState.ACTIVE,
        )
        .exists()
    )
    conditions: list[ColumnElement[bool]] = [
        Membership.id == membership.id,
        Membership.state == MemberState.ACTIVE,
    ]
    if values.get("role") != MemberRole.REPRESENTATIVE:
        conditions.append(or_(Membership.role != MemberRole.REPRESENTATIVE, remains))
    changed = run(
        update(Membership)
        .where(*conditions)
        .values(version=Membership.version + 1, **values)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(membership, ["state", "role", "decided_at", "version"])
    if changed.rowcount == 1:
        return
    if membership.state != MemberState.ACTIVE:
        raise Conflict(_MOVED_ON)
    raise Conflict(
        N_("An organization keeps at least one representative. Make somebody else representative first.")
    )
