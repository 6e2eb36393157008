"""`forum solve` and the process it runs the scheduler in, from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from forum_app import solve_command
from forum_app.core.errors import Invalid
from tests.parts import ROOT

SOLVER = (sys.executable, "-m", "forum_app.core.scheduling")


def instance(people: int, slots: int, *, mandatory: bool = True) -> dict[str, Any]:
    """Everybody with everybody: with fewer slots than people there are breaks to save for a long time."""
    pairs = [(a, b) for a in range(people) for b in range(a)]
    return {
        "format": "b2b-instance/1",
        "name": "all pairs",
        "n_slots": slots,
        "n_tables": people // 2,
        "sessions": [],
        "all_mandatory": mandatory,
        "fairness_d": None,
        "participants": [{"id": p, "kind": "vc", "unavailable": [p % slots]} for p in range(people)],
        "meetings": [
            {"id": k, "a": a, "b": b, "weight": 1 + k % 3, "session": None, "fixed": None, "after": []}
            for k, (a, b) in enumerate(pairs)
        ],
    }


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forum_app.cli", "solve", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(instance(5, 6, mandatory=True)))
    return path


def test_from_file_to_file_and_no_database(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "schedule.json"
    target.write_text("old")
    done = run(str(small), "--output", str(target), "--workers", "1", "--time-limit", "30")
    assert done.returncode == 0, done.stderr
    assert "weight 19 of at most 19, 2 breaks, at least 2" in done.stderr
    schedule = json.loads(target.read_text())
    assert (schedule["status"], schedule["placed_weight"], schedule["breaks"]) == ("optimal", 19, 2)
    assert schedule["format"] == "b2b-schedule/1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["schedule.json", "small.json"]


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    target = tmp_path / "schedule.json"
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(instance(4, 4) | {"n_slots": -1}))
    done = run(str(bad), "--output", str(target))
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert line == "The instance cannot be read: n_slots is -1, it must lie between 1 and 1000."
    assert not target.exists()


def test_files_that_cannot_be_used(small: Path, tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        error = CliRunner().invoke(solve_command.solve_command, arguments).exception
        assert isinstance(error, Invalid)
        return str(error)

    target = str(tmp_path / "schedule.json")
    assert "cannot be read" in refused(str(tmp_path / "none.json"), "--output", target)
    assert "cannot be read" in refused(str(tmp_path), "--output", target)
    assert "cannot be written" in refused(str(small), "--output", str(tmp_path / "none" / "schedule.json"))
    assert "cannot be written" in refused(str(small), "--output", str(tmp_path))


@pytest.mark.parametrize("options", [["--time-limit", "nan"], ["--time-limit", "0"], ["--workers", "0"], []])
def test_wrong_use_is_status_2(options: list[str], small: Path, tmp_path: Path) -> None:
    output = ["--output", str(tmp_path / "schedule.json")] if options else []
    assert CliRunner().invoke(solve_command.solve_command, [str(small), *output, *options]).exit_code == 2


def started(data: dict[str, Any]) -> subprocess.Popen[bytes]:
    """The scheduler once it has a schedule."""
    process = subprocess.Popen(
        [*SOLVER, "--time-limit", "100"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(json.dumps(data).encode())
    process.stdin.close()
    for line in process.stderr:
        if json.loads(line).get("placed"):
            break
    return process


def members(group: int) -> set[int]:
    """Living processes of a process group."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.add(int(entry.name))
    return found


HARD = instance(15, 22)


def test_sigterm_gives_the_best_so_far_and_leaves_nobody_behind() -> None:
    process = started(HARD)
    assert process.stdout
    process.send_signal(signal.SIGTERM)
    schedule = json.loads(process.stdout.read())
    assert process.wait(60) == 0
    assert schedule["placed"] == len(HARD["meetings"])
    assert not members(process.pid)


def test_killing_it_ends_its_children_too() -> None:
    process = started(HARD)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    deadline = time.monotonic() + 60
    while members(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_words_of_progress() -> None:
    assert solve_command._words({"phase": "placing", "seconds": 1}) == "placing"


def test_the_web_process_loads_no_solver() -> None:
    code = (
        "import sys; from forum_app import create_app; import forum_app.cli; create_app();"
        "print([m for m in ('ortools', 'pysat', 'numba', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
