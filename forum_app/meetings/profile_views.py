"""What a person looks for and asks of meetings."""

from flask import render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.interest_forms import ProfileForm
from forum_app.meetings.interest_queries import find_profile
from forum_app.meetings.interest_services import save_profile
from forum_app.meetings.models import MeetingProfile
from forum_app.meetings.pages import acting_as, on_behalf
from forum_app.meetings.permissions import takes_meetings
from forum_app.organizations.queries import list_areas
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

PLAIN = (
    "wishes_en",
    "wishes_ja",
    "most_meetings",
    "paused",
    "link",
    "needs_statement",
    "needs_clearance",
    "closed_room",
    "export_statement",
)


def _form(profile: MeetingProfile | None) -> ProfileForm:
    if profile is None:
        return ProfileForm()
    data = {name: getattr(profile, name) for name in PLAIN}
    return ProfileForm(data={**data, "areas": [area.code for area in profile.wanted_areas]})


@blueprint.route("/events/<slug>/meetings/profile", methods=["GET", "POST"])
@signed_in
def profile(slug: str) -> Response | tuple[str, int]:
    """What I look for, how much I take on, and what a meeting with me needs."""
    event = get_event(slug, current_user)
    me = acting_as(event)
    known = find_profile(me.id)
    form = _form(known)
    if form.validate_on_submit():
        chosen = set(form.areas.data or [])
        with form.catching():
            with submission() as done:
                save_profile(
                    actor=current_user,
                    event=event,
                    registration=me,
                    wishes_en=form.wishes_en.data or "",
                    wishes_ja=form.wishes_ja.data or "",
                    areas=[area for area in list_areas() if area.code in chosen],
                    most_meetings=form.most_meetings.data,
                    paused=form.paused.data,
                    link=form.link.data or "",
                    needs_statement=form.needs_statement.data,
                    needs_clearance=form.needs_clearance.data,
                    closed_room=form.closed_room.data,
                    export_statement=form.export_statement.data or "",
                    now=clock.now(),
                )
                done.redirect(
                    url_for("meetings.index", slug=slug, **on_behalf(me)),
                    flash=gettext("Your meeting profile was saved."),
                )
            return done.response
    page = render_template(
        "meetings/profile.html",
        event=event,
        me=me,
        own=on_behalf(me),
        form=form,
        is_host=takes_meetings(me),
        stated_at=known.export_stated_at if known is not None else None,
        is_new=known is None,
    )
    return page, form.status
