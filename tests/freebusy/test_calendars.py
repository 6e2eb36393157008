"""Other calendars from the page to the conflict engine: what counts, who sees what, and what is kept."""

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.agenda.publication import publish_agenda
from forum_app.agenda.services import ItemValues, create_item
from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Conflict, DomainError, Invalid, PermissionDenied
from forum_app.core.intervals import Interval
from forum_app.db import db, transaction
from forum_app.freebusy.jobs import forget_old, read_calendar, read_due
from forum_app.freebusy.models import Kind, OtherBusy, OtherCalendar
from forum_app.freebusy.queries import event_window
from forum_app.freebusy.services import MOST_CALENDARS, read_upload, subscribe_calendar, upload_calendar
from forum_app.meetings.busy_queries import NOT_FREE, busy_of, read_diary
from forum_app.meetings.slot_queries import list_free_slots
from forum_app.registration.models import Registration, RegistrationState
from forum_app.web import clock
from forum_app.web.fetching import Fetcher
from tests.factories import login_of, make_registration, make_user, sign_in
from tests.meetings.scene import OPENS, SLOT, Scene, change, make_scene
from tests.queries import count_queries
from tests.web.test_fetching import local, serving

SECRET = "Dinner with the board"


@pytest.fixture
def scene(app: Flask) -> Scene:
    made = make_scene()
    change(login_of(made.host), locale="en")
    return made


def calendar(*spans: tuple[datetime, datetime], extra: str = "") -> bytes:
    """A calendar whose every text is secret."""
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}@else.example\r\nSUMMARY:{SECRET}\r\nLOCATION:{SECRET}\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{end:%Y%m%dT%H%M%SZ}\r\n{extra}END:VEVENT\r\n"
        for number, (start, end) in enumerate(spans)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:{SECRET}\r\n{events}END:VCALENDAR\r\n".encode()


FIRST = (OPENS, OPENS + SLOT)
LATER = (OPENS + 2 * SLOT, OPENS + 3 * SLOT)


def upload(client: FlaskClient, scene: Scene, data: bytes, **values: str) -> Any:
    return client.post(
        f"{scene.path}/freebusy/upload",
        data={"file": (io.BytesIO(data), "my.ics"), "zone": "Asia/Tokyo", **values},
    )


def busy(person: Registration, scene: Scene) -> list[Interval]:
    db.session.rollback()
    assert person.user_id is not None
    return busy_of(scene.event, [person.user_id])[person.user_id]


def the_calendar() -> OtherCalendar:
    db.session.rollback()
    return db.session.scalars(select(OtherCalendar)).one()


def subscribed(scene: Scene, address: str) -> OtherCalendar:
    with transaction():
        return subscribe_calendar(
            actor=login_of(scene.host),
            event=scene.event,
            registration=scene.host,
            address=address,
            zone="Asia/Tokyo",
            now=clock.now(),
        )


# --- An upload -------------------------------------------------------------------------------------
def test_an_upload_takes_the_time_and_nothing_else_is_kept(client: FlaskClient, scene: Scene) -> None:
    before = {
        slot.start for slot in list_free_slots(scene.event, [scene.host], now=clock.now())[scene.host.id]
    }
    assert FIRST[0] in before
    sign_in(client, login_of(scene.host))
    answer = upload(
        client, scene, calendar(FIRST, LATER, (OPENS - timedelta(days=9), OPENS - timedelta(days=8)))
    )
    assert answer.status_code == 303
    assert busy(scene.host, scene) == [Interval(*FIRST), Interval(*LATER)]
    after = {
        slot.start for slot in list_free_slots(scene.event, [scene.host], now=clock.now())[scene.host.id]
    }
    assert not after & {FIRST[0], LATER[0]}
    assert after
    for model in (OtherCalendar, OtherBusy, AuditEntry):
        for row in db.session.execute(select(model.__table__)):
            assert SECRET not in repr(row)
            assert "my.ics" not in repr(row)
    db.session.rollback()
    assert db.session.scalar(select(func.count(OtherBusy.id))) == 2  # what lies outside the event is not kept
    page = client.get(f"{scene.path}/freebusy").text
    assert "0.7 hours in 2 stretches" in page


