"""The schedule's pages as an organizer uses them, with and without a script."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from forum_app.db import db, transaction
from forum_app.meetings.booking_services import move_meeting
from forum_app.meetings.models import (
    Absence,
    Interpreter,
    InterpreterHours,
    Meeting,
    MeetingRequest,
    Priority,
    RequestState,
)
from forum_app.timetable import manage_views
from forum_app.timetable.jobs import look_after_runs, publish
from forum_app.timetable.models import RunState, ScheduleRun
from forum_app.timetable.publish_services import STALE, ask_to_publish, note_refusal
from forum_app.timetable.services import begin_run
from forum_app.web import clock
from tests.factories import NOW, save, sign_in
from tests.meetings.scene import OPENS
from tests.queries import LIMIT_PER_PAGE, count_queries
from tests.timetable.scene import Plan, at

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def organizer(client: FlaskClient, plan: Plan) -> FlaskClient:
    return sign_in(client, plan.scene.organizer)


def run_of(answer: Any) -> ScheduleRun:
    db.session.rollback()
    return db.session.get_one(ScheduleRun, int(answer.location.rsplit("/", 1)[1]))


def seen(run: ScheduleRun) -> ScheduleRun:
    """The run as it is in the database now."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(ScheduleRun, run.id)


def test_from_the_start_to_the_publication(organizer: FlaskClient, plan: Plan) -> None:
    request = plan.agree(topic=HOSTILE)
    assert "Start the run" in organizer.get(f"{plan.base}?lang=en").text
    answer = organizer.post(plan.base, data={"time_limit": "15", "seed": "3"})
    assert answer.status_code == 303
    run = run_of(answer)
    page = organizer.get(f"{answer.location}?lang=en").text
    assert "Waiting for the worker" in page
    assert "hx-get" in page
    part = organizer.get(f"{answer.location}/progress")
    assert "HX-Refresh" not in part.headers
    plan.solve(run)
    assert organizer.get(f"{answer.location}/progress").headers["HX-Refresh"] == "true"
    page = organizer.get(f"{answer.location}?lang=en").text
    assert "Everything is placed" in page
    preview = organizer.get(f"{answer.location}/publish?lang=en").text
    assert "Publish this schedule" in preview
    assert db.session.get_one(MeetingRequest, request.id).state is RequestState.AGREED
    key = {"idempotency_key": "once"}
    for _ in range(2):
        done = organizer.post(f"{answer.location}/publish", data=key)
        assert (done.status_code, done.location) == (303, f"{plan.base}/people")
    meeting = plan.meeting_of(request)
    for view in ("people", "tables"):
        text = organizer.get(f"{plan.base}/{view}?lang=en").text
        assert f"/meetings/{meeting.id}" in text
        assert HOSTILE not in text


def test_a_large_schedule_is_published_by_the_worker(
    organizer: FlaskClient, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manage_views, "MOST_AT_ONCE", 0)
    clock.set_to(NOW)
    plan.agree()
    run = plan.solved()
    address = f"{plan.base}/runs/{run.id}"
    done = organizer.post(f"{address}/publish", data={})
    assert (done.status_code, done.location) == (303, address)
    assert plan.meetings() == []
    assert "1 meeting is being published" in organizer.get(f"{address}?lang=en").text
    assert "Publish this schedule and" not in organizer.get(f"{address}/publish?lang=en").text
    part = organizer.get(f"{address}/progress?lang=en")
    assert "HX-Refresh" not in part.headers
    assert "being published" in part.text
    publish(run.id)
    assert organizer.get(f"{address}/progress").headers["HX-Refresh"] == "true"
    assert "This schedule is published" in organizer.get(f"{address}?lang=en").text
    assert len(plan.meetings()) == 1


def test_the_page_says_why_the_worker_did_not_publish(organizer: FlaskClient, plan: Plan) -> None:
    clock.set_to(NOW)
    plan.agree()
    run = plan.solved()
    with transaction():
        row = db.session.get_one(ScheduleRun, run.id)
        ask_to_publish(actor=plan.scene.organizer, event=plan.event, run=row, now=NOW)
        note_refusal(run.id, STALE)
    page = organizer.get(f"{plan.base}/runs/{run.id}?lang=en").text
    assert "This run was not published" in page
    assert "start a new run" in page


