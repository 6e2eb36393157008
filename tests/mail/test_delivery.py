"""From the outbox to a real server, whatever the server answers."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from threading import Barrier
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from forum_app.db import db, transaction
from forum_app.mail.jobs import LEASE, deliver_batch, deliver_queued
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.outbox import LONGEST_WAIT, MOST_ATTEMPTS, claim_due, forget_texts, wait_after
from forum_app.mail.transport import SmtpTransport, open_transport
from forum_app.web import clock
from tests.factories import NOW
from tests.mail.conftest import Mailbox
from tests.parts import text_of


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def queue(number: int = 1, *, to: str = "person{n}@people.example", **values: object) -> None:
    """Put mails into the outbox as if they had been queued at NOW."""
    defaults = {
        "kind": "test",
        "to_name": "Person",
        "locale": "en",
        "subject": "Hello",
        "body": "A line.\n",
        "created_at": NOW,
        "next_attempt_at": NOW,
    }
    with transaction():
        for n in range(number):
            db.session.add(
                OutboxMail(
                    message_id=f"<{n}@forum.test>", to_address=to.format(n=n), **{**defaults, **values}
                )
            )


def the_mail() -> OutboxMail:
    db.session.rollback()
    return db.session.scalars(select(OutboxMail)).one()


def deliver(mailbox: Mailbox, now: datetime = NOW) -> bool:
    transport = SmtpTransport(mailbox.url, timeout=5)
    try:
        return deliver_batch(transport, current_app.config["FORUM_SETTINGS"], at(now))
    finally:
        transport.close()


@contextmanager
def configured(app: Flask, **changes: object) -> Iterator[None]:
    before = app.config["FORUM_SETTINGS"]
    app.config["FORUM_SETTINGS"] = replace(before, **changes)
    try:
        yield
    finally:
        app.config["FORUM_SETTINGS"] = before


def test_sent(app: Flask, mailbox: Mailbox) -> None:
    queue(3)
    with configured(app, mail_url=mailbox.url):
        deliver_queued()
    assert [m["Message-ID"] for m in mailbox.messages] == [f"<{n}@forum.test>" for n in range(3)]
    assert mailbox.envelopes[0] == ("calendar@forum.test", ["person0@people.example"])
    mails = db.session.scalars(select(OutboxMail)).all()
    assert {(m.state, m.attempts, m.locked_until) for m in mails} == {(MailState.SENT, 1, None)}
    assert all(m.sent_at is not None for m in mails)


def test_headers(app: Flask, mailbox: Mailbox) -> None:
    queue(locale="ja")
    deliver(mailbox)
    message = mailbox.messages[0]
    assert message["From"].addresses[0].addr_spec == "no-reply@forum.test"
    assert message["From"].addresses[0].display_name == "日米技術フォーラム"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "ja"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["List-Unsubscribe"] is None


def test_more_than_one_batch(app: Flask, mailbox: Mailbox) -> None:
    queue(45)
    with configured(app, mail_url=mailbox.url):
        deliver_queued()
    assert len(mailbox.messages) == 45


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        (
            "山田 花子",
            "第36回 日米技術フォーラムへのご参加登録を承りました(審査結果は後日お知らせいたします)",
        ),
        ('Smith, John "Jack" (DIU)', "Seat 1/2: confirmed; really?"),
        ("株式会社 宇宙, 開発 <部長>", "件名" * 100),
        ("é" * 120, "x" * 480),
        ("Smith, John " * 30, "Plain words " * 30),
        ("=?utf-8?q?trick?=", "=?utf-8?q?trick=0ABcc:_x@y?="),
    ],
)
def test_any_script_arrives(app: Flask, mailbox: Mailbox, name: str, subject: str) -> None:
    # lines that begin with a dot or "From " are changed by careless senders
    body = "こんにちは。\n\n" + "長い行" * 500 + "\n.\n..dots\nFrom here\n"
    queue(to_name=name, subject=subject, body=body)
    deliver(mailbox)
    message = mailbox.messages[0]
    assert message["Subject"].strip() == subject.strip()
    (to,) = message["To"].addresses
    # Python's own parser keeps the space between two encoded words of a name (RFC 2047, 6.2)
    assert (to.display_name.replace(" ", ""), to.addr_spec) == (
        name.replace(" ", ""),
        "person0@people.example",
    )
    assert text_of(message).replace("\r\n", "\n") == body


def test_plain_english_stays_readable(app: Flask, mailbox: Mailbox) -> None:
    queue(body="Hello.\n.\nFrom here on\n" + "a long line " * 60)
    deliver(mailbox)
    part = mailbox.messages[0].get_body(("plain",))
    assert part is not None
    assert part["Content-Transfer-Encoding"] == "7bit"
    assert text_of(mailbox.messages[0]).replace("\r\n", "\n").startswith("Hello.\n.\nFrom here on\na")


@pytest.mark.parametrize(
    "evil",
    [
        "Ann\r\nBcc: victim@people.example",
        "Ann\nBcc: victim@people.example\n\nbody",
        "Ann\u2028Bcc: victim@people.example",
        "Ann\x85Bcc: victim@people.example",
        "Ann\x00\x0b\x0cBcc: victim@people.example",
    ],
)
def test_no_header_can_be_added(app: Flask, mailbox: Mailbox, evil: str) -> None:
    queue(to_name=evil, subject=evil)
    deliver(mailbox)
    message = mailbox.messages[0]
    assert message["Bcc"] is None
    assert mailbox.envelopes[0][1] == ["person0@people.example"]
    assert message["To"].addresses[0].addr_spec == "person0@people.example"
    assert "Bcc: victim@people.example" in message["Subject"]  # harmless, in one line


def test_marks_that_turn_text_around_are_taken_out(app: Flask, mailbox: Mailbox) -> None:
    queue(to_name="Ann\u202egnp.exe\u200f", subject="\u2067Invoice\u2069 \u200bfdp")
    deliver(mailbox)
    assert mailbox.messages[0]["To"].addresses[0].display_name == "Anngnp.exe"
    assert mailbox.messages[0]["Subject"] == "Invoice fdp"


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "a b@people.example",
        "a@b@",
        "x@people.example\r\nRCPT TO:<y@people.example>",
        "名@例.example",
    ],
)
def test_what_is_no_address_is_given_up(app: Flask, mailbox: Mailbox, address: str) -> None:
    queue(to=address)
    deliver(mailbox)
    assert mailbox.messages == []
    assert the_mail().state == MailState.FAILED


def test_japanese_domain(app: Flask, mailbox: Mailbox) -> None:
    queue(to="a@例え.example")
    deliver(mailbox)
    assert mailbox.envelopes[0][1] == ["a@xn--r8jz45g.example"]


def test_tried_again_later(app: Flask, mailbox: Mailbox) -> None:
    mailbox.answers["person0@people.example"] = ["451 try later", "452 full"]
    queue()
    deliver(mailbox)
    mail = the_mail()
    assert (mail.state, mail.attempts, mail.locked_until) == (MailState.QUEUED, 1, None)
    assert mail.last_error == "451 try later"
    assert mail.next_attempt_at - NOW == timedelta(minutes=1)

    deliver(mailbox, NOW + timedelta(seconds=30))  # not yet
    assert the_mail().attempts == 1
    later = NOW + timedelta(minutes=2)
    deliver(mailbox, later)
    mail = the_mail()
    assert (mail.state, mail.attempts) == (MailState.QUEUED, 2)
    assert mail.next_attempt_at - later == timedelta(minutes=2)
    deliver(mailbox, later + timedelta(minutes=3))
    assert (the_mail().state, the_mail().last_error) == (MailState.SENT, None)
    assert len(mailbox.messages) == 1


def test_given_up_after_ten_attempts(app: Flask, mailbox: Mailbox) -> None:
    mailbox.answers["person0@people.example"] = ["451 try later"] * 20
    queue()
    now = NOW
    for _ in range(15):
        deliver(mailbox, now)
        now += LONGEST_WAIT * 2
    assert (the_mail().state, the_mail().attempts) == (MailState.FAILED, MOST_ATTEMPTS)
    assert len(mailbox.answers["person0@people.example"]) == 10


@pytest.mark.parametrize("stage", ["answers", "recipient_answers"])
def test_refused_for_good(app: Flask, mailbox: Mailbox, stage: str) -> None:
    getattr(mailbox, stage)["person1@people.example"] = ["550 no such mailbox"]
    queue(3)
    deliver(mailbox)
    states = {mail.to_address: mail.state for mail in db.session.scalars(select(OutboxMail))}
    assert states == {
        "person0@people.example": MailState.SENT,
        "person1@people.example": MailState.FAILED,
        "person2@people.example": MailState.SENT,
    }
    failed = db.session.scalars(select(OutboxMail).where(OutboxMail.state == MailState.FAILED)).one()
    assert (failed.attempts, failed.last_error) == (1, "550 no such mailbox")


def test_no_server_costs_one_attempt_of_one_mail(app: Flask) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{taken.getsockname()[1]}"
        queue(5)
        deliver_batch(SmtpTransport(url, timeout=2), app.config["FORUM_SETTINGS"], at(NOW))
    mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert [m.attempts for m in mails] == [1, 0, 0, 0, 0]
    assert all(m.state == MailState.QUEUED and m.next_attempt_at > NOW and not m.locked_until for m in mails)


def test_server_that_stays_silent(app: Flask) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        queue()
        transport = SmtpTransport(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        deliver_batch(transport, app.config["FORUM_SETTINGS"], at(NOW))
    assert the_mail().state == MailState.QUEUED
    assert "imed" in (the_mail().last_error or "")


@pytest.mark.every_database
def test_a_crash_after_claiming_delays_but_does_not_lose(app: Flask, mailbox: Mailbox) -> None:
    queue(2)
    with transaction():
        claimed = claim_due(now=NOW, most=10, lease=LEASE)
    assert [m.attempts for m in claimed] == [1, 1]
    deliver(mailbox, NOW + LEASE / 2)
    assert mailbox.messages == []
    deliver(mailbox, NOW + LEASE)
    assert len(mailbox.messages) == 2


@pytest.mark.every_database
def test_several_workers_never_double(app: Flask, mailbox: Mailbox) -> None:
    queue(120)
    workers = 4
    barrier = Barrier(workers)

    def work() -> None:
        with app.app_context():
            transport = SmtpTransport(mailbox.url, timeout=10)
            barrier.wait()
            try:
                while deliver_batch(transport, app.config["FORUM_SETTINGS"], at(NOW)):
                    pass
            finally:
                transport.close()
                db.session.remove()

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()
    ids = [m["Message-ID"] for m in mailbox.messages]
    assert sorted(ids) == sorted(f"<{n}@forum.test>" for n in range(120))
    assert set(db.session.scalars(select(OutboxMail.state))) == {MailState.SENT}


def test_folder_instead_of_a_server(app: Flask) -> None:
    queue(subject="件名")
    settings = app.config["FORUM_SETTINGS"]
    for _ in range(2):
        deliver_queued()
    files = list((settings.var / "mail").glob("*.eml"))
    message = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert (len(files), message["Subject"], the_mail().state) == (1, "件名", MailState.SENT)
    files[0].unlink()


def test_waits_grow_to_six_hours() -> None:
    for attempts in range(1, 15):
        assert wait_after(attempts) == min(timedelta(hours=6), timedelta(minutes=2 ** (attempts - 1)))


def test_settings_name_the_transport(app: Flask) -> None:
    settings = replace(app.config["FORUM_SETTINGS"], mail_url="smtps://user%40x:p%2Fw@mail.example")
    with open_transport(settings) as transport:
        assert isinstance(transport, SmtpTransport)
        assert (transport.implicit_tls, transport.port) == (True, 465)
        assert (transport.user, transport.password) == ("user@x", "p/w")


def test_clock_of_the_job(app: Flask, mailbox: Mailbox) -> None:
    queue(next_attempt_at=clock.now() + timedelta(hours=1))
    with configured(app, mail_url=mailbox.url):
        deliver_queued()
    assert mailbox.messages == []


@pytest.mark.parametrize(
    ("values", "days"),
    [
        ({"state": MailState.SENT, "sent_at": NOW}, 30),
        ({"state": MailState.DROPPED}, 30),
        ({"state": MailState.FAILED}, 30),
        ({"state": MailState.FAILED, "sent_at": NOW, "bounced_at": NOW + timedelta(days=5)}, 35),
        ({"state": MailState.QUEUED}, None),
    ],
    ids=["sent", "dropped", "given up", "came back", "waiting"],
)
def test_texts_are_forgotten_a_month_after_the_end(
    app: Flask, values: dict[str, Any], days: int | None
) -> None:
    queue(calendar="BEGIN:VCALENDAR", calendar_method="REQUEST", **values)
    for day in (1, 29, 30, 31, 35, 36, 400):
        with transaction():
            forget_texts(now=NOW + timedelta(days=day, hours=1))
        forgotten = days is not None and day >= days
        mail = the_mail()
        assert (mail.body == "", mail.calendar == "") == (forgotten, forgotten)
        assert mail.subject == "Hello"
