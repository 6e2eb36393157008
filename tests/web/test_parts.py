"""Kept parts of pages: never stale, never another reader's, never more than their holes."""

import inspect
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from forum_app.agenda.models import AccessLevel, ItemInvitation, ItemStatus
from forum_app.events.models import Event, EventRole
from forum_app.web import clock, limits
from forum_app.web.parts import Parts, Stencil, hole
from tests.agenda.parts import at, edit, let_speak, publish
from tests.factories import (
    grant,
    make_event,
    make_item,
    make_member,
    make_organization,
    make_participant_type,
    make_registration,
    make_speaker,
    make_user,
    save,
    sign_in,
)

TOKEN = re.compile(r'name="(csrf_token|idempotency_key)" type="hidden" value="([^"]+)"')


@given(st.lists(st.tuples(st.sampled_from(["name", "seats_12"]), st.text()), max_size=5), st.text())
def test_a_stencil_is_the_text_with_its_values_escaped(parts: list[tuple[str, str]], value: str) -> None:
    html = "".join(text + hole(name) for name, text in parts)
    expected = "".join(text + str(escape(value)) for _, text in parts)
    assert Stencil(html).fill(name=value, seats_12=value, unused="") == expected


def test_values_cannot_open_holes_and_markup_stays() -> None:
    drawn = Stencil(f"<p>{hole('name')} {hole('email')}</p>")
    assert drawn.fill(name=hole("email"), email="<b>") == f"<p>{hole('email')} &lt;b&gt;</p>"
    assert drawn.fill(name=Markup("<i>x</i>"), email="") == "<p><i>x</i> </p>"
    with pytest.raises(KeyError):
        drawn.fill(name="only")


def test_the_least_recently_used_part_falls_out() -> None:
    parts: Parts[str] = Parts(2)
    made: list[str] = []

    def get(key: str) -> str:
        return parts.get(key, lambda: made.append(key) or key.upper())  # type: ignore[func-returns-value]

    assert [get(key) for key in "abacab"] == list("ABACAB")
    assert "".join(made) == "abcb"


# --- The form of a registration ------------------------------------------------------------------
def register_page(client: FlaskClient, event: Event, language: str = "en") -> str:
    answer = client.get(f"/events/{event.slug}/register?lang={language}")
    assert answer.status_code == 200
    return answer.text


