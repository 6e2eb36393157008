"""The `forum` command from outside: exit status 0 done, 1 refused with one line, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import starting
from tests.parts import ROOT

SCHEDULE = b"""<?xml version='1.0' encoding='utf-8'?>
<schedule><version>1</version><conference><acronym>small</acronym><title>Small</title>
<start>2014-12-27</start><end>2014-12-27</end><days>1</days><timeslot_duration>00:05</timeslot_duration>
</conference>
<day date='2014-12-27' index='1' start='2014-12-27T11:00:00+01:00' end='2014-12-28T04:00:00+01:00'>
<room name='Saal 1'><event guid='29aecfd7-2e44-4f49-ab86-29b5e0877325' id='1'>
<date>2014-12-28T00:30:00+01:00</date><start>00:30</start><duration>00:30</duration><room>Saal 1</room>
<title>After midnight</title><track>T</track><type>lecture</type><language>en</language>
<persons><person id='7'>A Person</person></persons></event></room></day></schedule>"""


class Command:
    """Runs `forum` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FORUM_")}
        self.environ = {**kept, "FORUM_VAR": str(folder / "var"), "FORUM_DEMO_PASSWORD": "x" * 20}
        self.folder = folder

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return starting.forum(*arguments, environ={**self.environ, **environ}, timeout=120)

    def apart(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """As people start it, with all that Python loads and might say meanwhile."""
        return subprocess.run(
            [sys.executable, "-m", "forum_app.cli", *arguments],
            env={**self.environ, **environ},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def refused(self, *arguments: str, **environ: str) -> str:
        """Runs it, expects status 1 with one line on standard error, and returns the line."""
        return self.line(self(*arguments, **environ))

    @staticmethod
    def line(done: subprocess.CompletedProcess[str]) -> str:
        """What a command that was refused says."""
        assert done.returncode == 1, (done.stdout, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        assert len(lines) == 1, done.stderr
        assert "Traceback" not in done.stderr
        return lines[0]


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Command:
    command = Command(tmp_path_factory.mktemp("cli"))
    assert command.apart("db", "upgrade").returncode == 0
    return command


def test_a_schedule_is_taken_once_and_the_second_time_changes_nothing(forum: Command) -> None:
    path = forum.folder / "schedule.xml"
    path.write_bytes(SCHEDULE)
    first = forum("import", "schedule", str(path), "--event", "small", "--create")
    assert first.returncode == 0, first.stderr
    second = forum("import", "schedule", str(path), "--event", "small", "--create")
    assert second.returncode == 0, second.stderr
    assert first.stdout != second.stdout


@pytest.mark.parametrize(
    "content",
    [
        SCHEDULE[:400],
        b"",
        b"\x00\x01\x02",
        b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><schedule>&b;</schedule>",
        SCHEDULE.replace(b"00:30</duration>", b"99999:99</duration>"),
        SCHEDULE.replace(b"2014-12-28T00:30:00+01:00", b"9999-99-99T00:00:00+01:00"),
        b'{"schedule": {"conference": {"days": "many"}}}',
        b"[" * 100_000,
    ],
    ids=["truncated", "empty", "binary", "entities", "duration", "date", "types", "nesting"],
)
def test_a_bad_schedule_is_refused_with_one_line(forum: Command, content: bytes) -> None:
    path = forum.folder / "bad.xml"
    path.write_bytes(content)
    assert forum.refused("import", "schedule", str(path), "--event", "refused", "--create")


def test_refused_schedules_made_nothing(forum: Command) -> None:
    path = forum.folder / "bad.xml"
    path.write_bytes(SCHEDULE[:400])
    assert forum.refused("import", "schedule", str(path), "--event", "refused", "--create")
    # without --create the event is still unknown
    path.write_bytes(SCHEDULE)
    assert "event" in forum.refused("import", "schedule", str(path), "--event", "refused").lower()


def test_a_file_that_is_too_large_or_missing(forum: Command) -> None:
    path = forum.folder / "large.xml"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert "larger" in forum.refused("import", "schedule", str(path), "--event", "refused", "--create")
    assert "read" in forum.refused("import", "schedule", "/nowhere.xml", "--event", "refused")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FORUM_DATABASE_URL", "mysql://user:secret@host/db"),
        ("FORUM_MAIL_URL", "ftp://user:secret@host"),
        ("FORUM_BASE_URL", "forum"),
        ("PORT", "many"),
        ("FORUM_ENV", "staging"),
        ("FORUM_STORAGE_URL", "ftp://user:secret@host/folder"),
        ("FORUM_STORAGE_URL", "s3://user:secret@bucket"),
    ],
)
def test_a_wrong_setting_is_one_line_without_its_secret(forum: Command, name: str, value: str) -> None:
    line = forum.refused("routes", **{name: value})
    assert name in line
    assert "secret" not in line


@pytest.mark.parametrize("command", [("seed", "demo"), ("seed", "bench"), ("mail", "list")])
def test_a_database_without_tables_is_one_line(
    forum: Command, tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = forum.refused(*command, FORUM_VAR=str(tmp_path))
    assert "forum db upgrade" in said


def test_a_database_that_is_not_there_is_one_line(forum: Command) -> None:
    said = forum.refused(
        "mail", "list", FORUM_DATABASE_URL="postgresql+psycopg://nobody:secret@127.0.0.1:1/none"
    )
    assert "The database refused" in said
    assert "secret" not in said


def test_production_needs_a_key(forum: Command) -> None:
    assert "FORUM_SECRET_KEY" in forum.line(forum.apart("routes", FORUM_ENV="production"))


def test_an_administrator(forum: Command) -> None:
    made = forum("create-admin", "first@forum.example", "--generate")
    assert made.returncode == 0, made.stderr
    assert "first@forum.example" in made.stdout
    assert forum.refused("create-admin", "not an address", "--generate")


def test_the_demonstration_is_safe_to_repeat(forum: Command) -> None:
    first = forum("seed", "demo")
    assert first.returncode == 0, first.stderr
    second = forum.apart("seed", "demo", "--first", "--upgrade")  # as every `make run` does
    assert second.returncode == 0, second.stderr
    assert first.stdout == second.stdout
    assert "organizer@forum.example" in second.stdout


def test_usage_is_status_2(forum: Command) -> None:
    assert forum.apart("import", "schedule").returncode == 2
