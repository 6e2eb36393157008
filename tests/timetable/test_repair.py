"""Repairing what is published: what clashes moves, as few others as possible, and nobody new comes in."""

from flask import Flask
from sqlalchemy import select

from forum_app.db import db, transaction
from forum_app.mail.models import OutboxMail
from forum_app.meetings.models import Absence, MeetingRequest, Priority, RequestState
from forum_app.organizations.models import Exclusion, ExclusionGround
from forum_app.timetable.jobs import repair_now
from forum_app.timetable.models import ScheduleRun
from forum_app.timetable.plan_queries import ChangeKind
from forum_app.timetable.repair_services import request_repair, what_is_broken
from tests.factories import NOW, save
from tests.mail.gathering import gather_now
from tests.meetings.laws import assert_claims_are_consistent
from tests.timetable.scene import Plan, at


def test_nothing_is_broken_right_after_publishing(plan: Plan) -> None:
    plan.agree()
    plan.published()
    found = what_is_broken(plan.event, now=NOW)
    assert not found.broken
    assert not found.fell_out
    assert repair_now(plan.event.id) is None


def test_an_absence_moves_one_meeting_and_no_other(plan: Plan) -> None:
    requests = [plan.agree() for _ in range(3)]
    plan.published()
    hit = plan.meetings()[0]
    before = {m.id: (m.starts_at, m.table_id) for m in plan.meetings()}
    waiting = plan.agree(priority=Priority.MUST)
    guest = next(r for r in requests if r.id == hit.request_id)
    save(Absence(registration_id=guest.asker_id, starts_at=hit.starts_at, ends_at=hit.ends_at))
    found = what_is_broken(plan.event, now=NOW)
    assert [one.request_id for one in found.clashing] == [hit.request_id]

    done = repair_now(plan.event.id)
    assert done is not None
    assert done.changes[0].kind is ChangeKind.MOVED
    after = {m.id: (m.starts_at, m.table_id) for m in plan.meetings()}
    moved = [number for number, place in after.items() if before[number] != place]
    assert hit.id in moved
    assert len(moved) == 1
    assert db.session.get_one(MeetingRequest, waiting.id).state is RequestState.AGREED
    assert_claims_are_consistent()
    gather_now()
    # with what the first schedule told them, which was still being gathered
    mails = db.session.scalars(select(OutboxMail).where(OutboxMail.body.like("%had to change%"))).all()
    assert [m.to_address for m in mails] == [guest.asker.email]
    assert repair_now(plan.event.id) is None


def test_a_rule_takes_the_pair_off(plan: Plan) -> None:
    request, other = plan.agree(), plan.agree()
    plan.published()
    save(
        Exclusion(
            organization_id=plan.scene.host.organization_id,
            other_id=request.asker.organization_id,
            ground=ExclusionGround.COMPETITOR,
            created_at=NOW,
        )
    )
    done = repair_now(plan.event.id)
    assert done is not None
    assert done.count(ChangeKind.DROPPED) == 1
    assert [m.request_id for m in plan.meetings()] == [other.id]
    assert_claims_are_consistent()


def test_who_can_meet_at_no_other_time_is_dropped_and_stays_noted(plan: Plan) -> None:
    request = plan.agree()
    plan.published()
    save(Absence(registration_id=request.asker_id, starts_at=at(0), ends_at=at(6)))
    repair_now(plan.event.id)
    assert plan.meetings() == []
    assert db.session.get_one(MeetingRequest, request.id).state is RequestState.AGREED


def test_organizers_ask_the_worker(app: Flask, plan: Plan) -> None:
    plan.agree()
    plan.published()
    app.extensions["forum_queue"].huey.flush()
    with transaction():
        request_repair(actor=plan.scene.organizer, event=plan.event, now=NOW)
    names = [task.name for task in app.extensions["forum_queue"].huey.pending()]
    assert names == ["forum_app.timetable.jobs.repair"]
    assert db.session.scalars(select(ScheduleRun)).one().published_at
