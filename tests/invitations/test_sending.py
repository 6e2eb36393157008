"""What is sent, to whom, when, and what it says."""

from datetime import datetime, timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.agenda.models import ItemSpeaker, ItemStatus, Speaker
from forum_app.core.ical import Participation
from forum_app.core.intervals import Interval
from forum_app.db import db, transaction
from forum_app.events.models import Visibility
from forum_app.invitations.models import Invitation
from forum_app.invitations.services import want_invitations
from forum_app.mail.messages import Sender, build_message
from forum_app.mail.models import MailChange, OutboxMail
from forum_app.meetings.booking_services import cancel_meeting, move_meeting
from forum_app.meetings.models import Meeting, MeetingTable
from forum_app.timetable.instance import Planned
from forum_app.timetable.notices import Line, notify_published
from forum_app.timetable.plan_queries import Change, ChangeKind
from tests.calendars.parts import change, publish, speaks
from tests.factories import NOW, login_of, make_event, make_item, make_room, make_user
from tests.invitations.parts import (
    MINUTE,
    Program,
    event_of,
    invitation_of,
    invitations,
    method_of,
    send,
)
from tests.mail.gathering import gather_now
from tests.meetings.conftest import scene as scene
from tests.meetings.scene import OPENS, SLOT, Scene
from tests.queries import count_queries


def move(meeting: Meeting, to: datetime, scene: Scene, now: datetime = NOW) -> None:
    with transaction():
        move_meeting(
            actor=scene.organizer, meeting=db.session.get_one(Meeting, meeting.id), starts_at=to, now=now
        )


