"""Whatever happens in a forum, and in whatever order the mails arrive: every calendar ends up right."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from flask import Flask, current_app
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, ItemSpeaker, ItemStatus, Speaker
from forum_app.agenda.publication import publish_agenda
from forum_app.core.errors import DomainError
from forum_app.db import db, transaction
from forum_app.events.models import Event, Room
from forum_app.invitations.jobs import post_of
from forum_app.invitations.models import Refusal
from forum_app.invitations.services import send_due, want_invitations
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import book_meeting, cancel_meeting, move_meeting
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingStatus
from forum_app.registration.models import Registration
from tests.factories import NOW, login_of, make_item, make_room, make_speaker
from tests.invitations.parts import Program, event_of
from tests.meetings.scene import OPENS, SLOT, make_scene

ITEMS_AT = datetime(2090, 11, 30, 0, 0, tzinfo=UTC)
number = st.integers(0, 5)
WHAT = (
    "book book move move cancel speak speak silence place drop rename table"
    " publish publish refuse address send send send"
)
steps = st.lists(
    st.tuples(st.sampled_from(WHAT.split(" ")), number, number),
    min_size=4,
    max_size=16,
)


class Forum:
    """A forum of four people in which anything may happen."""

    def __init__(self) -> None:
        self.scene = make_scene()
        self.event_id = self.scene.event.id
        self.minutes = count(1)
        guests = [self.scene.more_guest() for _ in range(2)]
        self.people = [one.id for one in (self.scene.host, self.scene.guest, *guests)]
        self.users = [login_of(one).id for one in (self.scene.host, self.scene.guest, *guests)]
        self.organizer = self.scene.organizer
        rooms = [make_room(self.scene.event) for _ in range(2)]
        self.rooms = [room.id for room in rooms]
        items = [
            make_item(self.scene.event, starts_at=ITEMS_AT, ends_at=ITEMS_AT + timedelta(hours=1))
            for _ in range(2)
        ]
        self.items = [item.id for item in items]
        self.speakers = [make_speaker(self.scene.event, user_id=user_id).id for user_id in self.users]
        self.uids: dict[int, str] = {}

    def now(self) -> datetime:
        return NOW + next(self.minutes) * timedelta(minutes=1)

    def meetings(self) -> list[Meeting]:
        rows = db.session.scalars(
            select(Meeting).where(Meeting.event_id == self.event_id).order_by(Meeting.id)
        )
        return list(rows)

    def do(self, name: str, one: int, other: int) -> None:
        act: Callable[[int, int], None] = getattr(self, name)
        with suppress(DomainError):  # not everything is possible at every moment
            if name == "send":
                act(one, other)
            else:
                with transaction():
                    act(one, other)

    def book(self, one: int, other: int) -> None:
        pair = [db.session.get_one(Registration, self.people[n]) for n in (0, 1 + one % 3)]
        start = OPENS + other * SLOT
        book_meeting(
            actor=self.organizer,
            event=db.session.get_one(Event, self.event_id),
            people=pair,
            starts_at=start,
            ends_at=start + SLOT,
            topic=f"Topic {one}",
            now=self.now(),
        )

    def move(self, one: int, other: int) -> None:
        if rows := self.meetings():
            move_meeting(
                actor=self.organizer,
                meeting=rows[one % len(rows)],
                starts_at=OPENS + other * SLOT,
                now=self.now(),
            )

    def cancel(self, one: int, other: int) -> None:
        if rows := self.meetings():
            cancel_meeting(actor=None, meeting=rows[one % len(rows)], reason="", now=self.now())

    def speak(self, one: int, other: int) -> None:
        key = (self.items[one % 2], self.speakers[other % 4])
        if db.session.get(ItemSpeaker, key) is None:
            db.session.add(ItemSpeaker(item_id=key[0], speaker_id=key[1]))

    def silence(self, one: int, other: int) -> None:
        link = db.session.get(ItemSpeaker, (self.items[one % 2], self.speakers[other % 4]))
        if link is not None:
            db.session.delete(link)

    def place(self, one: int, other: int) -> None:
        item = db.session.get_one(AgendaItem, self.items[one % 2])
        item.room_id = self.rooms[other % 2]
        item.starts_at = ITEMS_AT + other * timedelta(minutes=10)
        item.ends_at = item.starts_at + timedelta(hours=1)

    def drop(self, one: int, other: int) -> None:
        item = db.session.get_one(AgendaItem, self.items[one % 2])
        item.status = ItemStatus.CANCELLED if other % 2 else ItemStatus.CONFIRMED

    def rename(self, one: int, other: int) -> None:
        person = db.session.get_one(Registration, self.people[one % 4])
        person.name_latin, person.name_native = f"Name {other}", ""
        db.session.get_one(AgendaItem, self.items[one % 2]).title_en = f"Title {other}"

    def table(self, one: int, other: int) -> None:
        db.session.get_one(Room, self.rooms[one % 2]).name_en = f"Room {one % 2}.{other}"
        for meeting in self.meetings():
            if meeting.table is not None:
                meeting.table.label = f"{meeting.table_id}-{other}"

    def publish(self, one: int, other: int) -> None:
        publish_agenda(actor=None, event=db.session.get_one(Event, self.event_id), now=self.now())

    def refuse(self, one: int, other: int) -> None:
        user = db.session.get_one(User, self.users[one % 4])
        want_invitations(actor=user, wanted=bool(other % 2), now=self.now())

    def address(self, one: int, other: int) -> None:
        user = db.session.get_one(User, self.users[one % 4])
        user.email = user.email_key = f"at{other}.{user.id}@people.example"

    def send(self, one: int, other: int) -> None:
        post, now = post_of(current_app.config["FORUM_SETTINGS"]), self.now()
        more = True
        while more:
            with transaction():
                more = send_due(event_id=self.event_id, post=post, now=now, thorough=True)

    # --- What is so -----------------------------------------------------------------------------
    def mails(self) -> list[OutboxMail]:
        db.session.rollback()
        rows = db.session.scalars(
            select(OutboxMail).where(OutboxMail.event_id == self.event_id).order_by(OutboxMail.id)
        )
        return [row for row in rows if row.calendar]

    def truth(self, user_id: int) -> dict[str, tuple[datetime, datetime]]:
        """What a person's calendar should hold, read from the rows of meetings and items alone."""
        if db.session.get(Refusal, user_id) is not None:
            return {}
        found: dict[str, tuple[datetime, datetime]] = {}
        own = (
            select(Meeting)
            .join(MeetingParticipant)
            .join(Registration)
            .where(
                Registration.user_id == user_id,
                Meeting.event_id == self.event_id,
                Meeting.status == MeetingStatus.CONFIRMED,
            )
        )
        for meeting in db.session.scalars(own):
            found[meeting.uid] = (meeting.starts_at, meeting.ends_at)
        spoken = (
            select(AgendaItem)
            .join(ItemSpeaker)
            .join(Speaker)
            .where(
                Speaker.user_id == user_id,
                AgendaItem.event_id == self.event_id,
                AgendaItem.status != ItemStatus.CANCELLED,
            )
        )
        for item in db.session.scalars(spoken):
            assert item.starts_at
            assert item.ends_at
            found[item.uid] = (item.starts_at, item.ends_at)
        return found


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole forum takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=steps, data=st.data())
def test_replayed_in_any_order_all_invitations_end_in_the_right_calendar(
    app: Flask, steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    forum = Forum()
    for step in steps:
        forum.do(*step)
    forum.do("publish", 0, 0)  # so that items are as their rows say
    forum.do("send", 0, 0)
    mails = forum.mails()
    last: dict[tuple[str, str], tuple[int, datetime]] = {}
    for mail in mails:
        event: Any = event_of(mail)
        key, order = (mail.to_address, str(event["UID"])), (int(event["SEQUENCE"]), event["DTSTAMP"].dt)
        assert key not in last or order > last[key]  # neither falls, and one of them rises
        last[key] = order
    known = {meeting.uid for meeting in forum.meetings()}
    known |= {db.session.get_one(AgendaItem, item_id).uid for item_id in forum.items}
    assert {uid for _, uid in last} <= known
    arrived = data.draw(st.permutations(mails))
    programs: dict[str, Program] = {}
    for mail in arrived:
        programs.setdefault(mail.to_address, Program(mail.to_address)).take(mail.calendar or "")
    current = {user_id: db.session.get_one(User, user_id).email for user_id in forum.users}
    for user_id, address in current.items():
        program = programs.pop(address, Program(address))
        shown = {uid: (entry.start, entry.end) for uid, entry in program.calendar().items()}
        assert shown == forum.truth(user_id)
    for program in programs.values():  # of addresses that were given up
        assert program.calendar() == {}
