"""A 304 that is answered at a glance never lies: whatever changes, by whatever statement."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Boolean, Enum, Table, and_, delete, event, select, text, update
from sqlalchemy.exc import DataError, IntegrityError

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, Bookmark
from forum_app.calendars.jobs import forget_changes
from forum_app.calendars.models import Change, FeedScope, FeedToken
from forum_app.calendars.services import Subject, create_feed
from forum_app.calendars.unchanged import Unchanged
from forum_app.calendars.watch import WATCHED, Position, Watch, names
from forum_app.db import Base, db, transaction
from forum_app.events.models import Event, EventRole, Visibility
from forum_app.meetings.models import MeetingParticipant, MeetingRole
from forum_app.organizations.models import Kind
from tests.calendars.parts import make_interpreter, make_meeting, make_table, mark, publish, speaks
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_item,
    make_member,
    make_organization,
    make_registration,
    make_room,
    make_track,
    make_user,
    save,
)

TABLES = Base.metadata.tables
# What a service reads of them is settled when they are published, or is a secret or a use of the address.
NO_VALUES = {"snapshot", "token_hash", "last_used_at"}


class Glance:
    """Asks an address as its calendar does, and again as if this process had never answered for it."""

    def __init__(self, app: Flask, path: str) -> None:
        self.client = app.test_client()
        self.unchanged: Unchanged = app.extensions["forum_unchanged"]
        self.path = path
        self.tag = ""
        self.long = 0
        inner = self.unchanged._application

        def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            self.long += 1
            return inner(environ, start_response)

        self.unchanged._application = counted
        self.renew()

    def ask(self) -> int:
        answer = self.client.get(self.path, headers={"If-None-Match": self.tag})
        if answer.status_code != 304:
            self.tag = answer.headers.get("ETag", "")  # none where there is no feed any more
        return answer.status_code

    def renew(self) -> None:
        self.tag = ""
        self.ask()

    def at_a_glance(self) -> bool:
        """Whether the next answer came without the application; then the application says the same."""
        before = self.long
        status = self.ask()
        if self.long > before or not self.tag:
            return False
        assert status == 304
        known = self.unchanged._known.copy()
        self.unchanged._known.clear()
        assert self.ask() == 304, "unchanged at a glance, but not in truth"
        self.unchanged._known.update(known)
        return True


@pytest.fixture(autouse=True)
def restored(app: Flask) -> Iterator[None]:
    unchanged: Unchanged = app.extensions["forum_unchanged"]
    inner = unchanged._application
    yield
    unchanged._application = inner
    unchanged._known.clear()


class World:
    """Everything that a feed may show, and an address of each kind for the same reader."""

    def __init__(self) -> None:
        agency = make_organization(name_en="Agency", name_ja="庁", kind=Kind.AGENCY)
        self.reader = make_user(verified_at=NOW)
        make_member(self.reader, agency)
        self.event = make_event(visibility=Visibility.CLOSED)
        room, track = make_room(self.event), make_track(self.event)
        self.me = make_registration(self.event, self.reader, organization=agency)
        company = make_organization(name_en="Company", name_ja="社")
        self.other = make_registration(self.event, organization=company)
        table = make_table(self.event, room_id=room.id)
        interpreter = make_interpreter(self.event, name_latin="Yui Ono", user_id=self.reader.id)
        self.meeting = make_meeting(self.me, self.other, table_id=table.id, interpreter_id=interpreter.id)
        self.items = [make_item(self.event, room_id=room.id, track_id=track.id) for _ in range(3)]
        speaks(self.reader, self.items[0], organization_id=agency.id)
        mark(self.reader, self.items[1])
        publish(self.event)
        # known by address alone
        elsewhere = make_event()
        make_registration(elsewhere, email=self.reader.email)
        self.subjects = {
            "person": Subject(FeedScope.PERSON),
            "event": Subject(FeedScope.EVENT, event=self.event),
            "track": Subject(FeedScope.TRACK, event=self.event, track=track),
            "room": Subject(FeedScope.ROOM, event=self.event, room=room),
            "organization": Subject(FeedScope.ORGANIZATION, organization=agency),
            "interpreter": Subject(FeedScope.INTERPRETER, event=self.event, interpreter=interpreter),
        }

    def path(self, kind: str) -> str:
        with transaction():
            _, token = create_feed(
                actor=self.reader, label="", locale="en", now=NOW, subject=self.subjects[kind]
            )
        return f"/calendars/{token}.ics"


def _other(column: Any, value: Any) -> Any:
    """Another value that a column may have; None if there is none to think of."""
    if isinstance(column.type, Enum):
        return next(choice for choice in column.type.enum_class or () if choice != value)
    if column.foreign_keys:
        found = next(iter(column.foreign_keys)).column
        rows = db.session.scalars(select(found).order_by(found)).all()
        return next((row for row in rows if row != value), None)
    if isinstance(value, bool) or isinstance(column.type, Boolean):
        return not value
    if isinstance(value, datetime):
        return value + timedelta(days=1)
    if isinstance(value, date):
        return value + timedelta(days=1)
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return {"timezone": "Europe/Berlin", "locale": "ja"}.get(column.name, f"{value}x")
    if value is None and column.name.endswith("_at"):
        return NOW
    if value is None and column.name == "cleared_until":
        return date(2030, 1, 1)
    return None


def _write(statement: Any) -> bool:
    try:
        with transaction():
            db.session.execute(statement.execution_options(synchronize_session=False))
    except (IntegrityError, DataError):  # no such value can be there
        return False
    return True


def _same_row(table: Table, row: Any) -> Any:
    return and_(*(column == row[column] for column in table.primary_key.columns))


@pytest.mark.every_database
@pytest.mark.parametrize("kind", ["person", "event"])
def test_no_change_of_any_value_escapes(app: Flask, kind: str) -> None:
    """Each column of each row that is watched, changed and changed back by plain statements."""
    world = World()
    glance = Glance(app, world.path(kind))
    assert glance.at_a_glance()
    answers: Counter[bool] = Counter()
    for name in WATCHED:
        table = TABLES[name]
        rows = db.session.execute(select(table)).mappings().all()
        for column in table.columns:
            if column.primary_key or column.name in NO_VALUES:
                continue
            for row in rows[:3]:
                value = _other(column, row[column])
                if value is None or not _write(
                    update(table).where(_same_row(table, row)).values({column: value})
                ):
                    continue
                answers[glance.at_a_glance()] += 1
                assert _write(update(table).where(_same_row(table, row)).values({column: row[column]}))
                glance.at_a_glance()
    assert answers[False] > 50
    assert answers[True] > 10  # what concerns others


@pytest.mark.every_database
def test_no_row_that_comes_or_goes_escapes(app: Flask) -> None:
    world = World()
    glance = Glance(app, world.path("person"))
    reader, event_, item = world.reader, world.event, world.items[2]
    stranger = make_registration(event_)
    elsewhere = make_event()
    far = make_item(elsewhere)
    publish(elsewhere)
    free = make_meeting(stranger, make_registration(event_), starts_at=NOW + timedelta(days=300))
    assert glance.at_a_glance()

    def add(row: Any) -> Callable[[], object]:
        return lambda: save(row)

    def drop(model: Any, *where: Any) -> Callable[[], object]:
        return lambda: _write(delete(model).where(*where))

    def publish_more(event: Event) -> None:
        make_item(event)
        publish(event)

    mine = MeetingParticipant.registration_id == world.me.id
    steps: dict[str, Callable[[], object]] = {
        "bookmark": lambda: mark(reader, item),
        "speaker elsewhere": lambda: speaks(reader, far),
        "publication": lambda: publish_more(elsewhere),
        "role": lambda: grant(reader, event_, EventRole.ORGANIZER),
        "meeting": add(
            MeetingParticipant(meeting_id=free.id, registration_id=world.me.id, role=MeetingRole.GUEST)
        ),
        "registration by address": lambda: make_registration(make_event(), email=reader.email),
        "own registration": lambda: make_registration(make_event(), reader),
        "bookmark gone": drop(Bookmark, Bookmark.user_id == reader.id, Bookmark.item_id == item.id),
        "out of a meeting": drop(MeetingParticipant, mine, MeetingParticipant.meeting_id == free.id),
        "meeting gone": drop(type(world.meeting), type(world.meeting).id == world.meeting.id),
        "event gone": drop(Event, Event.id == event_.id),  # with all that hangs on it
        "address gone": drop(FeedToken, FeedToken.user_id == reader.id),
    }
    for name, step in steps.items():
        before = glance.long
        step()
        status = glance.ask()
        assert glance.long > before, name
        if name == "address gone":
            assert status == 404
            continue
        glance.renew()
        assert glance.at_a_glance(), name


def test_whatever_a_feed_reads_is_watched(app: Flask) -> None:
    """SQLite itself says which tables and columns the answers were made of."""
    world = World()
    paths = [world.path(kind) for kind in world.subjects]
    read: set[tuple[str, str]] = set()

    def note(action: int, table: str | None, column: str | None, *rest: object) -> int:
        if action == sqlite3.SQLITE_READ and table and column:
            read.add((table, column))
        return sqlite3.SQLITE_OK

    def watch(connection: sqlite3.Connection, record: object) -> None:
        connection.set_authorizer(note)

    client = app.test_client()
    db.session.remove()
    db.engine.dispose()
    event.listen(db.engine, "connect", watch)
    try:
        for path in paths:
            assert client.get(path).status_code == 200
    finally:
        event.remove(db.engine, "connect", watch)
        db.session.remove()
        db.engine.dispose()
    tables = {table for table, _ in read}
    # what an address has shown follows from the rest, and differs only if that does
    assert tables - set(WATCHED) == {"calendars_shown", "sqlite_master"} & tables
    assert len(tables) > 12
    # updates that are passed over are of columns that no feed reads, but for its own last use
    for name, passed_over in {
        "agenda_item": {column for table, column in read if table == "agenda_item"} - {"id", "event_id"},
        "calendars_feed_token": set(TABLES["calendars_feed_token"].columns.keys()) - {"last_used_at"},
    }.items():
        made = db.session.scalar(
            text(f"SELECT sql FROM sqlite_master WHERE name = 'calendars_note_{name}_update'")  # noqa: S608
        )
        watched = set(made.split(" UPDATE OF ")[1].split(" ON ")[0].split(", "))
        assert passed_over <= watched


def test_what_others_write_changes_nothing(app: Flask) -> None:
    """The forum lives: registrations, edits of a draft, other people's calendars and programmes."""
    world = World()
    glance = Glance(app, world.path("person"))
    assert glance.at_a_glance()
    far = make_event()
    item = make_item(far)
    for _ in range(2):
        mark(make_user(), item)
        publish(far)
        make_meeting(make_registration(far), make_registration(far))
        one = db.session.get_one(AgendaItem, world.items[0].id)
        one.title_en += "!"
        save(one)
        assert glance.at_a_glance()


