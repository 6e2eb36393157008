"""Calendar files of the agenda, feeds at secret addresses, and the page of one's own addresses."""

from datetime import datetime, timedelta
from typing import cast

from flask import Flask, Response, current_app, make_response, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import update
from werkzeug.wrappers import Response as BaseResponse

from forum_app.agenda.permissions import reader_at
from forum_app.agenda.programme import readable, readable_item
from forum_app.agenda.queries import current_agenda
from forum_app.calendars import blueprint
from forum_app.calendars.feeds import Feed, agenda_feed, item_feed, secret_etag, secret_feed
from forum_app.calendars.forms import AddressForm, FeedForm, reminder_label
from forum_app.calendars.keeping import settled_agenda, settled_feed
from forum_app.calendars.models import FeedToken
from forum_app.calendars.pages import MADE_BEFORE, REVOKED, offered, shown_once, site, subject_label
from forum_app.calendars.queries import facts_of, get_feed, get_open_feed, list_open_feeds
from forum_app.calendars.scoped import feed_contents
from forum_app.calendars.services import change_feed, create_feed, revoke_feed
from forum_app.calendars.subjects import Choice, choices_of_person, chosen
from forum_app.calendars.unchanged import POSITION, Unchanged, install
from forum_app.core.text import N_
from forum_app.db import write_if_free
from forum_app.events.services import get_event
from forum_app.mail.rendering import link
from forum_app.web import clock
from forum_app.web.access import public, require_known, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.languages import LANGUAGE_NAMES, language, speaking
from forum_app.web.navigation import account_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

FRESH = 300  # seconds for which nobody needs to ask again
USED_EVERY = timedelta(hours=1)

account_navigation.add("calendars.manage", N_("My calendars"), order=60)
blueprint.record_once(lambda state: install(cast(Flask, state.app)))


@blueprint.get("/events/<slug>/agenda.ics")
@public
def agenda_ics(slug: str) -> Response:
    """What the reader may know of the published agenda."""
    event = get_event(slug, current_user)
    agenda = current_agenda(event)
    items = readable(agenda, reader_at(current_user, event)).items if agenda else ()
    facts = facts_of(event)
    settled = settled_agenda(facts, agenda, site().uid_domain, clock.now())
    feed = agenda_feed(facts, agenda, items, language(), site(), settled)
    return _calendar(feed, f"{slug}.ics", by_reader=True)


@blueprint.get("/events/<slug>/agenda/<item_code>.ics")
@public
def item_ics(slug: str, item_code: str) -> Response:
    """One item; 404 when the reader may not know of it."""
    event = get_event(slug, current_user)
    item = readable_item(event, current_user, item_code)
    facts = facts_of(event)
    settled = settled_agenda(facts, current_agenda(event), site().uid_domain, clock.now())
    feed = item_feed(facts, item, language(), site(), settled)
    return _calendar(feed, f"{slug}-{item_code}.ics", by_reader=True)


@blueprint.get("/calendars/<token>.ics")
@public
def feed(token: str) -> Response:
    """What an address is of, to whoever knows the secret; no cookie is read or set."""
    unchanged: Unchanged = current_app.extensions["forum_unchanged"]
    row = get_open_feed(token)
    now = clock.now()
    contents = feed_contents(row)
    settled = settled_feed(row, contents, site().uid_domain, now)
    etag = secret_etag(contents, row, site(), settled)
    if settled.kept and request.if_none_match.contains_weak(etag):
        response = _calendar(Feed(b"", etag, None), "forum.ics")
    else:
        address = link("calendars.feed", token=token)
        with speaking(row.locale):
            made = secret_feed(contents, row, address, site(), settled)
        response = _calendar(made, "forum.ics", kept=settled.kept)
    due = _note_use(row, settled.used_at, now)
    if settled.kept:
        made_of = None if contents.made_of is None else [*contents.made_of, f"address:{row.id}"]
        unchanged.remember(row.token_hash, etag, request.environ.get(POSITION), due, made_of)
    return response


