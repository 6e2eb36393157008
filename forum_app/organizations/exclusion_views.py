"""Whom an organization must not meet: its own pages, 404 for everybody else."""

from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.organizations import blueprint
from forum_app.organizations.exclusion_forms import (
    AREA,
    KIND,
    ORGANIZATION,
    WEAPONS,
    ExclusionForm,
)
from forum_app.organizations.exclusion_queries import get_exclusion, list_exclusions
from forum_app.organizations.exclusion_services import add_exclusion, change_exclusion, remove_exclusion
from forum_app.organizations.models import EXCLUSION_GROUND_LABELS, KIND_LABELS, Exclusion, Organization
from forum_app.organizations.permissions import can_see_exclusions
from forum_app.organizations.queries import get_organization
from forum_app.web import clock
from forum_app.web.access import require_known, signed_in
from forum_app.web.formats import bilingual
from forum_app.web.forms import ActionForm
from forum_app.web.submission import submission
from forum_app.web.texts import gettext


def _own_organization(slug: str) -> Organization:
    organization = get_organization(slug)
    require_known(can_see_exclusions(current_user, organization))
    return organization


def _back(slug: str) -> str:
    return url_for("organizations.exclusions", slug=slug)


@blueprint.route("/organizations/<slug>/exclusions", methods=["GET", "POST"])
@signed_in
def exclusions(slug: str) -> Any:
    """The rules of an organization, and a form for a new one. ?organization= begins one about it."""
    organization = _own_organization(slug)
    wanted = request.args.get("organization", "")[:200]
    begun = {"target": ORGANIZATION, "organization": wanted} if wanted else {}
    form = ExclusionForm(owner=organization, data=begun)
    if form.validate_on_submit():
        with form.catching():
            target = form.chosen_target()
            with submission() as done:
                add_exclusion(
                    actor=current_user,
                    organization=organization,
                    target=target,
                    ground=form.chosen_ground(),
                    reason=form.reason.data or "",
                    ends_on=form.ends_on.data,
                    now=clock.now(),
                )
                done.redirect(_back(slug), flash=gettext("The rule holds from now on."))
            return done.response
    today = clock.now().date()
    rows = list_exclusions(organization.id)
    page = render_template(
        "organizations/exclusions.html",
        form=form,
        action=ActionForm(formdata=None),
        organization=organization,
        in_force=[row for row in rows if row.ends_on is None or row.ends_on >= today],
        ended=[row for row in rows if row.ends_on is not None and row.ends_on < today],
        grounds=EXCLUSION_GROUND_LABELS,
        target_of=target_of,
    )
    return page, form.status


@blueprint.route("/organizations/<slug>/exclusions/<int:exclusion_id>", methods=["GET", "POST"])
@signed_in
def edit_exclusion(slug: str, exclusion_id: int) -> Any:
    """Change a rule."""
    organization = _own_organization(slug)
    row = get_exclusion(organization.id, exclusion_id)
    form = ExclusionForm(owner=organization, data=_typed(row))
    if form.validate_on_submit():
        with form.catching():
            target = form.chosen_target()
            with submission() as done:
                change_exclusion(
                    actor=current_user,
                    organization=organization,
                    exclusion=row,
                    target=target,
                    ground=form.chosen_ground(),
                    reason=form.reason.data or "",
                    ends_on=form.ends_on.data,
                    now=clock.now(),
                )
                done.redirect(_back(slug), flash=gettext("The rule was changed."))
            return done.response
    page = render_template("organizations/exclusion.html", form=form, organization=organization)
    return page, form.status


@blueprint.post("/organizations/<slug>/exclusions/<int:exclusion_id>/remove")
@signed_in
def remove_exclusion_rule(slug: str, exclusion_id: int) -> Any:
    """Remove a rule."""
    organization = _own_organization(slug)
    form = ActionForm()
    if form.validate_on_submit():
        with submission() as done:
            row = get_exclusion(organization.id, exclusion_id)
            remove_exclusion(actor=current_user, organization=organization, exclusion=row, now=clock.now())
            done.redirect(_back(slug), flash=gettext("The rule was removed."))
        return done.response
    raise Invalid(N_("This form is too old. Reload the page and try again."))


def target_of(row: Exclusion) -> str:
    """Whom a rule is about, in the reader's words."""
    if row.other is not None:
        return bilingual(row.other, "name")
    if row.kind is not None:
        return gettext("All of the kind: %(kind)s", kind=gettext(KIND_LABELS[row.kind]))
    if row.area is not None:
        return gettext("All in the area: %(area)s", area=bilingual(row.area, "name"))
    return gettext("All with business related to weapons")


def _typed(row: Exclusion) -> dict[str, Any]:
    """The form's values of a stored rule."""
    values: dict[str, Any] = {"ground": row.ground.value, "reason": row.reason, "ends_on": row.ends_on}
    if row.other is not None:
        name = bilingual(row.other, "name")
        return values | {"target": ORGANIZATION, "organization": name, "other": row.other.slug}
    if row.kind is not None:
        return values | {"target": KIND, "kind": row.kind.value}
    if row.area is not None:
        return values | {"target": AREA, "area": row.area.code}
    return values | {"target": WEAPONS}
