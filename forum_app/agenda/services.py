"""Changing the draft: items, their place, and who is invited."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from forum_app.agenda.clashes import Clash, Placed, clashes_of
from forum_app.agenda.models import (
    AccessLevel,
    AgendaItem,
    ItemInvitation,
    ItemKind,
    ItemSpeaker,
    ItemStatus,
    Speaker,
    SpeakerRole,
    new_uid,
)
from forum_app.agenda.permissions import can_edit_agenda
from forum_app.agenda.queries import list_children, person_key, placed_items
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, Room, Track
from forum_app.registration.models import Registration

MAX_MINUTES = 24 * 60
# Rehearsals and receptions may lie outside the event's days, but not by more.
NEAR = timedelta(days=7)
NOBODY_SAVED = 0  # the id of an item that is not saved yet, in clash checks


@dataclass(frozen=True, slots=True)
class Appearance:
    """Who speaks, in which role; their order is that of the sequence."""

    speaker_id: int
    role: SpeakerRole = SpeakerRole.SPEAKER


@dataclass(frozen=True, slots=True)
class ItemValues:
    """Everything an organizer sets. starts_at: aware or None (not placed); minutes: its length."""

    kind: ItemKind = ItemKind.TALK
    title_en: str = ""
    title_ja: str = ""
    subtitle_en: str = ""
    subtitle_ja: str = ""
    text_en: str = ""
    text_ja: str = ""
    language: str = ""
    room_id: int | None = None
    track_id: int | None = None
    starts_at: datetime | None = None
    minutes: int = 30
    access: AccessLevel = AccessLevel.PUBLIC
    status: ItemStatus = ItemStatus.CONFIRMED
    parent_id: int | None = None
    speakers: tuple[Appearance, ...] = ()

    @property
    def ends_at(self) -> datetime | None:
        return None if self.starts_at is None else self.starts_at + timedelta(minutes=self.minutes)


TEXTS = (
    "kind", "title_en", "title_ja", "subtitle_en", "subtitle_ja", "text_en", "text_ja", "language", "access",
)  # fmt: skip


class Clashing(Invalid):
    """The place is taken; keep_clashes accepts that. clashes: the new ones."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        super().__init__(
            N_("This clashes with another item. Change time, room or speakers, or choose to keep it anyway."),
            field="keep_clashes",
        )
        self.clashes = list(clashes)


def values_of(item: AgendaItem) -> ItemValues:
    """What is saved, as values to change."""
    minutes = 30
    if item.starts_at is not None and item.ends_at is not None:
        minutes = round((item.ends_at - item.starts_at).total_seconds() / 60)
    return ItemValues(
        **{name: getattr(item, name) for name in TEXTS},
        room_id=item.room_id,
        track_id=item.track_id,
        starts_at=item.starts_at,
        minutes=minutes,
        status=item.status,
        parent_id=item.parent_id,
        speakers=tuple(Appearance(link.speaker_id, link.role) for link in item.speakers),
    )


def create_item(
    *, actor: Any, event: Event, values: ItemValues, now: datetime, keep_clashes: bool = False
) -> AgendaItem:
    """Add an item to the draft. Raises Clashing unless keep_clashes."""
    _may_edit(actor, event)
    _check(event, values, None)
    _check_clashes(event, values, None, keep_clashes)
    item = AgendaItem(event_id=event.id, uid=new_uid(), kind=values.kind, created_at=now, changed_at=now)
    _write(item, values, now)
    db.session.add(item)
    db.session.flush()
    record(actor=actor, action="agenda.item_added", subject=item, event_id=event.id, now=now)
    return item


def update_item(
    *,
    actor: Any,
    event: Event,
    item: AgendaItem,
    values: ItemValues,
    version: int,
    now: datetime,
    keep_clashes: bool = False,
) -> AgendaItem:
    """Change an item of the draft; a block takes its pitches along in time and room.

    version: of the item as the organizer saw it; Conflict when somebody changed it since. Raises
    Clashing for clashes that were not there before, unless keep_clashes.
    """
    _may_edit(actor, event)
    if item.version != version:
        raise Conflict(
            N_(
                "Somebody else has changed this item in the meantime. What you typed is still below; saving"
                " again replaces their version."
            )
        )
    _check(event, values, item)
    _check_clashes(event, values, item, keep_clashes)
    before = values_of(item)
    if item.kind == ItemKind.PITCH_BLOCK:
        _take_children_along(item, before, values, now)
    _write(item, values, now)
    db.session.flush()
    changed = [
        name for name in ItemValues.__dataclass_fields__ if getattr(before, name) != getattr(values, name)
    ]
    record(
        actor=actor,
        action="agenda.item_changed",
        subject=item,
        event_id=event.id,
        now=now,
        detail={"fields": changed},
    )
    return item


