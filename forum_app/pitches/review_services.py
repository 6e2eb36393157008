"""Reviewing: one vote per reviewer and pitch, or a declared conflict of interest."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Insert, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import selectinload

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.organizations.permissions import is_member
from forum_app.pitches.models import PitchReview, PitchSubmission, ReviewScore
from forum_app.pitches.permissions import REVIEWABLE, is_reviewer, was_submitted
from forum_app.pitches.queries import find_own_review


def save_review(
    *,
    actor: User,
    event: Event,
    submission: PitchSubmission,
    scores: Mapping[int, int],
    comment: str,
    now: datetime,
) -> PitchReview:
    """Give or change one's vote. scores: by criterion id, 0..best_score, every criterion once."""
    _may_review(actor, event, submission)
    criteria = submission.call.criteria
    if set(scores) != {criterion.id for criterion in criteria}:
        raise Conflict(N_("The criteria have changed. Reload the page and score again."))
    for criterion in criteria:
        if not 0 <= scores[criterion.id] <= criterion.best_score:
            raise Invalid(N_("Please choose a score."), field=f"score_{criterion.id}")
    review = _claim(submission, actor, now)
    review.conflict = False
    review.comment = comment
    review.changed_at = now
    kept = {row.criterion_id: row for row in review.scores}
    for criterion_id, score in scores.items():
        if criterion_id in kept:
            kept[criterion_id].score = score
        else:
            review.scores.append(ReviewScore(criterion_id=criterion_id, score=score))
    db.session.flush()
    record(
        actor=actor,
        action="pitch.reviewed",
        subject=review,
        event_id=event.id,
        now=now,
        detail={"submission": submission.id},
    )
    return review


def declare_conflict(
    *, actor: User, event: Event, submission: PitchSubmission, comment: str, now: datetime
) -> PitchReview:
    """Stand aside: a vote that was given is dropped with its scores."""
    _may_review(actor, event, submission)
    review = _claim(submission, actor, now)
    review.conflict = True
    review.comment = comment
    review.changed_at = now
    review.scores.clear()
    db.session.flush()
    record(
        actor=actor,
        action="pitch.conflict_declared",
        subject=review,
        event_id=event.id,
        now=now,
        detail={"submission": submission.id},
    )
    return review


def take_conflict_back(*, actor: User, event: Event, submission: PitchSubmission, now: datetime) -> None:
    """A conflict declared by mistake; the trail keeps both."""
    _may_review(actor, event, submission)
    review = find_own_review(submission.id, actor.id)
    if review is None or not review.conflict:
        return
    record(
        actor=actor,
        action="pitch.conflict_taken_back",
        subject=review,
        event_id=event.id,
        now=now,
        detail={"submission": submission.id},
    )
    db.session.delete(review)
    db.session.flush()


def _may_review(actor: User, event: Event, submission: PitchSubmission) -> None:
    if not is_reviewer(actor, event):
        raise PermissionDenied(N_("Only the pitch reviewers of this event can review."))
    if submission.call.event_id != event.id or not was_submitted(submission):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    if is_member(actor, submission.organization):
        raise PermissionDenied(N_("You belong to the organization of this pitch. Others have to review it."))
    if submission.state not in REVIEWABLE:
        raise Conflict(N_("This pitch has been decided or withdrawn; reviews are closed."))


def _claim(submission: PitchSubmission, actor: User, now: datetime) -> PitchReview:
    """The one row of this reviewer and pitch, however many tabs send at once."""
    statement = _insert_if_new().values(
        submission_id=submission.id,
        reviewer_id=actor.id,
        comment="",
        conflict=False,
        created_at=now,
        changed_at=now,
    )
    db.session.execute(statement)
    return db.session.scalars(
        select(PitchReview)
        .where(PitchReview.submission_id == submission.id, PitchReview.reviewer_id == actor.id)
        .options(selectinload(PitchReview.scores))
        .with_for_update(of=PitchReview)
        .execution_options(populate_existing=True)
    ).one()


def _insert_if_new() -> Insert:
    dialect = db.session.get_bind().dialect.name
    if dialect == "postgresql":
        return postgresql.insert(PitchReview).on_conflict_do_nothing()
    if dialect == "sqlite":
        return sqlite.insert(PitchReview).on_conflict_do_nothing()
    return insert(PitchReview)
