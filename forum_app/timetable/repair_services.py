"""Repairing the published schedule on the day: as few others as possible move, and nobody new comes in.

Somebody is absent, a table is gone, a rule was made: some published meetings no longer fit. The scheduler
gets only what is published, so that it finds the fewest moves; freed time is for the floor to offer.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.reading import write_result
from forum_app.core.scheduling.repair import repair
from forum_app.db import after_commit
from forum_app.events.models import Event
from forum_app.meetings.claim_services import book_alone
from forum_app.meetings.models import Meeting
from forum_app.queue import queue
from forum_app.timetable.assembly import assemble
from forum_app.timetable.instance import Instance, Planned
from forum_app.timetable.instance_queries import FREEZE, list_standing, read_facts
from forum_app.timetable.permissions import can_schedule
from forum_app.timetable.plan_queries import ChangeKind, Plan, compare_with_today
from forum_app.timetable.publish_services import STALE, apply_changes
from forum_app.timetable.services import ONLY_ORGANIZERS

REPAIR = "forum_app.timetable.jobs.repair"
SECONDS = 2.0
"""What the computing may take; moves are few, so it is done long before."""


def what_is_broken(event: Event, *, now: datetime) -> Plan:
    """The published meetings that no longer fit (clashing), or may no longer be held (fell_out)."""
    movable = [one for one in list_standing(event.id) if one.moves(now + FREEZE)]
    planned = []
    for one in movable:
        host, guest = one.people
        if one.request_id is not None:
            where = one.held.span, one.table_id, one.interpreter_id
            planned.append(Planned(one.request_id, host, guest, *where))
    return compare_with_today(event, planned, known=None, now=now)


def request_repair(*, actor: User, event: Event, now: datetime) -> None:
    """Let the worker repair the published schedule once this transaction is committed."""
    if not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    record(actor=actor, action="timetable.repair_asked", subject=event, event_id=event.id, now=now)
    after_commit(lambda: queue.enqueue(REPAIR, event.id, actor.id))


def plan_repair(event: Event, *, now: datetime, seconds: float = SECONDS) -> Plan | None:
    """The changes that make the published schedule fit again; None if it does. Reads, then computes for
    up to so many seconds: to be called outside a transaction."""
    broken = what_is_broken(event, now=now)
    if not (broken.broken or broken.fell_out):
        return None
    facts = read_facts(event, now=now)
    facts.wishes = [wish for wish in facts.wishes if wish.held is not None]
    instance = assemble(facts)
    planned = instance.planned(_repaired(instance, seconds)) if instance.wishes else []
    return compare_with_today(event, planned, known=None, now=now)


def _repaired(instance: Instance, seconds: float) -> Mapping[str, Any]:
    problem = instance.problem()
    result = repair(problem, time_limit=seconds)
    report = check(problem, result.assignments)
    if not report.feasible:
        raise RuntimeError(f"a repair is wrong: {report.violations[0]}")
    return write_result(problem, result)


def apply_repair(*, actor: User | None, event: Event, plan: Plan, now: datetime) -> list[Meeting]:
    """Make the changes of a repair, with mails to whoever is concerned; the meetings touched.

    actor None: the system. Raises Conflict if rows have changed since it was planned; plan it again then.
    """
    if actor is not None and not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    book_alone(event.id)
    plan = compare_with_today(event, plan.planned, known=None, now=now)  # no claim tells of ways or absences
    if plan.broken:
        raise Conflict(STALE)
    meetings = apply_changes(actor=actor, event=event, changes=plan.changes, now=now, repair=True)
    record(
        actor=actor,
        action="timetable.repaired",
        subject=event,
        event_id=event.id,
        now=now,
        detail={**{kind.value: plan.count(kind) for kind in ChangeKind}, "kept": plan.kept},
    )
    return meetings
