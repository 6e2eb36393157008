"""Writing a message, trying it, and sending it to each of its people once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, literal, select, update

from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid
from forum_app.core.placeholders import check_placeholders
from forum_app.core.text import N_
from forum_app.db import after_commit, db
from forum_app.events.models import Event
from forum_app.events.services import require
from forum_app.mail.services import queue_mail, queue_optional
from forum_app.messages.groups import FROM_ORGANIZERS, Group
from forum_app.messages.models import Message, MessageRecipient, MessageState, RecipientState
from forum_app.messages.permissions import can_write_messages
from forum_app.messages.queries import list_registrations, list_speakers, recipients_to_be
from forum_app.messages.words import PLACEHOLDERS, Person, event_values, speak, speaker_for, values_for
from forum_app.queue import queue
from forum_app.registration.models import Registration
from forum_app.registration.queries import list_types

BATCH = 50  # mails that are made in one transaction; others wait so long to write
SENDING = "forum_app.messages.jobs.send"
TEMPLATE = "messages/message"
MOST_SUBJECT = 200
MOST_BODY = 20_000
LANGUAGES = ("en", "ja")


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says; of each language both or neither."""

    subject_en: str = ""
    body_en: str = ""
    subject_ja: str = ""
    body_ja: str = ""


def save_message(
    *,
    actor: Any,
    event: Event,
    words: Words,
    group: Group,
    optional: bool,
    now: datetime,
    message: Message | None = None,
    version: int | None = None,
) -> Message:
    """Keep a draft, a new one if message is None. version: of the draft as it was when it was drawn.

    Raises Invalid for words that cannot be sent, or when somebody else changed the draft meanwhile.
    """
    require(actor is None or can_write_messages(actor, event))
    check_words(words)
    types = {kind.id for kind in list_types(event.id)}
    if not types.issuperset(group.types):
        raise Invalid(N_("There is no such participant type at this event."), field="types")
    if message is None:
        message = Message(event_id=event.id, created_at=now, written_by_id=actor.id if actor else None)
        db.session.add(message)
    _must_be_draft(message)
    if version is not None and version != message.version:
        raise Invalid(
            N_("Somebody else has changed this draft meanwhile. Copy your text, and open the draft again.")
        )
    for name, value in asdict(words).items():
        setattr(message, name, value)
    message.recipient_group, message.optional, message.changed_at = group.as_json(), optional, now
    db.session.flush()
    record(actor=actor, action="messages.saved", subject=message, event_id=event.id, now=now)
    return message


def check_words(words: Words) -> None:
    """Raise Invalid unless words can be sent."""
    for locale in LANGUAGES:
        subject, body = getattr(words, f"subject_{locale}"), getattr(words, f"body_{locale}")
        if bool(subject) != bool(body):
            missing = "body" if subject else "subject"
            raise Invalid(
                N_("Each language needs a subject and a text, or neither."), field=f"{missing}_{locale}"
            )
        if len(subject) > MOST_SUBJECT or len(body) > MOST_BODY:
            raise Invalid(N_("This text is too long."), field=f"body_{locale}")
        check_placeholders(subject, tuple(PLACEHOLDERS), field=f"subject_{locale}")
        check_placeholders(body, tuple(PLACEHOLDERS), field=f"body_{locale}")
    if not (words.body_en or words.body_ja):
        raise Invalid(N_("Write the message in at least one language."), field="subject_en")


def delete_message(*, actor: Any, event: Event, message: Message, now: datetime) -> None:
    """Throw a draft away; what was sent stays."""
    require(can_write_messages(actor, event))
    _must_be_draft(message)
    record(actor=actor, action="messages.deleted", subject=message, event_id=event.id, now=now)
    db.session.delete(message)


def copy_message(*, actor: Any, event: Event, message: Message, now: datetime) -> Message:
    """A new draft with the words and the group of another message."""
    require(can_write_messages(actor, event))
    copy = Message(
        event_id=event.id,
        subject_en=message.subject_en,
        subject_ja=message.subject_ja,
        body_en=message.body_en,
        body_ja=message.body_ja,
        recipient_group=dict(message.recipient_group),
        optional=message.optional,
        written_by_id=actor.id,
        created_at=now,
        changed_at=now,
    )
    db.session.add(copy)
    db.session.flush()
    record(actor=actor, action="messages.saved", subject=copy, event_id=event.id, now=now)
    return copy


def send_test(*, actor: Any, event: Event, message: Message, person: Person | None, now: datetime) -> int:
    """Mail the message to the actor alone, in each language it has, filled in for person; how many mails."""
    require(can_write_messages(actor, event))
    languages = [locale for locale in LANGUAGES if getattr(message, f"body_{locale}")]
    for locale in languages:
        shared = event_values(event, locale)
        nobody = {**shared, "name": actor.name, "organization": "", "type": ""}
        values = values_for(person, locale, shared) if person is not None else nobody
        subject, text = speak(message, locale, values)
        context = {"event": event, "subject": subject, "text": text, "name": values["name"]}
        queue_mail(to=actor, template="messages/test", context=context, locale=locale, now=now)
    return len(languages)


