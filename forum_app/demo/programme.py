"""Agenda and pitch programme of a demonstration event."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.agenda.models import (
    AccessLevel,
    AgendaItem,
    ItemInvitation,
    ItemKind,
    ItemSpeaker,
    Speaker,
    SpeakerRole,
)
from forum_app.agenda.publication import publish_agenda
from forum_app.db import db
from forum_app.demo.content import CRITERIA, ITEMS, PITCH_TITLES
from forum_app.events.models import Event
from forum_app.events.queries import list_rooms, list_tracks
from forum_app.mail.rendering import message_domain
from forum_app.organizations.models import Organization
from forum_app.organizations.queries import list_areas
from forum_app.pitches.models import (
    Criterion,
    PitchCall,
    PitchReview,
    PitchSubmission,
    ReviewScore,
    SubmissionState,
)
from forum_app.registration.models import Registration

People = Mapping[str, list[User]]
PITCH_MINUTES = 10
ACCEPTED = 12


def seed_agenda(
    event: Event,
    organizations: Mapping[str, Organization],
    registrations: Mapping[int, Registration],
    people: People,
    now: datetime,
) -> list[AgendaItem]:
    """The agenda without its pitches; returns the pitch blocks."""
    rooms, tracks = list_rooms(event.id), list_tracks(event.id)
    speakers: dict[int, Speaker] = {}
    blocks = []
    for number, plan in enumerate(ITEMS):
        starts_at = datetime.combine(
            event.starts_on + timedelta(days=plan.day),
            time.fromisoformat(plan.start),
            ZoneInfo(event.timezone),
        ).astimezone(UTC)
        item = AgendaItem(
            event_id=event.id,
            code=f"item-{number + 1:02}",
            kind=ItemKind(plan.kind),
            title_en=plan.title_en,
            title_ja=plan.title_ja,
            text_en=""
            if plan.kind == "break"
            else f"{plan.title_en}. Questions from the floor are taken at the end.",
            text_ja="" if plan.kind == "break" else f"{plan.title_ja}。最後に会場からの質問をお受けします。",
            language=plan.language,
            room_id=rooms[plan.room].id,
            track_id=tracks[plan.track].id if plan.track is not None else None,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=plan.minutes),
            access=AccessLevel(plan.access),
            uid=f"{event.slug}-item-{number + 1}@{message_domain()}",
            created_at=now,
            changed_at=now,
        )
        db.session.add(item)
        db.session.flush()
        for position, slug in enumerate(plan.speakers):
            speaker = _speaker(event, organizations[slug], people[slug], speakers, number + position)
            role = SpeakerRole.MODERATOR if plan.kind == "panel" and position == 0 else SpeakerRole.SPEAKER
            db.session.add(ItemSpeaker(item_id=item.id, speaker_id=speaker.id, role=role, position=position))
        if plan.access == "invited":
            for slug in ("diu", "disti", "atla", "hayabusa-robotics"):
                registration = registrations[people[slug][0].id]
                db.session.add(ItemInvitation(item_id=item.id, registration_id=registration.id))
        if plan.kind == "pitch_block":
            blocks.append(item)
    db.session.flush()
    return blocks


def _speaker(
    event: Event, organization: Organization, people: list[User], known: dict[int, Speaker], turn: int
) -> Speaker:
    # never the first person: the accounts people sign in with keep their days free for meetings
    user = people[1 + turn % (len(people) - 1)]
    if user.id not in known:
        speaker = Speaker(
            event_id=event.id,
            user_id=user.id,
            organization_id=organization.id,
            name_latin=user.name_latin,
            name_native=user.name_native,
            name_kana=user.name_kana,
            bio_en="A made-up person, for demonstration.",
            bio_ja="実演用の架空の人物です。",
        )
        db.session.add(speaker)
        db.session.flush()
        known[user.id] = speaker
    return known[user.id]


def seed_pitches(
    event: Event,
    organizations: Mapping[str, Organization],
    people: People,
    users: Mapping[str, User],
    blocks: list[AgendaItem],
    now: datetime,
    *,
    held: bool,
) -> None:
    """A call, 24 submissions with reviews (12 for a held event), the accepted ones in the blocks; then publishes."""
    closes_at = now - timedelta(days=300) if held else now + timedelta(days=14)
    call = PitchCall(
        event_id=event.id,
        text_en="Ten minutes on stage before agencies, investors and primes. Start-ups of both countries may submit.",
        text_ja="省庁、投資家、大企業の前で10分間発表いただきます。両国のスタートアップが応募できます。",
        opens_at=closes_at - timedelta(days=60),
        closes_at=closes_at,
        minutes=PITCH_MINUTES,
        areas=list(list_areas()),
        criteria=[
            Criterion(name_en=en, name_ja=ja, weight=weight, best_score=5, position=position)
            for position, (en, ja, weight) in enumerate(CRITERIA)
        ],
    )
    db.session.add(call)
    db.session.flush()
    titles = list(PITCH_TITLES.items())
    if held:
        titles = titles[: ACCEPTED + 4]
    for number, (slug, (title_en, title_ja)) in enumerate(titles):
        organization = organizations[slug]
        accepted = number % 2 == 0 if len(titles) == 2 * ACCEPTED else number < ACCEPTED
        founder = slug == "hayabusa-robotics"
        if founder and not held:
            accepted = True
        submitted_at = call.opens_at + timedelta(days=2 + number % 40, hours=number)
        state = SubmissionState.ACCEPTED if accepted else SubmissionState.SUBMITTED
        if not accepted and held:
            state = SubmissionState.DECLINED
        elif not accepted and number % 8 == 7:
            state = SubmissionState.RESERVE
        submission = PitchSubmission(
            call_id=call.id,
            code=f"{'p' if held else 'q'}{event.edition}-{number + 1:02}",
            organization_id=organization.id,
            submitter_id=people[slug][0].id,
            title_en=title_en,
            title_ja=title_ja,
            abstract_en=f"{organization.profile_en} We look for a unit that will test it with us.",
            abstract_ja=f"{organization.profile_ja}共に試験していただける部隊を探しています。",
            stage=("prototype", "product", "revenue")[number % 3],
            language="ja" if organization.country == "JP" and number % 3 else "en",
            presenter=people[slug][0].name_latin,
            state=state,
            created_at=submitted_at,
            submitted_at=submitted_at,
            decided_at=now - timedelta(days=1) if state != SubmissionState.SUBMITTED else None,
            areas=list(organization.areas),
        )
        db.session.add(submission)
        db.session.flush()
        _reviews(submission, call, users, number, now)
        if accepted:
            _place(event, submission, blocks, people[slug][0], now)
    db.session.flush()
    publish_agenda(actor=None, event=event, now=now, name="1.0")


def _reviews(
    submission: PitchSubmission, call: PitchCall, users: Mapping[str, User], number: int, now: datetime
) -> None:
    for turn, name in enumerate(("reviewer", "organizer")):
        if submission.state == SubmissionState.SUBMITTED and turn == 0 and number % 3 == 0:
            continue  # something is left for the reviewer to do
        review = PitchReview(
            submission_id=submission.id,
            reviewer_id=users[name].id,
            comment=("Clear need, honest about limits.", "試験計画が具体的で、評価できる。")[turn],
            created_at=now - timedelta(days=3),
            changed_at=now - timedelta(days=3),
            scores=[
                ReviewScore(criterion_id=criterion.id, score=2 + (number * 3 + turn + position) % 4)
                for position, criterion in enumerate(call.criteria)
            ],
        )
        db.session.add(review)


def _place(
    event: Event, submission: PitchSubmission, blocks: list[AgendaItem], presenter: User, now: datetime
) -> None:
    """Put an accepted pitch at the end of the first block with room for it."""
    for block in blocks:
        if block.starts_at is None or block.ends_at is None:
            continue
        children = db.session.scalars(
            select(AgendaItem).where(AgendaItem.parent_id == block.id).order_by(AgendaItem.starts_at)
        ).all()
        starts_at = (children[-1].ends_at if children else None) or block.starts_at
        ends_at = starts_at + timedelta(minutes=PITCH_MINUTES)
        if ends_at > block.ends_at:
            continue
        item = AgendaItem(
            event_id=event.id,
            code=f"pitch-{submission.code}",
            parent_id=block.id,
            kind=ItemKind.PITCH,
            title_en=submission.title_en,
            title_ja=submission.title_ja,
            text_en=submission.abstract_en,
            text_ja=submission.abstract_ja,
            language=submission.language,
            room_id=block.room_id,
            track_id=block.track_id,
            starts_at=starts_at,
            ends_at=ends_at,
            access=block.access,
            uid=f"{event.slug}-pitch-{submission.code}@{message_domain()}",
            created_at=now,
            changed_at=now,
        )
        speaker = db.session.scalar(
            select(Speaker).where(Speaker.event_id == event.id, Speaker.user_id == presenter.id)
        )
        if speaker is None:
            speaker = Speaker(
                event_id=event.id,
                user_id=presenter.id,
                organization_id=submission.organization_id,
                name_latin=presenter.name_latin,
                name_native=presenter.name_native,
                name_kana=presenter.name_kana,
            )
        db.session.add_all([item, speaker])
        db.session.flush()
        db.session.add(ItemSpeaker(item_id=item.id, speaker_id=speaker.id, position=0))
        submission.agenda_item_id = item.id
        db.session.flush()
        return
