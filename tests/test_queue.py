"""Jobs on the stores that are supported: the embedded file and a real Valkey."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from huey.exceptions import TaskException

from forum_app.config import Settings
from forum_app.queue import Queue, _make_huey
from tests.conftest import make_settings
from tests.parts import valkey_server


def run_a_job(settings: Settings) -> list[int]:
    """Queue a job through settings' store, take it out as a worker does, and run it."""
    huey = _make_huey(settings)
    done: list[int] = []

    @huey.task()  # type: ignore[untyped-decorator]
    def note(number: int) -> int:
        done.append(number)
        return number * 2

    result = note(21)
    assert huey.pending_count() == 1
    task = huey.dequeue()
    huey.execute(task)
    assert result.get() == 42
    assert huey.pending_count() == 0
    return done


def test_embedded_store(tmp_path: Path) -> None:
    settings = replace(make_settings(tmp_path), env="production")
    assert run_a_job(settings) == [21]


def test_valkey(tmp_path: Path) -> None:
    with valkey_server() as url:
        settings = replace(make_settings(tmp_path), env="production", queue_url=url)
        assert run_a_job(settings) == [21]


def test_a_job_that_fails_is_reported_not_swallowed(tmp_path: Path) -> None:
    huey = _make_huey(replace(make_settings(tmp_path), env="production"))

    @huey.task()  # type: ignore[untyped-decorator]
    def fail() -> None:
        raise ZeroDivisionError

    result = fail()
    huey.execute(huey.dequeue())
    with pytest.raises(TaskException):
        result.get()


def test_web_and_worker_load_nothing_heavy_that_they_do_not_use() -> None:
    """Solvers run in a process of their own, and the driver of PostgreSQL is for who has one."""
    heavy = ("ortools", "pysat", "numba", "numpy", "pandas", "psycopg")
    code = (
        "import sys; from forum_app.cli import create_app; from forum_app.queue import queue; create_app();"
        "queue.huey.create_consumer(); from gunicorn.app.base import BaseApplication;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_wake_ups_of_one_moment_are_two_at_most_and_miss_nothing(tmp_path: Path) -> None:
    """The first runs at once; what is committed while or after it runs is found by the second, soon."""
    app = Flask(__name__)
    queue = Queue()
    name = f"{__name__}.look"

    def look() -> None:
        """Stands for a job that looks for its work itself."""

    look.__module__ = __name__
    queue.job()(look)
    queue.init_app(app, make_settings(tmp_path))
    assert queue.huey is not None
    for _ in range(50):
        queue.wake(name)
    at_once, later = queue.huey.pending()
    assert at_once.eta is None
    assert later.eta is not None
