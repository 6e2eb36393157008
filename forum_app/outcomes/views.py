"""What came of my meetings."""

from collections.abc import Sequence
from typing import Any

from flask import render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.events.services import get_event
from forum_app.meetings.models import Meeting, MeetingStatus
from forum_app.meetings.pages import NOT_IN
from forum_app.meetings.pages import labels as meeting_labels
from forum_app.meetings.queries import PRESENT, find_participant, get_meeting, list_meetings_of
from forum_app.outcomes import blueprint
from forum_app.outcomes.forms import OutcomeForm
from forum_app.outcomes.models import PATHWAY_LABELS, WISH_LABELS, Outcome
from forum_app.outcomes.permissions import can_note, own_part
from forum_app.outcomes.queries import find_outcome, list_outcomes, shared_sides
from forum_app.outcomes.services import NOT_YET, note_outcome
from forum_app.registration.permissions import active_state, has_begun
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.navigation import event_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext


def _has_begun_for(user: Any, event: Any) -> bool:
    """Whether to show the page: to those who take part, from the first day on."""
    if event is None or not user.is_authenticated or not has_begun(event, clock.now()):
        return False
    return active_state(user, event) in PRESENT


event_navigation.add("outcomes.index", N_("Outcomes"), order=42, visible=_has_begun_for)


@blueprint.context_processor
def labels() -> dict[str, object]:
    return {**meeting_labels(), "WISH_LABELS": WISH_LABELS, "PATHWAY_LABELS": PATHWAY_LABELS}


@blueprint.get("/events/<slug>/outcomes")
@signed_in
def index(slug: str) -> str:
    """My meetings that have begun, and what I noted of each; four statements."""
    event = get_event(slug, current_user)
    me = find_participant(current_user, event)
    if me is None:
        raise PermissionDenied(NOT_IN)
    now = clock.now()
    held = [
        meeting
        for meeting in list_meetings_of(current_user.id, event_id=event.id)
        if meeting.status == MeetingStatus.CONFIRMED and meeting.starts_at <= now
    ]
    outcomes = list_outcomes([meeting.id for meeting in held])
    rows = [(meeting, *_sides(meeting, outcomes.get(meeting.id, []))) for meeting in reversed(held)]
    return render_template("outcomes/index.html", event=event, me=me, rows=rows)


def _sides(meeting: Meeting, outcomes: Sequence[Outcome]) -> tuple[Outcome | None, list[Outcome]]:
    """The reader's own outcome of a meeting, and those of the other sides that are open to them."""
    part = own_part(current_user, meeting)
    mine = next((row for row in outcomes if part and row.registration_id == part.registration_id), None)
    theirs = [row for row in shared_sides(outcomes) if row is not mine] if mine and mine.shared else []
    return mine, theirs


@blueprint.route("/events/<slug>/meetings/<int:meeting_id>/outcome", methods=["GET", "POST"])
@signed_in
def note(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """Note or change what came of one of my meetings."""
    event = get_event(slug, current_user)
    meeting = get_meeting(event.id, meeting_id)
    part = own_part(current_user, meeting)
    if part is None or not can_note(current_user, meeting, clock.now()):
        raise NotFound(NOT_YET)
    form = OutcomeForm(obj=find_outcome(meeting.id, part.registration_id))
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                row = note_outcome(
                    actor=current_user,
                    meeting=get_meeting(event.id, meeting_id),
                    now=clock.now(),
                    **form.values,
                )
                done.redirect(
                    url_for("outcomes.index", slug=slug),
                    flash=gettext("Noted. The other side sees it once it shares, too.")
                    if row.shared
                    else gettext("Noted. Only your organization sees it."),
                )
            return done.response
    mine, theirs = _sides(meeting, list_outcomes([meeting_id]).get(meeting_id, []))
    page = render_template(
        "outcomes/note.html",
        event=event,
        me=part.registration,
        meeting=meeting,
        form=form,
        mine=mine,
        theirs=theirs,
    )
    return page, form.status
