"""Use cases of the rooms and tracks of an event: rows with a name that stand in an order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, Room, Track
from forum_app.events.permissions import can_manage_event
from forum_app.events.queries import count_uses, list_rooms, list_tracks
from forum_app.events.services import check_lengths, check_named, flush_unique, require

MAX_CAPACITY = 100_000
COLORS = range(1, 9)
MAX_ROWS = 200  # of rooms and of tracks: enough for any venue, few enough for one page
Row = Room | Track


@dataclass(frozen=True, slots=True)
class _Rules:
    """What differs. word: in actions of the audit trail; check: raises Invalid; taken: a name twice."""

    word: str
    check: Callable[[Any], None]
    constraint: str
    taken: str
    rows: Callable[[int], Sequence[Any]]


def create_room(
    *,
    actor: User | None,
    event: Event,
    now: datetime,
    name_en: str = "",
    name_ja: str = "",
    building: str = "",
    floor: str = "",
    capacity: int | None = None,
) -> Room:
    """A new room after the others. Organizers, administrators; None is the system itself.

    Raises Invalid: no name, a name twice at one event, a capacity out of range.
    """
    room = Room(
        event_id=event.id,
        name_en=name_en,
        name_ja=name_ja,
        building=building,
        floor=floor,
        capacity=capacity,
    )
    _create(actor, event, room, now)
    return room


def create_track(
    *,
    actor: User | None,
    event: Event,
    now: datetime,
    name_en: str = "",
    name_ja: str = "",
    color: int = 1,
) -> Track:
    """A new track after the others; color 1..8. Raises Invalid as create_room."""
    track = Track(event_id=event.id, name_en=name_en, name_ja=name_ja, color=color)
    _create(actor, event, track, now)
    return track


def _create(actor: User | None, event: Event, row: Row, now: datetime) -> None:
    require(actor is None or can_manage_event(actor, event))
    rules = _RULES[type(row)]
    row.position = _next_position(type(row), event)
    rules.check(row)
    db.session.add(row)
    _write(rules)
    record(actor=actor, action=f"{rules.word}.created", subject=row, event_id=event.id, now=now)


def update_row(*, actor: User | None, event: Event, row: Row, now: datetime, **values: Any) -> None:
    """Change a room or a track; values: columns as create_room and create_track take them, which say
    what is raised, too."""
    require(actor is None or can_manage_event(actor, event))
    rules = _RULES[type(row)]
    with db.session.no_autoflush:  # only _write() knows what a name twice means
        for name, value in values.items():
            setattr(row, name, value)
        rules.check(row)
    _write(rules)
    record(actor=actor, action=f"{rules.word}.changed", subject=row, event_id=event.id, now=now)


def delete_row(*, actor: User | None, event: Event, row: Row, now: datetime) -> None:
    """Remove a room or a track that nothing uses; raises Conflict when something does."""
    require(actor is None or can_manage_event(actor, event))
    uses = count_uses(row)
    if uses:
        raise Conflict(N_("It is still in use in %(count)s places, such as agenda items."), count=uses)
    action = f"{_RULES[type(row)].word}.deleted"
    record(actor=actor, action=action, subject=row, event_id=event.id, now=now)
    db.session.delete(row)


def move_row(*, actor: User | None, event: Event, row: Row, up: bool, now: datetime) -> None:
    """One place up or down in the order; at the end nothing happens."""
    require(actor is None or can_manage_event(actor, event))
    rules = _RULES[type(row)]
    rows = rules.rows(event.id)
    order = [known.id for known in rows]
    place = order.index(row.id)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(order):
        return
    order[place], order[other] = order[other], order[place]
    for known in rows:
        known.position = order.index(known.id)
    record(actor=actor, action=f"{rules.word}.moved", subject=row, event_id=event.id, now=now)


def _check_room(room: Room) -> None:
    check_named(room, "name")
    check_lengths(room)
    if room.capacity is not None and not 1 <= room.capacity <= MAX_CAPACITY:
        raise Invalid(N_("The capacity must be between 1 and %(most)s."), field="capacity", most=MAX_CAPACITY)


def _check_track(track: Track) -> None:
    check_named(track, "name")
    check_lengths(track)
    if track.color not in COLORS:
        raise Invalid(N_("Choose one of the eight colours."), field="color")


def _write(rules: _Rules) -> None:
    flush_unique(rules.constraint, Invalid(rules.taken, field="name_en"))


def _next_position(kind: type[Row], event: Event) -> int:
    last, count = db.session.execute(
        select(func.max(kind.position), func.count()).where(kind.event_id == event.id)
    ).one()
    if count >= MAX_ROWS:
        raise Conflict(N_("An event has at most %(most)s of them."), most=MAX_ROWS)
    return 0 if last is None else int(last) + 1


_RULES: dict[type[Row], _Rules] = {
    Room: _Rules(
        word="room",
        check=_check_room,
        constraint="uq_events_room_event_id_name_en_name_ja",
        taken=N_("This event already has a room of this name."),
        rows=list_rooms,
    ),
    Track: _Rules(
        word="track",
        check=_check_track,
        constraint="uq_events_track_event_id_name_en_name_ja",
        taken=N_("This event already has a track of this name."),
        rows=list_tracks,
    ),
}
