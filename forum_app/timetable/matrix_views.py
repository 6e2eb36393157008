"""Organizers: the day as a matrix, and moving one meeting in it by form; dragging fills the same form."""

from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Conflict
from forum_app.events.models import Event
from forum_app.meetings.models import Meeting
from forum_app.meetings.pages import slot_label, table_label
from forum_app.meetings.queries import get_meeting, list_tables
from forum_app.meetings.slot_queries import FreeSlot
from forum_app.organizations.models import KIND_LABELS, Kind
from forum_app.timetable import blueprint
from forum_app.timetable.forms import PinForm, PlaceForm
from forum_app.timetable.matrix_queries import PEOPLE_SORTS, TABLE_SORTS, Matrix, page_people, page_tables
from forum_app.timetable.move_services import Option, list_options, pin_meeting, place_meeting
from forum_app.timetable.pages import back_to, chosen_day, days_of, managed_event
from forum_app.web import clock
from forum_app.web.access import id_in, signed_in
from forum_app.web.errors import sentence
from forum_app.web.formats import format_date, when_parts
from forum_app.web.languages import language
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext


def _day_links(event: Event, matrix: Matrix) -> list[tuple[str, str, bool]]:
    state = matrix.page.state
    return [
        (format_date(day, language()), state.url(day=day.isoformat(), page=1), day == matrix.day)
        for day in days_of(event)
    ]


def _state(event: Event, *, sorts: tuple[str, ...], filters: dict[str, list[str]]) -> TableState:
    days = [day.isoformat() for day in days_of(event)]
    return TableState.from_request(sorts=list(sorts), filters={**filters, "day": days})


def _page(event: Event, matrix: Matrix, **context: Any) -> str:
    return render_template(
        "timetable/matrix.html",
        event=event,
        matrix=matrix,
        page=matrix.page,
        days=_day_links(event, matrix),
        times=[when_parts(slot.start, slot.end, event)[0] for slot in matrix.slots],
        now=clock.now(),
        back=request.full_path.rstrip("?"),
        **context,
    )


@blueprint.get("/events/<slug>/manage/timetable/people")
@signed_in
def people(slug: str) -> str:
    """People by slots."""
    event = managed_event(slug)
    state = _state(
        event,
        sorts=PEOPLE_SORTS,
        filters={"kind": [kind.value for kind in Kind], "show": ["waiting", "free"]},
    )
    return _page(
        event,
        page_people(event, chosen_day(event, clock.now()), state),
        view="people",
        sorts=[
            ("name", gettext("Name")),
            ("-meetings", gettext("Most meetings first")),
            ("meetings", gettext("Fewest meetings first")),
            ("-waiting", gettext("Most unplaced wishes first")),
        ],
        filters=[
            {
                "name": "kind",
                "label": gettext("Kind"),
                "options": [(kind.value, gettext(KIND_LABELS[kind])) for kind in Kind],
            },
            {
                "name": "show",
                "label": gettext("Show"),
                "options": [
                    ("waiting", gettext("With unplaced wishes")),
                    ("free", gettext("Without any meeting")),
                ],
            },
        ],
    )


@blueprint.get("/events/<slug>/manage/timetable/tables")
@signed_in
def tables(slug: str) -> str:
    """Tables by slots."""
    event = managed_event(slug)
    state = _state(event, sorts=TABLE_SORTS, filters={})
    return _page(
        event,
        page_tables(event, chosen_day(event, clock.now()), state),
        view="tables",
        sorts=[("place", gettext("Order of the tables")), ("label", gettext("Label"))],
        filters=[],
    )


# --- One meeting -----------------------------------------------------------------------------------