@pytest.mark.parametrize("seed", ["", "-1", "x", "99999999999"])
def test_a_wrong_number_comes_back_with_what_was_typed(organizer: FlaskClient, plan: Plan, seed: str) -> None:
    plan.agree()
    answer = organizer.post(plan.base, data={"time_limit": "60", "seed": seed})
    assert answer.status_code == 422
    assert db.session.query(ScheduleRun).count() == 0


def test_a_second_run_is_a_lost_race(organizer: FlaskClient, plan: Plan) -> None:
    plan.agree()
    plan.start()
    assert organizer.post(plan.base, data={"time_limit": "60", "seed": "1"}).status_code == 409


def test_nothing_to_place_is_said_in_the_form(organizer: FlaskClient, plan: Plan) -> None:
    answer = organizer.post(f"{plan.base}?lang=en", data={"time_limit": "60", "seed": "1"})
    assert answer.status_code == 422
    assert "no mutual interest to place" in answer.text


def test_stop_and_resume(organizer: FlaskClient, plan: Plan) -> None:
    plan.agree()
    run = plan.start()
    with transaction():
        begin_run(run.id, now=NOW)
    assert organizer.post(f"{plan.base}/runs/{run.id}/stop").status_code == 303
    assert seen(run).stop_requested
    look_after_runs()  # the clock is weeks after NOW: the worker is taken for dead
    assert seen(run).state is RunState.INTERRUPTED
    assert "Resume the run" in organizer.get(f"{plan.base}/runs/{run.id}?lang=en").text
    assert organizer.post(f"{plan.base}/runs/{run.id}/resume").status_code == 303
    assert seen(run).state is RunState.QUEUED
    assert organizer.post(f"{plan.base}/runs/{run.id}/resume").status_code == 409


def test_a_stale_result_is_shown_and_not_published(organizer: FlaskClient, plan: Plan) -> None:
    request = plan.agree()
    run = plan.solved()
    save(Absence(registration_id=request.asker_id, starts_at=at(0), ends_at=at(6)))
    page = organizer.get(f"{plan.base}/runs/{run.id}/publish?lang=en")
    assert page.status_code == 200
    assert "This run cannot be published" in page.text
    assert "Publish this schedule" not in page.text
    assert organizer.post(f"{plan.base}/runs/{run.id}/publish").status_code == 409
    assert plan.meetings() == []


def test_runs_of_another_event_are_not_there(organizer: FlaskClient, plan: Plan) -> None:
    assert organizer.get(f"{plan.base}/runs/99").status_code == 404
    assert organizer.get(f"{plan.base}/runs/99/publish").status_code == 404
    assert organizer.get(f"{plan.base}/meetings/99").status_code == 404


def test_two_runs_are_compared(organizer: FlaskClient, plan: Plan) -> None:
    for _ in range(3):
        plan.agree()
    first = plan.solved()
    plan.agree()
    second = plan.solved()
    text = organizer.get(f"{plan.base}/compare?lang=en&one={first.id}&other={second.id}").text
    assert "Who gains and who loses" in text
    assert "1 meeting more" in text
    assert organizer.get(f"{plan.base}/compare?one=x&other=99999999999999999999").status_code == 200


def test_unplaced_wishes_say_why(organizer: FlaskClient, plan: Plan) -> None:
    for _ in range(7):
        plan.agree()
    gone = plan.agree(host=plan.scene.more_host())
    save(Absence(registration_id=gone.host_id, starts_at=at(0), ends_at=at(6)))
    run = plan.solved()
    text = organizer.get(f"{plan.base}/runs/{run.id}?lang=en").text
    assert "There is no slot in which both can meet." in text
    assert "In every slot in which both could meet, one of them already has a meeting." in text
    only = organizer.get(f"{plan.base}/runs/{run.id}?lang=en&reason=no_common_slot").text
    assert "1 entry" in only


