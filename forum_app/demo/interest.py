"""Interest at a demonstration event: who wishes to meet whom, profiles, limits, no thanks."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from forum_app.db import db
from forum_app.demo.content import TOPICS
from forum_app.events.models import Event
from forum_app.meetings.models import (
    KindBar,
    KindLimit,
    MeetingFormat,
    MeetingProfile,
    MeetingRequest,
    MeetingSettings,
    NoThanks,
    OfficeHours,
    Priority,
    RequestState,
)
from forum_app.meetings.rule_queries import HARD, list_obstacles, today_at
from forum_app.organizations.models import Kind, Organization, TechnologyArea
from forum_app.registration.models import Registration

S = RequestState
# What became of ten requests in a row; those that find no slot are agreed.
STATES = (
    S.ACCEPTED,
    S.AGREED,
    S.AGREED,
    S.PENDING,
    S.AGREED,
    S.AGREED,
    S.PENDING,
    S.AGREED,
    S.PENDING,
    S.DECLINED,
)
WAITING_DAYS = 21
SORRY_EN = "Our days are full; please write to us after the forum."
SORRY_JA = "両日とも予定が埋まっております。フォーラムの後にご連絡ください。"
STATED_EN = "Nothing we show needs a licence."
STATED_JA = "提示する内容に、許可を要するものはありません。"
WISHES: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.AGENCY: (
        (
            "Prototypes that can be tried with a unit within a year, from companies new to defense.",
            "1年以内に部隊で試せる試作品をお持ちの、防衛分野に初めて取り組む企業を求めています。",
        ),
        (
            "Sensing and autonomy for long coastlines. Bring what works today, and what it costs.",
            "長い海岸線の監視に使えるセンシングと自律技術を探しています。現在動くものと費用をお示しください。",
        ),
    ),
    Kind.GOVERNMENT_INVESTOR: (
        (
            "Very early teams with one technology that nobody else has.",
            "他にない技術を一つ持つ、ごく初期の段階のチームを探しています。",
        ),
    ),
    Kind.VENTURE_CAPITAL: (
        (
            "Seed and series A in deep tech, with a first customer in sight.",
            "最初の顧客が見えている、シードからシリーズAのディープテック企業を探しています。",
        ),
    ),
    Kind.PRIME: (
        (
            "Partners whose parts fit into our programmes, and who can deliver in numbers.",
            "当社の事業に組み込める部品を、量産できる協力先を求めています。",
        ),
    ),
    Kind.STARTUP: (
        (
            "A first trial with a government user, and advice on export control.",
            "政府機関での最初の実証と、輸出管理についての助言を求めています。",
        ),
        (
            "Investors who know hardware, and a partner for the U.S. market.",
            "ハードウェアに詳しい投資家と、米国市場での協業先を探しています。",
        ),
    ),
    Kind.UNIVERSITY: (
        (
            "Companies that bring applied research into use.",
            "応用研究の成果を社会実装する企業を探しています。",
        ),
    ),
}


def willing_pairs(
    event: Event, pairs: Sequence[tuple[Registration, Registration]], now: datetime
) -> list[tuple[Registration, Registration]]:
    """The pairs between which no rule stands."""
    obstacles = list_obstacles(event, [(one.id, other.id) for one, other in pairs], today_at(event, now))
    return [(one, other) for one, other in pairs if not obstacles[one.id, other.id] & HARD]


def is_rep(person: Registration) -> bool:
    """Whether it is an account of the demonstration that everybody can ask and meet."""
    return person.email.startswith(("diu.rep@", "iqt.rep@"))


def with_wishes_of(
    person: Registration,
    hosts: Sequence[Registration],
    wishes: Sequence[tuple[Registration, Registration]],
) -> list[tuple[Registration, Registration]]:
    """The wishes with some of one account, so that its pages show each state.

    The numbers decide what becomes of them (see make_request): a meeting, two agreed ones, a waiting
    one, and a rep's wish to be answered. The accounts of the reps stay free to be asked.
    """
    person.listed = True
    others = [pair for pair in wishes if pair[0].id != person.id]
    free = [host for host in hosts if not is_rep(host)][::3]
    for place, host in zip((0, 1, 2, 3, 23), free, strict=False):
        others.insert(place, (person, host))
    return others


def make_request(
    event: Event, number: int, asker: Registration, host: Registration, now: datetime, *, held: bool
) -> MeetingRequest:
    """The request of that number; every eighth is a rep's own wish, every sixth to a whole delegation."""
    if number % 8 == 7 and asker.listed and not held:
        asker, host = host, asker
    topic_en, topic_ja = TOPICS[number % len(TOPICS)]
    created = event.created_at + timedelta(days=90, hours=number % 400)
    if not held:
        created = now - timedelta(hours=number % 170 + 1)
    state = STATES[number % len(STATES)]
    if held:
        state = S.ACCEPTED
    elif number % 41 == 40:
        state = S.WITHDRAWN
    elif number % 43 == 42:
        state = S.EXPIRED
    japanese = asker.language == "ja"
    return MeetingRequest(
        event_id=event.id,
        asker_id=asker.id,
        host_id=host.id,
        team=number % 6 == 0 and state == S.PENDING,
        topic=topic_ja if japanese else topic_en,
        priority=Priority.MUST if number % 3 == 0 else Priority.WANT,
        host_priority=(Priority.MUST if number % 4 == 1 else Priority.WANT)
        if state in (S.AGREED, S.ACCEPTED)
        else None,
        format=MeetingFormat.REMOTE if number % 17 == 1 and state == S.AGREED else MeetingFormat.IN_PERSON,
        needs_interpreter=asker.language != host.language and number % 2 == 0,
        state=state,
        answer=(SORRY_JA if japanese else SORRY_EN) if state == S.DECLINED else "",
        created_at=created,
        answered_at=None if state == S.PENDING else created + (now - created) / 2,
        expires_at=created + timedelta(days=WAITING_DAYS) if state == S.PENDING else None,
    )


