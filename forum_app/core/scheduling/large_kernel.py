"""The inner loops of the search at forum scale, compiled by numba on first use.

One file, long as it is: numba's cache notices when the file of a function changes, but not when the file of
another one that it calls does.

State is one `Board` of arrays; see `large` for what the search does and why. Slots of a person are kept
twice: `at` says which meeting a person has in a slot, `busy` has one bit per slot, so that most proposals
are judged without leaving the processor's first cache.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bits = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Shorts = NDArray[np.int16]


def compiled(function: F) -> F:
    """numba.njit, kept on disk where __pycache__, the user's cache or NUMBA_CACHE_DIR can be written.

    Without reference counts (_nrt), as no kernel makes arrays: sooner compiled.
    """
    compile_: Any = numba.njit
    try:
        return compile_(cache=True, nogil=True, _nrt=False)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        return compile_(nogil=True, _nrt=False)(function)  # type: ignore[no-any-return]


# Columns of Board.meetings, Board.persons and Board.slots, and places of Board.state.
FIRST, SECOND, SLOT, SPECIAL, WEIGHT, HOME, RANK, TALK, TABLE, LINKS, PRICE, MEETING_COLUMNS = range(12)
RUNS, DEGREE, LIMIT, WISH = range(4)
LOAD, CAPACITY = range(2)
WAITING, LEAVING_HOME, WISH_COST = range(3)
PINNED = 2
GONE, FREE = -2, -1
NEVER = 2**40
"""A cost that nothing makes up for."""
LEAP = 8
"""What the shapes of two days hardly ever gain, in grains: proposals that would need more are dropped."""
SAVED = 48
"""What a meeting put in or taken out hardly ever saves, in grains."""
ZEROS, ONES = np.uint64(0), ~np.uint64(0)
NOT_POISON = ir.Constant(ir.IntType(1), 0)


class Board(NamedTuple):
    """The state of a search. P people, M meetings, T slots, W words of 64 slots, R resources, C classes of
    needs.

    Few wide arrays rather than many narrow ones: what a proposal reads lies together, and compiling costs
    less.

    meetings [M,11]: the two participants, the slot (-1 if waiting), SPECIAL (1 has an order or needs a
    resource, 2 is pinned), weight, HOME (slot in the schedule before, or -1), RANK (place in waiting, or
    -1), class of interpreters and class of tables that serve (or -1), LINKS (where its orders begin in
    links), PRICE (what leaving it out costs). allowed [M,W]: bit t if slot t is allowed. at [P,T]: meeting
    or -1. mate [P,T]: whom, or -1. busy [P,W]: the same as bits. open [P,W]: the slots in which any of the
    person's meetings is allowed. persons [P,4]: runs of busy slots, placed, at most and at least
    wished meetings. slots [T,2]: meetings, tables. cost [T+3]: what a person with so many runs costs.
    smooth, gaps [T+1]: what a run, and a gap between two runs, of that length cost besides. rooms: what one
    more meeting costs in a slot with so many free tables; the last one is for all larger numbers.
    waiting [M]: the unplaced meetings first. people: those with any request. links: per meeting a count,
    then twice the number of each other meeting, odd if that one comes later. serves [C,R]. held [R,T+1]: the
    resource's meeting in each slot, FREE or GONE; then its longest run or 0. saved [2,R], came,
    queue [R+1]: working space. chain: of walk. spare [1,W]: of without. random [1]. lock [1]: 1 while one of
    several threads changes the board. state: number of waiting meetings; what a meeting away from home and a
    missed wish cost. All costs are in grains (`large_board`).
    """

    meetings: Ints
    allowed: Bits
    at: Ints
    mate: Shorts
    busy: Bits
    open: Bits
    persons: Ints
    slots: Ints
    cost: Longs
    smooth: Longs
    gaps: Longs
    rooms: Longs
    waiting: Ints
    people: Ints
    links: Ints
    serves: Bytes
    held: Ints
    saved: Ints
    came: Ints
    queue: Ints
    chain: Ints
    spare: Bits
    random: Bits
    lock: Longs
    state: Longs


# ---------------------------------------------------------------- small things
@compiled
def draw(random: Bits) -> Any:
    """The next 64 random bits (xorshift64, Marsaglia 2003)."""
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return x


@compiled
def below(random: Bits, n: int) -> Any:
    """A random number 0 .. n-1."""
    return np.int64(((draw(random) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@compiled
def is_busy(busy: Bits, slots: int, person: int, slot: int) -> Any:
    """1 if the person has a meeting in the slot; 0 if not, or if there is no such slot."""
    if slot < 0 or slot >= slots:
        return 0
    return np.int64((busy[person, slot >> 6] >> np.uint64(slot & 63)) & np.uint64(1))


@compiled
def may(allowed: Bits, meeting: int, slot: int) -> Any:
    return (allowed[meeting, slot >> 6] >> np.uint64(slot & 63)) & np.uint64(1) != 0


@compiled
def adding(busy: Bits, slots: int, person: int, slot: int) -> Any:
    """How many runs the person gains by a meeting in the free slot."""
    return 1 - is_busy(busy, slots, person, slot - 1) - is_busy(busy, slots, person, slot + 1)


@compiled
def removing(busy: Bits, slots: int, person: int, slot: int) -> Any:
    """How many runs the person gains by losing the meeting in the slot."""
    return is_busy(busy, slots, person, slot - 1) + is_busy(busy, slots, person, slot + 1) - 1


@compiled
def moving(busy: Bits, slots: int, person: int, source: int, target: int) -> Any:
    """How many runs the person gains when a meeting goes from the slot source to the free slot target."""
    gained = removing(busy, slots, person, source) + adding(busy, slots, person, target)
    if source - target == 1 or target - source == 1:
        gained += 1
    return gained


@compiled
def costing(persons: Ints, cost: Longs, person: int, gained: int) -> int:
    """What so many more runs cost the person."""
    runs = persons[person, RUNS]
    return cost[runs + gained] - cost[runs]  # type: ignore[no-any-return]


def _trailing(context: Any, bits: Any) -> Any:
    """How many zeros stand below the lowest one; 64 if there is none."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], NOT_POISON)

    return types.int64(types.uint64), write


