"""An exchanged agenda into the rows of the draft, in a few statements whatever its size."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from forum_app.agenda.models import (
    AccessLevel,
    AgendaItem,
    ItemKind,
    ItemSpeaker,
    ItemStatus,
    Speaker,
    SpeakerRole,
    item_code,
    new_uid,
)
from forum_app.agenda.publication import guid_of
from forum_app.core.frab import Person, Schedule, ScheduleItem
from forum_app.db import db
from forum_app.events.models import Event, Room, Track

JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
MAX_NUMBER = 2**53
BATCH = 500
KINDS = {
    "lecture": ItemKind.TALK,
    "presentation": ItemKind.TALK,
    "podium": ItemKind.PANEL,
    "panel discussion": ItemKind.PANEL,
    "meeting": ItemKind.NETWORKING,
    "lunch": ItemKind.BREAK,
    "coffee": ItemKind.BREAK,
    "performance": ItemKind.OTHER,
}
TEXTS = {"title": ("title", 500), "subtitle": ("subtitle", 500), "text": ("description", 100_000)}
WRITTEN = (
    "title_en", "title_ja", "subtitle_en", "subtitle_ja", "text_en", "text_ja", "abstract", "links",
    "language", "kind", "kind_text", "room_id", "track_id", "starts_at", "ends_at", "status",
)  # fmt: skip


@dataclass(slots=True)
class ImportReport:
    """What an import did. version: number of the version published, None if nothing changed."""

    slug: str
    items: int = 0
    added: int = 0
    updated: int = 0
    cancelled: int = 0
    rooms: int = 0
    tracks: int = 0
    speakers: int = 0
    speakers_updated: int = 0
    version: int | None = None

    @property
    def changed(self) -> bool:
        return any(value for name, value in self.counts().items() if name != "items")

    def __str__(self) -> str:
        """One line for the command."""
        outcome = f"version {self.version} published" if self.version else "nothing new to publish"
        return (
            f"{self.slug}: {self.items} items read, {self.added} added, {self.updated} updated,"
            f" {self.cancelled} cancelled; {self.rooms} rooms, {self.tracks} tracks and"
            f" {self.speakers} speakers added; {outcome}."
        )

    def counts(self) -> dict[str, int]:
        """The figures for the trail."""
        names = (
            "items", "added", "updated", "cancelled", "rooms", "tracks", "speakers", "speakers_updated",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def apply_schedule(event: Event, schedule: Schedule, now: datetime) -> ImportReport:
    """Write what differs; see exchange.import_schedule for the rules."""
    report = ImportReport(event.slug, items=len(schedule.items))
    db.session.flush()
    rooms = _rooms(event, schedule, report)
    tracks = _tracks(event, schedule, report)
    people = _people(event, schedule, report)
    rows = db.session.execute(select(AgendaItem.__table__).where(AgendaItem.event_id == event.id)).all()
    items = {guid_of(row.external_id, row.uid): row for row in rows}
    new, changed, found = [], [], set()
    for entry in schedule.items:
        row = items.get(entry.guid)
        values = _values(entry, row, rooms, tracks)
        if row is None:
            new.append(_new_row(event, entry, values, now))
        else:
            found.add(row.id)
            if any(values[name] != getattr(row, name) for name in WRITTEN):
                changed.append({"item": row.id, **values})
    gone = [
        row.id
        for row in rows
        if row.external_id is not None and row.id not in found and row.status != ItemStatus.CANCELLED
    ]
    table: Any = AgendaItem.__table__
    if new:
        db.session.execute(insert(table), new)
    if changed:
        statement = (
            update(table)
            .where(table.c.id == bindparam("item"))
            .values({name: bindparam(f"new_{name}") for name in WRITTEN})
            .values(changed_at=now, version=table.c.version + 1)
        )
        db.session.connection().execute(
            statement,
            [{"item": row["item"], **{f"new_{name}": row[name] for name in WRITTEN}} for row in changed],
        )
    for part in _batches(gone):
        db.session.execute(
            update(table)
            .where(table.c.id.in_(part))
            .values(status=ItemStatus.CANCELLED, changed_at=now, version=table.c.version + 1)
        )
    touched = {row["item"] for row in changed}
    touched |= _link_people(event, schedule, people, now, touched)
    db.session.expire_all()
    report.added, report.updated, report.cancelled = len(new), len(touched), len(gone)
    return report


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most].rstrip()


def _batches(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


# --- Items ---------------------------------------------------------------------------------------
def _values(entry: ScheduleItem, row: Any, rooms: dict[str, int], tracks: dict[str, int]) -> dict[str, Any]:
    """The columns that an import writes; those the file says nothing about keep what they hold."""
    language = _cut(entry.language, 20)
    japanese = language == "ja"
    values: dict[str, Any] = {}
    for name, (source, most) in TEXTS.items():
        kept = {
            f"{name}_{tongue}": getattr(row, f"{name}_{tongue}") if row else "" for tongue in ("en", "ja")
        }
        text = _cut(getattr(entry, source), most)
        first, second = (f"{name}_ja", f"{name}_en") if japanese else (f"{name}_en", f"{name}_ja")
        # what our own export would say is no news
        if text != (kept[first] or kept[second]):
            kept[first] = text
        values.update(kept)
    kind_text = "" if entry.type in _KIND_VALUES else _cut(entry.type, 80)
    kind = (
        ItemKind(entry.type) if entry.type in _KIND_VALUES else KINDS.get(entry.type.lower(), ItemKind.TALK)
    )
    if row is not None and kind_text and row.kind_text == kind_text:
        kind = row.kind  # an organizer may have chosen better
    values.update(
        abstract=entry.abstract,
        links=json.dumps([[link.href, link.title] for link in entry.links], ensure_ascii=False),
        language=language,
        kind=kind,
        kind_text=kind_text,
        room_id=rooms.get(entry.room),
        track_id=tracks.get(entry.track),
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        status=ItemStatus.CONFIRMED,
    )
    if row is not None and row.status == ItemStatus.TENTATIVE:
        values["status"] = row.status  # the format does not know tentative
    return values


_KIND_VALUES = {kind.value for kind in ItemKind}


def _new_row(event: Event, entry: ScheduleItem, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    number = int(entry.id) if entry.id.isascii() and entry.id.isdigit() and len(entry.id) < 16 else None
    return {
        "event_id": event.id,
        "code": item_code(),
        "external_id": entry.guid,
        "external_number": number,
        "uid": new_uid(),
        "access": AccessLevel.PUBLIC,
        "sequence": 0,
        "published": False,
        "version": 1,
        "created_at": now,
        "changed_at": now,
        **values,
    }


def _link_people(
    event: Event, schedule: Schedule, people: dict[Person, int], now: datetime, touched: set[int]
) -> set[int]:
    """Make who speaks where, and in which order, what the file says; returns items changed besides."""
    ids = {
        guid_of(row.external_id, row.uid): row.id
        for row in db.session.execute(
            select(AgendaItem.id, AgendaItem.external_id, AgendaItem.uid).where(
                AgendaItem.event_id == event.id
            )
        )
    }
    links: dict[int, list[Any]] = {}
    for link in db.session.execute(
        select(ItemSpeaker.item_id, ItemSpeaker.speaker_id, ItemSpeaker.role, ItemSpeaker.position)
        .join(AgendaItem, AgendaItem.id == ItemSpeaker.item_id)
        .where(AgendaItem.event_id == event.id)
        .order_by(ItemSpeaker.item_id, ItemSpeaker.position, ItemSpeaker.speaker_id)
    ):
        links.setdefault(link.item_id, []).append(link)
    stale, fresh = [], []
    for entry in schedule.items:
        item_id = ids[entry.guid]
        wanted = list(dict.fromkeys(people[person] for person in entry.persons))
        known = {link.speaker_id: link.role for link in links.get(item_id, [])}
        if wanted == list(known):
            continue
        if known:
            stale.append(item_id)
        fresh += [
            {
                "item_id": item_id,
                "speaker_id": speaker_id,
                "role": known.get(speaker_id, SpeakerRole.SPEAKER),
                "position": position,
            }
            for position, speaker_id in enumerate(wanted)
        ]
    for part in _batches(stale):
        db.session.execute(delete(ItemSpeaker.__table__).where(ItemSpeaker.item_id.in_(part)))  # type: ignore[arg-type]
    if fresh:
        db.session.execute(insert(ItemSpeaker.__table__), fresh)  # type: ignore[arg-type]
    besides = set(stale) - touched
    table: Any = AgendaItem.__table__
    for part in _batches(sorted(besides)):
        db.session.execute(
            update(table).where(table.c.id.in_(part)).values(changed_at=now, version=table.c.version + 1)
        )
    return besides


# --- Rooms, tracks, people -----------------------------------------------------------------------
def _named(name: str, most: int = 200) -> dict[str, str]:
    """A name in the column of its script."""
    name = _cut(name, most)
    japanese = bool(JAPANESE.search(name))
    return {"name_en": "" if japanese else name, "name_ja": name if japanese else ""}


def _by_name(
    model: type[Room] | type[Track],
    event: Event,
    names: Iterable[str],
    extra: Callable[[int], dict[str, Any]],
) -> tuple[dict[str, int], int]:
    """Ids by name, making what is missing; and how many were made."""

    def known() -> dict[str, int]:
        rows = db.session.execute(
            select(model.id, model.name_en, model.name_ja)
            .where(model.event_id == event.id)
            .order_by(model.position, model.id)
        ).all()
        found: dict[str, int] = {}
        for row in rows:
            for name in (row.name_en, row.name_ja):
                if name:
                    found.setdefault(name, row.id)
        return found

    found = known()
    count = len(set(found.values()))
    wanted = list(dict.fromkeys(_cut(name, 200) for name in names if name))
    missing = [name for name in wanted if name not in found]
    if missing:
        table: Any = model.__table__
        db.session.execute(
            insert(table),
            [
                {"event_id": event.id, **_named(name), "position": count + n, **extra(count + n)}
                for n, name in enumerate(missing)
            ],
        )
        found = known()
    return found, len(missing)


def _rooms(event: Event, schedule: Schedule, report: ImportReport) -> dict[str, int]:
    names = [*schedule.rooms, *(item.room for item in schedule.items)]
    found, report.rooms = _by_name(Room, event, names, lambda n: {"floor": ""})
    return found


def _tracks(event: Event, schedule: Schedule, report: ImportReport) -> dict[str, int]:
    names = [item.track for item in schedule.items]
    found, report.tracks = _by_name(Track, event, names, lambda n: {"color": n % 8 + 1})
    return found


def _people(event: Event, schedule: Schedule, report: ImportReport) -> dict[Person, int]:
    """Speaker ids of the persons: by their id in the file, else by name."""
    table: Any = Speaker.__table__
    persons = list(dict.fromkeys(person for item in schedule.items for person in item.persons))
    rows = db.session.execute(
        select(Speaker.id, Speaker.external_id, Speaker.name_latin, Speaker.name_native).where(
            Speaker.event_id == event.id
        )
    ).all()
    external = {row.external_id: row for row in rows if row.external_id is not None}
    own = {
        (str(row.id), row.name_latin or row.name_native): row.id for row in rows if row.external_id is None
    }
    named: dict[str, int] = {}
    for row in rows:
        for name in (row.name_latin, row.name_native):
            if name and row.external_id is None:
                named.setdefault(name, row.id)
    result: dict[Person, int] = {}
    renamed: dict[int, dict[str, Any]] = {}
    missing = []
    for person in persons:
        name = _cut(person.name, 200)
        known = external.get(person.id) if person.id else None
        if known is not None:
            result[person] = known.id
            names = (known.name_latin, known.name_native)
            if name not in names and known.id not in renamed:
                # only the name in the script of the file; an organizer may have added the other
                new = _person_name(name)
                latin, native = (new["name_latin"] or names[0], new["name_native"] or names[1])
                renamed[known.id] = {"speaker": known.id, "new_latin": latin, "new_native": native}
        elif (speaker_id := own.get((person.id, name)) or named.get(name)) is not None:
            result[person] = speaker_id
        else:
            missing.append(person)
    if renamed:
        statement = (
            update(table)
            .where(table.c.id == bindparam("speaker"))
            .values(name_latin=bindparam("new_latin"), name_native=bindparam("new_native"))
        )
        db.session.connection().execute(statement, list(renamed.values()))
    if missing:
        _add_people(event, missing, result)
    report.speakers, report.speakers_updated = len(missing), len(renamed)
    return result


def _person_name(name: str) -> dict[str, str]:
    japanese = bool(JAPANESE.search(name))
    return {"name_latin": "" if japanese else name, "name_native": name if japanese else ""}


def _add_people(event: Event, persons: Sequence[Person], result: dict[Person, int]) -> None:
    # one number is one person, whatever names the file gives it; without numbers one name is
    first: dict[tuple[str, str], Person] = {}
    for person in persons:
        first.setdefault((person.id, "" if person.id else _cut(person.name, 200)), person)
    rows = [
        {"event_id": event.id, "external_id": person.id or None, **_person_name(_cut(person.name, 200))}
        for person in first.values()
    ]
    table: Any = Speaker.__table__
    last = db.session.scalar(select(func.max(Speaker.id)))
    db.session.execute(insert(table), rows)
    made = {
        (row.external_id or "", "" if row.external_id else row.name_latin or row.name_native): row.id
        for row in db.session.execute(
            select(Speaker.id, Speaker.external_id, Speaker.name_latin, Speaker.name_native).where(
                Speaker.event_id == event.id, Speaker.id > (last or 0)
            )
        )
    }
    for person in persons:
        result[person] = made[person.id, "" if person.id else _cut(person.name, 200)]
