"""What the public pages are made of: cards that are rendered once, search, now and next.

Only what is the same for every reader of one language and pair of zones is kept: single cards and
exports of a given set of items, by the digest of the version. Who may see which of them is decided
anew on every request.
"""

import hashlib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from flask import request, url_for
from markupsafe import Markup

from forum_app.agenda.days import AgendaDay, agenda_days
from forum_app.agenda.exchange import EventFacts, schedule_of
from forum_app.agenda.grid import Block, blocks_of, grid_of
from forum_app.agenda.models import ACCESS_LABELS, ITEM_KIND_LABELS, AccessLevel, ItemStatus
from forum_app.agenda.snapshot import PublishedAgenda, PublishedItem, Readable
from forum_app.core.frab import render_json, render_xml
from forum_app.events.models import Event
from forum_app.web.formats import bilingual, second_zone
from forum_app.web.languages import language
from forum_app.web.parts import Parts, Stencil, hole, render_part, stencil
from forum_app.web.texts import gettext

MAX_WORDS = 8
EVE = timedelta(hours=12)


# --- Words ---------------------------------------------------------------------------------------
def kind_label(item: Any) -> str:
    """Kind in the reader's language."""
    return str(gettext(ITEM_KIND_LABELS[item.kind]))


def access_label(item: Any) -> str:
    """Access level in the reader's language; nothing for what is open to all."""
    return "" if item.access == AccessLevel.PUBLIC else str(gettext(ACCESS_LABELS[item.access]))


def language_label(code: str, locale: str | None = None) -> str:
    """Name of an item's language; several joined by hyphens mean that it is interpreted."""
    if not code:
        return ""
    names = [_language_name(part, locale or language()) for part in code.split("-")]
    if len(names) == 1:
        return names[0]
    return str(gettext("%(languages)s (interpreted)", languages=" / ".join(names)))


@lru_cache(maxsize=512)
def _language_name(code: str, locale: str) -> str:
    return str(Locale.parse(locale).languages.get(code.lower(), code))


def title_language(item: Any) -> str | None:
    """Language of the title shown, where it is not the page's."""
    locale = language()
    if locale == "ja":
        return None if item.title_ja else "en"
    return None if item.title_en else "ja"


# --- Parts that are rendered once ----------------------------------------------------------------
_cards: Parts[Markup] = Parts(6000)
_lines: Parts[Markup] = Parts(6000)
_days: Parts[Markup] = Parts(60)
_pages: Parts[Stencil] = Parts(1000)


