"""A mail's HTML in a browser: nothing is wider than a small phone."""

import pytest
from playwright.sync_api import Browser

from forum_app.mail.html import as_html

LINK = f"https://forum.example/{'a' * 180}"
TEXTS = {
    "ja": f"山田{'々' * 120} 様\n\n- 相手:{'ハヤブサ' * 40}\n- {'ー' * 90}\n\n{LINK}\n",
    "en": f"Dear {'Wolfeschlegelsteinhausenbergerdorff' * 5},\n\n1. {'x' * 200}\n\n{LINK}\n",
}


@pytest.mark.parametrize("locale", TEXTS)
def test_long_names_break(browser: Browser, locale: str) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 640})
    try:
        page.set_content(as_html(TEXTS[locale], locale=locale, title="A mail", brand="Forum"))
        assert page.evaluate("document.documentElement.scrollWidth") == 320
    finally:
        page.close()
