"""What came of the meetings of a held demonstration event."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingRole, MeetingStatus
from forum_app.outcomes.models import Outcome, Pathway, Wish

STEPS = (
    ("We send the test report", "試験報告書をお送りします"),
    ("A call with the programme office", "事業担当部局とのオンライン会議"),
    ("A visit to the test site", "試験場の見学"),
    ("A five-page brief for the solicitation", "公募向けに5ページの概要書を作成"),
)
PATHWAYS = tuple(Pathway)


def seed_outcomes(event: Event) -> None:
    """Two of three meetings of a held event bear an outcome, and half of those are shared by both."""
    meetings = db.session.scalars(
        select(Meeting)
        .where(Meeting.event_id == event.id, Meeting.status == MeetingStatus.CONFIRMED)
        .options(selectinload(Meeting.participants).joinedload(MeetingParticipant.registration))
        .order_by(Meeting.id)
    ).all()
    for number, meeting in enumerate(meetings):
        if number % 3 == 2:
            continue
        both = number % 3 == 0
        for part in meeting.participants:
            if not both and part.role == MeetingRole.HOST:
                continue
            part.arrived_at = meeting.starts_at
            wish = tuple(Wish)[(number + (part.role == MeetingRole.HOST)) % len(Wish)]
            step_en, step_ja = STEPS[number % len(STEPS)]
            step = step_ja if part.registration.language == "ja" else step_en
            wants = wish != Wish.NONE
            at = meeting.ends_at + timedelta(hours=number % 5)
            db.session.add(
                Outcome(
                    meeting_id=meeting.id,
                    registration_id=part.registration_id,
                    wish=wish,
                    pathway=PATHWAYS[number % len(PATHWAYS)] if wish == Wish.PATHWAY else None,
                    next_step=step if wants else "",
                    next_step_on=event.ends_on + timedelta(days=14 + number % 30) if wants else None,
                    shared=both,
                    created_at=at,
                    changed_at=at,
                )
            )
    db.session.flush()
