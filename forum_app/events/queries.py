"""Reading events. Everything an outsider asks for by slug goes through get_event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Track


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure on the organizers' dashboard of an event, a link to where the work is done.

    label, hint: English, marked with N_; the dashboard translates them and fills in params.
    value: the figure. endpoint: where the link goes; slug and values are its arguments, and what is
    not an argument of its address becomes a filter in the query string (state="applied").
    waiting: somebody waits for the reader; such tiles come first, as to-dos, but only while value
    is not 0. order: among their own kind.
    """

    label: str
    value: int
    endpoint: str
    hint: str = ""
    waiting: bool = False
    order: int = 50
    values: Mapping[str, object] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)


# What upper features show on the dashboard of an event (/events/<slug>/manage/), since events may not
# ask upwards. A source is called with (user, event, now), returns the tiles that this user may
# act on (nothing for others: organizers, but also vetting officers, reviewers and check-in staff see the
# dashboard), never writes and needs a constant number of SQL statements. To add one, in services,
# permissions or queries of the feature:
#     def registration_tiles(user: Any, event: Event, now: datetime) -> Iterable[Tile]:
#         if has_role(user, event, EventRole.VETTING_OFFICER):
#             yield Tile(N_("Waiting for vetting"), count, "registration.manage_index", waiting=True,
#                        values={"state": "applied"})
#     dashboard_tiles.append(registration_tiles)
TileSource = Callable[[Any, Event, datetime], Iterable[Tile]]
dashboard_tiles: list[TileSource] = []


@dataclass(frozen=True, slots=True)
class Participation:
    """How a person takes part in one event, for "your events" and the button of the event page.

    label: English, marked with N_ ("Approved"). tone: of status_tag. endpoint: where the person sees
    it; slug is its argument.
    """

    label: str
    endpoint: str
    tone: str = "neutral"


# Upper features say in which events a signed-in person takes part: {event id: Participation} of
# those that count now (no cancelled ones), in one SQL statement. A closed event is listed only for
# these people, so an entry here must mean the same as in permissions.takes_part_checks.
participation_sources: list[Callable[[Any], Mapping[int, Participation]]] = []


def list_participations(user: Any) -> dict[int, Participation]:
    """Of all features, by event id; the first source to name an event wins."""
    found: dict[int, Participation] = {}
    if user.is_authenticated:
        for source in participation_sources:
            for event_id, participation in source(user).items():
                found.setdefault(event_id, participation)
    return found


def list_tiles(user: Any, event: Event, now: datetime) -> list[Tile]:
    """What upper features show to user on the dashboard: what waits first."""
    tiles = [tile for source in dashboard_tiles for tile in source(user, event, now)]
    return sorted(tiles, key=lambda tile: (not (tile.waiting and tile.value), tile.order))


def find_event(slug: str) -> Event | None:
    """The event with its series, whoever asks."""
    return db.session.scalar(select(Event).where(Event.slug == slug).options(joinedload(Event.series)))


def get_event_by_slug(slug: str) -> Event:
    """The event, whoever asks; for commands and jobs. Raises NotFound."""
    event = find_event(slug)
    if event is None:
        raise NotFound(N_("There is no such event."))
    return event


def list_grants(user_id: int) -> Sequence[RoleGrant]:
    """All roles of a person at all events."""
    return db.session.scalars(select(RoleGrant).where(RoleGrant.user_id == user_id)).all()


def list_people_with_role(event_id: int, *roles: EventRole) -> Sequence[RoleGrant]:
    """Who has one of the roles at an event, with their users."""
    return db.session.scalars(
        select(RoleGrant)
        .where(RoleGrant.event_id == event_id, RoleGrant.role.in_(roles))
        .options(joinedload(RoleGrant.user))
        .order_by(RoleGrant.id)
    ).all()


def list_rooms(event_id: int) -> Sequence[Room]:
    """Rooms of an event in their order."""
    return db.session.scalars(
        select(Room).where(Room.event_id == event_id).order_by(Room.position, Room.id)
    ).all()


def list_tracks(event_id: int) -> Sequence[Track]:
    """Tracks of an event in their order."""
    return db.session.scalars(
        select(Track).where(Track.event_id == event_id).order_by(Track.position, Track.id)
    ).all()
