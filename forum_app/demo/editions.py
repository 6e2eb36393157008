"""The events of the demonstration: two editions in the open, one working group behind closed doors."""

from datetime import date, timedelta

from forum_app.db import db
from forum_app.demo.content import (
    ROOMS,
    TRACKS,
)
from forum_app.demo.registrations import participant_types
from forum_app.demo.world import CLOSED, ZONE, World, local
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Series, Track, Visibility
from forum_app.registration.models import Registration, RegistrationState

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


def make_edition(world: World, series: Series, edition: int, slug: str, first: date, *, held: bool) -> Event:
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


def make_working_group(world: World, series: Series, first: date) -> None:
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
