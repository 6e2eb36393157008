"""One small world with somebody in every role, for tests that ask who may do what.

The event "forum" is published and has one of everything; the organizer of another event and all
kinds of staff look at it from their places. Objects of "forum" that a path may name are in ARGUMENTS.
"""

from datetime import UTC, datetime, time, timedelta

from flask import Flask
from sqlalchemy import select

from forum_app.accounts.models import LoginSession, User
from forum_app.accounts.sign_in import token_hash
from forum_app.agenda.models import ItemKind
from forum_app.agenda.publication import publish_agenda
from forum_app.calendars.models import FeedToken
from forum_app.db import db, transaction
from forum_app.events.models import Event, EventRole
from forum_app.floor.models import Offer
from forum_app.freebusy.models import Kind as CalendarKind
from forum_app.freebusy.models import OtherCalendar
from forum_app.mail.services import Recipient, queue_mail
from forum_app.meetings.models import (
    Absence,
    Interpreter,
    InterpreterHours,
    KindBar,
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingRole,
    MeetingStretch,
    MeetingTable,
    OfficeHours,
    Priority,
    RequestState,
    TableHours,
)
from forum_app.messages.models import Message
from forum_app.organizations.models import (
    Exclusion,
    ExclusionGround,
    Kind,
    MemberRole,
    MemberState,
    TechnologyArea,
)
from forum_app.pitches.models import Criterion, PitchCall, PitchSubmission, SubmissionState
from forum_app.registration.models import RegistrationState
from forum_app.timetable.instance_queries import read_instance
from forum_app.timetable.models import RunState, ScheduleRun
from forum_app.web import clock
from tests.factories import (
    grant,
    make_event,
    make_item,
    make_member,
    make_organization,
    make_participant_type,
    make_registration,
    make_room,
    make_series,
    make_speaker,
    make_track,
    make_user,
    save,
)

