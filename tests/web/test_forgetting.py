"""What the house forgets by itself: sent forms, texts of old mails, uploads that nothing refers to."""

import os
from datetime import datetime, timedelta
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select

from forum_app.core.errors import NotFound
from forum_app.db import db, transaction
from forum_app.mail.jobs import forget_old as forget_mails
from forum_app.mail.models import MailState, OutboxMail
from forum_app.queue import queue
from forum_app.web import clock
from forum_app.web.jobs import forget_old
from forum_app.web.models import SentForm
from forum_app.web.storage import FolderStorage, current_storage
from forum_app.web.stored_files import GRACE, remove_unused
from tests.factories import make_event, make_organization, save
from tests.pitches.parts import make_call, make_pitch

pytestmark = pytest.mark.every_database
DAY = timedelta(days=1)


@pytest.fixture
def now(app: Flask) -> datetime:
    return clock.now()


def folder() -> FolderStorage:
    storage = current_storage()
    assert isinstance(storage, FolderStorage)
    return storage


def upload(content: bytes, saved_at: datetime) -> str:
    name = folder().save(content, "pdf")
    os.utime(folder().root / name[:2] / name, (saved_at.timestamp(),) * 2)
    return name


def is_there(name: str) -> bool:
    try:
        current_storage().load(name)
    except NotFound:
        return False
    return True


def test_sent_forms_are_kept_for_a_week(now: datetime) -> None:
    ages = {"young": timedelta(days=6), "old": timedelta(days=8)}
    save(*[SentForm(digest=digest, created_at=now - age) for digest, age in ages.items()])
    forget_old()
    assert db.session.scalars(select(SentForm.digest)).all() == ["young"]


def test_texts_of_mails_that_are_done_with_are_blanked_after_a_month(now: datetime) -> None:
    def mail(name: str, state: MailState, days: int) -> OutboxMail:
        then = now - days * DAY
        sent_at = then if state == MailState.SENT else None
        return OutboxMail(
            message_id=name, kind="test", to_address="a@b.example", to_name="A", locale="en", subject=name,
            body="Secret link", state=state, created_at=then, next_attempt_at=then, sent_at=sent_at,
        )  # fmt: skip

    save(
        mail("old", MailState.SENT, 31),
        mail("young", MailState.SENT, 29),
        mail("waits", MailState.QUEUED, 31),
        mail("failed", MailState.FAILED, 31),
        mail("may go again", MailState.FAILED, 29),
    )
    forget_mails()
    db.session.rollback()
    rows = db.session.scalars(select(OutboxMail)).all()
    assert [row.subject for row in rows if not row.body] == ["old", "failed"]
    assert all(row.to_address and row.created_at for row in rows)


def test_uploads_without_a_row_are_removed(now: datetime) -> None:
    pitch = make_pitch(make_call(make_event()), make_organization())
    old, young = now - GRACE - DAY, now - GRACE + DAY
    used, unused, fresh = upload(b"used", old), upload(b"unused", old), upload(b"fresh", young)
    with transaction():
        pitch.deck_file = used
    assert remove_unused(current_storage(), now) == 1
    assert [is_there(name) for name in (used, unused, fresh)] == [True, False, True]
    with transaction():
        pitch.deck_file = None
    assert remove_unused(current_storage(), now) == 1
    assert not is_there(used)
    assert remove_unused(current_storage(), now) == 0


def test_what_is_uploaded_again_is_young_again(now: datetime) -> None:
    name = upload(b"again", now - 9 * DAY)
    assert folder().save(b"again", "pdf") == name
    # the clock of files is the machine's, not that of the tests
    assert not folder().remove(name, datetime.now(now.tzinfo) - DAY)
    assert is_there(name)


def test_an_upload_at_the_same_moment_is_never_lost(now: datetime) -> None:
    before = datetime.now(now.tzinfo) - DAY
    storage = folder()
    for turn in range(200):
        content = f"deck {turn}".encode()
        name = upload(content, before - DAY)
        both = [
            Thread(target=storage.save, args=(content, "pdf")),
            Thread(target=storage.remove, args=(name, before)),
        ]
        for thread in both[:: 1 if turn % 2 else -1]:
            thread.start()
        for thread in both:
            thread.join()
        # removed before the upload, or not at all
        assert storage.load(name) == content


def test_each_of_these_runs_by_itself(app: Flask) -> None:
    assert queue.huey is not None
    periodic = {str(task).split(":")[0] for task in queue.huey._registry.periodic_tasks}
    names = " ".join(periodic)
    assert "forum_app.web.jobs.forget_old" in names
    assert "forum_app.mail.jobs.forget_old" in names
