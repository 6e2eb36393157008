"""Reminders: which are due, one mail for what one person is reminded of at one moment, each once."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem
from forum_app.agenda.queries import current_agenda
from forum_app.agenda.snapshot import PublishedItem
from forum_app.core.addresses import email_key
from forum_app.core.text import N_
from forum_app.db import Base, db, run
from forum_app.events.models import Event
from forum_app.mail.checks import still_so
from forum_app.mail.lists import optional_lists
from forum_app.mail.preferences import Wishes, list_wishes, urgent_from
from forum_app.mail.services import queue_optional
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingStatus
from forum_app.registration.models import SEATED, Registration
from forum_app.reminders.models import LEADS, OFFERED, Lead, ReminderChoice, SentReminder, Subject
from forum_app.reminders.queries import (
    Coming,
    Key,
    list_choices,
    list_coming,
    list_people,
    list_sent,
    opens_at,
)

REMINDERS = optional_lists.add("reminders", N_("Reminders of events, meetings and agenda items"))
TEMPLATE = "reminders/coming"
KEPT = timedelta(days=60)
_SENT = Base.metadata.tables[SentReminder.__tablename__]
_MARK = {
    "sqlite": sqlite.insert(_SENT).on_conflict_do_nothing().returning(_SENT.c.user_id),
    "postgresql": postgresql.insert(_SENT).on_conflict_do_nothing().returning(_SENT.c.user_id),
}
Due = tuple[Coming, Lead]


def choose_reminders(*, actor: User, wanted: Mapping[Subject, Iterable[Lead]], now: datetime) -> None:
    """What actor wishes to be reminded of, and how long before."""
    row = db.session.get(ReminderChoice, actor.id)
    if row is None:
        row = ReminderChoice(user_id=actor.id, changed_at=now)
        db.session.add(row)
    row.wanted = {
        subject.value: [lead.value for lead in OFFERED[subject] if lead in set(wanted.get(subject, ()))]
        for subject in Subject
    }
    row.changed_at = now


# --- What is due -------------------------------------------------------------------------------------
def list_due(event: Event, now: datetime, only: Collection[int] | None = None) -> dict[int, list[Due]]:
    """Reminders of an event that are to go now, by person. only: see list_coming().

    A reminder is due from its lead before the start on, and goes no more once half of the lead is over,
    or when the person has learned of the thing only since. What comes on one day is told with the first
    of it. During the person's quiet hours only what begins within three hours is due.
    """
    coming = list_coming(event, now, only)
    people = list_people({one.user_id for one in coming})
    choices = list_choices(people)
    wishes = list_wishes(user.email for user in people.values())
    sent = list_sent(now)
    by_person: dict[int, list[Coming]] = defaultdict(list)
    for one in coming:
        if one.user_id in people:
            by_person[one.user_id].append(one)
    due: dict[int, list[Due]] = {}
    for user_id, things in by_person.items():
        user = people[user_id]
        wish = wishes[email_key(user.email)]
        if REMINDERS in wish.off:
            continue
        found = _due_of(things, choices[user_id], sent, now)
        if found and _may_go(found, wish, user, now):
            due[user_id] = found
    return due


def _due_of(
    things: Sequence[Coming], choice: Mapping[Subject, Sequence[Lead]], sent: set[Key], now: datetime
) -> list[Due]:
    open_ones = [
        (one, lead)
        for one in things
        for lead in choice[one.subject]
        if one.known_at <= one.starts_at - LEADS[lead]
        and (one.user_id, one.subject, one.subject_id, lead, one.starts_at) not in sent
    ]
    begun = {(one.day, lead) for one, lead in open_ones if _is_due(one, lead, now)}
    return [
        (one, lead)
        for one, lead in open_ones
        if _is_due(one, lead, now) or (lead is not Lead.HOUR and (one.day, lead) in begun)
    ]


def _is_due(one: Coming, lead: Lead, now: datetime) -> bool:
    length = LEADS[lead]
    return one.starts_at - length <= now < one.starts_at - length / 2


def _may_go(found: Sequence[Due], wish: Wishes, user: User, now: datetime) -> bool:
    first = min(one.starts_at for one, _ in found)
    return wish.awake_at(now, user.timezone, urgent_from(first)) <= now


# --- Sending -----------------------------------------------------------------------------------------
def remind(*, user: User, event: Event, due: Sequence[Due], now: datetime) -> bool:
    """Queue one mail with what is due, each thing once; False if another worker was faster with all."""
    taken = [(one, lead) for one, lead in due if _mark(one, lead, now)]
    if not taken:
        return False
    by_thing = {(one.starts_at, one.subject, one.subject_id): one for one, _ in taken}
    things = [by_thing[key] for key in sorted(by_thing)]
    first = things[0].starts_at
    shown = [one for one in things if one.subject is not Subject.EVENT]
    queued = queue_optional(
        to=user,
        template=TEMPLATE,
        context={
            "event": event,
            "opens": any(one.subject is Subject.EVENT for one in things),
            "meetings": [_met(one) for one in shown if one.subject is Subject.MEETING],
            "items": [one.thing for one in shown if one.subject is Subject.ITEM],
            "first": first,
            "count": len(shown),
            "only": shown[0] if len(shown) == 1 else None,
        },
        listed=REMINDERS,
        thread=f"reminders-{event.id}",
        urgent_at=urgent_from(first),
        useless_after=first,
        facts={
            "user": user.id,
            "things": [
                [one.subject.value, one.subject_id, lead.value, one.starts_at.isoformat(), _place(one.thing)]
                for one, lead in taken
            ],
        },
        now=now,
    )
    return queued is not None


def _met(one: Coming) -> dict[str, Any]:
    meeting = one.thing
    if not isinstance(meeting, Meeting):
        raise TypeError("not a meeting")
    others = [p.registration for p in meeting.participants if p.registration.user_id != one.user_id]
    return {"meeting": meeting, "others": others, "table": meeting.table}


def _mark(one: Coming, lead: Lead, now: datetime) -> bool:
    """Whether it is ours to send: a second worker waits here for the first one's commit, and gets no."""
    values = {
        "user_id": one.user_id,
        "subject": one.subject,
        "subject_id": one.subject_id,
        "lead": lead,
        "starts_at": one.starts_at,
        "sent_at": now,
    }
    return run(_MARK[db.session.get_bind().dialect.name], values).scalar() is not None


