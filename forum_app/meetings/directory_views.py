"""The directory: who is there, what they look for, and whom one wishes to meet."""

from itertools import groupby

from flask import render_template, request
from flask_login import current_user

from forum_app.core.errors import PermissionDenied
from forum_app.core.text import N_
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.directory_queries import INTEREST_FILTERS, list_countries, page_directory
from forum_app.meetings.interest_forms import MarkForm
from forum_app.meetings.interest_queries import profiles_of
from forum_app.meetings.models import OfficeHours
from forum_app.meetings.pages import NOT_IN, country_name, open_slots, takes_part
from forum_app.meetings.permissions import can_see_directory
from forum_app.meetings.queries import find_participant
from forum_app.meetings.relation_queries import relations_of
from forum_app.meetings.slot_queries import list_free_slots, list_office_hours
from forum_app.organizations.models import KIND_LABELS, Kind
from forum_app.organizations.queries import list_areas
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.formats import bilingual
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import event_navigation
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

SLOTS_SHOWN = 2  # a hint that there is time; all of them are on the person's page

event_navigation.add("meetings.directory", N_("Directory"), order=50, visible=takes_part)


@blueprint.get("/events/<slug>/directory")
@signed_in
def directory(slug: str) -> str:
    """People by organization, hosts with their next free times, and one's interest in each."""
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
            "seeks": [area.code for area in areas],
            "language": ["en", "ja"],
            "hosts": ["1", "direct"],
            "interest": INTEREST_FILTERS if me is not None else (),
        },
    )
    now = clock.now()
    page = page_directory(event.id, state, language(), me)
    relations = relations_of(event, me, page.rows, now) if me is not None else {}
    hosts = [
        person
        for person in page.rows
        if person.type.takes_meetings
        and person.user_id is not None
        and (me is None or relations[person.id].shows_times)
    ]
    notes: dict[int, str] = {}
    direct: dict[int, list[OfficeHours]] = {}
    for hours in list_office_hours([host.id for host in hosts]):
        notes.setdefault(hours.registration_id, bilingual(hours, "note"))
        if hours.direct and hours.ends_at > now:
            direct.setdefault(hours.registration_id, []).append(hours)
    slots = list_free_slots(event, hosts, now=now, guest=me, most=SLOTS_SHOWN)
    for number, hours_of in direct.items():
        if number in relations and relations[number].hides_open:
            taken = open_slots(hours_of, slots[number])
            slots[number] = [slot for slot in slots[number] if slot not in taken]
    kinds = [(kind.value, gettext(KIND_LABELS[kind])) for kind in Kind]
    of_areas = [(area.code, bilingual(area, "name")) for area in areas]
    filters = [
        {"name": "kind", "label": gettext("Kind"), "options": kinds},
        {
            "name": "country",
            "label": gettext("Country"),
            "options": [(code, country_name(code)) for code in countries],
        },
        {"name": "area", "label": gettext("Technology area"), "options": of_areas},
        {"name": "seeks", "label": gettext("Looks for"), "options": of_areas},
        {
            "name": "language",
            "label": gettext("Speaks"),
            "options": [("en", gettext("English")), ("ja", gettext("Japanese"))],
        },
        {
            "name": "hosts",
            "label": gettext("Meetings"),
            "options": [("1", gettext("Takes meetings")), ("direct", gettext("Can be booked at once"))],
        },
    ]
    if me is not None:
        filters.append(
            {
                "name": "interest",
                "label": gettext("Between us"),
                "options": [
                    ("mutual", gettext("Mutual interest")),
                    ("asked", gettext("I asked")),
                    ("asks", gettext("Asks me")),
                ],
            }
        )
    return render_template(
        "meetings/directory.html",
        event=event,
        me=me,
        page=page,
        groups=[(org, list(people)) for org, people in groupby(page.rows, lambda p: p.organization)],
        slots=slots,
        notes=notes,
        direct=direct,
        profiles=profiles_of([person.id for person in page.rows]),
        relations=relations,
        mark=MarkForm(formdata=None),
        form=ActionForm(formdata=None),
        back=request.full_path.rstrip("?"),
        filters=filters,
        country_name=country_name,
        KIND_LABELS=KIND_LABELS,
    )
