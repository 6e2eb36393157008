"""A published schedule for demonstrations, and meeting wishes in bulk for measurements.

The demonstration must be there within seconds, so it does not wait for the scheduler: one greedy pass
places what it can, in a fixed order, and the product's own service publishes it as it would any result.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from forum_app.accounts.models import User
from forum_app.core.scheduling.reading import write_result
from forum_app.db import db
from forum_app.demo.greedy import place_greedily
from forum_app.events.models import Event
from forum_app.meetings.models import (
    Interpreter,
    MeetingRequest,
    MeetingStretch,
    MeetingTable,
    Priority,
    RequestState,
)
from forum_app.organizations.models import Kind, Organization
from forum_app.registration.models import ParticipantType, Registration
from forum_app.timetable.instance import Instance
from forum_app.timetable.models import RunState, ScheduleRun
from forum_app.timetable.publish_services import publish_run
from forum_app.timetable.services import start_run

HOSTS = (Kind.AGENCY, Kind.GOVERNMENT_INVESTOR, Kind.VENTURE_CAPITAL, Kind.PRIME)
STRETCHES = (("09:20", "12:00"), ("13:00", "15:40"))


def publish_greedily(event: Event, *, actor: User | None, now: datetime) -> ScheduleRun:
    """A finished run with a greedy schedule of what is agreed, published; raises as start_run does."""
    run = start_run(actor=actor, event=event, time_limit=60, now=now, wake=False)
    instance = Instance.loads(run.instance)
    problem = instance.problem()
    result = place_greedily(problem)
    answer = write_result(problem, result)
    run.result = json.dumps(answer)
    run.state = RunState.DONE
    run.placed = len(instance.planned(answer))
    run.placed_weight, run.weight_bound = result.placed_weight, result.weight_bound
    run.breaks, run.breaks_bound, run.idle_slots = result.breaks, result.breaks_bound, result.idle_slots
    run.moved, run.status, run.phase = result.moved, str(result.status), "done"
    run.started_at = run.heartbeat_at = run.finished_at = now
    db.session.flush()
    publish_run(actor=actor, event=event, run=run, now=now)
    return run


def seed_schedule(event: Event, *, actor: User, now: datetime) -> None:
    """A schedule that was published before a third of the interest was agreed, so that a run of one's own
    has something to place."""
    late = db.session.scalars(
        select(MeetingRequest.id)
        .where(MeetingRequest.event_id == event.id, MeetingRequest.state == RequestState.AGREED)
        .order_by(MeetingRequest.id)
    ).all()[::3]
    _turn(late, RequestState.PENDING)
    publish_greedily(event, actor=actor, now=now)
    _turn(late, RequestState.AGREED)


def _turn(ids: Sequence[int], state: RequestState) -> None:
    db.session.execute(update(MeetingRequest).where(MeetingRequest.id.in_(ids)).values(state=state))


def seed_wishes(event: Event, *, wishes: int, tables: int, now: datetime) -> int:
    """Everything a schedule run needs at an event whose people are there: logins, slots, tables,
    interpreters, and wishes agreed by both sides. How many wishes there are; the same on each call."""
    people = _logins(event, now)
    db.session.execute(
        update(ParticipantType).where(ParticipantType.event_id == event.id).values(takes_meetings=True)
    )
    zone = ZoneInfo(event.timezone)
    days = [event.starts_on + timedelta(days=n) for n in range((event.ends_on - event.starts_on).days + 1)]
    db.session.add_all(
        MeetingStretch(
            event_id=event.id,
            starts_at=datetime.combine(day, time.fromisoformat(start), zone).astimezone(UTC),
            ends_at=datetime.combine(day, time.fromisoformat(end), zone).astimezone(UTC),
        )
        for day in days[:2]
        for start, end in STRETCHES
    )
    db.session.add_all(
        MeetingTable(event_id=event.id, label=f"T{n + 1:03}", position=n) for n in range(tables)
    )
    db.session.add_all(
        Interpreter(event_id=event.id, name_latin=f"Interpreter {n + 1}") for n in range(max(1, tables // 4))
    )
    db.session.flush()
    hosts = [number for number, kind in people if kind in HOSTS]
    askers = [number for number, kind in people if kind not in HOSTS]
    pairs = _pairs(askers, hosts, wishes)
    for start in range(0, len(pairs), 1000):
        db.session.execute(
            insert(MeetingRequest),
            [
                _wish(event.id, start + n, asker, host, now)
                for n, (asker, host) in enumerate(pairs[start : start + 1000])
            ],
        )
    return len(pairs)


def _pairs(askers: Sequence[int], hosts: Sequence[int], wishes: int) -> list[tuple[int, int]]:
    """Different pairs, spread so that some hosts are wanted more than others."""
    found: dict[tuple[int, int], None] = {}
    if askers and hosts:
        for n in range(wishes * 4):
            if len(found) == wishes:
                break
            turn, place = divmod(n, len(askers))
            choice = (place * 31 + turn * 17) % (len(hosts) * 5 // 4)
            found[askers[place], hosts[choice % len(hosts)]] = None
    return list(found)


def _wish(event_id: int, n: int, asker: int, host: int, now: datetime) -> dict[str, Any]:
    must = Priority.MUST, Priority.WANT
    return {
        "event_id": event_id,
        "asker_id": asker,
        "host_id": host,
        "topic": f"Measured wish {n + 1}",
        "priority": must[n % 3 != 0],
        "host_priority": must[n % 5 != 0],
        "needs_interpreter": n % 9 == 0,
        "state": RequestState.AGREED,
        "created_at": now,
        "answered_at": now,
    }


def _logins(event: Event, now: datetime) -> list[tuple[int, Kind | None]]:
    """(registration, kind) of everybody at the event, each with a login."""
    rows = db.session.execute(
        select(Registration.id, Registration.email, Registration.name_latin, Organization.kind)
        .outerjoin(Registration.organization)
        .where(Registration.event_id == event.id)
        .order_by(Registration.id)
    ).all()
    known = {
        email: number
        for number, email in db.session.execute(
            select(User.id, User.email_key).where(User.email_key.like("%@people.example"))
        )
    }
    new = [row for row in rows if row.email not in known]
    if new:
        db.session.execute(
            insert(User),
            [
                {
                    "email": row.email,
                    "email_key": row.email,
                    "name_latin": row.name_latin,
                    "verified_at": now,
                    "created_at": now,
                }
                for row in new
            ],
        )
    logins = select(User.id).where(User.email_key == Registration.email_key).scalar_subquery()
    db.session.execute(update(Registration).where(Registration.event_id == event.id).values(user_id=logins))
    return [(row.id, row.kind) for row in rows]
