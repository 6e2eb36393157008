"""Break counts that differ too much after a repair: fewer breaks for those with most, at few moves.

fairness_d is a rule, weight is a wish: where no move helps, a meeting is left out.
"""

from collections.abc import Iterable, Iterator

from forum_app.core.scheduling.repair_state import slots_of
from forum_app.core.scheduling.repair_ways import Chain, Ways

MOST_STEPS = 2_000
"""Moves tried; after that meetings are only left out, which comes to an end."""


def make_fair(state: Ways, fairness_d: int) -> None:
    """Until no two participants' break counts differ by more than fairness_d (pins and order kept)."""
    steps = 0
    left_out: list[int] = []
    while True:
        counts = [state.breaks(p) for p in range(len(state.at))]
        most = min(counts, default=0) + fairness_d
        unfair = [p for p, count in enumerate(counts) if count > most]
        if not unfair:
            break
        steps += 1
        if steps <= MOST_STEPS and any(_relieve(state, p, most) for p in unfair):
            continue
        out = _lightest_out(state, unfair, most)
        if out is None:
            break
        left_out.append(out)
        state.take(out)
    for k in sorted(left_out, key=lambda k: -state.weight[k]):
        _back(state, k, fairness_d)


def _excess(state: Ways, people: Iterable[int], most: int) -> int:
    return sum(max(0, state.breaks(p) - most) for p in people)


def _relieve(state: Ways, p: int, most: int) -> bool:
    """The exchange of two slots, from one of p's meetings on, that lowers what is too much, at the fewest
    moves; False if there is none.
    """
    best: tuple[int, int, int] | None = None
    chosen = None
    for number, chain in enumerate(_exchanges(state, p)):
        people = {q for k in chain.meetings for q in (state.a[k], state.b[k])}
        before = _excess(state, people, most)
        moved = state.leaving(chain.meetings) - state.coming(chain)
        state.swap(chain)
        after = _excess(state, people, most)
        state.swap(chain.back())
        key = (moved, after - before, number)
        if after < before and (best is None or key < best):
            best, chosen = key, chain
    if chosen is None:
        return False
    state.swap(chosen)
    return True


def _exchanges(state: Ways, p: int) -> Iterator[Chain]:
    for slot, k in sorted(state.at[p].items()):
        for target in slots_of(state.allowed[k] & state.free[p]):
            found = state.chain(p, slot, target)
            if found is not None:
                yield found[0]


def _lightest_out(state: Ways, unfair: list[int], most: int) -> int | None:
    """The meeting whose absence helps most for its weight; None if only pins are left."""
    best: tuple[bool, int, int, int] | None = None
    for p in unfair:
        for slot, k in state.at[p].items():
            if k in state.pinned:
                continue
            people = (state.a[k], state.b[k])
            change = -_excess(state, people, most)
            for q in people:
                day = state.at[q]
                gained = (slot - 1 in day and slot + 1 in day) - (
                    slot - 1 not in day and slot + 1 not in day and len(day) > 1
                )
                change += max(0, state.breaks(q) + gained - most)
            key = (change >= 0, state.weight[k], change, k)
            if best is None or key < best:
                best = key
    return None if best is None else best[-1]


def _back(state: Ways, k: int, fairness_d: int) -> None:
    """A meeting that was left out returns where nobody's breaks become too many by it."""
    if state.full(state.a[k]) or state.full(state.b[k]) or state.special[k]:
        return
    slots = slots_of(state.allowed[k] & state.free[state.a[k]] & state.free[state.b[k]] & state.open)
    for slot in sorted(slots, key=lambda s: s != state.home[k]):
        state.put(k, slot)
        counts = [state.breaks(p) for p in range(len(state.at))]
        if max(counts) - min(counts) <= fairness_d:
            return
        state.take(k)
