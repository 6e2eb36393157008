"""Which language and zone the reader gets.

Language: ?lang=en|ja (kept in the session), else the account's, else Accept-Language, else English.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from urllib.parse import urlencode
from zoneinfo import available_timezones

from flask import Flask, has_request_context, request, session
from flask_babel import Babel
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


# What the reader of this request gets, once it is chosen. Not on g: it is asked for every sentence of a page,
# and each look through Flask's proxies is a dozen calls.
_chosen: ContextVar[str | None] = ContextVar("forum_chosen_language", default=None)


def choose_language() -> str:
    """Language of this request; remembers a choice made by ?lang=."""
    chosen = _chosen.get()
    if chosen is None:
        chosen = _choose()
        _chosen.set(chosen)
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


_forced: ContextVar[str | None] = ContextVar("forum_forced_language", default=None)


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Inside, everything speaks this language: mails to somebody who is not the reader."""
    token = _forced.set(name)
    try:
        yield
    finally:
        _forced.reset(token)


def language() -> str:
    """Language in force, "en" or "ja": of the reader, or the one that speaking() asks for.

    Asked for every sentence of a page, so it does not go through Flask-Babel's own look-up.
    """
    name = _forced.get() or _chosen.get()
    if name is None:
        return choose_language() if has_request_context() else "en"
    return name


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

    @app.before_request
    def forget_language() -> None:
        _chosen.set(None)  # of the thread's last request, should its end have been missed

    @app.teardown_request
    def language_is_over(error: BaseException | None) -> None:
        _chosen.set(None)

    app.jinja_env.globals.update(switch_language_url=switch_language_url, language_names=LANGUAGE_NAMES)
    return babel
