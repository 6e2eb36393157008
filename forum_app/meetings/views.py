"""My meetings, asking, answering, cancelling."""

from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Conflict, NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.booking_services import accept_request, cancel_meeting
from forum_app.meetings.forms import AcceptForm, AskForm, CancelForm, DeclineForm
from forum_app.meetings.interest_forms import AgreeForm
from forum_app.meetings.interest_queries import (
    get_settings,
    interest_closes_at,
    list_interest,
    list_no_thanks,
    list_team,
    most_requests,
)
from forum_app.meetings.models import (
    MeetingFormat,
    MeetingRequest,
    MeetingStatus,
    Priority,
    RequestState,
)
from forum_app.meetings.pages import acting_as, on_behalf, open_slots, slot_label, table_label, takes_part
from forum_app.meetings.permissions import (
    answering,
    can_answer,
    can_cancel_meeting,
    can_see_request,
    can_withdraw,
    is_self,
    may_be_asked,
    takes_meetings,
)
from forum_app.meetings.queries import (
    count_pending_of,
    find_open_request,
    find_participant,
    get_meeting,
    get_participant,
    get_request,
    list_meetings_of,
    list_tables,
)
from forum_app.meetings.relation_queries import relations_of
from forum_app.meetings.remarks import remarks_on
from forum_app.meetings.rule_queries import GATES, Obstacle, Terms, get_terms, today_at
from forum_app.meetings.rule_services import (
    BY_RULE,
    COLLEAGUES,
    GATE_OTHER,
    GATE_OWN,
    GATE_STAFF,
    NOT_AVAILABLE,
)
from forum_app.meetings.services import (
    agree_request,
    answer_as,
    decline_request,
    request_meeting,
    withdraw_request,
)
from forum_app.meetings.slot_queries import FreeSlot, list_free_slots, list_office_hours
from forum_app.registration.models import Registration
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.errors import sentence
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import event_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

TIMES_SHOWN = 6  # beside the form: a hint that there is time
SHOWN_SLOTS = 60  # radio buttons on a page; the first are the ones that matter

event_navigation.add("meetings.index", N_("Meetings"), order=40, visible=takes_part)


@blueprint.get("/events/<slug>/meetings")
@signed_in
def index(slug: str) -> str:
    """My meetings, what I asked, what I was asked."""
    event = get_event(slug, current_user)
    registration = find_participant(current_user, event)
    if registration is None and can_manage_event(current_user, event) and "for" not in request.args:
        return render_template("meetings/staff.html", event=event)
    registration = acting_as(event)
    now = clock.now()
    meetings = list_meetings_of(registration.user_id or 0, event_id=event.id)
    own = on_behalf(registration)
    kind = registration.organization.kind if registration.organization else None
    coming = [m for m in meetings if m.status == MeetingStatus.CONFIRMED and m.ends_at > now]
    return render_template(
        "meetings/index.html",
        event=event,
        me=registration,
        own=own,
        is_host=takes_meetings(registration),
        now=now,
        coming=coming,
        remarks=remarks_on([meeting.id for meeting in coming]),
        past=[m for m in meetings if m.status != MeetingStatus.CANCELLED and m.ends_at <= now],
        cancelled=[m for m in meetings if m.status == MeetingStatus.CANCELLED],
        interest=list_interest(registration),
        # a secret of the person's own: organizers who act for them do not see it
        no_thanks=[] if own else list_no_thanks(registration.id),
        waiting=count_pending_of(registration.id),
        most=most_requests(event.id, kind),
        closes_at=interest_closes_at(event, get_settings(event.id)),
        form=ActionForm(),
    )


# --- Asking ------------------------------------------------------------------------------------


@blueprint.route(
    "/events/<slug>/meetings/ask/<int:registration_id>", endpoint="request", methods=["GET", "POST"]
)
@signed_in
def ask(slug: str, registration_id: int) -> Response | str | tuple[str, int]:
    """Ask one person for a meeting."""
    event = get_event(slug, current_user)
    me = acting_as(event)
    host = get_participant(event.id, registration_id)
    form = AskForm(data={"team": request.args.get("team") == "1"})
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    request_meeting(
                        actor=current_user,
                        event=event,
                        asker=me,
                        host=host,
                        topic=form.topic.data,
                        message=form.message.data or "",
                        priority=Priority(form.priority.data),
                        needs_interpreter=form.needs_interpreter.data,
                        team=form.team.data,
                        format=MeetingFormat(form.format.data or MeetingFormat.IN_PERSON),
                        now=clock.now(),
                    )
                    done.redirect(
                        url_for("meetings.index", slug=slug, **on_behalf(me)),
                        flash=gettext("Your request was sent. You get a mail as soon as it is answered."),
                    )
                return done.response
        except Conflict as conflict:
            problem = conflict
        me, host = acting_as(event), get_participant(event.id, registration_id)
    now = clock.now()
    known = find_open_request(me.id, host.id)
    refusal = None if known else _refusal_to_ask(event, me, host)
    team = list_team(event.id, host.organization_id)
    slots = [] if refusal else _times_to_show(event, me, host)
    page = render_template(
        "meetings/ask.html",
        event=event,
        form=form,
        me=me,
        host=host,
        own=on_behalf(me),
        refusal=refusal,
        open_request=known,
        waiting=count_pending_of(me.id),
        most=most_requests(event.id, me.organization.kind if me.organization else None),
        closed=now >= interest_closes_at(event, get_settings(event.id)),
        team=team if any(one.id == host.id for one in team) else [],
        slots=slots,
        problem=sentence(problem) if problem else None,
    )
    return page, 409 if problem else form.status