class Renderer:
    """The parts of a version's pages in the reader's language and zones."""

    def __init__(self, event: Event, agenda: PublishedAgenda) -> None:
        self.event = event
        self.agenda = agenda
        self.second = second_zone(event)
        root = request.script_root
        self.key = (agenda.digest, event.slug, language(), event.timezone, self.second, root)

    def card(
        self, item: PublishedItem, state: str, mine: bool = False, inside: Sequence[Markup] = ()
    ) -> Markup:
        """The card of an item; state: "", now, next, past or cancelled; mine: with that mark.

        inside: the lines of what is listed in this card.
        """
        return _cards.get(
            (self.key, item.id, state, mine, tuple(inside)),
            lambda: render_part(
                "agenda/_card.html",
                item=item,
                event=self.event,
                state=state,
                mine=mine,
                inside=inside,
                url=url_for("agenda.item", slug=self.event.slug, item_code=item.code),
                kind=kind_label(item),
                language_label=language_label(item.language),
                access_label=access_label(item),
                title_language=title_language(item),
            ),
        )

    def line(self, item: PublishedItem, state: str, mine: bool, block: PublishedItem) -> Markup:
        """An item as a line of its block's card; its access is said where it is not the block's."""
        access = "" if item.access == block.access else str(gettext(ACCESS_LABELS[item.access]))
        return _lines.get(
            (self.key, item.id, state, mine, access),
            lambda: render_part(
                "agenda/_line.html",
                item=item,
                event=self.event,
                state=state,
                mine=mine,
                url=url_for("agenda.item", slug=self.event.slug, item_code=item.code),
                access_label=access,
                title_language=title_language(item),
            ),
        )

    def day(
        self, day: date, items: Sequence[PublishedItem], state: Mapping[int, str], mine: Set[int]
    ) -> Markup:
        """A day's grid, or its list where there are too many rooms."""
        marks = tuple((item.id, state.get(item.id, "")) for item in items)
        if any(item.id in mine for item in items):
            return self._day(day, items, state, mine)
        return _days.get((self.key, day, marks), lambda: self._day(day, items, state, mine))

    def _day(
        self, day: date, items: Sequence[PublishedItem], state: Mapping[int, str], mine: Set[int]
    ) -> Markup:
        blocks = blocks_of(items)
        grid = grid_of(blocks)
        zone = ZoneInfo(self.event.timezone)

        def cards(row: Sequence[Block]) -> list[Markup]:
            return [
                self.card(
                    block.item,
                    state.get(block.item.id, ""),
                    block.item.id in mine,
                    [
                        self.line(item, state.get(item.id, ""), item.id in mine, block.item)
                        for item in block.inside
                    ],
                )
                for block in row
            ]

        return render_part(
            "agenda/_day.html",
            day=day,
            columns=grid.columns if grid else (),
            cells=[(c.column or "all", c.row, c.span, cards(c.blocks)) for c in grid.cells] if grid else [],
            times=[f"{at.astimezone(zone):%H:%M}" for at in grid.rows] if grid else [],
            cards=[] if grid else cards(blocks),
        )

    def page(self, item: PublishedItem, state: str, near: "Near") -> Stencil:
        """An item's page without the frame; the hole "actions" is for the buttons of the reader."""
        ids = tuple([one.id if one else None for one in (near.block, near.before, near.after)])
        return _pages.get(
            (self.key, item.id, state, ids, tuple([one.id for one in near.inside])),
            lambda: stencil(
                "agenda/_item.html",
                item=item,
                event=self.event,
                state=state,
                near=near,
                kind=kind_label(item),
                language_label=language_label(item.language),
                access_label=access_label(item),
                title_language=title_language(item),
                actions=hole("actions"),
            ),
        )


@dataclass(frozen=True, slots=True)
class Near:
    """What stands around an item, as far as the reader may know of it."""

    block: PublishedItem | None
    inside: tuple[PublishedItem, ...]
    before: PublishedItem | None
    after: PublishedItem | None


def near(item: PublishedItem, known: Readable) -> Near:
    """The neighbours of item among what the reader may know of."""
    held, position = known.held, known.places.get(item.id)
    return Near(
        block=known.by_id.get(item.parent_id) if item.parent_id else None,
        inside=known.inside.get(item.id, ()),
        before=held[position - 1] if position else None,
        after=held[position + 1] if position is not None and position + 1 < len(held) else None,
    )


def days_of(agenda: PublishedAgenda, items: Sequence[PublishedItem], zone: str) -> list[AgendaDay]:
    """agenda_days() of the readable items, kept by which they are."""
    ids = None if len(items) == len(agenda.items) else frozenset(item.id for item in items)
    return _days_of(agenda, ids, zone)


@lru_cache(maxsize=64)
def _days_of(agenda: PublishedAgenda, ids: frozenset[int] | None, zone: str) -> list[AgendaDay]:
    return agenda_days([item for item in agenda.items if ids is None or item.id in ids], zone)


def states(known: Readable, now: datetime) -> dict[int, str]:
    """State of each item that has one: cancelled, and while the agenda runs now, next, past."""
    following = _following(known, now)
    return {item.id: state for item in known.items if (state := _state(item, known, now, following))}


def state_of(item: PublishedItem, known: Readable, now: datetime) -> str:
    """The state of one item of known, as in states()."""
    return _state(item, known, now, _following(known, now))


