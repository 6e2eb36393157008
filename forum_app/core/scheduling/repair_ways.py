"""Ways to place a waiting meeting: in a free slot, by Kempe chains that free one, or in another's place."""

from collections.abc import Iterator
from dataclasses import dataclass

from forum_app.core.scheduling.repair_state import State, slots_of

LONGEST_CHAIN = 40


@dataclass(frozen=True, slots=True)
class Chain:
    """Exchange of two slots along a path: these meetings go to the other slot of source and target."""

    meetings: tuple[int, ...]
    source: int
    target: int

    def back(self) -> "Chain":
        """What undoes it; the people at its ends are others, the meetings the same."""
        return Chain(self.meetings, self.target, self.source)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to place a meeting: carry out the chains, take the others out, put it into the slot."""

    slot: int
    chains: tuple[Chain, ...] = ()
    out: tuple[int, ...] = ()


class Ways(State):
    """A schedule under repair that knows how meetings can come in."""

    def chain(self, p: int, source: int, target: int) -> tuple[Chain, int] | None:
        """The Kempe chain that takes p's meeting from source to target, where p is free, and the person at
        its end.
        """
        path: list[int] = []
        here, there, current = source, target, p
        k = self.at[p][here]
        while True:
            if not self.allowed[k] >> there & 1 or self.special[k] or len(path) >= LONGEST_CHAIN:
                return None
            path.append(k)
            other = self.a[k] + self.b[k] - current
            following = self.at[other].get(there)
            if following is None:
                break
            k, current, here, there = following, other, there, here
        if len(path) & 1 and not self.open >> target & 1:
            return None
        return Chain(tuple(path), source, target), other

    def swap(self, chain: Chain) -> None:
        total = chain.source + chain.target
        slots = [self.slot[k] for k in chain.meetings]
        for k in chain.meetings:
            self.take(k)
        for k, slot in zip(chain.meetings, slots, strict=True):
            self.put(k, total - slot)

    def coming(self, chain: Chain) -> int:
        """How many meetings of a chain it would bring home."""
        total = chain.source + chain.target
        return sum(1 for k in chain.meetings if self.home[k] == total - self.slot[k])

    def ways(self, k: int) -> Iterator[tuple[int, int, int, Way]]:
        """Ways to place the waiting meeting: (weight lost, meetings leaving home, breaks gained, way)."""
        a, b = self.a[k], self.b[k]
        if self.full(a) or self.full(b):
            yield from self.ways_at_limit(k)
            return
        both = self.allowed[k] & self.free[a] & self.free[b] & self.open
        for slot in slots_of(both):
            yield 0, 0, self.breaks_gained(a, slot) + self.breaks_gained(b, slot), Way(slot)
        if both or self.special[k]:
            return
        for slot in slots_of(self.allowed[k] & (self.free[a] ^ self.free[b])):
            p, other = (a, b) if not self.free[a] >> slot & 1 else (b, a)
            standing = self.at[p][slot]
            if standing in self.pinned:
                continue
            yield self.weight[standing], self.leaving((standing,)), 0, Way(slot, out=(standing,))
            for s in slots_of(self.allowed[standing] & self.free[p]):
                found = self.chain(p, slot, s)
                if found is None or found[1] == other:
                    continue
                chain = found[0]
                if len(chain.meetings) & 1 or self.open >> slot & 1:
                    yield 0, self.leaving(chain.meetings) - self.coming(chain), 0, Way(slot, (chain,))
        for slot in slots_of(self.allowed[k] & ~self.free[a] & ~self.free[b]):
            yield from self.ways_past_two(k, slot)
        for slot in slots_of(self.allowed[k] & self.free[a] & self.free[b] & ~self.open):
            for out in self.lightest(slot):
                yield self.weight[out], self.leaving((out,)), 0, Way(slot, out=(out,))

    def ways_past_two(self, k: int, slot: int) -> Iterator[tuple[int, int, int, Way]]:
        """Both are busy: one goes out and the other moves, or both move, each by a chain of one meeting."""
        a, b = self.a[k], self.b[k]
        first, second = self.at[a][slot], self.at[b][slot]
        if first == second:  # they meet each other there, for something else
            if first not in self.pinned:
                yield self.weight[first], self.leaving((first,)), 0, Way(slot, out=(first,))
            for s in self.alone(first, a):
                chain = Chain((first,), slot, s)
                yield 0, self.leaving((first,)) - self.coming(chain), 0, Way(slot, (chain,))
            return
        for stays, goes, p in ((first, second, a), (second, first, b)):
            if goes in self.pinned or self.weight[goes] >= self.weight[k]:
                continue
            for s in self.alone(stays, p):
                chain = Chain((stays,), slot, s)
                moved = self.leaving((stays, goes)) - self.coming(chain)
                yield self.weight[goes], moved, 0, Way(slot, (chain,), (goes,))
                break
        for s in self.alone(first, a):
            for t in self.alone(second, b):
                if s != t or self.a[first] + self.b[first] - a != self.a[second] + self.b[second] - b:
                    yield (
                        0,
                        self.leaving((first, second)),
                        0,
                        Way(slot, (Chain((first,), slot, s), Chain((second,), slot, t))),
                    )
                    return

    def alone(self, k: int, p: int) -> list[int]:
        """Slots to which a placed meeting can go without anybody else moving."""
        if self.special[k]:
            return []
        other = self.a[k] + self.b[k] - p
        return list(slots_of(self.allowed[k] & self.free[p] & self.free[other] & self.open))

    def ways_at_limit(self, k: int) -> Iterator[tuple[int, int, int, Way]]:
        """Somebody has as many meetings as allowed: a lighter one of theirs must go."""
        full = [p for p in (self.a[k], self.b[k]) if self.full(p)]
        if len(full) == 2 and not set(self.at[full[0]].values()) & set(self.at[full[1]].values()):
            return
        for slot, out in sorted(self.at[full[0]].items()):
            if out in self.pinned or self.weight[out] >= self.weight[k]:
                continue
            if len(full) == 2 and self.at[full[1]].get(slot) != out:
                continue
            bit = 1 << slot
            free = [
                self.free[p] | (bit if p in (self.a[out], self.b[out]) else 0) for p in (self.a[k], self.b[k])
            ]
            for t in slots_of(self.allowed[k] & free[0] & free[1] & (self.open | bit)):
                yield self.weight[out], self.leaving((out,)), 0, Way(t, out=(out,))
                break

    def lightest(self, slot: int) -> list[int]:
        here = [k for k, s in enumerate(self.slot) if s == slot and k not in self.pinned]
        return sorted(here, key=lambda k: (self.weight[k], self.home[k] >= 0))[:1]

    def carry_out(self, k: int, way: Way) -> bool:
        before = [(other, self.slot[other]) for other in way.out]
        for other in way.out:
            self.take(other)
        for chain in way.chains:
            self.swap(chain)
        if not self.special[k] or self.equip(k, way.slot):
            self.put(k, way.slot)
            return True
        for chain in reversed(way.chains):
            self.swap(chain.back())
        for other, slot in before:
            if not self.special[other] or self.equip(other, slot, self.published.get(other)):
                self.put(other, slot)
        return False
