"""Finding place for one meeting: people, then a table, then an interpreter, each claimed as it is chosen.

A booking that misses one of them undoes itself with the whole transaction and offers the next free slots.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from forum_app.core.errors import Conflict, Invalid, NotFound
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.availability_queries import (
    AROUND,
    Availability,
    Wish,
    as_intervals,
    claimed_cells,
    read_availability,
)
from forum_app.meetings.busy_queries import Busy, Source, read_diary
from forum_app.meetings.claim_services import RANK, TAKEN, book_alone, cells_of, insert_claims, release
from forum_app.meetings.models import Interpreter, Meeting, ResourceKind
from forum_app.meetings.resource_queries import as_helper, serving_helpers, serving_places
from forum_app.meetings.slot_queries import FreeSlot, list_common_slots, list_free_slots, preferred_tables
from forum_app.registration.models import Registration


class _InUse(Exception):
    """A resource was taken meanwhile: undo the claim of it, and only that."""


ALTERNATIVES = 6  # enough to choose from, few enough to read on a phone
InterpreterWish = int | Literal["any", "keep"] | None

NO_TABLE = N_("No table is free at this time. Please choose one of the next free times.")
TABLE_TAKEN = N_("This table is in use at this time. Please choose another table or time.")
TABLE_AWAY = N_("This table is not there at this time. Please choose another table or time.")
TABLE_FAR = N_("Somebody would be on the way from or to another building. Choose another table or time.")
TABLE_OTHERS = N_(
    "This table does not serve this meeting: it is another's booth, or in a closed room or not."
)
NO_INTERPRETER = N_("No interpreter is free at this time. Please choose one of the next free times.")
INTERPRETER_OTHERS = N_("This interpreter does not serve this meeting: languages or clearance do not fit.")
NOT_FREE = N_("One of the people is not free at this time. Please choose another time.")


class NotFree(Conflict):
    """Somebody is busy; clashes: by registration id, for those who may read them (organizers)."""

    def __init__(
        self, message: str, alternatives: Sequence[object], clashes: Mapping[int, Sequence[Busy]]
    ) -> None:
        super().__init__(message, alternatives=alternatives)
        self.clashes = dict(clashes)


@dataclass(slots=True)
class Placing:
    """One attempt to claim all that a meeting needs. people: the host first.

    now: alternatives lie after it. look_in: for them, in the host's office hours ("hours", "direct") or
    in all that the event has ("event").
    """

    event: Event
    meeting: Meeting
    people: Sequence[Registration]
    wish: Wish
    now: datetime
    look_in: Literal["hours", "direct", "event"] = "event"

    def place(self, table_id: int | None, interpreter: InterpreterWish) -> None:
        """Claim people, table (table_id, else the best free one; none if remote) and interpreter.

        Raises Conflict with alternatives, Invalid when the table or the interpreter cannot serve at all.
        """
        logins = sorted(person.user_id for person in self.people if person.user_id is not None)
        self._hold_people()
        known = read_availability(
            self.event,
            logins,
            self.span,
            interpreters=self.wish.interpreter,
            without=[self.meeting.id],
        )
        self._check_people(known)
        # people first and in order of id, see claim_services
        rows = [row for login in logins for row in cells_of(self.meeting, ResourceKind.PERSON, login)]
        rows.sort(key=lambda row: (RANK[row[0]], row[1], row[2]))
        if insert_claims(rows) != len(rows):
            raise self.refused(TAKEN)
        if self.wish.remote:
            self.meeting.table_id = None
        else:
            self.meeting.table_id = self._claim_table(known, logins, table_id)
        self.meeting.interpreter_id = (
            self._claim_interpreter(known, interpreter) if self.wish.interpreter else None
        )
        try:
            db.session.flush()
        except IntegrityError as error:  # the table was removed at the same moment
            raise Conflict(TAKEN) from error
        if len(known.diary.buildings) > 1 and book_alone(self.event.id):
            self._check_ways(known, logins)

    def _check_ways(self, known: Availability, logins: Sequence[int]) -> None:
        """Whether nobody was booked into another building while we looked for a table in this one."""
        table = next((place for place in known.places if place.id == self.meeting.table_id), None)
        place = () if table is None or table.building is None else (table.building,)
        now = read_diary(
            self.event,
            logins,
            window=self.span,
            without=[self.meeting.id],
            buildings=known.diary.buildings,
        )
        if any(now.clashes(login, self.span, place) for login in logins):
            raise self.refused(TABLE_FAR)

    def _hold_people(self) -> None:
        """Nobody declares an absence between our look at their time and our commit."""
        held = select(Registration.id).where(Registration.id.in_([person.id for person in self.people]))
        db.session.execute(held.order_by(Registration.id).with_for_update(read=True, key_share=True)).all()

    @property
    def span(self) -> Interval:
        return Interval(self.meeting.starts_at, self.meeting.ends_at)

    def _check_people(self, known: Availability) -> None:
        clashes = {
            person.id: found
            for person in self.people
            if person.user_id is not None and (found := known.diary.clashes(person.user_id, self.span, ()))
        }
        if clashes:
            only_meetings = all(one.source == Source.MEETING for found in clashes.values() for one in found)
            message = TAKEN if only_meetings else NOT_FREE
            raise NotFree(message, self.refused(message).alternatives, clashes)

    def _claim_table(self, known: Availability, logins: Sequence[int], table_id: int | None) -> int:
        span, wish = self.span, self.wish
        free = known.free_tables(logins, span, wish)
        if table_id is not None:
            place = next((place for place in known.places if place.id == table_id), None)
            if place is None:
                raise NotFound(N_("There is no such table at this event."))
            if place not in serving_places(known.places, wish.organizations, closed=wish.closed):
                raise Invalid(TABLE_OTHERS, field="table_id")
            if not place.is_there(span):
                raise self.refused(TABLE_AWAY)
            if table_id not in free and known.free(ResourceKind.TABLE, table_id, span):
                raise self.refused(TABLE_FAR)
            return self._first(ResourceKind.TABLE, [table_id], TABLE_TAKEN)
        own = {place.id for place in known.places if place.owner_id is not None}
        own &= {place.id for place in known.places if place.owner_id == wish.organizations[0]}
        near = preferred_tables(self.people[0], self.meeting.starts_at, free)
        return self._first(ResourceKind.TABLE, sorted(near, key=lambda table: table not in own), NO_TABLE)

    def _claim_interpreter(self, known: Availability, wanted: InterpreterWish) -> int:
        free = known.free_helpers(self.span, self.wish)
        if isinstance(wanted, int):
            if wanted not in {helper.id for helper in known.helpers}:
                raise NotFound(N_("There is no such interpreter at this event."))
            day = self.span.start.astimezone(known.zone).date() if self.wish.cleared else None
            serving = serving_helpers(known.helpers, self.wish.languages, cleared_on=day)
            if wanted not in {helper.id for helper in serving}:
                raise Invalid(INTERPRETER_OTHERS, field="interpreter")
            return self._first(
                ResourceKind.INTERPRETER, [one for one in free if one == wanted], NO_INTERPRETER
            )
        kept = self.meeting.interpreter_id
        return self._first(
            ResourceKind.INTERPRETER, sorted(free, key=lambda one: one != kept), NO_INTERPRETER
        )

    def _first(self, kind: ResourceKind, ids: Iterable[int], refusal: str) -> int:
        """Claim the first of ids that nobody has meanwhile; each try is undone before the next one, so
        that two bookings that prefer the same things never hold what the other waits for."""
        for resource_id in ids:
            rows = cells_of(self.meeting, kind, resource_id)
            with suppress(_InUse), db.session.begin_nested():
                if insert_claims(rows) != len(rows):
                    raise _InUse
                if kind == ResourceKind.INTERPRETER and not self._is_rested(resource_id):
                    raise _InUse
                return resource_id
        raise self.refused(refusal)

    def _is_rested(self, interpreter_id: int) -> bool:
        """Whether the run is still short enough, once no other booking can lengthen it."""
        row = db.session.scalars(
            select(Interpreter).where(Interpreter.id == interpreter_id).with_for_update(key_share=True)
        ).one()
        span = self.span
        wide = Interval(span.start - AROUND, span.end + AROUND)
        held = claimed_cells({ResourceKind.INTERPRETER: [interpreter_id]}, wide, [self.meeting.id])
        cells = held.get((ResourceKind.INTERPRETER, interpreter_id), set())
        return as_helper(row, ()).may_take(span, as_intervals(cells))

    def refused(self, sentence: str) -> Conflict:
        """A refusal with the next free times; what this attempt held counts as free again."""
        release([self.meeting.id])
        return Conflict(sentence, alternatives=self._alternatives())

    def _alternatives(self) -> list[FreeSlot]:
        wanted, now = self.meeting.starts_at, self.now
        if self.look_in != "event" and len(self.people) == 2:
            host, guest = self.people
            slots = list_free_slots(
                self.event,
                [host],
                now=now,
                guest=guest,
                needs_interpreter=self.wish.interpreter,
                format=self.wish.format,
                closed=self.wish.closed,
                cleared=self.wish.cleared,
                direct=self.look_in == "direct",
                without=[self.meeting.id],
            )[host.id]
        else:
            slots = list_common_slots(
                self.event,
                self.people,
                minutes=self.span.duration.seconds // 60,
                wish=self.wish,
                now=now,
                without=[self.meeting.id],
            )
        later = [slot for slot in slots if slot.start > wanted]
        earlier = [slot for slot in slots if slot.start < wanted]
        same = [slot for slot in slots if slot.start == wanted]  # another table is free then
        return [*same, *later, *earlier][:ALTERNATIVES]