def move_item(
    *,
    actor: Any,
    event: Event,
    item: AgendaItem,
    starts_at: datetime | None,
    minutes: int,
    room_id: int | None,
    version: int,
    now: datetime,
    keep_clashes: bool = False,
) -> AgendaItem:
    """Give an item another time and room; starts_at None takes it off the grid."""
    values = replace(values_of(item), starts_at=starts_at, minutes=minutes, room_id=room_id)
    return update_item(
        actor=actor,
        event=event,
        item=item,
        values=values,
        version=version,
        now=now,
        keep_clashes=keep_clashes,
    )


def remove_item(*, actor: Any, item: AgendaItem, now: datetime) -> None:
    """Take an item out of the draft: deleted if it was never published, else kept as cancelled."""
    event = item.event
    if actor is not None:
        _may_edit(actor, event)
    inside = [child for child in list_children(item.id) if child.status != ItemStatus.CANCELLED]
    if inside:
        raise Invalid(
            N_("This block still holds %(count)s items. Move or remove them first."), count=len(inside)
        )
    record(
        actor=actor,
        action="agenda.item_removed",
        subject=item,
        event_id=event.id,
        now=now,
        detail={"kept_as_cancelled": item.published},
    )
    if item.published:
        item.status = ItemStatus.CANCELLED
        item.changed_at = now
    else:
        db.session.delete(item)
    db.session.flush()


def invite(
    *, actor: Any, event: Event, item: AgendaItem, registration_id: int, invited: bool, now: datetime
) -> None:
    """Put a person on the list of an item, or take them off; it counts from the next publication."""
    _may_edit(actor, event)
    registration = db.session.get(Registration, registration_id)
    if registration is None or registration.event_id != event.id:
        raise NotFound(N_("There is no such registration."))
    row = db.session.get(ItemInvitation, (item.id, registration_id))
    if invited == (row is not None):
        return
    if row is None:
        db.session.add(ItemInvitation(item_id=item.id, registration_id=registration_id))
    else:
        db.session.delete(row)
    record(
        actor=actor,
        action="agenda.person_invited" if invited else "agenda.invitation_withdrawn",
        subject=item,
        event_id=event.id,
        now=now,
        detail={"registration": registration_id},
    )


def find_clashes_of(event: Event, values: ItemValues, item_id: int | None) -> list[Clash]:
    """Clashes that an item with these values would have; for the form while it is filled in."""
    others = placed_items(event.id)
    candidate = _candidate(event, values, item_id)
    return [] if candidate is None else clashes_of(candidate, others)


# --- Rules ---------------------------------------------------------------------------------------
def _may_edit(actor: Any, event: Event) -> None:
    if not can_edit_agenda(actor, event):
        raise PermissionDenied(N_("Only organizers may change the agenda."))


def _check(event: Event, values: ItemValues, item: AgendaItem | None) -> None:
    if not values.title_en and not values.title_ja:
        raise Invalid(N_("A title in at least one language is needed."), field="title_en")
    if not 1 <= values.minutes <= MAX_MINUTES:
        raise Invalid(N_("An item lasts between one minute and 24 hours."), field="minutes")
    if values.starts_at is not None:
        zone = ZoneInfo(event.timezone)
        day = values.starts_at.astimezone(zone).date()
        if not event.starts_on - NEAR <= day <= event.ends_on + NEAR:
            raise Invalid(N_("This is not near the days of the event."), field="starts_at")
    _belongs(Room, values.room_id, event, "room_id")
    _belongs(Track, values.track_id, event, "track_id")
    _check_parent(event, values, item)
    ids = [appearance.speaker_id for appearance in values.speakers]
    if len(set(ids)) != len(ids):
        raise Invalid(N_("A speaker is named twice."), field="speakers")
    if ids:
        known = db.session.scalars(
            select(Speaker.id).where(Speaker.event_id == event.id, Speaker.id.in_(ids))
        ).all()
        if len(known) != len(ids):
            raise Invalid(N_("A speaker does not belong to this event."), field="speakers")


