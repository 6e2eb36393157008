"""The application: configuration, extensions, blueprints. The one file that wires all features."""

import logging
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from forum_app.config import Settings, load_settings
from forum_app.db import db, engine_options
from forum_app.queue import queue
from forum_app.web import (
    access,
    assets,
    clock,
    cookies,
    errors,
    formats,
    frame,
    headers,
    languages,
    limits,
    navigation,
    submission,
    templating,
)
from forum_app.web.bucket import BucketStorage
from forum_app.web.storage import FolderStorage, Storage

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
# Views and jobs by feature, in the order in which features may import each other (lowest first).
MODULES = (
    "audit.models",
    "web.views",
    "web.jobs",
    "mail.models",
    "mail.received_models",
    "mail.views",
    "mail.jobs",
    "mail.receiving_jobs",
    "audit.views",
    "accounts.models",
    "accounts.views",
    "accounts.account_views",
    "accounts.jobs",
    "organizations.models",
    "organizations.views",
    "organizations.manage_views",
    "organizations.exclusion_views",
    "events.models",
    "events.views",
    "events.manage_views",
    "events.room_views",
    "events.mail_views",
    "registration.models",
    "registration.figures",
    "registration.views",
    "registration.manage_views",
    "registration.vetting_views",
    "registration.check_in_views",
    "registration.type_views",
    "agenda.models",
    "agenda.views",
    "agenda.manage_views",
    "agenda.speaker_views",
    "agenda.publication_views",
    "freebusy.models",
    "freebusy.views",
    "freebusy.jobs",
    "pitches.models",
    "pitches.views",
    "pitches.review_views",
    "pitches.manage_views",
    "meetings.models",
    "meetings.views",
    "meetings.office_hours_views",
    "meetings.directory_views",
    "meetings.suggestion_views",
    "meetings.held_up_views",
    "meetings.interest_views",
    "meetings.profile_views",
    "meetings.setting_views",
    "meetings.manage_views",
    "meetings.resource_views",
    "meetings.time_views",
    "meetings.jobs",
    "meetings.rule_jobs",
    "timetable.models",
    "timetable.manage_views",
    "timetable.matrix_views",
    "timetable.jobs",
    "floor.models",
    "floor.views",
    "floor.manage_views",
    "floor.jobs",
    "outcomes.models",
    "outcomes.views",
    "outcomes.manage_views",
    "calendars.models",
    "calendars.views",
    "calendars.manage_views",
    "calendars.jobs",
    "history.views",
    "invitations.models",
    "invitations.jobs",
    "invitations.answer_services",
    "invitations.views",
    "messages.models",
    "messages.views",
    "messages.wording_views",
    "messages.jobs",
    "reminders.models",
    "reminders.views",
    "reminders.jobs",
)
FEATURES = (
    "mail",
    "audit",
    "accounts",
    "organizations",
    "events",
    "registration",
    "agenda",
    "freebusy",
    "pitches",
    "meetings",
    "timetable",
    "floor",
    "outcomes",
    "calendars",
    "history",
    "invitations",
    "messages",
    "reminders",
)
MAX_FORM = 1024 * 1024
csrf = CSRFProtect()
migrate = Migrate()


class Forum(Flask):
    """Flask without the question, for each hook of each request, whether it is a coroutine: none is."""

    jinja_environment = templating.Environment

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def folder(in_checkout: str, in_wheel: str) -> Path:
    """A top-level folder of the checkout, or its copy inside the installed wheel."""
    inside = HERE / in_wheel
    return inside if inside.is_dir() else CHECKOUT / in_checkout


def make_storage(settings: Settings) -> Storage:
    """Where uploads are kept."""
    if settings.storage_bucket is not None:
        return BucketStorage(settings.storage_bucket)
    return FolderStorage(settings.storage_root)


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application; raises ConfigError when a setting is missing or wrong."""
    settings = settings or load_settings()
    if settings.rehearsal_at is not None:
        clock.set_to(settings.rehearsal_at)
    dist = folder("static/dist", "_static")
    migrations = folder("migrations", "_migrations")
    app = Forum(
        "forum_app",
        template_folder=str(folder("templates", "_templates")),
        static_folder=str(dist),
        static_url_path="/static",
    )
    app.config.update(
        FORUM_SETTINGS=settings,
        FORUM_MIGRATIONS=str(migrations),
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        TESTING=settings.env == "test",
        MAX_CONTENT_LENGTH=MAX_FORM,
        MAX_FORM_MEMORY_SIZE=MAX_FORM,
        SESSION_COOKIE_NAME="forum_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure,
        # else every answer, a style sheet's too, sets the cookie anew, and a late one undoes a newer one
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BABEL_DEFAULT_LOCALE="en",
        BABEL_TRANSLATION_DIRECTORIES=str(HERE / "translations"),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    if settings.production:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    logging.getLogger("forum_app").setLevel(logging.INFO)

    cookies.init_app(app)
    db.init_app(app)
    languages.init_app(app)
    migrate.init_app(app, db, directory=str(migrations), render_as_batch=True)
    csrf.init_app(app)
    limits.init_app(app, settings)
    templating.init_app(app)
    formats.init_app(app)
    assets.init_app(app, dist)
    navigation.init_app(app)
    frame.init_app(app)
    access.init_app(app)
    submission.init_app(app)
    errors.init_app(app)
    headers.init_app(app, secure=settings.secure)
    app.extensions["forum_storage"] = make_storage(settings)

    for module in MODULES:
        import_module(f"forum_app.{module}")
    app.register_blueprint(import_module("forum_app.web.views").blueprint)
    for feature in FEATURES:
        package = import_module(f"forum_app.{feature}")
        app.register_blueprint(package.blueprint)
    import_module("forum_app.accounts.sign_in").init_app(app)
    queue.init_app(app, settings)
    return app
