"""Ending sessions: a cookie is worth something only while its row is open."""

from datetime import datetime

from sqlalchemy import delete, update

from forum_app.accounts.models import LoginSession, User
from forum_app.accounts.queries import LIFETIME
from forum_app.audit.services import record
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db, run


def end_all_sessions(user: User, now: datetime, *, keep: str | None = None) -> int:
    """End all sessions of user but the one with token hash keep; returns how many."""
    statement = update(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
    if keep is not None:
        statement = statement.where(LoginSession.token_hash != keep)
    statement = statement.values(ended_at=now).execution_options(synchronize_session=False)
    db.session.flush()
    return run(statement).rowcount


def end_own_session(*, actor: User, session_id: int, now: datetime) -> None:
    """End one session of actor; raises NotFound for anybody else's."""
    row = db.session.get(LoginSession, session_id)
    if row is None or row.user_id != actor.id:
        raise NotFound(N_("There is no such session."))
    if row.ended_at is None:
        row.ended_at = now
        record(actor=actor, action="accounts.session_ended", subject=row, now=now)


def end_other_sessions(*, actor: User, keep: str, now: datetime) -> int:
    """End all sessions of actor but the one with token hash keep; returns how many."""
    ended = end_all_sessions(actor, now, keep=keep)
    record(actor=actor, action="accounts.sessions_ended", subject=actor, now=now, detail={"count": ended})
    return ended


def forget_old(now: datetime) -> None:
    """Delete sessions that have not opened any door for as long as a session can last."""
    db.session.execute(delete(LoginSession).where(LoginSession.last_seen_at < now - LIFETIME))
