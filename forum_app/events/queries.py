"""Reading events. Everything an outsider asks for by slug goes through get_event."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Track


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