ROLES = (
    "anonymous",
    "attendee",
    "member",
    "representative",
    "pitch_reviewer",
    "vetting_officer",
    "check_in_staff",
    "organizer",
    "other_organizer",
    "administrator",
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def token_of(role: str) -> str:
    """The secret in the cookie of the role's session."""
    return f"session-of-{role}"


def _people(now: datetime) -> dict[str, User]:
    people = {}
    for role in ROLES[1:]:
        user = make_user(f"{role}@forum.example", is_admin=role == "administrator")
        session = LoginSession(
            user_id=user.id, token_hash=token_hash(token_of(role)), created_at=now, last_seen_at=now
        )
        save(session)
        people[role] = user
    return people


def _staff(people: dict[str, User], event: Event) -> int:
    grant(people["pitch_reviewer"], event, EventRole.PITCH_REVIEWER)
    grant(people["check_in_staff"], event, EventRole.CHECK_IN_STAFF)
    grant(people["organizer"], event)
    other = make_event(slug="other")
    grant(people["other_organizer"], other)
    return grant(people["vetting_officer"], event, EventRole.VETTING_OFFICER).id


def _finished_run(event: Event, now: datetime) -> ScheduleRun:
    """A schedule run that found nothing to place."""
    instance = read_instance(event, now=now)
    run = ScheduleRun(
        event_id=event.id,
        state=RunState.DONE,
        instance=instance.dumps(),
        input_digest=instance.digest,
        result='{"assignments": [], "unplaced": []}',
        placed=0,
        created_at=now,
        finished_at=now,
    )
    save(run)
    return run


def build(app: Flask) -> dict[str, object]:
    """Fill an empty database; returns the values of all path arguments, by argument name.

    Who takes part: attendee (takes meetings, was asked for one by the representative, and has
    another), member and representative (both for the organization "acme"). All others do not.
    """
    now = clock.now()
    people = _people(now)
    day = (now + timedelta(days=60)).date()
    event = make_event(
        slug="forum",
        starts_on=day,
        ends_on=day + timedelta(days=1),
        registration_closes_at=now + timedelta(days=50),
    )
    grant_id = _staff(people, event)
    make_series(slug="tech-forum")
    room, track = make_room(event), make_track(event)
    spare_room, spare_track = make_room(event), make_track(event)
    acme = make_organization(slug="acme")
    make_member(people["member"], acme, role=MemberRole.MEMBER)
    make_member(people["representative"], acme)
    asked = make_member(make_user(), acme, role=MemberRole.MEMBER, state=MemberState.REQUESTED)
    exclusion = Exclusion(
        organization_id=acme.id, kind=Kind.PRESS, ground=ExclusionGround.OTHER, created_at=now
    )
    save(exclusion)

    kind = make_participant_type(event, code="expert", takes_meetings=True)
    spare_kind = make_participant_type(event, code="spare")
    host = make_registration(event, people["attendee"], participant_type=kind, listed=True)
    make_registration(event, people["member"], participant_type=kind, organization=acme)
    asker = make_registration(event, people["representative"], participant_type=kind, organization=acme)
    applicant = make_registration(event, make_user(), participant_type=kind, state=RegistrationState.APPLIED)

    at = datetime.combine(day, time(1), UTC)
    block = make_item(event, kind=ItemKind.PITCH_BLOCK, starts_at=at, ends_at=at + timedelta(hours=2))
    item = make_item(
        event,
        code="talk2345",
        room_id=room.id,
        track_id=track.id,
        starts_at=at + timedelta(hours=2),
        ends_at=at + timedelta(hours=3),
    )
    speaker = make_speaker(event)
    with transaction():
        publish_agenda(actor=None, event=event, now=now)

    call = PitchCall(event_id=event.id, opens_at=now - timedelta(days=1), closes_at=now + timedelta(days=30))
    call.areas.extend(db.session.scalars(select(TechnologyArea)))
    call.criteria.append(Criterion(name_en="Merit"))
    save(call)
    deck = app.extensions["forum_storage"].save(PDF, "pdf")
    submission = PitchSubmission(
        call_id=call.id,
        code="pitch234",
        organization_id=acme.id,
        submitter_id=people["representative"].id,
        title_en="Pitch",
        deck_file=deck,
        deck_name="deck.pdf",
        state=SubmissionState.SUBMITTED,
        created_at=now,
        submitted_at=now,
    )
    table = MeetingTable(event_id=event.id, label="T1")
    interpreter = Interpreter(event_id=event.id, name_latin="Interpreter")
    stretch = MeetingStretch(
        event_id=event.id, starts_at=at + timedelta(hours=4), ends_at=at + timedelta(hours=6)
    )
    absence = Absence(
        registration_id=asker.id, starts_at=at + timedelta(hours=7), ends_at=at + timedelta(hours=8)
    )
    bar = KindBar(event_id=event.id, one=Kind.ASSOCIATION, other=Kind.PRESS)
    hours = OfficeHours(
        event_id=event.id,
        registration_id=host.id,
        starts_at=at + timedelta(hours=4),
        ends_at=at + timedelta(hours=6),
    )
    request = MeetingRequest(
        event_id=event.id,
        asker_id=asker.id,
        host_id=host.id,
        topic="Sensors",
        priority=Priority.MUST,
        state=RequestState.PENDING,
        created_at=now,
    )
    meeting = Meeting(
        event_id=event.id,
        starts_at=at + timedelta(hours=4),
        ends_at=at + timedelta(hours=4, minutes=20),
        topic="Sensors",
        uid="meeting@forum.example",
        created_at=now,
        changed_at=now,
    )
    meeting.participants.extend(
        [
            MeetingParticipant(registration_id=host.id, role=MeetingRole.HOST),
            MeetingParticipant(registration_id=asker.id, role=MeetingRole.GUEST),
        ]
    )
    held = Meeting(
        event_id=event.id,
        starts_at=now - timedelta(hours=1),
        ends_at=now,
        topic="Radar",
        uid="held@forum.example",
        created_at=now,
        changed_at=now,
    )
    held.participants.append(MeetingParticipant(registration_id=host.id, role=MeetingRole.HOST))
    held.participants.append(MeetingParticipant(registration_id=asker.id, role=MeetingRole.GUEST))
    wish = MeetingRequest(
        event_id=event.id,
        asker_id=host.id,
        host_id=asker.id,
        topic="Radar",
        priority=Priority.MUST,
        state=RequestState.AGREED,
        created_at=now,
    )
    save(wish)
    offer = Offer(
        event_id=event.id,
        request_id=wish.id,
        starts_at=at + timedelta(hours=5),
        ends_at=at + timedelta(hours=5, minutes=20),
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    feed = FeedToken(user_id=people["attendee"].id, token_hash=token_hash("feed"), created_at=now)
    calendar = OtherCalendar(
        registration_id=asker.id, kind=CalendarKind.UPLOAD, zone="Asia/Tokyo", created_at=now
    )
    opening = TableHours(starts_at=at, ends_at=at + timedelta(hours=8))
    table.hours.append(opening)
    duty = InterpreterHours(starts_at=at, ends_at=at + timedelta(hours=8))
    interpreter.hours.append(duty)
    save(stretch, absence)
    save(submission, table, interpreter, bar, hours, request, meeting, held, offer, feed, calendar)
    with transaction():
        mail = queue_mail(
            to=Recipient("person@forum.example", "Person"),
            template="events/role_revoked",
            context={"event": event, "role": "Organizer"},
            now=now,
        )
    run = _finished_run(event, now)
    message = Message(
        event_id=event.id,
        subject_en="Hall",
        body_en="Hall B",
        recipient_group={},
        created_at=now,
        changed_at=now,
    )
    save(message)
    sessions = select(LoginSession).where(LoginSession.user_id == people["attendee"].id)
    session = db.session.scalars(sessions).one()
    return {
        "slug": "forum",
        "series_slug": "tech-forum",
        "room_id": spare_room.id,
        "track_id": spare_track.id,
        "grant_id": grant_id,
        "item_code": item.code,
        "block_code": block.code,
        "speaker_id": speaker.id,
        "registration_id": applicant.id,
        "host_registration_id": host.id,
        "seated_registration_id": asker.id,
        "type_id": spare_kind.id,
        "code": submission.code,
        "criterion_id": call.criteria[0].id,
        "request_id": request.id,
        "meeting_id": meeting.id,
        "held_meeting_id": held.id,
        "offer_id": offer.id,
        "answer": "take",
        "hours_id": hours.id,
        "table_id": table.id,
        "interpreter_id": interpreter.id,
        "table_hours_id": opening.id,
        "interpreter_hours_id": duty.id,
        "stretch_id": stretch.id,
        "absence_id": absence.id,
        "bar_id": bar.id,
        "membership_id": asked.id,
        "exclusion_id": exclusion.id,
        "session_id": session.id,
        "feed_id": feed.id,
        "calendar_id": calendar.id,
        "mail_id": mail.id,
        "run_id": run.id,
        "message_id": message.id,
        "name": "registration-approved",
        "token": "no-such-token",
    }
