"""Suggestions: whom one should meet and why, and for organizers who should meet and has not asked."""

from flask import render_template
from flask_login import current_user

from forum_app.core.errors import PermissionDenied
from forum_app.core.text import N_
from forum_app.events.permissions import can_manage_event
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.interest_forms import MarkForm
from forum_app.meetings.interest_queries import profiles_of
from forum_app.meetings.pages import NOT_IN, country_name
from forum_app.meetings.queries import find_participant
from forum_app.meetings.relation_queries import relations_of
from forum_app.meetings.rule_queries import today_at
from forum_app.meetings.suggestion_queries import find_pairs, find_suggestions, load_people
from forum_app.meetings.suggestion_texts import Sentences
from forum_app.organizations.models import KIND_LABELS
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.formats import bilingual
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation

manage_navigation.add("meetings.manage_suggestions", N_("Suggestions"), order=63, visible=can_manage_event)


@blueprint.get("/events/<slug>/meetings/suggestions")
@signed_in
def suggestions(slug: str) -> str:
    """Whom the reader should meet, with a sentence why; interest is marked in place."""
    event = get_event(slug, current_user)
    me = find_participant(current_user, event)
    if me is None:
        raise PermissionDenied(NOT_IN)
    now = clock.now()
    found = find_suggestions(event, me, today=today_at(event, now))
    people = load_people([suggestion.key for suggestion in found])
    sentences = Sentences()
    profiles = profiles_of([me.id, *(person.id for person in people)])
    own = profiles.get(me.id)
    return render_template(
        "meetings/suggestions.html",
        event=event,
        me=me,
        people=people,
        why={suggestion.key: sentences.to_seeker(suggestion) for suggestion in found},
        profiles=profiles,
        has_wishes=own is not None and bool(own.wanted_areas or own.wishes_en or own.wishes_ja),
        relations=relations_of(event, me, people, now),
        mark=MarkForm(formdata=None),
        form=ActionForm(formdata=None),
        back="",
        country_name=country_name,
        KIND_LABELS=KIND_LABELS,
    )


@blueprint.get("/events/<slug>/manage/meetings/suggestions")
@signed_in
def manage_suggestions(slug: str) -> str:
    """Organizations that should meet and of whom nobody has asked the other."""
    event = get_event(slug, current_user)
    authorize(can_manage_event(current_user, event))
    pairs = find_pairs(event, today=today_at(event, clock.now()))
    sentences = Sentences()
    rows = [
        (
            pair,
            sentences.to_organizer(
                pair.suggestion,
                bilingual(pair.first.organization, "name"),
                bilingual(pair.second.organization, "name"),
            ),
        )
        for pair in pairs
    ]
    return render_template("meetings/manage/suggestions.html", event=event, rows=rows)
