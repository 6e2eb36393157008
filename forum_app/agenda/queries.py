"""Reading the published agenda, and the draft of organizers."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from forum_app.accounts.models import User
from forum_app.agenda.clashes import Placed
from forum_app.agenda.models import (
    AgendaItem,
    AgendaVersion,
    Bookmark,
    ItemInvitation,
    ItemKind,
    ItemSpeaker,
    ItemStatus,
    Speaker,
)
from forum_app.agenda.snapshot import PublishedAgenda, distinct, items_from_json
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import Lookup, db, run
from forum_app.events.models import Event
from forum_app.organizations.models import Organization
from forum_app.registration.models import Registration, RegistrationState
from forum_app.web.tables import contains

ATTENDING = (RegistrationState.APPROVED, RegistrationState.CHECKED_IN)


# --- What is published ---------------------------------------------------------------------------
_LATEST_VERSION = (
    select(AgendaVersion.id, AgendaVersion.digest)
    .where(AgendaVersion.event_id == bindparam("event_id"))
    .order_by(AgendaVersion.number.desc())
    .limit(1)
)


def current_agenda(event: Event) -> PublishedAgenda | None:
    """The latest published version; one tiny statement once this process has read it."""
    row = db.session.execute(_LATEST_VERSION, {"event_id": event.id}).one_or_none()
    return None if row is None else _read_version(row.id, row.digest)


_LATEST = (
    select(AgendaVersion.event_id, func.max(AgendaVersion.number).label("number"))
    .where(AgendaVersion.event_id.in_(bindparam("event_ids", expanding=True)))
    .group_by(AgendaVersion.event_id)
    .subquery()
)
_LATEST_VERSIONS = select(AgendaVersion.event_id, AgendaVersion.id, AgendaVersion.digest).join(
    _LATEST, (AgendaVersion.event_id == _LATEST.c.event_id) & (AgendaVersion.number == _LATEST.c.number)
)


def current_agendas(event_ids: Iterable[int]) -> dict[int, PublishedAgenda]:
    """The latest published version of each event that has one; one statement once all are read."""
    db.session.flush()
    rows: Sequence[Any] = run(_LATEST_VERSIONS, {"event_ids": list(event_ids)}).all()
    return {row.event_id: _read_version(row.id, row.digest) for row in rows}


@lru_cache(maxsize=16)
def _read_version(version_id: int, digest: str) -> PublishedAgenda:
    # what a version holds never changes, so nothing ever has to be thrown out but for space
    version = db.session.execute(
        select(
            AgendaVersion.event_id,
            AgendaVersion.number,
            AgendaVersion.name,
            AgendaVersion.published_at,
            AgendaVersion.snapshot,
        ).where(AgendaVersion.id == version_id)
    ).one()
    items = items_from_json(version.snapshot)
    return PublishedAgenda(
        event_id=version.event_id,
        number=version.number,
        name=version.name,
        published_at=version.published_at,
        digest=digest,
        rooms=distinct([item.room for item in items]),
        tracks=distinct([item.track for item in items]),
        items=items,
    )


def list_versions(event_id: int) -> Sequence[Any]:
    """Rows of number, name, published_at and the User who published, newest first; no snapshots."""
    return db.session.execute(
        select(AgendaVersion.number, AgendaVersion.name, AgendaVersion.published_at, User)
        .outerjoin(User, User.id == AgendaVersion.published_by_id)
        .where(AgendaVersion.event_id == event_id)
        .order_by(AgendaVersion.number.desc())
        .limit(200)
    ).all()


def bookmarked_ids(user_id: int, event_id: int) -> set[int]:
    """Ids of the items of an event that a person put into their own programme."""
    return set(
        db.session.scalars(
            select(Bookmark.item_id)
            .join(AgendaItem, AgendaItem.id == Bookmark.item_id)
            .where(Bookmark.user_id == user_id, AgendaItem.event_id == event_id)
        )
    )


_EVENTS_OF_PROGRAMME = Lookup(
    Event,
    select(Event)
    .where(
        or_(
            Event.id.in_(select(Speaker.event_id).where(Speaker.user_id == bindparam("user_id"))),
            Event.id.in_(
                select(AgendaItem.event_id)
                .join(Bookmark, Bookmark.item_id == AgendaItem.id)
                .where(Bookmark.user_id == bindparam("user_id"))
            ),
        )
    )
    .order_by(Event.id),
)


def events_of_programme(user_id: int) -> Sequence[Event]:
    """Events at which a person speaks or has bookmarked something."""
    return _EVENTS_OF_PROGRAMME.all({"user_id": user_id})


# --- The draft -----------------------------------------------------------------------------------
def get_item(event: Event, code: str) -> AgendaItem:
    """An item of the draft with room, track and speakers; raises NotFound."""
    item = db.session.scalar(
        select(AgendaItem)
        .where(AgendaItem.event_id == event.id, AgendaItem.code == code)
        .options(
            joinedload(AgendaItem.room),
            joinedload(AgendaItem.track),
            selectinload(AgendaItem.speakers).joinedload(ItemSpeaker.speaker),
        )
    )
    if item is None:
        raise NotFound(N_("There is no such agenda item."))
    return item


def draft_items(event_id: int) -> Select[Any]:
    """Statement of the draft's items for a list, with room, track and speakers."""
    return (
        select(AgendaItem)
        .where(AgendaItem.event_id == event_id)
        .options(
            joinedload(AgendaItem.room),
            joinedload(AgendaItem.track),
            selectinload(AgendaItem.speakers).joinedload(ItemSpeaker.speaker),
        )
    )


