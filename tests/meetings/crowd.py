"""A crowd at several servers at once: processes with the whole application, each with many threads.

Forked from a process that has only loaded modules: none inherits anything but the address of the database.
Everything goes through HTTP as a browser would send it, but publishing, which the product does in a job.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.synchronize import Barrier as Gate
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from forum_app import create_app
from forum_app.accounts.models import LoginSession, User
from forum_app.accounts.sign_in import SECRET, token_hash
from forum_app.core.errors import Conflict, Invalid
from forum_app.db import db, transaction
from forum_app.demo.timetable import publish_greedily
from forum_app.events.models import Event
from forum_app.meetings.models import Meeting, MeetingRequest, MeetingStatus, RequestState
from forum_app.registration.models import Registration
from forum_app.timetable.jobs import repair_now
from forum_app.web import clock
from tests.conftest import TODAY, make_settings
from tests.factories import NOW
from tests.starting import forking

PROCESSES = 2
PATIENCE = 280  # seconds, on machines that have much else to do
# What may come of a request in a crowd; anything else is a fault.
FINE = frozenset({303, 409, 422})


@dataclass(frozen=True)
class Task:
    """What one process does; plain values, since it travels."""

    url: str
    var: str
    slug: str
    threads: int
    operations: int
    seed: int
    hosts: tuple[int, ...]  # registration ids
    guests: tuple[int, ...]
    organizer: int  # user id
    tables: tuple[int, ...]
    starts: tuple[datetime, ...]
    kinds: tuple[str, ...]


@dataclass
class Log:
    """What was acknowledged, and what must not have been answered."""

    done: list[tuple[str, Any]] = field(default_factory=list)
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def token_of(user_id: int) -> str:
    """The secret of a person's session in these tests."""
    return f"crowd-{user_id}"


def let_in(user_ids: Sequence[int]) -> None:
    """Sessions for these people, in the caller's transaction."""
    now = clock.now()
    for user_id in user_ids:
        digest = token_hash(token_of(user_id))
        db.session.add(LoginSession(user_id=user_id, token_hash=digest, created_at=now, last_seen_at=now))


class Visitor:
    """One thread of a server: sends requests as anybody, and notes what was acknowledged."""

    def __init__(self, app: Flask, task: Task, number: int) -> None:
        self.app, self.task = app, task
        self.dice = random.Random(task.seed * 1000 + number)  # noqa: S311 - a test that can be repeated
        self.number = number
        self.log = Log()
        self.clients: dict[int, FlaskClient] = {}

    def send(self, user_id: int, path: str, data: dict[str, str]) -> int:
        client = self.clients.get(user_id)
        if client is None:
            client = self.clients[user_id] = self.app.test_client()
            with client.session_transaction() as session:
                session[SECRET] = token_of(user_id)
                session["_user_id"] = str(user_id)
                session["_fresh"] = True
        answer = client.post(f"/events/{self.task.slug}{path}", data=data)
        if answer.status_code not in FINE:
            self.log.faults.append(f"{answer.status_code} {path} {answer.text[:2000]}")
        return answer.status_code

    def act(self) -> None:
        kind = self.dice.choice(self.task.kinds)
        acknowledged = getattr(self, kind)()
        if acknowledged is None:
            self.log.refused += 1
        else:
            self.log.done.append((kind, acknowledged))

    def _slot(self) -> datetime:
        return self.dice.choice(self.task.starts)

    def _pick(self, statement: Any) -> Any:
        with self.app.app_context():
            rows = db.session.execute(statement).all()
            db.session.remove()
        return self.dice.choice(rows) if rows else None

    def rush(self) -> object:
        """All want the same slot; each thread is another guest."""
        return self._book(self.task.guests[self.number], self.task.hosts[0], self.task.starts[0])

    def book(self) -> object:
        host, guest = self.dice.choice(self.task.hosts), self.dice.choice(self.task.guests)
        return self._book(guest, host, self._slot())

    def _book(self, guest: int, host: int, slot: datetime) -> object:
        user = self._pick(select(Registration.user_id).where(Registration.id == guest))[0]
        data = {"slot": f"{slot:%Y%m%dT%H%MZ}", "topic": "Wind sensing"}
        return (guest, host) if self.send(user, f"/directory/{host}/book", data) == 303 else None

    def accept(self) -> object:
        row = self._pick(
            select(MeetingRequest.id, Registration.user_id)
            .join(Registration, Registration.id == MeetingRequest.host_id)
            .where(MeetingRequest.state.in_((RequestState.PENDING, RequestState.AGREED)))
        )
        if row is None:
            return None
        data = {"slot": f"{self._slot():%Y%m%dT%H%MZ}", "table_id": ""}
        return row[0] if self.send(row[1], f"/meetings/requests/{row[0]}/accept", data) == 303 else None

    def move(self) -> object:
        row = self._pick(select(Meeting.id).where(Meeting.status == MeetingStatus.CONFIRMED))
        if row is None:
            return None
        local = self._slot().astimezone(ZoneInfo("Asia/Tokyo"))
        table = self.dice.choice(["", *map(str, self.task.tables)])
        data = {"starts_at": f"{local:%Y-%m-%dT%H:%M}", "table_id": table}
        sent = self.send(self.task.organizer, f"/manage/meetings/{row[0]}/move", data)
        return row[0] if sent == 303 else None

    def cancel(self) -> object:
        row = self._pick(select(Meeting.id).where(Meeting.status == MeetingStatus.CONFIRMED))
        if row is None:
            return None
        sent = self.send(self.task.organizer, f"/meetings/{row[0]}/cancel", {"reason": "Storm"})
        return row[0] if sent == 303 else None

    def publish(self) -> object:
        """Somebody who was overtaken looks again and publishes anew, twice at most."""
        with self.app.app_context():
            for _ in range(3):
                try:
                    with transaction():
                        forum = db.session.scalars(select(Event).where(Event.slug == self.task.slug)).one()
                        organizer = db.session.get_one(User, self.task.organizer)
                        return publish_greedily(forum, actor=organizer, now=NOW).id
                except (Conflict, Invalid):
                    continue
                finally:
                    db.session.remove()
        return None

    def repair(self) -> object:
        with self.app.app_context():
            try:
                with transaction():
                    event_id = db.session.scalar(select(Event.id).where(Event.slug == self.task.slug)) or 0
                repair_now(event_id, actor_id=self.task.organizer)
                return "repaired"
            except Conflict:
                return None
            finally:
                db.session.remove()


