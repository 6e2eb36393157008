"""Secret addresses of personal feeds."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import User
from forum_app.db import Base, Key


class FeedToken(Base):
    """A personal feed. token_hash: SHA-256 hex of the secret in the address; shown once, revocable."""

    __tablename__ = "calendars_feed_token"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(100), default="")
    locale: Mapped[str] = mapped_column(String(5), default="en")
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()

    @property
    def audit_label(self) -> str:
        return self.label
