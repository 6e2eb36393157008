"""Noting what came of a meeting."""

from datetime import date, datetime

from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.mail.services import queue_mail
from forum_app.meetings.models import Meeting
from forum_app.outcomes.models import Outcome, Pathway, Wish
from forum_app.outcomes.permissions import can_note, own_part
from forum_app.outcomes.queries import list_outcomes, shared_sides

NOT_YET = N_("There is no such meeting, or its outcome cannot be noted now.")


def note_outcome(
    *,
    actor: User,
    meeting: Meeting,
    wish: Wish,
    now: datetime,
    pathway: Pathway | None = None,
    note: str = "",
    next_step: str = "",
    next_step_on: date | None = None,
    shared: bool = False,
) -> Outcome:
    """Note the actor's own view of a meeting, or change it. next_step_on: a day in the event's zone.

    It stays private until the other side shares, too; then both are told. Raises NotFound for who was
    not in the meeting or before it began, Invalid for a pathway that is missing, Conflict when the
    same person notes it twice at once.
    """
    part = own_part(actor, meeting)
    if part is None or not can_note(actor, meeting, now):
        raise NotFound(NOT_YET)
    if wish == Wish.PATHWAY and pathway is None:
        raise Invalid(N_("Please choose the pathway."), field="pathway")
    if next_step_on is not None and next_step_on < meeting.starts_at.date():
        raise Invalid(N_("The next step cannot be before the meeting."), field="next_step_on")
    others = list_outcomes([meeting.id]).get(meeting.id, [])
    row = next((one for one in others if one.registration_id == part.registration_id), None)
    was_open = bool(shared_sides(others)) and row is not None and row.shared
    if row is None:
        row = Outcome(meeting_id=meeting.id, registration_id=part.registration_id, created_at=now)
        db.session.add(row)
        others.append(row)
    row.wish = wish
    row.pathway = pathway if wish == Wish.PATHWAY else None
    row.note, row.next_step, row.next_step_on = note, next_step, next_step_on
    row.shared = shared
    row.changed_at = now
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Conflict(N_("You have just noted this outcome elsewhere. Please look at it again.")) from error
    record(
        actor=actor,
        action="outcomes.noted",
        subject=row,
        event_id=meeting.event_id,
        now=now,
        detail={"meeting": meeting.id, "shared": shared},
    )
    if shared and not was_open and shared_sides(others):
        _tell(meeting, [one.registration_id for one in shared_sides(others)], actor=actor, now=now)
    return row


def _tell(meeting: Meeting, sharing: list[int], *, actor: User, now: datetime) -> None:
    """Tell those who had shared before that the other side now shares, too."""
    mine = own_part(actor, meeting)
    for participant in meeting.participants:
        person = participant.registration
        if person.user is None or person.user_id == actor.id or person.id not in sharing:
            continue
        queue_mail(
            to=person.user,
            template="outcomes/shared",
            context={
                "meeting": meeting,
                "event": meeting.event,
                "other": mine.registration if mine else person,
            },
            thread=meeting.uid,
            now=now,
        )
