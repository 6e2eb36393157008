"""The directory: who is there, and whom to ask for a meeting."""

from itertools import groupby

from flask import render_template
from flask_babel import get_locale
from flask_login import current_user

from forum_app.core.errors import PermissionDenied
from forum_app.core.text import N_
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.directory_queries import list_countries, open_requests_of, page_directory
from forum_app.meetings.pages import NOT_IN, takes_part
from forum_app.meetings.permissions import can_see_directory
from forum_app.meetings.queries import find_participant
from forum_app.meetings.slot_queries import list_free_slots, list_office_hours
from forum_app.organizations.models import KIND_LABELS, Kind
from forum_app.organizations.queries import list_areas
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.formats import bilingual
from forum_app.web.languages import language
from forum_app.web.navigation import event_navigation
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

SLOTS_SHOWN = 3  # a hint that there is time; all of them are on the page to ask

event_navigation.add("meetings.directory", N_("Directory"), order=50, visible=takes_part)


def country_name(code: str) -> str:
    """A country in the reader's language; the code if it has no name."""
    locale = get_locale()
    return str(locale.territories.get(code, code)) if locale is not None else code


@blueprint.get("/events/<slug>/directory")
@signed_in
def directory(slug: str) -> str:
    """People by organization, hosts with their next free times."""
    event = get_event(slug, current_user)
    if not can_see_directory(current_user, event):
        raise PermissionDenied(NOT_IN)
    me = find_participant(current_user, event)
    countries, areas = list_countries(event.id), list_areas()
    state = TableState.from_request(
        sorts=["organization"],
        filters={
            "kind": [kind.value for kind in Kind],
            "country": countries,
            "area": [area.code for area in areas],
            "hosts": ["1"],
        },
    )
    page = page_directory(event.id, state, language())
    hosts = [person for person in page.rows if person.type.takes_meetings and person.user_id is not None]
    host_ids = [host.id for host in hosts]
    notes: dict[int, str] = {}
    for hours in list_office_hours(host_ids):
        notes.setdefault(hours.registration_id, bilingual(hours, "note"))
    return render_template(
        "meetings/directory.html",
        event=event,
        me=me,
        page=page,
        groups=[(org, list(people)) for org, people in groupby(page.rows, lambda p: p.organization)],
        slots=list_free_slots(event, hosts, now=clock.now(), guest=me, most=SLOTS_SHOWN),
        notes=notes,
        asked=open_requests_of(me.id, host_ids) if me is not None else {},
        filters=[
            {
                "name": "kind",
                "label": gettext("Kind"),
                "options": [(kind.value, gettext(KIND_LABELS[kind])) for kind in Kind],
            },
            {
                "name": "country",
                "label": gettext("Country"),
                "options": [(code, country_name(code)) for code in countries],
            },
            {
                "name": "area",
                "label": gettext("Technology area"),
                "options": [(area.code, bilingual(area, "name")) for area in areas],
            },
            {
                "name": "hosts",
                "label": gettext("Meetings"),
                "options": [("1", gettext("Takes meetings"))],
            },
        ],
        country_name=country_name,
        KIND_LABELS=KIND_LABELS,
    )
