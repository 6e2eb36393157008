"""A schedule run's life: started, stopped, resumed by people; begun, measured and ended by the worker."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import after_commit, db
from forum_app.events.models import Event
from forum_app.queue import queue
from forum_app.timetable.instance import Instance
from forum_app.timetable.instance_queries import read_instance
from forum_app.timetable.models import RUN_TRANSITIONS, RunState, ScheduleRun
from forum_app.timetable.permissions import can_schedule
from forum_app.timetable.queries import list_silent_runs

SOLVE = "forum_app.timetable.jobs.solve"
SILENCE = timedelta(seconds=30)
"""A run at work writes every second; after so long without a word its worker is taken for dead."""

ONLY_ORGANIZERS = N_("Only organizers can make and publish schedules.")
ONE_AT_A_TIME = N_("A schedule run of this event is waiting or at work already. Let it end, or stop it.")
NO_SLOTS = N_("There are no coming slots to place meetings in. Set the stretches of the days first.")
NO_WISHES = N_("There is no mutual interest to place yet: no request has been agreed by both sides.")
NOT_SO_NOW = N_("This run has moved on meanwhile; look at it again.")
NOT_SOLVED = N_(
    "The scheduler ended without a schedule. Start a new run; tell the operators if it happens again."
)
NOT_FOUND = N_("No schedule was found in the time given. Start a new run with more time.")
NOT_PUBLISHED = N_("The schedule could not be published, and nothing was changed. Please tell the operators.")
NOT_TRUE = N_(
    "The schedule did not pass the independent check, so it was thrown away. Please tell the operators."
)


# --- People ----------------------------------------------------------------------------------------


def start_run(
    *,
    actor: User | None,
    event: Event,
    time_limit: int = 60,
    seed: int = 1,
    now: datetime,
    wake: bool = True,
) -> ScheduleRun:
    """Queue a run of what is agreed at this moment. actor None: the system (a command).

    wake False: the caller does the work itself, in this process.

    Raises Invalid where there is nothing to place or nowhere, Conflict while another run is active.
    """
    if actor is not None and not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    instance = read_instance(event, now=now)
    if not instance.slots:
        raise Invalid(NO_SLOTS)
    if not instance.wishes:
        raise Invalid(NO_WISHES)
    run = ScheduleRun(
        event_id=event.id,
        started_by_id=actor.id if actor is not None else None,
        seed=seed,
        time_limit=time_limit,
        instance=instance.dumps(),
        input_digest=instance.digest,
        requested=instance.wishes,
        created_at=now,
    )
    db.session.add(run)
    _flush_alone()
    record(
        actor=actor,
        action="timetable.started",
        subject=run,
        event_id=event.id,
        now=now,
        detail={"time_limit": time_limit, "seed": seed, "requested": run.requested},
    )
    if wake:
        _wake(run.id)
    return run


def stop_run(*, actor: User, event: Event, run: ScheduleRun, now: datetime) -> None:
    """Let a run end with the best so far; one that only waits or was interrupted ends without a result."""
    if not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    if run.state is RunState.RUNNING:
        run.stop_requested = True
    else:
        _turn(run, RunState.STOPPED)
        run.finished_at = now
    record(actor=actor, action="timetable.stopped", subject=run, event_id=event.id, now=now)


def resume_run(*, actor: User, event: Event, run: ScheduleRun, now: datetime) -> None:
    """Queue an interrupted run again, with what it was started from."""
    if not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    _turn(run, RunState.QUEUED)
    run.stop_requested = False
    run.failure = ""
    _flush_alone()
    record(actor=actor, action="timetable.resumed", subject=run, event_id=event.id, now=now)
    _wake(run.id)


def _flush_alone() -> None:
    """One active run per event; the database says which of two was first."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Conflict(ONE_AT_A_TIME) from error


def _wake(run_id: int) -> None:
    after_commit(lambda: queue.enqueue(SOLVE, run_id))


def _turn(run: ScheduleRun, state: RunState) -> None:
    if state not in RUN_TRANSITIONS[run.state]:
        raise Conflict(NOT_SO_NOW)
    run.state = state


# --- The worker ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker took on. started_at tells its turn from a later one of the same run."""

    run_id: int
    instance: Instance
    time_limit: int
    seed: int
    started_at: datetime


def begin_run(run_id: int, *, now: datetime) -> Task | None:
    """Take a waiting run on; None if somebody else has, or it is not there any more."""
    run = db.session.get(ScheduleRun, run_id)
    if run is None or run.state is not RunState.QUEUED:
        return None
    _turn(run, RunState.RUNNING)
    run.started_at = run.heartbeat_at = now
    run.phase = "reading"
    return Task(run.id, Instance.loads(run.instance), run.time_limit, run.seed, now)


def note_progress(task: Task, progress: Mapping[str, Any], *, now: datetime) -> bool | None:
    """Write the latest figures and a sign of life; whether to stop. None: the run is no longer ours.

    One statement that leaves the version alone, so that it never stands in the way of a button.
    """
    found = db.session.execute(
        update(ScheduleRun)
        .where(
            ScheduleRun.id == task.run_id,
            ScheduleRun.state == RunState.RUNNING,
            ScheduleRun.started_at == task.started_at,
        )
        .values(heartbeat_at=now, **_figures(task, progress))
        .returning(ScheduleRun.stop_requested)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    return None if found is None else bool(found)


def _figures(task: Task, progress: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in ("placed_weight", "weight_bound", "breaks", "breaks_bound"):
        if isinstance(progress.get(name), int):
            values[name] = progress[name]
    if isinstance(progress.get("placed"), int):
        values["placed"] = max(0, progress["placed"] - task.instance.stays)
    if isinstance(progress.get("phase"), str):
        values["phase"] = progress["phase"][:60]
    return values


def finish_run(task: Task, result: Mapping[str, Any], *, now: datetime) -> bool:
    """Keep a checked result; False if the run is no longer ours."""
    run = _mine(task)
    if run is None:
        return False
    _turn(run, RunState.STOPPED if run.stop_requested else RunState.DONE)
    run.result = json.dumps(result, separators=(",", ":"))
    run.placed = len(task.instance.planned(result))
    run.status = str(result.get("status", ""))[:20]
    for name in ("placed_weight", "weight_bound", "breaks", "breaks_bound", "idle_slots", "moved"):
        value = result.get(name)
        setattr(run, name, value if isinstance(value, int) else None)
    run.phase = "done"
    run.heartbeat_at = run.finished_at = now
    return True


def fail_run(task: Task, sentence: str, *, now: datetime) -> None:
    """End a run without a result; sentence: for the organizer, marked with N_."""
    run = _mine(task)
    if run is not None:
        _turn(run, RunState.FAILED)
        run.failure = sentence
        run.heartbeat_at = run.finished_at = now


def _mine(task: Task) -> ScheduleRun | None:
    return db.session.scalar(
        select(ScheduleRun).where(
            ScheduleRun.id == task.run_id,
            ScheduleRun.state == RunState.RUNNING,
            ScheduleRun.started_at == task.started_at,
        )
    )


def interrupt_silent_runs(*, now: datetime) -> int:
    """Mark runs whose worker died; what is published is not touched. How many there were."""
    runs = list_silent_runs(now - SILENCE)
    for run in runs:
        _turn(run, RunState.INTERRUPTED)
        record(actor=None, action="timetable.interrupted", subject=run, event_id=run.event_id, now=now)
    return len(runs)
