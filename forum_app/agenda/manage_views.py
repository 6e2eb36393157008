"""Organizers: the draft's list, one item, its place, and the clashes while it is edited."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from forum_app.agenda import blueprint
from forum_app.agenda.clash_texts import ClashTexts
from forum_app.agenda.clashes import find_clashes
from forum_app.agenda.forms import STATUS_LABELS, ItemForm, PlaceForm, whole
from forum_app.agenda.models import (
    ACCESS_LABELS,
    ITEM_KIND_LABELS,
    AgendaItem,
    ItemKind,
    ItemStatus,
    SpeakerRole,
)
from forum_app.agenda.permissions import can_edit_agenda
from forum_app.agenda.queries import (
    draft_days,
    draft_items,
    get_item,
    list_blocks,
    list_speakers,
    matching_items,
    placed_items,
)
from forum_app.agenda.services import (
    Appearance,
    ItemValues,
    create_item,
    find_clashes_of,
    move_item,
    remove_item,
    update_item,
    values_of,
)
from forum_app.agenda.speakers import create_speaker
from forum_app.core.errors import Conflict
from forum_app.core.frab import conference_date, conference_day
from forum_app.core.text import N_
from forum_app.events.models import Event, Room
from forum_app.events.queries import list_rooms, list_tracks
from forum_app.events.services import get_event
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.formats import bilingual, format_date
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState, paginate
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]
MORE_ROWS = 4
SORTS = {
    "when": (AgendaItem.starts_at.is_(None), AgendaItem.starts_at, Room.position, AgendaItem.id),
    "title": (AgendaItem.title_en, AgendaItem.title_ja, AgendaItem.id),
    "room": (Room.position, AgendaItem.starts_at, AgendaItem.id),
    "changed": (AgendaItem.changed_at, AgendaItem.id),
}

manage_navigation.add("agenda.manage_index", N_("Agenda"), order=30, visible=can_edit_agenda)


def managed_event(slug: str) -> Event:
    """The event, for those who may edit its agenda; 404 or 403 for others."""
    event = get_event(slug, current_user)
    authorize(can_edit_agenda(current_user, event))
    return event


@blueprint.get("/events/<slug>/manage/agenda")
@signed_in
def manage_index(slug: str) -> str:
    """The draft: search, filters, clashes, and a quick edit in each row."""
    event = managed_event(slug)
    rooms = _named(list_rooms(event.id))
    days = sorted({conference_date(start, event.timezone) for start in draft_days(event.id)})
    filters = {
        "day": [(day.isoformat(), format_date(day, language())) for day in days],
        "room": [*rooms, ("none", gettext("No room yet"))],
        "kind": [(kind.value, gettext(label)) for kind, label in ITEM_KIND_LABELS.items()],
        "show": [
            ("unplaced", gettext("Without a time")),
            ("clashing", gettext("With a clash")),
            ("cancelled", gettext("Cancelled")),
        ],
    }
    state = TableState.from_request(
        sorts=list(SORTS),
        filters={name: [value for value, _ in values] for name, values in filters.items()},
    )
    clashes = find_clashes(placed_items(event.id))
    texts = ClashTexts(event)
    by_item = texts.by_item(clashes)
    statement = matching_items(draft_items(event.id), state.q).outerjoin(Room, Room.id == AgendaItem.room_id)
    page = paginate(_filtered(statement, state.filters, event, list(by_item)), state, sorts=SORTS)
    return render_template(
        "agenda/manage/index.html",
        event=event,
        page=page,
        filters=filters,
        rooms=rooms,
        clashes=by_item,
        clash_count=len(clashes),
        kinds=ITEM_KIND_LABELS,
        access=ACCESS_LABELS,
        statuses=STATUS_LABELS,
        form=ActionForm(),
        local=lambda at: at.astimezone(ZoneInfo(event.timezone)).strftime("%Y-%m-%dT%H:%M") if at else "",
    )


def _filtered(statement: Any, filters: Any, event: Event, clashing: Sequence[int]) -> Any:
    if day := filters.get("day"):
        span = conference_day(date.fromisoformat(day), event.timezone)
        statement = statement.where(
            AgendaItem.starts_at >= span.starts_at, AgendaItem.starts_at < span.ends_at
        )
    if room := filters.get("room"):
        statement = statement.where(AgendaItem.room_id == (None if room == "none" else int(room)))
    if kind := filters.get("kind"):
        statement = statement.where(AgendaItem.kind == ItemKind(kind))
    show = filters.get("show")
    if show == "unplaced":
        return statement.where(AgendaItem.starts_at.is_(None))
    if show == "clashing":
        return statement.where(AgendaItem.id.in_(clashing))
    if show == "cancelled":
        return statement.where(AgendaItem.status == ItemStatus.CANCELLED)
    return statement


@blueprint.get("/events/<slug>/manage/agenda/clashes")
@signed_in
def clashes_now(slug: str) -> str:
    """Part of the form: what clashes with what is typed, saved or not."""
    event = managed_event(slug)
    code = request.args.get("item", "").replace("\0", "")
    item = get_item(event, code) if code else None
    sentences = _clashes(event, _typed(request.args, event, item), item)
    keep = bool(request.args.get("keep_clashes"))
    return render_template("agenda/manage/_clashes.html", sentences=sentences, keep=keep)


def _typed(args: MultiDict[str, str], event: Event, item: AgendaItem | None) -> ItemValues:
    """As much of the form as can be read; what is missing (the quick edit) is as saved."""
    saved = values_of(item) if item else ItemValues()
    start = None
    with suppress(ValueError):
        start = datetime.fromisoformat(args.get("starts_at", "")[:16])
        start = start.replace(tzinfo=ZoneInfo(event.timezone)).astimezone(UTC)
    status = args.get("state", "")
    names = [name for name in args if name.startswith("speakers-") and name.endswith("-speaker")]
    speakers = saved.speakers
    if names:
        ids = dict.fromkeys(whole(args[name]) for name in names)
        speakers = tuple(Appearance(speaker_id) for speaker_id in ids if speaker_id is not None)
    return ItemValues(
        title_en=saved.title_en,
        title_ja=saved.title_ja,
        starts_at=start,
        minutes=min(max(whole(args.get("minutes")) or saved.minutes, 1), 1440),
        room_id=whole(args.get("room_id")),
        parent_id=whole(args["parent_id"]) if "parent_id" in args else saved.parent_id,
        status=ItemStatus(status) if status in set(ItemStatus) else saved.status,
        speakers=speakers,
    )


def _clashes(event: Event, values: ItemValues, item: AgendaItem | None) -> list[str]:
    """A sentence for each clash of what is typed."""
    clashes = find_clashes_of(event, values, item.id if item else None)
    texts = ClashTexts(event) if clashes else None
    item_id = item.id if item else 0
    return [texts.of_item(clash, item_id) for clash in clashes] if texts else []


@blueprint.route("/events/<slug>/manage/agenda/new", methods=["GET", "POST"])
@signed_in
def create(slug: str) -> Answer:
    """A new item."""
    event = managed_event(slug)
    form = ItemForm()
    _set_choices(form, event, None)
    if not _more_speakers(form) and form.validate_on_submit():
        with form.catching():
            with submission() as done:
                item = create_item(
                    actor=current_user,
                    event=event,
                    values=_with_new_speaker(form, event),
                    keep_clashes=form.keep_clashes.data,
                    now=clock.now(),
                )
                done.redirect(_list_url(event), flash=_saved(item))
            return done.response
    return _item_page(event, form, None)


@blueprint.route("/events/<slug>/manage/agenda/<item_code>", methods=["GET", "POST"])
@signed_in
def manage_item(slug: str, item_code: str) -> Answer:
    """One item of the draft."""
    event = managed_event(slug)
    item = get_item(event, item_code)
    form = ItemForm()
    if request.method == "GET":
        form.fill(item)
    _set_choices(form, event, item)
    if not _more_speakers(form) and form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    update_item(
                        actor=current_user,
                        event=event,
                        item=item,
                        values=_with_new_speaker(form, event),
                        version=form.known_version,
                        keep_clashes=form.keep_clashes.data,
                        now=clock.now(),
                    )
                    done.redirect(_list_url(event), flash=_saved(item))
                return done.response
        except Conflict as error:
            return _lost_race(error, form, event, item)
    return _item_page(event, form, item)


@blueprint.route("/events/<slug>/manage/agenda/<item_code>/move", methods=["GET", "POST"])
@signed_in
def move(slug: str, item_code: str) -> Answer:
    """Another time or room; the same as the quick edit in the list."""
    event = managed_event(slug)
    item = get_item(event, item_code)
    form = PlaceForm()
    form.set_place_choices(event, _named(list_rooms(event.id)))
    if request.method == "GET":
        saved = values_of(item)
        form.version.data = str(item.version)
        form.starts_at.data = saved.starts_at
        form.minutes.data = saved.minutes
        form.room_id.data = str(saved.room_id or "")
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    move_item(
                        actor=current_user,
                        event=event,
                        item=item,
                        starts_at=form.starts_at.data,
                        minutes=form.minutes.data,
                        room_id=whole(form.room_id.data),
                        version=form.known_version,
                        keep_clashes=form.keep_clashes.data,
                        now=clock.now(),
                    )
                    done.redirect(_list_url(event), flash=_saved(item))
                return done.response
        except Conflict as error:
            return _lost_race(error, form, event, item)
    return _move_page(event, form, item)


@blueprint.post("/events/<slug>/manage/agenda/<item_code>/remove")
@signed_in
def remove(slug: str, item_code: str) -> Answer:
    """Take an item out of the draft."""
    event = managed_event(slug)
    item = get_item(event, item_code)
    with submission() as done:
        published = item.published
        remove_item(actor=current_user, item=item, now=clock.now())
        done.redirect(
            _list_url(event),
            flash=gettext("Cancelled; it is shown so from the next publication.")
            if published
            else gettext("Removed."),
        )
    return done.response


def _set_choices(form: ItemForm, event: Event, item: AgendaItem | None) -> None:
    blocks = [block for block in list_blocks(event.id) if item is None or block.id != item.id]
    form.set_choices(
        event,
        rooms=_named(list_rooms(event.id)),
        tracks=_named(list_tracks(event.id)),
        blocks=[(str(block.id), bilingual(block, "title")) for block in blocks],
        people=[(str(speaker.id), _person(speaker)) for speaker in list_speakers(event.id)],
    )


def _person(speaker: Any) -> str:
    names = " / ".join(name for name in (speaker.name_latin, speaker.name_native) if name)
    organization = bilingual(speaker.organization, "name") if speaker.organization else ""
    return f"{names} ({organization})" if organization else names


def _named(rows: Sequence[Any]) -> list[tuple[str, str]]:
    return [(str(row.id), bilingual(row, "name")) for row in rows]


def _more_speakers(form: ItemForm) -> bool:
    """Whether the button for more lines was pressed; then nothing is saved."""
    if request.method != "POST" or "more_speakers" not in request.form:
        return False
    people = form.speakers[0].form.speaker.choices if form.speakers.entries else []
    for _ in range(MORE_ROWS):
        if len(form.speakers) < form.speakers.max_entries:
            form.speakers.append_entry().form.speaker.choices = people
    return True


def _with_new_speaker(form: ItemForm, event: Event) -> ItemValues:
    values = form.values()
    typed = form.new_speaker()
    if typed is None:
        return values
    speaker = create_speaker(actor=current_user, event=event, values=typed, now=clock.now())
    added = Appearance(speaker.id, SpeakerRole(form.new_role.data))
    return replace(values, speakers=(*values.speakers, added))


def _saved(item: AgendaItem) -> str:
    return str(gettext("Saved in the draft: %(title)s", title=bilingual(item, "title")))


def _list_url(event: Event) -> str:
    return url_for("agenda.manage_index", slug=event.slug)


def _item_page(event: Event, form: ItemForm, item: AgendaItem | None) -> tuple[str, int]:
    args = request.form if request.method == "POST" else MultiDict()
    values = _typed(args, event, item) if args else values_of(item) if item else ItemValues()
    page = render_template(
        "agenda/manage/item.html",
        event=event,
        form=form,
        item=item,
        remove_form=ActionForm() if item else None,
        sentences=_clashes(event, values, item),
        keep=bool(form.keep_clashes.data),
    )
    return page, form.status


def _move_page(event: Event, form: PlaceForm, item: AgendaItem) -> tuple[str, int]:
    args = request.form if request.method == "POST" else MultiDict()
    values = _typed(args, event, item) if args else values_of(item)
    page = render_template(
        "agenda/manage/move.html",
        event=event,
        form=form,
        item=item,
        sentences=_clashes(event, values, item),
        keep=bool(form.keep_clashes.data),
    )
    return page, form.status


def _lost_race(error: Conflict, form: Any, event: Event, item: AgendaItem) -> tuple[str, int]:
    """The form with what was typed; saving it again replaces the other's version knowingly."""
    form.form_errors.append(gettext(error.message))
    form.version.data = str(item.version)
    page = _item_page if isinstance(form, ItemForm) else _move_page
    return page(event, form, item)[0], 409
