"""Many more rows of everything, in bulk, for tests that ask what long lists cost.

Works on the small world of tests/world.py: its event "forum" and organization "acme" get more of all
that any page lists, and there are more events, series, organizations, people, mails and audit entries.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Table, func, insert, select

from forum_app.accounts.models import LoginSession, User
from forum_app.accounts.sign_in import token_hash
from forum_app.agenda.models import (
    AccessLevel,
    AgendaItem,
    Bookmark,
    ItemInvitation,
    ItemKind,
    ItemSpeaker,
    Speaker,
    SpeakerRole,
)
from forum_app.agenda.publication import publish_agenda
from forum_app.audit.models import AuditEntry
from forum_app.calendars.models import FeedToken
from forum_app.db import Base, db, transaction
from forum_app.events.models import Event, EventRole, RoleGrant, Room, Series, Track, Visibility
from forum_app.mail.models import MailState, OutboxMail
from forum_app.organizations.models import (
    Identifier,
    IdentifierScheme,
    Kind,
    MemberRole,
    Membership,
    MemberState,
    Organization,
    TechnologyArea,
    TwinKey,
    organization_area,
)
from forum_app.pitches.models import (
    Criterion,
    PitchCall,
    PitchReview,
    PitchSubmission,
    ReviewScore,
    SubmissionState,
    call_area,
    submission_area,
)
from forum_app.registration.models import ParticipantType, Registration, RegistrationState

Rows = list[dict[str, Any]]
ITEM_MINUTES = 5


class Growth:
    """Adds rows to the world. number counts on over several calls, so that nothing comes twice."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.begun = 0

    def grow(self, more: int) -> None:
        """more rows of everything, committed, and the agenda published with them."""
        self.numbers = range(self.begun, self.begun + more)
        self.begun += more
        with transaction():
            self.event = db.session.scalars(select(Event).where(Event.slug == "forum")).one()
            self.acme = db.session.scalars(select(Organization.id).where(Organization.slug == "acme")).one()
            self.areas = list(db.session.scalars(select(TechnologyArea.id)))
            self._people()
            self._organizations()
            self._events()
            self._registrations()
            self._agenda()
            self._pitches()
            self._records()
        with transaction():
            publish_agenda(actor=None, event=db.session.get_one(Event, self.event.id), now=self.now)
        db.session.remove()

    def _add(self, model: type[Base] | Table, rows: Rows) -> list[int]:
        """Insert; returns the ids where there are any."""
        if isinstance(model, Table) or "id" not in model.__table__.columns:
            db.session.execute(insert(model), rows)
            return []
        column = model.__table__.columns["id"]
        statement = insert(model).returning(column, sort_by_parameter_order=True)
        return list(db.session.scalars(statement, rows))

    def _people(self) -> None:
        self.users = self._add(
            User,
            [
                {
                    "email": f"more{n}@people.example",
                    "email_key": f"more{n}@people.example",
                    "name_latin": f"Zoe Further {n}",
                    "name_native": f"人物 {n}",
                    "name_kana": "ジンブツ",
                    "verified_at": self.now,
                    "created_at": self.now,
                }
                for n in self.numbers
            ],
        )
        everybody = db.session.scalars(select(User).where(User.email.like("%@forum.example"))).all()
        self.known = {user.email.split("@")[0]: user.id for user in everybody}
        owners = [(user, n) for user in self.known.values() for n in self.numbers]
        times = {"created_at": self.now, "last_seen_at": self.now}
        self._add(
            LoginSession,
            [{"user_id": user, "token_hash": token_hash(f"s{user}-{n}"), **times} for user, n in owners],
        )
        self._add(
            FeedToken,
            [
                {
                    "user_id": user,
                    "token_hash": token_hash(f"f{user}-{n}"),
                    "label": f"Telephone {n}",
                    "created_at": self.now,
                }
                for user, n in owners
            ],
        )
        self._add(
            RoleGrant,
            [
                {
                    "event_id": self.event.id,
                    "user_id": user,
                    "role": EventRole.PITCH_REVIEWER,
                    "granted_at": self.now,
                }
                for user in self.users
            ],
        )

    def _organizations(self) -> None:
        names = [f"further works {n}" for n in self.numbers]
        self.organizations = self._add(
            Organization,
            [
                {
                    "slug": f"further-{n}",
                    "name_en": name,
                    "name_ja": f"製作所{n}",
                    "kind": Kind.STARTUP,
                    "country": "JP",
                    "sort_en": name,
                    "sort_ja": name,
                    "search_text": name,
                    "created_at": self.now,
                }
                for n, name in zip(self.numbers, names, strict=True)
            ],
        )
        self._add(organization_area, self._pairs("organization_id", self.organizations, "area_id"))
        self._add(
            Identifier,
            [
                {"organization_id": id_, "scheme": IdentifierScheme.CAGE, "value": f"X{id_:04d}"}
                for id_ in self.organizations
            ],
        )
        self._add(TwinKey, [{"organization_id": id_, "key": "furtherworks"} for id_ in self.organizations])
        membership = {"created_at": self.now, "version": 1, "message": ""}
        states = (MemberState.ACTIVE, MemberState.REQUESTED)
        members = [
            {
                "organization_id": self.acme,
                "user_id": user,
                "role": MemberRole.MEMBER,
                "state": states[n % 2],
                **membership,
            }
            for n, user in enumerate(self.users)
        ]
        own = [
            {
                "organization_id": organization,
                "user_id": self.known["representative"],
                "role": MemberRole.REPRESENTATIVE,
                "state": MemberState.ACTIVE,
                **membership,
            }
            for organization in self.organizations
        ]
        self._add(Membership, members + own)

    def _pairs(self, left: str, ids: list[int], right: str) -> Rows:
        """Two technology areas for each id."""
        return [{left: id_, right: area} for id_ in ids for area in self.areas[:2]]

    def _events(self) -> None:
        series = self._add(Series, [{"slug": f"row-{n}", "name_en": f"Row {n}"} for n in self.numbers])
        first = date(2027, 3, 1)
        self.events = self._add(
            Event,
            [
                {
                    "slug": f"further-event-{n}",
                    "series_id": id_,
                    "edition": 1,
                    "title_en": f"Further event {n}",
                    "timezone": "Asia/Tokyo",
                    "starts_on": first - timedelta(days=800 * (n % 2)),  # coming and past ones
                    "ends_on": first - timedelta(days=800 * (n % 2)),
                    "visibility": Visibility.PUBLIC,
                    "published_at": self.now,
                    "created_at": self.now,
                }
                for n, id_ in zip(self.numbers, series, strict=True)
            ],
        )
        organizer = {"role": EventRole.ORGANIZER, "granted_at": self.now}
        self._add(
            RoleGrant,
            [{"event_id": id_, "user_id": self.known["organizer"], **organizer} for id_ in self.events],
        )
        self.rooms = self._add(
            Room, [{"event_id": self.event.id, "name_en": f"Further room {n}"} for n in self.numbers]
        )
        self.tracks = self._add(
            Track, [{"event_id": self.event.id, "name_en": f"Further track {n}"} for n in self.numbers]
        )

    def _registrations(self) -> None:
        types = self._add(
            ParticipantType,
            [
                {"event_id": event, "code": f"further-{n}", "name_en": f"Kind {n}", "takes_meetings": True}
                for n in self.numbers
                for event in (self.event.id,)
            ],
        )
        elsewhere = self._add(
            ParticipantType, [{"event_id": event, "code": "all", "name_en": "All"} for event in self.events]
        )
        state = RegistrationState
        states = (state.APPROVED, state.APPLIED, state.IN_VETTING, state.WAITLISTED, state.CHECKED_IN)

        def row(event: int, kind: int, user: int, organization: int, n: int, **values: Any) -> dict[str, Any]:
            return {
                "event_id": event,
                "type_id": kind,
                "user_id": user,
                "organization_id": organization,
                "name_latin": f"Zoe Further {n}",
                "email": f"more{event}-{n}@people.example",
                "email_key": f"more{event}-{n}@people.example",
                "listed": True,
                "created_at": self.now,
                "state_changed_at": self.now,
                **values,
            }

        here = [
            row(self.event.id, types[0], user, organization, n, state=states[n % len(states)])
            for n, user, organization in zip(self.numbers, self.users, self.organizations, strict=True)
        ]
        there = [
            row(event, kind, self.known["representative"], self.acme, n, state=state.CHECKED_IN)
            for n, event, kind in zip(self.numbers, self.events, elsewhere, strict=True)
        ]
        self.registrations = self._add(Registration, here)
        self._add(Registration, there)

    def _agenda(self) -> None:
        # from the world's own talk on, so that the first ones clash with it
        start = datetime.combine(self.event.starts_on, time(3), UTC)
        code = "talk2345"
        talk = db.session.scalars(select(AgendaItem.id).where(AgendaItem.code == code)).one()
        levels = (AccessLevel.PUBLIC, AccessLevel.REGISTERED, AccessLevel.INVITED)
        self.items = self._add(
            AgendaItem,
            [
                {
                    "event_id": self.event.id,
                    "kind": ItemKind.TALK,
                    "title_en": f"Further talk {n}",
                    "room_id": room,
                    "track_id": track,
                    "starts_at": start + timedelta(minutes=ITEM_MINUTES * n),
                    "ends_at": start + timedelta(minutes=ITEM_MINUTES * (n + 1)),
                    "access": levels[n % len(levels)],
                    "uid": f"further-{n}",
                    "created_at": self.now,
                    "changed_at": self.now,
                }
                for n, room, track in zip(self.numbers, self.rooms, self.tracks, strict=True)
            ],
        )
        speakers = self._add(
            Speaker,
            [
                {"event_id": self.event.id, "name_latin": f"Voice {n}", "organization_id": organization}
                for n, organization in zip(self.numbers, self.organizations, strict=True)
            ],
        )
        speaking = [
            {"item_id": item, "speaker_id": speaker, "role": SpeakerRole.SPEAKER, "position": n}
            for item_ in (self.items, [talk] * len(speakers))
            for n, (item, speaker) in enumerate(zip(item_, speakers, strict=True))
        ]
        self._add(ItemSpeaker, speaking)
        invited = [{"item_id": talk, "registration_id": id_} for id_ in self.registrations]
        self._add(ItemInvitation, invited)
        marks = [
            {"item_id": item, "user_id": user, "created_at": self.now}
            for item in self.items
            for user in self.known.values()
        ]
        self._add(Bookmark, marks)

    def _pitches(self) -> None:
        call = db.session.scalars(select(PitchCall).where(PitchCall.event_id == self.event.id)).one()
        own = db.session.scalars(select(PitchSubmission.id).where(PitchSubmission.code == "pitch234")).one()
        criteria = self._add(
            Criterion, [{"call_id": call.id, "name_en": f"Question {n}", "position": n} for n in self.numbers]
        )
        calls = self._add(
            PitchCall,
            [
                {"event_id": event, "opens_at": self.now, "closes_at": self.now + timedelta(days=9)}
                for event in self.events
            ],
        )
        self._add(call_area, self._pairs("call_id", calls, "area_id"))
        state = SubmissionState
        states = (state.SUBMITTED, state.ACCEPTED, state.RESERVE, state.DECLINED)

        def row(of: int, organization: int, n: int, item: int | None = None) -> dict[str, Any]:
            return {
                "call_id": of,
                "organization_id": organization,
                "title_en": f"Further pitch {n}",
                "state": state.ACCEPTED if item else states[n % len(states)],
                "created_at": self.now,
                "submitted_at": self.now,
                "agenda_item_id": item,
            }

        here = [
            row(call.id, organization, n, item if n % 4 == 1 else None)
            for n, organization, item in zip(self.numbers, self.organizations, self.items, strict=True)
        ]
        there = [row(of, self.acme, n) for n, of in zip(self.numbers, calls, strict=True)]
        pitches = self._add(PitchSubmission, here)
        self._add(PitchSubmission, there)
        self._add(submission_area, self._pairs("submission_id", pitches, "area_id"))
        changed = {"created_at": self.now, "changed_at": self.now, "comment": "Plain words."}
        reviews = self._add(
            PitchReview,
            [
                {"submission_id": pitch, "reviewer_id": user, **changed}
                for pairs in (
                    zip([own] * len(self.users), self.users, strict=True),
                    zip(pitches, [self.known["pitch_reviewer"]] * len(pitches), strict=True),
                )
                for pitch, user in pairs
            ],
        )
        scores = [{"review_id": review, "criterion_id": criteria[0], "score": 3} for review in reviews]
        self._add(ReviewScore, scores)

    def _records(self) -> None:
        self._add(
            OutboxMail,
            [
                {
                    "message_id": f"<further-{n}@forum.example>",
                    "kind": "events/role_granted",
                    "to_address": f"more{n}@people.example",
                    "to_name": f"Zoe Further {n}",
                    "locale": "en",
                    "subject": f"Subject {n}",
                    "body": "Text",
                    "state": MailState.SENT,
                    "created_at": self.now,
                    "next_attempt_at": self.now,
                }
                for n in self.numbers
            ],
        )
        most = db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
        self._add(
            AuditEntry,
            [
                {
                    "at": self.now,
                    "actor_label": "organizer@forum.example",
                    "event_id": self.event.id,
                    "action": "registration.approved",
                    "subject_type": "registration",
                    "subject_id": most + n,
                    "subject_label": f"more{n}@people.example",
                }
                for n in self.numbers
            ],
        )
