"""What a feed has shown, and from it the SEQUENCE and the stamp of each entry. No database, no clock.

SEQUENCE rises exactly when what a reader sees of time, place or status changes, whatever the cause:
a meeting moved, a room renamed, a clearance that ran out. DTSTAMP is when that came about, so what
did not change is rendered to the same bytes. What is taken away stays as cancelled.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import blake2b
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

KEPT = timedelta(days=400)  # what was withdrawn, after its end
ON, CHOSEN, OFF, WITHDRAWN, LEFT = "on", "chosen", "off", "withdrawn", "left"


def digest(facts: str) -> str:
    """A short digest of facts, written out the same in each process."""
    return blake2b(facts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Face(NamedTuple):
    """What an entry looks like now. Instants are aware.

    shape: digest of time, place and status; content: of all that is shown, whatever the language.
    sequence and changed_at: as the rows have them. chosen: the reader put it there and may take it
    out again. hidden: they may no longer know of it.
    """

    key: str
    uid: str
    sequence: int
    shape: str
    content: str
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    zone: str
    cancelled: bool = False
    chosen: bool = False
    hidden: bool = False

    @property
    def state(self) -> str:
        if self.hidden:
            return WITHDRAWN
        return OFF if self.cancelled else CHOSEN if self.chosen else ON

    @property
    def first(self) -> "Record":
        """What is kept of it when it is shown for the first time."""
        return _first(self)


class KeptFace(Face):
    """A face that many feeds show: what is made of it is made once."""

    @cached_property
    def first(self) -> "Record":
        return _first(self)


class Record(NamedTuple):
    """What was shown of an entry last; instants in seconds since 1970.

    state: ON; CHOSEN (on, by the reader's choice); OFF (cancelled by the forum); WITHDRAWN from this
    reader, shown as cancelled; LEFT, no longer shown: the reader took it out of their programme, or
    it was cancelled before.
    """

    uid: str
    sequence: int
    shape: str
    content: str
    stamp: int
    starts: int
    ends: int
    zone: str
    state: str

    @property
    def stamped_at(self) -> datetime:
        return _instant(self.stamp)

    @property
    def starts_at(self) -> datetime:
        return _instant(self.starts)

    @property
    def ends_at(self) -> datetime:
        return _instant(self.ends)


Records = Mapping[str, Record]
EMPTY: Records = {}


def dumps(records: Records) -> str:
    """As JSON. Written here, since the library takes four times as long for rows that all look alike."""
    rows = [
        f'{quoted(key)}:[{quoted(uid)},{sequence},"{shape}","{content}",{stamp},{starts},{ends},{quoted(zone)},"{state}"]'
        for key, (uid, sequence, shape, content, stamp, starts, ends, zone, state) in records.items()
    ]
    return "{" + ",".join(rows) + "}"


def loads(text: str) -> Records:
    rows: dict[str, list[Any]] = json.loads(text)
    return {key: Record(*row) for key, row in rows.items()}


def settle(
    known: Records, faces: Iterable[Face], now: datetime, left: Callable[[str], bool] = lambda key: False
) -> Records:
    """The records after faces were shown.

    left: whether the reader took the entry with this key out themselves; it then simply goes.
    """
    settled: dict[str, Record] = {}
    moment = int(now.timestamp())
    for face in faces:
        record = known.get(face.key)
        if record is None:
            settled[face.key] = face.first
        elif face.hidden:
            settled[face.key] = _withdrawn(record, moment, _seconds(face.changed_at))
        else:
            settled[face.key] = _shown_again(record, face, moment)
    oldest = moment - int(KEPT.total_seconds())
    for key, record in known.items():
        if key in settled:
            continue
        if record.state == OFF or (record.state == CHOSEN and left(key)):
            settled[key] = record._replace(state=LEFT)
        elif record.state in (ON, CHOSEN) or record.ends > oldest:
            settled[key] = _withdrawn(record, moment)
    return settled


@lru_cache(maxsize=1024)
def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=1024)
def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _first(face: Face) -> Record:
    return Record(
        face.uid,
        face.sequence,
        face.shape,
        face.content,
        _seconds(face.changed_at),
        _seconds(face.starts_at),
        _seconds(face.ends_at),
        face.zone,
        face.state,
    )


def _withdrawn(record: Record, moment: int, changed: int = 0) -> Record:
    """Where and when it is held meanwhile is no longer the reader's business."""
    if record.state in (WITHDRAWN, LEFT):
        return record
    stamp = changed if changed > record.stamp else max(moment, record.stamp)
    return record._replace(sequence=record.sequence + 1, stamp=stamp, state=WITHDRAWN)


def _shown_again(record: Record, face: Face, moment: int) -> Record:
    moved = record.shape != face.shape or record.state == WITHDRAWN
    sequence = max(face.sequence, record.sequence + moved)
    stamp = record.stamp
    if moved or record.content != face.content or sequence != record.sequence:
        changed = _seconds(face.changed_at)
        stamp = changed if changed > stamp else max(moment, stamp)
    elif record.state == face.state:
        return record
    return Record(
        record.uid,  # whatever becomes of the domain that UIDs are made with
        sequence,
        face.shape,
        face.content,
        stamp,
        _seconds(face.starts_at),
        _seconds(face.ends_at),
        face.zone,
        face.state,
    )
