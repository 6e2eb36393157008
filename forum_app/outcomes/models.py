"""What came of a meeting, as each side says; private until both sides share."""

import enum
from datetime import date, datetime

from sqlalchemy import Date, Enum, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.meetings.models import Meeting
from forum_app.registration.models import Registration


class Wish(enum.StrEnum):
    """What a side wishes after a meeting."""

    NONE = "none"
    FOLLOW_UP = "follow_up"
    SAMPLE_OR_TEST = "sample_or_test"
    PATHWAY = "pathway"


WISH_LABELS = {
    Wish.NONE: N_("No further step"),
    Wish.FOLLOW_UP: N_("Follow-up wished"),
    Wish.SAMPLE_OR_TEST: N_("Sample or test"),
    Wish.PATHWAY: N_("A pathway to a contract"),
}


class Pathway(enum.StrEnum):
    """Ways from a meeting to a contract."""

    FCT = "fct"
    DIU = "diu"
    IQT = "iqt"
    SBIR_JAPAN = "sbir_japan"
    J_STARX = "j_starx"
    PRIZE = "prize"
    NEGOTIATED = "negotiated"


PATHWAY_LABELS = {
    Pathway.FCT: N_("Foreign Comparative Testing (FCT)"),
    Pathway.DIU: N_("DIU prototype award / commercial solutions opening"),
    Pathway.IQT: N_("IQT investment"),
    Pathway.SBIR_JAPAN: N_("SBIR (Japan) / Innovative Science and Technology Initiative for Security"),
    Pathway.J_STARX: N_("J-StarX dual-use accelerator"),
    Pathway.PRIZE: N_("Prize challenge"),
    Pathway.NEGOTIATED: N_("Negotiated contract under the dual-use start-up framework"),
}


class Outcome(Base):
    """One participant's view of a meeting. shared: may be seen by the other side once it shares, too."""

    __tablename__ = "outcomes_outcome"
    __table_args__ = (UniqueConstraint("meeting_id", "registration_id"),)

    id: Mapped[Key]
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id, ondelete="CASCADE"))
    registration_id: Mapped[int] = mapped_column(ForeignKey(Registration.id, ondelete="CASCADE"), index=True)
    wish: Mapped[Wish] = mapped_column(Enum(Wish, native_enum=False, length=20))
    pathway: Mapped[Pathway | None] = mapped_column(Enum(Pathway, native_enum=False, length=20))
    note: Mapped[str] = mapped_column(Text, default="")
    next_step: Mapped[str] = mapped_column(String(500), default="")
    next_step_on: Mapped[date | None] = mapped_column(Date)
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    meeting: Mapped[Meeting] = relationship()
    registration: Mapped[Registration] = relationship()
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.wish.value