def test_only_the_person_reads_why(client: FlaskClient, scene: Scene, app: Flask) -> None:
    sign_in(client, login_of(scene.host))
    upload(client, scene, calendar(FIRST))
    assert "By your other calendar" in client.get(f"{scene.path}/meetings/absences").text
    organizer = sign_in(app.test_client(), scene.organizer)
    page = organizer.get(f"{scene.path}/meetings/absences?for={scene.host.id}")
    assert page.status_code == 200
    assert NOT_FREE in page.text
    assert "other calendar" not in page.text
    assert scene.host.user_id is not None
    slot = Interval(*FIRST)
    found = read_diary(scene.event, [scene.host.user_id], window=slot).clashes(scene.host.user_id, slot)
    assert [(one.reason, one.title_en) for one in found] == [(NOT_FREE, "")]


def test_a_slot_that_another_calendar_takes_cannot_be_booked(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    sign_in(client, login_of(scene.host))
    upload(client, scene, calendar(FIRST))
    with pytest.raises(DomainError) as refused, transaction():
        scene.accept(request, FIRST[0])
    assert SECRET not in str(refused.value)


def test_what_comes_from_this_forum_does_not_count(client: FlaskClient, scene: Scene) -> None:
    with transaction():
        values = ItemValues(title_en="Opening", starts_at=FIRST[0], minutes=30)
        create_item(actor=scene.organizer, event=scene.event, values=values, now=clock.now())
    with transaction():
        publish_agenda(actor=scene.organizer, event=scene.event, now=clock.now())
    published = client.get(f"{scene.path}/agenda.ics").data
    assert b"SUMMARY:Opening" in published
    published = published.replace(b"TRANSP:TRANSPARENT", b"TRANSP:OPAQUE")  # as whoever speaks there has it
    sign_in(client, login_of(scene.host))
    assert upload(client, scene, published).status_code == 303
    assert busy(scene.host, scene) == []


@pytest.mark.parametrize(
    ("data", "zone", "said"),
    [
        (b"no calendar", "Asia/Tokyo", "This is not a calendar file"),
        (b"\0" * 500, "Asia/Tokyo", "This is not a calendar file"),
        (calendar(FIRST), "Mars/Olympus", "This is no time zone"),
        (calendar(FIRST), "../../etc/passwd", "This is no time zone"),
        (calendar(FIRST), "<script>alert(1)</script>", "This is no time zone"),
        (b"", "Asia/Tokyo", "Choose a file"),
    ],
)
def test_what_cannot_be_read_is_said(
    client: FlaskClient, scene: Scene, data: bytes, zone: str, said: str
) -> None:
    sign_in(client, login_of(scene.host))
    values = {"file": (io.BytesIO(data), "a.ics")} if data else {}
    answer = client.post(f"{scene.path}/freebusy/upload", data={**values, "zone": zone})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'href="#{"upload-zone" if "zone" in said else "file"}"' in answer.text
    assert "<script>alert" not in answer.text
    assert db.session.scalar(select(func.count(OtherCalendar.id))) == 0


def test_what_is_wanting_is_said_in_the_readers_language(client: FlaskClient, scene: Scene) -> None:
    sign_in(client, login_of(scene.host))
    text = (
        calendar(FIRST).replace(b"DTSTART:", b"DTSTART;TZID=<b>Nowhere:").replace(b"Z\r\nDTEND", b"\r\nDTEND")
    )
    assert upload(client, scene, text).status_code == 303
    page = client.get(f"{scene.path}/freebusy?lang=ja").text
    assert "タイムゾーン「&lt;b&gt;Nowhere」は不明なため" in page


def test_so_many_and_no_more(client: FlaskClient, scene: Scene) -> None:
    sign_in(client, login_of(scene.host))
    for _ in range(MOST_CALENDARS):
        assert upload(client, scene, calendar(FIRST)).status_code == 303
    answer = upload(client, scene, calendar(FIRST))
    assert answer.status_code == 422
    assert "Remove one first" in answer.text


def test_a_form_sent_twice_acts_once(client: FlaskClient, scene: Scene) -> None:
    sign_in(client, login_of(scene.host))
    for _ in range(2):
        assert upload(client, scene, calendar(FIRST), idempotency_key="one").status_code == 303
    assert the_calendar().kind == Kind.UPLOAD


def test_remove_takes_all_of_it(client: FlaskClient, scene: Scene) -> None:
    sign_in(client, login_of(scene.host))
    upload(client, scene, calendar(FIRST))
    row = the_calendar()
    assert client.post(f"{scene.path}/freebusy/{row.id}/remove").status_code == 303
    assert busy(scene.host, scene) == []
    assert db.session.scalar(select(func.count(OtherBusy.id))) == 0
    assert "No other calendar yet" in client.get(f"{scene.path}/freebusy").text


def test_nobody_touches_anothers(client: FlaskClient, scene: Scene, app: Flask) -> None:
    sign_in(client, login_of(scene.host))
    upload(client, scene, calendar(FIRST))
    row = the_calendar()
    guest = sign_in(app.test_client(), login_of(scene.guest))
    organizer = sign_in(app.test_client(), scene.organizer)
    for verb in ("remove", "read"):
        assert guest.post(f"{scene.path}/freebusy/{row.id}/{verb}").status_code == 404
        assert organizer.post(f"{scene.path}/freebusy/{row.id}/{verb}").status_code == 403
    read = read_upload(calendar(LATER), event=scene.event, zone="UTC", own_domain="")
    with pytest.raises(PermissionDenied), transaction():
        upload_calendar(
            actor=login_of(scene.guest),
            event=scene.event,
            registration=scene.host,
            upload=read,
            now=clock.now(),
        )
    assert busy(scene.host, scene) == [Interval(*FIRST)]


def test_a_calendar_counts_at_all_events_of_the_person(client: FlaskClient, scene: Scene) -> None:
    sign_in(client, login_of(scene.host))
    upload(client, scene, calendar(FIRST))
    other = make_scene()
    make_registration(other.event, login_of(scene.host), participant_type=other.host_type)
    assert busy(scene.host, other) == [Interval(*FIRST)]


# --- A subscription --------------------------------------------------------------------------------
class Elsewhere:
    """A server of calendars. status and data: what it answers; asked: the marks it was asked with."""

    def __init__(self) -> None:
        self.status, self.data = 200, calendar(FIRST)
        self.asked: list[str | None] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.headers["If-None-Match"])
        tag = f'"{hash(self.data)}"'
        known = self.status == 200 and request.headers["If-None-Match"] == tag
        request.send_response(304 if known else self.status)
        request.send_header("ETag", tag)
        content = b"" if known else self.data
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


