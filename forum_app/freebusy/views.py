"""My other calendars: what is read, when it was read, and how to stop it."""

from typing import Any

from flask import current_app, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.config import Settings
from forum_app.core.errors import PermissionDenied
from forum_app.core.freebusy.lines import MAX_BYTES
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.freebusy import blueprint
from forum_app.freebusy.forms import SubscribeForm, UploadForm
from forum_app.freebusy.models import Kind
from forum_app.freebusy.queries import find_own, get_calendar, list_calendars
from forum_app.freebusy.services import (
    MOST_CALENDARS,
    ask_for_reading,
    read_upload,
    remove_calendar,
    subscribe_calendar,
    upload_calendar,
)
from forum_app.registration.models import Registration
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]
FORM_BESIDES = 64 * 1024


@blueprint.url_value_preprocessor
def take_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Longer requests where files come, from people with a session; before the form is read for its token."""
    if endpoint == "freebusy.upload" and request.method == "POST" and current_user.is_authenticated:
        request.max_content_length = MAX_BYTES + FORM_BESIDES


@blueprint.app_template_global("told")
def told(sentence: str, params: dict[str, Any]) -> str:
    """A sentence that was kept with its params, in the reader's language."""
    return gettext(sentence) % params if params else gettext(sentence)


def _own(event: Event) -> Registration:
    """The reader's own registration: nobody gives another person's calendar, organizers neither."""
    registration = find_own(current_user, event)
    if registration is None:
        raise PermissionDenied(N_("Only people who take part in this event give it their calendars."))
    return registration


def _page(
    event: Event,
    me: Registration,
    *,
    upload_form: UploadForm | None = None,
    subscribe_form: SubscribeForm | None = None,
) -> tuple[str, int]:
    zone = {"zone": current_user.timezone}
    upload_form = upload_form or UploadForm(formdata=None, data=zone)
    subscribe_form = subscribe_form or SubscribeForm(formdata=None, data=zone)
    views = list_calendars(me, event)
    page = render_template(
        "freebusy/index.html",
        event=event,
        views=views,
        full=len(views) >= MOST_CALENDARS,
        most=MOST_CALENDARS,
        upload_form=upload_form,
        subscribe_form=subscribe_form,
        action=ActionForm(formdata=None),
        Kind=Kind,
    )
    return page, max(upload_form.status, subscribe_form.status)


@blueprint.get("/events/<slug>/freebusy")
@signed_in
def index(slug: str) -> Answer:
    """My other calendars at this event."""
    event = get_event(slug, current_user)
    return _page(event, _own(event))


@blueprint.post("/events/<slug>/freebusy/upload")
@signed_in
def upload(slug: str) -> Answer:
    """Read a file once."""
    event = get_event(slug, current_user)
    me = _own(event)
    form = UploadForm()
    settings: Settings = current_app.config["FORUM_SETTINGS"]
    if form.validate_on_submit():
        with form.catching():
            data = form.file.data.read(MAX_BYTES + 1)
            read = read_upload(data, event=event, zone=form.zone.data, own_domain=settings.uid_domain)
            with submission() as done:
                upload_calendar(
                    actor=current_user, event=event, registration=me, upload=read, now=clock.now()
                )
                done.redirect(
                    url_for("freebusy.index", slug=slug),
                    flash=gettext("Your calendar was read. The file was not kept."),
                )
            return done.response
    return _page(event, me, upload_form=form)


@blueprint.post("/events/<slug>/freebusy/subscribe")
@signed_in
def subscribe(slug: str) -> Answer:
    """Have an address read each hour."""
    event = get_event(slug, current_user)
    me = _own(event)
    form = SubscribeForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                subscribe_calendar(
                    actor=current_user,
                    event=event,
                    registration=me,
                    address=form.address.data,
                    zone=form.zone.data,
                    now=clock.now(),
                )
                done.redirect(
                    url_for("freebusy.index", slug=slug),
                    flash=gettext("Your calendar is being read. Load this page again in a minute."),
                )
            return done.response
    return _page(event, me, subscribe_form=form)


@blueprint.post("/events/<slug>/freebusy/<int:calendar_id>/read")
@signed_in
def read_again(slug: str, calendar_id: int) -> Response:
    """Read a subscription now."""
    event = get_event(slug, current_user)
    me = _own(event)
    calendar = get_calendar(me, calendar_id)
    with submission() as done:
        ask_for_reading(actor=current_user, event=event, registration=me, calendar=calendar, now=clock.now())
        done.redirect(
            url_for("freebusy.index", slug=slug),
            flash=gettext("Your calendar is being read. Load this page again in a minute."),
        )
    return done.response


@blueprint.post("/events/<slug>/freebusy/<int:calendar_id>/remove")
@signed_in
def remove(slug: str, calendar_id: int) -> Response:
    """Forget a calendar."""
    event = get_event(slug, current_user)
    me = _own(event)
    calendar = get_calendar(me, calendar_id)
    with submission() as done:
        remove_calendar(actor=current_user, event=event, registration=me, calendar=calendar, now=clock.now())
        done.redirect(
            url_for("freebusy.index", slug=slug),
            flash=gettext("The calendar was removed, with all busy times from it."),
        )
    return done.response
