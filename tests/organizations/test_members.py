"""Who belongs: requests, invitations, roles, and one representative always."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.core.errors import Conflict, DomainError, Invalid, NotFound, PermissionDenied
from forum_app.db import db, transaction
from forum_app.mail.models import OutboxMail
from forum_app.organizations.member_services import (
    INVITATION_LIFETIME,
    accept_invitation,
    change_role,
    decide_request,
    end_membership,
    get_invitation,
    invite_member,
    request_to_join,
)
from forum_app.organizations.models import Kind, MemberRole, Membership, MemberState, Organization
from forum_app.organizations.services import create_organization
from forum_app.web import clock
from tests.factories import NOW, make_member, make_organization, make_user, sign_in

R, M = MemberRole.REPRESENTATIVE, MemberRole.MEMBER


@pytest.fixture
def house(app: Flask) -> tuple[Organization, User, Membership]:
    """An organization with one representative."""
    organization = make_organization(name_en="The House", name_ja="ザ・ハウス", slug="the-house")
    boss = make_user("boss@house.example", name_latin="Boss Person")
    return organization, boss, make_member(boss, organization)


House = tuple[Organization, User, Membership]


def look_again() -> None:
    """Forget what this test read before the requests in between."""
    db.session.rollback()
    db.session.expire_all()


def mails() -> list[OutboxMail]:
    look_again()
    return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def state_of(user: User) -> tuple[MemberState, MemberRole] | None:
    look_again()
    row = db.session.scalar(select(Membership).where(Membership.user_id == user.id))
    return (row.state, row.role) if row else None


def token_in(mail: OutboxMail) -> str:
    found = re.search(r"/organizations/invitations/(\S+)", mail.body)
    assert found
    return found[1]


def invite(house: House, email: str = "new@person.example", **values: Any) -> Membership:
    values.setdefault("role", M)
    values.setdefault("now", NOW)
    with transaction():
        return invite_member(actor=house[1], organization=house[0], email=email, **values)


# --- Requests ------------------------------------------------------------------------------------
def test_request_is_decided_by_a_representative(client: FlaskClient, house: House) -> None:
    asker = make_user("asker@house.example", name_latin="Asking Person", locale="ja")
    assert client.post("/organizations/the-house/join").status_code == 302
    sign_in(client, asker)
    assert client.get("/organizations/the-house/join").status_code == 200
    response = client.post("/organizations/the-house/join", data={"message": "I work there."})
    assert response.status_code == 303
    assert state_of(asker) == (MemberState.REQUESTED, M)
    (mail,) = mails()
    assert mail.to_address == "boss@house.example"
    assert "Asking Person" in mail.subject
    assert "I work there." in mail.body
    assert "https://forum.test/organizations/the-house/members" in mail.body
    # asking again is a lost race, and asking is not belonging
    assert client.post("/organizations/the-house/join").status_code == 409
    assert client.get("/organizations/the-house/members").status_code == 403
    membership_id = db.session.scalar(select(Membership.id).where(Membership.user_id == asker.id))
    path = f"/organizations/the-house/members/{membership_id}"
    assert client.post(f"{path}/accept").status_code == 403
    sign_in(client, house[1])
    page = client.get("/organizations/the-house/members").text
    assert "I work there." in page
    assert f"{path}/accept" in page
    assert client.post(f"{path}/accept").status_code == 303
    assert state_of(asker) == (MemberState.ACTIVE, M)
    told = mails()[-1]
    assert (told.to_address, told.locale) == ("asker@house.example", "ja")
    assert "ザ・ハウス" in told.subject
    assert client.post(f"{path}/decline").status_code == 409


def test_declined_person_is_told_and_may_ask_another_day(house: House) -> None:
    asker = make_user()
    with transaction():
        membership = request_to_join(actor=asker, organization=house[0], now=NOW)
    with transaction():
        decide_request(actor=house[1], membership=membership, accept=False, now=NOW)
    assert mails()[-1].to_address == asker.email
    with pytest.raises(Conflict), transaction():
        request_to_join(actor=asker, organization=house[0], now=NOW + timedelta(hours=1))
    with transaction():
        request_to_join(actor=asker, organization=house[0], now=NOW + timedelta(days=2))
    assert state_of(asker) == (MemberState.REQUESTED, M)


def test_administrators_decide_where_nobody_represents(app: Flask) -> None:
    organization = make_organization()
    make_user("admin@forum.example", is_admin=True)
    with transaction():
        request_to_join(actor=make_user(), organization=organization, now=NOW)
    assert [mail.to_address for mail in mails()] == ["admin@forum.example"]


def test_unverified_people_may_not_ask(house: House) -> None:
    with pytest.raises(PermissionDenied), transaction():
        request_to_join(actor=make_user(verified_at=None), organization=house[0], now=NOW)


def test_former_representative_comes_back_as_member(house: House) -> None:
    former = make_user()
    make_member(former, house[0], state=MemberState.ENDED, role=R)
    with transaction():
        request_to_join(actor=former, organization=house[0], now=NOW)
    assert state_of(former) == (MemberState.REQUESTED, M)


# --- Invitations ---------------------------------------------------------------------------------
def test_invitation_by_mail(client: FlaskClient, house: House) -> None:
    sign_in(client, house[1])
    data = {"email": "New@Person.example", "role": "representative"}
    assert client.post("/organizations/the-house/members", data=data).status_code == 303
    (mail,) = mails()
    assert mail.to_address == "New@Person.example"
    token = token_in(mail)
    row = db.session.scalars(select(Membership).where(Membership.state == MemberState.INVITED)).one()
    assert row.token_hash
    assert token not in (row.token_hash, row.message)  # only the hash is stored
    page = client.get("/organizations/the-house/members").text
    assert "new@person.example" in page
    assert token not in page
    # the person signs in, looks, accepts
    client.delete_cookie("forum_session")
    path = f"/organizations/invitations/{token}"
    assert client.get(path).status_code == 302
    person = make_user("new@person.example")
    sign_in(client, person)
    assert "The House" in client.get(path).text
    assert state_of(person) is None  # looking is not accepting
    assert client.post(path).status_code == 303
    assert state_of(person) == (MemberState.ACTIVE, R)
    # single use: for nobody, not even the same person
    assert client.post(path).status_code == 404
    sign_in(client, make_user())
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_another_address_is_said_and_kept_in_the_trail(client: FlaskClient, house: House) -> None:
    invite(house, now=clock.now())
    path = f"/organizations/invitations/{token_in(mails()[0])}"
    sign_in(client, make_user("private@person.example"))
    page = client.get(path).text
    assert "new@person.example" in page
    assert "private@person.example" in page


def test_invitation_expires(house: House) -> None:
    invite(house)
    token = token_in(mails()[0])
    assert get_invitation(token=token, now=NOW + INVITATION_LIFETIME).role == M
    late = NOW + INVITATION_LIFETIME + timedelta(seconds=1)
    with pytest.raises(NotFound):
        get_invitation(token=token, now=late)
    with pytest.raises(NotFound), transaction():
        accept_invitation(actor=make_user(), token=token, now=late)


def test_inviting_again_replaces_the_link(house: House) -> None:
    invite(house)
    invite(house, role=R)
    old, new = (token_in(mail) for mail in mails())
    with pytest.raises(NotFound):
        get_invitation(token=old, now=NOW)
    assert get_invitation(token=new, now=NOW).role == R
    assert db.session.scalar(select(func.count(Membership.id))) == 2


def test_withdrawn_invitation_is_void_and_may_be_sent_anew(house: House) -> None:
    row = invite(house)
    with transaction():
        end_membership(actor=house[1], membership=row, now=NOW)
    with pytest.raises(NotFound):
        get_invitation(token=token_in(mails()[0]), now=NOW)
    invite(house)
    assert get_invitation(token=token_in(mails()[1]), now=NOW).role == M


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "../x", "x" * 4000])
def test_forged_links(client: FlaskClient, token: str) -> None:
    sign_in(client, make_user())
    assert client.get(f"/organizations/invitations/{token}").status_code == 404
    assert client.post(f"/organizations/invitations/{token}").status_code == 404


def test_who_is_in_or_asks_is_not_invited(client: FlaskClient, house: House) -> None:
    asker = make_user("asker@house.example")
    make_member(asker, house[0], role=M, state=MemberState.REQUESTED)
    for email in ("BOSS@house.example", "asker@house.example"):
        with pytest.raises(Invalid):
            invite(house, email)
    sign_in(client, house[1])
    for email in ("asker@house.example", "not an address", "", "a@b", "x@" + "y" * 400 + ".example"):
        data = {"email": email, "role": "member"}
        response = client.post("/organizations/the-house/members", data=data)
        assert response.status_code == 422, email
        assert 'id="email-error"' in response.text
    data = {"email": "fine@person.example", "role": "king"}
    assert client.post("/organizations/the-house/members", data=data).status_code == 422
    assert mails() == []


def test_an_invited_former_member_comes_back(house: House) -> None:
    former = make_user("former@house.example")
    make_member(former, house[0], role=M, state=MemberState.ENDED)
    invite(house, "former@house.example", role=R)
    with transaction():
        accept_invitation(actor=former, token=token_in(mails()[0]), now=NOW)
    assert state_of(former) == (MemberState.ACTIVE, R)
    assert db.session.scalar(select(func.count(Membership.id))) == 2


def test_an_invitation_never_takes_a_role_away(house: House) -> None:
    invite(house, "other@house.example", role=M)
    with transaction():
        accept_invitation(actor=house[1], token=token_in(mails()[0]), now=NOW)
    assert state_of(house[1]) == (MemberState.ACTIVE, R)


# --- Roles and leaving ---------------------------------------------------------------------------
def test_one_representative_remains(client: FlaskClient, house: House) -> None:
    organization, boss, row = house
    sign_in(client, boss)
    path = f"/organizations/the-house/members/{row.id}"
    for response in (client.post(f"{path}/end"), client.post(f"{path}/role", data={"role": "member"})):
        assert response.status_code == 409
        assert "at least one representative" in response.text
    sign_in(client, make_user(is_admin=True))
    assert client.post(f"{path}/end").status_code == 409
    second = make_user()
    second_row = make_member(second, organization, role=M)
    sign_in(client, boss)
    assert client.post(f"{path}/role", data={"role": "nonsense"}).status_code == 422
    second_path = f"/organizations/the-house/members/{second_row.id}"
    assert client.post(f"{second_path}/role", data={"role": "representative"}).status_code == 303
    assert client.post(f"{path}/end").status_code == 303
    assert state_of(boss) == (MemberState.ENDED, R)
    assert client.post(f"{path}/end").status_code == 409
    assert client.get("/organizations/the-house/members").status_code == 403
    assert state_of(second) == (MemberState.ACTIVE, R)


@pytest.mark.every_database
@pytest.mark.parametrize("how", ["end", "demote"])
def test_two_representatives_who_leave_at_once(app: Flask, how: str) -> None:
    """Each ends the other's place, or their own, at the same instant: one always remains."""
    organization = make_organization()
    people = [make_user() for _ in range(4)]
    rows = [make_member(person, organization).id for person in people]
    actors = [person.id for person in people]
    barrier = Barrier(len(rows))

    def leave(number: int) -> str:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    actor = db.session.get(User, actors[(number + 1) % 4])
                    membership = db.session.get(Membership, rows[number])
                    assert membership is not None
                    if how == "end":
                        end_membership(actor=actor, membership=membership, now=NOW)
                    else:
                        change_role(actor=actor, membership=membership, role=M, now=NOW)
            except DomainError as error:
                return type(error).__name__
            finally:
                db.session.remove()
            return "done"

    with ThreadPoolExecutor(len(rows)) as pool:
        results = list(pool.map(leave, range(len(rows))))
    look_again()
    left = db.session.scalars(
        select(Membership).where(
            Membership.organization_id == organization.id,
            Membership.role == R,
            Membership.state == MemberState.ACTIVE,
        )
    ).all()
    assert len(left) == 4 - results.count("done") >= 1
    assert set(results) <= {"done", "Conflict", "PermissionDenied"}


