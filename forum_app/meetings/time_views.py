"""When an event has meetings (organizers), and when a person has none (everybody for themselves)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from flask import render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.agenda.busy_queries import SIGNED_UP
from forum_app.agenda.programme import readable_items
from forum_app.core.errors import Conflict, NotFound
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.busy_queries import Busy, Source, read_diary
from forum_app.meetings.manage_views import managed_event
from forum_app.meetings.models import MeetingStretch
from forum_app.meetings.pages import acting_as, on_behalf
from forum_app.meetings.permissions import can_act_for, is_self
from forum_app.meetings.resource_forms import AbsenceForm, CopyForm, StretchForm, days_of
from forum_app.meetings.slot_queries import cut_stretch, get_stretch, list_stretches
from forum_app.meetings.time_services import (
    copy_stretches,
    declare_absence,
    get_absence,
    list_absences,
    remove_stretch,
    save_stretch,
    withdraw_absence,
)
from forum_app.registration.models import Registration
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.errors import sentence
from forum_app.web.formats import format_date
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext, ngettext

Answer = Response | tuple[str, int]
Cut = tuple[MeetingStretch, list[Interval]]
OTHER_CALENDAR = N_("By your other calendar")

manage_navigation.add("meetings.manage_times", N_("Meeting times"), order=61, visible=can_manage_event)


# --- Stretches -------------------------------------------------------------------------------------


def _by_day(event: Event, stretches: Sequence[MeetingStretch]) -> list[tuple[date, list[Cut]]]:
    """Stretches with their slots under each local day that has some."""
    zone = ZoneInfo(event.timezone)
    groups = groupby(stretches, key=lambda stretch: stretch.starts_at.astimezone(zone).date())
    return [(day, [(stretch, cut_stretch(stretch)) for stretch in group]) for day, group in groups]


def _times_page(event: Event, form: StretchForm) -> tuple[str, int]:
    days = _by_day(event, list_stretches(event.id))
    copy = CopyForm(formdata=None)
    copy.day.choices = [(day.isoformat(), format_date(day, language())) for day, _ in days]
    page = render_template(
        "meetings/manage/times.html",
        event=event,
        form=form,
        days=days,
        copy=copy if 0 < len(days) < len(days_of(event)) else None,
        slots=sum(len(slots) for _, cuts in days for _, slots in cuts),
        action=ActionForm(formdata=None),
    )
    return page, form.status


@blueprint.route("/events/<slug>/manage/meeting-times", methods=["GET", "POST"])
@signed_in
def manage_times(slug: str) -> Answer:
    """The slots of each day; the form adds a stretch."""
    event = managed_event(slug)
    form = StretchForm()
    form.at(event)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                save_stretch(
                    actor=current_user,
                    event=event,
                    span=form.chosen,
                    slot_minutes=form.slot_minutes.data,
                    gap_minutes=form.gap_minutes.data,
                    now=clock.now(),
                )
                done.redirect(
                    url_for("meetings.manage_times", slug=slug),
                    flash=gettext("The meeting times were added."),
                )
            return done.response
    return _times_page(event, form)


@blueprint.route("/events/<slug>/manage/meeting-times/<int:stretch_id>", methods=["GET", "POST"])
@signed_in
def edit_times(slug: str, stretch_id: int) -> Answer:
    """Change one stretch."""
    event = managed_event(slug)
    stretch = get_stretch(event.id, stretch_id)
    form = StretchForm(data={"slot_minutes": stretch.slot_minutes, "gap_minutes": stretch.gap_minutes})
    form.at(event)
    form.show(stretch.starts_at, stretch.ends_at)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                save_stretch(
                    actor=current_user,
                    event=event,
                    stretch=stretch,
                    span=form.chosen,
                    slot_minutes=form.slot_minutes.data,
                    gap_minutes=form.gap_minutes.data,
                    now=clock.now(),
                )
                done.redirect(
                    url_for("meetings.manage_times", slug=slug),
                    flash=gettext("The meeting times were changed."),
                )
            return done.response
    page = render_template(
        "meetings/manage/edit_times.html",
        event=event,
        form=form,
        stretch=get_stretch(event.id, stretch_id),
        action=ActionForm(formdata=None),
    )
    return page, form.status


@blueprint.post("/events/<slug>/manage/meeting-times/<int:stretch_id>/remove")
@signed_in
def delete_times(slug: str, stretch_id: int) -> Response:
    """Take a stretch away; meetings in it stay."""
    event = managed_event(slug)
    stretch = get_stretch(event.id, stretch_id)
    with submission() as done:
        remove_stretch(actor=current_user, event=event, stretch=stretch, now=clock.now())
        done.redirect(
            url_for("meetings.manage_times", slug=slug), flash=gettext("The meeting times were removed.")
        )
    return done.response


@blueprint.post("/events/<slug>/manage/meeting-times/copy")
@signed_in
def copy_times(slug: str) -> Answer:
    """Give the days without meeting times those of one day."""
    event = managed_event(slug)
    form = CopyForm()
    form.day.choices = [(day.isoformat(), day.isoformat()) for day in days_of(event)]
    stretch_form = StretchForm(formdata=None)
    stretch_form.at(event)
    if form.validate_on_submit():
        with stretch_form.catching():
            with submission() as done:
                added = copy_stretches(
                    actor=current_user, event=event, day=date.fromisoformat(form.day.data), now=clock.now()
                )
                done.redirect(
                    url_for("meetings.manage_times", slug=slug),
                    flash=ngettext(
                        "%(num)d stretch was added to the other days.",
                        "%(num)d stretches were added to the other days.",
                        added,
                    ),
                )
            return done.response
    page, _ = _times_page(event, stretch_form)
    return page, 422


# --- Absences --------------------------------------------------------------------------------------


@blueprint.route("/events/<slug>/meetings/absences", methods=["GET", "POST"])
@signed_in
def absences(slug: str) -> Answer:
    """When a person takes no meetings, and what else the forum knows of their time."""
    event = get_event(slug, current_user)
    me = acting_as(event)
    own = on_behalf(me)
    form = AbsenceForm()
    form.at(event)
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    declare_absence(
                        actor=current_user,
                        event=event,
                        registration=me,
                        span=form.chosen,
                        note=form.note.data or "",
                        now=clock.now(),
                    )
                    done.redirect(
                        url_for("meetings.absences", slug=slug, **own),
                        flash=gettext("Nobody can book you at that time any more."),
                    )
                return done.response
        except Conflict as conflict:
            problem = conflict
        me = acting_as(event)
    zone = ZoneInfo(event.timezone)
    known = _known_times(event, me)
    page = render_template(
        "meetings/absences.html",
        event=event,
        me=me,
        own=own,
        form=form,
        absences=list_absences(me.id),
        days=[
            (day, list(group))
            for day, group in groupby(known, key=lambda busy: busy.span.start.astimezone(zone).date())
        ],
        action=ActionForm(formdata=None),
        problem=sentence(problem) if problem else None,
    )
    return page, 409 if problem else form.status


def _known_times(event: Event, me: Registration) -> list[Busy]:
    """What takes the person's time on the event's days; what they may no longer read of is not named."""
    user_id = me.user_id or 0
    zone = ZoneInfo(event.timezone)
    opens = datetime.combine(event.starts_on, time(), zone)
    closes = datetime.combine(event.ends_on + timedelta(days=1), time(), zone)
    entries = read_diary(event, [user_id], window=Interval(opens, closes)).entries[user_id]
    readable = {item.id for item in readable_items(event, me.user)}
    own = is_self(current_user, me)

    def named(busy: Busy) -> Busy:
        if busy.reason == SIGNED_UP and busy.item_id not in readable:
            return replace(busy, title_en="", title_ja="", building=None)
        if own and busy.source is Source.CALENDAR:
            return replace(busy, reason=OTHER_CALENDAR)
        return busy

    return [named(busy) for busy in sorted(entries, key=lambda busy: busy.span) if not busy.is_absence]


@blueprint.post("/events/<slug>/meetings/absences/<int:absence_id>/remove")
@signed_in
def remove_absence(slug: str, absence_id: int) -> Response:
    """Take meetings at that time again."""
    event = get_event(slug, current_user)
    absence = get_absence(event.id, absence_id)
    if not can_act_for(current_user, absence.registration, event):
        raise NotFound(N_("There is no such absence, or it is not yours."))
    own = on_behalf(absence.registration)
    with submission() as done:
        withdraw_absence(actor=current_user, event=event, absence=absence, now=clock.now())
        done.redirect(
            url_for("meetings.absences", slug=slug, **own),
            flash=gettext("You take meetings at that time again."),
        )
    return done.response
