"""Who may do what with requests and meetings. Organizers may do all of it on behalf."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event, is_staff
from forum_app.events.queries import Tile, dashboard_tiles
from forum_app.meetings.models import Meeting, MeetingRequest, MeetingStatus, RequestState
from forum_app.meetings.queries import PRESENT, count_meetings, count_requests, find_participant
from forum_app.registration.models import Registration


def can_see_directory(user: Any, event: Event) -> bool:
    """Approved participants and staff; others do not learn who is there."""
    return is_staff(user, event) or find_participant(user, event) is not None


def is_self(user: Any, registration: Registration) -> bool:
    """Whether this registration is the person's own."""
    return bool(user.is_authenticated and registration.user_id == user.id)


def takes_meetings(registration: Registration) -> bool:
    """Whether this person may be asked: a host type, approved or checked in, with a login."""
    return (
        registration.type.takes_meetings
        and registration.state in PRESENT
        and registration.user_id is not None
    )


def same_organization(one: Registration, other: Registration) -> bool:
    """Colleagues meet without a forum."""
    return one.organization_id is not None and one.organization_id == other.organization_id


def can_act_for(user: Any, registration: Registration, event: Event) -> bool:
    """The person, and organizers of the event."""
    return is_self(user, registration) or can_manage_event(user, event)


def may_be_asked(asker: Registration, other: Registration) -> bool:
    """Whether these two may meet at tables at all: one of them takes meetings.

    Who takes meetings is asked by everybody; whoever else is listed is asked by those who do.
    """
    if takes_meetings(other):
        return True
    return takes_meetings(asker) and other.listed and other.state in PRESENT and other.user_id is not None


def colleague_who_may_answer(user: Any, request: MeetingRequest, event: Event) -> Registration | None:
    """The user's registration, if the request is to their whole delegation and nobody has answered yet."""
    if not request.team or request.state != RequestState.PENDING or not user.is_authenticated:
        return None
    mine = find_participant(user, event)
    if mine is None or not takes_meetings(mine) or not same_organization(mine, request.host):
        return None
    return mine


def answering(user: Any, request: MeetingRequest, event: Event) -> Registration:
    """Whose answer it is when this user answers: the host's, or that of a colleague of a delegation."""
    if is_self(user, request.host):
        return request.host
    return colleague_who_may_answer(user, request, event) or request.host


def can_see_request(user: Any, request: MeetingRequest, event: Event) -> bool:
    """Both people, the host's delegation if it was asked as a whole, and organizers."""
    return is_self(user, request.asker) or can_answer(user, request, event)


def can_answer(user: Any, request: MeetingRequest, event: Event) -> bool:
    """The host, a colleague of theirs if the whole delegation was asked, and organizers."""
    if can_act_for(user, request.host, event):
        return True
    return colleague_who_may_answer(user, request, event) is not None


def can_withdraw(user: Any, request: MeetingRequest, event: Event) -> bool:
    """The asker and organizers."""
    return can_act_for(user, request.asker, event)


def can_cancel_meeting(user: Any, meeting: Meeting) -> bool:
    """Its participants and organizers."""
    return any(is_self(user, p.registration) for p in meeting.participants) or can_manage_event(
        user, meeting.event
    )


def can_move_meeting(user: Any, meeting: Meeting) -> bool:
    """Organizers only: others cancel and choose anew, so that both agree."""
    return can_manage_event(user, meeting.event)


def meeting_tiles(user: Any, event: Event, now: datetime) -> Iterable[Tile]:
    """The organizers' dashboard: meetings set, and requests without an answer."""
    if can_manage_event(user, event):
        confirmed = count_meetings(event.id).get(MeetingStatus.CONFIRMED, 0)
        requests = count_requests(event.id)
        yield Tile(N_("Meetings"), confirmed, "meetings.manage_index", order=70)
        yield Tile(
            N_("Meeting requests without an answer"),
            requests.get(RequestState.PENDING, 0),
            "meetings.manage_requests",
            order=71,
            values={"state": RequestState.PENDING.value},
        )
        yield Tile(
            N_("Mutual interest without a time"),
            requests.get(RequestState.AGREED, 0),
            "meetings.manage_requests",
            order=72,
            values={"state": RequestState.AGREED.value},
        )


dashboard_tiles.append(meeting_tiles)
