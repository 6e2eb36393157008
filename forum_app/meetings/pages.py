"""What the pages of meetings share: in whose name they work, and how slots and tables read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from babel import Locale
from flask import request, url_for
from flask_login import current_user

from forum_app.core.errors import NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event, is_staff
from forum_app.meetings import blueprint
from forum_app.meetings.models import (
    FORMAT_LABELS,
    PRIORITY_LABELS,
    REQUEST_LABELS,
    Meeting,
    MeetingFormat,
    MeetingRole,
    MeetingStatus,
    OfficeHours,
    Priority,
    RequestState,
)
from forum_app.meetings.permissions import is_self
from forum_app.meetings.queries import PRESENT, find_participant, get_participant, participant_of
from forum_app.meetings.slot_queries import FreeSlot
from forum_app.registration.models import Registration
from forum_app.registration.permissions import active_state
from forum_app.web.access import id_in, safe_next
from forum_app.web.formats import bilingual, when_parts
from forum_app.web.languages import language

NOT_IN = N_(
    "Meetings and the directory are for approved participants. Register for this event, or wait until"
    " your registration is approved; your registration page shows where it stands."
)


def takes_part(user: Any, event: Any) -> bool:
    """Whether to show the entries of this feature; asked often, read once per transaction."""
    if event is None or not user.is_authenticated:
        return False
    return is_staff(user, event) or active_state(user, event) in PRESENT


@blueprint.app_template_filter("meeting_host")
def meeting_host(meeting: Meeting) -> Registration | None:
    """The host of a loaded meeting."""
    return participant_of(meeting, MeetingRole.HOST)


@blueprint.app_template_filter("meeting_guest")
def meeting_guest(meeting: Meeting) -> Registration | None:
    """The guest of a loaded meeting."""
    return participant_of(meeting, MeetingRole.GUEST)


@blueprint.context_processor
def labels() -> dict[str, object]:
    return {
        "FORMAT_LABELS": FORMAT_LABELS,
        "MeetingFormat": MeetingFormat,
        "PRIORITY_LABELS": PRIORITY_LABELS,
        "REQUEST_LABELS": REQUEST_LABELS,
        "MeetingStatus": MeetingStatus,
        "RequestState": RequestState,
        "Priority": Priority,
    }


def acting_as(event: Event) -> Registration:
    """The registration in whose name the page works: ?for=<id> for organizers, else the reader's own."""
    wanted = request.args.get("for", "")
    if wanted:
        if not can_manage_event(current_user, event):
            raise NotFound(N_("There is no such page, or it is not open to you."))
        return get_participant(event.id, id_in(wanted) or 0)
    registration = find_participant(current_user, event)
    if registration is None:
        raise PermissionDenied(NOT_IN)
    return registration


def on_behalf(registration: Registration) -> dict[str, Any]:
    """Arguments that keep ?for= in links of this page."""
    return {} if is_self(current_user, registration) else {"for": registration.id}


def slot_label(start: datetime, end: datetime, event: Event) -> str:
    """A slot in one line, in the event's zone and the reader's: for radio buttons and messages."""
    parts = when_parts(start, end, event)
    return " / ".join(f"{part['date']} {part['time']} {part['zone_label']}" for part in parts)


def table_label(table: Any) -> str:
    room = bilingual(table.room, "name") if table.room else ""
    return f"{table.label} ({room})" if room else str(table.label)


def country_name(code: str) -> str:
    """A country in the reader's language; the code if it has no name."""
    return str(Locale(language()).territories.get(code, code))


def own_path(event: Event, target: str | None) -> str | None:
    """target if it is a page of this event without a fragment, else None: where a form was sent from."""
    path = safe_next(target)
    if path is None or "#" in path or not path.startswith(url_for("events.show", slug=event.slug)):
        return None
    return path


def open_slots(hours: Sequence[OfficeHours], slots: Sequence[FreeSlot]) -> list[FreeSlot]:
    """Those of a host's free slots that can be booked at once."""
    direct = [one for one in hours if one.direct]
    return [
        slot
        for slot in slots
        if any(one.starts_at <= slot.start and slot.end <= one.ends_at for one in direct)
    ]
