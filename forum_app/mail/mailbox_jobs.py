"""The forum's mailbox, read over IMAP (RFC 3501): each message once, by one worker at a time.

Two things keep it so: a lease on the mailbox, so that workers take turns, and the note of each message in
the same transaction as what it does (receiving.receive), should a lease run out while its holder still
works.
"""

import hashlib
import imaplib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from sqlalchemy import or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from forum_app.core.errors import Conflict, DomainError
from forum_app.db import db, transaction
from forum_app.mail.received_models import PolledMailbox
from forum_app.mail.receiving import MOST_BYTES, receive
from forum_app.mail.transport import LOOPBACK, tls_context

log = logging.getLogger(__name__)

TIMEOUT = 20.0  # seconds for each answer of the server
LEASE = timedelta(minutes=10)
MARGIN = timedelta(minutes=2)
MOST_AT_ONCE = 500


class MailboxTrouble(Exception):
    """The mailbox cannot be read just now; says why, without the address."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one look into the mailbox did. left: whether there is more."""

    messages: int = 0
    left: bool = False


def read_mailbox(url: str, now: Callable[[], datetime]) -> Taken:
    """Take what is new in the mailbox; nothing if another worker reads it. Raises MailboxTrouble."""
    name = hashlib.sha256(url.encode()).hexdigest()
    begun = now()
    if not _lease(name, begun):
        return Taken()
    try:
        with _opened(url) as connection:
            return _take_new(connection, name, now, begun + LEASE - MARGIN)
    except (imaplib.IMAP4.error, OSError, UnicodeError, ValueError) as error:
        raise MailboxTrouble(f"{type(error).__name__}: {_printable(error)}") from error
    finally:
        _give_back(name, begun)


def _take_new(connection: imaplib.IMAP4, name: str, now: Callable[[], datetime], until: datetime) -> Taken:
    row = db.session.get_one(PolledMailbox, name)
    validity = _uidvalidity(connection)
    last = row.last_uid if row.uidvalidity == validity else 0
    db.session.rollback()
    uids = [uid for uid in _search(connection, last) if uid > last]
    for number, uid in enumerate(uids):
        if number >= MOST_AT_ONCE or now() > until:
            return Taken(number, left=True)
        raw = _fetch(connection, uid)
        try:
            with transaction():
                if raw is not None:
                    outcome = receive(raw=raw, now=now())
                    log.info("mail %s: %s, %s", uid, outcome.kind, outcome.done)
                _note_read(name, validity, uid)
        except Conflict:  # somebody else changes the same at this moment: again at the next look
            return Taken(number, left=True)
        except DomainError as refused:
            log.info("mail %s was not taken: %s", uid, refused)
            with transaction():
                _note_read(name, validity, uid)
        except DBAPIError:
            raise
        except Exception:  # a fault of ours with one message must not keep back all that follow it
            log.exception("mail %s could not be taken", uid)
            with transaction():
                _note_read(name, validity, uid)
            continue  # it stays unseen, for whoever looks after the mailbox
        with suppress(imaplib.IMAP4.error):
            connection.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")
    return Taken(len(uids))


# --- The lease ---------------------------------------------------------------------------------------
def _lease(name: str, now: datetime) -> bool:
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    with transaction():
        db.session.execute(
            insert(PolledMailbox)
            .values(name=name, uidvalidity=0, last_uid=0)
            .on_conflict_do_nothing(index_elements=["name"])
        )
        done = db.session.execute(
            update(PolledMailbox)
            .where(
                PolledMailbox.name == name,
                or_(PolledMailbox.locked_until.is_(None), PolledMailbox.locked_until <= now),
            )
            .values(locked_until=now + LEASE)
            .execution_options(synchronize_session=False)
        )
    return getattr(done, "rowcount", 0) == 1


def _give_back(name: str, begun: datetime) -> None:
    with transaction():
        db.session.execute(
            update(PolledMailbox)
            .where(PolledMailbox.name == name, PolledMailbox.locked_until == begun + LEASE)
            .values(locked_until=None)
            .execution_options(synchronize_session=False)
        )


def _note_read(name: str, validity: int, uid: int) -> None:
    db.session.execute(
        update(PolledMailbox)
        .where(PolledMailbox.name == name)
        .values(uidvalidity=validity, last_uid=uid)
        .execution_options(synchronize_session=False)
    )


# --- IMAP --------------------------------------------------------------------------------------------
@contextmanager
def _opened(url: str) -> Iterator[imaplib.IMAP4]:
    """A connection with the folder selected; the password goes over the net in TLS only."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    context = tls_context(host)
    connection: imaplib.IMAP4
    if parts.scheme == "imaps":
        connection = imaplib.IMAP4_SSL(host, parts.port or 993, ssl_context=context, timeout=TIMEOUT)
    else:
        connection = imaplib.IMAP4(host, parts.port or 143, timeout=TIMEOUT)
    try:
        if parts.scheme == "imap":
            if "STARTTLS" in connection.capabilities:
                connection.starttls(context)
            elif host not in LOOPBACK:
                raise MailboxTrouble("the server offers no encryption; use imaps://")
        connection.login(unquote(parts.username or ""), unquote(parts.password or ""))
        folder = unquote(parts.path.strip("/")) or "INBOX"
        escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
        status, _ = connection.select(f'"{escaped}"')
        if status != "OK":
            raise MailboxTrouble("there is no such folder")
        yield connection
    finally:
        with suppress(imaplib.IMAP4.error, OSError):
            connection.logout()


def _uidvalidity(connection: imaplib.IMAP4) -> int:
    _, data = connection.response("UIDVALIDITY")
    text = data[0] if data else None
    return int(text) if isinstance(text, bytes) and text.isdigit() else 0


def _search(connection: imaplib.IMAP4, last: int) -> list[int]:
    status, data = connection.uid("SEARCH", "UID", f"{last + 1}:*")
    if status != "OK":
        raise MailboxTrouble("the server refused to search")
    return sorted(int(uid) for uid in (data[0] or b"").split())


def _fetch(connection: imaplib.IMAP4, uid: int) -> bytes | None:
    """The message, None if it is gone or too large to be one of ours."""
    _, data = connection.uid("FETCH", str(uid), "(RFC822.SIZE)")
    answers = b" ".join(item for item in data or [] if isinstance(item, bytes))
    size = re.search(rb"RFC822\.SIZE (\d+)", answers)
    if size is None or int(size[1]) > MOST_BYTES:
        log.info("mail %s was not taken: gone, or too large", uid)
        return None
    _, data = connection.uid("FETCH", str(uid), "(BODY.PEEK[])")
    for item in data or []:
        if isinstance(item, tuple) and len(item) == 2:
            return bytes(item[1])
    return None


def _printable(error: BaseException) -> str:
    return "".join(c for c in str(error) if c.isprintable())[:300]
