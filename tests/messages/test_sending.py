"""Each person once, whatever the workers do; on real databases with real threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, ItemSpeaker, ItemStatus, Speaker
from forum_app.core.errors import Conflict
from forum_app.db import db, transaction
from forum_app.mail.models import OutboxMail
from forum_app.mail.preferences import leave_list
from forum_app.messages import jobs, services
from forum_app.messages.groups import FROM_ORGANIZERS, Group
from forum_app.messages.models import Message, MessageRecipient, MessageState, RecipientState
from forum_app.messages.queries import count_fates, estimate
from forum_app.messages.services import Words, make_mails, send_message
from forum_app.registration.models import Registration, RegistrationState
from forum_app.web import clock
from tests.factories import NOW, make_item, make_organization, make_registration, make_speaker, make_user
from tests.messages.scene import Scene, look_again

pytestmark = pytest.mark.every_database
S = RegistrationState


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene()


def crowd(scene: Scene, number: int) -> None:
    users = [
        User(
            email=f"p{index}@people.example",
            email_key=f"p{index}@people.example",
            name_latin=f"Person {index}",
            name_native=f"人 {index}",
            locale="ja" if index % 2 else "en",
            created_at=NOW,
            verified_at=NOW,
        )
        for index in range(number)
    ]
    with transaction():
        db.session.add_all(users)
        db.session.flush()
        db.session.add_all(
            Registration(
                event_id=scene.event.id,
                type_id=scene.kind.id,
                user_id=user.id,
                email=user.email,
                email_key=user.email_key,
                name_latin=user.name_latin,
                name_native=user.name_native,
                state=S.APPROVED,
                created_at=NOW,
                state_changed_at=NOW,
            )
            for user in users
        )


def send(scene: Scene, message: Message) -> int:
    with transaction():
        return send_message(
            actor=scene.organizer,
            event=scene.event,
            message=message,
            version=message.version,
            now=clock.now(),
        )


def at_once(app: Flask, number: int, work: Any) -> list[Any]:
    """Results of work, run on so many threads that start together."""
    barrier = Barrier(number)

    def run(_: int) -> Any:
        with app.app_context():
            barrier.wait(timeout=30)
            try:
                return work()
            except Conflict:
                return "conflict"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def addresses() -> list[str]:
    return list(db.session.scalars(select(OutboxMail.to_address).order_by(OutboxMail.to_address)))


def test_everybody_once_in_their_language(app: Flask, scene: Scene) -> None:
    crowd(scene, 4)
    message = scene.message()
    assert send(scene, message) == 4
    jobs.send(message.id)
    jobs.send(message.id)  # twice is as good as once
    look_again()
    mails = db.session.scalars(select(OutboxMail).order_by(OutboxMail.to_address)).all()
    assert [mail.locale for mail in mails] == ["en", "ja", "en", "ja"]
    assert [mail.event_id for mail in mails] == [scene.event.id] * 4
    assert all(mail.listed is None and not mail.secret for mail in mails)
    assert mails[0].subject == "The hall has moved"
    assert "Dear Person 0," in mails[0].body
    assert "https://forum.test/events/forum/ticket" in mails[0].body
    assert "人 1様、会場がB館に変わりました。" in mails[1].body
    kept = db.session.get_one(Message, message.id)
    assert (kept.state, kept.recipients) == (MessageState.SENT, 4)
    assert kept.finished_at is not None
    assert count_fates([message.id])[message.id].queued == 4


def test_four_workers_at_once_share_the_work(
    app: Flask, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "BATCH", 7)
    crowd(scene, 60)
    message = scene.message()
    send(scene, message)
    number = message.id

    def work() -> None:
        made = 1
        while made:
            with transaction():
                made = make_mails(number, now=clock.now(), most=7)
        jobs.send(number)

    at_once(app, 4, work)
    jobs.look_after_messages()
    look_again()
    found = addresses()
    assert len(found) == len(set(found)) == 60
    assert db.session.get_one(Message, number).state is MessageState.SENT
    left = select(func.count()).where(MessageRecipient.state != RecipientState.QUEUED)
    assert db.session.scalar(left) == 0


def test_of_many_clicks_on_send_one_counts(app: Flask, scene: Scene) -> None:
    crowd(scene, 5)
    message = scene.message()
    ids = message.id, scene.event.id, scene.organizer.id, message.version

    def click() -> int:
        with transaction():
            row = db.session.get_one(Message, ids[0])
            actor = db.session.get_one(User, ids[2])
            return send_message(actor=actor, event=row.event, message=row, version=ids[3], now=clock.now())

    results = at_once(app, 4, click)
    assert sorted(map(str, results)) == ["5", "conflict", "conflict", "conflict"]
    look_again()
    assert db.session.scalar(select(func.count()).select_from(MessageRecipient)) == 5


def test_a_worker_that_dies_leaves_nothing_half_done(app: Flask, scene: Scene) -> None:
    crowd(scene, 10)
    message = scene.message()
    send(scene, message)
    with transaction():
        assert make_mails(message.id, now=clock.now(), most=4) == 4

    def die() -> None:
        with transaction():
            make_mails(message.id, now=clock.now(), most=4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    look_again()
    assert len(addresses()) == 4
    jobs.look_after_messages()  # the next minute's round
    look_again()
    assert len(set(addresses())) == len(addresses()) == 10


def test_the_estimate_is_who_gets_it(app: Flask, scene: Scene) -> None:
    """Cancelled, declined and left people are out; who cancelled and came again is one person."""
    crowd(scene, 3)
    scene.person(state=S.CANCELLED)
    scene.person(state=S.DECLINED)
    again = scene.person(state=S.CANCELLED)
    scene.person(state=S.APPLIED, email=again.email)
    leaver = scene.person("ja")
    with transaction():
        leave_list(address=leaver.email, name=FROM_ORGANIZERS, now=clock.now())
    cases = {(False, ()): 5, (True, ()): 4, (True, ("cancelled", "declined", "applied")): 3}
    for (optional, states), number in cases.items():
        group = Group(states=states)
        told = estimate(scene.event.id, group, optional=optional)
        assert told.count == len(told.first) == number
        message = scene.message(group, optional=optional)
        assert send(scene, message) == number
    look_again()


def test_optional_mail_can_be_left_until_the_last_moment(app: Flask, scene: Scene) -> None:
    stays, leaves = scene.person(), scene.person()
    message = scene.message(optional=True)
    assert send(scene, message) == 2
    with transaction():
        leave_list(address=leaves.email, name=FROM_ORGANIZERS, now=clock.now())
    jobs.send(message.id)
    look_again()
    mail = db.session.scalars(select(OutboxMail)).one()
    assert (mail.to_address, mail.listed) == (stays.email, FROM_ORGANIZERS)
    fates = count_fates([message.id])[message.id]
    assert (fates.queued, fates.left) == (1, 1)


def test_who_reads_the_other_language_gets_what_there_is(app: Flask, scene: Scene) -> None:
    scene.person("en")
    scene.person("ja")
    message = scene.message(words=Words(subject_ja="お知らせ", body_ja="{event}について"))
    send(scene, message)
    jobs.send(message.id)
    look_again()
    mails = db.session.scalars(select(OutboxMail)).all()
    assert [(mail.locale, mail.subject) for mail in mails] == [("ja", "お知らせ")] * 2
    assert all("技術フォーラムについて" in mail.body for mail in mails)


def speaker(scene: Scene, locale: str = "en", **values: Any) -> tuple[Speaker, User]:
    """A speaker with an item and an account, but no registration."""
    account = make_user(locale=locale, **values.pop("user", {}))
    row = make_speaker(scene.event, user=account, **values)
    with transaction():
        db.session.add(ItemSpeaker(item_id=make_item(scene.event).id, speaker_id=row.id))
    return row, account


def test_speakers_without_a_registration_get_what_all_speakers_get(app: Flask, scene: Scene) -> None:
    """Once each, in their language; those whose item is off, and those without an account, do not."""
    office = make_organization(country="US", name_en="Office of Science")
    alone, her = speaker(scene, "ja", name_latin="Hana", name_native="技術 花", organization_id=office.id)
    _, registered = speaker(scene, user={"email": "both@people.example"})
    make_registration(scene.event, registered, participant_type=scene.kind)
    make_speaker(scene.event)  # no account
    silent, _ = speaker(scene)
    with transaction():
        item = db.session.scalars(
            select(AgendaItem).join(ItemSpeaker).where(ItemSpeaker.speaker_id == silent.id)
        ).one()
        item.status = ItemStatus.CANCELLED
    _, leaver = speaker(scene)
    with transaction():
        leave_list(address=leaver.email, name=FROM_ORGANIZERS, now=clock.now())
    scene.person()  # no speaker

    speakers = Group(traits=("speaker",))
    told = estimate(scene.event.id, speakers, optional=True)
    assert (told.count, told.by_language, told.speakers) == (2, {"en": 1, "ja": 1}, 1)
    assert {person.id for person in told.first if isinstance(person, Speaker)} == {alone.id}
    for narrower in (
        Group(traits=("speaker",), country="JP"),
        Group(traits=("speaker",), types=(scene.kind.id,), country="US"),
        Group(traits=("speaker", "meetings")),
        Group(traits=("speaker",), states=("cancelled",)),
    ):
        assert estimate(scene.event.id, narrower, optional=False).count == 0
    assert estimate(scene.event.id, Group(), optional=False).count == 2  # the registered ones

    words = Words(subject_ja="登壇の皆様へ", body_ja="{name}様（{organization}、{type}）")
    message = scene.message(speakers, words=words, optional=True)
    assert send(scene, message) == 2
    jobs.send(message.id)
    jobs.send(message.id)
    look_again()
    mails = {mail.to_address: mail for mail in db.session.scalars(select(OutboxMail))}
    assert set(mails) == {her.email, "both@people.example"}
    mail = mails[her.email]
    assert "技術 花様（Office of Science、登壇者）" in mail.body
    assert (mail.locale, mail.listed, mail.to_name) == ("ja", FROM_ORGANIZERS, "技術 花")


def test_a_registered_speaker_is_judged_by_the_registration(app: Flask, scene: Scene) -> None:
    american = make_organization(country="US")
    japanese = make_organization(country="JP")
    _, account = speaker(scene, organization_id=japanese.id)
    make_registration(scene.event, account, participant_type=scene.kind, organization=american)
    speakers = {country: Group(traits=("speaker",), country=country) for country in ("JP", "US")}
    told = {name: estimate(scene.event.id, group, optional=False) for name, group in speakers.items()}
    assert [(told[name].count, told[name].speakers) for name in ("JP", "US")] == [(0, 0), (1, 0)]


def test_a_speaker_who_is_taken_off_the_list_meanwhile_gets_nothing(app: Flask, scene: Scene) -> None:
    row, _ = speaker(scene)
    message = scene.message(Group(traits=("speaker",)))
    assert send(scene, message) == 1
    with transaction():
        db.session.execute(delete(Speaker).where(Speaker.id == row.id))
    jobs.send(message.id)
    look_again()
    assert addresses() == []
    assert count_fates([message.id])[message.id].left == 1


def test_nobody_and_a_changed_draft_are_refused(app: Flask, scene: Scene) -> None:
    message = scene.message()
    with pytest.raises(Conflict, match="Nobody belongs"):
        send(scene, message)
    crowd(scene, 1)
    with pytest.raises(Conflict, match="has changed"), transaction():
        send_message(actor=scene.organizer, event=scene.event, message=message, version=99, now=clock.now())
    look_again()
    assert db.session.get_one(Message, message.id).state is MessageState.DRAFT
