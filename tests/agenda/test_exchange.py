"""Import and export of the exchange format."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from forum_app.agenda.exchange import import_schedule, import_schedule_file, schedule_of
from forum_app.agenda.importing import ImportReport
from forum_app.agenda.models import AgendaItem, AgendaVersion, ItemKind, ItemSpeaker, ItemStatus, Speaker
from forum_app.agenda.queries import current_agenda
from forum_app.core.errors import DomainError, Invalid, NotFound, PermissionDenied
from forum_app.core.frab import Person, Schedule, ScheduleItem, parse_schedule, render_json, render_xml
from forum_app.db import db, transaction
from forum_app.events.models import Event, Room, Track
from forum_app.events.queries import find_event
from tests.agenda.parts import at, edit, let_speak, publish
from tests.factories import NOW, grant, make_event, make_item, make_speaker, make_user, sign_in
from tests.queries import count_queries

LATER = NOW + timedelta(hours=1)


def entry(number: int, **values: object) -> ScheduleItem:
    fields: dict[str, object] = {
        "guid": f"guid-{number}",
        "id": str(number),
        "starts_at": at(10) + timedelta(minutes=10 * number),
        "duration": timedelta(minutes=10),
        "room": "Saal 1" if number % 2 else "会議室",
        "title": f"Title {number}",
        "track": "Security",
        "type": "lecture",
        "language": "en",
        "persons": (Person(str(number), f"Person {number}"), Person("7000", "山田太郎")),
    }
    fields.update(values)
    return ScheduleItem(**fields)  # type: ignore[arg-type]


def schedule(*items: ScheduleItem) -> Schedule:
    return Schedule(
        title="A congress",
        acronym="congress",
        version="1.0",
        start=date(2026, 11, 30),
        end=date(2026, 12, 1),
        zone="Asia/Tokyo",
        items=items,
        rooms=("Saal 1", "会議室"),
    )


def run(event: Event, *items: ScheduleItem, now: datetime = NOW) -> ImportReport:
    with transaction():
        return import_schedule(actor=None, event=event, schedule=schedule(*items), now=now)


def counts() -> list[int | None]:
    tables = (AgendaItem, Speaker, ItemSpeaker, Room, Track, AgendaVersion)
    return [db.session.scalar(select(func.count()).select_from(table)) for table in tables]


@pytest.mark.every_database
def test_import_twice_changes_nothing(app: Flask) -> None:
    event = make_event()
    items = [entry(number) for number in range(12)]
    report = run(event, *items)
    assert (report.items, report.added, report.rooms, report.tracks, report.speakers) == (12, 12, 2, 1, 13)
    assert report.version == 1
    before = counts()
    rows = db.session.execute(select(AgendaItem.__table__)).all()
    again = run(event, *items, now=LATER)
    assert not again.changed
    assert again.version is None
    assert counts() == before
    assert db.session.execute(select(AgendaItem.__table__)).all() == rows
    agenda = current_agenda(event)
    assert agenda is not None
    japanese = next(s for s in agenda.items[0].speakers if s.external_id == "7000")
    assert (japanese.name_native, japanese.name_latin) == ("山田太郎", "")
    assert {(r.name_en, r.name_ja) for r in agenda.rooms} == {("Saal 1", ""), ("", "会議室")}


@pytest.mark.every_database
def test_import_updates_and_cancels(app: Flask) -> None:
    event = make_event()
    own = make_item(event, title_en="Not from a file")
    run(event, entry(1), entry(2), entry(3))
    codes = set(db.session.scalars(select(AgendaItem.code)))
    report = run(
        event,
        entry(1, title="A new title", persons=(Person("7000", "山田太郎"), Person("1", "Renamed"))),
        entry(2, room="Saal 3"),
        now=LATER,
    )
    assert (report.added, report.updated, report.cancelled, report.version) == (0, 2, 1, 2)
    assert set(db.session.scalars(select(AgendaItem.code))) == codes
    agenda = current_agenda(event)
    assert agenda is not None
    by_guid = {item.guid: item for item in agenda.items}
    assert [s.name for s in by_guid["guid-1"].speakers] == ["山田太郎", "Renamed"]
    assert (by_guid["guid-1"].title_en, by_guid["guid-1"].sequence) == ("A new title", 0)
    assert (by_guid["guid-2"].sequence, by_guid["guid-3"].sequence) == (1, 1)
    assert by_guid["guid-3"].status == ItemStatus.CANCELLED
    assert agenda.by_code[own.code].status == ItemStatus.CONFIRMED
    # it comes back when it is in the file again
    back = run(event, entry(1), entry(2), entry(3), now=LATER + timedelta(hours=1))
    assert back.updated == 3
    agenda = current_agenda(event)
    assert agenda is not None
    assert not any(item.is_cancelled for item in agenda.items)


def test_what_organizers_add_survives_an_import(app: Flask) -> None:
    event = make_event()
    run(event, entry(1), entry(2, language="ja", title="題名"))
    first, second = db.session.scalars(select(AgendaItem).order_by(AgendaItem.external_id)).all()
    assert (second.title_ja, second.title_en) == ("題名", "")
    with transaction():
        first.title_ja, first.kind, first.access = "日本語の題", ItemKind.KEYNOTE, "REGISTERED"  # type: ignore[assignment]
    run(event, entry(1, title="New"), entry(2, language="ja", title="題名"), now=LATER)
    db.session.expire_all()
    row = db.session.get_one(AgendaItem, first.id)
    assert (row.title_en, row.title_ja, row.kind, row.access) == (
        "New",
        "日本語の題",
        "keynote",
        "registered",
    )


def test_our_own_export_comes_back_unchanged(app: Flask) -> None:
    event = make_event()
    run(event, entry(1), entry(2, language="ja", title="題名"))
    item = make_item(
        event, title_en="Both", title_ja="両方", language="ja", kind=ItemKind.PANEL, room_id=None
    )
    let_speak(item, make_speaker(event, name_latin="Own", name_native="自"), make_speaker(event))
    publish(event, LATER)
    agenda = current_agenda(event)
    assert agenda is not None
    out = schedule_of(event, agenda, agenda.items, "https://forum.test")
    before = db.session.execute(select(AgendaItem.__table__)).all()
    for data in (render_xml(out), render_json(out)):
        with transaction():
            report = import_schedule_file(data=data, slug=event.slug, create=False, now=LATER)
        assert not report.changed, report
        assert report.version is None
    assert db.session.execute(select(AgendaItem.__table__)).all() == before


def test_after_midnight_stays_on_its_evening(client: FlaskClient) -> None:
    event = make_event()
    make_item(event, title_en="Evening", starts_at=at(22), ends_at=at(23.5))
    night = make_item(event, title_en="Night", starts_at=at(24.5), ends_at=at(25.5))
    make_item(event, title_en="Morning", starts_at=at(10, day=1), ends_at=at(11, day=1))
    publish(event)
    page = client.get(f"/events/{event.slug}/agenda?lang=en").text
    assert page.index("day-2026-11-30") < page.index("Evening") < page.index(">Night<")
    assert page.index(">Night<") < page.index('id="day-2026-12-01"')
    card = page[page.index(">00:30–01:30<") :]
    assert card.startswith('>00:30–01:30</time> <span class="when__shift">Tue, 1 Dec 2026</span>')
    document = client.get(f"/events/{event.slug}/schedule.json").json
    assert document is not None
    days = document["schedule"]["conference"]["days"]
    found = [(d["date"], [i["title"] for r in d["rooms"].values() for i in r]) for d in days]
    assert found == [("2026-11-30", ["Evening", "Night"]), ("2026-12-01", ["Morning"])]
    back = parse_schedule(client.get(f"/events/{event.slug}/schedule.xml").data)
    assert {i.title: i.starts_at for i in back.items}["Night"] == night.starts_at
    # early risers begin their own day
    make_item(event, title_en="Sunrise", starts_at=at(5.5), ends_at=at(5.75))
    publish(event, LATER)
    page = client.get(f"/events/{event.slug}/agenda").text
    assert 'id="day-2026-11-29"' not in page


def test_export_is_not_sent_twice(client: FlaskClient) -> None:
    event = make_event()
    item = make_item(event)
    publish(event)
    for form in ("xml", "json"):
        url = f"/events/{event.slug}/schedule.{form}"
        first = client.get(url)
        etag = first.headers["ETag"]
        again = client.get(url, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        edit(item, title_en=f"Changed for {form}")
        publish(event, NOW + timedelta(minutes=7 if form == "xml" else 8))
        changed = client.get(url, headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert f"Changed for {form}" in changed.text


def test_create_from_a_file(app: Flask, client: FlaskClient) -> None:
    data = render_xml(schedule(*(entry(n) for n in range(5))))
    with pytest.raises(NotFound):
        import_schedule_file(data=data, slug="congress", create=False, now=NOW)
    with transaction():
        report = import_schedule_file(data=data, slug="congress", create=True, now=NOW)
    event = find_event("congress")
    assert event is not None
    assert (event.title_en, event.timezone, event.starts_on) == (
        "A congress",
        "Asia/Tokyo",
        date(2026, 11, 30),
    )
    assert report.added == 5
    assert client.get("/events/congress/agenda").text.count('class="agenda-card__title"') == 5
    for slug in ("Congress", "a/b", "", "x" * 81, "日本"):
        with pytest.raises(DomainError), transaction():
            import_schedule_file(data=data, slug=slug, create=True, now=NOW)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><schedule>&b;</schedule>'
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02",
        b"<schedule>",
        BOMB,
        b"<html></html>",
        b'{"schedule": 3}',
        b'{"schedule": {"conference": {"days": [{"date": "0001-01-01", "rooms": {"a": [{}]}}]}}}',
        b'{"schedule": {"conference": {"start": "2026-11-30", "end": "9999-99-99", "days": 5}}}',
        b"[" * 100_000,
    ],
)
def test_hostile_files_change_nothing(app: Flask, data: bytes) -> None:
    event = make_event()
    for slug, create in ((event.slug, False), ("new-one", True)):
        with pytest.raises(DomainError) as refusal, transaction():
            import_schedule_file(data=data, slug=slug, create=create, now=NOW)
        assert "\n" not in str(refusal.value)
    assert counts() == [0, 0, 0, 0, 0, 0]
    assert find_event("new-one") is None


def test_the_wrong_file_is_refused_whole(app: Flask) -> None:
    event = make_event()
    with pytest.raises(Invalid):
        run(event, entry(1), entry(2, starts_at=datetime(2014, 12, 27, 10, tzinfo=UTC)))
    assert counts() == [0, 0, 0, 0, 0, 0]
    with pytest.raises(PermissionDenied), transaction():
        import_schedule(actor=make_user(), event=event, schedule=schedule(entry(1)), now=NOW)


def test_import_takes_few_statements(app: Flask) -> None:
    def cost(count: int, event: Event) -> int:
        items = [entry(n, starts_at=at(10) + timedelta(minutes=n)) for n in range(count)]
        with count_queries() as statements:
            run(event, *items)
        return len(statements)

    first, second = make_event(), make_event()
    small = cost(3, first)
    large = cost(1500, second)
    assert small <= 40
    assert large <= small + 8, large  # batches
    assert cost(1500, second) <= 15  # nothing new


def test_upload(client: FlaskClient) -> None:
    event, organizer = make_event(), make_user()
    grant(organizer, event)
    sign_in(client, organizer)
    url = f"/events/{event.slug}/manage/agenda/import"

    def send(data: bytes, name: str = "schedule.xml", **values: str) -> TestResponse:
        return client.post(url, data={"file": (io.BytesIO(data), name), **values})

    big = render_json(schedule(*(entry(n, description="x" * 3000) for n in range(600))))
    assert len(big) > 1_500_000
    assert send(big, "schedule.json").status_code == 303
    assert db.session.scalar(select(func.count(AgendaItem.id))) == 600
    assert current_agenda(event) is None  # only in the draft
    refused = send(b"<schedule>")
    assert refused.status_code == 422
    assert client.post(url, data={}).status_code == 422
    huge = send(b" " * 31_000_000)
    assert huge.status_code in (413, 422)
    # the larger limit is that of this page only
    other = client.post(f"/events/{event.slug}/manage/agenda/new", data={"title_en": "x" * 1_500_000})
    assert other.status_code == 413
