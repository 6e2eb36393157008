"""Error pages: what happened, in the reader's language, and what to do now."""

import logging
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from forum_app.core.errors import Conflict, DomainError, Invalid, NotFound, PermissionDenied, Unavailable
from forum_app.core.text import N_
from forum_app.web.access import safe_next
from forum_app.web.texts import gettext

log = logging.getLogger(__name__)

PAGES = {
    400: (N_("This request cannot be read"), N_("Go back, reload the page and try again.")),
    403: (N_("Not open to you"), N_("You are signed in, but you are not allowed to do this.")),
    404: (N_("Nothing here"), N_("There is no such page, or it is not open to you.")),
    405: (N_("This does not work here"), N_("Go back and use the buttons of the page.")),
    409: (N_("Somebody was faster"), N_("Nothing was changed. Look at it again and decide.")),
    413: (
        N_("Too large"),
        N_("What you sent is larger than this page takes. Nothing was changed."),
    ),
    415: (N_("This kind of file is not taken"), N_("Nothing was changed.")),
    422: (N_("This cannot be taken"), N_("Please correct what is marked. Nothing was changed.")),
    429: (N_("Too many attempts"), N_("Please wait a few minutes and try again.")),
    500: (
        N_("Something went wrong on our side"),
        N_("Nothing was lost. Please try again shortly."),
    ),
}
AGAIN = (400, 409, 413, 415, 422, 429, 500, 503)
STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (PermissionDenied, 403),
    (Conflict, 409),
    (Invalid, 422),
    (Unavailable, 503),
)


def sentence(error: DomainError) -> str:
    """The error's sentence in the reader's language."""
    text = gettext(error.message)
    return str(text % error.params if error.params else text)


def error_page(
    code: int, message: str | None = None, alternatives: list[object] | None = None
) -> tuple[str, int]:
    """The page for code; message replaces the general sentence."""
    title, advice = PAGES.get(code, PAGES[500 if code >= 500 else 400])
    page = render_template(
        "errors/error.html",
        code=code,
        title=gettext(title),
        message=message or gettext(advice),
        alternatives=alternatives or [],
        again=_page_of_form() if code in AGAIN else None,
    )
    return page, code


def _page_of_form() -> str | None:
    """The page of ours that sent what is refused; None if that is not known."""
    if request.method != "POST":
        return None
    try:
        came_from = urlsplit(request.referrer or "")
    except ValueError:  # anybody may write anything there
        return None
    if came_from.netloc == request.host:
        return safe_next(urlunsplit(("", "", came_from.path, came_from.query, "")))
    takes_get = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    return request.script_root + request.path if takes_get else None


def init_app(app: Flask) -> None:
    """Register the pages."""

    @app.errorhandler(DomainError)
    def domain_error(error: DomainError) -> tuple[str, int]:
        code = next((c for kind, c in STATUS if isinstance(error, kind)), 400)
        alternatives = error.alternatives if isinstance(error, Conflict) else []
        return error_page(code, sentence(error), alternatives)

    @app.errorhandler(CSRFError)
    def csrf_error(error: CSRFError) -> tuple[str, int]:
        return error_page(
            400,
            gettext("This form is too old, or cookies are switched off. Reload it and try again."),
        )

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None or (error.code or 500) < 400:
            return error.get_response()
        return error_page(error.code or 500)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> tuple[str, int]:
        # the route only: paths hold secrets (feeds, mailed links), query strings what somebody searched for
        log.exception("unexpected error at %s %s", request.method, request.url_rule or "no route")
        if app.testing:
            raise error
        return error_page(500)