def matching_items(statement: Select[Any], words: str) -> Select[Any]:
    """Narrow a statement of items to those with words in title, subtitle or a speaker's name."""
    if not words:
        return statement
    pattern = contains(words)
    speaks = (
        select(ItemSpeaker.item_id)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(or_(*(_like(column, pattern) for column in _SPEAKER_NAMES)))
    )
    columns = (AgendaItem.title_en, AgendaItem.title_ja, AgendaItem.subtitle_en, AgendaItem.subtitle_ja)
    return statement.where(
        or_(
            *(_like(column, pattern) for column in columns),
            AgendaItem.id.in_(speaks),
            AgendaItem.code == words,
        )
    )


_SPEAKER_NAMES = (Speaker.name_latin, Speaker.name_native, Speaker.name_kana)


def _like(column: Any, pattern: str) -> Any:
    return func.lower(column).like(func.lower(pattern), escape="\\")


def placed_items(event_id: int) -> list[Placed]:
    """All placed items that are not cancelled, as the clash finder takes them; two statements."""
    rows: list[Any] = list(
        db.session.execute(
            select(
                AgendaItem.id,
                AgendaItem.code,
                AgendaItem.parent_id,
                AgendaItem.title_en,
                AgendaItem.title_ja,
                AgendaItem.room_id,
                AgendaItem.starts_at,
                AgendaItem.ends_at,
            ).where(
                AgendaItem.event_id == event_id,
                AgendaItem.starts_at.is_not(None),
                AgendaItem.status != ItemStatus.CANCELLED,
            )
        )
    )
    people = people_of_items(event_id)
    return [Placed(**row._mapping, people=people.get(row.id, frozenset())) for row in rows]


def people_of_items(event_id: int) -> dict[int, frozenset[str]]:
    """Keys of who speaks at each item: two speaker rows of one login are one person."""
    found: dict[int, set[str]] = {}
    for item_id, speaker_id, user_id in db.session.execute(
        select(ItemSpeaker.item_id, Speaker.id, Speaker.user_id)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(Speaker.event_id == event_id)
    ):
        found.setdefault(item_id, set()).add(person_key(speaker_id, user_id))
    return {item: frozenset(keys) for item, keys in found.items()}


def person_key(speaker_id: int, user_id: int | None) -> str:
    """One person, however many speaker rows they have."""
    return f"user {user_id}" if user_id is not None else f"speaker {speaker_id}"


def list_blocks(event_id: int) -> Sequence[AgendaItem]:
    """Pitch blocks of the draft, in the order of time."""
    return db.session.scalars(
        select(AgendaItem)
        .where(
            AgendaItem.event_id == event_id,
            AgendaItem.kind == ItemKind.PITCH_BLOCK,
            AgendaItem.status != ItemStatus.CANCELLED,
        )
        .order_by(AgendaItem.starts_at, AgendaItem.id)
    ).all()


def list_children(item_id: int) -> Sequence[AgendaItem]:
    """Items inside a block, in the order of time."""
    return db.session.scalars(
        select(AgendaItem)
        .where(AgendaItem.parent_id == item_id)
        .order_by(AgendaItem.starts_at, AgendaItem.id)
    ).all()


def draft_days(event_id: int) -> Sequence[Any]:
    """Starts of the placed items; for the choice of days."""
    return db.session.scalars(
        select(AgendaItem.starts_at)
        .where(AgendaItem.event_id == event_id, AgendaItem.starts_at.is_not(None))
        .order_by(AgendaItem.starts_at)
    ).all()


