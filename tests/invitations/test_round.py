"""The whole round with real servers: out over SMTP, back through an IMAP mailbox, or a pipe."""

import imaplib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.cli import cli
from forum_app.config import Settings
from forum_app.core.errors import Invalid
from forum_app.core.ical import Participation
from forum_app.db import db
from forum_app.invitations.models import Invitation, Note
from forum_app.mail import receiving
from forum_app.mail.jobs import deliver_queued
from forum_app.mail.mailbox_jobs import MailboxTrouble, Taken, read_mailbox
from forum_app.mail.messages import Sender, build_message
from forum_app.mail.models import OutboxMail
from forum_app.mail.received_models import PolledMailbox, ReceivedMail
from forum_app.mail.receiving import IncomingMail, Outcome
from forum_app.mail.receiving_jobs import read_mail
from forum_app.web import clock
from tests.calendars.parts import publish, speaks
from tests.factories import NOW, login_of, make_event, make_item, make_user
from tests.invitations.parts import MINUTE, Program, answer, invitation_of, invitations, send
from tests.meetings.conftest import scene as scene
from tests.meetings.scene import Scene
from tests.meetings.test_races import at_once
from tests.parts import ROOT, imap_server, smtp_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with imap_server() as url:
        yield url


@pytest.fixture
def mailbox(server: str) -> str:
    """An empty mailbox."""
    connection = open_mailbox(server)
    connection.store("1:*", "+FLAGS", r"(\Deleted)")
    connection.expunge()
    connection.logout()
    return server


def open_mailbox(url: str) -> imaplib.IMAP4:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    connection = imaplib.IMAP4(parts.hostname, parts.port, timeout=20)
    connection.login(unquote(parts.username or ""), unquote(parts.password or ""))
    connection.select("INBOX")
    return connection


def put(url: str, *messages: bytes) -> None:
    """Messages arrive."""
    connection = open_mailbox(url)
    for message in messages:
        connection.append("INBOX", None, None, message)
    connection.logout()


def configured(app: Flask, **changes: Any) -> None:
    settings: Settings = app.config["FORUM_SETTINGS"]
    app.config["FORUM_SETTINGS"] = replace(settings, **changes)


@pytest.fixture
def settings(app: Flask) -> Iterator[Settings]:
    kept: Settings = app.config["FORUM_SETTINGS"]
    yield kept
    app.config["FORUM_SETTINGS"] = kept


def test_out_over_smtp_and_back_over_imap(app: Flask, settings: Settings, scene: Scene, mailbox: str) -> None:
    scene.accept(scene.ask())
    send()
    guest = login_of(scene.guest)
    with smtp_server() as (url, box):
        configured(app, mail_url=url, imap_url=mailbox)
        clock.set_to(NOW + MINUTE)
        deliver_queued()
        (message,) = [
            one
            for one in box.to(guest.email)
            if any(part.get_content_type() == "text/calendar" for part in one.walk())
        ]
    organizer = invitation_of(guest).secret
    assert message.get_content_type() == "multipart/mixed"
    choice, file = message.iter_parts()
    assert choice.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in choice.iter_parts()]
    assert kinds[0] == "text/plain"
    assert kinds[-1] == "text/calendar"
    calendar = list(choice.iter_parts())[-1]
    assert calendar["Content-Type"].params["method"] == "REQUEST"
    assert calendar["Content-Type"].params["charset"].lower() == "utf-8"
    assert not calendar.is_attachment()
    assert file.get_filename() == "invite.ics"
    assert f"calendar+{organizer}@forum.test" in message["From"]
    program = Program(guest.email)
    content = calendar.get_payload(decode=True)
    assert isinstance(content, bytes)
    program.take(content)
    assert len(program.calendar()) == 1

    (mail,) = invitations(guest.email)
    put(mailbox, answer(mail, "TENTATIVE", at=NOW + 2 * MINUTE))
    read_mail()
    assert invitation_of(guest).participation == Participation.TENTATIVE
    read_mail()
    assert db.session.scalar(select(func.count()).select_from(ReceivedMail)) == 1
    connection = open_mailbox(mailbox)
    assert connection.search(None, "UNSEEN")[1] == [b""]
    connection.logout()


@pytest.mark.every_database
def test_workers_at_once_take_each_mail_once(app: Flask, mailbox: str) -> None:
    event = make_event()
    users = [make_user() for _ in range(12)]
    for user in users:
        speaks(user, make_item(event))
    publish(event)
    send()
    put(mailbox, *[answer(mail, comment="Good") for mail in invitations()])
    results = at_once(app, [lambda: read_mailbox(mailbox, clock.now)] * 5)
    taken = [one for one in results if isinstance(one, Taken)]
    assert len(taken) == 5
    assert sum(one.messages for one in taken) == 12
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Note)) == 12
    answers = db.session.scalars(select(Invitation.participation)).all()
    assert set(answers) == {Participation.ACCEPTED}


