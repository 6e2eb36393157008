"""Submitting, changing and withdrawing a pitch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from forum_app.accounts.models import User
from forum_app.agenda.services import remove_item
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.organizations.models import Organization, TechnologyArea
from forum_app.pitches.decks import Deck
from forum_app.pitches.models import (
    SUBMISSION_TRANSITIONS,
    PitchCall,
    PitchSubmission,
    SubmissionState,
)
from forum_app.pitches.notices import notify_authors, notify_withdrawal
from forum_app.pitches.permissions import (
    EDITABLE,
    CallState,
    call_state,
    can_see_own,
    can_submit_for,
    was_submitted,
)
from forum_app.pitches.queries import find_live

S = SubmissionState
STAGES = {
    "idea": N_("Idea or research result"),
    "prototype": N_("Prototype"),
    "product": N_("Product"),
    "revenue": N_("Product with revenue"),
}
LANGUAGES = {"en": N_("English"), "ja": N_("Japanese")}
ONE_ONLY = N_(
    "Your organization has a pitch for this event already. Change that one, or withdraw it before you"
    " submit another."
)
SOMEBODY_CHANGED = N_(
    "Somebody of your organization has changed this pitch in the meantime. What you typed is still below;"
    " saving again replaces their version."
)


@dataclass(frozen=True, slots=True)
class PitchValues:
    """What a start-up writes. stage: a key of STAGES or empty; language: a key of LANGUAGES."""

    title_en: str = ""
    title_ja: str = ""
    abstract_en: str = ""
    abstract_ja: str = ""
    stage: str = ""
    language: str = "en"
    presenter: str = ""
    area_ids: tuple[int, ...] = ()


def create_submission(
    *,
    actor: User,
    event: Event,
    call: PitchCall,
    organization: Organization,
    values: PitchValues,
    submit: bool,
    now: datetime,
    deck: Deck | None = None,
) -> PitchSubmission:
    """Save a pitch as a draft or submit it at once; the call must be open at now.

    Raises Invalid when the organization has one already, Conflict when two of its people submit at
    the same moment.
    """
    if not can_submit_for(actor, organization):
        raise PermissionDenied(
            N_("Only members of a start-up, a university or a research institute can submit a pitch.")
        )
    _must_be_open(call, event, now)
    if find_live(call.id, organization.id) is not None:
        raise Invalid(ONE_ONLY, field="organization_id")
    submission = PitchSubmission(
        call=call,
        organization=organization,
        submitter=actor,
        state=S.DRAFT,
        created_at=now,
    )
    _write(submission, call, values, deck, complete=submit)
    db.session.add(submission)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_pitches_submission_live"):
            raise Conflict(ONE_ONLY) from error
        raise
    record(actor=actor, action="pitch.created", subject=submission, event_id=event.id, now=now)
    if submit:
        _submit(actor, event, submission, now)
    return submission


def update_submission(
    *,
    actor: User,
    event: Event,
    submission: PitchSubmission,
    values: PitchValues,
    submit: bool,
    version: int,
    now: datetime,
    deck: Deck | None = None,
    remove_deck: bool = False,
) -> PitchSubmission:
    """Change a pitch while the call is open, and submit it if it is a draft and submit is given.

    version: as the page showed it; Conflict when a colleague was faster. deck: None keeps the old one.
    """
    if not can_see_own(actor, submission):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    if submission.state not in EDITABLE:
        raise Conflict(N_("This pitch has been decided or withdrawn and can no longer be changed."))
    _must_be_open(submission.call, event, now)
    if submission.version != version:
        raise Conflict(SOMEBODY_CHANGED)
    if remove_deck and deck is None:
        submission.deck_file, submission.deck_name, submission.deck_pages = None, "", None
    _write(submission, submission.call, values, deck, complete=submit or submission.state != S.DRAFT)
    flag_modified(submission, "title_en")  # areas are another table: let every save raise the version
    db.session.flush()
    record(
        actor=actor,
        action="pitch.changed",
        subject=submission,
        event_id=event.id,
        now=now,
        detail={"deck": deck is not None, "deck_removed": remove_deck and deck is None},
    )
    if submit and submission.state == S.DRAFT:
        _submit(actor, event, submission, now)
    return submission


def withdraw_submission(
    *, actor: User, event: Event, submission: PitchSubmission, now: datetime
) -> PitchSubmission:
    """Take a pitch back, at any time; its place in the agenda becomes free."""
    if not can_see_own(actor, submission):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    before = submission.state
    change_state(submission, S.WITHDRAWN)
    take_off_agenda(submission, now)
    db.session.flush()
    record(
        actor=actor,
        action="pitch.withdrawn",
        subject=submission,
        event_id=event.id,
        now=now,
        detail={"from": before.value},
    )
    notify_withdrawal(
        submission, event=event, actor=actor, told_organizers=was_submitted(submission), now=now
    )
    return submission


# --- Rules ---------------------------------------------------------------------------------------
def change_state(submission: PitchSubmission, to: SubmissionState) -> None:
    """Move along SUBMISSION_TRANSITIONS; Conflict when the state has moved on."""
    if to not in SUBMISSION_TRANSITIONS[submission.state]:
        raise Conflict(
            N_("“%(title)s” was decided or withdrawn in the meantime. Look at it again and decide."),
            title=submission.title_en or submission.title_ja,
        )
    submission.state = to


def take_off_agenda(submission: PitchSubmission, now: datetime) -> None:
    """Remove the pitch's agenda item, if it has one; published agendas show it as called off."""
    item = submission.agenda_item
    if item is None:
        return
    submission.agenda_item = None
    db.session.flush()
    # the right to decide on the pitch was checked; a start-up that withdraws is no agenda editor
    remove_item(actor=None, item=item, now=now)


