"""What forms do in a browser that HTML alone does not."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def test_what_to_correct_is_listed_in_the_order_of_the_page(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.go("/sign-up")
    page.fill("[name=email]", "no address")
    page.fill("[name=password]", "short")
    page.fill("[name=name_kana]", "Latin")
    visitor.press(page.locator("main form button[type=submit].usa-button"))
    links = page.locator("[data-error-summary] a")
    assert [link.get_attribute("href") for link in links.all()] == [
        "#email",
        "#password",
        "#name_latin",
        "#name_kana",
    ]
    assert page.evaluate("document.activeElement.matches('[data-error-summary]')")
    assert page.input_value("[name=email]") == "no address"
    visitor.check_accessibility()


def test_arrow_keys_go_through_a_filter(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.go("/events/tech-forum-36/agenda")
    chosen: list[str] = []
    for _ in range(2):
        visitor.settle()
        with page.expect_navigation():
            page.locator("[name=room]").press("ArrowDown") if not chosen else page.keyboard.press("ArrowDown")
        chosen.append(page.input_value("[name=room]"))
        assert page.evaluate("document.activeElement.name") == "room"
    assert chosen[0] != chosen[1]


def test_a_meeting_is_moved_by_keyboard_and_a_clash_gets_the_focus(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.sign_in("organizer@forum.example")
    path = "/events/tech-forum-36/manage/timetable/tables"
    options = "#move [name=slot] option"
    for number in range(20):  # until a meeting has both
        page = visitor.go(f"{path}?lang=en")
        page.locator("td a[href*='/timetable/meetings/']").nth(number).focus()
        page.keyboard.press("Enter")
        page.locator("#move").wait_for()
        texts = page.locator(options).all_inner_texts()
        if any("clash" in text for text in texts) and any("all free" in text for text in texts):
            break
    for text in ("clash", "all free"):
        wanted = page.locator(options, has_text=text).first.get_attribute("value")
        page.locator("#move [name=slot]").select_option(wanted)
        visitor.settle()
        page.locator("#move form button[type=submit]").last.focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        visitor.settle()
        if text == "clash":
            assert page.evaluate("document.activeElement.matches('[data-refusal]')")
            assert page.locator("#move [name=slot]").input_value() == wanted
            visitor.check_accessibility()
    assert path in page.url
    assert page.locator(".usa-alert--success").is_visible()
