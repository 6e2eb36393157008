"""The pitch programme as everybody sees it, and a start-up's own pitch."""

from collections.abc import Sequence
from typing import Any

from flask import Response, abort, current_app, redirect, render_template, request, url_for
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from forum_app.accounts.models import User
from forum_app.agenda.models import ItemKind
from forum_app.agenda.programme import readable_items
from forum_app.core.errors import Conflict, Invalid, NotFound, Unavailable
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.organizations.models import MemberState
from forum_app.organizations.queries import list_members
from forum_app.pitches import blueprint
from forum_app.pitches.decks import MOST_BYTES, Deck, count_pages, disposition, tidy_name
from forum_app.pitches.forms import PitchForm, stored_values
from forum_app.pitches.models import SUBMISSION_LABELS, PitchCall, PitchSubmission, SubmissionState
from forum_app.pitches.permissions import (
    PITCHING,
    CallState,
    call_state,
    can_edit,
    can_manage_pitches,
    can_read,
    can_see_deck,
    can_see_own,
    can_withdraw,
    is_reviewer,
)
from forum_app.pitches.queries import (
    find_call,
    get_call,
    get_submission,
    list_own,
    list_pitching_organizations,
    list_placed,
)
from forum_app.pitches.services import (
    LANGUAGES,
    STAGES,
    create_submission,
    update_submission,
    withdraw_submission,
)
from forum_app.web import clock
from forum_app.web.access import public, signed_in
from forum_app.web.errors import sentence
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.limits import limiter
from forum_app.web.navigation import event_navigation
from forum_app.web.storage import current_storage
from forum_app.web.submission import submission as form_submission
from forum_app.web.texts import gettext

S = SubmissionState
Answer = AnyResponse | str | tuple[str, int]
UPLOADING = {"pitches.submit", "pitches.edit"}
FORM_BESIDES = 1024 * 1024  # bytes of the other fields
KEPT_SECONDS = 24 * 3600
TONES = {
    S.DRAFT: "neutral",
    S.SUBMITTED: "info",
    S.WITHDRAWN: "closed",
    S.ACCEPTED: "success",
    S.RESERVE: "warning",
    S.DECLINED: "closed",
}
CALL_TONES = {CallState.NOT_YET: "neutral", CallState.OPEN: "success", CallState.CLOSED: "closed"}
CALL_LABELS = {
    CallState.NOT_YET: N_("Not open yet"),
    CallState.OPEN: N_("Open for submissions"),
    CallState.CLOSED: N_("Closed for submissions"),
}

event_navigation.add("pitches.index", N_("Pitches"), order=30)


@blueprint.url_value_preprocessor
def take_decks(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Longer requests on the two pages that take slides, from people with a session; here, since the
    form is read for its CSRF token before any view."""
    if endpoint in UPLOADING and request.method == "POST" and current_user.is_authenticated:
        request.max_content_length = MOST_BYTES + FORM_BESIDES


@blueprint.context_processor
def words() -> dict[str, object]:
    """What all templates of this feature need."""
    return {
        "PitchState": S,
        "CallState": CallState,
        "pitch_label": lambda state: gettext(SUBMISSION_LABELS[state]),
        "pitch_tone": lambda state: TONES[state],
        "call_label": lambda state: gettext(CALL_LABELS[state]),
        "call_tone": lambda state: CALL_TONES[state],
        "stage_label": lambda stage: gettext(STAGES[stage]) if stage in STAGES else "",
        "language_label": lambda code: gettext(LANGUAGES[code]) if code in LANGUAGES else code,
    }


def signed_in_user() -> User:
    """The person themselves instead of the proxy, since rows refer to them."""
    user: User = current_user._get_current_object()
    return user


@blueprint.get("/events/<slug>/pitches")
@public
def index(slug: str) -> str:
    """The call, what was accepted as far as the reader may know, and the own organization's."""
    event = get_event(slug, current_user)
    call = find_call(event.id)
    now = clock.now()
    accepted = []
    if call is not None:
        placed = {row.agenda_item_id: row for row in list_placed(call.id)}
        accepted = [
            (item, placed[item.id])
            for item in readable_items(event, current_user)
            if item.kind == ItemKind.PITCH and not item.is_cancelled and item.id in placed
        ]
    own: Sequence[PitchSubmission] = ()
    if call is not None and current_user.is_authenticated:
        own = list_own(call.id, current_user.id)
    return render_template(
        "pitches/index.html",
        event=event,
        call=call,
        state=call_state(call, now) if call is not None else None,
        accepted=accepted,
        own=own,
        may_submit=_may_submit(call, own),
        may_review=is_reviewer(current_user, event),
        may_manage=can_manage_pitches(current_user, event),
    )


def _may_submit(call: PitchCall | None, own: Sequence[PitchSubmission]) -> bool:
    """Whether the button leads somewhere; who is not signed in is asked to on the way.

    own: the submissions of all organizations of the reader.
    """
    if call is None or call_state(call, clock.now()) != CallState.OPEN:
        return False
    if not current_user.is_authenticated:
        return True
    organizations = list_pitching_organizations(current_user.id, PITCHING)
    taken = {pitch.organization_id for pitch in own if pitch.state != S.WITHDRAWN}
    return not organizations or any(one.id not in taken for one in organizations)


# --- Slides --------------------------------------------------------------------------------------
def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="pitch deck")


