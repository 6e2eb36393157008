"""The pitch programme: a call, submissions, reviews by criteria, decisions."""

import enum
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, item_code
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event
from forum_app.organizations.models import Organization, TechnologyArea
from forum_app.web.stored_files import STORED_FILE

call_area = Table(
    "pitches_call_area",
    Base.metadata,
    Column("call_id", ForeignKey("pitches_call.id", ondelete="CASCADE"), primary_key=True),
    Column("area_id", ForeignKey("organizations_area.id", ondelete="CASCADE"), primary_key=True),
)
submission_area = Table(
    "pitches_submission_area",
    Base.metadata,
    Column("submission_id", ForeignKey("pitches_submission.id", ondelete="CASCADE"), primary_key=True),
    Column("area_id", ForeignKey("organizations_area.id", ondelete="CASCADE"), primary_key=True),
)


class PitchCall(Base):
    """The call of an event: window (UTC instants), technology areas, minutes per pitch."""

    __tablename__ = "pitches_call"
    __table_args__ = (CheckConstraint("closes_at > opens_at", name="window"),)

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), unique=True)
    text_en: Mapped[str] = mapped_column(Text, default="")
    text_ja: Mapped[str] = mapped_column(Text, default="")
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    minutes: Mapped[int] = mapped_column(default=10)
    version: Mapped[int] = mapped_column(default=1)
    event: Mapped[Event] = relationship()
    areas: Mapped[list[TechnologyArea]] = relationship(secondary=call_area, order_by=TechnologyArea.position)
    criteria: Mapped[list["Criterion"]] = relationship(
        cascade="all, delete-orphan", order_by="Criterion.position"
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return "call"


class Criterion(Base):
    """What reviewers score, 0..best_score, weighed."""

    __tablename__ = "pitches_criterion"
    __table_args__ = (
        CheckConstraint("best_score BETWEEN 1 AND 10", name="best_score"),
        CheckConstraint("weight BETWEEN 1 AND 10", name="weight"),
    )

    id: Mapped[Key]
    call_id: Mapped[int] = mapped_column(ForeignKey(PitchCall.id, ondelete="CASCADE"), index=True)
    name_en: Mapped[str] = mapped_column(String(200), default="")
    name_ja: Mapped[str] = mapped_column(String(200), default="")
    weight: Mapped[int] = mapped_column(default=1)
    best_score: Mapped[int] = mapped_column(default=5)
    position: Mapped[int] = mapped_column(default=0)


class SubmissionState(enum.StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    ACCEPTED = "accepted"
    RESERVE = "reserve"
    DECLINED = "declined"


P = SubmissionState
SUBMISSION_LABELS = {
    P.DRAFT: N_("Draft"),
    P.SUBMITTED: N_("Submitted"),
    P.WITHDRAWN: N_("Withdrawn"),
    P.ACCEPTED: N_("Selected"),
    P.RESERVE: N_("Reserve list"),
    P.DECLINED: N_("Not selected"),
}
SUBMISSION_TRANSITIONS: dict[SubmissionState, frozenset[SubmissionState]] = {
    P.DRAFT: frozenset({P.SUBMITTED, P.WITHDRAWN}),
    P.SUBMITTED: frozenset({P.WITHDRAWN, P.ACCEPTED, P.RESERVE, P.DECLINED}),
    P.RESERVE: frozenset({P.WITHDRAWN, P.ACCEPTED, P.DECLINED}),
    P.ACCEPTED: frozenset({P.WITHDRAWN, P.DECLINED}),
    P.DECLINED: frozenset({P.ACCEPTED, P.RESERVE}),
    P.WITHDRAWN: frozenset(),
}
_LIVE = text("state <> 'WITHDRAWN'")


class PitchSubmission(Base):
    """What a start-up submits; one live submission per call and organization."""

    __tablename__ = "pitches_submission"
    __table_args__ = (
        Index(
            "uq_pitches_submission_live",
            "call_id",
            "organization_id",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        UniqueConstraint("code"),
        Index(None, "call_id", "state"),
        Index(None, "organization_id"),
    )

    id: Mapped[Key]
    call_id: Mapped[int] = mapped_column(ForeignKey(PitchCall.id, ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(40), default=item_code)
    organization_id: Mapped[int] = mapped_column(ForeignKey(Organization.id, ondelete="CASCADE"))
    submitter_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"), index=True)
    title_en: Mapped[str] = mapped_column(String(500), default="")
    title_ja: Mapped[str] = mapped_column(String(500), default="")
    abstract_en: Mapped[str] = mapped_column(Text, default="")
    abstract_ja: Mapped[str] = mapped_column(Text, default="")
    stage: Mapped[str] = mapped_column(String(40), default="")  # idea, prototype, product, revenue
    language: Mapped[str] = mapped_column(String(5), default="en")
    presenter: Mapped[str] = mapped_column(String(200), default="")
    deck_file: Mapped[str | None] = mapped_column(String(80), info=STORED_FILE)
    deck_name: Mapped[str] = mapped_column(String(200), default="")
    deck_pages: Mapped[int | None]
    state: Mapped[SubmissionState] = mapped_column(Enum(SubmissionState, native_enum=False, length=20))
    decision_note: Mapped[str] = mapped_column(Text, default="")  # told to the start-up
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    agenda_item_id: Mapped[int | None] = mapped_column(
        ForeignKey(AgendaItem.id, ondelete="SET NULL"), unique=True
    )
    version: Mapped[int] = mapped_column(default=1)
    call: Mapped[PitchCall] = relationship()
    organization: Mapped[Organization] = relationship()
    submitter: Mapped[User | None] = relationship()
    agenda_item: Mapped[AgendaItem | None] = relationship()
    areas: Mapped[list[TechnologyArea]] = relationship(
        secondary=submission_area, order_by=TechnologyArea.position
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.title_en or self.title_ja


class PitchReview(Base):
    """One vote per reviewer and pitch."""

    __tablename__ = "pitches_review"
    __table_args__ = (UniqueConstraint("submission_id", "reviewer_id"),)

    id: Mapped[Key]
    submission_id: Mapped[int] = mapped_column(ForeignKey(PitchSubmission.id, ondelete="CASCADE"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    comment: Mapped[str] = mapped_column(Text, default="")
    conflict: Mapped[bool] = mapped_column(default=False)  # declared conflict of interest: no scores
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    submission: Mapped[PitchSubmission] = relationship()
    reviewer: Mapped[User] = relationship()
    scores: Mapped[list["ReviewScore"]] = relationship(cascade="all, delete-orphan")

    @property
    def audit_label(self) -> str:
        return ""


class ReviewScore(Base):
    __tablename__ = "pitches_review_score"

    review_id: Mapped[int] = mapped_column(ForeignKey(PitchReview.id, ondelete="CASCADE"), primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey(Criterion.id, ondelete="CASCADE"), primary_key=True)
    score: Mapped[int]
