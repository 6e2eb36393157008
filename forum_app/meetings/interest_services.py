"""Interest beside requests: no thanks, profiles, and what time does to requests that nobody answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.expiry_queries import list_expired, list_to_remind, list_unwelcome
from forum_app.meetings.interest_queries import find_profile, list_answerers, lock_people
from forum_app.meetings.models import MeetingProfile, MeetingRequest, NoThanks, RequestState
from forum_app.meetings.notices import notify_request
from forum_app.meetings.permissions import can_act_for, is_self, same_organization, takes_meetings
from forum_app.meetings.queries import PRESENT, find_open_request
from forum_app.meetings.services import decline_request, withdraw_request
from forum_app.organizations.models import TechnologyArea
from forum_app.registration.models import Registration

MOST_MEETINGS = 200
MEETING_WITH_THEM = N_("You have a meeting with this person. Cancel it first.")


# --- No thanks -----------------------------------------------------------------------------------------


def mark_no_thanks(
    *, actor: User, event: Event, registration: Registration, other: Registration, now: datetime
) -> None:
    """registration does not wish to meet other, who is never told of the mark.

    A request that waits between them ends: the other's is declined, one's own is withdrawn.
    """
    if not is_self(actor, registration) or registration.state not in PRESENT:
        raise PermissionDenied(N_("Only you yourself can say whom you do not wish to meet."))
    if registration.id == other.id or {registration.event_id, other.event_id} != {event.id}:
        raise Invalid(N_("This person cannot be marked."))
    if same_organization(registration, other):
        raise Invalid(N_("You belong to the same organization; you need no table to meet."))
    lock_people(registration.id, other.id)
    known = find_open_request(registration.id, other.id)
    if known is not None and known.state == RequestState.ACCEPTED:
        raise Conflict(MEETING_WITH_THEM)
    if known is not None and known.asker_id == registration.id:
        withdraw_request(actor=actor, event=event, request=known, now=now)
    elif known is not None:
        decline_request(actor=actor, event=event, request=known, now=now)
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"registration_id": registration.id, "other_id": other.id, "created_at": now}
    statement = insert(NoThanks).values(values).on_conflict_do_nothing()
    if db.session.execute(statement.returning(NoThanks.other_id)).all():
        record(
            actor=actor,
            action="meetings.no_thanks",
            subject=event,  # not the person: organizers read a registration's trail
            event_id=event.id,
            now=now,
        )


def remove_no_thanks(
    *, actor: User, event: Event, registration: Registration, other_id: int, now: datetime
) -> None:
    """Take a no thanks back; nothing happens if there is none."""
    if not is_self(actor, registration) or registration.event_id != event.id:
        raise PermissionDenied(N_("Only you yourself can say whom you do not wish to meet."))
    gone = db.session.execute(
        delete(NoThanks)
        .where(NoThanks.registration_id == registration.id, NoThanks.other_id == other_id)
        .returning(NoThanks.other_id)
    ).all()
    if gone:
        record(
            actor=actor,
            action="meetings.no_thanks_removed",
            subject=event,
            event_id=event.id,
            now=now,
        )


# --- Profiles --------------------------------------------------------------------------------------------


def save_profile(
    *,
    actor: User,
    event: Event,
    registration: Registration,
    now: datetime,
    wishes_en: str = "",
    wishes_ja: str = "",
    areas: Sequence[TechnologyArea] = (),
    most_meetings: int | None = None,
    paused: bool = False,
    link: str = "",
    needs_statement: bool = False,
    needs_clearance: bool = False,
    closed_room: bool = False,
    export_statement: str = "",
) -> MeetingProfile:
    """Set what a person looks for and asks of meetings.

    Gates are for those who take meetings. The export-control statement is the person's own: organizers,
    who may set the rest on their behalf, leave it as it is.
    """
    if not can_act_for(actor, registration, event) or registration.event_id != event.id:
        raise PermissionDenied(N_("You can change only your own meeting profile."))
    if most_meetings is not None and not 0 <= most_meetings <= MOST_MEETINGS:
        raise Invalid(N_("Please give a number from 0 to 200."), field="most_meetings")
    if link and not _is_web_address(link):
        raise Invalid(N_("Please give an address that begins with https://."), field="link")
    profile = find_profile(registration.id)
    if profile is None:
        profile = MeetingProfile(registration_id=registration.id, export_statement="")
        db.session.add(profile)
    profile.wishes_en, profile.wishes_ja = wishes_en, wishes_ja
    profile.wanted_areas = list(areas)
    profile.most_meetings, profile.paused, profile.link = most_meetings, paused, link
    if takes_meetings(registration):
        profile.needs_statement, profile.needs_clearance = needs_statement, needs_clearance
        profile.closed_room = closed_room
    stated = is_self(actor, registration) and export_statement != profile.export_statement
    if stated:
        profile.export_statement = export_statement
        profile.export_stated_at = now if export_statement else None
    db.session.flush()
    record(
        actor=actor,
        action="meetings.profile_changed",
        subject=profile,
        event_id=event.id,
        now=now,
        detail={"paused": paused, "areas": sorted(area.code for area in areas), "statement": stated},
    )
    return profile


def _is_web_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and " " not in link


# --- Time --------------------------------------------------------------------------------------------------


def expire_requests(*, now: datetime) -> int:
    """End waiting requests whose time is up, and tell who asked; how many. Safe to run twice."""
    due = list_expired(now)
    for request in due:
        event = db.session.get_one(Event, request.event_id)
        request.state = RequestState.EXPIRED
        request.answered_at = now
        record(actor=None, action="meetings.expired", subject=request, event_id=event.id, now=now)
        notify_request(request, "expired", to=request.asker, event=event, actor=None, now=now)
    db.session.flush()
    return len(due)


def remind_hosts(*, now: datetime) -> int:
    """Remind those who have not answered, once per request; how many requests. Safe to run twice."""
    due = list_to_remind(now)
    for request in due:
        event = db.session.get_one(Event, request.event_id)
        request.reminded_at = now
        for person in list_answerers(request):
            notify_request(request, "reminder", to=person, event=event, actor=None, now=now)
    db.session.flush()
    return len(due)


def decline_unwelcome(*, now: datetime) -> int:
    """Decline requests to people who marked the asker with no thanks, as they would by hand; how many.

    Some hours later, not at once: an answer within the second would tell of the mark.
    """
    number = 0
    for request in list_unwelcome(now):
        if now >= request.created_at + patience(request):
            event = db.session.get_one(Event, request.event_id)
            decline_request(actor=None, event=event, request=request, now=now)
            number += 1
    return number


def patience(request: MeetingRequest) -> timedelta:
    """After what time an unwelcome request is declined: 2 to 29 hours, at most half its life."""
    hours = timedelta(hours=2 + request.id * 7919 % 28, minutes=request.id * 104729 % 60)
    if request.expires_at is None:
        return hours
    return min(hours, (request.expires_at - request.created_at) / 2)
