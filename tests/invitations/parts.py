"""What the tests of invitations share: passes of the job, a calendar program by RFC 5546, answers as programs
write them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import count
from typing import Any, NamedTuple

import icalendar
from flask import current_app
from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.db import db, transaction
from forum_app.invitations.jobs import post_of
from forum_app.invitations.models import Invitation
from forum_app.invitations.queries import list_events_in_reach
from forum_app.invitations.services import send_due
from forum_app.mail.models import OutboxMail
from forum_app.mail.receiving import Outcome, receive
from tests.factories import NOW

_number = count(1)
MINUTE = timedelta(minutes=1)


_known: set[str] = set()


def send(now: datetime = NOW, *, thorough: bool = True) -> list[OutboxMail]:
    """A pass of the job over all events; the mails with a calendar since the last one: what it queued, and
    what came with the news that a meeting is set."""
    post = post_of(current_app.config["FORUM_SETTINGS"])
    for event_id in list_events_in_reach(now):
        more = True
        while more:
            with transaction():
                more = send_due(event_id=event_id, post=post, now=now, thorough=thorough)
    new = [mail for mail in invitations() if mail.message_id not in _known]
    _known.update(mail.message_id for mail in new)
    return new


def invitations(address: str | None = None) -> list[OutboxMail]:
    """Mails with a calendar, oldest first."""
    db.session.rollback()
    rows = db.session.scalars(
        select(OutboxMail).where(OutboxMail.calendar.is_not(None)).order_by(OutboxMail.id)
    ).all()
    return [row for row in rows if row.calendar and address in (None, row.to_address)]


def invitation_of(user: User) -> Invitation:
    """The only invitation of a person."""
    db.session.rollback()
    return db.session.scalars(select(Invitation).where(Invitation.user_id == user.id)).one()


def event_of(mail: OutboxMail) -> Any:
    """The VEVENT that a mail carries, as the icalendar library reads it."""
    assert mail.calendar
    (event,) = icalendar.Calendar.from_ical(mail.calendar).walk("VEVENT")
    return event


def method_of(mail: OutboxMail) -> str:
    assert mail.calendar
    return str(icalendar.Calendar.from_ical(mail.calendar)["METHOD"])


class Shown(NamedTuple):
    """An entry in a calendar."""

    start: datetime
    end: datetime
    summary: str
    location: str


class Program:
    """A calendar program that knows nothing but what came by mail, by RFC 5546, 2.1.5 and 3.2.

    Of two messages about one UID the one with the higher SEQUENCE counts, then the later DTSTAMP.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.known: dict[str, tuple[int, datetime, Shown | None]] = {}

    def take(self, content: str | bytes) -> None:
        calendar = icalendar.Calendar.from_ical(content)
        method = str(calendar["METHOD"])
        assert method in ("REQUEST", "CANCEL")
        event: Any = calendar.walk("VEVENT")[0]
        attendees = event["ATTENDEE"] if isinstance(event["ATTENDEE"], list) else [event["ATTENDEE"]]
        assert [str(one).removeprefix("mailto:") for one in attendees] == [self.address]
        uid, order = str(event["UID"]), (int(event["SEQUENCE"]), event["DTSTAMP"].dt)
        known = self.known.get(uid)
        if known is not None and order <= known[:2]:
            return
        shown = None
        if method == "REQUEST":
            shown = Shown(
                event["DTSTART"].dt.astimezone(UTC),
                event["DTEND"].dt.astimezone(UTC),
                str(event["SUMMARY"]),
                str(event.get("LOCATION", "")),
            )
        self.known[uid] = (*order, shown)

    def calendar(self) -> dict[str, Shown]:
        return {uid: shown for uid, (_, _, shown) in self.known.items() if shown is not None}


def answer(
    mail: OutboxMail,
    participation: str = "ACCEPTED",
    *,
    at: datetime = NOW + MINUTE,
    changes: Iterable[tuple[str, str]] = (),
    without: Iterable[str] = (),
    method: str = "REPLY",
    sender: str | None = None,
    to: str | None = None,
    comment: str = "",
    message_id: str | None = None,
    extra: str = "",
) -> bytes:
    """The mail that a calendar program sends back for an invitation.

    changes: replacements in the calendar object. without: properties that the program leaves out.
    """
    event = event_of(mail)
    organizer = str(event["ORGANIZER"]).removeprefix("mailto:")
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Example//Calendar//EN",
        "VERSION:2.0",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{event['UID']}",
        f"SEQUENCE:{event['SEQUENCE']}",
        f"DTSTAMP:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART:{event['DTSTART'].dt.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTEND:{event['DTEND'].dt.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"ORGANIZER:mailto:{organizer}",
        f'ATTENDEE;PARTSTAT={participation};CN="A, Person":mailto:{mail.to_address}',
        *([f"COMMENT:{comment}"] if comment else []),
        *([extra] if extra else []),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    kept = [line for line in lines if not re.match("|".join(without) or "$^", line)]
    content = "\r\n".join(kept)
    for old, new in changes:
        assert old in content
        content = content.replace(old, new)
    message = EmailMessage()
    message["From"] = sender or f"A Person <{mail.to_address}>"
    message["To"] = to or organizer
    message["Subject"] = f"{participation.title()}: {event['SUMMARY']}"
    message["Message-ID"] = message_id or f"<answer-{next(_number)}@program.example>"
    message.set_content("A Person has answered.")
    message.add_alternative(content.encode(), maintype="text", subtype="calendar")
    calendar = list(message.iter_parts())[-1]
    calendar.set_param("method", method)
    calendar.set_param("charset", "UTF-8")
    return bytes(message)


def take(raw: bytes, now: datetime = NOW + MINUTE) -> Outcome:
    """One mail comes in."""
    with transaction():
        return receive(raw=raw, now=now)
