"""Keeping what a feed has shown: read at the beginning of an answer, written only when it changes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from forum_app.agenda.snapshot import PublishedAgenda
from forum_app.calendars.contents import Contents, Part, contents, faces
from forum_app.calendars.feeds import Settled, agenda_parts
from forum_app.calendars.ledger import EMPTY, Face, dumps, loads, settle
from forum_app.calendars.models import Change, FeedToken, Shown
from forum_app.calendars.queries import EventFacts, ShownState, find_shown
from forum_app.db import Base, begun_to_write, db

PATIENCE = 1000  # milliseconds that a reader waits for other writers
NOTHING = Settled(0, "{}")
_SHOWN = Base.metadata.tables[Shown.__tablename__]
# Built once, by the column that says whose it is.
_READ = {
    name: select(_SHOWN.c.version, _SHOWN.c.entries)
    .where(_SHOWN.c[name] == bindparam("number"))
    .with_for_update()
    for name in ("token_id", "event_id")
}
_INSERT = insert(_SHOWN)
_UPDATE = {
    name: update(_SHOWN)
    .where(_SHOWN.c[name] == bindparam("number"))
    .values({key: bindparam(f"new_{key}") for key in ("fingerprint", "entries", "version")})
    for name in ("token_id", "event_id")
}
_TOKENS = Base.metadata.tables[FeedToken.__tablename__]
_NOTE = update(_TOKENS).where(_TOKENS.c.id == bindparam("number")).values(last_used_at=bindparam("used"))
_agendas: dict[int, tuple[PublishedAgenda, EventFacts, Settled]] = {}


def settled_feed(token: FeedToken, held: Contents, uid_domain: str, now: datetime) -> Settled:
    """What an address has shown, now that it shows these contents. Where that has to be written, its
    use is noted as well."""
    shown = find_shown(token_id=token.id)
    if shown is None or shown.fingerprint != held.fingerprint:
        # All is read. Who writes on the connection that read finds its pages still in memory the next time.
        db.session.close()
    return _settled("token_id", token.id, shown, held, uid_domain, now)


def settled_agenda(
    event: EventFacts, agenda: PublishedAgenda | None, uid_domain: str, now: datetime
) -> Settled:
    """What the agenda of an event has shown; nothing is asked as long as neither changes.

    The event's version is among its facts, so that what is the same again after a change is known to
    be another state.
    """
    if agenda is None:
        return NOTHING
    kept = _agendas.get(event.id)
    if kept is not None and kept[0] is agenda and kept[1] == event:
        return kept[2]
    parts: Sequence[Part] = agenda_parts(event, agenda.items, busy=False)
    held = contents(parts, zone=event.timezone, year=event.starts_on.year, name=("", agenda.digest))
    shown = find_shown(event_id=event.id)
    settled = _settled("event_id", event.id, shown, held, uid_domain, now)
    if settled.kept:
        if len(_agendas) >= 16:
            _agendas.clear()
        _agendas[event.id] = (agenda, event, settled)
    return settled


def _settled(
    column: str, number: int, shown: ShownState | None, held: Contents, uid_domain: str, now: datetime
) -> Settled:
    if shown is not None and shown.fingerprint == held.fingerprint:
        return Settled(shown.version, shown.entries)
    looks = faces(held.parts, uid_domain)
    for is_first in (shown is None, False):
        try:
            return _write(column, number, held, looks, now, is_first=is_first)
        except IntegrityError:
            continue  # another reader has made the row meanwhile
        except DBAPIError:
            break  # the database is busy; a calendar is answered all the same
    known = loads(shown.entries) if shown else EMPTY
    records = settle(known, looks, now, held.open_keys.__contains__)
    return Settled(shown.version if shown else 0, records, kept=False)


def _write(
    column: str, number: int, held: Contents, looks: list[Face], now: datetime, *, is_first: bool
) -> Settled:
    """Settle with what is kept now, on a connection of its own: two readers at once do it in turns.

    is_first: nothing is kept yet; raises IntegrityError if there is by now.
    """
    left: Callable[[str], bool] = held.open_keys.__contains__
    with db.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        raw: Any = connection.connection
        if is_sqlite:
            raw.execute(f"PRAGMA busy_timeout={PATIENCE}")
        try:
            with begun_to_write(), connection.begin():
                if not is_sqlite:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE}")
                row = None
                if not is_first:
                    row = connection.execute(_READ[column], {"number": number}).one_or_none()
                records = settle(loads(row.entries) if row else EMPTY, looks, now, left)
                version = row.version + 1 if row else 1
                values = {"fingerprint": held.fingerprint, "entries": dumps(records), "version": version}
                if row is None:
                    connection.execute(_INSERT, {column: number, **values})
                else:
                    new = {f"new_{key}": value for key, value in values.items()}
                    connection.execute(_UPDATE[column], {"number": number, **new})
                if column == "token_id":
                    connection.execute(_NOTE, {"number": number, "used": now})
        finally:
            if is_sqlite:
                raw.execute("PRAGMA busy_timeout=15000")
    return Settled(version, records, used_at=now)


def forget_notes(*, before: int) -> None:
    """Delete notes of changes from before then, in seconds since 1970; the newest one stays, so that no
    later one gets its number."""
    newest = select(func.max(Change.id)).scalar_subquery()
    db.session.execute(
        delete(Change)
        .where(Change.noted_at < before, Change.id < newest)
        .execution_options(synchronize_session=False)
    )
