"""Made-up people and things, with which organizers see mails of each kind; nothing is stored."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace as Made
from typing import Any
from zoneinfo import ZoneInfo

from forum_app.events.models import Event
from forum_app.web.languages import speaking
from forum_app.web.texts import gettext

NAMES = {"en": "Hanako Yamada", "ja": "山田 花子"}


def sample_context(template: str, event: Event, locale: str) -> dict[str, Any]:
    """The context that render_mail() would get for a made-up recipient."""
    zone = ZoneInfo(event.timezone)
    starts_at = datetime.combine(event.starts_on, time(10), zone).astimezone(UTC)
    ends_at = starts_at + timedelta(minutes=20)
    with speaking(locale):
        reason, topic = gettext("All seats are taken."), gettext("Sensors for disaster relief")
    company = Made(name_en="Example Robotics, Inc.", name_ja="例示ロボティクス株式会社", name_kana="")
    other = Made(
        name_latin="Taro Suzuki",
        name_native="鈴木 太郎",
        name_kana="",
        name="Taro Suzuki",
        organization=company,
    )
    kind = Made(name_en="Participant", name_ja="一般参加")
    request = Made(
        id=0,
        topic=topic,
        team=False,
        host=other,
        message="",
        answer="",
        priority=Made(value="want"),
        format=Made(value="in_person"),
        needs_interpreter=False,
        expires_at=starts_at - timedelta(days=10),
    )
    meeting = Made(
        id=0,
        topic=topic,
        starts_at=starts_at,
        ends_at=ends_at,
        link="",
        status=Made(value="confirmed"),
        cancel_reason="",
    )
    table = Made(label="12", room=None)
    entry = Made(start=starts_at, other=other, topic=topic, table=table, was=None)
    item = Made(
        code="sample",
        title_en="Sensors and robots",
        title_ja="センサーとロボット",
        starts_at=starts_at,
        ends_at=ends_at,
        room=None,
    )
    submission = Made(
        code="sample",
        title_en="Robots that find people",
        title_ja="人を見つけるロボット",
        organization=company,
        decision_note="",
        call=Made(minutes=8, closes_at=starts_at - timedelta(days=30)),
    )
    return {
        "to": Made(timezone=event.timezone, id=0),
        "name": NAMES[locale],
        "event": event,
        "registration": Made(type=kind, state_reason=reason, organization=company),
        "old_type": Made(name_en="Observer", name_ja="傍聴"),
        "message": "",
        "request": request,
        "other": other,
        "others": [other],
        "topic": topic,
        "meeting": meeting,
        "offer": meeting,
        "changes": Made(new=[entry], moved=[], dropped=[]),
        "repair": False,
        "table": table,
        "was": {"starts_at": starts_at - timedelta(hours=1)},
        "submission": None if template.startswith("agenda/") else submission,
        "item": item,
        "speaks": True,
        "by": other,
        # of an invitation
        "entry": Made(summary=topic, starts_at=starts_at, ends_at=ends_at, location="", url=""),
        "zone": event.timezone,
        "is_pair": True,
        "gone": False,
        "details": [],
        # of a reminder
        "opens": False,
        "meetings": [Made(meeting=meeting, others=[other], table=table)],
        "items": [item],
        "count": 2,
        "only": None,
        "first": starts_at,
    }
