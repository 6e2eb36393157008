"""Organizations of the demonstration, the people in them, and the accounts one can sign in with."""

from datetime import timedelta

from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.accounts.passwords import hash_password
from forum_app.accounts.queries import email_key, find_user_by_email
from forum_app.db import db
from forum_app.demo.content import (
    FAMILY_NAMES,
    FICTIONAL_ORGANIZATIONS,
    GIVEN_NAMES,
    REAL_ORGANIZATIONS,
    US_NAMES,
)
from forum_app.demo.world import ACCOUNTS, ZONE, World
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


def seed_organizations(world: World) -> None:
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


def seed_accounts(world: World, password: str) -> None:
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


def seed_people(world: World) -> None:
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
