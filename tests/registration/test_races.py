"""Many people at once at few seats, on real databases with real threads."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.accounts.queries import email_key
from forum_app.core.errors import Conflict
from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole
from forum_app.mail.models import OutboxMail
from forum_app.registration.models import SEATED, ParticipantType, Registration, RegistrationState
from forum_app.registration.services import Consents, Details, cancel, check_in, decide, register
from tests.factories import NOW, grant, make_event, make_participant_type, make_registration, make_user

pytestmark = pytest.mark.every_database
S = RegistrationState
DETAILS = Details(name_latin="Somebody")


def make_users(number: int) -> list[int]:
    users = [
        User(
            email=f"racer{index}@people.example",
            email_key=email_key(f"racer{index}@people.example"),
            name_latin=f"Racer {index}",
            created_at=NOW,
            verified_at=NOW,
        )
        for index in range(number)
    ]
    with transaction():
        db.session.add_all(users)
    return [user.id for user in users]


def at_once(app: Flask, works: list[Callable[[], str]], threads: int) -> Counter[str]:
    """Run the works on threads that start together, each in a context of its own; count the results.

    The number of works is a multiple of the number of threads.
    """
    barrier = Barrier(min(threads, len(works)))

    def run(work: Callable[[], str]) -> str:
        barrier.wait(timeout=30)
        with app.app_context():
            try:
                with transaction():
                    return work()
            except Conflict:
                return "conflict"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(run, works))


def look_again() -> None:
    db.session.rollback()
    db.session.expire_all()


def states(event: Event) -> Counter[RegistrationState]:
    look_again()
    return Counter(
        db.session.scalars(select(Registration.state).where(Registration.event_id == event.id)).all()
    )


def registering(event: Event, kind: ParticipantType, user_id: int) -> Callable[[], str]:
    event_id, type_id = event.id, kind.id

    def work() -> str:
        user = db.session.get_one(User, user_id)
        place = db.session.get_one(Event, event_id)
        row = register(
            actor=user,
            event=place,
            type_id=type_id,
            details=DETAILS,
            consents=Consents(privacy=True),
            now=NOW,
        )
        return row.state.value

    return work


def cancelling(registration_id: int) -> Callable[[], str]:
    def work() -> str:
        row = db.session.get_one(Registration, registration_id)
        assert row.user is not None
        cancel(actor=row.user, registration=row, now=NOW)
        return "cancelled"

    return work


def test_fifty_people_at_ten_seats(app: Flask) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False, seats=10)
    works = [registering(event, kind, user_id) for user_id in make_users(50)]
    results = at_once(app, works, 50)
    assert results == {"approved": 10, "waitlisted": 40}
    assert states(event) == {S.APPROVED: 10, S.WAITLISTED: 40}
    assert kind.seats_taken == 10
    assert db.session.scalar(select(func.count()).select_from(OutboxMail)) == 50


def test_one_person_who_registers_twenty_times(app: Flask) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False, seats=10)
    (user_id,) = make_users(1)
    results = at_once(app, [registering(event, kind, user_id) for _ in range(20)], 20)
    assert results == {"approved": 1, "conflict": 19}
    assert states(event) == {S.APPROVED: 1}
    assert kind.seats_taken == 1


def test_cancelling_and_joining_at_once_leaves_no_seat_empty(app: Flask) -> None:
    event = make_event()
    kind = make_participant_type(event, needs_vetting=False, seats=8)
    users = make_users(40)
    for user_id in users[:16]:
        with transaction():
            registering(event, kind, user_id)()
    seated = db.session.scalars(
        select(Registration.id).where(Registration.state == S.APPROVED).order_by(Registration.id)
    ).all()
    waiting = db.session.scalars(select(Registration.id).where(Registration.state == S.WAITLISTED)).all()
    leaving = [cancelling(one) for one in (*seated[:6], *waiting[:2])]
    joining = [registering(event, kind, user_id) for user_id in users[16:]]
    mixed = [work for pair in zip(leaving, joining[:8], strict=True) for work in pair] + joining[8:]
    results = at_once(app, mixed, 32)
    # a person promoted in the same moment may be told to look again; nobody else is refused
    assert results["conflict"] <= 2
    found = states(event)
    assert found[S.APPROVED] == kind.seats_taken == 8
    assert found.total() == 40
    assert found[S.CANCELLED] == results["cancelled"] >= 6
    # seats go down the line: nobody who still waits came before somebody who has one
    lines = {
        state: db.session.scalars(select(Registration.id).where(Registration.state == state)).all()
        for state in (S.APPROVED, S.WAITLISTED)
    }
    assert max(lines[S.APPROVED]) < min(lines[S.WAITLISTED])


def test_seats_raised_while_people_leave_and_officers_approve(app: Flask) -> None:
    event = make_event()
    kind = make_participant_type(event, seats=5)
    officer = make_user()
    grant(officer, event, EventRole.VETTING_OFFICER)
    rows = [make_registration(event, participant_type=kind, state=S.APPLIED) for _ in range(20)]
    ids = [row.id for row in rows]
    officer_id = officer.id

    def approving(registration_id: int) -> Callable[[], str]:
        def work() -> str:
            row = db.session.get_one(Registration, registration_id)
            actor = db.session.get_one(User, officer_id)
            return decide(actor=actor, registration=row, to=S.APPROVED, now=NOW).value

        return work

    # two officers decide about each registration at the same moment
    at_once(app, [approving(one) for one in ids for _ in range(2)], 20)
    found = states(event)
    assert found == {S.APPROVED: 5, S.WAITLISTED: 15}
    assert kind.seats_taken == 5
    told = db.session.scalar(select(func.count()).select_from(OutboxMail))
    assert told == 20  # each person once


def test_two_staff_at_one_ticket(app: Flask) -> None:
    event = make_event()
    row = make_registration(event)
    staff = make_user()
    grant(staff, event, EventRole.CHECK_IN_STAFF)
    row_id, staff_id, version = row.id, staff.id, row.version

    def work() -> str:
        found = db.session.get_one(Registration, row_id)
        actor = db.session.get_one(User, staff_id)
        return check_in(actor=actor, registration=found, version=version, now=NOW).state.value

    assert at_once(app, [work] * 10, 10) == {"checked_in": 1, "conflict": 9}
    assert states(event) == {S.CHECKED_IN: 1}


def test_seated_are_counted_once(app: Flask) -> None:
    """A declined seat and a promotion race with manual approval of the same waiting person."""
    event = make_event()
    kind = make_participant_type(event, seats=1)
    officer = make_user()
    grant(officer, event)
    seated = make_registration(event, participant_type=kind)
    waiting = make_registration(event, participant_type=kind, state=S.WAITLISTED, waitlisted_at=NOW)
    with transaction():
        kind.seats_taken = 1
    seated_id, waiting_id, officer_id = seated.id, waiting.id, officer.id

    def deciding(registration_id: int, to: RegistrationState) -> Callable[[], str]:
        def work() -> str:
            row = db.session.get_one(Registration, registration_id)
            actor = db.session.get_one(User, officer_id)
            return decide(actor=actor, registration=row, to=to, now=NOW, reason="so").value

        return work

    works = [deciding(seated_id, S.DECLINED), *[deciding(waiting_id, S.APPROVED)] * 5]
    at_once(app, works, 6)
    look_again()
    rows = db.session.scalars(select(Registration.state).where(Registration.state.in_(SEATED))).all()
    assert len(rows) == kind.seats_taken <= 1
