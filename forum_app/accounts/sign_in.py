"""Flask-Login on server-side sessions: a cookie is worth something only while its row is open."""

import secrets
from datetime import datetime, timedelta
from typing import cast

from flask import Flask, Response, g, request, session
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import bindparam, select, update

from forum_app.accounts.links import digest
from forum_app.accounts.models import LoginSession, User
from forum_app.accounts.queries import IDLE, LIFETIME
from forum_app.db import Lookup, db, write_if_free
from forum_app.web import clock

SECRET = "login"  # noqa: S105 - the name of the cookie's entry
LANGUAGE = "lang"
CSRF = "csrf_token"
SEEN_EVERY = timedelta(minutes=10)

manager = LoginManager()
token_hash = digest


def start_session(user: User, now: datetime) -> None:
    """Sign user in on this browser, inside the caller's transaction.

    No fixation: nothing set before sign-in survives, but the language that was chosen.
    """
    token = secrets.token_urlsafe(32)
    language = session.get(LANGUAGE)
    end_session(now)
    session.clear()
    if language:
        session[LANGUAGE] = language
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
    session[CSRF] = secrets.token_hex(20)  # now, or the next form would have to write the cookie again
    g.pop(CSRF, None)
    session.permanent = True
    login_user(user)


def end_session(now: datetime) -> None:
    """Sign out here, inside the caller's transaction; only the chosen language stays."""
    token = session.get(SECRET)
    if token:
        db.session.execute(
            update(LoginSession)
            .where(LoginSession.token_hash == token_hash(token), LoginSession.ended_at.is_(None))
            .values(ended_at=now)
            .execution_options(synchronize_session=False)
        )
    logout_user()
    for name in [name for name in session if name != LANGUAGE]:
        session.pop(name)
    session.permanent = False


def current_session_hash() -> str:
    """Token hash of this browser's session; of nothing when nobody is signed in."""
    return token_hash(session.get(SECRET, ""))


_OPEN_SESSION = Lookup(
    User,
    select(User, LoginSession.id, LoginSession.created_at, LoginSession.last_seen_at)
    .join(LoginSession, LoginSession.user_id == User.id)
    .where(
        LoginSession.token_hash == bindparam("token_hash"),
        LoginSession.ended_at.is_(None),
        User.id == bindparam("user_id"),
        User.disabled_at.is_(None),
    ),
)


@manager.user_loader  # type: ignore[untyped-decorator]
def load_user(user_id: str) -> User | None:
    """The user of an open session; one statement per request."""
    token = session.get(SECRET)
    if not token or not user_id.isdigit():
        return None
    now = clock.now()
    rows = _OPEN_SESSION.rows({"token_hash": token_hash(token), "user_id": int(user_id)})
    if not rows:
        return None
    user, session_id, created_at, seen_at = rows[0]
    if now - created_at > LIFETIME or now - seen_at > IDLE:
        return None
    if now - seen_at > SEEN_EVERY:
        g.forum_seen_session = session_id
    return cast(User, user)


def _note_visit(session_id: int, now: datetime) -> None:
    """Note that the session was used."""
    statement = (
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.last_seen_at < now - SEEN_EVERY)
        .values(last_seen_at=now)
    )
    write_if_free(statement)


def init_app(app: Flask) -> None:
    """Set up Flask-Login and the note of when a session was last seen."""
    manager.init_app(app)
    app.config["PERMANENT_SESSION_LIFETIME"] = LIFETIME

    @app.after_request
    def note_visit(response: Response) -> Response:
        session_id = g.pop("forum_seen_session", None)
        if session_id is not None:
            _note_visit(session_id, clock.now())
        return response
