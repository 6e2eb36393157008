"""Reading events. Everything an outsider asks for by slug goes through get_event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, not_, or_, select, true
from sqlalchemy.orm import joinedload

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import Base, Lookup, db, run
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Series, Track, Visibility
from forum_app.web.tables import Page, TableState, contains, paginate


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


# Statements that nearly every page runs are built once: building one costs as much as running it.
_EVENT_BY_SLUG = Lookup(Event, select(Event).where(Event.slug == bindparam("slug")))


def find_event(slug: str) -> Event | None:
    """The event, whoever asks."""
    return _EVENT_BY_SLUG.one_or_none({"slug": slug})


def get_event_by_slug(slug: str) -> Event:
    """The event, whoever asks; for commands and jobs. Raises NotFound."""
    event = find_event(slug)
    if event is None:
        raise NotFound(N_("There is no such event."))
    return event


_GRANTS = select(RoleGrant.event_id, RoleGrant.role).where(RoleGrant.user_id == bindparam("user_id"))


def list_grants(user_id: int) -> Sequence[tuple[int, EventRole]]:
    """All roles of a person: event id and role."""
    db.session.flush()
    rows: Sequence[Any] = run(_GRANTS, {"user_id": user_id}).all()
    return [(row.event_id, row.role) for row in rows]


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


def get_room(event_id: int, room_id: int) -> Room:
    """The room of this event; raises NotFound, for rooms of other events too."""
    room = db.session.scalar(select(Room).where(Room.id == room_id, Room.event_id == event_id))
    if room is None:
        raise NotFound(N_("There is no such room."))
    return room


def get_track(event_id: int, track_id: int) -> Track:
    """The track of this event; raises NotFound, for tracks of other events too."""
    track = db.session.scalar(select(Track).where(Track.id == track_id, Track.event_id == event_id))
    if track is None:
        raise NotFound(N_("There is no such track."))
    return track


def get_grant(event_id: int, grant_id: int) -> RoleGrant:
    """The role granted at this event, with its user; raises NotFound."""
    grant = db.session.scalar(
        select(RoleGrant)
        .where(RoleGrant.id == grant_id, RoleGrant.event_id == event_id)
        .options(joinedload(RoleGrant.user))
    )
    if grant is None:
        raise NotFound(N_("There is no such role."))
    return grant


def list_staff(event_id: int) -> Sequence[RoleGrant]:
    """All roles at an event with their users."""
    return list_people_with_role(event_id, *EventRole)


def count_uses(row: Base) -> int:
    """How many rows of any feature point to row, but for those that go with it (a calendar's address);
    asks the schema, since events know no upper feature."""
    column = row.__table__.c["id"]
    keys = [
        key.parent
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column is column and key.ondelete != "CASCADE"
    ]
    counts = [
        select(func.count()).select_from(key.table).where(key == row.id).scalar_subquery()  # type: ignore[attr-defined]
        for key in keys
    ]
    return sum(db.session.execute(select(*counts)).one()) if counts else 0


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One thing that an event still lacks. label: English, marked with N_."""

    label: str
    endpoint: str


def list_setup_steps(event: Event) -> list[SetupStep]:
    """What is missing before an event can go well, most important first; two statements."""
    has_room = db.session.scalar(select(select(Room.id).where(Room.event_id == event.id).exists()))
    roles = set(db.session.scalars(select(RoleGrant.role).where(RoleGrant.event_id == event.id).distinct()))
    steps = (
        (not (event.venue_en and event.venue_ja), N_("Name the venue in both languages"), "events.edit"),
        (not (event.title_en and event.title_ja), N_("Give the title in both languages"), "events.edit"),
        (
            not (event.summary_en and event.summary_ja),
            N_("Write the summary in both languages"),
            "events.edit",
        ),
        (
            event.registration_opens_at is None and event.registration_closes_at is None,
            N_("Set when the registration opens and closes"),
            "events.edit",
        ),
        (
            not (event.privacy_en and event.privacy_ja),
            N_("Write the privacy notice in both languages"),
            "events.texts",
        ),
        (
            not (event.antitrust_en and event.antitrust_ja),
            N_("Write the antitrust statement in both languages"),
            "events.texts",
        ),
        (not has_room, N_("Add the rooms"), "events.rooms"),
        (EventRole.ORGANIZER not in roles, N_("Name an organizer"), "events.roles"),
        (EventRole.VETTING_OFFICER not in roles, N_("Name a vetting officer"), "events.roles"),
    )
    return [SetupStep(label, endpoint) for missing, label, endpoint in steps if missing]


def list_series() -> Sequence[tuple[Series, int]]:
    """All series by name, each with the number of its editions."""
    rows = db.session.execute(
        select(Series, func.count(Event.id))
        .outerjoin(Event, Event.series_id == Series.id)
        .group_by(Series.id)
        .order_by(Series.name_en, Series.name_ja, Series.id)
    ).all()
    return [(series, count) for series, count in rows]


def find_series(slug: str) -> Series | None:
    """The series, or None."""
    return db.session.scalar(select(Series).where(Series.slug == slug))


def get_series(slug: str) -> Series:
    """The series; raises NotFound."""
    series = find_series(slug)
    if series is None:
        raise NotFound(N_("There is no such series."))
    return series


def not_over(now: datetime) -> ColumnElement[bool]:
    """Events whose last day, in their own zone, is not over; one statement reads the zones in use."""
    zones_by_day: dict[date, list[str]] = {}
    for zone in db.session.scalars(select(Event.timezone).distinct()):
        zones_by_day.setdefault(now.astimezone(ZoneInfo(zone)).date(), []).append(zone)
    conditions = [
        and_(Event.timezone.in_(zones), Event.ends_on >= day) for day, zones in zones_by_day.items()
    ]
    return or_(false(), *conditions)


def _listed() -> ColumnElement[bool]:
    return and_(Event.published_at.is_not(None), Event.visibility == Visibility.PUBLIC)


def _mine(user: Any, participations: Mapping[int, Participation]) -> ColumnElement[bool]:
    """Events that user works on, and published ones that user takes part in."""
    if not user.is_authenticated:
        return false()
    works_on = Event.id.in_(select(RoleGrant.event_id).where(RoleGrant.user_id == user.id))
    takes_part = and_(Event.published_at.is_not(None), Event.id.in_(participations))
    return or_(works_on, takes_part)


def _visible(user: Any, participations: Mapping[int, Participation]) -> ColumnElement[bool]:
    if user.is_authenticated and user.is_admin:
        return true()
    return or_(_listed(), _mine(user, participations))


def page_of_events(
    user: Any, state: TableState, participations: Mapping[int, Participation], now: datetime
) -> Page[Event]:
    """What user may find: listed events and the own ones, those to come unless filter when is "past"."""
    statement = select(Event).where(_visible(user, participations)).options(joinedload(Event.series))
    running = not_over(now)
    statement = statement.where(not_(running) if state.filters.get("when") == "past" else running)
    if state.q:
        pattern = contains(state.q)
        columns = (
            Event.title_en,
            Event.title_ja,
            Event.venue_en,
            Event.venue_ja,
            Event.slug,
        )
        statement = statement.where(or_(*[column.ilike(pattern, escape="\\") for column in columns]))
    return paginate(statement, state, sorts={"starts_on": [Event.starts_on, Event.id]})


def list_upcoming(now: datetime, *, limit: int) -> Sequence[Event]:
    """Listed events that are not over, soonest first."""
    return _events(select(Event).where(_listed(), not_over(now)), limit, descending=False)


def list_recent(now: datetime, *, limit: int) -> Sequence[Event]:
    """Listed events that are over, latest first."""
    return _events(select(Event).where(_listed(), not_(not_over(now))), limit, descending=True)


def list_own_events(
    user: Any, participations: Mapping[int, Participation], now: datetime, *, limit: int
) -> Sequence[Event]:
    """Events user works on or takes part in that are not over, soonest first."""
    if not user.is_authenticated:
        return []
    statement = select(Event).where(_mine(user, participations), not_over(now))
    return _events(statement, limit, descending=False)


def list_editions(
    event: Event, user: Any, participations: Mapping[int, Participation], *, limit: int
) -> Sequence[Event]:
    """Other editions of the event's series that user may find, latest first."""
    if event.series_id is None:
        return []
    statement = select(Event).where(
        Event.series_id == event.series_id, Event.id != event.id, _visible(user, participations)
    )
    return _events(statement, limit, descending=True)


def _events(statement: Select[Any], limit: int, *, descending: bool) -> Sequence[Event]:
    order = (Event.starts_on, Event.id)
    ordered = statement.order_by(*[c.desc() if descending else c.asc() for c in order])
    return db.session.scalars(ordered.limit(limit).options(joinedload(Event.series))).all()
