"""Making, changing and revoking secret addresses."""

import secrets
from datetime import datetime
from typing import NamedTuple

from forum_app.accounts.links import digest
from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.calendars.models import FeedScope, FeedToken
from forum_app.calendars.permissions import can_have_feed, can_revoke_feed
from forum_app.calendars.queries import count_open_feeds, get_feed
from forum_app.core.errors import Conflict, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, Room, Track
from forum_app.meetings.models import Interpreter, MeetingTable
from forum_app.organizations.models import Organization

MOST_FEEDS = 20
MOST_EVENT_FEEDS = 100  # of one person at one event: each table and each room may have one


class Subject(NamedTuple):
    """What a feed is of; event: that it belongs to."""

    scope: FeedScope
    event: Event | None = None
    track: Track | None = None
    room: Room | None = None
    organization: Organization | None = None
    table: MeetingTable | None = None
    interpreter: Interpreter | None = None


PERSON = Subject(FeedScope.PERSON)


def create_feed(
    *,
    actor: User,
    label: str,
    locale: str,
    now: datetime,
    subject: Subject = PERSON,
    reminder_minutes: int | None = None,
) -> tuple[FeedToken, str]:
    """A new address that is read as actor: the row, and the secret, which is kept nowhere.

    Raises PermissionDenied for what actor may not have, Conflict when there are too many.
    """
    event = subject.event
    most = MOST_EVENT_FEEDS if event else MOST_FEEDS
    if count_open_feeds(actor.id, event.id if event else None) >= most:
        raise Conflict(
            N_("You have %(most)s calendar addresses already. Revoke one that you no longer use."), most=most
        )
    if not can_have_feed(actor, subject):
        raise PermissionDenied(N_("This calendar is not open to you."))
    token = secrets.token_urlsafe(32)
    feed = FeedToken(
        user_id=actor.id,
        token_hash=digest(token),
        label=label,
        locale=locale,
        reminder_minutes=reminder_minutes,
        created_at=now,
        **subject._asdict(),
    )
    db.session.add(feed)
    record(
        actor=actor,
        action="calendars.address_created",
        subject=feed,
        event_id=event.id if event else None,
        now=now,
        detail={"scope": subject.scope.value},
    )
    return feed, token


def change_feed(
    *, actor: User, feed_id: int, label: str, locale: str, reminder_minutes: int | None, now: datetime
) -> FeedToken:
    """Change name, language and reminders of one of actor's own addresses; it stays the same address."""
    feed = get_feed(feed_id)
    if feed.user_id != actor.id:
        raise NotFound(N_("There is no such calendar."))
    feed.label = label
    feed.locale = locale
    feed.reminder_minutes = reminder_minutes
    record(actor=actor, action="calendars.address_changed", subject=feed, event_id=feed.event_id, now=now)
    return feed


def revoke_feed(*, actor: User, feed_id: int, now: datetime, event: Event | None = None) -> FeedToken:
    """End an address of actor, or of an event that actor organizes; NotFound for anybody else's.

    event: that it must be of. Doing it twice is as good as once.
    """
    feed = db.session.get(FeedToken, feed_id)
    if feed is None or not can_revoke_feed(actor, feed) or (event and feed.event_id != event.id):
        raise NotFound(N_("There is no such calendar."))
    if feed.revoked_at is None:
        feed.revoked_at = now
        record(actor=actor, action="calendars.address_revoked", subject=feed, event_id=feed.event_id, now=now)
    return feed
