"""Organizers: participant types."""

from typing import Any

from flask import render_template, url_for
from flask_login import current_user

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.registration import blueprint
from forum_app.registration.forms import TypeForm
from forum_app.registration.models import ParticipantType, RegistrationState
from forum_app.registration.permissions import can_manage_registrations
from forum_app.registration.queries import count_by_type_and_state, get_type, list_types
from forum_app.registration.services import TypeDetails, create_type, delete_type, update_type
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

S = RegistrationState


def _event(slug: str) -> Event:
    user = current_user._get_current_object()
    event = get_event(slug, user)
    authorize(can_manage_registrations(user, event))
    return event


def _get(event: Event, type_id: int) -> ParticipantType:
    if type_id >= 2**62:
        raise NotFound(N_("There is no such participant type at this event."))
    return get_type(event.id, type_id)


@blueprint.get("/events/<slug>/manage/participant-types")
@signed_in
def types(slug: str) -> Any:
    """All participant types with their seats."""
    event = _event(slug)
    counts = count_by_type_and_state(event.id)
    rows = [
        {
            "type": kind,
            "waiting": counts.get((kind.id, S.APPLIED), 0) + counts.get((kind.id, S.IN_VETTING), 0),
            "waitlisted": counts.get((kind.id, S.WAITLISTED), 0),
            "used": any(type_id == kind.id for type_id, _ in counts),
        }
        for kind in list_types(event.id)
    ]
    return render_template("registration/manage/types.html", event=event, rows=rows, form=ActionForm())


def _details(form: TypeForm) -> TypeDetails:
    return TypeDetails(
        code=form.code.data or "",
        name_en=form.name_en.data or "",
        name_ja=form.name_ja.data or "",
        hint_en=form.hint_en.data or "",
        hint_ja=form.hint_ja.data or "",
        seats=form.seats.data,
        needs_vetting=form.needs_vetting.data,
        by_invitation=form.by_invitation.data,
        takes_meetings=form.takes_meetings.data,
        position=form.position.data or 0,
    )


@blueprint.route("/events/<slug>/manage/participant-types/new", methods=["GET", "POST"])
@signed_in
def type_new(slug: str) -> Any:
    """Add a participant type."""
    event = _event(slug)
    form = TypeForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                create_type(
                    actor=current_user._get_current_object(),
                    event=event,
                    details=_details(form),
                    now=clock.now(),
                )
                done.redirect(url_for("registration.types", slug=slug), flash=gettext("Saved."))
            return done.response
    return render_template("registration/manage/type.html", event=event, form=form, kind=None), form.status


@blueprint.route("/events/<slug>/manage/participant-types/<int:type_id>", methods=["GET", "POST"])
@signed_in
def type_edit(slug: str, type_id: int) -> Any:
    """Change a participant type."""
    event = _event(slug)
    kind = _get(event, type_id)
    form = TypeForm(obj=kind)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                update_type(
                    actor=current_user._get_current_object(),
                    event=event,
                    kind=kind,
                    details=_details(form),
                    now=clock.now(),
                )
                done.redirect(url_for("registration.types", slug=slug), flash=gettext("Saved."))
            return done.response
    return render_template("registration/manage/type.html", event=event, form=form, kind=kind), form.status


@blueprint.post("/events/<slug>/manage/participant-types/<int:type_id>/delete")
@signed_in
def type_delete(slug: str, type_id: int) -> Any:
    """Remove a participant type that nobody registered as."""
    event = _event(slug)
    kind = _get(event, type_id)
    back = url_for("registration.types", slug=slug)
    with submission() as done:
        delete_type(actor=current_user._get_current_object(), event=event, kind=kind, now=clock.now())
        done.redirect(back, flash=gettext("Removed."))
    return done.response
