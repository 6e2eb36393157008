"""Rows to calendar entries, in the reader's language. Access has been settled before."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from forum_app.agenda.models import ACCESS_LABELS, ITEM_KIND_LABELS, AccessLevel, ItemKind, ItemStatus
from forum_app.agenda.pages import language_label
from forum_app.agenda.snapshot import PublishedItem, PublishedSpeaker
from forum_app.calendars.personal import Attendance, PersonalCalendar
from forum_app.calendars.queries import EventFacts, MeetingFacts, PersonFacts
from forum_app.core.ical import CalendarEntry, Klass, Status
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


class Writer:
    """Writes entries in one language, which must be the locale in force; one for each feed.

    base_url: of the site, without a slash at its end. uid_domain: of the UIDs that hang on a row's id.
    """

    def __init__(self, locale: str, base_url: str, uid_domain: str) -> None:
        self.locale = locale
        self.base_url = base_url
        self.uid_domain = uid_domain
        self._words: dict[str, str] = {}
        self._languages: dict[str, str] = {}
        self._speakers: dict[int, str] = {}
        self.comma = self.word(N_(", "))

    def word(self, text: str) -> str:
        """A translated text; looked up once, since a feed asks for the same few hundreds of times."""
        known = self._words.get(text)
        if known is None:
            known = self._words[text] = str(gettext(text))
        return known

    # --- Agenda items ----------------------------------------------------------------------------
    def item(
        self, item: PublishedItem, event: EventFacts, *, busy: bool = True, settled_at: datetime | None = None
    ) -> CalendarEntry:
        """One item that the reader may know of.

        busy: whether it takes the reader's time; the agenda as a whole does not. settled_at: when the
        reader's access last changed: an entry that was withdrawn must come back with a later stamp.
        """
        stamp = _later(item.changed_at, settled_at if item.access != AccessLevel.PUBLIC else None)
        url = f"{self._page(event)}/agenda/{item.code}"
        return CalendarEntry(
            uid=item.uid,
            sequence=item.sequence,
            dtstamp=stamp,
            last_modified=item.changed_at,
            created=min(event.created_at, item.changed_at),
            starts_at=item.starts_at,
            ends_at=item.ends_at,
            zone=event.timezone,
            summary=self._summary(bilingual(item, "title", self.locale), item.is_cancelled),
            description="\n".join(self._item_lines(item, url)),
            location=self._join(
                bilingual(item.room, "name", self.locale) if item.room else "", self._venue(event)
            ),
            url=url,
            status=ITEM_STATUS[item.status],
            categories=tuple(self._item_categories(item)),
            klass=ITEM_CLASS[item.access],
            transparent=not busy or item.kind == ItemKind.BREAK,
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

    def hidden_item(
        self, item: PublishedItem, event: EventFacts, settled_at: datetime | None
    ) -> CalendarEntry:
        """An item that the person once had in their calendar and may no longer read: withdrawn, without
        a word about it, nor its time, which may have changed since."""
        start, _ = _days(event)
        stamp = _later(item.changed_at, settled_at)
        return CalendarEntry(
            uid=item.uid,
            sequence=item.sequence,
            dtstamp=stamp,
            last_modified=stamp,
            created=min(event.created_at, stamp),
            starts_at=start,
            ends_at=start,
            zone=event.timezone,
            summary=self.word(N_("No longer open to you")),
            url=self._page(event) + "/",
            status=Status.CANCELLED,
            klass=Klass.PRIVATE,
            transparent=True,
        )

    # --- Meetings --------------------------------------------------------------------------------
    def meeting(self, meeting: MeetingFacts, event: EventFacts) -> CalendarEntry:
        """One meeting of the person whose feed it is; one that was not held frees the time as well."""
        cancelled = meeting.status != MeetingStatus.CONFIRMED
        whom = self.comma.join(self._met(person) for person in meeting.others)
        title = self._filled(N_("Meeting: %(name)s"), name=whom or meeting.topic)
        place = ""
        if meeting.format == MeetingFormat.REMOTE:
            place = meeting.link or self.word(FORMAT_LABELS[meeting.format])
        elif meeting.table is not None:
            room = (meeting.room_ja or meeting.room_en) if self.locale == "ja" else meeting.room_en
            place = self._join(
                self._filled(N_("Table %(label)s"), label=meeting.table),
                room or meeting.room_ja,
                self._venue(event),
            )
        url = f"{self._page(event)}/meetings"
        return CalendarEntry(
            uid=meeting.uid,
            sequence=meeting.sequence,
            dtstamp=meeting.changed_at,
            last_modified=meeting.changed_at,
            created=meeting.created_at,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            zone=event.timezone,
            summary=self._summary(title, cancelled),
            description="\n".join(self._meeting_lines(meeting, event, url)),
            location="" if cancelled and meeting.format == MeetingFormat.REMOTE else place,
            url=url,
            status=Status.CANCELLED if cancelled else Status.CONFIRMED,
            categories=(self.word(N_("Meetings")),),
            klass=Klass.PRIVATE,
            transparent=cancelled,
        )

    def _meeting_lines(self, meeting: MeetingFacts, event: EventFacts, url: str) -> Iterable[str]:
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
        yield bilingual(event, "title", self.locale)
        yield url

    def _met(self, person: PersonFacts, *, both: bool = False) -> str:
        first, second = person.organization_en or "", person.organization_ja or ""
        organization = (second or first) if self.locale == "ja" else (first or second)
        return self._person(person.name_latin, person.name_native, organization, both=both)

    # --- The event itself ------------------------------------------------------------------------
    def attendance(self, attendance: Attendance, user_id: int) -> CalendarEntry:
        """The days of an event at which the person registered: tentative until approved."""
        event, state = attendance.event, attendance.state
        ended = state in ENDED
        start, end = _days(event)
        status = Status.CANCELLED if ended else Status.CONFIRMED if state in SEATED else Status.TENTATIVE
        url = f"{self._page(event)}/registration"
        return CalendarEntry(
            uid=f"attendance-{event.id}-{user_id}@{self.uid_domain}",
            sequence=attendance.sequence,
            dtstamp=attendance.changed_at,
            last_modified=attendance.changed_at,
            created=attendance.created_at,
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

    def personal(self, calendar: PersonalCalendar, user_id: int) -> list[CalendarEntry]:
        """All entries of a person's feed, by time."""
        entries = [self.attendance(one, user_id) for one in calendar.attendances]
        for part in calendar.programmes:
            entries += [self.item(i, part.event, settled_at=part.settled_at) for i in part.visible]
            entries += [self.hidden_item(i, part.event, part.settled_at) for i in part.hidden]
        entries += [self.meeting(meeting, event) for event, meeting in calendar.meetings]
        return sorted(entries, key=lambda entry: (entry.starts_at, entry.uid))

    # --- Words and names -------------------------------------------------------------------------
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


def _later(one: datetime, other: datetime | None) -> datetime:
    return one if other is None else max(one, other)


def _days(event: EventFacts) -> tuple[datetime, datetime]:
    """From the midnight before the first day to that after the last, in the event's zone; UTC."""
    zone = ZoneInfo(event.timezone)
    first, after = event.starts_on, event.ends_on + timedelta(days=1)
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, after))
    return start, end
