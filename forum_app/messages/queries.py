"""Reading messages, their recipients and what became of their mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, cast, func, null, select
from sqlalchemy.orm import contains_eager, joinedload

from forum_app.accounts.models import User
from forum_app.agenda.models import Speaker
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.mail.models import MailState, OutboxMail
from forum_app.messages.groups import LANGUAGE, Group, people_of, speakers_of
from forum_app.messages.models import Message, MessageRecipient, MessageState, RecipientState
from forum_app.messages.words import Person
from forum_app.registration.models import Registration
from forum_app.web.tables import Page, TableState, paginate

FIRST = 10  # recipients that are shown before sending
SORTS = {
    "changed": (Message.changed_at, Message.id),
    "state": (Message.state, Message.id),
    "recipients": (Message.recipients, Message.id),
}
# What became of one recipient, as the page tells it. "came_back" is a mail that was sent.
FATES = ("waiting", "queued", "sent", "failed", "came_back", "left")
_PERSON = (
    joinedload(Registration.type),
    contains_eager(Registration.user),
    contains_eager(Registration.organization),
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Who would get a message now. by_language: how many read each of "en" and "ja".

    speakers: how many of them speak without a registration.
    """

    count: int
    by_language: dict[str, int]
    first: Sequence[Person]
    speakers: int = 0


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of a message's mails, in people. waiting: not yet in the outbox. queued: in it."""

    waiting: int = 0
    queued: int = 0
    sent: int = 0
    failed: int = 0
    came_back: int = 0
    left: int = 0


def get_message(event_id: int, message_id: int) -> Message:
    """A message of this event with who wrote and sent it; raises NotFound."""
    row = db.session.scalar(
        select(Message)
        .where(Message.event_id == event_id, Message.id == message_id)
        .options(joinedload(Message.written_by), joinedload(Message.sent_by))
    )
    if row is None:
        raise NotFound(N_("There is no such message at this event."))
    return row


def page_messages(event_id: int, state: TableState) -> Page[Any]:
    """Messages and drafts of an event."""
    statement = select(Message).where(Message.event_id == event_id).options(joinedload(Message.sent_by))
    if "state" in state.filters:
        statement = statement.where(Message.state == MessageState(state.filters["state"]))
    return paginate(statement, state, sorts=SORTS)


def estimate(event_id: int, group: Group, *, optional: bool) -> Estimate:
    """Exactly who would get a message to group now; two statements, four for a group of any speakers."""
    people = people_of(event_id, group, optional=optional)
    counts = _count(people, LANGUAGE, Registration.email_key)
    first: list[Person] = []
    if sum(counts.values()):
        first.extend(list_first(event_id, group, optional=optional))
    if not group.takes_any_speaker:
        return Estimate(sum(counts.values()), counts, first)
    others = _count(speakers_of(event_id, group, optional=optional), User.locale, User.email_key)
    if len(first) < FIRST:
        first.extend(_first_speakers(event_id, group, optional=optional, most=FIRST - len(first)))
    both = {name: counts[name] + others[name] for name in counts}
    return Estimate(sum(both.values()), both, first, sum(others.values()))


def _count(people: Select[Any], language: Any, email_key: Any) -> dict[str, int]:
    """Addresses by the language that is read there."""
    reads = case((language == "ja", "ja"), else_="en").label("reads")
    number = func.count(func.distinct(email_key))
    counts = {"en": 0, "ja": 0}
    counts.update(
        (name, count)
        for name, count in db.session.execute(people.with_only_columns(reads, number).group_by("reads"))
    )
    return counts


def _first_speakers(event_id: int, group: Group, *, optional: bool, most: int) -> Sequence[Speaker]:
    speakers = speakers_of(event_id, group, optional=optional)
    one_each = speakers.with_only_columns(func.max(Speaker.id)).group_by(User.email_key)
    return db.session.scalars(
        speakers.where(Speaker.id.in_(one_each))
        .options(contains_eager(Speaker.user), contains_eager(Speaker.organization))
        .order_by(Speaker.id)
        .limit(most)
    ).all()


def list_first(event_id: int, group: Group, *, optional: bool, most: int = FIRST) -> Sequence[Registration]:
    """The first of those who would get a message, with type, user and organization."""
    return db.session.scalars(
        people_of(event_id, group, optional=optional)
        .where(Registration.id.in_(_one_each(event_id, group, optional=optional)))
        .options(*_PERSON)
        .order_by(Registration.id)
        .limit(most)
    ).all()


