"""Tables in two buildings: no run, no repair and no publication lets anybody be in both at once."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from forum_app.core.errors import Conflict
from forum_app.core.intervals import Interval
from forum_app.core.scheduling.reading import write_result
from forum_app.core.scheduling.solver import solve
from forum_app.db import db, transaction
from forum_app.meetings.busy_queries import read_diary
from forum_app.meetings.models import (
    Absence,
    Meeting,
    MeetingProfile,
    MeetingSettings,
    MeetingTable,
    TableKind,
)
from forum_app.registration.models import Registration
from forum_app.timetable.instance import Instance
from forum_app.timetable.instance_queries import read_instance
from forum_app.timetable.jobs import repair_now
from forum_app.timetable.models import ScheduleRun
from forum_app.timetable.repair_services import apply_repair, plan_repair, what_is_broken
from tests.factories import NOW, make_room, save
from tests.meetings.laws import assert_claims_are_consistent, assert_schedule_is_feasible
from tests.meetings.scene import change
from tests.timetable.scene import Plan, at


@pytest.fixture
def town(plan: Plan) -> Plan:
    """Open tables in the main building, a closed room in the annex; ten minutes between them."""
    main = make_room(plan.event, name_en="Hall", building="Main")
    annex = make_room(plan.event, name_en="Vault", building="Annex")
    for table in plan.scene.tables:
        change(table, room_id=main.id)
    save(
        MeetingTable(event_id=plan.event.id, label="C1", kind=TableKind.CLOSED, position=9, room_id=annex.id),
        MeetingSettings(event_id=plan.event.id, walk_minutes=10),
    )
    return plan


def secret_host(plan: Plan) -> Registration:
    """Somebody who meets in the annex only."""
    host = plan.scene.more_host()
    save(MeetingProfile(registration_id=host.id, closed_room=True))
    return host


def solved(plan: Plan) -> ScheduleRun:
    """A run that the real scheduler has solved."""
    run = plan.start()

    def best(answer: dict[str, Any]) -> None:
        problem = Instance.loads(db.session.get_one(ScheduleRun, run.id).instance).problem()
        answer.update(write_result(problem, solve(problem, time_limit=5, workers=1)))

    plan.solve(run, change=best)
    return db.session.get_one(ScheduleRun, run.id)


def too_far(plan: Plan) -> list[Meeting]:
    """Meetings that the conflict engine would not let anybody book."""
    return [
        meeting
        for meeting in plan.meetings()
        for one in meeting.participants
        if meeting.table is not None
        and meeting.table.room is not None
        and read_diary(plan.event, [one.registration.user_id or 0], without=[meeting.id]).clashes(
            one.registration.user_id or 0,
            Interval(meeting.starts_at, meeting.ends_at),
            (meeting.table.room.building,),
        )
    ]


def busy_guest(plan: Plan) -> Registration:
    """A guest with two meetings in each building."""
    guest = plan.scene.more_guest()
    for host in (plan.scene.host, plan.scene.more_host(), secret_host(plan), secret_host(plan)):
        plan.agree(guest, host)
    return guest


def test_an_instance_says_where_tables_stand_and_what_is_too_near(town: Plan) -> None:
    busy_guest(town)
    instance = read_instance(town.event, now=NOW)
    assert [row.get("building") for row in instance.b2b["tables"]] == [1, 1, 0]
    assert instance.b2b["near"] == [[1], [2], [3], [4], [5], []]
    change(town.scene.tables[0].room, building="Annex")
    change(db.session.get_one(MeetingSettings, town.event.id), walk_minutes=0)
    assert "near" not in read_instance(town.event, now=NOW).b2b


def test_a_run_leaves_time_for_the_way(town: Plan) -> None:
    busy_guest(town)
    town.publish(solved(town))
    assert assert_schedule_is_feasible(town.event) == 4
    assert not too_far(town)
    assert_claims_are_consistent()
    assert not what_is_broken(town.event, now=NOW).broken


def test_what_was_published_without_the_way_is_repaired(app: Flask, town: Plan) -> None:
    change(db.session.get_one(MeetingSettings, town.event.id), walk_minutes=0)
    busy_guest(town)
    town.publish(solved(town))
    change(db.session.get_one(MeetingSettings, town.event.id), walk_minutes=10)
    assert too_far(town)
    with pytest.raises(AssertionError, match="cannot walk"):
        assert_schedule_is_feasible(town.event)
    broken = what_is_broken(town.event, now=NOW)
    assert broken.broken
    assert broken.clashing
    done = repair_now(town.event.id)
    assert done is not None
    assert assert_schedule_is_feasible(town.event) == 4
    assert not too_far(town)
    assert_claims_are_consistent()


def test_a_repair_does_not_overlook_what_was_booked_since(town: Plan) -> None:
    """No claim stands against two meetings with too little time between them: a repair looks again."""
    guest, hidden = town.scene.more_guest(), secret_host(town)
    town.agree(guest, hidden)
    town.publish(solved(town))
    (meeting,) = town.meetings()
    save(Absence(registration_id=guest.id, starts_at=meeting.starts_at, ends_at=meeting.ends_at))
    plan = plan_repair(town.event, now=NOW)
    assert plan is not None
    (change,) = plan.changes
    assert change.after is not None
    request = town.scene.ask(guest)
    town.scene.accept(request, change.after.span.end)  # in the other building, directly after
    with pytest.raises(Conflict), transaction():
        apply_repair(actor=None, event=town.event, plan=plan, now=NOW)
    assert repair_now(town.event.id) is not None
    assert assert_schedule_is_feasible(town.event) == 2
    assert not too_far(town)


def test_a_meeting_that_stays_is_walked_to(town: Plan) -> None:
    """Booked by hand, and not on a slot: nobody is placed in the other building just before or after."""
    guest = town.scene.more_guest()
    request = town.scene.ask(guest)
    meeting = town.scene.accept(request, at(2))
    change(meeting, starts_at=at(2) + timedelta(minutes=5), ends_at=at(2) + timedelta(minutes=15))
    town.agree(guest, secret_host(town))
    instance = read_instance(town.event, now=NOW)
    (row,) = [row for n, row in enumerate(instance.b2b["participants"]) if instance.people[n] == guest.id]
    assert row["unavailable"] == [1, 2, 3]
