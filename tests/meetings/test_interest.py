"""Interest: asking without holding a slot, answering, delegations, no thanks, limits, time going by."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from forum_app.accounts.models import User
from forum_app.audit.models import AuditEntry
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.db import db, transaction
from forum_app.mail.models import OutboxMail
from forum_app.meetings.booking_services import accept_request
from forum_app.meetings.interest_queries import get_settings, interest_closes_at, list_interest
from forum_app.meetings.interest_services import (
    decline_unwelcome,
    expire_requests,
    mark_no_thanks,
    patience,
    remind_hosts,
    remove_no_thanks,
    save_profile,
)
from forum_app.meetings.models import (
    Claim,
    KindLimit,
    MeetingFormat,
    MeetingProfile,
    MeetingRequest,
    MeetingSettings,
    NoThanks,
    Priority,
    RequestState,
)
from forum_app.meetings.services import (
    agree_request,
    answer_as,
    decline_request,
    release_people_who_left,
    request_meeting,
    withdraw_request,
)
from forum_app.meetings.setting_services import Limits, allow_kinds, bar_kinds, save_limits, save_settings
from forum_app.organizations.models import Kind, TechnologyArea
from forum_app.registration.models import Registration, RegistrationState
from tests.factories import NOW, make_registration, make_user
from tests.meetings.scene import OPENS, Scene, change, make_scene

DAY = timedelta(days=1)


def user(person: Registration) -> User:
    """Their login."""
    assert person.user is not None
    return person.user


def ask(
    scene: Scene, guest: Registration | None = None, host: Registration | None = None, **values: Any
) -> Any:
    guest, host = guest or scene.guest, host or scene.host
    with transaction():
        return request_meeting(
            actor=values.pop("actor", user(guest)),
            event=scene.event,
            asker=guest,
            host=host,
            topic=values.pop("topic", "Wind sensing"),
            now=values.pop("now", NOW),
            **values,
        )


def agree(scene: Scene, request: MeetingRequest, **values: Any) -> None:
    with transaction():
        agree_request(
            actor=values.pop("actor", user(request.host)),
            event=scene.event,
            request=request,
            priority=values.pop("priority", Priority.WANT),
            now=NOW,
            **values,
        )


def no_thanks(scene: Scene, one: Registration, other: Registration) -> None:
    with transaction():
        mark_no_thanks(actor=user(one), event=scene.event, registration=one, other=other, now=NOW)


def colleague(scene: Scene, **values: Any) -> Registration:
    """Another of the host's delegation."""
    return make_registration(
        scene.event,
        make_user(),
        participant_type=values.pop("participant_type", scene.host_type),
        organization=scene.host.organization,
        **values,
    )


def kinds_of_mail(template: str) -> list[str]:
    return list(
        db.session.scalars(
            select(OutboxMail.to_address)
            .where(OutboxMail.kind == f"meetings/{template}")
            .order_by(OutboxMail.id)
        )
    )


# --- Mutual interest -----------------------------------------------------------------------------------


def test_a_yes_is_mutual_interest_and_holds_no_slot(scene: Scene) -> None:
    request = ask(scene, priority=Priority.MUST)
    assert request.expires_at == NOW + timedelta(days=10)
    agree(scene, request, priority=Priority.MUST)
    assert (request.state, request.is_mutual, request.host_priority) == (
        RequestState.AGREED,
        True,
        Priority.MUST,
    )
    assert request.expires_at is None, "what is agreed waits for a time, however long"
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 0
    assert kinds_of_mail("agreed") == [user(scene.guest).email]
    with pytest.raises(Conflict):
        agree(scene, request)


def test_two_who_ask_one_another_agree(scene: Scene) -> None:
    first, other = ask(scene), scene.guest
    change(other, listed=True)
    again = ask(scene, scene.host, other, topic="", priority=Priority.MUST)
    assert again.id == first.id
    assert (first.state, first.host_priority) == (RequestState.AGREED, Priority.MUST)
    assert db.session.scalar(select(func.count()).select_from(MeetingRequest)) == 1


