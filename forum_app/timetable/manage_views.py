"""Organizers: schedule runs from the start to the publication."""

from collections.abc import Sequence
from typing import Any

from flask import make_response, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Conflict
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.meetings.models import MeetingStatus, RequestState
from forum_app.meetings.pages import labels
from forum_app.meetings.queries import count_meetings, count_requests, list_tables
from forum_app.meetings.slot_queries import list_slots
from forum_app.timetable import blueprint
from forum_app.timetable.forms import RunForm
from forum_app.timetable.levels import LEVEL_LABELS, Level
from forum_app.timetable.models import RUN_LABELS, RunState, ScheduleRun
from forum_app.timetable.pages import PHASES, REASON_NAMES, REASONS, cut, gap_percent, managed_event
from forum_app.timetable.permissions import can_schedule
from forum_app.timetable.plan_queries import ChangeKind
from forum_app.timetable.publish_services import MOST_AT_ONCE, STALE, ask_to_publish, plan_of_run, publish_run
from forum_app.timetable.queries import (
    ACTIVE,
    ENDED_WELL,
    RUN_SORTS,
    find_active_run,
    find_published_run,
    get_run,
    list_finished_runs,
    page_runs,
    people_by_id,
    people_of_requests,
)
from forum_app.timetable.repair_services import request_repair, what_is_broken
from forum_app.timetable.results import Summary, differences, summarize
from forum_app.timetable.services import resume_run, start_run, stop_run
from forum_app.web import clock
from forum_app.web.access import id_in, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

manage_navigation.add("timetable.manage_index", N_("Meeting schedule"), order=62, visible=can_schedule)
SHOWN = 20  # of what no longer fits: enough to see why
TONES = {
    RunState.QUEUED: "info",
    RunState.RUNNING: "info",
    RunState.DONE: "success",
    RunState.STOPPED: "success",
    RunState.INTERRUPTED: "warning",
    RunState.FAILED: "danger",
}


@blueprint.context_processor
def words() -> dict[str, Any]:
    return {
        **labels(),  # of the parts of the meetings' pages
        "RUN_LABELS": RUN_LABELS,
        "RUN_TONES": TONES,
        "LEVEL_LABELS": LEVEL_LABELS,
        "PHASES": PHASES,
        "REASONS": REASONS,
        "REASON_NAMES": REASON_NAMES,
        "Level": Level,
        "gap_percent": gap_percent,
        "is_active": lambda run: run.state in ACTIVE,
        "has_result": lambda run: run.state in ENDED_WELL and run.placed is not None,
    }


@blueprint.route("/events/<slug>/manage/timetable", methods=["GET", "POST"])
@signed_in
def manage_index(slug: str) -> Response | tuple[str, int]:
    """All runs, what is published, and a new run."""
    event = managed_event(slug)
    form = RunForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                run = start_run(
                    actor=current_user,
                    event=event,
                    time_limit=int(form.time_limit.data),
                    seed=form.seed.data,
                    now=clock.now(),
                )
                done.redirect(url_for("timetable.run", slug=slug, run_id=run.id))
            return done.response
    state = TableState.from_request(sorts=list(RUN_SORTS), filters={"state": [one.value for one in RunState]})
    page = render_template(
        "timetable/index.html",
        event=event,
        form=form,
        page=page_runs(event.id, state),
        active=find_active_run(event.id),
        published=find_published_run(event.id),
        agreed=count_requests(event.id).get(RequestState.AGREED, 0),
        confirmed=count_meetings(event.id).get(MeetingStatus.CONFIRMED, 0),
        slots=len(list_slots(event.id)),
        tables=len(list_tables(event.id)),
        filters=[
            {
                "name": "state",
                "label": gettext("Status"),
                "options": [(one.value, gettext(RUN_LABELS[one])) for one in RunState],
            }
        ],
    )
    return page, form.status


