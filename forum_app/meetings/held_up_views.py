"""For organizers and vetting officers: agreed wishes that wait for a statement, a clearance or a room."""

from typing import Any

from flask import render_template
from flask_login import current_user

from forum_app.core.text import N_
from forum_app.events.models import Event, EventRole
from forum_app.events.permissions import can_manage_event, has_role
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.held_up_queries import HeldUp, list_held_up
from forum_app.meetings.rule_queries import today_at
from forum_app.meetings.rule_services import BY_RULE, GATE_STAFF
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.navigation import manage_navigation
from forum_app.web.texts import gettext


def can_see_held_up(user: Any, event: Event) -> bool:
    """Who can mend it: organizers (rooms, a word to the person) and vetting officers (clearances)."""
    return has_role(user, event, EventRole.VETTING_OFFICER)


manage_navigation.add("meetings.manage_held_up", N_("Held up"), order=66, visible=can_see_held_up)


@blueprint.get("/events/<slug>/manage/meetings/held-up")
@signed_in
def manage_held_up(slug: str) -> str:
    """Mutual interest that cannot become a meeting yet. Of a rule only that there is one."""
    event = get_event(slug, current_user)
    authorize(can_see_held_up(current_user, event))
    held = list_held_up(event, today=today_at(event, clock.now()))
    if not can_manage_event(current_user, event):  # vetting officers mend gates, rules are not theirs
        held = [one for one in held if not one.by_rule]
    return render_template(
        "meetings/manage/held_up.html", event=event, rows=[(one, _sentences(one)) for one in held]
    )


def _sentences(held: HeldUp) -> list[str]:
    if held.by_rule:
        return [gettext(BY_RULE)]
    return [
        gettext(GATE_STAFF[gate]) % {"person": held.person(lacking).name}
        for gate, lacking in held.terms.lacks
    ]
