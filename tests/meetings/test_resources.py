"""Tables of three kinds, interpreters with rests, slots, absences, buildings: what booking makes of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.agenda.models import Bookmark, ItemKind, ItemSpeaker
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.intervals import Interval
from forum_app.db import db, transaction
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import book_direct, book_meeting, cancel_meeting, move_meeting
from forum_app.meetings.busy_queries import IN_MEETING, WALKS, busy_of, read_diary
from forum_app.meetings.claim_services import Clash, Taken, claim_all, release
from forum_app.meetings.making_services import HAVE_ONE
from forum_app.meetings.models import (
    Absence,
    Interpreter,
    InterpreterHours,
    KindLimit,
    Meeting,
    MeetingFormat,
    MeetingProfile,
    MeetingSettings,
    MeetingStatus,
    MeetingStretch,
    MeetingTable,
    TableHours,
    TableKind,
)
from forum_app.meetings.placing_services import NotFree
from forum_app.meetings.queries import list_meetings_of
from forum_app.meetings.rule_services import MayNotMeet
from forum_app.meetings.slot_queries import list_free_slots, list_slots
from forum_app.meetings.time_services import copy_stretches, declare_absence, save_stretch
from forum_app.organizations.models import Kind
from forum_app.pitches.models import PitchCall, PitchReview, PitchSubmission, SubmissionState
from forum_app.registration.models import Registration
from tests.factories import NOW, make_event, make_item, make_organization, make_room, make_speaker, save
from tests.meetings.laws import assert_claims_are_consistent
from tests.meetings.scene import OPENS, SLOT, Scene, change
from tests.meetings.test_pages import SCRIPT, as_, fresh
from tests.queries import LIMIT_PER_PAGE, count_queries


def book(scene: Scene, people: list[Registration] | None = None, **values: Any) -> Meeting:
    """A meeting by the organizer, of host and guest unless told otherwise."""
    starts_at = values.pop("starts_at", OPENS)
    with transaction():
        return book_meeting(
            actor=values.pop("actor", scene.organizer),
            event=scene.event,
            people=people or [scene.host, scene.guest],
            starts_at=starts_at,
            ends_at=values.pop("ends_at", starts_at + SLOT),
            topic="Radar",
            now=NOW,
            **values,
        )


def direct(scene: Scene, guest: Registration, starts_at: datetime = OPENS, **values: Any) -> Meeting:
    with transaction():
        assert guest.user is not None
        return book_direct(
            actor=values.pop("actor", guest.user),
            event=scene.event,
            host=values.pop("host", scene.host),
            guest=guest,
            starts_at=starts_at,
            topic="Radar",
            now=NOW,
            **values,
        )


def add_table(scene: Scene, label: str, **values: Any) -> MeetingTable:
    table = MeetingTable(event_id=scene.event.id, label=label, position=50, **values)
    save(table)
    return table


# --- Tables ----------------------------------------------------------------------------------------


def test_a_booth_serves_its_own_organization_first(scene: Scene) -> None:
    booth = add_table(scene, "B1", kind=TableKind.BOOTH, owner_id=scene.host.organization_id)
    other = add_table(scene, "B2", kind=TableKind.BOOTH, owner_id=make_organization().id)
    assert book(scene).table_id == booth.id
    elsewhere = book(scene, [scene.more_host(), scene.more_guest()])
    assert elsewhere.table_id == scene.tables[0].id
    with pytest.raises(Invalid, match="does not serve"):
        book(scene, [scene.more_host(), scene.more_guest()], table_id=other.id)
    with pytest.raises(Invalid, match="does not serve"):
        book(scene, [scene.more_host(), scene.more_guest()], table_id=booth.id)


def test_closed_meetings_need_a_closed_room_and_only_they_use_it(scene: Scene) -> None:
    save(MeetingProfile(registration_id=scene.host.id, closed_room=True))
    with pytest.raises(MayNotMeet, match="closed room"):
        book(scene)
    closed = add_table(scene, "S1", kind=TableKind.CLOSED)
    meeting = book(scene)
    assert (meeting.closed, meeting.table_id) == (True, closed.id)
    with pytest.raises(Invalid, match="does not serve"):
        book(scene, [scene.more_host(), scene.more_guest()], table_id=closed.id)
    with pytest.raises(Invalid, match="does not serve"), transaction():
        move_meeting(
            actor=scene.organizer,
            meeting=meeting,
            starts_at=OPENS + SLOT,
            table_id=scene.tables[0].id,
            now=NOW,
        )
    with pytest.raises(Conflict, match="No table"):
        book(scene, [scene.more_host(), scene.more_guest()], closed=True)


def test_tables_have_hours(scene: Scene) -> None:
    for table in scene.tables:
        save(TableHours(table_id=table.id, starts_at=OPENS + SLOT, ends_at=OPENS + 3 * SLOT))
    slots = list_free_slots(scene.event, [scene.host], now=NOW)[scene.host.id]
    assert [slot.start for slot in slots] == [OPENS + SLOT, OPENS + 2 * SLOT]
    with pytest.raises(Conflict, match="not there"):
        book(scene, table_id=scene.tables[0].id)
    with pytest.raises(Conflict, match="No table") as refused:
        book(scene)
    assert {slot.start for slot in refused.value.alternatives} == {OPENS + SLOT, OPENS + 2 * SLOT}  # type: ignore[attr-defined]


def test_remote_meetings_have_a_link_and_no_table(scene: Scene) -> None:
    save(MeetingProfile(registration_id=scene.host.id, link="https://meet.example/host"))
    for table in scene.tables:
        save(TableHours(table_id=table.id, starts_at=OPENS - SLOT, ends_at=OPENS))
    meeting = book(scene, format=MeetingFormat.REMOTE)
    assert (meeting.table_id, meeting.link) == (None, "https://meet.example/host")
    assert_claims_are_consistent()
    with transaction():
        move_meeting(actor=scene.organizer, meeting=meeting, starts_at=OPENS + SLOT, now=NOW)
    assert (meeting.starts_at, meeting.table_id) == (OPENS + SLOT, None)
    with pytest.raises(Invalid, match="https"):
        book(scene, starts_at=OPENS + 3 * SLOT, format=MeetingFormat.REMOTE, link="javascript:alert(1)")


def test_groups(scene: Scene) -> None:
    third, fourth = scene.more_guest(), scene.more_guest()
    meeting = book(scene, [scene.host, scene.guest, third, fourth])
    assert len(meeting.participants) == 4
    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.to_address == fourth.email)).one()
    assert all(person.name_latin in mail.body for person in (scene.host, scene.guest, third))
    assert_claims_are_consistent()
    with pytest.raises(NotFree) as refused:
        book(scene, [scene.more_host(), fourth])
    assert {busy.reason for busy in refused.value.clashes[fourth.id]} == {IN_MEETING}
    with pytest.raises(Invalid, match="different people"):
        book(scene, [scene.host, scene.host], starts_at=OPENS + SLOT)
    with transaction():
        cancel_meeting(actor=third.user, meeting=meeting, reason="Ill", now=NOW)
    assert_claims_are_consistent()


def test_who_may_book(scene: Scene) -> None:
    with pytest.raises(PermissionDenied):
        book(scene, actor=scene.more_guest().user)
    with pytest.raises(Invalid, match="has passed"):
        book(scene, starts_at=NOW - timedelta(days=1))
    with pytest.raises(Invalid, match="four hours"):
        book(scene, ends_at=OPENS + timedelta(hours=5))
    stranger = make_event()
    elsewhere = scene.more_guest()
    change(elsewhere, event_id=stranger.id)
    with pytest.raises(Conflict):
        book(scene, [scene.host, elsewhere])


# --- Interpreters ------------------------------------------------------------------------------------


def test_interpreters_rest_after_their_longest_run(scene: Scene) -> None:
    helper = Interpreter(event_id=scene.event.id, name_latin="Aiko Mori", most_run_minutes=40)
    save(helper)
    pairs = [[scene.more_host(), scene.more_guest(language="ja")] for _ in range(4)]
    for number in (0, 1):
        book(scene, pairs[number], starts_at=OPENS + number * SLOT, interpreter="any")
    with pytest.raises(Conflict, match="No interpreter"):
        book(scene, pairs[2], starts_at=OPENS + 2 * SLOT, interpreter="any")
    soon = OPENS + 2 * SLOT + timedelta(minutes=5)  # five minutes are no rest
    with pytest.raises(Conflict, match="No interpreter"):
        book(scene, pairs[2], starts_at=soon, interpreter=helper.id)
    book(scene, pairs[2], starts_at=OPENS + 3 * SLOT, interpreter=helper.id)
    with pytest.raises(Conflict, match="No interpreter"):  # it would join two runs
        book(scene, pairs[3], starts_at=OPENS + 2 * SLOT, interpreter="any")
    assert_claims_are_consistent()


def test_interpreters_speak_are_there_and_are_cleared(scene: Scene) -> None:
    korean = Interpreter(event_id=scene.event.id, name_latin="A", languages="en-ko")
    late = Interpreter(event_id=scene.event.id, name_latin="B")
    late.hours.append(InterpreterHours(starts_at=OPENS + SLOT, ends_at=OPENS + 2 * SLOT))
    save(korean, late)
    guest = scene.more_guest(language="ja", cleared_until=date(2091, 1, 1))
    with pytest.raises(Invalid, match="languages"):
        book(scene, [scene.host, guest], interpreter=korean.id)
    with pytest.raises(Conflict, match="No interpreter"):
        book(scene, [scene.host, guest], interpreter="any")
    meeting = book(scene, [scene.host, guest], starts_at=OPENS + SLOT, interpreter="any")
    assert meeting.interpreter_id == late.id
    with transaction():
        cancel_meeting(actor=None, meeting=meeting, reason="", now=NOW)
    save(MeetingProfile(registration_id=scene.host.id, needs_clearance=True))
    with pytest.raises(Invalid, match="clearance"):
        book(scene, [scene.host, guest], starts_at=OPENS + SLOT, interpreter=late.id)
    change(late, cleared_until=date(2090, 12, 31))
    book(scene, [scene.host, guest], starts_at=OPENS + SLOT, interpreter="any")


def test_an_interpreter_is_given_kept_and_taken_away(scene: Scene) -> None:
    one, two = (Interpreter(event_id=scene.event.id, name_latin=name) for name in "AB")
    save(one, two)
    meeting = book(scene)
    for wish, expected in (("any", one.id), (two.id, two.id), ("keep", two.id), (None, None)):
        with transaction():
            move_meeting(
                actor=scene.organizer,
                meeting=meeting,
                starts_at=OPENS + SLOT if wish == "keep" else OPENS,
                interpreter=wish,  # type: ignore[arg-type]
                now=NOW,
            )
        assert meeting.interpreter_id == expected
        assert_claims_are_consistent()


# --- Busy time -------------------------------------------------------------------------------------


def test_one_engine_knows_all_that_takes_time(scene: Scene) -> None:
    """Speaking, signing up, an own pitch, judging, meetings anywhere, absences."""
    login = scene.guest.user_id or 0
    at = [OPENS + timedelta(hours=n) for n in range(8)]

    def item(hour: int, **values: Any) -> Any:
        return make_item(scene.event, starts_at=at[hour], ends_at=at[hour] + timedelta(minutes=30), **values)

    speaker = make_speaker(scene.event, user_id=login)
    talk, wished, pause = item(1), item(2), item(7, kind=ItemKind.BREAK)
    save(ItemSpeaker(item_id=talk.id, speaker_id=speaker.id))
    save(Bookmark(item_id=wished.id, user_id=login, created_at=NOW))
    save(Bookmark(item_id=pause.id, user_id=login, created_at=NOW))
    call = PitchCall(event_id=scene.event.id, opens_at=NOW, closes_at=OPENS)
    save(call)
    block = item(3, kind=ItemKind.PITCH_BLOCK)
    judged = make_item(
        scene.event,
        kind=ItemKind.PITCH,
        starts_at=at[3],
        ends_at=at[3] + timedelta(minutes=10),
        parent_id=block.id,
    )
    own = item(4, kind=ItemKind.PITCH)
    for row, who in ((judged, None), (own, login)):
        save(
            PitchSubmission(
                call_id=call.id,
                organization_id=make_organization().id,
                submitter_id=who,
                title_en="Pitch",
                state=SubmissionState.ACCEPTED,
                created_at=NOW,
                agenda_item_id=row.id,
            )
        )
    submission = db.session.scalars(
        select(PitchSubmission).where(PitchSubmission.agenda_item_id == judged.id)
    ).one()
    save(PitchReview(submission_id=submission.id, reviewer_id=login, created_at=NOW, changed_at=NOW))
    save(
        Absence(registration_id=scene.guest.id, starts_at=at[5], ends_at=at[5] + timedelta(minutes=30)),
        MeetingStretch(event_id=scene.event.id, starts_at=at[0], ends_at=at[7]),
    )
    book(scene, starts_at=at[6], ends_at=at[6] + timedelta(minutes=30))
    busy = busy_of(scene.event, [login, 10**9])
    assert busy[login] == [Interval(hour, hour + timedelta(minutes=30)) for hour in at[1:7]]
    assert busy[10**9] == []
    for number in range(1, 7):
        with pytest.raises(Conflict):
            book(scene, [scene.more_host(), scene.guest], starts_at=at[number])
    day = Interval(at[0], at[7])
    reasons = [one.reason for one in read_diary(scene.event, [login], window=day).clashes(login, day)]
    assert len(set(reasons)) == 6


def test_busy_times_cost_the_same_for_many(scene: Scene) -> None:
    logins = [scene.guest.user_id or 0]
    with count_queries() as few:
        busy_of(scene.event, logins)
    with count_queries() as many:
        busy_of(scene.event, [*logins, *range(10**6, 10**6 + 3000)])
    assert len(many) == len(few) <= 9


def test_walking_between_buildings_takes_time(scene: Scene) -> None:
    annex = make_room(scene.event, name_en="Stage", building="Annex")
    main = make_room(scene.event, name_en="Hall", building="Main")
    near, far = scene.tables
    change(near, room_id=annex.id)
    change(far, room_id=main.id)
    save(MeetingSettings(event_id=scene.event.id, walk_minutes=15))
    speaker = make_speaker(scene.event, user_id=scene.guest.user_id)
    talk = make_item(scene.event, starts_at=OPENS - timedelta(minutes=30), ends_at=OPENS, room_id=annex.id)
    save(ItemSpeaker(item_id=talk.id, speaker_id=speaker.id))
    login = scene.guest.user_id or 0
    spans = {
        buildings: busy_of(scene.event, [login], buildings=buildings)[login][0].end - OPENS
        for buildings in (None, ("Annex",), ("Main",), ())
    }
    walk = timedelta(minutes=15)
    assert spans == {None: walk, ("Annex",): timedelta(), ("Main",): walk, (): timedelta()}
    slot = Interval(OPENS, OPENS + SLOT)
    (reason,) = read_diary(scene.event, [login], window=slot).clashes(login, slot)
    assert reason.reason == WALKS
    with pytest.raises(Conflict, match="on the way"):
        book(scene, table_id=far.id)
    assert book(scene).table_id == near.id
    # from the table of one building to that of the other
    with pytest.raises(Conflict, match="on the way"):
        book(scene, [scene.more_host(), scene.guest], starts_at=OPENS + SLOT, table_id=far.id)
    start = OPENS + SLOT + timedelta(minutes=15)
    book(scene, [scene.more_host(), scene.guest], starts_at=start, table_id=far.id)


# --- Open slots ------------------------------------------------------------------------------------


def test_open_slots_are_first_come(scene: Scene) -> None:
    other = scene.more_guest()
    with pytest.raises(Invalid, match="cannot be booked directly"):
        direct(scene, scene.guest)
    change(scene.hours, direct=True)
    meeting = direct(scene, scene.guest)
    assert meeting.request is not None
    with pytest.raises(Conflict) as lost:
        direct(scene, other)
    assert lost.value.alternatives[0].start == OPENS + SLOT  # type: ignore[attr-defined]
    direct(scene, other, OPENS + SLOT)
    with pytest.raises(Conflict) as refused:
        direct(scene, scene.guest, OPENS + 2 * SLOT)
    assert refused.value.message == HAVE_ONE
    with pytest.raises(PermissionDenied):
        direct(scene, other, actor=scene.guest.user)
    assert_claims_are_consistent()


def test_a_request_that_waits_becomes_the_meeting(scene: Scene) -> None:
    change(scene.hours, direct=True)
    request = scene.ask()
    meeting = direct(scene, scene.guest)
    assert meeting.request_id == request.id
    assert request.state == "accepted"


def test_limits_hold_for_those_who_help_themselves(scene: Scene) -> None:
    change(scene.hours, direct=True)
    startup = scene.guest.organization
    assert startup is not None
    save(KindLimit(event_id=scene.event.id, kind=Kind.STARTUP, most_meetings=0))
    with pytest.raises(Invalid, match="as many meetings"):
        direct(scene, scene.guest)
    save(MeetingProfile(registration_id=scene.guest.id, most_meetings=1))
    direct(scene, scene.guest)
    second = scene.more_host()
    book(scene, [second, scene.guest], starts_at=OPENS + SLOT)  # organizers may do more


# --- Claims in bulk -----------------------------------------------------------------------------------


def test_claims_in_bulk_say_what_clashes(scene: Scene) -> None:
    first = book(scene)
    second = book(scene, [scene.more_host(), scene.more_guest()])
    clash = clashes_of([second], {second: first.table_id})[0]
    assert (clash.meeting_id, clash.resource_id, clash.taken_by) == (second.id, first.table_id, first.id)
    assert_claims_are_consistent()
    swapped = {first: second.table_id, second: first.table_id}
    assert clashes_of([first, second], swapped) == []
    assert_claims_are_consistent()
    clashes = clashes_of([first, second], {first: second.table_id})
    assert {clash.meeting_id for clash in clashes} <= {first.id, second.id}
    assert_claims_are_consistent()


def clashes_of(meetings: list[Meeting], tables: dict[Meeting, int | None]) -> list[Clash]:
    """Claim meetings anew, some at other tables, in one transaction; what is in the way."""
    try:
        with transaction():
            release([meeting.id for meeting in meetings])
            for meeting, table in tables.items():
                meeting.table_id = table
            claim_all(meetings)
    except Taken as taken:
        return taken.clashes
    return []


# --- Stretches and absences ---------------------------------------------------------------------------


def test_stretches_are_cut_into_slots(scene: Scene) -> None:
    with transaction():
        save_stretch(
            actor=scene.organizer,
            event=scene.event,
            span=Interval(OPENS, OPENS + timedelta(minutes=100)),
            slot_minutes=20,
            gap_minutes=10,
            now=NOW,
        )
    assert [(slot.index, slot.start) for slot in list_slots(scene.event.id)] == [
        (n, OPENS + n * timedelta(minutes=30)) for n in range(3)
    ]
    with pytest.raises(Invalid, match="already"), transaction():
        save_stretch(
            actor=scene.organizer,
            event=scene.event,
            span=Interval(OPENS + timedelta(minutes=90), OPENS + timedelta(hours=3)),
            slot_minutes=20,
            gap_minutes=0,
            now=NOW,
        )
    with transaction():
        added = copy_stretches(actor=scene.organizer, event=scene.event, day=date(2090, 11, 30), now=NOW)
    assert added == 1
    assert len(list_slots(scene.event.id)) == 6
    assert list_slots(scene.event.id)[3].start == OPENS + timedelta(days=1)


def test_copies_keep_the_clock_on_the_wall(scene: Scene) -> None:
    """New York puts its clocks back in the night to 5 November 2028: ten o'clock stays ten o'clock."""
    change(
        scene.event,
        timezone="America/New_York",
        starts_on=date(2028, 11, 4),
        ends_on=date(2028, 11, 5),
    )
    ten = datetime(2028, 11, 4, 14, tzinfo=UTC)
    with transaction():
        save_stretch(
            actor=scene.organizer,
            event=scene.event,
            span=Interval(ten, ten + timedelta(hours=1)),
            slot_minutes=20,
            gap_minutes=0,
            now=NOW,
        )
        copy_stretches(actor=scene.organizer, event=scene.event, day=date(2028, 11, 4), now=NOW)
    assert list_slots(scene.event.id)[3].start == ten + timedelta(days=1, hours=1)


def test_nobody_books_an_absent_person(scene: Scene) -> None:
    span = Interval(OPENS, OPENS + 2 * SLOT)
    assert scene.guest.user is not None
    with transaction():
        declare_absence(
            actor=scene.guest.user, event=scene.event, registration=scene.guest, span=span, now=NOW
        )
    slots = list_free_slots(scene.event, [scene.host], now=NOW, guest=scene.guest)[scene.host.id]
    assert slots[0].start == OPENS + 2 * SLOT
    with pytest.raises(NotFree, match="not free"):
        book(scene)
    meeting = book(scene, starts_at=OPENS + 3 * SLOT)
    later = Interval(OPENS + 3 * SLOT, OPENS + 4 * SLOT)
    with pytest.raises(Conflict, match="Cancel them first"), transaction():
        declare_absence(
            actor=scene.guest.user, event=scene.event, registration=scene.guest, span=later, now=NOW
        )
    with pytest.raises(PermissionDenied), transaction():
        declare_absence(
            actor=scene.guest.user, event=scene.event, registration=scene.host, span=later, now=NOW
        )
    assert meeting.status is MeetingStatus.CONFIRMED


# --- Pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_pages_of_organizers(client: FlaskClient, scene: Scene, lang: str) -> None:
    as_(client, scene.organizer, lang)
    tables = f"{scene.path}/manage/tables"
    owner = str(scene.guest.organization_id)
    several = {"label": "Z", "number": "3", "kind": "open", "room_id": "", "owner_id": ""}
    assert client.post(tables, data=several).status_code == 303
    assert all(f">Z{n}<" in client.get(tables).text for n in (1, 2, 3))
    booth = {"label": "B1", "kind": "booth", "owner_id": owner, "room_id": ""}
    assert client.post(tables, data={**booth, "owner_id": ""}).status_code == 422
    assert client.post(tables, data={**booth, "kind": "nothing"}).status_code == 422
    assert client.post(tables, data=booth).status_code == 303
    table = fresh().scalars(select(MeetingTable).where(MeetingTable.label == "B1")).one()
    hours = {"day": "2090-11-30", "starts": "10:00", "ends": "12:00"}
    assert client.post(f"{tables}/{table.id}/hours", data=hours).status_code == 303
    assert client.post(f"{tables}/{table.id}/hours", data=hours).status_code == 422
    assert client.post(f"{tables}/{table.id}/hours", data={**hours, "day": "2090-11-29"}).status_code == 422
    assert client.post(f"{tables}/{table.id}/hours", data={**hours, "ends": "09:00"}).status_code == 422
    midnight = {**hours, "starts": "22:00", "ends": "00:00"}
    assert client.post(f"{tables}/{table.id}/hours", data=midnight).status_code == 303
    rows = fresh().scalars(select(TableHours).order_by(TableHours.starts_at)).all()
    assert [row.ends_at - row.starts_at for row in rows] == [timedelta(hours=2)] * 2
    assert client.post(f"{tables}/{table.id}/hours/{rows[0].id}/remove").status_code == 303
    assert client.post(f"{tables}/{table.id}/hours/{rows[0].id}/remove").status_code == 409
    elsewhere = f"{tables}/{scene.tables[0].id}/hours/{rows[1].id}/remove"
    assert client.post(elsewhere).status_code == 409  # hours of another table
    people = f"{scene.path}/manage/interpreters"
    person = {"name_latin": "Aiko Mori", "languages": ["en-ja", "en-ko"], "most_run_minutes": "45"}
    assert client.post(people, data={**person, "email": "nobody@people.example"}).status_code == 422
    assert client.post(people, data={**person, "most_run_minutes": "5"}).status_code == 422
    assert client.post(people, data={**person, "email": scene.organizer.email}).status_code == 303
    assert client.post(people, data={**person, "email": scene.organizer.email}).status_code == 422
    (row,) = fresh().scalars(select(Interpreter))
    assert (row.languages, row.most_run_minutes, row.user_id) == ("en-ja,en-ko", 45, scene.organizer.id)
    assert client.post(f"{people}/{row.id}/hours", data=hours).status_code == 303
    assert client.get(f"{people}/{row.id}").status_code == 200
    times = f"{scene.path}/manage/meeting-times"
    stretch = {**hours, "slot_minutes": "20", "gap_minutes": "5"}
    assert client.post(times, data={**stretch, "slot_minutes": "7"}).status_code == 422
    assert client.post(times, data={**stretch, "starts": "nonsense"}).status_code == 422
    assert client.post(times, data={**stretch, "starts": "10:02"}).status_code == 422
    assert client.post(times, data=stretch).status_code == 303
    assert client.post(times, data=stretch).status_code == 422
    assert client.post(f"{times}/copy", data={"day": "2090-12-01"}).status_code == 422
    assert client.post(f"{times}/copy", data={"day": "2090-11-30"}).status_code == 303
    fresh()
    assert len(list_slots(scene.event.id)) == 10
    first = fresh().scalars(select(MeetingStretch).order_by(MeetingStretch.starts_at)).first()
    assert 'value="10:00' in client.get(f"{times}/{first.id}").text
    assert client.post(f"{times}/{first.id}", data={**stretch, "ends": "11:00"}).status_code == 303
    assert client.post(f"{times}/{first.id}/remove").status_code == 303
    fresh()
    assert len(list_slots(scene.event.id)) == 5


def test_the_kind_of_a_table_in_use_stays(client: FlaskClient, scene: Scene) -> None:
    meeting = book(scene)
    as_(client, scene.organizer)
    address = f"{scene.path}/manage/tables/{meeting.table_id}"
    closed = {"label": "T1", "kind": "closed", "owner_id": "", "room_id": ""}
    answer = client.post(address, data=closed)
    assert answer.status_code == 409
    assert "Move them" in answer.text
    hours = {"day": "2090-12-01", "starts": "10:00", "ends": "12:00"}
    assert client.post(f"{address}/hours", data=hours).status_code == 303
    assert "1 meeting lies outside" in client.get(address).text


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_of_absences(client: FlaskClient, scene: Scene, lang: str) -> None:
    as_(client, scene.guest.user, lang)
    address = f"{scene.path}/meetings/absences"
    assert client.get(address).status_code == 200
    whole = {"day": "2090-12-01", "starts": "", "ends": "", "note": SCRIPT}
    assert client.post(address, data=whole).status_code == 303
    (absence,) = fresh().scalars(select(Absence))
    assert absence.ends_at - absence.starts_at == timedelta(days=1)
    text = client.get(address).text
    assert "<script>alert" not in text
    assert client.post(address, data=whole).status_code == 422
    bad = client.post(address, data={**whole, "day": "2090-11-30", "starts": "15:00", "ends": "14:00"})
    assert bad.status_code == 422
    assert 'value="15:00"' in bad.text
    book(scene)
    busy = client.post(address, data={"day": "2090-11-30", "starts": "13:00", "ends": "14:00"})
    assert busy.status_code == 409
    assert "Radar" in busy.text
    as_(client, scene.host.user)
    assert client.post(f"{address}/{absence.id}/remove").status_code == 404
    as_(client, scene.organizer)
    assert client.get(f"{address}?for={scene.guest.id}").status_code == 200
    as_(client, scene.guest.user)
    assert client.post(f"{address}/{absence.id}/remove").status_code == 303
    assert fresh().scalars(select(Absence)).all() == []


def test_the_page_of_absences_names_only_what_may_be_read(client: FlaskClient, scene: Scene) -> None:
    item = make_item(scene.event, starts_at=OPENS, ends_at=OPENS + SLOT, title_en="Secret briefing")
    save(Bookmark(item_id=item.id, user_id=scene.guest.user_id, created_at=NOW))
    as_(client, scene.guest.user)
    text = client.get(f"{scene.path}/meetings/absences").text
    assert "Signed up" in text
    assert "Secret briefing" not in text  # not published


def test_pages_cost_the_same(client: FlaskClient, scene: Scene) -> None:
    pages = ("/manage/tables", "/manage/interpreters", "/manage/meeting-times")

    def costs() -> list[int]:
        found = []
        for user, addresses in ((scene.organizer, pages), (scene.guest.user, ("/meetings/absences",))):
            as_(client, user)
            for address in addresses:
                with count_queries() as statements:
                    assert client.get(scene.path + address).status_code == 200
                found.append(len(statements))
        return found

    def fill(number: int, first: int) -> None:
        for n in range(first, first + number):
            table = MeetingTable(event_id=scene.event.id, label=f"X{n}", room_id=make_room(scene.event).id)
            table.hours.append(TableHours(starts_at=OPENS, ends_at=OPENS + SLOT))
            helper = Interpreter(event_id=scene.event.id, name_latin=f"X{n}")
            helper.hours.append(InterpreterHours(starts_at=OPENS, ends_at=OPENS + SLOT))
            start = OPENS + n * SLOT
            day = timedelta(days=1) + n * SLOT
            save(
                table,
                helper,
                MeetingStretch(event_id=scene.event.id, starts_at=start, ends_at=start + SLOT),
                Absence(registration_id=scene.guest.id, starts_at=OPENS + day, ends_at=OPENS + day + SLOT),
            )

    fill(1, 0)
    few = costs()
    fill(12, 1)
    assert costs() == few
    assert max(few) <= LIMIT_PER_PAGE
    assert list_meetings_of(scene.guest.user_id or 0) == []
