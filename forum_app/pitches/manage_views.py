"""The organizers' side: the list with scores, decisions, the call and its criteria."""

from dataclasses import replace

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem
from forum_app.agenda.queries import list_blocks
from forum_app.core.errors import Conflict, Invalid, NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.organizations.queries import list_areas
from forum_app.pitches import blueprint
from forum_app.pitches.call_services import (
    add_criterion,
    remove_criterion,
    save_call,
    update_criterion,
)
from forum_app.pitches.decision_services import Outcome, decide, decide_many, place_accepted
from forum_app.pitches.forms import CallForm, CriterionForm, DecisionForm, PlaceForm, state_options
from forum_app.pitches.models import PitchCall, PitchSubmission, SubmissionState
from forum_app.pitches.permissions import call_state, can_manage_pitches, in_conflict, was_submitted
from forum_app.pitches.queries import (
    count_states,
    find_call,
    get_call,
    get_criterion,
    get_submission,
    list_rated,
    list_reviews,
    scored_criteria,
)
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.errors import sentence
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext, ngettext

S = SubmissionState
Answer = Response | tuple[str, int]
SORTS = ("-score", "spread", "votes", "title", "organization", "submitted_at")
MOST_CHOSEN = 1000  # check boxes read from one form

manage_navigation.add("pitches.manage_index", N_("Pitches"), order=40, visible=can_manage_pitches)


def _managed(slug: str) -> Event:
    event = get_event(slug, current_user)
    authorize(can_manage_pitches(current_user, event))
    return event


def _user() -> User:
    user: User = current_user._get_current_object()
    return user


# --- The list ------------------------------------------------------------------------------------
@blueprint.get("/events/<slug>/manage/pitches")
@signed_in
def manage_index(slug: str) -> tuple[str, int]:
    """All that was submitted, best first."""
    event = _managed(slug)
    return _list_page(event, find_call(event.id), None, None)


def _list_page(
    event: Event, call: PitchCall | None, form: DecisionForm | None, problem: str | None
) -> tuple[str, int]:
    if call is None:
        return render_template("pitches/manage/index.html", event=event, call=None), 200
    options = state_options()
    state = TableState.from_request(
        sorts=SORTS,
        filters={
            "state": [value for value, _ in options],
            "area": [area.code for area in call.areas],
        },
    )
    state = replace(state, path=url_for("pitches.manage_index", slug=event.slug))
    status = 200 if form is None else 409 if problem else form.status
    page = render_template(
        "pitches/manage/index.html",
        event=event,
        call=call,
        state=call_state(call, clock.now()),
        counts=count_states(call.id),
        page=list_rated(call.id, current_user.id, state, language()),
        state_options=options,
        form=form or DecisionForm(blocks=list_blocks(event.id), zone=event.timezone, formdata=None),
        chosen=set(request.form.getlist("chosen")) if form else set(),
        problem=problem,
    )
    return page, status


def _chosen() -> list[tuple[int, int]]:
    """(id, version) of the marked rows; what cannot be read was not made by our page."""
    pairs = []
    for text in request.form.getlist("chosen")[:MOST_CHOSEN]:
        parts = text.split(":")
        if len(parts) != 2 or not all(p.isascii() and p.isdigit() and len(p) < 16 for p in parts):
            raise Invalid(N_("Please mark at least one pitch."))
        pairs.append((int(parts[0]), int(parts[1])))
    return pairs


def _block(event: Event, code: str | None) -> AgendaItem | None:
    return next((block for block in list_blocks(event.id) if block.code == code), None)


@blueprint.post("/events/<slug>/manage/pitches/decide")
@signed_in
def decide_chosen(slug: str) -> Answer:
    """The same decision for all marked ones, or for none."""
    event = _managed(slug)
    call = get_call(event)
    form = DecisionForm(blocks=list_blocks(event.id), zone=event.timezone)
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    outcome = decide_many(
                        actor=_user(),
                        event=event,
                        call=call,
                        versions=_chosen(),
                        decision=S(form.decision.data),
                        note=form.note.data or "",
                        block=_block(event, form.block.data),
                        now=clock.now(),
                    )
                    done.redirect(url_for("pitches.manage_index", slug=slug), flash=_told(outcome))
                return done.response
        except Conflict as conflict:
            problem = sentence(conflict)
    return _list_page(event, get_call(event), form, problem)


