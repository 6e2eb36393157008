"""The day: who came, who did not, and what becomes of the time that is freed."""

from datetime import datetime, timedelta

from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import after_commit, db
from forum_app.floor.models import Offer, OfferState
from forum_app.floor.permissions import can_answer_offer, can_mark, can_run_floor
from forum_app.meetings.booking_services import book_meeting
from forum_app.meetings.claim_services import Taken, claim_all, release
from forum_app.meetings.models import (
    Meeting,
    MeetingOrigin,
    MeetingParticipant,
    MeetingRole,
    MeetingStatus,
    RequestState,
)
from forum_app.meetings.notices import notify_meeting, state_of
from forum_app.meetings.permissions import is_self
from forum_app.queue import queue

EARLY = timedelta(minutes=30)  # people come to a table before their time
OFFERING = "forum_app.floor.jobs.offer_freed"

NO_MEETING = N_("There is no such meeting, or it is not open to you.")


def mark_arrived(
    *, actor: User, meeting: Meeting, registration_id: int, now: datetime, arrived: bool = True
) -> None:
    """Note that a person is at the table, or take that back. Raises Conflict outside its time."""
    part = _part(actor, meeting, registration_id)
    _must_stand(meeting)
    if now < meeting.starts_at - EARLY:
        raise Conflict(N_("It is too early: people can be checked in from 30 minutes before the meeting."))
    part.arrived_at = now if arrived else None
    record(
        actor=actor,
        action="floor.arrived" if arrived else "floor.arrival_undone",
        subject=meeting,
        event_id=meeting.event_id,
        now=now,
        detail={"registration": registration_id},
    )


def mark_no_show(*, actor: User, meeting: Meeting, registration_id: int, now: datetime) -> None:
    """Note that a person did not come. When fewer than two are left the meeting is not held: all it
    used is free at once, the others are told, and the time is offered to who waits.

    Raises Conflict before the meeting begins, and when the person was checked in.
    """
    part = _part(actor, meeting, registration_id)
    _must_stand(meeting)
    if now < meeting.starts_at:
        raise Conflict(N_("The meeting has not begun yet. Who cannot come cancels it instead."))
    if part.arrived_at is not None:
        raise Conflict(N_("This person was checked in at the table. Take that back first."))
    if is_self(actor, part.registration):
        raise Invalid(N_("You cannot mark yourself as not come. Cancel the meeting instead."))
    part.missed_at = now
    request = meeting.request
    left = [one for one in meeting.participants if one.missed_at is None]
    if len(left) < 2:
        was = state_of(meeting)
        meeting.status = MeetingStatus.NO_SHOW
        meeting.sequence += 1
        meeting.changed_at = now
        release([meeting.id])
        if request is not None and part.role == MeetingRole.HOST and request.state == RequestState.ACCEPTED:
            request.state = RequestState.AGREED  # who came waits for another time
        notify_meeting(meeting, "not_held", actor=actor, was=was, now=now)
        after_commit(lambda: queue.enqueue(OFFERING))
    record(
        actor=actor,
        action="floor.no_show",
        subject=meeting,
        event_id=meeting.event_id,
        now=now,
        detail={"registration": registration_id, "held": meeting.status == MeetingStatus.CONFIRMED},
    )


