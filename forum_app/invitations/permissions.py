"""Who sees who answered what."""

from typing import Any

from forum_app.core.ical import Participation
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.queries import Tile, dashboard_tiles
from forum_app.invitations.queries import count_answers


def can_see_answers(user: Any, event: Event) -> bool:
    """Organizers of the event."""
    return can_manage_event(user, event)


def answer_tiles(user: Any, event: Event, now: Any) -> list[Tile]:
    """The organizers' dashboard: who declined what they were invited to, and it still stands."""
    if not can_see_answers(user, event):
        return []
    declined = count_answers(event.id)[Participation.DECLINED]
    if not declined:
        return []
    return [
        Tile(
            N_("Declined invitations"),
            declined,
            "invitations.manage_index",
            waiting=True,
            order=73,
            values={"answer": Participation.DECLINED.value},
        )
    ]


dashboard_tiles.append(answer_tiles)