def seed_profiles(
    event: Event, people: Sequence[Registration], kinds: dict[int, Kind], now: datetime
) -> None:
    """What most people look for; agencies ask for a statement, which most start-ups have made."""
    areas = db.session.scalars(select(TechnologyArea).order_by(TechnologyArea.position)).all()
    own = {
        organization.id: list(organization.areas) for organization in db.session.scalars(select(Organization))
    }
    for number, person in enumerate(people):
        kind = kinds.get(person.organization_id or 0, Kind.OTHER)
        wishes = WISHES.get(kind)
        if wishes is None or number % 5 == 4:
            continue
        en, ja = wishes[number % len(wishes)]
        wanted = own.get(person.organization_id or 0, [])[:2] or [areas[number % len(areas)]]
        states = kind in (Kind.STARTUP, Kind.UNIVERSITY) and number % 6 != 5
        db.session.add(
            MeetingProfile(
                registration_id=person.id,
                wishes_en=en,
                wishes_ja=ja,
                wanted_areas=list(dict.fromkeys([*wanted, areas[number * 7 % len(areas)]])),
                most_meetings=12 if number % 9 == 0 else None,
                paused=number % 29 == 28 and not is_rep(person),
                link=f"https://meet.example/{event.slug}-{number}" if number % 4 == 0 else "",
                needs_statement=kind == Kind.AGENCY and number % 4 == 0 and not is_rep(person),
                export_statement=(STATED_JA if person.language == "ja" else STATED_EN) if states else "",
                export_stated_at=now - timedelta(days=3) if states else None,
            )
        )
    db.session.flush()


def seed_rules(event: Event) -> None:
    """When interest closes, limits by kind, and that press and agencies do not meet at tables."""
    closes = datetime.combine(event.starts_on - timedelta(days=7), time(18), ZoneInfo(event.timezone))
    db.session.add_all(
        [
            MeetingSettings(
                event_id=event.id,
                interest_closes_at=closes,
                request_days=WAITING_DAYS,
                walk_minutes=10,
            ),
            KindLimit(
                event_id=event.id, kind=Kind.STARTUP, most_requests=12, most_meetings=10, least_meetings=2
            ),
            KindLimit(event_id=event.id, kind=Kind.PRESS, most_requests=3, most_meetings=3),
            KindBar(event_id=event.id, one=Kind.AGENCY, other=Kind.PRESS),
        ]
    )
    db.session.flush()


def seed_no_thanks(
    hosts: Sequence[Registration], askers: Sequence[Registration], seen: set[tuple[int, int]], now: datetime
) -> None:
    """A few marks between people who have not asked one another."""
    for number, host in enumerate(hosts[::4]):
        other = askers[(number * 11 + 3) % len(askers)]
        if (other.id, host.id) not in seen and (host.id, other.id) not in seen:
            db.session.add(NoThanks(registration_id=host.id, other_id=other.id, created_at=now))
    db.session.flush()


def open_some_hours(hours: Sequence[OfficeHours]) -> None:
    """Every fifth stretch of office hours can be booked at once."""
    for number, stretch in enumerate(hours):
        stretch.direct = number % 5 == 4