def send_message(*, actor: Any, event: Event, message: Message, version: int, now: datetime) -> int:
    """Fix who gets the message, and have their mails made; how many people. version: as the actor saw it.

    Raises Conflict when it is sent already, was changed meanwhile, or nobody belongs to its group.
    """
    require(can_write_messages(actor, event))
    row = db.session.get_one(Message, message.id, with_for_update=True, populate_existing=True)
    if row.state is not MessageState.DRAFT:
        raise Conflict(N_("This message is sent already."))
    if row.version != version:
        raise Conflict(
            N_("Somebody else has changed this message since you opened it. Look at it again, then send it.")
        )
    number = _fix_recipients(row)
    if not number:
        raise Conflict(N_("Nobody belongs to this group at present, so nothing was sent."))
    row.state, row.recipients, row.sent_by_id, row.sent_at = MessageState.SENDING, number, actor.id, now
    db.session.flush()
    detail = {"recipients": number, "optional": row.optional, "group": row.recipient_group}
    record(actor=actor, action="messages.sent", subject=row, event_id=event.id, now=now, detail=detail)
    message_id = row.id
    after_commit(lambda: queue.enqueue(SENDING, message_id))
    return number


def _fix_recipients(message: Message) -> int:
    """Write down everybody who belongs to the group now."""
    group = Group.from_json(message.recipient_group)
    waiting = literal(RecipientState.WAITING, MessageRecipient.__table__.c.state.type)
    columns = ["registration_id", "speaker_id", "email_key", "message_id", "state"]
    for people in recipients_to_be(message.event_id, group, optional=message.optional):
        chosen = people.add_columns(literal(message.id), waiting)
        db.session.execute(insert(MessageRecipient).from_select(columns, chosen))
    counted = select(func.count()).where(MessageRecipient.message_id == message.id)
    return db.session.scalar(counted) or 0


def make_mails(message_id: int, *, now: datetime, most: int = BATCH) -> int:
    """Put the mails of the next recipients into the outbox; how many were seen to, 0 when none wait.

    For jobs. A recipient's mail and their new state are one transaction, and their row is locked meanwhile,
    so that several workers share and one that dies leaves nothing half done.
    """
    message = db.session.get(Message, message_id)
    if message is None or message.state is not MessageState.SENDING:
        return 0
    waiting: Sequence[MessageRecipient] = db.session.scalars(
        select(MessageRecipient)
        .where(MessageRecipient.message_id == message_id, MessageRecipient.state == RecipientState.WAITING)
        .order_by(MessageRecipient.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    people = list_registrations([row.registration_id for row in waiting if row.registration_id is not None])
    speakers = list_speakers([row.speaker_id for row in waiting if row.speaker_id is not None])
    event = db.session.get_one(Event, message.event_id)
    words = speaker_for(message, event)
    for row in waiting:
        person: Person | None = people.get(row.registration_id or 0) or speakers.get(row.speaker_id or 0)
        row.mail_id = _mail_to(person, message, event, words(person), now) if person is not None else None
        row.state = RecipientState.QUEUED if row.mail_id is not None else RecipientState.LEFT
    return len(waiting)


def _mail_to(
    person: Person, message: Message, event: Event, words: dict[str, Any], now: datetime
) -> int | None:
    """Id of the mail to one person; None when they have left such messages."""
    locale = words.pop("locale")
    context = {"event": event, **words}
    to: Any = person if isinstance(person, Registration) else person.user
    if message.optional:
        mail = queue_optional(
            to=to, template=TEMPLATE, context=context, listed=FROM_ORGANIZERS, locale=locale, now=now
        )
        return mail.id if mail is not None else None
    return queue_mail(to=to, template=TEMPLATE, context=context, locale=locale, now=now).id


def finish_message(message_id: int, *, now: datetime) -> bool:
    """Note that all its mails are made; False while somebody still waits, or it was noted before."""
    waits = (
        select(MessageRecipient.id)
        .where(MessageRecipient.message_id == message_id, MessageRecipient.state == RecipientState.WAITING)
        .exists()
    )
    done = db.session.execute(
        update(Message)
        .where(Message.id == message_id, Message.state == MessageState.SENDING, ~waits)
        .values(state=MessageState.SENT, finished_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(getattr(done, "rowcount", 0))


def _must_be_draft(message: Message) -> None:
    if message.state not in (None, MessageState.DRAFT):
        raise Conflict(N_("This message is sent already."))
