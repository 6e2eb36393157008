"""The published agenda: pages, exchange files, and one's own programme."""

from datetime import date
from typing import Any

from flask import Response, current_app, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from forum_app.agenda import blueprint
from forum_app.agenda.days import AgendaDay
from forum_app.agenda.forms import BookmarkForm
from forum_app.agenda.pages import (
    Choice,
    Renderer,
    chosen,
    days_of,
    export,
    near,
    options,
    state_of,
    states,
)
from forum_app.agenda.permissions import reader_at
from forum_app.agenda.programme import (
    add_bookmark,
    programme_ids,
    readable,
    readable_items,
    remove_bookmark,
)
from forum_app.agenda.queries import bookmarked_ids, current_agenda
from forum_app.agenda.snapshot import PublishedItem
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.web import clock
from forum_app.web.access import public, signed_in
from forum_app.web.formats import format_date
from forum_app.web.languages import language
from forum_app.web.navigation import event_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

MAX_QUERY = 100

event_navigation.add("agenda.show", N_("Agenda"), order=20)


@blueprint.get("/events/<slug>/agenda")
@public
def show(slug: str) -> str:
    """The agenda by day and room, with what is on now and next."""
    event = get_event(slug, current_user)
    agenda = current_agenda(event)
    if agenda is None:
        return render_template("agenda/empty.html", event=event)
    known = readable(agenda, reader_at(current_user, event))
    items = known.items
    mine = programme_ids(current_user, agenda)
    choice = _choice()
    shown = chosen(agenda, items, choice)
    if choice.mine:
        shown &= mine
    now = clock.now()
    state = states(known, now)
    renderer = Renderer(event, agenda)
    days = days_of(agenda, items, event.timezone)
    by_state: dict[str, list[PublishedItem]] = {"now": [], "next": []}
    for item in items:
        if state.get(item.id) in by_state:
            by_state[state[item.id]].append(item)
    return render_template(
        "agenda/show.html",
        event=event,
        agenda=agenda,
        choice=choice,
        options=options(items),
        days=[
            (day.date, renderer.day(day.date, held, state, mine))
            for day in days
            if choice.day in (None, day.date) and (held := [one for one in day.items if one.id in shown])
        ],
        day_links=_tabs(days, event, choice),
        day_options=[(day.date.isoformat(), format_date(day.date, language())) for day in days],
        count=sum(item.id in shown for day in days if choice.day in (None, day.date) for item in day.items),
        total=len(items),
        now_cards=[renderer.card(item, "now", item.id in mine) for item in by_state["now"]],
        next_cards=[renderer.card(item, "next", item.id in mine) for item in by_state["next"]],
    )


@blueprint.get("/events/<slug>/agenda/<item_code>")
@public
def item(slug: str, item_code: str) -> str:
    """One item; 404 when the reader may not know of it."""
    user = current_user._get_current_object()
    event = get_event(slug, user)
    agenda = current_agenda(event)
    known = readable(agenda, reader_at(user, event)) if agenda else None
    found = known.by_code.get(item_code) if known else None
    if agenda is None or known is None or found is None:
        raise NotFound(N_("There is no such agenda item, or it is not open to you."))
    state = state_of(found, known, clock.now())
    signed = user.is_authenticated
    return render_template(
        "agenda/item.html",
        event=event,
        item=found,
        page=Renderer(event, agenda).page(found, state, near(found, known)),
        bookmarked=signed and found.id in bookmarked_ids(user.id, event.id),
        form=BookmarkForm() if signed else None,
    )


@blueprint.post("/events/<slug>/agenda/<item_code>/bookmark")
@signed_in
def bookmark(slug: str, item_code: str) -> str | BaseResponse:
    """Put an item into one's own programme."""
    event = get_event(slug, current_user)
    form = BookmarkForm()
    target = url_for("agenda.item", slug=slug, item_code=item_code)
    if not form.validate_on_submit():
        return item(slug, item_code)
    with submission() as done:
        add_bookmark(actor=current_user, event=event, code=item_code, now=clock.now())
        done.redirect(target, flash=gettext("This is in your programme now, and in your calendar feed."))
    return done.response


@blueprint.post("/events/<slug>/agenda/<item_code>/bookmark/remove")
@signed_in
def remove_from_programme(slug: str, item_code: str) -> str | BaseResponse:
    """Take an item out of one's own programme."""
    event = get_event(slug, current_user)
    form = BookmarkForm()
    if not form.validate_on_submit():
        return item(slug, item_code)
    with submission() as done:
        remove_bookmark(actor=current_user, event=event, code=item_code)
        known = any(one.code == item_code for one in readable_items(event, current_user))
        target = url_for("agenda.item", slug=slug, item_code=item_code)
        done.redirect(
            target if known else url_for("agenda.show", slug=slug),
            flash=gettext("This is no longer in your programme."),
        )
    return done.response


@blueprint.get("/events/<slug>/schedule.xml")
@public
def schedule_xml(slug: str) -> Response:
    """What the reader may know of, as frab schedule.xml."""
    return _schedule(slug, "xml", "application/xml; charset=utf-8")


@blueprint.get("/events/<slug>/schedule.json")
@public
def schedule_json(slug: str) -> Response:
    """What the reader may know of, as schedule.json."""
    return _schedule(slug, "json", "application/json; charset=utf-8")


def _schedule(slug: str, form: str, content_type: str) -> Response:
    event = get_event(slug, current_user)
    agenda = current_agenda(event)
    if agenda is None:
        raise NotFound(N_("The agenda of this event has not been published yet."))
    items = readable(agenda, reader_at(current_user, event)).items
    base_url = current_app.config["FORUM_SETTINGS"].base_url
    body, etag = export(event, agenda, items, base_url, form)
    response = Response(body, content_type=content_type)
    response.set_etag(etag)
    response.last_modified = agenda.published_at
    response.make_conditional(request)
    return response


def _choice() -> Choice:
    args = request.args
    day = None
    try:
        day = date.fromisoformat(args.get("day", ""))
    except ValueError:
        day = None
    return Choice(
        words=" ".join(args.get("q", "").replace("\0", "").split())[:MAX_QUERY],
        track=_number(args.get("track", "")),
        room=_number(args.get("room", "")),
        language=args.get("language", "")[:20],
        day=day,
        mine=args.get("mine") == "1" and current_user.is_authenticated,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _tabs(days: list[AgendaDay], event: Event, choice: Choice) -> list[tuple[str, str, bool]]:
    """To the days of this page or, when one day was chosen, to the other days."""
    locale = language()
    kept: dict[str, Any] = {
        "q": choice.words or None,
        "track": choice.track,
        "room": choice.room,
        "language": choice.language or None,
        "mine": "1" if choice.mine else None,
    }
    return [
        (
            format_date(day.date, locale),
            f"#day-{day.date}"
            if choice.day is None
            else url_for("agenda.show", slug=event.slug, day=day.date.isoformat(), **kept),
            choice.day == day.date,
        )
        for day in days
    ]
