"""Use cases of the rooms and tracks of an event."""

from collections.abc import Sequence
from datetime import datetime

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
    require(actor is None or can_manage_event(actor, event))
    room = Room(
        event_id=event.id,
        name_en=name_en,
        name_ja=name_ja,
        building=building,
        floor=floor,
        capacity=capacity,
        position=_next_position(Room, event),
    )
    _check_room(room)
    db.session.add(room)
    _write_room()
    record(actor=actor, action="room.created", subject=room, event_id=event.id, now=now)
    return room


def update_room(
    *,
    actor: User | None,
    event: Event,
    room: Room,
    now: datetime,
    name_en: str,
    name_ja: str,
    floor: str,
    capacity: int | None,
    building: str = "",
) -> None:
    """Change a room; raises Invalid as create_room."""
    require(actor is None or can_manage_event(actor, event))
    with db.session.no_autoflush:  # only _write_room() knows what a name twice means
        room.name_en, room.name_ja, room.floor, room.capacity = name_en, name_ja, floor, capacity
        room.building = building
        _check_room(room)
    _write_room()
    record(actor=actor, action="room.changed", subject=room, event_id=event.id, now=now)


def delete_room(*, actor: User | None, event: Event, room: Room, now: datetime) -> None:
    """Remove a room that nothing uses; raises Conflict when something does."""
    _delete(actor, event, room, "room.deleted", now)


def move_room(*, actor: User | None, event: Event, room: Room, up: bool, now: datetime) -> None:
    """One place up or down in the order; at the end nothing happens."""
    require(actor is None or can_manage_event(actor, event))
    if _move(list_rooms(event.id), room, up):
        record(actor=actor, action="room.moved", subject=room, event_id=event.id, now=now)


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
    require(actor is None or can_manage_event(actor, event))
    track = Track(
        event_id=event.id,
        name_en=name_en,
        name_ja=name_ja,
        color=color,
        position=_next_position(Track, event),
    )
    _check_track(track)
    db.session.add(track)
    _write_track()
    record(actor=actor, action="track.created", subject=track, event_id=event.id, now=now)
    return track


def update_track(
    *,
    actor: User | None,
    event: Event,
    track: Track,
    now: datetime,
    name_en: str,
    name_ja: str,
    color: int,
) -> None:
    """Change a track; raises Invalid as create_track."""
    require(actor is None or can_manage_event(actor, event))
    with db.session.no_autoflush:
        track.name_en, track.name_ja, track.color = name_en, name_ja, color
        _check_track(track)
    _write_track()
    record(actor=actor, action="track.changed", subject=track, event_id=event.id, now=now)


def delete_track(*, actor: User | None, event: Event, track: Track, now: datetime) -> None:
    """Remove a track that nothing uses; raises Conflict when something does."""
    _delete(actor, event, track, "track.deleted", now)


def move_track(*, actor: User | None, event: Event, track: Track, up: bool, now: datetime) -> None:
    """One place up or down in the order; at the end nothing happens."""
    require(actor is None or can_manage_event(actor, event))
    if _move(list_tracks(event.id), track, up):
        record(actor=actor, action="track.moved", subject=track, event_id=event.id, now=now)


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


def _write_room() -> None:
    flush_unique(
        "uq_events_room_event_id_name_en_name_ja",
        Invalid(N_("This event already has a room of this name."), field="name_en"),
    )


def _write_track() -> None:
    flush_unique(
        "uq_events_track_event_id_name_en_name_ja",
        Invalid(N_("This event already has a track of this name."), field="name_en"),
    )


def _next_position(kind: type[Room] | type[Track], event: Event) -> int:
    last, count = db.session.execute(
        select(func.max(kind.position), func.count()).where(kind.event_id == event.id)
    ).one()
    if count >= MAX_ROWS:
        raise Conflict(N_("An event has at most %(most)s of them."), most=MAX_ROWS)
    return 0 if last is None else last + 1


def _delete(actor: User | None, event: Event, row: Room | Track, action: str, now: datetime) -> None:
    require(actor is None or can_manage_event(actor, event))
    uses = count_uses(row)
    if uses:
        raise Conflict(N_("It is still in use in %(count)s places, such as agenda items."), count=uses)
    record(actor=actor, action=action, subject=row, event_id=event.id, now=now)
    db.session.delete(row)


def _move(rows: Sequence[Room] | Sequence[Track], row: Room | Track, up: bool) -> bool:
    order = [known.id for known in rows]
    place = order.index(row.id)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(order):
        return False
    order[place], order[other] = order[other], order[place]
    for known in rows:
        known.position = order.index(known.id)
    return True