trailing: Any = intrinsic(_trailing)


def _leading(context: Any, bits: Any) -> Any:
    """How many zeros stand above the highest one; 64 if there is none."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], NOT_POISON)

    return types.int64(types.uint64), write


leading: Any = intrinsic(_leading)


def _set(context: Any, lock: Any) -> Any:
    """Set the lock; 1 if it was set before. What is read afterwards is what its last holder left."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("xchg", pointer, ir.Constant(ir.IntType(64), 1), "acquire")

    return types.int64(lock), write


set_lock: Any = intrinsic(_set)


def _unlock(context: Any, lock: Any) -> Any:
    """Clear the lock, after all that was written before is there for others."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, args[0]).data
        builder.store_atomic(ir.Constant(ir.IntType(64), 0), pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(lock), write


unlock: Any = intrinsic(_unlock)


@compiled
def seize(lock: Longs) -> None:
    """Wait until nobody else changes the board; it is never for long."""
    while set_lock(lock):
        pass


@compiled
def next_slot(busy: Bits, slots: int, person: int, slot: int, free: Any) -> Any:
    """The first busy slot from this one on (free 0), or the first free one (free all ones); slots if none."""
    if slot >= slots:
        return slots
    word = slot >> 6
    bits = (busy[person, word] ^ free) >> np.uint64(slot & 63) << np.uint64(slot & 63)
    while bits == 0:
        word += 1
        if word >= busy.shape[1]:
            return slots
        bits = busy[person, word] ^ free
    return min(slots, (word << 6) + trailing(bits))


@compiled
def last_slot(busy: Bits, slots: int, person: int, slot: int, free: Any) -> Any:
    """The last busy slot up to this one (free 0), or the last free one (free all ones); -1 if none."""
    if slot < 0:
        return -1
    word = slot >> 6
    bits = (busy[person, word] ^ free) << np.uint64(63 - (slot & 63)) >> np.uint64(63 - (slot & 63))
    while bits == 0:
        word -= 1
        if word < 0:
            return -1
        bits = busy[person, word] ^ free
    return (word << 6) + 63 - leading(bits)


@compiled
def joining(board: Board, busy: Bits, person: int, slot: int) -> Any:
    """What the shape of a day of busy slots costs more with a meeting in the free slot."""
    slots = board.at.shape[1]
    before = after = gaps = 0
    earlier = last_slot(busy, slots, person, slot - 1, ZEROS)
    later = next_slot(busy, slots, person, slot + 1, ZEROS)
    if earlier == slot - 1:
        before = earlier - last_slot(busy, slots, person, earlier, ONES)
    if later == slot + 1:
        after = next_slot(busy, slots, person, later, ONES) - later
    if earlier >= 0:
        gaps += board.gaps[slot - 1 - earlier]
    if later < slots:
        gaps += board.gaps[later - 1 - slot]
        if earlier >= 0:
            gaps -= board.gaps[later - 1 - earlier]
    return gaps + board.smooth[before + after + 1] - board.smooth[before] - board.smooth[after]


@compiled
def without(board: Board, person: int, slot: int) -> None:
    """Copy the person's busy slots but for this one to board.spare."""
    for word in range(board.busy.shape[1]):
        board.spare[0, word] = board.busy[person, word]
    board.spare[0, slot >> 6] &= ~(np.uint64(1) << np.uint64(slot & 63))


