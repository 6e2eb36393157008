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
