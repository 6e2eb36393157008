"""A real Chromium on the product as its users start it: web, worker and mail server as processes."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.parts import (
    BROWSER_FLAGS,
    DEMO_PASSWORD,
    DESK,
    PHONE,
    ROOT,
    Mailbox,
    Product,
    chromium,
    postgresql_server,
    product,
    smtp_server,
)

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# What must happen happens within milliseconds; the patience is for machines that do much else besides.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)
# Only what is wrong leaves the page: the list of all that is right takes longer to hand over than to make.
# No style sheet is fetched once more (preload): only a rule needs that which is not among these.
VIOLATIONS = """
axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  resultTypes: ["violations"],
  preload: false,
}).then((all) => all.violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`)
))
"""
# No request of htmx is under way, and the fonts that text is measured in are there.
SETTLED = "document.fonts.status === 'loaded' && !document.querySelector('.htmx-request')"


class Forum:
    """A served demonstration forum and the mails it sent."""

    def __init__(self, running: Product, mailbox: Mailbox, kind: str) -> None:
        self.url = running.url
        self.product = running
        self.mailbox = mailbox
        self.kind = kind


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def forum(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, seeded: Path, compiled: None
) -> Iterator[Forum]:
    """The product on each database, with a real worker and a real SMTP server."""
    kind: str = request.param
    environ = {}
    if kind == "postgresql":
        environ["FORUM_DATABASE_URL"] = postgresql_server().create_database(f"browser_{uuid4().hex[:12]}")
    with smtp_server() as (url, mailbox):
        environ["FORUM_MAIL_URL"] = url
        with product(tmp_path_factory.mktemp(kind), seeded, **environ) as running:
            yield Forum(running, mailbox, kind)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield running
        running.close()


class Visitor:
    """One person with one browser: a page, and everything the console complained about."""

    def __init__(self, context: BrowserContext, base: str, *, inspects: bool = True) -> None:
        """inspects: whether check_accessibility does."""
        self.context = context
        self.base = base
        self.inspects = inspects
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    # A refused form answers 422 and a lost race 409, which the browser logs as a failed resource. A request
    # still under way when the page is left is aborted by the browser; htmx logs that as sendAbort, and before
    # that (as before any real error, which then follows under its own name) as afterRequest.
    EXPECTED = ("status of 422", "status of 409", "htmx:sendAbort", "htmx:afterRequest")

    def _console(self, message: Any) -> None:
        if message.type == "error" and not any(text in message.text for text in self.EXPECTED):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def settle(self) -> None:
        """Wait until the page rests: leaving it earlier aborts what it is asking for."""
        # not wait_for_function: it evaluates in the page, which our Content-Security-Policy forbids
        end = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(SETTLED):
            assert time.monotonic() < end, f"{self.page.url} does not come to rest"
            self.page.wait_for_timeout(20)

    def go(self, path: str) -> Page:
        """Open a path of the forum; it must not be an error of ours."""
        self.settle()
        answer = self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status < 500, f"{path}: {answer.status}"
        return self.page

    def press(self, button: Locator) -> None:
        """Click what leads to another page, and wait for that page."""
        self.settle()
        with self.page.expect_navigation():
            button.click()

    def sign_in(self, email: str, password: str = DEMO_PASSWORD) -> None:
        """Through the form, as people do."""
        self.go("/sign-in")
        self.page.locator("[name=email]").fill(email)
        self.page.locator("[name=password]").fill(password)
        with self.page.expect_navigation():
            self.page.locator("[name=password]").press("Enter")
        assert "/sign-in" not in self.page.url, self.page.inner_text("main")

    def check_accessibility(self) -> None:
        """axe-core finds nothing (WCAG 2.2 A and AA)."""
        if not self.inspects:
            return
        assert AXE.exists(), "node_modules/axe-core is missing: make build"
        self.settle()
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(VIOLATIONS)
        assert not found, f"{self.page.url}\n" + "\n".join(found)


@pytest.fixture
def visit(browser: Browser, forum: Forum) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; at the end none of them may have seen a console error or a CSP report."""
    visitors: list[Visitor] = []

    def make(*, phone: bool = False, language: str = "en-US", **options: Any) -> Visitor:
        context = browser.new_context(
            viewport=PHONE if phone else DESK, locale=language, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE)
        # once: what differs between databases is not how pages look
        visitor = Visitor(context, forum.url, inspects=forum.kind == "sqlite")
        visitors.append(visitor)
        return visitor

    yield make
    complaints = []
    for visitor in visitors:
        with suppress(PlaywrightError):  # a test that failed may have left the page anywhere
            visitor.settle()
        complaints += visitor.complaints
        visitor.context.close()
    assert not complaints
