"""From the draft to a published version: what would change, and the act itself."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from forum_app.agenda.models import AgendaItem, AgendaVersion, ItemSpeaker, ItemStatus, Speaker
from forum_app.agenda.notices import notify_placed_anew
from forum_app.agenda.permissions import can_edit_agenda
from forum_app.agenda.queries import current_agenda, invitations_of
from forum_app.agenda.snapshot import (
    PublishedItem,
    PublishedOrganization,
    PublishedRoom,
    PublishedSpeaker,
    PublishedTrack,
    sorted_items,
    to_json,
)
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, Room, Track

# Numbers of items that never had one in the exchange format, where their own id is taken.
OWN_NUMBERS_FROM = 10_000_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """What publication would do to one item: before is None for a new one.

    fields: names of what differs, empty for a new one.
    """

    before: PublishedItem | None
    after: PublishedItem
    fields: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """new, cancelled, moved or changed."""
        if self.before is None:
            return "new"
        if self.after.is_cancelled and not self.before.is_cancelled:
            return "cancelled"
        return "moved" if self.before.place != self.after.place else "changed"


@dataclass(frozen=True, slots=True)
class Pending:
    """What the next version would hold. fingerprint: equal as long as nobody edits or publishes."""

    items: tuple[PublishedItem, ...]
    changes: tuple[Change, ...]
    number: int
    fingerprint: str


def guid_of(external_id: str | None, uid: str) -> str:
    """The identifier of an item in the exchange format."""
    return external_id or str(uuid.uuid5(uuid.NAMESPACE_URL, uid))


def advance(
    before: Iterable[PublishedItem], draft: Iterable[PublishedItem], now: datetime
) -> list[PublishedItem]:
    """The items of the next version.

    Those of the draft, with the sequence raised exactly where time, the room's name or status differ from
    before, and changed_at where anything does; those no longer in the draft stay as cancelled. What
    was never published and is cancelled does not appear.
    """
    known = {item.id: item for item in before}
    result = []
    for item in draft:
        old = known.pop(item.id, None)
        if old is None:
            if not item.is_cancelled:
                result.append(replace(item, changed_at=now))
            continue
        same = replace(item, sequence=old.sequence, changed_at=old.changed_at)
        if same == old:
            result.append(old)
        else:
            sequence = old.sequence + (item.shown_place != old.shown_place)
            result.append(replace(item, sequence=sequence, changed_at=now))
    for old in known.values():
        if old.is_cancelled:
            result.append(old)
        else:
            result.append(
                replace(old, status=ItemStatus.CANCELLED, sequence=old.sequence + 1, changed_at=now)
            )
    return result


COMPARED = (
    "starts_at", "ends_at", "room", "status", "title_en", "title_ja", "subtitle_en", "subtitle_ja",
    "text_en", "text_ja", "abstract", "links", "language", "kind", "track", "access", "speakers",
    "registration_ids", "parent_id",
)  # fmt: skip


def changes_between(before: Iterable[PublishedItem], after: Iterable[PublishedItem]) -> tuple[Change, ...]:
    """What differs, in the order of time."""
    known = {item.id: item for item in before}
    changes = []
    for item in after:
        old = known.get(item.id)
        if old is None:
            changes.append(Change(None, item))
        elif old != item:
            names = tuple(name for name in COMPARED if getattr(old, name) != getattr(item, name))
            changes.append(Change(old, item, names))
    return tuple(changes)


def pending_version(event: Event, now: datetime) -> Pending:
    """What publication would do now; a constant number of statements."""
    current = current_agenda(event)
    before = current.items if current else ()
    items = sorted_items(advance(before, _draft(event), now))
    # compared without the instant, so that the same draft gives the same fingerprint a minute later
    timeless = [replace(i, changed_at=LONG_AGO) if i.changed_at == now else i for i in items]
    fingerprint = _digest(f"{current.number if current else 0} {to_json(timeless)}")
    number = (current.number if current else 0) + 1
    return Pending(items, changes_between(before, items), number, fingerprint)


def publish_agenda(
    *,
    actor: Any,
    event: Event,
    now: datetime,
    name: str = "",
    expected: str | None = None,
) -> AgendaVersion | None:
    """Publish the draft; None when nothing changed.

    actor: None for the system. expected: fingerprint of what the organizer was shown; Conflict when
    the draft or the published version has changed since.
    """
    if actor is not None and not can_edit_agenda(actor, event):
        raise PermissionDenied(N_("Only organizers may publish the agenda."))
    pending = pending_version(event, now)
    if expected is not None and expected != pending.fingerprint:
        raise Conflict(
            N_("The draft has changed since you looked at it. Look at the changes again, then publish.")
        )
    if not pending.changes:
        return None
    snapshot = to_json(pending.items)
    version = AgendaVersion(
        event_id=event.id,
        number=pending.number,
        name=name,
        published_at=now,
        published_by_id=actor.id if actor is not None else None,
        digest=_digest(f"{event.id} {pending.number} {now.isoformat()} {snapshot}"),
        snapshot=snapshot,
    )
    try:
        with db.session.begin_nested():
            db.session.add(version)
    except IntegrityError as error:
        raise Conflict(N_("Somebody else has just published the agenda. Look at it again.")) from error
    _note_published(pending)
    moved = [(change.before, change.after) for change in pending.changes if change.before is not None]
    notify_placed_anew(event, moved, actor=actor, now=now)
    kinds = [change.kind for change in pending.changes]
    record(
        actor=actor,
        action="agenda.published",
        subject=version,
        event_id=event.id,
        now=now,
        detail={"number": pending.number, **{kind: kinds.count(kind) for kind in sorted(set(kinds))}},
    )
    return version


def _note_published(pending: Pending) -> None:
    """Keep sequence and the mark of publication in the draft; not an edit, so no new version there."""
    rows = [
        {"item": c.after.id, "raised": c.after.sequence}
        for c in pending.changes
        if c.before is None or c.before.sequence != c.after.sequence
    ]
    if not rows:
        return
    table: Any = AgendaItem.__table__
    connection = db.session.connection()
    statement = (
        update(table)
        .where(table.c.id == bindparam("item"))
        .values(sequence=bindparam("raised"), published=True)
    )
    connection.execute(statement, rows)
    ids = {row["item"] for row in rows}
    for item in db.session.identity_map.values():
        if isinstance(item, AgendaItem) and item.id in ids:
            db.session.expire(item, ["sequence", "published"])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- The draft as it would be published ----------------------------------------------------------
def _draft(event: Event) -> list[PublishedItem]:
    """Placed items; what has no time is not shown (one published before becomes cancelled)."""
    rows = db.session.scalars(
        select(AgendaItem)
        .where(AgendaItem.event_id == event.id, AgendaItem.starts_at.is_not(None))
        .options(
            joinedload(AgendaItem.room),
            joinedload(AgendaItem.track),
            selectinload(AgendaItem.speakers)
            .joinedload(ItemSpeaker.speaker)
            .joinedload(Speaker.organization),
        )
    ).all()
    invited = invitations_of(event.id)
    taken = {row.external_number for row in rows if row.external_number is not None}
    zone = ZoneInfo(event.timezone)
    return [_published(row, invited.get(row.id, frozenset()), taken, zone) for row in rows]


def _published(row: AgendaItem, invited: frozenset[int], taken: set[int], zone: ZoneInfo) -> PublishedItem:
    if row.starts_at is None or row.ends_at is None:
        raise ValueError("only placed items are published")
    own = row.id + OWN_NUMBERS_FROM if row.id in taken else row.id
    number = own if row.external_number is None else row.external_number
    return PublishedItem(
        id=row.id,
        code=row.code,
        uid=row.uid,
        guid=guid_of(row.external_id, row.uid),
        number=number,
        sequence=row.sequence,
        kind=row.kind,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        last_day=(row.ends_at - timedelta(microseconds=1)).astimezone(zone).date(),
        changed_at=row.changed_at,
        access=row.access,
        status=row.status,
        parent_id=row.parent_id,
        kind_text=row.kind_text,
        title_en=row.title_en,
        title_ja=row.title_ja,
        subtitle_en=row.subtitle_en,
        subtitle_ja=row.subtitle_ja,
        text_en=row.text_en,
        text_ja=row.text_ja,
        abstract=row.abstract,
        links=tuple((href, title) for href, title in json.loads(row.links or "[]")),
        language=row.language,
        room=_room(row.room),
        track=_track(row.track),
        speakers=tuple(_speaker(link) for link in _in_order(row.speakers)),
        registration_ids=invited,
    )


def _room(row: Room | None) -> PublishedRoom | None:
    return None if row is None else PublishedRoom(row.id, row.name_en, row.name_ja, row.position)


def _track(row: Track | None) -> PublishedTrack | None:
    if row is None:
        return None
    return PublishedTrack(row.id, row.name_en, row.name_ja, row.color, row.position)


def _in_order(links: Sequence[ItemSpeaker]) -> Sequence[ItemSpeaker]:
    return sorted(links, key=lambda link: (link.position, link.speaker_id))


def _speaker(link: ItemSpeaker) -> PublishedSpeaker:
    row = link.speaker
    organization = row.organization
    return PublishedSpeaker(
        id=row.id,
        name_latin=row.name_latin,
        name_native=row.name_native,
        name_kana=row.name_kana,
        position_en=row.position_en,
        position_ja=row.position_ja,
        bio_en=row.bio_en,
        bio_ja=row.bio_ja,
        organization=None
        if organization is None
        else PublishedOrganization(organization.slug, organization.name_en, organization.name_ja),
        user_id=row.user_id,
        external_id=row.external_id,
        role=link.role,
    )
