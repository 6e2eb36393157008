"""Organizers and vetting officers: the list of registrations, its CSV, invitations."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.organizations.models import KIND_LABELS
from forum_app.registration import blueprint
from forum_app.registration.forms import InviteForm
from forum_app.registration.models import (
    ENDED,
    STATE_LABELS,
    ParticipantType,
    Registration,
    RegistrationState,
)
from forum_app.registration.permissions import can_manage_registrations, can_vet, is_over
from forum_app.registration.queries import (
    COUNTRY_KINDS,
    SORTS,
    count_by_state,
    list_for_export,
    list_registrations,
    list_types,
)
from forum_app.registration.services import (
    approve_all,
    invite,
    mark_no_shows,
)
from forum_app.web import clock
from forum_app.web.access import authorize, id_in, signed_in
from forum_app.web.csv import csv_response
from forum_app.web.formats import bilingual
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext, ngettext

S = RegistrationState
manage_navigation.add("registration.manage_index", N_("Registrations"), order=20, visible=can_vet)
manage_navigation.add(
    "registration.types", N_("Participant types"), order=23, visible=can_manage_registrations
)


def _event(slug: str, check: Any = can_vet) -> Event:
    user = current_user._get_current_object()
    event = get_event(slug, user)
    authorize(check(user, event))
    return event


def _state(types: Sequence[ParticipantType]) -> TableState:
    """What the reader asks of the list, and of its CSV."""
    return TableState.from_request(
        sorts=SORTS,
        filters={
            "state": ["waiting", *[one.value for one in S]],
            "type": [str(kind.id) for kind in types],
            "country": list(COUNTRY_KINDS),
            "kind": [kind.value for kind in KIND_LABELS],
        },
    )


@blueprint.get("/events/<slug>/manage/registrations")
@signed_in
def manage_index(slug: str) -> Any:
    """All registrations, with search, filters, sorting and pages."""
    event = _event(slug)
    types = list_types(event.id)
    state = _state(types)
    counts = count_by_state(event.id)
    filters = [
        {
            "name": "state",
            "label": gettext("State"),
            "options": [
                ("waiting", gettext("Waiting for a decision")),
                *[(one.value, gettext(STATE_LABELS[one])) for one in S],
            ],
        },
        {
            "name": "type",
            "label": gettext("Participant type"),
            "options": [(str(kind.id), bilingual(kind, "name")) for kind in types],
        },
        {
            "name": "country",
            "label": gettext("Country"),
            "options": [(code, gettext(label)) for code, label in COUNTRY_KINDS.items()],
        },
        {
            "name": "kind",
            "label": gettext("Kind of organization"),
            "options": [(kind.value, gettext(label)) for kind, label in KIND_LABELS.items()],
        },
    ]
    now = clock.now()
    return render_template(
        "registration/manage/index.html",
        event=event,
        page=list_registrations(event.id, state, language()),
        filters=filters,
        csv=replace(state, path=url_for("registration.manage_csv", slug=slug)).url(page=1),
        counts=counts,
        total=sum(number for one, number in counts.items() if one not in ENDED),
        bulk=ActionForm(),
        organizer=can_manage_registrations(current_user, event),
        can_mark_no_shows=is_over(event, now) and bool(counts.get(S.APPROVED)),
    )


@blueprint.get("/events/<slug>/manage/registrations.csv")
@signed_in
def manage_csv(slug: str) -> AnyResponse:
    """The registrations that the search and the filters select as CSV, all pages, for organizers."""
    event = _event(slug, can_manage_registrations)
    header = (
        "id", "state", "type", "name_latin", "name_native", "name_kana", "organization_en", "organization_ja",
        "country", "organization_kind", "job_title_en", "job_title_ja", "email", "language", "needs",
        "listed", "photo", "cleared_until", "registered_at", "state_changed_at", "checked_in_at",
    )  # fmt: skip
    rows = (_csv_row(row) for row in list_for_export(event.id, _state(list_types(event.id))))
    return csv_response(f"{event.slug}-registrations.csv", header, rows)


def _csv_row(row: Registration) -> tuple[object, ...]:
    organization = row.organization
    return (
        row.id, row.state.value, row.type.code, row.name_latin, row.name_native, row.name_kana,
        organization.name_en if organization else "", organization.name_ja if organization else "",
        organization.country if organization else "", organization.kind.value if organization else "",
        row.job_title_en, row.job_title_ja, row.email, row.language, row.needs, "yes" if row.listed else "no",
        "yes" if row.consent_photo_at else "no", row.cleared_until or "", row.created_at.isoformat(),
        row.state_changed_at.isoformat(), row.checked_in_at.isoformat() if row.checked_in_at else "",
    )  # fmt: skip


@blueprint.post("/events/<slug>/manage/registrations/approve")
@signed_in
def manage_approve(slug: str) -> Any:
    """Approve the selected registrations."""
    event = _event(slug)
    ids = [number for value in request.form.getlist("ids") if (number := id_in(value)) is not None]
    form = ActionForm()
    back = url_for("registration.manage_index", slug=slug, state="waiting")
    if not form.validate_on_submit() or not ids:
        return redirect(back, 303)
    with submission() as done:
        counts = approve_all(
            actor=current_user._get_current_object(), event=event, registration_ids=ids, now=clock.now()
        )
        done.redirect(back, flash=_bulk_sentence(counts))
    return done.response


def _bulk_sentence(counts: Counter[RegistrationState | None]) -> str:
    parts = [
        ngettext("%(num)d registration approved.", "%(num)d registrations approved.", counts[S.APPROVED])
    ]
    if counts[S.WAITLISTED]:
        parts.append(
            ngettext(
                "%(num)d put on the waitlist, because no seat is free.",
                "%(num)d put on the waitlist, because no seat is free.",
                counts[S.WAITLISTED],
            )
        )
    if counts[None]:
        parts.append(
            ngettext(
                "%(num)d left as it was, because it had moved on.",
                "%(num)d left as they were, because they had moved on.",
                counts[None],
            )
        )
    return " ".join(parts)


@blueprint.post("/events/<slug>/manage/no-shows")
@signed_in
def manage_no_shows(slug: str) -> Any:
    """After the event: mark everybody approved who did not come."""
    event = _event(slug, can_manage_registrations)
    back = url_for("registration.manage_index", slug=slug, state=S.NO_SHOW.value)
    if not ActionForm().validate_on_submit():
        return redirect(back, 303)
    with submission() as done:
        number = mark_no_shows(actor=current_user._get_current_object(), event=event, now=clock.now())
        done.redirect(back, flash=ngettext("%(num)d no-show marked.", "%(num)d no-shows marked.", number))
    return done.response


@blueprint.route("/events/<slug>/manage/registrations/invite", methods=["GET", "POST"])
@signed_in
def manage_invite(slug: str) -> Any:
    """Invite somebody by address."""
    event = _event(slug, can_manage_registrations)
    form = InviteForm()
    types = list_types(event.id)
    form.type_id.choices = [(kind.id, bilingual(kind, "name")) for kind in types]
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                row = invite(
                    actor=current_user._get_current_object(),
                    event=event,
                    type_id=form.type_id.data,
                    email=form.email.data or "",
                    name_latin=form.name_latin.data or "",
                    name_native=form.name_native.data or "",
                    locale=form.locale.data,
                    message=form.message.data or "",
                    now=clock.now(),
                )
                done.redirect(
                    url_for("registration.manage_index", slug=slug, state=S.INVITED.value),
                    flash=gettext("%(email)s is invited. A mail is on its way.", email=row.email),
                )
            return done.response
    return (
        render_template("registration/manage/invite.html", event=event, form=form, types=types),
        form.status,
    )
