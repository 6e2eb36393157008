"""Queueing a mail: rendered at once, in the recipient's language, in the caller's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid
from typing import Any, Protocol

from sqlalchemy import insert

from forum_app.db import Base, after_commit, run_insert
from forum_app.mail.models import OutboxMail
from forum_app.mail.rendering import message_domain, render_mail
from forum_app.queue import queue

_MAIL = insert(Base.metadata.tables[OutboxMail.__tablename__])
DELIVERY = "forum_app.mail.jobs.deliver_queued"


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


def queue_mail(
    *,
    to: Addressee,
    template: str,
    context: Mapping[str, Any],
    now: datetime,
    locale: str | None = None,
    invitation: Invitation | None = None,
) -> Queued:
    """Put a mail into the outbox of the running transaction().

    template: "<feature>/<name>" below templates/email/. locale: else the recipient's own, else
    English. The template gets to, name (the recipient's, in the script of the mail's language),
    locale, link(endpoint, ...) and the context.
    """
    language = locale or getattr(to, "locale", None) or "en"
    name = _one_line((language == "ja" and getattr(to, "name_native", "")) or to.name)
    subject, body = render_mail(template, language, {"to": to, "name": name, **context})
    mail_id = run_insert(
        _MAIL,
        {
            "message_id": make_msgid(domain=message_domain()),
            "kind": template,
            "to_address": to.email,
            "to_name": name,
            "locale": language,
            "subject": subject,
            "body": body,
            "calendar": invitation.content.decode() if invitation else "",
            "calendar_method": invitation.method if invitation else "",
            "sender_address": invitation.sender if invitation else "",
            "created_at": now,
            "next_attempt_at": now,
        },
    )
    after_commit(lambda: queue.enqueue(DELIVERY))
    return Queued(mail_id)


def _one_line(name: object) -> str:
    return " ".join(str(name or "").split())[:400]
