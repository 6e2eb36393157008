"""A mail's words: plain text templates in the recipient's language.

A template gives the subject and what the mail is about; greeting and end are the house's, so that several
changes can share one mail.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from werkzeug.routing import BuildError, MapAdapter

from forum_app.mail.safe_text import MOST_SUBJECT, body_text, cut, header_text
from forum_app.web.languages import speaking
from forum_app.web.texts import gettext, ngettext

ADAPTER = "forum_mail_adapter"
# Arguments of addresses that open something to whoever knows them.
SECRETS = frozenset({"token", "secret", "key"})


@dataclass(frozen=True, slots=True)
class Rendered:
    """Words of a mail. text: between greeting and end. secret: it holds a link that opens something."""

    subject: str
    text: str
    secret: bool


# Upper features put an organizer's own words in the place of ours: called with template, language, context
# and our words, for an event that says that it has some.
own_words: list[Callable[[str, str, Mapping[str, Any], Rendered], Rendered]] = []


def link(endpoint: str, **values: Any) -> str:
    """Absolute address for mails; by FORUM_BASE_URL, since no request may be there."""
    settings = current_app.config["FORUM_SETTINGS"]
    adapter: MapAdapter | None = current_app.extensions.get(ADAPTER)
    if adapter is None:  # made once; it holds nothing of a request
        adapter = current_app.extensions[ADAPTER] = current_app.url_map.bind("forum.invalid")
    try:
        path = adapter.build(endpoint, values, force_external=False)
    except BuildError as error:  # as url_for does; raises again unless the application has a handler
        path = current_app.handle_url_build_error(error, endpoint, values)
    return str(settings.base_url) + path


def render_mail(template: str, locale: str, context: Mapping[str, Any]) -> Rendered:
    """Words of templates/email/<template>.txt, tidied.

    The first line of a template is "Subject: ..."; raises ValueError if it is not. Of an event whose
    organizers have own words for this kind of mail, theirs.
    """
    words = built_in(template, locale, context)
    if getattr(context.get("event"), "own_words", False):
        for replace in own_words:
            words = replace(template, locale, context, words)
    return words


def built_in(template: str, locale: str, context: Mapping[str, Any]) -> Rendered:
    """Words of templates/email/<template>.txt as they are, tidied."""
    opens: list[str] = []

    def noted_link(endpoint: str, **values: Any) -> str:
        if SECRETS & values.keys():
            opens.append(endpoint)
        return link(endpoint, **values)

    with speaking(locale):  # no context processors: a job renders the same mail as a page does
        text = current_app.jinja_env.get_template(f"email/{template}.txt").render(
            link=noted_link, locale=locale, **context
        )
    subject, _, body = text.lstrip().partition("\n")
    if not subject.startswith("Subject: "):
        raise ValueError(f"email/{template}.txt must begin with a Subject line")
    return Rendered(
        cut(header_text(subject.removeprefix("Subject: ")), MOST_SUBJECT),
        _tight(body_text(body)),
        bool(opens),
    )


def whole_text(text: str, *, name: str, locale: str, closing: str = "", answerable: bool = False) -> str:
    """The body of a mail: greeting, text, the closing lines of this kind of mail, and the house's end.

    answerable: the text says itself what becomes of an answer.
    """
    with speaking(locale):
        greeting = gettext("Dear %(name)s,", name=name) if name else gettext("Good day,")
        answer = (
            gettext("Answers to this mail reach the forum’s office.")
            if current_app.config["FORUM_SETTINGS"].mail_reply_to
            else gettext("This mail was sent automatically. Please do not answer it.")
        )
        lines = ["-- ", gettext("U.S.-Japan Technology Forums"), link("events.home")]
        end = "\n".join(lines if answerable else [*lines, answer])
    return "\n\n".join(part for part in (greeting, text.strip(), closing.strip(), end) if part) + "\n"


def gathered_subject(number: int, title: str, locale: str) -> str:
    """Subject of a mail about several changes. title: the event's."""
    with speaking(locale):
        if not title:
            return ngettext("%(num)s change", "%(num)s changes", number)
        return cut(
            ngettext("%(num)s change: %(event)s", "%(num)s changes: %(event)s", number, event=title),
            MOST_SUBJECT,
        )


def message_domain() -> str:
    """Domain of Message-IDs: the forum's own, never a machine's name."""
    return str(current_app.config["FORUM_SETTINGS"].uid_domain)


def _tight(text: str) -> str:
    """Without empty lines at either end, and never two in a row."""
    lines: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip("\n")
