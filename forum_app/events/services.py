"""Use cases of events: the event itself, its publication, its series, and who works on it."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import String, delete, func, inspect, select
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.accounts.queries import find_user_by_email
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import Base, db, violated
from forum_app.events.models import ROLE_LABELS, Event, EventRole, RoleGrant, Series, Visibility
from forum_app.events.permissions import (
    can_create_event,
    can_know_event,
    can_manage_event,
    forget_roles,
)
from forum_app.events.queries import count_uses, find_event, list_people_with_role
from forum_app.mail.services import queue_mail
from forum_app.web.languages import is_zone

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")
RESERVED_SLUGS = frozenset({"new", "series"})  # /events/new and /events/series/ are pages of their own
FIRST_YEAR, LAST_YEAR = 1950, 2100
LONGEST_DAYS = 60


class EventValues(TypedDict, total=False):
    """What may be given to create_event and update_event; all but zone, days and a title optional.

    timezone, second_timezone: IANA names. registration_*_at: aware instants. Texts are plain.
    """

    series: Series | None
    edition: int | None
    title_en: str
    title_ja: str
    summary_en: str
    summary_ja: str
    timezone: str
    second_timezone: str | None
    starts_on: date
    ends_on: date
    venue_en: str
    venue_ja: str
    address_en: str
    address_ja: str
    visibility: Visibility
    registration_opens_at: datetime | None
    registration_closes_at: datetime | None
    antitrust_en: str
    antitrust_ja: str
    privacy_en: str
    privacy_ja: str
    photo_en: str
    photo_ja: str


def get_event(slug: str, user: Any) -> Event:
    """The event if it exists for user, else NotFound; every /events/<slug>/... begins with it."""
    event = find_event(slug)
    if event is None or not can_know_event(user, event):
        raise NotFound(N_("There is no such event, or it is not open to you."))
    return event


def require(allowed: bool) -> None:
    """Refuse unless allowed. An actor of None is the system itself: seeding and commands."""
    if not allowed:
        raise PermissionDenied(N_("You are not allowed to do this."))


def check_slug(slug: str) -> str:
    """slug if it can stand in an address; raises Invalid."""
    if not SLUG.fullmatch(slug):
        raise Invalid(
            N_("Use lower-case letters a to z, digits and hyphens, at most 80, no hyphen at the ends."),
            field="slug",
        )
    if slug in RESERVED_SLUGS:
        raise Invalid(N_("This address is taken by a page of its own. Choose another."), field="slug")
    return slug


def check_lengths(row: Base) -> None:
    """Refuse text that is longer than its column; forms say it earlier, imports do not."""
    for column in inspect(type(row)).columns:
        value = getattr(row, column.key)
        kind = column.type
        if isinstance(kind, String) and kind.length and isinstance(value, str) and len(value) > kind.length:
            raise Invalid(
                N_("This is too long: at most %(most)s characters."), field=column.key, most=kind.length
            )


def check_named(row: Any, name: str) -> None:
    """Refuse a row without <name>_en and <name>_ja: at least one language."""
    if not getattr(row, f"{name}_en") and not getattr(row, f"{name}_ja"):
        raise Invalid(N_("Fill in at least one of the two languages."), field=f"{name}_en")


def flush_unique(constraint: str, taken: Invalid) -> None:
    """Write now; a violation of the unique constraint becomes taken, however close the race was."""
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, constraint):
            raise taken from error
        raise


def _check_event(event: Event) -> None:
    check_named(event, "title")
    check_lengths(event)
    for field in ("timezone", "second_timezone"):
        zone = getattr(event, field)
        if zone is not None and not is_zone(zone):
            raise Invalid(N_("This time zone is not known. Use a name such as Asia/Tokyo."), field=field)
    for field in ("starts_on", "ends_on", "registration_opens_at", "registration_closes_at"):
        moment = getattr(event, field)
        if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise Invalid(
                N_("The year must be between %(first)s and %(last)s."),
                field=field,
                first=FIRST_YEAR,
                last=LAST_YEAR,
            )
    if event.ends_on < event.starts_on:
        raise Invalid(N_("The last day must not be before the first."), field="ends_on")
    if (event.ends_on - event.starts_on).days >= LONGEST_DAYS:
        raise Invalid(N_("An event lasts at most %(days)s days."), field="ends_on", days=LONGEST_DAYS)
    opens, closes = event.registration_opens_at, event.registration_closes_at
    if opens is not None and closes is not None and closes <= opens:
        raise Invalid(N_("The registration must close after it opens."), field="registration_closes_at")


def create_event(*, actor: User | None, slug: str, now: datetime, **values: Unpack[EventValues]) -> Event:
    """A new event, not yet published. Administrators; None is the system itself.

    Raises Invalid (a slug that is taken or cannot stand in an address, an unknown zone, days or
    window out of order, no title).
    """
    require(actor is None or can_create_event(actor))
    event = Event(slug=check_slug(slug), created_at=now, version=1, visibility=Visibility.PUBLIC)
    for column in inspect(Event).columns:
        if isinstance(column.type, String) and not column.nullable and getattr(event, column.key) is None:
            setattr(event, column.key, "")
    if not {"timezone", "starts_on", "ends_on"} <= values.keys():
        raise Invalid(N_("An event needs a time zone, a first and a last day."))
    for name, value in values.items():
        setattr(event, name, value)
    _check_event(event)
    db.session.add(event)
    flush_unique(
        "uq_events_event_slug", Invalid(N_("This address is already taken by another event."), field="slug")
    )
    record(actor=actor, action="event.created", subject=event, event_id=event.id, now=now)
    return event


def update_event(
    *,
    actor: User | None,
    event: Event,
    now: datetime,
    expected_version: int | None = None,
    **values: Unpack[EventValues],
) -> Event:
    """Change what is given. The slug never changes, since people hold on to addresses.

    expected_version: version the form was filled from; raises Conflict when somebody changed the
    event since. Raises Invalid as create_event.
    """
    require(actor is None or can_manage_event(actor, event))
    if expected_version is not None and expected_version != event.version:
        raise Conflict(
            N_("Somebody else changed this event while you were writing. Load the page again and repeat.")
        )
    if "series" in values and values["series"] is not event.series:
        require(actor is None or can_create_event(actor))  # joining a series speaks for all its editions
    changed = sorted(name for name, value in values.items() if getattr(event, name) != value)
    for name, value in values.items():
        setattr(event, name, value)
    _check_event(event)
    if changed:
        record(
            actor=actor,
            action="event.changed",
            subject=event,
            event_id=event.id,
            now=now,
            detail={"fields": changed},
        )
    return event


def publish_event(*, actor: User | None, event: Event, now: datetime) -> None:
    """Let it be seen, as its visibility says; nothing happens if it is published already."""
    require(actor is None or can_manage_event(actor, event))
    if event.published_at is None:
        event.published_at = now
        record(actor=actor, action="event.published", subject=event, event_id=event.id, now=now)


def unpublish_event(*, actor: User | None, event: Event, now: datetime) -> None:
    """Back to a draft, which only its staff can see; nothing happens if it is one."""
    require(actor is None or can_manage_event(actor, event))
    if event.published_at is not None:
        event.published_at = None
        record(actor=actor, action="event.unpublished", subject=event, event_id=event.id, now=now)


def create_series(
    *, actor: User | None, slug: str, now: datetime, name_en: str = "", name_ja: str = ""
) -> Series:
    """A new series. Administrators; raises Invalid (slug taken or wrong, no name)."""
    require(actor is None or can_create_event(actor))
    series = Series(slug=check_slug(slug), name_en=name_en, name_ja=name_ja)
    check_named(series, "name")
    check_lengths(series)
    db.session.add(series)
    flush_unique(
        "uq_events_series_slug", Invalid(N_("This address is already taken by another series."), field="slug")
    )
    record(actor=actor, action="series.created", subject=series, now=now)
    return series


def update_series(
    *, actor: User | None, series: Series, now: datetime, name_en: str = "", name_ja: str = ""
) -> None:
    """Rename a series; its slug stays."""
    require(actor is None or can_create_event(actor))
    series.name_en, series.name_ja = name_en, name_ja
    check_named(series, "name")
    check_lengths(series)
    record(actor=actor, action="series.changed", subject=series, now=now)


def delete_series(*, actor: User | None, series: Series, now: datetime) -> None:
    """Remove a series without editions; raises Conflict when it has some."""
    require(actor is None or can_create_event(actor))
    if count_uses(series):
        raise Conflict(N_("This series has editions. Take them out of it first."))
    record(actor=actor, action="series.deleted", subject=series, now=now)
    db.session.delete(series)


def grant_role(*, actor: User | None, event: Event, user: User, role: EventRole, now: datetime) -> RoleGrant:
    """Give user a role and tell them by mail; the grant there is, if they have it already.

    Organizers and administrators; None is the system itself, which sends no mail.
    """
    require(actor is None or can_manage_event(actor, event))
    known = _find_grant(event, user, role)
    if known is not None:
        return known
    grant = RoleGrant(event_id=event.id, user_id=user.id, role=role, granted_at=now, user=user)
    db.session.add(grant)
    flush_unique(
        "uq_events_role_grant_event_id_user_id_role",
        Invalid(N_("This person already has this role."), field="email"),
    )
    forget_roles(db.session())
    _tell(actor, event, grant, "granted", now)
    return grant


def grant_role_by_email(
    *, actor: User | None, event: Event, email: str, role: EventRole, now: datetime
) -> RoleGrant:
    """As grant_role, for an address typed by an organizer; raises Invalid when nobody has it."""
    require(actor is None or can_manage_event(actor, event))
    user = find_user_by_email(email)
    if user is None or user.verified_at is None or user.disabled_at is not None:
        raise Invalid(
            N_("Nobody has an account with this address. Ask the person to sign up first."), field="email"
        )
    if _find_grant(event, user, role) is not None:
        raise Invalid(N_("This person already has this role."), field="email")
    return grant_role(actor=actor, event=event, user=user, role=role, now=now)


def revoke_role(*, actor: User | None, event: Event, grant: RoleGrant, now: datetime) -> None:
    """Take a role back and tell the person by mail.

    Raises Conflict when it would leave the event without an organizer (administrators may).
    """
    require(actor is None or can_manage_event(actor, event))
    # two organizers who remove one another at once wait for one another here
    db.session.execute(select(Event.id).where(Event.id == event.id).with_for_update())
    if db.session.scalar(select(func.count()).where(RoleGrant.id == grant.id)) == 0:
        raise NotFound(N_("There is no such role."))
    if grant.role == EventRole.ORGANIZER and actor is not None and not actor.is_admin:
        organizers: Sequence[RoleGrant] = list_people_with_role(event.id, EventRole.ORGANIZER)
        if len(organizers) == 1:
            raise Conflict(
                N_("An event needs an organizer. Give somebody else the role first, or ask an administrator.")
            )
    _tell(actor, event, grant, "revoked", now)
    db.session.execute(delete(RoleGrant).where(RoleGrant.id == grant.id))
    db.session.expunge(grant)
    forget_roles(db.session())


def _find_grant(event: Event, user: User, role: EventRole) -> RoleGrant | None:
    return db.session.scalar(
        select(RoleGrant).where(
            RoleGrant.event_id == event.id, RoleGrant.user_id == user.id, RoleGrant.role == role
        )
    )


def _tell(actor: User | None, event: Event, grant: RoleGrant, what: str, now: datetime) -> None:
    record(
        actor=actor,
        action=f"role.{what}",
        subject=grant,
        event_id=event.id,
        now=now,
        detail={"user_id": grant.user_id, "role": grant.role.value},
    )
    if actor is not None and actor.id != grant.user_id:
        queue_mail(
            to=grant.user,
            template=f"events/role_{what}",
            context={"event": event, "role": ROLE_LABELS[grant.role]},
            now=now,
        )
