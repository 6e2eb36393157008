"""Mails about a published agenda: to who speaks at an item that moved or was cancelled, or chose it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from forum_app.accounts.models import User
from forum_app.agenda.models import Bookmark
from forum_app.agenda.permissions import Reader, reader_with, visible_to
from forum_app.agenda.snapshot import PublishedItem
from forum_app.db import db
from forum_app.events.models import Event, EventRole
from forum_app.events.queries import list_people_with_role
from forum_app.mail.changes import queue_change
from forum_app.registration.models import ACTIVE, Registration

MOST_IDS = 500


def notify_placed_anew(
    event: Event, changes: Sequence[tuple[PublishedItem, PublishedItem]], *, actor: User | None, now: datetime
) -> None:
    """Tell of items that changed time, room or status: pairs of before and after, both published.

    A fixed number of statements, and two for each mail.
    """
    changes = [(old, new) for old, new in changes if old.place != new.place]
    if not changes:
        return
    chosen = _who_chose([new.id for _, new in changes])
    speakers = {
        new.id: {one.user_id for item in (old, new) for one in item.speakers if one.user_id is not None}
        for old, new in changes
    }
    people = _people({one for ids in (*chosen.values(), *speakers.values()) for one in ids})
    readers = _readers(event, people.values())
    for old, new in changes:
        for user_id in sorted(chosen[new.id] | speakers[new.id]):
            user = people.get(user_id)
            if user is None or (actor is not None and actor.id == user_id):
                continue
            if not visible_to(new, readers[user_id]) and not old.is_speaker(user_id):
                continue
            queue_change(
                to=user,
                template="agenda/cancelled" if new.is_cancelled else "agenda/moved",
                context={"item": new, "event": event, "speaks": user_id in speakers[new.id]},
                topic=f"item-{new.id}",
                before=_state(old),
                after=_state(new),
                starts_at=min(old.starts_at, new.starts_at),
                thread=new.uid,
                now=now,
            )


def _state(item: PublishedItem) -> dict[str, Any]:
    return {
        "starts_at": item.starts_at,
        "ends_at": item.ends_at,
        "room_id": item.room.id if item.room else None,
        "status": item.status.value,
    }


def _who_chose(item_ids: Sequence[int]) -> dict[int, set[int]]:
    """Logins by item that put it into their programme."""
    chosen: dict[int, set[int]] = defaultdict(set)
    for start in range(0, len(item_ids), MOST_IDS):
        rows = db.session.execute(
            select(Bookmark.item_id, Bookmark.user_id).where(
                Bookmark.item_id.in_(item_ids[start : start + MOST_IDS])
            )
        )
        for item_id, user_id in rows:
            chosen[item_id].add(user_id)
    return chosen


def _people(user_ids: set[int]) -> dict[int, User]:
    ids, people = sorted(user_ids), {}
    for start in range(0, len(ids), MOST_IDS):
        part = ids[start : start + MOST_IDS]
        for user in db.session.scalars(select(User).where(User.id.in_(part), User.disabled_at.is_(None))):
            people[user.id] = user
    return people


def _readers(event: Event, users: Iterable[User]) -> dict[int, Reader]:
    registrations: dict[int, Registration] = {
        row.user_id: row
        for row in db.session.scalars(
            select(Registration)
            .where(
                Registration.event_id == event.id,
                Registration.user_id.is_not(None),
                Registration.state.in_(ACTIVE),
            )
            .options(joinedload(Registration.organization))
            .order_by(Registration.id)
        )
        if row.user_id is not None
    }
    organizers = {grant.user_id for grant in list_people_with_role(event.id, EventRole.ORGANIZER)}
    return {
        user.id: Reader(user_id=user.id, staff=True)
        if user.is_admin or user.id in organizers
        else reader_with(user, registrations.get(user.id))
        for user in users
    }
