"""Organizers: the addresses that show their event, for screens in the hall, for staff and interpreters."""

from flask import Response, make_response, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from forum_app.calendars import blueprint
from forum_app.calendars.forms import FeedForm, reminder_label
from forum_app.calendars.pages import MADE_BEFORE, REVOKED, offered, shown_once, subject_label
from forum_app.calendars.queries import list_event_feeds
from forum_app.calendars.services import create_feed, revoke_feed
from forum_app.calendars.subjects import Choice, choices_of_event, chosen
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.services import get_event
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.languages import LANGUAGE_NAMES, language
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

manage_navigation.add("calendars.manage_event", N_("Calendars"), order=74, visible=can_manage_event)


def _managed(slug: str) -> Event:
    event = get_event(slug, current_user)
    authorize(can_manage_event(current_user, event))
    return event


def _form(event: Event, choices: list[Choice], *, empty: bool = False) -> FeedForm:
    form = FeedForm(formdata=None, locale=language()) if empty else FeedForm(locale=language())
    form.offer(offered(choices, within=event))
    return form


@blueprint.route("/events/<slug>/manage/calendars", methods=["GET", "POST"])
@signed_in
def manage_event(slug: str) -> BaseResponse:
    """All addresses of the event; a new one is shown once."""
    event = _managed(slug)
    choices = choices_of_event(event)
    form = _form(event, choices)
    if form.validate_on_submit():
        value = form.subject.data
        with submission() as done:
            _, token = create_feed(
                actor=current_user,
                label=form.label.data or "",
                locale=form.locale.data,
                reminder_minutes=form.reminder_minutes,
                subject=chosen(choices, value),
                now=clock.now(),
            )
            done.redirect(
                url_for("calendars.manage_event", slug=slug), flash=gettext(MADE_BEFORE), category="info"
            )
        return _page(event, _form(event, choices_of_event(event), empty=True), token)
    return _page(event, form)


def _page(event: Event, form: FeedForm, token: str | None = None, status: int | None = None) -> Response:
    feeds = list_event_feeds(event.id)
    response = make_response(
        render_template(
            "calendars/manage/event.html",
            event=event,
            form=form,
            action=ActionForm(),
            feeds=[
                (feed, subject_label(feed, within=event), reminder_label(feed.reminder_minutes))
                for feed in feeds
            ],
            languages=LANGUAGE_NAMES,
            **shown_once(token),
        ),
        status or form.status,
    )
    if token is not None:
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/events/<slug>/manage/calendars/<int:feed_id>/revoke")
@signed_in
def revoke_of_event(slug: str, feed_id: int) -> BaseResponse:
    """End an address of the event, whoever made it."""
    event = _managed(slug)
    form = ActionForm()
    if not form.validate_on_submit():
        return _page(event, _form(event, choices_of_event(event), empty=True), status=422)
    with submission() as done:
        revoke_feed(actor=current_user, feed_id=feed_id, event=event, now=clock.now())
        done.redirect(url_for("calendars.manage_event", slug=slug), flash=gettext(REVOKED))
    return done.response