@blueprint.get("/events/<slug>/manage/timetable/runs/<int:run_id>")
@signed_in
def run(slug: str, run_id: int) -> str:
    """One run: its progress, then its figures and what was not placed."""
    event = managed_event(slug)
    row = get_run(event.id, run_id, whole=True)
    summary = summarize(row)
    state = TableState.from_request(sorts=["level"], filters={"reason": list(REASONS)})
    return render_template(
        "timetable/run.html",
        event=event,
        run=row,
        summary=summary,
        action=ActionForm(formdata=None),
        previous=find_published_run(event.id),
        **(_unplaced(event, summary, state) if summary is not None else {}),
    )


def _unplaced(event: Event, summary: Summary, state: TableState) -> dict[str, Any]:
    chosen = state.filters.get("reason")
    rows = [one for one in summary.unplaced if chosen in (None, one.reason)]
    page = cut(rows, state)
    pairs = people_of_requests(event.id, [one.request_id for one in page.rows])
    people = people_by_id(event.id, {person for pair in pairs.values() for person in pair})
    counts = summary.reasons
    return {
        "page": page,
        "pairs": pairs,
        "people": people,
        "filters": [
            {
                "name": "reason",
                "label": gettext("Reason"),
                "options": [
                    (reason, f"{gettext(REASON_NAMES[reason])} ({counts[reason]})")
                    for reason in REASONS
                    if counts[reason]
                ],
            }
        ],
    }


@blueprint.get("/events/<slug>/manage/timetable/runs/<int:run_id>/progress")
@signed_in
def progress(slug: str, run_id: int) -> Response:
    """The part of a run's page that is asked for every second; the page again once the run has ended, or is
    published."""
    event = managed_event(slug)
    row = get_run(event.id, run_id)
    response = make_response(
        render_template(
            "timetable/_progress.html",
            event=event,
            run=row,
            action=ActionForm(formdata=None),
            told=request.args.get("phase"),
            in_page=False,
        )
    )
    if row.state not in ACTIVE and row.publish_asked_at is None:
        response.headers["HX-Refresh"] = "true"
    return response


@blueprint.post("/events/<slug>/manage/timetable/runs/<int:run_id>/stop")
@signed_in
def stop(slug: str, run_id: int) -> Response:
    """Let a run end with the best so far."""
    event = managed_event(slug)
    row = get_run(event.id, run_id)
    with submission() as done:
        stop_run(actor=current_user, event=event, run=row, now=clock.now())
        done.redirect(
            url_for("timetable.run", slug=slug, run_id=run_id),
            flash=gettext("The run ends as soon as its best schedule so far is written down."),
        )
    return done.response


@blueprint.post("/events/<slug>/manage/timetable/runs/<int:run_id>/resume")
@signed_in
def resume(slug: str, run_id: int) -> Response:
    """Queue an interrupted run again."""
    event = managed_event(slug)
    row = get_run(event.id, run_id, whole=True)
    with submission() as done:
        resume_run(actor=current_user, event=event, run=row, now=clock.now())
        done.redirect(url_for("timetable.run", slug=slug, run_id=run_id))
    return done.response


@blueprint.get("/events/<slug>/manage/timetable/compare")
@signed_in
def compare(slug: str) -> str:
    """Two results side by side, and who gains and loses."""
    event = managed_event(slug)
    runs = list_finished_runs(event.id)
    one, other = _two(event, runs)
    summaries = [summarize(row) if row is not None else None for row in (one, other)]
    context: dict[str, Any] = {}
    if summaries[0] is not None and summaries[1] is not None:
        state = TableState.from_request(sorts=["loss"])
        page = cut(differences(summaries[0], summaries[1]), state)
        context = {"page": page, "people": people_by_id(event.id, {row.person for row in page.rows})}
    return render_template(
        "timetable/compare.html",
        event=event,
        runs=runs,
        one=one,
        other=other,
        summaries=summaries,
        **context,
    )