@pytest.fixture
def elsewhere(app: Flask) -> Iterator[tuple[Elsewhere, str]]:
    answer = Elsewhere()
    with serving(answer) as port:
        app.extensions["forum_fetcher"] = local(port)
        yield answer, f"http://127.0.0.1:{port}/private-word/my.ics"
    del app.extensions["forum_fetcher"]


def pass_time(by: timedelta) -> None:
    clock.set_to(clock.now() + by)


def test_a_subscription_is_read_again_and_again(elsewhere: tuple[Elsewhere, str], scene: Scene) -> None:
    answer, address = elsewhere
    row = subscribed(scene, address)
    read_calendar(row.id)
    assert busy(scene.host, scene) == [Interval(*FIRST)]
    read_due()  # not its time yet
    assert answer.asked == [None]
    pass_time(timedelta(hours=2))
    read_due()
    assert answer.asked[1] == the_calendar().etag  # and got 304
    assert busy(scene.host, scene) == [Interval(*FIRST)]
    assert clock.now() - (the_calendar().read_at or OPENS) < timedelta(minutes=1)
    answer.data = calendar(LATER)
    pass_time(timedelta(hours=2))
    read_due()
    assert busy(scene.host, scene) == [Interval(*LATER)]


def test_a_failure_keeps_what_is_known_and_waits_longer_each_time(
    client: FlaskClient, elsewhere: tuple[Elsewhere, str], scene: Scene
) -> None:
    answer, address = elsewhere
    read_calendar(subscribed(scene, address).id)
    answer.status = 500
    waits = []
    for _ in range(9):
        row = the_calendar()
        assert row.next_read_at is not None
        clock.set_to(row.next_read_at)
        read_due()
        row = the_calendar()
        assert row.next_read_at is not None
        waits.append(round((row.next_read_at - clock.now()) / timedelta(minutes=1)))
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    assert busy(scene.host, scene) == [Interval(*FIRST)]
    sign_in(client, login_of(scene.host))
    page = client.get(f"{scene.path}/freebusy").text
    assert "The other side answers with an error (500)." in page
    assert "What was read before still counts." in page
    answer.status, answer.data = 200, b"<html>Sign in</html>"
    pass_time(timedelta(hours=25))
    read_due()
    assert "not a calendar file" in client.get(f"{scene.path}/freebusy").text
    assert busy(scene.host, scene) == [Interval(*FIRST)]


