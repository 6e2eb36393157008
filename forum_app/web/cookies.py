"""The session cookie: Flask's own, but what signs it is made once for the application."""

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer


class CookieSessions(SecureCookieSessionInterface):
    """Sessions of one application, whose keys are settled when it is made.

    Flask makes the serializer anew twice for each request; it holds nothing but the keys.
    """

    def __init__(self, app: Flask) -> None:
        self._signing = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return self._signing


def init_app(app: Flask) -> None:
    """Use them; the application's keys are set before."""
    app.session_interface = CookieSessions(app)
