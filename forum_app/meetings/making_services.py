"""Before a meeting is placed: who may take part, on which day, how many one may have, and its row."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.core.errors import Conflict, Invalid
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.mail.rendering import message_domain
from forum_app.meetings.claim_services import GONE
from forum_app.meetings.models import (
    GRID_MINUTES,
    KindLimit,
    Meeting,
    MeetingFormat,
    MeetingOrigin,
    MeetingParticipant,
    MeetingProfile,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    Priority,
    RequestState,
)
from forum_app.meetings.permissions import is_self
from forum_app.meetings.queries import PRESENT
from forum_app.meetings.rule_queries import Terms, today_at
from forum_app.meetings.rule_services import check_may_all_meet
from forum_app.registration.models import Registration

MOST_PEOPLE = 12
HAVE_ONE = N_("You already have a meeting with this person, or are about to. You find it under Meetings.")


def check_day(event: Event, span: Interval) -> None:
    """Meetings take place on the days of the event, on the grid of five minutes."""
    zone = ZoneInfo(event.timezone)
    opens = datetime.combine(event.starts_on, time(), zone).astimezone(UTC)
    closes = datetime.combine(event.ends_on + timedelta(days=1), time(), zone).astimezone(UTC)
    if not Interval(opens, closes).covers(span):
        raise Invalid(N_("The meeting must be on a day of the event."), field="starts_at")
    if span.start != span.start.replace(minute=span.start.minute // 5 * 5, second=0, microsecond=0):
        raise Invalid(
            N_("Times must fall on a multiple of %(minutes)s minutes."),
            field="starts_at",
            minutes=GRID_MINUTES,
        )


def terms_of(
    event: Event,
    people: Sequence[Registration],
    actor: User | None,
    starts_at: datetime,
    now: datetime,
    *,
    staff: bool,
) -> Terms:
    """What the rules say about these people on that day; refuses who takes no part, and doubles."""
    if not 2 <= len(people) <= MOST_PEOPLE or len({person.user_id for person in people}) != len(people):
        raise Invalid(
            N_("A meeting is of two to %(most)s different people."), field="people", most=MOST_PEOPLE
        )
    if any(p.event_id != event.id or p.state not in PRESENT or p.user_id is None for p in people):
        raise Conflict(GONE)
    reader_first = sorted(people, key=lambda person: actor is None or not is_self(actor, person))
    day = starts_at.astimezone(ZoneInfo(event.timezone)).date()
    return check_may_all_meet(event, reader_first, today=today_at(event, now), on=day, staff=staff)


def make_meeting(
    *,
    event: Event,
    request: MeetingRequest | None,
    people: Sequence[Registration],
    span: Interval,
    topic: str,
    now: datetime,
    format: MeetingFormat,
    link: str,
    closed: bool,
    origin: MeetingOrigin,
) -> Meeting:
    """The row, with its number, and nothing claimed yet."""
    if format == MeetingFormat.REMOTE and not link:
        link = (
            db.session.scalar(
                select(MeetingProfile.link).where(MeetingProfile.registration_id == people[0].id)
            )
            or ""
        )
    if link and not link.startswith(("https://", "http://")):
        raise Invalid(N_("A link begins with https://"), field="link")
    roles = [MeetingRole.HOST] + [MeetingRole.GUEST] * (len(people) - 1)
    meeting = Meeting(
        event_id=event.id,
        request=request,
        starts_at=span.start,
        ends_at=span.end,
        topic=topic,
        format=format,
        link=link if format == MeetingFormat.REMOTE else "",
        closed=closed,
        origin=origin,
        uid=f"meeting-{secrets.token_hex(12)}@{message_domain()}",
        created_at=now,
        changed_at=now,
        participants=[
            MeetingParticipant(registration_id=person.id, role=role)
            for person, role in zip(people, roles, strict=True)
        ],
    )
    db.session.add(meeting)
    db.session.flush()
    return meeting


def direct_request(
    event: Event,
    guest: Registration,
    host: Registration,
    topic: str,
    message: str,
    needs_interpreter: bool,
    format: MeetingFormat,
    now: datetime,
) -> MeetingRequest:
    """The request that stands for a direct booking; its unique key allows one per pair."""
    request = MeetingRequest(
        event_id=event.id,
        asker=guest,
        host=host,
        topic=topic,
        message=message,
        priority=Priority.WANT,
        needs_interpreter=needs_interpreter,
        format=format,
        state=RequestState.ACCEPTED,
        created_at=now,
        answered_at=now,
    )
    db.session.add(request)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_meetings_request_open"):
            raise Conflict(HAVE_ONE) from error
        raise
    return request


def most_meetings_of(event: Event, registration: Registration) -> int | None:
    """How many meetings a person may have: what they said themselves, else the limit of their kind."""
    own = db.session.scalar(
        select(MeetingProfile.most_meetings).where(MeetingProfile.registration_id == registration.id)
    )
    if own is not None or registration.organization is None:
        return own
    return db.session.scalar(
        select(KindLimit.most_meetings).where(
            KindLimit.event_id == event.id, KindLimit.kind == registration.organization.kind
        )
    )


def check_limits(event: Event, guest: Registration, host: Registration) -> None:
    """Whoever books directly helps themselves, so the limits of both sides hold."""
    for person, sentence in (
        (guest, N_("You have as many meetings as you can have at this event.")),
        (host, N_("This person has as many meetings as they can take.")),
    ):
        most = most_meetings_of(event, person)
        if most is not None and _count_confirmed(person) >= most:
            raise Invalid(sentence)


def _count_confirmed(person: Registration) -> int:
    statement = (
        select(func.count())
        .select_from(MeetingParticipant)
        .join(MeetingParticipant.meeting)
        .where(MeetingParticipant.registration_id == person.id, Meeting.status == MeetingStatus.CONFIRMED)
    )
    return db.session.scalar(statement) or 0
