"""Addresses of all routes, with arguments from the demonstration forum that lead to something."""

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session, scoped_session
from werkzeug.routing import Rule

from forum_app.agenda.models import AgendaItem, Speaker
from forum_app.demo.world import FORUM
from forum_app.events.models import Event, RoleGrant, Room, Series, Track
from forum_app.mail.models import OutboxMail
from forum_app.meetings.models import Interpreter, Meeting, MeetingRequest, MeetingTable, OfficeHours
from forum_app.messages.models import Message
from forum_app.organizations.models import Membership, Organization
from forum_app.pitches.models import Criterion, PitchSubmission
from forum_app.registration.models import ParticipantType, Registration


def route_values(session: Session | scoped_session[Any]) -> dict[str, Any]:
    """Values for the arguments of routes, read from a seeded database; all but the token of a feed."""
    event_id = session.scalar(select(Event.id).where(Event.slug == FORUM))

    def first(column: InstrumentedAttribute[Any], **values: Any) -> Any:
        statement = select(column).filter_by(**values).order_by(column.class_.id).limit(1)
        return session.scalar(statement) or 1

    return {
        "slug": FORUM,
        "series_slug": first(Series.slug),
        "organization_slug": first(Organization.slug),
        "item_code": first(AgendaItem.code, event_id=event_id),
        "code": session.scalar(select(PitchSubmission.code).order_by(PitchSubmission.id.desc())),
        "registration_id": first(Registration.id, event_id=event_id),
        "request_id": first(MeetingRequest.id, event_id=event_id),
        "meeting_id": first(Meeting.id, event_id=event_id),
        "table_id": first(MeetingTable.id, event_id=event_id),
        "interpreter_id": first(Interpreter.id, event_id=event_id),
        "hours_id": first(OfficeHours.id, event_id=event_id),
        "room_id": first(Room.id, event_id=event_id),
        "track_id": first(Track.id, event_id=event_id),
        "type_id": first(ParticipantType.id, event_id=event_id),
        "speaker_id": first(Speaker.id, event_id=event_id),
        "grant_id": first(RoleGrant.id, event_id=event_id),
        "criterion_id": first(Criterion.id),
        "membership_id": first(Membership.id),
        "mail_id": first(OutboxMail.id, event_id=event_id),
        "message_id": first(Message.id, event_id=event_id),
        "name": "registration-approved",  # a kind of mail
        "filename": "app.css",
    }


def route_path(rule: Rule, known: dict[str, Any], **values: object) -> str:
    """The address of a route with the known arguments, or with the given ones."""
    path = rule.rule
    for argument in rule.arguments:
        value = known.get(argument, 1)
        if argument == "slug" and not path.startswith("/events/"):
            value = known["organization_slug"]
        path = re.sub(rf"<(?:\w+:)?{argument}>", str(values.get(argument, value)), path)
    return path
