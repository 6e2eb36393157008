"""The demonstration forum: the 35th edition held, the 36th being prepared, one closed working group.

Everything hangs on `now`, so that the forum is always about seven weeks away. Made once: a second
call finds the events and does nothing.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.accounts.passwords import hash_password
from forum_app.accounts.queries import email_key, find_user_by_email
from forum_app.config import Settings, kept_secret
from forum_app.db import db, transaction
from forum_app.demo.content import (
    FAMILY_NAMES,
    FICTIONAL_ORGANIZATIONS,
    GIVEN_NAMES,
    JOBS,
    REAL_ORGANIZATIONS,
    ROOMS,
    TRACKS,
    US_NAMES,
)
from forum_app.demo.meetings import seed_meetings
from forum_app.demo.outcomes import seed_outcomes
from forum_app.demo.programme import seed_agenda, seed_pitches
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Series, Track, Visibility
from forum_app.events.queries import find_event
from forum_app.organizations.details import organization_keys
from forum_app.organizations.models import (
    Kind,
    MemberRole,
    Membership,
    MemberState,
    Organization,
    TechnologyArea,
    TwinKey,
)
from forum_app.registration.models import SEATED, ParticipantType, Registration, RegistrationState

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
PRIVACY_EN = (
    "We keep your data to run this forum and for the participation history of your organization. "
    "Only organizers and vetting officers see it; what is listed in the directory you choose yourself."
)
PRIVACY_JA = (
    "ご登録の情報は、本フォーラムの運営と所属組織の参加履歴のために利用します。閲覧できるのは運営担当者と"
    "審査担当者に限られ、参加者名簿への掲載はご自身でお選びいただけます。"
)
ANTITRUST_EN = (
    "Participants do not discuss prices, bids, market shares or other matters that competition law forbids. "
    "Whoever hears such talk leaves the room and tells an organizer."
)
ANTITRUST_JA = (
    "参加者は、価格、入札、市場占有率その他競争法に触れる事項を話題にしません。そのような会話を耳にした場合は"
    "退室し、運営担当者にお知らせください。"
)
PHOTO_EN = "Photographs are taken in the public rooms. You may say no; staff then mark your badge."
PHOTO_JA = "公開の会場では写真撮影を行います。同意されない場合は、名札にその旨を表示します。"


@dataclass(slots=True)
class World:
    """What has been made so far, for the later parts of the seeding."""

    now: datetime
    organizations: dict[str, Organization] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    people: dict[str, list[User]] = field(default_factory=dict)  # by organization slug


def is_seeded() -> bool:
    """Whether the demonstration forum is there."""
    return find_event(FORUM) is not None


def demo_password(settings: Settings) -> str:
    """Password of all demonstration accounts: the setting, else one made once and kept under var/."""
    return settings.demo_password or kept_secret(settings.var / "demo-password", 12)


def accounts_text(settings: Settings) -> str:
    """Address and accounts, as `make run` prints them."""
    lines = [f"Address:  {settings.base_url}/", f"Password: {demo_password(settings)}   (all accounts)"]
    lines += [f"  {email}" for email, *_ in ACCOUNTS]
    return "\n".join(lines)


def seed_demo(*, settings: Settings, now: datetime) -> None:
    """Make all of it in one transaction, unless it is there."""
    with transaction():
        if is_seeded():
            return
        world = World(now=now)
        _organizations(world)
        _accounts(world, demo_password(settings))
        _people(world)
        series = Series(
            slug="tech-forum", name_en="U.S.-Japan Technology Forum", name_ja="日米技術フォーラム"
        )
        dicas = Series(slug="dicas", name_en="DICAS Forum", name_ja="DICASフォーラム")
        db.session.add_all([series, dicas])
        db.session.flush()
        first = _first_day(now)
        past = _forum(world, series, 35, PAST, first - timedelta(days=364), held=True)
        coming = _forum(world, series, 36, FORUM, first, held=False)
        for event in (past, coming):
            held = event is past
            registrations = _registrations(world, event, held=held)
            items = seed_agenda(event, world.organizations, registrations, world.people, now)
            seed_pitches(event, world.organizations, world.people, world.users, items, now, held=held)
            seed_meetings(event, world.organizations, registrations, world.users, now, held=held)
            if held:
                seed_outcomes(event)
        _closed(world, dicas, first + timedelta(days=91))


def _first_day(now: datetime) -> date:
    """A Tuesday about seven weeks ahead."""
    day = now.astimezone(ZoneInfo(ZONE)).date() + timedelta(days=45)
    return day + timedelta(days=(1 - day.weekday()) % 7)


def local(day: date, clock: str) -> datetime:
    """HH:MM of a day in Tokyo as a UTC instant."""
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(ZONE)).astimezone(UTC)


def _organizations(world: World) -> None:
    areas = {area.code: area for area in db.session.scalars(select(TechnologyArea))}
    for real, orgs in ((True, REAL_ORGANIZATIONS), (False, FICTIONAL_ORGANIZATIONS)):
        for org in orgs:
            note_en = "" if real else " (Fictional, for demonstration.)"
            note_ja = "" if real else "(架空の組織です)"
            world.organizations[org.slug] = Organization(
                slug=org.slug,
                name_en=org.name_en,
                name_ja=org.name_ja,
                name_kana=org.kana,
                short_name=org.short,
                kind=org.kind,
                country=org.country,
                website="" if real else f"https://{org.slug}.example/",
                profile_en=org.line_en + note_en,
                profile_ja=org.line_ja + note_ja,
                fictional=not real,
                created_at=world.now - timedelta(days=500),
                areas=[areas[code] for code in org.areas],
            )
    db.session.add_all(world.organizations.values())
    db.session.flush()
    db.session.add_all(
        TwinKey(organization_id=row.id, key=key)
        for row in world.organizations.values()
        for key in organization_keys(row.name_en, row.name_ja, row.name_kana, row.short_name)
    )


def _accounts(world: World, password: str) -> None:
    hashed = hash_password(password)
    for email, latin, native, kana, slug, locale, zone in ACCOUNTS:
        user = find_user_by_email(email)
        if user is None:
            user = User(email=email, email_key=email_key(email), created_at=world.now)
        user.name_latin, user.name_native, user.name_kana = latin, native, kana
        user.locale, user.timezone = locale, zone
        user.password_hash, user.verified_at = hashed, world.now
        user.is_admin = email.startswith("admin@")
        db.session.add(user)
        db.session.flush()
        world.users[email.split("@")[0]] = user
        if slug:
            _join(world, user, slug)


def _join(world: World, user: User, slug: str) -> None:
    first = not world.people.get(slug)
    world.people.setdefault(slug, []).append(user)
    db.session.add(
        Membership(
            organization_id=world.organizations[slug].id,
            user_id=user.id,
            role=MemberRole.REPRESENTATIVE if first else MemberRole.MEMBER,
            state=MemberState.ACTIVE,
            created_at=world.now - timedelta(days=400),
        )
    )


def _people(world: World) -> None:
    """At least two people for each organization; nobody can sign in as them."""
    number = 0
    for org in (*REAL_ORGANIZATIONS, *FICTIONAL_ORGANIZATIONS):
        wanted = 3 if org.kind in (Kind.AGENCY, Kind.GOVERNMENT_INVESTOR) else 2
        while len(world.people.get(org.slug, ())) < wanted:
            user = User(created_at=world.now, verified_at=world.now)
            if org.country == "JP":
                family, given = FAMILY_NAMES[number % 20], GIVEN_NAMES[number % 11]
                user.name_latin = f"{given[0]} {family[0]}"
                user.name_native = f"{family[1]} {given[1]}"
                user.name_kana = f"{family[2]} {given[2]}"
                user.locale, user.timezone = "ja", ZONE
            else:
                first, last = US_NAMES[number % 24].split(" ")[0], US_NAMES[number * 7 % 24].split(" ")[1]
                user.name_latin = f"{first} {last}"
                user.locale, user.timezone = "en", "America/New_York"
            user.email = f"person{number}@{org.slug}.example"
            user.email_key = user.email
            number += 1
            db.session.add(user)
            db.session.flush()
            _join(world, user, org.slug)


def _forum(world: World, series: Series, edition: int, slug: str, first: date, *, held: bool) -> Event:
    ordinal_en = f"{edition}th"
    event = Event(
        slug=slug,
        series_id=series.id,
        edition=edition,
        title_en=f"{ordinal_en} U.S.-Japan Technology Forum",
        title_ja=f"第{edition}回 日米技術フォーラム",
        summary_en=(
            "Two days in Tokyo for governments, investors, companies and start-ups of both countries: "
            "needs stated plainly, technology shown, and twenty minutes with the people who decide. "
            "A fictional edition, for demonstration."
        ),
        summary_ja=(
            "両国の政府、投資家、企業、スタートアップが東京に集う2日間です。率直なニーズの提示、技術の紹介、"
            "そして担当者との20分間の個別面談を用意しています。(実演用の架空の回です)"
        ),
        timezone=ZONE,
        second_timezone="America/New_York",
        starts_on=first,
        ends_on=first + timedelta(days=1),
        venue_en="Marunouchi Forum Center",
        venue_ja="丸の内フォーラムセンター",
        address_en="Marunouchi, Chiyoda-ku, Tokyo (fictional venue)",
        address_ja="東京都千代田区丸の内(架空の会場)",
        visibility=Visibility.PUBLIC,
        published_at=local(first, "09:00") - timedelta(days=120),
        registration_opens_at=local(first, "00:00") - timedelta(days=110),
        registration_closes_at=local(first, "18:00") - timedelta(days=5),
        privacy_en=PRIVACY_EN,
        privacy_ja=PRIVACY_JA,
        antitrust_en=ANTITRUST_EN,
        antitrust_ja=ANTITRUST_JA,
        photo_en=PHOTO_EN,
        photo_ja=PHOTO_JA,
        created_at=local(first, "09:00") - timedelta(days=150),
    )
    db.session.add(event)
    db.session.flush()
    _house(world, event)
    return event


def _house(world: World, event: Event) -> None:
    for position, (en, ja, floor, capacity) in enumerate(ROOMS):
        db.session.add(
            Room(event_id=event.id, name_en=en, name_ja=ja, floor=floor, capacity=capacity, position=position)
        )
    for position, (en, ja, color) in enumerate(TRACKS):
        db.session.add(Track(event_id=event.id, name_en=en, name_ja=ja, color=color, position=position))
    roles = (
        ("organizer", EventRole.ORGANIZER),
        ("vetting", EventRole.VETTING_OFFICER),
        ("vetting", EventRole.CHECK_IN_STAFF),
        ("reviewer", EventRole.PITCH_REVIEWER),
    )
    for name, role in roles:
        user = world.users[name]
        db.session.add(RoleGrant(event_id=event.id, user_id=user.id, role=role, granted_at=world.now))
    db.session.flush()


TYPES: tuple[tuple[str, str, str, int, bool, bool, bool, set[Kind]], ...] = (
    # code, names, seats, vetting, by invitation, takes meetings, kinds
    ("government", "Government", "政府関係者", 60, True, False, True, {Kind.AGENCY}),
    (
        "investor",
        "Investor",
        "投資家",
        40,
        True,
        False,
        True,
        {Kind.GOVERNMENT_INVESTOR, Kind.VENTURE_CAPITAL},
    ),
    ("startup", "Start-up", "スタートアップ", 80, True, False, False, {Kind.STARTUP}),
    (
        "industry",
        "Industry",
        "企業・団体",
        60,
        True,
        False,
        True,
        {Kind.PRIME, Kind.ASSOCIATION, Kind.FACILITATOR},
    ),
    ("academia", "University or institute", "大学・研究機関", 30, True, False, False, {Kind.UNIVERSITY}),
    ("press", "Press", "報道", 10, True, False, False, {Kind.PRESS}),
    ("guest", "Guest of the hosts", "主催者招待", 20, False, True, False, set()),
)


def participant_types(event: Event) -> dict[Kind, ParticipantType]:
    """The types of a demonstration event, by the kind of organization whose people use them."""
    by_kind: dict[Kind, ParticipantType] = {}
    for position, (code, en, ja, seats, vetting, invitation, meetings, kinds) in enumerate(TYPES):
        row = ParticipantType(
            event_id=event.id, code=code, name_en=en, name_ja=ja, seats=seats, needs_vetting=vetting,
            by_invitation=invitation, takes_meetings=meetings, position=position, seats_taken=0,
        )  # fmt: skip
        db.session.add(row)
        by_kind |= dict.fromkeys(kinds, row)
    db.session.flush()
    return by_kind


def _state(number: int, *, held: bool) -> RegistrationState:
    """A believable mix; the accounts that people sign in with are set apart by the caller."""
    if held:
        return RegistrationState.NO_SHOW if number % 13 == 12 else RegistrationState.CHECKED_IN
    if number % 9 == 8:
        return RegistrationState.APPLIED
    if number % 14 == 13:
        return RegistrationState.IN_VETTING
    if number % 31 == 30:
        return RegistrationState.DECLINED
    return RegistrationState.APPROVED


def _registrations(world: World, event: Event, *, held: bool) -> dict[int, Registration]:
    """Registrations by user id."""
    types = participant_types(event)
    result: dict[int, Registration] = {}
    start = local(event.starts_on, "09:00")
    number = 0
    accounts = set(map(id, world.users.values()))
    for org in (*REAL_ORGANIZATIONS, *FICTIONAL_ORGANIZATIONS):
        for place, user in enumerate(world.people[org.slug]):
            if held and place == 1 and org.kind not in (Kind.AGENCY, Kind.GOVERNMENT_INVESTOR):
                continue
            state = _state(number, held=held)
            if id(user) in accounts and not held:
                # the reporter is still waiting, so that the vetting officer has somebody to vet
                state = RegistrationState.APPLIED if org.kind == Kind.PRESS else RegistrationState.APPROVED
            elif id(user) in accounts:
                state = RegistrationState.CHECKED_IN
            title_en, title_ja = JOBS[org.kind][place % len(JOBS[org.kind])]
            created = start - timedelta(days=100 - number % 50, hours=number % 24)
            created = min(created, world.now - timedelta(hours=number % 72 + 1))
            row = Registration(
                event_id=event.id,
                type_id=types[org.kind].id,
                user_id=user.id,
                organization_id=world.organizations[org.slug].id,
                name_latin=user.name_latin,
                name_native=user.name_native,
                name_kana=user.name_kana,
                email=user.email,
                email_key=user.email_key,
                job_title_en=title_en,
                job_title_ja=title_ja,
                language="ja" if org.country == "JP" else "en",
                listed=number % 5 != 4,
                state=state,
                cleared_until=event.ends_on + timedelta(days=200)
                if org.kind == Kind.AGENCY and place < 2
                else None,
                consent_privacy_at=created,
                consent_antitrust_at=created,
                consent_photo_at=created if number % 3 else None,
                created_at=created,
                state_changed_at=created,
                checked_in_at=start if state == RegistrationState.CHECKED_IN else None,
            )
            if state in SEATED:
                types[org.kind].seats_taken += 1
            db.session.add(row)
            result[user.id] = row
            number += 1
    db.session.flush()
    return result


def _closed(world: World, series: Series, first: date) -> None:
    """A closed working group: it does not exist for anybody who is not of it."""
    event = Event(
        slug=CLOSED,
        series_id=series.id,
        title_en="DICAS Working Group 2027: Ship Co-Sustainment",
        title_ja="DICAS作業部会2027 艦船の共同維持整備",
        summary_en="Government to government, with invited industry. A fictional meeting, for demonstration.",
        summary_ja="政府間の会合です。招待された企業が参加します。(実演用の架空の会合です)",
        timezone=ZONE,
        second_timezone="America/New_York",
        starts_on=first,
        ends_on=first,
        venue_en="Ichigaya Conference Room",
        venue_ja="市ヶ谷会議室",
        visibility=Visibility.CLOSED,
        published_at=world.now - timedelta(days=10),
        privacy_en=PRIVACY_EN,
        privacy_ja=PRIVACY_JA,
        created_at=world.now - timedelta(days=20),
    )
    db.session.add(event)
    db.session.flush()
    _house(world, event)
    types = participant_types(event)
    for slug in ("diu", "atla", "ousd-as", "jsdf", "kaiyo-shipyards"):
        organization = world.organizations[slug]
        user = world.people[slug][0]
        types[organization.kind].seats_taken += 1
        db.session.add(
            Registration(
                event_id=event.id,
                type_id=types[organization.kind].id,
                user_id=user.id,
                organization_id=organization.id,
                name_latin=user.name_latin,
                name_native=user.name_native,
                name_kana=user.name_kana,
                email=user.email,
                email_key=user.email_key,
                state=RegistrationState.APPROVED,
                cleared_until=first + timedelta(days=300),
                consent_privacy_at=world.now,
                created_at=world.now - timedelta(days=9),
                state_changed_at=world.now - timedelta(days=8),
            )
        )
    db.session.flush()
