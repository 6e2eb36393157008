"""What the parts of the demonstration share: its names, its zone, its accounts, what is made so far."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from forum_app.accounts.models import User
from forum_app.organizations.models import (
    Organization,
)

ZONE = "Asia/Tokyo"
FORUM, PAST, CLOSED = "tech-forum-36", "tech-forum-35", "dicas-wg-2027"
ACCOUNTS = (
    ("admin@forum.example", "Alex Morgan", "", "", None, "en", "Asia/Tokyo"),
    ("organizer@forum.example", "Aoi Nakagawa", "中川 葵", "ナカガワ アオイ", None, "ja", "Asia/Tokyo"),
    (
        "founder@hayabusa.example",
        "Ren Asakura",
        "朝倉 蓮",
        "アサクラ レン",
        "hayabusa-robotics",
        "ja",
        "Asia/Tokyo",
    ),
    ("diu.rep@agency.example", "Jordan Pierce", "", "", "diu", "en", "America/New_York"),
    ("iqt.rep@investor.example", "Taylor Quinn", "", "", "iqt", "en", "America/New_York"),
    ("vetting@forum.example", "Chikako Murata", "村田 千佳子", "ムラタ チカコ", None, "ja", "Asia/Tokyo"),
    ("reviewer@forum.example", "Morgan Ellis", "", "", None, "en", "America/New_York"),
    (
        "attendee@press.example",
        "Kaho Fujisawa",
        "藤沢 果歩",
        "フジサワ カホ",
        "tokyo-gijutsu-shimbun",
        "ja",
        "Asia/Tokyo",
    ),
)


@dataclass(slots=True)
class World:
    """What has been made so far, for the later parts of the seeding."""

    now: datetime
    organizations: dict[str, Organization] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    people: dict[str, list[User]] = field(default_factory=dict)  # by organization slug


def local(day: date, clock: str) -> datetime:
    """HH:MM of a day in Tokyo as a UTC instant."""
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(ZONE)).astimezone(UTC)
