"""STARTTLS when it is offered, a password only inside it, and no guessing when it is wrong."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from flask import Flask, current_app
from sqlalchemy import select

from forum_app.db import db
from forum_app.mail.jobs import deliver_batch
from forum_app.mail.messages import Sender, build_message
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.transport import SmtpTransport, TemporaryFailure, tls_context
from tests.factories import NOW
from tests.mail.conftest import FreePortController, Mailbox
from tests.mail.test_delivery import at, queue

USER, PASSWORD = "forum@people.example", "p/w:d @x"
URL_USER, URL_PASSWORD = "forum%40people.example", "p%2Fw%3Ad%20%40x"


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-made certificate with its key."""
    folder = tmp_path_factory.mktemp("tls")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not on this machine")
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=relay"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", *options.split(), *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def relay(certificate: Path) -> Iterator[Mailbox]:
    """A server that takes nothing without encryption and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    box = Mailbox()
    controller = FreePortController(
        box,
        hostname="127.0.0.1",
        port=0,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def test_encrypted_and_signed_in(app: Flask, relay: Mailbox) -> None:
    queue()
    url = f"smtp://{URL_USER}:{URL_PASSWORD}@127.0.0.1:{relay.port}"
    transport = SmtpTransport(url, timeout=5)
    deliver_batch(transport, current_app.config["FORUM_SETTINGS"], at(NOW))
    transport.close()
    assert len(relay.messages) == 1


@pytest.mark.parametrize("login", [f"{URL_USER}:wrong@", ""])
def test_wrong_settings_lose_no_mail(app: Flask, relay: Mailbox, login: str) -> None:
    queue(2)
    deliver_batch(
        SmtpTransport(f"smtp://{login}127.0.0.1:{relay.port}", timeout=5),
        current_app.config["FORUM_SETTINGS"],
        at(NOW),
    )
    assert relay.messages == []
    mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert [(mail.state, mail.attempts) for mail in mails] == [(MailState.QUEUED, 1), (MailState.QUEUED, 0)]
    # after a wrong password the server may also just hang up
    assert (mails[0].last_error or "").startswith(("530", "535", "SMTPServerDisconnected"))


def test_elsewhere_certificates_are_checked(
    app: Flask, relay: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tls_context("127.0.0.1").verify_mode == ssl.CERT_NONE
    assert tls_context("mail.example").verify_mode == ssl.CERT_REQUIRED
    monkeypatch.setattr("forum_app.mail.transport.LOOPBACK", ())
    queue()
    mail = db.session.scalars(select(OutboxMail)).one()
    with pytest.raises(TemporaryFailure, match="CERTIFICATE_VERIFY_FAILED"):
        SmtpTransport(f"smtp://127.0.0.1:{relay.port}", timeout=5).send(
            build_message(mail, sender=Sender("no-reply@forum.test", "Forum"))
        )
