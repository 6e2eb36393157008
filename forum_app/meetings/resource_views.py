"""Organizers: tables, interpreters and the hours of both."""

from collections.abc import Sequence
from typing import Any

from flask import render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Conflict
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.queries import list_rooms
from forum_app.meetings import blueprint
from forum_app.meetings.manage_views import managed_event
from forum_app.meetings.models import TABLE_KIND_LABELS, Interpreter, Meeting, MeetingTable
from forum_app.meetings.queries import get_interpreter, get_table
from forum_app.meetings.resource_forms import HoursForm, InterpreterForm, NewTablesForm, TableForm, pair_label
from forum_app.meetings.resource_queries import (
    count_planned,
    list_interpreter_rows,
    list_planned_of,
    list_present_organizations,
    list_table_rows,
)
from forum_app.meetings.resource_services import (
    add_hours,
    add_tables,
    missed_by,
    remove_hours_of,
    remove_interpreter,
    remove_table,
    save_interpreter,
    save_table,
)
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.errors import sentence
from forum_app.web.formats import bilingual
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]

manage_navigation.add("meetings.manage_tables", N_("Tables"), order=64, visible=can_manage_event)
manage_navigation.add("meetings.manage_interpreters", N_("Interpreters"), order=65, visible=can_manage_event)


def _missed(row: MeetingTable | Interpreter, column: Any) -> list[Meeting]:
    """Meetings outside of the hours."""
    hours = [Interval(known.starts_at, known.ends_at) for known in row.hours]
    return missed_by(hours, list_planned_of(row.event_id, column, row.id))


# --- Tables ----------------------------------------------------------------------------------------


def _offer(event: Event, form: TableForm) -> None:
    form.offer(
        [(str(room.id), bilingual(room, "name")) for room in list_rooms(event.id)],
        [(str(one.id), bilingual(one, "name")) for one in list_present_organizations(event.id)],
    )


def _table_values(form: TableForm) -> dict[str, Any]:
    return {
        "label": form.label.data,
        "kind": form.chosen_kind,
        "owner_id": form.owner_id.data,
        "room_id": form.room_id.data,
    }


@blueprint.route("/events/<slug>/manage/tables", methods=["GET", "POST"])
@signed_in
def manage_tables(slug: str) -> Answer:
    """Tables in their order; the form adds one or several alike."""
    event = managed_event(slug)
    form = NewTablesForm()
    _offer(event, form)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                number = form.number.data or 1
                add_tables(
                    actor=current_user, event=event, number=number, now=clock.now(), **_table_values(form)
                )
                done.redirect(
                    url_for("meetings.manage_tables", slug=slug),
                    flash=gettext("The table was added.")
                    if number == 1
                    else gettext("The tables were added."),
                )
            return done.response
    page = render_template(
        "meetings/manage/tables.html",
        event=event,
        form=form,
        tables=list_table_rows(event.id),
        planned=count_planned(event.id, Meeting.table_id),
        action=ActionForm(formdata=None),
        TABLE_KIND_LABELS=TABLE_KIND_LABELS,
    )
    return page, form.status


@blueprint.route("/events/<slug>/manage/tables/<int:table_id>", methods=["GET", "POST"])
@signed_in
def edit_table(slug: str, table_id: int) -> Answer:
    """Label, kind, room, order and hours of a table."""
    event = managed_event(slug)
    table = get_table(event.id, table_id)
    form = TableForm(
        data={
            "label": table.label,
            "kind": table.kind.value,
            "owner_id": table.owner_id,
            "room_id": table.room_id,
            "position": table.position,
        }
    )
    _offer(event, form)
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    save_table(
                        actor=current_user,
                        event=event,
                        table=table,
                        position=form.position.data,
                        now=clock.now(),
                        **_table_values(form),
                    )
                    done.redirect(
                        url_for("meetings.manage_tables", slug=slug), flash=gettext("The table was changed.")
                    )
                return done.response
        except Conflict as conflict:
            problem = conflict
    return _table_page(event, table_id, form, problem=problem)


