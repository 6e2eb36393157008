"""A run's life: one at a time, stopped, interrupted, resumed; the published schedule is untouched."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.db import db, transaction
from forum_app.meetings.models import Meeting
from forum_app.timetable.jobs import look_after_runs
from forum_app.timetable.models import RunState, ScheduleRun
from forum_app.timetable.services import (
    SILENCE,
    SOLVE,
    begin_run,
    fail_run,
    finish_run,
    interrupt_silent_runs,
    note_progress,
    resume_run,
    start_run,
    stop_run,
)
from tests.factories import NOW, make_user
from tests.meetings.test_races import at_once, won_and_lost
from tests.timetable.scene import Plan

PROGRESS: dict[str, Any] = {
    "seconds": 1.5,
    "placed": 1,
    "placed_weight": 3,
    "weight_bound": 4,
    "breaks": 2,
    "breaks_bound": 0,
    "phase": "breaks",
}


def again(run: ScheduleRun) -> ScheduleRun:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(ScheduleRun, run.id)


def waiting_jobs(app: Flask) -> list[str]:
    queue = app.extensions["forum_queue"]
    return [task.name for task in queue.huey.pending()]


def test_a_run_waits_for_the_worker(app: Flask, plan: Plan) -> None:
    plan.agree()
    run = plan.start(time_limit=30, seed=7)
    assert (run.state, run.requested, run.seed, run.time_limit) == (RunState.QUEUED, 1, 7, 30)
    assert SOLVE in waiting_jobs(app)


def test_one_run_at_a_time(plan: Plan) -> None:
    plan.agree()
    plan.start()
    with pytest.raises(Conflict):
        plan.start()


@pytest.mark.every_database
def test_of_many_starts_at_once_one_wins(app: Flask, plan: Plan) -> None:
    plan.agree()
    event, organizer = plan.event, plan.scene.organizer
    event_id, organizer_id = event.id, organizer.id
    db.session.remove()

    def attempt() -> object:
        with transaction():
            return start_run(
                actor=db.session.get_one(type(organizer), organizer_id),
                event=db.session.get_one(type(event), event_id),
                now=NOW,
            ).id

    won, _ = won_and_lost(at_once(app, [attempt] * 8))
    assert len(won) == 1


def test_nothing_to_place_is_refused(plan: Plan) -> None:
    with pytest.raises(Invalid):
        plan.start()


def test_without_slots_nothing_can_be_placed(plan: Plan) -> None:
    plan.agree()
    with transaction():
        db.session.delete(plan.stretch)
    with pytest.raises(Invalid):
        plan.start()


def test_only_organizers(plan: Plan) -> None:
    plan.agree()
    run = plan.start()
    stranger = make_user()
    for attempt in (
        lambda: start_run(actor=stranger, event=plan.event, now=NOW),
        lambda: stop_run(actor=stranger, event=plan.event, run=run, now=NOW),
        lambda: resume_run(actor=stranger, event=plan.event, run=run, now=NOW),
    ):
        with pytest.raises(PermissionDenied), transaction():
            attempt()


def test_figures_while_it_works_and_at_the_end(plan: Plan) -> None:
    plan.agree()
    plan.agree()
    run = plan.start()
    with transaction():
        task = begin_run(run.id, now=NOW)
    assert task is not None
    with transaction():
        assert begin_run(run.id, now=NOW) is None, "a run is begun once"
    with transaction():
        assert note_progress(task, PROGRESS, now=NOW + timedelta(seconds=2)) is False
    row = again(run)
    assert (row.state, row.phase, row.placed, row.breaks, row.weight_bound) == (
        RunState.RUNNING,
        "breaks",
        1,
        2,
        4,
    )
    assert row.heartbeat_at == NOW + timedelta(seconds=2)


def test_progress_never_stands_in_the_way_of_the_stop_button(plan: Plan) -> None:
    plan.agree()
    run = plan.start()
    with transaction():
        task = begin_run(run.id, now=NOW)
    assert task is not None
    seen = again(run)
    with transaction():
        note_progress(task, PROGRESS, now=NOW)
    with transaction():
        stop_run(actor=plan.scene.organizer, event=plan.event, run=seen, now=NOW)
    with transaction():
        assert note_progress(task, PROGRESS, now=NOW) is True


def test_stopping_a_run_that_waits_ends_it(plan: Plan) -> None:
    plan.agree()
    run = plan.start()
    with transaction():
        stop_run(actor=plan.scene.organizer, event=plan.event, run=run, now=NOW)
    assert again(run).state is RunState.STOPPED
    with transaction():
        assert begin_run(run.id, now=NOW) is None
    plan.start()


def test_a_silent_run_is_interrupted_and_resumed(app: Flask, plan: Plan) -> None:
    plan.agree()
    plan.published()
    before = [(m.id, m.starts_at, m.table_id, m.sequence) for m in plan.meetings()]
    plan.agree()
    run = plan.start()
    with transaction():
        task = begin_run(run.id, now=NOW)
    assert task is not None
    with transaction():
        assert interrupt_silent_runs(now=NOW + SILENCE) == 0
    with transaction():
        assert interrupt_silent_runs(now=NOW + SILENCE + timedelta(seconds=1)) == 1
    assert again(run).state is RunState.INTERRUPTED
    with transaction():  # the worker was only slow: its run is no longer its own
        assert note_progress(task, PROGRESS, now=NOW) is None
        assert finish_run(task, {"assignments": []}, now=NOW) is False
        fail_run(task, "x", now=NOW)
    assert again(run).state is RunState.INTERRUPTED
    with transaction():
        resume_run(actor=plan.scene.organizer, event=plan.event, run=again(run), now=NOW)
    later = NOW + timedelta(minutes=5)
    plan.solve(run, now=later)
    with transaction():
        assert finish_run(task, {"assignments": []}, now=later) is False
    assert again(run).state is RunState.DONE
    assert again(run).placed == 2
    assert [(m.id, m.starts_at, m.table_id, m.sequence) for m in plan.meetings()] == before


def test_an_interrupted_run_waits_until_no_other_is_active(plan: Plan) -> None:
    plan.agree()
    run = plan.start()
    with transaction():
        begin_run(run.id, now=NOW)
    with transaction():
        interrupt_silent_runs(now=NOW + timedelta(hours=1))
    plan.start()
    with pytest.raises(Conflict), transaction():
        resume_run(actor=plan.scene.organizer, event=plan.event, run=again(run), now=NOW)


def test_the_worker_is_woken_for_runs_that_wait(app: Flask, plan: Plan) -> None:
    plan.agree()
    plan.start()
    app.extensions["forum_queue"].huey.flush()
    assert waiting_jobs(app) == []
    look_after_runs()
    assert waiting_jobs(app) == [SOLVE]


def test_an_ended_run_is_not_resumed_or_stopped(plan: Plan) -> None:
    plan.agree()
    run = plan.solved()
    for attempt in (stop_run, resume_run):
        with pytest.raises(Conflict), transaction():
            attempt(actor=plan.scene.organizer, event=plan.event, run=again(run), now=NOW)


def test_a_run_changes_no_meeting(plan: Plan) -> None:
    plan.agree()
    plan.solved()
    assert db.session.scalar(select(func.count()).select_from(Meeting)) == 0