@pytest.mark.every_database
def test_the_last_two_are_ended_at_once(app: Flask) -> None:
    """Administrators end both representatives at once: exactly one of the two is refused."""
    organization = make_organization()
    admin = make_user(is_admin=True).id
    rows = [make_member(make_user(), organization).id for _ in range(2)]
    for _ in range(5):
        barrier = Barrier(2)

        def end(row: int, barrier: Barrier = barrier) -> str:
            with app.app_context():
                barrier.wait()
                try:
                    with transaction():
                        membership = db.session.get(Membership, row)
                        actor = db.session.get(User, admin)
                        end_membership(actor=actor, membership=membership, now=NOW)  # type: ignore[arg-type]
                except Conflict:
                    return "refused"
                finally:
                    db.session.remove()
                return "done"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(end, rows)) == ["done", "refused"]
        look_again()
        with transaction():
            for row in db.session.scalars(select(Membership)):
                row.state = MemberState.ACTIVE


@pytest.mark.every_database
def test_one_invitation_lets_one_person_in(app: Flask) -> None:
    organization = make_organization()
    boss = make_user()
    make_member(boss, organization)
    with transaction():
        invite_member(actor=boss, organization=organization, email="a@b.example", role=M, now=NOW)
    token = token_in(mails()[0])
    people = [make_user().id for _ in range(4)]
    barrier = Barrier(len(people))

    def accept(user_id: int) -> str:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    accept_invitation(actor=db.session.get(User, user_id), token=token, now=NOW)
            except (Conflict, NotFound):
                return "refused"
            finally:
                db.session.remove()
            return "in"

    with ThreadPoolExecutor(len(people)) as pool:
        results = list(pool.map(accept, people))
    assert sorted(results) == ["in", "refused", "refused", "refused"]


