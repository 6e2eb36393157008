"""Publishing: new, moved and dropped meetings at once or not at all; a stale result is not published."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import accept_request, cancel_meeting
from forum_app.meetings.models import (
    Absence,
    Meeting,
    MeetingOrigin,
    MeetingRequest,
    MeetingStatus,
    MeetingTable,
    Priority,
    RequestState,
)
from forum_app.organizations.models import Exclusion, ExclusionGround
from forum_app.timetable.jobs import look_after_runs, publish
from forum_app.timetable.models import ScheduleRun
from forum_app.timetable.move_services import pin_meeting, place_meeting
from forum_app.timetable.plan_queries import ChangeKind
from forum_app.timetable.plan_queries import Plan as Changes
from forum_app.timetable.publish_services import (
    PUBLISH,
    STALE,
    ask_to_publish,
    plan_of_run,
    publish_run,
)
from forum_app.timetable.services import NOT_PUBLISHED, ONLY_ORGANIZERS
from forum_app.web import clock
from tests.factories import NOW, make_user, save
from tests.mail.gathering import gather_now
from tests.meetings.laws import assert_claims_are_consistent
from tests.meetings.test_races import at_once, won_and_lost
from tests.timetable.scene import Plan, at


def changes(plan: Plan, run: ScheduleRun) -> Changes:
    db.session.rollback()
    db.session.expire_all()
    return plan_of_run(plan.event, db.session.get_one(ScheduleRun, run.id), now=NOW)


def counts(found: Changes) -> tuple[int, int, int, int]:
    new, moved, dropped = (found.count(kind) for kind in ChangeKind)
    return new, moved, dropped, found.kept


def test_publishing_makes_meetings_and_tells_everybody_once(plan: Plan) -> None:
    requests = [plan.agree(topic=f"Topic {n}") for n in range(3)]
    run = plan.solved()
    assert counts(changes(plan, run)) == (3, 0, 0, 0)
    assert plan.meetings() == []
    plan.publish(run)
    meetings = plan.meetings()
    assert {m.request_id for m in meetings} == {r.id for r in requests}
    assert {m.origin for m in meetings} == {MeetingOrigin.SCHEDULE}
    assert all(m.table_id is not None for m in meetings)
    assert {db.session.get_one(MeetingRequest, r.id).state for r in requests} == {RequestState.ACCEPTED}
    assert_claims_are_consistent()
    gather_now()
    mails = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "timetable/published")).all()
    assert len(mails) == 4  # three guests and one host
    to_host = next(m for m in mails if m.to_address == plan.scene.host.email)
    assert all(f"Topic {n}" in to_host.body for n in range(3))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "timetable.published")).one()
    assert entry.detail["new"] == 3


def test_publishing_again_changes_nothing(plan: Plan) -> None:
    plan.agree()
    run = plan.published()
    gather_now()
    mails = db.session.scalar(select(func.count()).select_from(OutboxMail))
    assert counts(changes(plan, run)) == (0, 0, 0, 1)
    plan.publish(run)
    gather_now()
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == mails
    assert plan.meetings()[0].sequence == 0


def test_a_later_run_moves_and_drops(plan: Plan) -> None:
    low = [plan.agree() for _ in range(6)]
    plan.published()
    assert len(plan.meetings()) == 6  # one host, six slots: the day is full
    must = plan.agree(priority=Priority.MUST)
    run = plan.solved()
    found = changes(plan, run)
    assert found.count(ChangeKind.NEW) == 1
    assert found.count(ChangeKind.DROPPED) == 1
    plan.publish(run)
    assert plan.meeting_of(must).sequence == 0
    dropped = next(c for c in found.changes if c.kind is ChangeKind.DROPPED)
    request = db.session.get_one(MeetingRequest, dropped.request_id)
    assert request.id in {one.id for one in low}
    assert request.state is RequestState.AGREED
    assert dropped.before is not None
    cancelled = db.session.get_one(Meeting, dropped.before.id)
    assert (cancelled.status, cancelled.sequence) == (MeetingStatus.CANCELLED, 1)
    moved = [c.before.id for c in found.changes if c.kind is ChangeKind.MOVED and c.before is not None]
    assert all(db.session.get_one(Meeting, number).sequence == 1 for number in moved)
    assert_claims_are_consistent()


def test_what_was_booked_pinned_or_set_by_hand_is_not_touched(plan: Plan) -> None:
    booked = plan.scene.accept(plan.scene.ask(), at(0))
    one = plan.agree()
    plan.published()
    meeting = plan.meeting_of(one)
    with transaction():
        place_meeting(
            actor=plan.scene.organizer,
            event=plan.event,
            meeting=meeting,
            starts_at=at(5),
            table_id=None,
            pin=True,
            now=NOW,
        )
    for _ in range(3):
        plan.agree(priority=Priority.MUST, host_priority=Priority.MUST)
    plan.published()
    assert plan.meeting_of(one).starts_at == at(5)
    assert db.session.get_one(Meeting, booked.id).starts_at == at(0)
    assert len(plan.meetings()) == 5
    assert_claims_are_consistent()


def test_withdrawn_requests_fall_out_and_the_rest_is_published(plan: Plan) -> None:
    kept, gone = plan.agree(), plan.agree()
    run = plan.solved()
    gone = db.session.get_one(MeetingRequest, gone.id)
    with transaction():
        gone = db.session.get_one(MeetingRequest, gone.id)
        gone.state = RequestState.WITHDRAWN
    late = plan.agree()
    found = changes(plan, run)
    assert ([one.request_id for one in found.fell_out], found.broken, found.waiting) == ([gone.id], False, 1)
    plan.publish(run)
    assert [m.request_id for m in plan.meetings()] == [kept.id]
    assert db.session.get_one(MeetingRequest, late.id).state is RequestState.AGREED


def test_a_pair_that_may_no_longer_meet_is_not_published(plan: Plan) -> None:
    request = plan.agree()
    run = plan.solved()
    save(
        Exclusion(
            organization_id=plan.scene.host.organization_id,
            other_id=request.asker.organization_id,
            ground=ExclusionGround.COMPETITOR,
            created_at=NOW,
        )
    )
    plan.publish(run)
    assert plan.meetings() == []


def test_a_rule_made_after_publishing_takes_the_meeting_off_the_next_schedule(plan: Plan) -> None:
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
    plan.published()
    assert [m.request_id for m in plan.meetings()] == [other.id]
    assert_claims_are_consistent()


def absent(plan: Plan, run: ScheduleRun) -> None:
    save(Absence(registration_id=plan.scene.host.id, starts_at=at(0), ends_at=at(6)))


def table_removed(plan: Plan, run: ScheduleRun) -> None:
    with transaction():
        for table in db.session.scalars(select(MeetingTable)):
            db.session.delete(table)


def slots_changed(plan: Plan, run: ScheduleRun) -> None:
    with transaction():
        plan.stretch.slot_minutes = 30


def booked_meanwhile(plan: Plan, run: ScheduleRun) -> None:
    for slot in range(6):
        plan.scene.accept(plan.scene.ask(plan.scene.more_guest()), at(slot))


@pytest.mark.parametrize("spoil", [absent, table_removed, slots_changed, booked_meanwhile])
def test_a_result_that_no_longer_fits_is_stale(
    plan: Plan, spoil: Callable[[Plan, ScheduleRun], None]
) -> None:
    request = plan.agree()
    run = plan.solved()
    spoil(plan, run)
    found = changes(plan, run)
    assert found.broken
    assert [one.request_id for one in found.clashing] == [request.id]
    before = len(plan.meetings())
    with pytest.raises(Conflict):
        plan.publish(run)
    assert len(plan.meetings()) == before
    assert db.session.get_one(MeetingRequest, request.id).state is RequestState.AGREED


def test_time_that_has_passed_makes_a_result_stale(plan: Plan) -> None:
    plan.agree()
    run = plan.solved()
    with pytest.raises(Conflict):
        plan.publish(run, now=at(1))


def test_only_organizers_publish_move_and_pin(plan: Plan) -> None:
    request = plan.agree()
    run = plan.published()
    stranger, meeting = make_user(), plan.meeting_of(request)
    attempts: list[Callable[[], Any]] = [
        lambda: publish_run(actor=stranger, event=plan.event, run=run, now=NOW),
        lambda: pin_meeting(actor=stranger, event=plan.event, meeting=meeting, pinned=True, now=NOW),
        lambda: place_meeting(
            actor=stranger,
            event=plan.event,
            meeting=meeting,
            starts_at=at(3),
            table_id=None,
            pin=True,
            now=NOW,
        ),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDenied), transaction():
            attempt()


def test_a_run_without_a_result_cannot_be_published(plan: Plan) -> None:
    plan.agree()
    run = plan.start()
    with pytest.raises(Conflict):
        plan.publish(run)


# --- At once -------------------------------------------------------------------------------------


def publishing(event_id: int, run_id: int) -> Callable[[], object]:
    def attempt() -> object:
        with transaction():
            publish_run(
                actor=None,
                event=db.session.get_one(Event, event_id),
                run=db.session.get_one(ScheduleRun, run_id),
                now=NOW,
            )
            return run_id

    return attempt


def count(status: MeetingStatus = MeetingStatus.CONFIRMED) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Meeting).where(Meeting.status == status)) or 0


@pytest.mark.every_database
def test_eight_publish_the_same_run_at_once(app: Flask, plan: Plan) -> None:
    for _ in range(5):
        plan.agree()
    run = plan.solved()
    event_id, run_id = plan.event.id, run.id
    db.session.remove()
    won, _ = won_and_lost(at_once(app, [publishing(event_id, run_id)] * 8))
    assert won
    assert count() == 5
    assert_claims_are_consistent()
    gather_now()
    told = db.session.scalar(
        select(func.count()).select_from(OutboxMail).where(OutboxMail.kind == "timetable/published")
    )
    assert told == 6, "five guests and the host, once each"


@pytest.mark.every_database
def test_two_runs_are_published_at_once(app: Flask, plan: Plan) -> None:
    requests = [plan.agree() for _ in range(4)]
    first = plan.solved()
    run = plan.start()
    plan.solve(run, change=turn_round)
    ids = (first.id, run.id)
    event_id = plan.event.id
    db.session.remove()
    won_and_lost(at_once(app, [publishing(event_id, number) for number in ids * 3]))
    assert count() == len(requests)
    assert_claims_are_consistent()


def turn_round(answer: dict[str, Any]) -> None:
    """Another schedule that fits as well: the host's day from its end."""
    for row in answer["assignments"]:
        row[1] = 5 - row[1]