def test_who_takes_meetings_may_ask_whoever_is_listed(scene: Scene) -> None:
    with pytest.raises(Invalid, match="does not take meetings"):
        ask(scene, scene.host, scene.guest)
    change(scene.guest, listed=True)
    assert ask(scene, scene.host, scene.guest).state == RequestState.PENDING
    two = [scene.more_guest(listed=True) for _ in range(2)]
    with pytest.raises(Invalid, match="does not take meetings"):
        ask(scene, *two)


def test_an_agreed_one_can_still_be_given_a_time(scene: Scene) -> None:
    request = ask(scene)
    agree(scene, request)
    with transaction():
        meeting = accept_request(
            actor=user(scene.host), event=scene.event, request=request, starts_at=OPENS, now=NOW
        )
    assert meeting.request_id == request.id
    assert request.state == RequestState.ACCEPTED


def test_interest_is_taken_back_by_either_side(scene: Scene) -> None:
    mine, theirs = ask(scene), ask(scene, scene.more_guest())
    agree(scene, mine)
    agree(scene, theirs)
    with transaction():
        withdraw_request(actor=user(scene.guest), event=scene.event, request=mine, now=NOW)
        decline_request(actor=user(scene.host), event=scene.event, request=theirs, now=NOW)
    assert (mine.state, theirs.state) == (RequestState.WITHDRAWN, RequestState.DECLINED)
    assert kinds_of_mail("withdrawn") == [user(scene.host).email], "who had agreed is told"
    assert kinds_of_mail("declined") == [user(theirs.asker).email]


def test_a_waiting_one_is_withdrawn_in_silence(scene: Scene) -> None:
    request = ask(scene)
    with transaction():
        withdraw_request(actor=user(scene.guest), event=scene.event, request=request, now=NOW)
    assert kinds_of_mail("withdrawn") == []


def test_format_and_message_are_kept(scene: Scene) -> None:
    request = ask(scene, format=MeetingFormat.REMOTE, message="Slides follow")
    assert (request.format, request.message) == (MeetingFormat.REMOTE, "Slides follow")


# --- Delegations ---------------------------------------------------------------------------------------


def test_a_delegation_is_told_and_any_of_it_answers(scene: Scene) -> None:
    second, quiet = colleague(scene), colleague(scene, participant_type=scene.guest_type)
    request = ask(scene, team=True)
    assert set(kinds_of_mail("asked")) == {user(scene.host).email, user(second).email}
    assert [row.id for row in list_interest(second).to_answer] == [request.id]
    assert list_interest(quiet).to_answer == []
    agree(scene, request, actor=user(second), answering=second)
    assert (request.host_id, request.state) == (second.id, RequestState.AGREED)
    assert list_interest(scene.host).agreed == []
    assert [row.id for row in list_interest(second).agreed] == [request.id]


def test_a_request_to_one_person_is_for_that_person(scene: Scene) -> None:
    second = colleague(scene)
    request = ask(scene)
    assert kinds_of_mail("asked") == [user(scene.host).email]
    assert list_interest(second).to_answer == []
    with pytest.raises(PermissionDenied):
        agree(scene, request, actor=user(second), answering=second)
    with pytest.raises(PermissionDenied):
        answer_as(actor=user(second), event=scene.event, request=request, answering=second)


def test_a_colleague_takes_a_team_request_into_their_own_time(scene: Scene) -> None:
    second = colleague(scene)
    from_ = scene.more_host(hours=False)
    request = ask(scene, team=True)
    with pytest.raises(PermissionDenied), transaction():
        answer_as(actor=user(from_), event=scene.event, request=request, answering=from_)
    with transaction():
        answer_as(actor=user(second), event=scene.event, request=request, answering=second)
    assert request.host_id == second.id


