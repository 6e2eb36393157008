"""One person of the directory, and marking interest without leaving the page one reads."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.intervals import Interval
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.availability_queries import CELL
from forum_app.meetings.booking_services import book_direct
from forum_app.meetings.claim_services import TAKEN
from forum_app.meetings.directory_queries import get_listed, list_delegation
from forum_app.meetings.forms import parse_slot
from forum_app.meetings.interest_forms import BookForm, MarkForm
from forum_app.meetings.interest_queries import find_profile, list_team
from forum_app.meetings.interest_services import mark_no_thanks, remove_no_thanks
from forum_app.meetings.models import OfficeHours, Priority
from forum_app.meetings.pages import NOT_IN, country_name, open_slots, own_path, slot_label
from forum_app.meetings.permissions import can_see_directory
from forum_app.meetings.queries import find_open_request, find_participant
from forum_app.meetings.relation_queries import Relation, Standing, relations_of
from forum_app.meetings.rule_queries import Obstacle
from forum_app.meetings.rule_services import MayNotMeet
from forum_app.meetings.services import request_meeting, withdraw_request
from forum_app.meetings.slot_queries import FreeSlot, has_meetings_in, list_free_slots, list_office_hours
from forum_app.organizations.models import KIND_LABELS
from forum_app.registration.models import Registration
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.errors import sentence
from forum_app.web.forms import ActionForm
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

SLOTS_SHOWN = 12  # a day of one host; the book page has them all


def _me(event: Event) -> Registration:
    """The reader's own registration: interest is nobody else's to mark from a list."""
    me = find_participant(current_user, event)
    if me is None:
        raise PermissionDenied(NOT_IN)
    return me


def person_page(
    event: Event, person: Registration, *, mark: MarkForm | None = None, problem: str | None = None
) -> tuple[str, int]:
    """What the directory knows of one person, with what can be marked."""
    me = find_participant(current_user, event)
    now = clock.now()
    relation = relations_of(event, me, [person], now)[person.id] if me is not None else None
    hours = list_office_hours([person.id])
    slots: list[FreeSlot] = []
    if person.type.takes_meetings and (relation is None or relation.shows_times):
        slots = list_free_slots(event, [person], now=now, guest=me)[person.id]
    direct = open_slots(hours, slots) if me is not None else []
    if relation is not None and relation.hides_open:
        slots, direct = [slot for slot in slots if slot not in direct], []
    page = render_template(
        "meetings/person.html",
        event=event,
        me=me,
        person=person,
        profile=find_profile(person.id),
        relation=relation,
        delegation=list_delegation(event.id, person),
        team=list_team(event.id, person.organization_id) if person.type.takes_meetings else [],
        notes=[h for h in hours if h.note_en or h.note_ja][:1],
        slots=slots[:SLOTS_SHOWN],
        direct=direct[:SLOTS_SHOWN],
        mark=mark or MarkForm(formdata=None),
        form=ActionForm(formdata=None),
        problem=problem,
        fragment=request.headers.get("HX-Request") == "true",
        back="",
        country_name=country_name,
        KIND_LABELS=KIND_LABELS,
    )
    return page, 409 if problem else mark.status if mark else 200


@blueprint.get("/events/<slug>/directory/<int:registration_id>")
@signed_in
def person(slug: str, registration_id: int) -> tuple[str, int]:
    """One person: what they look for, when they have time, and one's interest in them."""
    event = get_event(slug, current_user)
    if not can_see_directory(current_user, event):
        raise PermissionDenied(NOT_IN)
    return person_page(event, get_listed(event.id, registration_id))


def _go_back(event: Event, person: Registration) -> str:
    """Back to the list one came from; htmx takes only the part of the person's page that changed."""
    own = url_for("meetings.person", slug=event.slug, registration_id=person.id)
    if request.headers.get("HX-Request") == "true":
        return own
    back = own_path(event, request.form.get("back"))
    return f"{back}#interest-{person.id}" if back else own


@blueprint.post("/events/<slug>/directory/<int:registration_id>/interest")
@signed_in
def mark(slug: str, registration_id: int) -> Response | tuple[str, int]:
    """Mark interest: must or want, with a topic; answers the other's request if there is one."""
    event = get_event(slug, current_user)
    me = _me(event)
    other = get_listed(event.id, registration_id)
    form = MarkForm()
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    request_meeting(
                        actor=current_user,
                        event=event,
                        asker=me,
                        host=other,
                        topic=form.topic.data or "",
                        priority=Priority(form.priority.data),
                        now=clock.now(),
                    )
                    done.redirect(_go_back(event, other), flash=gettext("Your interest was marked."))
                return done.response
        except Conflict as conflict:
            problem = sentence(conflict)
    return person_page(event, get_listed(event.id, registration_id), mark=form, problem=problem)


