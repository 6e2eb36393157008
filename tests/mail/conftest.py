"""A real SMTP server in a thread that answers as it is told."""

import email
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from threading import Lock
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """What came in, and the answers to give: per recipient a list used up one by one, then 250."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.answers: dict[str, list[str]] = {}
        self.recipient_answers: dict[str, list[str]] = {}
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        with self.lock:
            if self.recipient_answers.get(address):
                return self.recipient_answers[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        with self.lock:
            for address in envelope.rcpt_tos:
                if self.answers.get(address):
                    return self.answers[address].pop(0)
            content: Any = envelope.content
            message: Any = email.message_from_bytes(content, policy=policy.default)
            self.messages.append(message)
            self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        return "250 OK"


class FreePortController(Controller):
    """A controller that may listen on any free port: it asks the socket which one it is."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = FreePortController(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()
