"""The mails of one event, for its organizers."""

from flask import Response, render_template
from werkzeug.wrappers import Response as AnyResponse

from forum_app.core.text import N_
from forum_app.events import blueprint
from forum_app.events.manage_views import act, managed_event
from forum_app.events.permissions import can_manage_event
from forum_app.mail.outbox import send_again
from forum_app.mail.pages import mail_facts, state_labels, table_state
from forum_app.mail.queries import count_by_state, count_gathered, get_mail_of_event, list_mail
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation
from forum_app.web.texts import gettext

manage_navigation.add("events.mail", N_("Mail"), order=72, visible=can_manage_event)


@blueprint.get("/events/<slug>/manage/mail")
@signed_in
def mail(slug: str) -> str:
    """What the forum wrote about this event: what waits, went, and was given up."""
    event = managed_event(slug)
    return render_template(
        "events/manage/mail.html",
        event=event,
        page=list_mail(table_state(), event.id),
        states=state_labels(),
        counts={state.value: number for state, number in count_by_state(event.id).items()},
        gathered=count_gathered(event.id),
    )


@blueprint.get("/events/<slug>/manage/mail/<int:mail_id>")
@signed_in
def mail_show(slug: str, mail_id: int) -> Response:
    """One mail; its text unless it holds a link that opens something."""
    event = managed_event(slug)
    row = get_mail_of_event(event.id, mail_id)
    page = render_template(
        "events/manage/mail_show.html", event=event, mail=row, facts=mail_facts(row), form=ActionForm()
    )
    return Response(page, headers={"Cache-Control": "no-store"})


@blueprint.post("/events/<slug>/manage/mail/<int:mail_id>/resend")
@signed_in
def mail_resend(slug: str, mail_id: int) -> AnyResponse:
    """Send a mail again."""

    def change(event: object) -> None:
        row = get_mail_of_event(getattr(event, "id", 0), mail_id)
        send_again(mail_id=row.id, now=clock.now())

    return act(slug, change, "events.mail", gettext("The mail is queued again."))
