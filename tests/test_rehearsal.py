"""FORUM_REHEARSAL lets the clock run from the day of an event."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forum_app import create_app
from forum_app.config import ConfigError, load_settings
from forum_app.web import clock


def environ(var: Path, at: str, env: str = "development") -> dict[str, str]:
    return {"FORUM_VAR": str(var), "FORUM_ENV": env, "FORUM_SECRET_KEY": "x" * 32, "FORUM_REHEARSAL": at}


def test_the_clock_runs_from_there(tmp_path: Path) -> None:
    create_app(load_settings(environ(tmp_path, "2031-03-09T10:00+09:00")))
    start = datetime(2031, 3, 9, 1, tzinfo=UTC)
    assert start <= clock.now() < start + timedelta(minutes=5)


@pytest.mark.parametrize("at", ["tomorrow", "2031-03-09T10:00", "2031-13-09T10:00+09:00"])
def test_anything_but_an_instant_is_refused(tmp_path: Path, at: str) -> None:
    with pytest.raises(ConfigError):
        load_settings(environ(tmp_path, at))


def test_production_has_no_rehearsals(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_settings(environ(tmp_path, "2031-03-09T10:00+09:00", "production"))
