"""`forum schedule-meetings`: a run without the worker, told line by line."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from forum_app.core.errors import Conflict
from forum_app.core.text import N_
from forum_app.db import db, transaction
from forum_app.events.queries import get_event_by_slug
from forum_app.timetable.jobs import perform
from forum_app.timetable.models import RunState
from forum_app.timetable.plan_queries import ChangeKind
from forum_app.timetable.publish_services import publish_run
from forum_app.timetable.queries import get_run
from forum_app.timetable.services import start_run
from forum_app.web import clock

NOT_FINISHED = N_("The run ended without a result: %(why)s")


def schedule_meetings(
    slug: str, *, time_limit: int, seed: int, workers: int | None, publish: bool
) -> Iterator[str]:
    """Lines for standard output; progress goes to standard error. Raises DomainError when refused."""
    event = get_event_by_slug(slug)
    with transaction():
        run = start_run(
            actor=None, event=event, time_limit=time_limit, seed=seed, now=clock.now(), wake=False
        )
        run_id = run.id
    yield f"Run {run_id}: {run.requested} wishes"
    perform(run_id, workers=workers, watch=_tell)
    db.session.rollback()
    run = get_run(event.id, run_id, whole=True)
    if run.state not in (RunState.DONE, RunState.STOPPED):
        raise Conflict(NOT_FINISHED, why=run.failure or run.state.value)
    yield (
        f"{run.status}: {run.placed} of {run.requested} placed, weight {run.placed_weight} of at most"
        f" {run.weight_bound}, {run.breaks} breaks (at least {run.breaks_bound}), {run.moved} moved"
    )
    if publish:
        with transaction():
            run = get_run(event.id, run_id, whole=True)
            plan = publish_run(actor=None, event=event, run=run, now=clock.now())
        counts = ", ".join(f"{plan.count(kind)} {kind.value}" for kind in ChangeKind)
        yield f"Published: {counts}, {plan.kept} kept"


def _tell(progress: Mapping[str, Any]) -> None:
    words = " ".join(f"{key}={progress[key]}" for key in progress if progress[key] is not None)
    if words:
        print(words, file=sys.stderr, flush=True)
