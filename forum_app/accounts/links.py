"""Single-use links sent by mail: 256 random bits, of which only the digest is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from forum_app.accounts.models import MailedLink, Purpose, User
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db, run

LIFETIMES = {
    Purpose.VERIFY: timedelta(hours=24),
    Purpose.RESET: timedelta(hours=1),
    Purpose.EMAIL: timedelta(hours=24),
}
KEPT = timedelta(days=30)
MOST_TOKEN = 100


def digest(secret: str) -> str:
    """SHA-256 hex of a random secret; a slow hash would add nothing to 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_link(
    user: User,
    purpose: Purpose,
    now: datetime,
    *,
    next_path: str | None = None,
    pending: dict[str, Any] | None = None,
    browser_hash: str | None = None,
) -> str:
    """Add a link of user (a flushed row) and return its secret, which is mailed and kept nowhere."""
    token = secrets.token_urlsafe(32)
    db.session.add(
        MailedLink(
            user_id=user.id,
            purpose=purpose,
            token_hash=digest(token),
            next_path=next_path,
            pending=pending or {},
            browser_hash=browser_hash,
            created_at=now,
            expires_at=now + LIFETIMES[purpose],
        )
    )
    return token


def find_link(token: str, purpose: Purpose, now: datetime) -> MailedLink | None:
    """The open link with that secret."""
    if len(token) > MOST_TOKEN:
        return None
    return db.session.scalar(
        select(MailedLink).where(
            MailedLink.token_hash == digest(token),
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.expires_at > now,
        )
    )


def latest_sign_up(user: User) -> MailedLink | None:
    """The newest link of a sign-up that was not confirmed, open or expired."""
    return db.session.scalar(
        select(MailedLink)
        .where(
            MailedLink.user_id == user.id,
            MailedLink.purpose == Purpose.VERIFY,
            MailedLink.used_at.is_(None),
        )
        .order_by(MailedLink.id.desc())
        .limit(1)
    )


def use_link(token: str, purpose: Purpose, now: datetime) -> MailedLink:
    """Use up the link, once and for all; raises NotFound when it is used, expired or unknown."""
    link = find_link(token, purpose, now)
    if link is not None:
        statement = (
            update(MailedLink)
            .where(MailedLink.id == link.id, MailedLink.used_at.is_(None))
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        )
        if run(statement).rowcount == 1:
            return link
    raise NotFound(N_("This link was used before or is too old. Ask for a new one."))


def void_links(user: User, now: datetime, *, purpose: Purpose | None = None) -> None:
    """Make all open links of user worthless, or those for one purpose."""
    statement = update(MailedLink).where(MailedLink.user_id == user.id, MailedLink.used_at.is_(None))
    if purpose is not None:
        statement = statement.where(MailedLink.purpose == purpose)
    db.session.execute(statement.values(used_at=now).execution_options(synchronize_session=False))


def forget_old(now: datetime) -> None:
    """Delete links that have been worthless for a while."""
    db.session.execute(delete(MailedLink).where(MailedLink.expires_at < now - KEPT))
