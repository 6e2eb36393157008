"""Publishing a schedule: all of it or nothing, and nothing else is touched."""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import selectinload, undefer

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import after_commit, db
from forum_app.events.models import Event
from forum_app.mail.rendering import message_domain
from forum_app.meetings.claim_services import Taken, book_alone, claim_all, lock_meetings, release
from forum_app.meetings.models import (
    REQUEST_TRANSITIONS,
    Meeting,
    MeetingFormat,
    MeetingOrigin,
    MeetingParticipant,
    MeetingProfile,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    MeetingTable,
    RequestState,
    TableKind,
)
from forum_app.queue import queue
from forum_app.registration.models import Registration
from forum_app.timetable.instance import Instance
from forum_app.timetable.models import ScheduleRun
from forum_app.timetable.notices import Line, notify_published
from forum_app.timetable.permissions import can_schedule
from forum_app.timetable.plan_queries import Change, ChangeKind, Plan, compare_with_today
from forum_app.timetable.queries import ENDED_WELL
from forum_app.timetable.services import ONLY_ORGANIZERS

LEFT_OUT = N_("The schedule published anew has no place for it.")
NO_RESULT = N_("This run has no result that could be published.")
STALE = N_(
    "What this run was made from has changed, and its result no longer fits. Nothing was changed; start a"
    " new run."
)
OVERTAKEN = N_(
    "Somebody changed meetings at the same moment. Nothing was published; look at the changes again."
)
PARTS = 500
PUBLISH = "forum_app.timetable.jobs.publish"
MOST_AT_ONCE = 300  # meetings; more are published by the worker, while nobody waits for a page


def plan_of_run(event: Event, run: ScheduleRun, *, now: datetime) -> Plan:
    """What publishing this run would do at this moment; raises Conflict if it has no result."""
    if run.state not in ENDED_WELL or run.result is None:
        raise Conflict(NO_RESULT)
    instance = Instance.loads(run.instance)
    return compare_with_today(event, instance.planned(json.loads(run.result)), known=instance, now=now)


def publish_run(*, actor: User | None, event: Event, run: ScheduleRun, now: datetime) -> Plan:
    """Make the meetings of a run's result; mails go to whoever is concerned. actor None: a command.

    Raises Conflict if the result no longer holds, or if somebody was faster; then nothing has changed.
    """
    if actor is not None and not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    book_alone(event.id)
    plan = plan_of_run(event, run, now=now)
    if plan.broken:
        raise Conflict(STALE)
    run.publish_asked_at, run.publish_failure = None, ""
    apply_changes(actor=actor, event=event, changes=plan.changes, now=now)
    run.published_at = now
    run.published_by_id = actor.id if actor is not None else None
    record(
        actor=actor,
        action="timetable.published",
        subject=run,
        event_id=event.id,
        now=now,
        detail={**{kind.value: plan.count(kind) for kind in ChangeKind}, "kept": plan.kept},
    )
    return plan


# --- Large schedules ---------------------------------------------------------------------------------
def ask_to_publish(*, actor: User, event: Event, run: ScheduleRun, now: datetime) -> None:
    """Let the worker publish a run's result; asked twice, it does so once."""
    if not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    if run.state not in ENDED_WELL:
        raise Conflict(NO_RESULT)
    if run.publish_asked_at is None:
        run.publish_asked_at, run.publish_asked_by_id, run.publish_failure = now, actor.id, ""
    run_id = run.id
    after_commit(lambda: queue.enqueue(PUBLISH, run_id))


def publish_asked(run_id: int, *, now: datetime) -> Plan | None:
    """The worker's part of ask_to_publish(); None if that was done already. Raises like publish_run()."""
    run = _asked(run_id)
    if run is None:
        return None
    actor = db.session.get(User, run.publish_asked_by_id) if run.publish_asked_by_id is not None else None
    return publish_run(actor=actor, event=run.event, run=run, now=now)


def note_refusal(run_id: int, sentence: str) -> None:
    """Keep why a run that somebody asked for was not published; sentence: marked with N_."""
    run = _asked(run_id)
    if run is not None:
        run.publish_asked_at, run.publish_failure = None, sentence


