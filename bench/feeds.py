"""What subscribed calendars cost: CPU milliseconds of the served product, SQLite in the same process.

Method: as bench/pages.py, with people who have 200 entries each (140 items of the measured agenda in
their programme, 59 meetings, the event itself). Cold: the first time that an address is ever asked,
by an address that nobody asked before, so that all is read, settled, kept and rendered. Unchanged: the
same address with its ETag; after a write, of which each asks at once: another person's account, their
registration at the same event, or a meeting of two others there, in turns. Subscribers: 2,000 addresses ask
one after the other with their ETags, while somebody writes so before every tenth; the figure is the part of
one core that they need when each asks every fifteen minutes. Each of these answers has to be a 304.
"""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median

from flask_migrate import upgrade
from sqlalchemy import insert, select

from bench.server import Measured, serve
from forum_app import create_app
from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, Bookmark
from forum_app.calendars.services import create_feed
from forum_app.config import load_settings
from forum_app.db import db, transaction
from forum_app.demo.bench import seed_bench
from forum_app.events.models import Event
from forum_app.events.queries import get_event_by_slug
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingRole
from forum_app.registration.models import Registration

PEOPLE, ITEMS, MEETINGS = 130, 140, 59
WARM = 20  # of the people
SUBSCRIBERS, EVERY = 2000, timedelta(minutes=15)
LIMITS = {"cold": 12.0, "unchanged": 1.0, "core": 0.1}


def prepare(now: datetime) -> tuple[list[str], list[str]]:
    """Paths of one address each of PEOPLE, and of SUBSCRIBERS more of the same people."""
    upgrade()
    seed_bench(items=200, speakers=150, registrants=1000, editions=1, now=now)
    event = get_event_by_slug("bench")
    of_event = select(AgendaItem.id).where(AgendaItem.event_id == event.id)
    items = db.session.scalars(of_event.limit(ITEMS)).all()
    host, *people = db.session.scalars(
        select(Registration).where(Registration.event_id == event.id).limit(PEOPLE + 1)
    ).all()
    users = [_user(f"feed{n}@bench.example", now) for n in range(PEOPLE)]
    with transaction():
        db.session.add_all(users)
        db.session.flush()
        for person, user in zip(people, users, strict=True):
            person.user_id = user.id
    with transaction():
        db.session.execute(
            insert(Bookmark),
            [{"item_id": i, "user_id": p.user_id, "created_at": now} for p in people for i in items],
        )
        for person in people:
            db.session.add_all(_meetings(event, person, host, now))
    with transaction():
        paths = [_address(user, now) for user in users]
        more = [_address(users[n % len(users)], now) for n in range(SUBSCRIBERS)]
    return paths, more


def _user(email: str, now: datetime) -> User:
    return User(email=email, email_key=email, name_latin="Reader", verified_at=now, created_at=now)


def _meetings(event: Event, person: Registration, host: Registration, now: datetime) -> Iterator[Meeting]:
    first = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=60)
    for number in range(MEETINGS):
        starts_at = first + timedelta(minutes=20 * number)
        yield Meeting(
            event_id=event.id,
            uid=f"bench-{person.id}-{number}@forum.example",
            topic=f"共同開発の可能性について {number}",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=20),
            created_at=now,
            changed_at=now,
            participants=[
                MeetingParticipant(registration_id=person.id, role=MeetingRole.GUEST),
                MeetingParticipant(registration_id=host.id, role=MeetingRole.HOST),
            ],
        )


def _address(user: User, now: datetime) -> str:
    _, token = create_feed(actor=user, label="", locale="en", reminder_minutes=15, now=now)
    return f"/calendars/{token}.ics"


def ask(server: Measured, path: str, etag: str | None = None) -> str:
    """One answer, 304 with an ETag and else 200 with all entries; its ETag."""
    status, answer, body = server.request("GET", path, headers={"If-None-Match": etag} if etag else {})
    if etag is None and (status != 200 or body.count(b"BEGIN:VEVENT") != ITEMS + MEETINGS + 1):
        raise SystemExit(f"a feed answered {status} with {body.count(b'BEGIN:VEVENT')} entries")
    if etag is not None and status != 304:
        raise SystemExit(f"an unchanged feed answered {status}")
    return answer["etag"]


