"""Who takes part in a demonstration event, as what and how far."""

from datetime import timedelta

from forum_app.db import db
from forum_app.demo.content import (
    FICTIONAL_ORGANIZATIONS,
    JOBS,
    REAL_ORGANIZATIONS,
)
from forum_app.demo.world import World, local
from forum_app.events.models import Event
from forum_app.organizations.models import (
    Kind,
)
from forum_app.registration.models import SEATED, ParticipantType, Registration, RegistrationState

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


def seed_registrations(world: World, event: Event, *, held: bool) -> dict[int, Registration]:
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
