"""What came of an event's meetings, for its organizers: figures, and what both sides share."""

from collections.abc import Iterator, Sequence

from flask import Response, render_template
from flask_login import current_user

from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.services import get_event
from forum_app.meetings.models import Meeting
from forum_app.outcomes import blueprint
from forum_app.outcomes.models import PATHWAY_LABELS, WISH_LABELS, Outcome
from forum_app.outcomes.queries import (
    count_outcomes,
    list_outcomes,
    list_shared_meetings,
    page_shared_meetings,
    shared_sides,
)
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.csv import csv_response
from forum_app.web.formats import bilingual
from forum_app.web.navigation import manage_navigation
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

manage_navigation.add("outcomes.manage_index", N_("Outcomes"), order=68, visible=can_manage_event)


def _with_sides(meetings: Sequence[Meeting]) -> list[tuple[Meeting, list[Outcome]]]:
    outcomes = list_outcomes([meeting.id for meeting in meetings])
    return [(meeting, shared_sides(outcomes.get(meeting.id, []))) for meeting in meetings]


@blueprint.get("/events/<slug>/manage/outcomes")
@signed_in
def manage_index(slug: str) -> str:
    """Figures, and the outcomes that both sides share."""
    event = get_event(slug, current_user)
    authorize(can_manage_event(current_user, event))
    page = page_shared_meetings(event.id, TableState.from_request(sorts=["time"]))
    return render_template(
        "outcomes/manage/index.html",
        event=event,
        figures=count_outcomes(event.id, clock.now()),
        page=page,
        rows=_with_sides(page.rows),
    )


@blueprint.get("/events/<slug>/manage/outcomes.csv")
@signed_in
def manage_csv(slug: str) -> Response:
    """The shared outcomes, one side a row."""
    event = get_event(slug, current_user)
    authorize(can_manage_event(current_user, event))
    header = [
        gettext("Time (UTC)"),
        gettext("Topic"),
        gettext("Organization"),
        gettext("Person"),
        gettext("Wish"),
        gettext("Pathway"),
        gettext("Next step"),
        gettext("Until"),
        gettext("Note"),
    ]
    return csv_response(f"{event.slug}-outcomes.csv", header, _csv_rows(event))


def _csv_rows(event: Event) -> Iterator[list[object]]:
    for meeting, sides in _with_sides(list_shared_meetings(event.id)):
        for side in sides:
            person = side.registration
            yield [
                meeting.starts_at.isoformat(),
                meeting.topic,
                bilingual(person.organization, "name") if person.organization else "",
                person.name,
                gettext(WISH_LABELS[side.wish]),
                gettext(PATHWAY_LABELS[side.pathway]) if side.pathway else "",
                side.next_step,
                side.next_step_on.isoformat() if side.next_step_on else "",
                side.note,
            ]