def _asked(run_id: int) -> ScheduleRun | None:
    """The run, held until the end of the transaction, so that of two workers the second finds it done."""
    return db.session.scalar(
        select(ScheduleRun)
        .where(ScheduleRun.id == run_id, ScheduleRun.publish_asked_at.is_not(None))
        .options(undefer(ScheduleRun.instance), undefer(ScheduleRun.result))
        .with_for_update()
    )


# --- Changes -----------------------------------------------------------------------------------------
def apply_changes(
    *,
    actor: User | None,
    event: Event,
    changes: Sequence[Change],
    now: datetime,
    repair: bool = False,
) -> list[Meeting]:
    """Make, move and drop meetings, with their claims, requests and mails; the meetings touched.

    repair: the mails say that something came up.

    Rows are taken in the order of claim_services: meetings, claims, requests. Raises Conflict if any
    meeting, resource or request was taken meanwhile; the caller's transaction undoes the rest.
    """
    touched = {change.before.id: change for change in changes if change.before is not None}
    lock_meetings(touched)
    meetings = _meetings(list(touched))
    for number, change in touched.items():
        meeting = meetings.get(number)
        before = change.before
        if meeting is None or before is None or meeting.status is not MeetingStatus.CONFIRMED:
            raise Conflict(OVERTAKEN)
        if meeting.pinned or (meeting.starts_at, meeting.table_id) != (before.starts_at, before.table_id):
            raise Conflict(OVERTAKEN)
    requests = _requests([change.request_id for change in changes])
    release(list(touched))
    where = _Where(links=_links(event), closed_rooms=_closed_rooms(event))
    made = _make([change for change in changes if change.before is None], event, requests, where, now)
    lines: list[Line] = []
    placed: list[Meeting] = []
    every: list[Meeting] = []
    for change in changes:
        if change.before is None:
            meeting = made[change.request_id]
        else:
            meeting = meetings[change.before.id]
            _change(meeting, change, where, actor, now)
        if change.after is not None:
            placed.append(meeting)
        lines.append(Line(change, meeting.topic))
        every.append(meeting)
    try:
        claim_all(placed)
    except Taken as error:
        raise Conflict(OVERTAKEN) from error
    _answer(changes, requests)
    db.session.flush()
    notify_published(event, lines, repair=repair, now=now)
    return every


@dataclass(frozen=True, slots=True)
class _Where:
    """What a place comes to. links: of remote meetings, by registration id; closed_rooms: ids of tables."""

    links: Mapping[int, str]
    closed_rooms: Collection[int | None]

    def of(self, change: Change, format: MeetingFormat, link: str = "") -> dict[str, Any]:
        """What a meeting's row says of its time and place after a change that places it."""
        after = change.after
        if after is None:
            raise Conflict(OVERTAKEN)
        if format is MeetingFormat.REMOTE and not link:
            link = self.links.get(change.host) or self.links.get(change.guest, "")
        return {
            "starts_at": after.span.start,
            "ends_at": after.span.end,
            "table_id": after.table_id,
            "interpreter_id": after.interpreter_id,
            "closed": after.table_id in self.closed_rooms,
            "link": link,
        }


def _make(
    changes: Sequence[Change],
    event: Event,
    requests: Mapping[int, MeetingRequest],
    where: _Where,
    now: datetime,
) -> dict[int, Meeting]:
    """New meetings by request, with their people; in a few statements, since there may be thousands."""
    rows: list[dict[str, Any]] = []
    for change in changes:
        request = requests.get(change.request_id)
        if request is None or request.state is not RequestState.AGREED:
            raise Conflict(OVERTAKEN)
        rows.append(
            {
                "event_id": event.id,
                "request_id": request.id,
                "topic": request.topic,
                "format": request.format,
                "origin": MeetingOrigin.SCHEDULE,
                "uid": f"meeting-{secrets.token_hex(12)}@{message_domain()}",
                "created_at": now,
                "changed_at": now,
                **where.of(change, request.format),
            }
        )
    if not rows:
        return {}
    statement = insert(Meeting).returning(Meeting, sort_by_parameter_order=True)
    made = db.session.scalars(statement, rows).all()
    people = [
        {"meeting_id": meeting.id, "registration_id": person, "role": role}
        for change, meeting in zip(changes, made, strict=True)
        for person, role in ((change.host, MeetingRole.HOST), (change.guest, MeetingRole.GUEST))
    ]
    db.session.execute(insert(MeetingParticipant), people)
    return {change.request_id: meeting for change, meeting in zip(changes, made, strict=True)}


