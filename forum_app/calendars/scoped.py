"""What the feed of an event, track, room, organization, table or interpreter may show its reader."""

from collections.abc import Iterable

from forum_app.agenda.permissions import visible_to
from forum_app.agenda.queries import current_agenda, current_agendas
from forum_app.agenda.snapshot import PublishedItem
from forum_app.calendars.contents import Contents, MeetingPart, Part, contents, item_part
from forum_app.calendars.models import FeedScope, FeedToken
from forum_app.calendars.permissions import can_have_feed
from forum_app.calendars.personal import personal_contents, reader_of
from forum_app.calendars.queries import (
    EventFacts,
    MeetingFacts,
    facts_of,
    list_events,
    list_meeting_facts,
    list_speaking_events,
    meetings_at_table,
    meetings_of_organization,
    meetings_with_interpreter,
)
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_know_event
from forum_app.organizations.models import Organization
from forum_app.registration.models import Registration
from forum_app.registration.queries import list_registrations_of

# The theme's track colours (static/src/_tokens.scss) as the nearest names that CSS3, so COLOR, knows.
TRACK_COLORS = (
    "steelblue", "seagreen", "darkgoldenrod", "darkorchid", "brown", "teal", "darkolivegreen",
    "darkslateblue",
)  # fmt: skip


def feed_contents(feed: FeedToken) -> Contents:
    """What an address shows now. Nothing, if its user may no longer have it: all of it is withdrawn."""
    year = feed.created_at.year
    if feed.scope == FeedScope.PERSON:
        return personal_contents(feed.user, year=year)
    if not can_have_feed(feed.user, feed):
        return contents((), zone=feed.user.timezone, year=year)
    if feed.organization is not None:
        return _organization_contents(feed, feed.organization)
    event = feed.event
    if event is None:
        raise NotFound(N_("There is no such calendar."))
    facts = facts_of(event)
    if feed.table is not None:
        meetings = list_meeting_facts(meetings_at_table(feed.table.id))
        label = feed.table.label
        # who stands at the table sees with whom, not about what
        parts: Iterable[Part] = [MeetingPart(facts, m._replace(topic=""), m.closed) for m in meetings]
        return _contents(feed, facts, parts, (label, label), "darkslategray")
    if feed.interpreter is not None:
        meetings = list_meeting_facts(meetings_with_interpreter(feed.interpreter.id))
        person = feed.interpreter
        names = (person.name_latin or person.name_native, person.name_native or person.name_latin)
        return _contents(feed, facts, [MeetingPart(facts, m) for m in meetings], names, "seagreen")
    agenda = current_agenda(event)
    own = [r for r in list_registrations_of(feed.user) if r.event_id == event.id]
    reader = reader_of(feed.user, event, own)
    made_of = {f"event:{event.id}", f"user:{feed.user_id}", f"mail:{feed.user.email_key}"}
    made_of.update(f"organization:{registration.organization_id}" for registration in own)
    items = [i for i in agenda.items if visible_to(i, reader)] if agenda else []
    if feed.track is not None:
        track = feed.track
        items = [i for i in items if i.track is not None and i.track.id == track.id]
        parts = [item_part(facts, item, busy=False) for item in items]
        color = TRACK_COLORS[track.color - 1]
        return _contents(feed, facts, parts, (track.name_en, track.name_ja), color, made_of)
    if feed.room is not None:
        room = feed.room
        items = [i for i in items if i.room is not None and i.room.id == room.id]
        parts = [item_part(facts, item) for item in items]
        return _contents(feed, facts, parts, (room.name_en, room.name_ja), "teal", made_of)
    parts = [item_part(facts, item, busy=False) for item in items]
    return _contents(feed, facts, parts, ("", ""), "navy", made_of)


def _contents(
    feed: FeedToken,
    event: EventFacts,
    parts: Iterable[Part],
    of: tuple[str, str],
    color: str,
    made_of: Iterable[str] | None = None,
) -> Contents:
    """Named after the event, and what part of it this is."""
    titles = (event.title_en or event.title_ja, event.title_ja or event.title_en)
    own = (of[0] or of[1], of[1] or of[0])
    en, ja = (f"{title} – {part}" if part else title for title, part in zip(titles, own, strict=True))
    return contents(
        parts,
        zone=event.timezone,
        year=event.starts_on.year,
        name=(en, ja),
        color=color,
        made_of=made_of,
    )


def _organization_contents(feed: FeedToken, organization: Organization) -> Contents:
    """Where its people speak and whom they meet, at events that the representative may know of.

    A closed meeting of others is there, but says nothing of whom and what.
    """
    user = feed.user
    meetings = list_meeting_facts(meetings_of_organization(organization.id))
    speaking = {event.id: event for event in list_speaking_events(organization.id)}
    events = speaking | {e.id: e for e in list_events({m.event_id for m in meetings} - speaking.keys())}
    known: dict[int, Event] = {id_: event for id_, event in events.items() if can_know_event(user, event)}
    facts = {id_: facts_of(event) for id_, event in known.items()}
    by_event: dict[int, list[Registration]] = {}
    for registration in list_registrations_of(user):
        by_event.setdefault(registration.event_id, []).append(registration)
    parts: list[Part] = []
    agendas = current_agendas(speaking.keys() & known.keys())
    for event_id, agenda in sorted(agendas.items()):
        reader = reader_of(user, known[event_id], by_event.get(event_id, []))
        parts += [
            item_part(facts[event_id], item, busy=False)
            for item in agenda.items
            if _speaks(item, organization.slug) and visible_to(item, reader)
        ]
    parts += [
        MeetingPart(facts[m.event_id], m, m.closed and not _takes_part(m, user.id))
        for m in meetings
        if m.event_id in known
    ]
    names = (organization.name_en or organization.name_ja, organization.name_ja or organization.name_en)
    year = feed.created_at.year
    return contents(parts, zone=user.timezone, year=year, name=names, color="darkslateblue")


def _speaks(item: PublishedItem, slug: str) -> bool:
    return any(s.organization is not None and s.organization.slug == slug for s in item.speakers)


def _takes_part(meeting: MeetingFacts, user_id: int) -> bool:
    return any(person.user_id == user_id for person in meeting.others)
