"""The whole product under hostile input: every route of the address map, on the demonstration forum.

No answer is a 5xx, nothing typed or stored becomes markup, no page runs wild on the database. The
routes come from the application itself, so a new one is tried from its first day.
"""

import re
import shutil
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Response
from sqlalchemy import Enum, String, func, literal, select, update
from werkzeug.datastructures import MultiDict
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from forum_app.accounts.models import LoginSession, User
from forum_app.accounts.sign_in import SECRET, token_hash
from forum_app.agenda.models import AgendaItem
from forum_app.agenda.publication import publish_agenda
from forum_app.audit.services import record
from forum_app.calendars.services import create_feed
from forum_app.db import Base, db, transaction
from forum_app.demo.seed import seed_demo
from forum_app.demo.world import ACCOUNTS, FORUM
from forum_app.events.models import Event
from forum_app.meetings.models import MeetingRequest
from forum_app.registration.models import Registration
from tests.conftest import TestDatabase
from tests.queries import LIMIT_PER_PAGE, count_queries
from tests.routes import route_path, route_values

PASSWORD = "a demonstration password"
STRANGER = "stranger"
READERS = (STRANGER, *(email for email, *_ in ACCOUNTS))
SCRIPT = "<script>alert(1)</script>"
MARK = "<script>alert("
EVIL = f"\u202e{SCRIPT}\"'><img src=x onerror=alert(1)>\x07\u2066{{{{7*7}}}}%s%(x)s\\"
QUERY_NAMES = (
    "q", "page", "sort", "size", "state", "kind", "type", "priority", "day", "track", "room", "language",
    "mine", "for", "hosts", "when", "next", "area", "country", "status", "organization_id", "name",
    "name_en", "name_ja", "item", "start", "end", "version", "room_id", "starts_at", "ends_at", "slot",
)  # fmt: skip
QUERIES = {
    "script": "&".join(f"{name}=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE" for name in QUERY_NAMES),
    "huge": "&".join(f"{name}=999999999999999999999999" for name in QUERY_NAMES),
    "negative": "&".join(f"{name}=-1" for name in QUERY_NAMES),
    "bytes": "&".join(f"{name}=%00%FF%FE%ED%A0%80" for name in QUERY_NAMES),
}
# Of which each database refuses others, and what no database sees or all of them take.
NUMBERS = (0, 2**63 - 1, 2**63, 10**30)
WORDS = ("%00", "%FF%FE", "x" * 2000)
NO_NUMBERS = ("x",)
PLAIN_WORDS = ("%E2%80%AE%3Cscript%3Ealert(1)%3C/script%3E", "-1")


class Forum:
    """The seeded application, with somebody signed in for each account."""

    def __init__(self, name: str, folder: Path, seeded: Path, templates: Path) -> None:
        self.database = TestDatabase(name, folder, templates)
        self.app = self.database.app
        self.now = datetime.now(UTC)
        settings = replace(self.database.settings, demo_password=PASSWORD)
        with self.app.app_context():
            if name == "sqlite":
                db.engine.dispose()
                shutil.copyfile(seeded / "forum.sqlite3", self.database.path)
            else:
                seed_demo(settings=settings, now=self.now)
            users = {user.email: user for user in db.session.scalars(select(User))}
            with transaction():
                for email, *_ in ACCOUNTS:
                    self._session(email, users[email].id)
                _, self.token = create_feed(
                    actor=users["founder@hayabusa.example"], label="Phone", locale="ja", now=self.now
                )
            self.users = {email: users[email].id for email, *_ in ACCOUNTS}
            self.values = {**route_values(db.session), "token": self.token}
        self.database.keep()
        self._fields: dict[tuple[str, str], list[str]] = {}

    def _session(self, email: str, user_id: int) -> None:
        db.session.add(
            LoginSession(
                user_id=user_id, token_hash=token_hash(email), created_at=self.now, last_seen_at=self.now
            )
        )

    def rules(self, method: str) -> list[Rule]:
        """All routes that take this method."""
        return [rule for rule in self.app.url_map.iter_rules() if method in (rule.methods or ())]

    def path(self, rule: Rule, **values: object) -> str:
        """The address of a route with arguments that lead to something, or with the given ones."""
        return route_path(rule, self.values, **values)

    def client(self, reader: str) -> Any:
        """A browser in which reader is signed in; the same sessions come back with reset()."""
        client = self.app.test_client()
        if reader != STRANGER:
            with client.session_transaction() as session:
                session[SECRET] = reader
                session["_user_id"] = str(self.users[reader])
                session["_fresh"] = True
        return client

    def reset(self) -> None:
        self.database.reset()

    def fields(self, reader: str, rule: Rule) -> list[str]:
        """Names of the fields of the forms on a page, as the reader sees it before anything is sent."""
        known = self._fields.get((reader, rule.rule))
        if known is None:
            known = self._fields[reader, rule.rule] = fields_of(self.client(reader), self.path(rule))
        return known


