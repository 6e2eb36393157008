"""Attempts slowed in the database, so that all workers and machines slow together.

A key may try a few times within a window. A window that was used up locks the key until the window
ends, and the next window is twice as long. For an account that makes at most 80 guesses in 30 days,
below the 100 in a row that NIST SP 800-63B-4, section 3.2.2, allows; a success forgets them all.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Insert, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from forum_app.accounts.models import Attempt
from forum_app.core.errors import DomainError
from forum_app.core.text import N_
from forum_app.db import db, run

GRAIN = timedelta(seconds=10)  # two workers that open a window at once meet on the same row


@dataclass(frozen=True, slots=True)
class Rule:
    """tries per window; first: length of the first window; longest window; memory: what counts."""

    name: str
    tries: int
    first: timedelta
    longest: timedelta
    memory: timedelta

    def length(self, used_up: int) -> timedelta:
        """Length of the window that follows used_up windows that were used up."""
        return min(self.longest, self.first * (1 << min(used_up, 20)))


MONTH, DAY, HOUR, MINUTE = timedelta(days=30), timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SIGN_IN_ADDRESS = Rule("sign-in address", 5, MINUTE, MONTH, MONTH)
SIGN_IN_CLIENT = Rule("sign-in client", 50, 5 * MINUTE, HOUR, DAY)
MAIL_ADDRESS = Rule("mail address", 3, 10 * MINUTE, HOUR, DAY)
MAIL_CLIENT = Rule("mail client", 30, 10 * MINUTE, HOUR, DAY)


class TooManyAttempts(DomainError):
    """Locked for now (429). until: when it may be tried again."""

    def __init__(self, until: datetime) -> None:
        super().__init__(N_("Too many attempts. Please wait a while, then try again."))
        self.until = until


def client_key(address: str | None) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network of one customer (/64)."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def admit(rule: Rule, whom: str, now: datetime) -> None:
    """Count one try of whom before it is made; raises TooManyAttempts while whom is locked.

    Counting first, in one conditional statement, leaves no gap for many tries at once.
    """
    key = _key(rule, whom)
    windows = db.session.execute(
        select(Attempt.window_starts_at, Attempt.count)
        .where(Attempt.key == key, Attempt.window_starts_at > now - rule.memory)
        .order_by(Attempt.window_starts_at.desc())
    ).all()
    used_up = sum(count >= rule.tries for _, count in windows)
    if windows:
        starts_at, count = windows[0]
        ends_at = starts_at + rule.length(used_up - (count >= rule.tries))
        if now < ends_at:
            if count >= rule.tries or not _raise_count(key, starts_at, rule.tries):
                raise TooManyAttempts(ends_at)
            return
    starts_at = now - timedelta(seconds=now.timestamp() % GRAIN.total_seconds())
    statement = _insert_if_new().values(key=key, window_starts_at=starts_at, count=1)
    # the row that comes back says that this try opened the window; a row count may be unknown (-1)
    opened = db.session.scalar(statement.returning(Attempt.count))
    if not opened and not _raise_count(key, starts_at, rule.tries):
        raise TooManyAttempts(starts_at + rule.length(used_up))


def forgive(rule: Rule, whom: str) -> None:
    """Forget all tries of whom: they have shown who they are."""
    db.session.execute(delete(Attempt).where(Attempt.key == _key(rule, whom)))


def take_back(rule: Rule, whom: str, now: datetime) -> None:
    """Uncount the try that was admitted last, since it succeeded."""
    key = _key(rule, whom)
    latest = (
        select(Attempt.window_starts_at)
        .where(Attempt.key == key, Attempt.window_starts_at > now - rule.memory)
        .order_by(Attempt.window_starts_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    db.session.execute(
        update(Attempt)
        .where(Attempt.key == key, Attempt.window_starts_at == latest, Attempt.count > 0)
        .values(count=Attempt.count - 1)
        .execution_options(synchronize_session=False)
    )


def forget_old(now: datetime) -> None:
    """Delete windows that no rule looks at any more."""
    db.session.execute(delete(Attempt).where(Attempt.window_starts_at < now - MONTH))


def _raise_count(key: str, starts_at: datetime, most: int) -> bool:
    statement = (
        update(Attempt)
        .where(Attempt.key == key, Attempt.window_starts_at == starts_at, Attempt.count < most)
        .values(count=Attempt.count + 1)
        .execution_options(synchronize_session=False)
    )
    return run(statement).rowcount == 1


def _key(rule: Rule, whom: str) -> str:
    return hashlib.sha256(f"{rule.name}\0{whom}".encode()).hexdigest()


def _insert_if_new() -> Insert:
    dialect = db.session.get_bind().dialect.name
    if dialect == "postgresql":
        return postgresql.insert(Attempt).on_conflict_do_nothing()
    if dialect == "sqlite":
        return sqlite.insert(Attempt).on_conflict_do_nothing()
    return insert(Attempt)