def _must_be_open(call: PitchCall, event: Event, now: datetime) -> None:
    if call.event_id != event.id:
        raise NotFound(N_("There is no call for pitches at this event."))
    state = call_state(call, now)
    if state == CallState.NOT_YET:
        raise Conflict(N_("The call for pitches has not opened yet."))
    if state == CallState.CLOSED:
        raise Conflict(N_("The call for pitches is closed. Pitches can no longer be submitted or changed."))


def _submit(actor: User, event: Event, submission: PitchSubmission, now: datetime) -> None:
    change_state(submission, S.SUBMITTED)
    submission.submitted_at = now
    submission.submitter = actor
    db.session.flush()
    record(actor=actor, action="pitch.submitted", subject=submission, event_id=event.id, now=now)
    notify_authors(submission, "submitted", event=event, now=now)


def _write(
    submission: PitchSubmission, call: PitchCall, values: PitchValues, deck: Deck | None, *, complete: bool
) -> None:
    if not values.title_en and not values.title_ja:
        raise Invalid(N_("A title in at least one language is needed."), field="title_en")
    if complete and not values.abstract_en and not values.abstract_ja:
        raise Invalid(N_("An abstract in at least one language is needed."), field="abstract_en")
    if complete and not values.presenter:
        raise Invalid(N_("Please say who will present."), field="presenter")
    if values.stage and values.stage not in STAGES:
        raise Invalid(N_("Please choose one of the stages."), field="stage")
    if complete and not values.stage:
        raise Invalid(N_("Please choose one of the stages."), field="stage")
    if values.language not in LANGUAGES:
        raise Invalid(N_("Please choose one of the languages."), field="language")
    areas = _areas(call, values.area_ids)
    if complete and call.areas and not areas:
        raise Invalid(N_("Please choose at least one technology area."), field="area_ids")
    for name in ("title_en", "title_ja", "abstract_en", "abstract_ja", "stage", "language", "presenter"):
        setattr(submission, name, getattr(values, name))
    submission.areas = list(areas)
    if deck is not None:
        submission.deck_file, submission.deck_name, submission.deck_pages = deck.file, deck.name, deck.pages


def _areas(call: PitchCall, area_ids: Sequence[int]) -> Sequence[TechnologyArea]:
    offered = {area.id: area for area in call.areas}
    if not set(area_ids) <= set(offered):
        raise Invalid(N_("Please choose from the technology areas of this call."), field="area_ids")
    return [offered[area_id] for area_id in dict.fromkeys(area_ids)]
