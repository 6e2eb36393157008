"""What must hold whatever happened."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from forum_app.core.intervals import Interval, overlaps
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.problem import Assignment, Interpreter, Participant, Problem
from forum_app.core.scheduling.problem import Meeting as Wished
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.busy_queries import busy_of, read_walk
from forum_app.meetings.models import Claim, Meeting, MeetingFormat, MeetingStatus, ResourceKind
from forum_app.meetings.resource_queries import list_helpers, list_places, serving_places
from forum_app.meetings.slot_queries import list_slots


def assert_claims_are_consistent() -> None:
    """Claims cover exactly the confirmed meetings: all people, table, interpreter; nothing is used twice."""
    db.session.rollback()
    db.session.expire_all()
    expected: Counter[tuple[str, int, object]] = Counter()
    for meeting in db.session.scalars(select(Meeting).where(Meeting.status == MeetingStatus.CONFIRMED)):
        assert (meeting.table_id is None) == (meeting.format is MeetingFormat.REMOTE)
        used = [(ResourceKind.TABLE, meeting.table_id)] if meeting.table_id is not None else []
        if meeting.interpreter_id is not None:
            used.append((ResourceKind.INTERPRETER, meeting.interpreter_id))
        for participant in meeting.participants:
            assert participant.registration.user_id is not None
            used.append((ResourceKind.PERSON, participant.registration.user_id))
        assert len(meeting.participants) >= 2
        cell = meeting.starts_at
        while cell < meeting.ends_at:
            expected.update((kind.value, number, cell) for kind, number in used)
            cell += timedelta(minutes=5)
    assert all(times == 1 for times in expected.values()), "something is used twice"
    found = Counter(
        (claim.resource_kind.value, claim.resource_id, claim.slot_at)
        for claim in db.session.scalars(select(Claim))
    )
    assert found == expected


def assert_schedule_is_feasible(event: Event) -> int:
    """What the database holds is a schedule that the independent checker accepts; how many meetings.

    For meetings of two on the slots of the event; the instance is made here from rows, not by the product.
    """
    db.session.rollback()
    db.session.expire_all()
    slots = [slot.span for slot in list_slots(event.id)]
    meetings = db.session.scalars(
        select(Meeting)
        .where(Meeting.event_id == event.id, Meeting.status == MeetingStatus.CONFIRMED)
        .order_by(Meeting.id)
    ).all()
    places, helpers = list_places(event.id), list_helpers(event.id)
    people = sorted({one.registration_id for meeting in meetings for one in meeting.participants})
    logins = {
        one.registration_id: one.registration.user_id or 0
        for meeting in meetings
        for one in meeting.participants
    }
    busy = busy_of(event, list(logins.values()), without=[meeting.id for meeting in meetings])

    def away(times: Sequence[Interval]) -> frozenset[int]:
        return frozenset(n for n, slot in enumerate(slots) if any(overlaps(slot, time) for time in times))

    wished, rows = [], []
    tables = {place.id: index for index, place in enumerate(places)}
    interpreters = {helper.id: index for index, helper in enumerate(helpers)}
    for index, meeting in enumerate(meetings):
        host, guest = sorted(meeting.participants, key=lambda one: one.role != "host")
        organizations = [one.registration.organization_id for one in (host, guest)]
        serving = serving_places(places, organizations, closed=meeting.closed)
        remote = meeting.format is MeetingFormat.REMOTE
        wished.append(
            Wished(
                people.index(host.registration_id),
                people.index(guest.registration_id),
                tables=None if remote else tuple(sorted(tables[place.id] for place in serving)),
                interpreters=None if meeting.interpreter_id is None else tuple(range(len(helpers))),
            )
        )
        assert Interval(meeting.starts_at, meeting.ends_at) in slots
        slot = slots.index(Interval(meeting.starts_at, meeting.ends_at))
        table = None if meeting.table_id is None else tables[meeting.table_id]
        helper = None if meeting.interpreter_id is None else interpreters[meeting.interpreter_id]
        rows.append(Assignment(index, slot, table, helper))
    walk = read_walk(event.id)
    names = sorted({place.building for place in places if place.building is not None})
    problem = Problem(
        n_slots=len(slots),
        n_tables=len(places),
        participants=tuple(Participant(unavailable=away(busy[logins[person]])) for person in people),
        meetings=tuple(wished),
        interpreters=tuple(
            Interpreter(
                unavailable=frozenset(n for n, slot in enumerate(slots) if not helper.is_there(slot)),
                max_run=None if helper.most_run is None else helper.most_run // slots[0].duration,
            )
            for helper in helpers
        ),
        table_unavailable=tuple(
            frozenset(n for n, slot in enumerate(slots) if not place.is_there(slot)) for place in places
        ),
        buildings=tuple(None if place.building is None else names.index(place.building) for place in places),
        near=tuple(
            frozenset(
                n
                for n, other in enumerate(slots)
                if other.start < slot.end + walk and slot.start < other.end + walk and other != slot
            )
            for slot in slots
        ),
    )
    report = check(problem, rows)
    assert report.feasible, report.violations
    return report.placed
