"""Who learns of an item that moved or was cancelled."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from forum_app.agenda.models import AccessLevel, AgendaItem, Bookmark, ItemSpeaker, ItemStatus
from forum_app.agenda.publication import publish_agenda
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.mail.models import OutboxMail
from tests.factories import NOW, make_event, make_item, make_registration, make_speaker, make_user, save
from tests.mail.gathering import gather_now
from tests.queries import count_queries

HOUR = timedelta(hours=1)


def publish(event: Event) -> None:
    with transaction():
        publish_agenda(actor=None, event=event, now=NOW)


def edit(item: AgendaItem, **values: object) -> None:
    with transaction():
        row = db.session.get_one(AgendaItem, item.id)
        for name, value in values.items():
            setattr(row, name, value)


def told() -> list[tuple[str, str]]:
    gather_now()
    rows = db.session.scalars(select(OutboxMail).order_by(OutboxMail.to_address))
    return [(row.to_address, row.subject) for row in rows if row.kind.startswith("agenda/")]


def test_speakers_and_who_chose_it_learn_of_a_move_and_nobody_of_a_word(app: Flask) -> None:
    event = make_event()
    item = make_item(event, title_en="Keynote")
    chose, speaks, other = make_user(), make_user(), make_user()
    save(Bookmark(item_id=item.id, user_id=chose.id, created_at=NOW))
    save(ItemSpeaker(item_id=item.id, speaker_id=make_speaker(event, user_id=speaks.id).id))
    assert other.id
    publish(event)
    assert told() == []
    edit(item, text_en="Another text")
    publish(event)
    assert told() == []
    start = item.starts_at or NOW
    edit(item, starts_at=start + HOUR, ends_at=start + 2 * HOUR)
    publish(event)
    mails = told()
    assert [address for address, _ in mails] == sorted([chose.email, speaks.email])
    assert all(subject.startswith("New time or place: Keynote") for _, subject in mails)
    body = db.session.scalars(select(OutboxMail.body).where(OutboxMail.to_address == speaks.email)).one()
    assert "where you speak" in body
    assert "Before: " in body


def test_moved_and_moved_back_is_nothing(app: Flask) -> None:
    event = make_event()
    item, user = make_item(event), make_user()
    save(Bookmark(item_id=item.id, user_id=user.id, created_at=NOW))
    publish(event)
    start, end = item.starts_at or NOW, item.ends_at or NOW
    edit(item, starts_at=start + HOUR, ends_at=end + HOUR)
    publish(event)
    edit(item, starts_at=start, ends_at=end)
    publish(event)
    assert told() == []


def test_cancelled_and_only_to_who_may_know(app: Flask) -> None:
    event = make_event()
    item = make_item(event, title_en="Closed", access=AccessLevel.REGISTERED)
    inside, outside = make_user(), make_user()
    make_registration(event, inside)
    for user in (inside, outside):
        save(Bookmark(item_id=item.id, user_id=user.id, created_at=NOW))
    publish(event)
    edit(item, status=ItemStatus.CANCELLED)
    publish(event)
    assert told() == [(inside.email, "Cancelled: Closed")]


def test_costs_grow_with_the_mails_only(app: Flask) -> None:
    event = make_event()
    items = [make_item(event) for _ in range(8)]
    user = make_user()
    save(Bookmark(item_id=items[0].id, user_id=user.id, created_at=NOW))
    publish(event)
    costs = []
    for moved in (items[:1], items):
        for item in moved:
            row = db.session.get_one(AgendaItem, item.id)
            edit(item, starts_at=(row.starts_at or NOW) + HOUR, ends_at=(row.ends_at or NOW) + HOUR)
        with count_queries() as statements:
            publish(event)
        costs.append(len(statements))
    assert costs[1] - costs[0] <= 1
