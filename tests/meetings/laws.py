"""What must hold whatever happened."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import select

from forum_app.db import db
from forum_app.meetings.models import Claim, Meeting, MeetingStatus, ResourceKind


def assert_claims_are_consistent() -> None:
    """Claims cover exactly the confirmed meetings: both people, table, interpreter; nothing is used twice."""
    db.session.rollback()
    db.session.expire_all()
    expected: Counter[tuple[str, int, object]] = Counter()
    for meeting in db.session.scalars(select(Meeting).where(Meeting.status == MeetingStatus.CONFIRMED)):
        assert meeting.table_id is not None
        used = [(ResourceKind.TABLE, meeting.table_id)]
        if meeting.interpreter_id is not None:
            used.append((ResourceKind.INTERPRETER, meeting.interpreter_id))
        for participant in meeting.participants:
            assert participant.registration.user_id is not None
            used.append((ResourceKind.PERSON, participant.registration.user_id))
        assert len(meeting.participants) == 2
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
