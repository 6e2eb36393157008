"""Instances of the meeting scheduler for benchmarks, of two families, from a seed.

crowded: more is asked for than fits, with a few popular hosts. planted: a hidden schedule holds every
meeting and leaves nobody a break, so the optimum is known.
"""

import random
from dataclasses import replace

from forum_app.core.scheduling.problem import Meeting, Participant, Problem

WEIGHTS, SHARES = (5, 3, 1), (15, 35, 50)


def crowded(*, people: int, asked: int, slots: int, tables: int, seed: int) -> Problem:
    """Start-ups (seven tenths) ask hosts; how often one is asked falls with its rank."""
    chance = random.Random(f"crowded/{people}/{seed}")  # noqa: S311 - no secret
    startups = people * 7 // 10
    ranks = [1 / (1 + i) ** 0.35 for i in range(startups)]
    hosts = [1 / (1 + i) ** 0.45 for i in range(people - startups)]
    pairs: dict[tuple[int, int], None] = {}
    wanted = [0] * people
    while len(pairs) < asked:
        a = chance.choices(range(startups), ranks)[0]
        b = startups + chance.choices(range(people - startups), hosts)[0]
        if (a, b) not in pairs and max(wanted[a], wanted[b]) < 1.5 * slots:
            pairs[a, b] = None
            wanted[a] += 1
            wanted[b] += 1
    crowd = tuple(
        Participant("startup" if p < startups else "host", _absence(chance, slots)) for p in range(people)
    )
    meetings = tuple(Meeting(a, b, weight=chance.choices(WEIGHTS, SHARES)[0]) for a, b in pairs)
    return Problem(slots, tables, crowd, meetings, name=f"crowded-{people}-s{seed}")


def _absence(chance: random.Random, slots: int) -> frozenset[int]:
    """One or two stretches of talks or travel, about 15 % of the time."""
    away: set[int] = set()
    while len(away) < 0.15 * slots - 1:
        first = chance.randrange(slots)
        away |= set(range(first, min(slots, first + chance.randint(1, max(1, slots // 6)))))
    return frozenset(away)


def planted(*, people: int, slots: int, tables: int, seed: int) -> Problem:
    """In each slot, running start-ups meet running hosts they have not met; who stops, stops for good."""
    chance = random.Random(f"planted/{people}/{seed}")  # noqa: S311 - no secret
    startups = people * 7 // 10
    todo = list(range(startups))
    chance.shuffle(todo)
    hosts = list(range(startups, people))
    begins = {h: chance.randrange(max(1, slots // 3)) for h in hosts}
    ends = {h: chance.randint(slots * 2 // 3, slots) for h in hosts}
    met: set[tuple[int, int]] = set()
    days: dict[int, list[int]] = {p: [] for p in range(people)}
    running: list[int] = []
    rows: list[tuple[int, int]] = []
    for slot in range(slots):
        here = [h for h in hosts if begins[h] <= slot < ends[h]][:tables]
        running = [a for a in running if chance.random() > 0.08]
        while len(running) < len(here) and todo:
            running.append(todo.pop())
        chance.shuffle(here)
        host_of = _pair(running, here, met)
        for host, startup in host_of.items():
            met.add((startup, host))
            rows.append((startup, host))
            days[startup].append(slot)
            days[host].append(slot)
        busy = set(host_of.values())
        running = [a for a in running if a in busy]
        for host in hosts:
            if host not in host_of and days[host]:
                ends[host] = min(ends[host], slot)
    crowd = []
    for p in range(people):
        idle = [slot for slot in range(slots) if slot not in days[p]]
        away = frozenset(chance.sample(idle, min(len(idle), round(0.15 * slots))))
        crowd.append(Participant("startup" if p < startups else "host", away))
    meetings = [Meeting(a, b, weight=chance.choices(WEIGHTS, SHARES)[0]) for a, b in rows]
    chance.shuffle(meetings)
    return Problem(slots, tables, tuple(crowd), tuple(meetings), name=f"planted-{people}-s{seed}")


def _pair(startups: list[int], hosts: list[int], met: set[tuple[int, int]]) -> dict[int, int]:
    """A largest matching of pairs that have not met: {host: start-up} (augmenting paths)."""
    mate: dict[int, int] = {}

    def augment(startup: int, seen: set[int]) -> bool:
        for host in hosts:
            if host not in seen and (startup, host) not in met:
                seen.add(host)
                if host not in mate or augment(mate[host], seen):
                    mate[host] = startup
                    return True
        return False

    for startup in startups:
        augment(startup, set())
    return mate


def after_changes(problem: Problem, *, cancelled: set[int], absent: dict[int, frozenset[int]]) -> Problem:
    """The problem with its previous schedule, without the cancelled meetings and with new absences."""
    kept = [k for k in range(len(problem.meetings)) if k not in cancelled]
    number = {k: i for i, k in enumerate(kept)}
    people = list(problem.participants)
    for p, slots in absent.items():
        people[p] = replace(people[p], unavailable=people[p].unavailable | slots)
    previous = tuple(
        replace(row, meeting=number[row.meeting]) for row in problem.previous if row.meeting in number
    )
    meetings = tuple(problem.meetings[k] for k in kept)
    return replace(problem, participants=tuple(people), meetings=meetings, previous=previous)
