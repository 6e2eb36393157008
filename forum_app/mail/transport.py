"""Handing mail over: to an SMTP server, or into a folder where there is none.

A transport raises TemporaryFailure when it is worth trying again, PermanentFailure when it is not.
"""

import os
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from forum_app.config import Settings
from forum_app.mail.safe_text import header_text

TIMEOUT = 20.0  # seconds for each answer of the server
MOST_PER_CONNECTION = 100  # many servers hang up then
MOST_ERROR = 500
LOOPBACK = ("localhost", "127.0.0.1", "::1")
AUTHENTICATION = (530, 534, 535, 538)  # RFC 4954: our settings are wrong, not the mail


class TemporaryFailure(Exception):
    """Try again later. whole_server: the next mail would fare no better just now. lost: the connection
    broke; a new one may do."""

    def __init__(self, reason: str, *, whole_server: bool = False, lost: bool = False) -> None:
        super().__init__(reason[:MOST_ERROR])
        self.whole_server = whole_server
        self.lost = lost


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
        self._sent = 0  # over this connection

    def send(self, mail: Outgoing) -> None:
        """Hand the mail over; it is the server's once this returns."""
        if self._sent >= MOST_PER_CONNECTION:
            self.close()
        connected = False
        try:
            connection = self._connection or self._connect()
            connected = True
            connection.sendmail(mail.sender, [mail.recipient], mail.message.as_bytes())
            self._sent += 1
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
            reason = f"{type(error).__name__}: {error}"
            raise TemporaryFailure(reason, whole_server=not connected, lost=connected) from error

    def close(self) -> None:
        """Leave the server politely, if it still listens."""
        connection, self._connection = self._connection, None
        self._sent = 0
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
