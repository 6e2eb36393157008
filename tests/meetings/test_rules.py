"""Who may meet whom: exclusions, barred kinds, no thanks, gates; and what each side is told."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from forum_app.core.errors import Invalid
from forum_app.db import db, transaction
from forum_app.meetings.models import KindBar, MeetingProfile, MeetingTable, NoThanks, TableKind
from forum_app.meetings.rule_queries import (
    STOPS_ASKING,
    STOPS_MEETING,
    Obstacle,
    Terms,
    get_terms,
    list_obstacles,
    list_terms,
)
from forum_app.meetings.rule_services import (
    BY_RULE,
    COLLEAGUES,
    GATE_OTHER,
    GATE_OWN,
    NOT_AVAILABLE,
    MayNotMeet,
    check_may_all_meet,
    check_may_ask,
)
from forum_app.organizations.models import Exclusion, ExclusionGround, Kind, Organization, TechnologyArea
from forum_app.registration.models import Registration, RegistrationState
from tests.factories import NOW, make_event, make_organization, make_registration, save
from tests.meetings.scene import Scene, change
from tests.queries import count_queries

TODAY = date(2090, 11, 1)
O = Obstacle  # noqa: E741 - as in the code


def exclude(owner: Organization, **target: Any) -> Exclusion:
    """A rule of owner, committed."""
    target.setdefault("ground", ExclusionGround.LP_AGREEMENT)
    row = Exclusion(organization_id=owner.id, created_at=NOW, **target)
    save(row)
    return row


def organization_of(person: Registration) -> Organization:
    assert person.organization is not None
    return person.organization


def set_profile(person: Registration, **values: Any) -> MeetingProfile:
    row = MeetingProfile(registration_id=person.id, **values)
    save(row)
    return row


def terms(scene: Scene, one: Registration, other: Registration, *, on: date | None = None) -> Terms:
    return get_terms(scene.event, one.id, other.id, today=TODAY, on=on)


def test_two_strangers_may_meet(scene: Scene) -> None:
    assert terms(scene, scene.guest, scene.host) == Terms()


@pytest.mark.every_database
@pytest.mark.parametrize("target", ["other", "kind", "area", "weapons"])
@pytest.mark.parametrize("owner_side", ["guest", "host"])
def test_each_kind_of_rule_holds_whoever_made_it(scene: Scene, target: str, owner_side: str) -> None:
    owner, excluded = organization_of(scene.host), organization_of(scene.guest)
    if owner_side == "guest":
        owner, excluded = excluded, owner
    area = db.session.scalars(select(TechnologyArea)).first()
    assert area is not None
    with transaction():
        excluded.areas.append(area)
        excluded.weapons_related = True
    values: dict[str, dict[str, Any]] = {
        "other": {"other_id": excluded.id},
        "kind": {"kind": excluded.kind},
        "area": {"area_id": area.id},
        "weapons": {"weapons_related": True},
    }
    exclude(owner, **values[target])
    for one, other in ((scene.guest, scene.host), (scene.host, scene.guest)):
        assert terms(scene, one, other).obstacles == {O.EXCLUDED}
        assert not terms(scene, one, other).may_ask
        assert not terms(scene, one, other).may_meet


def test_a_rule_holds_for_its_organization_and_its_target_only(scene: Scene) -> None:
    other_guest, other_host = scene.more_guest(), scene.more_host()
    exclude(organization_of(scene.host), other_id=scene.guest.organization_id)
    assert terms(scene, other_guest, scene.host) == Terms()
    assert terms(scene, scene.guest, other_host) == Terms()


def test_a_rule_holds_up_to_its_last_day(scene: Scene) -> None:
    exclude(organization_of(scene.host), weapons_related=True, ends_on=TODAY)
    change(organization_of(scene.guest), weapons_related=True)
    assert terms(scene, scene.guest, scene.host).obstacles == {O.EXCLUDED}
    after = get_terms(scene.event, scene.guest.id, scene.host.id, today=TODAY + timedelta(days=1))
    assert after == Terms()


def test_kinds_barred_by_the_event_in_either_order(scene: Scene) -> None:
    kinds = sorted((Kind.AGENCY, Kind.STARTUP))
    save(KindBar(event_id=scene.event.id, one=kinds[0], other=kinds[1]))
    save(KindBar(event_id=make_event().id, one=Kind.PRESS, other=Kind.STARTUP))  # another event's
    for one, other in ((scene.guest, scene.host), (scene.host, scene.guest)):
        assert terms(scene, one, other).obstacles == {O.NOT_POSSIBLE}
    press = scene.more_guest(organization=make_organization(kind=Kind.PRESS))
    assert terms(scene, press, scene.guest) == Terms()


def test_no_thanks_stops_a_meeting_but_not_the_question(scene: Scene) -> None:
    save(NoThanks(registration_id=scene.host.id, other_id=scene.guest.id, created_at=NOW))
    for one, other in ((scene.guest, scene.host), (scene.host, scene.guest)):
        found = terms(scene, one, other)
        assert found.obstacles == {O.NO_THANKS}
        assert (found.may_ask, found.may_meet) == (True, False)


def test_a_pause_stops_the_question_but_no_meeting(scene: Scene) -> None:
    set_profile(scene.host, paused=True)
    asking = terms(scene, scene.guest, scene.host)
    assert asking.obstacles == {O.PAUSED}
    assert (asking.may_ask, asking.may_meet) == (False, True)
    assert terms(scene, scene.host, scene.guest) == Terms()  # who pauses may still ask


def test_colleagues_strangers_to_the_event_and_people_who_left(scene: Scene) -> None:
    colleague = scene.more_guest(organization=organization_of(scene.guest))
    gone = scene.more_guest(state=RegistrationState.CANCELLED)
    elsewhere = make_registration(make_event())
    assert terms(scene, colleague, scene.guest).obstacles == {O.SAME_ORGANIZATION}
    assert terms(scene, scene.guest, scene.guest).obstacles == {O.SAME_ORGANIZATION}
    for person in (gone, elsewhere):
        assert O.NOT_PRESENT in terms(scene, person, scene.guest).obstacles
    assert get_terms(scene.event, scene.guest.id, 10**6, today=TODAY).obstacles == {O.NOT_PRESENT}


def test_gates_say_who_can_mend_them(scene: Scene) -> None:
    set_profile(scene.host, needs_statement=True, needs_clearance=True, closed_room=True)
    found = terms(scene, scene.guest, scene.host)
    assert found.obstacles == {O.EXPORT_STATEMENT, O.CLEARANCE, O.CLOSED_ROOM}
    assert dict(found.lacks) == {
        O.EXPORT_STATEMENT: scene.guest.id,
        O.CLEARANCE: scene.guest.id,
        O.CLOSED_ROOM: None,
    }
    assert found.may_ask
    assert not found.may_meet
    assert terms(scene, scene.host, scene.guest).obstacles == found.obstacles

    set_profile(scene.guest, export_statement="Nothing that is listed.", export_stated_at=NOW)
    change(scene.guest, cleared_until=scene.event.starts_on)
    change(scene.tables[0], kind=TableKind.CLOSED)
    found = terms(scene, scene.guest, scene.host)
    assert found.may_meet
    assert found == Terms(closed=True, cleared_until=scene.event.starts_on, needs_clearance=True)
    # cleared for the first day, not for the second
    late = terms(scene, scene.guest, scene.host, on=scene.event.ends_on)
    assert late.obstacles == {O.CLEARANCE}


def test_another_events_closed_room_is_none(scene: Scene) -> None:
    set_profile(scene.host, closed_room=True)
    save(MeetingTable(event_id=make_event().id, label="C1", kind=TableKind.CLOSED))
    assert terms(scene, scene.guest, scene.host).obstacles == {O.CLOSED_ROOM}


def test_every_obstacle_stops_something() -> None:
    assert frozenset(Obstacle) == STOPS_ASKING | STOPS_MEETING


# --- Sentences -----------------------------------------------------------------------------------
def refusal(check: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(MayNotMeet) as refused:
        check(*args, today=TODAY, **kwargs)
    assert isinstance(refused.value, Invalid)
    return str(refused.value)


def test_one_sentence_for_every_ground(scene: Scene) -> None:
    paused, barred, gone = scene.more_host(), scene.more_host(), scene.more_host()
    set_profile(paused, paused=True)
    change(organization_of(barred), kind=Kind.PRESS)
    save(KindBar(event_id=scene.event.id, one=Kind.PRESS, other=Kind.STARTUP))
    change(gone, state=RegistrationState.CANCELLED)
    exclude(organization_of(scene.host), kind=Kind.STARTUP)
    for other in (scene.host, paused, barred, gone):
        assert refusal(check_may_ask, scene.event, scene.guest, other) == NOT_AVAILABLE
        assert refusal(check_may_ask, scene.event, scene.guest, other, staff=True) == BY_RULE
    assert refusal(check_may_all_meet, scene.event, [scene.guest, scene.host]) == NOT_AVAILABLE
    assert refusal(check_may_all_meet, scene.event, [scene.host, scene.guest], staff=True) == BY_RULE


def test_gate_sentences_by_reader(scene: Scene) -> None:
    set_profile(scene.host, needs_statement=True)
    check_may_ask(scene.event, scene.guest, scene.host, today=TODAY)
    own = refusal(check_may_all_meet, scene.event, [scene.guest, scene.host])
    other = refusal(check_may_all_meet, scene.event, [scene.host, scene.guest])
    staff = refusal(check_may_all_meet, scene.event, [scene.host, scene.guest], staff=True)
    assert (own, other) == (GATE_OWN[O.EXPORT_STATEMENT], GATE_OTHER[O.EXPORT_STATEMENT])
    assert scene.guest.name in staff


def test_a_rule_is_told_before_a_gate(scene: Scene) -> None:
    set_profile(scene.host, needs_statement=True)
    exclude(organization_of(scene.host), other_id=scene.guest.organization_id)
    assert refusal(check_may_all_meet, scene.event, [scene.guest, scene.host]) == NOT_AVAILABLE


def test_groups_are_each_with_each(scene: Scene) -> None:
    colleague = scene.more_host(hours=False)
    change(colleague, organization_id=scene.host.organization_id)
    third = scene.more_guest()
    people = [scene.host, colleague, scene.guest]
    assert check_may_all_meet(scene.event, people, today=TODAY) == Terms()
    assert refusal(check_may_all_meet, scene.event, [scene.host, colleague]) == COLLEAGUES
    exclude(organization_of(third), other_id=scene.guest.organization_id)
    assert refusal(check_may_all_meet, scene.event, [*people, third]) == NOT_AVAILABLE


# --- Cost ----------------------------------------------------------------------------------------
@pytest.mark.every_database
def test_many_pairs_cost_as_many_statements_as_one(scene: Scene) -> None:
    guests = [scene.more_guest() for _ in range(3)]
    exclude(organization_of(guests[0]), kind=Kind.AGENCY)
    event, ids, host_id = scene.event, [guest.id for guest in guests], scene.host.id  # loaded beforehand
    pairs = [(number, host_id) for number in ids]
    assert event.starts_on > TODAY
    with count_queries() as one:
        list_obstacles(event, pairs[:1], TODAY)
    with count_queries() as several:
        found = list_obstacles(event, pairs, TODAY)
    assert len(one) == len(several) == 6
    assert [found[pair] for pair in pairs] == [{O.EXCLUDED}, frozenset(), frozenset()]
    # beyond what fits into one statement's parameters the whole event is read: same answers
    strangers = [(host_id, 10**6 + n) for n in range(40_000)]
    with count_queries() as many:
        all_terms = list_terms(event, [*pairs, *strangers], TODAY)
    assert len(many) == 6
    assert {pair: all_terms[pair].obstacles for pair in pairs} == found
    assert all_terms[strangers[0]].obstacles == {O.NOT_PRESENT}
