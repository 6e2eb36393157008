"""The rules of events, rooms, tracks, roles and series, where they are made."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Conflict, DomainError, Invalid, NotFound, PermissionDenied
from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Series, Visibility
from forum_app.events.queries import (
    get_grant,
    get_room,
    get_track,
    list_rooms,
    list_setup_steps,
    list_tracks,
)
from forum_app.events.rooms import (
    create_room,
    create_track,
    delete_row,
    move_row,
    update_row,
)
from forum_app.events.services import (
    SLUG,
    create_event,
    create_series,
    delete_series,
    get_event,
    grant_role,
    grant_role_by_email,
    publish_event,
    revoke_role,
    unpublish_event,
    update_event,
    update_series,
)
from forum_app.mail.models import OutboxMail
from tests.factories import NOW, grant, make_event, make_item, make_room, make_series, make_user

DAYS = {"timezone": "Asia/Tokyo", "starts_on": date(2026, 11, 30), "ends_on": date(2026, 12, 1)}


def new_event(**values: Any) -> Event:
    values = {"actor": None, "slug": "forum", "title_en": "Forum", "now": NOW, **DAYS, **values}
    with transaction():
        return create_event(**values)


def mails() -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.mark.every_database
def test_create_and_publish(app: Flask) -> None:
    admin = make_user(is_admin=True)
    event = new_event(actor=admin, title_ja="フォーラム", visibility=Visibility.CLOSED)
    assert not event.is_published
    assert event.venue_en == ""
    assert event.over_at == datetime(2026, 12, 1, 15, tzinfo=UTC)
    with transaction():
        publish_event(actor=admin, event=event, now=NOW)
        publish_event(actor=admin, event=event, now=NOW + timedelta(days=1))
    assert event.published_at == NOW
    with transaction():
        unpublish_event(actor=admin, event=event, now=NOW)
    assert not event.is_published
    assert actions() == ["event.created", "event.published", "event.unpublished"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"slug": "new"}, "slug"),
        ({"slug": "series"}, "slug"),
        ({"slug": "Forum"}, "slug"),
        ({"slug": "-forum"}, "slug"),
        ({"slug": "フォーラム"}, "slug"),
        ({"slug": "a" * 81}, "slug"),
        ({"slug": ""}, "slug"),
        ({"slug": "forum\n"}, "slug"),
        ({"title_en": ""}, "title_en"),
        ({"title_en": "x" * 501}, "title_en"),
        ({"timezone": "JST+9"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"second_timezone": "Mars/Olympus"}, "second_timezone"),
        ({"ends_on": date(2026, 11, 29)}, "ends_on"),
        ({"ends_on": date(2027, 11, 29)}, "ends_on"),
        ({"starts_on": date(1, 1, 1)}, "starts_on"),
        ({"starts_on": date(9999, 12, 31), "ends_on": date(9999, 12, 31)}, "starts_on"),
        ({"registration_opens_at": NOW, "registration_closes_at": NOW}, "registration_closes_at"),
        ({"registration_closes_at": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "registration_closes_at"),
    ],
)
def test_refused(app: Flask, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        new_event(**values)
    assert refused.value.field == field
    assert db.session.scalar(select(func.count(Event.id))) == 0


@given(st.text(max_size=90))
def test_slugs_are_ascii_path_segments(text: str) -> None:
    if SLUG.fullmatch(text):
        assert text.isascii()
        assert text == text.lower()
        assert 1 <= len(text) <= 80
        assert not set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789-")


def together(app: Flask, *changes: Callable[[], object]) -> list[str]:
    """Run changes at the same moment, each in a transaction of its own; names of what they raised."""
    barrier = threading.Barrier(len(changes))
    outcomes: list[str] = []

    def run(change: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    change()
                outcomes.append("done")
            except DomainError as error:
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=run, args=[change]) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


@pytest.mark.every_database
def test_a_slug_is_given_once(app: Flask) -> None:
    def create() -> None:
        create_event(
            actor=None,
            slug="forum",
            title_en="Forum",
            timezone="Asia/Tokyo",
            starts_on=date(2026, 11, 30),
            ends_on=date(2026, 12, 1),
            now=NOW,
        )

    assert together(app, *[create] * 8) == ["Invalid"] * 7 + ["done"]
    assert db.session.scalar(select(func.count(Event.id))) == 1


@pytest.mark.every_database
def test_the_last_organizer_stays(app: Flask) -> None:
    event = make_event()
    one, other, admin = make_user(), make_user(), make_user(is_admin=True)
    first, second = grant(one, event), grant(other, event)

    def revoke(actor_id: int, grant_id: int) -> None:
        actor, known = db.session.get_one(type(one), actor_id), db.session.get_one(Event, event.id)
        revoke_role(actor=actor, event=known, grant=get_grant(event.id, grant_id), now=NOW)

    # each removes the other at the same moment: one of them is too late, whichever it is
    outcomes = together(app, lambda: revoke(one.id, second.id), lambda: revoke(other.id, first.id))
    assert outcomes in (["Conflict", "done"], ["PermissionDenied", "done"])
    db.session.expire_all()
    left = db.session.scalars(select(RoleGrant)).one()
    actor = one if left.user_id == one.id else other
    with pytest.raises(Conflict), transaction():
        revoke_role(actor=actor, event=event, grant=left, now=NOW)
    left = db.session.scalars(select(RoleGrant)).one()
    with transaction():
        revoke_role(actor=admin, event=event, grant=left, now=NOW)
    assert db.session.scalar(select(func.count(RoleGrant.id))) == 0


@pytest.mark.every_database
def test_roles_are_told_by_mail_and_kept_in_the_trail(app: Flask) -> None:
    event = make_event(title_en="The Forum", title_ja="フォーラム")
    organizer = make_user()
    grant(organizer, event)
    officer = make_user("officer@agency.example", locale="ja", name_latin="Aoi Sato")
    with transaction():
        row = grant_role_by_email(
            actor=organizer,
            event=event,
            email="OFFICER@agency.example",
            role=EventRole.VETTING_OFFICER,
            now=NOW,
        )
    with pytest.raises(Invalid), transaction():
        grant_role_by_email(
            actor=organizer, event=event, email=officer.email, role=EventRole.VETTING_OFFICER, now=NOW
        )
    with transaction():
        revoke_role(actor=organizer, event=event, grant=row, now=NOW)
    with pytest.raises(NotFound), transaction():
        revoke_role(actor=organizer, event=event, grant=row, now=NOW)
    granted, revoked = mails()
    assert (granted.kind, granted.to_address, granted.locale) == (
        "events/role_granted",
        officer.email,
        "ja",
    )
    assert "フォーラム" in granted.subject
    assert f"https://forum.test/events/{event.slug}/manage/" in granted.body
    assert revoked.kind == "events/role_revoked"
    assert actions() == ["role.granted", "role.revoked"]


def test_roles_only_for_people_with_a_verified_account(app: Flask) -> None:
    event, admin = make_event(), make_user(is_admin=True)
    make_user("unverified@people.example", verified_at=None)
    make_user("disabled@people.example", disabled_at=NOW)
    for email in ("nobody@people.example", "unverified@people.example", "disabled@people.example", ""):
        with pytest.raises(Invalid) as refused, transaction():
            grant_role_by_email(actor=admin, event=event, email=email, role=EventRole.ORGANIZER, now=NOW)
        assert refused.value.field == "email"
    assert not mails()


def test_a_role_counts_at_once(app: Flask) -> None:
    event, user = make_event(published_at=None), make_user()
    with pytest.raises(NotFound):
        get_event(event.slug, user)
    with transaction():
        row = grant_role(actor=None, event=event, user=user, role=EventRole.ORGANIZER, now=NOW)
        assert grant_role(actor=None, event=event, user=user, role=EventRole.ORGANIZER, now=NOW) is row
        create_room(actor=user, event=event, name_en="Hall", now=NOW)
    assert get_event(event.slug, user) is event


@pytest.mark.parametrize("role", [None, "other event", *EventRole])
def test_only_organizers_change(app: Flask, role: Any) -> None:
    event, user = make_event(), make_user()
    room = make_room(event)
    if role == "other event":
        grant(user, make_event())
    elif role is not None:
        grant(user, event, role)
    changes: list[Callable[[], object]] = [
        lambda: update_event(actor=user, event=event, title_en="Mine", now=NOW),
        lambda: publish_event(actor=user, event=event, now=NOW),
        lambda: unpublish_event(actor=user, event=event, now=NOW),
        lambda: create_room(actor=user, event=event, name_en="New", now=NOW),
        lambda: move_row(actor=user, event=event, row=room, up=True, now=NOW),
        lambda: delete_row(actor=user, event=event, row=room, now=NOW),
        lambda: create_track(actor=user, event=event, name_en="New", now=NOW),
        lambda: grant_role(actor=user, event=event, user=user, role=EventRole.PITCH_REVIEWER, now=NOW),
    ]
    for change in changes:
        if role == EventRole.ORGANIZER:
            with transaction():
                change()
        else:
            with pytest.raises(PermissionDenied), transaction():
                change()
    administration: list[Callable[[], object]] = [
        lambda: create_event(actor=user, slug="mine", title_en="Mine", now=NOW, **DAYS),  # type: ignore[arg-type]
        lambda: create_series(actor=user, slug="mine", name_en="Mine", now=NOW),
        lambda: update_event(actor=user, event=event, series=make_series(), now=NOW),
    ]
    for change in administration:
        with pytest.raises(PermissionDenied):
            change()
        db.session.rollback()


@pytest.mark.every_database
def test_rooms(app: Flask) -> None:
    event = make_event()
    with transaction():
        rooms = [
            create_room(actor=None, event=event, name_en=name, name_ja="", capacity=10, now=NOW)
            for name in "ABC"
        ]
    with pytest.raises(Invalid) as refused, transaction():
        create_room(actor=None, event=event, name_en="B", now=NOW)
    assert refused.value.field == "name_en"
    with pytest.raises(Invalid), transaction():
        create_room(actor=None, event=event, floor="3F", now=NOW)
    with pytest.raises(Invalid), transaction():
        create_room(actor=None, event=event, name_en="D", capacity=0, now=NOW)
    with pytest.raises(Invalid), transaction():
        update_row(
            actor=None, event=event, row=rooms[0], name_en="C", name_ja="", floor="", capacity=1, now=NOW
        )
    with transaction():
        move_row(actor=None, event=event, row=rooms[2], up=True, now=NOW)
        move_row(actor=None, event=event, row=rooms[0], up=True, now=NOW)
    assert [room.name_en for room in list_rooms(event.id)] == ["A", "C", "B"]
    make_item(event, room_id=rooms[1].id)
    with pytest.raises(Conflict), transaction():
        delete_row(actor=None, event=event, row=rooms[1], now=NOW)
    with transaction():
        delete_row(actor=None, event=event, row=rooms[0], now=NOW)
    assert [room.name_en for room in list_rooms(event.id)] == ["C", "B"]
    with pytest.raises(NotFound):
        get_room(make_event().id, rooms[1].id)


@pytest.mark.every_database
def test_tracks(app: Flask) -> None:
    event = make_event()
    with transaction():
        track = create_track(actor=None, event=event, name_en="Space", name_ja="宇宙", color=8, now=NOW)
    for color in (0, 9):
        with pytest.raises(Invalid), transaction():
            create_track(actor=None, event=event, name_en="Sea", color=color, now=NOW)
    with pytest.raises(Invalid), transaction():
        create_track(actor=None, event=event, name_en="Space", name_ja="宇宙", now=NOW)
    with pytest.raises(NotFound):
        get_track(make_event().id, track.id)
    make_item(event, track_id=track.id)
    with pytest.raises(Conflict), transaction():
        delete_row(actor=None, event=event, row=track, now=NOW)
    assert [known.name_ja for known in list_tracks(event.id)] == ["宇宙"]


@pytest.mark.every_database
def test_series(app: Flask) -> None:
    with transaction():
        series = create_series(actor=None, slug="tech-forum", name_en="Technology Forum", now=NOW)
        unused = create_series(actor=None, slug="unused", name_ja="使わない", now=NOW)
    with pytest.raises(Invalid) as refused, transaction():
        create_series(actor=None, slug="tech-forum", name_en="Again", now=NOW)
    assert refused.value.field == "slug"
    new_event(series=series, edition=36)
    with pytest.raises(Conflict), transaction():
        delete_series(actor=None, series=series, now=NOW)
    with pytest.raises(Invalid), transaction():
        update_series(actor=None, series=series, name_en="", name_ja="", now=NOW)
    with transaction():
        delete_series(actor=None, series=unused, now=NOW)
    assert db.session.scalars(select(Series.slug)).all() == ["tech-forum"]


def test_setup_steps_end(app: Flask) -> None:
    event = new_event()
    assert len(list_setup_steps(event)) == 9
    texts = {
        f"{name}_{language}": "Text"
        for name in ("title", "summary", "venue", "privacy", "antitrust")
        for language in ("en", "ja")
    }
    user = make_user()
    with transaction():
        update_event(actor=None, event=event, now=NOW, registration_opens_at=NOW, **texts)  # type: ignore[arg-type]
        create_room(actor=None, event=event, name_en="Hall", now=NOW)
        grant_role(actor=None, event=event, user=user, role=EventRole.ORGANIZER, now=NOW)
        grant_role(actor=None, event=event, user=user, role=EventRole.VETTING_OFFICER, now=NOW)
    assert not list_setup_steps(event)


def test_many_rooms_are_refused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forum_app.events.rooms.MAX_ROWS", 2)
    event = make_event()
    make_room(event)
    make_room(event)
    with pytest.raises(Conflict), transaction():
        create_room(actor=None, event=event, name_en="One too many", now=NOW)
    assert db.session.scalar(select(func.count(Room.id))) == 2