@pytest.mark.every_database
def test_asking_twice_at_once_asks_once(app: Flask) -> None:
    house_id = make_organization().id
    person = make_user().id
    barrier = Barrier(4)

    def ask(_: int) -> str:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    request_to_join(
                        actor=db.session.get(User, person),
                        organization=db.session.get_one(Organization, house_id),
                        now=NOW,
                    )
            except Conflict:
                return "refused"
            finally:
                db.session.remove()
            return "asked"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == ["asked", "refused", "refused", "refused"]


@pytest.mark.every_database
def test_addresses_and_numbers_stay_unique_in_a_race(app: Flask) -> None:
    barrier = Barrier(4)

    def enter(number: int) -> str:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    organization = create_organization(
                        actor=None,
                        kind=Kind.STARTUP,
                        country="US",
                        name_en="Same Name",
                        identifiers={"cage": "1ABC2"} if number < 2 else {},
                        confirmed=True,
                        now=NOW,
                    )
                    slug = organization.slug
            except Invalid as error:
                return f"refused: {error.params.get('holder')}"
            finally:
                db.session.remove()
            return slug

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(enter, range(4)))
    assert results == ["refused: Same Name", "same-name", "same-name-2", "same-name-3"]


# --- Who may -------------------------------------------------------------------------------------
def test_routes_of_members(client: FlaskClient, house: House) -> None:
    organization, _, row = house
    member, stranger, other_boss = make_user(), make_user(), make_user()
    member_row = make_member(member, organization, role=M)
    other = make_organization(slug="other-house")
    make_member(other_boss, other)
    actions = ("accept", "decline", "role", "end")
    posts = [f"/organizations/the-house/members/{member_row.id}/{action}" for action in actions]
    posts.append("/organizations/the-house/members")
    data = {"role": "representative", "email": "a@b.example"}
    for path in posts:
        assert client.post(path, data=data).status_code == 302
    assert client.get("/organizations/the-house/members").status_code == 302
    for person in (stranger, other_boss):
        sign_in(client, person)
        assert client.get("/organizations/the-house/members").status_code == 403
        for path in posts:
            assert client.post(path, data=data).status_code == 403, path
    sign_in(client, member)
    page = client.get("/organizations/the-house/members")
    assert page.status_code == 200
    assert "Boss Person" in page.text
    assert "boss@house.example" not in page.text  # addresses are for representatives
    for path in [p for p in posts if not p.endswith("/end")]:
        assert client.post(path, data=data).status_code == 403, path
    assert client.post(f"/organizations/the-house/members/{row.id}/end").status_code == 403
    # a representative of another organization cannot reach these people through their own
    sign_in(client, other_boss)
    for action in actions:
        path = f"/organizations/other-house/members/{member_row.id}/{action}"
        assert client.post(path, data=data).status_code == 404
    assert state_of(member) == (MemberState.ACTIVE, M)
    assert mails() == []
    # leaving is everybody's own
    sign_in(client, member)
    assert client.post(f"/organizations/the-house/members/{member_row.id}/end").status_code == 303
    assert state_of(member) == (MemberState.ENDED, M)


def test_services_refuse_those_who_may_not(house: House) -> None:
    organization, _, row = house
    stranger = make_user()
    refused: list[Any] = [
        lambda: invite_member(
            actor=stranger, organization=organization, email="a@b.example", role=R, now=NOW
        ),
        lambda: change_role(actor=stranger, membership=row, role=M, now=NOW),
        lambda: end_membership(actor=stranger, membership=row, now=NOW),
        lambda: decide_request(actor=stranger, membership=row, accept=True, now=NOW),
    ]
    for use in refused:
        with pytest.raises(PermissionDenied), transaction():
            use()
