"""Agenda items and speakers (the draft), and the versions that were published from them."""

import enum
import secrets
import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from forum_app.accounts.models import PersonName, User
from forum_app.core.text import N_
from forum_app.db import Base, Key
from forum_app.events.models import Event, Room, Track
from forum_app.mail.rendering import message_domain
from forum_app.organizations.models import Organization
from forum_app.registration.models import Registration


class ItemKind(enum.StrEnum):
    KEYNOTE = "keynote"
    PANEL = "panel"
    TALK = "talk"
    PITCH_BLOCK = "pitch_block"
    PITCH = "pitch"
    WORKSHOP = "workshop"
    CLOSED_SESSION = "closed_session"
    NETWORKING = "networking"
    BREAK = "break"
    OTHER = "other"


ITEM_KIND_LABELS = {
    ItemKind.KEYNOTE: N_("Keynote"),
    ItemKind.PANEL: N_("Panel"),
    ItemKind.TALK: N_("Talk"),
    ItemKind.PITCH_BLOCK: N_("Pitch block"),
    ItemKind.PITCH: N_("Pitch"),
    ItemKind.WORKSHOP: N_("Workshop"),
    ItemKind.CLOSED_SESSION: N_("Closed session"),
    ItemKind.NETWORKING: N_("Networking"),
    ItemKind.BREAK: N_("Break"),
    ItemKind.OTHER: N_("Other"),
}


class AccessLevel(enum.StrEnum):
    """Who may know of an item and attend it (DOMAIN: public, registered, invited, government, cleared)."""

    PUBLIC = "public"
    REGISTERED = "registered"
    INVITED = "invited"
    GOVERNMENT = "government"
    CLEARED = "cleared"


ACCESS_LABELS = {
    AccessLevel.PUBLIC: N_("Public"),
    AccessLevel.REGISTERED: N_("Registered participants"),
    AccessLevel.INVITED: N_("By invitation"),
    AccessLevel.GOVERNMENT: N_("Government only"),
    AccessLevel.CLEARED: N_("Cleared persons only"),
}


class ItemStatus(enum.StrEnum):
    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


def item_code() -> str:
    """Short public name of an item or submission in addresses."""
    return "".join(secrets.choice("abcdefghjkmnpqrstvwxyz23456789") for _ in range(8))


def new_uid() -> str:
    """An iCalendar UID: random, with the forum's domain (never a machine's name, RFC 7986, 5.3), by which an
    entry that comes back in somebody's own calendar is known."""
    return f"{uuid.uuid4()}@{message_domain()}"