def _one_each(event_id: int, group: Group, *, optional: bool) -> Select[Any]:
    """Ids, one for each address: a person who cancelled and came again has several registrations."""
    people = people_of(event_id, group, optional=optional)
    return people.with_only_columns(func.max(Registration.id)).group_by(Registration.email_key)


def recipients_to_be(event_id: int, group: Group, *, optional: bool) -> list[Select[Any]]:
    """Selects of (registration id, speaker id, key of address), in all one row for each address."""
    people = people_of(event_id, group, optional=optional)
    nothing = cast(null(), MessageRecipient.speaker_id.type)
    registered: tuple[Any, ...] = (func.max(Registration.id), nothing, Registration.email_key)
    found = [people.with_only_columns(*registered).group_by(Registration.email_key)]
    if group.takes_any_speaker:
        speakers = speakers_of(event_id, group, optional=optional)
        speaking: tuple[Any, ...] = (nothing, func.max(Speaker.id), User.email_key)
        found.append(speakers.with_only_columns(*speaking).group_by(User.email_key))
    return found


def get_person(event_id: int, registration_id: int) -> Registration | None:
    """A registration of this event as mails need it, with type, user and organization."""
    return db.session.scalar(
        select(Registration)
        .where(Registration.event_id == event_id, Registration.id == registration_id)
        .options(
            joinedload(Registration.type),
            joinedload(Registration.user),
            joinedload(Registration.organization),
        )
    )


def get_speaker(event_id: int, speaker_id: int) -> Speaker | None:
    """A speaker of this event who has an account, as mails need them."""
    return db.session.scalar(
        select(Speaker)
        .join(Speaker.user)
        .where(Speaker.event_id == event_id, Speaker.id == speaker_id)
        .options(contains_eager(Speaker.user), joinedload(Speaker.organization))
    )


def list_speakers(ids: Sequence[int]) -> dict[int, Speaker]:
    """Speakers with an account by id, as mails need them."""
    rows = db.session.scalars(
        select(Speaker)
        .join(Speaker.user)
        .where(Speaker.id.in_(ids))
        .options(contains_eager(Speaker.user), joinedload(Speaker.organization))
    )
    return {row.id: row for row in rows}


def list_registrations(ids: Sequence[int]) -> dict[int, Registration]:
    """Registrations by id, as mails need them."""
    rows = db.session.scalars(
        select(Registration)
        .where(Registration.id.in_(ids))
        .options(
            joinedload(Registration.type),
            joinedload(Registration.user).load_only(User.locale, User.timezone),
            joinedload(Registration.organization),
        )
    )
    return {row.id: row for row in rows}


_fate = case(
    (MessageRecipient.state == RecipientState.WAITING, "waiting"),
    (MessageRecipient.state == RecipientState.LEFT, "left"),
    (OutboxMail.bounced_at.is_not(None), "came_back"),
    (OutboxMail.state == MailState.SENT, "sent"),
    (OutboxMail.state.in_((MailState.FAILED, MailState.DROPPED)), "failed"),
    else_="queued",
)


def count_fates(message_ids: Sequence[int]) -> dict[int, Fates]:
    """What became of the mails of several messages, by message id; one statement."""
    rows = db.session.execute(
        select(MessageRecipient.message_id, _fate.label("fate"), func.count())
        .outerjoin(OutboxMail, OutboxMail.id == MessageRecipient.mail_id)
        .where(MessageRecipient.message_id.in_(message_ids))
        .group_by(MessageRecipient.message_id, "fate")
    )
    counts: dict[int, dict[str, int]] = {number: {} for number in message_ids}
    for number, fate, count in rows:
        counts[number][fate] = count
    return {number: Fates(**count) for number, count in counts.items()}


def page_recipients(message_id: int, state: TableState) -> Page[Any]:
    """Rows (MessageRecipient, fate, OutboxMail id) of a message that was sent; filter "fate"."""
    statement = (
        select(MessageRecipient, _fate.label("fate"), OutboxMail.last_error)
        .outerjoin(OutboxMail, OutboxMail.id == MessageRecipient.mail_id)
        .outerjoin(Registration, Registration.id == MessageRecipient.registration_id)
        .where(MessageRecipient.message_id == message_id)
        .options(
            contains_eager(MessageRecipient.registration).joinedload(Registration.organization),
            joinedload(MessageRecipient.speaker).joinedload(Speaker.organization),
        )
    )
    if "fate" in state.filters:
        statement = statement.where(_fate == state.filters["fate"])
    return paginate(statement, state, sorts={"id": [MessageRecipient.id]})


def list_unfinished_ids() -> Sequence[int]:
    """Messages that were sent and whose mails are not all made."""
    return db.session.scalars(select(Message.id).where(Message.state == MessageState.SENDING)).all()
