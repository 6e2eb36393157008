"""Answers that come back: what moves, what is only noted, and all that changes nothing."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.core.ical import Participation
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.invitations.models import Invitation, Note, NoteKind
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import book_meeting, move_meeting
from forum_app.meetings.models import Claim, Meeting, MeetingRequest, MeetingStatus, RequestState
from tests.calendars.parts import change, publish, speaks
from tests.factories import NOW, login_of, make_event, make_item, make_user
from tests.invitations.parts import MINUTE, answer, invitation_of, send, take
from tests.meetings.conftest import scene as scene
from tests.meetings.scene import OPENS, SLOT, Scene, make_scene
from tests.meetings.test_races import at_once


def invited(scene: Scene) -> tuple[Meeting, OutboxMail]:
    """A meeting, and the invitation to its guest."""
    meeting = scene.accept(scene.ask())
    mails = send()
    return meeting, next(mail for mail in mails if mail.to_address == login_of(scene.guest).email)


def state(scene: Scene) -> tuple[Any, ...]:
    """All that an answer could move."""
    db.session.rollback()
    rows = db.session.scalars(select(Invitation).order_by(Invitation.id)).all()
    meetings = db.session.scalars(select(Meeting).order_by(Meeting.id)).all()
    return (
        [(row.participation, row.answered_at, row.answer_stamp, row.sequence) for row in rows],
        [(meeting.status, meeting.sequence) for meeting in meetings],
        db.session.scalar(select(func.count()).select_from(Note)),
        db.session.scalar(select(func.count()).select_from(OutboxMail)),
    )


def test_accepting_and_thinking_again(scene: Scene) -> None:
    meeting, mail = invited(scene)
    assert take(answer(mail, "TENTATIVE")).done == "tentative"
    row = invitation_of(login_of(scene.guest))
    assert (row.participation, row.answered_at) == (Participation.TENTATIVE, NOW + MINUTE)
    later = NOW + 2 * MINUTE
    assert take(answer(mail, at=later, comment="Looking forward\\, really"), later).done == "accepted"
    assert invitation_of(login_of(scene.guest)).participation == Participation.ACCEPTED
    assert invitation_of(login_of(scene.host)).participation == Participation.NEEDS_ACTION
    note = db.session.scalars(select(Note)).one()
    assert (note.kind, note.text) == (NoteKind.COMMENT, "Looking forward, really")
    assert db.session.get_one(Meeting, meeting.id).status == MeetingStatus.CONFIRMED
    assert send(later) == []  # an answer is no change to what the calendars show


def test_declining_cancels_a_meeting_of_two_with_all_that_follows(scene: Scene) -> None:
    meeting, mail = invited(scene)
    outcome = take(answer(mail, "DECLINED", comment="I miss my train"))
    assert outcome.done == "declined, cancelled"
    db.session.rollback()
    fresh = db.session.get_one(Meeting, meeting.id)
    assert (fresh.status, fresh.cancel_reason) == (MeetingStatus.CANCELLED, "I miss my train")
    assert fresh.cancelled_by_id == scene.guest.user_id
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 0
    request = db.session.get_one(MeetingRequest, meeting.request_id)
    assert request.state == RequestState.WITHDRAWN  # by the guest
    mails = send(NOW + 2 * MINUTE)
    assert [one.calendar_method for one in mails] == ["CANCEL", "CANCEL"]


def test_a_speaker_who_declines_is_noted_and_stays(app: Flask) -> None:
    event, user = make_event(), make_user()
    item = make_item(event)
    speaks(user, item)
    publish(event)
    (mail,) = send()
    assert take(answer(mail, "DECLINED", comment="On leave")).done == "declined, noted"
    assert invitation_of(user).participation == Participation.DECLINED
    note = db.session.scalars(select(Note)).one()
    assert (note.kind, note.text) == (NoteKind.DECLINED, "On leave")
    assert send(NOW + 2 * MINUTE) == []


def test_one_of_a_group_who_declines_does_not_cancel_it_for_all(scene: Scene) -> None:
    people = [scene.host, scene.guest, scene.more_guest()]
    with transaction():
        meeting = book_meeting(
            actor=scene.organizer,
            event=scene.event,
            people=people,
            starts_at=OPENS,
            ends_at=OPENS + SLOT,
            topic="Round table",
            now=NOW,
        )
    mail = next(one for one in send() if one.to_address == login_of(scene.guest).email)
    assert take(answer(mail, "DECLINED")).done == "declined, noted"
    db.session.rollback()
    assert db.session.get_one(Meeting, meeting.id).status == MeetingStatus.CONFIRMED


def test_another_time_is_noted_for_the_organizers_and_changes_nothing(scene: Scene) -> None:
    meeting, mail = invited(scene)
    raw = answer(mail, "TENTATIVE", method="COUNTER", comment="An hour later?")
    assert take(raw).done == "noted: counter"
    note = db.session.scalars(select(Note)).one()
    assert (note.kind, note.starts_at, note.ends_at) == (NoteKind.COUNTER, meeting.starts_at, meeting.ends_at)
    assert invitation_of(login_of(scene.guest)).participation == Participation.NEEDS_ACTION
    assert take(answer(mail, "DELEGATED", at=NOW + 2 * MINUTE)).done == "noted: delegated"
    assert take(answer(mail, method="REFRESH", at=NOW + 3 * MINUTE)).done == "noted: other"


def test_words_instead_of_a_button_are_noted(scene: Scene) -> None:
    _, mail = invited(scene)
    letter = (
        f"From: {mail.to_address}\r\nTo: {mail.sender_address}\r\nMessage-ID: <1@program.example>\r\n"
        "Subject: Re: Invitation\r\n\r\nCould we meet\u202e earlier?\r\n\r\n> Dear guest\r\n> secret\r\n"
    ).encode()
    assert take(letter).done == "noted: other"
    assert db.session.scalars(select(Note)).one().text == "Could we meet earlier?"
    absent = letter.replace(b"<1@", b"<2@").replace(b"Subject", b"Auto-Submitted: auto-replied\r\nSubject")
    assert take(absent).done == "written by a machine"


def test_notes_do_not_pile_up_without_end(scene: Scene) -> None:
    _, mail = invited(scene)
    for number in range(25):
        take(answer(mail, method="COUNTER", at=NOW + number * MINUTE))
    assert db.session.scalar(select(func.count()).select_from(Note)) == 20


# --- How programs write ------------------------------------------------------------------------------
def test_exchange_leaves_out_the_organizer(scene: Scene) -> None:
    _, mail = invited(scene)
    assert take(answer(mail, without=["ORGANIZER"])).done == "accepted"


def test_the_secret_in_the_organizer_is_enough(scene: Scene) -> None:
    """A server may have rewritten the address on the way to the mailbox."""
    _, mail = invited(scene)
    assert take(answer(mail, to="calendar@forum.test")).done == "accepted"


def test_case_and_folding_do_not_matter(scene: Scene) -> None:
    _, mail = invited(scene)
    assert mail.sender_address is not None
    raw = answer(
        mail,
        to=mail.sender_address.upper(),
        sender=f'"Person, A" <{mail.to_address.upper()}>',
        changes=[("mailto:", "MAILTO:"), ("METHOD:REPLY", "METHOD:\r\n  reply")],
    )
    assert take(raw).done == "accepted"


def test_a_missing_sequence_is_zero(scene: Scene) -> None:
    _, mail = invited(scene)
    assert take(answer(mail, without=["SEQUENCE"])).done == "accepted"


# --- What changes nothing ----------------------------------------------------------------------------
def other_secret(mail: OutboxMail) -> dict[str, Any]:
    assert mail.sender_address is not None
    made_up = "calendar+" + "a" * 26 + "@forum.test"
    return {"to": made_up, "changes": [(mail.sender_address, made_up)]}


Forgery = Callable[[OutboxMail], dict[str, Any]]
FORGERIES: dict[str, Forgery] = {
    "a secret that is made up": other_secret,
    "no secret": lambda mail: {"to": "calendar@forum.test", "without": ["ORGANIZER"]},
    "another sender": lambda mail: {"sender": "Mallory <mallory@example.org>"},
    "two senders": lambda mail: {"sender": f"mallory@example.org, {mail.to_address}"},
    "a sender in the name": lambda mail: {"sender": f'"{mail.to_address}" <mallory@example.org>'},
    "another attendee": lambda mail: {"changes": [(f"mailto:{mail.to_address}", "mailto:m@example.org")]},
    "two attendees": lambda mail: {"extra": "ATTENDEE;PARTSTAT=ACCEPTED:mailto:m@example.org"},
    "another entry": lambda mail: {"changes": [("UID:", "UID:x")]},
    "a higher sequence": lambda mail: {"changes": [("SEQUENCE:0", "SEQUENCE:7")]},
    "a sequence that is none": lambda mail: {"changes": [("SEQUENCE:0", "SEQUENCE:٣")]},
    "no stamp": lambda mail: {"without": ["DTSTAMP"]},
    "a stamp of the far future": lambda mail: {"at": NOW + timedelta(days=400)},
    "a cancellation": lambda mail: {"method": "CANCEL"},
    "a request": lambda mail: {"method": "REQUEST"},
    "an unknown method": lambda mail: {"method": "ANSWER"},
}


def test_forged_answers_change_nothing(scene: Scene) -> None:
    _, mail = invited(scene)
    before = state(scene)
    for name, forged in FORGERIES.items():
        take(answer(mail, "DECLINED", **forged(mail)))
        assert state(scene) == before, name


def test_each_invitation_says_from_where_to_answer(scene: Scene) -> None:
    """An answer from another address changes nothing, and nobody is written to about it."""
    scene.accept(scene.ask())
    mails = {mail.locale: mail.body for mail in send()}
    assert "from another one it does not count" in mails["en"]
    assert "ほかのアドレスからのご回答は反映されません" in mails["ja"]


def test_the_other_sides_secret_does_not_help(scene: Scene) -> None:
    _, mail = invited(scene)
    host = login_of(scene.host)
    before = state(scene)
    raw = answer(
        mail, "DECLINED", sender=host.email, changes=[(f"mailto:{mail.to_address}", f"mailto:{host.email}")]
    )
    take(raw)
    assert state(scene) == before


def test_an_answer_to_an_older_version_changes_nothing(scene: Scene) -> None:
    meeting, mail = invited(scene)
    with transaction():
        move_meeting(
            actor=scene.organizer,
            meeting=db.session.get_one(Meeting, meeting.id),
            starts_at=OPENS + SLOT,
            now=NOW,
        )
    fresh = send(NOW + MINUTE)
    before = state(scene)
    assert take(answer(mail, "DECLINED", at=NOW + 2 * MINUTE)).done == "stale: other sequence"
    assert state(scene) == before
    newer = next(one for one in fresh if one.to_address == mail.to_address)
    assert take(answer(newer, "TENTATIVE", at=NOW + 2 * MINUTE)).done == "tentative"


def test_a_new_time_asks_anew(scene: Scene) -> None:
    meeting, mail = invited(scene)
    take(answer(mail))
    with transaction():
        move_meeting(
            actor=scene.organizer,
            meeting=db.session.get_one(Meeting, meeting.id),
            starts_at=OPENS + SLOT,
            now=NOW,
        )
    assert send(NOW + 2 * MINUTE)
    assert invitation_of(login_of(scene.guest)).participation == Participation.NEEDS_ACTION


def test_answers_that_overtake_one_another_end_with_the_later_one(scene: Scene) -> None:
    _, mail = invited(scene)
    early, late = answer(mail, "TENTATIVE"), answer(mail, "ACCEPTED", at=NOW + 5 * MINUTE)
    now = NOW + 6 * MINUTE
    assert take(late, now).done == "accepted"
    assert take(early, now).done == "stale: answered later"
    assert invitation_of(login_of(scene.guest)).participation == Participation.ACCEPTED


def test_the_same_mail_acts_once(scene: Scene) -> None:
    _, mail = invited(scene)
    raw = answer(mail, "TENTATIVE")
    assert take(raw).done == "tentative"
    before = state(scene)
    assert take(raw).done == "received before"
    assert take(b"Received: by another way\r\n" + raw).done == "received before"
    # the same answer under another Message-ID is not later than itself
    assert take(answer(mail, "TENTATIVE")).done == "stale: answered later"
    assert state(scene) == before


def test_what_is_over_is_not_answered(scene: Scene) -> None:
    meeting, mail = invited(scene)
    before = state(scene)
    late = meeting.ends_at
    assert take(answer(mail, "DECLINED", at=late), late).done == "stale: it is over"
    assert state(scene) == before


def test_a_closed_account_answers_no_more(scene: Scene) -> None:
    _, mail = invited(scene)
    change(login_of(scene.guest), disabled_at=NOW)
    assert take(answer(mail, "DECLINED")).done == "unknown"


HOSTILE = [
    b"",
    b"\x00\xff" * 1000,
    b"BEGIN:VCALENDAR\r\n" * 100_000,
    b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:" + b"u" * 200_000,
    b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\n"
    + b"ATTENDEE;"
    + b'A="' * 50_000
    + b":\r\nEND:VEVENT",
    b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:99999999T999999Z\r\n"
    b"ATTENDEE:mailto:a@b.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP;TZID=../../etc/passwd:20260101T000000\r\n"
    b"ATTENDEE:mailto:a@b.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
]


def test_hostile_calendars_are_passed_over(scene: Scene) -> None:
    _, mail = invited(scene)
    before = state(scene)
    for number, content in enumerate(HOSTILE):
        raw = (
            f"From: {mail.to_address}\r\nTo: {mail.sender_address}\r\nMessage-ID: <{number}@x>\r\n"
            "Content-Type: text/calendar; method=REPLY\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        ).encode() + base64.encodebytes(content)
        take(raw)
        assert state(scene) == before, number


@pytest.mark.every_database
def test_the_same_mail_at_once_acts_once_and_two_answers_end_with_the_later(app: Flask) -> None:
    """Twelve workers: six have the same refusal, six have an older yes each."""
    scene = make_scene()
    meeting, mail = invited(scene)
    refusal = answer(mail, "DECLINED", at=NOW + 10 * MINUTE)
    yes = [answer(mail, "ACCEPTED", at=NOW + MINUTE) for _ in range(6)]
    now = NOW + 20 * MINUTE

    def taking(raw: bytes) -> Callable[[], object]:
        return lambda: take(raw, now).done

    results = at_once(app, [taking(raw) for raw in [refusal] * 6 + yes])
    assert not [one for one in results if isinstance(one, Exception)]
    assert results[:6].count("declined, cancelled") == 1
    assert results[:6].count("received before") == 5
    db.session.rollback()
    assert db.session.get_one(Meeting, meeting.id).sequence == 1
    assert invitation_of(login_of(scene.guest)).participation == Participation.DECLINED
    cancelled = select(func.count()).where(OutboxMail.kind == "meetings/cancelled")
    assert (db.session.scalar(cancelled) or 0) <= 1


@pytest.mark.every_database
def test_passes_at_once_send_each_invitation_once(app: Flask) -> None:
    scene = make_scene()
    scene.accept(scene.ask())
    event: Event = scene.event
    for _ in range(20):
        speaks(make_user(), make_item(event))
    publish(event)
    results = at_once(app, [lambda: len(send()) for _ in range(6)])
    assert not [one for one in results if isinstance(one, Exception)]
    db.session.rollback()
    sent = select(OutboxMail.to_address).where(OutboxMail.calendar_method == "REQUEST")
    addresses = list(db.session.scalars(sent))
    assert len(addresses) == 22
    assert len(set(addresses)) == 22
