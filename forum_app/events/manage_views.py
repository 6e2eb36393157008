"""Organizing an event: dashboard, settings, consent texts, roles."""

from collections.abc import Callable

from flask import render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.text import N_
from forum_app.events import blueprint
from forum_app.events.forms import EventForm, RoleForm, TextsForm
from forum_app.events.models import ROLE_LABELS, Event, EventRole
from forum_app.events.permissions import can_manage_event, is_staff
from forum_app.events.queries import get_grant, list_setup_steps, list_staff, list_tiles
from forum_app.events.services import (
    get_event,
    grant_role_by_email,
    publish_event,
    revoke_role,
    unpublish_event,
    update_event,
)
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.languages import ZONES
from forum_app.web.navigation import event_navigation, manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]

event_navigation.add("events.manage", N_("Manage"), order=90, visible=is_staff)
manage_navigation.add("events.manage", N_("Dashboard"), order=10, visible=is_staff)
manage_navigation.add("events.edit", N_("Settings"), order=80, visible=can_manage_event)
manage_navigation.add("events.texts", N_("Consent texts"), order=81, visible=can_manage_event)
manage_navigation.add("events.roles", N_("Roles"), order=84, visible=can_manage_event)


def managed_event(slug: str) -> Event:
    """The event, for its organizers; 404 or 403 for others."""
    event = get_event(slug, current_user)
    authorize(can_manage_event(current_user, event))
    return event


def act(slug: str, change: Callable[[Event], None], to: str, done_text: str) -> Response:
    """One button: change, then back to the page to."""
    event = managed_event(slug)
    with submission() as done:
        change(event)
        done.redirect(url_for(to, slug=slug), flash=done_text)
    return done.response


# one event


@blueprint.get("/events/<slug>/manage/")
@signed_in
def manage(slug: str) -> str:
    """What waits, how far things are; each reader sees what they may act on."""
    event = get_event(slug, current_user)
    authorize(is_staff(current_user, event))
    now = clock.now()
    tiles = list_tiles(current_user, event, now)
    may_manage = can_manage_event(current_user, event)
    return render_template(
        "events/manage/dashboard.html",
        event=event,
        now=now,
        waiting=[tile for tile in tiles if tile.waiting and tile.value],
        figures=[tile for tile in tiles if not tile.waiting],
        calm=[tile for tile in tiles if tile.waiting and not tile.value],
        may_manage=may_manage,
        steps=list_setup_steps(event) if may_manage else [],
        form=ActionForm(),
    )


@blueprint.post("/events/<slug>/manage/publish")
@signed_in
def publish(slug: str) -> Response:
    """Let it be seen."""

    def change(event: Event) -> None:
        publish_event(actor=current_user, event=event, now=clock.now())

    return act(slug, change, "events.manage", gettext("The event is published."))


@blueprint.post("/events/<slug>/manage/unpublish")
@signed_in
def unpublish(slug: str) -> Response:
    """Back to a draft."""

    def change(event: Event) -> None:
        unpublish_event(actor=current_user, event=event, now=clock.now())

    return act(slug, change, "events.manage", gettext("The event is a draft again."))


@blueprint.route("/events/<slug>/manage/settings", methods=["GET", "POST"])
@signed_in
def edit(slug: str) -> Answer:
    """Titles, days, place, zones, visibility, registration window."""
    event = managed_event(slug)
    form = EventForm(
        obj=event,
        series_slug=event.series.slug if event.series is not None else "",
        may_choose_series=current_user.is_admin,
    )
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                update_event(
                    actor=current_user,
                    event=event,
                    now=clock.now(),
                    expected_version=form.version.data or 0,
                    **form.values(),
                )
                done.redirect(url_for("events.edit", slug=slug), flash=gettext("Settings saved."))
            return done.response
    return render_template("events/manage/settings.html", event=event, form=form, zones=ZONES), form.status


@blueprint.route("/events/<slug>/manage/texts", methods=["GET", "POST"])
@signed_in
def texts(slug: str) -> Answer:
    """What participants agree to."""
    event = managed_event(slug)
    form = TextsForm(obj=event)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                update_event(
                    actor=current_user,
                    event=event,
                    now=clock.now(),
                    expected_version=form.version.data or 0,
                    **form.values(),
                )
                done.redirect(url_for("events.texts", slug=slug), flash=gettext("Consent texts saved."))
            return done.response
    return render_template("events/manage/texts.html", event=event, form=form), form.status


# roles


@blueprint.route("/events/<slug>/manage/roles", methods=["GET", "POST"])
@signed_in
def roles(slug: str) -> Answer:
    """Who works on the event."""
    event = managed_event(slug)
    form = RoleForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                grant_role_by_email(
                    actor=current_user,
                    event=event,
                    email=form.email.data,
                    role=EventRole(form.role.data),
                    now=clock.now(),
                )
                done.redirect(url_for("events.roles", slug=slug), flash=gettext("Role given."))
            return done.response
    page = render_template(
        "events/manage/roles.html",
        event=event,
        form=form,
        action=ActionForm(),
        grants=list_staff(event.id),
        role_labels=ROLE_LABELS,
    )
    return page, form.status


@blueprint.post("/events/<slug>/manage/roles/<int:grant_id>/revoke")
@signed_in
def revoke(slug: str, grant_id: int) -> Response:
    """Take a role back; who takes the own one back leaves the organizers' pages."""
    event = managed_event(slug)
    with submission() as done:
        grant = get_grant(event.id, grant_id)
        revoke_role(actor=current_user, event=event, grant=grant, now=clock.now())
        still = can_manage_event(current_user, event)
        target = url_for("events.roles", slug=slug) if still else url_for("events.home")
        done.redirect(target, flash=gettext("Role taken back."))
    return done.response
