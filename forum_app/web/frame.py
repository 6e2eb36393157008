"""The frame of every page: drawn once for each set of links, the reader's own words put into its holes."""

from collections.abc import Sequence
from typing import Any

from flask import Flask, request
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from forum_app.web.languages import language, switch_language_url
from forum_app.web.navigation import Link, account_navigation
from forum_app.web.parts import Parts, Stencil, hole, stencil

OTHER = {"en": "ja", "ja": "en"}
_frames: Parts[Stencil] = Parts(500)


def site_header(links: Sequence[Link]) -> Markup:
    """The bar on top: links, the other language, the account's menu."""
    user = current_user._get_current_object()
    locale, root = language(), request.script_root
    own = account_navigation.links() if user.is_authenticated else None
    kept = _frames.get(
        ("header", locale, root, tuple(links), None if own is None else tuple(own)),
        lambda: stencil(
            "frame/header.html",
            links=links,
            own_links=own,
            root=root,
            switch_url=hole("switch_url"),
            name=hole("name"),
            email=hole("email"),
            csrf_token=hole("csrf_token"),
        ),
    )
    switch_url = switch_language_url(OTHER[locale])
    if own is None:
        return kept.fill(switch_url=switch_url)
    return kept.fill(
        switch_url=switch_url,
        name=_shown_name(user, locale),
        email=user.email,
        csrf_token=generate_csrf(),
    )


def _shown_name(user: Any, locale: str) -> str:
    names = (user.name_native, user.name_latin) if locale == "ja" else (user.name_latin, user.name_native)
    return str(names[0] or names[1] or user.email)


def site_footer(links: Sequence[Link]) -> Markup:
    """The bar below: links and languages."""
    locale = language()
    kept = _frames.get(
        ("footer", locale, tuple(links)),
        lambda: stencil("frame/footer.html", links=links, en_url=hole("en_url"), ja_url=hole("ja_url")),
    )
    return kept.fill(en_url=switch_language_url("en"), ja_url=switch_language_url("ja"))


def event_header(event: Any, links: Sequence[Link], facts: str, actions: str) -> Markup:
    """The bar of an event: titles, days, place, tabs; facts and actions are drawn by the page."""
    shown = tuple(getattr(event, name) for name in _EVENT_SHOWS)
    kept = _frames.get(
        ("event", language(), request.script_root, shown, tuple(links)),
        lambda: stencil(
            "frame/event.html",
            event=event,
            links=links,
            facts=hole("facts"),
            actions=hole("actions"),
        ),
    )
    return kept.fill(facts=facts, actions=actions)


_EVENT_SHOWS = (
    "slug",
    "title_en",
    "title_ja",
    "venue_en",
    "venue_ja",
    "starts_on",
    "ends_on",
    "is_published",
)


def init_app(app: Flask) -> None:
    """Let base templates draw the frame."""
    app.jinja_env.globals.update(site_header=site_header, site_footer=site_footer, event_header=event_header)
