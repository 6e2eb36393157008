"""Queueing a mail: rendered at once, in the recipient's language, in the caller's transaction."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid
from typing import Any, Protocol

from sqlalchemy import insert

from forum_app.db import Base, after_commit, run_insert
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.preferences import wishes_of
from forum_app.mail.rendering import message_domain, render_mail, whole_text
from forum_app.mail.safe_text import MOST_NAME, cut, header_text
from forum_app.queue import queue

_MAIL = insert(Base.metadata.tables[OutboxMail.__tablename__])
DELIVERY = "forum_app.mail.jobs.deliver_queued"
MOST_ADDRESS = 320
NO_THREAD = re.compile(r"[^A-Za-z0-9.-]+")


class Addressee(Protocol):
    """Who a mail is for: a User, a Registration, or a Recipient."""

    @property
    def email(self) -> Any: ...
    @property
    def name(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody without a row of their own. locale: "en" or "ja"."""

    email: str
    name: str
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A calendar object that goes with a mail. content: VCALENDAR. method: its METHOD (RFC 5546). sender: the
    address of the forum that is its ORGANIZER, since programs compare the two (RFC 6047, 3)."""

    content: bytes
    method: str
    sender: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A mail in the outbox. id: of its OutboxMail, which is not loaded."""

    id: int


@dataclass(frozen=True, slots=True)
class Reader:
    """The recipient as a mail sees them. zone: IANA, of their quiet hours."""

    address: str
    name: str
    locale: str
    zone: str


def reader_of(to: Addressee, locale: str | None = None, event: Any = None) -> Reader:
    """Who gets it: their language (else English), their name in its script, their zone (else the event's)."""
    language = locale or getattr(to, "locale", None) or "en"
    name = (language == "ja" and getattr(to, "name_native", "")) or to.name
    account = getattr(to, "user", None)
    zone = getattr(to, "timezone", None) or getattr(account, "timezone", None)
    return Reader(
        str(to.email), one_line(name), language, zone or getattr(event, "timezone", None) or "Asia/Tokyo"
    )


# Upper features that send a mail of ours themselves, with something more: called by template with to, context
# and now; None leaves the mail to us.
in_place_of: dict[str, Callable[[Addressee, Mapping[str, Any], datetime], Queued | None]] = {}


def queue_mail(
    *,
    to: Addressee,
    template: str,
    context: Mapping[str, Any],
    now: datetime,
    locale: str | None = None,
    invitation: Invitation | None = None,
    thread: str | None = None,
    reply_to: str | None = None,
    closing: str = "",
) -> Queued:
    """Put a mail into the outbox of the running transaction(); it leaves as soon as that is committed.

    template: "<feature>/<name>" below templates/email/: subject and text, without greeting and end.
    locale: else the recipient's own, else English. The template gets to, name (the recipient's, in the
    script of the mail's language), locale, link(endpoint, ...) and the context; an event there is the
    one whose organizers see the mail. thread: a name for what it is about; mails of one thread refer to
    one Message-ID, so that they stand together. reply_to: an address, else the forum's office. closing: text
    after that of the template, whoever wrote it.
    """
    if invitation is None and (other := in_place_of.get(template)) is not None:
        queued = other(to, context, now)
        if queued is not None:
            return queued
    return _queue(
        reader_of(to, locale, context.get("event")),
        to,
        template,
        context,
        now,
        next_attempt_at=now,
        closing=closing,
        thread=thread_id(thread),
        reply_to=reply_to,
        calendar=invitation.content.decode() if invitation else None,
        calendar_method=invitation.method if invitation else None,
        sender_address=invitation.sender if invitation else None,
    )


def queue_optional(
    *,
    to: Addressee,
    template: str,
    context: Mapping[str, Any],
    listed: str,
    now: datetime,
    locale: str | None = None,
    thread: str | None = None,
    reply_to: str | None = None,
    urgent_at: datetime | None = None,
    useless_after: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Queued | None:
    """queue_mail() for mail that its reader may leave; None if they did.

    listed: a name in lists.optional_lists; the mail bears List-Unsubscribe. It waits for the end of the
    reader's quiet hours, but not longer than until urgent_at. useless_after: not sent from then on.
    facts: for checks.still_so of this template.
    """
    reader = reader_of(to, locale, context.get("event"))
    wishes = wishes_of(reader.address)
    if listed in wishes.off:
        return None
    return _queue(
        reader,
        to,
        template,
        context,
        now,
        next_attempt_at=wishes.awake_at(now, reader.zone, urgent_at),
        thread=thread_id(thread),
        reply_to=reply_to,
        listed=listed,
        useless_after=useless_after,
        facts=dict(facts) if facts is not None else None,
    )


def _queue(
    reader: Reader,
    to: Addressee,
    template: str,
    context: Mapping[str, Any],
    now: datetime,
    *,
    next_attempt_at: datetime,
    closing: str = "",
    **values: Any,
) -> Queued:
    full = {"to": to, "name": reader.name, **context}
    words = render_mail(template, reader.locale, full)
    name = one_line(full["name"])
    mail_id = put_into_outbox(
        to_address=reader.address,
        to_name=name,
        locale=reader.locale,
        kind=template,
        subject=words.subject,
        body=whole_text(
            words.text,
            name=name,
            locale=reader.locale,
            closing=closing,
            answerable=values.get("sender_address") is not None,
        ),
        secret=words.secret,
        event_id=getattr(context.get("event"), "id", None),
        created_at=now,
        next_attempt_at=next_attempt_at,
        **values,
    )
    return Queued(mail_id)


def put_into_outbox(*, to_address: str, **values: Any) -> int:
    """A row of the outbox from columns that are tidy already; returns its id, and wakes the worker."""
    if len(to_address) > MOST_ADDRESS:
        values |= {"state": MailState.FAILED, "last_error": "not a mail address"}
    identity = make_msgid(domain=message_domain())
    mail_id = run_insert(_MAIL, {"message_id": identity, "to_address": to_address[:MOST_ADDRESS], **values})
    if values["next_attempt_at"] <= values["created_at"]:
        after_commit(lambda: queue.wake(DELIVERY))
    return mail_id


def thread_id(thread: str | None) -> str | None:
    """The Message-ID to which the mails about one thing refer; no mail bears it itself."""
    if not thread:
        return None
    return f"<{NO_THREAD.sub('.', thread)[:150]}.thread@{message_domain()}>"


def one_line(name: object) -> str:
    """A name as it may stand in a header."""
    return cut(header_text(str(name or "")), MOST_NAME)