def _slot_text(event: Event, option: Option) -> str:
    """A slot with what stands against it, short enough for a list."""
    part = when_parts(option.span.start, option.span.end, event)[0]
    text = f"{part['date']} {part['time']}"
    if option.here:
        return f"{text} – {gettext('now')}"
    if option.free:
        return f"{text} – {gettext('all free')}"
    names = dict.fromkeys(bilingual_name(person) for person, _ in option.people)
    if not option.people and option.tables == ():
        names[gettext("no table")] = None
    if not option.helped:
        names[gettext("interpreter")] = None
    return f"{text} – {gettext('clash: %(names)s', names=', '.join(names))}"


def bilingual_name(person: Any) -> str:
    """A person's name in the reader's script, in one line."""
    native = person.name_native if language() == "ja" or not person.name_latin else ""
    return str(native or person.name_latin)


def _form(event: Event, meeting: Meeting, options: list[Option]) -> PlaceForm:
    chosen = {option.span.start.isoformat(): option for option in options}
    slot = request.args.get("slot", "")
    table = request.args.get("table_id", "")
    form = PlaceForm(
        data={
            "slot": slot if slot in chosen else meeting.starts_at.isoformat(),
            "table_id": table if id_in(table) else "",
            "pin": True,
            "back": back_to(url_for("timetable.tables", slug=event.slug)),
        }
    )
    form.slot.choices = [(key, _slot_text(event, option)) for key, option in chosen.items()]
    form.table_id.choices = [("", gettext("The same if it is free, else the best"))] + [
        (str(one.id), table_label(one)) for one in list_tables(event.id)
    ]
    return form


@blueprint.route("/events/<slug>/manage/timetable/meetings/<int:meeting_id>", methods=["GET", "POST"])
@signed_in
def meeting(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """Move a meeting, with the clashes of every slot; ?slot= and ?table_id= fill the form."""
    event = managed_event(slug)
    row = get_meeting(event.id, meeting_id)
    options = list_options(event, row, now=clock.now())
    form = _form(event, row, options)
    conflict = None
    if form.validate_on_submit():
        option = next(one for one in options if one.span.start.isoformat() == form.slot.data)
        try:
            with form.catching():
                with submission() as done:
                    moved = place_meeting(
                        actor=current_user,
                        event=event,
                        meeting=row,
                        starts_at=option.span.start,
                        table_id=id_in(form.table_id.data),
                        pin=form.pin.data,
                        now=clock.now(),
                    )
                    text = (
                        gettext("The meeting was moved. Both people are told.")
                        if moved
                        else gettext("Saved.")
                    )
                    done.redirect(back_to(url_for("timetable.tables", slug=slug)), flash=text)
                return done.response
        except Conflict as lost:
            conflict = lost
        row = get_meeting(event.id, meeting_id)
    chosen = next((one for one in options if one.span.start.isoformat() == form.slot.data), options[0])
    free = [slot for slot in conflict.alternatives if isinstance(slot, FreeSlot)] if conflict else []
    page = render_template(
        "timetable/meeting.html",
        event=event,
        meeting=row,
        form=form,
        option=chosen,
        table_id=id_in(form.table_id.data),
        pin_form=PinForm(formdata=None, data={"pinned": "" if row.pinned else "1", "back": form.back.data}),
        problem=sentence(conflict) if conflict else None,
        free=[slot_label(slot.start, slot.end, event) for slot in free],
    )
    return page, 409 if conflict else form.status


@blueprint.post("/events/<slug>/manage/timetable/meetings/<int:meeting_id>/pin")
@signed_in
def pin(slug: str, meeting_id: int) -> Response:
    """Pin a meeting, or let later runs move it."""
    event = managed_event(slug)
    row = get_meeting(event.id, meeting_id)
    pinned = bool(request.form.get("pinned"))
    with submission() as done:
        pin_meeting(actor=current_user, event=event, meeting=row, pinned=pinned, now=clock.now())
        text = (
            gettext("Pinned: later runs leave this meeting where it is.")
            if pinned
            else gettext("Not pinned any more: a later run may move this meeting.")
        )
        done.redirect(back_to(url_for("timetable.tables", slug=slug)), flash=text)
    return done.response
