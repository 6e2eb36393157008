"""CPU milliseconds per request, application and database (SQLite, in the same process) together.

Method: `forum seed bench` (200 items, 150 speakers, 1,000 registrants), gunicorn with one worker,
every page asked for 20 times to warm up and then measured over 100 requests on one connection; the
worker's CPU time comes from /proc. The peers' figures are given (docs/benchmarks.md), not measured here.
"""

import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from urllib.parse import urlencode

from flask import Flask, Response, session
from flask_migrate import upgrade
from sqlalchemy import select

from bench.server import Measured, serve
from forum_app import create_app
from forum_app.accounts.models import User
from forum_app.accounts.sign_in import start_session
from forum_app.agenda.models import AgendaItem
from forum_app.config import load_settings
from forum_app.db import db, transaction
from forum_app.demo.bench import seed_bench
from forum_app.events.models import EventRole
from forum_app.events.queries import get_event_by_slug
from forum_app.registration.models import ParticipantType
from tests.factories import grant, make_user

WARM, ROUNDS, BLOCKS = 20, 25, 4
PEERS = {
    "agenda page": 212.0,
    "agenda.ics": 247.0,
    "schedule.json": 665.0,
    "item page": 44.0,
    "registrant list": 728.0,
    "registration": 119.0,
}


def cookie_of(app: Flask, user: User) -> str:
    """The session cookie that a browser has once user signed in."""
    with app.test_request_context(environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        answer = Response()
        with transaction():
            start_session(user, datetime.now(UTC))
        app.session_interface.save_session(app, session, answer)
    cookie = re.search(r"forum_session=[^;]+", answer.headers.get("Set-Cookie", ""))
    if cookie is None:
        raise SystemExit("no session cookie was set")
    return cookie.group(0)


def measure(server: Measured, ask: Callable[[int], None]) -> float:
    """Median over blocks of the CPU milliseconds per call of ask(number)."""
    number = 0
    for _ in range(WARM):
        ask(number)
        number += 1
    costs = []
    for _ in range(BLOCKS):
        before = server.cpu()
        for _ in range(ROUNDS):
            ask(number)
            number += 1
        costs.append((server.cpu() - before) * 1000 / ROUNDS)
    return median(costs)


def get(
    server: Measured, path: str, cookie: str = "", expected: int = 200, holds: str = ""
) -> Callable[[int], None]:
    def ask(number: int) -> None:
        headers = {"Cookie": cookie} if cookie else {}
        status, _, content = server.request("GET", path, headers=headers)
        if status != expected or holds.encode() not in content:
            raise SystemExit(f"{path} answered {status}")

    return ask


def register(server: Measured, cookies: list[str], type_id: int) -> Callable[[int], None]:
    """GET the form and POST it, as a different person each time."""

    def ask(number: int) -> None:
        headers = {"Cookie": cookies[number]}
        status, answer, page = server.request("GET", "/events/bench/register", headers=headers)
        if status != 200:
            raise SystemExit(f"register answered {status}")
        fresh = re.search(r"forum_session=[^;]+", answer.get("set-cookie", ""))
        fields = dict(re.findall(r'name="(csrf_token|idempotency_key)"[^>]*value="([^"]*)"', page.decode()))
        fields |= {
            "type_id": str(type_id),
            "name_latin": f"Bench Person {number}",
            "job_title_en": "Engineer",
            "organization_id": "",
            "language": "en",
            "privacy": "y",
            "antitrust": "y",
        }
        headers = {
            "Cookie": fresh.group(0) if fresh else cookies[number],
            "Content-Type": "application/x-www-form-urlencoded",
        }
        status, answer, page = server.request(
            "POST", "/events/bench/register", headers=headers, body=urlencode(fields)
        )
        if status != 303:
            raise SystemExit(f"registration answered {status}: {page[:500]!r}")

    return ask


def run() -> list[dict[str, object]]:
    """All figures: name, cpu_ms, peer_ms."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        environ = {"FORUM_VAR": folder, "FORUM_ENV": "development"}
        app = create_app(load_settings(environ))
        with app.app_context():
            admin_cookie, cookies, type_id, item = prepare(app)
        with serve(["-m", "forum_app.cli", "serve"], environ, "/readyz") as server:
            plans: list[tuple[str, Callable[[int], None]]] = [
                ("agenda page", get(server, "/events/bench/agenda", holds="Measured talk 200")),
                ("agenda.ics", get(server, "/events/bench/agenda.ics", holds="END:VCALENDAR")),
                ("schedule.json", get(server, "/events/bench/schedule.json", holds="Measured talk 200")),
                ("item page", get(server, f"/events/bench/agenda/{item}", holds="Measured talk")),
                (
                    "registrant list",
                    get(server, "/events/bench/manage/registrations", admin_cookie, holds="Bench"),
                ),
                ("registration", register(server, cookies, type_id)),
                ("front page", get(server, "/")),
                ("event page", get(server, "/events/bench/")),
            ]
            for name, ask in plans:
                rows.append(
                    {"name": name, "cpu_ms": round(measure(server, ask), 2), "peer_ms": PEERS.get(name)}
                )
            rows.append({"name": "memory per worker (MiB)", "value": round(server.memory(), 1), "limit": 120})
    with serve(["-m", "bench.bare"], {}, "/") as server:
        cost = measure(server, get(server, "/"))
        rows.append({"name": "Flask, a byte string", "cpu_ms": round(cost, 2), "peer_ms": None})
    return rows


def prepare(app: Flask) -> tuple[str, list[str], int, str]:
    """Seed; cookies of an organizer and of people who register, id of their type, code of an item."""
    upgrade()
    seed_bench(items=200, speakers=150, registrants=1000, editions=1, now=datetime.now(UTC))
    event = get_event_by_slug("bench")
    organizer = make_user("organizer@bench.example")
    grant(organizer, event, EventRole.ORGANIZER)
    cookies = [cookie_of(app, make_user(f"new{n}@bench.example")) for n in range(WARM + ROUNDS * BLOCKS + 1)]
    type_id = db.session.scalar(select(ParticipantType.id).where(ParticipantType.event_id == event.id))
    item = db.session.scalar(select(AgendaItem.code).where(AgendaItem.event_id == event.id).limit(1))
    if type_id is None or item is None:
        raise SystemExit("the benchmark event is empty")
    return cookie_of(app, organizer), cookies, type_id, item
