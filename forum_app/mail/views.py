"""Mails in the browser: with their text in development, without it for administrators.

Texts hold links that open accounts, so nobody reads them in production.
"""

from flask import Response, current_app, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.mail import blueprint
from forum_app.mail.models import MailState
from forum_app.mail.outbox import send_again
from forum_app.mail.queries import SORTS, count_by_state, get_mail, list_mail
from forum_app.web import clock
from forum_app.web.access import administrator, public
from forum_app.web.figures import figures
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import site_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

STATES = {
    MailState.QUEUED: (N_("In the queue"), "info"),
    MailState.SENT: (N_("Delivered"), "success"),
    MailState.FAILED: (N_("Given up"), "danger"),
}

figures.add(
    "forum_mails",
    "Mails of the outbox by state: queued, sent, failed.",
    label="state",
    read=lambda: {state.value: number for state, number in count_by_state().items()},
)
site_navigation.add(
    "mail.manage_index",
    N_("Mail"),
    order=900,
    visible=lambda user, event: user.is_authenticated and user.is_admin,
)


def _table_state() -> TableState:
    keys = ["-created", *(key for key in SORTS if key != "created")]
    return TableState.from_request(sorts=keys, filters={"state": [state.value for state in MailState]})


def _state_labels() -> dict[str, tuple[str, str]]:
    return {state.value: (gettext(label), tone) for state, (label, tone) in STATES.items()}


def _only_in_development() -> None:
    if not current_app.config["FORUM_SETTINGS"].development:
        raise NotFound(N_("There is no such page, or it is not open to you."))


@blueprint.get("/dev/mail")
@public
def dev_index() -> str:
    """All mails of this installation, newest first; in development only."""
    _only_in_development()
    return render_template("mail/dev_index.html", page=list_mail(_table_state()), states=_state_labels())


@blueprint.get("/dev/mail/<int:mail_id>")
@public
def dev_show(mail_id: int) -> Response:
    """One mail as its recipient reads it; in development only."""
    _only_in_development()
    page = render_template("mail/dev_show.html", mail=get_mail(mail_id), states=_state_labels())
    return Response(page, headers={"Cache-Control": "no-store"})


@blueprint.get("/admin/mail")
@administrator
def manage_index() -> str:
    """What waits, what went, what was given up and why."""
    return render_template(
        "mail/manage_index.html",
        page=list_mail(_table_state()),
        states=_state_labels(),
        counts={state.value: number for state, number in count_by_state().items()},
        form=ActionForm(),
    )


@blueprint.post("/admin/mail/<int:mail_id>/resend")
@administrator
def resend(mail_id: int) -> AnyResponse | tuple[str, int]:
    """Try a given-up mail again."""
    form = ActionForm()
    if not form.validate_on_submit():
        return manage_index(), 422
    with submission() as done:
        send_again(mail_id=mail_id, now=clock.now())
        done.redirect(url_for("mail.manage_index"), flash=gettext("The mail is queued again."))
    return done.response