def _table_page(
    event: Event,
    table_id: int,
    form: TableForm,
    *,
    hours: HoursForm | None = None,
    problem: Conflict | None = None,
) -> tuple[str, int]:
    table = get_table(event.id, table_id)
    status = 409 if problem else hours.status if hours else form.status
    page = render_template(
        "meetings/manage/table.html",
        event=event,
        form=form,
        table=table,
        hours_form=hours or HoursForm(formdata=None).at(event),
        missed=_missed(table, Meeting.table_id),
        action=ActionForm(formdata=None),
        problem=sentence(problem) if problem else None,
    )
    return page, status


@blueprint.post("/events/<slug>/manage/tables/<int:table_id>/remove")
@signed_in
def delete_table(slug: str, table_id: int) -> Response:
    """Remove a table that was never used."""
    event = managed_event(slug)
    table = get_table(event.id, table_id)
    with submission() as done:
        remove_table(actor=current_user, event=event, table=table, now=clock.now())
        done.redirect(url_for("meetings.manage_tables", slug=slug), flash=gettext("The table was removed."))
    return done.response


@blueprint.post("/events/<slug>/manage/tables/<int:table_id>/hours")
@signed_in
def add_table_hours(slug: str, table_id: int) -> Answer:
    """Hours of a table."""
    event = managed_event(slug)
    table = get_table(event.id, table_id)
    form = HoursForm()
    form.at(event)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                add_hours(actor=current_user, event=event, row=table, span=form.chosen, now=clock.now())
                done.redirect(
                    url_for("meetings.edit_table", slug=slug, table_id=table_id),
                    flash=gettext("The hours were added."),
                )
            return done.response
    edit = TableForm(formdata=None, data={"label": table.label, "kind": table.kind.value})
    edit.owner_id.data, edit.room_id.data = table.owner_id, table.room_id
    edit.position.data = table.position
    _offer(event, edit)
    return _table_page(event, table_id, edit, hours=form)


@blueprint.post("/events/<slug>/manage/tables/<int:table_id>/hours/<int:table_hours_id>/remove")
@signed_in
def delete_table_hours(slug: str, table_id: int, table_hours_id: int) -> Response:
    """Take hours of a table away."""
    event = managed_event(slug)
    row = get_table(event.id, table_id)
    back = url_for("meetings.edit_table", slug=slug, table_id=table_id)
    return _remove_hours(event, row, table_hours_id, back)


def _remove_hours(event: Event, row: MeetingTable | Interpreter, hours_id: int, back: str) -> Response:
    with submission() as done:
        remove_hours_of(actor=current_user, event=event, row=row, hours_id=hours_id, now=clock.now())
        done.redirect(back, flash=gettext("The hours were removed."))
    return done.response


# --- Interpreters ----------------------------------------------------------------------------------


def _save_interpreter(event: Event, form: InterpreterForm, row: Interpreter | None, done: submission) -> None:
    saved = save_interpreter(
        actor=current_user,
        event=event,
        interpreter=row,
        name_latin=form.name_latin.data or "",
        name_native=form.name_native.data or "",
        name_kana=form.name_kana.data or "",
        languages=",".join(form.languages.data or ()),
        cleared_until=form.cleared_until.data,
        most_run_minutes=form.most_run_minutes.data,
        email=form.email.data or "",
        now=clock.now(),
    )
    back = url_for("meetings.edit_interpreter", slug=event.slug, interpreter_id=saved.id)
    if row is not None:
        back = url_for("meetings.manage_interpreters", slug=event.slug)
    done.redirect(back, flash=gettext("The interpreter was saved."))


