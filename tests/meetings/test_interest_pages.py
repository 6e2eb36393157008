"""Pages of interest through HTTP: marking from a list, answering, profiles, open slots, rules, and leaks."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.db import db, transaction
from forum_app.meetings.interest_services import mark_no_thanks, save_profile
from forum_app.meetings.models import (
    KindBar,
    KindLimit,
    Meeting,
    MeetingProfile,
    MeetingRequest,
    MeetingSettings,
    NoThanks,
    OfficeHours,
    Priority,
    RequestState,
)
from forum_app.meetings.services import agree_request
from forum_app.organizations.models import Kind, TechnologyArea
from forum_app.registration.models import Registration, RegistrationState
from forum_app.web import clock
from tests.factories import NOW, make_event, make_organization, make_registration, make_user
from tests.meetings.laws import assert_claims_are_consistent
from tests.meetings.scene import OPENS, SLOT, Scene, add_hours, change
from tests.meetings.test_pages import as_, fresh, value
from tests.queries import LIMIT_PER_PAGE, count_queries

SCRIPT = "<script>alert(1)</script>\"'"
HTMX = {"HX-Request": "true"}


def person_path(scene: Scene, person: Registration) -> str:
    return f"{scene.path}/directory/{person.id}"


def mark(client: FlaskClient, scene: Scene, person: Registration, **changes: Any) -> Any:
    headers = changes.pop("headers", {})
    data = {"topic": "Wind sensing", "priority": "must", **changes}
    return client.post(f"{person_path(scene, person)}/interest", data=data, headers=headers)


def block(text: str, person: Registration) -> str:
    """The part of a page about one's interest in a person, without what differs from sending to sending."""
    found = re.search(rf'<div class="interest" id="interest-{person.id}".*?\n</div>', text, re.DOTALL)
    assert found, "no block"
    return re.sub(r'(value|name)="[A-Za-z0-9_\-.]{16,}"', "", found.group(0))


# --- Marking ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_interest_is_marked_from_the_list(client: FlaskClient, scene: Scene, lang: str) -> None:
    as_(client, scene.guest.user, lang)
    back = f"{scene.path}/directory?hosts=1"
    page = client.get(back)
    assert f'action="{person_path(scene, scene.host)}/interest"' in page.text
    sent = mark(client, scene, scene.host, back=back)
    assert (sent.status_code, sent.location) == (303, f"{back}#interest-{scene.host.id}")
    assert "Wind sensing" in client.get(back).text
    row = fresh().scalars(select(MeetingRequest)).one()
    assert (row.priority, row.state) == (Priority.MUST, RequestState.PENDING)
    taken = client.post(f"{person_path(scene, scene.host)}/take-back", data={"back": back})
    assert taken.status_code == 303
    fresh()
    assert row.state == RequestState.WITHDRAWN
    assert client.post(f"{person_path(scene, scene.host)}/take-back").status_code == 409


def test_htmx_gets_the_part_that_changed(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    wrong = mark(client, scene, scene.host, topic="", headers=HTMX)
    assert wrong.status_code == 422
    assert "Please say in one line" in block(wrong.text, scene.host)
    sent = mark(client, scene, scene.host, headers=HTMX, back=f"{scene.path}/directory")
    assert sent.location == person_path(scene, scene.host)
    answer = client.get(sent.location, headers=HTMX)
    assert "autofocus" in block(answer.text, scene.host)
    assert "autofocus" not in client.get(sent.location).text


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/account", "/events/other/", "javascript:1", "/\\e"]
)
def test_one_comes_back_to_this_event_only(client: FlaskClient, scene: Scene, back: str) -> None:
    as_(client, scene.guest.user)
    assert mark(client, scene, scene.host, back=back).location == person_path(scene, scene.host)