def _following(known: Readable, now: datetime) -> datetime | None:
    """When the next items start."""
    index = bisect_right(known.held, now, key=lambda item: item.starts_at)
    return known.held[index].starts_at if index < len(known.held) else None


def _state(item: PublishedItem, known: Readable, now: datetime, following: datetime | None) -> str:
    if item.status is ItemStatus.CANCELLED:
        return "cancelled"
    if not known.held[0].starts_at - EVE <= now < known.ends_at:
        return ""
    if item.ends_at <= now:
        return "past"
    if item.starts_at <= now:
        return "now"
    return "next" if item.starts_at == following else ""


# --- Search and filters --------------------------------------------------------------------------
def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(maxsize=16)
def _haystacks(agenda: PublishedAgenda) -> dict[int, str]:
    return {item.id: _folded("\n".join(_texts(item))) for item in agenda.items}


def _texts(item: PublishedItem) -> Iterable[str]:
    yield from (item.title_en, item.title_ja, item.subtitle_en, item.subtitle_ja)
    yield from (item.text_en, item.text_ja, item.abstract, item.code)
    for row in (item.room, item.track):
        if row is not None:
            yield from (row.name_en, row.name_ja)
    for speaker in item.speakers:
        yield from (speaker.name_latin, speaker.name_native, speaker.name_kana)
        if speaker.organization is not None:
            yield from (speaker.organization.name_en, speaker.organization.name_ja)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader asked for; empty values ask for everything."""

    words: str = ""
    track: int | None = None
    room: int | None = None
    language: str = ""
    day: date | None = None
    mine: bool = False

    @property
    def narrowed(self) -> bool:
        return self != Choice()


def chosen(agenda: PublishedAgenda, items: Iterable[PublishedItem], choice: Choice) -> set[int]:
    """Ids of the readable items that match; the day is not looked at here."""
    words = _folded(choice.words).split()[:MAX_WORDS]
    haystacks = _haystacks(agenda) if words else {}
    return {
        item.id
        for item in items
        if (choice.track is None or (item.track is not None and item.track.id == choice.track))
        and (choice.room is None or (item.room is not None and item.room.id == choice.room))
        and (not choice.language or choice.language in item.language.split("-"))
        and all(word in haystacks[item.id] for word in words)
    }


def options(items: Iterable[PublishedItem]) -> dict[str, list[tuple[str, str]]]:
    """Choices for the filters, only from what the reader may know of."""
    tracks = {item.track.id: item.track for item in items if item.track is not None}
    rooms = {item.room.id: item.room for item in items if item.room is not None}
    codes = sorted({code for item in items for code in item.language.split("-") if code})

    def named(rows: Iterable[Any]) -> list[tuple[str, str]]:
        ordered = sorted(rows, key=lambda row: (row.position, row.id))
        return [(str(row.id), bilingual(row, "name")) for row in ordered]

    return {
        "track": named(tracks.values()),
        "room": named(rooms.values()),
        "language": [(code, language_label(code)) for code in codes],
    }


# --- Exports -------------------------------------------------------------------------------------
def export(
    event: Event, agenda: PublishedAgenda, items: Sequence[PublishedItem], base_url: str, form: str
) -> tuple[bytes, str]:
    """schedule.xml or schedule.json of the given items, and its ETag."""
    facts = EventFacts(*(getattr(event, name) for name in EventFacts._fields))
    ids = None if len(items) == len(agenda.items) else frozenset(item.id for item in items)
    return _export(agenda, facts, ids, base_url, form)


@lru_cache(maxsize=16)
def _export(
    agenda: PublishedAgenda, facts: EventFacts, ids: frozenset[int] | None, base_url: str, form: str
) -> tuple[bytes, str]:
    items = [item for item in agenda.items if ids is None or item.id in ids]
    schedule = schedule_of(facts, agenda, items, base_url)
    body = render_xml(schedule) if form == "xml" else render_json(schedule)
    return body, hashlib.sha256(body).hexdigest()[:32]
