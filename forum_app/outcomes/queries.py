"""Reading outcomes. What one side keeps private leaves this module only for that side."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from forum_app.db import db
from forum_app.meetings.models import Meeting, MeetingStatus
from forum_app.outcomes.models import Outcome, Wish
from forum_app.registration.models import Registration
from forum_app.web.tables import Page, TableState, contains, paginate

_PERSON = joinedload(Outcome.registration).joinedload(Registration.organization)


def find_outcome(meeting_id: int, registration_id: int) -> Outcome | None:
    """What this participant noted of the meeting."""
    return db.session.scalar(
        select(Outcome).where(Outcome.meeting_id == meeting_id, Outcome.registration_id == registration_id)
    )


def list_outcomes(meeting_ids: Collection[int]) -> dict[int, list[Outcome]]:
    """All outcomes of these meetings by meeting, private ones too: for those who filter them on."""
    found: dict[int, list[Outcome]] = {}
    if meeting_ids:
        rows = db.session.scalars(
            select(Outcome).where(Outcome.meeting_id.in_(meeting_ids)).options(_PERSON).order_by(Outcome.id)
        )
        for row in rows:
            found.setdefault(row.meeting_id, []).append(row)
    return found


def shared_sides(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes of one meeting that are open to the other sides: those shared, if at least two are."""
    shared = [row for row in outcomes if row.shared]
    return shared if len(shared) > 1 else []


def known_outcomes(
    meetings: Sequence[Meeting], *, organization_id: int | None, insider: bool
) -> Mapping[int, list[Outcome]]:
    """By meeting, what a reader may know of what came of it.

    insider: the reader belongs to organization_id, whose own outcomes they know; of the others, and
    for everybody else, only what both sides share.
    """
    known: dict[int, list[Outcome]] = {}
    for meeting_id, rows in list_outcomes([meeting.id for meeting in meetings]).items():
        open_ids = {row.id for row in shared_sides(rows)}
        seen = [
            row
            for row in rows
            if row.id in open_ids
            or (insider and organization_id and row.registration.organization_id == organization_id)
        ]
        if seen:
            known[meeting_id] = seen
    return known


@dataclass(frozen=True, slots=True)
class OutcomeFigures:
    """How far an event's outcomes are. wishes: of those that both sides share, so that nothing private
    can be read from the numbers."""

    held: int
    noted: int
    shared: int
    wishes: Mapping[Wish, int]


def count_outcomes(event_id: int, now: datetime) -> OutcomeFigures:
    """Figures for the organizers; four statements."""
    held = db.session.scalar(
        select(func.count())
        .select_from(Meeting)
        .where(
            Meeting.event_id == event_id,
            Meeting.status == MeetingStatus.CONFIRMED,
            Meeting.starts_at <= now,
        )
    )
    mine = select(Outcome.meeting_id).join(Outcome.meeting).where(Meeting.event_id == event_id)
    noted = db.session.scalar(select(func.count()).select_from(mine.distinct().subquery()))
    both = (mine.where(Outcome.shared).group_by(Outcome.meeting_id).having(func.count() > 1)).subquery()
    shared = db.session.scalar(select(func.count()).select_from(both))
    wishes = db.session.execute(
        select(Outcome.wish, func.count())
        .where(Outcome.shared, Outcome.meeting_id.in_(select(both.c.meeting_id)))
        .group_by(Outcome.wish)
    ).all()
    return OutcomeFigures(held or 0, noted or 0, shared or 0, {row[0]: row[1] for row in wishes})


def _shared_meetings(event_id: int) -> Select[Any]:
    ids = (
        select(Outcome.meeting_id)
        .join(Outcome.meeting)
        .where(Outcome.shared, Meeting.event_id == event_id)
        .group_by(Outcome.meeting_id)
        .having(func.count() > 1)
    )
    return select(Meeting).where(Meeting.id.in_(ids))


def page_shared_meetings(event_id: int, state: TableState) -> Page[Meeting]:
    """Meetings of an event of which at least two sides share the outcome; search in the topic."""
    statement = _shared_meetings(event_id)
    if state.q:
        statement = statement.where(Meeting.topic.ilike(contains(state.q), escape="\\"))
    return paginate(statement, state, sorts={"time": [Meeting.starts_at, Meeting.id]})


def list_shared_meetings(event_id: int) -> Sequence[Meeting]:
    """All of them, by time."""
    statement = _shared_meetings(event_id).order_by(Meeting.starts_at, Meeting.id)
    return db.session.scalars(statement).all()
