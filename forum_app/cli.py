"""The `forum` command: Flask's own commands and ours, refusing bad input with one line."""

import ctypes
import gc
import getpass
import os
import sys
from contextlib import suppress
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import FlaskGroup
from flask_migrate import upgrade as upgrade_database
from sqlalchemy.exc import DBAPIError

from forum_app import create_app
from forum_app.config import ConfigError, Settings
from forum_app.core.errors import DomainError
from forum_app.db import transaction
from forum_app.queue import queue
from forum_app.read_busy_command import read_busy_command
from forum_app.solve_command import solve_command
from forum_app.timetable.child import warm
from forum_app.web import clock

MAX_IMPORT = 30 * 1024 * 1024
UNDEFINED_TABLE = "42P01"  # SQLSTATE
M_ARENA_MAX = -8  # malloc.h


def _create_app() -> Flask:
    return create_app()


@click.group(cls=FlaskGroup, create_app=_create_app, add_default_commands=True)
def cli() -> None:
    """Runs bilateral technology forums."""


def settings() -> Settings:
    value: Settings = current_app.config["FORUM_SETTINGS"]
    return value


def read_file(path: str) -> bytes:
    """The file's bytes; raises ConfigError with one line for what cannot be read or is too large."""
    try:
        if Path(path).stat().st_size > MAX_IMPORT:
            raise ConfigError(f"{path} is larger than {MAX_IMPORT // 1024 // 1024} MB")
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def save_memory() -> None:
    """One heap for all threads, which take turns anyway: glibc gives each its own, up to four megabytes
    in all. What starting has left behind goes back."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library
        glibc = ctypes.CDLL(None)
        glibc.mallopt(M_ARENA_MAX, 1)
        glibc.malloc_trim(0)


@cli.command()
def serve() -> None:
    """Serve with gunicorn on HOST:PORT, WEB_CONCURRENCY workers."""
    from gunicorn.app.base import BaseApplication

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    save_memory()
    options = {
        "bind": f"{settings().host}:{settings().port}",
        "workers": settings().web_concurrency,
        "worker_class": "gthread",
        "threads": 4,
        "preload_app": True,
        # no access log: addresses of feeds are secrets
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "graceful_timeout": 10,
        "timeout": 60,
        "max_requests": 20000,
        "max_requests_jitter": 2000,
        "limit_request_line": 4094,
        "proc_name": "forum",
        "pre_fork": lambda server, worker: gc.freeze(),
    }

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for key, value in options.items():
                self.cfg.set(key, value)

        def load(self) -> Flask:
            return app  # type: ignore[no-any-return]

    click.echo(f"Serving on http://{options['bind']}")
    Server().run()


@cli.command()
def worker() -> None:
    """Run jobs: deliver mail, schedule, remind."""
    import logging

    logging.basicConfig(level=logging.WARNING)
    huey = queue.huey
    if huey is None:
        raise ConfigError("the queue is not set up")
    if current_app.config["FORUM_SETTINGS"].env != "test":  # tests start many workers, and few of them solve
        warm()
    consumer = huey.create_consumer(workers=2, periodic=True, check_worker_health=True, max_delay=2.0)
    consumer.run()


@cli.command("create-admin")
@click.argument("email")
@click.option("--generate", is_flag=True, help="Make a password and print it instead of asking.")
def create_admin_command(email: str, generate: bool) -> None:
    """A first administrator; asks for a password, or makes one."""
    from forum_app.accounts.services import create_admin

    password = None
    if not generate and sys.stdin.isatty():
        password = getpass.getpass("Password (15 characters or more): ")
        if password != getpass.getpass("Again: "):
            raise ConfigError("The two passwords differ.")
    with transaction():
        _, made = create_admin(email=email, password=password, now=clock.now())
    if password is None:
        click.echo(f"Password: {made}")
    click.echo(f"{email} is an administrator.")


@cli.group()
def seed() -> None:
    """Example data."""


@seed.command("demo")
@click.option("--first", is_flag=True, help="Seed only an empty database; always print the accounts.")
@click.option("--upgrade", is_flag=True, help="Bring the database up to date first.")
def seed_demo_command(first: bool, upgrade: bool) -> None:
    """The demonstration forum; safe to repeat."""
    from forum_app.demo.seed import accounts_text, is_seeded, seed_demo

    if upgrade:  # as `forum db upgrade`, without starting Python once more
        upgrade_database()
    if not (first and is_seeded()):
        seed_demo(settings=settings(), now=clock.now())
    click.echo(accounts_text(settings()))


@seed.command("bench")
@click.option("--items", type=click.IntRange(1, 20_000), default=200)
@click.option("--speakers", type=click.IntRange(1, 20_000), default=150)
@click.option("--registrants", type=click.IntRange(0, 100_000), default=1000)
@click.option("--editions", type=click.IntRange(1, 50), default=1)
@click.option("--wishes", type=click.IntRange(0, 50_000), default=0, help="Meetings that both sides want.")
def seed_bench_command(items: int, speakers: int, registrants: int, editions: int, wishes: int) -> None:
    """An event `bench` (3 days, 8 rooms) of a given size, for measurements."""
    from forum_app.demo.bench import seed_bench

    seed_bench(
        items=items,
        speakers=speakers,
        registrants=registrants,
        editions=editions,
        wishes=wishes,
        now=clock.now(),
    )
    click.echo(f"Event bench: {items} items, {speakers} speakers, {registrants} registrants.")


@cli.command("schedule-meetings")
@click.argument("slug")
@click.option("--time-limit", type=click.IntRange(1, 3600), default=60, show_default=True, help="Seconds.")
@click.option("--seed", "number", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), help="One makes the result repeatable.")
@click.option("--publish", is_flag=True, help="Publish the result, with mails to whoever is concerned.")
def schedule_meetings_command(
    slug: str, time_limit: int, number: int, workers: int | None, publish: bool
) -> None:
    """A schedule run for an event from the command line; the result waits for its publication."""
    from forum_app.timetable.command_jobs import schedule_meetings

    for line in schedule_meetings(slug, time_limit=time_limit, seed=number, workers=workers, publish=publish):
        click.echo(line)


@cli.command("receive-mail")
def receive_mail_command() -> None:
    """One mail on standard input: an answer to an invitation, or a report that a mail did not arrive.

    For a mail server to pipe to. A mail that is none of ours, forged or late changes nothing and is no error,
    lest the server write back to whoever is named as its sender. Exit status 75 asks to try again later.
    """
    from sqlalchemy.exc import OperationalError

    from forum_app.core.errors import Conflict
    from forum_app.mail.receiving import MOST_BYTES, receive

    raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        with transaction():
            outcome = receive(raw=raw, now=clock.now())
    except (Conflict, OperationalError):
        click.echo("The database is busy. Try again later.", err=True)
        sys.exit(os.EX_TEMPFAIL)
    click.echo(f"{outcome.kind}: {outcome.done}")


@cli.group("import")
def import_group() -> None:
    """Take in data from files."""


@import_group.command("schedule")
@click.argument("file")
@click.option("--event", "slug", required=True, help="Slug of the event.")
@click.option("--create", is_flag=True, help="Make the event if it is not there.")
def import_schedule_command(file: str, slug: str, create: bool) -> None:
    """frab schedule.xml or schedule.json into an agenda; repeating it updates, never doubles."""
    from forum_app.agenda.exchange import import_schedule_file

    data = read_file(file)
    with transaction():
        report = import_schedule_file(data=data, slug=slug, create=create, now=clock.now(), filename=file)
    click.echo(str(report))


@import_group.command("organizations")
@click.argument("file")
def import_organizations_command(file: str) -> None:
    """A roster in CSV, with likely duplicates reported, never silently merged."""
    from forum_app.organizations.imports import import_organizations_file

    data = read_file(file)
    with transaction():
        report = import_organizations_file(data=data, now=clock.now())
    click.echo(str(report))


@cli.group("mail")
def mail_group() -> None:
    """What the forum writes: what waits, what went, what was given up."""


@mail_group.command("list")
@click.option("--state", type=click.Choice(["queued", "sent", "failed", "dropped"]), help="Only these.")
@click.option("--event", "slug", help="Slug of an event: only what is about it.")
@click.option("--search", default="", help="In address, name and subject.")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True)
def list_mail_command(state: str | None, slug: str | None, search: str, most: int) -> None:
    """Mails, the newest first: number, state, when, to whom, subject. Never their text."""
    from forum_app.mail.command_jobs import mail_lines

    for line in mail_lines(state=state, slug=slug, search=search, most=most):
        click.echo(line)


@mail_group.command("resend")
@click.argument("numbers", nargs=-1, type=click.IntRange(1, 2**63 - 1))
@click.option("--all-failed", is_flag=True, help="All that were given up, but for those that came back.")
def resend_mail_command(numbers: tuple[int, ...], all_failed: bool) -> None:
    """Send mails again, by their numbers."""
    from forum_app.mail.command_jobs import resend

    if bool(numbers) == all_failed:
        raise click.UsageError("Give numbers of mails, or --all-failed.")
    click.echo(f"{resend(numbers, all_failed=all_failed, now=clock.now())} mails are queued again.")


cli.add_command(solve_command)
cli.add_command(read_busy_command)


def main() -> None:
    """Console entry point: exit status 0 done, 1 refused with one line, 2 usage."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        cli.main(standalone_mode=True)
    except (ConfigError, DomainError) as error:
        click.echo(" ".join(str(error).split()), err=True)
        sys.exit(1)
    except DBAPIError as error:
        click.echo(_about_database(error), err=True)
        sys.exit(1)


def _about_database(error: DBAPIError) -> str:
    """What the database said, in one line; not the statement, whose values are nobody's business."""
    said = " ".join((str(error.orig).splitlines() or [""])[0].split())
    if "no such table" in said or getattr(error.orig, "sqlstate", None) == UNDEFINED_TABLE:
        return f"The database is not up to date: run forum db upgrade ({said})."
    return f"The database refused: {said}"


if __name__ == "__main__":
    main()
