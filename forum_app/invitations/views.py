"""One's own invitations and the switch for them; who answered what, for organizers and beside each
meeting."""

from collections.abc import Collection, Mapping

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.ical import Participation
from forum_app.core.text import N_
from forum_app.events.services import get_event
from forum_app.invitations import blueprint
from forum_app.invitations.models import ANSWER_LABELS, NOTE_LABELS
from forum_app.invitations.permissions import can_see_answers
from forum_app.invitations.queries import (
    count_answers,
    is_refused,
    list_answers,
    list_answers_of_meetings,
    list_notes,
    list_own,
)
from forum_app.invitations.services import want_invitations
from forum_app.meetings.remarks import meeting_remarks
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.languages import language
from forum_app.web.navigation import account_navigation, manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

MOST_NOTES = 50
ANSWER_TONES = {
    Participation.ACCEPTED: "success",
    Participation.TENTATIVE: "info",
    Participation.DECLINED: "danger",
    Participation.NEEDS_ACTION: "neutral",
}

account_navigation.add("invitations.mine", N_("Calendar invitations"), order=61)
manage_navigation.add(
    "invitations.manage_index", N_("Calendar invitations"), order=73, visible=can_see_answers
)


@blueprint.context_processor
def labels() -> dict[str, object]:
    return {"ANSWER_LABELS": ANSWER_LABELS, "ANSWER_TONES": ANSWER_TONES, "NOTE_LABELS": NOTE_LABELS}


@blueprint.get("/account/invitations")
@signed_in
def mine() -> str:
    """What one is invited to, what one answered, and the switch."""
    return render_template(
        "invitations/mine.html",
        rows=list_own(current_user.id, clock.now()),
        refused=is_refused(current_user.id),
        form=ActionForm(),
    )


@blueprint.post("/account/invitations/choice")
@signed_in
def choose() -> Response | tuple[str, int]:
    """Switch invitations by mail on or off."""
    form = ActionForm()
    wanted = request.form.get("wanted")
    if not form.validate_on_submit() or wanted not in ("yes", "no"):
        return mine(), 422
    with submission() as done:
        want_invitations(actor=current_user, wanted=wanted == "yes", now=clock.now())
        done.redirect(
            url_for("invitations.mine"),
            flash=gettext("Invitations come by mail from now on.")
            if wanted == "yes"
            else gettext(
                "No more invitations by mail. Those to coming meetings are taken out of your calendar."
            ),
        )
    return done.response


@blueprint.get("/events/<slug>/manage/invitations")
@signed_in
def manage_index(slug: str) -> str:
    """Who answered what, and what they wrote."""
    event = get_event(slug, current_user)
    authorize(can_see_answers(current_user, event))
    state = TableState.from_request(
        sorts=("when", "person", "answered"),
        filters={"answer": [one.value for one in ANSWER_LABELS], "kind": ("meeting", "item")},
    )
    return render_template(
        "invitations/manage/index.html",
        event=event,
        page=list_answers(event.id, state),
        counts=count_answers(event.id),
        notes=list_notes(event.id, MOST_NOTES),
    )


def answers_beside(meeting_ids: Collection[int]) -> Mapping[int, list[str]]:
    """Who answered the invitation to each of these meetings, as sentences; one statement."""
    found: dict[int, list[str]] = {}
    for row in list_answers_of_meetings(meeting_ids):
        user = row.user
        name = (user.name_native if language() == "ja" else "") or user.name
        found.setdefault(row.meeting_id or 0, []).append(
            gettext("%(name)s: %(answer)s", name=name, answer=gettext(ANSWER_LABELS[row.participation]))
        )
    return found


meeting_remarks.append(answers_beside)
