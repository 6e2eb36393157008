"""The meeting scheduler: weight and breaks against proven bounds, repair, explanation, seconds and memory.

Each instance is solved in a process of its own (`python -m bench.scheduling FILE SECONDS`), so that its
memory is its own. Instances are those of a folder, if one is given, and four of `bench.instances`.
"""

import json
import os
import pickle
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.instances import after_changes, crowded, planted
from forum_app.core.scheduling import bounds
from forum_app.core.scheduling.checker import check
from forum_app.core.scheduling.explain import explain_unplaced
from forum_app.core.scheduling.problem import Assignment, Problem
from forum_app.core.scheduling.reading import read_problem
from forum_app.core.scheduling.repair import repair
from forum_app.core.scheduling.repair_exact import moved_bound
from forum_app.core.scheduling.solver import solve
from forum_app.core.scheduling.tables import assign_tables

Row = dict[str, object]
COLUMNS = (
    "weight",
    "weight_bound",
    "breaks",
    "breaks_bound",
    "greedy_breaks",
    "idle_available",
    "seconds",
    "mib",
)


def run(folder: Path | None = None) -> list[Row]:
    """One row per instance, and per repair and explanation where meetings are left out."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        paths = sorted(folder.glob("*.json")) if folder is not None else []
        for problem in (
            planted(people=600, slots=32, tables=120, seed=1),
            crowded(people=600, asked=4000, slots=32, tables=120, seed=1),
            planted(people=3000, slots=48, tables=600, seed=1),
            crowded(people=3000, asked=24000, slots=48, tables=600, seed=1),
        ):
            path = Path(scratch, problem.name + ".pickle")
            path.write_bytes(pickle.dumps(problem))
            paths.append(path)
        for path in paths:
            done = subprocess.run(
                [sys.executable, "-m", "bench.scheduling", str(path)],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )
            if done.returncode:
                rows.append({"name": path.stem, "error": done.stderr.strip().splitlines()[-1]})
                continue
            rows += [json.loads(line) for line in done.stdout.splitlines()]
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text, one line each."""
    width = max((len(str(row["name"])) for row in rows), default=4) + 2
    lines = ["schedule".ljust(width) + "".join(column.rjust(15) for column in COLUMNS)]
    for row in rows:
        if "error" in row:
            lines.append(f"{row['name']!s:<{width}}{row['error']}")
        elif "weight" in row:
            lines.append(f"{row['name']!s:<{width}}" + "".join(str(row[c]).rjust(15) for c in COLUMNS))
        else:
            rest = ", ".join(f"{key} {value}" for key, value in row.items() if key != "name")
            lines.append(f"{row['name']!s:<{width}}{rest}")
    return "\n".join(lines)


def greedy_breaks(problem: Problem) -> int:
    """Breaks of a greedy pass: by weight, each meeting in its first free slot next to another of its two
    people.
    """
    free = [
        [slot not in person.unavailable for slot in range(problem.n_slots)] for person in problem.participants
    ]
    days: list[set[int]] = [set() for _ in problem.participants]
    load = [0] * problem.n_slots
    for meeting in sorted(problem.meetings, key=lambda meeting: -meeting.weight):
        a, b = meeting.a, meeting.b
        choices = [
            (-sum(near in days[p] for p in (a, b) for near in (slot - 1, slot + 1)), slot)
            for slot in range(problem.n_slots)
            if free[a][slot] and free[b][slot] and load[slot] < problem.n_tables
        ]
        if choices:
            slot = min(choices)[1]
            for p in (a, b):
                free[p][slot] = False
                days[p].add(slot)
            load[slot] += 1
    return sum(max(0, sum(slot - 1 not in day for slot in day) - 1) for day in days)


def usual_limit(problem: Problem) -> float:
    """Seconds: 60, four times as many where not all can be placed, five times as many above 1,000 people."""
    if len(problem.participants) > 1000:
        return 300.0
    must_choose = bounds.weight_bound(problem) < sum(meeting.weight for meeting in problem.meetings)
    return 240.0 if must_choose and not problem.all_mandatory else 60.0


def one(path: Path, seconds: float | None) -> list[Row]:
    if path.suffix == ".pickle":
        problem: Problem = pickle.loads(path.read_bytes())  # noqa: S301 - written by run()
    else:
        problem = read_problem(path.read_bytes())
    limit = seconds or usual_limit(problem)
    started = time.monotonic()
    result = solve(problem, time_limit=limit, seed=1, workers=2)
    took = time.monotonic() - started
    report = check(problem, result.assignments)
    assert report.feasible or not result.assignments, report.violations
    rows: list[Row] = [
        {
            "name": problem.name or path.stem,
            "status": result.status.value,
            "meetings": len(problem.meetings),
            "placed": report.placed,
            "weight": report.weight,
            "weight_bound": result.weight_bound,
            "breaks": report.breaks,
            "breaks_bound": result.breaks_bound,
            "greedy_breaks": greedy_breaks(problem),
            "idle_available": report.idle_slots_available,
            "seconds": round(took, 1),
            "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    ]
    if problem.all_mandatory or report.placed == len(problem.meetings):
        return rows
    started = time.monotonic()
    reasons = explain_unplaced(problem, result.assignments)
    rows.append(
        {
            "name": f"{problem.name}: explanation",
            "unplaced": len(reasons),
            "seconds": round(time.monotonic() - started, 3),
        }
    )
    rows.append(repaired(problem, result.assignments))
    return rows


def repaired(problem: Problem, published: tuple[Assignment, ...]) -> Row:
    """After 20 cancellations, and 20 people away for two to five slots in a row. cpu: of both processes."""
    chance = random.Random(problem.name)  # noqa: S311 - no secret
    tables = assign_tables(problem, {row.meeting: row.slot for row in published}, {})
    rows = tuple(replace(row, table=tables[row.meeting]) for row in published)
    cancelled = {row.meeting for row in chance.sample(rows, 20)}
    absent = {}
    for p in chance.sample(range(len(problem.participants)), 20):
        first = chance.randrange(problem.n_slots - 4)
        absent[p] = frozenset(range(first, first + chance.randint(2, 5)))
    changed = after_changes(replace(problem, previous=rows), cancelled=cancelled, absent=absent)
    started, busy = time.monotonic(), sum(os.times()[:4])
    result = repair(changed, time_limit=5.0 if len(problem.participants) > 1000 else 2.0)
    took, busy = time.monotonic() - started, sum(os.times()[:4]) - busy
    report = check(changed, result.assignments)
    assert report.feasible, report.violations
    return {
        "name": f"{problem.name}: repair",
        "weight_reached": report.weight,
        "weight_most": bounds.weight_bound(changed),
        "moved": report.moved,
        "moved_proven": result.moved_bound,
        "moved_least": moved_bound(changed, report.weight),
        "breaks": report.breaks,
        "seconds": round(took, 2),
        "cpu": round(busy, 2),
    }


if __name__ == "__main__":
    for line in one(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None):
        print(json.dumps(line))
