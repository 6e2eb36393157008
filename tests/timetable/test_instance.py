"""Rows into an instance: everything that limits a meeting is in it, and nothing that may not meet."""

from datetime import date, timedelta

from forum_app.agenda.models import ItemSpeaker, SpeakerRole
from forum_app.db import db, transaction
from forum_app.meetings.booking_services import book_meeting
from forum_app.meetings.models import (
    Absence,
    Interpreter,
    KindLimit,
    Meeting,
    MeetingFormat,
    MeetingProfile,
    MeetingRequest,
    MeetingTable,
    NoThanks,
    Priority,
    RequestState,
    TableHours,
    TableKind,
)
from forum_app.organizations.models import Exclusion, ExclusionGround, Kind
from forum_app.registration.models import RegistrationState
from forum_app.timetable.instance import Instance
from forum_app.timetable.instance_queries import read_instance
from forum_app.timetable.levels import Level
from tests.factories import (
    NOW,
    make_item,
    make_organization,
    make_registration,
    make_speaker,
    make_user,
    save,
)
from tests.meetings.scene import OPENS, SLOT, change
from tests.queries import count_queries
from tests.timetable.scene import SLOTS, Plan, at


def read(plan: Plan) -> Instance:
    db.session.rollback()
    return read_instance(plan.event, now=NOW)


def person(instance: Instance, registration_id: int) -> dict[str, object]:
    number = instance.people.index(registration_id)
    found: dict[str, object] = instance.b2b["participants"][number]
    return found


def test_a_wish_is_a_meeting_of_two_people(plan: Plan) -> None:
    request = plan.agree(priority=Priority.MUST)
    instance = read(plan)
    assert instance.wishes == 1
    assert len(instance.slots) == SLOTS
    assert instance.tables == [table.id for table in plan.scene.tables]
    assert instance.meetings[0].request_id == request.id
    assert instance.meetings[0].level is Level.ONE_MUST
    assert {instance.meetings[0].host, instance.meetings[0].guest} == {request.host_id, request.asker_id}
    assert instance.problem().n_tables == 2


def test_the_same_rows_give_the_same_instance(plan: Plan) -> None:
    plan.agree()
    first = read(plan)
    assert Instance.loads(first.dumps()).digest == first.digest == read(plan).digest
    plan.agree()
    assert read(plan).digest != first.digest


def test_requests_without_an_answer_are_not_placed(plan: Plan) -> None:
    plan.scene.ask()
    assert read(plan).wishes == 0


def test_what_a_person_has_elsewhere_is_busy_time(plan: Plan) -> None:
    request = plan.agree()
    host = plan.scene.host
    speaker = make_speaker(plan.event, user_id=host.user_id)
    item = make_item(plan.event, starts_at=at(0), ends_at=at(1))
    save(ItemSpeaker(item_id=item.id, speaker_id=speaker.id, role=SpeakerRole.SPEAKER, position=0))
    save(Absence(registration_id=request.asker_id, starts_at=at(2), ends_at=at(3) + timedelta(minutes=5)))
    instance = read(plan)
    assert person(instance, request.asker_id)["unavailable"] == [2, 3]
    assert person(instance, request.host_id)["unavailable"] == [0]


def test_meetings_that_stay_are_pinned_or_busy(plan: Plan) -> None:
    request = plan.agree()
    on_grid = plan.scene.accept(plan.scene.ask(), at(1), table_id=plan.scene.tables[1].id)
    off_grid = plan.scene.accept(plan.scene.ask(plan.scene.more_guest()), at(3) + timedelta(minutes=10))
    instance = read(plan)
    assert instance.wishes == 1
    assert instance.b2b["pinned"] == [[1, 1, 1]]
    assert instance.meetings[1].meeting_id == on_grid.id
    assert person(instance, request.host_id)["unavailable"] == [3, 4]
    table = instance.tables.index(off_grid.table_id)
    assert {"id": table, "unavailable": [3, 4]} in instance.b2b["tables"]


def test_a_published_meeting_is_previous_and_a_pinned_one_stays(plan: Plan) -> None:
    one, other = plan.agree(), plan.agree()
    plan.published()
    instance = read(plan)
    assert len(instance.b2b["previous"]) == 2
    assert instance.b2b["pinned"] == []
    change(db.session.get_one(Meeting, plan.meeting_of(one).id), pinned=True)
    instance = read(plan)
    assert instance.wishes == 1
    assert len(instance.b2b["pinned"]) == 1
    assert instance.meetings[0].request_id == other.id


