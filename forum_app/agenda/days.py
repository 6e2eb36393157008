"""The days of an agenda as people count them: the night belongs to the evening before it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from forum_app.agenda.snapshot import PublishedItem
from forum_app.core.frab import DAY_BREAK, ConferenceDay, conference_date, conference_day


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """A conference day with its items in the order given."""

    date: date
    items: tuple[PublishedItem, ...]


def agenda_days(items: Iterable[PublishedItem], zone: str) -> list[AgendaDay]:
    """The items by conference day.

    What starts after midnight and before the break of day belongs to the day before if that has items
    of its own; else (an early start) to its own date.
    """
    tz = ZoneInfo(zone)
    by_date: dict[date, list[PublishedItem]] = {}
    rows = [(conference_date(item.starts_at, zone), item) for item in items]
    # a day counts as begun when something starts on its own date after the break of day
    begun = {day for day, item in rows if item.starts_at.astimezone(tz).time() >= DAY_BREAK}
    for day, item in rows:
        own = day if day in begun else item.starts_at.astimezone(tz).date()
        by_date.setdefault(own, []).append(item)
    return [AgendaDay(day, tuple(by_date[day])) for day in sorted(by_date)]


def exchange_days(days: Iterable[AgendaDay], zone: str) -> tuple[ConferenceDay, ...]:
    """The same days for the exchange format, each reaching over all its items."""
    result = []
    for day in days:
        usual = conference_day(day.date, zone)
        first = min(item.starts_at for item in day.items)
        last = max(item.starts_at for item in day.items) + timedelta(seconds=1)
        result.append(ConferenceDay(day.date, min(usual.starts_at, first), max(usual.ends_at, last)))
    return tuple(result)
