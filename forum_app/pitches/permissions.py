"""Who may do what with pitches, and when."""

import enum
from datetime import datetime
from typing import Any

from forum_app.agenda.busy_queries import busy_sources
from forum_app.events.models import Event, EventRole
from forum_app.events.permissions import can_manage_event, has_role, roles_at
from forum_app.organizations.models import Kind, Organization
from forum_app.organizations.permissions import is_member
from forum_app.pitches.busy_queries import pitch_times
from forum_app.pitches.models import SUBMISSION_TRANSITIONS, PitchCall, PitchSubmission, SubmissionState
from forum_app.pitches.queries import find_own_review

S = SubmissionState
# Start-ups, and spin-offs while their university still is their home.
PITCHING = frozenset({Kind.STARTUP, Kind.UNIVERSITY})
EDITABLE = frozenset({S.DRAFT, S.SUBMITTED})
REVIEWABLE = frozenset({S.SUBMITTED, S.RESERVE})


class CallState(enum.StrEnum):
    NOT_YET = "not_yet"
    OPEN = "open"
    CLOSED = "closed"


def call_state(call: PitchCall, now: datetime) -> CallState:
    """Whether submissions are taken at now; the closing instant itself is too late."""
    if now < call.opens_at:
        return CallState.NOT_YET
    return CallState.OPEN if now < call.closes_at else CallState.CLOSED


def can_submit_for(user: Any, organization: Organization) -> bool:
    """Members of a start-up or a university."""
    return organization.kind in PITCHING and is_member(user, organization)


def can_see_own(user: Any, submission: PitchSubmission) -> bool:
    """Members of the organization that submits."""
    return is_member(user, submission.organization)


def can_edit(user: Any, submission: PitchSubmission, now: datetime) -> bool:
    """Members, until the call closes or a decision is made."""
    return (
        submission.state in EDITABLE
        and call_state(submission.call, now) == CallState.OPEN
        and can_see_own(user, submission)
    )


def can_withdraw(user: Any, submission: PitchSubmission) -> bool:
    """Members, at any time."""
    return S.WITHDRAWN in SUBMISSION_TRANSITIONS[submission.state] and can_see_own(user, submission)


def is_reviewer(user: Any, event: Event) -> bool:
    """Pitch reviewers, organizers and administrators."""
    return has_role(user, event, EventRole.PITCH_REVIEWER)


def is_named_reviewer(user: Any, event: Event) -> bool:
    """Who was made a reviewer, for the bar of the event; organizers have their own."""
    return bool(user.is_authenticated) and EventRole.PITCH_REVIEWER in roles_at(user, event)


def can_manage_pitches(user: Any, event: Event) -> bool:
    """Organizers of the event, and administrators."""
    return can_manage_event(user, event)


def in_conflict(user: Any, submission: PitchSubmission) -> bool:
    """Whether user belongs to the organization or has declared a conflict of interest."""
    if is_member(user, submission.organization):
        return True
    review = find_own_review(submission.id, user.id)
    return review is not None and review.conflict


def was_submitted(submission: PitchSubmission) -> bool:
    """A draft is nobody's business but its authors'."""
    return submission.submitted_at is not None


def can_read(user: Any, submission: PitchSubmission, event: Event) -> bool:
    """Whether user may read text and deck as a reviewer or organizer without conflict.

    What was withdrawn is kept for the organizers alone.
    """
    if submission.state == S.WITHDRAWN and not can_manage_pitches(user, event):
        return False
    return is_reviewer(user, event) and was_submitted(submission) and not in_conflict(user, submission)


def can_see_deck(user: Any, submission: PitchSubmission, event: Event) -> bool:
    """Members of the organization, and those who judge."""
    return can_see_own(user, submission) or can_read(user, submission, event)


def can_decide(user: Any, submission: PitchSubmission, event: Event) -> bool:
    """Organizers, but not on the pitch of an organization of their own."""
    return can_manage_pitches(user, event) and was_submitted(submission) and not in_conflict(user, submission)


busy_sources.append(pitch_times)