class AgendaItem(Base):
    """One item of the draft. starts_at and ends_at are both set or both empty (not placed yet).

    code: in addresses, unique per event. uid: iCalendar UID, never changes. sequence is raised at
    publication when time, place or status differ from the version published before.
    """

    __tablename__ = "agenda_item"
    __table_args__ = (
        UniqueConstraint("event_id", "code"),
        UniqueConstraint("event_id", "external_id"),
        CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL)", name="placed_or_not"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index(None, "event_id", "starts_at"),
        Index(None, "parent_id"),
    )

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(40), default=item_code)
    external_id: Mapped[str | None] = mapped_column(String(200))  # guid of an imported item
    external_number: Mapped[int | None]  # numeric id of the exchange format
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("agenda_item.id", ondelete="SET NULL"))
    kind: Mapped[ItemKind] = mapped_column(Enum(ItemKind, native_enum=False, length=20))
    kind_text: Mapped[str] = mapped_column(String(80), default="")  # an imported kind, kept for export
    title_en: Mapped[str] = mapped_column(String(500), default="")
    title_ja: Mapped[str] = mapped_column(String(500), default="")
    subtitle_en: Mapped[str] = mapped_column(String(500), default="")
    subtitle_ja: Mapped[str] = mapped_column(String(500), default="")
    text_en: Mapped[str] = mapped_column(Text, default="")
    text_ja: Mapped[str] = mapped_column(Text, default="")
    abstract: Mapped[str] = mapped_column(Text, default="")  # an imported abstract, kept for export
    links: Mapped[str] = mapped_column(Text, default="[]")  # JSON [[href, title], ...]
    language: Mapped[str] = mapped_column(String(20), default="")  # en, ja, en-ja (interpreted), de ...
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id, ondelete="SET NULL"), index=True)
    track_id: Mapped[int | None] = mapped_column(ForeignKey(Track.id, ondelete="SET NULL"), index=True)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    access: Mapped[AccessLevel] = mapped_column(
        Enum(AccessLevel, native_enum=False, length=20), default=AccessLevel.PUBLIC
    )
    status: Mapped[ItemStatus] = mapped_column(
        Enum(ItemStatus, native_enum=False, length=20), default=ItemStatus.CONFIRMED
    )
    uid: Mapped[str] = mapped_column(String(255), unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    published: Mapped[bool] = mapped_column(default=False)  # has ever been in a published version
    version: Mapped[int] = mapped_column(default=1)

    event: Mapped[Event] = relationship()
    room: Mapped[Room | None] = relationship()
    track: Mapped[Track | None] = relationship()
    parent: Mapped["AgendaItem | None"] = relationship(remote_side="AgendaItem.id")
    speakers: Mapped[list["ItemSpeaker"]] = relationship(
        back_populates="item", cascade="all, delete-orphan", order_by="ItemSpeaker.position"
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def audit_label(self) -> str:
        return self.title_en or self.title_ja


class Speaker(PersonName, Base):
    """A person who speaks at an event; linked to a login where there is one."""

    __tablename__ = "agenda_speaker"
    __table_args__ = (UniqueConstraint("event_id", "external_id"),)

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    external_id: Mapped[str | None] = mapped_column(String(200))
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"), index=True)
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey(Organization.id, ondelete="SET NULL"), index=True
    )
    position_en: Mapped[str] = mapped_column(String(200), default="")
    position_ja: Mapped[str] = mapped_column(String(200), default="")
    bio_en: Mapped[str] = mapped_column(Text, default="")
    bio_ja: Mapped[str] = mapped_column(Text, default="")
    organization: Mapped[Organization | None] = relationship()
    user: Mapped[User | None] = relationship()

    @property
    def audit_label(self) -> str:
        return self.name


class SpeakerRole(enum.StrEnum):
    SPEAKER = "speaker"
    MODERATOR = "moderator"


class ItemSpeaker(Base):
    """Who speaks where, in order."""

    __tablename__ = "agenda_item_speaker"

    item_id: Mapped[int] = mapped_column(ForeignKey(AgendaItem.id, ondelete="CASCADE"), primary_key=True)
    speaker_id: Mapped[int] = mapped_column(
        ForeignKey(Speaker.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[SpeakerRole] = mapped_column(
        Enum(SpeakerRole, native_enum=False, length=20), default=SpeakerRole.SPEAKER
    )
    position: Mapped[int] = mapped_column(default=0)
    item: Mapped[AgendaItem] = relationship(back_populates="speakers")
    speaker: Mapped[Speaker] = relationship()


class ItemInvitation(Base):
    """Who may attend an item of access level invited."""

    __tablename__ = "agenda_item_invitation"

    item_id: Mapped[int] = mapped_column(ForeignKey(AgendaItem.id, ondelete="CASCADE"), primary_key=True)
    registration_id: Mapped[int] = mapped_column(
        ForeignKey(Registration.id, ondelete="CASCADE"), primary_key=True, index=True
    )


class Bookmark(Base):
    """An item that a person put into their own programme; feeds and busy time read it."""

    __tablename__ = "agenda_bookmark"

    item_id: Mapped[int] = mapped_column(ForeignKey(AgendaItem.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey(User.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[datetime]


class AgendaVersion(Base):
    """A published agenda: immutable.

    snapshot: JSON of agenda/snapshot.py with all that pages, feeds and exports show. digest: its
    SHA-256 (hex), under which it is cached; an id may come back with other content when a backup
    is restored, a digest never does.
    """

    __tablename__ = "agenda_version"
    __table_args__ = (UniqueConstraint("event_id", "number"),)

    id: Mapped[Key]
    event_id: Mapped[int] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(200), default="")
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    digest: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[str] = mapped_column(Text)

    @property
    def audit_label(self) -> str:
        return f"{self.number} {self.name}".strip()
