"""Reading what other features know about an organization's part in events; owns no table.

Every statement is bounded to events that the reader may know of: what may not be known is not even
loaded, so it cannot be counted.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, union
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingStatus
from forum_app.pitches.models import PitchCall, PitchSubmission, SubmissionState
from forum_app.registration.models import Registration, RegistrationState

CAME = (RegistrationState.CHECKED_IN,)
EXPECTED = (RegistrationState.APPROVED, RegistrationState.CHECKED_IN)


def list_events_of(organization_id: int) -> Sequence[Event]:
    """Events where the organization has people, pitches or meetings, whoever asks; latest first."""
    registered = select(Registration.event_id).where(
        Registration.organization_id == organization_id, Registration.state.in_(EXPECTED)
    )
    pitched = (
        select(PitchCall.event_id)
        .join(PitchSubmission, PitchSubmission.call_id == PitchCall.id)
        .where(
            PitchSubmission.organization_id == organization_id,
            PitchSubmission.state != SubmissionState.DRAFT,
        )
    )
    met = select(Meeting.event_id).where(_meets(organization_id))
    ids = union(registered, pitched, met).subquery()
    return db.session.scalars(
        select(Event)
        .where(Event.id.in_(select(ids.c[0])))
        .options(joinedload(Event.series))
        .order_by(Event.starts_on.desc(), Event.id.desc())
    ).all()


def list_people(organization_id: int, event_ids: Collection[int]) -> Sequence[Registration]:
    """Registrations with a seat, of events by id."""
    return db.session.scalars(
        select(Registration)
        .where(
            Registration.organization_id == organization_id,
            Registration.event_id.in_(event_ids),
            Registration.state.in_(EXPECTED),
        )
        .order_by(Registration.id)
    ).all()


def list_pitches(organization_id: int, event_ids: Collection[int]) -> Sequence[PitchSubmission]:
    """Submissions that were sent in, with their calls and agenda items; drafts are nobody's history."""
    return db.session.scalars(
        select(PitchSubmission)
        .join(PitchSubmission.call)
        .where(
            PitchSubmission.organization_id == organization_id,
            PitchCall.event_id.in_(event_ids),
            PitchSubmission.state != SubmissionState.DRAFT,
        )
        .options(contains_eager(PitchSubmission.call), joinedload(PitchSubmission.agenda_item))
        .order_by(PitchSubmission.id)
    ).all()


def list_meetings(organization_id: int, event_ids: Collection[int]) -> Sequence[Meeting]:
    """Meetings that stand, with who takes part and their organizations, in the order of time."""
    return db.session.scalars(
        select(Meeting)
        .where(_meets(organization_id), Meeting.event_id.in_(event_ids))
        .options(
            selectinload(Meeting.participants)
            .joinedload(MeetingParticipant.registration)
            .joinedload(Registration.organization)
        )
        .order_by(Meeting.starts_at, Meeting.id)
    ).all()


def _meets(organization_id: int) -> Any:
    """A confirmed meeting in which somebody of the organization takes part."""
    return (Meeting.status == MeetingStatus.CONFIRMED) & Meeting.id.in_(
        select(MeetingParticipant.meeting_id)
        .join(Registration, Registration.id == MeetingParticipant.registration_id)
        .where(Registration.organization_id == organization_id)
    )
