"""`make screenshots FOLDER`: pictures of the demonstration forum for the README and the guides.

The product is started as its users start it (migrated, seeded, web and worker as processes) and seen
through Chromium; people sign in through the form. Viewport-sized, PNG: 1280 x 900 on a desk, 390 x 844 at
twice the density on a phone. The same forum gives the same pictures but for the day they are taken on.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.parts import BROWSER_FLAGS, DEMO_PASSWORD, DESK, PHONE, chromium, product

EVENT = "/events/tech-forum-36"
MANAGE = f"{EVENT}/manage"
ORGANIZER, VETTING = "organizer@forum.example", "vetting@forum.example"
FOUNDER, DIU = "founder@hayabusa.example", "diu.rep@agency.example"
REVIEWER, NEWCOMER = "reviewer@forum.example", "admin@forum.example"
TO_THE_TOP = "element => { element.style.scrollMarginTop = '1rem'; element.scrollIntoView(); }"


@dataclass(frozen=True)
class Shot:
    """One picture: path as account (None: a stranger). The name tells language and device."""

    name: str
    path: str
    account: str | None = None
    link: str = ""  # the words of a link of that page to follow first
    top: str = ""  # the selector of the element that comes to the upper edge
    dark: bool = False

    @property
    def language(self) -> str:
        return "ja" if "-ja" in self.name else "en"

    @property
    def phone(self) -> bool:
        return self.name.endswith("-phone")


SHOTS = (
    Shot("front-en", "/"),
    Shot("front-ja-phone", "/"),
    Shot("front-dark", "/", dark=True),
    Shot("agenda-en", f"{EVENT}/agenda", FOUNDER, top=".agenda-day:last-of-type"),
    Shot("agenda-ja-phone", f"{EVENT}/agenda", top="main nav.tabs"),
    Shot("item-ja", f"{EVENT}/agenda", link="最初の面談から契約まで"),
    Shot("registry-ja", "/organizations/"),
    Shot("register-ja-phone", f"{EVENT}/register", NEWCOMER),
    Shot("ticket-en-phone", f"{EVENT}/ticket", FOUNDER),
    Shot("meetings-en", f"{EVENT}/meetings", FOUNDER),
    Shot("directory-ja", f"{EVENT}/directory", FOUNDER),
    Shot("suggestions-en-phone", f"{EVENT}/meetings/suggestions", FOUNDER),
    Shot("calendars-ja-phone", "/account/calendars", FOUNDER),
    Shot("history-en", "/organizations/hayabusa-robotics/history", FOUNDER),
    Shot("office-hours-en", f"{EVENT}/meetings/office-hours", DIU),
    Shot("pitches-review-en", f"{EVENT}/pitches/review", REVIEWER),
    Shot("registrations-en", f"{MANAGE}/registrations", ORGANIZER),
    Shot("vetting-en", f"{MANAGE}/vetting", VETTING),
    Shot("check-in-en-phone", f"{MANAGE}/check-in", ORGANIZER),
    Shot("timetable-en", f"{MANAGE}/timetable/people", ORGANIZER, top="main nav.tabs, .tabs"),
    Shot("timetable-tables-ja", f"{MANAGE}/timetable/tables", ORGANIZER, top="main nav.tabs, .tabs"),
    Shot("meeting-tables-en", f"{MANAGE}/meetings", ORGANIZER, top="main nav.tabs"),
)


def sign_in(page: Page, base: str, email: str) -> None:
    """Through the form, as people do."""
    page.goto(f"{base}/sign-in")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(DEMO_PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def go(page: Page, address: str) -> None:
    """Open an address that must be there."""
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        raise SystemExit(f"{address} answered {answer and answer.status}")


def take(browser: Browser, base: str, shot: Shot, folder: Path) -> None:
    """One picture, by a fresh visitor."""
    context = browser.new_context(
        viewport=PHONE if shot.phone else DESK,
        device_scale_factor=2 if shot.phone else 1,
        locale="ja-JP" if shot.language == "ja" else "en-US",
        timezone_id="Asia/Tokyo" if shot.language == "ja" else "America/New_York",
        color_scheme="dark" if shot.dark else "light",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        if shot.account:
            sign_in(page, base, shot.account)
        go(page, f"{base}{shot.path}?lang={shot.language}")
        if shot.link:
            page.get_by_role("link", name=shot.link).first.click()
            page.wait_for_load_state()
        if "lang=" not in page.url:  # redirected or followed: what the account reads may differ
            go(page, f"{page.url}{'&' if '?' in page.url else '?'}lang={shot.language}")
        if shot.top:
            page.locator(shot.top).first.evaluate(TO_THE_TOP)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        page.screenshot(path=folder / f"{shot.name}.png", animations="disabled")
    finally:
        context.close()


@contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_FLAGS)
        yield browser
        browser.close()


def main(folder: Path, names: list[str]) -> None:
    """All pictures, or those of names."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as var, product(Path(var)) as running, running_browser() as browser:
        for shot in SHOTS:
            if not names or shot.name in names:
                take(browser, running.url, shot, folder)
                print(folder / f"{shot.name}.png")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m bench.screenshots FOLDER [NAME ...]")
    main(Path(sys.argv[1]), sys.argv[2:])