def test_both_sides_of_a_meeting_get_an_invitation_once(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    mails = send()
    assert {mail.to_address for mail in mails} == {
        login_of(scene.host).email,
        login_of(scene.guest).email,
    }
    for mail in mails:
        event = event_of(mail)
        assert method_of(mail) == mail.calendar_method == "REQUEST"
        assert str(event["UID"]) == meeting.uid
        assert event["SEQUENCE"] == meeting.sequence
        assert event["STATUS"] == "CONFIRMED"
        assert event["DTSTART"].dt == OPENS
        attendee = event["ATTENDEE"]
        assert str(attendee) == f"mailto:{mail.to_address}"
        assert attendee.params["PARTSTAT"] == "NEEDS-ACTION"
        assert attendee.params["RSVP"] == "TRUE"
        assert attendee.params["ROLE"] == "REQ-PARTICIPANT"
        assert str(event["ORGANIZER"]) == f"mailto:{mail.sender_address}"
        assert mail.sender_address is not None
        assert mail.sender_address.endswith("@forum.test")
    # each has an organizer's address of their own, and sees no other address
    assert len({mail.sender_address for mail in mails}) == 2
    first, second = mails
    assert first.calendar
    assert second.to_address not in first.calendar
    assert send(NOW + MINUTE) == []
    assert send(NOW + MINUTE, thorough=False) == []


def test_a_move_raises_the_sequence_and_a_name_only_the_stamp(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    first = send()
    move(meeting, OPENS + SLOT, scene)
    second = send(NOW + MINUTE, thorough=False)
    assert [event_of(mail)["SEQUENCE"] for mail in second] == [
        event_of(mail)["SEQUENCE"] + 1 for mail in first
    ]
    assert {mail.calendar_method for mail in second} == {"REQUEST"}
    change(scene.guest, name_latin="Another Name", name_native="")
    third = send(NOW + 2 * MINUTE)
    (only,) = third
    assert only.to_address == login_of(scene.host).email
    assert "Another Name" in str(event_of(only)["SUMMARY"])
    before = next(event_of(mail) for mail in second if mail.to_address == only.to_address)
    assert event_of(only)["SEQUENCE"] == before["SEQUENCE"]
    assert event_of(only)["DTSTAMP"].dt > before["DTSTAMP"].dt


def test_there_and_back_between_two_passes_is_no_change(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    send()
    move(meeting, OPENS + SLOT, scene)
    move(meeting, OPENS, scene)
    assert send(NOW + MINUTE) == []


def test_a_cancelled_meeting_is_cancelled_in_both_calendars(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    send()
    with transaction():
        cancel_meeting(
            actor=login_of(scene.guest),
            meeting=db.session.get_one(Meeting, meeting.id),
            reason="A strike of trains",
            now=NOW,
        )
    mails = send(NOW + MINUTE, thorough=False)
    assert len(mails) == 2
    for mail in mails:
        event = event_of(mail)
        assert (method_of(mail), event["STATUS"]) == ("CANCEL", "CANCELLED")
        assert str(event["UID"]) == meeting.uid
        assert event["SEQUENCE"] == 1
        program = Program(mail.to_address)
        for one in invitations(mail.to_address):
            program.take(one.calendar or "")
        assert program.calendar() == {}
    assert send(NOW + 2 * MINUTE) == []


def test_a_change_is_told_once(scene: Scene) -> None:
    """The invitation takes the place of what was gathered to be told a few minutes later."""
    meeting = scene.accept(scene.ask(topic="Wind sensing"))
    send()
    move(meeting, OPENS + SLOT, scene)
    waiting = select(func.count()).select_from(MailChange)
    assert db.session.scalar(waiting) == 2
    mails = send(NOW + MINUTE)
    assert all("Wind sensing" in mail.body for mail in mails)
    assert db.session.scalar(waiting) == 0
    with transaction():
        want_invitations(actor=login_of(scene.guest), wanted=False, now=NOW)
    send(NOW + 2 * MINUTE)
    move(meeting, OPENS + 2 * SLOT, scene)
    send(NOW + 3 * MINUTE)
    assert db.session.scalars(select(MailChange.to_address)).all() == [login_of(scene.guest).email]


def test_what_an_overview_tells_is_not_the_last_word(scene: Scene) -> None:
    """Mails about a whole schedule wait some minutes; of what was cancelled meanwhile they tell as well."""
    meeting = scene.accept(scene.ask(topic="Wind sensing"))
    asked = meeting.request_id or 0
    span = Interval(meeting.starts_at, meeting.ends_at)
    planned = Planned(asked, scene.host.id, scene.guest.id, span, scene.tables[0].id, None)
    new = Change(ChangeKind.NEW, asked, scene.host.id, scene.guest.id, before=None, after=planned)
    send()
    with transaction():
        notify_published(scene.event, [Line(new, "Wind sensing")], repair=False, now=NOW)
    with transaction():
        cancel_meeting(actor=scene.organizer, meeting=meeting, reason="ill", now=NOW + MINUTE)
    send(NOW + 2 * MINUTE)
    gather_now()
    mail = db.session.scalars(
        select(OutboxMail)
        .where(OutboxMail.to_address == login_of(scene.guest).email)
        .order_by(OutboxMail.id.desc())
    ).first()
    assert mail is not None
    assert mail.kind == "mail/changes"
    assert mail.body.index("New meetings") < mail.body.index("cancelled") < mail.body.rindex("Wind sensing")


def test_what_ended_before_somebody_was_invited_is_not_mailed(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    with transaction():
        cancel_meeting(actor=None, meeting=db.session.get_one(Meeting, meeting.id), reason="", now=NOW)
    guest = login_of(scene.guest).email  # told at once that it was set
    assert [(m.to_address, m.calendar_method) for m in send()] == [(guest, "REQUEST"), (guest, "CANCEL")]
    other = scene.accept(scene.ask())
    assert [(m.to_address, m.calendar_method) for m in send(other.ends_at)] == [(guest, "REQUEST")]


def test_the_news_and_the_invitation_are_one_mail(scene: Scene) -> None:
    host, guest = login_of(scene.host), login_of(scene.guest)
    change(guest, locale="ja")
    meeting = scene.accept(scene.ask(topic="Wind sensing"))

    def mails(user: User) -> list[OutboxMail]:
        rows = db.session.scalars(
            select(OutboxMail).where(
                OutboxMail.to_address == user.email,
                OutboxMail.kind.in_(("meetings/accepted", "invitations/request")),
            )
        )
        return list(rows)

    for _ in range(2):  # the job has nothing to add for whoever knows
        (mail,) = mails(guest)
        assert (mail.kind, mail.calendar_method) == ("meetings/accepted", "REQUEST")
        event = event_of(mail)
        assert (str(event["UID"]), int(event["SEQUENCE"])) == (meeting.uid, 0)
        assert str(event["ORGANIZER"]) == f"mailto:{mail.sender_address}"
        assert "Wind sensing" in mail.body
        assert "/account/invitations" in mail.body  # how to answer, and how to do without
        assert "決まりました" in mail.body
        send()
    (mail,) = mails(host)  # who accepted it knows, and gets the invitation alone
    assert mail.kind == "invitations/request"
    assert invitation_of(guest).participation == Participation.NEEDS_ACTION


def test_the_news_alone_for_whoever_wants_no_invitations(scene: Scene) -> None:
    guest = login_of(scene.guest)
    with transaction():
        want_invitations(actor=guest, wanted=False, now=NOW)
    scene.accept(scene.ask())
    assert invitations(guest.email) == []
    told = select(OutboxMail.kind).where(OutboxMail.to_address == guest.email)
    assert "meetings/accepted" in db.session.scalars(told).all()


def test_speakers_get_their_published_items_and_lose_them(app: Flask) -> None:
    event = make_event()
    user, other = make_user(locale="ja", name_native="山田 花子"), make_user()
    item = make_item(event, title_en="Sensing the wind", title_ja="風を測る", room_id=make_room(event).id)
    speaker = speaks(user, item)
    speaks(other, item)
    assert send() == []  # a draft is nobody's business
    publish(event)
    mails = send()
    assert {mail.to_address for mail in mails} == {user.email, other.email}
    mine = next(mail for mail in mails if mail.to_address == user.email)
    assert str(event_of(mine)["SUMMARY"]) == "風を測る"
    assert "ご招待" in mine.subject or "招待" in mine.subject
    assert "山田 花子" in mine.body
    # taken off the list of speakers
    with transaction():
        link = db.session.get_one(ItemSpeaker, (item.id, speaker.id))
        db.session.delete(link)
    publish(event, NOW + MINUTE)
    later = send(NOW + MINUTE)
    gone = next(mail for mail in later if mail.to_address == user.email)
    assert gone.calendar_method == "CANCEL"
    assert "STATUS" not in event_of(gone)  # the item goes on without them (RFC 5546, 3.2.5)
    assert event_of(gone)["SEQUENCE"] == event_of(mine)["SEQUENCE"] + 1
    assert [mail.calendar_method for mail in later if mail.to_address == other.email] == ["REQUEST"]
    # and on it again
    with transaction():
        db.session.add(ItemSpeaker(item_id=item.id, speaker_id=speaker.id))
    publish(event, NOW + 2 * MINUTE)
    again = next(mail for mail in send(NOW + 2 * MINUTE) if mail.to_address == user.email)
    assert again.calendar_method == "REQUEST"
    assert event_of(again)["SEQUENCE"] == event_of(gone)["SEQUENCE"] + 1


def test_an_item_without_what_a_calendar_shows_is_not_mailed_again(app: Flask) -> None:
    event = make_event()
    item = make_item(event)
    speaks(make_user(), item)
    publish(event)
    assert len(send()) == 1
    change(item, abstract="Only for the export", links='[["https://example.org", "x"]]')
    publish(event, NOW + MINUTE)
    assert send(NOW + MINUTE) == []
    change(item, text_en="In the calendar")
    publish(event, NOW + 2 * MINUTE)
    assert len(send(NOW + 2 * MINUTE)) == 1
    change(item, status=ItemStatus.CANCELLED)
    publish(event, NOW + 3 * MINUTE)
    (mail,) = send(NOW + 3 * MINUTE)
    assert mail.calendar_method == "CANCEL"


def test_a_moderator_is_the_chair(app: Flask) -> None:
    event = make_event()
    item = make_item(event)
    user = make_user()
    speaker = Speaker(event_id=event.id, user_id=user.id, name_latin=user.name_latin)
    with transaction():
        db.session.add(speaker)
        db.session.flush()
        db.session.add(ItemSpeaker(item_id=item.id, speaker_id=speaker.id, role="MODERATOR"))
    publish(event)
    (mail,) = send()
    assert event_of(mail)["ATTENDEE"].params["ROLE"] == "CHAIR"


def test_a_closed_event_invites_only_who_takes_part(app: Flask) -> None:
    event = make_event(visibility=Visibility.CLOSED)
    item = make_item(event)
    speaks(make_user(), item)
    publish(event)
    assert send() == []


def test_whoever_wants_none_is_freed_of_them_and_can_come_back(scene: Scene) -> None:
    scene.accept(scene.ask())
    user = login_of(scene.guest)
    send()
    with transaction():
        assert want_invitations(actor=user, wanted=False, now=NOW)
        assert not want_invitations(actor=user, wanted=False, now=NOW)
    (mail,) = send(NOW + MINUTE, thorough=False)
    assert (mail.to_address, mail.calendar_method) == (user.email, "CANCEL")
    assert send(NOW + 2 * MINUTE) == []
    with transaction():
        want_invitations(actor=user, wanted=True, now=NOW)
    (mail,) = send(NOW + 3 * MINUTE, thorough=False)
    assert (mail.to_address, mail.calendar_method) == (user.email, "REQUEST")
    program = Program(user.email)
    for one in reversed(invitations(user.email)):
        program.take(one.calendar or "")
    assert len(program.calendar()) == 1


def test_a_new_address_gets_a_new_secret_and_the_old_one_a_cancellation(scene: Scene) -> None:
    scene.accept(scene.ask())
    user = login_of(scene.guest)
    send()
    secret = invitation_of(user).secret
    change(user, email="new@people.example", email_key="new@people.example")
    mails = send(NOW + MINUTE)
    assert [(mail.to_address, mail.calendar_method) for mail in mails] == [
        (user.email if user.email != "new@people.example" else mails[0].to_address, "CANCEL"),
        ("new@people.example", "REQUEST"),
    ]
    assert mails[0].to_address != "new@people.example"
    assert invitation_of(user).secret != secret
    assert mails[0].calendar
    assert secret in mails[0].calendar.replace("\r\n ", "")
    assert mails[1].calendar
    assert secret not in mails[1].calendar.replace("\r\n ", "")


def test_a_closed_account_gets_no_more_mail(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    send()
    change(login_of(scene.guest), disabled_at=NOW)
    move(meeting, OPENS + SLOT, scene)
    assert [mail.to_address for mail in send(NOW + MINUTE)] == [login_of(scene.host).email]


def test_names_of_rooms_are_found_by_the_full_comparison(scene: Scene) -> None:
    meeting = scene.accept(scene.ask())
    send()
    table = db.session.get_one(MeetingTable, meeting.table_id)
    change(table, label="T99")
    assert send(NOW + MINUTE, thorough=False) == []
    mails = send(NOW + timedelta(minutes=16), thorough=False)
    assert len(mails) == 2
    assert all("T99" in str(event_of(mail)["LOCATION"]) for mail in mails)
    assert {event_of(mail)["SEQUENCE"] for mail in mails} == {1}


def test_digests_of_another_release_are_replaced_without_a_mail(scene: Scene) -> None:
    scene.accept(scene.ask())
    send()
    row = invitation_of(login_of(scene.guest))
    change(row, placed="0:other", shown="0:other")
    assert send(NOW + MINUTE) == []
    db.session.expire_all()
    assert db.session.get_one(Invitation, row.id).shown.startswith("1:")


@pytest.mark.parametrize("number", [3, 30])
def test_a_pass_over_what_is_unchanged_costs_little(app: Flask, number: int) -> None:
    event = make_event()
    for _ in range(number):
        speaks(make_user(), make_item(event))
    publish(event)
    send()
    with count_queries() as quick:
        send(NOW + MINUTE, thorough=False)
    with count_queries() as whole:
        send(NOW + 2 * MINUTE)
    assert len(quick) <= 14
    assert len(whole) <= 20


def test_many_are_sent_in_several_transactions(app: Flask) -> None:
    event = make_event()
    item = make_item(event)
    users = [make_user() for _ in range(60)]
    for user in users:
        speaks(user, item)
    publish(event)
    assert len(send()) == 60
    assert send(NOW + MINUTE) == []


def test_hostile_names_and_titles_harm_nothing(app: Flask) -> None:
    event = make_event(title_en="Forum\r\nBcc: everybody@example.org\u202e")
    title = ('Breaks\r\nATTENDEE:mailto:x@example.org\u202e\u2028;,:"' + "長" * 10_000)[:500]
    user = make_user(name_latin="Eve\r\nMETHOD:PUBLISH\r\nBcc: x@example.org\u202e" + "x" * 150)
    item = make_item(event, title_en=title, text_en="a\r\nEND:VEVENT\r\n" * 2000)
    speaks(user, item)
    publish(event)
    (mail,) = send()
    read = event_of(mail)
    assert str(read["ATTENDEE"]) == f"mailto:{user.email}"
    assert method_of(mail) == "REQUEST"
    assert len(invitation_of(user).summary) <= 1000
    sender = Sender("no-reply@forum.test", "Forum\r\nBcc: x@example.org\u202e" + "長" * 10_000)
    raw = build_message(mail, sender=sender).message.as_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    assert message["Bcc"] is None
    assert user.email in message["To"]
    assert len(message["To"].addresses) == len(message["From"].addresses) == 1
    for name in ("From", "To", "Subject"):
        assert not set("\r\n\u202e\u2028") & set(str(message[name]))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    calendars = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    assert [part.get_payload(decode=True) for part in calendars] == [(mail.calendar or "").encode()]
