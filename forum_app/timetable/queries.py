"""Reading schedule runs."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.meetings.models import MeetingRequest
from forum_app.registration.models import Registration
from forum_app.timetable.models import RunState, ScheduleRun
from forum_app.web.tables import Page, TableState, paginate

ACTIVE = frozenset({RunState.QUEUED, RunState.RUNNING})
ENDED_WELL = frozenset({RunState.DONE, RunState.STOPPED})
RUN_SORTS = ("-started", "placed", "breaks")


def get_run(event_id: int, run_id: int, *, whole: bool = False) -> ScheduleRun:
    """A run of the event; whole: with instance and result, which are large."""
    statement = (
        select(ScheduleRun)
        .where(ScheduleRun.id == run_id, ScheduleRun.event_id == event_id)
        .options(joinedload(ScheduleRun.started_by))
    )
    if whole:
        statement = statement.options(undefer(ScheduleRun.instance), undefer(ScheduleRun.result))
    row = db.session.scalar(statement)
    if row is None:
        raise NotFound(N_("There is no such schedule run at this event."))
    return row


def page_runs(event_id: int, state: TableState) -> Page[ScheduleRun]:
    """All runs of an event, without instances and results; filter: state."""
    statement = (
        select(ScheduleRun)
        .where(ScheduleRun.event_id == event_id)
        .options(joinedload(ScheduleRun.started_by))
    )
    if chosen := state.filters.get("state"):
        statement = statement.where(ScheduleRun.state == RunState(chosen))
    return paginate(
        statement,
        state,
        sorts={
            "started": [ScheduleRun.id],
            "placed": [ScheduleRun.placed, ScheduleRun.id],
            "breaks": [ScheduleRun.breaks, ScheduleRun.id],
        },
    )


def find_active_run(event_id: int) -> ScheduleRun | None:
    """The run that waits or works, if any."""
    return db.session.scalar(
        select(ScheduleRun).where(ScheduleRun.event_id == event_id, ScheduleRun.state.in_(ACTIVE))
    )


def find_published_run(event_id: int) -> ScheduleRun | None:
    """The run that was published last, if any."""
    return db.session.scalar(
        select(ScheduleRun)
        .where(ScheduleRun.event_id == event_id, ScheduleRun.published_at.is_not(None))
        .order_by(ScheduleRun.published_at.desc(), ScheduleRun.id.desc())
        .limit(1)
    )


def list_finished_runs(event_id: int, most: int = 50) -> Sequence[ScheduleRun]:
    """The latest runs with a result, newest first; for choosing two to compare."""
    return db.session.scalars(
        select(ScheduleRun)
        .where(ScheduleRun.event_id == event_id, ScheduleRun.state.in_(ENDED_WELL))
        .order_by(ScheduleRun.id.desc())
        .limit(most)
    ).all()


def list_silent_runs(before: datetime) -> Sequence[ScheduleRun]:
    """Runs at work of which nothing was heard since before: their worker is gone."""
    return db.session.scalars(
        select(ScheduleRun).where(ScheduleRun.state == RunState.RUNNING, ScheduleRun.heartbeat_at < before)
    ).all()


def list_waiting_ids() -> Sequence[int]:
    """Runs that wait for a worker."""
    return db.session.scalars(
        select(ScheduleRun.id).where(ScheduleRun.state == RunState.QUEUED).order_by(ScheduleRun.id)
    ).all()


def list_asked_ids() -> Sequence[int]:
    """Runs that the worker was asked to publish."""
    return db.session.scalars(
        select(ScheduleRun.id).where(ScheduleRun.publish_asked_at.is_not(None)).order_by(ScheduleRun.id)
    ).all()


def people_by_id(event_id: int, ids: Collection[int]) -> dict[int, Registration]:
    """Registrations of the event with their organizations and logins, by id; one statement."""
    statement = (
        select(Registration)
        .where(Registration.event_id == event_id)
        .options(joinedload(Registration.organization), joinedload(Registration.user))
    )
    if len(ids) <= 500:  # beyond that it is cheaper to read all than to name them
        statement = statement.where(Registration.id.in_(ids))
    return {row.id: row for row in db.session.scalars(statement)}


def people_of_requests(event_id: int, ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """(host, asker) of requests of the event, by request id; one statement."""
    rows = db.session.execute(
        select(MeetingRequest.id, MeetingRequest.host_id, MeetingRequest.asker_id).where(
            MeetingRequest.event_id == event_id, MeetingRequest.id.in_(ids)
        )
    )
    return {number: (host, asker) for number, host, asker in rows}
