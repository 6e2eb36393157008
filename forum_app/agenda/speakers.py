"""Speakers of an event, and the pitches that get a place in a block."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from forum_app.accounts.queries import find_user_by_email
from forum_app.agenda.models import AgendaItem, ItemKind, ItemSpeaker, ItemStatus, Speaker, new_uid
from forum_app.agenda.permissions import can_edit_agenda
from forum_app.agenda.queries import list_children
from forum_app.audit.services import record
from forum_app.core.errors import Invalid, PermissionDenied
from forum_app.core.intervals import Interval, subtract
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.organizations.models import Organization


@dataclass(frozen=True, slots=True)
class SpeakerValues:
    """A speaker as typed: one of the first two names is needed."""

    name_latin: str = ""
    name_native: str = ""
    name_kana: str = ""
    position_en: str = ""
    position_ja: str = ""
    bio_en: str = ""
    bio_ja: str = ""
    organization_id: int | None = None
    user_id: int | None = None


def create_speaker(*, actor: Any, event: Event, values: SpeakerValues, now: datetime) -> Speaker:
    """Add a speaker to an event."""
    _may_edit(actor, event)
    _check(values)
    speaker = Speaker(event_id=event.id)
    _write(speaker, values)
    db.session.add(speaker)
    db.session.flush()
    record(actor=actor, action="agenda.speaker_added", subject=speaker, event_id=event.id, now=now)
    return speaker


def update_speaker(
    *, actor: Any, event: Event, speaker: Speaker, values: SpeakerValues, now: datetime
) -> Speaker:
    """Change a speaker; published pages show it from the next publication."""
    _may_edit(actor, event)
    _check(values)
    _write(speaker, values)
    record(actor=actor, action="agenda.speaker_changed", subject=speaker, event_id=event.id, now=now)
    return speaker


def remove_speaker(*, actor: Any, event: Event, speaker: Speaker, now: datetime) -> None:
    """Delete a speaker who speaks nowhere."""
    _may_edit(actor, event)
    count = db.session.scalar(
        select(func.count()).select_from(ItemSpeaker).where(ItemSpeaker.speaker_id == speaker.id)
    )
    if count:
        raise Invalid(N_("This person still speaks at %(count)s items. Take them off first."), count=count)
    record(actor=actor, action="agenda.speaker_removed", subject=speaker, event_id=event.id, now=now)
    db.session.delete(speaker)


def user_id_of(email: str) -> int | None:
    """The login behind an address typed by an organizer; None for no address. Raises Invalid."""
    if not email:
        return None
    user = find_user_by_email(email)
    if user is None:
        raise Invalid(N_("There is no account with this address."), field="account")
    return user.id


def find_or_create_speaker(*, actor: Any, event: Event, values: SpeakerValues, now: datetime) -> Speaker:
    """The speaker of the event with that login or, without one, those names and organization."""
    _check(values)
    statement = select(Speaker).where(Speaker.event_id == event.id)
    if values.user_id is not None:
        statement = statement.where(Speaker.user_id == values.user_id)
    else:
        statement = statement.where(
            Speaker.name_latin == values.name_latin,
            Speaker.name_native == values.name_native,
            Speaker.organization_id.is_not_distinct_from(values.organization_id),
        )
    found = db.session.scalars(statement.order_by(Speaker.id).limit(1)).first()
    if found is not None:
        return found
    speaker = Speaker(event_id=event.id)
    _write(speaker, values)
    db.session.add(speaker)
    db.session.flush()
    record(actor=actor, action="agenda.speaker_added", subject=speaker, event_id=event.id, now=now)
    return speaker


def place_pitch(
    *,
    actor: Any,
    event: Event,
    block: AgendaItem,
    title_en: str = "",
    title_ja: str = "",
    text_en: str = "",
    text_ja: str = "",
    language: str = "",
    minutes: int,
    speakers: Sequence[SpeakerValues] = (),
    now: datetime,
) -> AgendaItem:
    """An accepted pitch as an item of a pitch block, at its next free time.

    Room, track and access level are the block's. Without enough room in the block, or when the block
    has no time yet, the pitch is added without a time. actor: None for the system.
    """
    if actor is not None:
        _may_edit(actor, event)
    if block.event_id != event.id or block.kind != ItemKind.PITCH_BLOCK:
        raise Invalid(N_("Choose a pitch block of this event."), field="block")
    if not title_en and not title_ja:
        raise Invalid(N_("A title in at least one language is needed."), field="title_en")
    start = next_free_time(block, minutes)
    item = AgendaItem(
        event_id=event.id,
        uid=new_uid(),
        parent_id=block.id,
        kind=ItemKind.PITCH,
        title_en=title_en,
        title_ja=title_ja,
        text_en=text_en,
        text_ja=text_ja,
        language=language,
        room_id=block.room_id,
        track_id=block.track_id,
        access=block.access,
        starts_at=start,
        ends_at=None if start is None else start + timedelta(minutes=minutes),
        created_at=now,
        changed_at=now,
    )
    people = [find_or_create_speaker(actor=actor, event=event, values=values, now=now) for values in speakers]
    item.speakers = [
        ItemSpeaker(speaker_id=speaker.id, position=position)
        for position, speaker in enumerate(dict.fromkeys(people))
    ]
    db.session.add(item)
    db.session.flush()
    record(
        actor=actor,
        action="agenda.pitch_placed",
        subject=item,
        event_id=event.id,
        now=now,
        detail={"block": block.id, "placed": start is not None},
    )
    return item


def next_free_time(block: AgendaItem, minutes: int) -> datetime | None:
    """The first start in the block with that many minutes free; None if there is none."""
    if block.starts_at is None or block.ends_at is None:
        return None
    taken = [
        Interval(child.starts_at, child.ends_at)
        for child in list_children(block.id)
        if child.starts_at is not None and child.ends_at is not None and child.status != ItemStatus.CANCELLED
    ]
    length = timedelta(minutes=minutes)
    for free in subtract([Interval(block.starts_at, block.ends_at)], taken):
        if free.duration >= length:
            return free.start
    return None


def _may_edit(actor: Any, event: Event) -> None:
    if not can_edit_agenda(actor, event):
        raise PermissionDenied(N_("Only organizers may change the agenda."))


def _check(values: SpeakerValues) -> None:
    if not values.name_latin and not values.name_native:
        raise Invalid(N_("A name in at least one script is needed."), field="name_latin")
    organization_id = values.organization_id
    if organization_id is not None and db.session.get(Organization, organization_id) is None:
        raise Invalid(N_("There is no such organization."), field="organization_id")


def _write(speaker: Speaker, values: SpeakerValues) -> None:
    for field in fields(values):
        setattr(speaker, field.name, getattr(values, field.name))
