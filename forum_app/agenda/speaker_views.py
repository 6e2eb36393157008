"""Organizers: speakers of an event, and who is invited to an item."""

from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user
from sqlalchemy import func
from werkzeug.wrappers import Response

from forum_app.agenda import blueprint
from forum_app.agenda.forms import InvitationForm, SpeakerForm, whole
from forum_app.agenda.manage_views import managed_event
from forum_app.agenda.models import Speaker
from forum_app.agenda.permissions import can_edit_agenda
from forum_app.agenda.queries import (
    get_item,
    get_speaker,
    invitable_registrations,
    invited_registrations,
    items_of_speaker,
    list_organization_names,
    speaker_rows,
)
from forum_app.agenda.services import invite
from forum_app.agenda.speakers import create_speaker, remove_speaker, update_speaker, user_id_of
from forum_app.core.text import N_
from forum_app.organizations.models import Organization
from forum_app.registration.models import Registration
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.formats import bilingual
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState, paginate
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]
SPEAKER_SORTS: dict[str, Any] = {
    "name": (func.coalesce(func.nullif(Speaker.name_latin, ""), Speaker.name_native), Speaker.id),
    "organization": (Organization.name_en, Organization.name_ja, Speaker.id),
}
PEOPLE_SORTS: dict[str, Any] = {
    "name": (Registration.name_latin, Registration.name_native, Registration.id),
    "organization": (Organization.name_en, Organization.name_ja, Registration.id),
}

manage_navigation.add("agenda.speakers", N_("Speakers"), order=31, visible=can_edit_agenda)


@blueprint.get("/events/<slug>/manage/agenda/speakers")
@signed_in
def speakers(slug: str) -> str:
    """All speakers."""
    event = managed_event(slug)
    state = TableState.from_request(sorts=list(SPEAKER_SORTS))
    page = paginate(speaker_rows(event.id, state.q), state, sorts=SPEAKER_SORTS)
    return render_template("agenda/manage/speakers.html", event=event, page=page)


@blueprint.route("/events/<slug>/manage/agenda/speakers/new", methods=["GET", "POST"])
@signed_in
def new_speaker(slug: str) -> Answer:
    """Add a speaker."""
    event = managed_event(slug)
    form = _speaker_form()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                values = form.values(user_id_of(form.account.data or ""))
                create_speaker(actor=current_user, event=event, values=values, now=clock.now())
                done.redirect(url_for("agenda.speakers", slug=slug), flash=gettext("Speaker added."))
            return done.response
    page = render_template("agenda/manage/speaker.html", event=event, form=form, speaker=None, items=[])
    return page, form.status


@blueprint.route("/events/<slug>/manage/agenda/speakers/<int:speaker_id>", methods=["GET", "POST"])
@signed_in
def edit_speaker(slug: str, speaker_id: int) -> Answer:
    """Change a speaker."""
    event = managed_event(slug)
    speaker = get_speaker(event, speaker_id)
    form = _speaker_form()
    if request.method == "GET":
        form.fill(speaker)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                values = form.values(user_id_of(form.account.data or ""))
                update_speaker(
                    actor=current_user, event=event, speaker=speaker, values=values, now=clock.now()
                )
                done.redirect(
                    url_for("agenda.speakers", slug=slug),
                    flash=gettext("Saved; the published agenda shows it from the next publication."),
                )
            return done.response
    page = render_template(
        "agenda/manage/speaker.html",
        event=event,
        form=form,
        speaker=speaker,
        items=items_of_speaker(speaker_id),
        remove_form=ActionForm(),
    )
    return page, form.status


@blueprint.post("/events/<slug>/manage/agenda/speakers/<int:speaker_id>/remove")
@signed_in
def delete_speaker(slug: str, speaker_id: int) -> Answer:
    """Remove a speaker who speaks nowhere."""
    event = managed_event(slug)
    speaker = get_speaker(event, speaker_id)
    with submission() as done:
        remove_speaker(actor=current_user, event=event, speaker=speaker, now=clock.now())
        done.redirect(url_for("agenda.speakers", slug=slug), flash=gettext("Removed."))
    return done.response


@blueprint.route("/events/<slug>/manage/agenda/<item_code>/invitations", methods=["GET", "POST"])
@signed_in
def invitations(slug: str, item_code: str) -> Answer:
    """Who may attend an item that is by invitation."""
    event = managed_event(slug)
    item = get_item(event, item_code)
    form = InvitationForm()
    state = TableState.from_request(sorts=list(PEOPLE_SORTS))
    if form.validate_on_submit():
        with submission() as done:
            invite(
                actor=current_user,
                event=event,
                item=item,
                registration_id=whole(form.registration.data) or 0,
                invited=form.invited.data == "1",
                now=clock.now(),
            )
            done.redirect(
                url_for("agenda.invitations", slug=slug, item_code=item_code, q=state.q or None),
                flash=gettext("Saved; it counts from the next publication."),
            )
        return done.response
    page = paginate(invitable_registrations(event.id, item.id, state.q), state, sorts=PEOPLE_SORTS)
    html = render_template(
        "agenda/manage/invitations.html",
        event=event,
        item=item,
        page=page,
        invited=invited_registrations(item.id),
        form=form,
    )
    return html, form.status


def _speaker_form() -> SpeakerForm:
    form = SpeakerForm()
    form.set_choices([(str(row.id), bilingual(row, "name")) for row in list_organization_names()])
    return form
