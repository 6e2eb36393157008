"""Events from outside: the front page, the list, one event; and what administrators set up."""

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.text import N_
from forum_app.events import blueprint
from forum_app.events.forms import NewEventForm, NewSeriesForm, SeriesForm
from forum_app.events.models import RegistrationWindow
from forum_app.events.permissions import can_create_event, can_manage_event, roles_at
from forum_app.events.queries import (
    get_series,
    list_editions,
    list_own_events,
    list_participations,
    list_recent,
    list_rooms,
    list_series,
    list_tracks,
    list_upcoming,
    page_of_events,
)
from forum_app.events.services import create_event, create_series, delete_series, get_event, update_series
from forum_app.web import clock
from forum_app.web.access import administrator, public
from forum_app.web.forms import ActionForm
from forum_app.web.languages import ZONES
from forum_app.web.navigation import event_navigation, site_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]
UPCOMING_ON_HOME = 7
RECENT_ON_HOME = 4
OWN_ON_HOME = 12
EDITIONS = 12

site_navigation.add("events.index", N_("Events"), order=10)
event_navigation.add("events.show", N_("Overview"), order=10)


@blueprint.context_processor
def words() -> dict[str, object]:
    """What all templates of this feature need."""
    return {"RegistrationWindow": RegistrationWindow, "may_create_event": can_create_event(current_user)}


@blueprint.get("/")
@public
def home() -> str:
    """The front page: the next event, one's own, further ones, and what was held."""
    now = clock.now()
    participations = list_participations(current_user)
    own = list_own_events(current_user, participations, now, limit=OWN_ON_HOME)
    upcoming = list_upcoming(now, limit=UPCOMING_ON_HOME + len(own))
    return render_template(
        "events/home.html",
        now=now,
        next_event=upcoming[0] if upcoming else None,
        upcoming=[event for event in upcoming[1:] if event not in own][: UPCOMING_ON_HOME - 1],
        recent=list_recent(now, limit=RECENT_ON_HOME),
        own=own,
        roles={event.id: roles_at(current_user, event) for event in own},
        participations=participations,
    )


@blueprint.get("/events/")
@public
def index() -> str:
    """All events that the reader may find: to come, or (?when=past) held."""
    past = request.args.get("when") == "past"
    state = TableState.from_request(
        sorts=("-starts_on",) if past else ("starts_on",), filters={"when": ("past",)}
    )
    now = clock.now()
    participations = list_participations(current_user)
    return render_template(
        "events/index.html",
        page=page_of_events(current_user, state, participations, now),
        past=past,
        now=now,
        participations=participations,
    )


@blueprint.get("/events/<slug>/")
@public
def show(slug: str) -> str:
    """One event."""
    event = get_event(slug, current_user)
    now = clock.now()
    participations = list_participations(current_user)
    return render_template(
        "events/show.html",
        event=event,
        now=now,
        participations=participations,
        rooms=list_rooms(event.id),
        tracks=list_tracks(event.id),
        editions=list_editions(event, current_user, participations, limit=EDITIONS),
        may_manage=can_manage_event(current_user, event),
    )


# administrators


@blueprint.route("/events/new", methods=["GET", "POST"])
@administrator
def create() -> Answer:
    """A new event."""
    form = NewEventForm()
    if not form.is_submitted():
        form.timezone.data, form.second_timezone.data = "Asia/Tokyo", "America/New_York"
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                event = create_event(
                    actor=current_user, slug=form.slug.data, now=clock.now(), **form.values()
                )
                done.redirect(url_for("events.manage", slug=event.slug), flash=gettext("Event created."))
            return done.response
    return render_template("events/new.html", form=form, zones=ZONES), form.status


@blueprint.route("/events/series/", methods=["GET", "POST"])
@administrator
def series() -> Answer:
    """All series, and a form for one more."""
    form = NewSeriesForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                create_series(
                    actor=current_user,
                    slug=form.slug.data,
                    name_en=form.name_en.data or "",
                    name_ja=form.name_ja.data or "",
                    now=clock.now(),
                )
                done.redirect(url_for("events.series"), flash=gettext("Series added."))
            return done.response
    page = render_template("events/series.html", form=form, action=ActionForm(), rows=list_series())
    return page, form.status


@blueprint.route("/events/series/<series_slug>", methods=["GET", "POST"])
@administrator
def edit_series(series_slug: str) -> Answer:
    """Rename a series."""
    row = get_series(series_slug)
    form = SeriesForm(obj=row)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                update_series(
                    actor=current_user,
                    series=row,
                    name_en=form.name_en.data or "",
                    name_ja=form.name_ja.data or "",
                    now=clock.now(),
                )
                done.redirect(url_for("events.series"), flash=gettext("Series saved."))
            return done.response
    return render_template("events/edit_series.html", form=form, series=row), form.status


@blueprint.post("/events/series/<series_slug>/delete")
@administrator
def remove_series(series_slug: str) -> Response:
    """Remove a series without editions."""
    with submission() as done:
        delete_series(actor=current_user, series=get_series(series_slug), now=clock.now())
        done.redirect(url_for("events.series"), flash=gettext("Series removed."))
    return done.response
