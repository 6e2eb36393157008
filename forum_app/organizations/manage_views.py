"""Belonging to an organization: request, invitation, decisions, roles, leaving."""

from typing import Any

from flask import render_template, url_for
from flask_login import current_user

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.organizations import blueprint
from forum_app.organizations.forms import InviteForm, JoinForm, RoleForm
from forum_app.organizations.member_services import (
    accept_invitation,
    change_role,
    decide_request,
    end_membership,
    get_invitation,
    invite_member,
    is_expired,
    request_to_join,
)
from forum_app.organizations.models import MEMBER_ROLE_LABELS, MemberRole, MemberState
from forum_app.organizations.permissions import (
    can_end_membership,
    can_manage_members,
    can_see_members,
)
from forum_app.organizations.queries import (
    find_membership,
    get_membership,
    get_organization,
    list_members,
)
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.limits import limiter
from forum_app.web.submission import submission
from forum_app.web.texts import gettext


def _back(slug: str) -> str:
    return url_for("organizations.members", slug=slug)


@blueprint.route("/organizations/<slug>/join", methods=["GET", "POST"])
@signed_in
@limiter.limit("20/hour", methods=["POST"])
def join(slug: str) -> Any:
    """Ask to belong."""
    organization = get_organization(slug)
    form = JoinForm()
    if form.validate_on_submit():
        with submission() as done:
            request_to_join(
                actor=current_user,
                organization=organization,
                message=form.message.data or "",
                now=clock.now(),
            )
            done.redirect(
                url_for("organizations.show", slug=slug),
                flash=gettext("Your request was sent. You get a mail when it is decided."),
            )
        return done.response
    membership = find_membership(current_user.id, organization.id)
    page = render_template(
        "organizations/join.html", form=form, organization=organization, membership=membership
    )
    return page, form.status


@blueprint.route("/organizations/<slug>/members", methods=["GET", "POST"])
@signed_in
@limiter.limit("60/hour", methods=["POST"])
def members(slug: str) -> Any:
    """Who belongs; representatives also decide requests and invite."""
    organization = get_organization(slug)
    manages = can_manage_members(current_user, organization)
    authorize(can_see_members(current_user, organization))
    form = InviteForm()
    if form.is_submitted():
        authorize(manages)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                invite_member(
                    actor=current_user,
                    organization=organization,
                    email=form.email.data,
                    role=MemberRole(form.role.data),
                    now=clock.now(),
                )
                done.redirect(_back(slug), flash=gettext("The invitation was sent."))
            return done.response
    rows = list_members(organization.id)
    now = clock.now()
    page = render_template(
        "organizations/members.html",
        form=form,
        action=ActionForm(formdata=None),
        organization=organization,
        manages=manages,
        active=[row for row in rows if row.state == MemberState.ACTIVE],
        requested=[row for row in rows if row.state == MemberState.REQUESTED] if manages else [],
        invited=[(row, is_expired(row, now)) for row in rows if row.state == MemberState.INVITED]
        if manages
        else [],
        roles=MEMBER_ROLE_LABELS,
    )
    return page, form.status


@blueprint.post("/organizations/<slug>/members/<int:membership_id>/accept")
@signed_in
def accept(slug: str, membership_id: int) -> Any:
    """Take a person in."""
    return _decide(slug, membership_id, accept=True)


@blueprint.post("/organizations/<slug>/members/<int:membership_id>/decline")
@signed_in
def decline(slug: str, membership_id: int) -> Any:
    """Decline a request."""
    return _decide(slug, membership_id, accept=False)


def _decide(slug: str, membership_id: int, *, accept: bool) -> Any:
    organization = get_organization(slug)
    authorize(can_manage_members(current_user, organization))
    form = ActionForm()
    if form.validate_on_submit():
        with submission() as done:
            membership = get_membership(organization.id, membership_id)
            decide_request(actor=current_user, membership=membership, accept=accept, now=clock.now())
            done.redirect(
                _back(slug),
                flash=gettext("The person is a member now.")
                if accept
                else gettext("The request was declined."),
            )
        return done.response
    raise Invalid(N_("This form is too old. Reload the page and try again."))


@blueprint.post("/organizations/<slug>/members/<int:membership_id>/role")
@signed_in
def role(slug: str, membership_id: int) -> Any:
    """Change what a member may do."""
    organization = get_organization(slug)
    authorize(can_manage_members(current_user, organization))
    form = RoleForm()
    if form.validate_on_submit():
        with submission() as done:
            membership = get_membership(organization.id, membership_id)
            change_role(
                actor=current_user,
                membership=membership,
                role=MemberRole(form.role.data),
                now=clock.now(),
            )
            done.redirect(_back(slug), flash=gettext("The role was changed."))
        return done.response
    raise Invalid(N_("Choose one of the roles."))


@blueprint.post("/organizations/<slug>/members/<int:membership_id>/end")
@signed_in
def end(slug: str, membership_id: int) -> Any:
    """Leave, send a member away, or withdraw an invitation."""
    organization = get_organization(slug)
    own = find_membership(current_user.id, organization.id)
    if own is None or own.id != membership_id:
        authorize(can_manage_members(current_user, organization))
    form = ActionForm()
    if form.validate_on_submit():
        with submission() as done:
            membership = get_membership(organization.id, membership_id)
            authorize(can_end_membership(current_user, membership))
            mine = membership.user_id == current_user.id
            end_membership(actor=current_user, membership=membership, now=clock.now())
            done.redirect(
                url_for("organizations.show", slug=slug) if mine else _back(slug),
                flash=gettext("You have left the organization.") if mine else gettext("Done."),
            )
        return done.response
    raise Invalid(N_("This form is too old. Reload the page and try again."))


@blueprint.route("/organizations/invitations/<token>", methods=["GET", "POST"])
@signed_in
@limiter.limit("60/hour")
def invitation(token: str) -> Any:
    """Take up an invitation from a mail."""
    now = clock.now()
    form = ActionForm()
    if form.validate_on_submit():
        with submission() as done:
            membership = accept_invitation(actor=current_user, token=token, now=now)
            done.redirect(
                url_for("organizations.show", slug=membership.organization.slug),
                flash=gettext("You are a member of this organization now."),
            )
        return done.response
    membership = get_invitation(token=token, now=now)
    return render_template(
        "organizations/invitation.html",
        form=form,
        invitation=membership,
        organization=membership.organization,
        roles=MEMBER_ROLE_LABELS,
        same_address=membership.email_key == current_user.email_key,
    )