@compiled
def reshaping(board: Board, person: int, source: int, target: int) -> Any:
    """What the shape of the person's day costs more when a meeting goes from source to the free target."""
    without(board, person, source)
    return joining(board, board.spare, 0, target) - joining(board, board.spare, 0, source)


@compiled
def gaining(board: Board, person: int, slot: int) -> Any:
    """What a meeting in the free slot costs the person."""
    gained = adding(board.busy, board.at.shape[1], person, slot)
    return costing(board.persons, board.cost, person, gained) + joining(board, board.busy, person, slot)


@compiled
def losing(board: Board, person: int, slot: int) -> Any:
    """What it costs the person to lose the meeting in the slot."""
    gained = removing(board.busy, board.at.shape[1], person, slot)
    return costing(board.persons, board.cost, person, gained) + parting(board, person, slot)


@compiled
def parting(board: Board, person: int, slot: int) -> Any:
    """What the shape of the person's day costs more without the meeting in the slot."""
    without(board, person, slot)
    return -joining(board, board.spare, 0, slot)


@compiled
def mark(board: Board, meeting: int, slot: int) -> None:
    word, bit = slot >> 6, np.uint64(1) << np.uint64(slot & 63)
    a, b = board.meetings[meeting, FIRST], board.meetings[meeting, SECOND]
    board.at[a, slot] = meeting
    board.at[b, slot] = meeting
    board.mate[a, slot] = b
    board.mate[b, slot] = a
    board.busy[a, word] |= bit
    board.busy[b, word] |= bit
    board.meetings[meeting, SLOT] = slot


@compiled
def unmark(board: Board, meeting: int) -> None:
    slot = board.meetings[meeting, SLOT]
    word, bit = slot >> 6, ~(np.uint64(1) << np.uint64(slot & 63))
    a, b = board.meetings[meeting, FIRST], board.meetings[meeting, SECOND]
    board.at[a, slot] = -1
    board.at[b, slot] = -1
    board.mate[a, slot] = -1
    board.mate[b, slot] = -1
    board.busy[a, word] &= bit
    board.busy[b, word] &= bit


@compiled
def put(board: Board, meeting: int, slot: int) -> None:
    """Place a waiting meeting in a slot in which both are free."""
    slots = board.at.shape[1]
    a, b = board.meetings[meeting, FIRST], board.meetings[meeting, SECOND]
    board.persons[a, RUNS] += adding(board.busy, slots, a, slot)
    board.persons[b, RUNS] += adding(board.busy, slots, b, slot)
    mark(board, meeting, slot)
    board.slots[slot, LOAD] += 1
    board.persons[a, DEGREE] += 1
    board.persons[b, DEGREE] += 1
    board.state[WAITING] -= 1
    last = board.waiting[board.state[WAITING]]
    where = board.meetings[meeting, RANK]
    board.waiting[where] = last
    board.meetings[last, RANK] = where
    board.meetings[meeting, RANK] = -1


@compiled
def take(board: Board, meeting: int) -> None:
    """Take a placed meeting out."""
    slots = board.at.shape[1]
    if board.meetings[meeting, SPECIAL]:
        release(board, meeting)
    slot = board.meetings[meeting, SLOT]
    a, b = board.meetings[meeting, FIRST], board.meetings[meeting, SECOND]
    board.persons[a, RUNS] += removing(board.busy, slots, a, slot)
    board.persons[b, RUNS] += removing(board.busy, slots, b, slot)
    unmark(board, meeting)
    board.slots[slot, LOAD] -= 1
    board.persons[a, DEGREE] -= 1
    board.persons[b, DEGREE] -= 1
    board.meetings[meeting, SLOT] = -1
    board.waiting[board.state[WAITING]] = meeting
    board.meetings[meeting, RANK] = board.state[WAITING]
    board.state[WAITING] += 1


# ---------------------------------------------------------------- orders, interpreters, restricted tables
@compiled
def save(board: Board, row: int, slot: int) -> None:
    for resource in range(board.held.shape[0]):
        board.saved[row, resource] = board.held[resource, slot]


@compiled
def restore(board: Board, row: int, slot: int) -> None:
    for resource in range(board.held.shape[0]):
        board.held[resource, slot] = board.saved[row, resource]


