"""One's own settings of mail: reminders, optional lists, quiet hours."""

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.text import N_
from forum_app.mail.lists import optional_lists
from forum_app.mail.preferences import set_lists, set_quiet_hours, wishes_of
from forum_app.reminders import blueprint
from forum_app.reminders.forms import WishesForm, box, chosen_lists, chosen_reminders, list_box
from forum_app.reminders.models import LEAD_LABELS, OFFERED, SUBJECT_LABELS
from forum_app.reminders.queries import choice_of
from forum_app.reminders.services import choose_reminders
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.navigation import account_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

account_navigation.add("reminders.choose", N_("Reminders and mail"), order=62)


@blueprint.route("/account/mail", methods=["GET", "POST"])
@signed_in
def choose() -> Response | tuple[str, int]:
    """What the reader wishes to be told by mail, how long before, and when not."""
    form = WishesForm()
    ticked = set(request.form)
    if form.validate_on_submit():
        with form.catching():
            with submission() as done:
                first, last = form.quiet_minutes()
                now, address = clock.now(), current_user.email
                set_quiet_hours(address=address, quiet_from=first, quiet_until=last, now=now)
                set_lists(address=address, wanted=chosen_lists(ticked), now=now)
                choose_reminders(actor=current_user, wanted=chosen_reminders(ticked), now=now)
                done.redirect(url_for("reminders.choose"), flash=gettext("Saved."))
            return done.response
    if request.method == "GET":
        wishes, choice = wishes_of(current_user.email), choice_of(current_user.id)
        form.show(wishes)
        ticked = {box(subject, lead) for subject, leads in choice.items() for lead in leads}
        ticked |= {list_box(name) for name in optional_lists if name not in wishes.off}
    return render_template(
        "reminders/choose.html",
        form=form,
        ticked=ticked,
        rows=[
            (
                gettext(SUBJECT_LABELS[subject]),
                [(box(subject, lead), gettext(LEAD_LABELS[lead])) for lead in leads],
            )
            for subject, leads in OFFERED.items()
        ],
        lists=[(list_box(name), optional_lists.label(name)) for name in optional_lists],
    ), form.status
