"""An event of a given size for measurements, in bulk, in any database."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select

from forum_app.agenda.models import AccessLevel, AgendaItem, ItemKind, ItemSpeaker, Speaker, SpeakerRole
from forum_app.agenda.publication import publish_agenda
from forum_app.db import db, transaction
from forum_app.demo.timetable import seed_wishes
from forum_app.events.models import Event, Room, Track, Visibility
from forum_app.organizations.models import Kind, Organization
from forum_app.registration.models import (
    ParticipantType,
    Registration,
    RegistrationState,
    registration_code,
)

ZONE = "Asia/Tokyo"
DAYS = 3
ROOMS = 8
FAMILY = ("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤")
GIVEN = ("遥", "健太", "美咲", "大輔", "由紀", "翔", "直子", "誠", "彩", "拓也")
KANA = (
    "サトウ",
    "スズキ",
    "タカハシ",
    "タナカ",
    "イトウ",
    "ワタナベ",
    "ヤマモト",
    "ナカムラ",
    "コバヤシ",
    "カトウ",
)
TEXT_EN = "A plain account of what was tried, what it cost, and what the next partner should ask. " * 5
TEXT_JA = "試みたこと、要した費用、次の協力者が尋ねるべきことを率直に述べます。" * 6


def seed_bench(
    *, items: int, speakers: int, registrants: int, editions: int, now: datetime, wishes: int = 0
) -> None:
    """Make event `bench` (and `bench-2`, `bench-3` ... for more editions); an older one is replaced.

    items: agenda items over 3 days and 8 rooms. All is published and open for registration. wishes:
    meetings that both sides want, with slots, a table for five people, and interpreters.
    """
    for edition in range(editions):
        slug = "bench" if edition == 0 else f"bench-{edition + 1}"
        with transaction():
            db.session.execute(delete(Event).where(Event.slug == slug))
            event = _seed_edition(slug, items, speakers, registrants, now)
            if wishes:
                seed_wishes(event, wishes=wishes, tables=max(1, registrants // 5), now=now)


def _seed_edition(slug: str, items: int, speakers: int, registrants: int, now: datetime) -> Event:
    first = (now + timedelta(days=30)).date()
    event = Event(
        slug=slug,
        title_en="Benchmark Forum",
        title_ja="性能測定フォーラム",
        timezone=ZONE,
        second_timezone="America/New_York",
        starts_on=first,
        ends_on=first + timedelta(days=DAYS - 1),
        venue_en="Measuring Hall",
        venue_ja="測定会館",
        visibility=Visibility.PUBLIC,
        published_at=now,
        registration_opens_at=now - timedelta(days=1),
        registration_closes_at=now + timedelta(days=25),
        created_at=now,
    )
    db.session.add(event)
    db.session.flush()
    rooms = [
        Room(event_id=event.id, name_en=f"Room {n + 1}", name_ja=f"第{n + 1}会議室", position=n)
        for n in range(ROOMS)
    ]
    tracks = [
        Track(
            event_id=event.id,
            name_en=f"Track {n + 1}",
            name_ja=f"トラック{n + 1}",
            color=n % 8 + 1,
            position=n,
        )
        for n in range(4)
    ]
    types = [
        ParticipantType(
            event_id=event.id,
            code="general",
            name_en="General",
            name_ja="一般",
            seats=None,
            needs_vetting=False,
            seats_taken=registrants,
        ),
    ]
    db.session.add_all([*rooms, *tracks, *types])
    db.session.flush()
    speaker_ids = _rows(
        Speaker,
        [
            {"event_id": event.id, **_name(n), "position_en": "Researcher", "position_ja": "研究員"}
            for n in range(speakers)
        ],
    )
    item_ids = _rows(
        AgendaItem,
        [_item(event.id, slug, n, items, first, rooms, tracks, now) for n in range(items)],
    )
    links = {
        (item, speaker_ids[(2 * n + k) % speakers])
        for n, item in enumerate(item_ids)
        for k in range(min(2, speakers))
    }
    _rows(
        ItemSpeaker,
        [
            {"item_id": item, "speaker_id": speaker, "role": SpeakerRole.SPEAKER, "position": position}
            for position, (item, speaker) in enumerate(sorted(links))
        ],
        returning=False,
    )
    organizations = _organizations(now)
    _rows(
        Registration,
        [
            {
                "event_id": event.id,
                "type_id": types[0].id,
                "organization_id": organizations[n % len(organizations)],
                **_name(n),
                "email": f"{slug}-{n}@people.example",
                "email_key": f"{slug}-{n}@people.example",
                "state": RegistrationState.APPROVED,
                "code": registration_code(),
                "created_at": now,
                "state_changed_at": now,
            }
            for n in range(registrants)
        ],
        returning=False,
    )
    publish_agenda(actor=None, event=event, now=now, name="Benchmark")
    return event


def _organizations(now: datetime) -> list[int]:
    """Sixty organizations, made once."""
    known = db.session.scalars(select(Organization.id).where(Organization.slug.like("bench-org-%"))).all()
    if known:
        return list(known)
    rows = [
        Organization(
            slug=f"bench-org-{n}",
            name_en=f"Benchmark Works {n}",
            name_ja=f"測定製作所{n}",
            name_kana="ソクテイセイサクショ",
            kind=list(Kind)[n % len(Kind)],
            country="JP" if n % 2 else "US",
            created_at=now,
        )
        for n in range(60)
    ]
    db.session.add_all(rows)
    db.session.flush()
    return [row.id for row in rows]


def _item(
    event_id: int,
    slug: str,
    n: int,
    items: int,
    first: date,
    rooms: list[Room],
    tracks: list[Track],
    now: datetime,
) -> dict[str, Any]:
    per_day = -(-items // DAYS)
    day, place = divmod(n, per_day)
    row, column = divmod(place, ROOMS)
    rows = -(-per_day // ROOMS)
    minutes = max(5, (10 * 60 // rows) // 5 * 5)
    local = datetime.combine(first + timedelta(days=day), time(9), ZoneInfo(ZONE))
    starts_at = local.astimezone(UTC) + timedelta(minutes=row * minutes)
    return {
        "event_id": event_id,
        "code": f"item{n:05d}",
        "kind": ItemKind.TALK,
        "title_en": f"Measured talk {n + 1}: what sensing at sea taught two navies",
        "title_ja": f"測定講演{n + 1} 海上センシングから両国が学んだこと",
        "text_en": TEXT_EN,
        "text_ja": TEXT_JA,
        "language": "en" if n % 2 else "ja",
        "room_id": rooms[column].id,
        "track_id": tracks[n % len(tracks)].id,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes),
        "access": AccessLevel.PUBLIC,
        "uid": f"{slug}-{n}@bench.example",
        "created_at": now,
        "changed_at": now,
    }


def _name(n: int) -> dict[str, str]:
    return {
        "name_latin": f"Bench Person {n}",
        "name_native": f"{FAMILY[n % 10]} {GIVEN[n // 10 % 10]}",
        "name_kana": KANA[n % 10],
    }


def _rows(model: type[Any], values: list[dict[str, Any]], *, returning: bool = True) -> list[int]:
    if not values:
        return []
    if not returning:
        db.session.execute(insert(model), values)
        return []
    return list(db.session.scalars(insert(model).returning(model.id, sort_by_parameter_order=True), values))