def test_a_worker_that_dies_loses_and_doubles_nothing(app: Flask, mailbox: str) -> None:
    event = make_event()
    for _ in range(3):
        speaks(make_user(), make_item(event))
    publish(event)
    send()
    first, second, third = (answer(mail, comment="Good") for mail in invitations())
    put(mailbox, first, b"no mail at all", second)
    assert read_mailbox(mailbox, clock.now) == Taken(3)
    # the mailbox was made anew: its numbers begin again, and all is read again
    row = db.session.scalars(select(PolledMailbox)).one()
    assert row.locked_until is None
    row.uidvalidity, row.last_uid = 1, 0
    db.session.commit()
    put(mailbox, third)
    assert read_mailbox(mailbox, clock.now) == Taken(4)
    assert db.session.scalar(select(func.count()).select_from(Note)) == 3
    # somebody holds the mailbox, and then no longer
    row = db.session.scalars(select(PolledMailbox)).one()
    row.locked_until = clock.now() + 10 * MINUTE
    db.session.commit()
    put(mailbox, answer(invitations()[0], "TENTATIVE", at=NOW + 9 * MINUTE))
    assert read_mailbox(mailbox, clock.now) == Taken()
    clock.set_to(clock.now() + 11 * MINUTE)
    assert read_mailbox(mailbox, clock.now) == Taken(1)


def test_a_message_on_which_we_fail_does_not_keep_back_the_next(
    app: Flask, scene: Scene, mailbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.accept(scene.ask())
    send()

    def fails(mail: IncomingMail, now: datetime) -> Outcome | None:
        if mail.message["Subject"] == "Worst":
            raise ValueError("a fault of ours")
        return None

    monkeypatch.setattr(receiving, "handlers", [fails, *receiving.handlers])
    guest = login_of(scene.guest)
    put(mailbox, b"From: a@b.example\r\nSubject: Worst\r\n\r\n", answer(invitations(guest.email)[0]))
    assert read_mailbox(mailbox, clock.now) == Taken(2)
    assert invitation_of(guest).participation == Participation.ACCEPTED
    connection = open_mailbox(mailbox)
    assert connection.search(None, "UNSEEN")[1] == [b"1"]
    connection.logout()


def test_trouble_names_no_password(app: Flask, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    url = "imap://forum:very-secret@127.0.0.1:9/INBOX"
    with pytest.raises(MailboxTrouble):
        read_mailbox(url, clock.now)
    configured(app, imap_url=url)
    read_mail()
    assert "cannot be read" in caplog.text
    assert "very-secret" not in caplog.text
    assert db.session.scalars(select(PolledMailbox)).one().locked_until is None


def test_the_pipe(app: Flask, database: object, scene: Scene) -> None:
    scene.accept(scene.ask())
    send()
    guest = login_of(scene.guest)
    (mail,) = invitations(guest.email)
    uri: str = app.config["SQLALCHEMY_DATABASE_URI"]
    settings: Settings = app.config["FORUM_SETTINGS"]
    environ = {
        **os.environ,
        "FORUM_DATABASE_URL": uri,
        "FORUM_VAR": str(settings.var),
        "FORUM_BASE_URL": "https://forum.test",
        "FORUM_REHEARSAL": (NOW + MINUTE).isoformat(),
    }

    def pipe(raw: bytes) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "forum_app.cli", "receive-mail"],
            input=raw,
            env=environ,
            cwd=ROOT,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout.decode().strip(), done.stderr.decode().strip()

    assert pipe(answer(mail)) == (0, "answer: accepted", "")
    assert invitation_of(guest).participation == Participation.ACCEPTED
    result = app.test_cli_runner().invoke(cli, ["receive-mail"], input=b"")
    assert isinstance(result.exception, Invalid)  # main() makes one line and status 1 of it


def test_the_message_is_the_same_each_time(scene: Scene, tmp_path: Path) -> None:
    """A repeat after a crash is recognizable, to the octet."""
    scene.accept(scene.ask())
    send()
    mail: OutboxMail = invitations()[0]
    sender = Sender("no-reply@forum.test", "Forum")
    first, second = (build_message(mail, sender=sender).message.as_bytes() for _ in range(2))
    assert first == second
    message = message_from_bytes(first, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Message-ID"] == mail.message_id
    assert "Reply-To" not in message
