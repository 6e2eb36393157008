"""What each reader may know of an organization's history: page, CSV, counts."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from forum_app.accounts.models import User
from forum_app.db import db
from forum_app.events.models import Event, EventRole, Visibility
from forum_app.events.permissions import can_know_event
from forum_app.history.permissions import known_events
from forum_app.history.queries import list_events_of
from forum_app.history.services import Edition, participation_history
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingRole, MeetingStatus
from forum_app.organizations.models import MemberRole, MemberState, Organization
from forum_app.pitches.models import PitchCall, PitchSubmission, SubmissionState
from forum_app.registration.models import Registration, RegistrationState
from tests.factories import (
    NOW,
    grant,
    make_event,
    make_member,
    make_organization,
    make_registration,
    make_series,
    make_user,
    save,
    sign_in,
)
from tests.queries import LIMIT_PER_PAGE, count_queries

PAST = {"starts_on": date(2025, 10, 1), "ends_on": date(2025, 10, 2)}
S = RegistrationState
_number = count(1)


def make_pitch(
    event: Event, organization: Organization, state: SubmissionState, title: str
) -> PitchSubmission:
    call = db.session.query(PitchCall).filter_by(event_id=event.id).one_or_none()
    if call is None:
        call = PitchCall(event_id=event.id, opens_at=NOW, closes_at=NOW + timedelta(days=9))
        save(call)
    row = PitchSubmission(
        call_id=call.id, organization_id=organization.id, title_en=title, state=state, created_at=NOW
    )
    save(row)
    return row


def make_meeting(
    event: Event, *people: Registration, topic: str, status: MeetingStatus = MeetingStatus.CONFIRMED
) -> Meeting:
    start = datetime(2025, 10, 1, 1, 0, tzinfo=UTC) + timedelta(hours=next(_number))
    meeting = Meeting(
        event_id=event.id,
        starts_at=start,
        ends_at=start + timedelta(minutes=20),
        topic=topic,
        status=status,
        uid=f"m{next(_number)}@forum.test",
        created_at=NOW,
        changed_at=NOW,
    )
    save(meeting)
    roles = [MeetingRole.HOST] + [MeetingRole.GUEST] * (len(people) - 1)
    save(
        *[
            MeetingParticipant(meeting_id=meeting.id, registration_id=person.id, role=role)
            for person, role in zip(people, roles, strict=True)
        ]
    )
    return meeting


@dataclass
class World:
    """An organization at one past public event, and readers of every kind."""

    organization: Organization
    event: Event
    readers: dict[str, User | None]


@pytest.fixture
def world(app: Flask) -> World:
    series = make_series(name_en="Technology Forum", name_ja="技術フォーラム")
    event = make_event(title_en="The 35th", series_id=series.id, edition=35, **PAST)
    organization = make_organization(slug="aozora", name_en="Aozora", name_ja="青空")
    partner = make_organization(slug="partner", name_en="Secret Partner")
    listed = make_registration(
        event, organization=organization, state=S.CHECKED_IN, name_latin="Listed Person", listed=True
    )
    make_registration(event, organization=organization, state=S.CHECKED_IN, name_latin="Quiet Person")
    make_registration(event, organization=organization, state=S.NO_SHOW, name_latin="Absent Person")
    make_registration(event, organization=organization, state=S.APPROVED, name_latin="Unseen Person")
    make_registration(event, organization=organization, state=S.DECLINED, name_latin="Declined Person")
    make_pitch(event, organization, SubmissionState.ACCEPTED, "Accepted Pitch")
    other = make_registration(event, organization=partner, name_latin="Partner Person")
    make_meeting(event, listed, other, topic="Quiet Topic")
    make_meeting(event, listed, other, topic="Cancelled Topic", status=MeetingStatus.CANCELLED)
    readers: dict[str, User | None] = {
        name: make_user()
        for name in ("stranger", "member", "former", "asking", "partner", "organizer", "checkin")
    }
    readers |= {"anonymous": None, "admin": make_user(is_admin=True)}
    make_member(_of(readers, "member"), organization, role=MemberRole.MEMBER)
    make_member(_of(readers, "former"), organization, state=MemberState.ENDED)
    make_member(_of(readers, "asking"), organization, state=MemberState.REQUESTED)
    make_member(_of(readers, "partner"), partner)
    grant(_of(readers, "organizer"), event)
    grant(_of(readers, "checkin"), event, EventRole.CHECK_IN_STAFF)
    return World(organization, event, readers)


def _of(readers: dict[str, User | None], name: str) -> User:
    user = readers[name]
    assert user is not None
    return user


INSIDERS = ("member", "organizer", "checkin", "admin")
OUTSIDERS = ("anonymous", "stranger", "former", "asking", "partner")


def read(client: FlaskClient, world: World, reader: str) -> tuple[str, str]:
    """Page and CSV as reader gets them."""
    user = world.readers[reader]
    if user is not None:
        sign_in(client, user)
    page = client.get(f"/organizations/{world.organization.slug}/history")
    table = client.get(f"/organizations/{world.organization.slug}/history.csv")
    assert (page.status_code, table.status_code) == (200, 200)
    return page.text, table.text


def history(world: World, reader: User | None, now: datetime = NOW) -> list[Edition]:
    class Nobody:
        is_authenticated = False

    return participation_history(actor=reader or Nobody(), organization=world.organization, now=now)


@pytest.mark.parametrize("reader", INSIDERS)
def test_insiders_see_names_partners_and_topics(client: FlaskClient, world: World, reader: str) -> None:
    make_pitch(world.event, make_organization(), SubmissionState.ACCEPTED, "Pitch of Somebody Else")
    make_pitch(world.event, world.organization, SubmissionState.WITHDRAWN, "Withdrawn Pitch")
    for text in read(client, world, reader):
        for seen in ("Listed Person", "Quiet Person", "Secret Partner", "Quiet Topic", "Accepted Pitch"):
            assert seen in text
        assert "Withdrawn Pitch" in text
        for unseen in (
            "Absent",
            "Unseen",
            "Declined Person",
            "Cancelled Topic",
            "Somebody Else",
            "Partner Person",
        ):
            assert unseen not in text


@pytest.mark.parametrize("reader", OUTSIDERS)
def test_outsiders_see_numbers_and_who_is_listed(client: FlaskClient, world: World, reader: str) -> None:
    make_pitch(world.event, world.organization, SubmissionState.WITHDRAWN, "Withdrawn Pitch")
    page, table = read(client, world, reader)
    for text in (page, table):
        assert "Listed Person" in text
        assert "Accepted Pitch" in text
        for unseen in ("Quiet Person", "Secret Partner", "Quiet Topic", "Withdrawn Pitch"):
            assert unseen not in text
    assert "2 people came." in page
    assert "and 1 more" in page
    assert "1 meeting" in page
    assert "1 pitch" in page  # the withdrawn one is not even counted


@pytest.mark.parametrize(
    "state",
    [
        SubmissionState.DRAFT,
        SubmissionState.SUBMITTED,
        SubmissionState.RESERVE,
        SubmissionState.DECLINED,
        SubmissionState.WITHDRAWN,
    ],
)
def test_only_accepted_pitches_are_public_or_countable(world: World, state: SubmissionState) -> None:
    event = make_event(title_en="Pitch Only")
    make_pitch(event, world.organization, state, "Not Public")
    assert [e.event.title_en for e in history(world, None)] == ["The 35th"]
    seen = [e.event.title_en for e in history(world, world.readers["member"])]
    # a draft is nobody's history, not even the organization's own
    assert seen == (["The 35th"] if state == SubmissionState.DRAFT else ["Pitch Only", "The 35th"])


def test_a_closed_event_vanishes_wholly_for_those_who_may_not_know(client: FlaskClient, world: World) -> None:
    closed = make_event(title_en="Closed Group", visibility=Visibility.CLOSED, **PAST)
    insider, officer = make_user(), make_user()
    person = make_registration(
        closed,
        insider,
        organization=world.organization,
        state=S.CHECKED_IN,
        name_latin="In Closed",
        listed=True,
    )
    make_pitch(closed, world.organization, SubmissionState.ACCEPTED, "Closed Pitch")
    make_meeting(closed, person, topic="Closed Topic")
    grant(officer, closed, EventRole.VETTING_OFFICER)
    world.readers |= {"insider": insider, "officer": officer}
    # not even the organization's own members, if they were not there
    for reader in ("anonymous", "stranger", "member", "partner", "organizer"):
        for text in read(client, world, reader):
            assert "Closed" not in text
        assert [e.event.title_en for e in history(world, world.readers[reader])] == ["The 35th"]
    for reader in ("insider", "officer", "admin"):
        assert all("Closed Group" in text for text in read(client, world, reader))
    # who took part but is no member: numbers, and names of those who are listed
    page, table = read(client, world, "insider")
    assert "Closed Topic" not in page + table
    assert "Closed Topic" in "".join(read(client, world, "officer"))


def test_drafts_of_events_exist_only_for_their_staff(client: FlaskClient, world: World) -> None:
    draft = make_event(title_en="Unpublished Event", published_at=None, **PAST)
    make_registration(draft, organization=world.organization, state=S.CHECKED_IN)
    make_pitch(draft, world.organization, SubmissionState.ACCEPTED, "Pitch in a Draft")
    staff = make_user()
    grant(staff, draft, EventRole.PITCH_REVIEWER)
    world.readers["staff"] = staff
    for reader in ("anonymous", "stranger", "member", "organizer"):
        for text in read(client, world, reader):
            assert "Unpublished Event" not in text
            assert "Pitch in a Draft" not in text
    assert all("Unpublished Event" in text for text in read(client, world, "staff"))


def test_unlisted_events_are_not_given_away(client: FlaskClient, world: World) -> None:
    unlisted = make_event(title_en="Quiet Event", visibility=Visibility.UNLISTED, **PAST)
    guest = make_user()
    make_registration(unlisted, guest, organization=world.organization, state=S.CHECKED_IN)
    world.readers["guest"] = guest
    for reader in ("anonymous", "stranger", "organizer", "former"):
        assert all("Quiet Event" not in text for text in read(client, world, reader))
    for reader in ("member", "guest", "admin"):
        assert all("Quiet Event" in text for text in read(client, world, reader))


def test_known_events_agrees_with_the_house(world: World) -> None:
    """Of every kind of event and reader: nothing is shown here that the event itself would not show."""
    people = [make_user() for _ in range(3)] + [make_user(is_admin=True)]
    events = [
        make_event(visibility=visibility, published_at=published, **PAST)
        for visibility, published in product(Visibility, (NOW, None))
    ]
    for event in events:
        make_registration(event, people[0], organization=world.organization)
        make_registration(event, people[1], organization=world.organization, state=S.CANCELLED)
        grant(people[2], event, EventRole.CHECK_IN_STAFF)
    for person in people:
        for belongs in (False, True):
            shown = {event.id for event in known_events(person, events, belongs=belongs)}
            for event in events:
                known = can_know_event(person, event)
                hidden = event.visibility == Visibility.UNLISTED and not belongs and person is people[1]
                assert (event.id in shown) == (known and not hidden), (event.visibility, belongs)


def test_expected_people_before_and_those_who_came_after(world: World) -> None:
    event = make_event(title_en="Next One", timezone="Asia/Tokyo")  # ends on 1 December 2026
    for state in S:
        make_registration(event, organization=world.organization, state=state)
    last = datetime(2026, 12, 1, 14, 59, tzinfo=UTC)
    edition = history(world, None, last)[0]
    assert (edition.people_count, edition.is_over) == (2, False)
    edition = history(world, None, last + timedelta(minutes=1))[0]
    assert (edition.people_count, edition.is_over) == (1, True)


@pytest.mark.every_database
def test_rows_of_the_csv(client: FlaskClient, world: World) -> None:
    sign_in(client, _of(world.readers, "member"))
    response = client.get("/organizations/aozora/history.csv?lang=en")
    assert response.data.startswith(b"\xef\xbb\xbf")
    assert response.content_type == "text/csv; charset=utf-8"
    assert 'attachment; filename="aozora-history.csv"' in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))
    assert {row["Series"] for row in rows} == {"Technology Forum"}
    assert {row["From"] for row in rows} == {"2025-10-01"}
    counts = {row["Record"]: row["Number"] for row in rows if row["Number"]}
    assert counts == {"People who came": "2", "Pitches": "1", "Meetings": "1"}
    (meeting,) = [row for row in rows if row["Record"] == "Meeting"]
    assert (meeting["Name or title"], meeting["With"]) == ("Quiet Topic", "Secret Partner")
    response = client.get("/organizations/aozora/history.csv?lang=ja")
    assert "技術フォーラム" in response.data.decode("utf-8-sig")


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula(client: FlaskClient, world: World, evil: str) -> None:
    event = make_event(title_en=evil, series_id=make_series(name_en=evil).id, **PAST)
    partner = make_organization(name_en=evil)
    person = make_registration(event, organization=world.organization, state=S.CHECKED_IN, name_latin=evil)
    make_pitch(event, world.organization, SubmissionState.ACCEPTED, evil)
    make_meeting(event, person, make_registration(event, organization=partner), topic=evil)
    sign_in(client, _of(world.readers, "member"))
    data = client.get("/organizations/aozora/history.csv").data.decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(data)) for cell in row]
    assert sum(cell.strip("'") == evil for cell in cells) >= 5
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_script_is_shown_harmless(client: FlaskClient, world: World) -> None:
    evil = "<script>alert(1)</script>"
    event = make_event(title_en=evil, title_ja=evil, **PAST)
    person = make_registration(event, organization=world.organization, state=S.CHECKED_IN, name_latin=evil)
    make_pitch(event, world.organization, SubmissionState.ACCEPTED, evil)
    make_meeting(event, person, topic=evil)
    page, _ = read(client, world, "member")
    assert evil not in page
    assert "&lt;script&gt;" in page


def test_unknown_organization_and_empty_history(client: FlaskClient, world: World) -> None:
    assert client.get("/organizations/nobody/history").status_code == 404
    assert client.get("/organizations/nobody/history.csv").status_code == 404
    make_organization(slug="newcomer")
    assert "No participation yet" in client.get("/organizations/newcomer/history?lang=en").text
    assert client.get("/organizations/newcomer/history.csv").text.count("\n") == 1


def test_chart_reads_as_a_table(client: FlaskClient, world: World) -> None:
    page = client.get("/organizations/aozora/history?lang=en").text
    chart = page.split('<table class="chart">', 1)[1].split("</table>", 1)[0]
    assert '<th scope="row">The 35th</th>' in chart
    for head in ("People", "Pitches", "Meetings"):
        assert head in chart
    assert "noindex" in page


def _editions(organization: Organization, number: int) -> Iterator[Event]:
    partner = make_organization()
    for _ in range(number):
        visibility = list(Visibility)[next(_number) % 3]
        event = make_event(visibility=visibility, series_id=make_series().id, **PAST)
        people = [
            make_registration(event, organization=o, state=S.CHECKED_IN) for o in (organization, partner)
        ]
        make_pitch(event, organization, SubmissionState.ACCEPTED, "Pitch")
        make_meeting(event, *people, topic="Topic")
        yield event


@pytest.mark.parametrize("reader", ["anonymous", "member", "admin"])
def test_cost_does_not_grow_with_editions(client: FlaskClient, world: World, reader: str) -> None:
    list(_editions(world.organization, 3))
    user = world.readers[reader]
    if user is not None:
        sign_in(client, user)
    path = "/organizations/aozora/history"
    with count_queries() as few:
        client.get(path)
    list(_editions(world.organization, 20))
    with count_queries() as many:
        client.get(path)
    assert len(few) == len(many) <= LIMIT_PER_PAGE
    with count_queries() as table:
        client.get(f"{path}.csv")
    assert len(table) <= len(many)


def test_events_of_nobody_else(world: World) -> Any:
    other = make_event()
    make_registration(other, organization=make_organization())
    assert [event.id for event in list_events_of(world.organization.id)] == [world.event.id]