def _note_use(row: FeedToken, noted: datetime | None, now: datetime) -> datetime:
    """Note the use of an address, once an hour, and never at the cost of the reader; when to do so next."""
    used = noted or row.last_used_at
    if used is None or now - used > USED_EVERY:
        write_if_free(update(FeedToken).where(FeedToken.id == row.id).values(last_used_at=now))
        used = now
    return used + USED_EVERY


def _calendar(feed: Feed, filename: str, *, by_reader: bool = False, kept: bool = True) -> Response:
    """The answer, or 304. by_reader: it depends on who asks and in which language."""
    response = Response(feed.body, content_type="text/calendar; charset=utf-8")
    response.headers.set("Content-Disposition", "inline", filename=filename)
    response.headers["Cache-Control"] = f"private, max-age={FRESH}" if kept else "no-store"
    if by_reader:
        response.headers["Vary"] = "Accept-Language, Cookie"
    if kept:
        response.set_etag(feed.etag)
    response.last_modified = feed.last_modified
    # Only the ETag decides: a venue, a name or somebody's access may change with no date of its own.
    if request.if_none_match and kept:
        response.make_conditional(request)
    return response


# --- One's own addresses -------------------------------------------------------------------------
def _feed_form(choices: list[Choice], *, empty: bool = False) -> FeedForm:
    form = FeedForm(formdata=None, locale=language()) if empty else FeedForm(locale=language())
    form.offer(offered(choices))
    return form


@blueprint.route("/account/calendars", methods=["GET", "POST"])
@signed_in
def manage() -> BaseResponse:
    """One's addresses; the answer to a new one is the only page that ever shows its secret."""
    choices = choices_of_person(current_user, clock.now())
    form = _feed_form(choices)
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
            # for a form that is sent again: the secret cannot be shown twice
            done.redirect(url_for("calendars.manage"), flash=gettext(MADE_BEFORE), category="info")
        choices = choices_of_person(current_user, clock.now())
        return _manage_page(_feed_form(choices, empty=True), token)
    return _manage_page(form)


def _manage_page(form: FeedForm, token: str | None = None, status: int | None = None) -> Response:
    feeds = list_open_feeds(current_user.id)
    response = make_response(
        render_template(
            "calendars/manage.html",
            form=form,
            action=ActionForm(),
            feeds=[(feed, subject_label(feed), reminder_label(feed.reminder_minutes)) for feed in feeds],
            languages=LANGUAGE_NAMES,
            **shown_once(token),
        ),
        status or form.status,
    )
    if token is not None:
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/account/calendars/<int:feed_id>", methods=["GET", "POST"])
@signed_in
def edit(feed_id: int) -> BaseResponse:
    """Name, language and reminders of one of one's addresses."""
    row = get_feed(feed_id)
    require_known(row.user_id == current_user.id)
    minutes = row.reminder_minutes
    form = AddressForm(label=row.label, locale=row.locale, reminder="" if minutes is None else str(minutes))
    if form.validate_on_submit():
        with submission() as done:
            change_feed(
                actor=current_user,
                feed_id=feed_id,
                label=form.label.data or "",
                locale=form.locale.data,
                reminder_minutes=form.reminder_minutes,
                now=clock.now(),
            )
            done.redirect(url_for("calendars.manage"), flash=gettext("The address was changed."))
        return done.response
    page = render_template("calendars/edit.html", form=form, feed=row, subject=subject_label(row))
    return make_response(page, form.status)


@blueprint.post("/account/calendars/<int:feed_id>/revoke")
@signed_in
def revoke(feed_id: int) -> BaseResponse:
    """End an address; calendars that use it get nothing any more."""
    form = ActionForm()
    if not form.validate_on_submit():
        choices = choices_of_person(current_user, clock.now())
        return _manage_page(_feed_form(choices, empty=True), status=422)
    with submission() as done:
        revoke_feed(actor=current_user, feed_id=feed_id, now=clock.now())
        done.redirect(url_for("calendars.manage"), flash=gettext(REVOKED))
    return done.response
