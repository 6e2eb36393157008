"""Rows for tests: each factory fills what the test does not care about and flushes nothing twice."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from flask.testing import FlaskClient

from forum_app.accounts.models import LoginSession, User
from forum_app.accounts.queries import email_key
from forum_app.accounts.sign_in import CSRF, SECRET, token_hash
from forum_app.agenda.models import AccessLevel, AgendaItem, ItemKind, Speaker
from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Series, Track, Visibility
from forum_app.organizations.models import Kind, MemberRole, Membership, MemberState, Organization
from forum_app.registration.models import ParticipantType, Registration, RegistrationState
from forum_app.web import clock

NOW = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)  # noon in Tokyo
_number = count(1)


def save(*rows: Any) -> None:
    """Commit rows in a transaction of their own."""
    with transaction():
        db.session.add_all(rows)


def make_user(email: str | None = None, **values: Any) -> User:
    number = next(_number)
    email = email or f"person{number}@people.example"
    values.setdefault("name_latin", f"Person {number}")
    values.setdefault("verified_at", NOW)
    user = User(email=email, email_key=email_key(email), created_at=NOW, **values)
    save(user)
    return user


def login_of(person: Registration) -> User:
    """The login of a person who has one."""
    assert person.user is not None
    return person.user


def sign_in(client: FlaskClient, user: User) -> FlaskClient:
    """Give client a session of user without the sign-in form; the session starts at the real now."""
    token = f"token-{next(_number)}"
    now = clock.now()
    save(LoginSession(user_id=user.id, token_hash=token_hash(token), created_at=now, last_seen_at=now))
    with client.session_transaction() as session:
        session[SECRET] = token
        session["_user_id"] = str(user.id)
        session["_fresh"] = True
        session[CSRF] = f"csrf-{token}"
    return client


def make_organization(**values: Any) -> Organization:
    number = next(_number)
    values.setdefault("name_en", f"Organization {number}")
    values.setdefault("slug", f"organization-{number}")
    values.setdefault("kind", Kind.STARTUP)
    values.setdefault("country", "JP")
    organization = Organization(created_at=NOW, **values)
    save(organization)
    return organization


def make_member(user: User, organization: Organization, **values: Any) -> Membership:
    values.setdefault("role", MemberRole.REPRESENTATIVE)
    values.setdefault("state", MemberState.ACTIVE)
    membership = Membership(user_id=user.id, organization_id=organization.id, created_at=NOW, **values)
    save(membership)
    return membership


def make_event(**values: Any) -> Event:
    """A published public event of two days in Tokyo, 60 days after NOW, registration open."""
    number = next(_number)
    values.setdefault("slug", f"event-{number}")
    values.setdefault("title_en", f"Event {number}")
    values.setdefault("title_ja", f"催し{number}")
    values.setdefault("timezone", "Asia/Tokyo")
    values.setdefault("second_timezone", "America/New_York")
    values.setdefault("starts_on", date(2026, 11, 30))
    values.setdefault("ends_on", date(2026, 12, 1))
    values.setdefault("visibility", Visibility.PUBLIC)
    values.setdefault("published_at", NOW)
    values.setdefault("registration_opens_at", NOW - timedelta(days=30))
    values.setdefault("registration_closes_at", datetime(2099, 1, 1, tzinfo=UTC))
    event = Event(created_at=NOW, **values)
    save(event)
    return event


def make_series(**values: Any) -> Series:
    number = next(_number)
    values.setdefault("slug", f"series-{number}")
    values.setdefault("name_en", f"Series {number}")
    series = Series(**values)
    save(series)
    return series


def grant(user: User, event: Event, role: EventRole = EventRole.ORGANIZER) -> RoleGrant:
    row = RoleGrant(user_id=user.id, event_id=event.id, role=role, granted_at=NOW)
    save(row)
    return row


def make_room(event: Event, **values: Any) -> Room:
    values.setdefault("name_en", f"Room {next(_number)}")
    room = Room(event_id=event.id, **values)
    save(room)
    return room


def make_track(event: Event, **values: Any) -> Track:
    values.setdefault("name_en", f"Track {next(_number)}")
    track = Track(event_id=event.id, **values)
    save(track)
    return track


def make_participant_type(event: Event, **values: Any) -> ParticipantType:
    values.setdefault("code", f"type-{next(_number)}")
    values.setdefault("name_en", "Participant")
    values.setdefault("name_ja", "参加者")
    row = ParticipantType(event_id=event.id, **values)
    save(row)
    return row


def make_registration(
    event: Event,
    user: User | None = None,
    *,
    participant_type: ParticipantType | None = None,
    organization: Organization | None = None,
    state: RegistrationState = RegistrationState.APPROVED,
    **values: Any,
) -> Registration:
    """A registration in state; does not touch seats_taken."""
    user = user or make_user()
    participant_type = participant_type or make_participant_type(event)
    values.setdefault("name_latin", user.name_latin)
    values.setdefault("name_native", user.name_native)
    values.setdefault("email", user.email)
    row = Registration(
        event_id=event.id,
        type_id=participant_type.id,
        user_id=user.id,
        organization_id=organization.id if organization else None,
        email_key=email_key(values["email"]),
        state=state,
        created_at=NOW,
        state_changed_at=NOW,
        **values,
    )
    save(row)
    return row


def make_item(event: Event, **values: Any) -> AgendaItem:
    """A public talk on the first day, 10:00-11:00 in Tokyo."""
    number = next(_number)
    values.setdefault("kind", ItemKind.TALK)
    values.setdefault("title_en", f"Item {number}")
    values.setdefault("access", AccessLevel.PUBLIC)
    values.setdefault("starts_at", datetime(2026, 11, 30, 1, 0, tzinfo=UTC))
    values.setdefault("ends_at", datetime(2026, 11, 30, 2, 0, tzinfo=UTC))
    item = AgendaItem(
        event_id=event.id, uid=f"item-{number}@forum.example", created_at=NOW, changed_at=NOW, **values
    )
    save(item)
    return item


def make_speaker(event: Event, **values: Any) -> Speaker:
    values.setdefault("name_latin", f"Speaker {next(_number)}")
    speaker = Speaker(event_id=event.id, **values)
    save(speaker)
    return speaker
