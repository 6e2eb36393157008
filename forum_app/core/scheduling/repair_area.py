"""The neighbourhood of what broke: who is near, what is at home, what a weight cannot do without."""

from forum_app.core.scheduling import bounds
from forum_app.core.scheduling.problem import Problem, allowed_slots, tables_per_slot


class Area:
    """The relaxation for one weight (see `repair_exact`). Losses and prices are in 1/1024 of weight, as in
    `bounds`.
    """

    def __init__(self, problem: Problem, weight: int, known: bounds.Duals) -> None:
        self.problem = problem
        self.weight = weight
        self.known = known
        meetings, people = problem.meetings, range(len(problem.participants))
        self.gap = known.exact - weight * bounds.UNIT
        self.allowed = allowed_slots(problem)
        self.seats = tables_per_slot(problem)
        self.pair = [(meeting.a, meeting.b) for meeting in meetings]
        self.surplus = [0 if surplus is None else surplus for surplus in known.surplus]
        """Missing a meeting loses a positive surplus, holding it a negative one; nobody can lose the gap."""
        self.possible = [
            bool(slots) and surplus >= -self.gap
            for slots, surplus in zip(self.allowed, self.surplus, strict=True)
        ]
        self.must = [
            possible and (problem.all_mandatory or surplus > self.gap)
            for possible, surplus in zip(self.possible, self.surplus, strict=True)
        ]
        self.seat_price = self._seat_price()
        self.every_slot = [known.places[p] == len(known.usable[p]) for p in people]
        """Whether the places of a person are just the usable slots."""
        self.home = [-1] * len(meetings)
        away = problem.table_unavailable
        for row in problem.previous:
            k = row.meeting
            stands = row.table is None or not away or row.slot not in away[row.table]
            if self.possible[k] and stands and row.slot in self.allowed[k]:
                self.home[k] = row.slot
        self.mine: list[list[int]] = [[] for _ in people]
        self.at: list[dict[int, int]] = [{} for _ in people]
        """Per person the meetings at home, by slot."""
        self.load = [0] * problem.n_slots
        self.near: set[int] = set()
        self.let_loose: set[int] = set()
        """Meetings with variables of their own although their people are far."""
        self._begin()

    def _seat_price(self) -> int:
        """What the prices ask for a table in a slot."""
        for k, meeting in enumerate(self.problem.meetings):
            surplus = self.known.surplus[k]
            if surplus is not None and meeting.interpreters is None:
                paid = self.known.price[meeting.a] + self.known.price[meeting.b]
                return meeting.weight * bounds.UNIT - surplus - paid
        return 0

    def _begin(self) -> None:
        """Near at first: those whose meeting is lost, who have a place to fill, or too many meetings."""
        published = {row.meeting for row in self.problem.previous}
        for k, (a, b) in enumerate(self.pair):
            if not self.possible[k]:
                continue
            self.mine[a].append(k)
            self.mine[b].append(k)
            if self.home[k] >= 0:
                self.load[self.home[k]] += 1
                for p in (a, b):
                    if self.at[p].setdefault(self.home[k], k) != k:
                        self.near.add(p)
            else:
                if self.must[k] or self.surplus[k] > 0 or k in published:
                    self.near |= {a, b}
                if self.seat_price > 0:
                    self.let_loose.add(k)
        for p, day in enumerate(self.at):
            places, price = self.known.places[p], self.known.price[p]
            if len(day) > places or (price > 0 and len(day) < places):
                self.near.add(p)

    def chosen(self) -> list[int]:
        """The meetings with variables."""
        return sorted({k for p in self.near for k in self.mine[p]} | self.let_loose)