def test_when_the_addressed_one_leaves_a_colleague_gets_it(scene: Scene) -> None:
    second = colleague(scene)
    request = ask(scene, team=True)
    change(scene.host, state=RegistrationState.CANCELLED)
    with transaction():
        release_people_who_left(now=NOW)
    assert (request.host_id, request.state) == (second.id, RequestState.PENDING)
    change(second, state=RegistrationState.CANCELLED)
    with transaction():
        release_people_who_left(now=NOW)
        release_people_who_left(now=NOW)
    assert request.state == RequestState.DECLINED
    assert len(kinds_of_mail("declined")) == 1


# --- No thanks -----------------------------------------------------------------------------------------


def test_a_mark_is_never_told(scene: Scene) -> None:
    unmarked = scene.more_host()
    no_thanks(scene, scene.host, scene.guest)
    mails = db.session.scalar(select(func.count()).select_from(OutboxMail))
    assert mails == 0
    request, plain = ask(scene), ask(scene, host=unmarked)
    # to the asker the two look the same; the host neither sees it nor gets a mail
    assert (request.state, request.expires_at) == (plain.state, plain.expires_at)
    assert [row.id for row in list_interest(scene.guest).asked] == [request.id, plain.id]
    assert list_interest(scene.host).to_answer == []
    assert kinds_of_mail("asked") == [user(unmarked).email]


def test_what_a_marked_one_asks_is_declined_like_any_other(scene: Scene) -> None:
    no_thanks(scene, scene.host, scene.guest)
    request, plain = ask(scene), ask(scene, host=scene.more_host())
    with transaction():
        assert decline_unwelcome(now=NOW + timedelta(minutes=1)) == 0, "not within the minute"
    later = NOW + patience(request)
    assert timedelta(hours=1) < patience(request) <= timedelta(hours=31)
    with transaction():
        assert decline_unwelcome(now=later) == 1
        assert decline_unwelcome(now=later) == 0
    with transaction():
        decline_request(actor=user(plain.host), event=scene.event, request=plain, now=later)
    assert (request.state, request.answer) == (plain.state, plain.answer)
    mails = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "meetings/declined")).all()
    bodies = [
        mail.body.replace(person.name_latin, "X")
        for mail, person in zip(mails, (scene.host, plain.host), strict=True)
    ]
    assert bodies[0].splitlines()[0] == bodies[1].splitlines()[0]
    assert not any("thanks" in mail.body.lower() for mail in mails)


def test_a_mark_ends_what_waits_between_the_two(scene: Scene) -> None:
    request = ask(scene)
    no_thanks(scene, scene.host, scene.guest)
    assert request.state == RequestState.DECLINED
    mine = ask(scene, scene.more_guest())
    no_thanks(scene, mine.asker, scene.host)
    assert mine.state == RequestState.WITHDRAWN
    no_thanks(scene, mine.asker, scene.host)  # twice is once
    assert db.session.scalar(select(func.count()).select_from(NoThanks)) == 2


def test_a_mark_does_not_end_a_meeting(scene: Scene) -> None:
    scene.accept(scene.ask())
    with pytest.raises(Conflict, match="Cancel it first"):
        no_thanks(scene, scene.host, scene.guest)


def test_who_asks_takes_the_own_mark_back(scene: Scene) -> None:
    change(scene.guest, listed=True)
    no_thanks(scene, scene.host, scene.guest)
    request = ask(scene)
    again = ask(scene, scene.host, scene.guest)
    assert again.id == request.id
    assert request.state == RequestState.AGREED
    assert db.session.scalar(select(func.count()).select_from(NoThanks)) == 0


