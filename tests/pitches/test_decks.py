"""What counts as a deck, and how it comes back."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from forum_app.core.errors import Invalid
from forum_app.pitches.decks import MOST_BYTES, REASONS, count_pages, disposition, tidy_name
from tests.pitches.parts import (
    bomb,
    encrypted,
    huge_picture,
    opening,
    opening_at_a_page,
    page_action,
    pdf,
    raw_pdf,
    with_attachment,
    with_javascript,
)


def reason(content: bytes) -> str:
    """The key of the refusal."""
    with pytest.raises(Invalid) as refused:
        count_pages(content)
    assert refused.value.field == "deck"
    return next(key for key, sentence in REASONS.items() if sentence == refused.value.message)


@pytest.mark.parametrize("pages", [1, 15, 30])
def test_a_deck_is_taken(pages: int) -> None:
    assert count_pages(pdf(pages)) == pages


def test_opening_at_a_page_is_harmless() -> None:
    assert count_pages(pdf(2, opening_at_a_page)) == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (encrypted, "encrypted"),
        (with_javascript, "active"),
        (opening("/JavaScript"), "active"),
        (opening("/Launch"), "active"),
        (opening("/URI"), "active"),
        (page_action, "active"),
        (with_attachment, "embedded"),
        (bomb, "complex"),
        (huge_picture, "complex"),
    ],
)
def test_what_acts_hides_or_swells_is_refused(change: Callable[[PdfWriter], None], expected: str) -> None:
    assert reason(pdf(2, change)) == expected


def test_the_number_of_pages() -> None:
    assert reason(pdf(31)) == "pages"
    assert reason(pdf(0)) == "empty"


def test_what_is_no_pdf() -> None:
    assert reason(b"") == "nothing"
    assert reason(b"<html><script>alert(1)</script></html>") == "kind"
    assert reason(b"PK\x03\x04" + pdf()) == "kind"
    assert reason(b"%PDF-1.7\n" + b"x" * (MOST_BYTES + 1)) == "large"


def test_what_is_cut_or_broken() -> None:
    whole = pdf(5)
    assert reason(whole[: len(whole) // 2]) == "cut"
    assert reason(whole[: len(whole) // 2] + b"\n%%EOF\n") == "unreadable"
    assert reason(b"%PDF-1.7\nnothing at all\n%%EOF\n") == "unreadable"


PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 960 540] >>"


def test_names_written_in_hex_are_read() -> None:
    assert count_pages(raw_pdf(b"<< /Type /Catalog /Pages 2 0 R >>", PAGES, PAGE)) == 1
    acts = b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /J#61vaScript /#4aS (app.alert(1)) >> >>"
    assert reason(raw_pdf(acts, PAGES, PAGE)) == "active"


def test_what_no_page_refers_to_is_read_too() -> None:
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    assert reason(raw_pdf(catalog, PAGES, PAGE, b"<< /S /L#61unch /F (calc.exe) >>")) == "active"
    beside = raw_pdf(catalog, PAGES, PAGE + b"\nendobj\n9 0 obj\n<< /S /Launch >>")
    assert reason(beside) == "active"


def test_a_page_tree_without_end() -> None:
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    assert reason(raw_pdf(catalog, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")) == "unreadable"


def test_very_many_objects() -> None:
    def many(writer: PdfWriter) -> None:
        for _ in range(60_000):
            writer._add_object(writer.root_object["/Pages"].__class__())

    assert reason(pdf(1, many)) == "complex"


def test_names_are_tidy() -> None:
    assert tidy_name("C:\\Users\\me\\Deck final.PDF") == "Deck final.pdf"
    assert tidy_name("../../etc/passwd") == "passwd.pdf"
    assert tidy_name('a";\r\nSet-Cookie: x') == "a-Set-Cookie- x.pdf"
    assert tidy_name("") == "deck.pdf"
    assert tidy_name("風況観測.pdf") == "風況観測.pdf"


def test_downloads_bear_both_names() -> None:
    assert disposition("Deck.pdf", "pitch-x.pdf") == 'attachment; filename="Deck.pdf"'
    both = disposition("風.pdf", "pitch-x.pdf")
    assert both == "attachment; filename=\"pitch-x.pdf\"; filename*=UTF-8''%E9%A2%A8.pdf"


@given(st.text(max_size=200))
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    value = disposition(name, "pitch-x.pdf")
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
