"""Sending invitations: what each calendar has is compared with what it should have, and the difference is
mailed.

One row per person and entry says what was sent last. A pass over an event holds the event's Pass row, so two
workers take turns, and row and mail are written in one transaction: a mail is in the outbox if and only if
the row says so. SEQUENCE rises with time, place and cancellation, DTSTAMP with each message (RFC 5546,
2.1.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.ical import Method, Participation
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.invitations.messages import Post, queue_invitation
from forum_app.invitations.models import Invitation, Pass, Refusal, new_secret
from forum_app.invitations.queries import is_invited, list_ids, list_sent, state_of
from forum_app.invitations.wanted import Wanted, is_current, list_wanted, list_wanted_meeting
from forum_app.mail.changes import drop_told
from forum_app.mail.services import Queued

MOST_AT_ONCE = 50
# names of rooms, people and organizations change rarely and leave no trace in the event's own rows
ALL_AGAIN = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
# what waits to be told of the same change says nothing that the invitation does not
TOLD = ("meetings/moved", "meetings/cancelled", "meetings/on_again", "agenda/moved", "agenda/cancelled")
OVERVIEWS = ("timetable/published",)


# --- The job's use case ------------------------------------------------------------------------------
def send_due(*, event_id: int, post: Post, now: datetime, thorough: bool = False) -> bool:
    """Queue what is due for one event, at most MOST_AT_ONCE mails; True when there is more.

    Costs three small statements when nothing has changed since the last pass. thorough: compare in any case.
    """
    event = db.session.get(Event, event_id)
    if event is None:
        return False
    turn = _take_turn(event_id, now)
    state = state_of(event)
    if not thorough and turn.seen == state and now - turn.checked_at < ALL_AGAIN:
        return False
    messages = _differences(event, now)
    for message in messages[:MOST_AT_ONCE]:
        message.send(event, post, now)
    if len(messages) > MOST_AT_ONCE or any(message.again for message in messages):
        turn.seen = ""
        return True
    turn.seen, turn.checked_at = state, now
    return False


def invite_at_once(
    *,
    user: User,
    meeting_id: int,
    event: Event,
    template: str,
    words: Mapping[str, Any],
    post: Post,
    now: datetime,
) -> Queued | None:
    """Put the invitation to a new meeting into the mail that tells of it (template, with words as its
    context), so that one mail comes and not two. None for whoever wants no invitations, or has this one."""
    found = [one for one in list_wanted_meeting(event, meeting_id, now) if one.user.id == user.id]
    if not found or found[0].cancelled or is_invited(user.id, found[0].uid):
        return None
    row = _new_row(found[0], event, now.replace(microsecond=0))
    return queue_invitation(
        row=row, wanted=found[0], template=template, event=event, post=post, now=now, words=words
    )


def _take_turn(event_id: int, now: datetime) -> Pass:
    """The event's row, locked; another worker waits here until this one has committed."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        insert(Pass)
        .values(event_id=event_id, seen="", checked_at=now)
        .on_conflict_do_nothing(index_elements=["event_id"])
    )
    return db.session.scalars(
        select(Pass)
        .where(Pass.event_id == event_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


# --- What to send ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Message:
    """One mail to write. row None: the first one of this entry. again: another one follows in the next
    pass."""

    row: Invitation | None
    wanted: Wanted | None
    method: Method
    moved: bool
    retimed: bool
    again: bool = False

    def send(self, event: Event, post: Post, now: datetime) -> None:
        """Write row and mail."""
        wanted = self.wanted
        row = self.row
        stamp = now.replace(microsecond=0)
        template = "cancel" if self.method == Method.CANCEL else "update"
        if row is None:
            if wanted is None:
                raise ValueError("nobody to invite")
            row = _new_row(wanted, event, stamp)
            template = "request"
        elif row.method == Method.CANCEL:
            template = "request"
            row.participation = Participation.NEEDS_ACTION
        if self.row is not None:
            row.sequence = max(row.sequence + self.moved, wanted.sequence if wanted and self.moved else 0)
            row.stamp = max(stamp, row.stamp + SECOND)
            if self.retimed:
                row.participation = Participation.NEEDS_ACTION
        row.method = self.method
        if wanted is not None:
            if row.address != wanted.user.email:
                row.address, row.secret = wanted.user.email, new_secret()
            row.starts_at, row.ends_at = wanted.starts_at, wanted.ends_at
            row.placed, row.shown = wanted.placed, wanted.shown
        queue_invitation(row=row, wanted=wanted, template=template, event=event, post=post, now=now)
        if wanted is not None:
            drop_told(
                address=row.address, event_id=event.id, topic=wanted.topic, kinds=TOLD, overviews=OVERVIEWS
            )


def _new_row(wanted: Wanted, event: Event, stamp: datetime) -> Invitation:
    row = Invitation(
        user_id=wanted.user.id,
        event_id=event.id,
        uid=wanted.uid,
        meeting_id=wanted.meeting_id,
        item_id=wanted.item_id,
        address=wanted.user.email,
        secret=new_secret(),
        method=Method.REQUEST,
        sequence=wanted.sequence,
        stamp=stamp,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        summary="",
        placed=wanted.placed,
        shown=wanted.shown,
        participation=Participation.NEEDS_ACTION,
    )
    row.user = wanted.user
    db.session.add(row)
    return row


def _differences(event: Event, now: datetime) -> list[Message]:
    """What has to be sent so that each calendar has what it should have, cancellations first."""
    before = list_ids(event.id)  # an invitation may come with a meeting that we do not see yet
    wanted = {(one.user.id, one.uid): one for one in list_wanted(event, now)}
    rows = {(row.user_id, row.uid): row for row in list_sent(event.id, now, {uid for _, uid in wanted})}
    messages: list[Message] = []
    for key, one in wanted.items():
        messages += _difference(rows.get(key), one)
    for key, row in rows.items():
        if key in wanted or row.id not in before:
            continue
        if row.method == Method.REQUEST and row.user.disabled_at is None:
            messages.append(Message(row, None, Method.CANCEL, moved=True, retimed=False))
    return sorted(messages, key=lambda message: message.method != Method.CANCEL)


def _difference(row: Invitation | None, wanted: Wanted) -> list[Message]:
    if row is None:
        if wanted.cancelled:  # nobody was invited, so nobody has to be told
            return []
        return [Message(None, wanted, Method.REQUEST, moved=False, retimed=False)]
    if row.method == Method.CANCEL:
        if wanted.cancelled:
            return []
        return [Message(row, wanted, Method.REQUEST, moved=True, retimed=True)]
    if row.address != wanted.user.email:
        # out of the calendar of the old address; the next pass invites the new one
        return [Message(row, None, Method.CANCEL, moved=True, retimed=False, again=not wanted.cancelled)]
    if wanted.cancelled:
        return [Message(row, wanted, Method.CANCEL, moved=True, retimed=False)]
    if not is_current(row.shown):
        row.placed, row.shown = wanted.placed, wanted.shown
    if row.shown == wanted.shown:
        return []
    retimed = (row.starts_at, row.ends_at) != (wanted.starts_at, wanted.ends_at)
    return [Message(row, wanted, Method.REQUEST, moved=row.placed != wanted.placed, retimed=retimed)]


# --- The person's choice -----------------------------------------------------------------------------
def want_invitations(*, actor: User, wanted: bool, now: datetime) -> bool:
    """Whether actor gets invitations by mail from now on; False if it was so already.

    Whoever wants none is sent a last mail per coming entry, which takes it out of their calendar again.
    """
    refusal = db.session.get(Refusal, actor.id)
    if (refusal is None) == wanted:
        return False
    if refusal is None:
        db.session.add(Refusal(user_id=actor.id, since=now))
    else:
        db.session.delete(refusal)
    record(
        actor=actor,
        action="invitations.switched_on" if wanted else "invitations.switched_off",
        subject=actor,
        now=now,
    )
    return True
