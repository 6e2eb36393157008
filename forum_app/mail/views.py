"""Mails in the browser: with their text in development, without what opens something for administrators.

And the page, and the one click of RFC 8058, by which a reader leaves an optional list without signing in.
"""

from flask import Response, current_app, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import transaction
from forum_app.mail import blueprint
from forum_app.mail.lists import optional_lists
from forum_app.mail.outbox import send_again
from forum_app.mail.pages import mail_facts, state_labels, table_state
from forum_app.mail.preferences import join_list, leave_list, wishes_of
from forum_app.mail.queries import count_by_state, count_gathered, get_mail, list_mail
from forum_app.mail.unsubscribe import read_token
from forum_app.web import clock
from forum_app.web.access import administrator, public
from forum_app.web.figures import figures
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import site_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

figures.add(
    "forum_mails",
    "Mails of the outbox by state: queued, sent, failed, dropped.",
    label="state",
    read=lambda: {state.value: number for state, number in count_by_state().items()},
)
site_navigation.add(
    "mail.manage_index",
    N_("Mail"),
    order=900,
    visible=lambda user, event: user.is_authenticated and user.is_admin,
)


def _only_in_development() -> None:
    if not current_app.config["FORUM_SETTINGS"].development:
        raise NotFound(N_("There is no such page, or it is not open to you."))


@blueprint.get("/dev/mail")
@public
def dev_index() -> str:
    """All mails of this installation, newest first; in development only."""
    _only_in_development()
    return render_template(
        "mail/dev_index.html",
        page=list_mail(table_state()),
        states=state_labels(),
        gathered=count_gathered(),
    )


@blueprint.get("/dev/mail/<int:mail_id>")
@public
def dev_show(mail_id: int) -> Response:
    """One mail as its recipient reads it; in development only."""
    _only_in_development()
    page = render_template("mail/dev_show.html", mail=get_mail(mail_id), states=state_labels())
    return Response(page, headers={"Cache-Control": "no-store"})


@blueprint.get("/admin/mail")
@administrator
def manage_index() -> str:
    """What waits, what went, what was given up and why."""
    return render_template(
        "mail/manage_index.html",
        page=list_mail(table_state()),
        states=state_labels(),
        counts={state.value: number for state, number in count_by_state().items()},
        gathered=count_gathered(),
        form=ActionForm(),
    )


@blueprint.get("/admin/mail/<int:mail_id>")
@administrator
def manage_show(mail_id: int) -> Response:
    """One mail: what became of it, and its text unless it holds a link that opens something."""
    mail = get_mail(mail_id)
    page = render_template("mail/manage_show.html", mail=mail, facts=mail_facts(mail), form=ActionForm())
    return Response(page, headers={"Cache-Control": "no-store"})


@blueprint.post("/admin/mail/<int:mail_id>/resend")
@administrator
def resend(mail_id: int) -> AnyResponse | tuple[str, int]:
    """Send a mail again."""
    form = ActionForm()
    if not form.validate_on_submit():
        return manage_index(), 422
    with submission() as done:
        send_again(mail_id=mail_id, now=clock.now())
        done.redirect(url_for("mail.manage_index"), flash=gettext("The mail is queued again."))
    return done.response


# --- Leaving a list --------------------------------------------------------------------------------
@blueprint.route("/mail/lists/<token>", methods=["GET", "POST"])
@public
def leave(token: str) -> AnyResponse | tuple[str, int]:
    """Leave the list of a mail, or join it again; who holds the mail may do so, without a session.

    Mail programs post "List-Unsubscribe=One-Click" without a cookie (RFC 8058, 3.1); reading the page
    changes nothing, since programs that look for malware read it too.
    """
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    if request.method == "POST" and not one_click and current_app.config["WTF_CSRF_ENABLED"]:
        current_app.extensions["csrf"].protect()  # the page's own form, as any other
    address, name = read_token(token)
    if request.method == "POST" and one_click:
        with transaction():
            leave_list(address=address, name=name, now=clock.now())
        return Response(gettext("Done."), mimetype="text/plain")
    form = ActionForm()
    if form.validate_on_submit():
        joins = request.form.get("again") == "1"
        with submission() as done:
            (join_list if joins else leave_list)(address=address, name=name, now=clock.now())
            told = (
                gettext("You get these mails again.") if joins else gettext("You get no more of these mails.")
            )
            done.redirect(url_for("mail.leave", token=token), flash=told)
        return done.response
    page = render_template(
        "mail/leave.html",
        form=form,
        label=optional_lists.label(name),
        address=_shown(address),
        left=name in wishes_of(address).off,
    )
    answer = make_response(page, form.status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _shown(address: str) -> str:
    """Enough of an address to know it by one's own."""
    local, _, domain = address.rpartition("@")
    return f"{local[:2]}…@{domain}"


# What allows it is the token: mail programs have no session, and so no CSRF token.
blueprint.record_once(lambda state: state.app.extensions["csrf"].exempt(leave))
