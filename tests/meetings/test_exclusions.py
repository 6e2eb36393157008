"""The law of exclusions: an excluded pair never comes together, and the other side never learns why.

To whoever is excluded the forum looks as if the person merely took no requests, on every route.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update
from werkzeug.routing import BuildError, Rule

from forum_app.accounts.models import User
from forum_app.db import db, transaction
from forum_app.floor.queries import list_board
from forum_app.floor.refill_services import offer_freed_time
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import accept_request, book_direct, book_meeting, cancel_meeting
from forum_app.meetings.models import (
    KindBar,
    Meeting,
    MeetingProfile,
    MeetingRequest,
    MeetingStatus,
    OfficeHours,
    RequestState,
)
from forum_app.meetings.rule_enforcement_services import end_what_rules_forbid
from forum_app.meetings.rule_queries import today_at
from forum_app.meetings.rule_services import MayNotMeet
from forum_app.meetings.services import decline_request, request_meeting
from forum_app.meetings.suggestion_queries import find_pairs, find_suggestions
from forum_app.organizations.models import Exclusion, Kind, TechnologyArea
from forum_app.registration.models import Registration
from forum_app.timetable.instance_queries import read_instance
from forum_app.web import clock
from tests.factories import NOW, make_member, make_organization, make_user, save, sign_in
from tests.meetings.scene import OPENS, SLOT, Scene, change
from tests.meetings.test_rules import exclude, organization_of, set_profile
from tests.queries import count_queries

REASON = "zebra clause"
KEY = re.compile(
    r'nonce-[\w-]+|nonce="[^"]*"|value="(?:[\w-]{22}|[\w-]+[.][\w-]+[.][\w-]+)"'
)  # of one answer alone


@pytest.fixture(autouse=True)
def _standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some pages show the time; two looks at them are compared."""
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)


def forget() -> None:
    db.session.rollback()
    db.session.expire_all()


def user_of(person: Registration) -> User:
    assert person.user is not None
    return person.user


# --- Every route, from the other side ---------------------------------------------------------------
class View:
    """All that one reader can fetch and send in a scene."""

    def __init__(self, app: Flask, client: FlaskClient, scene: Scene, reader: User) -> None:
        self.app, self.client, self.scene = app, client, scene
        sign_in(client, reader)
        self.values = {
            "slug": scene.event.slug,
            "registration_id": scene.host.id,
            "hours_id": scene.hours.id,
            "table_id": scene.tables[0].id,
            "exclusion_id": 1,
            "request_id": 1,
            "meeting_id": 1,
        }
        self.organization = organization_of(scene.host).slug
        self.start = scene.hours.starts_at

    def paths(self, method: str) -> list[str]:
        """Addresses of all routes; of forms only those about a person, here the host."""
        found = set()
        for rule in self.app.url_map.iter_rules():
            if rule.endpoint == "static" or method not in (rule.methods or ()):
                continue
            if method == "POST" and "registration_id" not in rule.arguments:
                continue
            path = self._path(rule)
            if path is not None and not rule.endpoint.startswith(("web.", "mail.dev", "accounts.")):
                found.add(path)
        return sorted(found)

    def _path(self, rule: Rule) -> str | None:
        if rule.arguments - self.values.keys():
            return None
        values = {name: self.values[name] for name in rule.arguments}
        if rule.rule.startswith("/organizations/") and "slug" in values:
            values["slug"] = self.organization
        with self.app.test_request_context():
            adapter = self.app.url_map.bind("localhost")
            try:
                return adapter.build(rule.endpoint, values, method=next(iter(rule.methods or ())))
            except BuildError:
                return None

    def everything(self) -> dict[str, tuple[int, str]]:
        """Status and text of every page, and of what becomes of every form that names the host."""
        forget()
        told = {}
        for path in self.paths("GET"):
            answer = self.client.get(path)
            told[f"GET {path}"] = (answer.status_code, KEY.sub("", answer.text))
        form = {
            "topic": "Wind sensing",
            "priority": "must",
            "slot": self.start.strftime("%Y-%m-%dT%H:%MZ"),
            "starts_at": self.start.isoformat(),
            "format": "in_person",
        }
        for path in self.paths("POST"):
            answer = self.client.post(path, data=form)
            told[f"POST {path}"] = (answer.status_code, KEY.sub("", answer.text))
        return told


