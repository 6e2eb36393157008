"""Mails through a server that fails at random, by workers that are killed at random: none may be lost.

A real SMTP server in a process of its own refuses connections, answers 4xx, hangs up before and after it has
taken a mail, and is slow. Workers are forked and get SIGKILL in the middle of their work. Afterwards the
server's own log says which Message-IDs it took, and how often.

A server that takes a mail and dies before it says so makes a repeat, whatever the sender does (RFC 1047);
how many of these there were is counted apart.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, insert, select

from bench.mail_chaos_server import Faults
from forum_app import create_app
from forum_app.config import load_settings
from forum_app.db import Base, db, transaction
from forum_app.mail import jobs, outbox
from forum_app.mail.models import MailMinute, MailState, OutboxMail

PATIENCE = 900.0  # seconds
BODY = "Dear reader,\n\nthis is mail number {n}.\n\n-- \nForum\n"


# --- The workers -----------------------------------------------------------------------------------
def _app(var: Path, database_url: str, port: int) -> Flask:
    environ = {
        "FORUM_ENV": "test",
        "FORUM_VAR": str(var),
        "FORUM_BASE_URL": "https://chaos.example",
        "FORUM_SECRET_KEY": "chaos" * 8,
        "FORUM_DATABASE_URL": database_url,
        "FORUM_MAIL_URL": f"smtp://127.0.0.1:{port}",
    }
    return create_app(load_settings(environ))


def _start(app: Flask) -> int:
    """Fork a worker that works until it is killed; its number. No connection may be open here."""
    pid = os.fork()
    if pid == 0:
        try:
            _work(app)
        finally:
            os._exit(1)
    return pid


def _work(app: Flask) -> None:
    parent = os.getppid()
    with app.app_context():
        while os.getppid() == parent:
            with suppress(Exception):  # a database that is locked for long: the next round sees to it
                jobs.deliver_queued()
            db.session.remove()
            time.sleep(0.05)
    os._exit(0)


def _hurry(lease: float) -> None:
    """Minutes become moments."""
    jobs.LEASE, jobs.MARGIN = timedelta(seconds=lease), timedelta(seconds=lease / 4)
    outbox.FIRST_WAIT, outbox.LONGEST_WAIT = timedelta(seconds=0.3), timedelta(seconds=2)
    outbox.MOST_ATTEMPTS = 1000


# --- The trial -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Figures:
    """What became of it. repeats: how often a mail was taken once more. forced: of these, how many the server
    made by taking a mail without saying so. unknown: taken, but not of ours."""

    mails: int
    workers: int
    kills: int
    delivered: int
    lost: int
    repeats: int
    forced: int
    unknown: int
    not_noted: int
    seconds: float


def run_chaos(
    *,
    var: Path,
    database_url: str,
    number: int,
    workers: int,
    kills: int,
    lease: float,
    faults: Faults,
    seed: int = 1,
) -> Figures:
    """Send number mails through it; the database is made anew at database_url, or is there already."""
    var.mkdir(parents=True, exist_ok=True)
    log, port_file = var / "taken.log", var / "port"
    log.touch()
    dice = random.Random(seed)  # noqa: S311 - a benchmark
    chosen = json.dumps(asdict(faults))
    with _server(str(log), str(port_file), chosen, str(seed)):
        port = int(_wait_for(port_file))
        _hurry(lease)
        app = _app(var, database_url, port)
        with app.app_context():
            tables = [Base.metadata.tables[row.__tablename__] for row in (OutboxMail, MailMinute)]
            Base.metadata.create_all(db.engine, tables=tables)
            ids = _queue(number)
            _let_go()
            begun = time.monotonic()
            _trial(app, log, number, workers, kills, dice)
            seconds = time.monotonic() - begun
            not_noted = db.session.scalar(
                select(func.count()).select_from(OutboxMail).where(OutboxMail.state != MailState.SENT)
            )
            _let_go()
    return _figures(log, ids, workers, kills, not_noted or 0, seconds)


def _queue(number: int) -> set[str]:
    now = datetime.now(UTC)
    rows = [
        {
            "message_id": f"<chaos-{n}@chaos.example>",
            "kind": "chaos",
            "to_address": f"person{n}@people.example",
            "to_name": f"Person {n}",
            "locale": ("en", "ja")[n % 2],
            "subject": f"Mail {n} 件名",
            "body": BODY.format(n=n),
            "created_at": now,
            "next_attempt_at": now,
        }
        for n in range(number)
    ]
    with transaction():
        db.session.execute(insert(Base.metadata.tables[OutboxMail.__tablename__]), rows)
    return {row["message_id"] for row in rows}  # type: ignore[misc]


def _let_go() -> None:
    db.session.remove()
    db.engine.dispose()


def _trial(app: Flask, log: Path, number: int, workers: int, kills: int, dice: random.Random) -> None:
    alive = [_start(app) for _ in range(workers)]
    # the kills are spread over the work, not over time, so that each meets workers that work
    marks = sorted(dice.uniform(0.02, 0.95) * number for _ in range(kills))
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            taken = log.read_bytes().count(b"\n")
            while marks and taken >= marks[0]:
                marks.pop(0)
                victim = dice.randrange(workers)
                time.sleep(dice.uniform(0, 0.01))
                _kill(alive[victim])
                alive[victim] = _start(app)
            if not marks and taken >= number and _all_settled():
                return
            time.sleep(0.02 if taken < number else 0.2)
    finally:
        for pid in alive:
            _kill(pid)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _all_settled() -> bool:
    statement = select(OutboxMail.id).where(OutboxMail.state == MailState.QUEUED).limit(1)
    waiting = db.session.scalar(statement)
    _let_go()
    return waiting is None


def _figures(log: Path, ids: set[str], workers: int, kills: int, not_noted: int, seconds: float) -> Figures:
    lines = [line.split(" ", 1) for line in log.read_text(encoding="utf-8").split("\n") if line]
    taken = Counter(identity for _, identity in lines)
    forced = {identity for how, identity in lines if how == "lost"}
    return Figures(
        mails=len(ids),
        workers=workers,
        kills=kills,
        delivered=len(ids & taken.keys()),
        lost=len(ids - taken.keys()),
        repeats=sum(count - 1 for count in taken.values()),
        forced=sum(taken[identity] - 1 for identity in forced),
        unknown=len(taken.keys() - ids),
        not_noted=not_noted,
        seconds=round(seconds, 1),
    )


@contextmanager
def _server(*arguments: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "bench.mail_chaos_server", *arguments])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for(path: Path) -> str:
    for _ in range(600):
        if path.exists() and (text := path.read_text(encoding="ascii")):
            return text
        time.sleep(0.05)
    raise RuntimeError("the server did not start")


def run(
    number: int = 10_000,
    workers: int = 3,
    kills: int = 20,
    *,
    lease: float = 20.0,
    database_url: str | None = None,
    faults: Faults | None = None,
) -> list[dict[str, Any]]:
    """Rows for `make bench`. lease: seconds after which a dead worker's mails go to another."""
    with tempfile.TemporaryDirectory(prefix="forum-chaos-") as folder:
        var = Path(folder)
        figures = run_chaos(
            var=var,
            database_url=database_url or f"sqlite:///{var / 'forum.sqlite3'}",
            number=number,
            workers=workers,
            kills=kills,
            lease=lease,
            faults=faults or Faults(),
        )
    return [{"name": "mail chaos", **asdict(figures)}]


def table(rows: list[dict[str, Any]]) -> str:
    """The figures in words."""
    return "\n".join(
        f"{row['name']}: {row['delivered']} of {row['mails']} mails delivered by {row['workers']} workers "
        f"with {row['kills']} killed, {row['lost']} lost, {row['repeats']} repeated ({row['forced']} of them "
        f"made by the server), {row['seconds']} s"
        for row in rows
    )


def main() -> None:
    """The trial alone."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--workers", type=int, default=3)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--lease", type=float, default=20.0)
    options.add_argument("--database", help="else SQLite")
    options.add_argument("--faults", type=json.loads, default={}, help="JSON of what differs")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    rows = run(
        chosen.mails,
        chosen.workers,
        chosen.kills,
        lease=chosen.lease,
        database_url=chosen.database,
        faults=Faults(**chosen.faults),
    )
    print(json.dumps(rows[0]) if chosen.json else table(rows))


if __name__ == "__main__":
    main()
