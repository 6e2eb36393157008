"""Asking, accepting, moving, cancelling: rules, claims, mails."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from forum_app.agenda.models import ItemSpeaker
from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.db import db, transaction
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import cancel_meeting, move_meeting
from forum_app.meetings.interest_queries import MOST_REQUESTS
from forum_app.meetings.jobs import release_departed
from forum_app.meetings.models import (
    Claim,
    Interpreter,
    MeetingStatus,
    RequestState,
    ResourceKind,
)
from forum_app.meetings.queries import list_meetings_of
from forum_app.meetings.services import decline_request, withdraw_request
from forum_app.meetings.slot_queries import FreeSlot, list_free_slots
from forum_app.registration.models import RegistrationState
from tests.factories import NOW, make_item, make_speaker, save
from tests.mail.gathering import gather_now
from tests.meetings.laws import assert_claims_are_consistent
from tests.meetings.scene import OPENS, SLOT, Scene, add_hours, change, make_scene
from tests.queries import count_queries


def mails() -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_request_holds_no_slot_and_tells_the_host(scene: Scene) -> None:
    request = scene.ask()
    assert request.state == RequestState.PENDING
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 0
    (mail,) = mails()
    assert mail.to_address == scene.host.email
    assert mail.locale == "ja"
    assert "Wind sensing" in mail.subject
    assert "佐藤 花子" in mail.body
    assert f"/events/{scene.event.slug}/meetings/requests/{request.id}" in mail.body
    assert actions() == ["meetings.asked"]


def test_accepting_claims_people_and_a_table_and_tells_the_asker(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    assert meeting.table_id == scene.tables[0].id
    assert meeting.uid.startswith("meeting-")
    assert meeting.uid.endswith("@forum.test")
    assert meeting.sequence == 0
    assert meeting.ends_at - meeting.starts_at == SLOT
    assert_claims_are_consistent()
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 3 * 4
    mail = mails()[-1]
    assert mail.to_address == scene.guest.email
    assert mail.locale == "en"
    assert "13:00 Tokyo (JST)" in mail.body
    assert "23:00 Washington/New York" in mail.body
    assert "T1" in mail.body
    assert "My calendars" in mail.body
    assert actions()[-1] == "meetings.accepted"


def test_the_host_keeps_the_table_of_the_neighbouring_meeting(scene: Scene) -> None:
    scene.accept(scene.ask(), table_id=scene.tables[1].id)
    second = scene.accept(scene.ask(scene.more_guest()), OPENS + SLOT)
    assert second.table_id == scene.tables[1].id


def test_a_taken_slot_is_refused_with_the_next_free_ones(scene: Scene) -> None:
    scene.accept(scene.ask())
    other = scene.ask(scene.more_guest())
    with pytest.raises(Conflict) as refusal:
        scene.accept(other)
    slots = refusal.value.alternatives
    assert slots
    assert all(isinstance(slot, FreeSlot) for slot in slots)
    assert slots[0].start == OPENS + SLOT  # type: ignore[attr-defined]
    assert other.state == RequestState.PENDING
    assert_claims_are_consistent()
    scene.accept(other, slots[0].start)  # type: ignore[attr-defined]


def test_the_asker_may_not_be_in_two_places(scene: Scene) -> None:
    scene.accept(scene.ask())
    with pytest.raises(Conflict):
        scene.accept(scene.ask(host=scene.more_host()))


def test_one_person_at_two_events_is_one_person(scene: Scene) -> None:
    scene.accept(scene.ask())
    other = make_scene()
    login = scene.host.user_id
    change(other.host, user_id=login)
    with pytest.raises(Conflict):
        other.accept(other.ask())


def test_tables_run_out(scene: Scene) -> None:
    for _ in scene.tables:
        host = scene.more_host()
        scene.accept(scene.ask(scene.more_guest(), host))
    with pytest.raises(Conflict) as refusal:
        scene.accept(scene.ask())
    assert refusal.value.alternatives[0].start == OPENS + SLOT  # type: ignore[attr-defined]
    slots = list_free_slots(scene.event, [scene.host], now=NOW)[scene.host.id]
    assert OPENS not in {slot.start for slot in slots}


def test_a_table_that_is_in_use(scene: Scene) -> None:
    scene.accept(scene.ask(scene.more_guest(), scene.more_host()), table_id=scene.tables[0].id)
    with pytest.raises(Conflict) as refusal:
        scene.accept(scene.ask(), table_id=scene.tables[0].id)
    # the time itself is still good, at the other table
    assert refusal.value.alternatives[0].start == OPENS  # type: ignore[attr-defined]


def test_interpreters_are_a_resource(scene: Scene) -> None:
    request = scene.ask(needs_interpreter=True)
    with pytest.raises(Conflict):
        scene.accept(request)
    interpreter = Interpreter(event_id=scene.event.id, name_latin="Aiko Mori")
    save(interpreter)
    meeting = scene.accept(request)
    assert meeting.interpreter_id == interpreter.id
    with pytest.raises(Conflict):
        scene.accept(scene.ask(scene.more_guest(), scene.more_host(), needs_interpreter=True))
    assert_claims_are_consistent()


def test_speaking_blocks_slots(scene: Scene) -> None:
    speaker = make_speaker(scene.event, user_id=scene.guest.user_id)
    item = make_item(scene.event, starts_at=OPENS, ends_at=OPENS + timedelta(minutes=30))
    save(ItemSpeaker(item_id=item.id, speaker_id=speaker.id))
    slots = list_free_slots(scene.event, [scene.host], now=NOW, guest=scene.guest)[scene.host.id]
    assert slots[0].start == OPENS + timedelta(minutes=30)
    with pytest.raises(Conflict):
        scene.accept(scene.ask())


def test_only_in_office_hours_and_only_in_the_future(scene: Scene) -> None:
    request = scene.ask()
    for wrong in (OPENS - SLOT, OPENS + timedelta(hours=2), OPENS + timedelta(minutes=110)):
        with pytest.raises(Invalid):
            scene.accept(request, wrong)
    with pytest.raises(Invalid, match="multiple of 5"):
        scene.accept(request, OPENS + timedelta(minutes=2))


def test_one_open_request_per_pair(scene: Scene) -> None:
    scene.ask()
    with pytest.raises(Conflict, match="already asked"):
        scene.ask()
    other = scene.more_host()
    first = scene.ask(scene.host, other)
    assert scene.ask(other, scene.host).id == first.id, "asking back is a yes"
    assert first.state == RequestState.AGREED
    with pytest.raises(Conflict, match="agreed"):
        scene.ask(other, scene.host)


def test_whom_one_cannot_ask(scene: Scene) -> None:
    with pytest.raises(Invalid, match="yourself"):
        scene.ask(scene.host, scene.host)
    with pytest.raises(Invalid, match="does not take meetings"):
        scene.ask(scene.host, scene.guest)
    colleague = scene.more_host()
    agency = colleague.organization_id
    change(scene.guest, organization_id=agency)
    with pytest.raises(Invalid, match="same organization"):
        scene.ask(scene.guest, colleague)
    waiting = scene.more_guest(state=RegistrationState.APPLIED)
    with pytest.raises(PermissionDenied):
        scene.ask(waiting)


def test_requests_are_limited(scene: Scene) -> None:
    for _ in range(MOST_REQUESTS):
        scene.ask(host=scene.more_host(hours=False))
    with pytest.raises(Invalid, match="15 requests"):
        scene.ask()


def test_declining_tells_why(scene: Scene) -> None:
    request = scene.ask()
    with transaction():
        decline_request(
            actor=scene.host.user,
            event=scene.event,
            request=request,
            answer="Ask the FCT desk.",
            now=NOW,
        )
    mail = mails()[-1]
    assert mail.to_address == scene.guest.email
    assert "Ask the FCT desk." in mail.body
    with pytest.raises(Conflict), transaction():
        decline_request(actor=scene.host.user, event=scene.event, request=request, now=NOW)
    scene.ask()  # a declined request may be followed by another


def test_strangers_do_nothing(scene: Scene) -> None:
    request = scene.ask()
    meeting = scene.accept(scene.ask(scene.more_guest()))
    stranger = scene.more_guest().user
    assert stranger is not None
    with pytest.raises(PermissionDenied), transaction():
        decline_request(actor=stranger, event=scene.event, request=request, now=NOW)
    with pytest.raises(PermissionDenied), transaction():
        withdraw_request(actor=stranger, event=scene.event, request=request, now=NOW)
    with pytest.raises(PermissionDenied), transaction():
        cancel_meeting(actor=stranger, meeting=meeting, reason="x", now=NOW)
    with pytest.raises(PermissionDenied), transaction():
        move_meeting(actor=scene.host.user, meeting=meeting, starts_at=OPENS + SLOT, now=NOW)  # type: ignore[arg-type]


def test_cancelling_frees_everything_in_the_same_transaction(scene: Scene) -> None:
    request = scene.ask()
    meeting = scene.accept(request)
    with transaction():
        cancel_meeting(actor=scene.guest.user, meeting=meeting, reason="Flight cancelled", now=NOW)
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 0
    assert (meeting.status, meeting.sequence) == (MeetingStatus.CANCELLED, 1)
    assert request.state == RequestState.WITHDRAWN
    gather_now()
    mail = mails()[-1]
    assert mail.to_address == scene.host.email
    assert "Flight cancelled" in mail.body
    with pytest.raises(Conflict), transaction():
        cancel_meeting(actor=scene.guest.user, meeting=meeting, reason="again", now=NOW)
    scene.accept(scene.ask())
    assert [m.status for m in list_meetings_of(scene.host.user_id or 0)] == [
        MeetingStatus.CANCELLED,
        MeetingStatus.CONFIRMED,
    ]


def test_moving_keeps_uid_raises_sequence_and_tells_both(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    uid, before = meeting.uid, len(mails())
    with transaction():
        move_meeting(
            actor=scene.organizer,
            meeting=meeting,
            starts_at=OPENS + timedelta(minutes=10),  # overlaps its own old time
            table_id=scene.tables[1].id,
            now=NOW,
        )
    assert (meeting.uid, meeting.sequence, meeting.table_id) == (uid, 1, scene.tables[1].id)
    assert_claims_are_consistent()
    assert len(mails()) == before, "gathered for some minutes"
    gather_now()
    assert {mail.to_address for mail in mails()[before:]} == {scene.host.email, scene.guest.email}
    with pytest.raises(Invalid, match="already at this time"), transaction():
        move_meeting(actor=scene.organizer, meeting=meeting, starts_at=meeting.starts_at, now=NOW)
    with pytest.raises(Invalid, match="day of the event"), transaction():
        move_meeting(actor=scene.organizer, meeting=meeting, starts_at=OPENS + timedelta(days=9), now=NOW)


def test_a_move_that_fails_leaves_the_meeting_where_it_was(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    scene.accept(scene.ask(scene.more_guest()), OPENS + SLOT)
    with pytest.raises(Conflict) as refusal, transaction():
        move_meeting(actor=scene.organizer, meeting=meeting, starts_at=OPENS + SLOT, now=NOW)
    assert refusal.value.alternatives
    assert meeting.starts_at == OPENS
    assert_claims_are_consistent()


def test_who_leaves_frees_the_table(scene: Scene) -> None:
    request = scene.ask()
    meeting = scene.accept(request)
    change(scene.host, state=RegistrationState.CANCELLED)
    pending = scene.ask(scene.more_guest(), scene.more_host())
    change(pending.host, state=RegistrationState.CANCELLED)
    for _ in range(2):  # safe to run twice
        release_departed()
    db.session.expire_all()
    assert meeting.status == MeetingStatus.CANCELLED
    assert request.state == RequestState.DECLINED
    assert pending.state == RequestState.DECLINED
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 0
    gather_now()
    told = [mail.kind for mail in mails() if mail.to_address == scene.guest.email]
    assert told == ["meetings/accepted", "meetings/cancelled"]


def test_free_slots_of_everybody_cost_the_same(scene: Scene) -> None:
    hosts = [scene.host]
    with count_queries() as few:
        list_free_slots(scene.event, hosts, now=NOW, guest=scene.guest)
    hosts += [scene.more_host() for _ in range(20)]
    assert scene.event.id  # loaded again after the commits, as are all people
    assert all(person.user_id for person in [*hosts, scene.guest])
    with count_queries() as many:
        slots = list_free_slots(scene.event, hosts, now=NOW, guest=scene.guest)
    assert all(len(of_host) == 6 for of_host in slots.values())
    assert len(many) <= len(few) <= 12


def test_meetings_of_a_person_are_read_in_two_statements(scene: Scene) -> None:
    def cost() -> int:
        db.session.expire_all()
        db.session.expunge_all()
        with count_queries() as statements:
            for meeting in list_meetings_of(user_id):
                assert meeting.event.slug
                assert meeting.table is not None
                assert [p.registration.organization.name_en for p in meeting.participants]  # type: ignore[union-attr]
        return len(statements)

    user_id = scene.host.user_id or 0
    scene.accept(scene.ask())
    for n in range(1, 5):
        scene.accept(scene.ask(scene.more_guest()), OPENS + n * SLOT)
    assert cost() == 2


def test_office_hours_on_another_day(scene: Scene) -> None:
    add_hours(scene.host, datetime(2090, 12, 1, 1, 0, tzinfo=UTC), 60, 30)
    meeting = scene.accept(scene.ask(), datetime(2090, 12, 1, 1, 30, tzinfo=UTC))
    assert meeting.ends_at == datetime(2090, 12, 1, 2, 0, tzinfo=UTC)
    assert {c.resource_kind for c in db.session.scalars(select(Claim))} == {
        ResourceKind.PERSON,
        ResourceKind.TABLE,
    }