# --- Speakers ------------------------------------------------------------------------------------
def list_speakers(event_id: int) -> Sequence[Speaker]:
    """All speakers of an event with their organizations, by name."""
    return db.session.scalars(
        select(Speaker)
        .where(Speaker.event_id == event_id)
        .options(joinedload(Speaker.organization))
        .order_by(func.coalesce(func.nullif(Speaker.name_latin, ""), Speaker.name_native), Speaker.id)
    ).all()


def get_speaker(event: Event, speaker_id: int) -> Speaker:
    """A speaker of the event; raises NotFound."""
    speaker = db.session.scalar(
        select(Speaker)
        .where(Speaker.event_id == event.id, Speaker.id == speaker_id)
        .options(joinedload(Speaker.organization), joinedload(Speaker.user))
    )
    if speaker is None:
        raise NotFound(N_("There is no such speaker."))
    return speaker


def speaker_rows(event_id: int, words: str) -> Select[Any]:
    """Statement of speakers with the number of their items."""
    count = (
        select(func.count())
        .select_from(ItemSpeaker)
        .where(ItemSpeaker.speaker_id == Speaker.id)
        .correlate(Speaker)
        .scalar_subquery()
    )
    statement: Select[Any] = (
        select(Speaker, count.label("items"))
        .outerjoin(Organization, Organization.id == Speaker.organization_id)
        .where(Speaker.event_id == event_id)
        .options(joinedload(Speaker.organization))
    )
    if words:
        pattern = contains(words)
        columns = (*_SPEAKER_NAMES, Organization.name_en, Organization.name_ja)
        statement = statement.where(or_(*(_like(column, pattern) for column in columns)))
    return statement


def items_of_speaker(speaker_id: int) -> Sequence[AgendaItem]:
    """Items of the draft at which a speaker speaks."""
    return db.session.scalars(
        select(AgendaItem)
        .join(ItemSpeaker, ItemSpeaker.item_id == AgendaItem.id)
        .where(ItemSpeaker.speaker_id == speaker_id)
        .order_by(AgendaItem.starts_at, AgendaItem.id)
    ).all()


# --- Invitations ---------------------------------------------------------------------------------
def invited_registrations(item_id: int) -> Sequence[Registration]:
    """Who is invited to an item, with organizations."""
    return db.session.scalars(
        select(Registration)
        .join(ItemInvitation, ItemInvitation.registration_id == Registration.id)
        .where(ItemInvitation.item_id == item_id)
        .options(joinedload(Registration.organization))
        .order_by(Registration.name_latin, Registration.id)
    ).all()


def invitable_registrations(event_id: int, item_id: int, words: str) -> Select[Any]:
    """Statement of the people of an event with whether each is invited to an item."""
    invited = select(ItemInvitation.registration_id).where(ItemInvitation.item_id == item_id)
    chosen: Any = select(Registration, Registration.id.in_(invited).label("invited"))
    statement: Select[Any] = (
        chosen.outerjoin(Organization, Organization.id == Registration.organization_id)
        .where(Registration.event_id == event_id, Registration.state.in_(ATTENDING))
        .options(joinedload(Registration.organization))
    )
    if words:
        pattern = contains(words)
        columns: tuple[Any, ...] = (
            Registration.name_latin,
            Registration.name_native,
            Registration.name_kana,
            Registration.email,
            Organization.name_en,
            Organization.name_ja,
        )
        statement = statement.where(or_(*(_like(column, pattern) for column in columns)))
    return statement


def invitations_of(event_id: int) -> dict[int, frozenset[int]]:
    """Registration ids invited to each item of an event."""
    found: dict[int, set[int]] = {}
    for item_id, registration_id in db.session.execute(
        select(ItemInvitation.item_id, ItemInvitation.registration_id)
        .join(AgendaItem, AgendaItem.id == ItemInvitation.item_id)
        .where(AgendaItem.event_id == event_id)
    ):
        found.setdefault(item_id, set()).add(registration_id)
    return {item: frozenset(ids) for item, ids in found.items()}


def list_organization_names() -> Sequence[Any]:
    """Rows of id, name_en, name_ja of the whole registry, by name."""
    return db.session.execute(
        select(Organization.id, Organization.name_en, Organization.name_ja).order_by(
            func.coalesce(func.nullif(Organization.name_en, ""), Organization.name_ja), Organization.id
        )
    ).all()


def draft_figures(event_id: int) -> tuple[int, int]:
    """How many items the draft has that are not cancelled, and how many of them have no time."""
    row = db.session.execute(
        select(func.count(AgendaItem.id), func.count(AgendaItem.starts_at)).where(
            AgendaItem.event_id == event_id, AgendaItem.status != ItemStatus.CANCELLED
        )
    ).one()
    return row[0], row[0] - row[1]
