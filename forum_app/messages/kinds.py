"""Kinds of mail whose words an organizer may change, each with its closed list of placeholders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.mail.rendering import link
from forum_app.web.formats import bilingual, format_dates

Context = Mapping[str, Any]
Value = Callable[[Context, str], str]


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind. template: of the built-in words. placeholders: beyond those of all kinds. needed: one of
    these must be in each text, else the mail does not do what it is for; {text}: the built-in text."""

    template: str
    label: str
    topic: str
    placeholders: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it stands in addresses."""
        return self.template.replace("/", "-")

    @property
    def known(self) -> tuple[str, ...]:
        """All placeholders of this kind."""
        return (*COMMON, *self.placeholders)


REGISTRATION, MEETINGS, PITCHES, AGENDA, INVITATIONS, REMINDERS = (
    N_("Registration"),
    N_("Meetings"),
    N_("Pitches"),
    N_("Agenda"),
    N_("Calendar invitations"),
    N_("Reminders"),
)
COMMON = ("text", "name", "event", "dates", "venue", "event_url")
# What each placeholder is, for the list beside the form.
MEANINGS = {
    "text": N_("the forum’s own text of this mail"),
    "name": N_("the person’s name"),
    "event": N_("the event’s title"),
    "dates": N_("its dates"),
    "venue": N_("its venue"),
    "event_url": N_("link to the event"),
    "type": N_("their participant type"),
    "reason": N_("the reason that was given"),
    "registration_url": N_("link to their registration"),
    "register_url": N_("link to the registration form"),
    "ticket_url": N_("link to their ticket"),
    "calendar_url": N_("link to their calendars"),
    "meetings_url": N_("link to their meetings"),
    "topic": N_("the topic of the meeting"),
    "title": N_("the title of the pitch or agenda item"),
    "organization": N_("their organization"),
    "pitch_url": N_("link to their pitch"),
    "agenda_url": N_("link to the agenda"),
    "entry": N_("what the calendar calls it"),
}


def _slug(context: Context) -> str:
    return str(context["event"].slug)


def _topic(context: Context) -> str:
    about = context.get("meeting") or context.get("request")
    return str(about.topic if about is not None else context["topic"])


VALUES: dict[str, Value] = {
    "name": lambda context, locale: str(context.get("name") or ""),
    "event": lambda context, locale: bilingual(context["event"], "title", locale),
    "dates": lambda context, locale: format_dates(
        context["event"].starts_on, context["event"].ends_on, locale
    ),
    "venue": lambda context, locale: bilingual(context["event"], "venue", locale),
    "event_url": lambda context, locale: link("events.show", slug=_slug(context)),
    "type": lambda context, locale: bilingual(context["registration"].type, "name", locale),
    "reason": lambda context, locale: str(context["registration"].state_reason or ""),
    "registration_url": lambda context, locale: link("registration.mine", slug=_slug(context)),
    "register_url": lambda context, locale: link("registration.register", slug=_slug(context)),
    "ticket_url": lambda context, locale: link("registration.ticket", slug=_slug(context)),
    "calendar_url": lambda context, locale: link("calendars.manage"),
    "meetings_url": lambda context, locale: link("meetings.index", slug=_slug(context)),
    "topic": lambda context, locale: _topic(context),
    "title": lambda context, locale: bilingual(context.get("submission") or context["item"], "title", locale),
    "organization": lambda context, locale: bilingual(context["submission"].organization, "name", locale),
    "pitch_url": lambda context, locale: link(
        "pitches.show", slug=_slug(context), code=context["submission"].code
    ),
    "agenda_url": lambda context, locale: link("agenda.show", slug=_slug(context)),
    "entry": lambda context, locale: str(context["entry"].summary),
}
_OF_PERSON = ("type", "registration_url")
_SEATED = (*_OF_PERSON, "ticket_url", "calendar_url")
_MEETING = ("topic", "meetings_url")
_PITCH = ("title", "organization", "pitch_url")
_PLACES = ("agenda_url", "meetings_url", "calendar_url")
_ENTRY = ("entry", *_PLACES)
KINDS = (
    MailKind(
        "registration/invited",
        N_("Invitation"),
        REGISTRATION,
        ("type", "register_url"),
        ("text", "register_url"),
    ),
    MailKind("registration/received", N_("Registration received"), REGISTRATION, _OF_PERSON),
    MailKind(
        "registration/approved", N_("Registration approved"), REGISTRATION, _SEATED, ("text", "ticket_url")
    ),
    MailKind(
        "registration/waitlisted",
        N_("On the waitlist"),
        REGISTRATION,
        _OF_PERSON,
        ("text", "registration_url"),
    ),
    MailKind(
        "registration/promoted", N_("Seat from the waitlist"), REGISTRATION, _SEATED, ("text", "ticket_url")
    ),
    MailKind(
        "registration/declined",
        N_("Registration declined"),
        REGISTRATION,
        (*_OF_PERSON, "reason"),
        ("text", "reason"),
    ),
    MailKind("registration/reopened", N_("Looked at again"), REGISTRATION, _OF_PERSON),
    MailKind(
        "registration/moved", N_("Participant type changed"), REGISTRATION, _OF_PERSON, ("text", "type")
    ),
    MailKind("registration/cancelled", N_("Registration cancelled"), REGISTRATION, (*_OF_PERSON, "reason")),
    MailKind("meetings/asked", N_("Meeting requested"), MEETINGS, _MEETING, ("text",)),
    MailKind("meetings/agreed", N_("Mutual interest"), MEETINGS, _MEETING, ("text",)),
    MailKind("meetings/declined", N_("Request declined"), MEETINGS, _MEETING, ("text", "topic")),
    MailKind("meetings/accepted", N_("Meeting booked"), MEETINGS, _MEETING, ("text",)),
    MailKind("meetings/moved", N_("Meeting moved"), MEETINGS, _MEETING, ("text",)),
    MailKind("meetings/cancelled", N_("Meeting cancelled"), MEETINGS, _MEETING, ("text",)),
    MailKind("meetings/reminder", N_("Request still open"), MEETINGS, _MEETING, ("text",)),
    MailKind("meetings/expired", N_("Request without an answer"), MEETINGS, _MEETING, ("text", "topic")),
    MailKind("meetings/withdrawn", N_("Request withdrawn"), MEETINGS, _MEETING, ("text", "topic")),
    MailKind("meetings/not_held", N_("Meeting not held"), MEETINGS, _MEETING, ("text",)),
    MailKind("meetings/on_again", N_("Meeting on again"), MEETINGS, _MEETING, ("text",)),
    MailKind("timetable/published", N_("Schedule published"), MEETINGS, ("meetings_url",), ("text",)),
    MailKind("floor/offered", N_("Time that has become free"), MEETINGS, _MEETING, ("text",)),
    MailKind("pitches/submitted", N_("Pitch received"), PITCHES, _PITCH, ("text", "pitch_url")),
    MailKind("pitches/accepted", N_("Pitch selected"), PITCHES, _PITCH, ("text", "pitch_url")),
    MailKind("pitches/reserve", N_("Pitch on the reserve list"), PITCHES, _PITCH),
    MailKind("pitches/declined", N_("Pitch not selected"), PITCHES, _PITCH),
    MailKind("pitches/withdrawn", N_("Pitch withdrawn"), PITCHES, _PITCH, ("text", "title")),
    MailKind("agenda/moved", N_("Agenda item moved"), AGENDA, ("title", "agenda_url"), ("text",)),
    MailKind(
        "agenda/cancelled", N_("Agenda item cancelled"), AGENDA, ("title", "agenda_url"), ("text", "title")
    ),
    MailKind("outcomes/shared", N_("Outcome shared by both"), MEETINGS, _MEETING, ("text",)),
    # how to answer stands in the text, and in no placeholder
    MailKind("invitations/request", N_("Entry for the calendar"), INVITATIONS, _ENTRY, ("text",)),
    MailKind("invitations/update", N_("Entry that has changed"), INVITATIONS, _ENTRY, ("text",)),
    MailKind("invitations/cancel", N_("Entry that is gone"), INVITATIONS, _ENTRY, ("text",)),
    MailKind("reminders/coming", N_("Reminder"), REMINDERS, (*_PLACES, "ticket_url"), ("text",)),
)
BY_TEMPLATE = {kind.template: kind for kind in KINDS}
BY_NAME = {kind.name: kind for kind in KINDS}


def get_kind(name: str) -> MailKind:
    """The kind that an address names; raises NotFound."""
    kind = BY_NAME.get(name)
    if kind is None:
        raise NotFound(N_("There is no such kind of mail."))
    return kind


def values_of_kind(kind: MailKind, context: Context, locale: str, text: str) -> dict[str, str]:
    """Values of all placeholders of kind. text: the built-in one."""
    return {"text": text, **{name: VALUES[name](context, locale) for name in kind.known if name != "text"}}