def test_nobody_marks_for_another(scene: Scene) -> None:
    for actor in (scene.organizer, user(scene.guest), make_user(is_admin=True)):
        with pytest.raises(PermissionDenied), transaction():
            mark_no_thanks(
                actor=actor, event=scene.event, registration=scene.host, other=scene.guest, now=NOW
            )
        with pytest.raises(PermissionDenied), transaction():
            remove_no_thanks(
                actor=actor, event=scene.event, registration=scene.host, other_id=scene.guest.id, now=NOW
            )
    with pytest.raises(Invalid):
        no_thanks(scene, scene.host, colleague(scene))


def test_of_a_delegation_the_willing_answer(scene: Scene) -> None:
    second = colleague(scene)
    no_thanks(scene, scene.host, scene.guest)
    request = ask(scene, team=True)
    assert kinds_of_mail("asked") == [user(second).email]
    with transaction():
        assert decline_unwelcome(now=NOW + 3 * DAY) == 0
    no_thanks(scene, second, scene.guest)
    with transaction():
        assert decline_unwelcome(now=NOW + 3 * DAY) == 1
    assert request.state == RequestState.DECLINED


# --- Limits and closing --------------------------------------------------------------------------------


def test_limits_by_kind(scene: Scene) -> None:
    with transaction():
        save_limits(
            actor=scene.organizer,
            event=scene.event,
            limits={Kind.STARTUP: Limits(most_requests=1), Kind.PRESS: Limits()},
            now=NOW,
        )
    ask(scene)
    with pytest.raises(Invalid, match="1 requests waiting"):
        ask(scene, host=scene.more_host())
    with transaction():
        save_limits(actor=scene.organizer, event=scene.event, limits={Kind.STARTUP: Limits()}, now=NOW)
    assert db.session.scalar(select(func.count()).select_from(KindLimit)) == 0
    ask(scene, host=scene.more_host())
    for wrong in (Limits(most_requests=-1), Limits(most_meetings=201), Limits(None, 2, 3)):
        with pytest.raises(Invalid), transaction():
            save_limits(actor=scene.organizer, event=scene.event, limits={Kind.STARTUP: wrong}, now=NOW)


def test_interest_closes(scene: Scene) -> None:
    waiting = ask(scene)
    closes = NOW + 2 * DAY
    with transaction():
        save_settings(
            actor=scene.organizer, event=scene.event, interest_closes_at=closes, request_days=5, now=NOW
        )
    db.session.expire_all()
    assert waiting.expires_at == closes, "what waits ends with it"
    late = scene.more_host()
    assert ask(scene, host=late, now=closes - DAY).expires_at == closes
    with pytest.raises(Invalid, match="closed"):
        ask(scene, host=scene.more_host(), now=closes)
    agree(scene, waiting)  # answers are still welcome


def test_settings_are_the_organizers(scene: Scene) -> None:
    ends_at = interest_closes_at(scene.event, get_settings(scene.event.id))
    assert ends_at > OPENS
    for values in ({"request_days": 0}, {"walk_minutes": 7}, {"interest_closes_at": ends_at + DAY}):
        with pytest.raises(Invalid), transaction():
            save_settings(actor=scene.organizer, event=scene.event, now=NOW, **values)
    for nobody in (user(scene.host), user(scene.guest)):
        with pytest.raises(PermissionDenied), transaction():
            save_settings(actor=nobody, event=scene.event, now=NOW)
        with pytest.raises(PermissionDenied), transaction():
            save_limits(actor=nobody, event=scene.event, limits={}, now=NOW)
        with pytest.raises(PermissionDenied), transaction():
            bar_kinds(actor=nobody, event=scene.event, one=Kind.PRESS, other=Kind.AGENCY, now=NOW)
    assert db.session.scalar(select(func.count()).select_from(MeetingSettings)) == 0


