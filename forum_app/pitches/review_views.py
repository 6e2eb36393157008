"""Reviewing: the queue, one pitch, a conflict of interest."""

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.organizations.permissions import is_member
from forum_app.pitches import blueprint
from forum_app.pitches.forms import ConflictForm, ReviewForm, review_form
from forum_app.pitches.models import PitchReview, PitchSubmission
from forum_app.pitches.permissions import (
    REVIEWABLE,
    can_manage_pitches,
    is_named_reviewer,
    is_reviewer,
    was_submitted,
)
from forum_app.pitches.queries import (
    find_call,
    find_own_review,
    get_submission,
    list_queue,
    list_reviews,
    next_unreviewed,
    review_progress,
)
from forum_app.pitches.review_services import declare_conflict, save_review, take_conflict_back
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import event_navigation, manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

Answer = Response | tuple[str, int]

event_navigation.add("pitches.review_index", N_("Review pitches"), order=31, visible=is_named_reviewer)
manage_navigation.add("pitches.review_index", N_("Review pitches"), order=41, visible=is_reviewer)


def _reviewed_event(slug: str) -> Event:
    event = get_event(slug, current_user)
    authorize(is_reviewer(current_user, event))
    return event


@blueprint.get("/events/<slug>/pitches/review")
@signed_in
def review_index(slug: str) -> str:
    """What there is to review, how far one is, and the next."""
    event = _reviewed_event(slug)
    call = find_call(event.id)
    if call is None:
        return render_template("pitches/review_index.html", event=event, call=None)
    state = TableState.from_request(
        sorts=("submitted_at", "title", "score"),
        filters={"review": ("open", "done"), "area": [area.code for area in call.areas]},
    )
    done, total = review_progress(call.id, current_user.id, REVIEWABLE)
    return render_template(
        "pitches/review_index.html",
        event=event,
        call=call,
        page=list_queue(call.id, current_user.id, REVIEWABLE, state, language()),
        done=done,
        total=total,
        next_code=next_unreviewed(call.id, current_user.id, REVIEWABLE),
    )


def _reviewed_pitch(event: Event, code: str) -> PitchSubmission:
    """The pitch for a reviewer; one's own organization's, drafts and withdrawn ones do not exist here."""
    pitch = get_submission(event, code)
    withdrawn = pitch.state == pitch.state.WITHDRAWN and not can_manage_pitches(current_user, event)
    if not was_submitted(pitch) or withdrawn or is_member(current_user, pitch.organization):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    return pitch


def _page(
    event: Event, pitch: PitchSubmission, form: ReviewForm, conflict_form: ConflictForm, status: int = 200
) -> tuple[str, int]:
    own = find_own_review(pitch.id, current_user.id)
    voted = own is not None and not own.conflict
    done, total = review_progress(pitch.call_id, current_user.id, REVIEWABLE)
    page = render_template(
        "pitches/review.html",
        event=event,
        pitch=pitch,
        call=pitch.call,
        form=form,
        conflict_form=conflict_form,
        action=ActionForm(formdata=None),
        own=own,
        # nobody is to be led by the others before having voted
        reviews=list_reviews(pitch.id) if voted else [],
        is_open=pitch.state in REVIEWABLE,
        next_code=next_unreviewed(pitch.call_id, current_user.id, REVIEWABLE, after=pitch.id),
        done=done,
        total=total,
    )
    return page, status


def _form(pitch: PitchSubmission, own: PitchReview | None, *, bare: bool = False) -> ReviewForm:
    data: dict[str, object] = {}
    if own is not None and not own.conflict:
        data = {"comment": own.comment, **{f"score_{row.criterion_id}": row.score for row in own.scores}}
    if bare:
        return review_form(pitch.call.criteria, data=data, formdata=None)
    return review_form(pitch.call.criteria, data=data)


@blueprint.route("/events/<slug>/pitches/<code>/review", methods=["GET", "POST"])
@signed_in
def review(slug: str, code: str) -> Answer:
    """Read one pitch and score it."""
    event = _reviewed_event(slug)
    pitch = _reviewed_pitch(event, code)
    form = _form(pitch, find_own_review(pitch.id, current_user.id))
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                save_review(
                    actor=current_user,
                    event=event,
                    submission=pitch,
                    scores=form.scores(),
                    comment=form.comment.data or "",
                    now=clock.now(),
                )
                done.redirect(_after(event, pitch), flash=gettext("Your review is saved."))
            return done.response
    return _page(event, pitch, form, ConflictForm(formdata=None), form.status)


def _after(event: Event, pitch: PitchSubmission) -> str:
    """The next one if asked for, else the same page, which now shows what the others think."""
    if request.form.get("action") == "next":
        code = next_unreviewed(pitch.call_id, current_user.id, REVIEWABLE, after=pitch.id)
        if code is None:
            return url_for("pitches.review_index", slug=event.slug)
        return url_for("pitches.review", slug=event.slug, code=code)
    return url_for("pitches.review", slug=event.slug, code=pitch.code)


@blueprint.post("/events/<slug>/pitches/<code>/review/conflict")
@signed_in
def stand_aside(slug: str, code: str) -> Answer:
    """Declare a conflict of interest."""
    event = _reviewed_event(slug)
    pitch = _reviewed_pitch(event, code)
    form = ConflictForm()
    if form.validate_on_submit():
        with submission() as done:
            declare_conflict(
                actor=current_user,
                event=event,
                submission=pitch,
                comment=form.comment.data or "",
                now=clock.now(),
            )
            done.redirect(
                url_for("pitches.review_index", slug=slug),
                flash=gettext("Noted. You no longer see this pitch and its reviews."),
            )
        return done.response
    review_form_ = _form(pitch, find_own_review(pitch.id, current_user.id), bare=True)
    return _page(event, pitch, review_form_, form, form.status)


@blueprint.post("/events/<slug>/pitches/<code>/review/no-conflict")
@signed_in
def take_back(slug: str, code: str) -> Answer:
    """A conflict was declared by mistake."""
    event = _reviewed_event(slug)
    pitch = _reviewed_pitch(event, code)
    with submission() as done:
        take_conflict_back(actor=current_user, event=event, submission=pitch, now=clock.now())
        done.redirect(
            url_for("pitches.review", slug=slug, code=code),
            flash=gettext("The conflict of interest is taken back."),
        )
    return done.response
