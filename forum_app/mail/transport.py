"""Handing mail over: to an SMTP server, or into a folder where there is none.

A transport raises TemporaryFailure when it is worth trying again, PermanentFailure when it is not.
"""

import hashlib
import os
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from forum_app.config import Settings
from forum_app.mail.models import OutboxMail

TIMEOUT = 20.0  # seconds for each answer of the server
MOST_ERROR = 500
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MOST_LINE = 900  # characters; RFC 5321, 4.5.3.1.6 allows 998
MESSAGE_POLICY = compat32.clone(mangle_from_=False, cte_type="7bit", linesep="\r\n")
# controls end or reorder a header; marks and invisible joiners disguise what stands in it
FORBIDDEN = dict.fromkeys(
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        *(0x061C, 0x200B, 0x200E, 0x200F, 0xFEFF),
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ]
)
AUTHENTICATION = (530, 534, 535, 538)  # RFC 4954: our settings are wrong, not the mail


class TemporaryFailure(Exception):
    """Try again later. whole_server: the next mail would fare no better just now."""

    def __init__(self, reason: str, *, whole_server: bool = False) -> None:
        super().__init__(reason[:MOST_ERROR])
        self.whole_server = whole_server


class PermanentFailure(Exception):
    """Trying again would change nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason[:MOST_ERROR])


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message and its envelope, which never depends on what stands in the headers."""

    message: "Message[Any, Any]"
    sender: str
    recipient: str


class Transport(Protocol):
    """Takes messages one by one."""

    def send(self, mail: Outgoing) -> None: ...


def header_text(text: str) -> str:
    """text as one line without control, bidirectional or invisible characters."""
    return " ".join(" ".join(text.split()).translate(FORBIDDEN).split())


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


def build_message(mail: OutboxMail, *, sender_name: str, domain: str) -> Outgoing:
    """The message of an outbox row; always the same for the same row, the Message-ID too.

    domain: the forum's own, as the sender's. Raises PermanentFailure when the address is none.
    """
    sender = "@".join(ascii_address(mail.sender_address or f"no-reply@{domain}"))
    recipient = "@".join(ascii_address(mail.to_address))
    # Canonical line ends, since base64 keeps them as they are (RFC 2046, 4.1.1).
    body = mail.body if mail.body.isascii() else mail.body.replace("\n", "\r\n")
    charset = "us-ascii" if body.isascii() and max(map(len, body.split("\n"))) < MOST_LINE else "utf-8"
    message: Message[Any, Any] = MIMEText(body, "plain", charset, policy=MESSAGE_POLICY)
    if mail.calendar and mail.calendar_method:
        message = _with_calendar(message, mail, mail.calendar, mail.calendar_method)
    message["From"] = _address_header("From", sender_name, sender)
    message["To"] = _address_header("To", mail.to_name, recipient)
    message["Subject"] = _text_header("Subject", mail.subject)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = header_text(mail.message_id)
    message["Content-Language"] = header_text(mail.locale)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
    message["X-Auto-Response-Suppress"] = "All"
    return Outgoing(message, sender, recipient)


def _with_calendar(
    text: "Message[Any, Any]", mail: OutboxMail, calendar: str, method: str
) -> "Message[Any, Any]":
    """The text, or the same as a calendar object (RFC 6047, 2.4), and once more as a file to open.

    The boundaries hang on the Message-ID, so that the same row is the same message each time.
    """
    mark = hashlib.sha256(mail.message_id.encode()).hexdigest()[:24]
    content = MIMEText(calendar, "calendar", "utf-8", policy=MESSAGE_POLICY)
    content.set_param("method", method)
    choice = MIMEMultipart("alternative", f"={mark}.1", [text, content], policy=MESSAGE_POLICY)
    file = MIMEText(calendar, "calendar", "utf-8", policy=MESSAGE_POLICY)
    file.set_type("application/ics")
    file.set_param("name", "invite.ics")
    file.add_header("Content-Disposition", "attachment", filename="invite.ics")
    return MIMEMultipart("mixed", f"={mark}.2", [choice, file], policy=MESSAGE_POLICY)


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


class SmtpTransport:
    """One connection to an SMTP server for several messages; opened with the first one."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        self.implicit_tls = parts.scheme == "smtps"
        self.host = parts.hostname or "localhost"
        self.port = parts.port or (465 if self.implicit_tls else 25)
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.timeout = timeout
        self._connection: smtplib.SMTP | None = None

    def send(self, mail: Outgoing) -> None:
        """Hand the mail over; it is the server's once this returns."""
        try:
            connection = self._connection or self._connect()
            connection.sendmail(mail.sender, [mail.recipient], mail.message.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise _failure(code, answer) from error
        except smtplib.SMTPResponseException as error:
            if not isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused):
                self.close()
                reason = f"{error.smtp_code} {_text(error.smtp_error)}"
                raise TemporaryFailure(reason, whole_server=True) from error
            raise _failure(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise PermanentFailure(str(error)) from error
        except (OSError, smtplib.SMTPException) as error:  # no connection, or lost in between
            self.close()
            raise TemporaryFailure(f"{type(error).__name__}: {error}", whole_server=True) from error

    def close(self) -> None:
        """Leave the server politely, if it still listens."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        context = tls_context(self.host)
        connection: smtplib.SMTP
        if self.implicit_tls:
            connection = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        else:
            connection = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        self._connection = connection
        connection.ehlo()
        if not self.implicit_tls and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        if self.user:
            connection.login(self.user, self.password)
        return connection


class FolderTransport:
    """Keeps messages as .eml files, which any mail program opens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, mail: Outgoing) -> None:
        """Write the message under the name of its Message-ID; writing it again changes nothing."""
        name = "".join(
            c for c in str(mail.message["Message-ID"]).strip("<>").split("@")[0] if c.isalnum() or c in ".-"
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.folder)
            with os.fdopen(descriptor, "wb") as file:
                file.write(mail.message.as_bytes())
            Path(temporary).replace(self.folder / f"{name}.eml")
        except OSError as error:
            raise TemporaryFailure(str(error), whole_server=True) from error


@contextmanager
def open_transport(settings: Settings) -> Iterator[Transport]:
    """The transport that the settings name; the connection is closed at the end."""
    if settings.mail_url is None:
        yield FolderTransport(settings.var / "mail")
        return
    transport = SmtpTransport(settings.mail_url)
    try:
        yield transport
    finally:
        transport.close()


def tls_context(host: str) -> ssl.SSLContext:
    """Certificates are checked, except on this machine: a local relay's is usually self-made."""
    context = ssl.create_default_context()
    if host in LOOPBACK:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _failure(code: int, reason: bytes | str) -> TemporaryFailure | PermanentFailure:
    text = f"{code} {_text(reason)}"
    if code in AUTHENTICATION or code == 421:  # 421: the server is about to leave
        return TemporaryFailure(text, whole_server=True)
    return PermanentFailure(text) if code >= 500 else TemporaryFailure(text)


def _text(reason: bytes | str) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return header_text(text)
