"""Every page of the address map in a real browser, as everybody who could ask for it.

A page neither scrolls sideways nor complains on the console, and axe-core finds nothing on it. The routes
come from the application itself, so a new page is looked at from its first day.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from forum_app.config import load_settings
from tests.browser.conftest import Forum, Visitor
from tests.conftest import TestDatabase
from tests.parts import DESK, PHONE
from tests.routes import route_path, route_values

# One product is enough: what differs between databases is not how pages look.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("forum", ["sqlite"], indirect=True)]
Seen = set[tuple[Any, ...]]
STRANGER = "stranger"
# Who looks, on a phone or at a desk, in which language: both languages for both kinds of frame. Each page is
# measured at both widths once it is there; loading it takes several times as long.
READERS = [
    ("organizer@forum.example", True, "ja"),
    ("admin@forum.example", False, "en"),
    ("founder@hayabusa.example", True, "en"),
    ("diu.rep@agency.example", True, "ja"),
    ("reviewer@forum.example", False, "ja"),
    ("vetting@forum.example", True, "en"),
    (STRANGER, True, "ja"),
]
WIDTHS = "[document.scrollingElement.scrollWidth, window.innerWidth]"
WIDEST = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
  .slice(0, 2).map((one) => one.outerHTML.slice(0, 90)).join(" ")"""


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What was looked at: (endpoint, status), and in which languages (endpoint, status, language)."""
    return set()


@pytest.fixture
def values(forum: Forum) -> Iterator[dict[str, Any]]:
    """Arguments of routes, from the database of the running product."""
    engine = create_engine(load_settings(forum.product.environ).database_url)
    with Session(engine) as session:
        yield route_values(session)
    engine.dispose()


def too_wide(visitor: Visitor, *, phone: bool) -> str | None:
    """What makes the page scroll sideways at this width, or None."""
    size = PHONE if phone else DESK
    page = visitor.page
    page.set_viewport_size(size)
    needed, there = page.evaluate(WIDTHS)
    assert there == size["width"]
    return f"{needed} of {there} px: {page.evaluate(WIDEST)}" if needed > there else None


def look(visitor: Visitor, rule: Rule, path: str, seen: Seen, *, phone: bool, language: str) -> str | None:
    """Open one page and look at it; what is wrong with it, or None."""
    if (rule.endpoint, 200, language) in seen:  # that it is no error for this reader either: test_hostile.py
        return None
    page = visitor.page
    answer = visitor.context.request.get(visitor.base + path, max_redirects=0)
    if answer.status >= 500:
        return f"{path}: {answer.status}"
    whole_page = "text/html" in answer.headers.get("content-type", "") and 'id="main"' in answer.text()
    kind = (rule.endpoint if answer.status == 200 else "error", answer.status)
    if not whole_page or (*kind, language) in seen or (answer.status != 200 and kind in seen):
        return None  # a file, a part of a page, elsewhere, or as somebody before has seen it
    seen.add((*kind, language))
    # until all is loaded: without its style sheet every page is too wide
    page.goto(visitor.base + path)
    visitor.settle()
    for width in (not phone, phone):
        if wide := too_wide(visitor, phone=width):
            return f"{path}: {wide}"
    if kind not in seen:
        seen.add(kind)
        try:
            visitor.check_accessibility()
        except AssertionError as found:
            return str(found)
    return None


@pytest.mark.parametrize(("reader", "phone", "language"), READERS, ids=[row[0] for row in READERS])
def test_every_page(
    visit: Callable[..., Visitor],
    database: TestDatabase,
    values: dict[str, Any],
    seen: Seen,
    reader: str,
    phone: bool,
    language: str,
) -> None:
    visitor = visit(phone=phone)
    if reader != STRANGER:
        visitor.sign_in(reader)
    wrong = []
    looked_at = 0
    for rule in database.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint != "static":
            path = f"{route_path(rule, values)}?lang={language}"
            problem = look(visitor, rule, path, seen, phone=phone, language=language)
            wrong += [problem] if problem else []
            looked_at += 1
    # pages that are refused are pages too, but the browser logs them as failed resources
    visitor.complaints[:] = [
        line
        for line in visitor.complaints
        if not any(f"status of {code}" in line for code in (403, 404, 405))
    ]
    assert not wrong, "\n" + "\n".join(wrong)
    assert looked_at > 80