def set_state(scene: Scene, state: str) -> None:
    """The host is free, takes no requests for now, or is kept from the guest by a rule."""
    with transaction():
        db.session.execute(delete(Exclusion))
        db.session.execute(delete(KindBar))
        db.session.execute(delete(MeetingProfile))
    set_profile(scene.host, paused=state == "paused")
    if state == "barred":
        one, other = sorted((Kind.AGENCY, Kind.STARTUP))
        save(KindBar(event_id=scene.event.id, one=one, other=other))
    if state == "excluded":
        exclude(organization_of(scene.host), other_id=scene.guest.organization_id, reason=REASON)
    if state == "guest excludes":
        exclude(organization_of(scene.guest), other_id=scene.host.organization_id, reason=REASON)


@pytest.mark.parametrize("state", ["excluded", "barred", "guest excludes"])
def test_the_other_side_sees_what_it_sees_of_a_pause(
    app: Flask, client: FlaskClient, scene: Scene, state: str
) -> None:
    change(scene.hours, direct=True)
    view = View(app, client, scene, user_of(scene.guest))
    set_state(scene, "paused")
    paused = view.everything()
    set_state(scene, state)
    excluded = view.everything()
    assert {path for path in paused if paused[path] != excluded[path]} == set()
    assert any("not available for a meeting with you" in text for _, text in excluded.values())
    assert sum(status == 200 for status, _ in excluded.values()) > 20  # it looked at something
    for model in (MeetingRequest, Meeting):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0


def test_third_sides_see_no_difference_at_all(app: Flask, client: FlaskClient, scene: Scene) -> None:
    other = scene.more_guest(listed=True)
    view = View(app, client, scene, user_of(other))
    view.paths("GET")
    set_state(scene, "free")
    before = {path: view.client.get(path).text for path in view.paths("GET")}
    set_state(scene, "excluded")
    after = {path: view.client.get(path).text for path in view.paths("GET")}
    strip: Callable[[str], str] = lambda text: KEY.sub("", text)  # noqa: E731 - said once
    assert {path for path in before if strip(before[path]) != strip(after[path])} == set()


def test_nobody_but_its_own_reads_ground_and_reason(app: Flask, client: FlaskClient, scene: Scene) -> None:
    set_state(scene, "excluded")
    colleague, own = make_user(), make_user()
    make_member(own, organization_of(scene.host))
    for reader in (scene.organizer, user_of(scene.guest), user_of(scene.host), colleague):
        for path, (_, text) in View(app, client, scene, reader).everything().items():
            assert REASON not in text, path
            assert "Limited-partner" not in text, path
    assert any(REASON in text for _, text in View(app, client, scene, own).everything().values())


def test_it_costs_as_many_statements_as_a_pause(app: Flask, client: FlaskClient, scene: Scene) -> None:
    view = View(app, client, scene, user_of(scene.guest))
    paths = [path for path in view.paths("GET") if scene.event.slug in path]

    def costs() -> dict[str, int]:
        found = {}
        for path in paths:
            client.get(path)
            with count_queries() as statements:
                client.get(path)
            found[path] = len(statements)
        return found

    set_state(scene, "paused")
    paused = costs()
    set_state(scene, "excluded")
    assert costs() == paused


# --- What comes of what was there before the rule ----------------------------------------------------
def mails_to(person: Registration) -> list[tuple[str, str]]:
    forget()
    address = user_of(person).email
    rows = db.session.scalars(select(OutboxMail).where(OutboxMail.to_address == address))
    return [(row.subject, row.body) for row in rows.all()]


@pytest.mark.every_database
@pytest.mark.parametrize("agreed", [False, True])
def test_a_request_ends_as_if_declined_by_hand(scene: Scene, agreed: bool) -> None:
    by_hand, by_rule = scene.guest, scene.more_guest(name_kana="サトウ ハナコ")
    requests = [scene.ask(by_hand), scene.ask(by_rule)]
    if agreed:
        for request in requests:
            change(request, state=RequestState.AGREED)
    with transaction():
        decline_request(actor=user_of(scene.host), event=scene.event, request=requests[0], now=NOW)
    exclude(organization_of(scene.host), other_id=by_rule.organization_id)
    with transaction():
        assert end_what_rules_forbid(now=NOW) == 1
    with transaction():
        assert end_what_rules_forbid(now=NOW) == 0  # safe to run twice
    first, second = (mails_to(person)[-1] for person in (by_hand, by_rule))
    assert [r.state for r in requests] == [RequestState.DECLINED] * 2
    assert requests[0].answered_at == requests[1].answered_at
    assert first[0] == second[0]
    assert first[1].replace(by_hand.name, "?") == second[1].replace(by_rule.name, "?")