def test_limits_of_the_person_and_of_their_kind(plan: Plan) -> None:
    request = plan.agree()
    plan.scene.accept(plan.scene.ask(), at(1))
    save(KindLimit(event_id=plan.event.id, kind=Kind.STARTUP, most_meetings=3, least_meetings=2))
    save(MeetingProfile(registration_id=plan.scene.host.id, most_meetings=4))
    instance = read(plan)
    asker, host = person(instance, request.asker_id), person(instance, request.host_id)
    assert (asker["max_meetings"], asker["min_meetings"]) == (3, 2)
    assert (host["max_meetings"], host["min_meetings"]) == (4, 0)


def test_a_limit_never_forbids_what_stays(plan: Plan) -> None:
    plan.agree()
    plan.scene.accept(plan.scene.ask(), at(1))
    plan.scene.accept(plan.scene.ask(plan.scene.more_guest()), at(2))
    save(MeetingProfile(registration_id=plan.scene.host.id, most_meetings=1))
    assert person(read(plan), plan.scene.host.id)["max_meetings"] == 2


def test_tables_serve_by_kind_owner_and_hours(plan: Plan) -> None:
    host = plan.scene.host
    booth = MeetingTable(
        event_id=plan.event.id, label="B1", kind=TableKind.BOOTH, owner_id=host.organization_id, position=8
    )
    closed = MeetingTable(event_id=plan.event.id, label="C1", kind=TableKind.CLOSED, position=9)
    save(booth, closed)
    save(TableHours(table_id=booth.id, starts_at=at(0), ends_at=at(2)))
    second = plan.scene.more_host()
    with_booth, plain = plan.agree(), plan.agree(host=second)
    secret_host = plan.scene.more_host()
    save(MeetingProfile(registration_id=secret_host.id, closed_room=True))
    secret = plan.agree(host=secret_host)
    instance = read(plan)
    serves = {
        row.request_id: [instance.tables[n] for n in instance.b2b["meetings"][k]["tables"]]
        for k, row in enumerate(instance.meetings)
    }
    t1, t2 = (table.id for table in plan.scene.tables)
    assert serves[with_booth.id] == [t1, t2, booth.id]
    assert serves[plain.id] == [t1, t2]
    assert serves[secret.id] == [closed.id]
    assert {"id": 2, "unavailable": [2, 3, 4, 5]} in instance.b2b["tables"]


def test_interpreters_serve_by_language_and_clearance(plan: Plan) -> None:
    helper = Interpreter(event_id=plan.event.id, name_latin="Aiko Mori", most_run_minutes=45)
    other = Interpreter(event_id=plan.event.id, name_latin="Jean Petit", languages="en-fr")
    save(helper, other)
    change(plan.scene.host, language="ja")
    plan.agree(needs_interpreter=True)
    instance = read(plan)
    assert instance.b2b["meetings"][0]["interpreter"] == [0]
    assert instance.b2b["interpreters"][0]["max_run"] == 2
    change(plan.scene.host, cleared_until=date(2090, 12, 31))
    save(MeetingProfile(registration_id=plan.scene.host.id, needs_clearance=True))
    guest = plan.scene.more_guest(cleared_until=date(2090, 12, 31))
    plan.agree(guest, needs_interpreter=True)
    assert read(plan).b2b["meetings"][-1]["interpreter"] == []


def test_remote_meetings_take_no_table(plan: Plan) -> None:
    request = plan.agree(format=MeetingFormat.REMOTE)
    plan.agree()
    instance = read(plan)
    assert instance.tables[2:] == [None]
    assert instance.b2b["meetings"][0]["tables"] == [2]
    assert instance.b2b["meetings"][1]["tables"] == [0, 1]
    run = plan.published()
    assert run.placed == 2
    meeting = plan.meeting_of(request)
    assert meeting.table_id is None
    assert meeting.format is MeetingFormat.REMOTE