def test_barred_kinds_and_paused_people_get_the_same_sentence(scene: Scene) -> None:
    sentences = set()
    with transaction():
        bar = bar_kinds(
            actor=scene.organizer, event=scene.event, one=Kind.STARTUP, other=Kind.AGENCY, now=NOW
        )
    with pytest.raises(Conflict), transaction():
        bar_kinds(actor=scene.organizer, event=scene.event, one=Kind.AGENCY, other=Kind.STARTUP, now=NOW)
    with pytest.raises(Invalid) as barred:
        ask(scene)
    sentences.add(str(barred.value))
    with transaction():
        allow_kinds(actor=scene.organizer, event=scene.event, bar=bar, now=NOW)
        save_profile(actor=user(scene.host), event=scene.event, registration=scene.host, paused=True, now=NOW)
    with pytest.raises(Invalid) as paused:
        ask(scene)
    sentences.add(str(paused.value))
    assert sentences == {"This person is not available for a meeting with you."}


# --- Profiles --------------------------------------------------------------------------------------------


def test_a_profile_and_its_statement(scene: Scene) -> None:
    area = db.session.scalars(select(TechnologyArea)).first()
    assert area is not None
    values: dict[str, Any] = {"event": scene.event, "registration": scene.guest, "now": NOW}
    with transaction():
        profile = save_profile(
            actor=user(scene.guest),
            wishes_en="Trials",
            areas=[area],
            needs_clearance=True,
            export_statement="Nothing needs a licence.",
            **values,
        )
    assert profile.export_stated_at == NOW
    assert not profile.needs_clearance, "gates are for those who take meetings"
    with transaction():
        save_profile(actor=scene.organizer, wishes_en="Trials at sea", export_statement="", **values)
    assert profile.export_statement == "Nothing needs a licence.", "the person's own"
    assert profile.wishes_en == "Trials at sea"
    with pytest.raises(PermissionDenied), transaction():
        save_profile(actor=user(scene.host), **values)
    for wrong in ({"most_meetings": 201}, {"link": "javascript:alert(1)"}, {"link": "https://"}):
        with pytest.raises(Invalid), transaction():
            save_profile(actor=user(scene.guest), **values, **wrong)
    with transaction():
        save_profile(actor=user(scene.guest), **values)
    assert profile.export_stated_at is None


# --- Time --------------------------------------------------------------------------------------------------


def test_the_host_is_reminded_once_and_then_it_ends_once(scene: Scene) -> None:
    request = ask(scene)
    ends = NOW + timedelta(days=10)
    with transaction():
        assert remind_hosts(now=ends - timedelta(hours=49)) == 0
        assert expire_requests(now=ends - timedelta(seconds=1)) == 0
    for expected in (1, 0, 0):
        with transaction():
            assert remind_hosts(now=ends - timedelta(hours=48)) == expected
    assert kinds_of_mail("reminder") == [user(scene.host).email]
    for expected in (1, 0, 0):
        with transaction():
            assert expire_requests(now=ends) == expected
    assert request.state == RequestState.EXPIRED
    assert kinds_of_mail("expired") == [user(scene.guest).email]
    with transaction():
        assert remind_hosts(now=ends) == 0
    trail = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action == "meetings.expired"))
    assert len(trail.all()) == 1


def test_a_short_one_is_reminded_half_way(scene: Scene) -> None:
    with transaction():
        save_settings(actor=scene.organizer, event=scene.event, request_days=1, now=NOW)
    ask(scene)
    with transaction():
        assert remind_hosts(now=NOW + timedelta(hours=11)) == 0
        assert remind_hosts(now=NOW + timedelta(hours=12)) == 1


def test_what_is_agreed_or_answered_does_not_expire(scene: Scene) -> None:
    yes, no = ask(scene), ask(scene, host=scene.more_host())
    agree(scene, yes)
    with transaction():
        decline_request(actor=user(no.host), event=scene.event, request=no, now=NOW)
        assert remind_hosts(now=NOW + 9 * DAY) == 0
        assert expire_requests(now=NOW + 90 * DAY) == 0
    assert yes.state == RequestState.AGREED
    over = interest_closes_at(scene.event, get_settings(scene.event.id)) + 2 * DAY
    with transaction():
        release_people_who_left(now=over)
    assert yes.state == RequestState.EXPIRED, "with the event the wish is over"


