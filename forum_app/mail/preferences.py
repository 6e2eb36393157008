"""What an address wishes to get, and when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from forum_app.core.addresses import email_key
from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.mail.lists import optional_lists
from forum_app.mail.models import MailPreference
from forum_app.mail.quiet import URGENT, USUAL_FROM, USUAL_UNTIL, awake_at

DAY = 24 * 60
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Wishes:
    """Of one address. off: optional lists it left. quiet_from, quiet_until: minutes after midnight."""

    off: frozenset[str] = frozenset()
    quiet_from: int = USUAL_FROM
    quiet_until: int = USUAL_UNTIL

    def awake_at(self, now: datetime, zone: str, urgent_at: datetime | None = None) -> datetime:
        """When a mail that can wait may go: now, in the morning, or as soon as it is urgent."""
        morning = awake_at(now, zone, self.quiet_from, self.quiet_until)
        return morning if urgent_at is None else max(now, min(morning, urgent_at))


def urgent_from(starts_at: datetime | None) -> datetime | None:
    """From when on something about what starts then is urgent."""
    return starts_at - URGENT if starts_at is not None else None


def wishes_of(address: str) -> Wishes:
    """The wishes of one address; the usual ones if it said nothing."""
    return list_wishes([address])[email_key(address)]


def list_wishes(addresses: Iterable[str]) -> dict[str, Wishes]:
    """Wishes by key of address; one statement for each five hundred."""
    keys = sorted({email_key(address) for address in addresses})
    found = {key: Wishes() for key in keys}
    for start in range(0, len(keys), MOST_ROWS):
        part = keys[start : start + MOST_ROWS]
        for row in db.session.scalars(select(MailPreference).where(MailPreference.address_key.in_(part))):
            found[row.address_key] = Wishes(frozenset(row.off), row.quiet_from, row.quiet_until)
    return found


def set_quiet_hours(*, address: str, quiet_from: int, quiet_until: int, now: datetime) -> None:
    """Quiet hours of an address, in minutes after midnight; equal for none."""
    if not (0 <= quiet_from < DAY and 0 <= quiet_until < DAY):
        raise Invalid(N_("Quiet hours begin and end at a time of day."), field="quiet_from")
    row = _row(address, now)
    row.quiet_from, row.quiet_until, row.changed_at = quiet_from, quiet_until, now


def set_lists(*, address: str, wanted: Collection[str], now: datetime) -> None:
    """Of the lists there are, leave all that are not wanted."""
    row = _row(address, now)
    row.off = sorted(name for name in optional_lists if name not in wanted)
    row.changed_at = now


def leave_list(*, address: str, name: str, now: datetime) -> None:
    """No more mails of that list to the address; twice is as good as once."""
    row = _row(address, now)
    row.off = sorted({*row.off, name})
    row.changed_at = now


def join_list(*, address: str, name: str, now: datetime) -> None:
    """Take part in the list again."""
    row = _row(address, now)
    row.off = sorted({*row.off} - {name})
    row.changed_at = now


def move_wishes(*, former: str, address: str, now: datetime) -> None:
    """The wishes of an address that somebody exchanged for another go along."""
    old = db.session.get(MailPreference, email_key(former))
    if old is not None:
        row = _row(address, now)
        row.off, row.quiet_from, row.quiet_until = list(old.off), old.quiet_from, old.quiet_until
        row.changed_at = now
        db.session.delete(old)


def _row(address: str, now: datetime) -> MailPreference:
    key = email_key(address)
    row = db.session.get(MailPreference, key)
    if row is not None:
        return row
    row = MailPreference(
        address_key=key, off=[], quiet_from=USUAL_FROM, quiet_until=USUAL_UNTIL, changed_at=now
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:  # two clicks at once: the other one made it
        return db.session.get_one(MailPreference, key)
    return row
