"""Claims: who and what a meeting uses, cell by cell. The primary key of the table decides every race.

Who needs more than one row takes them in one order, so that nobody waits crosswise: first meetings
(lock_meetings, by id), then claims (people, tables, interpreters; by id and time), then requests.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from forum_app.core.errors import Conflict
from forum_app.core.intervals import grid_cells
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import GRID_MINUTES, Claim, Meeting, MeetingParticipant, ResourceKind
from forum_app.registration.models import Registration

RANK = {ResourceKind.PERSON: 0, ResourceKind.TABLE: 1, ResourceKind.INTERPRETER: 2}
ROWS = 4_000  # of four values each in one statement; SQLite takes 32,766 values
IDS = 10_000
TAKEN = N_("This time is taken by now. Nothing was changed; please choose one of the next free times.")
GONE = N_("One of the people no longer takes part in the event.")


@dataclass(frozen=True, slots=True)
class Clash:
    """A resource that a meeting needs and another one has. taken_by: the other meeting's id."""

    meeting_id: int
    kind: ResourceKind
    resource_id: int
    slot_at: datetime
    taken_by: int


class Taken(Conflict):
    """Some of what was to be claimed is in use; clashes says by which meetings."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        super().__init__(TAKEN)
        self.clashes = list(clashes)


T = TypeVar("T")
Row = tuple[ResourceKind, int, datetime, int]


def cells_of(meeting: Meeting, kind: ResourceKind, resource_id: int) -> list[Row]:
    """The claims with which a meeting uses one resource; (kind, resource id, cell, meeting id)."""
    cells = grid_cells(meeting.starts_at, meeting.ends_at, GRID_MINUTES)
    return [(kind, resource_id, cell, meeting.id) for cell in cells]


def insert_claims(rows: Sequence[Row]) -> int:
    """Insert what is free, in the given order; how many rows that were. Waits for whoever has one in hand."""
    if not rows:
        return 0
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = [
        {"resource_kind": kind, "resource_id": number, "slot_at": cell, "meeting_id": meeting}
        for kind, number, cell, meeting in rows
    ]
    # given beside the statement, so that it is compiled once: a schedule has tens of thousands of rows
    table = db.metadata.tables[Claim.__tablename__]
    statement = insert(table).on_conflict_do_nothing().returning(Claim.meeting_id)
    return len(db.session.execute(statement, values).all())


def claim_all(meetings: Sequence[Meeting]) -> None:
    """Claim people, table and interpreter of all meetings, or raise Taken and leave it to the caller's
    transaction to undo what was claimed. Some thousands of rows in a few statements."""
    db.session.flush()
    people = _people_of([meeting.id for meeting in meetings])
    rows: list[Row] = []
    for meeting in meetings:
        for user_id in people.get(meeting.id, ()):
            if user_id is None:
                raise Conflict(GONE)
            rows += cells_of(meeting, ResourceKind.PERSON, user_id)
        if meeting.table_id is not None:
            rows += cells_of(meeting, ResourceKind.TABLE, meeting.table_id)
        if meeting.interpreter_id is not None:
            rows += cells_of(meeting, ResourceKind.INTERPRETER, meeting.interpreter_id)
    rows.sort(key=lambda row: (RANK[row[0]], row[1], row[2]))
    claimed = sum(insert_claims(part) for part in _parts(rows, ROWS))
    if claimed != len(rows):
        raise Taken(list_clashes(rows))


def release(meeting_ids: Collection[int]) -> None:
    """Free all that these meetings use."""
    for part in _parts(sorted(meeting_ids), IDS):
        db.session.execute(delete(Claim).where(Claim.meeting_id.in_(part)))


def lock_meetings(meeting_ids: Collection[int]) -> None:
    """Hold these meetings until the end of the transaction, in order of id; of no effect on SQLite, which
    has one writer at a time. Rows that were read before must be refreshed by the caller."""
    for part in _parts(sorted(meeting_ids), IDS):
        db.session.execute(
            select(Meeting.id)
            .where(Meeting.id.in_(part))
            .order_by(Meeting.id)
            .with_for_update(key_share=True)
        ).all()


def book_alone(event_id: int) -> bool:
    """Let no other booking of the event end before this transaction does; False where the database has but
    one writer. For what no claim tells: the way from one building to another.

    A booking asks for it last, with all claims in hand, and reads again; a publication before it reads.
    """
    if db.session.get_bind().dialect.name == "sqlite":
        return False
    db.session.execute(select(Event.id).where(Event.id == event_id).with_for_update(key_share=True)).all()
    return True


def list_clashes(rows: Sequence[Row], most: int = 50) -> list[Clash]:
    """Which of the rows are in use by other meetings than their own, one per meeting and resource."""
    wanted = {row[:3]: row[3] for row in reversed(rows)}
    doubled = _doubled(rows)
    found: dict[tuple[int, ResourceKind, int], Clash] = {}
    for part in _parts(list(wanted), ROWS):
        taken = db.session.execute(
            select(Claim.resource_kind, Claim.resource_id, Claim.slot_at, Claim.meeting_id)
            .where(tuple_(Claim.resource_kind, Claim.resource_id, Claim.slot_at).in_(part))
            .order_by(Claim.slot_at)
        )
        for kind, number, cell, meeting in taken:
            for mine in {wanted[kind, number, cell], *doubled.get((kind, number, cell), ())} - {meeting}:
                found.setdefault((mine, kind, number), Clash(mine, kind, number, cell, meeting))
    return sorted(found.values(), key=lambda clash: (clash.meeting_id, RANK[clash.kind]))[:most]


def _doubled(rows: Iterable[Row]) -> dict[tuple[ResourceKind, int, datetime], set[int]]:
    """Cells that several of the meetings want at once."""
    wants: dict[tuple[ResourceKind, int, datetime], set[int]] = {}
    for kind, number, cell, meeting in rows:
        wants.setdefault((kind, number, cell), set()).add(meeting)
    return {cell: meetings for cell, meetings in wants.items() if len(meetings) > 1}


def _people_of(meeting_ids: Collection[int]) -> dict[int, list[int | None]]:
    """Logins of the participants of meetings."""
    found: dict[int, list[int | None]] = {}
    for part in _parts(sorted(meeting_ids), IDS):
        rows = db.session.execute(
            select(MeetingParticipant.meeting_id, Registration.user_id)
            .join(MeetingParticipant.registration)
            .where(MeetingParticipant.meeting_id.in_(part))
        )
        for meeting_id, user_id in rows:
            found.setdefault(meeting_id, []).append(user_id)
    return found


def _parts(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
