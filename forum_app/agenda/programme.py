"""What one person reads and has in their programme; for pages, feeds and exports."""

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, select

from forum_app.agenda.models import AgendaItem, Bookmark
from forum_app.agenda.permissions import Reader, reader_at, visible_to
from forum_app.agenda.queries import (
    bookmarked_ids,
    current_agenda,
)
from forum_app.agenda.snapshot import PublishedAgenda, PublishedItem, Readable
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event

STAFF = Reader(staff=True)


def readable(agenda: PublishedAgenda, reader: Reader) -> Readable:
    """What reader may know of a version, worked out once for all whom the rule takes for the same.

    Who neither speaks nor is invited anywhere in it is told apart by nothing but their standing.
    """
    if reader.staff:
        return _readable(agenda, STAFF)
    if reader.user_id not in agenda.speaking_user_ids:
        reader = replace(reader, user_id=None)
    if reader.registration_id not in agenda.invited_registration_ids:
        reader = replace(reader, registration_id=None)
    return _readable(agenda, reader)


@lru_cache(maxsize=64)
def _readable(agenda: PublishedAgenda, reader: Reader) -> Readable:
    return Readable(tuple(item for item in agenda.items if visible_to(item, reader)))


def readable_items(event: Event, user: Any, now: datetime | None = None) -> list[PublishedItem]:
    """The published items of event that user may know of, cancelled ones too; [] if none.

    now: not needed today; access depends on the days of the items, not on the clock.
    """
    agenda = current_agenda(event)
    return [] if agenda is None else list(readable(agenda, reader_at(user, event)).items)


def readable_item(event: Event, user: Any, code: str) -> PublishedItem:
    """One published item; NotFound when there is none or user may not know of it."""
    agenda = current_agenda(event)
    item = agenda.by_code.get(code) if agenda else None
    if item is None or not visible_to(item, reader_at(user, event)):
        raise NotFound(N_("There is no such agenda item, or it is not open to you."))
    return item


def programme_ids(user: Any, agenda: PublishedAgenda) -> set[int]:
    """Ids of the items at which user speaks or which they bookmarked; whether readable or not."""
    if not user.is_authenticated:
        return set()
    speaks = {item.id for item in agenda.items if item.is_speaker(user.id)}
    return speaks | bookmarked_ids(user.id, agenda.event_id)


def add_bookmark(*, actor: Any, event: Event, code: str, now: datetime) -> PublishedItem:
    """Put an item into the actor's own programme; doing it twice is as good as once."""
    item = readable_item(event, actor, code)
    # a version may outlive its draft rows; without a row there is nothing to point at
    row = db.session.get(AgendaItem, item.id)
    if row is None:
        raise NotFound(N_("There is no such agenda item, or it is not open to you."))
    if db.session.get(Bookmark, (item.id, actor.id)) is None:
        db.session.add(Bookmark(item_id=item.id, user_id=actor.id, created_at=now))
    return item


def remove_bookmark(*, actor: Any, event: Event, code: str) -> None:
    """Take an item out of the actor's own programme, whether they may still read it or not."""
    ids = select(AgendaItem.id).where(AgendaItem.event_id == event.id, AgendaItem.code == code)
    db.session.execute(
        delete(Bookmark).where(Bookmark.user_id == actor.id, Bookmark.item_id.in_(ids.scalar_subquery()))
    )
