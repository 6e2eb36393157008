"""Settings: the secrets that are made on the first start."""

import fcntl
import os
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from forum_app.config import kept_secret


def test_a_secret_is_made_once_and_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    value = kept_secret(path)
    assert len(value) >= 48
    assert kept_secret(path) == value
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_left_empty_by_a_killed_process_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch()
    assert kept_secret(path) == kept_secret(path) != ""


def test_who_comes_while_another_writes_gets_what_that_one_wrote(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    found: SimpleQueue[str] = SimpleQueue()
    others = [Thread(target=lambda: found.put(kept_secret(path))) for _ in range(8)]
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for other in others:
            other.start()
        file.write("the first one's")
    for other in others:
        other.join()
    assert {found.get() for _ in others} == {"the first one's"}