class Undone(Exception):
    """Nothing of this is kept."""


def _warm(visitor: Visitor) -> None:
    """One operation that is undone at its end: without it, all threads build the same statements at once."""

    def undo(session: Session) -> None:
        raise Undone

    event.listen(Session, "before_commit", undo)
    try:
        with suppress(Undone):
            visitor.act()
    finally:
        event.remove(Session, "before_commit", undo)


def _serve(task: Task, gate: Gate, results: Any) -> None:
    """One process."""
    clock.set_to(TODAY)
    settings = make_settings(Path(task.var), database_url=task.url)
    app = create_app(settings)
    app.config.update(WTF_CSRF_ENABLED=False, SESSION_COOKIE_SECURE=False)
    with app.app_context():
        pool = db.engine.pool
        pool._max_overflow = 15  # type: ignore[attr-defined]
        pool._timeout = PATIENCE  # type: ignore[attr-defined]
        db.session.execute(select(func.count()).select_from(Event))
        db.session.remove()
    _warm(Visitor(app, task, 0))
    visitors = [Visitor(app, task, number) for number in range(task.threads)]
    failed: SimpleQueue[str] = SimpleQueue()

    def run(visitor: Visitor) -> None:
        try:
            for _ in range(task.operations):
                visitor.act()
        except Exception as error:
            failed.put(repr(error))

    threads = [Thread(target=run, args=(visitor,)) for visitor in visitors]
    gate.wait(PATIENCE)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    log = Log()
    for visitor in visitors:
        log.done += visitor.log.done
        log.refused += visitor.log.refused
        log.faults += visitor.log.faults
    while not failed.empty():
        log.faults.append(failed.get())

    results.put(log)


def _collected(processes: Sequence[Any], results: Any) -> Iterator[Log]:
    """What each process says at its end; one that dies without a word fails the test at once."""
    missing = len(processes)
    while missing:
        try:
            part = results.get(timeout=1)
        except Empty:
            if any(process.exitcode for process in processes):
                for process in processes:
                    process.terminate()
                pytest.fail("a process of the crowd died; its traceback is above")
            continue
        missing -= 1
        yield part


def unleash(make_task: Callable[[int], Task]) -> Log:
    """Run a task in each of the processes at once; what was acknowledged in all of them."""
    context = forking()
    gate, results = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=_serve, args=(make_task(number), gate, results)) for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    log = Log()
    for part in _collected(processes, results):
        log.done += part.done
        log.refused += part.refused
        log.faults += part.faults
    for process in processes:
        process.join(PATIENCE)
    return log
