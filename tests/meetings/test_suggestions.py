"""Suggestions on the pages: who is suggested with what sentence, who never is, and what it costs."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.db import db, transaction
from forum_app.meetings.models import KindBar, NoThanks
from forum_app.meetings.rule_queries import today_at
from forum_app.meetings.suggestion_queries import find_pairs, find_suggestions
from forum_app.organizations.models import Kind, Stage, TechnologyArea
from forum_app.registration.models import Registration, RegistrationState
from forum_app.web import clock
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_participant_type,
    make_registration,
    make_user,
    save,
    sign_in,
)
from tests.meetings.scene import Scene, add_hours, add_tables, change
from tests.meetings.test_rules import exclude, organization_of, set_profile
from tests.queries import LIMIT_PER_PAGE, count_queries


def area(code: str) -> TechnologyArea:
    return db.session.scalars(select(TechnologyArea).where(TechnologyArea.code == code)).one()


def give_areas(person: Registration, *codes: str) -> None:
    with transaction():
        organization_of(person).areas.extend([area(code) for code in codes])


def wants(person: Registration, *codes: str) -> None:
    profile = set_profile(person, wishes_en="Robots for hulls", wishes_ja="船体点検ロボット")
    with transaction():
        profile.wanted_areas.extend([area(code) for code in codes])


def suggested(scene: Scene, me: Registration) -> list[int]:
    db.session.rollback()
    db.session.expire_all()
    today = today_at(scene.event, clock.now())
    return [found.key for found in find_suggestions(scene.event, me, today=today)]


def test_the_page_says_why_in_both_languages(scene: Scene, client: FlaskClient) -> None:
    give_areas(scene.guest, "robotics")
    change(organization_of(scene.guest), stage=Stage.PROTOTYPE, country="US")
    wants(scene.host, "robotics")
    assert scene.guest.user is not None
    sign_in(client, scene.guest.user)
    page = client.get(f"{scene.path}/meetings/suggestions").text
    assert (
        "Looks for robotics, which you do; takes up companies at your stage (prototype);"
        " opens a way to Japan." in page
    )
    assert f'id="interest-{scene.host.id}"' in page  # marked in place
    japanese = client.get(f"{scene.path}/meetings/suggestions?lang=ja").text
    assert "ロボ" in japanese
    assert "look" not in japanese.split('class="suggestion__why"')[1].split("</p>")[0].lower()


def test_interest_is_marked_from_the_suggestion(scene: Scene, client: FlaskClient) -> None:
    assert scene.guest.user is not None
    sign_in(client, scene.guest.user)
    path = f"{scene.path}/directory/{scene.host.id}/interest"
    answer = client.post(path, data={"topic": "Hulls", "priority": "must"})
    assert answer.status_code == 303
    assert suggested(scene, scene.guest) == []
    assert "No suggestions now" in client.get(f"{scene.path}/meetings/suggestions").text


def test_who_is_left_out(scene: Scene) -> None:
    names = ("free", "asked", "no_thanks", "paused", "barred", "excluded", "gone")
    hosts = {name: scene.more_host() for name in names}
    change(hosts["gone"], state=RegistrationState.CANCELLED)
    scene.ask(scene.guest, hosts["asked"])
    save(NoThanks(registration_id=scene.guest.id, other_id=hosts["no_thanks"].id, created_at=NOW))
    set_profile(hosts["paused"], paused=True)
    change(organization_of(hosts["barred"]), kind=Kind.PRESS)
    save(KindBar(event_id=scene.event.id, one=Kind.PRESS, other=Kind.STARTUP))
    exclude(organization_of(hosts["excluded"]), other_id=scene.guest.organization_id)
    colleague = scene.more_host()
    change(colleague, organization_id=scene.guest.organization_id)
    scene.more_guest(listed=True)  # takes no meetings, as little as the guest
    assert set(suggested(scene, scene.guest)) == {scene.host.id, hosts["free"].id}
    # the other sides are not led to the guest either
    for name in ("asked", "no_thanks", "barred", "excluded"):
        assert scene.guest.id not in suggested(scene, hosts[name])


def test_hosts_are_led_to_listed_people_only(scene: Scene) -> None:
    listed, unlisted = scene.more_guest(listed=True), scene.more_guest()
    found = suggested(scene, scene.host)
    assert listed.id in found
    assert unlisted.id not in found
    # who is not listed is led to others all the same
    assert scene.host.id in suggested(scene, unlisted)


def test_what_is_looked_for_comes_first(scene: Scene) -> None:
    best, good = scene.more_host(), scene.more_host()
    give_areas(scene.guest, "robotics", "ai")
    wants(best, "robotics")
    give_areas(good, "ai")
    assert suggested(scene, scene.guest)[:2] == [best.id, good.id]


def test_who_met_at_a_past_edition_is_told_so(scene: Scene, client: FlaskClient) -> None:
    past = make_event(
        title_en="35th Forum",
        title_ja="第35回フォーラム",
        starts_on=scene.event.starts_on - timedelta(days=364),
        ends_on=scene.event.ends_on - timedelta(days=364),
    )
    host_type = make_participant_type(past, takes_meetings=True)
    then = {
        person.id: make_registration(
            past, person.user, participant_type=host_type, organization=person.organization
        )
        for person in (scene.host, scene.guest)
    }
    start = scene.hours.starts_at - timedelta(days=364)
    add_hours(then[scene.host.id], start)
    add_tables(past, 1)
    host, guest = then[scene.host.id], then[scene.guest.id]
    other = Scene(past, host_type, host_type, host, guest, scene.organizer, [], scene.hours)
    other.accept(other.ask(), start)
    change(scene.guest, listed=True)
    assert scene.guest.user is not None
    sign_in(client, scene.guest.user)
    assert "met you before (35th Forum)." in client.get(f"{scene.path}/meetings/suggestions").text
    sign_in(client, scene.organizer)
    assert "they met before (35th Forum)." in client.get(f"{scene.path}/manage/meetings/suggestions").text


def test_organizers_see_pairs_nobody_has_marked(scene: Scene, client: FlaskClient) -> None:
    change(scene.guest, listed=True)
    other = scene.more_guest(listed=True)
    excluded = scene.more_guest(listed=True)
    exclude(organization_of(excluded), kind=Kind.AGENCY)
    give_areas(other, "quantum")
    wants(scene.host, "quantum")
    today = today_at(scene.event, NOW)
    pairs = [(pair.first.id, pair.second.id) for pair in find_pairs(scene.event, today=today)]
    assert pairs == [(other.id, scene.host.id), (scene.guest.id, scene.host.id)]
    scene.ask(scene.guest, scene.host)
    sign_in(client, scene.organizer)
    page = client.get(f"{scene.path}/manage/meetings/suggestions").text
    for person, shown in ((other, True), (scene.guest, False), (excluded, False)):
        assert (organization_of(person).name_en in page) is shown
    japanese = client.get(f"{scene.path}/manage/meetings/suggestions?lang=ja").text
    assert "防衛イノベーション科学技術研究所" in japanese
    change(organization_of(other), name_en="Quantum <b>")
    page = client.get(f"{scene.path}/manage/meetings/suggestions?lang=en").text
    assert '<span class="unbroken">Quantum &lt;b&gt;</span>' in page


def test_hostile_words_stay_words(scene: Scene, client: FlaskClient) -> None:
    set_profile(scene.host, wishes_en="<script>alert(1)</script> gravimeters")
    change(organization_of(scene.guest), profile_en="We make gravimeters <script>alert(2)</script>")
    assert scene.guest.user is not None
    sign_in(client, scene.guest.user)
    page = client.get(f"{scene.path}/meetings/suggestions").text
    assert "gravimeters, as you do" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("who", ["person", "host", "organizer"])
def test_the_pages_cost_the_same_at_any_size(scene: Scene, client: FlaskClient, who: str) -> None:
    change(scene.guest, listed=True)
    path, user = {
        "person": ("/meetings/suggestions", scene.guest.user),
        "host": ("/meetings/suggestions", scene.host.user),
        "organizer": ("/manage/meetings/suggestions", scene.organizer),
    }[who]
    assert user is not None
    sign_in(client, user)

    def cost() -> list[str]:
        client.get(f"{scene.path}{path}")
        with count_queries() as statements:
            assert client.get(f"{scene.path}{path}").status_code == 200
        return statements

    def more(number: int) -> None:
        for _ in range(number):
            host, guest = scene.more_host(), scene.more_guest(listed=True)
            give_areas(guest, "robotics")
            wants(host, "robotics", "ai")

    more(1)
    few = cost()
    more(12)
    many = cost()
    assert len(few) == len(many) <= LIMIT_PER_PAGE, "\n".join(many)


def test_strangers_and_other_organizers_stay_out(scene: Scene, client: FlaskClient) -> None:
    paths = [f"{scene.path}/meetings/suggestions", f"{scene.path}/manage/meetings/suggestions"]
    assert [client.get(path).status_code for path in paths] == [302, 302]
    stranger = make_user()
    grant(stranger, make_event())
    sign_in(client, stranger)
    assert [client.get(path).status_code for path in paths] == [403, 403]