def test_each_reader_finds_their_own_names_and_tokens_in_the_form(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        event = make_event()
        kind = make_participant_type(event, needs_vetting=False)
        pages = []
        for name in ("Hanako <Sato>", "Ichiro Tanaka"):
            client = app.test_client()
            sign_in(client, make_user(name_latin=name, name_native=f"本名{name[0]}"))
            pages.append((client, register_page(client, event), register_page(client, event)))
        (hers, her_page, _), (_, his_page, _) = pages
        assert "Hanako &lt;Sato&gt;" in her_page
        assert "本名H" in her_page
        assert "Hanako" not in his_page
        assert 'value="Ichiro Tanaka"' in his_page
        tokens = [value for _, *both in pages for page in both for value in set(TOKEN.findall(page))]
        keys = [value for name, value in tokens if name == "idempotency_key"]
        assert len(keys) == len(set(keys)) == 4
        csrf = [
            {value for name, value in set(TOKEN.findall(page)) if name == "csrf_token"}
            for page in (her_page, his_page)
        ]
        assert not csrf[0] & csrf[1]
        fields = dict(TOKEN.findall(her_page))
        sent = {
            "type_id": kind.id,
            "name_latin": "Hanako",
            "language": "en",
            "privacy": "y",
            "organization_id": "",
        }
        foreign = hers.post(f"/events/{event.slug}/register", data={**sent, **dict(TOKEN.findall(his_page))})
        assert foreign.status_code == 400
        assert hers.post(f"/events/{event.slug}/register", data={**sent, **fields}).status_code == 303
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_the_form_follows_seats_types_texts_and_language(client: FlaskClient) -> None:
    event = make_event()
    kind = make_participant_type(event, name_en="Press", name_ja="報道", needs_vetting=False, seats=2)
    sign_in(client, make_user())
    assert "Seats left: 2 of 2" in register_page(client, event)
    assert "報道" in register_page(client, event, "ja")
    assert "Press" not in register_page(client, event, "ja")
    edit(kind, seats_taken=2)
    assert "you would be on the waitlist" in register_page(client, event)
    edit(kind, name_en="Media", hint_en="With a card", needs_vetting=True)
    page = register_page(client, event)
    assert "Media" in page
    assert "With a card" in page
    assert "The organizers look at each registration" in page
    edit(event, privacy_en="We keep it for a year.", antitrust_en="No talk of prices.")
    page = register_page(client, event)
    assert "We keep it for a year." in page
    assert "No talk of prices." in page
    edit(event, registration_closes_at=clock.now() + timedelta(days=3))
    assert "Registration is open until" in register_page(client, event)
    make_participant_type(event, name_en="Student", name_ja="学生")
    assert "Student" in register_page(client, event)
    edit(kind, by_invitation=True)
    assert "Media" not in register_page(client, event)


def test_the_form_offers_the_readers_own_organizations_only(app: Flask) -> None:
    event = make_event()
    make_participant_type(event)
    member, other = make_user(), make_user()
    organization = make_organization(name_en="Hayabusa Robotics")
    make_member(member, organization)
    hers, his = sign_in(app.test_client(), member), sign_in(app.test_client(), other)
    for _ in range(2):
        assert "Hayabusa Robotics" in register_page(hers, event)
        assert "Hayabusa Robotics" not in register_page(his, event)
    edit(organization, name_en="Hayabusa Works")
    assert "Hayabusa Works" in register_page(hers, event)


def test_a_refused_form_keeps_what_was_typed_beside_the_kept_one(client: FlaskClient) -> None:
    event = make_event()
    make_participant_type(event)
    sign_in(client, make_user(name_latin="Mika Mori"))
    register_page(client, event)
    refused = client.post(f"/events/{event.slug}/register", data={"name_latin": "Typed <Name>"})
    assert refused.status_code == 422
    assert "Typed &lt;Name&gt;" in refused.text
    again = register_page(client, event)
    assert "Typed" not in again
    assert "Mika Mori" in again
    assert "usa-error-message" not in again


# --- The page of an agenda item ------------------------------------------------------------------
def item_page(client: FlaskClient, event: Event, code: str, language: str = "en") -> Any:
    return client.get(f"/events/{event.slug}/agenda/{code}?lang={language}")


def test_an_item_follows_the_version_the_language_and_the_clock(client: FlaskClient) -> None:
    event = make_event()
    item = make_item(event, title_en="First", title_ja="最初", starts_at=at(1), ends_at=at(2))
    publish(event)
    for _ in range(2):
        assert "First" in item_page(client, event, item.code).text
        assert "最初" in item_page(client, event, item.code, "ja").text
    edit(item, title_en="Changed")
    assert "Changed" not in item_page(client, event, item.code).text
    publish(event)
    assert "Changed" in item_page(client, event, item.code).text
    now = clock.now()
    try:
        clock.set_to(at(1.5))
        assert "now-mark" in item_page(client, event, item.code).text
    finally:
        clock.set_to(now)
    assert "now-mark" not in item_page(client, event, item.code).text
    edit(item, status=ItemStatus.CANCELLED)
    publish(event)
    assert "This item does not take place." in item_page(client, event, item.code).text


def test_a_kept_item_shows_no_neighbour_that_the_reader_may_not_know(app: Flask) -> None:
    event = make_event()
    first = make_item(event, title_en="Overture", starts_at=at(1), ends_at=at(2))
    closed = make_item(event, title_en="Secret", access=AccessLevel.INVITED, starts_at=at(2), ends_at=at(3))
    last = make_item(event, title_en="Last", starts_at=at(3), ends_at=at(4))
    guest, speaker, other, staff = (make_user() for _ in range(4))
    invited = make_registration(event, guest)
    make_registration(event, other)
    save(ItemInvitation(item_id=closed.id, registration_id=invited.id))
    let_speak(closed, make_speaker(event, user_id=speaker.id))
    grant(staff, event, EventRole.ORGANIZER)
    publish(event)
    knowing = [sign_in(app.test_client(), user) for user in (guest, speaker, staff)]
    blind = [app.test_client(), sign_in(app.test_client(), other)]
    for _ in range(2):
        for client in (*knowing, *blind, *reversed(knowing)):
            knows = client in knowing
            assert item_page(client, event, closed.code).status_code == (200 if knows else 404)
            page = item_page(client, event, first.code).text
            assert ("Secret" in page) == knows
            assert ("Last" in page) != knows
            assert ("Overture" in item_page(client, event, last.code).text) != knows
            assert ("/bookmark" in page) == (client is not blind[0])


# --- The frame -----------------------------------------------------------------------------------
def test_the_frame_is_the_readers_own(app: Flask) -> None:
    event = make_event(title_en="Autumn Forum")
    user = make_user("mine@forum.example", name_latin="Mika <Mori>", name_native="森 美香")
    hers, stranger = sign_in(app.test_client(), user), app.test_client()
    for _ in range(2):
        mine = hers.get(f"/events/{event.slug}/?lang=en").text
        assert "Mika &lt;Mori&gt;" in mine
        assert "mine@forum.example" in mine
        assert "森 美香" in hers.get(f"/events/{event.slug}/?lang=ja").text
        foreign = stranger.get(f"/events/{event.slug}/?lang=en").text
        assert "Mika" not in foreign
        assert "mine@forum.example" not in foreign
        assert "/sign-out" not in foreign
        assert f'href="/events/{event.slug}/?lang=ja"' in foreign
    assert 'href="/events/?q=a%26b&amp;lang=ja"' in stranger.get("/events/?q=a%26b&lang=en").text
    edit(event, title_en="Winter Forum", venue_en="Pier 7")
    changed = stranger.get(f"/events/{event.slug}/agenda?lang=en").text
    assert "Autumn Forum" not in changed
    assert "Winter Forum" in changed
    assert "Pier 7" in changed


def test_tabs_follow_what_the_reader_is_to_the_event(app: Flask) -> None:
    event = make_event()
    user = make_user()
    client, stranger = sign_in(app.test_client(), user), app.test_client()
    address = f"/events/{event.slug}/?lang=en"
    assert f'href="/events/{event.slug}/register"' in client.get(address).text
    make_registration(event, user)
    assert f'href="/events/{event.slug}/registration"' in client.get(address).text
    assert f'href="/events/{event.slug}/manage/"' not in client.get(address).text
    grant(user, event, EventRole.ORGANIZER)
    assert f'href="/events/{event.slug}/manage/"' in client.get(address).text
    assert f'href="/events/{event.slug}/manage/"' not in stranger.get(address).text


# --- What every answer passes --------------------------------------------------------------------
def test_limited_views_count_without_the_hooks_of_the_extension(app: Flask) -> None:
    small = Flask("small")
    limits.init_app(small, replace(app.config["FORUM_SETTINGS"], env="development"))
    small.add_url_rule("/", view_func=limits.limiter.limit("2/minute")(lambda: "here"))
    try:
        answers = [small.test_client().get("/").status_code for _ in range(3)]
    finally:
        limits.limiter.enabled = False
    assert answers == [200, 200, 429]
    assert not small.before_request_funcs[None]


def test_headers_are_on_every_kind_of_answer(client: FlaskClient) -> None:
    for path in ("/", "/nope", "/healthz", "/account"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "private, no-cache"
        assert "Cookie" in headers["Vary"]
        names = [name.lower() for name, _ in headers]
        assert len(names) == len(set(names)), names


def test_no_hook_or_view_is_a_coroutine(app: Flask) -> None:
    """Forum.ensure_sync() hands functions on as they are."""
    hooks = [
        f for kind in (app.before_request_funcs, app.after_request_funcs) for fs in kind.values() for f in fs
    ]
    assert not any(inspect.iscoroutinefunction(f) for f in [*app.view_functions.values(), *hooks])
