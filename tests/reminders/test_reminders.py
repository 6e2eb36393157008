"""Reminders: at the chosen time, once, right when a thing moves, none for what is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from forum_app.accounts.models import User
from forum_app.agenda.models import AccessLevel, Bookmark, ItemSpeaker
from forum_app.agenda.publication import publish_agenda
from forum_app.db import db, transaction
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.preferences import leave_list
from forum_app.meetings.booking_services import cancel_meeting, move_meeting
from forum_app.meetings.models import Meeting
from forum_app.registration.models import Registration as Registered
from forum_app.registration.models import RegistrationState
from forum_app.reminders.jobs import send_reminders
from forum_app.reminders.models import Lead, Subject
from forum_app.reminders.queries import opens_at
from forum_app.reminders.services import REMINDERS, are_still_coming, choose_reminders
from forum_app.web import clock
from tests.factories import (
    NOW,
    login_of,
    make_event,
    make_item,
    make_registration,
    make_speaker,
    make_user,
    save,
)
from tests.mail.conftest import Mailbox, mailbox
from tests.mail.test_delivery import deliver
from tests.meetings.scene import Scene, make_scene
from tests.queries import count_queries

__all__ = ["mailbox"]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=300)
ALL = {subject: list(Lead) for subject in Subject}


def run_at(moment: datetime) -> list[OutboxMail]:
    clock.set_to(moment)
    send_reminders()
    db.session.rollback()
    statement = select(OutboxMail).where(OutboxMail.kind == "reminders/coming").order_by(OutboxMail.id)
    return list(db.session.scalars(statement))


def choose(user: User, **wanted: list[Lead]) -> None:
    with transaction():
        choose_reminders(actor=user, wanted={Subject(name): leads for name, leads in wanted.items()}, now=NOW)


@pytest.fixture
def meeting(app: Flask) -> Meeting:
    """A meeting known for long, at noon of its zone or so; only its own reminders are wanted."""
    scene = make_scene()
    return known(scene)


def known(scene: Scene, zone: str = "Asia/Tokyo") -> Meeting:
    meeting = scene.accept(scene.ask())
    with transaction():
        db.session.execute(update(Meeting).values(changed_at=LONG_AGO))
        db.session.execute(update(User).values(timezone=zone))
    for person in (scene.host, scene.guest):
        choose(login_of(person), meeting=[Lead.DAY, Lead.HOUR])
    return db.session.get_one(Meeting, meeting.id)


def test_a_day_and_an_hour_before_once(meeting: Meeting) -> None:
    start = meeting.starts_at
    assert run_at(start - DAY - timedelta(minutes=1)) == []
    assert len(run_at(start - DAY)) == 2
    assert len(run_at(start - DAY)) == 2
    assert len(run_at(start - DAY + HOUR)) == 2
    mails = run_at(start - HOUR)
    assert len(mails) == 4
    assert {mail.listed for mail in mails} == {"reminders"}
    assert mails[0].useless_after == start
    assert mails[0].thread is not None
    assert len(run_at(start - HOUR + timedelta(minutes=5))) == 4
    assert len(run_at(start + HOUR)) == 4


def test_none_for_the_past_nor_long_after_its_time(meeting: Meeting) -> None:
    start = meeting.starts_at
    assert run_at(start - timedelta(minutes=20)) == []  # the hour is half over, the day too
    assert run_at(start) == []
    assert run_at(start + DAY) == []


def test_who_has_just_been_told_needs_no_reminder(meeting: Meeting) -> None:
    start = meeting.starts_at
    with transaction():
        db.session.execute(update(Meeting).values(changed_at=start - DAY + HOUR))
    assert run_at(start - DAY + 2 * HOUR) == []
    assert len(run_at(start - HOUR)) == 2


def test_moved_and_cancelled(app: Flask) -> None:
    scene = make_scene()
    meeting = known(scene)
    first = meeting.starts_at
    with transaction():
        move_meeting(actor=scene.organizer, meeting=meeting, starts_at=first + 2 * HOUR, now=LONG_AGO)
    assert run_at(first - HOUR) == run_at(first - DAY) == []
    assert len(run_at(first + HOUR)) == 2
    with transaction():
        cancel_meeting(
            actor=None, meeting=db.session.get_one(Meeting, meeting.id), reason="", now=first + HOUR
        )
    assert len(run_at(first + HOUR + timedelta(minutes=5))) == 2


def test_one_that_waits_and_is_no_longer_so_does_not_go(app: Flask, mailbox: Mailbox) -> None:
    scene = make_scene()
    meeting = known(scene)
    start = meeting.starts_at
    assert len(run_at(start - DAY)) == 2
    with transaction():
        later = start + 2 * HOUR
        move_meeting(
            actor=scene.organizer,
            meeting=db.session.get_one(Meeting, meeting.id),
            starts_at=later,
            now=LONG_AGO,
        )
    deliver(mailbox, start - DAY + timedelta(minutes=10))
    db.session.rollback()
    states = db.session.scalars(select(OutboxMail.state).where(OutboxMail.kind == "reminders/coming")).all()
    assert states == [MailState.DROPPED] * 2
    assert len(run_at(start + 2 * HOUR - DAY)) == 4, "of the new time one is reminded"


def test_one_that_waits_and_names_another_table_does_not_go(app: Flask, mailbox: Mailbox) -> None:
    scene = make_scene()
    meeting = known(scene)
    start = meeting.starts_at
    assert len(run_at(start - DAY)) == 2
    other = next(table.id for table in scene.tables if table.id != meeting.table_id)
    with transaction():
        db.session.execute(update(Meeting).values(table_id=other))
    deliver(mailbox, start - DAY + timedelta(minutes=10))
    db.session.rollback()
    states = db.session.scalars(select(OutboxMail.state).where(OutboxMail.kind == "reminders/coming")).all()
    assert states == [MailState.DROPPED] * 2
    assert "T2" in run_at(start - DAY + timedelta(minutes=15))[-1].body


def test_at_night_one_is_reminded_in_the_morning(app: Flask) -> None:
    scene = make_scene()
    meeting = known(scene, "America/New_York")
    start = meeting.starts_at  # 13:00 in Tokyo, 23:00 the day before in New York
    assert run_at(start - DAY) == []
    assert run_at(start - DAY + timedelta(hours=7, minutes=55)) == []
    assert len(run_at(start - DAY + timedelta(hours=8))) == 2
    # an hour before is what one asked for: at night too
    assert len(run_at(start - HOUR)) == 4


def test_who_left_the_list_gets_none(meeting: Meeting) -> None:
    user = meeting.participants[0].registration.user
    assert user is not None
    with transaction():
        leave_list(address=user.email, name=REMINDERS, now=NOW)
    (mail,) = run_at(meeting.starts_at - DAY)
    assert mail.to_address != user.email


def test_what_comes_on_one_day_is_one_mail(app: Flask) -> None:
    scene = make_scene()
    meeting = known(scene)
    user = login_of(scene.guest)
    item = make_item(
        scene.event,
        title_en="Keynote",
        starts_at=meeting.starts_at + 3 * HOUR,
        ends_at=meeting.starts_at + 4 * HOUR,
    )
    save(Bookmark(item_id=item.id, user_id=user.id, created_at=LONG_AGO))
    publish(scene)
    choose(user, meeting=[Lead.DAY], item=[Lead.DAY, Lead.HOUR])
    mails = run_at(meeting.starts_at - DAY)
    mine = [mail for mail in mails if mail.to_address == user.email]
    assert len(mine) == 1
    assert "Keynote" in mine[0].body
    assert "Wind sensing" in mine[0].body
    assert len(run_at(item_start(item) - DAY)) == len(mails), "it has been told"
    last = run_at(item_start(item) - HOUR)[-1]
    assert "Keynote" in last.subject


def item_start(item: object) -> datetime:
    start = getattr(item, "starts_at", None)
    assert isinstance(start, datetime)
    return start


def publish(scene: Scene) -> None:
    with transaction():
        publish_agenda(actor=None, event=scene.event, now=LONG_AGO)


def test_an_item_that_one_may_no_longer_read_is_not_told(app: Flask) -> None:
    scene = make_scene()
    user, stranger = login_of(scene.guest), make_user()
    start = known(scene).starts_at + 3 * HOUR
    item = make_item(
        scene.event, title_en="Closed", starts_at=start, ends_at=start + HOUR, access=AccessLevel.REGISTERED
    )
    for one in (user, stranger):
        save(Bookmark(item_id=item.id, user_id=one.id, created_at=LONG_AGO))
        choose(one, item=[Lead.DAY])
    publish(scene)
    assert [mail.to_address for mail in run_at(start - DAY) if "Closed" in mail.body] == [user.email]


def test_the_event_itself(app: Flask) -> None:
    event, user = make_event(), make_user(locale="ja", name_native="山田花子")
    make_registration(event, user, state=RegistrationState.APPROVED)
    with transaction():
        db.session.execute(update(Registered).values(state_changed_at=LONG_AGO))
    opens = opens_at(event)
    (week,) = run_at(opens - 7 * DAY)
    assert week.locale == "ja"
    assert week.subject.startswith("リマインダー")
    assert "ticket" in week.body
    mails = run_at(opens - DAY)
    assert len(mails) == len(run_at(opens - DAY + HOUR)) == 2
    facts = mails[1].facts
    assert facts is not None
    assert are_still_coming(facts)
    with transaction():
        db.session.execute(update(Registered).values(state=RegistrationState.CANCELLED))
    assert not are_still_coming(facts)


def test_who_speaks_is_reminded_like_who_chose_it(app: Flask) -> None:
    scene = make_scene()
    start, user = known(scene).starts_at, make_user()
    item = make_item(scene.event, starts_at=start, ends_at=start + HOUR, access=AccessLevel.INVITED)
    speaker = make_speaker(scene.event, user_id=user.id)
    save(ItemSpeaker(item_id=item.id, speaker_id=speaker.id))
    publish(scene)
    assert [m for m in run_at(start - HOUR) if m.to_address == user.email] == []
    choose(user, item=[Lead.HOUR])
    assert [m.to_address for m in run_at(start - HOUR) if m.to_address == user.email] == [user.email]


@pytest.mark.every_database
def test_two_workers_remind_once(app: Flask) -> None:
    scene = make_scene()
    meeting = known(scene)
    clock.set_to(meeting.starts_at - DAY)
    barrier = Barrier(3)

    def work() -> None:
        with app.app_context():
            barrier.wait()
            send_reminders()
            db.session.remove()

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work) for _ in range(3)]:
            future.result()
    db.session.rollback()
    reminders = select(func.count()).select_from(OutboxMail).where(OutboxMail.kind == "reminders/coming")
    assert db.session.scalar(reminders) == 2


def test_looking_costs_the_same_for_many(app: Flask) -> None:
    scene = make_scene()
    meeting = known(scene)
    clock.set_to(meeting.starts_at - 2 * DAY)
    with count_queries() as few:
        send_reminders()
    for _ in range(12):
        scene.more_guest()
    with count_queries() as many:
        send_reminders()
    assert len(few) == len(many) <= 15
