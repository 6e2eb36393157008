"""Vetting officers: one registration with all that a decision needs, alone or in the queue."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_login import current_user

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.mail.bounces import find_undelivered
from forum_app.organizations.forms import country_names
from forum_app.registration import blueprint
from forum_app.registration.forms import DecisionForm, MoveForm
from forum_app.registration.models import ENDED, STATE_LABELS, Registration, RegistrationState
from forum_app.registration.permissions import can_manage_registrations, can_vet
from forum_app.registration.queries import get_registration, list_trail, list_types, list_waiting_ids
from forum_app.registration.services import decide, move_to_type, note_vetting, possible_decisions
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.formats import bilingual
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

S = RegistrationState
DECISION_LABELS = {
    S.APPROVED: N_("Approve"),
    S.WAITLISTED: N_("Put on the waitlist"),
    S.IN_VETTING: N_("Put into vetting"),
    S.DECLINED: N_("Decline"),
    S.CANCELLED: N_("Cancel the registration"),
}
TAKE_BACK = N_("Take the decision back")
WITHDRAW = N_("Withdraw the invitation")
TONES = {S.APPROVED: "primary", S.DECLINED: "danger", S.CANCELLED: "danger"}

manage_navigation.add("registration.vetting", N_("Vetting"), order=21, visible=can_vet)


def _event(slug: str, check: Any = can_vet) -> Event:
    user = current_user._get_current_object()
    event = get_event(slug, user)
    authorize(check(user, event))
    return event


@blueprint.get("/events/<slug>/manage/vetting")
@signed_in
def vetting(slug: str) -> Any:
    """The registration that waits longest, else word that nobody waits."""
    event = _event(slug)
    waiting = list_waiting_ids(event.id)
    if not waiting:
        return render_template("registration/manage/no_vetting.html", event=event)
    return redirect(
        url_for(
            "registration.manage_show",
            slug=slug,
            registration_id=waiting[0],
            queue=1,
            lang=request.args.get("lang"),
        )
    )


@blueprint.get("/events/<slug>/manage/registrations/<int:registration_id>")
@signed_in
def manage_show(slug: str, registration_id: int) -> Any:
    """One registration with everything an officer needs, in the queue with ?queue=1."""
    event = _event(slug)
    return _show(event, _get(event, registration_id))


def _get(event: Event, registration_id: int) -> Registration:
    if registration_id >= 2**62:
        raise NotFound(N_("There is no such registration at this event."))
    return get_registration(event.id, registration_id)


def _show(
    event: Event, row: Registration, decision: DecisionForm | None = None, move: MoveForm | None = None
) -> Any:
    user = current_user._get_current_object()
    organizer = can_manage_registrations(user, event)
    fresh = {"version": str(row.version), "note": row.vetting_note, "cleared_until": row.cleared_until}
    decision = decision or DecisionForm(formdata=None, data=fresh)
    queue = _queue_place(event, row) if request.args.get("queue") else None
    if organizer and move is None:
        move = MoveForm(formdata=None, data={"version": str(row.version), "type_id": row.type_id})
    if move is not None:
        move.type_id.choices = [(kind.id, bilingual(kind, "name")) for kind in list_types(event.id)]
    page = render_template(
        "registration/manage/show.html",
        nav_current="registration.vetting" if queue else "registration.manage_index",
        countries=country_names(),
        event=event,
        registration=row,
        undelivered=find_undelivered([row.email, row.user.email] if row.user else [row.email]),
        decision=decision,
        decisions=[
            (state, _decision_label(row.state, state), TONES.get(state, "outline"))
            for state in possible_decisions(user, event, row)
        ],
        move=move if row.state not in ENDED else None,
        organizer=organizer,
        queue=queue,
        trail=[(entry, _trail_label(entry.action)) for entry in list_trail(row)],
    )
    status = max(decision.status, move.status if move is not None else 200)
    return page, status


def _decision_label(before: RegistrationState, to: RegistrationState) -> str:
    if before == S.DECLINED and to == S.IN_VETTING:
        return str(gettext(TAKE_BACK))
    if before == S.INVITED and to == S.CANCELLED:
        return str(gettext(WITHDRAW))
    return str(gettext(DECISION_LABELS[to]))


def _trail_label(action: str) -> str:
    name = action.removeprefix("registration.")
    others = {
        "changed": N_("Data changed by the person"),
        "noted": N_("Note or clearance changed"),
        "moved": N_("Participant type changed"),
    }
    if name in others:
        return str(gettext(others[name]))
    return str(gettext(STATE_LABELS[S(name)])) if name in set(S) else name


def _queue_place(event: Event, row: Registration) -> dict[str, Any]:
    """Place in the queue: number, total, and addresses of the previous and the next."""
    ids = list(list_waiting_ids(event.id))
    place = ids.index(row.id) if row.id in ids else -1

    def address(index: int) -> str:
        return url_for("registration.manage_show", slug=event.slug, registration_id=ids[index], queue=1)

    return {
        "number": place + 1,
        "total": len(ids),
        "previous": address(place - 1) if place > 0 else None,
        "next": address(place + 1) if place + 1 < len(ids) and (place >= 0 or ids) else None,
    }


@blueprint.post("/events/<slug>/manage/registrations/<int:registration_id>/decide")
@signed_in
def manage_decide(slug: str, registration_id: int) -> Any:
    """Decide; a decision from the queue leads on to the next in it."""
    event = _event(slug)
    row = _get(event, registration_id)
    form = DecisionForm()
    actor = current_user._get_current_object()
    if form.validate_on_submit():
        to = RegistrationState(form.action.data)
        with form.catching():
            with submission() as done:
                result = decide(
                    actor=actor,
                    registration=row,
                    to=to,
                    now=clock.now(),
                    reason=form.reason.data or "",
                    note=form.note.data or "",
                    cleared_until=form.cleared_until.data,
                    keep_clearance=False,
                    version=int(form.version.data),
                )
                done.redirect(_after(event, row), flash=_decided(row, to, result))
            return done.response
    return _show(event, row, decision=form)


def _after(event: Event, row: Registration) -> str:
    if not request.args.get("queue"):
        return url_for("registration.manage_show", slug=event.slug, registration_id=row.id)
    later = [one for one in list_waiting_ids(event.id) if one != row.id]
    following = next((one for one in later if one > row.id), later[0] if later else None)
    if following is None:
        return url_for("registration.vetting", slug=event.slug)
    return url_for("registration.manage_show", slug=event.slug, registration_id=following, queue=1)


def _decided(row: Registration, to: RegistrationState, result: RegistrationState) -> str:
    name = row.name or row.email
    if to == S.APPROVED and result == S.WAITLISTED:
        return str(gettext("No seat was free: %(name)s is on the waitlist now.", name=name))
    label = gettext(STATE_LABELS[result])
    return (
        str(gettext("%(name)s: %(state)s. A mail tells the person.", name=name, state=label))
        if (result != S.IN_VETTING)
        else str(gettext("%(name)s: %(state)s.", name=name, state=label))
    )


@blueprint.post("/events/<slug>/manage/registrations/<int:registration_id>/note")
@signed_in
def manage_note(slug: str, registration_id: int) -> Any:
    """Keep the note and the clearance without a decision."""
    event = _event(slug)
    row = _get(event, registration_id)
    form = DecisionForm()
    form.action.data = S.APPLIED.value  # no decision is asked for here
    if form.validate_on_submit():
        with submission() as done:
            note_vetting(
                actor=current_user._get_current_object(),
                registration=row,
                note=form.note.data or "",
                cleared_until=form.cleared_until.data,
                version=int(form.version.data),
                now=clock.now(),
            )
            done.redirect(
                url_for(
                    "registration.manage_show",
                    slug=slug,
                    registration_id=row.id,
                    queue=1 if request.args.get("queue") else None,
                ),
                flash=gettext("Saved."),
            )
        return done.response
    return _show(event, row, decision=form)


@blueprint.post("/events/<slug>/manage/registrations/<int:registration_id>/type")
@signed_in
def manage_move(slug: str, registration_id: int) -> Any:
    """Give the registration another participant type."""
    event = _event(slug, can_manage_registrations)
    row = _get(event, registration_id)
    form = MoveForm()
    form.type_id.choices = [(kind.id, bilingual(kind, "name")) for kind in list_types(event.id)]
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                move_to_type(
                    actor=current_user._get_current_object(),
                    registration=row,
                    type_id=form.type_id.data,
                    version=int(form.version.data),
                    now=clock.now(),
                )
                done.redirect(
                    url_for("registration.manage_show", slug=slug, registration_id=row.id),
                    flash=gettext("Saved. A mail tells the person."),
                )
            return done.response
    return _show(event, row, move=form)
