"""What a message says to one person: its placeholders, and which of its languages they get."""

from collections.abc import Callable
from typing import Any

from forum_app.agenda.models import Speaker
from forum_app.core.placeholders import fill_placeholders
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.mail.rendering import link
from forum_app.messages.models import Message
from forum_app.registration.models import Registration
from forum_app.web.formats import bilingual, format_dates
from forum_app.web.languages import speaking
from forum_app.web.texts import gettext

# Name -> what it is, for the list beside the form. What each becomes is in values_for().
PLACEHOLDERS = {
    "name": N_("the person’s name"),
    "organization": N_("their organization"),
    "type": N_("their participant type"),
    "event": N_("the event’s title"),
    "dates": N_("its dates"),
    "venue": N_("its venue"),
    "event_url": N_("link to the event"),
    "agenda_url": N_("link to the agenda"),
    "registration_url": N_("link to their registration"),
    "ticket_url": N_("link to their ticket"),
    "meetings_url": N_("link to their meetings"),
    "calendar_url": N_("link to their calendars"),
}


Person = Registration | Speaker
SPEAKER = N_("Speaker")


def locale_of(person: Person) -> str:
    """Language of a person's mails: of their account, else the one they speak."""
    locale = person.user.locale if person.user is not None else getattr(person, "language", "")
    return "ja" if locale == "ja" else "en"


def language_for(message: Message, locale: str) -> str:
    """The language in which a reader of locale gets message: their own, else the one there is."""
    if locale == "ja":
        return "ja" if message.body_ja else "en"
    return "en" if message.body_en else "ja"


def name_of(person: Person, locale: str) -> str:
    """The person's name in the script of locale."""
    first, second = person.name_latin, person.name_native
    return (second or first) if locale == "ja" else (first or second)


def event_values(event: Event, locale: str) -> dict[str, str]:
    """Values of the placeholders that are the same for all."""
    return {
        "event": bilingual(event, "title", locale),
        "dates": format_dates(event.starts_on, event.ends_on, locale),
        "venue": bilingual(event, "venue", locale),
        "event_url": link("events.show", slug=event.slug),
        "agenda_url": link("agenda.show", slug=event.slug),
        "registration_url": link("registration.mine", slug=event.slug),
        "ticket_url": link("registration.ticket", slug=event.slug),
        "meetings_url": link("meetings.index", slug=event.slug),
        "calendar_url": link("calendars.manage"),
    }


def values_for(person: Person, locale: str, shared: dict[str, str]) -> dict[str, str]:
    """Values of all placeholders for one person. shared: of event_values() in that language."""
    organization = person.organization
    return {
        **shared,
        "name": name_of(person, locale),
        "organization": bilingual(organization, "name", locale) if organization is not None else "",
        "type": _type_of(person, locale),
    }


def _type_of(person: Person, locale: str) -> str:
    if isinstance(person, Registration):
        return bilingual(person.type, "name", locale)
    with speaking(locale):
        return gettext(SPEAKER)


def speak(message: Message, locale: str, values: dict[str, str]) -> tuple[str, str]:
    """Subject and text of message in one language, filled."""
    return (
        " ".join(fill_placeholders(getattr(message, f"subject_{locale}"), values).split()),
        without_signature(fill_placeholders(getattr(message, f"body_{locale}"), values)),
    )


def without_signature(text: str) -> str:
    """No line that mail programs, and our own layout, take for the end of the text."""
    return "\n".join("--" if line.rstrip() == "--" else line for line in text.split("\n"))


Speak = Callable[[Person], dict[str, Any]]


def speaker_for(message: Message, event: Event) -> Speak:
    """What makes, for one person after the other, name, locale, subject and text of their mail."""
    shared: dict[str, dict[str, str]] = {}

    def words(person: Person) -> dict[str, Any]:
        locale = language_for(message, locale_of(person))
        if locale not in shared:
            shared[locale] = event_values(event, locale)
        subject, text = speak(message, locale, values_for(person, locale, shared[locale]))
        return {"locale": locale, "name": name_of(person, locale), "subject": subject, "text": text}

    return words
