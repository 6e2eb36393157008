"""Whose feed may be had. Asked when an address is made, and again each time it is read."""

from typing import Any, Protocol

from forum_app.calendars.models import FeedScope, FeedToken
from forum_app.events.models import Event
from forum_app.events.permissions import can_know_event, can_manage_event
from forum_app.meetings.models import Interpreter, MeetingTable
from forum_app.organizations.models import Organization
from forum_app.organizations.permissions import is_representative


def can_have_event_feed(user: Any, event: Event) -> bool:
    """Whoever may know of the event, for it, its tracks and rooms; each item is asked about by itself."""
    return can_know_event(user, event)


def can_have_organization_feed(user: Any, organization: Organization) -> bool:
    """Its representatives; administrators of the installation are none."""
    return is_representative(user, organization)


def can_have_table_feed(user: Any, event: Event, table: MeetingTable) -> bool:
    """Organizers, for the hall."""
    return table.event_id == event.id and can_manage_event(user, event)


def can_have_interpreter_feed(user: Any, event: Event, interpreter: Interpreter) -> bool:
    """The interpreter, and organizers."""
    if interpreter.event_id != event.id:
        return False
    return interpreter.user_id == user.id or can_manage_event(user, event)


class Subject(Protocol):
    """What a feed is of: an address, or a choice on a page."""

    @property
    def scope(self) -> FeedScope: ...
    @property
    def event(self) -> Event | None: ...
    @property
    def organization(self) -> Organization | None: ...
    @property
    def table(self) -> MeetingTable | None: ...
    @property
    def interpreter(self) -> Interpreter | None: ...


def can_have_feed(user: Any, of: Subject) -> bool:
    """Whether user may have the feed of something, now."""
    if of.scope == FeedScope.PERSON:
        return True
    if of.scope == FeedScope.ORGANIZATION:
        return of.organization is not None and can_have_organization_feed(user, of.organization)
    if of.event is None:
        return False
    if of.table is not None:
        return can_have_table_feed(user, of.event, of.table)
    if of.interpreter is not None:
        return can_have_interpreter_feed(user, of.event, of.interpreter)
    return can_have_event_feed(user, of.event)


def can_revoke_feed(user: Any, feed: FeedToken) -> bool:
    """Whose it is, and organizers of the event that it is of."""
    return feed.user_id == user.id or (feed.event is not None and can_manage_event(user, feed.event))