def test_reminders_and_ends_of_unwelcome_ones_reach_nobody_who_said_no(scene: Scene) -> None:
    no_thanks(scene, scene.host, scene.guest)
    ask(scene)
    with transaction():
        remind_hosts(now=NOW + 9 * DAY)
    assert kinds_of_mail("reminder") == []


# --- Races -------------------------------------------------------------------------------------------------


def race(app: Flask, jobs: list[Any]) -> list[str]:
    """Run these at the same moment, each in a session of its own; what came of each."""
    barrier, outcomes = threading.Barrier(len(jobs)), [""] * len(jobs)

    def run(place: int, job: Any) -> None:
        with app.app_context():
            barrier.wait(60)
            try:
                with transaction():
                    job()
                outcomes[place] = "done"
            except Exception as error:
                outcomes[place] = type(error).__name__
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(n, job)) for n, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    return outcomes


def asking(event_id: int, asker_id: int, host_id: int) -> Any:
    def run() -> None:
        asker, host = db.session.get_one(Registration, asker_id), db.session.get_one(Registration, host_id)
        request_meeting(
            actor=user(asker), event=asker.event, asker=asker, host=host, topic="At once", now=NOW
        )

    return run


@pytest.mark.every_database
def test_two_requests_at_once_are_one(app: Flask) -> None:
    scene = make_scene()
    ids = (scene.event.id, scene.guest.id, scene.host.id)
    db.session.commit()
    outcomes = race(app, [asking(*ids) for _ in range(6)])
    assert sorted(outcomes) == ["Conflict"] * 5 + ["done"]
    assert db.session.scalar(select(func.count()).select_from(MeetingRequest)) == 1


@pytest.mark.every_database
def test_two_who_ask_one_another_at_once_have_one_agreed_request(app: Flask) -> None:
    scene = make_scene()
    other = scene.more_host()
    event_id, one_id, other_id = scene.event.id, scene.host.id, other.id
    db.session.commit()
    outcomes = race(app, [asking(event_id, one_id, other_id), asking(event_id, other_id, one_id)])
    assert outcomes == ["done", "done"]
    rows = db.session.scalars(select(MeetingRequest)).all()
    assert [row.state for row in rows] == [RequestState.AGREED]


@pytest.mark.every_database
def test_the_limit_holds_when_many_are_sent_at_once(app: Flask) -> None:
    scene = make_scene()
    with transaction():
        save_limits(
            actor=scene.organizer, event=scene.event, limits={Kind.STARTUP: Limits(most_requests=2)}, now=NOW
        )
    hosts = [scene.more_host(hours=False).id for _ in range(6)]
    event_id, guest_id = scene.event.id, scene.guest.id
    db.session.commit()
    outcomes = race(app, [asking(event_id, guest_id, host) for host in hosts])
    assert sorted(outcomes) == ["Invalid"] * 4 + ["done"] * 2


@pytest.mark.every_database
def test_workers_at_once_expire_and_tell_once(app: Flask) -> None:
    scene = make_scene()
    for _ in range(5):
        ask(scene, scene.more_guest())
    db.session.commit()
    late = NOW + timedelta(days=11)
    race(app, [lambda: expire_requests(now=late) for _ in range(3)])
    race(app, [lambda: expire_requests(now=late) for _ in range(2)])
    assert len(kinds_of_mail("expired")) == 5
    assert set(db.session.scalars(select(MeetingRequest.state))) == {RequestState.EXPIRED}


def test_profile_rows_are_one_per_person(scene: Scene) -> None:
    for _ in range(2):
        with transaction():
            save_profile(actor=user(scene.guest), event=scene.event, registration=scene.guest, now=NOW)
    assert db.session.scalar(select(func.count()).select_from(MeetingProfile)) == 1