# --- The matrix, and one meeting ---------------------------------------------------------------------


def test_moving_by_form_pins_the_meeting(organizer: FlaskClient, plan: Plan) -> None:
    request = plan.agree()
    plan.published()
    meeting = plan.meeting_of(request)
    path = f"{plan.base}/meetings/{meeting.id}"
    assert "all free" in organizer.get(f"{path}?lang=en").text
    back = f"{plan.base}/people"
    data = {"slot": at(4).isoformat(), "table_id": str(plan.scene.tables[1].id), "pin": "y", "back": back}
    answer = organizer.post(path, data=data)
    assert (answer.status_code, answer.location) == (303, back)
    meeting = plan.meeting_of(request)
    assert (meeting.starts_at, meeting.table_id, meeting.pinned) == (at(4), plan.scene.tables[1].id, True)
    answer = organizer.post(f"{path}/pin", data={"pinned": "", "back": "https://elsewhere.example/"})
    assert answer.location == f"{plan.base}/tables"
    assert not plan.meeting_of(request).pinned


def test_clashes_are_shown_before_and_refused_at_the_end(organizer: FlaskClient, plan: Plan) -> None:
    first, second = plan.agree(), plan.agree()
    plan.published()
    save(Absence(registration_id=first.asker_id, starts_at=at(3), ends_at=at(4)))
    meeting, other = plan.meeting_of(first), plan.meeting_of(second)
    path = f"{plan.base}/meetings/{meeting.id}"
    page = organizer.get(f"{path}?lang=en&slot={at(3).isoformat().replace('+', '%2B')}").text
    assert "Declared an absence" in page
    page = organizer.get(
        f"{path}?lang=en&slot={other.starts_at.isoformat().replace('+', '%2B')}&table_id={other.table_id}"
    ).text
    assert "Has a meeting" in page
    assert "is in use" in page
    data = {"slot": at(3).isoformat(), "table_id": "", "pin": "y"}
    answer = organizer.post(f"{path}?lang=en", data=data)
    assert answer.status_code == 409
    assert plan.meeting_of(first).starts_at == meeting.starts_at


def test_a_slot_is_not_called_free_when_no_table_is(organizer: FlaskClient, plan: Plan) -> None:
    requests = [plan.agree(host=plan.scene.more_host()) for _ in range(3)]
    plan.published()
    meetings = sorted((plan.meeting_of(request) for request in requests), key=lambda one: one.starts_at)
    first, _, last = meetings  # two tables: the third one meets later
    assert (first.starts_at, last.starts_at) == (at(0), at(1))
    path = f"{plan.base}/meetings/{last.id}"
    chosen = at(0).isoformat().replace("+", "%2B")
    page = organizer.get(f"{path}?lang=en&slot={chosen}").text
    assert "clash: no table" in page
    assert "No table is free then." in page
    assert "Nothing stands against this time." not in page
    refused = organizer.post(path, data={"slot": at(0).isoformat(), "table_id": "", "back": plan.base})
    assert refused.status_code == 409
    assert plan.meetings()[-1].starts_at == at(1)


def test_another_interpreter_is_as_good_and_none_is_a_clash(organizer: FlaskClient, plan: Plan) -> None:
    helpers = [Interpreter(event_id=plan.event.id, name_latin=f"Helper {n}") for n in range(2)]
    save(*helpers)
    one = plan.agree(needs_interpreter=True)
    other = plan.agree(host=plan.scene.more_host(), needs_interpreter=True)
    plan.published()
    meeting, busy = plan.meeting_of(one), plan.meeting_of(other)
    assert (meeting.starts_at, busy.starts_at) == (at(0), at(0))
    with transaction():
        move_meeting(
            actor=plan.scene.organizer,
            meeting=db.session.get_one(Meeting, busy.id),
            starts_at=at(2),
            interpreter=meeting.interpreter_id,
            now=NOW,
        )
    chosen = at(2).isoformat().replace("+", "%2B")
    path = f"{plan.base}/meetings/{meeting.id}?lang=en&slot={chosen}"
    assert "Nothing stands against this time." in organizer.get(path).text
    for helper in helpers:
        save(InterpreterHours(interpreter_id=helper.id, starts_at=at(0), ends_at=at(1)))
    assert "No interpreter is free then." in organizer.get(path).text


