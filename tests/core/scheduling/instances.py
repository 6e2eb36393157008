"""Instances with a hidden schedule, like the published ones."""

import random

from forum_app.core.scheduling.problem import Meeting, Participant, Problem


def lookalike(*, people: int, meetings: int, slots: int, tables: int, seed: int) -> Problem:
    """Every meeting must be placed, and can be; about half are bound to a session."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    busy: list[set[int]] = [set() for _ in range(slots)]
    load = [0] * slots
    met: set[tuple[int, int]] = set()
    rows: list[Meeting] = []
    half = slots // 2
    while len(rows) < meetings:
        a, b = chance.sample(range(people), 2)
        slot = chance.randrange(slots)
        if (min(a, b), max(a, b)) in met or busy[slot] & {a, b} or load[slot] >= tables:
            continue
        met.add((min(a, b), max(a, b)))
        busy[slot] |= {a, b}
        load[slot] += 1
        rows.append(Meeting(a, b, session=(0 if slot < half else 1) if chance.random() < 0.3 else None))
    return Problem(
        slots,
        tables,
        tuple(Participant() for _ in range(people)),
        tuple(rows),
        name=f"lookalike-{seed}",
        sessions=(tuple(range(half)), tuple(range(half, slots))),
        all_mandatory=True,
        fairness_d=2,
    )
