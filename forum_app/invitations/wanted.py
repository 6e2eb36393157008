"""Who should have which entry in their calendar now, and what of it a change would be.

A digest names the values it is made of, one by one: were it made of whole rows, a new column would be mailed
to everybody as a change. FORMAT stands before each digest; one of another format is replaced without a mail.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from forum_app.accounts.models import User
from forum_app.agenda.models import SpeakerRole
from forum_app.agenda.queries import current_agenda
from forum_app.agenda.snapshot import PublishedItem
from forum_app.calendars.contents import ItemPart, MeetingPart
from forum_app.calendars.queries import EventFacts, MeetingFacts, facts_of, list_meeting_facts
from forum_app.events.models import Event, Visibility
from forum_app.invitations.queries import coming_meetings, list_people_of, list_users
from forum_app.meetings.models import Meeting, MeetingStatus

FORMAT = "1:"


class Wanted(NamedTuple):
    """An entry that belongs into the calendar of user. chair: they lead it."""

    user: User
    part: ItemPart | MeetingPart
    chair: bool = False

    @property
    def uid(self) -> str:
        part = self.part
        return part.item.uid if isinstance(part, ItemPart) else part.meeting.uid

    @property
    def sequence(self) -> int:
        part = self.part
        return part.item.sequence if isinstance(part, ItemPart) else part.meeting.sequence

    @property
    def cancelled(self) -> bool:
        part = self.part
        if isinstance(part, ItemPart):
            return part.item.is_cancelled
        return part.meeting.status != MeetingStatus.CONFIRMED

    @property
    def starts_at(self) -> datetime:
        return self.part.item.starts_at if isinstance(self.part, ItemPart) else self.part.meeting.starts_at

    @property
    def ends_at(self) -> datetime:
        return self.part.item.ends_at if isinstance(self.part, ItemPart) else self.part.meeting.ends_at

    @property
    def meeting_id(self) -> int | None:
        return None if isinstance(self.part, ItemPart) else self.part.meeting.id

    @property
    def topic(self) -> str:
        """As meetings and agenda name it in gathered changes."""
        part = self.part
        return f"item-{part.item.id}" if isinstance(part, ItemPart) else f"meeting-{part.meeting.id}"

    @property
    def item_id(self) -> int | None:
        return self.part.item.id if isinstance(self.part, ItemPart) else None

    @property
    def placed(self) -> str:
        """Digest of when and where."""
        event = self.part.event
        where = _place(self.part.item) if isinstance(self.part, ItemPart) else _table(self.part.meeting)
        venue = (event.timezone, event.venue_en, event.venue_ja)
        return _digest((self.starts_at.isoformat(), self.ends_at.isoformat(), where, venue))

    @property
    def shown(self) -> str:
        """Digest of all that the entry shows, in whatever language."""
        what = _words(self.part.item) if isinstance(self.part, ItemPart) else _company(self.part.meeting)
        return _digest((self.placed, self.cancelled, self.part.event.slug, what))


def list_wanted(event: Event, now: datetime) -> list[Wanted]:
    """Entries of an event that are not over, cancelled ones too, for everybody who wants invitations.

    Meetings for those who meet, published items for those who speak. A constant number of statements.
    """
    facts = facts_of(event)
    meetings = list_meeting_facts(coming_meetings(event.id, now))
    items = _speaking(event, now)
    ids = {p.user_id for meeting in meetings for p in meeting.others if p.user_id is not None}
    ids |= {speaker.user_id for item in items for speaker in item.speakers if speaker.user_id is not None}
    users = list_users(ids)
    wanted = list(_meetings(meetings, facts, users))
    readers = users
    if event.visibility == Visibility.CLOSED:  # who does not take part may not know of it
        present = list_people_of(event.id)
        readers = {id_: user for id_, user in users.items() if id_ in present or user.is_admin}
    wanted += _items(items, facts, readers)
    return wanted


def list_wanted_meeting(event: Event, meeting_id: int, now: datetime) -> list[Wanted]:
    """Of list_wanted(), the entries of one meeting."""
    meetings = list_meeting_facts(coming_meetings(event.id, now).where(Meeting.id == meeting_id))
    ids = {p.user_id for meeting in meetings for p in meeting.others if p.user_id is not None}
    return list(_meetings(meetings, facts_of(event), list_users(ids)))


def _meetings(
    meetings: Iterable[MeetingFacts], event: EventFacts, users: Mapping[int, User]
) -> Iterable[Wanted]:
    for meeting in meetings:
        for person in meeting.others:
            user = users.get(person.user_id) if person.user_id is not None else None
            if user is None:
                continue
            others = tuple(other for other in meeting.others if other.user_id != user.id)
            yield Wanted(user, MeetingPart(event, meeting._replace(others=others)))


def _speaking(event: Event, now: datetime) -> list[PublishedItem]:
    agenda = current_agenda(event) if event.is_published else None
    if agenda is None:
        return []
    return [item for item in agenda.items if item.ends_at > now]


def _items(items: Iterable[PublishedItem], event: EventFacts, users: Mapping[int, User]) -> Iterable[Wanted]:
    for item in items:
        seen: set[int] = set()
        for speaker in item.speakers:
            user = users.get(speaker.user_id) if speaker.user_id is not None else None
            if user is None or user.id in seen:
                continue
            seen.add(user.id)
            yield Wanted(user, ItemPart(event, item), speaker.role == SpeakerRole.MODERATOR)


# --- What a change is --------------------------------------------------------------------------------
def _digest(values: object) -> str:
    text = repr(values).encode("utf-8", "surrogatepass")
    return FORMAT + hashlib.sha256(text).hexdigest()[:48]


def is_current(digest: str) -> bool:
    """Whether a kept digest can be compared with one of today."""
    return digest.startswith(FORMAT)


def _place(item: PublishedItem) -> object:
    return (item.room.name_en, item.room.name_ja) if item.room else None


def _table(meeting: MeetingFacts) -> object:
    if meeting.status != MeetingStatus.CONFIRMED:
        return None  # a cancelled meeting has given its table back
    return meeting.format.value, meeting.link, meeting.table, meeting.room_en, meeting.room_ja


def _words(item: PublishedItem) -> object:
    speakers = [
        (
            speaker.name_latin,
            speaker.name_native,
            (speaker.organization.name_en, speaker.organization.name_ja) if speaker.organization else None,
        )
        for speaker in item.speakers
    ]
    return (
        (item.title_en, item.title_ja, item.subtitle_en, item.subtitle_ja, item.text_en, item.text_ja),
        (item.status.value, item.kind.value, item.access.value, item.language),
        (item.track.name_en, item.track.name_ja) if item.track else None,
        speakers,
    )


def _company(meeting: MeetingFacts) -> object:
    people = [
        (one.name_latin, one.name_native, one.organization_en, one.organization_ja) for one in meeting.others
    ]
    return meeting.topic, meeting.interpreter_latin, meeting.interpreter_native, people
