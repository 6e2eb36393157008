"""A day as rooms by time: which card stands where, and what is drawn inside another's card. By instant. Pure.

A row is an instant at which something starts, not a length of time: rows are as high as what is written
in them, and hours in which nothing starts take no room.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forum_app.agenda.snapshot import PublishedItem, PublishedRoom

MAX_ROWS = 288  # as many as the theme has classes for
MAX_COLUMNS = 12
_LEAST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Block:
    """An item with its own card, and what is listed inside that card (a pitch block's pitches), by start."""

    item: PublishedItem
    inside: tuple[PublishedItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """column: room from 1, or 0 across all rooms; row: from 0; span: rows.

    blocks: one, or several that overlap in one column (a clash kept on purpose).
    """

    column: int
    row: int
    span: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """columns: rooms in order; None is for what has no room, or the only one. rows: when each begins."""

    columns: tuple[PublishedRoom | None, ...]
    rows: tuple[datetime, ...]
    cells: tuple[Cell, ...]


def blocks_of(items: Sequence[PublishedItem]) -> list[Block]:
    """The items (sorted by start), each once: inside its parent where that is among them, else by itself.

    By itself, too, where the parent's card would not tell the truth about it: in another room, outside
    the parent's time, or when only the parent was cancelled.
    """
    by_id = {item.id: item for item in items}
    inside: dict[int, list[PublishedItem]] = {}
    own = []
    for item in items:
        parent = by_id.get(item.parent_id) if item.parent_id is not None else None
        if parent is not None and _holds(parent, item):
            inside.setdefault(parent.id, []).append(item)
        else:
            own.append(item)
    return [Block(item, tuple(inside.get(item.id, ()))) for item in own]


def _holds(parent: PublishedItem, item: PublishedItem) -> bool:
    return (
        parent.parent_id is None
        and parent.starts_at <= item.starts_at
        and item.ends_at <= parent.ends_at
        and (item.room is None or (parent.room is not None and item.room.id == parent.room.id))
        and (item.is_cancelled or not parent.is_cancelled)
    )


def grid_of(blocks: Sequence[Block]) -> Grid | None:
    """The grid of a day (sorted by start); None when it needs more columns or rows than there are."""
    if not blocks:
        return None
    starts = sorted({block.item.starts_at for block in blocks})
    several = len({block.item.room.id for block in blocks if block.item.room is not None}) > 1
    # what happens at a time when no other room is used goes across all of them
    across: list[Block] = []
    placed: list[Block] = []
    for group in _clusters(blocks):
        wide = (several and len(group) == 1) or all(block.item.room is None for block in group)
        (across if wide else placed).extend(group)
    rooms = {block.item.room.id: block.item.room for block in placed if block.item.room is not None}
    ordered = sorted(rooms.values(), key=lambda room: (room.position, room.id))
    columns: list[PublishedRoom | None] = [*ordered]
    if not columns or any(block.item.room is None for block in placed):
        columns.append(None)
    if len(columns) > MAX_COLUMNS or len(starts) > MAX_ROWS:
        return None
    number = {room.id: index for index, room in enumerate(ordered, 1)}
    by_column: dict[int, list[Block]] = {0: across} if across else {}
    for block in placed:
        column = len(columns) if block.item.room is None else number[block.item.room.id]
        by_column.setdefault(column, []).append(block)
    cells = [cell for column, held in by_column.items() for cell in _cells(column, held, starts)]
    # in the order of time: so a phone shows them
    cells.sort(key=lambda cell: (cell.row, cell.column))
    return Grid(tuple(columns), tuple(starts), tuple(cells))


def _end(item: PublishedItem) -> datetime:
    return max(item.ends_at, item.starts_at + _LEAST)


def _clusters(blocks: Iterable[Block]) -> Iterable[list[Block]]:
    """The blocks (sorted by start) in chains of those that overlap."""
    group: list[Block] = []
    end = datetime.min.replace(tzinfo=UTC)
    for block in blocks:
        if group and block.item.starts_at >= end:
            yield group
            group = []
        end = max(end, _end(block.item))
        group.append(block)
    if group:
        yield group


def _cells(column: int, blocks: Iterable[Block], starts: Sequence[datetime]) -> Iterable[Cell]:
    """Blocks of one column; those that overlap share a cell, so that no card covers another."""
    for group in _clusters(blocks):
        first = bisect_left(starts, group[0].item.starts_at)
        end = max(_end(block.item) for block in group)
        yield Cell(column, first, bisect_left(starts, end) - first, tuple(group))
