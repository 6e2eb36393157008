"""Reading users and their sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from forum_app.accounts.models import LoginSession, User
from forum_app.core.addresses import email_key as email_key
from forum_app.db import db

LIFETIME = timedelta(days=30)
IDLE = timedelta(days=7)
MOST_SESSIONS = 100


def find_user_by_email(email: str) -> User | None:
    """The user with that address, in whatever case it is typed."""
    return db.session.scalar(select(User).where(User.email_key == email_key(email)))


def list_open_sessions(user: User, now: datetime) -> Sequence[LoginSession]:
    """Sessions of user that still open the door, the latest seen first; at most 100."""
    return db.session.scalars(
        select(LoginSession)
        .where(
            LoginSession.user_id == user.id,
            LoginSession.ended_at.is_(None),
            LoginSession.created_at > now - LIFETIME,
            LoginSession.last_seen_at > now - IDLE,
        )
        .order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
        .limit(MOST_SESSIONS)
    ).all()