@blueprint.route("/events/<slug>/manage/interpreters", methods=["GET", "POST"])
@signed_in
def manage_interpreters(slug: str) -> Answer:
    """Interpreters; the form adds one."""
    event = managed_event(slug)
    form = InterpreterForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                _save_interpreter(event, form, None, done)
            return done.response
    page = render_template(
        "meetings/manage/interpreters.html",
        event=event,
        form=form,
        interpreters=list_interpreter_rows(event.id),
        planned=count_planned(event.id, Meeting.interpreter_id),
        action=ActionForm(formdata=None),
        pair_labels=_pair_labels,
    )
    return page, form.status


def _pair_labels(row: Interpreter) -> Sequence[str]:
    return [pair_label(pair) for pair in row.languages.split(",") if "-" in pair]


def _interpreter_form(row: Interpreter, **kwargs: Any) -> InterpreterForm:
    return InterpreterForm(
        data={
            "name_latin": row.name_latin,
            "name_native": row.name_native,
            "name_kana": row.name_kana,
            "languages": row.languages.split(","),
            "most_run_minutes": row.most_run_minutes,
            "cleared_until": row.cleared_until,
            "email": row.user.email if row.user is not None else "",
        },
        **kwargs,
    )


@blueprint.route("/events/<slug>/manage/interpreters/<int:interpreter_id>", methods=["GET", "POST"])
@signed_in
def edit_interpreter(slug: str, interpreter_id: int) -> Answer:
    """Names, languages, rest, clearance, login and hours of an interpreter."""
    event = managed_event(slug)
    row = get_interpreter(event.id, interpreter_id)
    form = _interpreter_form(row)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                _save_interpreter(event, form, row, done)
            return done.response
    return _interpreter_page(event, interpreter_id, form)


def _interpreter_page(
    event: Event, interpreter_id: int, form: InterpreterForm, *, hours: HoursForm | None = None
) -> tuple[str, int]:
    row = get_interpreter(event.id, interpreter_id)
    page = render_template(
        "meetings/manage/interpreter.html",
        event=event,
        form=form,
        interpreter=row,
        hours_form=hours or HoursForm(formdata=None).at(event),
        missed=_missed(row, Meeting.interpreter_id),
        action=ActionForm(formdata=None),
    )
    return page, (hours or form).status


@blueprint.post("/events/<slug>/manage/interpreters/<int:interpreter_id>/remove")
@signed_in
def delete_interpreter(slug: str, interpreter_id: int) -> Response:
    """Remove an interpreter without meetings."""
    event = managed_event(slug)
    row = get_interpreter(event.id, interpreter_id)
    with submission() as done:
        remove_interpreter(actor=current_user, event=event, interpreter=row, now=clock.now())
        done.redirect(
            url_for("meetings.manage_interpreters", slug=slug), flash=gettext("The interpreter was removed.")
        )
    return done.response


@blueprint.post("/events/<slug>/manage/interpreters/<int:interpreter_id>/hours")
@signed_in
def add_interpreter_hours(slug: str, interpreter_id: int) -> Answer:
    """Hours of an interpreter."""
    event = managed_event(slug)
    row = get_interpreter(event.id, interpreter_id)
    form = HoursForm()
    form.at(event)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                add_hours(actor=current_user, event=event, row=row, span=form.chosen, now=clock.now())
                done.redirect(
                    url_for("meetings.edit_interpreter", slug=slug, interpreter_id=interpreter_id),
                    flash=gettext("The hours were added."),
                )
            return done.response
    return _interpreter_page(event, interpreter_id, _interpreter_form(row, formdata=None), hours=form)


@blueprint.post(
    "/events/<slug>/manage/interpreters/<int:interpreter_id>/hours/<int:interpreter_hours_id>/remove"
)
@signed_in
def delete_interpreter_hours(slug: str, interpreter_id: int, interpreter_hours_id: int) -> Response:
    """Take hours of an interpreter away."""
    event = managed_event(slug)
    row = get_interpreter(event.id, interpreter_id)
    back = url_for("meetings.edit_interpreter", slug=slug, interpreter_id=interpreter_id)
    return _remove_hours(event, row, interpreter_hours_id, back)
