"""How things look to the reader: both scripts, both zones."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from forum_app.web.languages import language, reader_zone
from forum_app.web.texts import gettext

WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "ja": ("月", "火", "水", "木", "金", "土", "日"),
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CITIES_JA = {
    "Asia/Tokyo": "東京",
    "America/New_York": "ワシントン/ニューヨーク",
    "America/Chicago": "シカゴ",
    "America/Denver": "デンバー",
    "America/Los_Angeles": "ロサンゼルス",
    "Pacific/Honolulu": "ホノルル",
    "Pacific/Guam": "グアム",
    "Europe/London": "ロンドン",
    "Europe/Berlin": "ベルリン",
    "Asia/Seoul": "ソウル",
    "Asia/Singapore": "シンガポール",
    "Australia/Sydney": "シドニー",
    "UTC": "協定世界時",
}
CITIES_EN = {"America/New_York": "Washington/New York", "UTC": "UTC"}


def bilingual(row: Any, name: str, locale: str | None = None) -> str:
    """row.<name>_en or row.<name>_ja by the reader's language; the other one if it is empty."""
    first, second = ("ja", "en") if (locale or language()) == "ja" else ("en", "ja")
    return getattr(row, f"{name}_{first}") or getattr(row, f"{name}_{second}") or ""


def format_date(day: date, locale: str) -> str:
    """Date with weekday: Tue, 4 Nov 2026 or 2026年11月4日(火)."""
    weekday = WEEKDAYS[locale][day.weekday()]
    if locale == "ja":
        return f"{day.year}年{day.month}月{day.day}日({weekday})"
    return f"{weekday}, {day.day} {MONTHS[day.month - 1]} {day.year}"


def format_dates(first: date, last: date, locale: str) -> str:
    """A range of days, as short as it can be without doubt."""
    if first == last:
        return format_date(first, locale)
    if locale == "ja":
        start = format_date(first, locale)
        end = f"{last.month}月{last.day}日({WEEKDAYS['ja'][last.weekday()]})"
        return f"{start} – {end}" if first.year == last.year else f"{start} – {format_date(last, locale)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {MONTHS[last.month - 1]} {last.year}"
    return f"{format_date(first, locale)} – {format_date(last, locale)}"


def zone_label(zone: str, at: datetime, locale: str) -> str:
    """City and abbreviation or offset at that instant: Tokyo (JST), Washington/New York (EDT)."""
    abbreviation, offset = _zone_parts(zone, at.astimezone(UTC).date())
    city = (CITIES_JA if locale == "ja" else CITIES_EN).get(zone)
    if city is None:
        city = zone.rsplit("/", 1)[-1].replace("_", " ")
    short = abbreviation if abbreviation.isalpha() else f"UTC{offset}"
    return city if city == short else f"{city} ({short})"


@lru_cache(maxsize=4096)
def _zone_parts(zone: str, day: date) -> tuple[str, str]:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).astimezone(ZoneInfo(zone))
    offset = at.strftime("%z")
    return at.tzname() or "", f"{offset[:3]}:{offset[3:]}"


def second_zone(event: Any) -> str | None:
    """The zone shown beside the event's own: the reader's, else the partner country's."""
    mine = reader_zone()
    if mine and mine != event.timezone:
        return mine
    return event.second_timezone if event.second_timezone != event.timezone else None


def when_parts(start: datetime, end: datetime | None, event: Any) -> list[dict[str, Any]]:
    """One instant or range in the event's zone and, where it differs, in the reader's.

    Each part: zone_label, zone_name, date, time, iso_start, iso_end, day_shift (days by which the
    start's date differs from the event's date) and end_shift (days by which the end's date differs
    from the start's).
    """
    zones = [event.timezone]
    if (other := second_zone(event)) is not None:
        zones.append(other)
    locale = language()
    base = start.astimezone(ZoneInfo(event.timezone)).date()
    return [_when(start, end, zone, locale, base) for zone in zones]


def _when(start: datetime, end: datetime | None, zone: str, locale: str, base: date) -> dict[str, Any]:
    info = ZoneInfo(zone)
    local = start.astimezone(info)
    time = f"{local:%H:%M}"
    end_shift = 0
    if end is not None:
        local_end = end.astimezone(info)
        time += f"–{local_end:%H:%M}"
        end_shift = (local_end.date() - local.date()).days
    return {
        "zone_label": zone_label(zone, start, locale),
        "zone_name": zone,
        "date": format_date(local.date(), locale),
        "time": time,
        "iso_start": local.isoformat(),
        "iso_end": end.astimezone(info).isoformat() if end is not None else None,
        "day_shift": (local.date() - base).days,
        "end_shift": end_shift,
    }


def instant(at: datetime, zone: str | None = None) -> str:
    """Date, time and zone of one instant in one line; zone: the reader's or UTC if not given."""
    name = zone or reader_zone() or "UTC"
    local = at.astimezone(ZoneInfo(name))
    locale = language()
    return f"{format_date(local.date(), locale)} {local:%H:%M} {zone_label(name, at, locale)}"


def init_app(app: Flask) -> None:
    """Filters and globals for templates."""
    env = app.jinja_env
    env.filters["text"] = bilingual
    env.filters["instant"] = instant
    env.filters["day"] = lambda value: format_date(value, language())
    env.filters["translated"] = gettext
    env.globals.update(
        language=language,
        when_parts=when_parts,
        date_range=lambda first, last: format_dates(first, last, language()),
        zone_label=lambda zone, at: zone_label(zone, at, language()),
        second_zone=second_zone,
    )

    @app.context_processor
    def locale_variable() -> dict[str, object]:
        return {"locale": language()}