def _belongs(model: Any, row_id: int | None, event: Event, field: str) -> None:
    if row_id is None:
        return
    row = db.session.get(model, row_id)
    if row is None or row.event_id != event.id:
        raise Invalid(N_("This does not belong to this event."), field=field)


def _check_parent(event: Event, values: ItemValues, item: AgendaItem | None) -> None:
    if values.parent_id is None:
        return
    parent = db.session.get(AgendaItem, values.parent_id)
    if (
        parent is None
        or parent.event_id != event.id
        or parent.kind != ItemKind.PITCH_BLOCK
        or values.kind == ItemKind.PITCH_BLOCK
        or (item is not None and parent.id == item.id)
    ):
        raise Invalid(N_("Choose a pitch block of this event."), field="parent_id")


def _candidate(event: Event, values: ItemValues, item_id: int | None) -> Placed | None:
    if values.starts_at is None or values.ends_at is None or values.status == ItemStatus.CANCELLED:
        return None
    ids = [appearance.speaker_id for appearance in values.speakers]
    people = frozenset(
        person_key(speaker_id, user_id)
        for speaker_id, user_id in db.session.execute(
            select(Speaker.id, Speaker.user_id).where(Speaker.event_id == event.id, Speaker.id.in_(ids))
        )
    )
    return Placed(
        id=item_id or NOBODY_SAVED,
        code="",
        parent_id=values.parent_id,
        title_en=values.title_en,
        title_ja=values.title_ja,
        room_id=values.room_id,
        starts_at=values.starts_at.astimezone(UTC),
        ends_at=values.ends_at.astimezone(UTC),
        people=people,
    )


def _check_clashes(event: Event, values: ItemValues, item: AgendaItem | None, keep: bool) -> None:
    if keep:
        return
    item_id = item.id if item else None
    clashes = find_clashes_of(event, values, item_id)
    if clashes and item is not None:
        # what was accepted before need not be accepted again
        accepted = {_sign(c, item.id) for c in find_clashes_of(event, values_of(item), item.id)}
        clashes = [c for c in clashes if _sign(c, item.id) not in accepted]
    if clashes:
        raise Clashing(clashes)


def _sign(clash: Clash, item_id: int) -> tuple[str, int | str, int]:
    return clash.kind, clash.resource, clash.other(item_id).id


def _write(item: AgendaItem, values: ItemValues, now: datetime) -> None:
    for name in TEXTS:
        setattr(item, name, getattr(values, name))
    item.room_id = values.room_id
    item.track_id = values.track_id
    item.starts_at = values.starts_at
    item.ends_at = values.ends_at
    item.status = values.status
    item.parent_id = values.parent_id
    item.changed_at = now
    known = {link.speaker_id: link for link in item.speakers}
    links = []
    for position, appearance in enumerate(values.speakers):
        link = known.get(appearance.speaker_id) or ItemSpeaker(speaker_id=appearance.speaker_id)
        link.role = appearance.role
        link.position = position
        links.append(link)
    item.speakers = links


def _take_children_along(item: AgendaItem, before: ItemValues, after: ItemValues, now: datetime) -> None:
    """Pitches keep their place in the block, wherever it goes, and are cancelled with it."""
    shift = timedelta()
    if before.starts_at is not None and after.starts_at is not None:
        shift = after.starts_at - before.starts_at
    cancelled = after.status == ItemStatus.CANCELLED != before.status
    if not shift and before.room_id == after.room_id and not cancelled:
        return
    for child in list_children(item.id):
        if child.starts_at is not None and child.ends_at is not None:
            child.starts_at += shift
            child.ends_at += shift
        if child.room_id == before.room_id:
            child.room_id = after.room_id
        if cancelled:
            child.status = ItemStatus.CANCELLED
        child.changed_at = now
