"""The three people the product is for, each through their main job, on SQLite and on PostgreSQL.

Everything is real: browser, web and worker processes, database, SMTP. Each page on the way is checked
for accessibility, on SQLite; console errors and CSP reports fail the test.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import pytest
from icalendar import Calendar
from playwright.sync_api import expect
from pypdf import PdfWriter

from tests.browser.conftest import Forum, Visitor
from tests.parts import DEMO_PASSWORD, PATIENCE, text_of

pytestmark = pytest.mark.browser
EVENT = "/events/tech-forum-36"
Visit = Callable[..., Visitor]


def mail_to(forum: Forum, address: str, subject: str) -> EmailMessage:
    """The newest mail to address whose subject holds subject; waits for the worker."""
    end = time.monotonic() + PATIENCE
    while True:
        found = [m for m in forum.mailbox.to(address) if subject in str(m["Subject"])]
        if found:
            return found[-1]
        sent = [str(m["Subject"]) for m in forum.mailbox.to(address)]
        assert time.monotonic() < end, f"no mail with {subject!r} to {address}, only {sent}"
        time.sleep(0.05)


def link_in(message: EmailMessage, path: str) -> str:
    """The first address in a mail that holds path, as a path of the forum."""
    found = re.search(rf"https?://[^/\s]+({re.escape(path)}\S*)", text_of(message))
    assert found, text_of(message)
    return found.group(1)


def submit(visitor: Visitor) -> None:
    """Press the main button of the page's form."""
    visitor.press(visitor.page.locator("main form[method=post] button[type=submit].usa-button:visible").last)


def sign_up(visitor: Visitor, forum: Forum, email: str, *, latin: str, native: str, kana: str) -> None:
    """Create an account and confirm the address by the link in the mail."""
    page = visitor.go("/sign-up")
    visitor.check_accessibility()
    page.fill("[name=email]", email)
    page.fill("[name=password]", DEMO_PASSWORD)
    page.fill("[name=name_latin]", latin)
    page.fill("[name=name_native]", native)
    page.fill("[name=name_kana]", kana)
    submit(visitor)
    confirm = mail_to(forum, email, "")
    visitor.go(link_in(confirm, "/"))
    if page.locator("main form[method=post] button[type=submit]").count():
        if page.locator("main [name=password]").count():
            page.fill("main [name=password]", DEMO_PASSWORD)
        submit(visitor)


def register(visitor: Visitor, participant_type: str) -> None:
    """Register at the demonstration event as one of its types (its English or Japanese name)."""
    page = visitor.go(f"{EVENT}/register")
    visitor.check_accessibility()
    page.locator(".type-card", has_text=participant_type).locator("label").click()
    page.locator("label[for=privacy]").click()
    page.locator("label[for=antitrust]").click()
    submit(visitor)
    assert page.url.endswith("/registration"), page.inner_text("main")
    visitor.check_accessibility()


def approve(vetter: Visitor, email: str) -> None:
    """Find somebody in the list and approve them."""
    page = vetter.go(f"{EVENT}/manage/registrations?q={email}")
    vetter.check_accessibility()
    vetter.press(page.locator("main tbody a").first)
    vetter.check_accessibility()
    vetter.press(page.locator("main button[name=action][value=approved]"))


def feed_address(visitor: Visitor) -> str:
    """Make a personal feed and take its secret address from the page."""
    page = visitor.go("/account/calendars")
    visitor.check_accessibility()
    submit(visitor)
    visitor.check_accessibility()
    found = re.search(r"/calendars/[A-Za-z0-9_-]{20,}\.ics", page.content())
    assert found, page.inner_text("main")
    return found.group(0)


