"""Organizers: all requests, hosts, and the rules for meetings of an event."""

from flask import render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Conflict
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.interest_forms import BarForm, LimitsForm, SettingsForm
from forum_app.meetings.interest_queries import (
    MOST_REQUESTS,
    event_ends_at,
    get_bar,
    get_settings,
    list_bars,
    list_limits,
    page_hosts,
)
from forum_app.meetings.models import PRIORITY_LABELS, REQUEST_LABELS, Priority, RequestState
from forum_app.meetings.queries import page_requests
from forum_app.meetings.setting_services import Limits, allow_kinds, bar_kinds, save_limits, save_settings
from forum_app.organizations.models import KIND_LABELS, Kind
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.errors import sentence
from forum_app.web.forms import ActionForm
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext


def _managed(slug: str) -> Event:
    event = get_event(slug, current_user)
    authorize(can_manage_event(current_user, event))
    return event


@blueprint.get("/events/<slug>/manage/meetings/requests")
@signed_in
def manage_requests(slug: str) -> str:
    """All requests, answered on behalf where needed."""
    event = _managed(slug)
    state = TableState.from_request(
        sorts=["waiting", "topic", "created"],
        filters={
            "state": [one.value for one in RequestState],
            "priority": [one.value for one in Priority],
        },
    )
    return render_template(
        "meetings/manage/requests.html",
        event=event,
        page=page_requests(event.id, state),
        filters=[
            {
                "name": "state",
                "label": gettext("Status"),
                "options": [(one.value, gettext(REQUEST_LABELS[one])) for one in RequestState],
            },
            {
                "name": "priority",
                "label": gettext("Priority"),
                "options": [(one.value, gettext(PRIORITY_LABELS[one])) for one in Priority],
            },
        ],
    )


@blueprint.get("/events/<slug>/manage/meetings/hosts")
@signed_in
def manage_hosts(slug: str) -> str:
    """Hosts: who has no office hours yet, who does not answer."""
    event = _managed(slug)
    state = TableState.from_request(sorts=["name", "waiting", "meetings"], filters={"idle": ["1"]})
    return render_template(
        "meetings/manage/hosts.html",
        event=event,
        page=page_hosts(event.id, state),
        filters=[
            {
                "name": "idle",
                "label": gettext("Office hours"),
                "options": [("1", gettext("None yet"))],
            }
        ],
    )


# --- Rules -------------------------------------------------------------------------------------------------


def _limits_form(event: Event) -> LimitsForm:
    data = {}
    for kind, row in list_limits(event.id).items():
        data[f"requests_{kind.value}"] = row.most_requests
        data[f"most_{kind.value}"] = row.most_meetings
        data[f"least_{kind.value}"] = row.least_meetings
    return LimitsForm(data=data, formdata=None)


def _settings_form(event: Event, *, sent: bool) -> SettingsForm:
    row = get_settings(event.id)
    data = {
        "interest_closes_at": row.interest_closes_at,
        "request_days": row.request_days,
        "walk_minutes": row.walk_minutes,
    }
    form = SettingsForm(data=data) if sent else SettingsForm(data=data, formdata=None)
    form.interest_closes_at.zone = event.timezone
    return form


def settings_page(
    event: Event,
    *,
    settings: SettingsForm | None = None,
    limits: LimitsForm | None = None,
    bar: BarForm | None = None,
    problem: str | None = None,
) -> tuple[str, int]:
    """The three forms of the page; the one that was sent is given, the others are made anew."""
    sent = settings or limits or bar
    page = render_template(
        "meetings/manage/settings.html",
        event=event,
        settings=settings or _settings_form(event, sent=False),
        limits=limits or _limits_form(event),
        bar=bar or BarForm(formdata=None),
        bars=list_bars(event.id),
        kinds=list(Kind),
        KIND_LABELS=KIND_LABELS,
        ends_at=event_ends_at(event),
        default=MOST_REQUESTS,
        action=ActionForm(formdata=None),
        problem=problem,
    )
    return page, 409 if problem else sent.status if sent else 200


def _back(event: Event) -> str:
    return url_for("meetings.manage_settings", slug=event.slug)


@blueprint.route("/events/<slug>/manage/meetings/settings", methods=["GET", "POST"])
@signed_in
def manage_settings(slug: str) -> Response | tuple[str, int]:
    """When interest closes, how long requests wait, limits by kind, kinds that do not meet."""
    event = _managed(slug)
    form = _settings_form(event, sent=True)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                save_settings(
                    actor=current_user,
                    event=event,
                    interest_closes_at=form.interest_closes_at.data,
                    request_days=form.request_days.data,
                    walk_minutes=form.walk_minutes.data,
                    now=clock.now(),
                )
                done.redirect(_back(event), flash=gettext("The rules for meetings were saved."))
            return done.response
    return settings_page(event, settings=form)


@blueprint.post("/events/<slug>/manage/meetings/settings/limits")
@signed_in
def manage_limits(slug: str) -> Response | tuple[str, int]:
    """Limits by kind of organization."""
    event = _managed(slug)
    form = LimitsForm()
    if form.validate_on_submit():
        values = {
            kind: Limits(
                most_requests=form[f"requests_{kind.value}"].data,
                most_meetings=form[f"most_{kind.value}"].data,
                least_meetings=form[f"least_{kind.value}"].data,
            )
            for kind in Kind
        }
        with form.catching():
            with submission() as done:
                save_limits(actor=current_user, event=event, limits=values, now=clock.now())
                done.redirect(_back(event), flash=gettext("The limits were saved."))
            return done.response
    return settings_page(event, limits=form)


@blueprint.post("/events/<slug>/manage/meetings/settings/bars")
@signed_in
def manage_bars(slug: str) -> Response | tuple[str, int]:
    """Bar a pair of kinds."""
    event = _managed(slug)
    form = BarForm()
    problem = None
    if form.validate_on_submit():
        try:
            with submission() as done:
                bar_kinds(
                    actor=current_user,
                    event=event,
                    one=Kind(form.one.data),
                    other=Kind(form.other.data),
                    now=clock.now(),
                )
                done.redirect(_back(event), flash=gettext("These two kinds do not meet at this event."))
            return done.response
        except Conflict as conflict:
            problem = sentence(conflict)
    return settings_page(_managed(slug), bar=form, problem=problem)


@blueprint.post("/events/<slug>/manage/meetings/settings/bars/<int:bar_id>/remove")
@signed_in
def remove_bar(slug: str, bar_id: int) -> Response | tuple[str, int]:
    """Let two kinds meet again."""
    event = _managed(slug)
    bar = get_bar(event.id, bar_id)
    if ActionForm().validate_on_submit():
        with submission() as done:
            allow_kinds(actor=current_user, event=event, bar=bar, now=clock.now())
            done.redirect(_back(event), flash=gettext("These two kinds may meet again."))
        return done.response
    return settings_page(event)