class Findings:
    """What went wrong, all of it: one bad route does not hide the next."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def ask(self, client: Any, method: str, path: str, **options: Any) -> TestResponse | None:
        """One request; an exception that escapes is what users would see as 500."""
        try:
            response: TestResponse = client.open(path, method=method, **options)
        except Exception as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "forum_app" in f.filename]
            at = f"{frames[-1].filename.split('/forum_app/')[-1]}:{frames[-1].lineno}" if frames else "?"
            self.lines.append(f"{method} {path[:120]}: {type(error).__name__} at {at}: {str(error)[:120]}")
            return None
        if response.status_code >= 500:
            self.lines.append(f"{method} {path[:120]}: {response.status_code}")
        return response

    def note(self, condition: bool, line: str) -> None:
        if condition:
            self.lines.append(line)

    def verdict(self) -> None:
        assert not self.lines, "\n" + "\n".join(dict.fromkeys(self.lines))


@pytest.fixture(scope="module")
def forum(
    database_name: str, tmp_path_factory: pytest.TempPathFactory, seeded: Path, templates: Path
) -> Forum:
    """One forum on each database; tests of what never gets as far as a database take the first."""
    return Forum(database_name, tmp_path_factory.mktemp("hostile"), seeded, templates)


@pytest.fixture
def findings() -> Iterator[Findings]:
    found = Findings()
    yield found
    found.verdict()


# Of a page in small letters: what must disregard case takes several times as long.
INLINE = re.compile(r"<(?:script(?![^>]*\bsrc=)[^>]*>|style[\s>]|[a-z][^>]*?\s(?:style|on[a-z]+)=)")


def check_page(response: Response | TestResponse, name: str, findings: Findings) -> None:
    """What holds for every answer: a strict policy, and no markup that it forbids."""
    policy = response.headers.get("Content-Security-Policy", "")
    findings.note("default-src 'self'" not in policy or "unsafe" in policy, f"{name}: policy {policy!r}")
    if response.mimetype != "text/html":
        return
    text = response.get_data(as_text=True)
    small = text.lower()
    # attribute values may hold anything that is quoted
    bare = re.sub(r'="[^"]*"', '=""', small)
    bare = re.sub(r'(<script[^>]*\ssrc)=""', r"\1=x", bare)
    if match := INLINE.search(bare):
        findings.note(True, f"{name}: inline {bare[match.start() : match.start() + 80]!r}")
    if "javascript:" in small:
        leads = re.search(r'(?:href|src|action)="\s*javascript:', small)
        findings.note("javascript:" in bare or bool(leads), f"{name}: javascript:")
    findings.note(MARK in text, f"{name}: script text is not escaped")


@pytest.mark.parametrize("reader", READERS)
def test_every_page_for_everybody(forum: Forum, findings: Findings, reader: str) -> None:
    forum.reset()
    client = forum.client(reader)
    for rule in forum.rules("GET"):
        path = forum.path(rule)
        with forum.app.app_context(), count_queries() as statements:
            response = findings.ask(client, "GET", path)
        if response is None:
            continue
        check_page(response, f"{reader} {path}", findings)
        many = len(statements) > LIMIT_PER_PAGE
        findings.note(many, f"{reader} {path}: {len(statements)} statements")


def ask_everything(forum: Forum, findings: Findings, reader: str, query: str) -> None:
    client = forum.client(reader)
    for rule in forum.rules("GET"):
        path = forum.path(rule)
        response = findings.ask(client, "GET", path, query_string=QUERIES[query])
        if response is not None:
            check_page(response, f"{reader} {path}?{query}", findings)


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("reader", "query"),
    [*(("organizer@forum.example", query) for query in ("huge", "negative", "bytes")),
     ("founder@hayabusa.example", "huge"), (STRANGER, "bytes")],
)  # fmt: skip
def test_absurd_queries(forum: Forum, findings: Findings, reader: str, query: str) -> None:
    """Numbers and bytes, of which each database refuses others."""
    ask_everything(forum, findings, reader, query)


@pytest.mark.parametrize("reader", ["organizer@forum.example", "founder@hayabusa.example"])
def test_scripts_as_queries(forum: Forum, findings: Findings, reader: str) -> None:
    ask_everything(forum, findings, reader, "script")


@pytest.mark.every_database
@pytest.mark.parametrize("reader", [STRANGER, "admin@forum.example"])
def test_absurd_arguments(forum: Forum, findings: Findings, reader: str) -> None:
    client = forum.client(reader)
    once = forum.database.name == "sqlite"
    numbers = (*NUMBERS, *NO_NUMBERS) if once else NUMBERS
    words = (*WORDS, *PLAIN_WORDS) if once else WORDS
    for method in ("GET", "POST"):
        for rule in forum.rules(method):
            for argument in rule.arguments:
                for value in numbers if f"int:{argument}>" in rule.rule else words:
                    path = forum.path(rule, **{argument: value})
                    response = findings.ask(client, method, path)
                    if response is not None:
                        findings.note(
                            response.status_code == 200 and method == "GET" and rule.endpoint != "static",
                            f"{path[:100]} leads somewhere",
                        )
                        check_page(response, path[:100], findings)


def fields_of(client: Any, path: str) -> list[str]:
    """Names of the fields of the forms on a page."""
    response = client.get(path)
    if response.status_code != 200:
        return []
    return [n for n in re.findall(r'\bname="([\w-]+)"', response.text) if n != "csrf_token"]


FILLINGS: dict[str, Any] = {
    "empty": lambda names: {},
    "script": lambda names: dict.fromkeys(names, EVIL),
    "long": lambda names: dict.fromkeys(names, "長" * 600),
    "numbers": lambda names: dict.fromkeys(names, "9" * 5000),
    "bytes": lambda names: dict.fromkeys(names, b"\x00\xff\xfe\xed\xa0\x80"),
    "lists": lambda names: MultiDict([(name, value) for name in names for value in (str(10**30), "-1", "x")]),
}
USUAL = ("name", "reason", "decision", "type_id", "ids", "rows", "slot", "table_id", "starts_at", "score")


def send_everything(forum: Forum, findings: Findings, reader: str, filling: str) -> None:
    """Each form, and what was accepted again under its key, as a replay; a refusal leaves none to replay."""
    forum.reset()
    for rule in forum.rules("POST"):
        client = forum.client(reader)
        path = forum.path(rule)
        names = [*(forum.fields(reader, rule) if "GET" in (rule.methods or ()) else ()), *USUAL]
        data = MultiDict(FILLINGS[filling](names))
        data["idempotency_key"] = f"{reader}{filling}{rule.endpoint}"
        for _ in range(2):
            response = findings.ask(client, "POST", path, data=data)
            if response is not None:
                check_page(response, f"{path} {filling}", findings)
            if response is None or response.status_code >= 400:
                break
        if rule.endpoint in ("accounts.sign_out", "accounts.end_session", "accounts.end_other_sessions"):
            forum.reset()


@pytest.mark.every_database
@pytest.mark.parametrize("filling", ["long", "numbers", "bytes", "lists"])
def test_every_form_with_garbage(forum: Forum, findings: Findings, filling: str) -> None:
    """What one database or another refuses."""
    send_everything(forum, findings, "organizer@forum.example", filling)


@pytest.mark.parametrize(
    ("reader", "filling"),
    [("organizer@forum.example", "empty"), ("organizer@forum.example", "script"),
     ("founder@hayabusa.example", "empty"), ("founder@hayabusa.example", "script"), (STRANGER, "script")],
)  # fmt: skip
def test_every_form_with_nothing_and_with_scripts(
    forum: Forum, findings: Findings, reader: str, filling: str
) -> None:
    send_everything(forum, findings, reader, filling)


def test_a_form_without_its_token_is_refused(forum: Forum, findings: Findings) -> None:
    forum.reset()
    forum.app.config["WTF_CSRF_ENABLED"] = True
    try:
        for reader in (STRANGER, "admin@forum.example"):
            client = forum.client(reader)
            for rule in forum.rules("POST"):
                for data in ({}, {"csrf_token": "x"}):
                    response = findings.ask(client, "POST", forum.path(rule), data=data)
                    if response is not None:
                        findings.note(response.status_code != 400, f"{rule.rule}: {response.status_code}")
    finally:
        forum.app.config["WTF_CSRF_ENABLED"] = False


def test_ten_megabytes_are_too_large(forum: Forum, findings: Findings) -> None:
    forum.reset()
    client = forum.client("organizer@forum.example")
    body = "name_latin=" + "x" * 10_000_000
    for rule in forum.rules("POST"):
        kind = "application/x-www-form-urlencoded"
        response = findings.ask(client, "POST", forum.path(rule), data=body, content_type=kind)
        if response is not None:
            refused = response.status_code in (302, 403, 404, 409, 413, 422)
            findings.note(not refused, f"{rule.rule}: {response.status_code}")
    response = client.post("/account", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 413


# Columns that are never free text of people: names in addresses, secrets, codes, settings.
SET_BY_US = re.compile(
    r"(slug|code|locale|timezone|uid|digest|snapshot|links|email|email_key|key|country|languages?|template"
    r"|state|action|external_id|color|subject_type|path|browser|version_num|access|location"
    r"|instance|result|phase|status)$|_hash$|_path$|_key$"
)


def free_text_columns() -> Iterator[tuple[Any, Any]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if table.name == "audit_entry":  # append-only, by the database itself
                continue
            plain = isinstance(column.type, String) and not isinstance(column.type, Enum)
            if plain and not column.foreign_keys and not SET_BY_US.search(column.name):
                yield table, column


def fill_with_scripts(forum: Forum) -> int:
    """Script text into every free text of every row, then published; returns how many columns."""
    count = 0
    with transaction():
        for table, column in free_text_columns():
            text = literal(f"{MARK}'") + literal(column.name[:12])
            if "id" in table.columns:
                text = text + func.cast(table.c.id, String)
            text = text + literal("')</script>")
            if column.name == "website":
                text = literal("javascript:alert(1)//") + text
            values = {column.name: func.substr(text, 1, column.type.length or 2000)}
            db.session.execute(update(table).where(column != "").values(**values))
            count += 1
    with transaction():
        for event in db.session.scalars(select(Event)).all():
            record(
                actor=None,
                action=SCRIPT,
                subject=event,
                event_id=event.id,
                now=datetime.now(UTC),
                detail={SCRIPT: SCRIPT},
            )
            publish_agenda(actor=None, event=event, now=datetime.now(UTC))
    return count


def test_stored_scripts_are_shown_harmless(forum: Forum, findings: Findings) -> None:
    forum.reset()
    with forum.app.app_context():
        columns = fill_with_scripts(forum)
        event_id = db.session.scalar(select(Event.id).where(Event.slug == FORUM))
        for model in (Registration, AgendaItem, MeetingRequest):
            assert db.session.scalar(select(func.count()).where(model.event_id == event_id))
        db.session.remove()
    assert columns > 60
    seen = 0
    for reader in ("organizer@forum.example", "admin@forum.example", "founder@hayabusa.example"):
        client = forum.client(reader)
        for rule in forum.rules("GET"):
            for language in ("en", "ja"):
                path = forum.path(rule)
                response = findings.ask(client, "GET", path, query_string={"lang": language})
                if response is not None:
                    check_page(response, f"{reader} {path} {language}", findings)
                    seen += response.get_data(as_text=True).count("&lt;script&gt;alert(")
    assert seen > 1000
    forum.reset()
