"""What of an organization's history a reader may know."""

from collections.abc import Iterable
from typing import Any

from forum_app.events.models import Event, Visibility
from forum_app.events.permissions import is_staff
from forum_app.events.queries import list_participations
from forum_app.pitches.models import PitchSubmission, SubmissionState
from forum_app.registration.models import Registration


def known_events(user: Any, events: Iterable[Event], *, belongs: bool) -> list[Event]:
    """Those events that user may find here, as can_know_event has it, at one statement for all.

    belongs: user is a member of the organization whose history it is. An unlisted event exists for
    all who have its address; so that nobody gets it here, it is named only to those who were there:
    members, participants, staff.
    """
    events = list(events)
    hidden = [event for event in events if event.visibility != Visibility.PUBLIC]
    participations = list_participations(user) if hidden else {}
    known = []
    for event in events:
        if is_staff(user, event) or (
            event.is_published
            and (
                event.visibility == Visibility.PUBLIC
                or event.id in participations
                or (event.visibility == Visibility.UNLISTED and belongs)
            )
        ):
            known.append(event)
    return known


def sees_details(user: Any, event: Event, *, belongs: bool) -> bool:
    """Names, undecided pitches, partners and topics: the organization's members and event staff."""
    return belongs or is_staff(user, event)


def can_name(registration: Registration, *, details: bool) -> bool:
    """Whether the person is named: to insiders, and to all where the person asked to be listed."""
    return details or registration.listed


def can_know_pitch(submission: PitchSubmission, event: Event, *, details: bool) -> bool:
    """Accepted pitches are public once the event is; all others are for insiders."""
    return details or (submission.state == SubmissionState.ACCEPTED and event.is_published)