def cost(server: Measured, calls: list[tuple[str, str | None]]) -> float:
    """Median over blocks of ten of the CPU milliseconds per call of ask()."""
    costs = []
    for start in range(0, len(calls), 10):
        block = calls[start : start + 10]
        before = server.cpu()
        for path, etag in block:
            ask(server, path, etag)
        costs.append((server.cpu() - before) * 1000 / len(block))
    return median(costs)


def run() -> list[dict[str, object]]:
    """Rows: name, and value with limit."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"FORUM_VAR": folder, "FORUM_ENV": "development"}
        app = create_app(load_settings(environ))
        with app.app_context():
            paths, more = prepare(datetime.now(UTC))
            with serve(["-m", "forum_app.cli", "serve"], environ, "/readyz") as server:
                before = server.cpu()
                ask(server, paths[0])
                first = (server.cpu() - before) * 1000
                for path in paths[1:WARM]:
                    ask(server, path)
                cold = cost(server, [(path, None) for path in paths[WARM:]])
                again = cost(server, [(path, None) for path in paths[WARM:]])
                etags = {path: ask(server, path) for path in paths[WARM:]}
                unchanged = cost(server, [*etags.items()])
                touches = others(datetime.now(UTC))
                after_write = cost_after_writes(server, etags, touches)
                core = subscribers(server, more, touches)
                memory = server.memory()
    return [
        {"name": "feed of 200 entries, cold", "value": round(cold, 2), "limit": LIMITS["cold"]},
        {"name": "the same, read again", "value": round(again, 2), "limit": LIMITS["cold"]},
        {"name": "the same, first of a new worker", "value": round(first, 2), "limit": None},
        {"name": "unchanged (304)", "value": round(unchanged, 3), "limit": LIMITS["unchanged"]},
        {
            "name": "unchanged (304), after a write",
            "value": round(after_write, 3),
            "limit": LIMITS["unchanged"],
        },
        {"name": "2,000 subscribers, part of a core", "value": round(core, 4), "limit": LIMITS["core"]},
        {"name": "memory of the worker that knows them (MiB)", "value": round(memory, 1), "limit": None},
    ]


def others(now: datetime) -> Iterator[None]:
    """Each step writes something at the measured event that concerns none of the measured calendars."""
    event = get_event_by_slug("bench")
    one, other = db.session.scalars(
        select(Registration)
        .where(Registration.event_id == event.id, Registration.user_id.is_(None))
        .order_by(Registration.id.desc())
        .limit(2)
    ).all()
    ids = event.id, one.id, other.id
    user = _user("other@bench.example", now)
    with transaction():
        db.session.add(user)
    with transaction():
        meeting = next(iter(_meetings(db.session.get_one(Event, ids[0]), one, other, now)))
        db.session.add(meeting)
    meeting_id, user_id = meeting.id, user.id
    for number in count():
        with transaction():
            if number % 3 == 0:
                db.session.get_one(User, user_id).name_kana = str(number)
            elif number % 3 == 1:
                db.session.get_one(Registration, ids[1]).needs = str(number)
            else:
                db.session.get_one(Meeting, meeting_id).topic = str(number)
        yield


def cost_after_writes(server: Measured, etags: dict[str, str], touches: Iterator[None]) -> float:
    costs = []
    for path, etag in list(etags.items())[:40]:
        next(touches)
        before = server.cpu()
        ask(server, path, etag)
        costs.append((server.cpu() - before) * 1000)
    return median(costs)


def subscribers(server: Measured, paths: list[str], touches: Iterator[None]) -> float:
    """Part of one core for all these addresses, each asked every EVERY."""
    etags = [ask(server, path) for path in paths]
    before = server.cpu()
    for number, (path, etag) in enumerate(zip(paths, etags, strict=True)):
        if number % 10 == 0:
            next(touches)
        ask(server, path, etag)
    return (server.cpu() - before) / EVERY.total_seconds() * SUBSCRIBERS / len(paths)


def table(rows: list[dict[str, object]]) -> str:
    """As text."""
    lines = ["", f"{'calendars':<44}{'figure':>10}{'at most':>10}   load {os.getloadavg()[0]:.1f}"]
    for row in rows:
        lines.append(f"{row['name']:<44}{row['value']:>10}{row['limit'] or '':>10}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(run()))