@pytest.mark.every_database
@pytest.mark.parametrize("seed", range(2))
def test_publishing_while_people_book_move_and_cancel(app: Flask, plan: Plan, seed: int) -> None:
    """Whatever wins, nobody and nothing is used twice, and whoever was told yes has the meeting."""
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    requests = [plan.agree() for _ in range(4)]
    plan.published()
    for _ in range(2):
        plan.agree(priority=Priority.MUST)
    run = plan.start()
    plan.solve(run, change=turn_round)
    meeting_ids = [plan.meeting_of(one).id for one in requests]
    asked = [plan.scene.ask(plan.scene.more_guest()).id for _ in range(4)]
    event_id, run_id, organizer_id = plan.event.id, run.id, plan.scene.organizer.id
    user = type(plan.scene.organizer)
    db.session.remove()

    def booking(request_id: int, slot: int) -> Callable[[], object]:
        def attempt() -> object:
            with transaction():
                request = db.session.get_one(MeetingRequest, request_id)
                assert request.host.user is not None
                return accept_request(
                    actor=request.host.user,
                    event=db.session.get_one(Event, event_id),
                    request=request,
                    starts_at=at(slot),
                    now=NOW,
                ).id

        return attempt

    def moving(meeting_id: int, slot: int) -> Callable[[], object]:
        def attempt() -> object:
            with transaction():
                place_meeting(
                    actor=db.session.get_one(user, organizer_id),
                    event=db.session.get_one(Event, event_id),
                    meeting=db.session.get_one(Meeting, meeting_id),
                    starts_at=at(slot),
                    table_id=None,
                    pin=True,
                    now=NOW,
                )
                return meeting_id

        return attempt

    def cancelling(meeting_id: int) -> Callable[[], object]:
        def attempt() -> object:
            with transaction():
                meeting = db.session.get_one(Meeting, meeting_id)
                cancel_meeting(actor=None, meeting=meeting, reason="storm", now=NOW)
                return meeting_id

        return attempt

    attempts = [publishing(event_id, run_id)] * 2
    attempts += [booking(number, dice.randrange(6)) for number in asked]
    attempts += [moving(number, dice.randrange(6)) for number in meeting_ids]
    attempts += [cancelling(meeting_ids[0])]
    dice.shuffle(attempts)
    results = [None if isinstance(one, Invalid) else one for one in at_once(app, attempts)]
    won, _ = won_and_lost([one for one in results if one is not None])
    assert won
    assert_claims_are_consistent()
    booked = [attempts.index(a) for a, one in zip(attempts, results, strict=True) if isinstance(one, int)]
    assert booked


