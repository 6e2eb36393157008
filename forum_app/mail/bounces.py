"""Reports of non-delivery (RFC 3464, in the form of RFC 6522): which of our mails did not arrive, and why.

A report is believed only if it names the Message-ID of a mail that we sent, which nobody but its recipient
has seen, and the address to which that mail went. So a stranger can block nobody.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_string
from email.policy import compat32
from typing import Any

from sqlalchemy import select, update

from forum_app.core.addresses import email_key
from forum_app.db import db
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.receiving import (
    IncomingMail,
    IncomingMessage,
    Outcome,
    content_of,
    handlers,
    header,
)
from forum_app.mail.safe_text import header_text

MOST_REASON = 500
MOST_RECIPIENTS = 50
_STATUS = re.compile(r"([245])\.\d{1,3}\.\d{1,3}")


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of a report. addresses: original and final one. permanent: trying again would not
    help."""

    addresses: tuple[str, ...]
    permanent: bool
    reason: str


def take_bounce(mail: IncomingMail, now: datetime) -> Outcome | None:
    """Mark the mail of ours that came back; None if this is no report of delivery."""
    failures: list[Failure] = []
    ids: list[str] = []
    is_report = False
    for part in mail.parts():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            is_report = True
            failures += list(_failures(part))[:MOST_RECIPIENTS]
        elif kind in ("message/rfc822", "message/global") and is_report:
            ids += [_message_id(inner) for inner in _inner(part)[:1]]
        elif kind in ("text/rfc822-headers", "message/global-headers") and is_report:
            text = content_of(part).decode("utf-8", "replace")[:100_000]
            ids.append(_message_id(message_from_string(text, policy=compat32)))
    if not is_report:
        return None
    for identity in filter(None, ids[:5]):
        sent = db.session.execute(
            select(OutboxMail.id, OutboxMail.to_address).where(OutboxMail.message_id == identity)
        ).first()
        if sent is None:
            continue
        to = email_key(sent.to_address)
        for failure in failures:
            if to not in map(email_key, failure.addresses):
                continue
            if not failure.permanent:
                return Outcome("bounce", "only delayed")
            return _mark(sent.id, failure.reason, now)
    return Outcome("bounce", "no mail of ours")


def _mark(mail_id: int, reason: str, now: datetime) -> Outcome:
    # also one that counts as queued: a report may be faster than the note that the mail was sent
    done = db.session.execute(
        update(OutboxMail)
        .where(OutboxMail.id == mail_id, OutboxMail.bounced_at.is_(None))
        .values(
            state=MailState.FAILED,
            bounced_at=now,
            bounce_reason=reason,
            last_error=reason,
            locked_until=None,
        )
        .execution_options(synchronize_session=False)
    )
    return Outcome("bounce", "marked" if getattr(done, "rowcount", 0) else "marked before")


def _failures(part: IncomingMessage) -> Iterator[Failure]:
    """What the report says of each recipient; the first group is about the message."""
    for group in _inner(part):
        addresses = tuple(
            text.strip().strip("<>")
            for name in ("Original-Recipient", "Final-Recipient")
            for kind, _, text in [header(group, name).partition(";")]
            if kind.strip().lower() in ("rfc822", "utf-8") and "@" in text
        )
        if not addresses:
            continue
        status = header(group, "Status")
        match = _STATUS.search(status)
        action = header(group, "Action").lower()
        reason = header(group, "Diagnostic-Code").partition(";")[2] or status
        yield Failure(
            addresses,
            permanent=action == "failed" and (match is None or match[1] == "5"),
            reason=header_text(f"{status} {reason}" if status not in reason else reason)[:MOST_REASON],
        )


def _inner(part: IncomingMessage) -> list[IncomingMessage]:
    payload: Any = part.get_payload()
    return [one for one in payload if not isinstance(one, str)] if isinstance(payload, list) else []


def _message_id(message: IncomingMessage) -> str:
    return header(message, "Message-ID")[:255]


# --- Reading what came back --------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Undelivered:
    """The latest report for a person's address. reason: in the words of the server that refused the mail."""

    at: datetime
    address: str
    reason: str


def find_undelivered(addresses: Collection[str]) -> Undelivered | None:
    """The last report for one of these addresses, None if none came. Not about which mail: it may have been
    another event's."""
    row = db.session.execute(
        select(OutboxMail.bounced_at, OutboxMail.to_address, OutboxMail.bounce_reason)
        .where(OutboxMail.to_address.in_(sorted(set(addresses))), OutboxMail.bounced_at.is_not(None))
        .order_by(OutboxMail.bounced_at.desc(), OutboxMail.id.desc())
        .limit(1)
    ).first()
    if row is None or row.bounced_at is None:
        return None
    return Undelivered(row.bounced_at, row.to_address, row.bounce_reason or "")


handlers.append(take_bounce)
