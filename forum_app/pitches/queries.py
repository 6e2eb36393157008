"""Reading calls, submissions and reviews. Scores are percentages of the best that was possible."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from sqlalchemy.sql.selectable import Subquery

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.organizations.models import (
    Kind,
    Membership,
    MemberState,
    Organization,
    TechnologyArea,
    search_form,
)
from forum_app.pitches.models import (
    Criterion,
    PitchCall,
    PitchReview,
    PitchSubmission,
    ReviewScore,
    SubmissionState,
)
from forum_app.web.tables import Page, TableState, contains, paginate

S = SubmissionState
WITH_ALL = (
    joinedload(PitchSubmission.organization),
    joinedload(PitchSubmission.call),
    joinedload(PitchSubmission.submitter),
    joinedload(PitchSubmission.agenda_item),
    selectinload(PitchSubmission.areas),
)


@dataclass(frozen=True, slots=True)
class Rated:
    """A submission with what reviewers think of it. score, spread (best minus worst): 0..100.

    votes: reviews without conflict. hidden: the reader belongs to its organization.
    """

    submission: PitchSubmission
    score: float | None
    spread: float | None
    votes: int
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Queued:
    """A submission in a reviewer's queue with the own review: None, conflict or score (0..100)."""

    submission: PitchSubmission
    reviewed: bool
    conflict: bool
    score: float | None


@dataclass(frozen=True, slots=True)
class ScoredReview:
    """One vote with its score (0..100) and its scores by criterion id."""

    review: PitchReview
    score: float | None
    scores: dict[int, int]


# --- The call ------------------------------------------------------------------------------------
def find_call(event_id: int) -> PitchCall | None:
    """The call of an event with areas and criteria."""
    return db.session.scalar(
        select(PitchCall)
        .where(PitchCall.event_id == event_id)
        .options(selectinload(PitchCall.areas), selectinload(PitchCall.criteria))
    )


def get_call(event: Event) -> PitchCall:
    """The call of an event; raises NotFound."""
    call = find_call(event.id)
    if call is None:
        raise NotFound(N_("There is no call for pitches at this event."))
    return call


def get_criterion(call: PitchCall, criterion_id: int) -> Criterion:
    """A criterion of the call; raises NotFound."""
    criterion = next((one for one in call.criteria if one.id == criterion_id), None)
    if criterion is None:
        raise NotFound(N_("There is no such criterion."))
    return criterion


def scored_criteria(call_id: int) -> set[int]:
    """Ids of the criteria of a call that bear scores."""
    return set(
        db.session.scalars(
            select(ReviewScore.criterion_id)
            .join(Criterion, Criterion.id == ReviewScore.criterion_id)
            .where(Criterion.call_id == call_id)
            .distinct()
        )
    )


def best_given(criterion_id: int) -> int | None:
    """The highest score that was given for a criterion."""
    return db.session.scalar(
        select(func.max(ReviewScore.score)).where(ReviewScore.criterion_id == criterion_id)
    )


# --- Submissions ---------------------------------------------------------------------------------
def get_submission(event: Event, code: str) -> PitchSubmission:
    """A submission to the event's call with all that belongs to it; raises NotFound."""
    submission = db.session.scalar(
        select(PitchSubmission)
        .join(PitchCall, PitchCall.id == PitchSubmission.call_id)
        .where(PitchCall.event_id == event.id, PitchSubmission.code == code)
        .options(*WITH_ALL)
    )
    if submission is None:
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    return submission


def find_live(call_id: int, organization_id: int) -> PitchSubmission | None:
    """The one submission of an organization that is not withdrawn."""
    return db.session.scalar(
        select(PitchSubmission).where(
            PitchSubmission.call_id == call_id,
            PitchSubmission.organization_id == organization_id,
            PitchSubmission.state != S.WITHDRAWN,
        )
    )


def _organizations_of(user_id: int) -> Select[Any]:
    return select(Membership.organization_id).where(
        Membership.user_id == user_id, Membership.state == MemberState.ACTIVE
    )


def list_pitching_organizations(user_id: int, kinds: Collection[Kind]) -> Sequence[Organization]:
    """Organizations of a person that may submit, by name."""
    return db.session.scalars(
        select(Organization)
        .where(Organization.id.in_(_organizations_of(user_id)), Organization.kind.in_(kinds))
        .order_by(Organization.sort_en, Organization.id)
    ).all()


def list_own(call_id: int, user_id: int) -> Sequence[PitchSubmission]:
    """Submissions of a person's organizations, latest first."""
    return db.session.scalars(
        select(PitchSubmission)
        .where(
            PitchSubmission.call_id == call_id,
            PitchSubmission.organization_id.in_(_organizations_of(user_id)),
        )
        .options(joinedload(PitchSubmission.organization))
        .order_by(PitchSubmission.id.desc())
    ).all()


