"""Changes, gathered for some minutes into one mail per person and event.

A change is only added here, so that nobody waits for anybody; what they come to is seen when the mail is
made: the last word on each thing, and nothing where it is again as it was.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import delete, insert, select, update

from forum_app.core.addresses import email_key
from forum_app.db import Base, db, run
from forum_app.mail.models import MailChange
from forum_app.mail.preferences import Wishes, list_wishes, urgent_from
from forum_app.mail.rendering import gathered_subject, render_mail, whole_text
from forum_app.mail.services import Addressee, one_line, put_into_outbox, reader_of, thread_id
from forum_app.web.formats import bilingual

GATHERED_FOR = timedelta(minutes=10)
URGENT_FOR = timedelta(minutes=1)  # when it begins within three hours
MOST_GROUPS = 50
SEVERAL = "mail/changes"
_CHANGE = insert(Base.metadata.tables[MailChange.__tablename__])
State = Mapping[str, Any]


def queue_change(
    *,
    to: Addressee,
    template: str,
    context: Mapping[str, Any],
    now: datetime,
    topic: str | None = None,
    before: State | None = None,
    after: State | None = None,
    starts_at: datetime | None = None,
    thread: str | None = None,
    locale: str | None = None,
) -> None:
    """Tell of a change, with all that follows within ten minutes, in one mail per person and event.

    topic: what changed ("meeting-7"); of several changes of it the last one is told, none if after them
    it is as before the first; None for something that stands by itself. before, after: what is compared,
    None where it was or is not there; instants are taken as such. starts_at: of the thing, the earlier
    one of two: within three hours of it a minute has to do, and no quiet hours count. The template gets
    also was: the state that the reader knows of.
    """
    reader = reader_of(to, locale, context.get("event"))
    event = context.get("event")
    key, event_id = email_key(reader.address), getattr(event, "id", None)
    known, new = _as_text(before), _as_text(after)
    if topic is None:
        topic, new, was = f"once-{secrets.token_hex(12)}", "", before
    else:
        first = db.session.execute(
            select(MailChange.before)
            .where(MailChange.address_key == key, MailChange.event_id == event_id, MailChange.topic == topic)
            .order_by(MailChange.id)
            .limit(1)
        ).first()
        was = _from_text(first.before if first is not None else known)
    full = {"to": to, "name": reader.name, "was": was, **context}
    words = render_mail(template, reader.locale, full)
    urgent_at = urgent_from(starts_at)
    window = URGENT_FOR if urgent_at is not None and urgent_at <= now else GATHERED_FOR
    run(
        _CHANGE,
        {
            "address_key": key[:320],
            "to_address": reader.address[:320],
            "to_name": one_line(full["name"]),
            "locale": reader.locale,
            "zone": reader.zone,
            "event_id": event_id,
            "group_title": one_line(bilingual(event, "title", reader.locale)) if event is not None else "",
            "topic": topic[:255],
            "before": known,
            "after": new,
            "kind": template,
            "subject": words.subject,
            "body": words.text,
            "thread": thread_id(thread),
            "secret": words.secret,
            "urgent_at": urgent_at,
            "created_at": now,
            "due_at": now + window,
        },
    )


def drop_told(
    *, address: str, event_id: int, topic: str, kinds: Iterable[str], overviews: Collection[str] = ()
) -> None:
    """Forget what waits of a topic for one reader: another mail tells it, in the same transaction.

    overviews: kinds of mails about much at once. While one of them waits nothing is forgotten: it may tell
    how the thing was, and would be the last word on it.
    """
    key = email_key(address)
    waits = select(MailChange.id).where(
        MailChange.address_key == key, MailChange.event_id == event_id, MailChange.kind.in_(list(overviews))
    )
    if overviews and db.session.scalar(waits.limit(1)) is not None:
        return
    db.session.execute(
        delete(MailChange)
        .where(
            MailChange.address_key == key,
            MailChange.event_id == event_id,
            MailChange.topic == topic,
            MailChange.kind.in_(list(kinds)),
        )
        .execution_options(synchronize_session=False)
    )


def make_due_mails(*, now: datetime, most: int = MOST_GROUPS) -> int:
    """Make mails of what was gathered long enough, for up to so many groups; how many groups were seen to.

    Several workers share: one that finds a row locked passes over it.
    """
    due = db.session.execute(
        select(MailChange.address_key, MailChange.event_id)
        .where(MailChange.due_at <= now)
        .group_by(MailChange.address_key, MailChange.event_id)
        .limit(most)
    ).all()
    if not due:
        return 0
    wanted = set(map(tuple, due))
    keys = sorted({str(row.address_key) for row in due})
    rows = db.session.scalars(
        select(MailChange)
        .where(MailChange.address_key.in_(keys))
        .order_by(MailChange.address_key, MailChange.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    wishes = list_wishes({row.to_address for row in rows})
    groups: dict[tuple[str, int | None], list[MailChange]] = {}
    for row in rows:
        groups.setdefault((row.address_key, row.event_id), []).append(row)
    for key, group in groups.items():
        if key in wanted and any(row.due_at <= now for row in group):
            _settle(group, wishes[email_key(group[0].to_address)], now)
    return len(wanted)


def _settle(group: Sequence[MailChange], wishes: Wishes, now: datetime) -> None:
    """One mail of the group, or none, or more patience until its reader is awake."""
    ids = [row.id for row in group]
    urgent = min((row.urgent_at for row in group if row.urgent_at is not None), default=None)
    awake = wishes.awake_at(now, group[-1].zone, urgent)
    if awake > now:
        db.session.execute(
            update(MailChange)
            .where(MailChange.id.in_(ids))
            .values(due_at=awake)
            .execution_options(synchronize_session=False)
        )
        return
    told = list(last_words(group))
    if told:
        _make_mail(told, now)
    db.session.execute(
        delete(MailChange).where(MailChange.id.in_(ids)).execution_options(synchronize_session=False)
    )


def last_words(group: Iterable[MailChange]) -> Iterable[MailChange]:
    """The last change of each topic, in their order; none of what is again as it was."""
    by_topic = sorted(group, key=lambda row: (row.topic, row.id))
    kept = []
    for _, rows in groupby(by_topic, key=lambda row: row.topic):
        changes = list(rows)
        if changes[0].before != changes[-1].after:
            kept.append(changes[-1])
    return sorted(kept, key=lambda row: row.id)


def _make_mail(told: Sequence[MailChange], now: datetime) -> None:
    last = told[-1]
    if len(told) == 1:
        kind, subject, thread, text = last.kind, last.subject, last.thread, last.body
    else:
        kind, thread = SEVERAL, thread_id(f"changes-{last.event_id}")
        subject = gathered_subject(len(told), last.group_title, last.locale)
        text = "\n\n".join(f"{number}. {row.subject}\n\n{row.body}" for number, row in enumerate(told, 1))
    put_into_outbox(
        to_address=last.to_address,
        to_name=last.to_name,
        locale=last.locale,
        kind=kind,
        subject=subject,
        body=whole_text(text, name=last.to_name, locale=last.locale),
        secret=any(row.secret for row in told),
        event_id=last.event_id,
        thread=thread,
        created_at=now,
        next_attempt_at=now,
    )


def _as_text(state: State | None) -> str | None:
    if state is None:
        return None
    return json.dumps(
        {
            key: {"instant": value.astimezone(UTC).isoformat()} if isinstance(value, datetime) else value
            for key, value in state.items()
        },
        sort_keys=True,
        ensure_ascii=True,
    )


def _from_text(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    return {
        key: datetime.fromisoformat(value["instant"]) if isinstance(value, dict) else value
        for key, value in json.loads(text).items()
    }
