"""Lists that stay fast: search, sorting and paging are done by the database, never in the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import request
from sqlalchemy import Select, SQLColumnExpression, func, select

from forum_app.db import db

PAGE_SIZES = (25, 50, 100)
MAX_PAGE = 100_000
MAX_QUERY = 100
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class TableState:
    """What the reader asked of a list: q (search), sort key, direction, page, size, filters."""

    path: str
    q: str = ""
    sort: str = ""
    descending: bool = False
    number: int = 1
    size: int = PAGE_SIZES[0]
    filters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_request(
        cls, *, sorts: Sequence[str], filters: Mapping[str, Sequence[str]] | None = None
    ) -> "TableState":
        """Read from the query string; anything unknown falls back to the default.

        sorts: allowed keys, the first is the default; a default of "-key" sorts descending.
        filters: allowed values per filter.
        """
        args = request.args
        default = sorts[0] if sorts else ""
        asked = args.get("sort", default)
        if asked.removeprefix("-") not in {s.removeprefix("-") for s in sorts}:
            asked = default
        number = args.get("page", "1")
        size = args.get("size", "")
        chosen = {
            name: args[name]
            for name, allowed in (filters or {}).items()
            if args.get(name) in allowed and args.get(name)
        }
        return cls(
            path=request.path,
            q=" ".join(args.get("q", "").replace("\0", "").split())[:MAX_QUERY],
            sort=asked.removeprefix("-"),
            descending=asked.startswith("-"),
            number=min(int(number[:20]), MAX_PAGE) if number.isascii() and number.isdigit() else 1,
            size=int(size) if size in {str(s) for s in PAGE_SIZES} else PAGE_SIZES[0],
            filters=chosen,
        )

    def url(self, **changes: object) -> str:
        """Address of this list with some of its state changed; None removes."""
        values: dict[str, object] = {
            "q": self.q,
            "sort": ("-" if self.descending else "") + self.sort,
            "page": self.number,
            "size": self.size,
            **self.filters,
            **changes,
        }
        defaults = {"page": 1, "size": PAGE_SIZES[0]}
        kept = {k: v for k, v in values.items() if v not in (None, "") and defaults.get(k) != v}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def sort_url(self, key: str) -> str:
        """Address that sorts by key, or turns the direction if it already does."""
        down = self.sort == key and not self.descending
        return self.url(sort=("-" if down else "") + key, page=1)

    def direction(self, key: str) -> str:
        """Value of aria-sort for the column."""
        if self.sort != key:
            return "none"
        return "descending" if self.descending else "ascending"


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list."""

    rows: Sequence[Row]
    total: int
    state: TableState

    @property
    def number(self) -> int:
        return max(1, min(self.state.number, self.pages))

    @property
    def size(self) -> int:
        return self.state.size

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.state.size))


def paginate(
    statement: Select[Any], state: TableState, *, sorts: Mapping[str, Sequence[SQLColumnExpression[Any]]]
) -> Page[Any]:
    """Run statement for one page: one count, one select (plus its eager loads).

    sorts: order columns per key; the last should be unique, so that pages never overlap.
    """
    total = db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    columns = sorts[state.sort]
    ordered = statement.order_by(None).order_by(*[c.desc() if state.descending else c.asc() for c in columns])
    page: Page[Any] = Page((), total, state)
    ordered = ordered.limit(state.size).offset((page.number - 1) * state.size)
    if len(ordered.column_descriptions) == 1:
        rows: Sequence[Any] = db.session.scalars(ordered).unique().all()
    else:
        rows = db.session.execute(ordered).unique().all()
    return Page(rows, total, state)


def contains(text: str) -> str:
    """LIKE pattern that finds text anywhere; use with escape="\\\\"."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
