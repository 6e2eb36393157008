"""Forms that were sent: the key of each, so that a second sending gets the first one's answer."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from forum_app.db import Base


class SentForm(Base):
    """One acknowledged form. digest: SHA-256 (hex) of the form's key and who sent it."""

    __tablename__ = "web_sent_form"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    location: Mapped[str | None] = mapped_column(String(2000))
    flash: Mapped[str | None] = mapped_column(String(1000))
