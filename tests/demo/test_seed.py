"""The demonstration forum holds what it promises, and nothing in it contradicts."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem
from forum_app.agenda.queries import current_agenda
from forum_app.core.intervals import grid_cells
from forum_app.db import db, transaction
from forum_app.demo.bench import seed_bench
from forum_app.demo.seed import is_seeded, seed_demo
from forum_app.demo.world import ACCOUNTS, CLOSED, FORUM, PAST
from forum_app.events.models import Event, Room
from forum_app.events.queries import get_event_by_slug
from forum_app.meetings.models import (
    Claim,
    Interpreter,
    Meeting,
    MeetingRequest,
    MeetingTable,
    OfficeHours,
    ResourceKind,
)
from forum_app.meetings.rule_enforcement_services import end_what_rules_forbid
from forum_app.organizations.models import Exclusion, Organization
from forum_app.pitches.models import PitchCall, PitchReview, PitchSubmission
from forum_app.registration.models import SEATED, ParticipantType, Registration
from tests.factories import NOW


def count(model: type, *where: object) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0  # type: ignore[arg-type]


@pytest.mark.every_database
def test_the_demonstration_forum(app: Flask) -> None:
    settings = app.config["FORUM_SETTINGS"]
    assert not is_seeded()
    seed_demo(settings=settings, now=NOW)
    before = count(Registration)
    seed_demo(settings=settings, now=NOW)
    assert count(Registration) == before

    event = get_event_by_slug(FORUM)
    assert count(Registration, Registration.event_id == event.id) >= 120
    assert count(Organization) == 60
    assert count(Room, Room.event_id == event.id) == 4
    assert count(AgendaItem, AgendaItem.event_id == event.id) == 40
    call = db.session.scalars(select(PitchCall).where(PitchCall.event_id == event.id)).one()
    assert count(PitchSubmission, PitchSubmission.call_id == call.id) == 24
    assert count(PitchReview) > 24
    assert count(MeetingTable, MeetingTable.event_id == event.id) == 12
    assert count(Interpreter, Interpreter.event_id == event.id) == 6
    assert count(MeetingRequest, MeetingRequest.event_id == event.id) == 300
    agenda = current_agenda(event)
    assert agenda is not None
    assert len(agenda.items) == 40
    # as entries of this forum they are known again in somebody's own calendar, and unlike any other's
    own = f"@{settings.uid_domain}"
    assert count(AgendaItem, ~AgendaItem.uid.endswith(own)) == count(Meeting, ~Meeting.uid.endswith(own)) == 0
    emails = set(db.session.scalars(select(User.email)))
    assert {email for email, *_ in ACCOUNTS} <= emails
    assert all(email.endswith(".example") for email in emails)
    for slug in ("diu", "iqt"):
        hours = (
            select(func.count())
            .select_from(OfficeHours)
            .join(Registration, Registration.id == OfficeHours.registration_id)
            .join(Organization, Organization.id == Registration.organization_id)
            .where(Organization.slug == slug, OfficeHours.event_id == event.id)
        )
        assert db.session.scalar(hours)
    assert get_event_by_slug(PAST).ends_on < event.starts_on < get_event_by_slug(CLOSED).starts_on


def test_claims_and_seats_agree_with_what_is_booked(app: Flask) -> None:
    seed_demo(settings=app.config["FORUM_SETTINGS"], now=NOW)
    claimed = set(
        db.session.execute(
            select(Claim.meeting_id, Claim.resource_kind, Claim.resource_id, Claim.slot_at)
        ).all()
    )
    wanted = set()
    for meeting in db.session.scalars(select(Meeting)):
        uses = [(ResourceKind.PERSON, p.registration.user_id) for p in meeting.participants]
        if meeting.table_id is not None:  # remote ones have none
            uses.append((ResourceKind.TABLE, meeting.table_id))
        if meeting.interpreter_id is not None:
            uses.append((ResourceKind.INTERPRETER, meeting.interpreter_id))
        for cell in grid_cells(meeting.starts_at, meeting.ends_at):
            wanted |= {(meeting.id, kind, number, cell) for kind, number in uses}
    assert claimed == wanted
    for row in db.session.scalars(select(ParticipantType)):
        seated = count(Registration, Registration.type_id == row.id, Registration.state.in_(SEATED))
        assert row.seats_taken == seated


def test_the_benchmark_event_has_the_size_asked_for(app: Flask) -> None:
    for _ in range(2):
        seed_bench(items=30, speakers=12, registrants=40, editions=2, now=NOW)
    assert set(db.session.scalars(select(Event.slug))) == {"bench", "bench-2"}
    event = get_event_by_slug("bench")
    assert count(AgendaItem, AgendaItem.event_id == event.id) == 30
    assert count(Registration, Registration.event_id == event.id) == 40
    assert count(Room, Room.event_id == event.id) == 8
    assert (event.ends_on - event.starts_on).days == 2


def test_nothing_in_the_demonstration_is_against_a_rule(app: Flask) -> None:
    seed_demo(settings=app.config["FORUM_SETTINGS"], now=NOW)
    assert count(Exclusion) > 5
    with transaction():
        assert end_what_rules_forbid(now=NOW) == 0
