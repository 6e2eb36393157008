"""Mutual interest that cannot become a meeting yet, and who can mend it."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import MeetingRequest, RequestState
from forum_app.meetings.rule_queries import HARD, STOPS_MEETING, Terms, list_terms
from forum_app.registration.models import Registration

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class HeldUp:
    """An agreed request and what stands in its way."""

    request: MeetingRequest
    terms: Terms

    @property
    def by_rule(self) -> bool:
        """Whether nobody can mend it."""
        return bool(self.terms.obstacles & HARD)

    def person(self, registration_id: int | None) -> Registration:
        """Who lacks something, of the two."""
        return self.request.asker if registration_id == self.request.asker_id else self.request.host


def list_held_up(event: Event, *, today: date) -> list[HeldUp]:
    """Agreed requests that a gate or a rule stops, oldest first; seven statements."""
    person = joinedload(MeetingRequest.asker), joinedload(MeetingRequest.host)
    requests = db.session.scalars(
        select(MeetingRequest)
        .where(MeetingRequest.event_id == event.id, MeetingRequest.state == RequestState.AGREED)
        .options(*(side.joinedload(Registration.organization) for side in person))
        .order_by(MeetingRequest.created_at, MeetingRequest.id)
    ).all()
    terms = list_terms(event, [(r.asker_id, r.host_id) for r in requests], today)
    held = [HeldUp(r, terms[r.asker_id, r.host_id]) for r in requests]
    return [one for one in held if one.terms.obstacles & STOPS_MEETING][:MOST_SHOWN]