def test_the_address_is_shown_nowhere(
    client: FlaskClient, elsewhere: tuple[Elsewhere, str], scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    answer, address = elsewhere
    caplog.set_level(logging.DEBUG)
    sign_in(client, login_of(scene.host))
    form = {"address": address, "zone": "Asia/Tokyo"}
    assert client.post(f"{scene.path}/freebusy/subscribe", data=form).status_code == 303
    row = the_calendar()
    read_calendar(row.id)
    answer.status = 404
    pass_time(timedelta(hours=2))
    read_due()
    page = client.get(f"{scene.path}/freebusy").text
    assert "127.0.0.1" in page
    assert "private-word" not in page
    assert "private-word" not in caplog.text
    assert all("private-word" not in repr(row) for row in db.session.execute(select(AuditEntry.__table__)))
    again = client.post(f"{scene.path}/freebusy/subscribe", data=form)
    assert again.status_code == 422
    assert "This calendar is read already." in again.text


@pytest.mark.parametrize(
    "address", ["http://localhost/x.ics", "webcal://10.0.0.1/x.ics", "http://169.254.169.254/latest"]
)
def test_a_private_address_is_not_asked(scene: Scene, address: str, client: FlaskClient) -> None:
    read_calendar(subscribed(scene, address).id)
    sign_in(client, login_of(scene.host))
    assert "does not lie on the public internet" in client.get(f"{scene.path}/freebusy").text


@pytest.mark.parametrize(
    "address", ["", "my calendar", "file:///etc/passwd", "https://a:b@example.org/", "x" * 3000]
)
def test_what_is_no_address_keeps_what_was_typed(client: FlaskClient, scene: Scene, address: str) -> None:
    sign_in(client, login_of(scene.host))
    answer = client.post(
        f"{scene.path}/freebusy/subscribe", data={"address": address, "zone": "Europe/Berlin"}
    )
    assert answer.status_code == 422
    assert f'value="{address}"' in answer.text or not address
    assert 'value="Europe/Berlin"' in answer.text


def test_read_it_now_but_not_all_the_time(
    client: FlaskClient, elsewhere: tuple[Elsewhere, str], scene: Scene
) -> None:
    answer, address = elsewhere
    row = subscribed(scene, address)
    read_calendar(row.id)
    sign_in(client, login_of(scene.host))
    assert client.post(f"{scene.path}/freebusy/{row.id}/read").status_code == 409
    pass_time(timedelta(minutes=6))
    assert client.post(f"{scene.path}/freebusy/{row.id}/read").status_code == 303
    answer.data = calendar(LATER)
    read_calendar(row.id)
    assert busy(scene.host, scene) == [Interval(*LATER)]


def test_other_days_of_the_event_are_read_anew(elsewhere: tuple[Elsewhere, str], scene: Scene) -> None:
    answer, address = elsewhere
    answer.data = calendar(FIRST, (OPENS + timedelta(days=5), OPENS + timedelta(days=5, hours=1)))
    row = subscribed(scene, address)
    read_calendar(row.id)
    assert len(busy(scene.host, scene)) == 1
    with transaction():
        event = db.session.merge(scene.event)
        event.ends_on += timedelta(days=10)
    pass_time(timedelta(hours=2))
    read_due()
    assert answer.asked == [None, None]  # without its mark: "not changed" would not do
    assert len(busy(scene.host, scene)) == 2


def test_who_leaves_is_forgotten(elsewhere: tuple[Elsewhere, str], scene: Scene) -> None:
    answer, address = elsewhere
    row = subscribed(scene, address)
    read_calendar(row.id)
    forget_old()
    assert the_calendar() is not None
    with transaction():
        db.session.merge(scene.host).state = RegistrationState.CANCELLED
    pass_time(timedelta(hours=2))
    read_due()
    assert len(answer.asked) == 1
    forget_old()
    assert db.session.scalar(select(func.count(OtherCalendar.id))) == 0
    assert db.session.scalar(select(func.count(OtherBusy.id))) == 0


def test_an_event_that_is_over_is_forgotten_after_a_week(client: FlaskClient, scene: Scene) -> None:
    sign_in(client, login_of(scene.host))
    upload(client, scene, calendar(FIRST))
    clock.set_to(event_window(scene.event).end + timedelta(days=6))
    forget_old()
    assert the_calendar() is not None
    pass_time(timedelta(days=3))
    forget_old()
    assert db.session.scalar(select(func.count(OtherCalendar.id))) == 0


# --- Many at once ----------------------------------------------------------------------------------
@pytest.mark.every_database
def test_readings_at_once_leave_one_of_them(app: Flask, scene: Scene) -> None:
    """Replacing is one transaction: whoever looks sees all of one reading, never a mixture or none."""
    data = [
        calendar(*((OPENS + n * SLOT, OPENS + n * SLOT + SLOT / 2) for n in range(k, k + 5))) for k in (0, 6)
    ]
    answer = Elsewhere()
    with serving(answer) as port:
        app.extensions["forum_fetcher"] = Fetcher(allowed=lambda ip, at: at == port)
        row = subscribed(scene, f"http://127.0.0.1:{port}/")
        answer.data = data[0]
        read_calendar(row.id)
        barrier = Barrier(5)
        seen: list[set[datetime]] = []

        def write(number: int) -> None:
            with app.app_context():
                barrier.wait()
                for turn in range(4):
                    answer.data = data[(number + turn) % 2]
                    try:
                        with transaction():
                            known = db.session.get(OtherCalendar, row.id)
                            assert known is not None
                            known.next_read_at = clock.now()
                            known.etag = ""
                        read_calendar(row.id)
                    except Conflict:
                        continue
                db.session.remove()

        def look() -> None:
            with app.app_context():
                barrier.wait()
                for _ in range(40):
                    seen.append({*db.session.scalars(select(OtherBusy.starts_at))})
                    db.session.rollback()
                db.session.remove()

        threads = [*(Thread(target=write, args=(n,)) for n in range(4)), Thread(target=look)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    del app.extensions["forum_fetcher"]
    whole = [{OPENS + n * SLOT for n in range(k, k + 5)} for k in (0, 6)]
    assert seen
    assert all(one in whole for one in seen)


def test_the_page_costs_the_same_for_few_and_many(client: FlaskClient, scene: Scene) -> None:
    sign_in(client, login_of(scene.host))
    counts = []
    for number in (1, 300):
        spans = [
            (OPENS + timedelta(minutes=2 * n), OPENS + timedelta(minutes=2 * n + 1)) for n in range(number)
        ]
        upload(client, scene, calendar(*spans))
        client.get(f"{scene.path}/freebusy")
        with count_queries() as statements:
            assert client.get(f"{scene.path}/freebusy").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 15


def test_somebody_who_only_applied_gives_no_calendar(client: FlaskClient, scene: Scene) -> None:
    user = make_user()
    make_registration(scene.event, user, participant_type=scene.guest_type, state=RegistrationState.APPLIED)
    sign_in(client, user)
    assert client.get(f"{scene.path}/freebusy").status_code == 403
    assert upload(client, scene, calendar(FIRST)).status_code == 403


def test_an_address_of_four_thousand_letters_is_refused_by_the_service(scene: Scene) -> None:
    with pytest.raises(Invalid):
        subscribed(scene, "https://example.org/" + "x" * 4000)
    assert clock.now().tzinfo is UTC