@compiled
def release(board: Board, meeting: int) -> None:
    """Take its resources from a placed meeting."""
    slot = board.meetings[meeting, SLOT]
    for resource in range(board.held.shape[0]):
        if board.held[resource, slot] == meeting:
            board.held[resource, slot] = FREE


@compiled
def in_order(board: Board, meeting: int) -> bool:
    """Whether the placed meeting lies after those that come before it and before those that come after it."""
    slot = board.meetings[meeting, SLOT]
    start = board.meetings[meeting, LINKS]
    for i in range(start + 1, start + 1 + board.links[start]):
        link = board.links[i]
        other = board.meetings[link >> 1, SLOT]
        if link & 1:
            if 0 <= other <= slot:
                return False
        elif other >= slot:
            return False
    return True


@compiled
def may_serve(board: Board, resource: int, slot: int) -> bool:
    """Whether one more meeting in the free slot leaves the resource its rest."""
    slots = board.held.shape[1] - 1
    longest = board.held[resource, slots]
    if longest == 0:
        return True
    length, t = 1, slot - 1
    while t >= 0 and board.held[resource, t] >= 0:
        length += 1
        t -= 1
    t = slot + 1
    while t < slots and board.held[resource, t] >= 0:
        length += 1
        t += 1
    return bool(length <= longest)


@compiled
def serve(board: Board, meeting: int, column: int) -> bool:
    """Give the placed meeting a resource of its class, letting others of the slot change theirs (Kuhn's
    paths).
    """
    slot = board.meetings[meeting, SLOT]
    n = board.held.shape[0]
    for resource in range(n):
        board.came[resource] = -1
    board.queue[0] = -1
    head, tail = 0, 1
    while head < tail:
        # A resource whose holder looks for another one; at first none, and the new meeting looks.
        source = board.queue[head]
        head += 1
        who = meeting if source < 0 else board.held[source, slot]
        group = board.meetings[who, column]
        for resource in range(n):
            if board.came[resource] != -1 or not board.serves[group, resource]:
                continue
            holder = board.held[resource, slot]
            if holder == GONE or (holder == FREE and not may_serve(board, resource, slot)):
                continue
            board.came[resource] = source if source >= 0 else n
            if holder >= 0:
                board.queue[tail] = resource
                tail += 1
                continue
            while board.came[resource] != n:
                earlier = board.came[resource]
                board.held[resource, slot] = board.held[earlier, slot]
                resource = earlier
            board.held[resource, slot] = meeting
            return True
    return False


@compiled
def settle(board: Board, meeting: int) -> bool:
    """Whether a meeting just placed or moved keeps its orders and finds its resources; the caller restores
    if not.
    """
    if not in_order(board, meeting):
        return False
    if board.meetings[meeting, TALK] >= 0 and not serve(board, meeting, TALK):
        return False
    return board.meetings[meeting, TABLE] < 0 or serve(board, meeting, TABLE)


@compiled
def settle_put(board: Board, meeting: int, slot: int) -> bool:
    """`put`, undone if orders or resources do not allow it."""
    put(board, meeting, slot)
    if board.meetings[meeting, SPECIAL]:
        save(board, 0, slot)
        if not settle(board, meeting):
            take(board, meeting)
            restore(board, 0, slot)
            return False
    return True


# ---------------------------------------------------------------- chains
@compiled
def walk(
    meetings: Ints, allowed: Bits, at: Ints, chain: Ints, person: int, source: int, target: int
) -> tuple[int, int]:
    """The Kempe chain that takes the person's meeting from slot source to slot target, where the person is
    free.

    Fills chain; returns its length and the person at its other end, or length 0 if it may not be.
    """
    length, current, here, there = 0, person, source, target
    longest = chain.shape[0]
    meeting = at[current, here]
    while True:
        if length >= longest or not may(allowed, meeting, there):
            return 0, -1
        chain[length] = meeting
        length += 1
        other = meetings[meeting, FIRST] + meetings[meeting, SECOND] - current
        meeting = at[other, there]
        if meeting < 0:
            return length, other
        current = other
        here, there = there, here


@compiled
def scan(mate: Shorts, person: int, source: int, target: int, longest: int) -> tuple[int, int]:
    """Length and other end of the chain that `walk` would find, whether or not it may be; 0 if too long."""
    length, here, there = 0, source, target
    while length < longest:
        length += 1
        person = mate[person, here]
        if mate[person, there] < 0:
            return length, person
        here, there = there, here
    return 0, -1


