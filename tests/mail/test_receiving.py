"""Mail that comes in: read with care, once; reports of non-delivery mark our mail and nobody else's."""

import time
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.core.errors import Invalid
from forum_app.db import db, transaction
from forum_app.mail.bounces import find_undelivered
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.received_models import ReceivedMail
from forum_app.mail.receiving import forget_received, read_mail, receive
from forum_app.mail.services import Recipient, queue_mail
from tests.factories import NOW, grant, make_event, make_registration, make_user, sign_in

TO = "guest@people.example"


def sent(address: str = TO) -> OutboxMail:
    """A mail that counts as sent."""
    with transaction():
        queued = queue_mail(
            to=Recipient(address, "A Guest"),
            template="accounts/password_changed",
            context={"user": Recipient(address, "A Guest")},
            now=NOW,
        )
    with transaction():
        mail = db.session.get_one(OutboxMail, queued.id)
        mail.state, mail.sent_at = MailState.SENT, NOW
    return mail


def bounce(
    mail: OutboxMail,
    *,
    recipient: str = TO,
    action: str = "failed",
    status: str = "5.1.1",
    identity: str | None = None,
    headers_only: bool = False,
    number: int = 1,
) -> bytes:
    """A report as Postfix writes it."""
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    lines = f"""From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: no-reply@forum.test
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <report-{number}-{status}-{recipient}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Thu, 1 Oct 2026 03:00:00 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.people.example
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: no such user
    here\u202e

--b1
Content-Type: {kind}

From: no-reply@forum.test
To: {recipient}
Message-ID: {identity or mail.message_id}
Subject: Something

Text

--b1--
"""
    return lines.encode().replace(b"\n", b"\r\n")


def take(raw: bytes) -> str:
    with transaction():
        return receive(raw=raw, now=NOW + timedelta(minutes=1)).done


def fresh(mail: OutboxMail) -> OutboxMail:
    db.session.rollback()
    return db.session.get_one(OutboxMail, mail.id, populate_existing=True)


@pytest.mark.parametrize("headers_only", [False, True])
def test_a_permanent_failure_marks_the_mail(app: Flask, headers_only: bool) -> None:
    mail = sent()
    assert take(bounce(mail, headers_only=headers_only)) == "marked"
    row = fresh(mail)
    assert row.state == MailState.FAILED
    assert row.bounced_at == NOW + timedelta(minutes=1)
    assert row.bounce_reason is not None
    assert "550 5.1.1" in row.bounce_reason
    assert "\n" not in row.bounce_reason
    assert "\u202e" not in row.bounce_reason
    found = find_undelivered([TO])
    assert found is not None
    assert found.at == row.bounced_at
    assert take(bounce(mail, number=2)) == "marked before"


def test_what_is_only_late_marks_nothing(app: Flask) -> None:
    mail = sent()
    assert take(bounce(mail, action="delayed", status="4.4.1")) == "only delayed"
    assert take(bounce(mail, action="failed", status="4.2.2")) == "only delayed"
    assert take(bounce(mail, action="relayed", status="2.0.0")) == "only delayed"
    assert fresh(mail).state == MailState.SENT


def test_a_forged_report_blocks_nobody(app: Flask) -> None:
    mail, other = sent(), sent("other@people.example")
    assert take(bounce(mail, identity="<made-up@forum.test>")) == "no mail of ours"
    assert take(bounce(mail, recipient="other@people.example")) == "no mail of ours"
    assert take(bounce(mail, identity=other.message_id, number=3)) == "no mail of ours"
    assert fresh(mail).bounced_at is None
    assert fresh(other).bounced_at is None
    assert find_undelivered([TO]) is None


def test_organizers_see_it_beside_the_person(app: Flask, client: FlaskClient) -> None:
    event, organizer = make_event(), make_user()
    grant(organizer, event)
    person = make_registration(event, make_user(TO))
    sign_in(client, organizer)
    path = f"/events/{event.slug}/manage/registrations/{person.id}"
    assert b"came back" not in client.get(path).data
    take(bounce(sent()))
    page = client.get(path).data.decode()
    assert f"Mail to {TO} came back on" in page
    assert "no such user" in page


def test_one_message_acts_once(app: Flask) -> None:
    raw = b"From: a@b.example\r\nMessage-ID: <1@b.example>\r\n\r\nGood day\r\n"
    assert take(raw) == "not for us"
    assert take(b"Received: again\r\n" + raw) == "received before"
    # without a Message-ID the octets tell
    assert take(raw.replace(b"Message-ID", b"X-Nothing")) == "not for us"
    assert take(raw.replace(b"Message-ID", b"X-Nothing")) == "received before"
    with transaction():
        forget_received(now=NOW + timedelta(days=500))
    assert db.session.scalars(select(ReceivedMail)).all() == []


SENDERS = {
    "a@b.example": "a@b.example",
    '"x@y.example" <a@b.example>': "a@b.example",
    "Doe, Jane <a@b.example>": "",
    '"Doe, Jane" <a@b.example>': "a@b.example",
    "a@b.example, c@d.example": "",
    "<a@b.example> <c@d.example>": "",
    "a@b.example (c@d.example)": "a@b.example",
    "=?utf-8?q?Doe,_Jane?= <a@b.example>": "a@b.example",
    "a@b.example\x00c@d.example": "",
    "nobody": "",
}


@pytest.mark.parametrize("text", SENDERS)
def test_the_sender_is_one_plain_address_or_nobody(text: str) -> None:
    raw = b"From: " + text.encode() + b"\r\nMessage-ID: <1@x>\r\n\r\n"
    assert read_mail(raw).sender == SENDERS[text]


HOSTILE = {
    "nothing": b"",
    "no headers": b"\r\n\r\nGood day",
    "noise": bytes(range(256)) * 100,
    "nested": b"From: a@b.example\r\n"
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000)),
    "messages in messages": b"From: a@b.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 2000,
    "large": b"From: a@b.example\r\n\r\n" + b"x" * (5 * 1024 * 1024),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_mail_is_refused_with_a_sentence(app: Flask, name: str) -> None:
    begun = time.process_time()
    with pytest.raises(Invalid):
        take(HOSTILE[name])
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@b.example\r\nContent-Type: text/calendar; charset=\x00\xff\r\n\r\nx",
        b"From: =?bad?q?=FF?= <a@b.example>\r\nTo: \xff\xfe\r\nMessage-ID: " + b"x" * 10_000 + b"\r\n\r\nx",
        b"From: a@b.example\r\nContent-Type: text/calendar\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
        b"From: a@b.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
        b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n--b--\r\n",
        b"From: a@b.example\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822;\r\n\r\n",
        b"From: a@b.example\r\nTo: " + b"a@b.example, " * 20_000 + b"\r\n\r\nx",
        b"From: a@b.example\r\nSubject: " + b"\xe2\x80\xae" * 10_000 + b"\r\n\r\nx",
    ],
)
def test_broken_mail_is_passed_over(app: Flask, raw: bytes) -> None:
    take(raw)