# --- The order of changes --------------------------------------------------------------------------
def _rename(connection: Any, user: User) -> None:
    connection.execute(update(User).where(User.id == user.id).values(name_kana=User.name_kana + "ア"))


@pytest.mark.every_database
def test_changes_are_known_once_they_are_committed_in_whatever_order(app: Flask) -> None:
    one, other = make_user(), make_user()
    db.session.remove()
    watch = Watch(db.engine)
    began = watch.look()
    assert began is not None
    assert watch.look() == began
    mine, theirs = names([f"user:{one.id}"]), names([f"user:{other.id}"])
    if db.engine.dialect.name == "sqlite":
        with db.engine.begin() as connection:
            _rename(connection, one)
            assert watch.look() == began  # not committed
        assert watch.look() != began
        assert (watch.holds(began, mine), watch.holds(began, theirs)) == (False, True)
    else:
        with db.engine.connect() as first, db.engine.connect() as second:
            _rename(first, one)  # has the lower number, and ends later
            _rename(second, other)
            second.commit()
            middle = watch.look()
            assert middle is not None
            assert (watch.holds(began, mine), watch.holds(began, theirs)) == (True, False)
            first.commit()
            assert watch.look() != middle
            assert (watch.holds(middle, mine), watch.holds(middle, theirs)) == (False, True)
    now = watch.look()
    assert now is not None
    with db.engine.connect() as connection:
        _rename(connection, one)
        connection.rollback()
    assert watch.look() == now
    assert watch.holds(now, None)


