"""A roster of organizations in CSV, read with bounds. Pure: bytes in, checked details out."""

import csv
import io
from typing import Any

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.organizations.details import OrganizationDetails, checked_details
from forum_app.organizations.models import IdentifierScheme

COLUMNS = (
    "name_en",
    "name_ja",
    "name_kana",
    "short_name",
    "kind",
    "country",
    "website",
    "corporate_number",
    "uei",
    "cage",
    "areas",
    "stage",
)
NEEDED = {"kind", "country"}
MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 20_000
MAX_CELL = 20_000


def _decoded(data: bytes) -> str:
    """UTF-8 with or without a byte order mark, else what Excel writes in Japan."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(N_("The roster is neither UTF-8 nor Shift_JIS text."))


def parse_roster(data: bytes) -> list[tuple[int, OrganizationDetails]]:
    """(row, details) of each row that is not empty; the header is row 1, so the first is row 2.

    areas: codes separated by ; or spaces. Columns may come in any order, and only kind, country and
    one name are needed. Raises Invalid with one sentence that names the row.
    """
    if len(data) > MAX_BYTES:
        raise Invalid(N_("The roster is larger than %(most)s MB."), most=MAX_BYTES // 1024 // 1024)
    text = _decoded(data)
    if "\0" in text:
        raise Invalid(N_("The roster is not a CSV file."))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, OrganizationDetails]] = []
    header: list[str] = []
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number == 1:
                header = _header(cells)
            elif any(cell.strip() for cell in cells):
                if len(rows) >= MAX_ROWS:
                    raise Invalid(N_("The roster has more than %(most)s rows."), most=MAX_ROWS)
                rows.append((number, _details(number, header, cells)))
    except csv.Error as error:
        raise Invalid(
            N_("Row %(row)s: %(reason)s"), row=number + 1, reason=str(error).capitalize() + "."
        ) from error
    if not header:
        raise Invalid(N_("The roster is empty."))
    return rows


def _header(cells: list[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    while header and not header[-1]:
        header.pop()
    for name in header:
        if name not in COLUMNS:
            raise Invalid(
                N_("Row 1: the column %(name)s is not known. Known are: %(columns)s."),
                name=repr(name[:40]),
                columns=", ".join(COLUMNS),
            )
        if header.count(name) > 1:
            raise Invalid(N_("Row 1: the column %(name)s is there twice."), name=name)
    missing = sorted(NEEDED - set(header))
    if missing or not {"name_en", "name_ja"} & set(header):
        raise Invalid(N_("Row 1: the column %(name)s is missing."), name=missing[0] if missing else "name_en")
    return header


def _details(number: int, header: list[str], cells: list[str]) -> OrganizationDetails:
    if len([cell for cell in cells[len(header) :] if cell.strip()]):
        raise Invalid(N_("Row %(row)s has more cells than the header."), row=number)
    if any(len(cell) > MAX_CELL for cell in cells):
        raise Invalid(N_("Row %(row)s has a cell that is too long."), row=number)
    values: dict[str, Any] = dict(zip(header, cells, strict=False))
    areas = values.pop("areas", "").replace(";", " ").replace(",", " ").lower().split()
    identifiers = {scheme: values.pop(scheme.value, "") for scheme in IdentifierScheme}
    try:
        return checked_details(
            kind=values.pop("kind", "").strip().lower(),
            country=values.pop("country", "").strip().upper(),
            areas=areas,
            stage=values.pop("stage", "").strip().lower(),
            identifiers=identifiers,
            **values,
        )
    except Invalid as error:
        raise Invalid(N_("Row %(row)s: %(reason)s"), row=number, reason=str(error)) from error
