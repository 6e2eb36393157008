"""Organizers: the words of the mails that the forum sends for their event."""

from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.mail.rendering import whole_text
from forum_app.messages import blueprint
from forum_app.messages.forms import WordingForm
from forum_app.messages.kinds import KINDS, MEANINGS, MailKind, get_kind
from forum_app.messages.permissions import can_write_messages
from forum_app.messages.samples import NAMES
from forum_app.messages.services import LANGUAGES
from forum_app.messages.views import managed_event
from forum_app.messages.wording_queries import list_wordings, wordings_of
from forum_app.messages.wording_services import (
    Typed,
    check_wording,
    keep_wording,
    reset_wording,
    send_wording_test,
    shown_wording,
)
from forum_app.web import clock
from forum_app.web.access import signed_in
from forum_app.web.forms import ActionForm
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

manage_navigation.add("messages.texts", N_("Texts of mails"), order=77, visible=can_write_messages)


@blueprint.get("/events/<slug>/manage/mail-texts")
@signed_in
def texts(slug: str) -> str:
    """All kinds of mail, and which of them have own words."""
    event = managed_event(slug)
    own: dict[str, list[str]] = {}
    for row in list_wordings(event.id):
        own.setdefault(row.kind, []).append(row.locale)
    return render_template("messages/texts.html", event=event, kinds=KINDS, own=own)


@blueprint.route("/events/<slug>/manage/mail-texts/<name>", methods=["GET", "POST"])
@signed_in
def text(slug: str, name: str) -> Response | tuple[str, int]:
    """One kind: how it arrives now, and the own words."""
    event, kind = managed_event(slug), get_kind(name)
    kept = wordings_of(event.id, kind)
    form = WordingForm(data=_values(kept))
    looks = request.form.get("preview") == "1"
    if form.validate_on_submit():
        with form.catching():
            if looks:
                check_wording(kind, form.typed())
            else:
                with submission() as done:
                    keep_wording(
                        actor=current_user, event=event, kind=kind, typed=form.typed(), now=clock.now()
                    )
                    done.redirect(url_for("messages.text", slug=slug, name=name), flash=gettext("Saved."))
                return done.response
    page = render_template(
        "messages/text.html",
        event=event,
        kind=kind,
        meanings=MEANINGS,
        form=form,
        kept=kept,
        looks=looks and not form.errors,
        previews=_previews(kind, event, form.typed(), kept),
        action=ActionForm(formdata=None),
    )
    return page, form.status


def _values(kept: dict[str, Any]) -> dict[str, str]:
    return {
        f"{part}_{locale}": getattr(row, part) for locale, row in kept.items() for part in ("subject", "body")
    }


def _previews(kind: MailKind, event: Event, typed: Typed, kept: dict[str, Any]) -> list[dict[str, str]]:
    """The mail in both languages: as typed if that can be, else as it is kept."""
    previews = []
    for locale in LANGUAGES:
        try:
            check_wording(kind, {locale: typed[locale]})
            words = typed[locale]
        except Invalid:
            row = kept.get(locale)
            words = (row.subject, row.body) if row is not None else ("", "")
        subject, body = shown_wording(kind, event, locale, words)
        whole = whole_text(body, name=NAMES[locale], locale=locale)
        previews.append({"locale": locale, "subject": subject, "text": whole})
    return previews


@blueprint.post("/events/<slug>/manage/mail-texts/<name>/reset")
@signed_in
def reset_text(slug: str, name: str) -> Response:
    """Back to the forum's own words."""
    event, kind = managed_event(slug), get_kind(name)
    with submission() as done:
        reset_wording(actor=current_user, event=event, kind=kind, now=clock.now())
        told = gettext("The forum’s own text is used again.")
        done.redirect(url_for("messages.text", slug=slug, name=name), flash=told)
    return done.response


@blueprint.post("/events/<slug>/manage/mail-texts/<name>/test")
@signed_in
def send_text_test(slug: str, name: str) -> Response:
    """Mail it to oneself, with a made-up recipient."""
    event, kind = managed_event(slug), get_kind(name)
    with submission() as done:
        send_wording_test(actor=current_user, event=event, kind=kind, now=clock.now())
        told = gettext("A test mail in each language is on its way to you.")
        done.redirect(url_for("messages.text", slug=slug, name=name), flash=told)
    return done.response
