"""Deciding: accept into a pitch block, keep in reserve, decline; singly and many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem
from forum_app.agenda.speakers import SpeakerValues, place_pitch
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.organizations.models import MemberState
from forum_app.organizations.queries import list_members
from forum_app.pitches.models import PitchCall, PitchSubmission, SubmissionState
from forum_app.pitches.notices import notify_authors
from forum_app.pitches.permissions import can_decide, can_manage_pitches, was_submitted
from forum_app.pitches.queries import list_by_ids
from forum_app.pitches.services import change_state, take_off_agenda

S = SubmissionState
DECISIONS = (S.ACCEPTED, S.RESERVE, S.DECLINED)
MOST_AT_ONCE = 100
LAST_LATIN = "\u024f"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a decision on several: how many were decided, and of the accepted how many got no time."""

    decided: int
    without_time: int


def decide(
    *,
    actor: User,
    event: Event,
    submission: PitchSubmission,
    decision: SubmissionState,
    now: datetime,
    version: int,
    note: str = "",
    block: AgendaItem | None = None,
) -> PitchSubmission:
    """Accept, keep in reserve or decline; the start-up is told, with note.

    block: the pitch block that takes an accepted pitch at its next free time; None accepts without
    a place yet. version: of the submission as the organizer saw it; Conflict when it changed since.
    """
    if not can_manage_pitches(actor, event):
        raise PermissionDenied(N_("You are not allowed to do this."))
    if submission.call.event_id != event.id or not was_submitted(submission):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    if not can_decide(actor, submission, event):
        raise PermissionDenied(
            N_("You have a conflict of interest about “%(title)s”. Another organizer has to decide."),
            title=submission.title_en or submission.title_ja,
        )
    if decision not in DECISIONS:
        raise Invalid(N_("Please choose a decision."), field="decision")
    if submission.version != version:
        raise Conflict(
            N_("“%(title)s” was decided or withdrawn in the meantime. Look at it again and decide."),
            title=submission.title_en or submission.title_ja,
        )
    before = submission.state
    change_state(submission, decision)
    submission.decision_note = note
    submission.decided_at = now
    db.session.flush()  # a lost race ends here, before anything is placed
    if decision == S.ACCEPTED and block is not None:
        _place(actor, event, submission, block, now)
    if decision != S.ACCEPTED:
        take_off_agenda(submission, now)
    record(
        actor=actor,
        action=f"pitch.{decision.value}",
        subject=submission,
        event_id=event.id,
        now=now,
        detail={"from": before.value, "item": submission.agenda_item_id},
    )
    notify_authors(submission, decision.value, event=event, now=now)
    return submission


def decide_many(
    *,
    actor: User,
    event: Event,
    call: PitchCall,
    versions: Sequence[tuple[int, int]],
    decision: SubmissionState,
    now: datetime,
    note: str = "",
    block: AgendaItem | None = None,
) -> Outcome:
    """The same decision for several, all or none. versions: (id, version) of each as it was seen."""
    if not can_manage_pitches(actor, event):
        raise PermissionDenied(N_("You are not allowed to do this."))
    if not versions:
        raise Invalid(N_("Please mark at least one pitch."), field="chosen")
    if len(versions) > MOST_AT_ONCE:
        raise Invalid(N_("At most %(count)s pitches at once."), field="chosen", count=MOST_AT_ONCE)
    seen = dict(versions)
    rows = list_by_ids(call.id, seen.keys())
    if len(rows) != len(seen):
        raise NotFound(N_("There is no such pitch, or it is not open to you."))
    without_time = 0
    for submission in rows:
        decide(
            actor=actor,
            event=event,
            submission=submission,
            decision=decision,
            now=now,
            version=seen[submission.id],
            note=note,
            block=block,
        )
        item = submission.agenda_item
        if decision == S.ACCEPTED and (item is None or item.starts_at is None):
            without_time += 1
    return Outcome(len(rows), without_time)


def place_accepted(
    *,
    actor: User,
    event: Event,
    submission: PitchSubmission,
    block: AgendaItem,
    version: int,
    now: datetime,
) -> AgendaItem:
    """Give an accepted pitch its place later on, or another block; the start-up is told the place."""
    if not can_decide(actor, submission, event):
        raise PermissionDenied(N_("You are not allowed to do this."))
    if submission.state != S.ACCEPTED or submission.version != version:
        raise Conflict(
            N_("“%(title)s” was decided or withdrawn in the meantime. Look at it again and decide."),
            title=submission.title_en or submission.title_ja,
        )
    take_off_agenda(submission, now)
    item = _place(actor, event, submission, block, now)
    record(
        actor=actor,
        action="pitch.placed",
        subject=submission,
        event_id=event.id,
        now=now,
        detail={"item": item.id, "block": block.id},
    )
    notify_authors(submission, "accepted", event=event, now=now)
    return item


def _place(
    actor: User, event: Event, submission: PitchSubmission, block: AgendaItem, now: datetime
) -> AgendaItem:
    item = place_pitch(
        actor=actor,
        event=event,
        block=block,
        title_en=submission.title_en,
        title_ja=submission.title_ja,
        text_en=submission.abstract_en,
        text_ja=submission.abstract_ja,
        language=submission.language,
        minutes=submission.call.minutes,
        speakers=presenters(submission),
        now=now,
    )
    submission.agenda_item = item
    db.session.flush()
    return item


def presenters(submission: PitchSubmission) -> list[SpeakerValues]:
    """Who presents: the member of the organization with that name, so that their time counts as
    taken; else just the name, in the script in which it was written."""
    name = submission.presenter
    if not name:
        return []
    wanted = _plain(name)
    for membership in list_members(submission.organization_id):
        user = membership.user
        if membership.state != MemberState.ACTIVE or user is None:
            continue
        if wanted in (_plain(user.name_latin), _plain(user.name_native)):
            return [
                SpeakerValues(
                    name_latin=user.name_latin,
                    name_native=user.name_native,
                    name_kana=user.name_kana,
                    organization_id=submission.organization_id,
                    user_id=user.id,
                )
            ]
    is_latin = all(character <= LAST_LATIN for character in name)
    return [
        SpeakerValues(
            name_latin=name if is_latin else "",
            name_native="" if is_latin else name,
            organization_id=submission.organization_id,
        )
    ]


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()
