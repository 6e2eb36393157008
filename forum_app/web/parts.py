"""Parts of pages that are drawn once and kept.

The key of a part names everything that the part shows, so that a kept one is never stale: what changes is
asked for under another key, and the old part falls out. What belongs to one person (name, token, prefilled
values) is never part of a kept text; it goes into the holes of a Stencil, anew for each answer.
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

from flask import current_app
from markupsafe import Markup, escape

Part = TypeVar("Part")
# Nobody can write a hole into a text of theirs: the number is drawn when the process starts.
_HOLE = f"hole{secrets.token_hex(12)}"
_HOLES = re.compile(_HOLE + r"([a-z0-9_]+)\.")


class Parts(Generic[Part]):
    """Parts by key, the least recently used thrown out; for what depends on no person."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: OrderedDict[Hashable, Part] = OrderedDict()
        self.lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Part]) -> Part:
        """The part under key, made if it is not there."""
        with self.lock:
            part = self.kept.get(key)
            if part is not None:
                self.kept.move_to_end(key)
                return part
        part = make()
        with self.lock:
            self.kept[key] = part
            while len(self.kept) > self.most:
                self.kept.popitem(last=False)
        return part

    def clear(self) -> None:
        with self.lock:
            self.kept.clear()


def render_part(template: str, **values: Any) -> Markup:
    """A template of ours without the page around it and without the context of the request."""
    html = current_app.jinja_env.get_template(template).render(**values)
    return Markup(html)  # noqa: S704 - made by our own template, which escapes


def hole(name: str) -> str:
    """What to give a template in place of a value that fill() puts in; as text or in a quoted attribute."""
    return f"{_HOLE}{name}."


class Stencil:
    """A drawn text with holes."""

    def __init__(self, html: str) -> None:
        # text, name of a hole, text, ..., text
        self._pieces = _HOLES.split(html)
        self._names = self._pieces[1::2]

    def fill(self, **values: object) -> Markup:
        """The text with a value in each hole, escaped unless it is Markup; a value without a hole is left."""
        pieces = self._pieces.copy()
        pieces[1::2] = [escape(values[name]) for name in self._names]
        return Markup("".join(pieces))  # noqa: S704 - the text is our template's, the values are escaped


def stencil(template: str, **values: Any) -> Stencil:
    """A part with holes, drawn from a template."""
    return Stencil(render_part(template, **values))
