"""Schedule runs: what was asked of the scheduler, how far it is, and what it found."""

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event


class RunState(enum.StrEnum):
    """stopped: by a person, with the best so far. interrupted: its worker died; it can be resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


RUN_LABELS = {
    RunState.QUEUED: N_("Waiting to start"),
    RunState.RUNNING: N_("Running"),
    RunState.DONE: N_("Finished"),
    RunState.STOPPED: N_("Stopped with the best so far"),
    RunState.INTERRUPTED: N_("Interrupted"),
    RunState.FAILED: N_("Failed"),
}
RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.STOPPED, RunState.FAILED, RunState.INTERRUPTED}),
    RunState.RUNNING: frozenset({RunState.DONE, RunState.STOPPED, RunState.INTERRUPTED, RunState.FAILED}),
    RunState.INTERRUPTED: frozenset({RunState.QUEUED, RunState.STOPPED}),
    RunState.DONE: frozenset(),
    RunState.STOPPED: frozenset(),
    RunState.FAILED: frozenset(),
}
_ACTIVE = text("state IN ('QUEUED', 'RUNNING')")


class ScheduleRun(Base):
    """One run of the scheduler for an event; at most one waits or runs per event.

    instance: b2b-instance/1 with the ids of our rows beside it, as JSON; input_digest: of what the run
    was made from, so that a result whose inputs changed meanwhile is known to be stale. result:
    b2b-schedule/1 as JSON, the best so far. Figures are those of the latest progress. publish_asked_at:
    until the worker has published it, or found that it cannot be; publish_failure: then says why.
    """

    __tablename__ = "timetable_run"
    __table_args__ = (
        Index(
            "uq_timetable_run_active",
            "event_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index(None, "event_id", "created_at"),
        CheckConstraint("time_limit BETWEEN 1 AND 3600", name="time_limit"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    state: Mapped[RunState] = mapped_column(
        Enum(RunState, native_enum=False, length=20), default=RunState.QUEUED
    )
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    seed: Mapped[int] = mapped_column(default=1)
    time_limit: Mapped[int] = mapped_column(default=60)  # seconds
    stop_requested: Mapped[bool] = mapped_column(default=False)
    instance: Mapped[str] = mapped_column(Text, deferred=True)
    input_digest: Mapped[str] = mapped_column(String(64))
    result: Mapped[str | None] = mapped_column(Text, deferred=True)
    requested: Mapped[int] = mapped_column(default=0)  # meetings to place
    placed: Mapped[int | None]
    placed_weight: Mapped[int | None]
    weight_bound: Mapped[int | None]
    breaks: Mapped[int | None]
    breaks_bound: Mapped[int | None]
    idle_slots: Mapped[int | None]
    moved: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(20), default="")  # the scheduler's: optimal, feasible ...
    phase: Mapped[str] = mapped_column(String(60), default="")
    failure: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    publish_asked_at: Mapped[datetime | None]
    publish_asked_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    publish_failure: Mapped[str] = mapped_column(String(500), default="")
    version: Mapped[int] = mapped_column(default=1)
    event: Mapped[Event] = relationship()
    started_by: Mapped[User | None] = relationship(foreign_keys=[started_by_id])
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return f"#{self.id}"
