"""Pages of meetings through HTTP: who may come in, what they do, what hostile input does."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.agenda.models import ItemSpeaker
from forum_app.db import db, transaction
from forum_app.meetings.models import (
    Claim,
    Interpreter,
    Meeting,
    MeetingRequest,
    MeetingStatus,
    MeetingTable,
    OfficeHours,
    RequestState,
)
from forum_app.organizations.models import Kind, TechnologyArea
from forum_app.registration.models import RegistrationState
from tests.factories import (
    make_event,
    make_item,
    make_organization,
    make_registration,
    make_room,
    make_speaker,
    make_user,
    save,
    sign_in,
)
from tests.meetings.laws import assert_claims_are_consistent
from tests.meetings.scene import OPENS, SLOT, Scene, change
from tests.queries import LIMIT_PER_PAGE, count_queries

SCRIPT = "<script>alert(1)</script>\"'"


def fresh() -> Any:
    """The session, with what requests committed meanwhile."""
    db.session.rollback()
    db.session.expire_all()
    return db.session


def value(start: datetime) -> str:
    return f"{start:%Y%m%dT%H%MZ}"


def local(start: datetime) -> str:
    return start.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%Y-%m-%dT%H:%M")


def as_(client: FlaskClient, user: User | None, lang: str = "en") -> FlaskClient:
    assert user is not None
    sign_in(client, user)
    with client.session_transaction() as session:
        session["lang"] = lang
    return client


def ask_form(**changes: Any) -> dict[str, Any]:
    return {"topic": "Wind sensing", "message": "Hello", "priority": "must", **changes}


# --- Who may come in -----------------------------------------------------------------------------

PARTICIPANT_PAGES = ("/directory", "/meetings")
HOST_PAGES = ("/meetings/office-hours",)
ORGANIZER_PAGES = (
    "/manage/meetings",
    "/manage/meetings/requests",
    "/manage/meetings/hosts",
    "/manage/tables",
    "/manage/interpreters",
)


@pytest.mark.parametrize("page", PARTICIPANT_PAGES + HOST_PAGES + ORGANIZER_PAGES)
def test_pages_by_role(client: FlaskClient, scene: Scene, page: str) -> None:
    address = scene.path + page
    assert client.get(address).status_code == 302
    applied = scene.more_guest(state=RegistrationState.APPLIED)
    for nobody in (make_user(), applied.user):
        response = as_(client, nobody).get(address)
        assert response.status_code == 403
    if page in PARTICIPANT_PAGES:
        assert "Register for this event" in response.text
    expected_guest = 200 if page in PARTICIPANT_PAGES else 403
    assert as_(client, scene.guest.user).get(address).status_code == expected_guest
    expected_host = 200 if page in PARTICIPANT_PAGES + HOST_PAGES else 403
    assert as_(client, scene.host.user).get(address).status_code == expected_host
    expected_organizer = 403 if page in HOST_PAGES else 200
    assert as_(client, scene.organizer).get(address).status_code == expected_organizer


def test_the_menu_shows_meetings_to_those_who_may(client: FlaskClient, scene: Scene) -> None:
    def menu() -> bool:
        return f'href="{scene.path}/directory"' in client.get(f"{scene.path}/").text

    assert not menu()
    as_(client, make_user())
    assert not menu()
    as_(client, scene.guest.user)
    assert menu()


def test_someone_elses_things_are_not_there(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    meeting = scene.accept(scene.ask(scene.more_guest()))
    other = make_event()
    as_(client, scene.more_guest().user)
    base = f"{scene.path}/meetings"
    gets = [f"{base}/requests/{request.id}", f"{base}/{meeting.id}/cancel"]
    posts = [
        f"{base}/requests/{request.id}/accept",
        f"{base}/requests/{request.id}/decline",
        f"{base}/requests/{request.id}/withdraw",
        f"{base}/{meeting.id}/cancel",
        f"{base}/office-hours/{scene.hours.id}/remove",
    ]
    for address in gets:
        assert client.get(address).status_code == 404, address
    for address in posts:
        response = client.post(address, data={"slot": value(OPENS), "reason": "x"})
        assert response.status_code == 404, address
    manage = f"{scene.path}/manage"
    for address in (
        f"{manage}/meetings/{meeting.id}/move",
        f"{manage}/tables/{scene.tables[0].id}/remove",
        f"{manage}/tables/{scene.tables[0].id}",
        f"{manage}/interpreters/1/remove",
    ):
        assert client.post(address, data={}).status_code == 403, address
    assert client.get(f"{base}?for={scene.host.id}").status_code == 404
    # the ids of one event mean nothing at another
    as_(client, scene.organizer)
    admin = make_user(is_admin=True)
    as_(client, admin)
    assert client.get(f"/events/{other.slug}/meetings/requests/{request.id}").status_code == 404
    assert client.get(f"/events/{other.slug}/manage/tables/{scene.tables[0].id}").status_code == 404
    assert client.post(f"/events/{other.slug}/manage/tables/{scene.tables[0].id}/remove").status_code == 404
    assert fresh().scalar(select(func.count()).select_from(MeetingTable)) == 2


def test_the_asker_may_not_answer(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    as_(client, scene.guest.user)
    page = client.get(f"{scene.path}/meetings/requests/{request.id}")
    assert page.status_code == 200
    assert "/accept" not in page.text
    accept = client.post(f"{scene.path}/meetings/requests/{request.id}/accept", data={"slot": value(OPENS)})
    assert accept.status_code == 403
    assert fresh().scalar(select(func.count()).select_from(Meeting)) == 0


# --- The journey ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_from_the_directory_to_the_calendar(client: FlaskClient, scene: Scene, lang: str) -> None:
    as_(client, scene.guest.user, lang)
    directory = client.get(f"{scene.path}/directory")
    assert "防衛イノベーション科学技術研究所" in directory.text
    assert f"{scene.path}/meetings/ask/{scene.host.id}" in directory.text
    assert ("試作支援について" if lang == "ja" else "Prototype awards") in directory.text
    assert f'<html lang="{lang}">' in directory.text
    ask = f"{scene.path}/meetings/ask/{scene.host.id}"
    assert client.get(ask).status_code == 200
    sent = client.post(ask, data=ask_form())
    assert sent.status_code == 303
    assert "Wind sensing" in client.get(sent.location).text
    (request,) = fresh().scalars(select(MeetingRequest))

    as_(client, scene.host.user, lang)
    mine = client.get(f"{scene.path}/meetings")
    assert f"/meetings/requests/{request.id}" in mine.text
    page = client.get(f"{scene.path}/meetings/requests/{request.id}")
    assert value(OPENS) in page.text
    done = client.post(
        f"{scene.path}/meetings/requests/{request.id}/accept", data={"slot": value(OPENS), "table_id": ""}
    )
    assert done.status_code == 303
    assert "T1" in client.get(done.location).text
    hours = client.get(f"{scene.path}/meetings/office-hours")
    assert hours.status_code == 200
    (meeting,) = fresh().scalars(select(Meeting))

    as_(client, scene.guest.user, lang)
    assert f"/meetings/{meeting.id}/cancel" in client.get(f"{scene.path}/meetings").text
    cancelled = client.post(f"{scene.path}/meetings/{meeting.id}/cancel", data={"reason": "Ill"})
    assert cancelled.status_code == 303
    assert "Ill" in client.get(cancelled.location).text
    assert fresh().scalar(select(func.count()).select_from(Claim)) == 0


def test_a_lost_race_answers_409_with_free_times(client: FlaskClient, scene: Scene) -> None:
    late = scene.ask(scene.more_guest())
    scene.accept(scene.ask())
    as_(client, scene.host.user)
    address = f"{scene.path}/meetings/requests/{late.id}/accept"
    lost = client.post(address, data={"slot": value(OPENS), "table_id": "", "idempotency_key": "k1"})
    assert lost.status_code == 409
    assert "taken by now" in lost.text
    assert value(OPENS + SLOT) in lost.text
    assert f'value="{value(OPENS)}"' not in lost.text
    again = client.post(address, data={"slot": value(OPENS + SLOT), "table_id": "", "idempotency_key": "k1"})
    assert again.status_code == 303
    assert_claims_are_consistent()


def test_a_form_sent_twice_acts_once(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    ask = f"{scene.path}/meetings/ask/{scene.host.id}"
    for _ in range(2):
        assert client.post(ask, data=ask_form(idempotency_key="once")).status_code == 303
    assert fresh().scalar(select(func.count()).select_from(MeetingRequest)) == 1
    twice = client.post(ask, data=ask_form(idempotency_key="another"))
    assert twice.status_code == 409
    assert "already asked" in twice.text
    request_id = fresh().scalar(select(MeetingRequest.id))
    as_(client, scene.host.user)
    accept = f"{scene.path}/meetings/requests/{request_id}/accept"
    for _ in range(2):
        sent = client.post(accept, data={"slot": value(OPENS), "idempotency_key": "accept"})
        assert sent.status_code == 303
    assert fresh().scalar(select(func.count()).select_from(Meeting)) == 1
    late = client.post(accept, data={"slot": value(OPENS), "idempotency_key": "other"})
    assert late.status_code == 409


def test_declining_and_withdrawing(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    as_(client, scene.host.user)
    address = f"{scene.path}/meetings/requests/{request.id}"
    assert client.post(f"{address}/decline", data={"answer": "x" * 501}).status_code == 422
    assert client.post(f"{address}/decline", data={"answer": "Next year."}).status_code == 303
    as_(client, scene.guest.user)
    assert "Next year." in client.get(address).text
    assert client.post(f"{address}/withdraw").status_code == 409
    second = scene.ask()
    assert client.post(f"{scene.path}/meetings/requests/{second.id}/withdraw").status_code == 303
    fresh()
    assert (request.state, second.state) == (RequestState.DECLINED, RequestState.WITHDRAWN)


@pytest.mark.parametrize(
    "slot", ["", "x", "20901130T0400", "99999999T9999Z", "20901130T0402Z", "20901130T0000Z", "1" * 5000]
)
def test_strange_slots_are_refused(client: FlaskClient, scene: Scene, slot: str) -> None:
    request = scene.ask()
    as_(client, scene.host.user)
    address = f"{scene.path}/meetings/requests/{request.id}/accept"
    response = client.post(address, data={"slot": slot, "table_id": "9" * 30})
    assert response.status_code == 422
    assert fresh().scalar(select(func.count()).select_from(Claim)) == 0


def test_an_unknown_table_is_not_there(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    as_(client, scene.host.user)
    address = f"{scene.path}/meetings/requests/{request.id}/accept"
    assert client.post(address, data={"slot": value(OPENS), "table_id": "999"}).status_code == 404


def test_scripts_are_shown_as_text(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    ask = f"{scene.path}/meetings/ask/{scene.host.id}"
    assert client.post(ask, data=ask_form(topic=SCRIPT, message=SCRIPT)).status_code == 303
    (request,) = fresh().scalars(select(MeetingRequest))
    pages = [f"{scene.path}/meetings", f"{scene.path}/meetings/requests/{request.id}"]
    as_(client, scene.host.user)
    client.post(
        f"{scene.path}/meetings/office-hours",
        data={
            "starts_at": "2090-12-01T10:00",
            "ends_at": "2090-12-01T11:00",
            "slot_minutes": "20",
            "note_en": SCRIPT,
            "note_ja": SCRIPT,
        },
    )
    client.post(f"{scene.path}/meetings/requests/{request.id}/accept", data={"slot": value(OPENS)})
    (meeting,) = fresh().scalars(select(Meeting))
    pages += [f"{scene.path}/meetings/office-hours", f"{scene.path}/directory"]
    pages += [f"{scene.path}/meetings/{meeting.id}/cancel"]
    for page in pages:
        text = client.get(page).text
        assert "<script>alert" not in text, page
    client.post(f"{scene.path}/meetings/{meeting.id}/cancel", data={"reason": SCRIPT})
    assert "<script>alert" not in client.get(f"{scene.path}/meetings").text
    as_(client, scene.organizer)
    client.post(f"{scene.path}/manage/tables", data={"label": SCRIPT, "room_id": ""})
    client.post(f"{scene.path}/manage/interpreters", data={"name_latin": SCRIPT, "languages": "en-ja"})
    for page in ORGANIZER_PAGES:
        assert "<script>alert" not in client.get(scene.path + page).text, page


def test_bad_input_comes_back_with_what_was_typed(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    ask = f"{scene.path}/meetings/ask/{scene.host.id}"
    bad = client.post(ask, data=ask_form(topic="", message="Kept words"))
    assert bad.status_code == 422
    assert "Kept words" in bad.text
    assert client.post(ask, data=ask_form(priority="urgent")).status_code == 422
    assert client.post(ask, data=ask_form(topic="x" * 10_000)).status_code == 422
    oneself = client.post(f"{scene.path}/meetings/ask/{scene.guest.id}", data=ask_form())
    assert oneself.status_code == 422
    for number in ("999999", "9" * 25):
        for page in ("ask/{}", "requests/{}", "{}/cancel"):
            assert client.get(f"{scene.path}/meetings/{page.format(number)}").status_code == 404


# --- Office hours ---------------------------------------------------------------------------------


def hours_form(**changes: Any) -> dict[str, Any]:
    return {
        "starts_at": "2090-12-01T10:00",
        "ends_at": "2090-12-01T11:00",
        "slot_minutes": "30",
        "note_en": "",
        "note_ja": "",
        **changes,
    }


def test_office_hours_are_published_in_the_events_zone(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.host.user)
    address = f"{scene.path}/meetings/office-hours"
    assert client.post(address, data=hours_form()).status_code == 303
    hours = fresh().scalars(select(OfficeHours).order_by(OfficeHours.id.desc())).first()
    assert hours is not None
    assert hours.starts_at.isoformat() == "2090-12-01T01:00:00+00:00"
    for wrong in (
        {"starts_at": "2090-12-01T10:30"},  # overlaps the first
        {"ends_at": "2090-12-01T09:00"},
        {"starts_at": "2090-12-01T12:03", "ends_at": "2090-12-01T13:00"},
        {"starts_at": "2090-12-05T10:00", "ends_at": "2090-12-05T11:00"},  # not a day of the event
        {"slot_minutes": "7"},
        {"slot_minutes": "12"},
        {"slot_minutes": "999999999999"},
        {"starts_at": "2090-12-01T12:00", "ends_at": "2090-12-01T12:10"},  # shorter than a slot
        {"starts_at": "never"},
        {"starts_at": ""},
    ):
        assert client.post(address, data=hours_form(**wrong)).status_code == 422, wrong
    removed = client.post(f"{address}/{hours.id}/remove")
    assert removed.status_code == 303


def test_office_hours_with_meetings_stay(client: FlaskClient, scene: Scene) -> None:
    scene.accept(scene.ask())
    as_(client, scene.host.user)
    address = f"{scene.path}/meetings/office-hours"
    page = client.get(address)
    assert "Hanako Sato" in page.text
    refused = client.post(f"{address}/{scene.hours.id}/remove")
    assert refused.status_code == 409
    assert fresh().get(OfficeHours, scene.hours.id) is not None


def test_office_hours_show_the_agenda(client: FlaskClient, scene: Scene) -> None:
    speaker = make_speaker(scene.event, user_id=scene.host.user_id)
    item = make_item(scene.event, starts_at=OPENS, ends_at=OPENS + SLOT)
    save(ItemSpeaker(item_id=item.id, speaker_id=speaker.id))
    as_(client, scene.host.user)
    assert "You speak on the agenda" in client.get(f"{scene.path}/meetings/office-hours").text


# --- The directory --------------------------------------------------------------------------------


def test_the_directory_lists_who_agreed_and_hosts(client: FlaskClient, scene: Scene) -> None:
    change(scene.guest, listed=True)
    hidden = scene.more_guest(name_latin="Hidden Person")
    waiting = scene.more_guest(name_latin="Waiting Person", listed=True, state=RegistrationState.APPLIED)
    elsewhere = make_registration(make_event(), name_latin="Elsewhere Person", listed=True)
    as_(client, hidden.user)
    text = client.get(f"{scene.path}/directory").text
    assert "Hanako Sato" in text
    assert "Taro Yamada" in text
    for person in (hidden, waiting, elsewhere):
        # the reader's own name stands in the menu, not in a card
        assert f'lang="en" translate="no">{person.name_latin}' not in text
    assert scene.guest.email not in text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("yamada", True),
        ("山田", True),
        ("ヤマダ", True),
        ("やまだ", True),
        ("ﾔﾏﾀﾞ", True),
        ("防衛 太郎", True),
        ("innovation taro", True),
        ("ぼうえい", True),
        ("nobody", False),
        ("yamada nobody", False),
        ("%", False),
        ("_", False),
        ("' OR 1=1 --", False),
    ],
)
def test_search_finds_both_scripts_and_readings(
    client: FlaskClient, scene: Scene, words: str, found: bool
) -> None:
    as_(client, scene.guest.user)
    response = client.get(f"{scene.path}/directory", query_string={"q": words})
    assert response.status_code == 200
    assert ("Taro Yamada" in response.text) is found


def test_filters(client: FlaskClient, scene: Scene) -> None:
    area = fresh().scalars(select(TechnologyArea)).first()
    assert area is not None
    startup = make_organization(kind=Kind.STARTUP, country="US", name_en="Area Owner")
    save_area(startup, area.code)
    scene.more_guest(organization=startup, name_latin="Area Person", listed=True)
    as_(client, scene.guest.user)

    def names(**filters: str) -> tuple[bool, bool]:
        text = client.get(f"{scene.path}/directory", query_string=filters).text
        return "Taro Yamada" in text, "Area Person" in text

    assert names() == (True, True)
    assert names(kind="agency") == (True, False)
    assert names(country="US") == (False, True)
    assert names(area=area.code) == (False, True)
    assert names(hosts="1") == (True, False)
    assert names(kind="nonsense", country="<b>", area="x", page="-1") == (True, True)


def save_area(organization: Any, code: str) -> None:
    with transaction():
        area = db.session.scalars(select(TechnologyArea).where(TechnologyArea.code == code)).one()
        organization.areas.append(area)


# --- Organizers ----------------------------------------------------------------------------------


def test_an_organizer_acts_on_behalf(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    as_(client, scene.organizer)
    assert client.get(f"{scene.path}/meetings").status_code == 200
    hours = f"{scene.path}/meetings/office-hours?for={scene.host.id}"
    assert client.get(hours).status_code == 200
    assert client.post(hours, data=hours_form()).status_code == 303
    ask = f"{scene.path}/meetings/ask/{scene.more_host().id}?for={scene.guest.id}"
    assert client.post(ask, data=ask_form(topic="On behalf")).status_code == 303
    accept = f"{scene.path}/meetings/requests/{request.id}/accept"
    assert client.post(accept, data={"slot": value(OPENS)}).status_code == 303
    (meeting,) = fresh().scalars(select(Meeting))
    day = client.get(f"{scene.path}/manage/meetings?day=2090-11-30")
    assert "Wind sensing" in day.text
    move = f"{scene.path}/manage/meetings/{meeting.id}/move"
    assert client.get(move).status_code == 200
    moved = client.post(move, data={"starts_at": local(OPENS + SLOT), "table_id": str(scene.tables[1].id)})
    assert moved.status_code == 303
    fresh()
    assert (meeting.starts_at, meeting.sequence) == (OPENS + SLOT, 1)
    assert client.post(move, data={"starts_at": "2090-12-09T10:00", "table_id": ""}).status_code == 422
    assert client.post(move, data={"starts_at": "nonsense", "table_id": ""}).status_code == 422
    scene.accept(scene.ask(scene.more_guest()))
    lost = client.post(move, data={"starts_at": local(OPENS), "table_id": ""})
    assert lost.status_code == 409
    cancel = client.post(f"{scene.path}/meetings/{meeting.id}/cancel", data={"reason": "Storm"})
    assert cancel.status_code == 303
    fresh()
    assert meeting.status == MeetingStatus.CANCELLED
    assert_claims_are_consistent()


def test_tables_and_interpreters(client: FlaskClient, scene: Scene) -> None:
    room = make_room(scene.event, name_en="Hall B", name_ja="ホールB")
    foreign = make_room(make_event())
    as_(client, scene.organizer)
    tables = f"{scene.path}/manage/tables"
    assert client.post(tables, data={"label": "A1", "room_id": str(room.id)}).status_code == 303
    assert client.post(tables, data={"label": "A1", "room_id": ""}).status_code == 422
    assert client.post(tables, data={"label": "", "room_id": ""}).status_code == 422
    assert client.post(tables, data={"label": "A2", "room_id": str(foreign.id)}).status_code == 422
    assert "Hall B" in client.get(tables).text
    table = fresh().scalars(select(MeetingTable).where(MeetingTable.label == "A1")).one()
    edit = client.post(f"{tables}/{table.id}", data={"label": "A9", "room_id": "", "position": "3"})
    assert edit.status_code == 303
    assert client.post(f"{tables}/{table.id}", data={"label": "T1", "room_id": ""}).status_code == 422
    assert client.post(f"{tables}/{table.id}/remove").status_code == 303
    used = scene.accept(scene.ask()).table_id
    assert client.post(f"{tables}/{used}/remove").status_code == 409
    interpreters = f"{scene.path}/manage/interpreters"
    assert client.post(interpreters, data={"languages": "en-ja"}).status_code == 422
    assert client.post(interpreters, data={"name_native": "森 愛子", "languages": "en-ja"}).status_code == 303
    assert client.post(interpreters, data={"name_native": "森", "languages": "xx"}).status_code == 422
    (interpreter,) = fresh().scalars(select(Interpreter))
    assert client.get(f"{interpreters}/{interpreter.id}").status_code == 200
    renamed = {"name_latin": "Aiko Mori", "languages": "en-ja"}
    assert client.post(f"{interpreters}/{interpreter.id}", data=renamed).status_code == 303
    assert client.post(f"{interpreters}/{interpreter.id}/remove").status_code == 303


# --- Cost ------------------------------------------------------------------------------------------


def fill(scene: Scene, number: int) -> None:
    """More of everything."""
    for n in range(number):
        host, guest = scene.more_host(), scene.more_guest(listed=True)
        scene.ask(guest, host, topic=f"Topic {n}")
        scene.ask(scene.guest, scene.more_host()) if n < 6 else None
        scene.ask(guest)
    busy = [scene.ask(scene.more_guest(listed=True)) for _ in range(min(number, 3))]
    for request in busy:
        for n in range(6):
            taken = fresh().scalar(
                select(func.count()).select_from(Meeting).where(Meeting.starts_at == OPENS + n * SLOT)
            )
            if not taken:
                scene.accept(request, OPENS + n * SLOT)
                break


def test_pages_cost_the_same_however_long(client: FlaskClient, scene: Scene) -> None:
    pages = {
        "guest": ("/directory", "/meetings", f"/meetings/ask/{scene.host.id}"),
        "host": ("/directory", "/meetings", "/meetings/office-hours"),
        "organizer": (*ORGANIZER_PAGES, "/manage/meetings?day=2090-11-30"),
    }
    people = {"guest": scene.guest.user, "host": scene.host.user, "organizer": scene.organizer}

    def costs() -> dict[str, int]:
        found = {}
        for role, addresses in pages.items():
            as_(client, people[role])
            for address in addresses:
                with count_queries() as statements:
                    assert client.get(scene.path + address).status_code == 200
                found[f"{role} {address}"] = len(statements)
        return found

    fill(scene, 2)
    few = costs()
    fill(scene, 15)
    assert costs() == few
    assert max(few.values()) <= LIMIT_PER_PAGE, few
