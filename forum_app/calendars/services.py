"""Making and revoking secret addresses."""

import secrets
from datetime import datetime

from forum_app.accounts.links import digest
from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.calendars.models import FeedToken
from forum_app.calendars.queries import count_open_feeds
from forum_app.core.errors import Conflict, NotFound
from forum_app.core.text import N_
from forum_app.db import db

MOST_FEEDS = 20


def create_feed(*, actor: User, label: str, locale: str, now: datetime) -> tuple[FeedToken, str]:
    """A new address for actor's own feed: the row, and the secret, which is kept nowhere."""
    if count_open_feeds(actor.id) >= MOST_FEEDS:
        raise Conflict(
            N_("You have %(most)s calendar addresses already. Revoke one that you no longer use."),
            most=MOST_FEEDS,
        )
    token = secrets.token_urlsafe(32)
    feed = FeedToken(user_id=actor.id, token_hash=digest(token), label=label, locale=locale, created_at=now)
    db.session.add(feed)
    record(actor=actor, action="calendars.address_created", subject=feed, now=now)
    return feed, token


def revoke_feed(*, actor: User, feed_id: int, now: datetime) -> FeedToken:
    """End an address of actor; NotFound for anybody else's. Doing it twice is as good as once."""
    feed = db.session.get(FeedToken, feed_id)
    if feed is None or feed.user_id != actor.id:
        raise NotFound(N_("There is no such calendar."))
    if feed.revoked_at is None:
        feed.revoked_at = now
        record(actor=actor, action="calendars.address_revoked", subject=feed, now=now)
    return feed