def test_a_slot_that_is_none_is_refused(organizer: FlaskClient, plan: Plan) -> None:
    request = plan.agree()
    plan.published()
    path = f"{plan.base}/meetings/{plan.meeting_of(request).id}"
    answer = organizer.post(path, data={"slot": "2090-01-01T00:00:00+00:00", "table_id": "", "pin": "y"})
    assert answer.status_code == 422
    answer = organizer.post(path, data={"slot": at(2).isoformat(), "table_id": "x", "pin": "y"})
    assert answer.status_code == 422


def test_a_cancelled_meeting_is_not_moved(organizer: FlaskClient, plan: Plan) -> None:
    request = plan.agree()
    plan.published()
    number = plan.meeting_of(request).id
    assert organizer.get(f"{plan.base}/meetings/{number}").status_code == 200
    answer = organizer.post(f"{plan.scene.path}/meetings/{number}/cancel", data={"reason": "storm"})
    assert answer.status_code in (303, 422, 404)


def test_the_matrix_is_searched_filtered_and_sorted(organizer: FlaskClient, plan: Plan) -> None:
    for _ in range(3):
        plan.agree()
    plan.published()
    plan.agree()
    text = organizer.get(f"{plan.base}/people?lang=en&q=Yamada").text
    assert "1 entry" in text
    assert "3 meetings" in text
    assert "1 wish open" in text
    for query in ("sort=-waiting", "sort=nonsense", "kind=startup", "show=free", "day=2090-12-01", "day=x"):
        assert organizer.get(f"{plan.base}/people?{query}").status_code == 200
    assert "1 entry" in organizer.get(f"{plan.base}/tables?lang=en&q=T2").text


def test_meetings_outside_the_slots_have_a_column_of_their_own(organizer: FlaskClient, plan: Plan) -> None:
    meeting = plan.scene.accept(plan.scene.ask(), OPENS)
    with transaction():
        plan.stretch.starts_at = OPENS + timedelta(hours=3)
        plan.stretch.ends_at = OPENS + timedelta(hours=4)
    text = organizer.get(f"{plan.base}/people?lang=en").text
    assert "Other times" in text
    assert f"/meetings/{meeting.id}" in text


PAGES = (
    "",
    "/people?size=100",
    "/tables?size=100",
    "/compare",
    "/runs/{run}",
    "/runs/{run}/publish",
    "/repair",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_costs_the_same_with_3_and_with_100_meetings(
    organizer: FlaskClient, plan: Plan, page: str
) -> None:
    costs = []
    for more in (1, 33):
        hosts = [plan.scene.more_host(hours=False) for _ in range(more)]
        rows = [_wish(plan, plan.scene.more_guest().id, host.id) for host in hosts for _ in range(3)]
        save(*rows)
        run = plan.solved()
        plan.publish(run)
        save(*[_wish(plan, plan.scene.more_guest().id, host.id) for host in hosts])
        run = plan.solved()
        path = plan.base + page.format(run=run.id)
        organizer.get(path)
        with count_queries() as statements:
            assert organizer.get(path).status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= LIMIT_PER_PAGE


def _wish(plan: Plan, guest: int, host: int) -> MeetingRequest:
    return MeetingRequest(
        event_id=plan.event.id,
        asker_id=guest,
        host_id=host,
        topic="Sensing",
        priority=Priority.WANT,
        state=RequestState.AGREED,
        created_at=NOW,
    )


def test_the_page_of_a_meeting_costs_the_same(organizer: FlaskClient, plan: Plan) -> None:
    costs = []
    for more in (2, 5):  # beside one other at least
        requests = [plan.agree() for _ in range(more)]
        plan.published()
        meeting = db.session.get_one(Meeting, plan.meeting_of(requests[0]).id)
        with count_queries() as statements:
            assert organizer.get(f"{plan.base}/meetings/{meeting.id}").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= LIMIT_PER_PAGE
