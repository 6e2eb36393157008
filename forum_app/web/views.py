"""Addresses for operators and, in development, for designers."""

import hmac
import logging

from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify, render_template, request
from prometheus_client import REGISTRY, generate_latest
from sqlalchemy import text

from forum_app.core.errors import NotFound, Unavailable
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.queue import queue
from forum_app.web.access import public
from forum_app.web.figures import figures
from forum_app.web.samples import samples
from forum_app.web.storage import current_storage

log = logging.getLogger(__name__)
blueprint = Blueprint("web", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """The process is up."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Database, migrations, queue and storage are fine; 503 with the name of what is not."""
    checks: dict[str, str] = {}
    try:
        connection = db.session.connection()
        connection.execute(text("SELECT 1"))
        checks["database"] = "ok"
        current = MigrationContext.configure(connection).get_current_heads()
        config = AlembicConfig()
        config.set_main_option("script_location", current_app.config["FORUM_MIGRATIONS"])
        heads = ScriptDirectory.from_config(config).get_heads()
        checks["migrations"] = "ok" if set(current) == set(heads) else "behind"
    except Exception:
        log.exception("not ready: database")
        checks.setdefault("database", "failed")
    try:
        queue.pending()
        checks["queue"] = "ok"
    except Exception:
        log.exception("not ready: queue")
        checks["queue"] = "failed"
    db.session.remove()  # a store may take seconds to fail
    try:
        current_storage().check()
        checks["storage"] = "ok"
    except Unavailable:  # it has told the log why
        checks["storage"] = "failed"
    ready = all(value == "ok" for value in checks.values()) and "migrations" in checks
    return jsonify(status="ok" if ready else "not ready", **checks), 200 if ready else 503


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """Prometheus text format: the process for everybody, the forum's figures for its operators.

    Figures count closed events too, so in production they are for the bearer of FORUM_METRICS_TOKEN.
    """
    body = generate_latest(REGISTRY)
    settings = current_app.config["FORUM_SETTINGS"]
    sent = request.authorization.token if request.authorization else None
    if settings.metrics_token is None:
        may_count = not settings.production
    else:
        may_count = sent is not None and hmac.compare_digest(sent.encode(), settings.metrics_token.encode())
    if may_count:
        body += figures.text()
    return Response(body, content_type="text/plain; version=0.0.4")


@blueprint.get("/dev/style")
@public
def style() -> str:
    """All components on one page, in development only."""
    if current_app.config["FORUM_SETTINGS"].production:
        raise NotFound(N_("There is no such page, or it is not open to you."))
    return render_template("styleguide.html", style=samples())