def _told(outcome: Outcome) -> str:
    text: str = ngettext(
        "%(num)d pitch decided. The start-up is told by mail.",
        "%(num)d pitches decided. The start-ups are told by mail.",
        outcome.decided,
    )
    if outcome.without_time:
        text += " " + ngettext(
            "%(num)d of them has no time in the agenda yet.",
            "%(num)d of them have no time in the agenda yet.",
            outcome.without_time,
        )
    return text


# --- One pitch -----------------------------------------------------------------------------------
def _pitch(event: Event, code: str) -> PitchSubmission:
    """A pitch that was submitted at some time; drafts are their authors' alone."""
    pitch = get_submission(event, code)
    if not was_submitted(pitch):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    return pitch


def _detail(
    event: Event,
    pitch: PitchSubmission,
    *,
    form: DecisionForm | None = None,
    place: PlaceForm | None = None,
    problem: str | None = None,
) -> tuple[str, int]:
    blocks = list_blocks(event.id)
    conflict = in_conflict(current_user, pitch)
    used = form or place
    status = 200 if used is None else 409 if problem else used.status
    zone, data = event.timezone, {"version": pitch.version}
    if problem or form is None:
        # what can be chosen now, with the note that was typed
        typed = {**data, "note": form.note.data if form is not None else ""}
        form = DecisionForm(submission=pitch, blocks=blocks, zone=zone, formdata=None, data=typed)
    if problem or place is None:
        place = PlaceForm(blocks=blocks, zone=zone, formdata=None, data=data)
    page = render_template(
        "pitches/manage/show.html",
        event=event,
        pitch=pitch,
        call=pitch.call,
        conflict=conflict,
        reviews=[] if conflict else list_reviews(pitch.id),
        form=form,
        place=place,
        blocks=blocks,
        problem=problem,
    )
    return page, status


@blueprint.get("/events/<slug>/manage/pitches/<code>")
@signed_in
def manage_show(slug: str, code: str) -> tuple[str, int]:
    """One pitch with all its reviews."""
    event = _managed(slug)
    return _detail(event, _pitch(event, code))


@blueprint.post("/events/<slug>/manage/pitches/<code>/decide")
@signed_in
def decide_one(slug: str, code: str) -> Answer:
    """Accept, keep in reserve or decline."""
    event = _managed(slug)
    pitch = _pitch(event, code)
    form = DecisionForm(submission=pitch, blocks=list_blocks(event.id), zone=event.timezone)
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    decide(
                        actor=_user(),
                        event=event,
                        submission=pitch,
                        decision=S(form.decision.data),
                        note=form.note.data or "",
                        block=_block(event, form.block.data),
                        version=form.expected_version,
                        now=clock.now(),
                    )
                    done.redirect(
                        url_for("pitches.manage_show", slug=slug, code=code),
                        flash=gettext("Decided. The start-up is told by mail."),
                    )
                return done.response
        except Conflict as conflict:
            problem = sentence(conflict)
    return _detail(event, _pitch(event, code), form=form, problem=problem)


@blueprint.post("/events/<slug>/manage/pitches/<code>/place")
@signed_in
def place(slug: str, code: str) -> Answer:
    """A place in a pitch block for what was accepted before."""
    event = _managed(slug)
    pitch = _pitch(event, code)
    form = PlaceForm(blocks=list_blocks(event.id), zone=event.timezone)
    problem = None
    if form.validate_on_submit():
        block = _block(event, form.block.data)
        if block is None:
            raise NotFound(N_("There is no such agenda item."))
        try:
            with form.catching():
                with submission() as done:
                    item = place_accepted(
                        actor=_user(),
                        event=event,
                        submission=pitch,
                        block=block,
                        version=form.expected_version,
                        now=clock.now(),
                    )
                    text = gettext("The pitch has its place. The start-up is told by mail.")
                    if item.starts_at is None:
                        text = gettext("The block is full: the pitch is in it, but has no time yet.")
                    done.redirect(url_for("pitches.manage_show", slug=slug, code=code), flash=text)
                return done.response
        except Conflict as conflict:
            problem = sentence(conflict)
    return _detail(event, _pitch(event, code), place=form, problem=problem)