def undo_no_show(*, actor: User, meeting: Meeting, registration_id: int, now: datetime) -> None:
    """Somebody came late after all; the meeting is on again if nobody has its time yet (else Conflict)."""
    part = _part(actor, meeting, registration_id)
    if part.missed_at is None or meeting.status == MeetingStatus.CANCELLED:
        raise Conflict(N_("This person is not marked as not come."))
    if now >= meeting.ends_at:
        raise Conflict(N_("The time of this meeting is over."))
    part.missed_at = None
    if meeting.status == MeetingStatus.NO_SHOW:
        was = state_of(meeting)
        meeting.status = MeetingStatus.CONFIRMED
        meeting.sequence += 1
        meeting.changed_at = now
        try:
            claim_all([meeting])
        except Taken as taken:
            raise Conflict(N_("The time of this meeting was given to others meanwhile.")) from taken
        if meeting.request is not None and meeting.request.state == RequestState.AGREED:
            meeting.request.state = RequestState.ACCEPTED
        for offer in _open_offers_of(meeting):
            _lapse(offer, now)
        notify_meeting(meeting, "on_again", actor=actor, was=was, now=now)
    record(
        actor=actor,
        action="floor.no_show_undone",
        subject=meeting,
        event_id=meeting.event_id,
        now=now,
        detail={"registration": registration_id},
    )


def take_offer(*, actor: User, offer: Offer, now: datetime, at_once: bool = False) -> Meeting | None:
    """Say yes to freed time. The meeting is booked once both said so (or staff, at_once, for both);
    returns it then. Raises Conflict when the offer is over or the time was taken."""
    event = offer.request.asker.event
    if not can_answer_offer(actor, offer, event):
        raise NotFound(N_("There is no such offer, or it is not open to you."))
    if at_once and not can_run_floor(actor, event):
        raise PermissionDenied(N_("Only the staff can book for both."))
    _must_be_open(offer, now)
    request = offer.request
    if at_once or is_self(actor, request.asker):
        offer.asker_took_at = offer.asker_took_at or now
    if at_once or is_self(actor, request.host):
        offer.host_took_at = offer.host_took_at or now
    record(actor=actor, action="floor.offer_taken", subject=offer, event_id=event.id, now=now)
    if offer.asker_took_at is None or offer.host_took_at is None:
        return None
    offer.state = OfferState.TAKEN
    in_person = is_self(actor, request.asker) or is_self(actor, request.host)
    return book_meeting(
        actor=actor if in_person else None,  # check-in staff make no meetings but these
        event=event,
        people=[request.host, request.asker],
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        topic=request.topic,
        request=request,
        table_id=offer.table_id,
        interpreter=offer.interpreter_id or ("any" if request.needs_interpreter else None),
        format=request.format,
        origin=MeetingOrigin.REFILL,
        now=now,
    )


def decline_offer(*, actor: User, offer: Offer, now: datetime) -> None:
    """Say no to freed time; it goes to the next pair, the mutual interest stays."""
    event = offer.request.asker.event
    if not can_answer_offer(actor, offer, event):
        raise NotFound(N_("There is no such offer, or it is not open to you."))
    _must_be_open(offer, now)
    offer.state = OfferState.DECLINED
    record(actor=actor, action="floor.offer_declined", subject=offer, event_id=event.id, now=now)
    after_commit(lambda: queue.enqueue(OFFERING))


def _lapse(offer: Offer, now: datetime) -> None:
    offer.state = OfferState.LAPSED
    record(actor=None, action="floor.offer_lapsed", subject=offer, event_id=offer.event_id, now=now)


def _open_offers_of(meeting: Meeting) -> list[Offer]:
    statement = select(Offer).where(Offer.freed_id == meeting.id, Offer.state == OfferState.OPEN)
    return list(db.session.scalars(statement))


def _must_be_open(offer: Offer, now: datetime) -> None:
    over = offer.expires_at <= now or offer.request.state != RequestState.AGREED
    if offer.state != OfferState.OPEN or over:
        raise Conflict(N_("This offer is over. Your interest stays; the next free time may be yours."))


def _must_stand(meeting: Meeting) -> None:
    if meeting.status != MeetingStatus.CONFIRMED:
        raise Conflict(N_("This meeting is not held any more."))


def _part(actor: User, meeting: Meeting, registration_id: int) -> MeetingParticipant:
    if not can_mark(actor, meeting):
        raise NotFound(NO_MEETING)
    for part in meeting.participants:
        if part.registration_id == registration_id:
            return part
    raise NotFound(NO_MEETING)
