"""Logins: users, their sessions, and single-use links sent by mail."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.db import Base, Key


class PersonName:
    """A person's name in two scripts; columns for rows of people.

    name_latin: as the person writes it in Latin letters. name_native: in their own script, in its
    own order. name_kana: the reading, for sorting. No part is ever split or reordered.
    """

    name_latin: Mapped[str] = mapped_column(String(200), default="")
    name_native: Mapped[str] = mapped_column(String(200), default="")
    name_kana: Mapped[str] = mapped_column(String(200), default="")

    @property
    def name(self) -> str:
        """One name to address the person by in text that has no locale of its own."""
        return self.name_latin or self.name_native


class User(PersonName, Base):
    """A login. email: as typed; email_key: normal form, unique."""

    __tablename__ = "accounts_user"
    __table_args__ = (CheckConstraint("name_latin <> '' OR name_native <> ''", name="has_name"),)

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    verified_at: Mapped[datetime | None]
    is_admin: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str] = mapped_column(String(5), default="en")
    timezone: Mapped[str] = mapped_column(String(60), default="Asia/Tokyo")
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}

    # Flask-Login's protocol; an account that is disabled ends all its sessions instead.
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)

    @property
    def audit_label(self) -> str:
        return self.email


class LoginSession(Base):
    """One signed-in browser. token_hash: SHA-256 hex of the secret in its cookie."""

    __tablename__ = "accounts_session"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    user: Mapped[User] = relationship()


class Purpose(enum.StrEnum):
    """What a mailed link is for."""

    VERIFY = "verify"
    RESET = "reset"
    EMAIL = "email"


class MailedLink(Base):
    """A single-use secret sent by mail; only its SHA-256 is kept.

    pending: what takes effect when the link is used: {"password_hash", "name_latin", "name_native",
    "name_kana", "locale", "timezone"} of a sign-up, {"email"} of a change of address. It hangs on the
    link, not on the user, so that the account goes to whoever asked for this very mail.
    browser_hash: SHA-256 hex of a secret in the browser that asked.
    """

    __tablename__ = "accounts_mailed_link"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    purpose: Mapped[Purpose] = mapped_column(Enum(Purpose, native_enum=False, length=20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    next_path: Mapped[str | None] = mapped_column(String(500))
    pending: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    browser_hash: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class Attempt(Base):
    """Counted attempts (sign-in, reset ...) per key and window, so that all workers slow together.

    key: SHA-256 hex of what is limited (purpose and address or client), never in clear.
    """

    __tablename__ = "accounts_attempt"
    __table_args__ = (Index(None, "window_starts_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