def list_placed(call_id: int) -> Sequence[PitchSubmission]:
    """Accepted submissions that have an agenda item, with organization and areas."""
    return db.session.scalars(
        select(PitchSubmission)
        .where(
            PitchSubmission.call_id == call_id,
            PitchSubmission.state == S.ACCEPTED,
            PitchSubmission.agenda_item_id.is_not(None),
        )
        .options(joinedload(PitchSubmission.organization), selectinload(PitchSubmission.areas))
        .order_by(PitchSubmission.id)
    ).all()


def list_by_ids(call_id: int, ids: Collection[int]) -> Sequence[PitchSubmission]:
    """Submissions of the call with these ids and all that belongs to them, in the order of ids."""
    return db.session.scalars(
        select(PitchSubmission)
        .where(PitchSubmission.call_id == call_id, PitchSubmission.id.in_(ids))
        .options(*WITH_ALL)
        .order_by(PitchSubmission.id)
    ).all()


def count_states(call_id: int) -> dict[SubmissionState, int]:
    """How many submissions are in each state; withdrawn drafts are not counted."""
    rows = db.session.execute(
        select(PitchSubmission.state, func.count())
        .where(
            PitchSubmission.call_id == call_id,
            or_(PitchSubmission.submitted_at.is_not(None), PitchSubmission.state == S.DRAFT),
        )
        .group_by(PitchSubmission.state)
    ).all()
    return dict(rows)


# --- Scores --------------------------------------------------------------------------------------
def _totals() -> Subquery:
    """Score of each vote: weighted by criterion, 0..100, over the criteria that it scored."""
    weighed = Criterion.weight * 100.0 * ReviewScore.score / Criterion.best_score
    return (
        select(
            PitchReview.id.label("review_id"),
            PitchReview.submission_id.label("submission_id"),
            cast(func.sum(weighed) / func.sum(Criterion.weight), Float).label("total"),
        )
        .join(ReviewScore, ReviewScore.review_id == PitchReview.id)
        .join(Criterion, Criterion.id == ReviewScore.criterion_id)
        .where(PitchReview.conflict.is_(False))
        .group_by(PitchReview.id, PitchReview.submission_id)
        .subquery()
    )


def list_rated(call_id: int, user_id: int, state: TableState, locale: str) -> Page[Rated]:
    """One page of what was submitted, with scores; filters: state, area (code).

    Scores of the reader's own organizations are left out, and such rows sort as if they had none.
    """
    totals = _totals()
    ratings = (
        select(
            totals.c.submission_id,
            func.avg(totals.c.total).label("score"),
            (func.max(totals.c.total) - func.min(totals.c.total)).label("spread"),
        )
        .group_by(totals.c.submission_id)
        .subquery()
    )
    counts = (
        select(PitchReview.submission_id, func.count().label("votes"))
        .where(PitchReview.conflict.is_(False))
        .group_by(PitchReview.submission_id)
        .subquery()
    )
    declared = select(PitchReview.submission_id).where(
        PitchReview.reviewer_id == user_id, PitchReview.conflict.is_(True)
    )
    own = or_(
        PitchSubmission.organization_id.in_(_organizations_of(user_id)), PitchSubmission.id.in_(declared)
    )
    score = case((own, None), else_=ratings.c.score)
    spread = case((own, None), else_=ratings.c.spread)
    votes = func.coalesce(counts.c.votes, 0)
    statement = (
        select(PitchSubmission, score.label("score"), spread.label("spread"), votes, own.label("own"))
        .join(Organization, Organization.id == PitchSubmission.organization_id)
        .outerjoin(ratings, ratings.c.submission_id == PitchSubmission.id)
        .outerjoin(counts, counts.c.submission_id == PitchSubmission.id)
        .where(PitchSubmission.call_id == call_id, PitchSubmission.submitted_at.is_not(None))
        .options(contains_eager(PitchSubmission.organization), selectinload(PitchSubmission.areas))
    )
    statement = _narrowed(statement, state)
    by_title = _title(locale)
    by_name = Organization.sort_ja if locale == "ja" else Organization.sort_en
    page = paginate(
        statement,
        state,
        sorts={
            "score": [func.coalesce(score, -1.0), PitchSubmission.id],
            "spread": [func.coalesce(spread, -1.0), PitchSubmission.id],
            "votes": [votes, PitchSubmission.id],
            "title": [by_title, PitchSubmission.id],
            "organization": [by_name, PitchSubmission.id],
            "submitted_at": [PitchSubmission.submitted_at, PitchSubmission.id],
        },
    )
    rows = [Rated(row[0], row[1], row[2], row[3], bool(row[4])) for row in page.rows]
    return Page(rows, page.total, state)


