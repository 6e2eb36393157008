"""Who runs the floor: its staff everywhere, people in their own meetings."""

from typing import Any

from forum_app.events.models import Event
from forum_app.events.permissions import is_staff
from forum_app.floor.models import Offer
from forum_app.meetings.models import Meeting
from forum_app.meetings.permissions import is_self
from forum_app.meetings.queries import find_participant
from forum_app.registration.permissions import can_check_in


def can_run_floor(user: Any, event: Event) -> bool:
    """Check-in staff and organizers."""
    return can_check_in(user, event)


def can_see_board(user: Any, event: Event) -> bool:
    """Staff, and everybody who takes part: it says which table is next, and nothing private."""
    return is_staff(user, event) or find_participant(user, event) is not None


def is_in(user: Any, meeting: Meeting) -> bool:
    """Whether user takes part in a loaded meeting."""
    return any(is_self(user, part.registration) for part in meeting.participants)


def is_interpreter_of(user: Any, meeting: Meeting) -> bool:
    """Whether user interprets in a loaded meeting."""
    return bool(
        user.is_authenticated and meeting.interpreter is not None and meeting.interpreter.user_id == user.id
    )


def can_mark(user: Any, meeting: Meeting) -> bool:
    """Whether user may say who came: those in it, their interpreter, and the floor's staff."""
    return is_in(user, meeting) or is_interpreter_of(user, meeting) or can_run_floor(user, meeting.event)


def can_answer_offer(user: Any, offer: Offer, event: Event) -> bool:
    """The two to whom it is made, and the floor's staff, who stand beside them."""
    return (
        is_self(user, offer.request.asker) or is_self(user, offer.request.host) or can_run_floor(user, event)
    )
