"""Deny by default: a view that does not say who may come in lets nobody in.

Markers go directly under the route decorator. They settle only who may knock; what the person may
do is decided by the permissions of the feature, in the service, and shown to be so by authorize().
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import NotFound, PermissionDenied
from forum_app.core.text import N_

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC, SIGNED_IN, ADMINISTRATOR = "public", "signed in", "administrator"
LARGEST_ID = 2**63 - 1


def public(view: View) -> View:
    """Anybody may knock."""
    return _mark(view, PUBLIC)


def signed_in(view: View) -> View:
    """Only people with a session; others are sent to sign in and come back."""
    return _mark(view, SIGNED_IN)


def administrator(view: View) -> View:
    """Only administrators of the installation."""
    return _mark(view, ADMINISTRATOR)


def _mark(view: View, level: str) -> View:
    view.forum_access = level  # type: ignore[attr-defined]
    return view


def authorize(allowed: bool) -> None:
    """Refuse (403) unless allowed; for pages whose service call comes only later."""
    if not allowed:
        raise PermissionDenied(N_("You are not allowed to do this."))


def require_known(known: bool) -> None:
    """Answer 404 unless the person may know that this exists."""
    if not known:
        raise NotFound(N_("There is no such page, or it is not open to you."))


def safe_next(target: str | None) -> str | None:
    """target if it is a path of our own, else None (no open redirects)."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(character) < 0x20 or character == "\\" for character in target):
        return None
    return target


def id_in(text: str | None) -> int | None:
    """The id that text from a form or a query names; None when it is no number that a row could bear."""
    if not text or len(text) > len(str(LARGEST_ID)) or not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None


def _can_be_stored(value: object) -> bool:
    if isinstance(value, int):
        return value <= LARGEST_ID
    return not isinstance(value, str) or "\0" not in value


def init_app(app: Flask) -> None:
    """Check each request against the marker of its view."""

    @app.before_request
    def check_access() -> Response | None:
        if request.endpoint is None:  # no such route; the error page follows
            return None
        if not all(_can_be_stored(value) for value in (request.view_args or {}).values()):
            abort(404)  # no row has such a name, and the database would fail on it
        view = current_app.view_functions[request.endpoint]
        level = PUBLIC if request.endpoint == "static" else getattr(view, "forum_access", None)
        if level == PUBLIC:
            return None
        if level is None:
            abort(403)
        if not current_user.is_authenticated:
            target = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else None
            return redirect(url_for("accounts.sign_in", next=target))
        if level == ADMINISTRATOR and not current_user.is_admin:
            abort(403)
        return None
