"""Navigation that features add themselves to, so that the base templates know none of them."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, request, url_for
from flask_login import current_user

from forum_app.core.text import N_
from forum_app.web.texts import gettext


class Link(NamedTuple):
    """One entry as templates see it."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """An entry: endpoint, English label (marked with N_), order and who sees it."""

    endpoint: str
    label: str
    order: int
    visible: Callable[[Any, Any], bool]


class Navigation:
    """One bar of entries. headings: {order of the first entry below it: English label}, for a long one."""

    def __init__(self, headings: Mapping[int, str] | None = None) -> None:
        self.items: list[NavigationItem] = []
        self.headings = headings or {}

    def add(
        self,
        endpoint: str,
        label: str,
        *,
        order: int,
        visible: Callable[[Any, Any], bool] = lambda user, event: True,
    ) -> None:
        """Add an entry once; visible(user, event) decides per reader and must not write."""
        item = NavigationItem(endpoint, label, order, visible)
        if all(known.endpoint != endpoint for known in self.items):
            self.items.append(item)
            self.items.sort(key=lambda known: known.order)

    def links(self, event: Any = None, here: str | None = None) -> list[Link]:
        """Entries for the current reader.

        here: the endpoint of the entry to which this page belongs, where its address does not say so.
        In the bars of an event a page below an entry's page marks the nearest entry above it.
        """
        return [link for _, link in self._placed(event, here)]

    def sections(self, event: Any = None, here: str | None = None) -> list[tuple[str, list[Link]]]:
        """links() below their headings: (label, entries); those before the first heading below none ("")."""
        starts = sorted(self.headings)
        found: dict[int, list[Link]] = {}
        for order, link in self._placed(event, here):
            found.setdefault(bisect_right(starts, order), []).append(link)
        return [(gettext(self.headings[starts[at - 1]]) if at else "", links) for at, links in found.items()]

    def _placed(self, event: Any, here: str | None) -> list[tuple[int, Link]]:
        slug = event.slug if event is not None else None
        user = current_user._get_current_object()
        asked = request._get_current_object()  # type: ignore[attr-defined]
        root, path, endpoint = asked.script_root, asked.path, asked.endpoint
        links = []
        for item in self.items:
            if item.visible(user, event):
                url = _address(root, item.endpoint, slug)
                is_here = path == url or endpoint == item.endpoint
                current = is_here if here is None else here == item.endpoint
                links.append((item.order, Link(gettext(item.label), url, current)))
        if event is not None and not any(link.current for _, link in links):
            above = [at for at, (_, link) in enumerate(links) if path.startswith(f"{link.url}/")]
            if above:
                nearest = max(above, key=lambda at: len(links[at][1].url))
                order, link = links[nearest]
                links[nearest] = (order, link._replace(current=True))
        return links


@lru_cache(maxsize=2000)
def _address(root: str, endpoint: str, slug: str | None) -> str:
    """Where an entry leads, below root (the path under which the forum is served)."""
    return url_for(endpoint, slug=slug) if slug is not None else url_for(endpoint)


site_navigation = Navigation()
account_navigation = Navigation()
event_navigation = Navigation()
manage_navigation = Navigation(
    {
        20: N_("People"),
        30: N_("Programme and pitches"),
        60: N_("Meetings"),
        70: N_("Mail and calendars"),
        80: N_("Set-up"),
    }
)


def init_app(app: Flask) -> None:
    """Let templates see the bars."""
    app.jinja_env.globals.update(
        site_nav=site_navigation.links,
        account_nav=account_navigation.links,
        event_nav=event_navigation.links,
        manage_nav=manage_navigation.sections,
    )