@compiled
def swap(board: Board, length: int, total: int) -> None:
    """Move each meeting of the chain to the other of the two slots whose sum is total."""
    meetings, at, mate = board.meetings, board.at, board.mate
    for i in range(length):
        meeting = board.chain[i]
        slot = meetings[meeting, SLOT]
        for p in (meetings[meeting, FIRST], meetings[meeting, SECOND]):
            at[p, slot] = -1
            mate[p, slot] = -1
    for i in range(length):
        meeting = board.chain[i]
        slot = total - meetings[meeting, SLOT]
        a, b = meetings[meeting, FIRST], meetings[meeting, SECOND]
        meetings[meeting, SLOT] = slot
        at[a, slot] = meeting
        at[b, slot] = meeting
        mate[a, slot] = b
        mate[b, slot] = a


@compiled
def flip(busy: Bits, person: int, source: int, target: int) -> None:
    busy[person, source >> 6] &= ~(np.uint64(1) << np.uint64(source & 63))
    busy[person, target >> 6] |= np.uint64(1) << np.uint64(target & 63)


@compiled
def change(board: Board, length: int, person: int, other: int, source: int, target: int) -> bool:
    """Carry out a chain whose ends were judged; False, with nothing changed, if orders or resources forbid
    it.
    """
    slots = board.at.shape[1]
    special = False
    for i in range(length):
        if board.meetings[board.chain[i], SPECIAL]:
            special = True
    if special:
        save(board, 0, source)
        save(board, 1, target)
        for i in range(length):
            if board.meetings[board.chain[i], SPECIAL]:
                release(board, board.chain[i])
    swap(board, length, source + target)
    if special:
        for i in range(length):
            if board.meetings[board.chain[i], SPECIAL] and not settle(board, board.chain[i]):
                swap(board, length, source + target)
                restore(board, 0, source)
                restore(board, 1, target)
                return False
    board.persons[person, RUNS] += moving(board.busy, slots, person, source, target)
    flip(board.busy, person, source, target)
    if length & 1:
        board.persons[other, RUNS] += moving(board.busy, slots, other, source, target)
        flip(board.busy, other, source, target)
        board.slots[source, LOAD] -= 1
        board.slots[target, LOAD] += 1
    else:
        board.persons[other, RUNS] += moving(board.busy, slots, other, target, source)
        flip(board.busy, other, target, source)
    return True


# ---------------------------------------------------------------- placing
@compiled
def greedy(board: Board, order: Ints) -> None:
    """Place meetings in the given order, each where it lies closest to others of its two participants."""
    slots = board.at.shape[1]
    for meeting in order:
        a, b = board.meetings[meeting, FIRST], board.meetings[meeting, SECOND]
        if (
            board.meetings[meeting, SLOT] >= 0
            or board.persons[a, DEGREE] >= board.persons[a, LIMIT]
            or board.persons[b, DEGREE] >= board.persons[b, LIMIT]
        ):
            continue
        for least in range(-2, 3):
            for t in range(slots):
                if (
                    may(board.allowed, meeting, t)
                    and board.at[a, t] < 0
                    and board.at[b, t] < 0
                    and board.slots[t, LOAD] < board.slots[t, CAPACITY]
                    and adding(board.busy, slots, a, t) + adding(board.busy, slots, b, t) == least
                    and settle_put(board, meeting, t)
                ):
                    break
            if board.meetings[meeting, SLOT] >= 0:
                break


@compiled
def shortfall(persons: Ints, person: int, degree: int) -> int:
    """How badly a person with so many meetings misses the wished number; the worst-off count most."""
    missing = persons[person, WISH] - degree
    return missing * missing if missing > 0 else 0


@compiled
def clear(board: Board, meeting: int, person: int, free: int, t: int) -> None:
    """Move the person out of slot t by a chain to a random slot, unless that takes the other one, free,
    into t.
    """
    s = below(board.random, board.at.shape[1])
    if board.at[person, s] >= 0:
        return
    length, end = walk(board.meetings, board.allowed, board.at, board.chain, person, t, s)
    if length == 0 or end == free:
        return
    if length & 1 and board.slots[s, LOAD] >= board.slots[s, CAPACITY]:
        return
    change(board, length, person, end, t, s)


@compiled
def in_the_way(board: Board, person: int, t: int) -> int:
    """The meeting that must go for the person to have one in slot t: that of the slot, or any one at the
    limit.

    -1 if none; -2 if it is pinned, or none was found.
    """
    meeting = board.at[person, t]
    if meeting < 0:
        if board.persons[person, DEGREE] < board.persons[person, LIMIT]:
            return -1
        meeting = board.at[person, below(board.random, board.at.shape[1])]
        if meeting < 0:
            return -2
    return -2 if board.meetings[meeting, SPECIAL] & PINNED else meeting


