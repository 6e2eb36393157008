"""The floor for its staff: every table now and next, who is missing, what was freed."""

from datetime import timedelta

from flask import render_template, request
from flask_login import current_user

from forum_app.core.text import N_
from forum_app.events.services import get_event
from forum_app.floor import blueprint
from forum_app.floor.pages import chosen_day, day_links
from forum_app.floor.permissions import can_run_floor
from forum_app.floor.queries import day_window, list_open_offers
from forum_app.meetings.models import MeetingStatus
from forum_app.meetings.queries import list_meetings_at
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation

manage_navigation.add("floor.manage_index", N_("On the day"), order=67, visible=can_run_floor)
AROUND = timedelta(minutes=90)


@blueprint.get("/events/<slug>/manage/floor")
@signed_in
def manage_index(slug: str) -> str:
    """What is on and next at the tables; the whole day on request."""
    event = get_event(slug, current_user)
    authorize(can_run_floor(current_user, event))
    now = clock.now()
    on = chosen_day(event, now)
    window = day_window(event, on)
    whole = request.args.get("all") == "1" or not window.start <= now < window.end
    meetings = list_meetings_at(
        event.id,
        starts_from=window.start if whole else now - AROUND,
        starts_before=window.end if whole else now + AROUND,
        statuses=[MeetingStatus.CONFIRMED, MeetingStatus.NO_SHOW],
    )
    return render_template(
        "floor/manage/index.html",
        event=event,
        day=on,
        days=day_links(event, "floor.manage_index", on),
        meetings=meetings,
        whole=whole,
        offers=list_open_offers(event.id, now),
        now=now,
        form=ActionForm(formdata=None),
        here=request.full_path,
    )
