"""The search of a repair in plain Python: weight first, then what moved goes home, then fewer breaks."""

import time
from collections.abc import Callable, Iterable
from random import Random

from forum_app.core.scheduling.repair_state import slots_of
from forum_app.core.scheduling.repair_ways import Ways

TRIES = 700


class Search(Ways):
    """A schedule under repair that improves itself."""

    def improve(self, ends_at: float) -> None:
        """Until no single waiting meeting gains weight by one of its ways, or time is up."""
        again = True
        while again and time.monotonic() < ends_at:
            again = False
            for k in self.queued(range(len(self.slot))):
                if time.monotonic() >= ends_at:
                    return
                again = self.enter(k) or again

    def queued(self, meetings: Iterable[int]) -> list[int]:
        """Those of the meetings that wait, the heaviest first, then those published, then those with few
        slots.
        """
        waiting = [k for k in meetings if self.slot[k] < 0 and self.allowed[k]]
        return sorted(
            waiting, key=lambda k: (-self.weight[k], self.home[k] < 0, self.allowed[k].bit_count(), k)
        )

    def enter(self, k: int) -> bool:
        """Place a waiting meeting by its best way that gains weight, if there is one."""
        if self.slot[k] >= 0:
            return False
        choices = [
            (lost, moved, breaks, i, way)
            for i, (lost, moved, breaks, way) in enumerate(self.ways(k))
            if lost < self.weight[k]
        ]
        return any(self.carry_out(k, way) for _, _, _, _, way in sorted(choices)[:8])

    def polish(self, ends_at: float, seed: int, should_stop: Callable[[], bool]) -> None:
        """Bring home, by force, single meetings that could have stayed, and mend; undo what was no gain."""
        random = Random(seed)  # noqa: S311  (chooses where to search, guards nothing)
        tries = TRIES
        while tries and time.monotonic() < ends_at and not should_stop():
            strays = [
                k
                for k, home in enumerate(self.home)
                if home >= 0
                and self.slot[k] != home
                and self.allowed[k] >> home & 1
                and not self.special[k]
                and self.seats[home] >= 0
            ]
            if not strays:
                return
            for k in random.sample(strays, len(strays)):
                tries -= 1
                if not tries or time.monotonic() >= ends_at or should_stop():
                    return
                if self.slot[k] != self.home[k]:
                    self.force_home(k, random)

    def force_home(self, k: int, random: Random) -> None:
        a, b, home = self.a[k], self.b[k], self.home[k]
        if self.slot[k] < 0 and (self.full(a) or self.full(b)):
            return
        standing = {self.at[p][home] for p in (a, b) if home in self.at[p]}
        if any(self.special[x] for x in standing) or (not standing and not self.open >> home & 1):
            return
        self.log = {}
        if self.slot[k] >= 0:
            self.take(k)
        for x in standing:
            self.take(x)
        self.put(k, home)
        touched = {p for x in (k, *standing) for p in (self.a[x], self.b[x])}
        for _ in range(2):
            queue = self.queued({x for p in touched for x in self.mine[p] if not self.special[x]})
            if random.random() < 0.5:
                queue = sorted(queue, key=lambda x: (-self.weight[x], random.random()))
            if not sum([self.enter(x) for x in queue]):
                break
            touched = {p for x in self.log for p in (self.a[x], self.b[x])}
        log, self.log = self.log, None
        gained = sum(self.weight[x] * ((self.slot[x] >= 0) - (was >= 0)) for x, was in log.items())
        left = sum(
            (was == self.home[x]) - (self.slot[x] == self.home[x])
            for x, was in log.items()
            if self.home[x] >= 0
        )
        if gained > 0 or (gained == 0 and left <= 0):
            return
        for x in log:
            if self.slot[x] >= 0:
                self.take(x)
        for x, was in log.items():
            if was >= 0:
                self.put(x, was)

    def go_home(self) -> None:
        """What moved returns to its published slot, alone, where that is free."""
        again = True
        while again:
            again = False
            for k, home in enumerate(self.home):
                slot = self.slot[k]
                if slot < 0 or home < 0 or slot == home or self.special[k]:
                    continue
                if self.allowed[k] & self.free[self.a[k]] & self.free[self.b[k]] & self.open & 1 << home:
                    self.take(k)
                    self.put(k, home)
                    again = True

    def tidy(self) -> None:
        """What is not at home anyway goes where it causes the fewest breaks."""
        for k, home in enumerate(self.home):
            slot = self.slot[k]
            if slot < 0 or slot == home or self.special[k]:
                continue
            a, b = self.a[k], self.b[k]
            self.take(k)
            choices = slots_of(self.allowed[k] & self.free[a] & self.free[b] & self.open)
            best = min(
                choices, key=lambda s: (self.breaks_gained(a, s) + self.breaks_gained(b, s), s != slot, s)
            )
            self.put(k, best)
