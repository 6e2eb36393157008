"""What workers share: limits per minute, journals of the dead, mails that should no longer go."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from forum_app.db import db, transaction
from forum_app.mail.checks import still_so
from forum_app.mail.jobs import deliver_batch, deliver_queued, journal_folder, settle_left_behind
from forum_app.mail.journal import left_behind, open_journal
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.outbox import claim_due, send_again
from forum_app.mail.services import Recipient, queue_mail
from forum_app.mail.transport import MOST_PER_CONNECTION, SmtpTransport
from tests.factories import NOW
from tests.mail.conftest import Mailbox
from tests.mail.test_delivery import at, configured, deliver, queue, the_mail

LEASE = timedelta(minutes=15)


@pytest.mark.every_database
def test_all_workers_together_keep_the_limit(app: Flask) -> None:
    queue(10)
    taken = []
    for moment in (NOW, NOW + timedelta(seconds=30), NOW + timedelta(minutes=1)):
        with transaction():
            taken.append(len(claim_due(now=moment, most=3, lease=LEASE, per_minute=4)))
    assert taken == [3, 1, 3]


def test_the_limit_is_a_setting(app: Flask, mailbox: Mailbox) -> None:
    queue(8)
    settings = replace(app.config["FORUM_SETTINGS"], mail_per_minute=5)
    transport = SmtpTransport(mailbox.url, timeout=5)
    while deliver_batch(transport, settings, at(NOW)):
        pass
    assert len(mailbox.messages) == 5
    while deliver_batch(transport, settings, at(NOW + timedelta(minutes=1))):
        pass
    transport.close()
    assert len(mailbox.messages) == 8


def test_what_one_needs_goes_before_what_one_can_do_without(app: Flask) -> None:
    queue(2, listed="news")
    with transaction():
        to = Recipient("a@b.example", "A")
        queue_mail(to=to, template="accounts/password_changed", context={}, now=NOW)
    with transaction():
        (first,) = claim_due(now=NOW, most=1, lease=LEASE)
    assert first.listed is None


def test_one_connection_for_many(app: Flask, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = []
    connect = SmtpTransport._connect

    def counted(self: SmtpTransport) -> object:
        connections.append(self)
        return connect(self)

    monkeypatch.setattr(SmtpTransport, "_connect", counted)
    queue(MOST_PER_CONNECTION + 5)
    with configured(app, mail_url=mailbox.url):
        deliver_queued()
    assert (len(mailbox.messages), len(connections)) == (MOST_PER_CONNECTION + 5, 2)


# --- Journals ----------------------------------------------------------------------------------------
DIES = """
import os, signal, sys
from pathlib import Path
from forum_app.mail.journal import open_journal
with open_journal(Path(sys.argv[1])) as journal:
    journal.handed_over("<0@forum.test>")
    print("written", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.every_database
def test_who_dies_before_noting_does_not_make_a_repeat(app: Flask, mailbox: Mailbox) -> None:
    queue(2)
    with transaction():
        claim_due(now=NOW, most=1, lease=LEASE)
    folder = journal_folder(app.config["FORUM_SETTINGS"])
    died = subprocess.run([sys.executable, "-c", DIES, str(folder)], check=False, stdout=subprocess.DEVNULL)
    assert died.returncode < 0
    settle_left_behind(folder)
    db.session.rollback()
    states = db.session.scalars(select(OutboxMail.state).order_by(OutboxMail.id)).all()
    assert states == [MailState.SENT, MailState.QUEUED]
    assert list(folder.iterdir()) == []
    deliver(mailbox, NOW + LEASE)
    assert [m["Message-ID"] for m in mailbox.messages] == ["<1@forum.test>"]


def test_a_living_workers_journal_is_its_own(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.handed_over("<1@forum.test>")
        with left_behind(tmp_path) as found:
            assert found == []
        assert len(os.listdir(tmp_path)) == 1
        journal.settled()
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_noted_stays_in_the_journal(tmp_path: Path) -> None:
    def fail_to_note() -> None:
        with open_journal(tmp_path) as journal:
            journal.handed_over("<1@forum.test>")
            raise RuntimeError

    def fail_again() -> None:
        with left_behind(tmp_path) as found:
            raise RuntimeError(found)

    for fail in (fail_to_note, fail_again):
        with pytest.raises(RuntimeError):
            fail()
    with left_behind(tmp_path) as found:
        assert found == ["<1@forum.test>"]
    assert os.listdir(tmp_path) == []


# --- No longer ---------------------------------------------------------------------------------------
def test_too_late_is_not_sent(app: Flask, mailbox: Mailbox) -> None:
    queue(useless_after=NOW)
    deliver(mailbox)
    assert mailbox.messages == []
    assert (the_mail().state, the_mail().last_error) == (MailState.DROPPED, "too late")


@pytest.mark.parametrize("so", [True, False])
def test_facts_are_asked_before_it_goes(
    app: Flask, mailbox: Mailbox, so: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(still_so, "test", lambda facts: facts == {"so": True})
    queue(facts={"so": so})
    deliver(mailbox)
    assert len(mailbox.messages) == int(so)
    assert the_mail().state == (MailState.SENT if so else MailState.DROPPED)


def test_a_mail_that_cannot_be_written_does_not_stop_the_others(
    app: Flask, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(3)

    def explode(text: str, **_: object) -> str:
        if "person1" in text:
            raise ValueError
        return "<p></p>"

    with transaction():
        mail = db.session.scalars(select(OutboxMail).where(OutboxMail.to_address.like("person1%"))).one()
        mail.body = "person1"
    monkeypatch.setattr("forum_app.mail.messages.as_html", explode)
    deliver(mailbox)
    assert len(mailbox.messages) == 2
    db.session.rollback()
    failed = db.session.scalars(select(OutboxMail).where(OutboxMail.state == MailState.FAILED)).one()
    assert failed.last_error == "cannot be written: ValueError"


def test_again_to_who_did_not_get_it_is_a_new_mail_of_the_same_thread(app: Flask, mailbox: Mailbox) -> None:
    queue()
    deliver(mailbox)
    with transaction():
        again = send_again(mail_id=the_mail().id, now=NOW + LEASE)
    first, second = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert (second.id, second.body, second.thread) == (again, first.body, first.message_id)
    assert first.message_id != second.message_id
    deliver(mailbox, NOW + LEASE)
    assert mailbox.messages[1]["References"] == "<0@forum.test>"


def test_nothing_secret_is_logged(app: Flask, mailbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mailbox.answers["a@b.example"] = ["550 no", "451 later"]
    for token in ("SECRET-ONE", "SECRET-TWO", "SECRET-THREE"):
        with transaction():
            to = Recipient("a@b.example", "A")
            queue_mail(to=to, template="accounts/reset", context={"token": token}, now=NOW)
    deliver(mailbox)
    # but for what this test's own server says
    said = " ".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    assert "was refused" in said
    assert "is delayed" in said
    assert "SECRET" not in said
    assert all(db.session.scalars(select(OutboxMail.secret)))
