"""Keeping an organizer's own words of the forum's mails."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from forum_app.audit.services import record
from forum_app.core.errors import Invalid
from forum_app.core.placeholders import check_placeholders
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.events.services import require
from forum_app.mail.rendering import built_in
from forum_app.mail.services import queue_mail
from forum_app.messages.kinds import MailKind
from forum_app.messages.models import OwnWording
from forum_app.messages.permissions import can_write_messages
from forum_app.messages.samples import sample_context
from forum_app.messages.services import LANGUAGES, MOST_BODY, MOST_SUBJECT
from forum_app.messages.wording_queries import apply_words, wordings_of

Typed = Mapping[str, tuple[str, str]]  # subject and body by language; both empty: the built-in ones


def check_wording(kind: MailKind, typed: Typed) -> None:
    """Raise Invalid unless these words can be the mail."""
    for locale, (subject, body) in typed.items():
        if len(subject) > MOST_SUBJECT or len(body) > MOST_BODY:
            raise Invalid(N_("This text is too long."), field=f"body_{locale}")
        in_subject = tuple(name for name in kind.known if name != "text")
        check_placeholders(subject, in_subject, field=f"subject_{locale}")
        needed = kind.needed if body else ()
        check_placeholders(body, kind.known, field=f"body_{locale}", needed=needed)


def keep_wording(*, actor: Any, event: Event, kind: MailKind, typed: Typed, now: datetime) -> None:
    """Use these words from now on; of a language without any, the built-in ones."""
    require(actor is None or can_write_messages(actor, event))
    check_wording(kind, typed)
    row = db.session.get_one(Event, event.id, with_for_update=True, populate_existing=True)
    known = wordings_of(row.id, kind)
    for locale in LANGUAGES:
        subject, body = typed.get(locale, ("", ""))
        if not subject and not body:
            if locale in known:
                db.session.delete(known[locale])
            continue
        own = known.get(locale)
        if own is None:
            own = OwnWording(event_id=row.id, kind=kind.template, locale=locale)
            db.session.add(own)
        own.subject, own.body, own.changed_at = subject, body, now
        own.changed_by_id = actor.id if actor is not None else None
    _note(actor, row, kind, "messages.wording_changed", now)


def reset_wording(*, actor: Any, event: Event, kind: MailKind, now: datetime) -> None:
    """Back to the built-in words, in both languages."""
    require(can_write_messages(actor, event))
    row = db.session.get_one(Event, event.id, with_for_update=True, populate_existing=True)
    db.session.execute(
        delete(OwnWording).where(OwnWording.event_id == row.id, OwnWording.kind == kind.template)
    )
    _note(actor, row, kind, "messages.wording_reset", now)


def _note(actor: Any, event: Event, kind: MailKind, action: str, now: datetime) -> None:
    db.session.flush()
    some = db.session.scalar(select(select(OwnWording.kind).where(OwnWording.event_id == event.id).exists()))
    event.own_words = bool(some)
    detail = {"kind": kind.template}
    record(actor=actor, action=action, subject=event, event_id=event.id, now=now, detail=detail)


def shown_wording(kind: MailKind, event: Event, locale: str, typed: tuple[str, str]) -> tuple[str, str]:
    """Subject and text of the mail in a language, with these own words, for a made-up recipient."""
    context = sample_context(kind.template, event, locale)
    words = built_in(kind.template, locale, context)
    if any(typed):
        words = apply_words(kind, locale, context, words, subject=typed[0], body=typed[1])
    return words.subject, words.text


def send_wording_test(*, actor: Any, event: Event, kind: MailKind, now: datetime) -> None:
    """Mail it to the actor alone as it is now, in both languages, for a made-up recipient."""
    require(can_write_messages(actor, event))
    kept = wordings_of(event.id, kind)
    for locale in LANGUAGES:
        own = kept.get(locale)
        subject, text = shown_wording(kind, event, locale, (own.subject, own.body) if own else ("", ""))
        context = {
            "event": event,
            "subject": subject,
            "text": text,
            "name": sample_context(kind.template, event, locale)["name"],
        }
        queue_mail(to=actor, template="messages/test", context=context, locale=locale, now=now)