def _change(meeting: Meeting, change: Change, where: _Where, actor: User | None, now: datetime) -> None:
    """Move or drop a meeting that was there."""
    was = (meeting.starts_at, meeting.ends_at, meeting.table_id)
    if change.after is None:
        meeting.status = MeetingStatus.CANCELLED
        meeting.cancel_reason = LEFT_OUT
        meeting.cancelled_by_id = actor.id if actor is not None else None
        meeting.sequence += 1
    else:
        for name, value in where.of(change, meeting.format, meeting.link).items():
            setattr(meeting, name, value)
        # another interpreter is no change of time, place or status
        meeting.sequence += was != (meeting.starts_at, meeting.ends_at, meeting.table_id)
    meeting.changed_at = now


STATES = {
    ChangeKind.NEW: RequestState.ACCEPTED,
    ChangeKind.MOVED: RequestState.ACCEPTED,
    ChangeKind.DROPPED: RequestState.AGREED,
}


def _answer(changes: Iterable[Change], requests: Mapping[int, MeetingRequest]) -> None:
    """What becomes of the requests, in order of id. Raises Conflict if one was answered meanwhile."""
    alike: dict[tuple[RequestState, RequestState], list[int]] = {}
    for change in sorted(changes, key=lambda one: one.request_id):
        request = requests.get(change.request_id)
        state = STATES[change.kind]
        if request is None:
            raise Conflict(OVERTAKEN)
        if request.state is not state:
            if state not in REQUEST_TRANSITIONS[request.state]:
                raise Conflict(OVERTAKEN)
            alike.setdefault((request.state, state), []).append(request.id)
        request.host_id = change.host  # of a team, whoever the schedule chose
    db.session.flush()
    for (before, after), ids in alike.items():
        for start in range(0, len(ids), PARTS):
            part = ids[start : start + PARTS]
            answered = db.session.scalars(
                update(MeetingRequest)
                .where(MeetingRequest.id.in_(part), MeetingRequest.state == before)
                .values(state=after, version=MeetingRequest.version + 1)
                .returning(MeetingRequest.id)
                .execution_options(synchronize_session=False)
            ).all()
            if len(answered) != len(part):
                raise Conflict(OVERTAKEN)
            for number in part:
                db.session.expire(requests[number])


def _links(event: Event) -> dict[int, str]:
    """Where remote meetings with a person take place, by registration id."""
    rows: Iterable[Any] = db.session.execute(
        select(MeetingProfile.registration_id, MeetingProfile.link)
        .join(MeetingProfile.registration)
        .where(Registration.event_id == event.id, MeetingProfile.link != "")
    )
    return dict(tuple(row) for row in rows)


def _closed_rooms(event: Event) -> set[int | None]:
    return set(
        db.session.scalars(
            select(MeetingTable.id).where(
                MeetingTable.event_id == event.id, MeetingTable.kind == TableKind.CLOSED
            )
        )
    )


def _meetings(ids: Sequence[int]) -> dict[int, Meeting]:
    found: dict[int, Meeting] = {}
    for start in range(0, len(ids), PARTS):
        rows = db.session.scalars(
            select(Meeting)
            .where(Meeting.id.in_(ids[start : start + PARTS]))
            .options(selectinload(Meeting.participants))
            .execution_options(populate_existing=True)
        )
        found.update({row.id: row for row in rows})
    return found


def _requests(ids: Sequence[int]) -> dict[int, MeetingRequest]:
    found: dict[int, MeetingRequest] = {}
    for start in range(0, len(ids), PARTS):
        rows = db.session.scalars(
            select(MeetingRequest).where(MeetingRequest.id.in_(ids[start : start + PARTS]))
        )
        found.update({row.id: row for row in rows})
    return found
