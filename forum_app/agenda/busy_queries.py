"""When people are taken by the agenda's draft, and by what upper features hang on it (judging, pitching)."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from forum_app.agenda.models import AgendaItem, Bookmark, ItemKind, ItemSpeaker, ItemStatus, Speaker
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Room

SPEAKS = N_("Speaks on the agenda")
SIGNED_UP = N_("Signed up for an agenda item")


@dataclass(frozen=True, slots=True)
class BusyTime:
    """One time at which a person (a login) is taken. reason: a sentence marked with N_.

    building: of the room where it is; None if that is not known, "" for the venue's only one.
    """

    user_id: int
    span: Interval
    reason: str
    title_en: str = ""
    title_ja: str = ""
    building: str | None = None
    item_id: int | None = None


BusySource = Callable[[int, Collection[int]], Iterable[BusyTime]]
busy_sources: list[BusySource] = []
"""Upper features add theirs: (event id, logins) -> times, in a fixed number of statements."""


def placed_items(person: Any) -> Select[Any]:
    """Statement of (person, start, end, titles, building, id): items with a time, not cancelled.

    The caller joins AgendaItem to what tells the person.
    """
    return (
        select(
            person,
            AgendaItem.starts_at,
            AgendaItem.ends_at,
            AgendaItem.title_en,
            AgendaItem.title_ja,
            Room.building,
            AgendaItem.id,
        )
        .select_from(AgendaItem)
        .outerjoin(Room, Room.id == AgendaItem.room_id)
        .where(AgendaItem.starts_at.is_not(None), AgendaItem.status != ItemStatus.CANCELLED)
    )


def as_busy(rows: Iterable[Any], reason: str) -> list[BusyTime]:
    """Rows of placed_items() as values."""
    return [
        BusyTime(user_id, Interval(start, end), reason, title_en, title_ja, building, item_id)
        for user_id, start, end, title_en, title_ja, building, item_id in rows
    ]


def agenda_busy(event_id: int, user_ids: Collection[int]) -> list[BusyTime]:
    """Where people speak, what they signed up for (breaks take nobody's time), and the other sources'."""
    if not user_ids:
        return []
    speaking = (
        placed_items(Speaker.user_id)
        .join(ItemSpeaker, ItemSpeaker.item_id == AgendaItem.id)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(AgendaItem.event_id == event_id, Speaker.user_id.in_(user_ids))
    )
    signed = (
        placed_items(Bookmark.user_id)
        .join(Bookmark, Bookmark.item_id == AgendaItem.id)
        .where(
            AgendaItem.event_id == event_id,
            AgendaItem.kind != ItemKind.BREAK,
            Bookmark.user_id.in_(user_ids),
        )
    )
    found = as_busy(db.session.execute(speaking), SPEAKS)
    found += as_busy(db.session.execute(signed), SIGNED_UP)
    for source in busy_sources:
        found += source(event_id, user_ids)
    return found
