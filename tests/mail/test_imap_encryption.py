"""The mailbox over TLS: a real server, an authority of our own, and certificates that are not good enough."""

import os
import select as readiness
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from forum_app.mail.mailbox_jobs import MailboxTrouble, Taken, read_mailbox
from forum_app.mail.receiving_jobs import read_mail
from tests.factories import NOW
from tests.mail.test_delivery import at, configured
from tests.parts import imap_server


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def _signed(folder: Path, name: str, names: str, authority: str) -> Path:
    """A certificate for some names, with its key in the same file."""
    key, request, extra = (folder / f"{name}.{end}" for end in ("key", "csr", "ext"))
    extra.write_text(f"subjectAltName={names}\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", *curve, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    signed = folder / f"{name}.pem"
    by = ("-CA", folder / f"{authority}.pem", "-CAkey", folder / f"{authority}.key", "-CAcreateserial")
    _openssl("x509", "-req", "-in", request, *by, "-days", "2", "-extfile", extra, "-out", signed)
    signed.write_bytes(signed.read_bytes() + key.read_bytes())
    return signed


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (ours), one that nobody knows, and certificates of both."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not on this machine")
    folder = tmp_path_factory.mktemp("authority")
    for authority in ("ours", "unknown"):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        files = ("-keyout", folder / f"{authority}.key", "-out", folder / f"{authority}.pem")
        constraint = ("-addext", "basicConstraints=critical,CA:TRUE")
        _openssl("req", "-x509", *curve, "-days", "2", "-subj", f"/CN={authority}", *constraint, *files)
    _signed(folder, "good", "IP:127.0.0.1", "ours")
    _signed(folder, "other-name", "DNS:mail.other.example", "ours")
    _signed(folder, "other-authority", "IP:127.0.0.1", "unknown")
    return folder


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways, until one side is done."""
    with suppress(OSError):
        while True:
            waiting = isinstance(one, ssl.SSLSocket) and one.pending() > 0
            ready = [one] if waiting else readiness.select([one, other], [], [])[0]
            for end in ready:
                data = end.recv(65536)
                if not data:
                    return
                (other if end is one else one).sendall(data)


@contextmanager
def encrypted(plain: str, certificate: Path) -> Iterator[str]:
    """The same mailbox behind TLS from the first byte: its imaps address."""
    inner = urlsplit(plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                client, _ = listener.accept()
                with suppress(OSError), client, context.wrap_socket(client, server_side=True) as safe:
                    safe.settimeout(20)
                    with socket.create_connection(
                        (inner.hostname or "", inner.port or 0), timeout=20
                    ) as server:
                        _pass_on(safe, server)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"imaps://{inner.username}:{inner.password}@127.0.0.1:{listener.getsockname()[1]}/INBOX"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[str]:
    with imap_server() as url:
        yield url


@pytest.fixture(autouse=True)
def far_away(monkeypatch: pytest.MonkeyPatch, certificates: Path) -> None:
    """This machine counts as another one, whose certificate has to be good; our authority is trusted."""
    monkeypatch.setattr("forum_app.mail.transport.LOOPBACK", ())
    monkeypatch.setattr("forum_app.mail.mailbox_jobs.LOOPBACK", ())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ours.pem"))
    assert os.environ["SSL_CERT_FILE"]


def test_a_mailbox_is_read_over_tls(app: Flask, mailbox: str, certificates: Path) -> None:
    with encrypted(mailbox, certificates / "good.pem") as url:
        taken = read_mailbox(url, at(NOW))
        assert isinstance(taken, Taken)
        assert not taken.left
        assert read_mailbox(url, at(NOW)) == Taken()  # what was taken is taken


@pytest.mark.parametrize(
    ("certificate", "why"),
    [("other-name", "IP address mismatch"), ("other-authority", "unable to get local issuer certificate")],
)
def test_a_wrong_certificate_is_refused_in_one_line(
    app: Flask,
    mailbox: str,
    certificates: Path,
    certificate: str,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with encrypted(mailbox, certificates / f"{certificate}.pem") as url:
        with pytest.raises(MailboxTrouble, match=why) as trouble:
            read_mailbox(url, at(NOW))
        assert "\n" not in str(trouble.value)
        with configured(app, imap_url=url):
            read_mail()
    (line,) = [record.getMessage() for record in caplog.records if "FORUM_IMAP_URL" in record.getMessage()]
    assert why in line
    assert "a%20long%20word" not in line  # nor the password


def test_no_password_leaves_in_the_clear(app: Flask, mailbox: str) -> None:
    with pytest.raises(MailboxTrouble, match="no encryption"):
        read_mailbox(mailbox, at(NOW))