def _title(locale: str) -> Any:
    first, second = PitchSubmission.title_en, PitchSubmission.title_ja
    if locale == "ja":
        first, second = second, first
    return func.lower(func.coalesce(func.nullif(first, ""), second))


def _narrowed(statement: Select[Any], state: TableState) -> Select[Any]:
    """By words (title, presenter, organization, code) and by the filters state and area."""
    if state.q:
        pattern = contains(state.q.lower())
        columns = (PitchSubmission.title_en, PitchSubmission.title_ja, PitchSubmission.presenter)
        statement = statement.where(
            or_(
                *[func.lower(column).like(pattern, escape="\\") for column in columns],
                Organization.search_text.like(contains(search_form(state.q)), escape="\\"),
                PitchSubmission.code == state.q,
            )
        )
    if "state" in state.filters:
        statement = statement.where(PitchSubmission.state == S(state.filters["state"]))
    if "area" in state.filters:
        statement = statement.where(PitchSubmission.areas.any(TechnologyArea.code == state.filters["area"]))
    return statement


# --- Reviews -------------------------------------------------------------------------------------
def find_own_review(submission_id: int, user_id: int) -> PitchReview | None:
    """The review that a person gave a pitch, with scores."""
    return db.session.scalar(
        select(PitchReview)
        .where(PitchReview.submission_id == submission_id, PitchReview.reviewer_id == user_id)
        .options(selectinload(PitchReview.scores))
    )


def list_reviews(submission_id: int) -> list[ScoredReview]:
    """All reviews of a pitch with reviewers and scores, oldest first."""
    totals = _totals()
    rows = db.session.execute(
        select(PitchReview, totals.c.total)
        .outerjoin(totals, totals.c.review_id == PitchReview.id)
        .where(PitchReview.submission_id == submission_id)
        .options(joinedload(PitchReview.reviewer), selectinload(PitchReview.scores))
        .order_by(PitchReview.id)
    ).all()
    return [
        ScoredReview(review, total, {one.criterion_id: one.score for one in review.scores})
        for review, total in rows
    ]


def _reviewable(call_id: int, user_id: int, states: Collection[SubmissionState]) -> Any:
    return and_(
        PitchSubmission.call_id == call_id,
        PitchSubmission.state.in_(states),
        PitchSubmission.organization_id.not_in(_organizations_of(user_id)),
    )


def _own_review(user_id: int) -> Any:
    return and_(PitchReview.submission_id == PitchSubmission.id, PitchReview.reviewer_id == user_id)


def list_queue(
    call_id: int, user_id: int, states: Collection[SubmissionState], state: TableState, locale: str
) -> Page[Queued]:
    """One page of what a reviewer may review, with the own score; filters: review, area (code)."""
    totals = _totals()
    statement = (
        select(PitchSubmission, PitchReview.id, PitchReview.conflict, totals.c.total)
        .join(Organization, Organization.id == PitchSubmission.organization_id)
        .outerjoin(PitchReview, _own_review(user_id))
        .outerjoin(totals, totals.c.review_id == PitchReview.id)
        .where(_reviewable(call_id, user_id, states))
        .options(contains_eager(PitchSubmission.organization), selectinload(PitchSubmission.areas))
    )
    if state.filters.get("review") == "open":
        statement = statement.where(PitchReview.id.is_(None))
    elif state.filters.get("review") == "done":
        statement = statement.where(PitchReview.id.is_not(None))
    statement = _narrowed(statement, state)
    page = paginate(
        statement,
        state,
        sorts={
            "submitted_at": [PitchSubmission.submitted_at, PitchSubmission.id],
            "title": [_title(locale), PitchSubmission.id],
            "score": [func.coalesce(totals.c.total, -1.0), PitchSubmission.id],
        },
    )
    rows = [Queued(row[0], row[1] is not None, bool(row[2]), row[3]) for row in page.rows]
    return Page(rows, page.total, state)


def review_progress(call_id: int, user_id: int, states: Collection[SubmissionState]) -> tuple[int, int]:
    """How many a reviewer has reviewed (or declared a conflict for), of how many."""
    done, total = db.session.execute(
        select(func.count(PitchReview.id), func.count(PitchSubmission.id))
        .select_from(PitchSubmission)
        .outerjoin(PitchReview, _own_review(user_id))
        .where(_reviewable(call_id, user_id, states))
    ).one()
    return done, total


def next_unreviewed(
    call_id: int, user_id: int, states: Collection[SubmissionState], *, after: int = 0
) -> str | None:
    """Code of the next pitch without a review by the person: after that id, else from the start."""
    return db.session.scalar(
        select(PitchSubmission.code)
        .outerjoin(PitchReview, _own_review(user_id))
        .where(_reviewable(call_id, user_id, states), PitchReview.id.is_(None))
        .order_by(case((PitchSubmission.id > after, 0), else_=1), PitchSubmission.id)
        .limit(1)
    )
