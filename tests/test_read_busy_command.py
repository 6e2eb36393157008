"""`forum read-busy` as scripts use it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forum_app.core.errors import Invalid
from forum_app.core.freebusy.lines import MAX_BYTES
from forum_app.read_busy_command import read_busy_command
from tests.core.freebusy.golden import CASES
from tests.core.freebusy.test_limits import SECOND, wrapped

WINDOW = ("--from", "2027-03-10T00:00:00Z", "--to", "2027-03-11T00:00:00+00:00")
ONE = wrapped(CASES[0].text)


def run(file: Path | str, *options: str) -> Result:
    return CliRunner().invoke(read_busy_command, [str(file), *options])


def kept(tmp_path: Path, data: bytes) -> Path:
    file = tmp_path / "a.ics"
    file.write_bytes(data)
    return file


def test_answers_in_json(tmp_path: Path) -> None:
    answer = run(kept(tmp_path, ONE), "--zone", "Asia/Tokyo", *WINDOW)
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {"busy": [["2027-03-10T09:00:00Z", "2027-03-10T10:30:00Z"]]}


def test_says_what_limits_cut(tmp_path: Path) -> None:
    answer = json.loads(run(kept(tmp_path, wrapped(SECOND)), "--zone", "UTC", *WINDOW).stdout)
    assert sorted(answer) == ["busy", "cut"]
    assert answer["busy"]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--zone", "UTC"),
        ("--zone", "Mars/Olympus", *WINDOW),
        ("--zone", "UTC", "--from", "soon", "--to", "2027-03-11T00:00:00Z"),
        ("--zone", "UTC", "--from", "2027-03-11T00:00:00Z", "--to", "2027-03-11T00:00:00Z"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert run(kept(tmp_path, ONE), *options).exit_code == 2


@pytest.mark.parametrize("data", [b"", b"\0\1", b"x" * (MAX_BYTES + 9)])
def test_bad_files_are_refused(tmp_path: Path, data: bytes) -> None:
    assert isinstance(run(kept(tmp_path, data), "--zone", "UTC", *WINDOW).exception, Invalid)
    assert isinstance(run(tmp_path / "none.ics", "--zone", "UTC", *WINDOW).exception, Invalid)
    assert isinstance(run(tmp_path, "--zone", "UTC", *WINDOW).exception, Invalid)


def test_a_refusal_is_one_line(tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("forum")),
        "read-busy",
        str(kept(tmp_path, b"?")),
        "--zone",
        "UTC",
        *WINDOW,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "This is not a calendar file (iCalendar, .ics).\n"
