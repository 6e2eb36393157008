"""From facts about an event to an instance of the scheduler. Reads no rows.

What must not move is either pinned (it lies exactly on a slot) or busy time of its people, table and
interpreter.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from forum_app.core.intervals import Interval
from forum_app.core.scheduling.reading import INSTANCE_FORMAT
from forum_app.meetings.models import TableKind
from forum_app.meetings.resource_queries import serving_helpers, serving_places
from forum_app.meetings.rule_queries import GATES, STOPS_MEETING, Obstacle, Terms
from forum_app.organizations.models import Kind
from forum_app.timetable.facts import Facts, Fixed, Held, Wish
from forum_app.timetable.instance import Instance
from forum_app.timetable.levels import Level, weights_of

NEVER = Terms(frozenset({Obstacle.NOT_PRESENT}))
KINDS = {
    Kind.STARTUP: "startup",
    Kind.VENTURE_CAPITAL: "vc",
    Kind.GOVERNMENT_INVESTOR: "vc",
    Kind.AGENCY: "agency",
}


def assemble(facts: Facts, *, chosen: Mapping[int, int] | None = None) -> Instance:
    """The instance of facts; chosen: the colleague per team request, where that is settled already."""
    return _Assembly(facts, chosen or {}).instance()


class _Assembly:
    def __init__(self, facts: Facts, chosen: Mapping[int, int]) -> None:
        self.facts, self.chosen = facts, chosen
        self.slots = facts.slots
        self.starts = [slot.start for slot in self.slots]
        self.at = {(slot.start, slot.end): index for index, slot in enumerate(self.slots)}
        zone = ZoneInfo(facts.zone)
        self.days = [slot.start.astimezone(zone).date() for slot in self.slots]
        self.left_out: list[tuple[int, str]] = []
        self.table_at = {place.id: n for n, place in enumerate(facts.places)}
        self.helper_at = {helper.id: n for n, helper in enumerate(facts.helpers)}
        self.pinned = [one for one in facts.fixed if self._on_the_grid(one)]
        on_grid = {one.held.meeting_id for one in self.pinned}
        self.rest = [one for one in facts.fixed if one.held.meeting_id not in on_grid]
        self.building = {place.id: place.building for place in facts.places}
        self.buildings = sorted({place.building for place in facts.places if place.building is not None})
        self.away: dict[int, set[int]] = {}  # per person
        self.held: Counter[int] = Counter(person for one in self.rest for person in one.people)
        self.stay: dict[int, set[int]] = defaultdict(set)
        for one in self.pinned:
            for person in one.people:
                self.stay[person].add(self.at[one.held.span.start, one.held.span.end])

    # --- time

    def _on_the_grid(self, one: Fixed) -> bool:
        held = one.held
        return (
            len(one.people) == 2
            and (held.span.start, held.span.end) in self.at
            and (held.table_id is None or held.table_id in self.table_at)
            and (held.interpreter_id is None or held.interpreter_id in self.helper_at)
        )

    def _hit(self, spans: Iterable[Interval]) -> set[int]:
        """Slots that share an instant with one of spans."""
        found: set[int] = set()
        for span in spans:
            index = max(0, bisect_left(self.starts, span.start) - 1)
            while index > 0 and self.slots[index - 1].end > span.start:
                index -= 1
            for n in range(index, len(self.slots)):
                if self.slots[n].start >= span.end:
                    break
                if self.slots[n].end > span.start:
                    found.add(n)
        return found

    def _closed(self, hours: Sequence[Interval]) -> set[int]:
        """Slots that do not lie within hours."""
        if not hours:
            return set()
        return {n for n, slot in enumerate(self.slots) if not any(h.covers(slot) for h in hours)}

    def _unavailable(self, person: int) -> set[int]:
        if person not in self.away:
            spans = list(self.facts.people[person].busy)
            spans += [self._with_way(one.held) for one in self.rest if person in one.people]
            self.away[person] = self._hit(spans) - self.stay[person]
        return self.away[person]

    # --- ways

    def _with_way(self, held: Held) -> Interval:
        """The time of a meeting that stays, with the way to and from it if there are tables elsewhere."""
        there = self.building.get(held.table_id) if held.table_id is not None else None
        if there is None or len(self.buildings) < 2:
            return held.span
        return Interval(held.span.start - self.facts.walk, held.span.end + self.facts.walk)

    def _near(self) -> list[list[int]]:
        """Per slot the later ones that begin before people can have come from another building."""
        if len(self.buildings) < 2:
            return []
        near = []
        for n, slot in enumerate(self.slots):
            last = bisect_left(self.starts, slot.end + self.facts.walk)
            near.append([later for later in range(n + 1, last) if self.starts[later] >= slot.end])
        return near if any(near) else []

    # --- wishes

    def _kept(self) -> list[tuple[Wish, int, Terms]]:
        """Wishes that may be placed at all, each with the person who hosts."""
        facts = self.facts
        seen: set[frozenset[int]] = set()
        kept: list[tuple[Wish, int, Terms]] = []
        load: Counter[int] = Counter()
        for one in facts.fixed:
            load.update(one.people)
        for wish in facts.wishes:
            load.update([wish.asker] if wish.team and wish.held is None else [wish.asker, wish.host])
        for wish in sorted(facts.wishes, key=lambda one: (one.held is None, one.level, one.request_id)):
            host = wish.host
            if wish.team and wish.held is None:
                host = self._colleague(wish, load, seen)
                load[host] += 1
            terms = facts.terms.get((wish.asker, host), NEVER)
            pair = frozenset((wish.asker, host))
            stops = terms.obstacles & STOPS_MEETING
            if stops or wish.asker not in facts.people or host not in facts.people:
                self.left_out.append((wish.request_id, _reason(stops)))
            elif pair in seen:
                self.left_out.append((wish.request_id, "twice"))
            else:
                seen.add(pair)
                kept.append((wish, host, terms))
        kept.sort(key=lambda entry: entry[0].request_id)
        self.left_out.sort()
        return kept

    def _colleague(self, wish: Wish, load: Counter[int], seen: Collection[frozenset[int]]) -> int:
        """The able colleague with the fewest wished meetings for their free time, else the host."""
        if wish.request_id in self.chosen:
            return self.chosen[wish.request_id]
        facts = self.facts
        able = []
        for person in facts.candidates.get(wish.request_id, ()):
            terms = facts.terms.get((wish.asker, person), NEVER)
            if person not in facts.people or terms.obstacles & STOPS_MEETING:
                continue
            if frozenset((wish.asker, person)) in seen:
                continue
            free = set(range(len(self.slots))) - self._unavailable(person)
            if free - self._unavailable(wish.asker):
                able.append(((load[person] + 1) / len(free), person != wish.host, person))
        return min(able)[2] if able else wish.host

    # --- the whole

    def instance(self) -> Instance:
        facts = self.facts
        kept = self._kept()
        remote = sum(1 for wish, _, _ in kept if wish.remote)
        remote += sum(1 for one in self.pinned if one.held.table_id is None)
        people = sorted(
            {person for wish, host, _ in kept for person in (wish.asker, host)}
            | {person for one in self.pinned for person in one.people}
        )
        number = {person: n for n, person in enumerate(people)}
        places = min(remote, len(people) // 2)  # a remote meeting sits at a table that is none
        real = len(facts.places)
        links = list(range(real, real + places))
        plain = not places and all(place.kind is TableKind.OPEN for place in facts.places)
        weights = weights_of([wish.level for wish, _, _ in kept])
        sessions: dict[tuple[int, ...], int] = {}
        meetings: list[dict[str, Any]] = []
        rows: list[list[int | None]] = []
        previous: list[list[int | None]] = []
        pinned: list[list[int | None]] = []
        for wish, host, terms in kept:
            k = len(meetings)
            row: dict[str, Any] = {
                "id": k,
                "a": number[host],
                "b": number[wish.asker],
                "weight": weights[wish.level],
            }
            if terms.cleared_until is not None:
                slots = tuple(n for n, day in enumerate(self.days) if day <= terms.cleared_until)
                if len(slots) < len(self.slots):
                    row["session"] = sessions.setdefault(slots, len(sessions))
            if not plain:
                row["tables"] = links if wish.remote else self._tables(host, wish.asker, closed=terms.closed)
            if wish.needs_interpreter:
                row["interpreter"] = self._interpreters(host, wish.asker, terms)
            meetings.append(row)
            held = wish.held
            rows.append([wish.request_id, held.meeting_id if held else None, host, wish.asker, wish.level])
            if held is not None and (was := self._assignment(k, held)) is not None:
                previous.append(was)
        link = iter(links)
        for one in self.pinned:
            k = len(meetings)
            held = one.held
            where = self._assignment(k, held)
            assert where is not None  # noqa: S101 - it lies on the grid
            if held.table_id is None:
                where[2] = next(link, None)
            pin: dict[str, Any] = {
                "id": k,
                "a": number[one.people[0]],
                "b": number[one.people[1]],
                "weight": 1,
            }
            if not plain and where[2] is not None:
                pin["tables"] = [where[2]]
            if len(where) > 3:
                pin["interpreter"] = [where[3]]
            meetings.append(pin)
            pinned.append(where)
            rows.append([None, held.meeting_id, one.people[0], one.people[1], Level.BOTH_MUST])
        participants = [self._participant(n, person) for n, person in enumerate(people)]
        near = self._near()
        b2b = {
            "format": INSTANCE_FORMAT,
            "name": facts.name,
            "source": "",
            "n_slots": max(1, len(self.slots)),
            "n_tables": real + places,
            "sessions": [list(slots) for slots in sessions],
            "all_mandatory": False,
            "fairness_d": None,
            "participants": participants,
            "tables": self._table_rows(ways=bool(near)),
            "interpreters": self._helpers(pinned),
            "meetings": meetings,
            "previous": previous,
            "pinned": pinned,
        }
        if near:
            b2b["near"] = near
        if not self.slots:  # nobody can meet: the format knows no event without slots
            for someone in participants:
                someone["unavailable"] = [0]
        return Instance(
            {
                "b2b": b2b,
                "rows": {
                    "slots": [[slot.start.isoformat(), slot.end.isoformat()] for slot in self.slots],
                    "people": people,
                    "tables": [place.id for place in facts.places] + [None] * places,
                    "interpreters": [helper.id for helper in facts.helpers],
                    "meetings": rows,
                    "left_out": [list(pair) for pair in self.left_out],
                },
            }
        )

    def _assignment(self, k: int, held: Held) -> list[int | None] | None:
        slot = self.at.get((held.span.start, held.span.end))
        if slot is None or (held.table_id is not None and held.table_id not in self.table_at):
            return None
        row = [k, slot, self.table_at[held.table_id] if held.table_id is not None else None]
        if held.interpreter_id is not None:
            if held.interpreter_id not in self.helper_at:
                return None
            row.append(self.helper_at[held.interpreter_id])
        return row

    def _participant(self, n: int, person: int) -> dict[str, Any]:
        who = self.facts.people[person]
        most = who.most
        if most is not None:  # what stays counts, and is never too much
            most = max(len(self.stay[person]), most - self.held[person])
        return {
            "id": n,
            "kind": KINDS.get(who.kind, "participant") if who.kind else "participant",
            "unavailable": sorted(self._unavailable(person)),
            "max_meetings": most,
            "min_meetings": max(0, who.least - self.held[person]),
        }

    def _tables(self, host: int, guest: int, *, closed: bool) -> list[int]:
        """Tables that serve these two: closed rooms if it must be, else open ones and their own booths."""
        organizations = [self.facts.people[one].organization_id for one in (host, guest)]
        serving = serving_places(self.facts.places, organizations, closed=closed)
        return sorted(self.table_at[place.id] for place in serving)

    def _interpreters(self, host: int, guest: int, terms: Terms) -> list[int]:
        """cleared up to the last day: a schedule may put the meeting on any."""
        languages = [self.facts.people[one].language for one in (host, guest)]
        last = max(self.days, default=date.min) if terms.needs_clearance else None
        serving = serving_helpers(self.facts.helpers, languages, cleared_on=last)
        return sorted(self.helper_at[helper.id] for helper in serving)

    def _table_rows(self, *, ways: bool) -> list[dict[str, Any]]:
        """Of tables, when they are away and, where that matters, in which building they stand."""
        used: dict[int, list[Interval]] = defaultdict(list)
        for one in self.rest:
            if one.held.table_id is not None:
                used[one.held.table_id].append(one.held.span)
        stay = defaultdict(set)
        for one in self.pinned:
            stay[one.held.table_id].add(self.at[one.held.span.start, one.held.span.end])
        found = []
        for n, place in enumerate(self.facts.places):
            away = (self._closed(place.hours) | self._hit(used[place.id])) - stay[place.id]
            row: dict[str, Any] = {"id": n, "unavailable": sorted(away)}
            if ways and place.building is not None:
                found.append(row | {"building": self.buildings.index(place.building)})
            elif away:
                found.append(row)
        return found

    def _helpers(self, pinned: Sequence[Sequence[int | None]]) -> list[dict[str, Any]]:
        used: dict[int, list[Interval]] = defaultdict(list)
        for one in self.rest:
            if one.held.interpreter_id is not None:
                used[one.held.interpreter_id].append(one.held.span)
        length = min((slot.duration for slot in self.slots), default=None)
        found = []
        for n, helper in enumerate(self.facts.helpers):
            stay = {row[1] for row in pinned if len(row) > 3 and row[3] == n and row[1] is not None}
            away = self._closed(helper.hours) | self._hit(used[helper.id])
            run = None
            if helper.most_run is not None and length is not None:
                run = max(1, helper.most_run // length, _longest(stay))
            found.append({"id": n, "unavailable": sorted(away - stay), "max_run": run})
        return found


def _longest(slots: Collection[int]) -> int:
    """The longest run of neighbouring slots: what stays may be more than an interpreter should work."""
    longest = run = 0
    for slot in sorted(slots):
        run = run + 1 if slot - 1 in slots else 1
        longest = max(longest, run)
    return longest


def _reason(stops: frozenset[Obstacle]) -> str:
    """One word that may be kept and shown to organizers: no rule is told apart from another."""
    hard = stops - GATES
    if hard:
        return "not_present" if Obstacle.NOT_PRESENT in hard else "rule"
    return min(stops) if stops else "not_present"
