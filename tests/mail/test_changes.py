"""Changes become one mail per person: the last word on each thing, nothing where all is as before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.mail.changes import GATHERED_FOR, make_due_mails, queue_change
from forum_app.mail.models import MailChange, MailState, OutboxMail
from forum_app.mail.preferences import set_quiet_hours
from tests.factories import NOW, make_event, make_user

FAR = NOW + timedelta(days=30)
MINUTE = timedelta(minutes=1)


def tell(
    to: User,
    event: Event,
    topic: str | None,
    before: int | None,
    after: int | None,
    now: datetime = NOW,
    starts_at: datetime = FAR,
) -> None:
    def state(value: int | None) -> dict[str, Any] | None:
        return None if value is None else {"at": NOW + value * MINUTE, "place": value}

    with transaction():
        queue_change(
            to=to,
            template="events/role_revoked",
            context={"event": event, "role": f"Role {after}"},
            topic=topic,
            before=state(before),
            after=state(after),
            starts_at=starts_at,
            thread=topic,
            now=now,
        )


def gather(now: datetime) -> list[OutboxMail]:
    with transaction():
        make_due_mails(now=now)
    return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def test_ten_minutes_from_the_first_change_one_mail(app: Flask) -> None:
    user, event = make_user(), make_event(title_en="The forum")
    tell(user, event, "a", 1, 2)
    tell(user, event, "b", 1, 2, NOW + 9 * MINUTE)
    assert gather(NOW + 9 * MINUTE) == []
    (mail,) = gather(NOW + GATHERED_FOR)
    assert (mail.subject, mail.kind, mail.event_id) == ("2 changes: The forum", "mail/changes", event.id)
    assert mail.body.count("Dear ") == mail.body.count("\n-- \n") == 1
    assert "\n1. Your role" in mail.body
    assert "\n2. Your role" in mail.body
    assert db.session.scalar(select(func.count()).select_from(MailChange)) == 0
    assert mail.next_attempt_at == NOW + GATHERED_FOR


def test_one_change_keeps_its_own_subject_and_thread(app: Flask) -> None:
    user, event = make_user(), make_event()
    tell(user, event, "a", 1, 2)
    (mail,) = gather(NOW + GATHERED_FOR)
    assert mail.subject.startswith("Your role")
    assert mail.thread == "<a.thread@forum.test>"


def test_the_last_word_counts_and_an_undone_change_is_none(app: Flask) -> None:
    user, event = make_user(), make_event()
    tell(user, event, "moved twice", 1, 2)
    tell(user, event, "moved twice", 2, 3)
    tell(user, event, "undone", 1, 2)
    tell(user, event, "undone", 2, 1)
    tell(user, event, "came and went", None, 1)
    tell(user, event, "came and went", 1, None)
    (mail,) = gather(NOW + GATHERED_FOR)
    assert "Role 3" in mail.subject
    assert "Role 2" not in mail.body
    tell(user, event, "undone", 1, 2)
    tell(user, event, "undone", 2, 1)
    assert len(gather(NOW + 2 * GATHERED_FOR)) == 1
    assert db.session.scalar(select(func.count()).select_from(MailChange)) == 0


def test_what_stands_by_itself_is_never_taken_for_another(app: Flask) -> None:
    user, event = make_user(), make_event()
    tell(user, event, None, None, None)
    tell(user, event, None, None, None)
    (mail,) = gather(NOW + GATHERED_FOR)
    assert mail.subject.startswith("2 changes")


def test_people_and_events_apart(app: Flask) -> None:
    one, two, event, other = make_user(), make_user(), make_event(), make_event()
    for user, at in ((one, event), (two, event), (one, other)):
        tell(user, at, "a", 1, 2)
    assert len(gather(NOW + GATHERED_FOR)) == 3


def test_soon_is_told_within_a_minute_and_at_night(app: Flask) -> None:
    user, event = make_user(), make_event()
    night = NOW + timedelta(hours=12)  # midnight in Tokyo
    tell(user, event, "a", 1, 2, night, starts_at=night + timedelta(hours=2))
    assert len(gather(night + MINUTE)) == 1


def test_at_night_it_waits_for_the_morning_but_no_longer_than_it_may(app: Flask) -> None:
    user, other, event = make_user(), make_user(), make_event()
    night = NOW + timedelta(hours=12)
    tell(user, event, "a", 1, 2, night)
    tell(other, event, "a", 1, 2, night, starts_at=night + timedelta(hours=6))
    assert gather(night + GATHERED_FOR) == []
    tell(user, event, "b", 1, 2, night + timedelta(hours=1))
    (early,) = gather(night + timedelta(hours=3))
    assert early.to_address == other.email
    mails = gather(night + timedelta(hours=7))
    assert [mail.subject[:9] for mail in mails if mail.to_address == user.email] == ["2 changes"]


def test_no_quiet_hours_for_who_wants_none(app: Flask) -> None:
    user, event = make_user(), make_event()
    with transaction():
        set_quiet_hours(address=user.email, quiet_from=0, quiet_until=0, now=NOW)
    night = NOW + timedelta(hours=12)
    tell(user, event, "a", 1, 2, night)
    assert len(gather(night + GATHERED_FOR)) == 1


def test_in_the_readers_language(app: Flask) -> None:
    user = make_user(locale="ja", name_native="山田花子")
    event = make_event(title_ja="第36回フォーラム")
    tell(user, event, "a", 1, 2)
    tell(user, event, "b", 1, 2)
    (mail,) = gather(NOW + GATHERED_FOR)
    assert mail.subject == "変更2件：第36回フォーラム"
    assert mail.body.startswith("山田花子")


@pytest.mark.every_database
def test_workers_make_each_mail_once(app: Flask) -> None:
    event = make_event()
    for number in range(12):
        user = make_user()
        for topic in ("a", "b"):
            tell(user, event, f"{topic}{number}", 1, 2)
    barrier = Barrier(3)

    def work() -> None:
        with app.app_context():
            barrier.wait()
            for _ in range(8):
                with transaction():
                    make_due_mails(now=NOW + GATHERED_FOR, most=3)
            db.session.remove()

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work) for _ in range(3)]:
            future.result()
    db.session.rollback()
    while db.session.scalar(select(func.count()).select_from(MailChange)):
        gather(NOW + GATHERED_FOR)
    mails = db.session.scalars(select(OutboxMail)).all()
    assert len(mails) == len({mail.to_address for mail in mails}) == 12
    assert all(mail.subject.startswith("2 changes") and mail.state == MailState.QUEUED for mail in mails)
