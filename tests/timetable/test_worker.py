"""The real worker with the real scheduler as its child, killed in the middle of a run.

Everything is a process of its own here: the worker, the scheduler below it, and the commands that look.
"""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests import starting
from tests.parts import PATIENCE, Product

PEOPLE, WISHES = 40, 120
LOOK = """
from sqlalchemy import select
from forum_app import create_app
from forum_app.db import db, transaction
from forum_app.events.queries import get_event_by_slug
from forum_app.timetable.models import ScheduleRun
from forum_app.timetable import services
from forum_app.web import clock
with create_app().app_context():
    event = get_event_by_slug("bench")
"""
STANDING = "SELECT id, starts_at, table_id FROM meetings_meeting WHERE status = 'CONFIRMED' ORDER BY id"
LATEST = "SELECT id, state, placed, failure FROM timetable_run ORDER BY id DESC LIMIT 1"
PUBLISH = """
    from forum_app.demo.timetable import publish_greedily
    with transaction():
        publish_greedily(event, actor=None, now=clock.now())
"""
START = """
    with transaction():
        services.start_run(actor=None, event=event, time_limit=%s, now=clock.now())
"""
INTERRUPT = """
    from datetime import timedelta
    run = db.session.scalars(select(ScheduleRun).order_by(ScheduleRun.id.desc())).first()
    later = run.heartbeat_at + services.SILENCE + timedelta(seconds=1)
    with transaction():
        assert services.interrupt_silent_runs(now=later) == 1
"""
RESUME = """
    from forum_app.accounts.models import User
    run = db.session.scalars(select(ScheduleRun).order_by(ScheduleRun.id.desc())).first()
    with transaction():
        run = db.session.get_one(ScheduleRun, run.id)
        run.time_limit = 15
        admin = db.session.scalars(select(User).where(User.is_admin)).first()
        services.resume_run(actor=admin, event=event, run=run, now=clock.now())
"""


class Bench(Product):
    """An event with wishes; no web server is needed."""

    def do(self, code: str) -> None:
        """Run a snippet in an application of its own."""
        done = starting.python(LOOK + code, environ=self.environ, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr

    def rows(self, statement: str) -> list[Any]:
        """What is in the database, as anybody can read it."""
        with closing(sqlite3.connect(Path(self.environ["FORUM_VAR"]) / "forum.sqlite3", timeout=20)) as db:
            return db.execute(statement).fetchall()

    def wait_for(self, *states: str) -> Any:
        """Until the latest run is in one of states; its row. A busy machine solves slowly."""
        end = time.monotonic() + 3 * PATIENCE
        while time.monotonic() < end:
            row = self.rows(LATEST)[0]
            if row[1] in states:
                return row
            time.sleep(0.2)
        raise AssertionError(f"the run stays {row[1]}")


@pytest.fixture
def bench(tmp_path: Path, compiled: None) -> Iterator[Bench]:
    running = Bench({"FORUM_ENV": "development", "FORUM_VAR": str(tmp_path)}, 0)
    running.forum("db", "upgrade")
    size = ("--items", "4", "--speakers", "4", "--registrants", str(PEOPLE), "--wishes", str(WISHES))
    running.forum("seed", "bench", *size)
    running.forum("create-admin", "admin@forum.example", "--generate")
    try:
        yield running
    finally:
        running.stop()


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Process ids below a worker, read from /proc."""
    tasks = Path(f"/proc/{process.pid}/task")
    found = [(task / "children").read_text().split() for task in tasks.iterdir()]
    return [int(number) for numbers in found for number in numbers]


def is_alive(number: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this machine shows no processes in /proc")
def test_killing_the_worker_in_the_middle_of_a_run(bench: Bench) -> None:
    bench.do(PUBLISH)
    published = bench.rows(STANDING)
    assert len(published) > WISHES // 2

    bench.start("worker")
    worker = bench.processes[-1]
    bench.do(START % 300)
    bench.wait_for("RUNNING")
    end = time.monotonic() + PATIENCE
    while not children_of(worker) and time.monotonic() < end:
        time.sleep(0.1)
    scheduler = children_of(worker)
    assert scheduler, "the worker solves in a process of its own"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(20)

    assert bench.rows(STANDING) == published, "what is published is untouched"
    assert bench.rows(LATEST)[0][1] == "RUNNING", "nobody has noticed yet"
    bench.do(INTERRUPT)
    assert bench.rows(LATEST)[0][1] == "INTERRUPTED"
    end = time.monotonic() + PATIENCE
    while any(is_alive(number) for number in scheduler):
        assert time.monotonic() < end, "the scheduler outlives its worker"
        time.sleep(0.2)

    bench.do(RESUME)
    bench.start("worker")
    row = bench.wait_for("DONE", "FAILED", "INTERRUPTED")
    assert row[1] == "DONE", row
    assert row[2] is not None
    assert bench.rows(STANDING) == published


def test_the_command_refuses_with_one_line(tmp_path: Path) -> None:
    running = Bench({"FORUM_ENV": "development", "FORUM_VAR": str(tmp_path)}, 0)
    running.forum("db", "upgrade")
    done = starting.forum("schedule-meetings", "nowhere", environ=running.environ, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (1, "There is no such event.\n")
