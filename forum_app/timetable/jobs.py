"""The worker's part: solving in a child process, and noticing runs whose worker died."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from forum_app.accounts.models import User
from forum_app.core.errors import Conflict, DomainError
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import Assignment, Status
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.queue import every, job
from forum_app.timetable.child import Child, ChildFailed, solving
from forum_app.timetable.plan_queries import Plan
from forum_app.timetable.publish_services import note_refusal, publish_asked
from forum_app.timetable.queries import list_asked_ids, list_waiting_ids
from forum_app.timetable.repair_services import apply_repair, plan_repair
from forum_app.timetable.services import (
    NOT_FOUND,
    NOT_PUBLISHED,
    NOT_SOLVED,
    NOT_TRUE,
    Task,
    begin_run,
    fail_run,
    finish_run,
    interrupt_silent_runs,
    note_progress,
)
from forum_app.web import clock

ATTEMPTS = 3  # of a repair, while others change meetings
BEAT = 1.0  # seconds between two words of a run
LATE = 30.0  # seconds that a scheduler may take longer than it was given
LONGEST_COMPILING = 600.0  # and that it may take besides, once per installation
NOTHING = (Status.UNKNOWN.value, Status.INFEASIBLE.value)
log = logging.getLogger(__name__)


@job()
def solve(run_id: int) -> None:
    """Solve a waiting run in a process of its own; safe to run twice."""
    perform(run_id)


def perform(
    run_id: int,
    *,
    workers: int | None = None,
    watch: Callable[[Mapping[str, Any]], None] = lambda progress: None,
) -> None:
    """Take a run on and see it to its end; watch gets each second's progress.

    No transaction is open while the scheduler works: a short one each second bears the figures.
    """
    with transaction():
        task = begin_run(run_id, now=clock.now())
    if task is None:
        return
    instance = json.dumps(task.instance.b2b)
    with solving(instance, time_limit=task.time_limit, seed=task.seed, workers=workers) as child:
        if not _accompany(task, child, watch):
            return
        try:
            result = child.result()
        except ChildFailed as failed:
            log.error("schedule run %s: %s", run_id, failed)
            _fail(task, NOT_SOLVED)
            return
    if faults := _faults(task, result):
        log.error("schedule run %s: the result is wrong: %s", run_id, "; ".join(faults[:3]))
        _fail(task, NOT_TRUE)
        return
    if result.get("status") in NOTHING and not result["assignments"]:
        _fail(task, NOT_FOUND)  # an empty schedule would drop every meeting that is published
        return
    with transaction():
        finish_run(task, result, now=clock.now())


def _accompany(task: Task, child: Child, watch: Callable[[Mapping[str, Any]], None]) -> bool:
    """Write progress until the child ends; False if the run was taken from us."""
    ended = False
    latest = time.monotonic() + task.time_limit + LATE
    compiled_by = latest + LONGEST_COMPILING
    while not ended:
        ended = child.wait(BEAT)
        if child.progress.get("phase") == "preparing":  # compiling, which its limit does not count
            latest = max(latest, min(time.monotonic() + task.time_limit + LATE, compiled_by))
        if time.monotonic() > latest:  # it should have ended by itself
            child.stop()
        try:
            with transaction():
                stop = note_progress(task, child.progress, now=clock.now())
        except Conflict:  # the database is busy: the next second will do
            continue
        watch(child.progress)
        if stop is None:
            return False
        if stop:
            child.stop()
    return True


def _faults(task: Task, result: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        rows = [Assignment(*row) for row in result["assignments"]]
        report = check(task.instance.problem(), rows)
        task.instance.planned(result)
    except (TypeError, ValueError, IndexError) as error:
        return (f"it cannot be read: {error}",)
    return report.violations


def _fail(task: Task, sentence: str) -> None:
    with transaction():
        fail_run(task, sentence, now=clock.now())


@job()
def publish(run_id: int) -> None:
    """Publish a run that somebody asked for; safe to run twice, and nothing is published by half."""
    try:
        with transaction():
            publish_asked(run_id, now=clock.now())
    except DomainError as refused:
        with transaction():
            note_refusal(run_id, refused.message)
    except Exception:
        with transaction():
            note_refusal(run_id, NOT_PUBLISHED)
        raise


@job()
def repair(event_id: int, actor_id: int | None = None) -> None:
    """Make the published schedule of an event fit again; safe to run twice."""
    repair_now(event_id, actor_id=actor_id)


def repair_now(event_id: int, *, actor_id: int | None = None) -> Plan | None:
    """Plan a repair and make it, at once; what it changed, None if nothing was broken.

    For jobs and commands: it solves outside a transaction and then opens one. If somebody changes meetings
    in between, it is planned again.
    """
    for attempt in range(ATTEMPTS):
        db.session.rollback()
        plan = plan_repair(db.session.get_one(Event, event_id), now=clock.now())
        if plan is None:
            return None
        try:
            with transaction():
                event = db.session.get_one(Event, event_id)
                actor = db.session.get(User, actor_id) if actor_id is not None else None
                apply_repair(actor=actor, event=event, plan=plan, now=clock.now())
            return plan
        except Conflict:
            log.info("repair of event %s: somebody was faster (%s)", event_id, attempt + 1)
    return None


@job(schedule=every(minute="*"))
def look_after_runs() -> None:
    """Mark runs whose worker died, and wake the worker for those that wait, or wait to be published."""
    with transaction():
        interrupt_silent_runs(now=clock.now())
    for run_id in list_waiting_ids():
        solve.enqueue(run_id)
    for run_id in list_asked_ids():
        publish.enqueue(run_id)