@compiled
def replace(board: Board, meeting: int, x: int, y: int, t: int) -> int:
    """Put the meeting into slot t after taking x and y out (-1: none). Returns the weight gained, 0 if it
    cannot be.
    """
    at_x, at_y = board.meetings[x, SLOT], board.meetings[y, SLOT]
    gained = 0
    for i in range(2):
        out = x if i == 0 else y
        if out >= 0:
            gained -= board.meetings[out, WEIGHT]
            take(board, out)
    for i in range(3):
        new = meeting if i == 0 else (x if i == 1 else y)
        slot = t if i == 0 else (at_x if i == 1 else at_y)
        if new >= 0 and settle_put(board, new, slot):
            gained += board.meetings[new, WEIGHT]
            if i == 0:
                break
    return gained


@compiled
def fill(board: Board, rounds: int, heat: float) -> int:
    """Bring waiting meetings in, by chains and by taking others out (Metropolis on the weight). Returns
    the gain.
    """
    gained = 0
    for _ in range(rounds):
        if board.state[WAITING] == 0:
            break
        meeting = board.waiting[below(board.random, board.state[WAITING])]
        t = below(board.random, board.at.shape[1])
        if not may(board.allowed, meeting, t):
            continue
        a, b = board.meetings[meeting, FIRST], board.meetings[meeting, SECOND]
        if board.at[a, t] >= 0 and board.at[b, t] < 0:
            clear(board, meeting, a, b, t)
        elif board.at[b, t] >= 0 and board.at[a, t] < 0:
            clear(board, meeting, b, a, t)
        x, y = in_the_way(board, a, t), in_the_way(board, b, t)
        if x == -2 or y == -2:
            continue
        if y == x:
            y = -1
        if (
            board.slots[t, LOAD] >= board.slots[t, CAPACITY]
            and not (x >= 0 and board.meetings[x, SLOT] == t)
            and not (y >= 0 and board.meetings[y, SLOT] == t)
        ):
            # A full slot: one of its meetings, found at a random person, makes room.
            z = board.at[board.people[below(board.random, board.people.shape[0])], t]
            if (x >= 0 and y >= 0) or z < 0 or board.meetings[z, SPECIAL] & PINNED:
                continue
            if x < 0:
                x = z
            else:
                y = z
        delta = np.int64(board.meetings[meeting, WEIGHT])
        if x >= 0:
            delta -= board.meetings[x, WEIGHT]
        if y >= 0:
            delta -= board.meetings[y, WEIGHT]
        if delta < 0:
            u = np.float64(draw(board.random) >> np.uint64(11)) / 9007199254740992.0
            if heat <= 0 or u >= math.exp(delta / heat):
                continue
        gained += replace(board, meeting, x, y, t)
    return gained


# ---------------------------------------------------------------- fewest breaks
@compiled
def run_end(busy: Bits, slots: int, person: int, slot: int, step: int) -> int:
    """From a slot in the direction step: the last slot of the first run met, if there is none of the first
    run of all; -1 if the person has no meeting.
    """
    if step > 0:
        first = next_slot(busy, slots, person, slot, ZEROS)
        if first >= slots:
            first = next_slot(busy, slots, person, 0, ZEROS)
        return next_slot(busy, slots, person, first, ONES) - 1 if first < slots else -1
    first = last_slot(busy, slots, person, slot, ZEROS)
    if first < 0:
        first = last_slot(busy, slots, person, slots - 1, ZEROS)
    return last_slot(busy, slots, person, first, ONES) + 1 if first >= 0 else -1


@compiled
def revise(board: Board, heat: Longs, shared: bool) -> Any:
    """Take a placed meeting out, put a waiting one in, or let it take the place of one with which it shares
    a participant; judged by breaks and what the weight is worth. Returns the cost.
    """
    u = draw(board.random)
    most = tolerance(board, heat)
    slots = board.at.shape[1]
    if u & np.uint64(3) == 0:
        host = board.people[below(board.random, board.people.shape[0])]
        t = run_end(board.busy, slots, host, below(board.random, slots), 1)
        if t < 0 or leaving(board, most, host, t) == NEVER:
            return 0
        if shared:
            seize(board.lock)
        delta = leaving(board, most, host, t)
        if delta != NEVER:
            take(board, board.at[host, t])
    else:
        meeting = board.waiting[below(board.random, board.state[WAITING])]
        new = board.meetings[meeting, FIRST] if u & np.uint64(4) else board.meetings[meeting, SECOND]
        host = board.meetings[meeting, FIRST] + board.meetings[meeting, SECOND] - new
        t = below(board.random, slots)
        if u & np.uint64(24):
            step = 1 if u & np.uint64(32) else -1
            end = run_end(board.busy, slots, new, t, step)
            if end >= 0:
                t = end + step
        if t < 0 or t >= slots or coming(board, most, meeting, new, host, t) == NEVER:
            return 0
        if shared:
            seize(board.lock)
        delta = coming(board, most, meeting, new, host, t)
        if delta != NEVER and not come(board, meeting, host, t):
            delta = NEVER
    if shared:
        unlock(board.lock)
    return 0 if delta == NEVER else delta


