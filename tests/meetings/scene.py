"""A small forum for tests of meetings: one host of an agency, start-ups that ask, two tables.

Far in the future, so that pages, which read the real clock, never find it over.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from forum_app.accounts.models import User
from forum_app.db import transaction
from forum_app.events.models import Event
from forum_app.meetings.booking_services import accept_request
from forum_app.meetings.models import Meeting, MeetingRequest, MeetingTable, OfficeHours, Priority
from forum_app.meetings.services import request_meeting
from forum_app.organizations.models import Kind
from forum_app.registration.models import ParticipantType, Registration
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_organization,
    make_participant_type,
    make_registration,
    make_user,
    save,
)

OPENS = datetime(2090, 11, 30, 4, 0, tzinfo=UTC)  # 13:00 in Tokyo
SLOT = timedelta(minutes=20)


@dataclass
class Scene:
    """What most tests need."""

    event: Event
    host_type: ParticipantType
    guest_type: ParticipantType
    host: Registration
    guest: Registration
    organizer: User
    tables: list[MeetingTable]
    hours: OfficeHours

    @property
    def path(self) -> str:
        return f"/events/{self.event.slug}"

    def more_host(self, *, hours: bool = True) -> Registration:
        """Another host with the same office hours."""
        agency = make_organization(kind=Kind.AGENCY, country="US")
        host = make_registration(
            self.event,
            make_user(locale="en", timezone="America/New_York"),
            participant_type=self.host_type,
            organization=agency,
        )
        if hours:
            add_hours(host)
        return host

    def more_guest(self, **values: Any) -> Registration:
        """Another start-up's person."""
        organization = values.pop("organization", None) or make_organization()
        return make_registration(
            self.event, make_user(), participant_type=self.guest_type, organization=organization, **values
        )

    def ask(
        self,
        guest: Registration | None = None,
        host: Registration | None = None,
        *,
        topic: str = "Wind sensing",
        needs_interpreter: bool = False,
    ) -> MeetingRequest:
        guest, host = guest or self.guest, host or self.host
        with transaction():
            assert guest.user is not None
            return request_meeting(
                actor=guest.user,
                event=self.event,
                asker=guest,
                host=host,
                topic=topic,
                priority=Priority.MUST,
                needs_interpreter=needs_interpreter,
                now=NOW,
            )

    def accept(
        self, request: MeetingRequest, starts_at: datetime = OPENS, *, table_id: int | None = None
    ) -> Meeting:
        with transaction():
            assert request.host.user is not None
            return accept_request(
                actor=request.host.user,
                event=self.event,
                request=request,
                starts_at=starts_at,
                table_id=table_id,
                now=NOW,
            )


def change(row: Any, **values: Any) -> None:
    """Change a row in a transaction of its own (which forgets what was set before it)."""
    with transaction():
        for name, value in values.items():
            setattr(row, name, value)


def add_hours(host: Registration, start: datetime = OPENS, minutes: int = 120, slot: int = 20) -> OfficeHours:
    hours = OfficeHours(
        event_id=host.event_id,
        registration_id=host.id,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        slot_minutes=slot,
        note_en="Prototype awards",
        note_ja="試作支援について",
    )
    save(hours)
    return hours


def add_tables(event: Event, number: int) -> list[MeetingTable]:
    tables = [MeetingTable(event_id=event.id, label=f"T{n}", position=n) for n in range(1, number + 1)]
    save(*tables)
    return tables


def make_scene(tables: int = 2) -> Scene:
    """The scene, committed."""
    event = make_event(starts_on=date(2090, 11, 30), ends_on=date(2090, 12, 1))
    host_type = make_participant_type(event, takes_meetings=True, name_en="Agency", name_ja="政府機関")
    guest_type = make_participant_type(event)
    agency = make_organization(
        kind=Kind.AGENCY,
        country="JP",
        name_en="Defense Innovation Science and Technology Institute",
        name_ja="防衛イノベーション科学技術研究所",
        name_kana="ボウエイイノベーション",
    )
    startup = make_organization(name_en="Hayabusa Sensing Inc.", name_ja="株式会社はやぶさセンシング")
    host_user = make_user(
        name_latin="Taro Yamada", name_native="山田 太郎", locale="ja", timezone="Asia/Tokyo"
    )
    guest_user = make_user(
        name_latin="Hanako Sato", name_native="佐藤 花子", locale="en", timezone="America/New_York"
    )
    host = make_registration(
        event, host_user, participant_type=host_type, organization=agency, name_kana="ヤマダ タロウ"
    )
    guest = make_registration(
        event, guest_user, participant_type=guest_type, organization=startup, name_kana="サトウ ハナコ"
    )
    organizer = make_user()
    grant(organizer, event)
    return Scene(
        event=event,
        host_type=host_type,
        guest_type=guest_type,
        host=host,
        guest=guest,
        organizer=organizer,
        tables=add_tables(event, tables),
        hours=add_hours(host),
    )