def test_the_owners_own_request_looks_withdrawn_to_the_other(scene: Scene) -> None:
    request = scene.ask()
    exclude(organization_of(scene.guest), kind=Kind.AGENCY)
    before = mails_to(scene.host)
    with transaction():
        end_what_rules_forbid(now=NOW)
    forget()
    assert request.state == RequestState.WITHDRAWN
    assert mails_to(scene.host) == before


def test_what_the_event_bars_expires(scene: Scene) -> None:
    request = scene.ask()
    one, other = sorted((Kind.AGENCY, Kind.STARTUP))
    save(KindBar(event_id=scene.event.id, one=one, other=other))
    with transaction():
        end_what_rules_forbid(now=NOW)
    forget()
    assert request.state == RequestState.EXPIRED


@pytest.mark.every_database
@pytest.mark.parametrize("owner", ["host", "guest"])
def test_a_coming_meeting_is_called_off_and_frees_its_time(scene: Scene, owner: str) -> None:
    meeting = scene.accept(scene.ask())
    held = scene.accept(scene.ask(scene.more_guest()), OPENS + SLOT)
    owner_side, other_side = (scene.host, scene.guest) if owner == "host" else (scene.guest, scene.host)
    exclude(organization_of(owner_side), other_id=other_side.organization_id)
    with transaction():
        assert end_what_rules_forbid(now=NOW) == 1
    forget()
    assert (meeting.status, held.status) == (MeetingStatus.CANCELLED, MeetingStatus.CONFIRMED)
    expected = RequestState.DECLINED if owner == "host" else RequestState.WITHDRAWN
    assert meeting.request is not None
    assert meeting.request.state == expected
    free = scene.accept(scene.ask(scene.more_guest()), OPENS)  # the time is free again
    assert free.status == MeetingStatus.CONFIRMED


