"""When pitches take people's time beside the agenda's speakers: judging them, and pitching unnamed."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from forum_app.agenda.busy_queries import BusyTime, as_busy, placed_items
from forum_app.agenda.models import AgendaItem, ItemSpeaker, Speaker
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.pitches.models import PitchReview, PitchSubmission, SubmissionState

JUDGES = N_("Judges pitches")
PITCHES = N_("Pitches")


def pitch_times(event_id: int, user_ids: Collection[int]) -> list[BusyTime]:
    """Reviewers of a pitch are there for its whole block; who submitted a pitch that no speaker with a
    login presents is there for the pitch. Two statements."""
    pitch = aliased(AgendaItem)
    judged = (
        select(PitchReview.reviewer_id.label("user_id"), func.coalesce(pitch.parent_id, pitch.id).label("id"))
        .join(PitchSubmission, PitchSubmission.id == PitchReview.submission_id)
        .join(pitch, pitch.id == PitchSubmission.agenda_item_id)
        .where(
            pitch.event_id == event_id,
            PitchSubmission.state == SubmissionState.ACCEPTED,
            PitchReview.conflict.is_(False),
            PitchReview.reviewer_id.in_(user_ids),
        )
        .distinct()
        .subquery()
    )
    judging = placed_items(judged.c.user_id).join(judged, judged.c.id == AgendaItem.id)
    presented = (
        select(ItemSpeaker.item_id)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(Speaker.user_id.is_not(None))
    )
    pitching = (
        placed_items(PitchSubmission.submitter_id)
        .join(PitchSubmission, PitchSubmission.agenda_item_id == AgendaItem.id)
        .where(
            AgendaItem.event_id == event_id,
            PitchSubmission.state == SubmissionState.ACCEPTED,
            PitchSubmission.submitter_id.in_(user_ids),
            AgendaItem.id.not_in(presented),
        )
    )
    return as_busy(db.session.execute(judging), JUDGES) + as_busy(db.session.execute(pitching), PITCHES)
