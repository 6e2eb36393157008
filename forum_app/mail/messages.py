"""An outbox row as a message: MIME, headers, envelope; always the same for the same row."""

import hashlib
from dataclasses import dataclass
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import Any

from forum_app.mail.html import SIGNATURE, as_html
from forum_app.mail.models import OutboxMail
from forum_app.mail.safe_text import header_text
from forum_app.mail.transport import Outgoing, PermanentFailure

MOST_LINE = 900  # characters; RFC 5321, 4.5.3.1.6 allows 998
MESSAGE_POLICY = compat32.clone(mangle_from_=False, cte_type="7bit", linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom mails come. address: of the forum's own domain, never a person's. name: the forum's.
    bounces: to which address what cannot be delivered comes back. reply_to: of the forum's office."""

    address: str
    name: str = ""
    bounces: str | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """How the reader leaves an optional list. url: takes RFC 8058's POST, and shows a page. sentence: of
    the text, before the address of all settings (settings_url)."""

    url: str
    sentence: str


def ascii_address(address: str) -> tuple[str, str]:
    """Local part and domain, the domain in ASCII (RFC 5891); raises PermanentFailure."""
    local, at, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    text = local + domain
    if not at or not local or not domain or not text.isascii() or not text.isprintable() or " " in text:
        raise PermanentFailure("not a mail address")
    return local, domain


def build_message(mail: OutboxMail, *, sender: Sender, leaving: Leaving | None = None) -> Outgoing:
    """The message of an outbox row; always the same for the same row, the Message-ID too.

    leaving: of a row that belongs to an optional list. Raises PermanentFailure when the address is none.
    """
    origin = "@".join(ascii_address(mail.sender_address or sender.address))
    recipient = "@".join(ascii_address(mail.to_address))
    message = _content(mail, with_leaving(mail.body, leaving), sender.name)
    message["From"] = _address_header("From", sender.name, origin)
    message["To"] = _address_header("To", mail.to_name, recipient)
    answers = mail.reply_to or (None if mail.sender_address else sender.reply_to)
    if answers:
        message["Reply-To"] = header_text("@".join(ascii_address(answers)))
    message["Subject"] = _text_header("Subject", mail.subject)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = _Unfolded(header_text(mail.message_id))
    if mail.thread:
        message["In-Reply-To"] = _Unfolded(header_text(mail.thread))
        message["References"] = _Unfolded(header_text(mail.thread))
    message["Content-Language"] = header_text(mail.locale)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
    # all but NDR: reports of non-delivery are read (bounces.py)
    message["X-Auto-Response-Suppress"] = "DR, RN, NRN, OOF, AutoReply"
    if leaving is not None:
        message["List-Unsubscribe"] = _Unfolded(f"<{leaving.url}>")
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    envelope = "@".join(ascii_address(sender.bounces)) if sender.bounces else origin
    return Outgoing(message, envelope, recipient)


class _Unfolded(Header):
    """One word in one line: many readers do not look for an identifier on the second line."""

    def encode(self, splitchars: str = "", maxlinelen: int | None = None, linesep: str = "\n") -> str:
        return super().encode(splitchars, MOST_LINE, linesep)


def with_leaving(text: str, leaving: Leaving | None) -> str:
    """The text with the lines that say how to get no more of its kind, at its end."""
    if leaving is None:
        return text
    main, mark, end = text.rpartition(SIGNATURE)
    lines = f"{leaving.sentence}\n{leaving.url}"
    return f"{main}{mark}{end.rstrip()}\n{lines}\n" if mark else f"{text.rstrip()}{SIGNATURE}{lines}\n"


def _content(mail: OutboxMail, text: str, brand: str) -> "Message[Any, Any]":
    """The text, or the same as HTML, or as a calendar object (RFC 6047, 2.4), which also comes as a file.

    The boundaries hang on the Message-ID, so that the same row is the same message each time.
    """
    mark = hashlib.sha256(mail.message_id.encode("utf-8", "replace")).hexdigest()[:24]
    page = as_html(text, locale=mail.locale, title=mail.subject, brand=brand)
    parts: list[Message[Any, Any]] = [_text_part(text, "plain"), _text_part(page, "html")]
    calendar, method = mail.calendar, mail.calendar_method
    if not calendar or not method:
        return MIMEMultipart("alternative", f"={mark}.1", parts, policy=MESSAGE_POLICY)
    content = MIMEText(calendar, "calendar", "utf-8", policy=MESSAGE_POLICY)
    content.set_param("method", method)
    choice = MIMEMultipart("alternative", f"={mark}.1", [*parts, content], policy=MESSAGE_POLICY)
    file = MIMEText(calendar, "calendar", "utf-8", policy=MESSAGE_POLICY)
    file.set_type("application/ics")
    file.set_param("name", "invite.ics")
    file.add_header("Content-Disposition", "attachment", filename="invite.ics")
    return MIMEMultipart("mixed", f"={mark}.2", [choice, file], policy=MESSAGE_POLICY)


def _text_part(text: str, kind: str) -> "Message[Any, Any]":
    # Canonical line ends, since base64 keeps them as they are (RFC 2046, 4.1.1).
    body = text if text.isascii() else text.replace("\n", "\r\n")
    charset = "us-ascii" if body.isascii() and max(map(len, body.split("\n"))) < MOST_LINE else "utf-8"
    return MIMEText(body, kind, charset, policy=MESSAGE_POLICY)


def _charset(text: str) -> str:
    return "us-ascii" if text.isascii() and "=?" not in text else "utf-8"


def _text_header(name: str, text: str) -> Header:
    text = header_text(text)
    return Header(text, _charset(text), header_name=name)


def _address_header(header_name: str, name: str, address: str) -> Header:
    """Name and address (RFC 5322, 3.4).

    The newer email.headerregistry loses the quotes around a name with a comma when it folds the
    line (seen in Python 3.11), which makes two addresses of one; so the name is quoted here.
    """
    name = header_text(name)
    if _charset(name) == "us-ascii":
        return Header(formataddr((name, address)), "us-ascii", header_name=header_name)
    header = Header(name, "utf-8", header_name=header_name)
    header.append(f"<{address}>", "us-ascii")
    return header
