"""Mail that came in: each message acts once, however often and by whichever way it arrives."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from forum_app.db import Base, Key


class ReceivedMail(Base):
    """One message. digest: SHA-256 hex of what identifies it, unique. outcome: what was done, one word.

    Neither its text nor its subject is kept.
    """

    __tablename__ = "mail_received"

    id: Mapped[Key]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(20), default="")
    outcome: Mapped[str] = mapped_column(String(40), default="")


class PolledMailbox(Base):
    """How far a mailbox has been read (RFC 3501, 2.3.1.1); locked_until: by one worker at a time.

    name: digest of its address, which holds a password. last_uid counts under uidvalidity only.
    """

    __tablename__ = "mail_mailbox"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    uidvalidity: Mapped[int] = mapped_column(default=0)
    last_uid: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
