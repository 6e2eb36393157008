"""The door: scan or search, let in, take back."""

from typing import Any

from flask import make_response, render_template, request, url_for
from flask_login import current_user

from forum_app.core.errors import Conflict, NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.registration import blueprint
from forum_app.registration.models import TRANSITIONS, Registration, RegistrationState
from forum_app.registration.permissions import can_check_in, has_begun
from forum_app.registration.queries import (
    CODE_LENGTH,
    count_by_state,
    find_by_code,
    get_registration,
    search_people,
    ticket_code,
)
from forum_app.registration.services import check_in, undo_check_in
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.errors import sentence
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

S = RegistrationState
MOST_TYPED = 300

manage_navigation.add("registration.check_in", N_("Check-in"), order=22, visible=can_check_in)


def _event(slug: str) -> Event:
    user = current_user._get_current_object()
    event = get_event(slug, user)
    authorize(can_check_in(user, event))
    return event


def _get(event: Event, registration_id: int) -> Registration:
    if registration_id >= 2**62:
        raise NotFound(N_("There is no such registration at this event."))
    return get_registration(event.id, registration_id)


def _page(
    event: Event,
    row: Registration | None,
    *,
    typed: str = "",
    found: Any = (),
    problem: str | None = None,
    status: int = 200,
) -> Any:
    counts = count_by_state(event.id)
    arrived = counts.get(S.CHECKED_IN, 0)
    now = clock.now()
    page = render_template(
        "registration/manage/check_in.html",
        event=event,
        registration=row,
        typed=typed,
        found=found,
        problem=problem,
        arrived=arrived,
        expected=arrived + counts.get(S.APPROVED, 0) + counts.get(S.NO_SHOW, 0),
        may_enter=row is not None and S.CHECKED_IN in TRANSITIONS[row.state],
        early=not has_begun(event, now),
        form=ActionForm(formdata=None),
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"  # names and codes stay in no browser at the door
    return response


@blueprint.get("/events/<slug>/manage/check-in", endpoint="check_in")
@signed_in
def check_in_page(slug: str) -> Any:
    """Scanner and search; ?code= a ticket's code, its address or a name; ?registration= one found."""
    event = _event(slug)
    chosen = request.args.get("registration", "")
    if chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
        return _page(event, _get(event, int(chosen)))
    typed = request.args.get("code", "").replace("\0", "").strip()[:MOST_TYPED]
    if not typed:
        return _page(event, None)
    code = ticket_code(typed)
    row = find_by_code(code) if len(code) == CODE_LENGTH else None
    if row is not None and row.event_id == event.id:
        return _page(event, row)
    if row is not None:  # not a word about the other event: it may be a closed one
        return _page(
            event, None, problem=gettext("This ticket is for another event. It does not count here.")
        )
    found = search_people(event.id, typed)
    problem = None
    if not found:
        looks_like_code = "/" in typed or len(code) == CODE_LENGTH
        problem = (
            gettext("No ticket of this event has this code. Search by name.")
            if looks_like_code
            else gettext("Nobody of this name has registered. Try another spelling or the mail address.")
        )
    return _page(event, None, typed=typed, found=found, problem=problem)


@blueprint.post("/events/<slug>/manage/check-in/<int:registration_id>")
@signed_in
def admit(slug: str, registration_id: int) -> Any:
    """Let somebody in."""
    return _act(slug, registration_id, check_in, gettext("Checked in."))


@blueprint.post("/events/<slug>/manage/check-in/<int:registration_id>/undo")
@signed_in
def undo(slug: str, registration_id: int) -> Any:
    """Take a mistaken check-in back."""
    return _act(slug, registration_id, undo_check_in, gettext("The check-in is taken back."))


def _act(slug: str, registration_id: int, service: Any, message: str) -> Any:
    event = _event(slug)
    row = _get(event, registration_id)
    typed = request.form.get("version", "")
    version = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else -1
    if not ActionForm().validate_on_submit():
        return _page(event, row, problem=gettext("This form is too old. Please try again."), status=422)
    try:
        with submission() as done:
            service(
                actor=current_user._get_current_object(), registration=row, version=version, now=clock.now()
            )
            done.redirect(
                url_for("registration.check_in", slug=slug, registration=registration_id), flash=message
            )
    except Conflict as error:  # shown at the ticket, with what is true now
        return _page(event, _get(event, registration_id), problem=sentence(error), status=409)
    return done.response