# --- Still so when it leaves -------------------------------------------------------------------------
def are_still_coming(facts: Mapping[str, Any]) -> bool:
    """Whether all that a mail reminds of is still as it says; else its marks go, so that what is left of
    it can be told anew."""
    user_id = int(facts["user"])
    things = [
        (Subject(s), int(number), Lead(lead), datetime.fromisoformat(at), *place)
        for s, number, lead, at, *place in facts["things"]
    ]
    if all(_is_so(user_id, subject, number, *rest) for subject, number, _, *rest in things):
        return True
    for subject, number, lead, at, *_ in things:
        db.session.execute(
            delete(SentReminder)
            .where(
                SentReminder.user_id == user_id,
                SentReminder.subject == subject,
                SentReminder.subject_id == number,
                SentReminder.lead == lead,
                SentReminder.starts_at == at,
            )
            .execution_options(synchronize_session=False)
        )
    return False


def _place(thing: Event | Meeting | PublishedItem) -> str:
    """A digest of where it is, as far as a reminder says: facts are kept longer than texts with links."""
    where: tuple[object, ...] = ()
    if isinstance(thing, Meeting):
        where = (thing.table_id, thing.link)
    elif isinstance(thing, PublishedItem) and thing.room is not None:
        where = (thing.room.name_en, thing.room.name_ja)
    return hashlib.sha256(repr(where).encode()).hexdigest()[:16]


def _is_so(
    user_id: int, subject: Subject, number: int, starts_at: datetime, place: str | None = None
) -> bool:
    # place: None in a mail that an older release wrote
    if subject is Subject.EVENT:
        event = db.session.scalar(
            select(Event)
            .join(Registration, Registration.event_id == Event.id)
            .where(
                Event.id == number,
                Event.published_at.is_not(None),
                Registration.user_id == user_id,
                Registration.state.in_(SEATED),
            )
        )
        return event is not None and opens_at(event) == starts_at
    if subject is Subject.MEETING:
        meeting = db.session.scalar(
            select(Meeting)
            .join(MeetingParticipant, MeetingParticipant.meeting_id == Meeting.id)
            .join(Registration, Registration.id == MeetingParticipant.registration_id)
            .where(
                Meeting.id == number,
                Meeting.status == MeetingStatus.CONFIRMED,
                Meeting.starts_at == starts_at,
                Registration.user_id == user_id,
            )
            .execution_options(populate_existing=True)
        )
        return meeting is not None and place in (None, _place(meeting))
    return _item_is_so(number, starts_at, place)


def _item_is_so(number: int, starts_at: datetime, place: str | None) -> bool:
    event = db.session.scalar(
        select(Event).join(AgendaItem, AgendaItem.event_id == Event.id).where(AgendaItem.id == number)
    )
    agenda = current_agenda(event) if event is not None else None
    item = agenda.by_id.get(number) if agenda is not None else None
    if item is None or item.is_cancelled:
        return False
    return item.starts_at == starts_at and place in (None, _place(item))


still_so[TEMPLATE] = are_still_coming


def forget_sent(*, now: datetime) -> None:
    """Marks of what is long over."""
    db.session.execute(delete(SentReminder).where(SentReminder.starts_at < now - KEPT))
