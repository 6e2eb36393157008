"""Navigation that features add themselves to, so that the base templates know none of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, request, url_for
from flask_login import current_user

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
    """One bar of entries."""

    def __init__(self) -> None:
        self.items: list[NavigationItem] = []

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
        slug = event.slug if event is not None else None
        user = current_user._get_current_object()
        asked = request._get_current_object()  # type: ignore[attr-defined]
        root, path, endpoint = asked.script_root, asked.path, asked.endpoint
        links = []
        for item in self.items:
            if item.visible(user, event):
                url = _address(root, item.endpoint, slug)
                is_here = path == url or endpoint == item.endpoint
                links.append(
                    Link(gettext(item.label), url, is_here if here is None else here == item.endpoint)
                )
        if event is not None and not any(link.current for link in links):
            above = [link for link in links if path.startswith(f"{link.url}/")]
            if above:
                nearest = max(above, key=lambda link: len(link.url))
                links[links.index(nearest)] = nearest._replace(current=True)
        return links


@lru_cache(maxsize=2000)
def _address(root: str, endpoint: str, slug: str | None) -> str:
    """Where an entry leads, below root (the path under which the forum is served)."""
    return url_for(endpoint, slug=slug) if slug is not None else url_for(endpoint)


site_navigation = Navigation()
account_navigation = Navigation()
event_navigation = Navigation()
manage_navigation = Navigation()


def init_app(app: Flask) -> None:
    """Let templates see the bars."""
    app.jinja_env.globals.update(
        site_nav=site_navigation.links,
        account_nav=account_navigation.links,
        event_nav=event_navigation.links,
        manage_nav=manage_navigation.links,
    )