def test_meetings_that_were_held_stay_history(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    exclude(organization_of(scene.host), other_id=scene.guest.organization_id)
    with transaction():
        assert end_what_rules_forbid(now=meeting.starts_at + timedelta(minutes=1)) == 0


@pytest.mark.parametrize("ruled", [False, True])
def test_freed_time_is_not_offered_against_a_rule(scene: Scene, ruled: bool) -> None:
    change(scene.ask(), state=RequestState.AGREED)
    freed = scene.accept(scene.ask(scene.more_guest()))
    if ruled:
        exclude(organization_of(scene.guest), other_id=scene.host.organization_id)
    with transaction():
        cancel_meeting(actor=scene.organizer, meeting=freed, reason="", now=NOW)
        offer = offer_freed_time(freed=freed, now=NOW)
        assert (offer is None) is ruled


def test_the_board_forgets_a_pair_that_a_rule_keeps_apart(scene: Scene) -> None:
    scene.accept(scene.ask())
    soon = OPENS - timedelta(minutes=10)
    assert len(list_board(scene.event, soon)) == 1
    exclude(organization_of(scene.host), kind=Kind.STARTUP)
    with transaction():
        end_what_rules_forbid(now=NOW)
    forget()
    assert list_board(scene.event, soon) == []


# --- The law, tried at random -------------------------------------------------------------------------
class Crowd:
    """Some organizations with a host and a guest each, and every way to bring two people together."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.event = scene.event
        kinds = (Kind.STARTUP, Kind.AGENCY, Kind.UNIVERSITY)
        self.organizations = [make_organization(kind=kind) for kind in kinds]
        self.areas = list(db.session.scalars(select(TechnologyArea).limit(2)))
        self.hosts, self.guests = [], []
        for organization in self.organizations:
            host = scene.more_host()
            change(host, organization_id=organization.id)
            self.hosts.append(host)
            self.guests.append(scene.more_guest(organization=organization, listed=True))
        with transaction():
            db.session.execute(update(OfficeHours).values(direct=True))

    def clear(self) -> None:
        with transaction():
            for model in (Exclusion, KindBar, Meeting, MeetingRequest):
                db.session.execute(delete(model))
            for organization in self.organizations:
                organization.weapons_related = False
                organization.areas.clear()

    def excluded(self, one: Registration, other: Registration) -> bool:
        """The law as one says it aloud, written apart from the code."""
        a, b = organization_of(one), organization_of(other)
        for rule in db.session.scalars(select(Exclusion)):
            for owner, target in ((a, b), (b, a)):
                if rule.organization_id == owner.id and (
                    rule.other_id == target.id
                    or rule.kind == target.kind
                    or (rule.weapons_related and target.weapons_related)
                    or rule.area_id in [area.id for area in target.areas]
                ):
                    return True
        return False


rule_targets = st.sampled_from(("other", "kind", "area", "weapons"))
rule_lists = st.lists(
    st.tuples(st.integers(0, 2), rule_targets, st.integers(0, 2)), min_size=1, max_size=3, unique=True
)


@settings(
    max_examples=8,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    made=rule_lists,
    armed=st.lists(st.booleans(), min_size=3, max_size=3),
    active=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=3),
    before=st.booleans(),
)
def _try_to_bring_together(
    crowd: Crowd, made: Any, armed: list[bool], active: list[tuple[int, int]], before: bool
) -> None:
    crowd.clear()
    scene, event = crowd.scene, crowd.event
    with transaction():
        for organization, flag in zip(crowd.organizations, armed, strict=True):
            organization.weapons_related = flag
        for number, area in active:
            if crowd.areas[area] not in crowd.organizations[number].areas:
                crowd.organizations[number].areas.append(crowd.areas[area])
    pairs = [(guest, host) for guest in crowd.guests for host in crowd.hosts]
    if before:  # mutual interest that is older than the rule
        save(
            *(
                MeetingRequest(
                    event_id=event.id,
                    asker_id=guest.id,
                    host_id=host.id,
                    topic="Before",
                    priority="MUST",
                    state=RequestState.AGREED,
                    created_at=NOW,
                )
                for guest, host in pairs
                if guest.organization_id != host.organization_id
            )
        )
    for owner, target, number in made:
        values: dict[str, Any] = {
            "other": {"other_id": crowd.organizations[number].id},
            "kind": {"kind": crowd.organizations[number].kind},
            "area": {"area_id": crowd.areas[number % 2].id},
            "weapons": {"weapons_related": True},
        }[target]
        if values.get("other_id") != crowd.organizations[owner].id:
            exclude(crowd.organizations[owner], **values)
    forget()
    apart = {
        frozenset((guest.id, host.id))
        for guest, host in pairs
        if guest.organization_id != host.organization_id and crowd.excluded(guest, host)
    }

    # suggestions, to people and to organizers
    today = today_at(event, NOW)
    for person in (*crowd.guests, *crowd.hosts):
        for found in find_suggestions(event, person, today=today, most=100):
            assert frozenset((person.id, found.key)) not in apart
    for pair in find_pairs(event, today=today):
        assert frozenset((pair.first.id, pair.second.id)) not in apart

    # the schedule: agreed long ago, yet no request of the instance is theirs
    for row in read_instance(event, now=NOW).meetings:
        assert frozenset((row.host, row.guest)) not in apart

    # asking, booking by hand and directly, answering into a slot
    for guest, host in pairs:
        if frozenset((guest.id, host.id)) not in apart:
            continue
        for attempt in _attempts(scene, guest, host):
            with pytest.raises(MayNotMeet), transaction():
                attempt()
            forget()
    with transaction():
        end_what_rules_forbid(now=NOW)
    forget()
    for request in db.session.scalars(
        select(MeetingRequest).where(MeetingRequest.state.in_((RequestState.PENDING, RequestState.AGREED)))
    ):
        assert frozenset((request.asker_id, request.host_id)) not in apart


def _attempts(scene: Scene, guest: Registration, host: Registration) -> list[Callable[[], object]]:
    event = scene.event
    request = db.session.scalar(
        select(MeetingRequest).where(MeetingRequest.asker_id == guest.id, MeetingRequest.host_id == host.id)
    )
    words: dict[str, Any] = {"event": event, "topic": "Together", "now": NOW}
    times: dict[str, Any] = {"starts_at": OPENS, "ends_at": OPENS + SLOT}
    attempts: list[Callable[[], object]] = [
        lambda: book_meeting(actor=scene.organizer, people=[host, guest], **times, **words),
        lambda: book_meeting(actor=scene.organizer, people=[host, scene.guest, guest], **times, **words),
        lambda: book_direct(actor=user_of(guest), host=host, guest=guest, starts_at=OPENS, **words),
    ]
    if request is None:
        attempts.append(lambda: request_meeting(actor=user_of(guest), asker=guest, host=host, **words))
    else:
        attempts.append(
            lambda: accept_request(
                actor=user_of(host), event=event, request=request, starts_at=OPENS, now=NOW
            )
        )
    return attempts


def test_no_way_brings_an_excluded_pair_together(scene: Scene) -> None:
    _try_to_bring_together(Crowd(scene))
