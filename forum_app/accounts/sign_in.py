"""Flask-Login on server-side sessions: a cookie is worth something only while its row is open."""

import hashlib
import secrets
from datetime import datetime, timedelta

from flask import Flask, request, session
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import select, update

from forum_app.accounts.models import LoginSession, User
from forum_app.db import db
from forum_app.web import clock

SECRET = "login"  # noqa: S105 - the name of the cookie's entry
LIFETIME = timedelta(days=30)
IDLE = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=10)

manager = LoginManager()


def token_hash(token: str) -> str:
    """SHA-256 hex of a random token; a slow hash would add nothing to 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def start_session(user: User, now: datetime) -> None:
    """Sign user in on this browser, inside the caller's transaction; the old session id is dropped."""
    token = secrets.token_urlsafe(32)
    language = session.get("lang")
    session.clear()  # no fixation: nothing set before sign-in survives, but the language
    if language:
        session["lang"] = language
    db.session.add(
        LoginSession(
            user_id=user.id,
            token_hash=token_hash(token),
            created_at=now,
            last_seen_at=now,
            user_agent=request.headers.get("User-Agent", "")[:300],
        )
    )
    session[SECRET] = token
    session.permanent = True
    login_user(user)


def end_session(now: datetime) -> None:
    """Sign out here, inside the caller's transaction."""
    token = session.pop(SECRET, None)
    if token:
        db.session.execute(
            update(LoginSession).where(LoginSession.token_hash == token_hash(token)).values(ended_at=now)
        )
    logout_user()
    session.pop("csrf_token", None)


@manager.user_loader
def load_user(user_id: str) -> User | None:
    """The user of an open session; one statement per request."""
    token = session.get(SECRET)
    if not token or not user_id.isdigit():
        return None
    now = clock.now()
    row = db.session.execute(
        select(User, LoginSession.id, LoginSession.created_at, LoginSession.last_seen_at)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(
            LoginSession.token_hash == token_hash(token),
            LoginSession.ended_at.is_(None),
            User.id == int(user_id),
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    user, _, created_at, seen_at = row
    if now - created_at > LIFETIME or now - seen_at > IDLE:
        return None
    return user  # type: ignore[no-any-return]


def init_app(app: Flask) -> None:
    """Set up Flask-Login and the note of when a session was last seen."""
    manager.init_app(app)
    app.config["PERMANENT_SESSION_LIFETIME"] = LIFETIME