def _times_to_show(event: Event, me: Registration, host: Registration) -> list[FreeSlot]:
    """The next free times of host; without those to be booked at once if I could not book them."""
    now = clock.now()
    slots = list_free_slots(event, [host], now=now, guest=me)[host.id]
    taken = open_slots(list_office_hours([host.id]), slots)
    if relations_of(event, me, [host], now)[host.id].hides_open:
        slots = [slot for slot in slots if slot not in taken]
    return slots[:TIMES_SHOWN]


def _refusal_to_ask(event: Event, me: Registration, host: Registration) -> Any:  # a translated text
    """Why there is no form on this page; the service refuses the same."""
    if me.id == host.id:
        return gettext("This is you. You cannot ask yourself for a meeting.")
    terms = get_terms(event, me.id, host.id, today=today_at(event, clock.now()))
    if Obstacle.SAME_ORGANIZATION in terms.obstacles:
        return gettext(COLLEAGUES)
    if not may_be_asked(me, host):
        return gettext("This person does not take meetings at this event.")
    if not terms.may_ask:
        return gettext(NOT_AVAILABLE if is_self(current_user, me) else BY_RULE)
    return None


# --- Answering -----------------------------------------------------------------------------------


def _seen_request(event: Event, request_id: int) -> MeetingRequest:
    """The request if the reader may see it, else NotFound."""
    row = get_request(event.id, request_id)
    if not can_see_request(current_user, row, event):
        raise NotFound(N_("There is no such request, or it is not open to you."))
    return row


def _terms(event: Event, row: MeetingRequest) -> tuple[Terms, list[str]]:
    """On what terms the two meet, and what they still wait for, as sentences for the reader."""
    mine = row.asker if is_self(current_user, row.asker) else answering(current_user, row, event)
    other = row.host if mine.id == row.asker_id else row.asker
    terms = get_terms(event, mine.id, other.id, today=today_at(event, clock.now()))
    sentences = []
    for gate, lacking in terms.lacks:
        if gate not in GATES:
            continue
        if not is_self(current_user, mine):
            person = mine if lacking == mine.id else other
            sentences.append(gettext(GATE_STAFF[gate], person=person.name))
        else:
            sentences.append(gettext((GATE_OWN if lacking in (mine.id, None) else GATE_OTHER)[gate]))
    return terms, sentences


def answer_page(
    event: Event,
    row: MeetingRequest,
    *,
    accept: AcceptForm | None = None,
    agree: AgreeForm | None = None,
    decline: DeclineForm | None = None,
    conflict: Conflict | None = None,
) -> tuple[str, int]:
    """The page on which a request is read and answered; after a lost race with the next free slots."""
    may_answer = can_answer(current_user, row, event)
    is_open = row.state in (RequestState.PENDING, RequestState.AGREED)
    host = answering(current_user, row, event)
    terms, gates = _terms(event, row) if is_open else (Terms(), [])
    slots: list[FreeSlot] = []
    if may_answer and is_open and not gates:
        slots = list_free_slots(
            event,
            [host],
            now=clock.now(),
            guest=row.asker,
            needs_interpreter=row.needs_interpreter,
            format=row.format,
            closed=terms.closed,
            cleared=terms.needs_clearance,
            most=SHOWN_SLOTS,
        )[host.id]
    sent = accept or agree or decline
    status = 409 if conflict else sent.status if sent else 200
    accept = accept or AcceptForm(formdata=None)
    if conflict and conflict.alternatives:
        first = [slot.value for slot in conflict.alternatives if isinstance(slot, FreeSlot)]
        slots.sort(key=lambda slot: first.index(slot.value) if slot.value in first else len(first))
    accept.slot.choices = [(slot.value, slot_label(slot.start, slot.end, event)) for slot in slots]
    accept.table_id.choices = [("", gettext("The first free one"))] + [
        (str(table.id), table_label(table)) for table in list_tables(event.id)
    ]
    page = render_template(
        "meetings/answer.html",
        event=event,
        row=row,
        host=host,
        slots=slots,
        gates=gates,
        accept=accept,
        agree=agree or AgreeForm(formdata=None),
        decline=decline or DeclineForm(formdata=None),
        form=ActionForm(formdata=None),
        may_answer=may_answer,
        may_withdraw=can_withdraw(current_user, row, event),
        problem=sentence(conflict) if conflict else None,
        back=_back(event, host if may_answer else row.asker),
    )
    return page, status


