"""Messages as they go out: headers, both forms of the text, and what hostile names come to."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from forum_app.config import ConfigError, load_settings
from forum_app.db import db, transaction
from forum_app.mail.html import as_html
from forum_app.mail.messages import Leaving, Sender, build_message
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.services import Recipient, queue_mail
from tests.factories import NOW, make_event

SENDER = Sender("no-reply@forum.test", "日米技術フォーラム", reply_to="office@forum.test")
HOSTILE = [
    "Ann\r\nBcc: victim@people.example\r\n\r\n<b>hello</b>",
    "\u202e\u2066\u200fgpj.exe\u2069",
    "x" * 10_000,
    "長" * 10_000,
    "lone \ud800 surrogate \udfff",
    '"><script>alert(1)</script>',
    "שלום عليكم ann",
    "\x00\x1b[31m\u2028Subject: x",
    "=?utf-8?q?=0ABcc:_x?=",
    "a, b <c@d.example>; e",
]


def row(**values: Any) -> OutboxMail:
    defaults: dict[str, Any] = {
        "message_id": "<1@forum.test>",
        "kind": "test",
        "to_address": "ann@people.example",
        "to_name": "Ann",
        "locale": "en",
        "subject": "Hello",
        "body": "Dear Ann,\n\nA line.\n\n-- \nForum\n",
        "created_at": NOW,
    }
    return OutboxMail(**(defaults | values))


def parsed(mail: OutboxMail, leaving: Leaving | None = None) -> EmailMessage:
    data = build_message(mail, sender=SENDER, leaving=leaving).message.as_bytes()
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    message: Any = message_from_bytes(data, policy=policy.default)
    return message  # type: ignore[no-any-return]


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_names_and_titles_harm_nothing(app: Flask, evil: str) -> None:
    with transaction():
        queue_mail(
            to=Recipient("ann@people.example", evil),
            template="events/role_revoked",
            context={"event": make_plain_event(evil), "role": evil},
            thread=evil,
            now=NOW,
        )
    mail = db.session.scalars(select(OutboxMail)).one()
    assert len(mail.to_name) <= 200
    assert len(mail.subject) <= 400
    assert "\n" not in mail.subject
    message = parsed(mail)
    (to,) = message["To"].addresses
    assert to.addr_spec == "ann@people.example"
    assert message["Bcc"] is None
    assert set(message.keys()) <= {
        "Content-Type", "MIME-Version", "From", "To", "Reply-To", "Subject", "Date", "Message-ID",
        "In-Reply-To", "References", "Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress",
    }  # fmt: skip
    for text in (mail.subject, mail.to_name, mail.body):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff\x00\x1b]", text)
    assert "<script>" not in part(message, "html")


def make_plain_event(title: str) -> Any:
    """A row whose title no form would have let in."""
    event = make_event()
    db.session.expunge(event)
    event.title_en = title
    return event


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=600))
def test_any_text_makes_a_message_that_says_it(name: str, subject: str, body: str) -> None:
    clean = body.encode("utf-8", "ignore").decode()
    message = parsed(row(to_name=name, subject=subject, body=clean))
    assert message["To"].addresses[0].addr_spec == "ann@people.example"
    assert len(message["From"].addresses) == 1
    assert message.get_content_type() == "multipart/alternative"


def test_the_same_row_is_the_same_message() -> None:
    one, two = (build_message(row(thread="<t@forum.test>"), sender=SENDER) for _ in range(2))
    assert one.message.as_bytes() == two.message.as_bytes()


def test_threads_answers_and_senders() -> None:
    message = parsed(row(thread="<m.thread@forum.test>"))
    assert message["References"] == message["In-Reply-To"] == "<m.thread@forum.test>"
    assert message["Reply-To"].addresses[0].addr_spec == "office@forum.test"
    assert message["From"].addresses[0].addr_spec == "no-reply@forum.test"
    assert parsed(row())["References"] is None
    assert parsed(row(reply_to="organizer@people.example"))["Reply-To"] == "organizer@people.example"
    # answers to an invitation go to its organizer, whose address programs compare
    assert parsed(row(sender_address="calendar+x@forum.test"))["Reply-To"] is None


def test_html_is_made_of_the_text_and_loads_nothing() -> None:
    body = (
        "Dear Ann,\n\nSee <this> & that:\nhttps://forum.test/a?b=1&c=2\n\n1. First\n\n- one\n  more\n- two\n"
        "\n-- \nForum\nhttps://forum.test/\n"
    )
    html = part(parsed(row(body=body)), "html")
    assert 'href="https://forum.test/a?b=1&amp;c=2"' in html
    assert "&lt;this&gt; &amp; that" in html
    assert html.count("<li") == 2
    assert "<h2" in html
    assert not re.search(r"<(img|script|link|iframe|object)|src=|url\(", html)
    words = re.sub(r"<[^>]+>", " ", html.split("<body", 1)[1])
    assert "more" in words


def test_html_speaks_its_language() -> None:
    assert '<html lang="ja">' in as_html("本文\n", locale="ja", title="件名", brand="フォーラム")


def test_leaving_stands_at_the_end_of_both() -> None:
    message = parsed(row(), Leaving("https://forum.test/mail/lists/x", "To get no more:"))
    assert part(message, "plain").endswith("Forum\nTo get no more:\nhttps://forum.test/mail/lists/x\n")
    assert 'href="https://forum.test/mail/lists/x"' in part(message, "html")


def test_a_calendar_comes_with_text_and_html() -> None:
    message = parsed(row(calendar="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", calendar_method="REQUEST"))
    assert message.get_content_type() == "multipart/mixed"
    kinds = [one.get_content_type() for one in message.walk() if not one.is_multipart()]
    assert kinds == ["text/plain", "text/html", "text/calendar", "application/ics"]


def test_an_address_that_is_too_long_is_given_up_at_once(app: Flask) -> None:
    with transaction():
        to = Recipient("a" * 400 + "@people.example", "A")
        queue_mail(to=to, template="accounts/password_changed", context={}, now=NOW)
    assert db.session.scalars(select(OutboxMail)).one().state == MailState.FAILED


@pytest.mark.parametrize("value", ["nobody", "a@b", "a b@c.example", "a@c.example\nBcc: x@y.example"])
def test_from_must_be_an_address(value: str, tmp_path: Any) -> None:
    with pytest.raises(ConfigError):
        load_settings({"FORUM_VAR": str(tmp_path), "FORUM_MAIL_FROM": value})
