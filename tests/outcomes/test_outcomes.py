"""Outcomes: private until both sides share, then in both histories."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from forum_app.core.errors import Invalid, NotFound
from forum_app.db import db, transaction
from forum_app.history.services import participation_history
from forum_app.mail.models import OutboxMail
from forum_app.meetings.models import Meeting, MeetingStatus
from forum_app.outcomes.models import Outcome, Pathway, Wish
from forum_app.outcomes.queries import count_outcomes
from forum_app.outcomes.services import note_outcome
from forum_app.web import clock
from tests.factories import login_of, make_member, make_user, sign_in
from tests.meetings.scene import OPENS, Scene, change, make_scene
from tests.queries import LIMIT_PER_PAGE, count_queries

AFTER = OPENS + timedelta(hours=1)


@pytest.fixture
def scene(app: Flask) -> Iterator[Scene]:
    with app.app_context():
        yield make_scene()


@pytest.fixture
def meeting(scene: Scene) -> Meeting:
    """A meeting of the guest with the host that has begun."""
    made = scene.accept(scene.ask())
    clock.set_to(AFTER)
    return made


def note(scene: Scene, meeting: Meeting, who: str, **values: Any) -> Outcome:
    user = login_of(getattr(scene, who))
    with transaction():
        return note_outcome(
            actor=user,
            meeting=db.session.get_one(Meeting, meeting.id),
            now=clock.now(),
            wish=values.pop("wish", Wish.FOLLOW_UP),
            **values,
        )


def test_it_stays_private_until_both_share(scene: Scene, meeting: Meeting, client: FlaskClient) -> None:
    note(scene, meeting, "guest", next_step="We send the test report", shared=True)
    page = f"{scene.path}/outcomes"
    sign_in(client, login_of(scene.host))
    assert "We send the test report" not in client.get(page).text
    note(scene, meeting, "host", wish=Wish.PATHWAY, pathway=Pathway.FCT, note="Impressive", shared=False)
    assert "We send the test report" not in client.get(page).text
    sign_in(client, login_of(scene.guest))
    assert "Impressive" not in client.get(page).text
    note(scene, meeting, "host", wish=Wish.PATHWAY, pathway=Pathway.FCT, note="Impressive", shared=True)
    text = client.get(page, headers={"Accept-Language": "en"}).text
    assert "Impressive" in text
    assert "Foreign Comparative Testing" in text
    told = db.session.scalars(
        select(OutboxMail).where(OutboxMail.subject.contains("shared the outcome"))
    ).all()
    assert [mail.to_address for mail in told] == [login_of(scene.guest).email]


def test_taking_the_share_back_closes_it_again(scene: Scene, meeting: Meeting, client: FlaskClient) -> None:
    note(scene, meeting, "guest", note="Ours", shared=True)
    note(scene, meeting, "host", note="Theirs", shared=True)
    note(scene, meeting, "host", note="Theirs", shared=False)
    sign_in(client, login_of(scene.guest))
    assert "Theirs" not in client.get(f"{scene.path}/meetings/{meeting.id}/outcome").text.split("<form")[0]
    sign_in(client, login_of(scene.host))
    assert "Ours" not in client.get(f"{scene.path}/outcomes").text


def test_the_organizers_read_only_what_both_share(
    scene: Scene, meeting: Meeting, client: FlaskClient
) -> None:
    note(scene, meeting, "guest", note="Only ours", shared=True)
    sign_in(client, scene.organizer)
    page, sheet = f"{scene.path}/manage/outcomes", f"{scene.path}/manage/outcomes.csv"
    assert "Only ours" not in client.get(page).text + client.get(sheet).text
    figures = count_outcomes(scene.event.id, AFTER)
    assert (figures.held, figures.noted, figures.shared, figures.wishes) == (1, 1, 0, {})
    note(scene, meeting, "host", wish=Wish.SAMPLE_OR_TEST, note="=cmd()", shared=True)
    assert "Only ours" in client.get(page).text
    text = client.get(sheet).text
    assert "Only ours" in text
    assert "'=cmd()" in text
    assert count_outcomes(scene.event.id, AFTER).wishes == {Wish.FOLLOW_UP: 1, Wish.SAMPLE_OR_TEST: 1}


def test_a_pathway_must_be_named_and_the_next_step_lies_ahead(scene: Scene, meeting: Meeting) -> None:
    with pytest.raises(Invalid):
        note(scene, meeting, "guest", wish=Wish.PATHWAY)
    with pytest.raises(Invalid):
        note(scene, meeting, "guest", next_step_on=date(2090, 11, 29))
    assert db.session.scalars(select(Outcome)).all() == []
    row = note(scene, meeting, "guest", wish=Wish.FOLLOW_UP, pathway=Pathway.IQT)
    assert row.pathway is None


def test_only_those_who_met_and_only_once_it_began(scene: Scene, client: FlaskClient) -> None:
    meeting = scene.accept(scene.ask())
    with pytest.raises(NotFound):
        note(scene, meeting, "guest")
    path = f"{scene.path}/meetings/{meeting.id}/outcome"
    sign_in(client, login_of(scene.guest))
    assert client.get(path).status_code == 404
    clock.set_to(AFTER)
    sign_in(client, login_of(scene.guest))  # the session of long ago has ended
    assert client.get(path).status_code == 200
    for stranger in (scene.organizer, login_of(scene.more_guest())):
        assert stranger is not None
        sign_in(client, stranger)
        assert client.get(path).status_code == 404
    change(meeting, status=MeetingStatus.NO_SHOW)
    sign_in(client, login_of(scene.guest))
    assert client.get(path).status_code == 404


def test_the_form_keeps_what_was_typed(scene: Scene, meeting: Meeting, client: FlaskClient) -> None:
    sign_in(client, login_of(scene.guest))
    path = f"{scene.path}/meetings/{meeting.id}/outcome"
    answer = client.post(path, data={"wish": "pathway", "note": "<script>typed</script>"})
    assert answer.status_code == 422
    assert "&lt;script&gt;typed" in answer.text
    answer = client.post(path, data={"wish": "pathway", "pathway": "iqt", "next_step_on": "2090-12-24"})
    assert answer.status_code == 303
    row = db.session.scalars(select(Outcome)).one()
    assert (row.wish, row.pathway, row.next_step_on) == (Wish.PATHWAY, Pathway.IQT, date(2090, 12, 24))


def test_history_shows_ones_own_and_what_both_share(scene: Scene, meeting: Meeting) -> None:
    member = make_user()
    assert scene.guest.organization is not None
    make_member(member, scene.guest.organization)
    note(scene, meeting, "guest", next_step="Ours", shared=False)
    note(scene, meeting, "host", next_step="Theirs", shared=True)

    organization = scene.guest.organization

    def known(reader: object) -> list[str]:
        editions = participation_history(actor=reader, organization=organization, now=AFTER)
        return [one.next_step for e in editions for m in e.meetings for one in m.outcomes]

    assert known(member) == ["Ours"]
    assert known(scene.organizer) == []
    note(scene, meeting, "guest", next_step="Ours", shared=True)
    assert sorted(known(member)) == ["Ours", "Theirs"]
    assert sorted(known(scene.organizer)) == ["Ours", "Theirs"]


def test_lists_cost_the_same_at_any_length(scene: Scene, client: FlaskClient) -> None:
    counts = []
    made = 0
    clock.set_to(AFTER + timedelta(hours=3))
    for number in (2, 6):
        while made < number:
            guest = scene.more_guest()
            meeting = scene.accept(scene.ask(guest), OPENS + made * timedelta(minutes=20))
            for user in (login_of(scene.host), login_of(guest)):
                with transaction():
                    row = db.session.get_one(Meeting, meeting.id)
                    note_outcome(actor=user, meeting=row, wish=Wish.NONE, shared=True, now=clock.now())
            made += 1
        sign_in(client, login_of(scene.host))
        with count_queries() as mine:
            assert client.get(f"{scene.path}/outcomes").status_code == 200
        sign_in(client, scene.organizer)
        with count_queries() as all_of_them:
            assert client.get(f"{scene.path}/manage/outcomes").status_code == 200
        counts.append((len(mine), len(all_of_them)))
    assert counts[0] == counts[1]
    assert max(counts[0]) <= LIMIT_PER_PAGE
