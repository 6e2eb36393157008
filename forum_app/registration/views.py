"""What people see of their own registration."""

import io
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import segno
from flask import Response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from forum_app.accounts.models import User
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.mail.rendering import link
from forum_app.organizations.models import Organization
from forum_app.registration import blueprint
from forum_app.registration.forms import DetailsForm, RegistrationForm
from forum_app.registration.models import (
    ENDED,
    SEATED,
    STATE_LABELS,
    TRANSITIONS,
    Registration,
    RegistrationState,
)
from forum_app.registration.pages import empty_page, organization_options, refused_page
from forum_app.registration.permissions import (
    Window,
    active_state,
    identity_is_settled,
    is_over,
    may_choose,
    registration_window,
)
from forum_app.registration.queries import (
    STATE_TONES,
    find_last_registration,
    find_registration,
    list_own_organizations,
    list_types,
)
from forum_app.registration.services import Consents, Details, cancel, register, update_own
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.formats import second_zone, zone_label
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import event_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

S = RegistrationState
blueprint.add_app_template_global(lambda state: gettext(STATE_LABELS[state]), "registration_state_label")
blueprint.add_app_template_global(lambda state: STATE_TONES[state], "registration_state_tone")


def _may_start(user: Any, event: Event) -> bool:
    state = active_state(user, event)
    invited = state == S.INVITED
    return (state is None or invited) and registration_window(
        event, clock.now(), invited=invited
    ) == Window.OPEN


def _has_started(user: Any, event: Event) -> bool:
    state = active_state(user, event)
    return state is not None and state != S.INVITED


event_navigation.add("registration.register", N_("Register"), order=60, visible=_may_start)
event_navigation.add("registration.mine", N_("My registration"), order=61, visible=_has_started)


@blueprint.route("/events/<slug>/register", methods=["GET", "POST"], endpoint="register")
@signed_in
def register_page(slug: str) -> Any:
    """Register, or read why that is not possible now."""
    now = clock.now()
    user = current_user._get_current_object()
    form = RegistrationForm() if request.method == "POST" else None
    good = form is not None and form.validate()
    if form is not None and good:
        # the service checks type, organization and statement, so that nothing is read twice for a good form
        with form.catching():
            with submission(keep=user) as done:
                event = get_event(slug, user)
                row = register(
                    actor=user,
                    event=event,
                    type_id=form.type_id.data,
                    details=_details(form),
                    consents=Consents(
                        privacy=form.privacy.data, antitrust=form.antitrust.data, photo=form.photo.data
                    ),
                    now=now,
                )
                done.redirect(url_for("registration.mine", slug=slug), flash=_acknowledgement(row))
            return done.response
    event = get_event(slug, user)
    if form is not None and not good:  # say at once whatever is missing
        form.ask_antitrust(event)
        form.validate()
    existing = find_registration(user, event) if active_state(user, event) is not None else None
    if existing is not None and existing.state != S.INVITED:
        return redirect(url_for("registration.mine", slug=slug))
    window = registration_window(event, now, invited=existing is not None)
    types = [kind for kind in list_types(event.id) if may_choose(kind, existing)]
    if window != Window.OPEN or not types:
        return render_template("registration/closed.html", event=event, window=window, now=now), (
            409 if form is not None else 200
        )
    organizations = list_own_organizations(user.id)
    if form is None:
        content, status = empty_page(event, user, types, existing, organizations), 200
    else:
        content, status = refused_page(form, event, types, existing, organizations), form.status
    return render_template("registration/register.html", event=event, content=content), status


def _offer_organizations(form: DetailsForm, user: User, own: Organization | None) -> None:
    organizations: list[Any] = list(list_own_organizations(user.id))
    if own is not None and all(one.id != own.id for one in organizations):
        organizations.append(own)
    form.organization_id.choices = organization_options(organizations)
    if form.organization_id.data is None and organizations and not form.is_submitted():
        form.organization_id.data = own.id if own is not None else organizations[0].id


def _details(form: DetailsForm) -> Details:
    return Details(
        name_latin=form.name_latin.data or "",
        name_native=form.name_native.data or "",
        name_kana=form.name_kana.data or "",
        organization_id=form.organization_id.data,
        job_title_en=form.job_title_en.data or "",
        job_title_ja=form.job_title_ja.data or "",
        language=form.language.data or "",
        needs=form.needs.data or "",
        listed=form.listed.data,
    )


def _acknowledgement(row: Registration) -> str:
    if row.state == S.APPROVED:
        return str(gettext("You are registered. Your ticket is ready."))
    if row.state == S.WAITLISTED:
        return str(gettext("All seats are taken at the moment. You are on the waitlist."))
    return str(gettext("Your registration has been received."))


