"""The whole life of a meeting in a real browser, in both languages: interest, answer, a schedule run that
is stopped with the best so far, publishing, the calendar, moving; then, on the day itself, a no-show, the
freed time, and the outcome.

The day is rehearsed: the same forum is served again with its clock at the time of the meeting.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Forum, Visitor
from tests.browser.test_journeys import feed_address, mail_to, read_feed
from tests.parts import PATIENCE, product, smtp_server

pytestmark = pytest.mark.browser
EVENT = "/events/tech-forum-36"
MANAGE = f"{EVENT}/manage"
TOPIC, OTHER = "Wind over the runway", "A fund for both shores"
FOUNDER, DIU, IQT = "founder@hayabusa.example", "diu.rep@agency.example", "iqt.rep@investor.example"
ORGANIZER = "organizer@forum.example"


class Life:
    """One forum that outlives its processes, and the people who look at it."""

    def __init__(self, browser: Browser, forum: Forum) -> None:
        self.browser = browser
        self.forum = forum
        self.visitors: list[Visitor] = []

    def person(self, email: str, language: str, *, phone: bool = False) -> Visitor:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = self.browser.new_context(viewport=size, locale=language, reduced_motion="reduce")  # type: ignore[arg-type]
        visitor = Visitor(context, self.forum.url)
        self.visitors.append(visitor)
        visitor.sign_in(email)
        visitor.go(f"/?lang={language[:2]}")
        return visitor

    def end(self) -> None:
        complaints = [complaint for visitor in self.visitors for complaint in visitor.complaints]
        for visitor in self.visitors:
            visitor.context.close()
        self.visitors.clear()
        assert not complaints


@pytest.fixture
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("life")


def served(browser: Browser, var: Path, seeded: Path, **environ: str) -> Iterator[Life]:
    """Serve what is kept in var (seeded the first time), until the generator is closed."""
    with smtp_server() as (url, mailbox), product(var, seeded, FORUM_MAIL_URL=url, **environ) as running:
        life = Life(browser, Forum(running, mailbox, "sqlite"))
        yield life
        life.end()


def rows(var: Path, statement: str, *values: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(var / "forum.sqlite3")) as connection:
        return connection.execute(statement, values).fetchall()


def the_meeting(var: Path) -> tuple[int, datetime]:
    """Its number and its start."""
    statement = "SELECT id, starts_at FROM meetings_meeting WHERE topic = ? AND status = 'CONFIRMED'"
    ((number, start),) = rows(var, statement, TOPIC)
    return int(str(number)), datetime.fromisoformat(str(start)).replace(tzinfo=UTC)


def taken_times(var: Path, email: str) -> set[datetime]:
    """When the meetings of a person begin."""
    statement = (
        "SELECT m.starts_at FROM meetings_meeting m JOIN meetings_participant p ON p.meeting_id = m.id"
        " JOIN registration_registration r ON r.id = p.registration_id"
        " JOIN accounts_user u ON u.id = r.user_id WHERE u.email = ? AND m.status = 'CONFIRMED'"
    )
    return {datetime.fromisoformat(str(row[0])).replace(tzinfo=UTC) for row in rows(var, statement, email)}


def wish(visitor: Visitor, whom: str, topic: str) -> None:
    """Mark in the directory that one must meet somebody."""
    page = visitor.go(f"{EVENT}/directory?q={whom}")
    visitor.check_accessibility()
    card = page.locator(".interest").first
    if card.locator("summary").count():
        card.locator("summary").first.click()
    card.locator("[name=topic]").fill(topic)
    card.locator("button[name=priority][value=must]").click()
    expect(page.locator(".interest__state").first).to_contain_text(topic)


def agree(visitor: Visitor, topic: str) -> None:
    """Say yes to a wish, as a must."""
    page = visitor.go(f"{EVENT}/meetings")
    visitor.check_accessibility()
    visitor.press(page.get_by_role("link", name=topic).first)
    visitor.check_accessibility()
    page.locator("#agree-form label[for^=priority]").first.click()
    visitor.press(page.locator("#agree-form button[type=submit]"))


def entry(calendar: Calendar) -> dict[str, object]:
    found = [e for e in calendar.walk("VEVENT") if TOPIC in str(e["SUMMARY"]) + str(e.get("DESCRIPTION", ""))]
    assert found, calendar.to_ical().decode()
    return dict(found[-1])


def plan(life: Life, var: Path) -> None:
    """Interest, answer, run, publish, calendar, move."""
    founder = life.person(FOUNDER, "en-US", phone=True)
    rep = life.person(DIU, "ja-JP")
    wish(founder, "Pierce", TOPIC)
    agree(rep, TOPIC)
    page = founder.go(f"{EVENT}/meetings")
    expect(page.locator("#agreed").locator("xpath=ancestor::section")).to_contain_text(TOPIC)

    organizer = life.person(ORGANIZER, "en-US")
    desk = organizer.go(f"{MANAGE}/timetable")
    organizer.check_accessibility()
    desk.select_option("[name=time_limit]", index=0)
    organizer.press(desk.get_by_role("button", name="Start the run"))
    organizer.check_accessibility()
    publish = desk.get_by_role("link", name="See the changes and publish")
    end = time.monotonic() + PATIENCE
    while not desk.locator(".run-live progress:not([value='0'])").count():
        assert time.monotonic() < end, desk.inner_text("main")
        desk.wait_for_timeout(100)
    organizer.press(desk.get_by_role("button", name="Stop and keep the best so far"))
    while not publish.count():
        assert time.monotonic() < end, desk.inner_text("main")
        desk.wait_for_timeout(100)
    organizer.check_accessibility()
    organizer.press(publish)
    organizer.check_accessibility()
    desk.get_by_role("button", name="Publish this schedule").click()
    organizer.press(desk.locator("dialog.confirm button").first)

    founder.go(f"{EVENT}/meetings")
    founder.check_accessibility()
    expect(page.locator("#coming").locator("xpath=ancestor::section")).to_contain_text(TOPIC)
    mail_to(life.forum, FOUNDER, "")
    feed = feed_address(founder)
    before = entry(read_feed(life.forum, feed))
    assert before["STATUS"] == "CONFIRMED"

    investor = life.person(IQT, "en-US")
    wish(investor, "Pierce", OTHER)
    agree(rep, OTHER)

    organizer.go(f"{MANAGE}/timetable/people?q=Pierce")
    organizer.check_accessibility()
    number, _ = the_meeting(var)
    organizer.go(f"{MANAGE}/timetable/meetings/{number}")
    organizer.check_accessibility()
    taken = taken_times(var, IQT)
    values = [one.get_attribute("value") or "" for one in desk.locator("[name=slot] option").all()]
    for value in reversed(values):
        if datetime.fromisoformat(value) in taken:
            continue
        desk.locator("[name=slot]").select_option(value)
        organizer.settle()
        if desk.locator("#clashes .clash-free").count():
            break
    else:
        raise AssertionError("no other slot is free")
    organizer.press(desk.get_by_role("button", name="Move this meeting"))
    after = entry(read_feed(life.forum, feed))
    assert after["UID"] == before["UID"]
    assert int(str(after["SEQUENCE"])) > int(str(before["SEQUENCE"]))
    assert after["DTSTART"].dt != before["DTSTART"].dt  # type: ignore[attr-defined]


def hold(life: Life) -> None:
    """The day: the founder does not come, the time is offered and taken; both note what came of it."""
    rep = life.person(DIU, "ja-JP", phone=True)
    seat = rep.go(f"{EVENT}/floor")
    rep.check_accessibility()
    item = seat.locator(".day-list__item", has_text=TOPIC)
    item.get_by_role("button", name="欠席").click()
    rep.press(seat.locator("dialog.confirm button").first)
    expect(seat.locator(".day-list__item", has_text=TOPIC)).to_contain_text("欠席")
    rep.check_accessibility()

    organizer = life.person(ORGANIZER, "en-US")
    end = time.monotonic() + PATIENCE
    desk = organizer.go(f"{MANAGE}/floor")
    while not desk.locator(".panel--offer").count():
        assert time.monotonic() < end, desk.inner_text("main")
        desk.wait_for_timeout(500)
        organizer.go(f"{MANAGE}/floor")
    organizer.check_accessibility()
    organizer.press(desk.get_by_role("button", name="Book for both").first)
    expect(desk.locator("main")).to_contain_text("The meeting is set")
    organizer.go(f"{EVENT}/floor/board")
    organizer.check_accessibility()

    held = rep.go(f"{EVENT}/outcomes")
    rep.check_accessibility()
    rep.press(held.locator("main tbody .row-actions a").first)
    rep.check_accessibility()
    held.locator("label[for^=wish]").last.click()
    held.select_option("[name=pathway]", "diu")
    held.fill("[name=next_step]", "概要書の送付")
    held.locator("label[for=shared]").click()
    rep.press(held.locator("main form[method=post] button[type=submit]").last)
    expect(held.locator("main")).to_contain_text("共有済み")


def test_from_interest_to_outcome(browser: Browser, var: Path, seeded: Path, compiled: None) -> None:
    for life in served(browser, var, seeded):
        plan(life, var)
    _, start = the_meeting(var)
    for life in served(browser, var, seeded, FORUM_REHEARSAL=(start + timedelta(minutes=1)).isoformat()):
        hold(life)
