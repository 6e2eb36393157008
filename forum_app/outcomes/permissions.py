"""Who may note what came of a meeting: those who were in it, and nobody on their behalf."""

from datetime import datetime
from typing import Any

from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingStatus


def own_part(user: Any, meeting: Meeting) -> MeetingParticipant | None:
    """The place of user in a loaded meeting, else None."""
    if not user.is_authenticated:
        return None
    return next((p for p in meeting.participants if p.registration.user_id == user.id), None)


def can_note(user: Any, meeting: Meeting, now: datetime) -> bool:
    """A participant, once the meeting has begun, unless it was not held."""
    return (
        own_part(user, meeting) is not None
        and meeting.status == MeetingStatus.CONFIRMED
        and meeting.starts_at <= now
    )