@blueprint.get("/events/<slug>/registration")
@signed_in
def mine(slug: str) -> Any:
    """The state of one's registration and what happens next."""
    user = current_user._get_current_object()
    event = get_event(slug, user)
    row = find_last_registration(user, event)
    if row is None or row.state == S.INVITED:
        return redirect(url_for("registration.register", slug=slug))
    now = clock.now()
    over = is_over(event, now)
    can_register_anew = row.state in ENDED and registration_window(event, now) == Window.OPEN
    return render_template(
        "registration/mine.html",
        event=event,
        registration=row,
        has_ticket=row.state in SEATED,
        can_change=row.state not in ENDED and not over,
        can_cancel=S.CANCELLED in TRANSITIONS[row.state] and not over,
        can_register_anew=can_register_anew,
    )


def _own(slug: str) -> tuple[Event, Registration]:
    user = current_user._get_current_object()
    event = get_event(slug, user)
    row = find_registration(user, event)
    if row is None:
        raise NotFound(N_("You have no registration for this event."))
    return event, row


@blueprint.route("/events/<slug>/registration/edit", methods=["GET", "POST"])
@signed_in
def edit_mine(slug: str) -> Any:
    """Change one's own data."""
    event, row = _own(slug)
    user = current_user._get_current_object()
    if row.state == S.INVITED or is_over(event, clock.now()):
        return redirect(url_for("registration.mine", slug=slug))
    form = DetailsForm(obj=row, data={"photo": row.consent_photo_at is not None})
    settled = identity_is_settled(row)
    _offer_organizations(form, user, row.organization)
    if row.organization_id is None and not form.is_submitted():
        form.organization_id.data = None
    if settled:
        for name in ("name_latin", "name_native", "name_kana", "organization_id"):
            form[name].data = getattr(row, name)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                update_own(
                    actor=user,
                    registration=row,
                    details=_details(form),
                    photo=form.photo.data,
                    now=clock.now(),
                )
                done.redirect(url_for("registration.mine", slug=slug), flash=gettext("Saved."))
            return done.response
    return (
        render_template(
            "registration/edit.html",
            event=event,
            form=form,
            registration=row,
            settled=settled,
        ),
        form.status,
    )


@blueprint.route("/events/<slug>/registration/cancel", methods=["GET", "POST"])
@signed_in
def cancel_mine(slug: str) -> Any:
    """Ask once more, then cancel."""
    event, row = _own(slug)
    form = ActionForm()
    if form.validate_on_submit():
        with submission() as done:
            cancel(actor=current_user._get_current_object(), registration=row, now=clock.now())
            done.redirect(
                url_for("events.show", slug=slug)
                if row.user_id is None
                else url_for("registration.mine", slug=slug),
                flash=gettext("Your registration is cancelled."),
            )
        return done.response
    return render_template("registration/cancel.html", event=event, form=form, registration=row), form.status


def _ticket(slug: str) -> tuple[Event, Registration | None]:
    user = current_user._get_current_object()
    event = get_event(slug, user)
    row = find_registration(user, event)
    return event, row if row is not None and row.state in SEATED and row.user_id == user.id else None


@blueprint.get("/events/<slug>/ticket")
@signed_in
def ticket(slug: str) -> Any:
    """The ticket, for the phone and for paper; whoever has none sees their registration instead."""
    event, row = _ticket(slug)
    if row is None:
        return redirect(url_for("registration.mine", slug=slug))
    return render_template("registration/ticket.html", event=event, registration=row, zones=_zones(event))


def _zones(event: Event) -> str:
    """The event's zone, and how the second one differs from it on the first day."""
    here = ZoneInfo(event.timezone)
    noon = datetime.combine(event.starts_on, time(12), here)
    first = zone_label(event.timezone, noon, language())
    second = second_zone(event)
    if second is None:
        return first
    there = noon.astimezone(ZoneInfo(second)).utcoffset()
    ahead = ((noon.utcoffset() or timedelta()) - (there or timedelta())) / timedelta(hours=1)
    values = {"first": first, "second": zone_label(second, noon, language()), "hours": f"{abs(ahead):g}"}
    if ahead < 0:
        return str(gettext("%(first)s, %(hours)s hours behind %(second)s", **values))
    return str(gettext("%(first)s, %(hours)s hours ahead of %(second)s", **values))


@blueprint.get("/events/<slug>/ticket.svg")
@signed_in
def ticket_svg(slug: str) -> AnyResponse:
    """The QR code of one's own ticket.

    It holds the address of the check-in page with the code: any phone's camera opens it, so that the
    door works without our scanner; to whoever is not staff there, the page says 403 and nothing else.
    """
    event, row = _ticket(slug)
    if row is None:
        raise NotFound(N_("You have no ticket for this event."))
    target = link("registration.check_in", slug=event.slug, code=row.code)
    buffer = io.BytesIO()
    segno.make_qr(target, error="m").save(buffer, kind="svg", scale=8, border=4, light="#fff", title="QR")
    return Response(buffer.getvalue(), content_type="image/svg+xml")
