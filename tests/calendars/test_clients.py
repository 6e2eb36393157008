"""Real calendar programs on the served product: vdirsyncer subscribes, khal shows, both learn of changes."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from flask import Flask

from forum_app.calendars.queries import list_open_feeds
from forum_app.calendars.services import revoke_feed
from forum_app.db import db, transaction
from forum_app.meetings.booking_services import book_meeting, cancel_meeting, move_meeting
from forum_app.meetings.models import Meeting
from tests.calendars.parts import make_feed
from tests.conftest import TestDatabase
from tests.factories import NOW, login_of, make_room
from tests.meetings.scene import OPENS, SLOT, make_scene
from tests.parts import free_port, missing

KHAL = """
[calendars]
[[forum]]
path = {folder}/forum
readonly = True
[locale]
local_timezone = Asia/Tokyo
default_timezone = Asia/Tokyo
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[sqlite]
path = {folder}/khal.db
"""
VDIRSYNCER = """
[general]
status_path = "{folder}/status/"
[pair forum]
a = "web"
b = "local"
collections = null
conflict_resolution = "a wins"
[storage web]
type = "http"
url = "{address}"
[storage local]
type = "filesystem"
path = "{folder}/forum/"
fileext = ".ics"
"""


def program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        missing(f"{name} (requirements-dev.lock)")
    return str(found)


@pytest.fixture
def served(app: Flask, database: TestDatabase, tmp_path: Path) -> Iterator[str]:
    """The address of the product, served by gunicorn on the test's own database."""
    port = free_port()
    environ = {
        **os.environ,
        "FORUM_ENV": "development",
        "FORUM_VAR": str(tmp_path / "var"),
        "FORUM_DATABASE_URL": database.settings.database_url,
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "forum_app.cli", "serve"], env=environ)
    try:
        for _ in range(300):
            try:
                with urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                    assert answer.status == 200
                break
            except (URLError, OSError):
                time.sleep(0.1)
        else:
            pytest.fail("the product did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


class Reader:
    """Somebody's computer with vdirsyncer and khal."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "forum").mkdir()
        (folder / "vdirsyncer").write_text(VDIRSYNCER.format(folder=folder, address=address))
        (folder / "khal").write_text(KHAL.format(folder=folder))
        self.run("vdirsyncer", "-c", str(folder / "vdirsyncer"), "discover", "forum")

    def run(self, name: str, *arguments: str) -> str:
        environ = {**os.environ, "HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder)}
        done = subprocess.run(
            [program(name), *arguments], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def shows(self) -> list[str]:
        """What khal shows of the day after vdirsyncer asked again."""
        self.run("vdirsyncer", "-c", str(self.folder / "vdirsyncer"), "sync")
        day = f"{OPENS:%Y-%m-%d}"
        form = "{start-time}-{end-time} {title} @ {location} {status}"
        listed = self.run(
            "khal", "-c", str(self.folder / "khal"), "list", "--day-format", "", "--format", form, day, "1d"
        )
        return [line.strip() for line in listed.splitlines() if "Meeting" in line]


def test_vdirsyncer_and_khal_show_what_the_forum_says(served: str, tmp_path: Path) -> None:
    scene = make_scene()
    room = make_room(scene.event, name_en="Hall 2")
    with transaction():
        scene.tables[0].room_id = room.id
        scene.tables[1].room_id = room.id
    guest = login_of(scene.guest)
    reader = Reader(tmp_path / "reader", served + make_feed(guest, label="khal"))
    assert reader.shows() == []
    with transaction():
        meeting = book_meeting(
            actor=scene.organizer,
            event=scene.event,
            people=[scene.host, scene.guest],
            starts_at=OPENS,
            ends_at=OPENS + SLOT,
            topic="Sensors",
            table_id=scene.tables[0].id,
            now=NOW,
        )
    number, label = meeting.id, scene.tables[0].label
    [shown] = reader.shows()
    assert shown.startswith("13:00-13:20 Meeting: ")
    assert f"@ Table {label}, Hall 2" in shown
    with transaction():
        move_meeting(
            actor=scene.organizer,
            meeting=db.session.get_one(Meeting, number),
            starts_at=OPENS + 2 * SLOT,
            table_id=scene.tables[1].id,
            now=NOW,
        )
    label = scene.tables[1].label
    [shown] = reader.shows()
    assert shown.startswith("13:40-14:00 Meeting: ")
    assert f"@ Table {label}, Hall 2" in shown
    with transaction():
        cancel_meeting(
            actor=scene.organizer, meeting=db.session.get_one(Meeting, number), reason="Typhoon", now=NOW
        )
    [shown] = reader.shows()
    assert shown.startswith("13:40-14:00 Cancelled: Meeting: ")
    assert "CANCELLED" in shown.upper()
    # a revoked address is gone, and says so
    [feed] = list_open_feeds(guest.id)
    with transaction():
        revoke_feed(actor=guest, feed_id=feed.id, now=NOW)
    with pytest.raises(AssertionError, match="NOT FOUND"):
        reader.shows()