def read_feed(forum: Forum, path: str) -> Calendar:
    """The feed as a calendar program reads it: no cookies."""
    with urlopen(forum.url + path, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        return Calendar.from_ical(answer.read())


def test_an_attendee_registers_is_vetted_and_gets_mail_ticket_and_feed(forum: Forum, visit: Visit) -> None:
    email = f"attendee-{uuid4().hex[:8]}@people.example"
    attendee = visit(phone=True, language="ja-JP")
    attendee.go("/")
    attendee.check_accessibility()
    attendee.go(f"{EVENT}/")
    attendee.check_accessibility()
    sign_up(attendee, forum, email, latin="Sayuri Kuroda", native="黒田 小百合", kana="クロダ サユリ")
    register(attendee, "報道")
    mail_to(forum, email, "登録")

    officer = visit()
    officer.sign_in("vetting@forum.example")
    approve(officer, email)

    approved = mail_to(forum, email, "承認")
    assert "黒田 小百合" in text_of(approved)
    page = attendee.go(f"{EVENT}/ticket")
    attendee.check_accessibility()
    expect(page.locator("main")).to_contain_text("黒田 小百合")
    qr = page.locator("main img").first
    assert qr.evaluate("image => image.complete && image.naturalWidth > 0")

    attendee.go(f"{EVENT}/agenda")
    attendee.check_accessibility()
    attendee.press(page.get_by_role("link", name=re.compile("一国では作れないもの")).first)
    attendee.check_accessibility()
    attendee.press(page.locator("form[action$='/bookmark'] button"))
    calendar = read_feed(forum, feed_address(attendee))
    assert any("一国では作れないもの" in str(entry["SUMMARY"]) for entry in calendar.walk("VEVENT"))


def test_an_organizer_adds_an_item_sees_a_clash_and_publishes(forum: Forum, visit: Visit) -> None:
    organizer = visit(language="en-US")
    organizer.sign_in("organizer@forum.example")
    page = organizer.go("/?lang=en")
    organizer.go(f"{EVENT}/manage/")
    organizer.check_accessibility()
    organizer.go(f"{EVENT}/manage/agenda")
    organizer.check_accessibility()
    title = f"A late talk {uuid4().hex[:6]}"
    organizer.press(page.get_by_role("link", name="Add an item"))
    organizer.check_accessibility()
    # the keynote of the first day holds the Main Hall from 09:45
    first = page.get_by_label("Start").get_attribute("min") or ""
    day = first[:10] or event_day(forum)
    page.fill("[name=title_en]", title)
    page.fill("[name=starts_at]", f"{day}T10:00")
    page.fill("[name=minutes]", "20")
    page.select_option("[name=room_id]", label="Main Hall")
    expect(page.locator("#clashes")).to_contain_text("Keynote: Building together")
    submit(organizer)
    assert page.locator("[name=keep_clashes]").count() == 1, "a clash must be kept on purpose"
    organizer.check_accessibility()
    page.fill("[name=starts_at]", f"{day}T19:40")
    submit(organizer)

    stranger = visit()
    assert title not in stranger.go(f"{EVENT}/agenda").inner_text("main")
    organizer.go(f"{EVENT}/manage/agenda/publish")
    organizer.check_accessibility()
    expect(page.locator("main")).to_contain_text(title)
    submit(organizer)
    stranger.go(f"{EVENT}/agenda")
    expect(stranger.page.locator("main")).to_contain_text(title)


def event_day(forum: Forum) -> str:
    """First day of the demonstration event, from its public calendar."""
    calendar = read_feed(forum, f"{EVENT}/agenda.ics")
    starts = min(entry.decoded("DTSTART") for entry in calendar.walk("VEVENT"))
    return f"{starts:%Y-%m-%d}"


def deck(folder: Path) -> str:
    """A real PDF of three pages."""
    writer = PdfWriter()
    for _ in range(3):
        writer.add_blank_page(width=960, height=540)
    path = folder / "deck.pdf"
    with path.open("wb") as file:
        writer.write(file)
    return str(path)


def test_a_founder_pitches_is_accepted_and_meets_the_diu_rep(
    forum: Forum, visit: Visit, tmp_path: Path
) -> None:
    mark = uuid4().hex[:6]
    email = f"founder-{mark}@suzume.example"
    name = f"Suzume Sensing {mark}"
    founder = visit(phone=True, language="en-US")
    sign_up(founder, forum, email, latin="Nozomi Hara", native="原 のぞみ", kana="ハラ ノゾミ")

    page = founder.go("/organizations/new")
    founder.check_accessibility()
    page.fill("[name=name_en]", name)
    page.fill("[name=name_ja]", f"すずめセンシング{mark}")
    page.fill("[name=name_kana]", "スズメセンシング")
    page.select_option("[name=kind]", "startup")
    page.select_option("[name=country]", "JP")
    submit(founder)
    if page.locator("label[for=different]").count():
        page.locator("label[for=different]").click()
        submit(founder)
    assert "/organizations/suzume-sensing" in page.url, page.inner_text("main")
    founder.check_accessibility()

    founder.go(f"{EVENT}/pitches")
    founder.check_accessibility()
    founder.go(f"{EVENT}/pitches/submit")
    founder.check_accessibility()
    page.fill("[name=title_en]", f"Hearing what drones say {mark}")
    page.fill("[name=abstract_en]", "Microphones that tell aircraft from birds, at a tenth of the price.")
    page.locator("label[for^=area_ids]").first.click()
    page.locator("label[for^=stage]", has_text="Prototype").click()
    page.fill("[name=presenter]", "Nozomi Hara")
    page.set_input_files("[name=deck]", deck(tmp_path))
    founder.press(page.locator("main form[method=post] button[type=submit]", has_text="Submit").first)
    mail_to(forum, email, "")

    register(founder, "Start-up")
    officer = visit()
    officer.sign_in("vetting@forum.example")
    approve(officer, email)

    organizer = visit()
    organizer.sign_in("organizer@forum.example")
    organizer.go("/?lang=en")
    desk = organizer.go(f"{EVENT}/manage/pitches?q={mark}")
    organizer.check_accessibility()
    organizer.press(desk.locator("main tbody a").first)
    organizer.check_accessibility()
    desk.locator("label[for^=decision]", has_text="Accept").first.click()
    desk.select_option("[name=block] >> nth=0", index=1)
    organizer.press(desk.get_by_role("button", name="Decide and tell the start-up"))
    accepted = mail_to(forum, email, f"Hearing what drones say {mark}")
    assert accepted is not None

    founder.go(f"{EVENT}/directory?q=Pierce")
    founder.check_accessibility()
    founder.press(page.get_by_role("link", name=re.compile("Ask for a meeting")).first)
    founder.check_accessibility()
    page.fill("[name=topic]", f"A trial with your unit {mark}")
    page.locator("label[for^=priority]").first.click()
    submit(founder)

    rep = visit()
    rep.sign_in("diu.rep@agency.example")
    seat = rep.go(f"{EVENT}/meetings")
    rep.check_accessibility()
    rep.press(seat.get_by_role("link", name=re.compile(mark)).first)
    rep.check_accessibility()
    seat.locator("label[for^=slot]").first.click()
    rep.press(seat.get_by_role("button", name="Set this meeting"))
    mail_to(forum, email, "")

    founder.go(f"{EVENT}/meetings")
    founder.check_accessibility()
    expect(page.locator("main")).to_contain_text("Jordan Pierce")
    calendar = read_feed(forum, feed_address(founder))
    meetings = [
        e for e in calendar.walk("VEVENT") if mark in str(e.get("DESCRIPTION", "")) + str(e["SUMMARY"])
    ]
    assert meetings, calendar.to_ical().decode()
    assert meetings[0]["STATUS"] == "CONFIRMED"
    assert meetings[0].decoded("DTSTART") > datetime.now(UTC) + timedelta(days=1)
    assert "T0" in str(meetings[0]["LOCATION"]) or "T1" in str(meetings[0]["LOCATION"])