@blueprint.post("/events/<slug>/directory/<int:registration_id>/take-back")
@signed_in
def unmark(slug: str, registration_id: int) -> Response | tuple[str, int]:
    """Take one's interest in a person back."""
    event = get_event(slug, current_user)
    me = _me(event)
    other = get_listed(event.id, registration_id)
    row = find_open_request(me.id, other.id)
    if row is None or row.asker_id != me.id:
        return person_page(event, other, problem=gettext("This request is no longer waiting for an answer."))
    if ActionForm().validate_on_submit():
        with submission() as done:
            withdraw_request(actor=current_user, event=event, request=row, now=clock.now())
            done.redirect(_go_back(event, other), flash=gettext("The request was withdrawn."))
        return done.response
    return person_page(event, other)


@blueprint.post("/events/<slug>/directory/<int:registration_id>/no-thanks")
@signed_in
def no_thanks(slug: str, registration_id: int) -> Response | tuple[str, int]:
    """Not this person; they never learn of it."""
    event = get_event(slug, current_user)
    me = _me(event)
    other = get_listed(event.id, registration_id)
    form = ActionForm()
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    mark_no_thanks(
                        actor=current_user, event=event, registration=me, other=other, now=clock.now()
                    )
                    done.redirect(_go_back(event, other), flash=gettext("Noted. Only you see it."))
                return done.response
        except Conflict as conflict:
            problem = sentence(conflict)
    problem = problem or " ".join(str(error) for error in form.form_errors) or None
    return person_page(event, get_listed(event.id, registration_id), problem=problem)


@blueprint.post("/events/<slug>/directory/<int:registration_id>/no-thanks/remove")
@signed_in
def allow(slug: str, registration_id: int) -> Response | tuple[str, int]:
    """Take a no thanks back."""
    event = get_event(slug, current_user)
    me = _me(event)
    other = get_listed(event.id, registration_id)
    if ActionForm().validate_on_submit():
        with submission() as done:
            remove_no_thanks(
                actor=current_user, event=event, registration=me, other_id=other.id, now=clock.now()
            )
            done.redirect(_go_back(event, other), flash=gettext("You took your “no thanks” back."))
        return done.response
    return person_page(event, other)


# --- Open slots ------------------------------------------------------------------------------------------


def _find_open(
    event: Event, me: Registration, host: Registration
) -> tuple[list[OfficeHours], list[FreeSlot], Relation]:
    hours = [one for one in list_office_hours([host.id]) if one.direct]
    relation = relations_of(event, me, [host], clock.now())[host.id]
    if not hours or relation.hides_open:
        return hours, [], relation
    slots = list_free_slots(event, [host], now=clock.now(), guest=me)[host.id]
    return hours, open_slots(hours, slots), relation


@blueprint.route("/events/<slug>/directory/<int:registration_id>/book", methods=["GET", "POST"])
@signed_in
def book(slug: str, registration_id: int) -> Response | str | tuple[str, int]:
    """Book an open slot, first come; a lost race answers 409 with the next free ones."""
    event = get_event(slug, current_user)
    me = _me(event)
    host = get_listed(event.id, registration_id)
    form = BookForm(data={"slot": request.args.get("slot", ""), "topic": request.args.get("topic", "")})
    conflict: Any = None
    if form.validate_on_submit():
        starts_at = parse_slot(form.slot.data)
        assert starts_at is not None  # noqa: S101 - the form saw it
        try:
            with form.catching():
                # Of a crowd that wants one slot nearly all come too late: they need not wait their turn to
                # write. Who meets somebody then may have sent this form before, and gets the first answer.
                first_cell = Interval(starts_at, starts_at + CELL)
                if has_meetings_in(host, first_cell) and not has_meetings_in(me, first_cell):
                    raise Conflict(TAKEN)
                with submission() as done:
                    try:
                        meeting = book_direct(
                            actor=current_user,
                            event=event,
                            host=host,
                            guest=me,
                            starts_at=starts_at,
                            topic=form.topic.data,
                            needs_interpreter=form.needs_interpreter.data,
                            now=clock.now(),
                        )
                    except MayNotMeet as refused:
                        if Obstacle.NO_THANKS in refused.obstacles:  # looks like a slot that is gone
                            raise Conflict(TAKEN) from refused
                        raise
                    done.redirect(
                        url_for("meetings.index", slug=slug),
                        flash=gettext(
                            "The meeting is set: %(time)s. Both of you have it in the calendar now.",
                            time=slot_label(meeting.starts_at, meeting.ends_at, event),
                        ),
                    )
                return done.response
        except Conflict as lost:
            conflict = lost
        me, host = _me(event), get_listed(event.id, registration_id)
    hours, slots, relation = _find_open(event, me, host)
    if not hours:
        return redirect(url_for("meetings.person", slug=slug, registration_id=host.id))
    if conflict is not None:
        slots.sort(key=lambda slot: slot.value < form.slot.data)  # the next ones first, then the earlier
    form.slot.choices = [(slot.value, slot_label(slot.start, slot.end, event)) for slot in slots]
    page = render_template(
        "meetings/book.html",
        event=event,
        me=me,
        host=host,
        form=form,
        slots=slots,
        relation=relation,
        unavailable=relation.standing in (Standing.UNAVAILABLE, Standing.SELF, Standing.COLLEAGUE),
        problem=sentence(conflict) if conflict else None,
    )
    return page, 409 if conflict else form.status
