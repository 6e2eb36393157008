"""What a published version holds: everything that pages, feeds, exports and search show.

Immutable, and read from JSON once per process and version. Names, rooms and tracks are those of the
moment of publication.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cached_property
from typing import Any

from forum_app.agenda.models import AccessLevel, ItemKind, ItemStatus, SpeakerRole

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PublishedRoom:
    id: int
    name_en: str
    name_ja: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class PublishedTrack:
    """color: 1..8, one of the theme's track colours."""

    id: int
    name_en: str
    name_ja: str
    color: int = 1
    position: int = 0


@dataclass(frozen=True, slots=True)
class PublishedOrganization:
    slug: str
    name_en: str
    name_ja: str


@dataclass(frozen=True, slots=True)
class PublishedSpeaker:
    """A person at one item. user_id: the login, if there is one; external_id: of an import."""

    id: int
    name_latin: str
    name_native: str
    name_kana: str
    position_en: str = ""
    position_ja: str = ""
    bio_en: str = ""
    bio_ja: str = ""
    organization: PublishedOrganization | None = None
    user_id: int | None = None
    external_id: str | None = None
    role: SpeakerRole = SpeakerRole.SPEAKER

    @property
    def name(self) -> str:
        return self.name_latin or self.name_native


@dataclass(frozen=True, slots=True)
class PublishedItem:
    """One item. Instants are aware, UTC; last_day: the day of its end in the event's zone.

    guid and number: the identifiers of the exchange format. registration_ids: who was invited.
    changed_at: when a publication last changed anything here.
    """

    id: int
    code: str
    uid: str
    guid: str
    number: int
    sequence: int
    kind: ItemKind
    starts_at: datetime
    ends_at: datetime
    last_day: date
    changed_at: datetime
    access: AccessLevel = AccessLevel.PUBLIC
    status: ItemStatus = ItemStatus.CONFIRMED
    parent_id: int | None = None
    kind_text: str = ""
    title_en: str = ""
    title_ja: str = ""
    subtitle_en: str = ""
    subtitle_ja: str = ""
    text_en: str = ""
    text_ja: str = ""
    abstract: str = ""
    links: tuple[tuple[str, str], ...] = ()
    language: str = ""
    room: PublishedRoom | None = None
    track: PublishedTrack | None = None
    speakers: tuple[PublishedSpeaker, ...] = ()
    registration_ids: frozenset[int] = frozenset()

    @property
    def is_cancelled(self) -> bool:
        return self.status == ItemStatus.CANCELLED

    def is_speaker(self, user_id: int | None) -> bool:
        """Whether that login speaks here."""
        return user_id is not None and any(speaker.user_id == user_id for speaker in self.speakers)

    @property
    def place(self) -> tuple[datetime, datetime, int | None, ItemStatus]:
        """Time, room and status: where people have to be when."""
        return self.starts_at, self.ends_at, self.room.id if self.room else None, self.status

    @property
    def shown_place(self) -> tuple[datetime, datetime, tuple[str, str] | None, ItemStatus]:
        """The same as readers see it, so a room by its names: what raises the iCalendar SEQUENCE when it
        differs, here and in what feeds have shown (calendars/contents.py)."""
        names = (self.room.name_en, self.room.name_ja) if self.room else None
        return self.starts_at, self.ends_at, names, self.status


@dataclass(frozen=True, eq=False)
class PublishedAgenda:
    """A published version; compared by identity, so that it can be the key of a cache.

    items: by start, then room, then id. digest: SHA-256 of what was stored.
    """

    event_id: int
    number: int
    name: str
    published_at: datetime
    digest: str
    rooms: tuple[PublishedRoom, ...]
    tracks: tuple[PublishedTrack, ...]
    items: tuple[PublishedItem, ...]

    @cached_property
    def by_code(self) -> Mapping[str, PublishedItem]:
        return {item.code: item for item in self.items}

    @cached_property
    def by_id(self) -> Mapping[int, PublishedItem]:
        return {item.id: item for item in self.items}

    @cached_property
    def speaking_user_ids(self) -> frozenset[int | None]:
        """Logins of all who speak anywhere in it."""
        return frozenset(speaker.user_id for item in self.items for speaker in item.speakers)

    @cached_property
    def invited_registration_ids(self) -> frozenset[int | None]:
        """Registrations of all who are invited to any of its items."""
        return frozenset(number for item in self.items for number in item.registration_ids)

    @cached_property
    def changed_at(self) -> datetime:
        """When anything in it last changed."""
        return max((item.changed_at for item in self.items), default=self.published_at)