@pytest.mark.every_database
def test_where_the_order_is_lost_nothing_holds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user()
    watch = Watch(db.engine)
    else_where = names(["user:0"])

    def look() -> Position:
        found = watch.look()
        assert found is not None
        return found

    begun = look()
    with transaction():
        db.session.execute(delete(Change))
    make_user()
    look()
    # SQLite: it stood at a note that is gone
    assert watch.holds(begun, else_where) is (db.engine.dialect.name == "postgresql")
    begun = look()
    db.session.remove()
    db.engine.dispose()
    look()
    assert not watch.holds(begun, else_where)
    begun = look()
    monkeypatch.setattr("forum_app.calendars.watch.LONGEST_PAUSE", -1.0)
    look()
    assert not watch.holds(begun, else_where)
    monkeypatch.undo()
    monkeypatch.setattr("forum_app.calendars.watch.MOST_NAMED", 3)
    begun = look()
    with db.engine.begin() as connection:
        _rename(connection, user)
    look()
    assert watch.holds(begun, else_where)
    make_registration(make_event())
    look()
    assert not watch.holds(begun, else_where)


@pytest.mark.every_database
def test_without_one_of_the_triggers_all_go_the_long_way(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    glance = Glance(app, World().path("person"))
    assert glance.at_a_glance()
    name, table = "calendars_note_events_room", "events_room"
    if db.engine.dialect.name == "sqlite":
        off = f"DROP TRIGGER {name}_update"
        on = db.session.scalar(text(f"SELECT sql FROM sqlite_master WHERE name = '{name}_update'"))  # noqa: S608
    else:
        off, on = (f"ALTER TABLE {table} {word} TRIGGER {name}" for word in ("DISABLE", "ENABLE"))
    with transaction():
        db.session.execute(text(off))
    db.session.remove()
    db.engine.dispose()
    try:
        glance.renew()
        assert not glance.at_a_glance()
        assert name in caplog.text
    finally:
        with transaction():
            db.session.execute(text(on))


def test_notes_are_kept_for_a_day_and_the_newest_for_ever(app: Flask) -> None:
    for _ in range(3):
        make_user()
    with transaction():
        db.session.execute(update(Change).values(noted_at=Change.noted_at - 25 * 3600))
    make_user()
    numbers = db.session.scalars(select(Change.id).order_by(Change.id)).all()
    assert len(numbers) > 1
    for _ in range(2):
        forget_changes()
        assert db.session.scalars(select(Change.id)).all() == [numbers[-1]]
        with transaction():
            db.session.execute(update(Change).values(noted_at=0))
