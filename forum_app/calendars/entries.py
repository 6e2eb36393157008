"""Rows to calendar entries, in the reader's language. Access has been settled before."""

from collections.abc import Iterable
from datetime import timedelta
from operator import attrgetter
from typing import NamedTuple

from forum_app.agenda.models import ACCESS_LABELS, ITEM_KIND_LABELS, AccessLevel, ItemKind, ItemStatus
from forum_app.agenda.pages import language_label
from forum_app.agenda.snapshot import PublishedItem, PublishedSpeaker
from forum_app.calendars.contents import (
    Attendance,
    AttendancePart,
    Contents,
    ItemPart,
    MeetingPart,
    Part,
    days_of,
)
from forum_app.calendars.ledger import LEFT, WITHDRAWN, Record, Records
from forum_app.calendars.queries import EventFacts, MeetingFacts, PersonFacts
from forum_app.core.ical import CalendarEntry, Conference, Klass, Rendered, Status, render_entry
from forum_app.core.text import N_
from forum_app.events.models import Visibility
from forum_app.meetings.models import FORMAT_LABELS, MEETING_STATUS_LABELS, MeetingFormat, MeetingStatus
from forum_app.registration.models import ENDED, SEATED, STATE_LABELS
from forum_app.web.formats import bilingual
from forum_app.web.texts import gettext

ITEM_STATUS = {
    ItemStatus.CONFIRMED: Status.CONFIRMED,
    ItemStatus.TENTATIVE: Status.TENTATIVE,
    ItemStatus.CANCELLED: Status.CANCELLED,
}
ITEM_CLASS = {
    AccessLevel.PUBLIC: Klass.PUBLIC,
    AccessLevel.REGISTERED: Klass.PRIVATE,
    AccessLevel.INVITED: Klass.CONFIDENTIAL,
    AccessLevel.GOVERNMENT: Klass.CONFIDENTIAL,
    AccessLevel.CLEARED: Klass.CONFIDENTIAL,
}


MOST_ITEMS = 3000
_BY_TIME = attrgetter("starts_at", "uid")
_items: dict[tuple[object, ...], tuple[ItemPart, Rendered]] = {}


class _Place(NamedTuple):
    """What all meetings of an event share, in the reader's language. meetings: address of their page."""

    title: str
    venue: str
    meetings: str


