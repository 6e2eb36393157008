"""Office hours: when a host takes meetings."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

from flask import render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.forms import OfficeHoursForm, instant_of
from forum_app.meetings.pages import acting_as, on_behalf
from forum_app.meetings.permissions import can_act_for, takes_meetings
from forum_app.meetings.queries import list_meetings_of, list_tables
from forum_app.meetings.setup_services import publish_office_hours, remove_office_hours
from forum_app.meetings.slot_queries import HoursView, describe_office_hours, get_office_hours
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.submission import submission
from forum_app.web.texts import gettext


@blueprint.route("/events/<slug>/meetings/office-hours", methods=["GET", "POST"])
@signed_in
def office_hours(slug: str) -> Response | tuple[str, int]:
    """When a host takes meetings, cut into slots."""
    event = get_event(slug, current_user)
    me = acting_as(event)
    if not takes_meetings(me):
        raise PermissionDenied(
            N_("Office hours are for agencies, investors and primes. You can ask them for a meeting instead.")
        )
    form = OfficeHoursForm()
    form.starts_at.zone = form.ends_at.zone = event.timezone
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                publish_office_hours(
                    actor=current_user,
                    event=event,
                    host=me,
                    starts_at=instant_of(form.starts_at),
                    ends_at=instant_of(form.ends_at),
                    slot_minutes=form.slot_minutes.data,
                    direct=form.direct.data,
                    note_en=form.note_en.data or "",
                    note_ja=form.note_ja.data or "",
                    now=clock.now(),
                )
                done.redirect(
                    url_for("meetings.office_hours", slug=slug, **on_behalf(me)),
                    flash=gettext("Your office hours are published in the directory."),
                )
            return done.response
    meetings = list_meetings_of(me.user_id or 0, event_id=event.id)
    page = render_template(
        "meetings/office_hours.html",
        event=event,
        me=me,
        own=on_behalf(me),
        form=form,
        action=ActionForm(formdata=None),
        days=_by_day(event, describe_office_hours(event, me, meetings, clock.now())),
        has_tables=bool(list_tables(event.id)),
    )
    return page, form.status


def _by_day(event: Event, views: Sequence[HoursView]) -> list[tuple[date, list[HoursView]]]:
    """Office hours under the local day on which they start, both in order."""
    zone = ZoneInfo(event.timezone)
    ordered = sorted(views, key=lambda view: view.hours.starts_at)
    groups = groupby(ordered, key=lambda view: view.hours.starts_at.astimezone(zone).date())
    return [(day, list(group)) for day, group in groups]


@blueprint.post("/events/<slug>/meetings/office-hours/<int:hours_id>/remove")
@signed_in
def remove_hours(slug: str, hours_id: int) -> Response | tuple[str, int]:
    """Remove office hours without meetings."""
    event = get_event(slug, current_user)
    hours = get_office_hours(event.id, hours_id)
    if not can_act_for(current_user, hours.registration, event):
        raise NotFound(N_("There are no such office hours, or they are not yours."))
    own = on_behalf(hours.registration)
    if ActionForm().validate_on_submit():
        with submission() as done:
            remove_office_hours(actor=current_user, event=event, hours=hours, now=clock.now())
            done.redirect(
                url_for("meetings.office_hours", slug=slug, **own),
                flash=gettext("These office hours were removed."),
            )
        return done.response
    raise NotFound(N_("There are no such office hours, or they are not yours."))
