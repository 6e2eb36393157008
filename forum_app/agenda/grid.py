"""A day as rooms by time: which card stands where. By instant, never by the clock. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forum_app.agenda.snapshot import PublishedItem, PublishedRoom

STEP = timedelta(minutes=5)
MAX_SLOTS = 288  # the theme's grid: a day of five-minute steps
MAX_COLUMNS = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """column: room from 1, or 0 across all rooms; slot, span: five-minute steps from the grid's start.

    items: one, or several that overlap in one column (a block with its pitches, a clash kept).
    """

    column: int
    slot: int
    span: int
    items: tuple[PublishedItem, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """columns: rooms in order; None is the column of what has no room. hours: (slot, instant)."""

    columns: tuple[PublishedRoom | None, ...]
    cells: tuple[Cell, ...]
    hours: tuple[tuple[int, datetime], ...]


def grid_of(items: Sequence[PublishedItem]) -> Grid | None:
    """The grid of a day's items (sorted by start); None when it needs more columns than there are."""
    if not items:
        return None
    rooms = {item.room.id: item.room for item in items if item.room is not None}
    ordered = sorted(rooms.values(), key=lambda room: (room.position, room.id))
    start = min(item.starts_at for item in items)
    start -= (start - _EPOCH) % _HOUR
    placed = [item for item in items if item.room is not None]
    free = [item for item in items if item.room is None]
    # what has no room goes across all rooms where nothing else happens, else into a column of its own
    across = [item for item in free if not any(_meet(item, other) for other in placed)]
    beside = [item for item in free if item not in across]
    columns: list[PublishedRoom | None] = [*ordered]
    if beside or not columns:
        columns.append(None)
    if len(columns) > MAX_COLUMNS:
        return None
    number = {room.id: index for index, room in enumerate(ordered, 1)}
    by_column: dict[int, list[PublishedItem]] = {}
    for item in placed:
        if item.room is not None:
            by_column.setdefault(number[item.room.id], []).append(item)
    if beside:
        by_column[len(columns)] = beside
    if across:
        by_column[0] = across
    cells = [cell for column, row in by_column.items() for cell in _cells(column, row, start)]
    # in the order of time: so a phone shows them
    cells.sort(key=lambda cell: (cell.items[0].starts_at, cell.column))
    last = max(cell.slot + cell.span for cell in cells)
    hours = tuple((slot, start + STEP * slot) for slot in range(0, min(last, MAX_SLOTS), 12))
    return Grid(tuple(columns), tuple(cells), hours)


def _meet(a: PublishedItem, b: PublishedItem) -> bool:
    return _floor(a.starts_at) < _ceil(b.ends_at) and _floor(b.starts_at) < _ceil(a.ends_at)


def _floor(instant: datetime) -> datetime:
    return instant - (instant - _EPOCH) % STEP


def _ceil(instant: datetime) -> datetime:
    return instant + (_EPOCH - instant) % STEP


def _cells(column: int, items: Iterable[PublishedItem], start: datetime) -> Iterable[Cell]:
    """Items of one column; those that overlap share a cell, so that no card covers another."""
    group: list[PublishedItem] = []
    end = start
    for item in items:
        if group and _floor(item.starts_at) >= end:
            yield _cell(column, group, end, start)
            group = []
        end = max(end, _ceil(item.ends_at)) if group else _ceil(item.ends_at)
        group.append(item)
    if group:
        yield _cell(column, group, end, start)


def _cell(column: int, group: list[PublishedItem], end: datetime, start: datetime) -> Cell:
    slot = min((_floor(group[0].starts_at) - start) // STEP, MAX_SLOTS - 1)
    span = max(1, min((end - start) // STEP - slot, MAX_SLOTS - slot))
    return Cell(column, slot, span, tuple(group))
