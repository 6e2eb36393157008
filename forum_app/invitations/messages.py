"""An invitation as a message: the calendar object, and the words around it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from forum_app.accounts.models import User
from forum_app.calendars.contents import ItemPart
from forum_app.calendars.entries import Writer
from forum_app.calendars.ledger import Record
from forum_app.core.ical import CalendarAddress, CalendarEntry, Method, Role, Status, render_message
from forum_app.events.models import Event
from forum_app.invitations.models import Invitation as Row
from forum_app.invitations.wanted import Wanted
from forum_app.mail.rendering import built_in
from forum_app.mail.services import Invitation, Queued, Recipient, queue_mail
from forum_app.web.languages import speaking
from forum_app.web.texts import gettext

MOST_SUMMARY = 1000


class Post(NamedTuple):
    """Where the forum is. base_url: without a slash at its end. answer_address: of the mailbox for answers,
    to whose name each invitation's secret is added."""

    base_url: str
    answer_address: str

    def organizer(self, secret: str) -> str:
        """The address that is the organizer of one invitation: sender of the mail and receiver of the
        answer."""
        local, _, domain = self.answer_address.partition("@")
        return f"{local}+{secret}@{domain}"


def queue_invitation(
    *,
    row: Row,
    wanted: Wanted | None,
    template: str,
    event: Event,
    post: Post,
    now: datetime,
    words: Mapping[str, Any] | None = None,
) -> Queued:
    """The mail for what row says now; wanted: the entry, None if it is no longer the person's.

    template: request, update or cancel; with words, which are its context, one of another feature, to which
    we only add how to answer. Sets the summary of row.
    """
    user = row.user
    with speaking(user.locale):
        entry = _entry(row, wanted, event, post)
        forum = CalendarAddress(post.organizer(row.secret), gettext("U.S.-Japan Technology Forums"))
        chair = wanted is not None and wanted.chair
        attendee = CalendarAddress(
            row.address,
            _name(user),
            participation=row.participation,
            rsvp=row.method == Method.REQUEST,
            role=Role.CHAIR if chair else Role.REQUIRED,
        )
        entry = replace(entry, organizer=forum, attendees=(attendee,))
        content = render_message(entry, Method(row.method), language=user.locale)
    row.summary = " ".join(entry.summary.split())[:MOST_SUMMARY]
    same_address = user.email == row.address
    context = {
        "entry": entry,
        "event": event,
        "zone": user.timezone,
        "is_pair": row.meeting_id is not None,
        "gone": wanted is None,
        "details": _details(entry, event) if row.meeting_id is not None else [],
    }
    return queue_mail(
        to=user if same_address else Recipient(row.address, _name(user), user.locale),
        template=f"invitations/{template}" if words is None else template,
        context=context if words is None else words,
        closing="" if words is None else built_in("invitations/answering", user.locale, context).text,
        locale=user.locale,
        now=now,
        invitation=Invitation(content, row.method, forum.email),
        thread=row.uid,
    )


def _entry(row: Row, wanted: Wanted | None, event: Event, post: Post) -> CalendarEntry:
    if wanted is None:  # where and when it is held by now is no longer their business
        return CalendarEntry(
            uid=row.uid,
            sequence=row.sequence,
            dtstamp=row.stamp,
            last_modified=row.stamp,
            created=None,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            zone=event.timezone,
            summary=row.summary,
            status=Status.CONFIRMED,
            transparent=True,
        )
    stamp = int(row.stamp.timestamp())
    record = Record(row.uid, row.sequence, "", "", stamp, 0, 0, event.timezone, "on")
    writer = Writer(row.user.locale, post.base_url)
    part = wanted.part
    if isinstance(part, ItemPart):
        return writer.item(part.item, part.event, record)
    return writer.meeting(part.meeting, part.event, record)


def _details(entry: CalendarEntry, event: Event) -> list[str]:
    """With whom, about what, why not: what the entry says besides what the mail says anyway."""
    said = {entry.url, event.title_en, event.title_ja, ""}
    return [line for line in entry.description.split("\n") if line not in said]


def _name(user: User) -> str:
    return (user.name_native if user.locale == "ja" else "") or user.name
