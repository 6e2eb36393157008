"""Fixtures: the real application on a real database, SQLite always, PostgreSQL where a law is at stake.

The schema is made once per test process by the migrations; each test gets a pristine copy.
"""

import gc
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from hypothesis import HealthCheck, settings
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from forum_app import create_app
from forum_app.accounts import passwords
from forum_app.config import Settings, load_settings
from forum_app.db import Base, db
from forum_app.web import clock
from tests.parts import postgresql_server, seed
from tests.starting import compile_search, once

# Tests hold on this day for ever: factories make events some weeks after it.
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
clock.set_to(TODAY)
# A busy machine is no fault of the product's: no example is judged by how long it took.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
# Passwords cost a thousandth here: what they cost people is tested where they are.
PRODUCTS_HASHER = passwords.hasher
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
KEPT_TABLES = {"organizations_area", "alembic_version"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_name" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("every_database")
        names = ["sqlite", "postgresql"] if marker else ["sqlite"]
        metafunc.parametrize("database_name", names, indirect=True, scope="session")


# Minutes each, and so the first: begun last, they keep one process busy while the others have none left.
LONGEST = ("tests/browser/test_every_page.py", "tests/browser/test_meeting_life.py", "tests/test_wheel.py")
# What shares one costly fixture stays in one process.
TOGETHER = (
    "tests/test_cli.py",
    "tests/test_lists.py",
    "tests/web/test_bucket.py",
    "tests/invitations/test_round.py",
)


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    yield  # pytest itself puts together what has the same parameters
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Thousands of tests and all that they import stay: no collection of garbage looks at them again."""
    gc.collect()
    gc.freeze()


@event.listens_for(Engine, "connect")
def _without_care_for_power(connection: Any, record: object) -> None:
    """As for PostgreSQL, see tests/parts.py; what is started as a program of its own keeps it."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


class InOrder(LoadScopeScheduling):  # type: ignore[misc]
    """Each process takes the next test, or the next tests that belong together, once it has none left."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path in TOGETHER:
            return path
        if path == "tests/test_hostile.py" and "[postgresql" in nodeid:  # where seeding takes long
            return "hostile on postgresql"
        if path.startswith("tests/browser/") and "[" in nodeid:  # one product on each database
            return "browser on postgresql" if "[postgresql" in nodeid else "browser on sqlite"
        return nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InOrder:
    """How `-n` shares the tests, whatever `--dist` says."""
    return InOrder(config, log)


@pytest.fixture(autouse=True)
def todays_clock() -> Iterator[None]:
    """Whatever a test makes of the clock, the next one starts on this day."""
    yield
    clock.set_to(TODAY)


def make_settings(var: Path, **changes: Any) -> Settings:
    """Settings of a test application with its files below var."""
    environ = {"FORUM_ENV": "test", "FORUM_VAR": str(var), "FORUM_BASE_URL": "https://forum.test"}
    return replace(load_settings(environ), secret_key="x" * 32, **changes)


class BrowserClient(FlaskClient):
    """A client whose requests do not share the test's application context.

    A request that finds a context takes it, and with it whoever signed in before and their language.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        with self.application.app_context():
            return super().open(*args, **kwargs)


class TestDatabase:
    """One application with one migrated database, brought back to pristine before each test."""

    __test__ = False

    def __init__(self, name: str, var: Path, templates: Path) -> None:
        """templates: a folder that keeps compiled ones, of any process."""
        self.name = name
        var.mkdir(parents=True, exist_ok=True)
        self.seeded = False
        if name == "postgresql":
            worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
            self.server_name = f"forum_{worker}_{os.getpid()}_{var.name}"
            url = postgresql_server().create_database(self.server_name)
            self.settings = make_settings(var, database_url=url)
        else:
            self.path = var / "forum.sqlite3"
            self.settings = make_settings(var, database_url=f"sqlite:///{self.path}")
        self.app = create_app(self.settings)
        self.app.test_client_class = BrowserClient
        self.app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(templates))
        self.huey = self.app.extensions["forum_queue"].huey
        # http in tests: the client speaks plain http to a server that believes in https
        self.app.config.update(WTF_CSRF_ENABLED=False, SESSION_COOKIE_SECURE=False)
        with self.app.app_context():
            upgrade()
            db.session.remove()
            db.engine.dispose()
        if name == "sqlite":
            self.template = var / "template.sqlite3"
            shutil.copyfile(self.path, self.template)

    def keep(self) -> None:
        """What is there now is what reset() brings back from now on."""
        self.seeded = True
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()  # with the last connection, a write-ahead log goes into the file
        if self.name == "sqlite":
            shutil.copyfile(self.path, self.template)
        else:
            postgresql_server().create_database(f"{self.server_name}_kept", self.server_name)

    def _empty(self) -> None:
        """Delete the rows there are: a tenth of what TRUNCATE takes to make new files for each table."""
        tables = [t.name for t in Base.metadata.sorted_tables if t.name not in KEPT_TABLES]
        any_row = " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t})" for t in tables)  # noqa: S608
        with db.engine.begin() as connection:
            # neither foreign keys nor triggers, of which one keeps the trail from being deleted
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table in connection.scalars(text(any_row)).all():
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - a name of ours
            numbers = "SELECT setval(sequencename::regclass, start_value, false) FROM pg_sequences"
            counted = "WHERE last_value IS NOT NULL AND sequencename <> ALL(:kept)"
            kept = [f"{table}_id_seq" for table in KEPT_TABLES]
            connection.execute(text(f"{numbers} {counted}"), {"kept": kept})
        db.engine.dispose()

    def reset(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
            if self.name == "sqlite":
                for suffix in ("-wal", "-shm"):
                    Path(f"{self.path}{suffix}").unlink(missing_ok=True)
                shutil.copyfile(self.template, self.path)
            elif self.seeded:
                postgresql_server().create_database(self.server_name, f"{self.server_name}_kept")
            else:
                self._empty()
        queue = self.app.extensions["forum_queue"]
        if queue.huey is not self.huey:  # another application of this process has taken it since
            queue.init_app(self.app, self.settings)
            self.huey = queue.huey
        queue.huey.flush()


@pytest.fixture(scope="session")
def database_name(request: pytest.FixtureRequest) -> str:
    """The kind of database: tests marked `every_database` run once on each."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all test processes of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def templates(shared: Path) -> Path:
    """Where templates are kept that one process has compiled for all."""
    folder = shared / "templates"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def database(database_name: str, tmp_path_factory: pytest.TempPathFactory, templates: Path) -> TestDatabase:
    """The migrated database of this process."""
    return TestDatabase(database_name, tmp_path_factory.mktemp(database_name), templates)


@pytest.fixture(scope="session")
def seeded(shared: Path) -> Path:
    """The var/ of a demonstration forum on SQLite: to be copied, not to be used."""
    return once(shared / "seeded", seed)


@pytest.fixture(scope="session")
def compiled(shared: Path) -> None:
    """The search at forum scale is compiled: on a fresh checkout by whoever first asks for it."""
    once(shared / "compiled", compile_search)


@pytest.fixture
def app(database: TestDatabase) -> Iterator[Flask]:
    """The application with a pristine database and an application context for services and queries."""
    database.reset()
    with database.app.app_context():
        yield database.app
        db.session.remove()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a session. CSRF is off; tests/web proves that it is on in the product."""
    return app.test_client()