def _back(event: Event, person: Registration) -> str:
    """Where this reader came from: organizers to theirs, others to their meetings."""
    if is_self(current_user, person) or not can_manage_event(current_user, event):
        return url_for("meetings.index", slug=event.slug)
    return url_for("meetings.manage_requests", slug=event.slug)


@blueprint.get("/events/<slug>/meetings/requests/<int:request_id>")
@signed_in
def answer(slug: str, request_id: int) -> tuple[str, int]:
    """One request."""
    event = get_event(slug, current_user)
    return answer_page(event, _seen_request(event, request_id))


@blueprint.post("/events/<slug>/meetings/requests/<int:request_id>/accept")
@signed_in
def accept(slug: str, request_id: int) -> Response | tuple[str, int]:
    """Accept into a slot; a lost race answers 409 with the next free ones."""
    event = get_event(slug, current_user)
    row = _seen_request(event, request_id)
    form, conflict = AcceptForm(), None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    host = answering(current_user, row, event)
                    answer_as(actor=current_user, event=event, request=row, answering=host)
                    meeting = accept_request(
                        actor=current_user,
                        event=event,
                        request=row,
                        starts_at=form.starts_at,
                        table_id=form.table_id.data,
                        now=clock.now(),
                    )
                    done.redirect(
                        _back(event, row.host),
                        flash=gettext(
                            "The meeting is set: %(time)s. Both of you have it in the calendar now.",
                            time=slot_label(meeting.starts_at, meeting.ends_at, event),
                        ),
                    )
                return done.response
        except Conflict as lost:
            conflict = lost
    return answer_page(event, _seen_request(event, request_id), accept=form, conflict=conflict)


@blueprint.post("/events/<slug>/meetings/requests/<int:request_id>/agree")
@signed_in
def agree(slug: str, request_id: int) -> Response | tuple[str, int]:
    """Wish to meet too; the time comes with the schedule."""
    event = get_event(slug, current_user)
    row = _seen_request(event, request_id)
    authorize(can_answer(current_user, row, event))
    form = AgreeForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                agree_request(
                    actor=current_user,
                    event=event,
                    request=row,
                    answering=answering(current_user, row, event),
                    priority=Priority(form.priority.data),
                    now=clock.now(),
                )
                done.redirect(
                    _back(event, row.host),
                    flash=gettext("You both wish to meet. The organizers’ schedule gives you a time."),
                )
            return done.response
    return answer_page(event, _seen_request(event, request_id), agree=form)


@blueprint.post("/events/<slug>/meetings/requests/<int:request_id>/decline")
@signed_in
def decline(slug: str, request_id: int) -> Response | tuple[str, int]:
    """Decline, with an optional sentence."""
    event = get_event(slug, current_user)
    row = _seen_request(event, request_id)
    form = DeclineForm()
    if form.validate_on_submit():
        with submission() as done:
            decline_request(
                actor=current_user,
                event=event,
                request=row,
                answering=answering(current_user, row, event),
                answer=form.answer.data or "",
                now=clock.now(),
            )
            done.redirect(
                _back(event, row.host), flash=gettext("The request was declined. The other side is told.")
            )
        return done.response
    return answer_page(event, row, decline=form)


@blueprint.post("/events/<slug>/meetings/requests/<int:request_id>/withdraw")
@signed_in
def withdraw(slug: str, request_id: int) -> Response | tuple[str, int]:
    """Take a waiting or agreed request back."""
    event = get_event(slug, current_user)
    row = _seen_request(event, request_id)
    if ActionForm().validate_on_submit():
        with submission() as done:
            withdraw_request(actor=current_user, event=event, request=row, now=clock.now())
            done.redirect(_back(event, row.asker), flash=gettext("The request was withdrawn."))
        return done.response
    return answer_page(event, row)


@blueprint.route("/events/<slug>/meetings/<int:meeting_id>/cancel", methods=["GET", "POST"])
@signed_in
def cancel(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """Cancel a meeting with a reason."""
    event = get_event(slug, current_user)
    meeting = get_meeting(event.id, meeting_id)
    if not can_cancel_meeting(current_user, meeting):
        raise NotFound(N_("There is no such meeting, or it is not open to you."))
    is_mine = any(is_self(current_user, p.registration) for p in meeting.participants)
    back = url_for("meetings.index" if is_mine else "meetings.manage_index", slug=slug)
    form = CancelForm()
    if form.validate_on_submit():
        with submission() as done:
            cancel_meeting(actor=current_user, meeting=meeting, reason=form.reason.data, now=clock.now())
            done.redirect(back, flash=gettext("The meeting was cancelled. The other side is told."))
        return done.response
    page = render_template("meetings/cancel.html", event=event, meeting=meeting, form=form, back=back)
    return page, form.status
