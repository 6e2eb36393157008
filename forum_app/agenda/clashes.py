"""Two items that want one room or one person at the same time. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Placed:
    """An item with a time. people: keys of those who speak; a parent never clashes with its own items."""

    id: int
    code: str
    parent_id: int | None
    title_en: str
    title_ja: str
    room_id: int | None
    starts_at: datetime
    ends_at: datetime
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Clash:
    """resource: the room's id or the person's key. first starts no later than second."""

    kind: Literal["room", "speaker"]
    resource: int | str
    first: Placed
    second: Placed

    def other(self, item_id: int) -> Placed:
        """The item that is not item_id."""
        return self.second if self.first.id == item_id else self.first


def find_clashes(items: Iterable[Placed]) -> list[Clash]:
    """All clashes, by time; n log n but for the clashes themselves."""
    by_room: dict[int, list[Placed]] = defaultdict(list)
    by_person: dict[str, list[Placed]] = defaultdict(list)
    for item in sorted(items, key=lambda i: (i.starts_at, i.ends_at, i.id)):
        if item.room_id is not None:
            by_room[item.room_id].append(item)
        for person in item.people:
            by_person[person].append(item)
    clashes = [
        Clash("room", room, first, second) for room, row in by_room.items() for first, second in _pairs(row)
    ]
    clashes += [
        Clash("speaker", person, first, second)
        for person, row in by_person.items()
        for first, second in _pairs(row)
    ]
    return sorted(
        clashes, key=lambda c: (c.first.starts_at, c.first.id, c.second.id, c.kind, str(c.resource))
    )


def clashes_of(item: Placed, others: Iterable[Placed]) -> list[Clash]:
    """The clashes of one item (saved or not) with the others."""
    near = [
        other
        for other in others
        if other.id != item.id and other.starts_at < item.ends_at and item.starts_at < other.ends_at
    ]
    return [clash for clash in find_clashes([item, *near]) if item.id in (clash.first.id, clash.second.id)]


def _pairs(row: Sequence[Placed]) -> Iterable[tuple[Placed, Placed]]:
    """Overlapping pairs of a row sorted by start; touching ends are no clash."""
    for index, first in enumerate(row):
        for second in row[index + 1 :]:
            if second.starts_at >= first.ends_at:
                break
            if first.parent_id != second.id and second.parent_id != first.id:
                yield first, second
