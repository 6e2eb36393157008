"""Mail that comes in: one message is read with care, acts once, and is handed to whoever knows its kind.

Features add a handler to `handlers`; it gets the message inside the running transaction and answers what it
did, or None if the message is not its own. Anybody can write to this address: a handler believes nothing
but what a secret of ours, or a Message-ID of ours, proves.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Any, TypeAlias

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.mail.received_models import ReceivedMail

MOST_BYTES = 4 * 1024 * 1024
MOST_PARTS = 100
MOST_NESTED = 20
MOST_ADDRESSES = 50
KEPT = timedelta(days=400)

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\([^()]*\)")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@\\]{1,120}@[^\s<>()\[\],;:\"@\\]{1,255}")
RECIPIENT_HEADERS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Resent-To")
IncomingMessage: TypeAlias = "Message[Any, Any]"


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """One message. sender: the one address in From, empty if that is not plain. recipients: all addresses
    it may have been sent to. digest: the same for the same message by whatever way it comes."""

    message: IncomingMessage
    sender: str
    recipients: tuple[str, ...]
    digest: str

    def parts(self) -> Iterator[IncomingMessage]:
        """All parts that hold something, attached messages included; at most MOST_PARTS."""
        for number, part in enumerate(self.message.walk()):
            if number >= MOST_PARTS:
                return
            yield part


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message. kind: answer, bounce or other; done: a word or two, kept and printed."""

    kind: str
    done: str


Handler = Callable[[IncomingMail, datetime], Outcome | None]
handlers: list[Handler] = []


def receive(*, raw: bytes, now: datetime) -> Outcome:
    """Take one message in the running transaction; the second time the same one does nothing.

    Raises Invalid for what is no message that can be read.
    """
    mail = read_mail(raw)
    row_id = _note(mail.digest, now)
    if row_id is None:
        return Outcome("other", "received before")
    outcome = Outcome("other", "not for us")
    for handler in handlers:
        found = handler(mail, now)
        if found is not None:
            outcome = found
            break
    db.session.execute(
        update(ReceivedMail)
        .where(ReceivedMail.id == row_id)
        .values(kind=outcome.kind[:20], outcome=outcome.done[:40])
        .execution_options(synchronize_session=False)
    )
    return outcome


def _note(digest: str, now: datetime) -> int | None:
    """The id of the new row, None if the message was here; a second worker waits until the first is done."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(ReceivedMail)
        .values(digest=digest, received_at=now, kind="", outcome="")
        .on_conflict_do_nothing(index_elements=["digest"])
        .returning(ReceivedMail.id)
    )
    return db.session.scalar(statement)


def forget_received(*, now: datetime) -> None:
    """Delete the notes of mail that came long ago; an older copy is stale by any other rule as well."""
    db.session.execute(delete(ReceivedMail).where(ReceivedMail.received_at < now - KEPT))


# --- Reading -----------------------------------------------------------------------------------------
def read_mail(raw: bytes) -> IncomingMail:
    """One RFC 5322 message; raises Invalid for what is none, too large, or built to be slow to read."""
    if len(raw) > MOST_BYTES:
        raise Invalid(N_("The mail is larger than %(most)s MB."), most=MOST_BYTES // 1024 // 1024)
    lowered = raw.lower()
    # each boundary is looked for in each line, and each message in a message is a recursion
    if lowered.count(b"boundary") > MOST_NESTED or lowered.count(b"message/") > 2 * MOST_NESTED:
        raise Invalid(N_("The mail has too many parts."))
    try:
        message = message_from_bytes(raw, policy=compat32)
        if not message.keys() or not (message.get("From") or message.get("Message-ID")):
            raise Invalid(N_("This is not a mail: it has no headers."))
        sender = _single_address(message.get_all("From", []))
        recipients = _addresses(message)
        identity = _header(message, "Message-ID").strip()
    except (RecursionError, LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise Invalid(N_("This mail cannot be read.")) from error
    if 3 <= len(identity) <= 255:
        digest = hashlib.sha256(f"{identity}\0{sender}".encode("utf-8", "surrogatepass")).hexdigest()
    else:
        digest = hashlib.sha256(raw).hexdigest()
    return IncomingMail(message, sender, recipients, digest)


def header(message: IncomingMessage, name: str) -> str:
    """A header on one line, "" if it is missing or unreadable."""
    return " ".join(_header(message, name).split())


def content_of(part: IncomingMessage) -> bytes:
    """The decoded octets of a part; what is broken comes as far as it goes."""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError):
        return b""
    if not isinstance(payload, bytes):
        return b""
    charset = str(part.get_param("charset", "") or "").lower()
    if charset and charset not in ("utf-8", "utf8", "us-ascii"):
        try:
            return payload.decode(charset, "replace").encode("utf-8", "replace")
        except (LookupError, ValueError):
            return payload
    return payload


def _header(message: IncomingMessage, name: str) -> str:
    value = message.get(name)
    return "" if value is None else str(value)


def _single_address(values: list[Any]) -> str:
    """The one address of the one From header; "" if there are several, since programs differ in which
    counts."""
    if len(values) != 1:
        return ""
    text = _COMMENT.sub(" ", _QUOTED.sub(" ", str(values[0])[:2000]))
    inside = re.findall(r"<([^<>]*)>", text)
    if len(inside) > 1 or text.count("<") != text.count(">"):
        return ""
    if "," in re.sub(r"=\?[^?]*\?[bBqQ]\?[^?]*\?=", "", text):
        return ""
    address = (inside[0] if inside else text).strip()
    return address if _ADDRESS.fullmatch(address) else ""


def _addresses(message: IncomingMessage) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in RECIPIENT_HEADERS:
        for value in message.get_all(name, [])[:MOST_ADDRESSES]:
            for address in _ADDRESS.findall(str(value)[:20_000]):
                found[address.lower()] = None
                if len(found) >= MOST_ADDRESSES:
                    return tuple(found)
    return tuple(found)
