"""What the pages of the floor share: the day they show, and the texts they need."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import request, url_for

from forum_app.events.models import Event
from forum_app.floor import blueprint
from forum_app.floor.queries import list_days
from forum_app.floor.services import EARLY
from forum_app.meetings.models import MEETING_STATUS_LABELS, MeetingStatus
from forum_app.meetings.pages import labels as meeting_labels
from forum_app.web.formats import format_date
from forum_app.web.languages import language


@blueprint.context_processor
def labels() -> dict[str, object]:
    return {
        **meeting_labels(),
        "MEETING_STATUS_LABELS": MEETING_STATUS_LABELS,
        "MeetingStatus": MeetingStatus,
        "early": EARLY,
    }


def chosen_day(event: Event, now: datetime) -> date:
    """The day asked for, else today if the event is on, else its first."""
    days = list_days(event)
    today = now.astimezone(ZoneInfo(event.timezone)).date()
    asked = request.args.get("day", "")
    return next((day for day in days if day.isoformat() == asked), today if today in days else days[0])


def day_links(event: Event, endpoint: str, day: date) -> list[tuple[str, str, bool]]:
    """The days of the event as tabs."""
    return [
        (
            format_date(one, language()),
            url_for(endpoint, slug=event.slug, day=one.isoformat()),
            one == day,
        )
        for one in list_days(event)
    ]
