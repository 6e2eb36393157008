"""Rules about whom an organization must not meet: its own people see and change them, nobody else."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Invalid, NotFound
from forum_app.db import db, transaction
from forum_app.organizations.exclusion_services import (
    MOST_EXCLUSIONS,
    Target,
    add_exclusion,
    change_exclusion,
    remove_exclusion,
)
from forum_app.organizations.models import (
    Exclusion,
    ExclusionGround,
    Kind,
    MemberRole,
    Organization,
    Stage,
)
from tests.factories import NOW, make_member, make_organization, make_user, save, sign_in
from tests.queries import LIMIT_PER_PAGE, count_queries

REASON = "Clause 7 of the partnership agreement <b>x</b>"
PATH = "/organizations/fund/exclusions"


@dataclass
class Fund:
    organization: Organization
    representative: User
    member: User


@pytest.fixture
def fund(app: Flask) -> Fund:
    """A fund with a representative and a member, and a start-up in the registry."""
    organization = make_organization(slug="fund", name_en="Fund of Tests", kind=Kind.VENTURE_CAPITAL)
    representative, member = make_user(), make_user()
    make_member(representative, organization)
    make_member(member, organization, role=MemberRole.MEMBER)
    make_organization(slug="hayabusa", name_en="Hayabusa Sensing", name_ja="はやぶさセンシング")
    return Fund(organization, representative, member)


def rules() -> list[Exclusion]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Exclusion).order_by(Exclusion.id)))


def shown(client: FlaskClient, path: str) -> str:
    """A page without its own address, and without its form token, which is another in each second."""
    return re.sub(r'("csrf_token"[^>]*value=)"[^"]+"', r"\1", client.get(path).text).replace(path, "?")


def typed(**values: Any) -> dict[str, Any]:
    return {"target": "weapons", "ground": "lp_agreement", "reason": REASON} | values


def add(fund: Fund, **values: Any) -> Exclusion:
    values.setdefault("target", Target(weapons_related=True))
    with transaction():
        return add_exclusion(
            actor=fund.representative,
            organization=fund.organization,
            ground=ExclusionGround.LP_AGREEMENT,
            now=NOW,
            **values,
        )


# --- Use cases through the page ---------------------------------------------------------------------
def test_a_representative_adds_changes_and_removes_a_rule(fund: Fund, client: FlaskClient) -> None:
    sign_in(client, fund.representative)
    assert client.post(PATH, data=typed(ends_on="2027-03-31")).status_code == 303
    (row,) = rules()
    assert (row.weapons_related, row.ends_on, row.reason) == (True, date(2027, 3, 31), REASON)
    page = client.get(PATH).text
    assert "All with business related to weapons" in page
    assert "Clause 7 of the partnership agreement &lt;b&gt;" in page
    edit = f"{PATH}/{row.id}"
    assert 'value="2027-03-31"' in client.get(edit).text
    change = typed(target="kind", kind="prime", reason="", ends_on="")
    assert client.post(edit, data=change).status_code == 303
    (row,) = rules()
    assert (row.weapons_related, row.kind, row.reason, row.ends_on) == (False, Kind.PRIME, "", None)
    assert client.post(f"{edit}/remove").status_code == 303
    assert rules() == []
    assert client.get(edit).status_code == 404


@pytest.mark.parametrize("text", ["Hayabusa Sensing", "はやぶさ", "hayabusa"])
def test_one_organization_by_its_name(fund: Fund, client: FlaskClient, text: str) -> None:
    sign_in(client, fund.representative)
    assert client.post(PATH, data=typed(target="organization", organization=text)).status_code == 303
    (row,) = rules()
    assert row.other is not None
    assert row.other.slug == "hayabusa"


def test_several_of_that_name_are_offered(fund: Fund, client: FlaskClient) -> None:
    make_organization(slug="hayabusa-2", name_en="Hayabusa Robotics")
    sign_in(client, fund.representative)
    answer = client.post(PATH, data=typed(target="organization", organization="hayabusa sens"))
    assert answer.status_code == 303  # the words fit one only
    answer = client.post(PATH, data=typed(target="organization", organization="haya"))
    assert answer.status_code == 422
    assert 'value="hayabusa-2"' in answer.text
    assert "Clause 7" in answer.text  # what was typed stays
    chosen = typed(target="organization", organization="haya", other="hayabusa-2")
    assert client.post(PATH, data=chosen).status_code == 303
    assert [row.other.slug for row in rules() if row.other] == ["hayabusa", "hayabusa-2"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"target": ""}, "This field is required"),
        ({"target": "area"}, "Choose a technology area."),
        ({"target": "kind"}, "Choose a kind of organization."),
        ({"target": "kind", "kind": "nonsense"}, "choose one of those in the list"),
        ({"target": "organization"}, "Give the name of the organization."),
        ({"target": "organization", "organization": "nobody"}, "no other organization of that name"),
        ({"target": "organization", "organization": "Fund of Tests"}, "no other organization of that name"),
        ({"ends_on": "2020-01-01"}, "The last day is over already."),
        ({"ends_on": "soon"}, "Please give a date"),
        ({"ground": "because"}, "choose one of those in the list"),
    ],
)
def test_what_cannot_be_taken(fund: Fund, client: FlaskClient, values: Any, sentence: str) -> None:
    sign_in(client, fund.representative)
    answer = client.post(PATH, data=typed(**values))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert rules() == []


def test_an_ended_rule_is_told_apart(fund: Fund, client: FlaskClient) -> None:
    row = add(fund, ends_on=date(2026, 10, 20))  # the clock of tests stands in November
    sign_in(client, fund.representative)
    page = client.get(PATH).text
    assert "No rule is in force" in page
    assert "No longer in force" in page
    # its words can be mended without giving it new life
    answer = client.post(f"{PATH}/{row.id}", data=typed(ends_on="2026-10-20", reason="Mended"))
    assert answer.status_code == 303
    assert rules()[0].reason == "Mended"


def test_one_rule_about_one_target_at_a_time(fund: Fund, client: FlaskClient) -> None:
    sign_in(client, fund.representative)
    add(fund, ends_on=date(2026, 10, 20))  # has ended: another may follow
    assert client.post(PATH, data=typed()).status_code == 303
    answer = client.post(PATH, data=typed(ground="other"))
    assert answer.status_code == 422
    assert "A rule about them is in force already." in answer.text
    assert client.post(f"{PATH}/{rules()[-1].id}", data=typed(ground="other")).status_code == 303


def test_a_form_sent_twice_adds_one_rule(fund: Fund, client: FlaskClient) -> None:
    sign_in(client, fund.representative)
    for _ in range(2):
        assert client.post(PATH, data=typed(idempotency_key="k1")).status_code == 303
    assert len(rules()) == 1


# --- Who may know ----------------------------------------------------------------------------------
def test_nobody_else_learns_that_there_are_rules(fund: Fund, client: FlaskClient) -> None:
    number = add(fund).id
    stranger, admin = make_user(), make_user(is_admin=True)
    paths = [PATH, f"{PATH}/{number}", f"{PATH}/{number}/remove"]
    for person in (fund.member, stranger):
        sign_in(client, person)
        for path in paths:
            assert client.post(path, data=typed()).status_code == 404
        for path in paths[:2]:
            assert client.get(path).status_code == 404
            unknown = f"{PATH}/999999"
            assert shown(client, path) == shown(client, unknown)
        for path in ("/organizations/fund", "/organizations/fund/history"):
            assert "exclusions" not in client.get(path).text.lower()
    sign_in(client, admin)
    assert client.get(PATH).status_code == 200
    sign_in(client, fund.representative)
    for path in ("/organizations/fund", "/organizations/fund/history", "/organizations/fund/members"):
        assert PATH in client.get(path).text


def test_a_rule_of_another_organization_is_not_there(fund: Fund, client: FlaskClient) -> None:
    number = add(fund).id
    other = make_organization(slug="other-fund")
    rep = make_user()
    make_member(rep, other)
    sign_in(client, rep)
    assert client.get(f"/organizations/other-fund/exclusions/{number}").status_code == 404
    assert client.post(f"/organizations/other-fund/exclusions/{number}/remove").status_code == 404
    assert len(rules()) == 1


def test_services_refuse_by_themselves(fund: Fund) -> None:
    row = add(fund)
    values: dict[str, Any] = {"organization": fund.organization, "now": NOW}
    change = {**values, "target": Target(kind=Kind.PRESS), "ground": ExclusionGround.OTHER}
    for person in (fund.member, make_user()):
        with pytest.raises(NotFound):
            add_exclusion(actor=person, **change)
        with pytest.raises(NotFound):
            change_exclusion(actor=person, exclusion=row, **change)
        with pytest.raises(NotFound):
            remove_exclusion(actor=person, exclusion=row, **values)


def test_the_audit_trail_keeps_the_secret(fund: Fund, client: FlaskClient) -> None:
    sign_in(client, fund.representative)
    client.post(PATH, data=typed(target="organization", organization="hayabusa"))
    client.post(f"{PATH}/{rules()[0].id}/remove")
    db.session.rollback()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action.contains("exclusion"))).all()
    assert [entry.action for entry in entries] == [
        "organization.exclusion_added",
        "organization.exclusion_removed",
    ]
    for entry in entries:
        told = f"{entry.detail} {entry.subject_label}".lower()
        assert not any(word in told for word in ("clause", "hayabusa", "lp_agreement"))


# --- Bounds ----------------------------------------------------------------------------------------
def test_targets_are_exactly_one(fund: Fund) -> None:
    for target in (
        Target(),
        Target(kind=Kind.PRESS, weapons_related=True),
        Target(other=fund.organization),
        Target(area="no-such-area"),
    ):
        with pytest.raises(Invalid):
            add(fund, target=target)
    assert rules() == []


def test_the_list_costs_the_same_at_any_length_and_is_bounded(fund: Fund, client: FlaskClient) -> None:
    sign_in(client, fund.representative)
    add(fund)
    client.get(PATH)
    with count_queries() as few:
        client.get(PATH)
    save(
        *(
            Exclusion(
                organization_id=fund.organization.id,
                other_id=make_organization().id,
                ground=ExclusionGround.COMPETITOR,
                created_at=NOW,
            )
            for _ in range(MOST_EXCLUSIONS - 1)
        )
    )
    with count_queries() as many:
        assert client.get(PATH).text.count("data-confirm=") == MOST_EXCLUSIONS
    assert len(few) == len(many) <= LIMIT_PER_PAGE
    assert client.post(PATH, data=typed(target="kind", kind="press")).status_code == 422


# --- What an organization states about itself ---------------------------------------------------------
def test_stage_and_weapons_are_stated_and_only_the_stage_is_shown(fund: Fund, client: FlaskClient) -> None:
    rep = make_user()
    startup = db.session.scalar(select(Organization).where(Organization.slug == "hayabusa"))
    assert startup is not None
    make_member(rep, startup)
    sign_in(client, rep)
    values = {"name_en": "Hayabusa Sensing", "kind": "startup", "country": "JP", "version": "1"}
    edit = "/organizations/hayabusa/edit"
    answer = client.post(edit, data=values | {"stage": "prototype", "weapons_related": "y"})
    assert answer.status_code == 303
    db.session.rollback()
    db.session.expire_all()
    assert (startup.stage, startup.weapons_related) == (Stage.PROTOTYPE, True)
    box = re.search('<input[^>]*name="weapons_related"[^>]*>', client.get(edit).text)
    assert box is not None
    assert "checked" in box[0]
    page = client.get("/organizations/hayabusa").text
    assert "Prototype" in page
    assert "weapon" not in page.lower()
    assert client.post(edit, data=values | {"stage": "huge"}).status_code == 422