def test_bad_marks(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    assert mark(client, scene, scene.host, priority="urgent").status_code == 422
    assert mark(client, scene, scene.host, topic="x" * 201).status_code == 422
    kept = mark(client, scene, scene.host, topic="Kept words", priority="")
    assert (kept.status_code, "Kept words" in kept.text) == (422, True)
    for _ in range(2):
        assert mark(client, scene, scene.host, idempotency_key="once").status_code == 303
    assert mark(client, scene, scene.host, idempotency_key="twice").status_code == 409
    assert fresh().scalar(select(func.count()).select_from(MeetingRequest)) == 1


def test_who_is_not_in_the_directory_has_no_page(client: FlaskClient, scene: Scene) -> None:
    hidden = scene.more_guest()
    applied = scene.more_guest(listed=True, state=RegistrationState.APPLIED)
    elsewhere = make_registration(make_event(), make_user(), listed=True)
    as_(client, scene.guest.user)
    for nobody in (hidden, applied, elsewhere):
        for action in ("", "/book"):
            assert client.get(person_path(scene, nobody) + action).status_code == 404
        for action in ("/interest", "/take-back", "/no-thanks", "/no-thanks/remove", "/book"):
            assert client.post(person_path(scene, nobody) + action, data={}).status_code == 404, action
    assert client.get(f"{scene.path}/directory/{'9' * 25}").status_code == 404
    as_(client, applied.user)
    assert client.get(person_path(scene, scene.host)).status_code == 403


def test_asked_back_is_mutual_on_both_pages(client: FlaskClient, scene: Scene) -> None:
    change(scene.guest, listed=True)
    as_(client, scene.guest.user)
    mark(client, scene, scene.host)
    as_(client, scene.host.user)
    assert "Wishes to meet you" in client.get(f"{scene.path}/directory?interest=asks").text
    assert mark(client, scene, scene.guest, topic="", priority="want").status_code == 303
    assert "Mutual interest" in block(client.get(person_path(scene, scene.guest)).text, scene.guest)
    assert "Mutual interest" in client.get(f"{scene.path}/meetings").text
    as_(client, scene.guest.user)
    assert "Mutual interest" in block(client.get(person_path(scene, scene.host)).text, scene.host)
    assert "Taro Yamada" in client.get(f"{scene.path}/directory?interest=mutual").text
    assert "Taro Yamada" not in client.get(f"{scene.path}/directory?interest=asked").text


# --- Answering -------------------------------------------------------------------------------------------


def test_yes_without_a_time(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    address = f"{scene.path}/meetings/requests/{request.id}"
    as_(client, scene.host.user)
    assert "/agree" in client.get(address).text
    assert client.post(f"{address}/agree", data={"priority": "never"}).status_code == 422
    assert client.post(f"{address}/agree", data={"priority": "must"}).status_code == 303
    assert client.post(f"{address}/agree", data={"priority": "must"}).status_code == 409
    again = client.get(address).text
    assert "You both wish to meet" in again
    assert value(OPENS) in again, "a time can still be chosen"
    assert client.post(f"{address}/decline", data={"answer": "Ill, sorry."}).status_code == 303
    as_(client, scene.guest.user)
    assert "Ill, sorry." in client.get(address).text
    assert client.post(f"{address}/agree", data={"priority": "must"}).status_code == 403


def test_a_colleague_answers_for_the_delegation(client: FlaskClient, scene: Scene) -> None:
    second = make_registration(
        scene.event, make_user(), participant_type=scene.host_type, organization=scene.host.organization
    )
    add_hours(second)
    as_(client, scene.guest.user)
    ask = f"{scene.path}/meetings/ask/{scene.host.id}"
    assert 'name="team"' in client.get(ask).text
    data = {"topic": "Any of you", "priority": "must", "team": "y"}
    assert client.post(ask, data=data).status_code == 303
    request = fresh().scalars(select(MeetingRequest)).one()
    address = f"{scene.path}/meetings/requests/{request.id}"
    as_(client, second.user)
    assert "Any of you" in client.get(f"{scene.path}/meetings").text
    assert client.get(address).status_code == 200
    assert client.post(f"{address}/accept", data={"slot": value(OPENS)}).status_code == 303
    fresh()
    assert (request.host_id, request.state) == (second.id, RequestState.ACCEPTED)
    as_(client, scene.host.user)
    assert client.get(address).status_code == 404, "it is the colleague's now"
    assert_claims_are_consistent()


# --- No thanks -------------------------------------------------------------------------------------------


def test_no_thanks_is_seen_by_nobody_else(client: FlaskClient, scene: Scene) -> None:
    """What the marked one and everybody else can fetch is the same with the mark and without."""
    twin = scene.more_host()
    addresses = ["/directory", "/meetings", f"/meetings/ask/{scene.host.id}", f"/directory/{scene.host.id}"]

    def seen() -> dict[str, str]:
        pages = {}
        for name, user in (("guest", scene.guest.user), ("organizer", scene.organizer), ("twin", twin.user)):
            as_(client, user)
            for address in addresses:
                answer = client.get(scene.path + address)
                text = re.sub(r'value="[A-Za-z0-9_\-.]{16,}"', "", answer.text)
                pages[f"{name} {address}"] = f"{answer.status_code} {text}"
        manage = ["/manage/meetings", "/manage/meetings/requests", "/manage/meetings/hosts"]
        for page in [*manage, *(f"/manage/registrations/{one.id}" for one in (scene.host, scene.guest))]:
            as_(client, scene.organizer)
            pages[page] = re.sub(r'value="[A-Za-z0-9_\-.]{16,}"', "", client.get(scene.path + page).text)
        return pages

    change(scene.guest, listed=True)
    before = seen()
    as_(client, scene.host.user)
    assert client.post(f"{person_path(scene, scene.guest)}/no-thanks").status_code == 303
    assert "No thanks" in block(client.get(person_path(scene, scene.guest)).text, scene.guest)
    assert fresh().scalar(select(func.count()).select_from(NoThanks)) == 1
    assert seen() == before
    as_(client, scene.guest.user)
    marked, plain = mark(client, scene, scene.host), mark(client, scene, twin)
    assert marked.status_code == plain.status_code == 303
    blocks = [
        re.sub(r"\d+", "N", block(client.get(person_path(scene, one)).text, one).replace(one.name_latin, "X"))
        for one in (scene.host, twin)
    ]
    assert blocks[0] == blocks[1]
    # the marker does not meet the request again, and finds the mark under Meetings alone
    as_(client, scene.host.user)
    mine = client.get(f"{scene.path}/meetings").text
    assert "Wind sensing" not in mine
    assert "People you do not wish to meet" in mine
    as_(client, scene.organizer)
    assert (
        "People you do not wish to meet" not in client.get(f"{scene.path}/meetings?for={scene.host.id}").text
    )


def test_an_open_slot_of_who_said_no_thanks_looks_taken(client: FlaskClient, scene: Scene) -> None:
    change(scene.hours, direct=True)
    pages = ("/directory", f"/directory/{scene.host.id}", f"/meetings/ask/{scene.host.id}")
    as_(client, scene.guest.user)
    for page in pages:
        assert "13:00–13:20" in client.get(scene.path + page).text, page
    with transaction():
        assert scene.host.user is not None
        mark_no_thanks(
            actor=scene.host.user, event=scene.event, registration=scene.host, other=scene.guest, now=NOW
        )
    as_(client, scene.guest.user)
    address = f"{person_path(scene, scene.host)}/book"
    for page in pages:
        assert "13:00–13:20" not in client.get(scene.path + page).text, page
    assert value(OPENS) not in client.get(address).text
    lost = client.post(address, data={"slot": value(OPENS), "topic": "Now"})
    assert lost.status_code == 409
    assert "taken by now" in lost.text
    assert "not available" not in lost.text
    assert fresh().scalar(select(func.count()).select_from(Meeting)) == 0


def test_a_mark_is_taken_back(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    base = person_path(scene, scene.host)
    for _ in range(2):
        assert client.post(f"{base}/no-thanks").status_code == 303
    assert client.post(f"{base}/no-thanks/remove", data={"back": f"{scene.path}/meetings"}).status_code == 303
    assert client.post(f"{base}/no-thanks/remove").status_code == 303
    assert fresh().scalar(select(func.count()).select_from(NoThanks)) == 0
    own = client.post(f"{person_path(scene, scene.guest)}/no-thanks")
    assert own.status_code == 404, "not listed"
    scene.accept(scene.ask())
    assert client.post(f"{base}/no-thanks").status_code == 409


@pytest.mark.parametrize("ground", ["paused", "barred"])
def test_every_ground_reads_the_same(client: FlaskClient, scene: Scene, ground: str) -> None:
    with transaction():
        if ground == "paused":
            assert scene.host.user is not None
            save_profile(
                actor=scene.host.user, event=scene.event, registration=scene.host, paused=True, now=NOW
            )
        else:
            db.session.add(KindBar(event_id=scene.event.id, one=Kind.AGENCY, other=Kind.STARTUP))
    as_(client, scene.guest.user)
    sentence = "This person is not available for a meeting with you."
    page = client.get(person_path(scene, scene.host)).text
    assert sentence in block(page, scene.host)
    assert "Next free times" not in page
    ask = client.get(f"{scene.path}/meetings/ask/{scene.host.id}")
    assert sentence in ask.text
    refused = mark(client, scene, scene.host)
    assert refused.status_code == 422
    posted = client.post(
        f"{scene.path}/meetings/ask/{scene.host.id}", data={"topic": "x", "priority": "must"}
    )
    assert posted.status_code == 422


# --- Open slots ------------------------------------------------------------------------------------------


def test_open_slots_are_booked_at_once_by_the_first(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    closed = client.get(f"{person_path(scene, scene.host)}/book")
    assert closed.status_code == 302, "these office hours are not open"
    refused = client.post(f"{person_path(scene, scene.host)}/book", data={"slot": value(OPENS), "topic": "x"})
    assert refused.status_code in (302, 422)
    change(scene.hours, direct=True)
    assert "Can be booked at once" in client.get(f"{scene.path}/directory?hosts=direct").text
    address = f"{person_path(scene, scene.host)}/book"
    assert value(OPENS) in client.get(address).text
    for bad in ({"slot": ""}, {"slot": "x"}, {"topic": ""}, {"slot": value(OPENS - SLOT)}):
        assert client.post(address, data={"slot": value(OPENS), "topic": "Now", **bad}).status_code == 422, (
            bad
        )
    for _ in range(2):
        booked = client.post(address, data={"slot": value(OPENS), "topic": "Now", "idempotency_key": "k"})
        assert booked.status_code == 303
    assert "T1" in client.get(booked.location).text
    late = scene.more_guest()
    as_(client, late.user)
    with count_queries() as asked:
        lost = client.post(address, data={"slot": value(OPENS), "topic": "Later"})
    assert lost.status_code == 409
    assert len(asked) <= LIMIT_PER_PAGE
    assert f'value="{value(OPENS)}"' not in lost.text
    assert value(OPENS + SLOT) in lost.text
    second = OPENS + SLOT
    assert client.post(address, data={"slot": value(second), "topic": "Later"}).status_code == 303
    as_(client, scene.more_guest().user)
    lost = client.post(address, data={"slot": value(second), "topic": "Last"})
    offered = re.findall(r'name="slot"[^>]*value="(\w+)"', lost.text)
    assert lost.status_code == 409
    assert offered == sorted(offered), "the next ones"
    assert min(offered) > value(second)
    assert fresh().scalar(select(func.count()).select_from(Meeting)) == 2
    assert_claims_are_consistent()


def test_hosts_open_their_hours(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.host.user)
    data = {
        "starts_at": "2090-12-01T10:00",
        "ends_at": "2090-12-01T11:00",
        "slot_minutes": "20",
        "direct": "y",
    }
    assert client.post(f"{scene.path}/meetings/office-hours", data=data).status_code == 303
    assert fresh().scalars(select(OfficeHours.direct).order_by(OfficeHours.id.desc())).first() is True


# --- Profiles --------------------------------------------------------------------------------------------


def test_what_i_look_for_is_found_by_others(client: FlaskClient, scene: Scene) -> None:
    area = fresh().scalars(select(TechnologyArea)).first()
    assert area is not None
    as_(client, scene.host.user)
    address = f"{scene.path}/meetings/profile"
    page = client.get(address)
    assert "needs_clearance" in page.text
    data = {
        "wishes_en": f"Quiet rotors {SCRIPT}",
        "wishes_ja": "静かな回転翼",
        "areas": [area.code],
        "most_meetings": "7",
        "link": "https://meet.example/room",
        "needs_statement": "y",
        "export_statement": "Nothing needs a licence.",
    }
    assert client.post(address, data=data).status_code == 303
    assert "Quiet rotors" in client.get(address).text
    profile = fresh().scalars(select(MeetingProfile)).one()
    assert (profile.most_meetings, profile.needs_statement, profile.export_stated_at is not None) == (
        7,
        True,
        True,
    )
    as_(client, scene.guest.user)
    assert "needs_clearance" not in client.get(address).text, "gates are for those who take meetings"
    for query, found in (
        ({"q": "rotors"}, True),
        ({"q": "回転翼"}, True),
        ({"seeks": area.code}, True),
        ({"seeks": area.code, "language": "ja"}, scene.host.language == "ja"),
        ({"q": "helicopters"}, False),
    ):
        text = client.get(f"{scene.path}/directory", query_string=query).text
        assert ("Taro Yamada" in text) is found, query
        assert "<script>alert" not in text
        assert "meet.example" not in text, "the link is for those who meet"
    assert "<script>alert" not in client.get(person_path(scene, scene.host)).text


def test_bad_profiles(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.guest.user)
    address = f"{scene.path}/meetings/profile"
    for bad in (
        {"most_meetings": "201"},
        {"most_meetings": "-1"},
        {"most_meetings": "many"},
        {"link": "javascript:alert(1)"},
        {"link": "http://plain.example"},
        {"areas": ["nonsense"]},
        {"wishes_en": "x" * 2001},
    ):
        answer = client.post(address, data={"wishes_ja": "残る言葉", **bad})
        assert answer.status_code == 422, bad
        assert "残る言葉" in answer.text
    assert client.get(f"{address}?for={scene.host.id}").status_code == 404


# --- Rules -----------------------------------------------------------------------------------------------


def test_organizers_set_the_rules(client: FlaskClient, scene: Scene) -> None:
    as_(client, scene.organizer)
    address = f"{scene.path}/manage/meetings/settings"
    assert client.get(address).status_code == 200
    good = {"interest_closes_at": "2090-11-20T18:00", "request_days": "5", "walk_minutes": "15"}
    assert client.post(address, data=good).status_code == 303
    row = fresh().scalars(select(MeetingSettings)).one()
    assert row.interest_closes_at is not None
    assert row.interest_closes_at.isoformat() == "2090-11-20T09:00:00+00:00"
    for bad in ({"request_days": "0"}, {"walk_minutes": "7"}, {"interest_closes_at": "2090-12-24T00:00"}):
        assert client.post(address, data={**good, **bad}).status_code == 422, bad
    limits = {"requests_startup": "3", "most_startup": "8", "least_startup": "2"}
    assert client.post(f"{address}/limits", data=limits).status_code == 303
    assert client.post(f"{address}/limits", data={**limits, "least_startup": "9"}).status_code == 422
    refused = client.post(f"{address}/limits", data={**limits, "most_press": "999"})
    assert refused.status_code == 422
    assert "Most meetings – Press: Please give a number from 0 to 200." in refused.get_data(as_text=True)
    limit = fresh().scalars(select(KindLimit)).one()
    assert (limit.kind, limit.most_requests, limit.most_meetings) == (Kind.STARTUP, 3, 8)
    bar = {"one": "press", "other": "agency"}
    assert client.post(f"{address}/bars", data=bar).status_code == 303
    assert client.post(f"{address}/bars", data=bar).status_code == 409
    assert client.post(f"{address}/bars", data={"one": "press", "other": "x"}).status_code == 422
    kept = fresh().scalars(select(KindBar)).one()
    elsewhere = f"/events/{make_event().slug}/manage/meetings/settings/bars/{kept.id}/remove"
    assert client.post(elsewhere).status_code in (403, 404)
    assert client.post(f"{address}/bars/{kept.id}/remove").status_code == 303
    assert client.get(address).status_code == 200


def test_closed_interest_shows_on_the_pages(client: FlaskClient, scene: Scene) -> None:
    with transaction():
        closes = clock.now() - timedelta(days=1)
        db.session.add(MeetingSettings(event_id=scene.event.id, interest_closes_at=closes))
    as_(client, scene.guest.user)
    sentence = "Requests for meetings are closed for this event."
    for page in ("/meetings", "/directory", f"/directory/{scene.host.id}", f"/meetings/ask/{scene.host.id}"):
        assert sentence in client.get(scene.path + page).text, page
    assert mark(client, scene, scene.host).status_code == 422


# --- Cost ------------------------------------------------------------------------------------------------


def fill(scene: Scene, number: int) -> None:
    """More of everything, made at once."""
    now = NOW
    rows: list[Any] = []
    people: list[Registration] = []
    for n in range(number):
        host, guest = scene.more_host(hours=n % 2 == 0), scene.more_guest(listed=True)
        people += [host, guest]
        rows += [
            MeetingProfile(registration_id=one.id, wishes_en=f"Wish {n}", wishes_ja=f"願い{n}")
            for one in (host, guest)
        ]
        for asker, asked, state in (
            (scene.guest, host, RequestState.PENDING),
            (guest, scene.host, RequestState.AGREED if n % 2 else RequestState.PENDING),
            (guest, host, RequestState.DECLINED),
        ):
            rows.append(
                MeetingRequest(
                    event_id=scene.event.id,
                    asker_id=asker.id,
                    host_id=asked.id,
                    topic=f"Topic {n}",
                    priority=Priority.WANT,
                    team=n % 3 == 0,
                    state=state,
                    created_at=now,
                    answered_at=None if state == RequestState.PENDING else now,
                )
            )
    db.session.add_all(rows)
    for person in people[:3]:
        db.session.add(NoThanks(registration_id=scene.host.id, other_id=person.id, created_at=now))
    db.session.commit()


def test_pages_cost_the_same_at_3_and_at_300(client: FlaskClient, scene: Scene) -> None:
    pages = {
        scene.guest.user: (
            "/directory",
            "/directory?q=wish&size=100",
            "/meetings",
            f"/directory/{scene.host.id}",
        ),
        scene.host.user: ("/directory?interest=asks", "/meetings", "/meetings/profile"),
        scene.organizer: (
            "/manage/meetings/requests",
            "/manage/meetings/hosts?size=100",
            "/manage/meetings/settings",
        ),
    }

    def costs() -> dict[str, int]:
        found = {}
        for user, addresses in pages.items():
            as_(client, user)
            for address in addresses:
                with count_queries() as statements:
                    assert client.get(scene.path + address).status_code == 200
                found[address] = len(statements)
        return found

    fill(scene, 3)
    few = costs()
    fill(scene, 100)
    assert costs() == few
    assert max(few.values()) <= LIMIT_PER_PAGE, few


def test_agreed_requests_are_in_the_organizers_list(client: FlaskClient, scene: Scene) -> None:
    request = scene.ask()
    with transaction():
        assert scene.host.user is not None
        agree_request(
            actor=scene.host.user, event=scene.event, request=request, priority=Priority.WANT, now=NOW
        )
    as_(client, scene.organizer)
    agreed = client.get(f"{scene.path}/manage/meetings/requests?state=agreed").text
    assert "Wind sensing" in agreed
    assert "Wind sensing" not in client.get(f"{scene.path}/manage/meetings/requests?state=pending").text
    idle = client.get(f"{scene.path}/manage/meetings/hosts?idle=1").text
    assert "Taro Yamada" not in idle
    lonely = scene.more_host(hours=False)
    change(lonely, name_latin="Lonely Host", organization_id=make_organization().id)
    assert "Lonely Host" in client.get(f"{scene.path}/manage/meetings/hosts?idle=1&q=lonely").text