# --- By the worker ---------------------------------------------------------------------------------
def asked(plan: Plan) -> ScheduleRun:
    """A run that the worker was asked to publish."""
    run = plan.solved()
    with transaction():
        row = db.session.get_one(ScheduleRun, run.id)
        ask_to_publish(actor=plan.scene.organizer, event=plan.event, run=row, now=NOW)
    return run


def again(run: ScheduleRun) -> ScheduleRun:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(ScheduleRun, run.id)


@pytest.mark.every_database
def test_of_several_workers_one_publishes(app: Flask, plan: Plan) -> None:
    clock.set_to(NOW)
    for _ in range(5):
        plan.agree()
    run = asked(plan)
    assert plan.meetings() == []
    run_id = run.id
    db.session.remove()
    assert at_once(app, [lambda: publish(run_id)] * 4) == [None] * 4
    assert count() == 5
    published = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "timetable.published")).one()
    assert published.actor_id == plan.scene.organizer.id
    row = again(run)
    assert (row.publish_asked_at, row.publish_failure) == (None, "")
    assert row.published_at is not None
    assert_claims_are_consistent()


def test_why_the_worker_did_not_publish_is_kept(plan: Plan) -> None:
    clock.set_to(NOW)
    plan.agree()
    run = asked(plan)
    absent(plan, run)
    publish(run.id)
    assert plan.meetings() == []
    row = again(run)
    assert (row.publish_asked_at, row.publish_failure, row.published_at) == (None, STALE, None)


def test_a_fault_of_the_worker_is_told_and_not_tried_again(plan: Plan) -> None:
    clock.set_to(NOW)
    plan.agree()
    run = asked(plan)
    with transaction():
        db.session.get_one(ScheduleRun, run.id).result = "not what a scheduler writes"
    with pytest.raises(json.JSONDecodeError):
        publish(run.id)
    row = again(run)
    assert (row.publish_asked_at, row.publish_failure) == (None, NOT_PUBLISHED)


def test_who_may_no_longer_publish_does_not_by_the_worker(plan: Plan) -> None:
    clock.set_to(NOW)
    plan.agree()
    run = asked(plan)
    with transaction():
        db.session.get_one(ScheduleRun, run.id).publish_asked_by_id = make_user().id
    publish(run.id)
    assert plan.meetings() == []
    assert again(run).publish_failure == ONLY_ORGANIZERS


def test_what_a_dead_worker_left_is_published_by_the_next(app: Flask, plan: Plan) -> None:
    plan.agree()
    asked(plan)
    huey = app.extensions["forum_queue"].huey
    huey.flush()
    look_after_runs()
    assert [task.name for task in huey.pending()] == [PUBLISH]
