"""Entries to bytes with their ETag; what is the same for many readers is rendered once."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from forum_app.agenda.snapshot import PublishedAgenda, PublishedItem
from forum_app.calendars.entries import Writer
from forum_app.calendars.models import FeedToken
from forum_app.calendars.personal import PersonalCalendar
from forum_app.calendars.queries import EventFacts
from forum_app.core.ical import CalendarInfo, render_feed
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


def agenda_feed(
    event: EventFacts,
    agenda: PublishedAgenda | None,
    items: Sequence[PublishedItem],
    locale: str,
    site: Site,
) -> Feed:
    """The given items of an agenda; an empty calendar before the first publication.

    Kept by version, set of items, language and event, so that two readers share it only when
    they may read the same. locale must be the one in force.
    """
    if agenda is None:
        return _agenda_feed(event, None, None, locale, site)
    ids = None if len(items) == len(agenda.items) else frozenset(item.id for item in items)
    return _agenda_feed(event, agenda, ids, locale, site)


@lru_cache(maxsize=16)
def _agenda_feed(
    event: EventFacts, agenda: PublishedAgenda | None, ids: frozenset[int] | None, locale: str, site: Site
) -> Feed:
    writer = Writer(locale, *site)
    items = [i for i in agenda.items if ids is None or i.id in ids] if agenda else []
    entries = [writer.item(item, event, busy=False) for item in items]
    body = render_feed(entries, _event_info(event, locale, f"{site.base_url}/events/{event.slug}/agenda.ics"))
    return Feed(body, _etag(body), agenda.published_at if agenda else event.created_at)


def item_feed(event: EventFacts, item: PublishedItem, locale: str, site: Site) -> Feed:
    """One item, to be put into a calendar by hand."""
    body = render_feed([Writer(locale, *site).item(item, event)], _event_info(event, locale))
    return Feed(body, _etag(body), item.changed_at)


def _event_info(event: EventFacts, locale: str, address: str = "") -> CalendarInfo:
    return CalendarInfo(
        name=bilingual(event, "title", locale),
        source_url=address,
        language=locale,
        zone=event.timezone,
        year=event.starts_on.year,
    )


def personal_etag(calendar: PersonalCalendar, token: FeedToken, site: Site) -> str:
    """ETag of a personal feed, known before it is rendered: its bytes hang on nothing else."""
    return _etag(repr((calendar.fingerprint, token.user_id, token.label, token.locale, site)).encode())


def personal_feed(calendar: PersonalCalendar, token: FeedToken, site: Site) -> Feed:
    """All of a person. The secret address is not written into it: files are passed on."""
    entries = Writer(token.locale, *site).personal(calendar, token.user_id)
    user = token.user
    info = CalendarInfo(
        name=token.label or str(gettext("My technology forums")),
        language=token.locale,
        zone=user.timezone,
        year=token.created_at.year,
    )
    changed = max((entry.last_modified for entry in entries), default=token.created_at)
    return Feed(render_feed(entries, info), personal_etag(calendar, token, site), changed)


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
