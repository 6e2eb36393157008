"""Mails about requests and meetings: to everybody concerned but the one who acted.

What is settled is told at once; what changes afterwards is gathered for some minutes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from forum_app.accounts.models import User
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.mail.changes import queue_change
from forum_app.mail.lists import optional_lists
from forum_app.mail.preferences import urgent_from
from forum_app.mail.services import queue_mail, queue_optional
from forum_app.meetings.models import Meeting, MeetingRequest, MeetingTable
from forum_app.meetings.queries import PRESENT
from forum_app.registration.models import Registration

NUDGES = optional_lists.add("requests", N_("Reminders of meeting requests that wait for my answer"))


def notify_request(
    request: MeetingRequest, name: str, *, to: Registration, event: Event, actor: User | None, now: datetime
) -> None:
    """Tell one side of a request (to: the asker, the host, or a colleague of an asked delegation).

    Nothing if it is the one who acted. name: asked, reminder, agreed, declined, withdrawn or expired.
    """
    if to.user is None or (actor is not None and actor.id == to.user_id):
        return
    other = request.host if to.id == request.asker_id else request.asker
    context = {"request": request, "event": event, "other": other}
    template, thread = f"meetings/{name}", f"request-{request.id}"
    if name == "reminder":
        queue_optional(
            to=to.user,
            template=template,
            context=context,
            listed=NUDGES,
            thread=thread,
            urgent_at=urgent_from(request.expires_at),
            useless_after=request.expires_at,
            now=now,
        )
    else:
        queue_mail(to=to.user, template=template, context=context, thread=thread, now=now)


def state_of(meeting: Meeting) -> dict[str, Any]:
    """What people go by; taken before a change, it tells whether anything changed for them."""
    return {
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
        "table_id": meeting.table_id,
        "interpreter_id": meeting.interpreter_id,
        "status": meeting.status.value,
    }


def notify_meeting(
    meeting: Meeting,
    name: str,
    *,
    actor: User | None,
    now: datetime,
    was: Mapping[str, Any] | None = None,
) -> None:
    """Tell each participant but the one who acted.

    name: accepted, which is told at once; moved, cancelled, not_held or on_again, which are gathered.
    was: the meeting's state_of() before the change.
    """
    db.session.flush()
    table = db.session.get(MeetingTable, meeting.table_id) if meeting.table_id is not None else None
    people = [p.registration for p in meeting.participants]
    for person in people:
        if person.user is None or (actor is not None and actor.id == person.user_id):
            continue
        if name != "cancelled" and person.state not in PRESENT:
            continue
        others = [one for one in people if one.id != person.id] or [person]
        context = {
            "meeting": meeting,
            "event": meeting.event,
            "other": others[0],
            "others": others,
            "table": table,
        }
        template = f"meetings/{name}"
        if was is None:
            queue_mail(to=person.user, template=template, context=context, thread=meeting.uid, now=now)
        else:
            queue_change(
                to=person.user,
                template=template,
                context=context,
                topic=f"meeting-{meeting.id}",
                before=was,
                after=state_of(meeting),
                starts_at=min(was["starts_at"], meeting.starts_at),
                thread=meeting.uid,
                now=now,
            )