def _two(event: Event, runs: Sequence[ScheduleRun]) -> tuple[ScheduleRun | None, ScheduleRun | None]:
    """?one=, ?other=, else what is published (or the run before the latest) and the latest."""
    known = {row.id for row in runs}
    asked = [id_in(request.args.get(name)) for name in ("one", "other")]
    published = next((row.id for row in runs if row.published_at is not None), None)
    latest = runs[0].id if runs else None
    before = published if published != latest else None
    before = before or (runs[1].id if len(runs) > 1 else latest)
    chosen = [
        number if number in known else fallback
        for number, fallback in zip(asked, (before, latest), strict=True)
    ]
    one, other = (get_run(event.id, n, whole=True) if n is not None else None for n in chosen)
    return one, other


@blueprint.route("/events/<slug>/manage/timetable/runs/<int:run_id>/publish", methods=["GET", "POST"])
@signed_in
def publish(slug: str, run_id: int) -> Response | tuple[str, int]:
    """What publishing would change, and the button."""
    event = managed_event(slug)
    row = get_run(event.id, run_id, whole=True)
    form = ActionForm()
    conflict = None
    if form.validate_on_submit():
        try:
            with submission() as done:
                if (row.placed or 0) > MOST_AT_ONCE:
                    ask_to_publish(actor=current_user, event=event, run=row, now=clock.now())
                    done.redirect(url_for("timetable.run", slug=slug, run_id=run_id))
                else:
                    publish_run(actor=current_user, event=event, run=row, now=clock.now())
                    done.redirect(
                        url_for("timetable.people", slug=slug),
                        flash=gettext("The schedule is published. Everybody concerned gets one mail."),
                    )
            return done.response
        except Conflict as lost:
            if row.state not in ENDED_WELL:
                raise
            conflict = lost
        row = get_run(event.id, run_id, whole=True)
    plan = plan_of_run(event, row, now=clock.now())
    state = TableState.from_request(sorts=["time"], filters={"kind": [kind.value for kind in ChangeKind]})
    chosen = state.filters.get("kind")
    page = cut([change for change in plan.changes if chosen in (None, change.kind.value)], state)
    concerned = {person for change in page.rows for person in (change.host, change.guest)}
    for one in (*plan.clashing[:SHOWN], *plan.fell_out[:SHOWN]):
        concerned |= {one.host, one.guest}
    people = people_by_id(event.id, concerned)
    html = render_template(
        "timetable/publish.html",
        event=event,
        run=row,
        form=form,
        plan=plan,
        page=page,
        people=people,
        tables={table.id: table for table in list_tables(event.id)},
        problem=conflict.message if conflict is not None else (STALE if plan.broken else None),
        ChangeKind=ChangeKind,
        shown=SHOWN,
        filters=[
            {
                "name": "kind",
                "label": gettext("Change"),
                "options": [
                    (ChangeKind.NEW.value, gettext("New")),
                    (ChangeKind.MOVED.value, gettext("Moved")),
                    (ChangeKind.DROPPED.value, gettext("Dropped")),
                ],
            }
        ],
    )
    return html, 409 if conflict is not None else form.status


@blueprint.route("/events/<slug>/manage/timetable/repair", methods=["GET", "POST"])
@signed_in
def repair(slug: str) -> Response | tuple[str, int]:
    """Published meetings that no longer fit, and the button that lets the worker mend them."""
    event = managed_event(slug)
    form = ActionForm()
    if form.validate_on_submit():
        with submission() as done:
            request_repair(actor=current_user, event=event, now=clock.now())
            done.redirect(
                url_for("timetable.repair", slug=slug),
                flash=gettext("The repair runs. Within seconds everybody whose meeting moves gets a mail."),
            )
        return done.response
    plan = what_is_broken(event, now=clock.now())
    rows = [*plan.clashing, *plan.fell_out]
    page = cut(rows, TableState.from_request(sorts=["time"]))
    html = render_template(
        "timetable/repair.html",
        event=event,
        form=form,
        page=page,
        plan=plan,
        people=people_by_id(event.id, {person for one in page.rows for person in (one.host, one.guest)}),
        tables={table.id: table for table in list_tables(event.id)},
    )
    return html, form.status