class Writer:
    """Writes entries in one language, which must be the locale in force; one for each feed.

    base_url: of the site, without a slash at its end. reminder: minutes before whatever takes the
    reader's time, None for none.
    """

    def __init__(self, locale: str, base_url: str, reminder: int | None = None) -> None:
        self.locale = locale
        self.base_url = base_url
        self.reminders = () if reminder is None else (timedelta(minutes=reminder),)
        self.like = f"{locale} {reminder} {base_url}"  # whoever is alike writes alike
        self._words: dict[str, str] = {}
        self._languages: dict[str, str] = {}
        self._speakers: dict[int, str] = {}
        self._places: dict[int, _Place] = {}
        self.comma = self.word(N_(", "))

    def word(self, text: str) -> str:
        """A translated text; looked up once, since a feed asks for the same few hundreds of times."""
        known = self._words.get(text)
        if known is None:
            known = self._words[text] = str(gettext(text))
        return known

    # --- All of a feed ---------------------------------------------------------------------------
    def rendered(self, contents: Contents, records: Records) -> list[Rendered]:
        """All entries of a feed, by time: what it holds, and what was withdrawn from it."""
        found = [self._rendered(part, records[part.key]) for part in contents.parts]
        if len(records) > len(found):
            keys = {part.key for part in contents.parts}
            found += [
                render_entry(self.withdrawn(record))
                for key, record in records.items()
                if record.state == WITHDRAWN and key not in keys
            ]
        return sorted(found, key=_BY_TIME)

    def _rendered(self, part: Part, record: Record) -> Rendered:
        """Items of the agenda stand alike in the calendars of many, and are rendered once for all of them."""
        if not isinstance(part, ItemPart) or part.hidden:
            return render_entry(self.entry(part, record))
        key = (id(part), record.sequence, record.stamp, self.like)
        known = _items.get(key)
        if known is not None and known[0] is part:
            return known[1]
        rendered = render_entry(self.entry(part, record))
        if len(_items) >= MOST_ITEMS:
            _items.clear()
        _items[key] = (part, rendered)
        return rendered

    def entry(self, part: Part, record: Record) -> CalendarEntry:
        """What a part of a feed is shown as; record: its SEQUENCE and stamp."""
        if record.state in (WITHDRAWN, LEFT):
            return self.withdrawn(record, part.event)
        if isinstance(part, ItemPart):
            return self.item(part.item, part.event, record, busy=part.busy)
        if isinstance(part, MeetingPart):
            return self.meeting(part.meeting, part.event, record, discreet=part.discreet)
        return self.attendance(part, record)

    def withdrawn(self, record: Record, event: EventFacts | None = None) -> CalendarEntry:
        """What the reader once had and may no longer have: without a word about it, and where it was
        last seen, since its time may have changed."""
        return CalendarEntry(
            uid=record.uid,
            sequence=record.sequence,
            dtstamp=record.stamped_at,
            last_modified=record.stamped_at,
            created=None,
            starts_at=record.starts_at,
            ends_at=record.ends_at,
            zone=record.zone,
            summary=self.word(N_("No longer in your calendar")),
            url=self._page(event) + "/" if event else "",
            status=Status.CANCELLED,
            klass=Klass.PRIVATE,
            transparent=True,
        )

    # --- Agenda items ----------------------------------------------------------------------------
    def item(
        self, item: PublishedItem, event: EventFacts, record: Record, *, busy: bool = True
    ) -> CalendarEntry:
        """One item that the reader may know of.

        busy: whether it takes the reader's time; the agenda as a whole does not.
        """
        url = f"{self._page(event)}/agenda/{item.code}"
        stamp = record.stamped_at
        status = ITEM_STATUS[item.status]
        transparent = not busy or item.kind == ItemKind.BREAK or item.is_cancelled
        return CalendarEntry(
            uid=record.uid,
            sequence=record.sequence,
            dtstamp=stamp,
            last_modified=stamp,
            created=min(event.created_at, stamp),
            starts_at=item.starts_at,
            ends_at=item.ends_at,
            zone=event.timezone,
            summary=self._summary(bilingual(item, "title", self.locale), item.is_cancelled),
            description="\n".join(self._item_lines(item, url)),
            location=self._join(
                bilingual(item.room, "name", self.locale) if item.room else "", self._venue(event)
            ),
            url=url,
            status=status,
            categories=tuple(self._item_categories(item)),
            klass=ITEM_CLASS[item.access],
            transparent=transparent,
            alarms=() if transparent else self.reminders,
        )

    def _item_lines(self, item: PublishedItem, url: str) -> Iterable[str]:
        if item.title_en and item.title_ja:
            yield item.title_en if self.locale == "ja" else item.title_ja
        if subtitle := bilingual(item, "subtitle", self.locale):
            yield subtitle
        if item.speakers:
            yield self._labelled(N_("Speakers"), self.comma.join(map(self._speaker, item.speakers)))
        if item.language:
            name = self._languages.get(item.language)
            if name is None:
                name = self._languages[item.language] = language_label(item.language, self.locale)
            yield self._labelled(N_("Language"), name)
        if item.access != AccessLevel.PUBLIC:
            yield self._labelled(N_("Access"), self.word(ACCESS_LABELS[item.access]))
        if text := bilingual(item, "text", self.locale):
            yield text
        yield url

    def _item_categories(self, item: PublishedItem) -> Iterable[str]:
        if item.track is not None:
            yield bilingual(item.track, "name", self.locale)
        yield self.word(ITEM_KIND_LABELS[item.kind])

    def _speaker(self, speaker: PublishedSpeaker) -> str:
        known = self._speakers.get(id(speaker))
        if known is None:
            organization = speaker.organization
            known = self._person(
                speaker.name_latin,
                speaker.name_native,
                bilingual(organization, "name", self.locale) if organization else "",
            )
            self._speakers[id(speaker)] = known
        return known

    # --- Meetings --------------------------------------------------------------------------------
    def meeting(
        self, meeting: MeetingFacts, event: EventFacts, record: Record, *, discreet: bool = False
    ) -> CalendarEntry:
        """One meeting; one that was not held frees the time as well. discreet: not with whom, nor why."""
        cancelled = meeting.status != MeetingStatus.CONFIRMED
        stamp = record.stamped_at
        whom = self.comma.join(self._met(person) for person in meeting.others)
        if discreet:
            title = self.word(N_("Closed meeting"))
        else:
            title = self._filled(N_("Meeting: %(name)s"), name=whom or meeting.topic)
        at = self._at(event)
        place, conference = "", None
        if meeting.format == MeetingFormat.REMOTE:
            link = "" if discreet else meeting.link
            place = link or self.word(FORMAT_LABELS[meeting.format])
            if link.startswith(("https://", "http://", "tel:", "sip:")) and not cancelled:
                conference = Conference(link, self.word(FORMAT_LABELS[meeting.format]))
        elif meeting.table is not None:
            room = (meeting.room_ja or meeting.room_en) if self.locale == "ja" else meeting.room_en
            place = self._join(
                self._filled(N_("Table %(label)s"), label=meeting.table),
                room or meeting.room_ja,
                at.venue,
            )
        lines = () if discreet else self._meeting_lines(meeting, at)
        return CalendarEntry(
            uid=record.uid,
            sequence=record.sequence,
            dtstamp=stamp,
            last_modified=stamp,
            created=min(meeting.created_at, stamp),
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            zone=event.timezone,
            summary=self._summary(title, cancelled),
            description="\n".join(lines),
            location="" if cancelled and meeting.format == MeetingFormat.REMOTE else place,
            url=at.meetings,
            status=Status.CANCELLED if cancelled else Status.CONFIRMED,
            categories=(self.word(N_("Meetings")),),
            klass=Klass.CONFIDENTIAL if meeting.closed else Klass.PRIVATE,
            transparent=cancelled,
            conference=conference,
            alarms=() if cancelled else self.reminders,
        )

    def _meeting_lines(self, meeting: MeetingFacts, at: "_Place") -> Iterable[str]:
        for person in meeting.others:
            yield self._labelled(N_("With"), self._met(person, both=True))
        if meeting.topic:
            yield self._labelled(N_("Topic"), meeting.topic)
        if meeting.interpreter_latin or meeting.interpreter_native:
            name = self._person(meeting.interpreter_latin or "", meeting.interpreter_native or "")
            yield self._labelled(N_("Interpreter"), name)
        if meeting.format == MeetingFormat.REMOTE and meeting.status == MeetingStatus.CONFIRMED:
            remote = self.word(FORMAT_LABELS[meeting.format])
            yield self._labelled(remote, meeting.link) if meeting.link else remote
        if meeting.status == MeetingStatus.NO_SHOW:
            yield self.word(MEETING_STATUS_LABELS[meeting.status])
        if meeting.cancel_reason and meeting.status == MeetingStatus.CANCELLED:
            yield self._labelled(N_("Reason"), meeting.cancel_reason)
        yield at.title
        yield at.meetings

    def _met(self, person: PersonFacts, *, both: bool = False) -> str:
        first, second = person.organization_en or "", person.organization_ja or ""
        organization = (second or first) if self.locale == "ja" else (first or second)
        return self._person(person.name_latin, person.name_native, organization, both=both)

    # --- The event itself ------------------------------------------------------------------------
    def attendance(self, part: AttendancePart, record: Record) -> CalendarEntry:
        """The days of an event at which the person registered: tentative until approved."""
        event = part.event
        attendance: Attendance = part.attendance
        state = attendance.state
        ended = state in ENDED
        start, end = days_of(event)
        status = Status.CANCELLED if ended else Status.CONFIRMED if state in SEATED else Status.TENTATIVE
        url = f"{self._page(event)}/registration"
        stamp = record.stamped_at
        return CalendarEntry(
            uid=record.uid,
            sequence=record.sequence,
            dtstamp=stamp,
            last_modified=stamp,
            created=min(attendance.created_at, stamp),
            starts_at=start,
            ends_at=end,
            zone=event.timezone,
            summary=self._summary(bilingual(event, "title", self.locale), ended),
            description="\n".join(
                (self._labelled(N_("Your registration"), self.word(STATE_LABELS[state])), url)
            ),
            location=self._join(self._venue(event), bilingual(event, "address", self.locale)),
            url=url,
            status=status,
            categories=(self.word(N_("Events")),),
            klass=Klass.PUBLIC if event.visibility == Visibility.PUBLIC else Klass.PRIVATE,
            transparent=True,
        )

    # --- Words and names -------------------------------------------------------------------------
    def _at(self, event: EventFacts) -> "_Place":
        known = self._places.get(event.id)
        if known is None:
            page = f"{self._page(event)}/meetings"
            known = _Place(bilingual(event, "title", self.locale), self._venue(event), page)
            self._places[event.id] = known
        return known

    def _page(self, event: EventFacts) -> str:
        return f"{self.base_url}/events/{event.slug}"

    def _venue(self, event: EventFacts) -> str:
        return bilingual(event, "venue", self.locale)

    def _join(self, *parts: str | None) -> str:
        return self.comma.join(part for part in parts if part)

    def _filled(self, text: str, **values: str) -> str:
        return self.word(text) % values

    def _labelled(self, label: str, value: str) -> str:
        return f"{self.word(label)}{': ' if self.locale == 'en' else ':'}{value}"

    def _summary(self, title: str, cancelled: bool) -> str:
        # several calendars show a cancelled entry of a feed like any other
        return self._filled(N_("Cancelled: %(title)s"), title=title) if cancelled else title

    def _person(self, latin: str, native: str, organization: str = "", *, both: bool = False) -> str:
        """The name in the reader's script, or in both; with the organization, if any."""
        first, second = (native, latin) if self.locale == "ja" else (latin, native)
        name = f"{first} / {second}" if both and first and second else first or second
        if not organization:
            return name
        return f"{name}({organization})" if self.locale == "ja" else f"{name} ({organization})"
