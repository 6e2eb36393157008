"""What the schedule's pages share: words, the event, lists that are cut into pages."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import request
from flask_login import current_user

from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.timetable.permissions import can_schedule
from forum_app.web.access import authorize, safe_next
from forum_app.web.tables import Page, TableState

T = TypeVar("T")

# The words of core.scheduling's reasons, and of requests that were not given to it.
REASONS: Mapping[str, str] = {
    "no_common_slot": N_("There is no slot in which both can meet."),
    "participant_full": N_("In every slot in which both could meet, one of them already has a meeting."),
    "no_table": N_("In every slot in which both are free, no table that serves is free."),
    "no_interpreter": N_("In every slot in which both and a table are free, no interpreter who serves is."),
    "limit_reached": N_("One of them already has as many meetings as they may have."),
    "outweighed": N_("It could only be placed by moving or leaving out others."),
    "rule": N_("Not possible by rule."),
    "not_present": N_("One of them does not take part in the event at present."),
    "export_statement": N_("An export-control statement is wanting; it is made in the meeting profile."),
    "clearance": N_("A clearance is not recorded. A vetting officer can record it."),
    "closed_room": N_("It needs a closed room, and no table stands in one. Add such a table."),
    "twice": N_("The two have another agreed request; one meeting is enough."),
}
REASON_NAMES: Mapping[str, str] = {
    "no_common_slot": N_("No common slot"),
    "participant_full": N_("One is always busy"),
    "no_table": N_("No table"),
    "no_interpreter": N_("No interpreter"),
    "limit_reached": N_("Limit reached"),
    "outweighed": N_("Others count more"),
    "rule": N_("By rule"),
    "not_present": N_("Not present"),
    "export_statement": N_("Statement wanting"),
    "clearance": N_("Clearance wanting"),
    "closed_room": N_("No closed room"),
    "twice": N_("Asked twice"),
}
PHASES: Mapping[str, str] = {
    "": N_("Waiting for the worker"),
    "reading": N_("Reading the wishes"),
    "preparing": N_("Preparing the scheduler; this takes half a minute the first time"),
    "placing": N_("Placing as many as possible"),
    "breaks": N_("Closing gaps in people’s days"),
    "proving": N_("Proving how good it is"),
    "tables": N_("Seating people at tables"),
    "done": N_("Finished"),
}


def managed_event(slug: str) -> Event:
    """The event, for its organizers only."""
    event = get_event(slug, current_user)
    authorize(can_schedule(current_user, event))
    return event


def cut(rows: Sequence[T], state: TableState) -> Page[T]:
    """One page of a list that is at hand."""
    page: Page[T] = Page((), len(rows), state)
    start = (page.number - 1) * state.size
    return Page(rows[start : start + state.size], len(rows), state)


def days_of(event: Event) -> list[date]:
    """The days of an event."""
    return [event.starts_on + timedelta(days=n) for n in range((event.ends_on - event.starts_on).days + 1)]


def chosen_day(event: Event, now: datetime) -> date:
    """?day=, else today if the event is on, else its first day."""
    days = days_of(event)
    typed = request.args.get("day", "")
    today = now.astimezone(ZoneInfo(event.timezone)).date()
    return next((day for day in days if day.isoformat() == typed), today if today in days else days[0])


def back_to(fallback: str) -> str:
    """Where the form came from, if that is a path of ours."""
    return safe_next(request.form.get("back") or request.args.get("back")) or fallback


def gap_percent(summary: Any) -> float | None:
    """By how much a better schedule could be worth more at most, in percent of the bound; None: unknown."""
    weight, bound = summary.placed_weight, summary.weight_bound
    if weight is None or not bound:
        return None
    return float(100.0 * max(0, bound - weight) / bound)
