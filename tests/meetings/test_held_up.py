"""What organizers and vetting officers see of agreed wishes that cannot become meetings yet."""

from flask.testing import FlaskClient

from forum_app.events.models import EventRole
from forum_app.meetings.models import NoThanks, RequestState
from tests.factories import NOW, grant, make_user, save, sign_in
from tests.meetings.scene import Scene, change
from tests.meetings.test_rules import exclude, organization_of, set_profile
from tests.queries import LIMIT_PER_PAGE, count_queries


def test_each_gate_with_who_can_mend_it(scene: Scene, client: FlaskClient) -> None:
    change(scene.ask(), state=RequestState.AGREED)
    path = f"{scene.path}/manage/meetings/held-up"
    officer = make_user()
    grant(officer, scene.event, EventRole.VETTING_OFFICER)
    sign_in(client, officer)
    assert "Nothing is held up" in client.get(path).text
    set_profile(scene.host, needs_statement=True, needs_clearance=True, closed_room=True)
    page = client.get(path).text
    assert f"{scene.guest.name} has made no export-control statement." in page
    assert f"No clearance of {scene.guest.name} is recorded for that day" in page
    assert "Add such a table." in page
    assert "申告をしていません" in client.get(f"{path}?lang=ja").text


def test_of_a_rule_organizers_see_that_and_vetting_officers_nothing(
    scene: Scene, client: FlaskClient
) -> None:
    other = scene.more_guest()
    for guest in (scene.guest, other):
        change(scene.ask(guest), state=RequestState.AGREED)
    exclude(organization_of(scene.host), other_id=scene.guest.organization_id, reason="zebra")
    save(NoThanks(registration_id=scene.host.id, other_id=other.id, created_at=NOW))
    path = f"{scene.path}/manage/meetings/held-up"
    sign_in(client, scene.organizer)
    page = client.get(path).text
    assert page.count("Not possible by rule.") == 2  # the one reads like the other
    assert "zebra" not in page
    officer = make_user()
    grant(officer, scene.event, EventRole.VETTING_OFFICER)
    sign_in(client, officer)
    assert "Not possible" not in client.get(path).text


def test_it_costs_the_same_at_any_size(scene: Scene, client: FlaskClient) -> None:
    set_profile(scene.host, closed_room=True)
    sign_in(client, scene.organizer)
    path = f"{scene.path}/manage/meetings/held-up"

    def cost(number: int) -> int:
        for _ in range(number):
            change(scene.ask(scene.more_guest()), state=RequestState.AGREED)
        client.get(path)
        with count_queries() as statements:
            client.get(path)
        return len(statements)

    assert cost(2) == cost(15) <= LIMIT_PER_PAGE
