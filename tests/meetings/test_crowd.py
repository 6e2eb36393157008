"""Many people at several servers at once: one winner per slot, nothing acknowledged is lost, no 500."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.accounts.queries import email_key
from forum_app.db import db, transaction
from forum_app.demo.timetable import publish_greedily
from forum_app.meetings.models import (
    Interpreter,
    Meeting,
    MeetingOrigin,
    MeetingRequest,
    MeetingStatus,
    MeetingStretch,
    OfficeHours,
    Priority,
    RequestState,
)
from forum_app.organizations.models import Kind, Organization
from forum_app.registration.models import ParticipantType, Registration, RegistrationState
from forum_app.timetable.publish_services import LEFT_OUT
from tests.conftest import TestDatabase
from tests.factories import NOW
from tests.meetings.crowd import PROCESSES, Task, let_in, unleash
from tests.meetings.laws import assert_claims_are_consistent, assert_schedule_is_feasible
from tests.meetings.scene import OPENS, SLOT, Scene

SLOTS = 18


def add_people(
    scene: Scene, number: int, kind: ParticipantType, *, hours: bool = False, agencies: bool = False
) -> list[Registration]:
    """Many people in one transaction, each of an organization of their own; hosts with direct hours."""
    with transaction():
        rows = []
        for n in range(number):
            name = f"crowd{kind.id}x{n}"
            organization = Organization(
                name_en=name,
                slug=name,
                kind=Kind.AGENCY if agencies else Kind.STARTUP,
                country="JP",
                created_at=NOW,
            )
            email = f"{name}@people.example"
            user = User(
                email=email, email_key=email_key(email), name_latin=name, verified_at=NOW, created_at=NOW
            )
            db.session.add_all([organization, user])
            db.session.flush()
            row = Registration(
                event_id=scene.event.id,
                type_id=kind.id,
                user_id=user.id,
                organization_id=organization.id,
                name_latin=name,
                email=email,
                email_key=email_key(email),
                listed=True,
                language="ja" if n % 2 else "en",
                state=RegistrationState.APPROVED,
                created_at=NOW,
                state_changed_at=NOW,
            )
            db.session.add(row)
            db.session.flush()
            if hours:
                db.session.add(
                    OfficeHours(
                        event_id=scene.event.id,
                        registration_id=row.id,
                        starts_at=OPENS,
                        ends_at=OPENS + SLOTS * SLOT,
                        slot_minutes=20,
                        direct=True,
                    )
                )
            rows.append(row)
        let_in([row.user_id or 0 for row in rows])
    return rows


def task_for(database: TestDatabase, scene: Scene, tmp_path: Any, **values: Any) -> Task:
    settings: dict[str, Any] = {
        "url": database.settings.database_url,
        "var": str(tmp_path),
        "slug": scene.event.slug,
        "threads": 5,
        "operations": 51,
        "seed": 0,
        "organizer": scene.organizer.id,
        "tables": tuple(table.id for table in scene.tables),
        "starts": tuple(OPENS + n * SLOT for n in range(SLOTS)),
        "guests": (),
    }
    return Task(**settings | values)


def ids(rows: Sequence[Registration]) -> tuple[int, ...]:
    return tuple(row.id for row in rows)


@pytest.mark.every_database
def test_two_hundred_book_one_slot_at_once(database: TestDatabase, scene: Scene, tmp_path: Any) -> None:
    """Two hundred people press the button for the same slot of one host, at two servers: one has it."""
    (host,) = add_people(scene, 1, scene.host_type, hours=True, agencies=True)
    guests = ids(add_people(scene, 200, scene.guest_type))
    parts = [guests[number::PROCESSES] for number in range(PROCESSES)]
    make = task_for(database, scene, tmp_path, hosts=(host.id,), starts=(OPENS,), kinds=("rush",))
    values = vars_of(make) | {"operations": 1}
    db.session.remove()
    log = unleash(lambda n: Task(**values | {"seed": n, "guests": parts[n], "threads": len(parts[n])}))
    assert not log.faults, log.faults[:3]
    assert (len(log.done), log.refused) == (1, 199)
    (meeting,) = db.session.scalars(select(Meeting))
    ((_, (winner, _)),) = log.done
    assert {one.registration_id for one in meeting.participants} == {winner, host.id}
    assert_claims_are_consistent()


@pytest.mark.every_database
def test_five_hundred_random_operations(database: TestDatabase, scene: Scene, tmp_path: Any) -> None:
    """Booking, accepting, moving, cancelling, publishing, repairing: two servers, five threads each."""
    hosts = add_people(scene, 6, scene.host_type, hours=True, agencies=True)
    guests = add_people(scene, 30, scene.guest_type)
    with transaction():
        let_in([scene.organizer.id])
        db.session.add(MeetingStretch(event_id=scene.event.id, starts_at=OPENS, ends_at=OPENS + SLOTS * SLOT))
        db.session.add_all(
            Interpreter(event_id=scene.event.id, name_latin=f"Interpreter {n}", most_run_minutes=40)
            for n in range(2)
        )
        db.session.add_all(
            MeetingRequest(
                event_id=scene.event.id,
                asker_id=guest.id,
                host_id=host.id,
                topic="Radar",
                priority=Priority.MUST if n % 2 else Priority.WANT,
                needs_interpreter=n % 4 == 0,
                state=RequestState.AGREED if n % 3 else RequestState.PENDING,
                created_at=NOW,
            )
            for n, guest in enumerate(guests[10:])
            for host in hosts[:3]
        )
    kinds = ("book",) * 5 + ("accept",) * 4 + ("move",) * 5 + ("cancel",) * 4 + ("publish", "repair")
    make = task_for(database, scene, tmp_path, hosts=ids(hosts), guests=ids(guests), kinds=kinds)
    values = vars_of(make)
    with transaction():  # so that there is a schedule to move, cancel and repair, whoever is overtaken later
        publish_greedily(db.session.merge(scene.event), actor=None, now=NOW)
    event, event_id = scene.event, scene.event.id
    db.session.remove()
    log = unleash(lambda n: Task(**{**values, "seed": n + 1}))
    assert not log.faults, log.faults[:3]
    assert len(log.done) + log.refused >= 500
    did = Counter(kind for kind, _ in log.done)
    assert min(did[kind] for kind in ("book", "accept", "move", "cancel", "repair")) > 0, did
    assert_claims_are_consistent()
    db.session.add(event)
    assert assert_schedule_is_feasible(event) > 5
    assert_nothing_was_lost(event_id, log.done)


def assert_nothing_was_lost(event_id: int, done: Sequence[tuple[str, Any]]) -> None:
    """Meetings in the database are those that were acknowledged, as often moved, and ended only by word."""
    meetings = db.session.scalars(select(Meeting).where(Meeting.event_id == event_id)).all()
    booked = Counter(acknowledged for kind, acknowledged in done if kind == "book")
    accepted = Counter(acknowledged for kind, acknowledged in done if kind == "accept")
    direct = [one for one in meetings if one.origin is MeetingOrigin.DIRECT]
    pairs = Counter(pair_of(one) for one in direct)
    by_request = Counter(one.request_id for one in direct)
    assert len(direct) == booked.total() + accepted.total()
    assert all(pairs[pair] >= times for pair, times in booked.items())
    assert all(by_request[request] >= times for request, times in accepted.items())
    cancelled = {one.id for one in meetings if one.status is MeetingStatus.CANCELLED}
    left_out = {one.id for one in meetings if one.cancel_reason == LEFT_OUT}
    assert cancelled - left_out == {acknowledged for kind, acknowledged in done if kind == "cancel"}
    moves = Counter(acknowledged for kind, acknowledged in done if kind == "move")
    for one in direct:
        assert one.sequence == moves[one.id] + (one.id in cancelled)
        assert one.ends_at - one.starts_at == timedelta(minutes=20)


def pair_of(meeting: Meeting) -> tuple[int, int]:
    """Guest and host."""
    host, guest = sorted(meeting.participants, key=lambda one: one.role != "host")
    return guest.registration_id, host.registration_id


def vars_of(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in Task.__dataclass_fields__}
