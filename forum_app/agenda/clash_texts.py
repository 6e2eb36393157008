"""Clashes as sentences for organizers."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from forum_app.agenda.clashes import Clash
from forum_app.agenda.queries import list_speakers, person_key
from forum_app.events.models import Event
from forum_app.events.queries import list_rooms
from forum_app.web.formats import bilingual, format_date
from forum_app.web.languages import language
from forum_app.web.texts import gettext


class ClashTexts:
    """Names of an event's rooms and speakers, read once for all sentences of a page."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.zone = ZoneInfo(event.timezone)
        self.rooms = {room.id: bilingual(room, "name") for room in list_rooms(event.id)}
        self.people = {person_key(s.id, s.user_id): s.name for s in list_speakers(event.id)}

    def when(self, start: datetime, end: datetime) -> str:
        """Day and time in the event's zone."""
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        return f"{format_date(first.date(), language())} {first:%H:%M}–{last:%H:%M}"

    def of_item(self, clash: Clash, item_id: int) -> str:
        """The sentence at one of the two items."""
        other = clash.other(item_id)
        values = {
            "title": bilingual(other, "title"),
            "when": self.when(other.starts_at, other.ends_at),
            "name": self._name(clash),
        }
        if clash.kind == "room":
            return str(gettext("%(name)s is taken by “%(title)s”, %(when)s.", **values))
        return str(gettext("%(name)s also speaks at “%(title)s”, %(when)s.", **values))

    def of_both(self, clash: Clash) -> str:
        """The sentence for a list of all clashes."""
        values = {
            "first": bilingual(clash.first, "title"),
            "second": bilingual(clash.second, "title"),
            "when": self.when(
                max(clash.first.starts_at, clash.second.starts_at),
                min(clash.first.ends_at, clash.second.ends_at),
            ),
            "name": self._name(clash),
        }
        if clash.kind == "room":
            return str(gettext("%(name)s holds “%(first)s” and “%(second)s” at once, %(when)s.", **values))
        return str(gettext("%(name)s speaks at “%(first)s” and “%(second)s” at once, %(when)s.", **values))

    def by_item(self, clashes: Iterable[Clash]) -> dict[int, list[str]]:
        """Sentences by item id."""
        found: dict[int, list[str]] = {}
        for clash in clashes:
            for item in (clash.first, clash.second):
                found.setdefault(item.id, []).append(self.of_item(clash, item.id))
        return found

    def _name(self, clash: Clash) -> str:
        if clash.kind == "room":
            return self.rooms.get(int(clash.resource), "?")
        return self.people.get(str(clash.resource), "?")
