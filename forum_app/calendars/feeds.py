"""Contents to bytes with their ETag; what is the same for many readers is rendered once."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

from forum_app.agenda.snapshot import PublishedAgenda, PublishedItem
from forum_app.calendars.contents import Contents, ItemPart, contents, item_part
from forum_app.calendars.entries import Writer
from forum_app.calendars.ledger import Record, Records, loads
from forum_app.calendars.models import FeedToken
from forum_app.calendars.queries import EventFacts
from forum_app.core.ical import CalendarInfo, render_feed, render_rendered
from forum_app.web.formats import bilingual
from forum_app.web.texts import gettext


class Site(NamedTuple):
    """Where the feeds are served. base_url: without a slash at its end."""

    base_url: str
    uid_domain: str


class Feed(NamedTuple):
    """What is sent. etag: strong, without quotes. last_modified: None if not looked up."""

    body: bytes
    etag: str
    last_modified: datetime | None


class Settled:
    """What a feed has shown, up to now; equal by version, which tells this state of it from all others.

    kept: whether it could be written down; if not, the next answer may stamp entries anew. used_at:
    the use that was noted on that occasion.
    """

    def __init__(
        self, version: int, entries: str | Records, *, kept: bool = True, used_at: datetime | None = None
    ) -> None:
        self.version = version
        self.kept = kept
        self.used_at = used_at
        self._entries = entries

    @cached_property
    def records(self) -> Records:
        return loads(self._entries) if isinstance(self._entries, str) else self._entries

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settled) and (self.version, self.kept) == (other.version, other.kept)

    def __hash__(self) -> int:
        return hash(self.version)


# --- The agenda, for whoever may read what of it ---------------------------------------------------
def agenda_parts(event: EventFacts, items: Sequence[PublishedItem], *, busy: bool) -> list[ItemPart]:
    """The items as parts of a feed that is not a person's."""
    return [item_part(event, item, busy=busy) for item in items]


def agenda_feed(
    event: EventFacts,
    agenda: PublishedAgenda | None,
    items: Sequence[PublishedItem],
    locale: str,
    site: Site,
    settled: Settled,
) -> Feed:
    """The given items of an agenda; an empty calendar before the first publication.

    Kept by version, set of items, language and event, so that two readers share it only when
    they may read the same. locale must be the one in force.
    """
    if agenda is None:
        return _agenda_feed(event, None, None, locale, site, settled)
    ids = None if len(items) == len(agenda.items) else frozenset(item.id for item in items)
    return _agenda_feed(event, agenda, ids, locale, site, settled)


@lru_cache(maxsize=16)
def _agenda_feed(
    event: EventFacts,
    agenda: PublishedAgenda | None,
    ids: frozenset[int] | None,
    locale: str,
    site: Site,
    settled: Settled,
) -> Feed:
    writer = Writer(locale, site.base_url)
    items = [i for i in agenda.items if ids is None or i.id in ids] if agenda else []
    parts = agenda_parts(event, items, busy=False)
    held = contents(parts, zone=event.timezone, year=event.starts_on.year)
    address = f"{site.base_url}/events/{event.slug}/agenda.ics"
    records = settled.records
    body = render_rendered(writer.rendered(held, records), _event_info(event, locale, address))
    return Feed(body, _digest(body), _changed((records[part.key] for part in parts), event.created_at))


def item_feed(event: EventFacts, item: PublishedItem, locale: str, site: Site, settled: Settled) -> Feed:
    """One item, to be put into a calendar by hand."""
    part = item_part(event, item)
    entry = Writer(locale, site.base_url).entry(part, settled.records[part.key])
    address = f"{site.base_url}/events/{event.slug}/agenda/{item.code}.ics"
    body = render_feed([entry], _event_info(event, locale, address))
    return Feed(body, _digest(body), entry.last_modified)


def _event_info(event: EventFacts, locale: str, address: str) -> CalendarInfo:
    return CalendarInfo(
        name=bilingual(event, "title", locale),
        color="navy",
        source_url=address,
        language=locale,
        zone=event.timezone,
        year=event.starts_on.year,
    )


# --- Secret addresses ------------------------------------------------------------------------------
def secret_etag(held: Contents, token: FeedToken, site: Site, settled: Settled) -> str:
    """ETag of a feed, known before it is rendered: its bytes hang on nothing else."""
    own = (token.id, token.label, token.locale, token.reminder_minutes)
    return _digest(repr((held.fingerprint, own, site, settled.version)).encode())


def secret_feed(held: Contents, token: FeedToken, address: str, site: Site, settled: Settled) -> Feed:
    """All that an address shows, in its language, which must be the one in force."""
    writer = Writer(token.locale, site.base_url, token.reminder_minutes)
    entries = writer.rendered(held, settled.records)
    info = CalendarInfo(
        name=bilingual(held, "name", token.locale) or token.label or str(gettext("My technology forums")),
        color=held.color,
        source_url=address,
        language=token.locale,
        zone=held.zone,
        year=held.year,
    )
    etag = secret_etag(held, token, site, settled)
    changed = _changed(settled.records.values(), token.created_at)
    return Feed(render_rendered(entries, info), etag, changed)


def _changed(records: Iterable[Record], otherwise: datetime) -> datetime:
    stamp = max((record.stamp for record in records), default=None)
    return otherwise if stamp is None else datetime.fromtimestamp(stamp, UTC)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
