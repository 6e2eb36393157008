"""The rooms and the tracks of an event: two lists in an order of their own, edited alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.text import N_
from forum_app.events import blueprint
from forum_app.events.forms import NamedForm, RoomForm, TrackForm
from forum_app.events.manage_views import Answer, act, managed_event
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.queries import get_room, get_track, list_rooms, list_tracks
from forum_app.events.rooms import Row, create_room, create_track, delete_row, move_row, update_row
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

manage_navigation.add("events.rooms", N_("Rooms"), order=82, visible=can_manage_event)
manage_navigation.add("events.tracks", N_("Tracks"), order=83, visible=can_manage_event)


@dataclass(frozen=True, slots=True)
class Section:
    """One of the two lists. page: its endpoint and template; the texts follow what is done."""

    page: str
    title: str
    form: type[NamedForm]
    rows: Callable[[int], Sequence[Row]]
    get: Callable[[int, int], Row]
    create: Callable[..., Row]
    added: str
    saved: str
    removed: str


ROOMS = Section(
    page="rooms",
    title=N_("Rooms"),
    form=RoomForm,
    rows=list_rooms,
    get=get_room,
    create=create_room,
    added=N_("Room added."),
    saved=N_("Room saved."),
    removed=N_("Room removed."),
)
TRACKS = Section(
    page="tracks",
    title=N_("Tracks"),
    form=TrackForm,
    rows=list_tracks,
    get=get_track,
    create=create_track,
    added=N_("Track added."),
    saved=N_("Track saved."),
    removed=N_("Track removed."),
)


def _list(section: Section, slug: str, **first: Any) -> Answer:
    """The list and a form for one more; first: what the form begins with."""
    event = managed_event(slug)
    form = section.form(data=first)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                section.create(actor=current_user, event=event, now=clock.now(), **form.row_values())
                done.redirect(url_for(f"events.{section.page}", slug=slug), flash=gettext(section.added))
            return done.response
    page = render_template(
        f"events/manage/{section.page}.html",
        event=event,
        form=form,
        action=ActionForm(),
        rows=section.rows(event.id),
    )
    return page, form.status


def _edit(section: Section, slug: str, row_id: int) -> Answer:
    """Change one row."""
    event = managed_event(slug)
    row = section.get(event.id, row_id)
    form = section.form(obj=row)
    back = url_for(f"events.{section.page}", slug=slug)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                update_row(actor=current_user, event=event, row=row, now=clock.now(), **form.row_values())
                done.redirect(back, flash=gettext(section.saved))
            return done.response
    page = render_template(
        "events/manage/row.html", event=event, form=form, row=row, back=back, title=gettext(section.title)
    )
    return page, form.status


def _order(section: Section, slug: str, row_id: int) -> Response:
    """One place up (up=1) or down."""

    def change(event: Event) -> None:
        row = section.get(event.id, row_id)
        move_row(actor=current_user, event=event, row=row, up=request.form.get("up") == "1", now=clock.now())

    return act(slug, change, f"events.{section.page}", gettext("Order changed."))


def _remove(section: Section, slug: str, row_id: int) -> Response:
    """Remove a row that nothing uses."""

    def change(event: Event) -> None:
        row = section.get(event.id, row_id)
        delete_row(actor=current_user, event=event, row=row, now=clock.now())

    return act(slug, change, f"events.{section.page}", gettext(section.removed))


@blueprint.route("/events/<slug>/manage/rooms", methods=["GET", "POST"])
@signed_in
def rooms(slug: str) -> Answer:
    """Rooms in their order, and a form for one more."""
    return _list(ROOMS, slug)


@blueprint.route("/events/<slug>/manage/rooms/<int:room_id>", methods=["GET", "POST"])
@signed_in
def room(slug: str, room_id: int) -> Answer:
    """Change one room."""
    return _edit(ROOMS, slug, room_id)


@blueprint.post("/events/<slug>/manage/rooms/<int:room_id>/move")
@signed_in
def order_room(slug: str, room_id: int) -> Response:
    """One place up or down."""
    return _order(ROOMS, slug, room_id)


@blueprint.post("/events/<slug>/manage/rooms/<int:room_id>/delete")
@signed_in
def remove_room(slug: str, room_id: int) -> Response:
    """Remove a room that nothing uses."""
    return _remove(ROOMS, slug, room_id)


@blueprint.route("/events/<slug>/manage/tracks", methods=["GET", "POST"])
@signed_in
def tracks(slug: str) -> Answer:
    """Tracks in their order, and a form for one more in the next colour."""
    return _list(TRACKS, slug, color=len(list_tracks(managed_event(slug).id)) % 8 + 1)


@blueprint.route("/events/<slug>/manage/tracks/<int:track_id>", methods=["GET", "POST"])
@signed_in
def track(slug: str, track_id: int) -> Answer:
    """Change one track."""
    return _edit(TRACKS, slug, track_id)


@blueprint.post("/events/<slug>/manage/tracks/<int:track_id>/move")
@signed_in
def order_track(slug: str, track_id: int) -> Response:
    """One place up or down."""
    return _order(TRACKS, slug, track_id)


@blueprint.post("/events/<slug>/manage/tracks/<int:track_id>/delete")
@signed_in
def remove_track(slug: str, track_id: int) -> Response:
    """Remove a track that nothing uses."""
    return _remove(TRACKS, slug, track_id)
