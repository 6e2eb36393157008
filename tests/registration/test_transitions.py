"""Laws of the states, tried with random sequences of what people and officers do."""

from collections import Counter
from datetime import timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from forum_app.core.errors import DomainError
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.registration.models import (
    ACTIVE,
    SEATED,
    TRANSITIONS,
    ParticipantType,
    Registration,
    RegistrationState,
)
from forum_app.registration.services import (
    Consents,
    Details,
    TypeDetails,
    cancel,
    change_state,
    move_to_type,
    register,
    update_type,
)
from tests.factories import NOW, grant, make_event, make_participant_type, make_user

S = RegistrationState
PEOPLE = 5
step = st.one_of(
    st.tuples(st.just("register"), st.integers(0, PEOPLE - 1), st.integers(0, 2)),
    st.tuples(st.just("cancel"), st.integers(0, PEOPLE - 1), st.just(0)),
    st.tuples(st.just("move"), st.integers(0, PEOPLE - 1), st.integers(0, 2)),
    st.tuples(st.just("seats"), st.integers(0, 2), st.integers(0, 3)),
    *[st.tuples(st.just(state.value), st.integers(0, PEOPLE - 1), st.just(0)) for state in S],
)


def check_laws(event: Event, kinds: list[ParticipantType]) -> None:
    db.session.expire_all()
    rows = db.session.scalars(select(Registration).where(Registration.event_id == event.id)).all()
    seated = Counter(row.type_id for row in rows if row.state in SEATED)
    for kind in kinds:
        assert kind.seats_taken == seated[kind.id]
        assert kind.seats is None or kind.seats_taken <= kind.seats
        waiting = [row for row in rows if row.type_id == kind.id and row.state == S.WAITLISTED]
        if waiting:  # nobody waits beside a free seat that came free while they waited
            assert kind.seats is not None
            assert all(row.waitlisted_at is not None for row in waiting)
    active = Counter(row.user_id for row in rows if row.state in ACTIVE)
    assert not active or max(active.values()) == 1
    for row in rows:
        assert (row.checked_in_at is not None) == (row.state == S.CHECKED_IN)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=25))
def test_random_sequences_keep_the_laws(app: Flask, steps: list[tuple[str, int, int]]) -> None:
    event = make_event()
    organizer = make_user()
    grant(organizer, event)
    people = [make_user() for _ in range(PEOPLE)]
    kinds = [
        make_participant_type(event, needs_vetting=False, seats=1),
        make_participant_type(event, needs_vetting=True, seats=2),
        make_participant_type(event, needs_vetting=False, seats=0),
    ]

    def latest(index: int) -> Registration | None:
        return db.session.scalar(
            select(Registration)
            .where(Registration.event_id == event.id, Registration.user_id == people[index].id)
            .order_by(Registration.id.desc())
            .limit(1)
        )

    def act(what: str, index: int, choice: int, now: Any) -> None:
        if what == "register":
            register(
                actor=people[index],
                event=event,
                type_id=kinds[choice].id,
                details=Details(name_latin="A"),
                consents=Consents(privacy=True),
                now=now,
            )
            return
        if what == "seats":
            kind = kinds[index]
            details = TypeDetails(code=kind.code, name_en="A", seats=choice, needs_vetting=kind.needs_vetting)
            update_type(actor=organizer, event=event, kind=kind, details=details, now=now)
            return
        row = latest(index)
        if row is None:
            return
        if what == "cancel":
            cancel(actor=people[index], registration=row, now=now)
        elif what == "move":
            move_to_type(
                actor=organizer, registration=row, type_id=kinds[choice].id, version=row.version, now=now
            )
        else:
            before = row.state
            after = change_state(actor=organizer, registration=row, to=S(what), now=now, reason="so")
            assert after in TRANSITIONS[before]

    for number, (what, index, choice) in enumerate(steps):
        try:
            with transaction():
                act(what, index, choice, NOW + timedelta(minutes=number))
        except DomainError:
            pass
        check_laws(event, kinds)


def test_every_state_has_its_transitions() -> None:
    assert set(TRANSITIONS) == set(S)
    assert S.CANCELLED in TRANSITIONS[S.APPROVED]
    for before, allowed in TRANSITIONS.items():
        assert before not in allowed
