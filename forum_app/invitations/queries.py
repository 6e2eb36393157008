"""Reading invitations, and whom they are for."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaVersion
from forum_app.core.ical import Method, Participation
from forum_app.db import db
from forum_app.events.models import Event, RoleGrant
from forum_app.invitations.models import Invitation, Note, Refusal
from forum_app.meetings.models import Meeting
from forum_app.registration.models import ACTIVE, Registration
from forum_app.web.tables import Page, TableState, contains, paginate

SORTS = {
    "when": (Invitation.starts_at, Invitation.id),
    "person": (User.name_latin, User.name_native, Invitation.starts_at, Invitation.id),
    "answered": (Invitation.answered_at, Invitation.id),
}


# --- For the job -------------------------------------------------------------------------------------
def list_events_in_reach(now: datetime) -> Sequence[int]:
    """Ids of events that are not over; a day more, since an event ends at different hours on earth."""
    return db.session.scalars(
        select(Event.id).where(Event.ends_on >= (now - timedelta(days=1)).date()).order_by(Event.id)
    ).all()


def state_of(event: Event) -> str:
    """A digest that differs when something of the event was changed that invitations show; three statements.

    Not of everything: names of rooms, people and organizations are found by the full comparison.
    """
    meetings = db.session.execute(
        select(func.count(), func.max(Meeting.changed_at), func.sum(Meeting.version)).where(
            Meeting.event_id == event.id
        )
    ).one()
    version = db.session.scalar(
        select(func.max(AgendaVersion.number)).where(AgendaVersion.event_id == event.id)
    )
    refusals = db.session.execute(select(func.count(), func.max(Refusal.since))).one()
    values = (event.version, event.published_at, *map(str, meetings), version, *map(str, refusals))
    return hashlib.sha256(repr(values).encode()).hexdigest()


def coming_meetings(event_id: int, now: datetime) -> Select[Any]:
    """Ids of meetings that are not over, cancelled ones too."""
    return select(Meeting.id).where(Meeting.event_id == event_id, Meeting.ends_at > now)


def list_users(ids: Collection[int]) -> Mapping[int, User]:
    """Those of these people who have an open account and want invitations."""
    if not ids:
        return {}
    rows = db.session.scalars(
        select(User)
        .outerjoin(Refusal, Refusal.user_id == User.id)
        .where(User.id.in_(sorted(ids)), User.disabled_at.is_(None), Refusal.user_id.is_(None))
    )
    return {user.id: user for user in rows}


def list_people_of(event_id: int) -> set[int]:
    """Logins of everybody who takes part in an event or works for it."""
    registered = select(Registration.user_id).where(
        Registration.event_id == event_id, Registration.state.in_(ACTIVE), Registration.user_id.is_not(None)
    )
    staff = select(RoleGrant.user_id).where(RoleGrant.event_id == event_id)
    return {id_ for id_ in db.session.scalars(registered.union(staff)) if id_ is not None}


def list_sent(event_id: int, now: datetime, uids: Collection[str]) -> Sequence[Invitation]:
    """Invitations of an event that still matter: not over as last sent, or for one of these entries."""
    return db.session.scalars(
        select(Invitation)
        .where(Invitation.event_id == event_id, or_(Invitation.ends_at > now, Invitation.uid.in_(uids)))
        .options(joinedload(Invitation.user))
        .order_by(Invitation.id)
    ).all()


def list_ids(event_id: int) -> frozenset[int]:
    """Ids of all invitations of an event."""
    return frozenset(db.session.scalars(select(Invitation.id).where(Invitation.event_id == event_id)))


def is_invited(user_id: int, uid: str) -> bool:
    """Whether a person was ever sent an invitation to this entry."""
    found = select(Invitation.id).where(Invitation.user_id == user_id, Invitation.uid == uid)
    return db.session.scalar(found) is not None


# --- Answers -----------------------------------------------------------------------------------------
def find_by_secret(secrets: Collection[str], uid: str | None) -> Invitation | None:
    """The invitation that carries one of these secrets, locked; of this entry, if a UID is given."""
    if not secrets:
        return None
    statement = (
        select(Invitation)
        .where(Invitation.secret.in_(list(secrets)))
        .options(joinedload(Invitation.user, innerjoin=True))
        .with_for_update(of=Invitation)
    )
    if uid is not None:
        statement = statement.where(Invitation.uid == uid)
    return db.session.scalars(statement.limit(1)).first()


def count_notes(invitation_id: int) -> int:
    """How many notes there are of one invitation."""
    statement = select(func.count()).where(Note.invitation_id == invitation_id)
    return db.session.scalar(statement) or 0


# --- Pages -------------------------------------------------------------------------------------------
def is_refused(user_id: int) -> bool:
    """Whether a person wants no invitations by mail."""
    return db.session.get(Refusal, user_id) is not None


def list_own(user_id: int, now: datetime) -> Sequence[Invitation]:
    """Invitations of a person to what is not over."""
    return db.session.scalars(
        select(Invitation)
        .where(Invitation.user_id == user_id, Invitation.method == Method.REQUEST, Invitation.ends_at > now)
        .options(joinedload(Invitation.event))
        .order_by(Invitation.starts_at, Invitation.id)
        .limit(200)
    ).all()


def list_answers(event_id: int, state: TableState) -> Page[Any]:
    """Invitations of an event that stand; searched by person and entry; filters "answer" and "kind"."""
    statement = (
        select(Invitation)
        .join(Invitation.user)
        .where(Invitation.event_id == event_id, Invitation.method == Method.REQUEST)
        .options(joinedload(Invitation.user))
    )
    if state.q:
        pattern = contains(state.q)
        columns = (Invitation.summary, User.name_latin, User.name_native, User.email)
        statement = statement.where(or_(*[column.ilike(pattern, escape="\\") for column in columns]))
    if "answer" in state.filters:
        statement = statement.where(Invitation.participation == Participation(state.filters["answer"]))
    if "kind" in state.filters:
        is_meeting = Invitation.meeting_id.is_not(None)
        statement = statement.where(is_meeting if state.filters["kind"] == "meeting" else ~is_meeting)
    return paginate(statement, state, sorts=SORTS)


def count_answers(event_id: int) -> dict[Participation, int]:
    """How many invitations that stand have which answer."""
    rows = db.session.execute(
        select(Invitation.participation, func.count())
        .where(Invitation.event_id == event_id, Invitation.method == Method.REQUEST)
        .group_by(Invitation.participation)
    ).all()
    counts = dict.fromkeys(Participation, 0)
    counts.update((participation, number) for participation, number in rows)
    return counts


def list_notes(event_id: int, most: int) -> Sequence[Note]:
    """The latest notes that came with answers."""
    return db.session.scalars(
        select(Note)
        .join(Note.invitation)
        .where(Invitation.event_id == event_id)
        .options(joinedload(Note.invitation).joinedload(Invitation.user))
        .order_by(Note.received_at.desc(), Note.id.desc())
        .limit(most)
    ).all()


def list_answers_of_meetings(meeting_ids: Collection[int]) -> Sequence[Invitation]:
    """Invitations to these meetings that stand and were answered."""
    if not meeting_ids:
        return ()
    return db.session.scalars(
        select(Invitation)
        .where(
            Invitation.meeting_id.in_(sorted(meeting_ids)),
            Invitation.method == Method.REQUEST,
            Invitation.participation != Participation.NEEDS_ACTION,
        )
        .options(joinedload(Invitation.user))
        .order_by(Invitation.meeting_id, Invitation.id)
    ).all()
