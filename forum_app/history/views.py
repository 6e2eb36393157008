"""The history of one organization: as a timeline with a chart, and as CSV."""

from collections.abc import Iterator
from typing import Any

from flask import Response, render_template
from flask_login import current_user

from forum_app.history import blueprint
from forum_app.history.services import Edition, participation_history
from forum_app.organizations.models import Organization
from forum_app.organizations.permissions import can_see_exclusions, can_see_members
from forum_app.organizations.queries import get_organization
from forum_app.outcomes.models import PATHWAY_LABELS, WISH_LABELS
from forum_app.pitches.models import SUBMISSION_LABELS
from forum_app.registration.models import STATE_LABELS
from forum_app.web import clock
from forum_app.web.access import public
from forum_app.web.csv import csv_response
from forum_app.web.formats import bilingual
from forum_app.web.languages import language
from forum_app.web.texts import gettext


def _reader() -> Any:
    # the permissions of events look into the database session of a user, not of a proxy
    return current_user._get_current_object()


@blueprint.get("/organizations/<slug>/history")
@public
def show(slug: str) -> str:
    """Editions, people, pitches and meetings, as far as the reader may know of them."""
    organization = get_organization(slug)
    reader = _reader()
    editions = participation_history(actor=reader, organization=organization, now=clock.now())
    chart = [
        (bilingual(e.event, "title"), [e.people_count, len(e.pitches), e.meetings_count])
        for e in reversed(editions)
    ]
    return render_template(
        "history/show.html",
        organization=organization,
        editions=editions,
        chart=chart,
        see_members=can_see_members(reader, organization),
        see_rules=can_see_exclusions(reader, organization),
        insider=any(edition.details for edition in editions),
        pitch_states=SUBMISSION_LABELS,
        WISH_LABELS=WISH_LABELS,
        PATHWAY_LABELS=PATHWAY_LABELS,
    )


@blueprint.get("/organizations/<slug>/history.csv")
@public
def csv(slug: str) -> Response:
    """The same facts, one a row."""
    organization = get_organization(slug)
    editions = participation_history(actor=_reader(), organization=organization, now=clock.now())
    header = [
        gettext("Series"),
        gettext("Edition"),
        gettext("Event"),
        gettext("From"),
        gettext("To"),
        gettext("Record"),
        gettext("Name or title"),
        gettext("With"),
        gettext("Status"),
        gettext("Number"),
    ]
    rows = (row for edition in editions for row in _csv_rows(edition))
    return csv_response(f"{organization.slug}-history.csv", header, rows)


def _csv_rows(edition: Edition) -> Iterator[list[object]]:
    event = edition.event
    start: list[object] = [
        bilingual(event.series, "name") if event.series else "",
        event.edition,
        bilingual(event, "title"),
        event.starts_on.isoformat(),
        event.ends_on.isoformat(),
    ]
    came = gettext("People who came") if edition.is_over else gettext("People expected")
    yield [*start, came, "", "", "", edition.people_count]
    yield [*start, gettext("Pitches"), "", "", "", len(edition.pitches)]
    yield [*start, gettext("Meetings"), "", "", "", edition.meetings_count]
    for person in edition.named:
        state = gettext(STATE_LABELS[person.state])
        yield [*start, gettext("Person"), _person(person), "", state, ""]
    for pitch in edition.pitches:
        state = gettext(SUBMISSION_LABELS[pitch.state])
        yield [*start, gettext("Pitch"), bilingual(pitch, "title"), "", state, ""]
    for meeting in edition.meetings:
        partners = "; ".join(_name(partner) for partner in meeting.partners)
        yield [*start, gettext("Meeting"), meeting.topic, partners, "", ""]
        for outcome in meeting.outcomes:
            side = outcome.registration.organization
            wish = outcome.pathway and gettext(PATHWAY_LABELS[outcome.pathway])
            yield [
                *start,
                gettext("Outcome"),
                meeting.topic,
                _name(side) if side else "",
                wish or gettext(WISH_LABELS[outcome.wish]),
                "",
            ]


def _name(organization: Organization) -> str:
    return bilingual(organization, "name")


def _person(person: Any) -> str:
    names = [person.name_latin, person.name_native]
    if language() == "ja":
        names.reverse()
    return " / ".join(name for name in names if name)