# --- The call ------------------------------------------------------------------------------------
@blueprint.route("/events/<slug>/manage/pitches/call", methods=["GET", "POST"])
@signed_in
def manage_call(slug: str) -> Answer:
    """Window, text, areas, minutes; below it the criteria."""
    event = _managed(slug)
    call = find_call(event.id)
    data = {"area_ids": [area.id for area in call.areas]} if call is not None else {}
    form = CallForm(obj=call, data=data, areas=list_areas(), zone=event.timezone)
    problem = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    save_call(
                        actor=_user(),
                        event=event,
                        values=form.values(),
                        version=form.expected_version,
                        now=clock.now(),
                    )
                    done.redirect(
                        url_for("pitches.manage_call", slug=slug), flash=gettext("The call is saved.")
                    )
                return done.response
        except Conflict as conflict:
            problem = sentence(conflict)
            call = find_call(event.id)
            form.version.data = call.version if call is not None else ""
    return _call_page(event, find_call(event.id), form, CriterionForm(formdata=None), problem)


def _call_page(
    event: Event, call: PitchCall | None, form: CallForm, criterion: CriterionForm, problem: str | None
) -> tuple[str, int]:
    page = render_template(
        "pitches/manage/call.html",
        event=event,
        call=call,
        state=call_state(call, clock.now()) if call is not None else None,
        form=form,
        criterion_form=criterion,
        action=ActionForm(formdata=None),
        scored=scored_criteria(call.id) if call is not None else set(),
        problem=problem,
    )
    return page, 409 if problem else form.status if form.errors else criterion.status


@blueprint.post("/events/<slug>/manage/pitches/criteria")
@signed_in
def add_criterion_to_call(slug: str) -> Answer:
    """One more criterion."""
    event = _managed(slug)
    call = get_call(event)
    form = CriterionForm()
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                add_criterion(actor=_user(), event=event, call=call, values=form.values(), now=clock.now())
                done.redirect(
                    url_for("pitches.manage_call", slug=slug, _anchor="criteria"),
                    flash=gettext("Criterion added."),
                )
            return done.response
    data = {"area_ids": [area.id for area in call.areas]}
    call_form = CallForm(formdata=None, obj=call, data=data, areas=list_areas(), zone=event.timezone)
    return _call_page(event, get_call(event), call_form, form, None)


@blueprint.route("/events/<slug>/manage/pitches/criteria/<int:criterion_id>", methods=["GET", "POST"])
@signed_in
def criterion(slug: str, criterion_id: int) -> Answer:
    """Change one criterion."""
    event = _managed(slug)
    call = get_call(event)
    row = get_criterion(call, criterion_id)
    form = CriterionForm(obj=row)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                update_criterion(
                    actor=_user(),
                    event=event,
                    call=call,
                    criterion=row,
                    values=form.values(),
                    now=clock.now(),
                )
                done.redirect(
                    url_for("pitches.manage_call", slug=slug, _anchor="criteria"),
                    flash=gettext("Criterion saved."),
                )
            return done.response
    page = render_template(
        "pitches/manage/criterion.html",
        event=event,
        criterion=row,
        form=form,
        is_scored=row.id in scored_criteria(call.id),
    )
    return page, form.status


@blueprint.post("/events/<slug>/manage/pitches/criteria/<int:criterion_id>/remove")
@signed_in
def remove_criterion_from_call(slug: str, criterion_id: int) -> Answer:
    """Remove a criterion that nobody used."""
    event = _managed(slug)
    call = get_call(event)
    row = get_criterion(call, criterion_id)
    with submission() as done:
        remove_criterion(actor=_user(), event=event, call=call, criterion=row, now=clock.now())
        done.redirect(
            url_for("pitches.manage_call", slug=slug, _anchor="criteria"), flash=gettext("Criterion removed.")
        )
    return done.response
