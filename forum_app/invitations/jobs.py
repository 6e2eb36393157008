"""Each minute, the calendars of everybody invited are compared with the forum."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import current_app

from forum_app.accounts.models import User
from forum_app.config import Settings
from forum_app.core.errors import Conflict
from forum_app.db import transaction
from forum_app.invitations.messages import Post
from forum_app.invitations.queries import list_events_in_reach
from forum_app.invitations.services import invite_at_once, send_due
from forum_app.mail.services import Addressee, Queued, in_place_of
from forum_app.queue import every, job
from forum_app.web import clock

MOST_BATCHES = 40


def post_of(settings: Settings) -> Post:
    """Where mails say that the forum is."""
    return Post(settings.base_url, settings.mailbox)


@job(schedule=every(minute="*"))
def send_invitations() -> None:
    """Queue invitations, updates and cancellations; safe with several workers, and when run again."""
    post = post_of(current_app.config["FORUM_SETTINGS"])
    for event_id in list_events_in_reach(clock.now()):
        for _ in range(MOST_BATCHES):
            try:
                with transaction():
                    more = send_due(event_id=event_id, post=post, now=clock.now())
            except Conflict:  # an answer came in at this moment; the next minute sees both
                break
            if not more:
                break


SET = "meetings/accepted"


def with_invitation(to: Addressee, context: Mapping[str, Any], now: datetime) -> Queued | None:
    """The mail that a meeting is set, with the invitation in it."""
    meeting = context.get("meeting")
    if not isinstance(to, User) or meeting is None:
        return None
    return invite_at_once(
        user=to,
        meeting_id=meeting.id,
        event=meeting.event,
        template=SET,
        words=context,
        post=post_of(current_app.config["FORUM_SETTINGS"]),
        now=now,
    )


in_place_of[SET] = with_invitation
