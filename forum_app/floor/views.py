"""The day on a phone: my meetings, who came, freed time on offer; and the board of the hall."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.floor import blueprint
from forum_app.floor.forms import MarkForm
from forum_app.floor.pages import chosen_day, day_links
from forum_app.floor.permissions import can_answer_offer, can_mark, can_run_floor, can_see_board
from forum_app.floor.queries import (
    day_window,
    find_interpreter,
    get_offer,
    list_board,
    list_day_of,
    list_open_offers,
)
from forum_app.floor.services import (
    NO_MEETING,
    decline_offer,
    mark_arrived,
    mark_no_show,
    take_offer,
    undo_no_show,
)
from forum_app.meetings.models import Meeting, MeetingStatus
from forum_app.meetings.pages import NOT_IN
from forum_app.meetings.queries import PRESENT, find_participant, get_meeting
from forum_app.registration.permissions import active_state
from forum_app.web import clock
from forum_app.web.access import authorize, safe_next, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import event_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext


def _has_a_day(user: Any, event: Any) -> bool:
    """Whether to show the day's page: to those who meet or interpret, from the eve to the last day."""
    if event is None or not user.is_authenticated:
        return False
    today = clock.now().astimezone(ZoneInfo(event.timezone)).date()
    if not event.starts_on - timedelta(days=1) <= today <= event.ends_on:
        return False
    return active_state(user, event) in PRESENT or find_interpreter(user, event) is not None


event_navigation.add("floor.day", N_("My day"), order=41, visible=_has_a_day)

MARKED = {
    "arrived": N_("Noted: at the table."),
    "not_arrived": N_("Taken back."),
    "no_show": N_("Noted. If the meeting is not held, its time is offered to others at once."),
    "came": N_("The meeting is on again."),
}


@blueprint.get("/events/<slug>/floor")
@signed_in
def day(slug: str) -> str:
    """A rep's, a founder's and an interpreter's day on one page."""
    event = get_event(slug, current_user)
    me = find_participant(current_user, event)
    interpreter = find_interpreter(current_user, event)
    if me is None and interpreter is None:
        raise PermissionDenied(NOT_IN)
    on = chosen_day(event, clock.now())
    meetings = list_day_of(current_user, event, day_window(event, on), interpreter)
    now = clock.now()
    return render_template(
        "floor/day.html",
        event=event,
        me=me,
        interpreter=interpreter,
        day=on,
        days=day_links(event, "floor.day", on),
        meetings=meetings,
        current=_current(meetings, now),
        offers=list_open_offers(event.id, now, registration_id=me.id) if me is not None else [],
        now=now,
        form=ActionForm(formdata=None),
        here=request.full_path,
    )


def _current(meetings: list[Meeting], now: Any) -> int | None:
    """The id of the meeting that is on or next."""
    standing = [m for m in meetings if m.status == MeetingStatus.CONFIRMED and m.ends_at > now]
    return standing[0].id if standing else None


@blueprint.get("/events/<slug>/floor/board")
@signed_in
def board(slug: str) -> str:
    """The board for the hall: by table what is on and what is next, in both scripts."""
    event = get_event(slug, current_user)
    authorize(can_see_board(current_user, event))
    now = clock.now()
    template = "floor/_board.html" if request.headers.get("HX-Request") else "floor/board.html"
    return render_template(template, event=event, lines=list_board(event, now), now=now)


@blueprint.post("/events/<slug>/floor/<int:meeting_id>/mark")
@signed_in
def mark(slug: str, meeting_id: int) -> Response:
    """Note who came and who did not; one touch each."""
    event = get_event(slug, current_user)
    meeting = get_meeting(event.id, meeting_id)
    if not can_mark(current_user, meeting):
        raise NotFound(NO_MEETING)
    form = MarkForm()
    if not form.validate_on_submit():
        raise Invalid(N_("Please use the buttons beside the names."))
    with submission() as done:
        meeting = get_meeting(event.id, meeting_id)
        values: dict[str, Any] = {
            "actor": current_user,
            "meeting": meeting,
            "registration_id": form.person.data,
            "now": clock.now(),
        }
        what = form.what.data
        if what in ("arrived", "not_arrived"):
            mark_arrived(arrived=what == "arrived", **values)
        elif what == "no_show":
            mark_no_show(**values)
        else:
            undo_no_show(**values)
        done.redirect(_back(event), flash=gettext(MARKED[what]))
    return done.response


@blueprint.post("/events/<slug>/floor/offers/<int:offer_id>/<answer>")
@signed_in
def answer_offer(slug: str, offer_id: int, answer: str) -> Response:
    """Take freed time, or let it go to others."""
    event = get_event(slug, current_user)
    offer = get_offer(event.id, offer_id)
    if not can_answer_offer(current_user, offer, event) or answer not in ("take", "decline", "book"):
        raise NotFound(N_("There is no such offer, or it is not open to you."))
    if not ActionForm().validate_on_submit():
        raise NotFound(N_("There is no such offer, or it is not open to you."))
    with submission() as done:
        offer = get_offer(event.id, offer_id)
        if answer == "decline":
            decline_offer(actor=current_user, offer=offer, now=clock.now())
            told = gettext("The time goes to others. Your interest stays.")
        else:
            at_once = answer == "book"
            meeting = take_offer(actor=current_user, offer=offer, now=clock.now(), at_once=at_once)
            told = (
                gettext("The meeting is set. Both of you have it in the calendar now.")
                if meeting is not None
                else gettext("You are in. The meeting is set as soon as the other side says yes, too.")
            )
        done.redirect(_back(event), flash=told)
    return done.response


def _back(event: Event) -> str:
    own = url_for("floor.day", slug=event.slug)
    staff = url_for("floor.manage_index", slug=event.slug)
    wanted = safe_next(request.form.get("back"))
    return wanted or (staff if can_run_floor(current_user, event) else own)