@compiled
def crowding(board: Board, slot: int, change: int) -> Any:
    """What one more meeting in a slot costs, whose load was changed before: the fewer tables, the more."""
    room = board.slots[slot, CAPACITY] - board.slots[slot, LOAD] - change
    return board.rooms[min(max(room, 0), board.rooms.shape[0] - 1)]


@compiled
def tolerance(board: Board, heat: Longs) -> int:
    """The largest loss to accept, drawn so that Metropolis' rule holds."""
    chance = np.int64(draw(board.random) >> np.uint64(2))
    most, deepest = 0, heat.shape[0] - 1
    while most < deepest and chance < heat[most + 1]:
        most += 1
    return most


@compiled
def wishing(board: Board, person: int, step: int) -> Any:
    """What the wishes cost more if the person has so many more meetings."""
    degree = board.persons[person, DEGREE]
    if board.state[WISH_COST] == 0:
        return 0
    return board.state[WISH_COST] * (
        shortfall(board.persons, person, degree + step) - shortfall(board.persons, person, degree)
    )


@compiled
def homely(board: Board, meeting: int, slot: int) -> Any:
    """What it costs to take the meeting from the slot."""
    return board.state[LEAVING_HOME] if board.meetings[meeting, HOME] == slot else 0


@compiled
def leaving(board: Board, most: int, person: int, t: int) -> Any:
    """What it costs to take the person's meeting out; NEVER if that may not be, or is too much."""
    meeting, other = board.at[person, t], board.mate[person, t]
    if meeting < 0 or other < 0 or board.meetings[meeting, SPECIAL] & PINNED:
        return NEVER
    delta = board.meetings[meeting, PRICE] + homely(board, meeting, t)
    if delta - SAVED > most:
        return NEVER
    delta += losing(board, person, t)
    delta += losing(board, other, t)
    delta += wishing(board, person, -1) + wishing(board, other, -1)
    delta -= crowding(board, t, -1)
    return delta if delta <= most else NEVER


@compiled
def coming(board: Board, most: int, meeting: int, new: int, shared: int, t: int) -> Any:
    """What it costs to put a waiting meeting of the participants new, who is free, and shared into a slot; in
    the place of that of shared, if there is one. NEVER if that may not be, or is too much.
    """
    busy, slots = board.busy, board.at.shape[1]
    if (
        board.meetings[meeting, SLOT] >= 0
        or board.persons[new, DEGREE] >= board.persons[new, LIMIT]
        or not may(board.allowed, meeting, t)
        or is_busy(busy, slots, new, t)
    ):
        return NEVER
    old, leaver = board.at[shared, t], board.mate[shared, t]
    delta = -board.meetings[meeting, PRICE] - homely(board, meeting, t) + wishing(board, new, 1)
    if old < 0:
        if board.persons[shared, DEGREE] >= board.persons[shared, LIMIT]:
            return NEVER
        delta += crowding(board, t, 0) + wishing(board, shared, 1)
        delta += gaining(board, new, t)
        delta += gaining(board, shared, t)
        return delta if delta <= most else NEVER
    if leaver < 0 or leaver == new or board.meetings[old, SPECIAL] & PINNED:
        return NEVER
    delta += board.meetings[old, PRICE] + homely(board, old, t) + wishing(board, leaver, -1)
    if delta - SAVED > most:
        return NEVER
    delta += costing(board.persons, board.cost, new, adding(busy, slots, new, t))
    delta += costing(board.persons, board.cost, leaver, removing(busy, slots, leaver, t))
    if delta - LEAP > most:
        return NEVER
    delta += joining(board, busy, new, t) + parting(board, leaver, t)
    return delta if delta <= most else NEVER


@compiled
def come(board: Board, meeting: int, shared: int, t: int) -> bool:
    """Put a waiting meeting into a slot, after taking that of the shared participant out; False, with
    nothing changed, if orders or resources forbid it.
    """
    old = board.at[shared, t]
    if old < 0:
        return settle_put(board, meeting, t)
    save(board, 1, t)
    take(board, old)
    if settle_put(board, meeting, t):
        return True
    put(board, old, t)
    restore(board, 1, t)
    return False


