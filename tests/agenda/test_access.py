"""Who may read what: level by reader, on every way out of the house."""

import json
from dataclasses import dataclass
from datetime import date

import pytest
from flask.testing import FlaskClient

from forum_app.agenda.models import AccessLevel, AgendaItem, ItemInvitation
from forum_app.agenda.programme import readable_items
from forum_app.events.models import Event, EventRole
from forum_app.organizations.models import Kind
from forum_app.registration.models import RegistrationState
from tests.agenda.parts import at, let_speak, publish
from tests.factories import (
    grant,
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

L = AccessLevel
LEVELS = list(AccessLevel)
MATRIX = {
    "stranger": {L.PUBLIC},
    "no registration": {L.PUBLIC},
    "applied": {L.PUBLIC},
    "declined": {L.PUBLIC},
    "approved": {L.PUBLIC, L.REGISTERED},
    "checked in": {L.PUBLIC, L.REGISTERED},
    "invited": {L.PUBLIC, L.REGISTERED, L.INVITED},
    "agency": {L.PUBLIC, L.REGISTERED, L.GOVERNMENT},
    "agency, only applied": {L.PUBLIC},
    "cleared": {L.PUBLIC, L.REGISTERED, L.CLEARED},
    "cleared until the day before": {L.PUBLIC, L.REGISTERED},
    "speaker": set(LEVELS),
    "check-in staff": {L.PUBLIC},
    "organizer of another event": {L.PUBLIC},
    "organizer": set(LEVELS),
    "administrator": set(LEVELS),
}


@dataclass
class House:
    event: Event
    items: dict[AccessLevel, AgendaItem]


@pytest.fixture
def house(app: object) -> House:
    """One item per level, each in a room and with a speaker of its own."""
    event = make_event()
    items = {}
    for number, level in enumerate(LEVELS):
        room = make_room(event, name_en=f"Room-of-{level.value}", position=number)
        items[level] = make_item(
            event,
            title_en=f"Title-of-{level.value}",
            access=level,
            room_id=room.id,
            code=f"code{level.value}",
            starts_at=at(10 + number),
            ends_at=at(11 + number),
            language=f"x{number}",
        )
        let_speak(items[level], make_speaker(event, name_latin=f"Speaker-of-{level.value}"))
    return House(event, items)


def enter(client: FlaskClient, house: House, who: str) -> object:
    """Sign in as who; publishes what has been invited."""
    event = house.event
    user = make_user(is_admin=who == "administrator")
    states = {
        "applied": RegistrationState.APPLIED,
        "agency, only applied": RegistrationState.APPLIED,
        "declined": RegistrationState.DECLINED,
        "checked in": RegistrationState.CHECKED_IN,
    }
    kind = Kind.AGENCY if who.startswith("agency") else Kind.STARTUP
    cleared = {"cleared": date(2026, 11, 30), "cleared until the day before": date(2026, 11, 29)}
    if who in MATRIX and who not in (
        "stranger",
        "no registration",
        "speaker",
        "check-in staff",
        "organizer of another event",
        "organizer",
        "administrator",
    ):
        registration = make_registration(
            event,
            user,
            organization=make_organization(kind=kind),
            state=states.get(who, RegistrationState.APPROVED),
            cleared_until=cleared.get(who),
        )
        if who == "invited":
            save(ItemInvitation(item_id=house.items[L.INVITED].id, registration_id=registration.id))
    if who == "speaker":
        speaker = make_speaker(event, user_id=user.id)
        for item in house.items.values():
            let_speak(item, speaker)
    if who == "check-in staff":
        grant(user, event, EventRole.CHECK_IN_STAFF)
    if who == "organizer":
        grant(user, event)
    if who == "organizer of another event":
        grant(user, make_event())
    publish(event)
    if who != "stranger":
        sign_in(client, user)
    return user


@pytest.mark.parametrize("who", MATRIX)
def test_every_way_out_respects_access(client: FlaskClient, house: House, who: str) -> None:
    user = enter(client, house, who)
    base = f"/events/{house.event.slug}"
    outlets = {
        "page": client.get(f"{base}/agenda").text,
        "search": client.get(f"{base}/agenda?q=title-of").text,
        "xml": client.get(f"{base}/schedule.xml").text,
        "json": client.get(f"{base}/schedule.json").text,
    }
    for level in LEVELS:
        allowed = level in MATRIX[who]
        for name, text in outlets.items():
            for word in ("Title", "Room", "Speaker"):
                assert (f"{word}-of-{level.value}" in text) == allowed, (name, word, level)
        page = client.get(f"{base}/agenda/code{level.value}")
        assert page.status_code == (200 if allowed else 404), level
        for other in LEVELS:
            if other not in MATRIX[who]:
                assert f"Title-of-{other.value}" not in page.text
        if who != "stranger":
            answer = client.post(f"{base}/agenda/code{level.value}/bookmark")
            assert answer.status_code == (303 if allowed else 404), level
    count = len(MATRIX[who])
    assert (f"{count} item</p>" if count == 1 else f"{count} items</p>") in outlets["page"]
    days = json.loads(outlets["json"])["schedule"]["conference"]["days"]
    assert sum(len(items) for day in days for items in day["rooms"].values()) == count
    if who != "stranger":
        assert len(readable_items(house.event, user)) == count


def test_filters_do_not_name_what_is_hidden(client: FlaskClient, house: House) -> None:
    publish(house.event)
    page = client.get(f"/events/{house.event.slug}/agenda?room={house.items[L.CLEARED].room_id}").text
    assert "Room-of-cleared" not in page
    assert "Nothing matches" in page


def test_a_right_that_is_lost_is_lost_at_once(client: FlaskClient, house: House) -> None:
    enter(client, house, "agency")
    url = f"/events/{house.event.slug}/agenda/codegovernment"
    assert client.get(url).status_code == 200
    client.get(f"/events/{house.event.slug}/agenda")
    sign_in(client, make_user())
    assert client.get(url).status_code == 404
    assert "Title-of-government" not in client.get(f"/events/{house.event.slug}/agenda").text


def test_a_closed_event_has_no_agenda_for_strangers(client: FlaskClient) -> None:
    event = make_event(visibility="CLOSED")
    item = make_item(event)
    publish(event)
    for path in ("agenda", f"agenda/{item.code}", "schedule.xml", "schedule.json"):
        assert client.get(f"/events/{event.slug}/{path}").status_code == 404
