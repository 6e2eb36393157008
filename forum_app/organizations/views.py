"""The registry: list, profile, new entry, change."""

from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.organizations import blueprint
from forum_app.organizations.details import checked_website
from forum_app.organizations.forms import (
    EditOrganizationForm,
    NewOrganizationForm,
    country_names,
    kind_choices,
)
from forum_app.organizations.models import (
    COUNTRIES,
    KIND_LABELS,
    SCHEME_LABELS,
    STAGE_LABELS,
    MemberState,
    Organization,
)
from forum_app.organizations.permissions import (
    can_create_organization,
    can_edit_organization,
    can_see_members,
)
from forum_app.organizations.queries import (
    Twin,
    find_membership,
    find_twins,
    get_organization,
    list_areas,
    list_countries,
    list_members,
    list_organizations,
)
from forum_app.organizations.services import TEXTS, create_organization, update_organization
from forum_app.web import clock
from forum_app.web.access import authorize, id_in, public, signed_in
from forum_app.web.formats import bilingual
from forum_app.web.forms import one_line, tidy
from forum_app.web.languages import language
from forum_app.web.limits import limiter
from forum_app.web.navigation import site_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

site_navigation.add("organizations.index", N_("Organizations"), order=30)


@blueprint.get("/organizations/")
@public
def index() -> str:
    """The registry: search in both scripts, filters, pages."""
    areas = list_areas()
    kinds = kind_choices()
    state = TableState.from_request(
        sorts=("name", "kind", "country"),
        filters={
            "kind": [value for value, _ in kinds],
            "country": sorted(COUNTRIES),
            "area": [area.code for area in areas],
        },
    )
    names = country_names()
    present = sorted({*list_countries(), *filter(None, [state.filters.get("country")])})
    countries = sorted(((code, names[code]) for code in present if code in names), key=lambda c: c[1])
    filters = [
        {"name": "kind", "label": gettext("Kind"), "options": kinds},
        {"name": "country", "label": gettext("Country"), "options": countries},
        {
            "name": "area",
            "label": gettext("Technology area"),
            "options": [(area.code, bilingual(area, "name")) for area in areas],
        },
    ]
    return render_template(
        "organizations/index.html",
        page=list_organizations(state, language()),
        filters=filters,
        countries=names,
        kinds=KIND_LABELS,
    )


@blueprint.get("/organizations/<slug>")
@public
def show(slug: str) -> str:
    """The profile; members only for members and administrators."""
    organization = get_organization(slug)
    user = current_user
    membership = find_membership(user.id, organization.id) if user.is_authenticated else None
    see_members = can_see_members(user, organization)
    members = list_members(organization.id) if see_members else []
    return render_template(
        "organizations/show.html",
        organization=organization,
        membership=membership,
        members=[m for m in members if m.state == MemberState.ACTIVE],
        waiting=len([m for m in members if m.state == MemberState.REQUESTED]),
        see_members=see_members,
        may_edit=can_edit_organization(user, organization),
        website=_sound_website(organization),
        countries=country_names(),
        kinds=KIND_LABELS,
        schemes=SCHEME_LABELS,
        stages=STAGE_LABELS,
    )


def _sound_website(organization: Organization) -> str:
    """The stored address, if it is one to link to: rows may have come in by another door."""
    try:
        return checked_website(organization.website)
    except Invalid:
        return ""


@blueprint.route("/organizations/new", methods=["GET", "POST"])
@signed_in
def create() -> Any:
    """A new entry; likely twins are offered before anything is saved."""
    authorize(can_create_organization(current_user))
    form = NewOrganizationForm()
    twins: list[Twin] = []
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                organization = create_organization(
                    actor=current_user,
                    confirmed=form.different.data,
                    now=clock.now(),
                    **form.values(),
                )
                done.redirect(
                    url_for("organizations.show", slug=organization.slug),
                    flash=gettext("The organization is in the registry. You are its representative."),
                )
            return done.response
    if request.method == "POST":
        twins = _typed_twins()
    page = render_template("organizations/create.html", form=form, twins=twins)
    return page, form.status


@blueprint.get("/organizations/twins")
@signed_in
@limiter.limit("120/minute")
def twins() -> str:
    """Likely twins of what is being typed, as a part of the page."""
    form = NewOrganizationForm(formdata=None)
    return render_template("organizations/_twins.html", form=form, twins=_typed_twins())


def _typed_twins() -> list[Twin]:
    """Twins of the names in the request; numbers are left to the service, which names the holder."""
    name_en, name_ja, name_kana, short_name = (
        one_line(tidy(request.values.get(name, "")[:200])) or ""
        for name in ("name_en", "name_ja", "name_kana", "short_name")
    )
    if max(len(name_en), len(name_ja), len(name_kana), len(short_name)) < 2:
        return []
    return find_twins(name_en=name_en, name_ja=name_ja, name_kana=name_kana, short_name=short_name)


@blueprint.route("/organizations/<slug>/edit", methods=["GET", "POST"])
@signed_in
def edit(slug: str) -> Any:
    """Change an entry; for its representatives and administrators."""
    organization = get_organization(slug)
    authorize(can_edit_organization(current_user, organization))
    numbers = {identifier.scheme.value: identifier.value for identifier in organization.identifiers}
    stored = {
        "areas": [area.code for area in organization.areas],
        "kind": organization.kind.value,
        "country": organization.country,
        "stage": organization.stage.value if organization.stage else "",
        "weapons_related": organization.weapons_related,
        **numbers,
    }
    texts = {name: getattr(organization, name) for name in TEXTS}
    form = EditOrganizationForm(data={**texts, **stored, "version": str(organization.version)})
    if form.validate_on_submit():
        with form.catching():
            version = id_in(form.version.data)
            if version is None:
                raise Invalid(N_("This form is too old. Reload the page and try again."))
            with submission() as done:
                update_organization(
                    actor=current_user,
                    organization=organization,
                    version=version,
                    now=clock.now(),
                    **form.values(),
                )
                done.redirect(url_for("organizations.show", slug=slug), flash=gettext("Saved."))
            return done.response
    page = render_template("organizations/edit.html", form=form, organization=organization)
    return page, form.status
