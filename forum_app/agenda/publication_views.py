"""Organizers: what will change, publishing it, the versions, and import from a file."""

from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.agenda import blueprint
from forum_app.agenda.clash_texts import ClashTexts
from forum_app.agenda.clashes import find_clashes
from forum_app.agenda.exchange import import_schedule
from forum_app.agenda.forms import ImportForm, PublishForm
from forum_app.agenda.manage_views import managed_event
from forum_app.agenda.publication import pending_version, publish_agenda
from forum_app.agenda.queries import list_versions, placed_items
from forum_app.core.frab import MAX_BYTES, parse_schedule
from forum_app.core.text import N_
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]
# The form around the file needs a little room, too.
MAX_UPLOAD = MAX_BYTES + 100_000

FIELD_LABELS = {
    "starts_at": N_("start"),
    "ends_at": N_("end"),
    "room": N_("room"),
    "status": N_("status"),
    "title_en": N_("title"),
    "title_ja": N_("title"),
    "subtitle_en": N_("subtitle"),
    "subtitle_ja": N_("subtitle"),
    "text_en": N_("text"),
    "text_ja": N_("text"),
    "abstract": N_("text"),
    "links": N_("links"),
    "language": N_("language"),
    "kind": N_("kind"),
    "track": N_("track"),
    "access": N_("access"),
    "speakers": N_("speakers"),
    "registration_ids": N_("invitations"),
    "parent_id": N_("pitch block"),
}
CHANGE_LABELS = {
    "new": (N_("New"), "success"),
    "moved": (N_("Moved"), "warning"),
    "changed": (N_("Changed"), "info"),
    "cancelled": (N_("Cancelled"), "danger"),
}


@blueprint.url_value_preprocessor
def allow_file(endpoint: str | None, values: Any) -> None:
    """Only the import takes more than a form; set before anything reads the body."""
    if endpoint == "agenda.import_file":
        request.max_content_length = MAX_UPLOAD


@blueprint.route("/events/<slug>/manage/agenda/publish", methods=["GET", "POST"])
@signed_in
def publish(slug: str) -> Answer:
    """What publication would change, and the button that does it."""
    event = managed_event(slug)
    form = PublishForm()
    if form.validate_on_submit():
        with submission() as done:
            version = publish_agenda(
                actor=current_user,
                event=event,
                now=clock.now(),
                name=form.name.data or "",
                expected=form.expected.data or "",
            )
            done.redirect(
                url_for("agenda.versions", slug=slug),
                flash=gettext("Version %(number)s is published.", number=version.number)
                if version
                else gettext("Nothing has changed, so nothing was published."),
                category="success" if version else "info",
            )
        return done.response
    pending = pending_version(event, clock.now())
    form.expected.data = pending.fingerprint
    texts = ClashTexts(event)
    html = render_template(
        "agenda/manage/publish.html",
        event=event,
        form=form,
        pending=pending,
        changes=[(change, *CHANGE_LABELS[change.kind], _fields(change)) for change in pending.changes],
        clashes=[texts.of_both(clash) for clash in find_clashes(placed_items(event.id))],
    )
    return html, form.status


def _fields(change: Any) -> str:
    names = dict.fromkeys(gettext(FIELD_LABELS[name]) for name in change.fields)
    return str(gettext(", ")).join(names)


@blueprint.get("/events/<slug>/manage/agenda/versions")
@signed_in
def versions(slug: str) -> str:
    """All published versions, newest first."""
    event = managed_event(slug)
    return render_template("agenda/manage/versions.html", event=event, versions=list_versions(event.id))


@blueprint.route("/events/<slug>/manage/agenda/import", methods=["GET", "POST"])
@signed_in
def import_file(slug: str) -> Answer:
    """Take a schedule.xml or schedule.json into the draft."""
    event = managed_event(slug)
    form = ImportForm()
    if form.validate_on_submit():
        upload = form.file.data
        data = upload.stream.read(MAX_BYTES + 1)
        with form.catching():
            schedule = parse_schedule(data, upload.filename, zone=event.timezone)
            with submission() as done:
                report = import_schedule(
                    actor=current_user,
                    event=event,
                    schedule=schedule,
                    now=clock.now(),
                    publish=form.publish.data,
                )
                done.redirect(
                    url_for("agenda.manage_index", slug=slug),
                    flash=gettext(
                        "%(items)s items read: %(added)s new, %(updated)s changed, %(cancelled)s cancelled.",
                        items=report.items,
                        added=report.added,
                        updated=report.updated,
                        cancelled=report.cancelled,
                    ),
                )
            return done.response
    return render_template("agenda/manage/import.html", event=event, form=form), form.status
