"""Attempts are slowed: Flask-Limiter, in memory or, for several machines, in Redis or Valkey."""

from typing import Any

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from forum_app.config import Settings

limiter = Limiter(key_func=get_remote_address, headers_enabled=False)


def init_app(app: Flask, settings: Settings) -> None:
    """Set up the store of counts."""
    if settings.queue_url:
        app.config["RATELIMIT_STORAGE_URI"] = settings.queue_url.replace("valkey://", "redis://", 1)
    else:
        app.config["RATELIMIT_STORAGE_URI"] = "memory://"
    app.config.setdefault("RATELIMIT_ENABLED", settings.env != "test")
    hooks: tuple[dict[str | None, list[Any]], ...] = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
    )
    counts = [len(kind[None]) for kind in hooks]
    limiter.init_app(app)
    # A limited view counts by itself, in its decorator. The extension's hooks serve limits of the whole
    # application; there are none, and every page would pay for asking.
    for kind, count in zip(hooks, counts, strict=True):
        del kind[None][count:]
