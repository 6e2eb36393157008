"""The history of an organization, put together for one reader."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from forum_app.events.models import Event
from forum_app.history.permissions import can_know_pitch, can_name, known_events, sees_details
from forum_app.history.queries import CAME, list_events_of, list_meetings, list_people, list_pitches
from forum_app.meetings.models import Meeting
from forum_app.organizations.models import Organization
from forum_app.organizations.permissions import is_member
from forum_app.outcomes.models import Outcome
from forum_app.outcomes.queries import known_outcomes
from forum_app.pitches.models import PitchSubmission
from forum_app.registration.models import Registration


@dataclass(frozen=True, slots=True)
class MeetingLine:
    """One meeting: topic, the other organizations in it, and what the reader may know of its outcome."""

    starts_at: datetime
    topic: str
    partners: tuple[Organization, ...]
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Edition:
    """An organization at one event, as far as the reader may know.

    is_over: its last day (in its zone) is past; then people are those who came, else those expected.
    named: of people_count those whose names may be shown. meetings: empty unless details.
    """

    event: Event
    is_over: bool
    details: bool
    people_count: int
    named: tuple[Registration, ...]
    pitches: tuple[PitchSubmission, ...]
    meetings_count: int
    meetings: tuple[MeetingLine, ...]

    @property
    def unnamed_count(self) -> int:
        return self.people_count - len(self.named)


def participation_history(*, actor: Any, organization: Organization, now: datetime) -> list[Edition]:
    """Editions that actor may know of, latest first; the number of statements does not grow."""
    belongs = is_member(actor, organization)
    events = known_events(actor, list_events_of(organization.id), belongs=belongs)
    ids = [event.id for event in events]
    if not ids:
        return []
    people = _by_event(list_people(organization.id, ids))
    pitches: dict[int, list[PitchSubmission]] = {}
    for submission in list_pitches(organization.id, ids):
        pitches.setdefault(submission.call.event_id, []).append(submission)
    all_meetings = list_meetings(organization.id, ids)
    meetings = _by_event(all_meetings)
    outcomes = known_outcomes(all_meetings, organization_id=organization.id, insider=belongs)
    editions = [
        _edition(
            event,
            organization,
            details=sees_details(actor, event, belongs=belongs),
            people=people.get(event.id, []),
            pitches=pitches.get(event.id, []),
            meetings=meetings.get(event.id, []),
            outcomes=outcomes,
            now=now,
        )
        for event in events
    ]
    # an event in which nothing may be known says nothing, not even that it was there
    return [e for e in editions if e.people_count or e.pitches or e.meetings_count]


def _by_event(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.event_id, []).append(row)
    return found


def _edition(
    event: Event,
    organization: Organization,
    *,
    details: bool,
    people: Sequence[Registration],
    pitches: Sequence[PitchSubmission],
    meetings: Sequence[Meeting],
    outcomes: Mapping[int, Sequence[Outcome]],
    now: datetime,
) -> Edition:
    is_over = now.astimezone(ZoneInfo(event.timezone)).date() > event.ends_on
    if is_over:
        people = [person for person in people if person.state in CAME]
    return Edition(
        event=event,
        is_over=is_over,
        details=details,
        people_count=len(people),
        named=tuple(person for person in people if can_name(person, details=details)),
        pitches=tuple(p for p in pitches if can_know_pitch(p, event, details=details)),
        meetings_count=len(meetings),
        meetings=tuple(_line(meeting, organization, outcomes.get(meeting.id, ())) for meeting in meetings)
        if details
        else (),
    )


def _line(meeting: Meeting, organization: Organization, outcomes: Sequence[Outcome]) -> MeetingLine:
    partners: dict[int, Organization] = {}
    for participant in meeting.participants:
        partner = participant.registration.organization
        if partner is not None and partner.id != organization.id:
            partners[partner.id] = partner
    return MeetingLine(meeting.starts_at, meeting.topic, tuple(partners.values()), tuple(outcomes))
