"""Mails about requests and meetings: to everybody concerned but the one who acted."""

from datetime import datetime

from forum_app.accounts.models import User
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.mail.services import queue_mail
from forum_app.meetings.models import Meeting, MeetingRequest, MeetingTable
from forum_app.meetings.queries import PRESENT
from forum_app.registration.models import Registration


def notify_request(
    request: MeetingRequest, name: str, *, to: Registration, event: Event, actor: User | None, now: datetime
) -> None:
    """Tell one side of a request (to: the asker, the host, or a colleague of an asked delegation).

    Nothing if it is the one who acted. name: asked, reminder, agreed, declined, withdrawn or expired.
    """
    if to.user is None or (actor is not None and actor.id == to.user_id):
        return
    other = request.host if to.id == request.asker_id else request.asker
    queue_mail(
        to=to.user,
        template=f"meetings/{name}",
        context={"request": request, "event": event, "other": other},
        now=now,
    )


def notify_meeting(meeting: Meeting, name: str, *, actor: User | None, now: datetime) -> None:
    """Tell each participant but the one who acted. name: accepted, moved or cancelled."""
    db.session.flush()
    table = db.session.get(MeetingTable, meeting.table_id) if meeting.table_id is not None else None
    people = [p.registration for p in meeting.participants]
    for person in people:
        if person.user is None or (actor is not None and actor.id == person.user_id):
            continue
        if name != "cancelled" and person.state not in PRESENT:
            continue
        others = [one for one in people if one.id != person.id] or [person]
        queue_mail(
            to=person.user,
            template=f"meetings/{name}",
            context={
                "meeting": meeting,
                "event": meeting.event,
                "other": others[0],
                "others": others,
                "table": table,
            },
            now=now,
        )
