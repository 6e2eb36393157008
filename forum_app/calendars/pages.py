"""What the pages of addresses share: names of what a feed is of, and a new address, shown once."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from forum_app.calendars.feeds import Site
from forum_app.calendars.models import SCOPE_LABELS, FeedScope, FeedToken
from forum_app.calendars.services import Subject
from forum_app.calendars.subjects import Choice
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.mail.rendering import link
from forum_app.web.formats import bilingual
from forum_app.web.languages import language
from forum_app.web.texts import gettext


def site() -> Site:
    settings = current_app.config["FORUM_SETTINGS"]
    return Site(settings.base_url, settings.uid_domain)


def subject_label(of: Subject | FeedToken, *, within: Event | None = None) -> str:
    """What a feed is of; within: the event whose page it stands on, which need not be named."""
    if of.scope == FeedScope.PERSON:
        return gettext(SCOPE_LABELS[of.scope])
    if of.organization is not None:
        return bilingual(of.organization, "name")
    kind = gettext(SCOPE_LABELS[of.scope])
    if of.track is not None:
        name = bilingual(of.track, "name")
    elif of.room is not None:
        name = bilingual(of.room, "name")
    elif of.table is not None:
        name = of.table.label
    elif of.interpreter is not None:
        person = of.interpreter
        first, second = person.name_latin, person.name_native
        name = (second or first) if language() == "ja" else (first or second)
    else:
        kind, name = "", gettext("Agenda")
    name = gettext("%(kind)s: %(name)s", kind=kind, name=name) if kind else name
    if of.event is None or within is not None:
        return name
    return gettext("%(event)s – %(part)s", event=bilingual(of.event, "title"), part=name)


def offered(choices: list[Choice], *, within: Event | None = None) -> list[tuple[str, str]]:
    """As a form's choices."""
    return [(choice.value, subject_label(choice.subject, within=within)) for choice in choices]


def shown_once(token: str | None) -> dict[str, Any]:
    """The new address, for the page that shows it."""
    if token is None:
        return {"address": None, "webcal": None}
    address = link("calendars.feed", token=token)
    return {"address": address, "webcal": "webcal" + address.removeprefix(urlsplit(address).scheme)}


MADE_BEFORE = N_("This address was made before. It cannot be shown again; make another.")
REVOKED = N_("The address is revoked. It answers nobody any more.")