def _sent_deck(form: PitchForm, user: User) -> Deck | None:
    """The deck of this form, checked and kept: sent now, or with an earlier try of the same person.

    Raises Invalid. Slow, so it is called before the transaction.
    """
    upload = form.deck.data
    if upload is not None and getattr(upload, "filename", None):
        form.kept_deck.data = ""
        content = upload.stream.read(MOST_BYTES + 1)
        pages = count_pages(content)
        try:
            name = current_storage().save(content, "pdf")
        except Unavailable as error:  # at its field, so that nothing typed is lost
            raise Invalid(error.message, field="deck") from error
        deck = Deck(file=name, name=tidy_name(upload.filename), pages=pages)
        form.kept_deck.data = _signer().dumps([user.id, deck.file, deck.name, deck.pages])
        return deck
    return _kept_deck(form, user)


def _kept_deck(form: PitchForm, user: User) -> Deck | None:
    try:
        owner, file, name, pages = _signer().loads(form.kept_deck.data or "", max_age=KEPT_SECONDS)
    except (BadData, ValueError, TypeError):
        form.kept_deck.data = ""
        return None
    return Deck(file=file, name=name, pages=pages) if owner == user.id else None


def _deck_of(form: PitchForm, user: User) -> tuple[Deck | None, bool]:
    """The deck, and whether it was fine; a refusal is shown at its field."""
    try:
        return _sent_deck(form, user), True
    except Invalid as error:
        form.refuse(error)
        return None, False


# --- The own pitch -------------------------------------------------------------------------------
@blueprint.route("/events/<slug>/pitches/submit", methods=["GET", "POST"])
@signed_in
@limiter.limit("60 per 10 minutes", methods=["POST"])
def submit(slug: str) -> Answer:
    """A new pitch, as a draft or submitted at once."""
    event = get_event(slug, current_user)
    user = signed_in_user()
    call = get_call(event)
    organizations = list_pitching_organizations(user.id, PITCHING)
    state = call_state(call, clock.now())
    if state != CallState.OPEN or not organizations:
        page = render_template("pitches/closed.html", event=event, call=call, state=state)
        return page, 409 if request.method == "POST" else 200
    live = [row for row in list_own(call.id, user.id) if row.state != S.WITHDRAWN]
    taken = {row.organization_id for row in live}
    if request.method == "GET" and all(one.id in taken for one in organizations):
        return redirect(url_for("pitches.show", slug=slug, code=live[0].code))
    form = PitchForm(
        call=call,
        organizations=organizations,
        data={
            "presenter": (user.name_native if language() == "ja" else "") or user.name,
            "language": language(),
            "organization_id": next((one.id for one in organizations if one.id not in taken), None),
        },
    )
    problem = None
    if request.method == "POST":
        valid = form.validate_on_submit()
        deck, fine = _deck_of(form, user)
        if valid and fine:
            try:
                with form.catching():
                    with form_submission() as done:
                        pitch = create_submission(
                            actor=user,
                            event=event,
                            call=call,
                            organization=next(
                                one for one in organizations if one.id == form.organization_id.data
                            ),
                            values=form.values(),
                            submit=_is_submit(),
                            deck=deck,
                            now=clock.now(),
                        )
                        done.redirect(
                            url_for("pitches.show", slug=slug, code=pitch.code), flash=_thanks(pitch)
                        )
                    return done.response
            except Conflict as conflict:
                problem = conflict
    return _form_page(event, call, form, None, problem, organizations[0].id)


def _is_submit() -> bool:
    return request.form.get("action") == "submit"


def _thanks(pitch: PitchSubmission) -> str:
    if pitch.state == S.DRAFT:
        return str(gettext("Saved as a draft. It counts only once it is submitted."))
    return str(gettext("Your pitch is submitted. You can change it until the call closes."))


def _form_page(
    event: Event,
    call: PitchCall,
    form: PitchForm,
    pitch: PitchSubmission | None,
    problem: Conflict | None,
    organization_id: int,
) -> tuple[str, int]:
    kept = _kept_deck(form, signed_in_user())
    page = render_template(
        "pitches/form.html",
        event=event,
        call=call,
        form=form,
        pitch=pitch,
        kept=kept,
        problem=sentence(problem) if problem is not None else None,
        members=[
            one.user
            for one in list_members(organization_id)
            if one.user is not None and one.state == MemberState.ACTIVE
        ],
    )
    return page, 409 if problem is not None else form.status


