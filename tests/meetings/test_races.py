"""Fifty at once: exactly one gets the slot, the others get the next free ones; on both databases."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.core.errors import Conflict, Invalid
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.meetings.booking_services import accept_request, cancel_meeting, move_meeting
from forum_app.meetings.models import (
    Interpreter,
    Meeting,
    MeetingRequest,
    MeetingStatus,
    MeetingTable,
    RequestState,
)
from forum_app.meetings.services import request_meeting
from forum_app.registration.models import Registration
from tests.factories import NOW, make_room, save
from tests.meetings.laws import assert_claims_are_consistent
from tests.meetings.scene import OPENS, SLOT, Scene, add_hours

AT_ONCE = 50


def at_once(app: Flask, attempts: list[Callable[[], object]]) -> list[object]:
    """Run all attempts at the same moment, each in a thread with its own session; results or errors."""
    barrier = Barrier(len(attempts))
    results: list[object] = [None] * len(attempts)

    def run(number: int) -> None:
        with app.app_context():
            try:
                db.session.connection()  # connected before the start, so that they really meet
                db.session.rollback()
            except Exception as error:
                results[number] = error
            barrier.wait(60)
            try:
                results[number] = attempts[number]()
            except Exception as error:
                results[number] = error
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=(number,)) for number in range(len(attempts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def accepting(
    request_id: int, *, starts_at: datetime = OPENS, table_id: int | None = None
) -> Callable[[], object]:
    """An attempt to accept, as the view does it: one transaction, everything loaded inside."""

    def attempt() -> object:
        with transaction():
            request = db.session.get_one(MeetingRequest, request_id)
            assert request.host.user is not None
            return accept_request(
                actor=request.host.user,
                event=db.session.get_one(Event, request.event_id),
                request=request,
                starts_at=starts_at,
                table_id=table_id,
                now=NOW,
            ).id

    return attempt


@pytest.fixture
def wide(app: Flask) -> Flask:
    """Enough connections that fifty threads hold one each."""
    options = app.extensions["sqlalchemy"].engines[None].pool
    options._max_overflow = AT_ONCE + 10
    return app


def won_and_lost(results: list[object]) -> tuple[list[int], list[Conflict]]:
    """Ids of meetings and refusals; anything else is a fault."""
    faults = [r for r in results if not isinstance(r, int | Conflict)]
    assert not faults, faults[:3]
    return [r for r in results if isinstance(r, int)], [r for r in results if isinstance(r, Conflict)]


@pytest.mark.every_database
def test_fifty_into_one_slot_of_one_host(wide: Flask, scene: Scene) -> None:
    save(*[MeetingTable(event_id=scene.event.id, label=f"X{n}") for n in range(AT_ONCE)])
    ids = [scene.ask(scene.more_guest()).id for _ in range(AT_ONCE)]
    db.session.remove()
    won, lost = won_and_lost(at_once(wide, [accepting(one) for one in ids]))
    assert len(won) == 1
    assert len(lost) == AT_ONCE - 1
    assert all(conflict.alternatives for conflict in lost)
    assert all(OPENS not in {slot.start for slot in c.alternatives} for c in lost)  # type: ignore[attr-defined]
    assert_claims_are_consistent()
    assert count_meetings() == 1
    assert count_requests(RequestState.ACCEPTED) == 1


@pytest.mark.every_database
def test_fifty_hosts_at_one_table(wide: Flask, scene: Scene) -> None:
    table = scene.tables[0].id
    ids = [scene.ask(scene.more_guest(), scene.more_host()).id for _ in range(AT_ONCE)]
    db.session.remove()
    won, lost = won_and_lost(at_once(wide, [accepting(one, table_id=table) for one in ids]))
    assert len(won) == 1
    assert all(conflict.alternatives for conflict in lost)
    assert_claims_are_consistent()


@pytest.mark.every_database
def test_fifty_hosts_and_two_tables_of_their_choice(wide: Flask, scene: Scene) -> None:
    ids = [scene.ask(scene.more_guest(), scene.more_host()).id for _ in range(AT_ONCE)]
    db.session.remove()
    won, _ = won_and_lost(at_once(wide, [accepting(one) for one in ids]))
    assert len(won) == 2
    assert_claims_are_consistent()


@pytest.mark.every_database
def test_nobody_is_booked_into_two_buildings_at_once(wide: Flask, scene: Scene) -> None:
    rooms = [make_room(scene.event, name_en=name, building=name) for name in ("Main", "Annex")]
    hosts = [scene.more_host() for _ in range(12)]
    attempts = []
    for number, host in enumerate(hosts):
        for slot, room in enumerate(rooms):
            table = MeetingTable(event_id=scene.event.id, label=f"{room.building}{number}", room_id=room.id)
            save(table)
            request = scene.ask(scene.more_guest(), host)
            starts_at = OPENS + slot * SLOT  # the one right after the other
            attempts.append(accepting(request.id, starts_at=starts_at, table_id=table.id))
    db.session.remove()
    results = at_once(wide, attempts)
    won_and_lost(results)
    for pair in zip(results[::2], results[1::2], strict=True):
        assert sum(isinstance(result, int) for result in pair) == 1, pair
    assert_claims_are_consistent()


@pytest.mark.every_database
def test_one_request_accepted_fifty_times(wide: Flask, scene: Scene) -> None:
    request_id = scene.ask().id
    db.session.remove()
    won, _ = won_and_lost(at_once(wide, [accepting(request_id)] * 20))
    assert len(won) == 1
    assert count_meetings() == 1
    assert_claims_are_consistent()


@pytest.mark.every_database
def test_the_same_pair_asked_many_times(wide: Flask, scene: Scene) -> None:
    event_id, guest_id, host_id = scene.event.id, scene.guest.id, scene.host.id
    db.session.remove()

    def attempt() -> object:
        with transaction():
            guest = db.session.get_one(Registration, guest_id)
            assert guest.user is not None
            return request_meeting(
                actor=guest.user,
                event=db.session.get_one(Event, event_id),
                asker=guest,
                host=db.session.get_one(Registration, host_id),
                topic="Sensing",
                now=NOW,
            ).id

    won, _ = won_and_lost(at_once(wide, [attempt] * 20))
    assert len(won) == 1


@pytest.mark.every_database
def test_swapping_and_cancelling_at_once(wide: Flask, scene: Scene) -> None:
    """Moves that cross one another, cancellations and bookings: whatever wins, the claims are right."""
    ids = [scene.accept(scene.ask(scene.more_guest()), OPENS + n * SLOT).id for n in range(4)]
    waiting = [scene.ask(scene.more_guest()).id for _ in range(4)]
    organizer_id = scene.organizer.id
    db.session.remove()

    def moving(meeting_id: int, slot: int) -> Callable[[], object]:
        def attempt() -> object:
            with transaction():
                meeting = db.session.get_one(Meeting, meeting_id)
                actor = db.session.get_one(type(scene.organizer), organizer_id)
                move_meeting(actor=actor, meeting=meeting, starts_at=OPENS + slot * SLOT, now=NOW)
                return meeting_id

        return attempt

    def cancelling(meeting_id: int) -> Callable[[], object]:
        def attempt() -> object:
            with transaction():
                meeting = db.session.get_one(Meeting, meeting_id)
                cancel_meeting(actor=None, meeting=meeting, reason="storm", now=NOW)
                return meeting_id

        return attempt

    attempts: list[Callable[[], object]] = []
    for n, meeting_id in enumerate(ids):
        attempts += [moving(meeting_id, (n + 1) % 4), moving(meeting_id, (n + 5) % 6)]
    attempts += [cancelling(ids[0]), cancelling(ids[0])]
    attempts += [accepting(one, starts_at=OPENS + n * SLOT) for n, one in enumerate(waiting)]
    won_and_lost(at_once(wide, attempts))
    assert_claims_are_consistent()


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_keeps_the_law(scene: Scene, seed: int) -> None:
    """Random bookings, moves and cancellations: claims cover exactly the confirmed meetings."""
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    save(Interpreter(event_id=scene.event.id, name_latin="Aiko Mori"))
    second = scene.more_host(hours=False)
    add_hours(second, OPENS + timedelta(minutes=10), 90, 30)
    hosts = [scene.host, second]
    requests: list[MeetingRequest] = []
    meetings: list[Meeting] = []
    done = refused = 0
    for _ in range(40):
        start = OPENS + timedelta(minutes=5 * dice.randrange(24))
        table = dice.choice([None, *[table.id for table in scene.tables]])
        try:
            match dice.choice(["ask", "accept", "accept", "move", "cancel"]):
                case "ask":
                    requests.append(
                        scene.ask(
                            scene.more_guest(), dice.choice(hosts), needs_interpreter=dice.random() < 0.3
                        )
                    )
                case "accept" if requests:
                    meetings.append(scene.accept(dice.choice(requests), start, table_id=table))
                case "move" if meetings:
                    with transaction():
                        move_meeting(
                            actor=scene.organizer,
                            meeting=dice.choice(meetings),
                            starts_at=start,
                            table_id=table,
                            now=NOW,
                        )
                case "cancel" if meetings:
                    with transaction():
                        cancel_meeting(actor=None, meeting=dice.choice(meetings), reason="x", now=NOW)
                case _:
                    continue
            done += 1
        except (Conflict, Invalid):
            refused += 1
        assert_claims_are_consistent()
    assert done >= 5
    assert refused >= 5


def count_meetings() -> int:
    return (
        db.session.scalar(
            select(func.count()).select_from(Meeting).where(Meeting.status == MeetingStatus.CONFIRMED)
        )
        or 0
    )


def count_requests(state: RequestState) -> int:
    return (
        db.session.scalar(
            select(func.count()).select_from(MeetingRequest).where(MeetingRequest.state == state)
        )
        or 0
    )
