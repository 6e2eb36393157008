"""A mail's words: plain text templates in the recipient's language."""

from collections.abc import Mapping
from typing import Any

from flask import current_app
from werkzeug.routing import BuildError, MapAdapter

from forum_app.web.languages import speaking

ADAPTER = "forum_mail_adapter"


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


def render_mail(template: str, locale: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject (one line) and body of templates/email/<template>.txt.

    The first line of a template is "Subject: ..."; raises ValueError if it is not.
    """
    with speaking(locale):  # no context processors: a job renders the same mail as a page does
        text = current_app.jinja_env.get_template(f"email/{template}.txt").render(
            link=link, locale=locale, **context
        )
    subject, _, body = text.lstrip().partition("\n")
    if not subject.startswith("Subject: "):
        raise ValueError(f"email/{template}.txt must begin with a Subject line")
    return " ".join(subject.removeprefix("Subject: ").split())[:500], body.strip() + "\n"


def message_domain() -> str:
    """Domain of Message-IDs: the forum's own, never a machine's name."""
    return str(current_app.config["FORUM_SETTINGS"].uid_domain)
