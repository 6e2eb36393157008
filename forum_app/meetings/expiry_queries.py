"""Requests that are due: to be reminded of, to expire, or to be declined for somebody."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from forum_app.db import db
from forum_app.meetings.models import MeetingRequest, NoThanks, RequestState
from forum_app.registration.models import ParticipantType, Registration

REMIND_BEFORE = timedelta(hours=48)


def list_expired(now: datetime, most: int = 100) -> Sequence[MeetingRequest]:
    """Waiting requests whose time is up; a request in another worker's hands is left to it."""
    return db.session.scalars(
        select(MeetingRequest)
        .where(MeetingRequest.state == RequestState.PENDING, MeetingRequest.expires_at <= now)
        .order_by(MeetingRequest.expires_at, MeetingRequest.id)
        .limit(most)
        .with_for_update(skip_locked=True, of=MeetingRequest)
    ).all()


def list_to_remind(now: datetime, most: int = 100) -> Sequence[MeetingRequest]:
    """Waiting requests whose host is to be reminded: two days before the end, of short ones half-way."""
    rows = db.session.execute(
        select(MeetingRequest.id, MeetingRequest.created_at, MeetingRequest.expires_at).where(
            MeetingRequest.state == RequestState.PENDING,
            MeetingRequest.reminded_at.is_(None),
            MeetingRequest.expires_at > now,
            MeetingRequest.expires_at <= now + REMIND_BEFORE,
        )
    )
    due = [number for number, start, end in rows if end is not None and now >= start + (end - start) / 2]
    return _locked(due[:most], MeetingRequest.reminded_at.is_(None))


def list_unwelcome(now: datetime, most: int = 100) -> Sequence[MeetingRequest]:
    """Waiting requests that everybody who could answer them marked with no thanks."""
    host, colleague = aliased(Registration), aliased(Registration)
    willing = (
        select(colleague.id)
        .join(ParticipantType, colleague.type_id == ParticipantType.id)
        .where(
            colleague.event_id == host.event_id,
            colleague.organization_id == host.organization_id,
            ParticipantType.takes_meetings,
            ~exists().where(
                NoThanks.registration_id == colleague.id, NoThanks.other_id == MeetingRequest.asker_id
            ),
        )
        .exists()
    )
    ids = db.session.scalars(
        select(MeetingRequest.id)
        .join(host, MeetingRequest.host_id == host.id)
        .join(
            NoThanks,
            and_(NoThanks.registration_id == host.id, NoThanks.other_id == MeetingRequest.asker_id),
        )
        .where(
            MeetingRequest.state == RequestState.PENDING,
            MeetingRequest.created_at < now,
            or_(~MeetingRequest.team, ~willing),
        )
        .order_by(MeetingRequest.created_at, MeetingRequest.id)
    ).all()
    return _locked(ids, MeetingRequest.state == RequestState.PENDING)[:most]


def _locked(ids: Sequence[int], *still: ColumnElement[bool]) -> Sequence[MeetingRequest]:
    if not ids:
        return []
    return db.session.scalars(
        select(MeetingRequest)
        .where(MeetingRequest.id.in_(ids), MeetingRequest.state == RequestState.PENDING, *still)
        .order_by(MeetingRequest.id)
        .with_for_update(skip_locked=True, of=MeetingRequest)
    ).all()
