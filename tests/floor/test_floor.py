"""The day at the tables: who came, who did not, and to whom freed time is offered."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.core.errors import Conflict, DomainError, Invalid, NotFound
from forum_app.db import db, transaction
from forum_app.events.models import EventRole
from forum_app.floor.jobs import offer_freed
from forum_app.floor.models import Offer, OfferState
from forum_app.floor.services import decline_offer, mark_arrived, mark_no_show, take_offer, undo_no_show
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import cancel_meeting
from forum_app.meetings.models import (
    Absence,
    Claim,
    Interpreter,
    Meeting,
    MeetingOrigin,
    MeetingRequest,
    MeetingStatus,
    NoThanks,
    Priority,
    RequestState,
)
from forum_app.registration.models import Registration
from forum_app.web import clock
from tests.conftest import TestDatabase
from tests.factories import NOW, grant, login_of, make_user, save, sign_in
from tests.meetings.scene import OPENS, SLOT, Scene, change, make_scene
from tests.queries import LIMIT_PER_PAGE, count_queries

BEGUN = OPENS + timedelta(minutes=2)


@pytest.fixture
def scene(app: Flask) -> Iterator[Scene]:
    with app.app_context():
        yield make_scene()


@pytest.fixture
def meeting(scene: Scene) -> Meeting:
    """A meeting of the guest with the host that has just begun."""
    made = scene.accept(scene.ask())
    clock.set_to(BEGUN)
    return made


def agreed(scene: Scene, asker: Registration | None = None, **values: Any) -> MeetingRequest:
    """Mutual interest of a start-up and the host, without a time."""
    row = MeetingRequest(
        event_id=scene.event.id,
        asker_id=(asker or scene.more_guest()).id,
        host_id=values.pop("host", scene.host).id,
        topic=values.pop("topic", "Another topic"),
        priority=values.pop("priority", Priority.WANT),
        host_priority=Priority.WANT,
        state=RequestState.AGREED,
        created_at=values.pop("created_at", NOW),
        **values,
    )
    save(row)
    return row


def mark(service: Any, meeting: Meeting, who: Registration, actor: Any, **more: Any) -> None:
    with transaction():
        service(
            actor=actor,
            meeting=db.session.get_one(Meeting, meeting.id),
            registration_id=who.id,
            now=clock.now(),
            **more,
        )


def claims(meeting: Meeting) -> int:
    return db.session.scalar(select(func.count()).where(Claim.meeting_id == meeting.id)) or 0


def open_offer() -> Offer | None:
    return db.session.scalar(select(Offer).where(Offer.state == OfferState.OPEN))


def test_one_touch_frees_all_and_offers_it_to_the_best_who_waits(scene: Scene, meeting: Meeting) -> None:
    want = agreed(scene, topic="Want")
    must = agreed(scene, topic="Must", priority=Priority.MUST)
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    assert db.session.get_one(Meeting, meeting.id).status == MeetingStatus.NO_SHOW
    assert claims(meeting) == 0
    offer_freed()
    offer = open_offer()
    assert offer is not None
    assert offer.request_id == must.id
    assert offer.starts_at >= clock.now()
    assert offer.ends_at == meeting.ends_at
    offer_freed()
    assert db.session.scalars(select(Offer.request_id)).all() == [must.id]
    with transaction():
        decline_offer(actor=login_of(scene.host), offer=db.session.get_one(Offer, offer.id), now=clock.now())
    offer_freed()
    second = open_offer()
    assert second is not None
    assert second.request_id == want.id


def test_freed_time_becomes_a_meeting_once_both_say_yes(scene: Scene, meeting: Meeting) -> None:
    request = agreed(scene)
    mark(mark_no_show, meeting, scene.guest, scene.organizer)
    offer_freed()
    offer = open_offer()
    assert offer is not None
    with transaction():
        assert take_offer(actor=login_of(request.asker), offer=offer, now=clock.now()) is None
    with transaction():
        made = take_offer(
            actor=login_of(scene.host), offer=db.session.get_one(Offer, offer.id), now=clock.now()
        )
        assert made is not None
    made = db.session.scalars(select(Meeting).where(Meeting.request_id == request.id)).one()
    assert (made.origin, made.table_id) == (MeetingOrigin.REFILL, meeting.table_id)
    assert db.session.get_one(MeetingRequest, request.id).state == RequestState.ACCEPTED
    assert db.session.get_one(Offer, offer.id).state == OfferState.TAKEN
    assert claims(made) > 0
    with pytest.raises(Conflict):
        mark(undo_no_show, meeting, scene.guest, scene.organizer)
    assert claims(meeting) == 0


def test_staff_book_for_both_who_stand_beside_them(scene: Scene, meeting: Meeting) -> None:
    request = agreed(scene)
    staff = make_user()
    grant(staff, scene.event, EventRole.CHECK_IN_STAFF)
    mark(mark_no_show, meeting, scene.guest, staff)
    offer_freed()
    offer = open_offer()
    assert offer is not None
    with transaction():
        assert take_offer(actor=staff, offer=offer, now=clock.now(), at_once=True) is not None
    assert db.session.get_one(MeetingRequest, request.id).state == RequestState.ACCEPTED


def test_a_late_comer_brings_the_meeting_back(scene: Scene, meeting: Meeting) -> None:
    agreed(scene)
    before = meeting.sequence
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    offer_freed()
    mark(undo_no_show, meeting, scene.guest, login_of(scene.host))
    row = db.session.get_one(Meeting, meeting.id)
    assert (row.status, row.sequence) == (MeetingStatus.CONFIRMED, before + 2)
    assert claims(meeting) > 0
    assert open_offer() is None


def test_who_missed_is_not_offered_and_whom_they_missed_waits_again(scene: Scene, meeting: Meeting) -> None:
    agreed(scene)
    mark(mark_no_show, meeting, scene.host, login_of(scene.guest))
    request = db.session.get_one(Meeting, meeting.id).request
    assert request is not None
    assert request.state == RequestState.AGREED
    offer_freed()
    assert open_offer() is None


@pytest.mark.parametrize("why", ["absent", "no_thanks", "busy"])
def test_who_may_not_or_cannot_is_passed_over(scene: Scene, meeting: Meeting, why: str) -> None:
    best = agreed(scene, priority=Priority.MUST)
    second = agreed(scene)
    if why == "absent":
        end = OPENS + timedelta(hours=1)
        save(Absence(registration_id=best.asker_id, starts_at=OPENS, ends_at=end))
    elif why == "no_thanks":
        save(NoThanks(registration_id=scene.host.id, other_id=best.asker_id, created_at=NOW))
    else:
        other = scene.more_host()
        scene.accept(scene.ask(best.asker, other), OPENS)
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    offer_freed()
    offer = open_offer()
    assert offer is not None
    assert offer.request_id == second.id


def test_an_offer_lapses_and_goes_on(scene: Scene, meeting: Meeting) -> None:
    first = agreed(scene, priority=Priority.MUST)
    second = agreed(scene)
    later = scene.accept(scene.ask(scene.more_guest()), OPENS + 3 * SLOT)
    with transaction():
        row = db.session.get_one(Meeting, later.id)
        cancel_meeting(actor=scene.organizer, meeting=row, reason="Ill", now=clock.now())
    offer_freed()
    offer = open_offer()
    assert offer is not None
    assert offer.request_id == first.id
    clock.set_to(offer.expires_at + timedelta(seconds=1))
    with pytest.raises(Conflict), transaction():
        take_offer(actor=login_of(scene.host), offer=db.session.get_one(Offer, offer.id), now=clock.now())
    offer_freed()
    again = open_offer()
    assert again is not None
    assert again.request_id == second.id


def test_nothing_is_offered_when_too_little_is_left(scene: Scene, meeting: Meeting) -> None:
    agreed(scene)
    clock.set_to(OPENS + timedelta(minutes=8))
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    offer_freed()
    assert open_offer() is None


def test_what_cannot_be_marked(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    clock.set_to(OPENS - timedelta(hours=2))
    with pytest.raises(Conflict):
        mark(mark_arrived, meeting, scene.guest, login_of(scene.guest))
    with pytest.raises(Conflict):
        mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    clock.set_to(BEGUN)
    with pytest.raises(Invalid):
        mark(mark_no_show, meeting, scene.guest, login_of(scene.guest))
    with pytest.raises(NotFound):
        mark(mark_no_show, meeting, scene.guest, login_of(scene.more_guest()))
    with pytest.raises(NotFound):
        mark(mark_arrived, meeting, scene.more_guest(), login_of(scene.host))
    mark(mark_arrived, meeting, scene.guest, login_of(scene.host))
    with pytest.raises(Conflict):
        mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    mark(mark_arrived, meeting, scene.guest, login_of(scene.host), arrived=False)
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    with pytest.raises(Conflict):
        mark(mark_no_show, meeting, scene.guest, login_of(scene.host))


@pytest.mark.every_database
def test_both_say_yes_at_once_and_twice(scene: Scene, meeting: Meeting, database: TestDatabase) -> None:
    """Whatever the order, there is one meeting, and nobody gets an error but a lost race."""
    request = agreed(scene)
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    offer_freed()
    offer = open_offer()
    assert offer is not None
    offer_id, people = offer.id, [request.asker.user_id, scene.host.user_id]
    now, start = clock.now(), Barrier(8)
    failures: list[BaseException] = []

    def say_yes(user_id: int) -> None:
        with database.app.app_context():
            start.wait()
            for _ in range(6):
                try:
                    with transaction():
                        user = db.session.get_one(type(scene.organizer), user_id)
                        take_offer(actor=user, offer=db.session.get_one(Offer, offer_id), now=now)
                    break
                except DomainError:
                    db.session.rollback()
                except BaseException as error:
                    failures.append(error)
                    break

    threads = [Thread(target=say_yes, args=(people[n % 2],)) for n in range(8)]
    db.session.commit()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    db.session.expire_all()
    made = db.session.scalars(select(Meeting).where(Meeting.request_id == request.id)).all()
    assert [one.status for one in made] == [MeetingStatus.CONFIRMED]


# --- Pages ---------------------------------------------------------------------------------------


def test_the_day_page_works_by_touch(scene: Scene, meeting: Meeting, client: FlaskClient) -> None:
    sign_in(client, login_of(scene.host))
    path = f"{scene.path}/floor"
    page = client.get(path, headers={"Accept-Language": "en"})
    assert "Wind sensing" in page.text
    answer = client.post(
        f"{path}/{meeting.id}/mark", data={"person": scene.guest.id, "what": "arrived", "back": path}
    )
    assert (answer.status_code, answer.location) == (303, path)
    assert "来席済み" in client.get(path, headers={"Accept-Language": "ja"}).text
    for wrong in ({"person": scene.guest.id, "what": "sold"}, {"what": "arrived"}, {}):
        assert client.post(f"{path}/{meeting.id}/mark", data=wrong).status_code == 422
    answer = client.post(
        f"{path}/{meeting.id}/mark",
        data={"person": scene.guest.id, "what": "not_arrived", "back": "//evil.example"},
    )
    assert answer.location == path


def test_an_interpreter_sees_the_own_day(scene: Scene, meeting: Meeting, client: FlaskClient) -> None:
    user = make_user()
    row = Interpreter(event_id=scene.event.id, name_latin="Interpreter", user_id=user.id)
    save(row)
    change(meeting, interpreter_id=row.id)
    other = scene.accept(scene.ask(scene.more_guest(), topic="Not theirs"), OPENS + SLOT)
    assert other.id
    sign_in(client, user)
    text = client.get(f"{scene.path}/floor").text
    assert "Wind sensing" in text
    assert "Not theirs" not in text


def test_the_board_says_nothing_private(scene: Scene, meeting: Meeting, client: FlaskClient) -> None:
    change(scene.guest, listed=False)
    staff = make_user()
    grant(staff, scene.event, EventRole.CHECK_IN_STAFF)
    sign_in(client, staff)
    text = client.get(f"{scene.path}/floor/board").text
    assert "防衛イノベーション科学技術研究所" in text
    assert "T1" in text
    for private in ("Wind sensing", "Yamada", "はやぶさ", scene.guest.name):
        assert private not in text
    change(scene.guest, listed=True)
    assert "はやぶさ" in client.get(f"{scene.path}/floor/board").text
    change(db.session.get_one(Meeting, meeting.id), closed=True)
    assert "防衛イノベーション" not in client.get(f"{scene.path}/floor/board").text
    part = client.get(f"{scene.path}/floor/board", headers={"HX-Request": "true"}).text
    assert "<html" not in part


def test_offers_are_told_and_shown_to_the_two_only(
    scene: Scene, meeting: Meeting, client: FlaskClient
) -> None:
    request = agreed(scene, topic="Quantum")
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    offer_freed()
    told = db.session.scalars(select(OutboxMail.to_address).where(OutboxMail.kind == "floor/offered")).all()
    assert sorted(told) == sorted([login_of(request.asker).email, login_of(scene.host).email])
    offer = open_offer()
    assert offer is not None
    sign_in(client, login_of(scene.guest))
    assert "Quantum" not in client.get(f"{scene.path}/floor").text
    assert client.post(f"{scene.path}/floor/offers/{offer.id}/take").status_code == 404
    sign_in(client, login_of(request.asker))
    assert "Quantum" in client.get(f"{scene.path}/floor").text
    assert client.post(f"{scene.path}/floor/offers/{offer.id}/book").status_code == 403
    assert client.post(f"{scene.path}/floor/offers/{offer.id}/take").status_code == 303
    assert client.post(f"{scene.path}/floor/offers/{offer.id}/decline").status_code == 303


def test_an_offer_that_nobody_can_answer_any_more_is_not_shown(
    scene: Scene, meeting: Meeting, client: FlaskClient
) -> None:
    """Not even in the minute before it is ended."""
    request = agreed(scene, topic="Quantum")
    mark(mark_no_show, meeting, scene.guest, login_of(scene.host))
    offer_freed()
    pages = [
        (login_of(request.asker), f"{scene.path}/floor"),
        (scene.organizer, f"{scene.path}/manage/floor"),
    ]
    offer = open_offer()
    assert offer is not None
    over = offer.expires_at
    for over_now in (False, True):
        if over_now:
            clock.set_to(over)
        for reader, path in pages:
            sign_in(client, reader)
            answer = client.get(path)
            assert answer.status_code == 200
            assert ("Quantum" in answer.text) is not over_now


def test_pages_cost_the_same_at_any_length(scene: Scene, client: FlaskClient) -> None:
    counts = []
    made = 0
    clock.set_to(BEGUN)
    for number in (2, 6):
        while made < number:
            scene.accept(scene.ask(scene.more_guest()), OPENS + (made + 1) * SLOT - SLOT)
            made += 1
        row = []
        for user, path in (
            (login_of(scene.host), "/floor"),
            (scene.organizer, "/floor/board"),
            (scene.organizer, "/manage/floor?all=1"),
        ):
            sign_in(client, user)
            with count_queries() as statements:
                assert client.get(scene.path + path).status_code == 200
            row.append(len(statements))
        counts.append(row)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= LIMIT_PER_PAGE