def test_a_team_sends_the_colleague_with_most_time(plan: Plan) -> None:
    agency = make_organization(kind=Kind.AGENCY)
    team = [
        make_registration(plan.event, make_user(), participant_type=plan.scene.host_type, organization=agency)
        for _ in range(3)
    ]
    save(Absence(registration_id=team[0].id, starts_at=OPENS, ends_at=OPENS + SLOTS * SLOT))
    plan.agree(host=team[1])
    request = plan.agree(host=team[0], team=True)
    instance = read(plan)
    assert next(r for r in instance.meetings if r.request_id == request.id).host == team[2].id
    plan.published()
    db.session.refresh(request)
    assert request.host_id == team[2].id


def test_what_may_not_be_held_is_left_out_with_a_reason_that_tells_no_rule(plan: Plan) -> None:
    gone = plan.agree()
    change(gone.asker, state=RegistrationState.CANCELLED)
    excluded = plan.agree()
    save(
        Exclusion(
            organization_id=excluded.asker.organization_id,
            other_id=plan.scene.host.organization_id,
            ground=ExclusionGround.OTHER,
            reason="clause 7",
            created_at=NOW,
        )
    )
    declined = plan.agree()
    save(NoThanks(registration_id=plan.scene.host.id, other_id=declined.asker_id, created_at=NOW))
    gate = plan.agree(host=plan.scene.more_host())
    save(MeetingProfile(registration_id=gate.host_id, needs_statement=True))
    instance = read(plan)
    assert instance.wishes == 0
    assert dict(instance.left_out) == {
        gone.id: "not_present",
        excluded.id: "rule",
        declined.id: "rule",
        gate.id: "export_statement",
    }


def test_two_requests_of_one_pair_are_one_meeting(plan: Plan) -> None:
    guest = plan.scene.more_guest()
    change(plan.scene.guest_type, takes_meetings=True)
    first = plan.agree(guest)
    second = plan.agree(plan.scene.host, guest, priority=Priority.MUST)
    instance = read(plan)
    assert instance.wishes == 1
    assert instance.left_out == [(first.id, "twice")]
    assert instance.meetings[0].request_id == second.id


def test_groups_keep_their_people_busy(plan: Plan) -> None:
    request = plan.agree()
    third = plan.scene.more_guest()
    with transaction():
        book_meeting(
            actor=plan.scene.organizer,
            event=plan.event,
            people=[plan.scene.host, plan.scene.guest, third],
            starts_at=at(2),
            ends_at=at(3),
            topic="Together",
            now=NOW,
        )
    instance = read(plan)
    assert instance.b2b["pinned"] == []
    assert person(instance, request.host_id)["unavailable"] == [2]


def test_what_begins_soon_stays(plan: Plan) -> None:
    plan.agree()
    plan.published()
    first = plan.meetings()[0]
    soon = first.starts_at - timedelta(minutes=5)
    db.session.rollback()
    instance = read_instance(plan.event, now=soon)
    assert instance.wishes == 0
    assert instance.slots[0].start > first.starts_at


def test_reading_costs_the_same_for_3_and_300(plan: Plan) -> None:
    hosts = [plan.scene.more_host(hours=False) for _ in range(3)]
    costs = []
    for more in (1, 99):
        guests = [plan.scene.more_guest() for _ in range(more)]
        save(*[_row(plan, guest.id, host.id) for guest in guests for host in hosts])
        db.session.refresh(plan.event)
        with count_queries() as statements:
            instance = read_instance(plan.event, now=NOW)
        costs.append((instance.wishes, len(statements)))
    assert [wishes for wishes, _ in costs] == [3, 300]
    assert costs[0][1] == costs[1][1] <= 30


def _row(plan: Plan, guest: int, host: int) -> object:
    return MeetingRequest(
        event_id=plan.event.id,
        asker_id=guest,
        host_id=host,
        topic="Sensing",
        priority=Priority.WANT,
        state=RequestState.AGREED,
        created_at=NOW,
    )


def test_an_excluded_pair_is_never_in_an_instance(plan: Plan) -> None:
    request = plan.agree()
    save(
        Exclusion(
            organization_id=plan.scene.host.organization_id,
            kind=Kind.STARTUP,
            ground=ExclusionGround.OTHER,
            reason="award",
            created_at=NOW,
        )
    )
    instance = read(plan)
    assert request.id not in {row.request_id for row in instance.meetings}
    assert "award" not in instance.dumps()