@dataclass(frozen=True, eq=False)
class Readable:
    """What one kind of reader may know of a version; items in their order, cancelled ones too."""

    items: tuple[PublishedItem, ...]

    @cached_property
    def by_code(self) -> Mapping[str, PublishedItem]:
        return {item.code: item for item in self.items}

    @cached_property
    def by_id(self) -> Mapping[int, PublishedItem]:
        return {item.id: item for item in self.items}

    @cached_property
    def held(self) -> tuple[PublishedItem, ...]:
        """Those that take place."""
        return tuple(item for item in self.items if item.status is not ItemStatus.CANCELLED)

    @cached_property
    def places(self) -> Mapping[int, int]:
        """Where each item stands in held, by its id."""
        return {item.id: index for index, item in enumerate(self.held)}

    @cached_property
    def inside(self) -> Mapping[int | None, tuple[PublishedItem, ...]]:
        """Those that take place by the id of the block in which they stand."""
        found: dict[int | None, tuple[PublishedItem, ...]] = {}
        for item in self.held:
            found[item.parent_id] = (*found.get(item.parent_id, ()), item)
        return found

    @cached_property
    def ends_at(self) -> datetime:
        """The end of the last item that takes place; there must be one."""
        return max(item.ends_at for item in self.held)


def sorted_items(items: Sequence[PublishedItem]) -> tuple[PublishedItem, ...]:
    """By start, longer ones first (a block before its pitches), room, id."""

    def order(item: PublishedItem) -> tuple[Any, ...]:
        room = item.room.position if item.room else -1
        return item.starts_at, -(item.ends_at - item.starts_at).total_seconds(), room, item.id

    return tuple(sorted(items, key=order))


_ITEM_FIELDS = tuple(
    f.name
    for f in fields(PublishedItem)
    if f.name
    not in {"room", "track", "speakers", "registration_ids", "starts_at", "ends_at", "last_day", "changed_at"}
)
_SPEAKER_FIELDS = tuple(f.name for f in fields(PublishedSpeaker) if f.name not in {"organization", "role"})
_PLAIN = {f: tuple(x.name for x in fields(f)) for f in (PublishedRoom, PublishedTrack, PublishedOrganization)}


def _plain(row: Any) -> list[Any]:
    return [getattr(row, name) for name in _PLAIN[type(row)]]


def to_json(items: Sequence[PublishedItem]) -> str:
    """The stored form. People are stored once, however often they speak."""
    people: dict[PublishedSpeaker, int] = {}
    rooms: dict[PublishedRoom, int] = {}
    tracks: dict[PublishedTrack, int] = {}
    organizations: dict[PublishedOrganization, int] = {}

    def number(known: dict[Any, int], row: Any) -> int | None:
        return None if row is None else known.setdefault(row, len(known))

    stored = [
        [
            *(getattr(item, name) for name in _ITEM_FIELDS),
            item.starts_at.isoformat(),
            item.ends_at.isoformat(),
            item.last_day.isoformat(),
            item.changed_at.isoformat(),
            number(rooms, item.room),
            number(tracks, item.track),
            [number(people, speaker) for speaker in item.speakers],
            sorted(item.registration_ids),
        ]
        for item in items
    ]
    return json.dumps(
        {
            "format": FORMAT,
            "items": stored,
            "people": [
                [
                    *(getattr(speaker, name) for name in _SPEAKER_FIELDS),
                    number(organizations, speaker.organization),
                    speaker.role,
                ]
                for speaker in people
            ],
            "rooms": [_plain(room) for room in rooms],
            "tracks": [_plain(track) for track in tracks],
            "organizations": [_plain(organization) for organization in organizations],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def items_from_json(text: str) -> tuple[PublishedItem, ...]:
    """The items of the stored form, in their order."""
    stored = json.loads(text)
    rooms = [PublishedRoom(*row) for row in stored["rooms"]]
    tracks = [PublishedTrack(*row) for row in stored["tracks"]]
    organizations = [PublishedOrganization(*row) for row in stored["organizations"]]
    people = [
        PublishedSpeaker(
            **dict(zip(_SPEAKER_FIELDS, row, strict=False)),
            organization=None if row[-2] is None else organizations[row[-2]],
            role=SpeakerRole(row[-1]),
        )
        for row in stored["people"]
    ]
    count = len(_ITEM_FIELDS)
    items = []
    for row in stored["items"]:
        values = dict(zip(_ITEM_FIELDS, row, strict=False))
        values["kind"] = ItemKind(values["kind"])
        values["access"] = AccessLevel(values["access"])
        values["status"] = ItemStatus(values["status"])
        values["links"] = tuple((href, title) for href, title in values["links"])
        start, end, last_day, changed_at, room, track, speakers, registrations = row[count:]
        items.append(
            PublishedItem(
                **values,
                starts_at=datetime.fromisoformat(start),
                ends_at=datetime.fromisoformat(end),
                last_day=date.fromisoformat(last_day),
                changed_at=datetime.fromisoformat(changed_at),
                room=None if room is None else rooms[room],
                track=None if track is None else tracks[track],
                speakers=tuple(people[index] for index in speakers),
                registration_ids=frozenset(registrations),
            )
        )
    return tuple(items)


def distinct(rows: Sequence[Any]) -> tuple[Any, ...]:
    """The rooms or tracks that occur, in their order."""
    known = {row.id: row for row in rows if row is not None}
    return tuple(sorted(known.values(), key=lambda row: (row.position, row.id)))