def _own_pitch(event: Event, code: str) -> PitchSubmission:
    """The pitch if it is of the reader's organization, else NotFound."""
    pitch = get_submission(event, code)
    if not can_see_own(current_user, pitch):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    return pitch


@blueprint.get("/events/<slug>/pitches/<code>")
@signed_in
def show(slug: str, code: str) -> Answer:
    """One's own pitch; those who judge are led to their pages."""
    event = get_event(slug, current_user)
    pitch = get_submission(event, code)
    if not can_see_own(current_user, pitch):
        if can_manage_pitches(current_user, event) and pitch.submitted_at is not None:
            return redirect(url_for("pitches.manage_show", slug=slug, code=code))
        if can_read(current_user, pitch, event):
            return redirect(url_for("pitches.review", slug=slug, code=code))
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    now = clock.now()
    return render_template(
        "pitches/show.html",
        event=event,
        pitch=pitch,
        call=pitch.call,
        state=call_state(pitch.call, now),
        may_edit=can_edit(current_user, pitch, now),
        may_withdraw=can_withdraw(current_user, pitch),
        slot=_published_slot(event, pitch),
    )


def _published_slot(event: Event, pitch: PitchSubmission) -> Any:
    """The pitch as the published agenda shows it to the reader, if it does."""
    if pitch.agenda_item_id is None:
        return None
    items = readable_items(event, current_user)
    return next((item for item in items if item.id == pitch.agenda_item_id and not item.is_cancelled), None)


@blueprint.route("/events/<slug>/pitches/<code>/edit", methods=["GET", "POST"])
@signed_in
@limiter.limit("60 per 10 minutes", methods=["POST"])
def edit(slug: str, code: str) -> Answer:
    """Change it until the call closes; submit a draft."""
    event = get_event(slug, current_user)
    user = signed_in_user()
    pitch = _own_pitch(event, code)
    if request.method == "GET" and not can_edit(user, pitch, clock.now()):
        return redirect(url_for("pitches.show", slug=slug, code=code))
    form = PitchForm(call=pitch.call, has_deck=pitch.deck_file is not None, data=stored_values(pitch))
    problem = None
    if request.method == "POST":
        valid = form.validate_on_submit()
        deck, fine = _deck_of(form, user)
        if valid and fine:
            was_draft = pitch.state == S.DRAFT
            try:
                with form.catching():
                    with form_submission() as done:
                        update_submission(
                            actor=user,
                            event=event,
                            submission=pitch,
                            values=form.values(),
                            submit=_is_submit(),
                            version=form.expected_version,
                            deck=deck,
                            remove_deck="remove_deck" in form and form.remove_deck.data,
                            now=clock.now(),
                        )
                        done.redirect(
                            url_for("pitches.show", slug=slug, code=code),
                            flash=_thanks(pitch) if was_draft else gettext("Your changes are saved."),
                        )
                    return done.response
            except Conflict as conflict:
                problem = conflict
            pitch = _own_pitch(event, code)
            if problem is not None:
                form.version.data = pitch.version
    return _form_page(event, pitch.call, form, pitch, problem, pitch.organization_id)


@blueprint.route("/events/<slug>/pitches/<code>/withdraw", methods=["GET", "POST"])
@signed_in
def withdraw(slug: str, code: str) -> Answer:
    """Ask once more, then withdraw."""
    event = get_event(slug, current_user)
    pitch = _own_pitch(event, code)
    form = ActionForm()
    if form.validate_on_submit():
        with form_submission() as done:
            withdraw_submission(actor=signed_in_user(), event=event, submission=pitch, now=clock.now())
            done.redirect(url_for("pitches.index", slug=slug), flash=gettext("The pitch is withdrawn."))
        return done.response
    if not can_withdraw(current_user, pitch):
        return redirect(url_for("pitches.show", slug=slug, code=code))
    return render_template("pitches/withdraw.html", event=event, pitch=pitch, form=form), form.status


@blueprint.get("/events/<slug>/pitches/<code>/deck")
@signed_in
def deck(slug: str, code: str) -> Response:
    """The slides, as a download that runs nothing."""
    event = get_event(slug, current_user)
    pitch = get_submission(event, code)
    if pitch.deck_file is None or not can_see_deck(current_user, pitch, event):
        abort(404)
    content = current_storage().load(pitch.deck_file)
    return Response(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": disposition(pitch.deck_name, f"pitch-{pitch.code}.pdf"),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
            "Cache-Control": "private, no-store",
        },
    )
