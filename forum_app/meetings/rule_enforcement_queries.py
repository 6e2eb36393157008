"""What stands and might be forbidden by now: open requests and coming meetings of events not yet over."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import (
    KindBar,
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingStatus,
    RequestState,
)
from forum_app.organizations.models import Exclusion
from forum_app.registration.models import Registration

WAITING = (RequestState.PENDING, RequestState.AGREED)


def list_events_under_rules(now: datetime) -> Sequence[Event]:
    """Events that are not over anywhere on earth, if there is any rule that could hold at them."""
    barred = select(KindBar.id).where(KindBar.event_id == Event.id).exists()
    excluding = select(Exclusion.id).exists()
    return db.session.scalars(
        select(Event)
        .where(Event.ends_on >= (now - timedelta(days=1)).date(), barred | excluding)
        .order_by(Event.id)
    ).all()


def list_waiting_pairs(event_id: int) -> list[tuple[int, int, int]]:
    """Requests that wait or are agreed: (id, asker, host)."""
    rows = db.session.execute(
        select(MeetingRequest.id, MeetingRequest.asker_id, MeetingRequest.host_id)
        .where(MeetingRequest.event_id == event_id, MeetingRequest.state.in_(WAITING))
        .order_by(MeetingRequest.id)
    )
    return [(number, asker, host) for number, asker, host in rows]


def list_coming_participants(event_id: int, now: datetime) -> dict[int, list[int]]:
    """Who takes part in each coming meeting, by its id."""
    rows = db.session.execute(
        select(MeetingParticipant.meeting_id, MeetingParticipant.registration_id)
        .join(Meeting, Meeting.id == MeetingParticipant.meeting_id)
        .where(
            Meeting.event_id == event_id,
            Meeting.status == MeetingStatus.CONFIRMED,
            Meeting.starts_at > now,
        )
        .order_by(Meeting.id, MeetingParticipant.registration_id)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for meeting_id, registration_id in rows:
        found[meeting_id].append(registration_id)
    return dict(found)


def list_meetings_to_end(ids: Collection[int]) -> Sequence[Meeting]:
    """These meetings with event, request and people."""
    return db.session.scalars(
        select(Meeting)
        .where(Meeting.id.in_(ids))
        .options(
            joinedload(Meeting.event),
            joinedload(Meeting.request),
            selectinload(Meeting.participants)
            .joinedload(MeetingParticipant.registration)
            .joinedload(Registration.user),
        )
        .order_by(Meeting.id)
    ).all()


def list_requests_to_end(ids: Collection[int]) -> Sequence[MeetingRequest]:
    """Those of these requests that still wait; one in another worker's hands is left to the next time."""
    return db.session.scalars(
        select(MeetingRequest)
        .where(MeetingRequest.id.in_(ids), MeetingRequest.state.in_(WAITING))
        .options(joinedload(MeetingRequest.asker), joinedload(MeetingRequest.host))
        .order_by(MeetingRequest.id)
        .with_for_update(skip_locked=True, of=MeetingRequest)
    ).all()