@compiled
def homing(board: Board, length: int, total: int) -> Any:
    """What it costs that the meetings of a chain leave their slots of before, or return to them."""
    cost = 0
    if board.state[LEAVING_HOME] > 0:
        for i in range(length):
            home = board.meetings[board.chain[i], HOME]
            here = board.meetings[board.chain[i], SLOT]
            if home == here:
                cost += board.state[LEAVING_HOME]
            elif home >= 0 and home == total - here:
                cost -= board.state[LEAVING_HOME]
    return cost


@compiled
def glance(board: Board, person: int, s: int, t: int, most: int) -> Any:
    """What the chain costs that takes the person's meeting from s to t, homes aside; NEVER if there is none,
    or it costs too much. May be called while another thread changes the board: what is found then may be
    wrong, but nothing outside of the board is read.
    """
    busy, slots = board.busy, board.at.shape[1]
    if is_busy(busy, slots, person, t) or not is_busy(busy, slots, person, s):
        return NEVER
    delta = costing(board.persons, board.cost, person, moving(busy, slots, person, s, t))
    length, other = scan(board.mate, person, s, t, board.chain.shape[0])
    if length == 0:
        return NEVER
    here, there = (s, t) if length & 1 else (t, s)
    if not is_busy(board.open, slots, other, there):
        return NEVER
    delta += costing(board.persons, board.cost, other, moving(busy, slots, other, here, there))
    if length & 1:
        delta += crowding(board, t, 0) - crowding(board, s, -1)
    if delta - LEAP > most:
        return NEVER
    delta += reshaping(board, person, s, t) + reshaping(board, other, here, there)
    if delta - board.chain.shape[0] * board.state[LEAVING_HOME] > most:
        return NEVER
    return delta


@compiled
def carry(board: Board, person: int, s: int, t: int, most: int, delta: int) -> int:
    """Carry out a chain that costs delta, homes aside, unless that is too much. Returns the cost."""
    length, other = walk(board.meetings, board.allowed, board.at, board.chain, person, s, t)
    if length == 0:
        return 0
    delta += homing(board, length, s + t)
    if delta > most or not change(board, length, person, other, s, t):
        return 0
    return delta


@compiled
def anneal(board: Board, rounds: int, heat: Longs, exchanges: int, shared: bool) -> Any:
    """Simulated annealing over Kempe chains. heat[d]: chance of accepting a loss of d, out of 2^62.

    Of 256 rounds, so many revise what is placed. shared: other threads anneal the same board, each with
    chain, spare and random of its own. They look without waiting for one another, and few proposals are
    accepted; these are looked at again once nobody else may change anything. Returns the change of cost.
    """
    slots = board.at.shape[1]
    total = 0
    crowd = board.people.shape[0]
    for _ in range(rounds):
        u = draw(board.random)
        if np.int64(u & np.uint64(255)) < exchanges and board.state[WAITING] > 0:
            total += revise(board, heat, shared)
            continue
        most = tolerance(board, heat)
        person = board.people[
            np.int64((((u >> np.uint64(12)) & np.uint64(0xFFFFFF)) * np.uint64(crowd)) >> np.uint64(24))
        ]
        runs, degree = board.persons[person, RUNS], board.persons[person, DEGREE]
        step = 1 if u & np.uint64(256) else -1
        t: Any = np.int64((((u >> np.uint64(36)) & np.uint64(0xFFFF)) * np.uint64(slots)) >> np.uint64(16))
        s: Any = np.int64(((u >> np.uint64(52)) * np.uint64(slots)) >> np.uint64(12))
        beside = degree > 1 and (u >> np.uint64(9)) & np.uint64(7) != 0
        if beside:
            t = run_end(board.busy, slots, person, t, step) + step
        if t < 0 or t >= slots or not is_busy(board.open, slots, person, t):
            continue
        if beside and runs == 1 and (u >> np.uint64(52)) & np.uint64(3) != 0:
            # a day in one piece stays so only if its other end goes
            s = run_end(board.busy, slots, person, t - step, -step)
        else:
            s = run_end(board.busy, slots, person, s, 1 if u & np.uint64(2048) else -1)
        if s < 0:
            continue
        delta = glance(board, person, s, t, most)
        if delta == NEVER:
            continue
        if not shared:
            total += carry(board, person, s, t, most, delta)
            continue
        seize(board.lock)
        delta = glance(board, person, s, t, most)
        if delta != NEVER:
            total += carry(board, person, s, t, most, delta)
        unlock(board.lock)
    return total
