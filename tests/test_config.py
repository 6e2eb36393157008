"""Settings: the secrets that are made on the first start, and the domain of what the forum writes."""

import fcntl
import os
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import pytest

from forum_app.config import ConfigError, kept_secret, load_settings


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


@pytest.mark.parametrize(
    ("given", "domain"),
    [
        (
            {"FORUM_UID_DOMAIN": "forum.example.org", "FORUM_BASE_URL": "https://a.example"},
            "forum.example.org",
        ),
        ({"FORUM_BASE_URL": "https://forum.example.org/below"}, "forum.example.org"),
        ({"FORUM_BASE_URL": "https://日本.example"}, "xn--wgv71a.example"),
        ({"FORUM_BASE_URL": "http://[::1]:8000"}, "forum.example"),
        ({"FORUM_UID_DOMAIN": "localhost"}, "forum.example"),
    ],
)
def test_the_domain_is_one_that_headers_take(tmp_path: Path, given: dict[str, str], domain: str) -> None:
    assert load_settings({"FORUM_VAR": str(tmp_path), **given}).uid_domain == domain


@pytest.mark.parametrize("text", ["https://forum.example.org", "a/b", "a b.example", "a\r\nBcc: b", "a..b"])
def test_what_is_no_domain_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="FORUM_UID_DOMAIN must be a domain"):
        load_settings({"FORUM_VAR": str(tmp_path), "FORUM_UID_DOMAIN": text})
