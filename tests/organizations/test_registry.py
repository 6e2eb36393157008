"""The registry as people see it: list, search, profile, new entry, change."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.names import corporate_number_check_digit
from forum_app.db import db, transaction
from forum_app.organizations.models import (
    Kind,
    MemberRole,
    Membership,
    MemberState,
    Organization,
)
from forum_app.organizations.queries import TwinReason, find_twins
from forum_app.organizations.services import LikelyTwins, create_organization, update_organization
from tests.factories import NOW, make_member, make_organization, make_user, save, sign_in
from tests.queries import LIMIT_PER_PAGE, count_queries

CORPORATE = "000012090001"
CORPORATE = f"{corporate_number_check_digit(CORPORATE)}{CORPORATE}"


def create(**values: Any) -> Organization:
    values.setdefault("actor", None)
    values.setdefault("kind", Kind.STARTUP)
    values.setdefault("country", "JP")
    with transaction():
        return create_organization(now=NOW, **values)


def form(**values: Any) -> dict[str, Any]:
    return {"name_en": "Aozora Sensing Inc.", "kind": "startup", "country": "JP"} | values


def look_again() -> None:
    """Forget what this test read before the requests in between."""
    db.session.rollback()
    db.session.expire_all()


def names_in_order(page: str, names: list[str]) -> list[str]:
    return sorted((name for name in names if name in page), key=page.index)


# --- List ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "query",
    [
        "hayabusa",
        "HAYABUSA ROBOTICS",
        "ハヤブサ",
        "はやぶさ",
        "ﾊﾔﾌﾞｻ",
        "隼ロボティクス株式会社",
        "㈱隼",
        "HBR",
        "Robotics Hayabusa",
        CORPORATE,
    ],
)
def test_search_finds_any_spelling(client: FlaskClient, query: str) -> None:
    create(
        name_en="Hayabusa Robotics K.K.",
        name_ja="株式会社隼ロボティクス",
        name_kana="はやぶさろぼてぃくす",
        short_name="HBR",
        identifiers={"corporate_number": CORPORATE},
    )
    create(name_en="Another Thing")
    page = client.get("/organizations/", query_string={"q": query}).text
    assert "hayabusa-robotics" in page
    assert "Another Thing" not in page


def test_search_takes_wildcards_for_letters(client: FlaskClient) -> None:
    create(name_en="Plain Name")
    assert "Plain Name" not in client.get("/organizations/?q=%25").text
    assert "Plain Name" not in client.get("/organizations/?q=_").text


@pytest.mark.every_database
def test_sorted_by_reading_in_japanese_and_by_latin_name_in_english(client: FlaskClient) -> None:
    make_organization(name_en="Zeta", name_ja="愛", name_kana="あい")
    make_organization(name_en="Alpha", name_ja="若葉", name_kana="ワカバ")
    make_organization(name_en="éclair", name_ja="海", name_kana="ウミ")
    make_organization(name_en="Latin Only")
    page = client.get("/organizations/?lang=ja").text
    assert names_in_order(page, ["愛", "若葉", "海", "Latin Only"]) == ["愛", "海", "若葉", "Latin Only"]
    page = client.get("/organizations/?lang=en").text
    order = ["Alpha", "éclair", "Latin Only", "Zeta"]
    assert names_in_order(page, order) == order
    page = client.get("/organizations/?lang=en&sort=-name").text
    assert names_in_order(page, order) == order[::-1]


def test_filters(client: FlaskClient) -> None:
    create(name_en="Quantum House", areas=["quantum"])
    create(name_en="Press House", kind="press", country="US")
    for query, seen, unseen in (
        ("kind=press", "Press House", "Quantum House"),
        ("country=US", "Press House", "Quantum House"),
        ("area=quantum", "Quantum House", "Press House"),
    ):
        page = client.get(f"/organizations/?{query}").text
        assert seen in page
        assert unseen not in page
    assert (
        client.get("/organizations/?kind=nonsense&country=xx&area='&page=-1&size=7&sort=x").status_code == 200
    )


def test_a_page_costs_the_same_at_3_and_at_300_rows(client: FlaskClient) -> None:
    sign_in(client, make_user())
    for number in range(3):
        create(name_en=f"Firm {number}", areas=["ai", "space"], confirmed=True)
    with count_queries() as few:
        assert client.get("/organizations/").status_code == 200
    save(
        *[
            Organization(slug=f"many-{n}", name_en=f"Many {n}", kind=Kind.PRIME, country="US", created_at=NOW)
            for n in range(300)
        ]
    )
    with count_queries() as many:
        page = client.get("/organizations/?size=100").text
    assert "303" in page
    assert len(few) == len(many) <= LIMIT_PER_PAGE
    second = client.get("/organizations/?size=100&page=4").text
    assert second.count("row-head") == 3


def test_empty_registry(client: FlaskClient) -> None:
    assert "まだ登録されている組織はありません" in client.get("/organizations/?lang=ja").text
    assert "No organization yet" in client.get("/organizations/?lang=en").text


# --- Profile -------------------------------------------------------------------------------------
def test_profile_shows_no_members_to_strangers(client: FlaskClient) -> None:
    representative = make_user(name_latin="Hidden Person")
    organization = create(
        actor=representative, name_en="Open Profile", profile_en="We sense.", profile_ja="計測。"
    )
    page = client.get(f"/organizations/{organization.slug}").text
    assert "We sense." in page
    assert "計測。" in page
    assert "Hidden Person" not in page
    sign_in(client, make_user())
    assert "Hidden Person" not in client.get(f"/organizations/{organization.slug}").text
    member = make_user()
    make_member(member, organization, role=MemberRole.MEMBER)
    sign_in(client, member)
    assert "Hidden Person" in client.get(f"/organizations/{organization.slug}").text
    sign_in(client, make_user(is_admin=True))
    assert "Hidden Person" in client.get(f"/organizations/{organization.slug}").text


def test_former_and_asking_people_see_no_members(client: FlaskClient) -> None:
    organization = create(actor=make_user(name_latin="Hidden Person"), name_en="Open Profile")
    for state in (MemberState.ENDED, MemberState.REQUESTED):
        person = make_user()
        make_member(person, organization, state=state)
        sign_in(client, person)
        assert "Hidden Person" not in client.get(f"/organizations/{organization.slug}").text
        assert client.get(f"/organizations/{organization.slug}/members").status_code == 403


def test_unknown_organization_is_404(client: FlaskClient) -> None:
    assert client.get("/organizations/nobody").status_code == 404


@pytest.mark.parametrize(
    "website",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a.example",
        "https://",
        "https://u:p@a.example",
        "https://a b.example",
        "http://[::1",
        "//x",
        'a"b',
    ],
)
def test_only_web_addresses_are_links(client: FlaskClient, website: str) -> None:
    with pytest.raises(Invalid) as refused:
        create(name_en="Site", website=website)
    assert refused.value.field == "website"
    stored = make_organization(name_en="Stored", website=website)  # however it came in
    assert f'href="{website}' not in client.get(f"/organizations/{stored.slug}").text


def test_website_link(client: FlaskClient) -> None:
    organization = create(name_en="Site", website="www.site.example/page?a=1")
    page = client.get(f"/organizations/{organization.slug}").text
    assert '<a href="https://www.site.example/page?a=1" rel="noopener nofollow">' in page


def test_script_is_shown_harmless(client: FlaskClient) -> None:
    evil = "<script>alert(1)</script>"
    organization = create(
        name_en=evil, name_ja=evil, name_kana=evil, short_name=evil, profile_en=evil, profile_ja=evil
    )
    sign_in(client, make_user(is_admin=True))
    for path in ("", "/edit", "/join", "/members", "/history"):
        response = client.get(f"/organizations/{organization.slug}{path}")
        assert response.status_code == 200
        assert evil not in response.text
    assert evil not in client.get("/organizations/").text
    assert evil not in client.get("/organizations/", query_string={"q": evil}).text


# --- New entry -----------------------------------------------------------------------------------
def test_creator_becomes_representative(client: FlaskClient) -> None:
    user = make_user()
    assert client.get("/organizations/new").status_code == 302
    assert client.post("/organizations/new", data=form()).status_code == 302
    sign_in(client, user)
    assert client.get("/organizations/new").status_code == 200
    data = form(
        areas=["ai", "space"],
        corporate_number=CORPORATE[:4] + "-" + CORPORATE[4:],
        website="https://a.example",
    )
    response = client.post("/organizations/new", data=data)
    assert response.status_code == 303
    assert response.location == "/organizations/aozora-sensing"
    organization = db.session.scalars(select(Organization)).one()
    assert [area.code for area in organization.areas] == ["ai", "space"]
    assert organization.identifiers[0].value == CORPORATE
    membership = db.session.scalars(select(Membership)).one()
    assert (membership.user_id, membership.role, membership.state) == (
        user.id,
        MemberRole.REPRESENTATIVE,
        MemberState.ACTIVE,
    )


def test_people_without_verified_address_may_not_enter_one(client: FlaskClient) -> None:
    user = make_user(verified_at=None)
    sign_in(client, user)
    assert client.post("/organizations/new", data=form()).status_code == 403
    with pytest.raises(PermissionDenied):
        create(actor=user, name_en="No")


def test_a_form_sent_twice_makes_one_entry(client: FlaskClient) -> None:
    sign_in(client, make_user())
    data = form(idempotency_key="abc")
    first, second = (client.post("/organizations/new", data=data) for _ in range(2))
    assert first.location == second.location
    look_again()
    assert db.session.scalar(select(func.count(Organization.id))) == 1


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name_en": ""}, "name_en"),
        ({"kind": "nonsense"}, "kind"),
        ({"country": "XX"}, "country"),
        (
            {"corporate_number": "1" + CORPORATE[1:] if CORPORATE[0] != "1" else "2" + CORPORATE[1:]},
            "corporate_number",
        ),
        ({"uei": "O0000"}, "uei"),
        ({"cage": "????"}, "cage"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"name_kana": "漢字"}, "name_kana"),
        ({"name_en": "x" * 201}, "name_en"),
        ({"areas": ["nonsense"]}, "areas"),
    ],
)
def test_bad_input_comes_back_with_what_was_typed(
    client: FlaskClient, data: dict[str, Any], field: str
) -> None:
    sign_in(client, make_user())
    response = client.post("/organizations/new", data=form(short_name="Typed") | data)
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert 'value="Typed"' in response.text
    look_again()
    assert db.session.scalar(select(func.count(Organization.id))) == 0


def test_absurdly_long_input_is_refused(client: FlaskClient) -> None:
    sign_in(client, make_user())
    assert client.post("/organizations/new", data=form(name_en="x" * 10_000_000)).status_code == 413


def test_taken_number_names_the_holder_even_if_confirmed(client: FlaskClient) -> None:
    create(name_en="The Holder", identifiers={"corporate_number": CORPORATE})
    sign_in(client, make_user())
    data = form(corporate_number=CORPORATE, different="y")
    response = client.post("/organizations/new", data=data)
    assert response.status_code == 422
    assert "The Holder" in response.text
    look_again()
    assert db.session.scalar(select(func.count(Organization.id))) == 1


# --- Twins ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "typed",
    [
        {"name_en": "AOZORA-SENSING Inc"},
        {"name_en": "Aozora Sensing Co., Ltd."},
        {"name_en": "Sensing Aozora"},
        {"name_en": "Aozora Sensingg"},
        {"name_ja": "(株)青空センシング"},
        {"name_ja": "青空ｾﾝｼﾝｸﾞ株式会社"},
        {"name_ja": "あおぞらせんしんぐ"},
    ],
)
def test_twins_are_offered_before_saving(client: FlaskClient, typed: dict[str, str]) -> None:
    create(name_en="Aozora Sensing, Inc.", name_ja="株式会社青空センシング", name_kana="あおぞらせんしんぐ")
    sign_in(client, make_user())
    data = form(name_en="") | typed
    response = client.post("/organizations/new", data=data)
    assert response.status_code == 422
    assert "/organizations/aozora-sensing/join" in response.text
    assert 'name="different"' in response.text
    look_again()
    assert db.session.scalar(select(func.count(Organization.id))) == 1
    hint = client.get("/organizations/twins", query_string=typed)
    assert "/organizations/aozora-sensing/join" in hint.text
    assert "<html" not in hint.text
    response = client.post("/organizations/new", data=data | {"different": "y"})
    assert response.status_code == 303
    look_again()
    assert db.session.scalar(select(func.count(Organization.id))) == 2


def test_no_twins_of_something_else(client: FlaskClient) -> None:
    create(name_en="National Institute of Advanced Industrial Science and Technology", short_name="AIST")
    create(name_en="Aozora Sensing")
    assert find_twins(name_en="National Institute for Fusion Science") == []
    assert find_twins(name_en="Midori Sensing") == []
    assert find_twins(name_en="Aozora") == []
    create(name_en="Growth Fund No. 1")
    assert find_twins(name_en="Growth Fund No. 2") == []
    assert find_twins(name_en="Growth Fund No. 1 K.K.") != []
    sign_in(client, make_user())
    assert client.get("/organizations/twins?name_en=a").text.strip() == ""
    assert client.get("/organizations/twins").text.strip() == ""


def test_twins_by_short_name_and_number(app: object) -> None:
    agency = create(name_en="Defense Innovation Unit", short_name="DIU", country="US")
    numbered = create(name_en="Something Else", identifiers={"corporate_number": CORPORATE})
    assert [t.organization.id for t in find_twins(name_en="DIU")] == [agency.id]
    (twin,) = find_twins(name_en="Far Away", identifiers={"corporate_number": CORPORATE})  # type: ignore[dict-item]
    assert (twin.organization.id, twin.reason) == (numbered.id, TwinReason.IDENTIFIER)
    with pytest.raises(LikelyTwins) as refused:
        create(name_en="DIU")
    assert refused.value.twins[0].organization.id == agency.id


def test_twins_cost_the_same_in_a_large_registry(app: object) -> None:
    create(name_en="National Institute 0")
    with count_queries() as few:
        find_twins(name_en="National Institute 77")
    for number in range(1, 120):
        create(name_en=f"National Institute {number}", confirmed=True)
    with count_queries() as many:
        twins = find_twins(name_en="National Institute 77, Inc.")
    assert twins[0].organization.name_en == "National Institute 77"
    assert len(few) == len(many) <= 3


# --- Addresses -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("names", "slug"),
    [
        ({"name_en": "Hayabusa Robotics K.K."}, "hayabusa-robotics"),
        ({"name_en": "Café Ünïcode GmbH"}, "cafe-unicode"),
        ({"name_ja": "株式会社青空", "name_kana": "あおぞら"}, "aozora"),
        ({"name_ja": "株式会社青空"}, "org-1"),
        ({"name_en": "New"}, "new-organization"),
        ({"name_en": "Org 1"}, "org-1-organization"),
        ({"name_en": "../../etc"}, "etc"),
        ({"name_en": "w " * 60}, ("w-" * 60)[:59]),
    ],
)
def test_slugs(app: object, names: dict[str, str], slug: str) -> None:
    organization = create(**names)
    assert organization.slug == slug
    assert organization.slug.isascii()


def test_slugs_are_unique(app: object) -> None:
    slugs = [create(name_en="Same Name", confirmed=True).slug for _ in range(4)]
    assert slugs == ["same-name", "same-name-2", "same-name-3", "same-name-4"]
    slugs = [create(name_ja="同名", confirmed=True).slug for _ in range(3)]
    assert len(set(slugs)) == 3


# --- Change --------------------------------------------------------------------------------------
def test_only_representatives_and_administrators_edit(client: FlaskClient) -> None:
    representative, member, stranger = make_user(), make_user(), make_user()
    organization = create(actor=representative, name_en="Edited")
    other = create(actor=stranger, name_en="Wrong Organization")
    make_member(member, organization, role=MemberRole.MEMBER)
    path = f"/organizations/{organization.slug}/edit"
    data = form(name_en="Edited Better", version="1", uei="")
    assert client.get(path).status_code == 302
    assert client.post(path, data=data).status_code == 302
    for person in (member, stranger):
        sign_in(client, person)
        assert client.get(path).status_code == 403
        assert client.post(path, data=data).status_code == 403
    assert client.get(f"/organizations/{other.slug}/edit").status_code == 200
    sign_in(client, representative)
    page = client.get(path)
    assert 'value="Edited"' in page.text
    assert client.post(path, data=data).status_code == 303
    look_again()
    assert organization.name_en == "Edited Better"
    assert organization.slug == "edited"  # addresses stay
    # the new name is found, the old one is not
    assert find_twins(name_en="Edited Better Inc.")
    assert find_twins(name_en="Edited") == []
    # somebody was faster
    assert client.post(path, data=data).status_code == 409
    sign_in(client, make_user(is_admin=True))
    assert client.get(path).status_code == 200
    for version in ("", "x", "²", "9" * 30):
        assert client.post(path, data=data | {"version": version}).status_code in (409, 422)


def test_edit_shows_and_changes_areas_and_numbers(client: FlaskClient) -> None:
    user = make_user()
    organization = create(
        actor=user, name_en="Numbers", areas=["ai"], identifiers={"corporate_number": CORPORATE}, kind="prime"
    )
    create(name_en="Holder of CAGE", identifiers={"cage": "J1234"})
    sign_in(client, user)
    path = f"/organizations/{organization.slug}/edit"
    page = client.get(path).text
    assert CORPORATE in page
    assert 'value="ai"' in page.split("checked")[0][-400:] or "checked" in page
    assert '<option selected value="prime">' in page
    taken = client.post(path, data=form(name_en="Numbers", version="1", cage="j1234"))
    assert taken.status_code == 422
    assert "Holder of CAGE" in taken.text
    data = form(name_en="Numbers", version="1", corporate_number="", cage="J5678", areas=["space", "cyber"])
    assert client.post(path, data=data).status_code == 303
    look_again()
    assert {i.scheme.value: i.value for i in organization.identifiers} == {"cage": "J5678"}
    assert [a.code for a in organization.areas] == ["space", "cyber"]


def test_service_refuses_strangers(app: object) -> None:
    organization = create(name_en="Refused")
    with pytest.raises(PermissionDenied), transaction():
        update_organization(
            actor=make_user(),
            organization=organization,
            version=1,
            kind="press",
            country="JP",
            name_en="X",
            now=NOW,
        )
    with pytest.raises(Conflict), transaction():
        update_organization(
            actor=make_user(is_admin=True), organization=organization, version=7, kind="press", country="JP",
            name_en="X", now=NOW,
        )  # fmt: skip
