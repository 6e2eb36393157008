"""Which language and zone the reader gets.

Language: ?lang=en|ja (kept in the session), else the account's, else Accept-Language, else English.
"""

from functools import lru_cache
from urllib.parse import urlencode
from zoneinfo import available_timezones

from flask import Flask, g, request, session
from flask_babel import Babel, get_locale
from flask_login import current_user

LANGUAGES = ("en", "ja")
LANGUAGE_NAMES = {"en": "English", "ja": "日本語"}
ZONES = (
    "Asia/Tokyo",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Pacific/Honolulu",
    "Pacific/Guam",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Seoul",
    "Asia/Singapore",
    "Australia/Sydney",
    "UTC",
)


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """All IANA names this machine knows; read once, since it walks the disk."""
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether name is an IANA zone that this machine knows."""
    return name in known_zones()


def choose_language() -> str:
    """Language of this request; remembers a choice made by ?lang=."""
    chosen: str | None = getattr(g, "forum_language", None)
    if chosen is None:
        chosen = _choose()
        g.forum_language = chosen
    return chosen


def _choose() -> str:
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        if session.get("lang") != asked:
            session["lang"] = asked
        return asked
    kept = session.get("lang")
    if kept in LANGUAGES:
        return str(kept)
    if current_user and current_user.is_authenticated and current_user.locale in LANGUAGES:
        return str(current_user.locale)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def language() -> str:
    """Language in force, in a request or in forced locale (mail): "en" or "ja"."""
    locale = get_locale()
    return locale.language if locale is not None else "en"


def reader_zone() -> str | None:
    """The reader's own zone, None if it is not known."""
    if current_user and current_user.is_authenticated:
        return str(current_user.timezone)
    return None


def switch_language_url(to: str) -> str:
    """This page in the other language; other arguments are kept."""
    args = [(k, v) for k, v in request.args.items(multi=True) if k != "lang"]
    return f"{request.path}?{urlencode([*args, ('lang', to)])}"


def init_app(app: Flask) -> Babel:
    """Set up translations."""
    babel = Babel(app, locale_selector=choose_language)
    app.jinja_env.globals.update(switch_language_url=switch_language_url, language_names=LANGUAGE_NAMES)
    return babel
