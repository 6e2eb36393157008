"""Reading organizers' own words, and putting them in the place of the built-in ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from forum_app.core.errors import Invalid
from forum_app.core.placeholders import fill_placeholders
from forum_app.db import db, run
from forum_app.mail.rendering import Rendered, own_words
from forum_app.mail.safe_text import MOST_SUBJECT, body_text, cut, header_text
from forum_app.messages.kinds import BY_TEMPLATE, MailKind, values_of_kind
from forum_app.messages.models import OwnWording
from forum_app.messages.words import without_signature

_WORDS = select(OwnWording.subject, OwnWording.body).where(
    OwnWording.event_id == bindparam("event_id"),
    OwnWording.kind == bindparam("kind"),
    OwnWording.locale == bindparam("locale"),
)


def list_wordings(event_id: int) -> Sequence[OwnWording]:
    """All own words of an event."""
    return db.session.scalars(select(OwnWording).where(OwnWording.event_id == event_id)).all()


def wordings_of(event_id: int, kind: MailKind) -> dict[str, OwnWording]:
    """Own words of one kind by language."""
    rows = db.session.scalars(
        select(OwnWording).where(OwnWording.event_id == event_id, OwnWording.kind == kind.template)
    )
    return {row.locale: row for row in rows}


def apply_words(
    kind: MailKind, locale: str, context: Mapping[str, Any], built_in: Rendered, *, subject: str, body: str
) -> Rendered:
    """The mail in own words; an empty subject or body is the built-in one. Raises Invalid."""
    values = values_of_kind(kind, context, locale, built_in.text)
    full_subject = fill_placeholders(subject, values | {"text": ""}) if subject else built_in.subject
    full_body = without_signature(fill_placeholders(body, values)) if body else built_in.text
    return Rendered(
        cut(header_text(full_subject), MOST_SUBJECT) or built_in.subject,
        body_text(full_body).strip() or built_in.text,
        built_in.secret,
    )


def in_own_words(template: str, locale: str, context: Mapping[str, Any], built_in: Rendered) -> Rendered:
    """What render_mail() asks for an event that has own words; one statement, none for other kinds."""
    kind = BY_TEMPLATE.get(template)
    if kind is None:
        return built_in
    values = {"event_id": context["event"].id, "kind": template, "locale": locale}
    row = run(_WORDS, values).first()
    if row is None:
        return built_in
    try:
        return apply_words(kind, locale, context, built_in, subject=row.subject, body=row.body)
    except Invalid:  # kept by an older version that knew other placeholders: better ours than none
        return built_in


own_words.append(in_own_words)
