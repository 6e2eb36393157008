"""Calendar files of the agenda, personal feeds, and the page of one's secret addresses."""

from datetime import datetime, timedelta

from flask import Response, current_app, make_response, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import update
from werkzeug.wrappers import Response as BaseResponse

from forum_app.agenda.permissions import reader_at
from forum_app.agenda.programme import readable, readable_item
from forum_app.agenda.queries import current_agenda
from forum_app.calendars import blueprint
from forum_app.calendars.feeds import Feed, Site, agenda_feed, item_feed, personal_etag, personal_feed
from forum_app.calendars.forms import FeedForm
from forum_app.calendars.models import FeedToken
from forum_app.calendars.personal import personal_calendar
from forum_app.calendars.queries import facts_of, get_open_feed, list_open_feeds
from forum_app.calendars.services import create_feed, revoke_feed
from forum_app.core.text import N_
from forum_app.db import write_if_free
from forum_app.events.services import get_event
from forum_app.web import clock
from forum_app.web.access import public, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.languages import LANGUAGE_NAMES, language, speaking
from forum_app.web.navigation import account_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

FRESH = 300  # seconds for which nobody needs to ask again
USED_EVERY = timedelta(hours=1)

account_navigation.add("calendars.manage", N_("My calendars"), order=60)


def _site() -> Site:
    settings = current_app.config["FORUM_SETTINGS"]
    return Site(settings.base_url, settings.uid_domain)


@blueprint.get("/events/<slug>/agenda.ics")
@public
def agenda_ics(slug: str) -> Response:
    """What the reader may know of the published agenda."""
    event = get_event(slug, current_user)
    agenda = current_agenda(event)
    items = readable(agenda, reader_at(current_user, event)).items if agenda else ()
    feed = agenda_feed(facts_of(event), agenda, items, language(), _site())
    return _calendar(feed, f"{slug}.ics", by_reader=True)


@blueprint.get("/events/<slug>/agenda/<item_code>.ics")
@public
def item_ics(slug: str, item_code: str) -> Response:
    """One item; 404 when the reader may not know of it."""
    event = get_event(slug, current_user)
    item = readable_item(event, current_user, item_code)
    feed = item_feed(facts_of(event), item, language(), _site())
    return _calendar(feed, f"{slug}-{item_code}.ics", by_reader=True)


@blueprint.get("/calendars/<token>.ics")
@public
def feed(token: str) -> Response:
    """All of one person, to whoever knows the secret; no cookie is read or set."""
    row = get_open_feed(token)
    now = clock.now()
    calendar = personal_calendar(row.user)
    etag = personal_etag(calendar, row, _site())
    if request.if_none_match.contains_weak(etag):
        response = _calendar(Feed(b"", etag, None), "forum.ics")
    else:
        with speaking(row.locale):
            response = _calendar(personal_feed(calendar, row, _site()), "forum.ics")
    _note_use(row, now)
    return response


def _note_use(row: FeedToken, now: datetime) -> None:
    """Note the use of an address, once an hour, and never at the cost of the reader."""
    if row.last_used_at is None or now - row.last_used_at > USED_EVERY:
        write_if_free(update(FeedToken).where(FeedToken.id == row.id).values(last_used_at=now))


def _calendar(feed: Feed, filename: str, *, by_reader: bool = False) -> Response:
    """The answer, or 304. by_reader: it depends on who asks and in which language."""
    response = Response(feed.body, content_type="text/calendar; charset=utf-8")
    response.headers.set("Content-Disposition", "inline", filename=filename)
    response.headers["Cache-Control"] = f"private, max-age={FRESH}"
    if by_reader:
        response.headers["Vary"] = "Accept-Language, Cookie"
    response.set_etag(feed.etag)
    response.last_modified = feed.last_modified
    # Only the ETag decides: a venue, a name or somebody's access may change with no date of its own.
    if request.if_none_match:
        response.make_conditional(request)
    return response


# --- One's own addresses -------------------------------------------------------------------------
@blueprint.route("/account/calendars", methods=["GET", "POST"])
@signed_in
def manage() -> BaseResponse:
    """One's addresses; the answer to a new one is the only page that ever shows its secret."""
    form = FeedForm(locale=language())
    if form.validate_on_submit():
        with submission() as done:
            _, token = create_feed(
                actor=current_user, label=form.label.data or "", locale=form.locale.data, now=clock.now()
            )
            # for a form that is sent again: the secret cannot be shown twice
            done.redirect(
                url_for("calendars.manage"),
                flash=gettext("This address was made before. It cannot be shown again; make another."),
                category="info",
            )
        return _manage_page(
            FeedForm(formdata=None, locale=language()), url_for("calendars.feed", token=token)
        )
    return _manage_page(form)


def _empty_form() -> FeedForm:
    return FeedForm(formdata=None, locale=language())


def _manage_page(form: FeedForm, path: str | None = None, status: int | None = None) -> Response:
    base_url = current_app.config["FORUM_SETTINGS"].base_url
    address = f"{base_url}{path}" if path else None
    response = make_response(
        render_template(
            "calendars/manage.html",
            form=form,
            action=ActionForm(),
            feeds=list_open_feeds(current_user.id),
            languages=LANGUAGE_NAMES,
            address=address,
            webcal=address and "webcal" + address[address.index(":") :],
        ),
        status or form.status,
    )
    if path is not None:
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/account/calendars/<int:feed_id>/revoke")
@signed_in
def revoke(feed_id: int) -> BaseResponse:
    """End an address; calendars that use it get nothing any more."""
    form = ActionForm()
    if not form.validate_on_submit():
        return _manage_page(_empty_form(), status=422)
    with submission() as done:
        revoke_feed(actor=current_user, feed_id=feed_id, now=clock.now())
        done.redirect(
            url_for("calendars.manage"), flash=gettext("The address is revoked. It answers nobody any more.")
        )
    return done.response
