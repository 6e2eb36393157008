"""Rosters in CSV: read with bounds, likely duplicates reported, never merged."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from forum_app.core.errors import Invalid, PermissionDenied
from forum_app.core.names import corporate_number_check_digit
from forum_app.db import db, transaction
from forum_app.organizations.details import slug_base
from forum_app.organizations.exchange import COLUMNS, MAX_BYTES, parse_roster
from forum_app.organizations.imports import import_organizations_file
from forum_app.organizations.models import IdentifierScheme, Organization
from forum_app.organizations.services import ImportReport, import_organizations
from tests.factories import NOW, make_organization, make_user

NUMBER = f"{corporate_number_check_digit('000012090001')}000012090001"
HEADER = ",".join(COLUMNS)
ROSTER = f"""{HEADER}
Aozora Sensing Inc.,株式会社青空センシング,あおぞらせんしんぐ,AZS,startup,JP,https://aozora.example,{NUMBER},,,ai;space
Big Prime Corp,,,,prime,us,prime.example,,,1ABC2,
,防衛庁装備局,,,agency,JP,,,,,
""".encode()


def load(data: bytes) -> ImportReport:
    with transaction():
        return import_organizations_file(data=data, now=NOW)


def count() -> int:
    return db.session.scalar(select(func.count(Organization.id))) or 0


def test_import_enters_and_repeating_changes_nothing(app: Flask) -> None:
    report = load(ROSTER)
    assert len(report.created) == 3
    assert str(report) == "3 organizations entered, 0 already there, 0 likely duplicates not entered."
    organization = db.session.scalars(select(Organization).where(Organization.slug == "aozora-sensing")).one()
    assert {i.scheme: i.value for i in organization.identifiers} == {
        IdentifierScheme.CORPORATE_NUMBER: NUMBER
    }
    assert [area.code for area in organization.areas] == ["ai", "space"]
    before = [(o.id, o.version, o.name_en) for o in db.session.scalars(select(Organization))]
    report = load(ROSTER)
    assert (len(report.created), len(report.known), len(report.twins)) == (0, 3, 0)
    db.session.rollback()
    assert [(o.id, o.version, o.name_en) for o in db.session.scalars(select(Organization))] == before


def test_likely_duplicates_are_reported_not_entered(app: Flask) -> None:
    make = load(ROSTER)
    assert make.created
    rows = ("name_en,name_ja,kind,country", "AOZORA SENSING,,startup,JP", ",(株)青空センシング,startup,JP")
    report = load("\n".join(rows).encode())
    assert [row for row, _, _ in report.twins] == [2, 3]
    assert "Row 2: AOZORA SENSING looks like Aozora Sensing Inc. (aozora-sensing)." in str(report)
    assert count() == 3


def test_duplicates_within_one_roster(app: Flask) -> None:
    rows = b"name_en,kind,country\nTwin Co.,prime,US\nTwin Co.,prime,US\nTWIN Corp,prime,US\n"
    report = load(rows)
    assert (len(report.created), len(report.known), len(report.twins)) == (1, 1, 1)


def test_a_number_means_the_organization_whatever_its_name(app: Flask) -> None:
    load(ROSTER)
    report = load(f"name_en,kind,country,corporate_number\nRenamed,startup,JP,{NUMBER}\n".encode())
    assert [organization.name_en for _, organization in report.known] == ["Aozora Sensing Inc."]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("name_en\nX\n", "country is missing"),
        ("kind,country\nprime,US\n", "name_en is missing"),
        ("name_en,kind,country,evil\n", "'evil' is not known"),
        ("name_en,name_en,kind,country\n", "twice"),
        ("name_en,kind,country\nGood,prime,US\n,prime,US\n", "Row 3: "),
        ("name_en,kind,country\nGood,prime,US\nBad,nonsense,US\n", "Row 3: This kind"),
        ("name_en,kind,country\nGood,prime,US\nBad,prime,Utopia\n", "Row 3: "),
        ("name_en,kind,country,website\nGood,prime,US,\nBad,prime,US,javascript:alert(1)\n", "Row 3: "),
        ("name_en,kind,country,areas\nGood,prime,US,ai\nBad,prime,US,astrology\n", "Row 3: "),
        ("name_en,kind,country,corporate_number\nGood,prime,US,\nBad,prime,JP,1234567890123\n", "Row 3: "),
        ("name_en,kind,country\nGood,prime,US\nBad,prime,US,more\n", "Row 3 has more cells"),
        ('name_en,kind,country\nGood,prime,US\n"Bad,prime,US\n', "Row 3: "),
        ("name_en,kind,country\nGood,prime,US\n" + "x" * 201 + ",prime,US\n", "Row 3: "),
        ("name_en,kind,country\nGood,prime,US\n" + "x" * 200_000 + ",prime,US\n", "Row 3"),
    ],
)
def test_a_bad_row_is_one_line_and_changes_nothing(app: Flask, text: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        load(text.encode())
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    db.session.rollback()
    assert count() == 0


@pytest.mark.parametrize("data", [b"\0\1\2", b"PK\3\4" + b"\0" * 50, b"\xff\xff\xff", b"x" * (MAX_BYTES + 1)])
def test_what_is_not_a_roster_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        parse_roster(data)


def test_numbers_of_two_organizations_in_one_row(app: Flask) -> None:
    load(ROSTER)
    row = f"name_en,kind,country,corporate_number,cage\nMixed,prime,US,{NUMBER},1ABC2\n"
    with pytest.raises(Invalid, match="different organizations"):
        load(row.encode())


def test_shift_jis_and_byte_order_mark() -> None:
    text = "name_ja,kind,country\n髙島屋,prime,JP\n"
    for data in (text.encode("cp932"), text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode()):
        ((row, details),) = parse_roster(data)
        assert (row, details.name_ja) == (2, "髙島屋")


def test_empty_rows_and_trailing_commas_are_nothing() -> None:
    rows = parse_roster(b"name_en,kind,country,,\n,,,,\n\nA,prime,US,,\n")
    assert [(number, details.name_en) for number, details in rows] == [(4, "A")]


def test_only_administrators_import(app: Flask) -> None:
    rows = parse_roster(ROSTER)
    with pytest.raises(PermissionDenied), transaction():
        import_organizations(actor=make_user(), rows=rows, now=NOW)
    with transaction():
        import_organizations(actor=make_user(is_admin=True), rows=rows, now=NOW)
    assert count() == 3


def test_a_row_made_by_hand_is_known_by_its_names(app: Flask) -> None:
    make_organization(name_en="By Hand", country="US")  # without keys, as an old row may be
    assert len(load(b"name_en,kind,country\nBy Hand,prime,US\n").known) == 1


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_roster(b"name_en,kind,country\n" + data)
    except Invalid as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are fine


@given(st.text(max_size=300), st.text(max_size=100))
def test_addresses_are_lower_case_ascii(name: str, reading: str) -> None:
    slug = slug_base(name, reading)
    assert len(slug) <= 80
    assert slug == "" or all(c in "abcdefghijklmnopqrstuvwxyz0123456789-" for c in slug)
    assert not slug.startswith("-")
    assert not slug.endswith("-")
