"""Publishing a schedule: all of it or nothing, and nothing else is touched."""

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.mail.rendering import message_domain
from forum_app.meetings.claim_services import Taken, claim_all, lock_meetings, release
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
    plan = plan_of_run(event, run, now=now)
    if plan.broken:
        raise Conflict(STALE)
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
    links, closed_rooms = _links(event), _closed_rooms(event)
    lines: list[Line] = []
    placed: list[Meeting] = []
    every: list[Meeting] = []
    for change in changes:
        request = requests.get(change.request_id)
        if change.before is None:
            meeting = _new(event, change, request, now)
            db.session.add(meeting)
        else:
            meeting = meetings[change.before.id]
            was = (meeting.starts_at, meeting.ends_at, meeting.table_id)
            is_now = change.after and (change.after.span.start, change.after.span.end, change.after.table_id)
            meeting.sequence += was != is_now  # another interpreter is no change of time, place or status
            meeting.changed_at = now
        if change.after is None:
            meeting.status = MeetingStatus.CANCELLED
            meeting.cancel_reason = LEFT_OUT
            meeting.cancelled_by_id = actor.id if actor is not None else None
        else:
            meeting.starts_at, meeting.ends_at = change.after.span.start, change.after.span.end
            meeting.table_id = change.after.table_id
            meeting.interpreter_id = change.after.interpreter_id
            meeting.closed = meeting.table_id in closed_rooms
            if meeting.format is MeetingFormat.REMOTE and not meeting.link:
                meeting.link = links.get(change.host) or links.get(change.guest, "")
            placed.append(meeting)
        lines.append(Line(change, meeting.topic))
        every.append(meeting)
    try:
        claim_all(placed)
    except Taken as error:
        raise Conflict(OVERTAKEN) from error
    for change in sorted(changes, key=lambda one: one.request_id):
        request = requests.get(change.request_id)
        if request is None:
            raise Conflict(OVERTAKEN)
        _answer(request, change)
    db.session.flush()
    notify_published(event, lines, repair=repair, now=now)
    return every


def _new(event: Event, change: Change, request: MeetingRequest | None, now: datetime) -> Meeting:
    if request is None or change.after is None or request.state is not RequestState.AGREED:
        raise Conflict(OVERTAKEN)
    return Meeting(
        event_id=event.id,
        request_id=request.id,
        starts_at=change.after.span.start,
        ends_at=change.after.span.end,
        topic=request.topic,
        format=request.format,
        origin=MeetingOrigin.SCHEDULE,
        uid=f"meeting-{secrets.token_hex(12)}@{message_domain()}",
        created_at=now,
        changed_at=now,
        participants=[
            MeetingParticipant(registration_id=change.host, role=MeetingRole.HOST),
            MeetingParticipant(registration_id=change.guest, role=MeetingRole.GUEST),
        ],
    )


def _answer(request: MeetingRequest, change: Change) -> None:
    state = {
        ChangeKind.NEW: RequestState.ACCEPTED,
        ChangeKind.MOVED: RequestState.ACCEPTED,
        ChangeKind.DROPPED: RequestState.AGREED,
    }[change.kind]
    if request.state is not state:
        if state not in REQUEST_TRANSITIONS[request.state]:
            raise Conflict(OVERTAKEN)
        request.state = state
    request.host_id = change.host  # of a team, whoever the schedule chose


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
