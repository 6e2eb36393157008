"""Meetings in a personal calendar: remote ones, groups, and those that were not held."""

from datetime import timedelta

from flask.testing import FlaskClient

from forum_app.meetings.models import MeetingFormat, MeetingParticipant, MeetingRole, MeetingStatus
from tests.calendars.parts import change, make_feed, make_meeting, read
from tests.factories import NOW, make_event, make_registration, make_user, save

LATER = NOW + timedelta(days=1)


def test_a_remote_meeting_has_its_link_and_loses_it(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    link = "https://meet.example/room"
    host = make_registration(event)
    meeting = make_meeting(host, make_registration(event, user), format=MeetingFormat.REMOTE, link=link)
    bare = make_meeting(host, make_registration(make_event(), user), format=MeetingFormat.REMOTE)
    path = make_feed(user)
    entries = read(client.get(path).data)
    assert entries[meeting.uid]["LOCATION"] == link
    assert link in entries[meeting.uid]["DESCRIPTION"]
    assert entries[bare.uid]["LOCATION"] == "Remote"
    change(meeting, status=MeetingStatus.CANCELLED, sequence=1, changed_at=LATER)
    assert link not in client.get(path).text


def test_a_meeting_that_was_not_held_frees_the_time(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    meeting = make_meeting(make_registration(event), make_registration(event, user))
    path = make_feed(user)
    client.get(path)
    change(meeting, status=MeetingStatus.NO_SHOW, sequence=1, changed_at=LATER)
    entry = read(client.get(path).data)[meeting.uid]
    assert (entry["STATUS"], entry["SEQUENCE"], entry["TRANSP"]) == ("CANCELLED", 1, "TRANSPARENT")
    assert "Not held" in entry["DESCRIPTION"]


def test_a_group_names_everybody_else(client: FlaskClient) -> None:
    event, user = make_event(), make_user()
    meeting = make_meeting(make_registration(event, name_latin="Ada Host"), make_registration(event, user))
    third = make_registration(event, name_latin="Bo Third")
    save(MeetingParticipant(meeting_id=meeting.id, registration_id=third.id, role=MeetingRole.GUEST))
    summary = read(client.get(make_feed(user)).data)[meeting.uid]["SUMMARY"]
    assert "Ada Host" in summary
    assert "Bo Third" in summary
