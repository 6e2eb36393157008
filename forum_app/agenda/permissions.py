"""Who may read which item, and who may change the agenda."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from forum_app.agenda.models import AccessLevel
from forum_app.agenda.queries import ATTENDING, draft_figures
from forum_app.agenda.snapshot import PublishedItem
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.queries import Tile, dashboard_tiles
from forum_app.organizations.models import Kind
from forum_app.registration.models import Registration
from forum_app.registration.queries import find_registration


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, as far as access needs it. approved: registered and approved or checked in;
    government: so for an agency; cleared_until: last day of the clearance; staff: an organizer."""

    user_id: int | None = None
    registration_id: int | None = None
    approved: bool = False
    government: bool = False
    cleared_until: date | None = None
    staff: bool = False


ANYBODY = Reader()


def reader_at(user: Any, event: Event) -> Reader:
    """The reader that user is at event; at most one statement beyond the roles already known."""
    if not user.is_authenticated:
        return ANYBODY
    if can_manage_event(user, event):
        return Reader(user_id=user.id, staff=True)
    return reader_with(user, find_registration(user, event))


def reader_with(user: Any, registration: Registration | None) -> Reader:
    """The reader that a signed-in user without a role is by their active registration at an event."""
    if registration is None:
        return Reader(user_id=user.id)
    approved = registration.state in ATTENDING
    organization = registration.organization
    return Reader(
        user_id=user.id,
        registration_id=registration.id,
        approved=approved,
        government=approved and organization is not None and organization.kind == Kind.AGENCY,
        cleared_until=registration.cleared_until if approved else None,
    )


def visible_to(item: PublishedItem, reader: Reader) -> bool:
    """Whether reader may know of item: the one rule for pages, search, exports and feeds.

    Organizers see all; people see what they speak at themselves, whatever its level.
    """
    level = item.access
    if level == AccessLevel.PUBLIC or reader.staff or item.is_speaker(reader.user_id):
        return True
    if not reader.approved:
        return False
    if level == AccessLevel.REGISTERED:
        return True
    if level == AccessLevel.INVITED:
        return reader.registration_id in item.registration_ids
    if level == AccessLevel.GOVERNMENT:
        return reader.government
    return reader.cleared_until is not None and reader.cleared_until >= item.last_day


def can_edit_agenda(user: Any, event: Event) -> bool:
    """Organizers of the event, and administrators."""
    return can_manage_event(user, event)


def agenda_tiles(user: Any, event: Event, now: datetime) -> Iterable[Tile]:
    """What the organizers' dashboard shows of the agenda; one statement."""
    if can_edit_agenda(user, event):
        count, unplaced = draft_figures(event.id)
        yield Tile(N_("Agenda items in the draft"), count, "agenda.manage_index", order=30)
        yield Tile(
            N_("Agenda items without a time"),
            unplaced,
            "agenda.manage_index",
            waiting=True,
            order=30,
            values={"show": "unplaced"},
        )


dashboard_tiles.append(agenda_tiles)
