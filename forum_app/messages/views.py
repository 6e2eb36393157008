"""Organizers: messages to a group of the event's people, from the draft to what became of each mail."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.services import get_event
from forum_app.mail.rendering import whole_text
from forum_app.messages import blueprint
from forum_app.messages.forms import GroupForm, MessageForm, SendForm, values_of
from forum_app.messages.groups import TRAITS, Group
from forum_app.messages.models import MESSAGE_LABELS, Message, MessageState
from forum_app.messages.permissions import can_write_messages
from forum_app.messages.queries import (
    FATES,
    Fates,
    count_fates,
    estimate,
    get_message,
    get_person,
    get_speaker,
    page_messages,
    page_recipients,
)
from forum_app.messages.services import (
    LANGUAGES,
    copy_message,
    delete_message,
    save_message,
    send_message,
    send_test,
)
from forum_app.messages.words import PLACEHOLDERS, Person, event_values, name_of, speak, values_for
from forum_app.organizations.models import KIND_LABELS
from forum_app.registration.models import STATE_LABELS, Registration
from forum_app.registration.queries import COUNTRY_KINDS, list_types
from forum_app.web import clock
from forum_app.web.access import authorize, id_in, signed_in
from forum_app.web.formats import bilingual
from forum_app.web.forms import ActionForm
from forum_app.web.languages import LANGUAGE_NAMES
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext, ngettext

manage_navigation.add("messages.index", N_("Messages"), order=70, visible=can_write_messages)
TONES = {MessageState.DRAFT: "neutral", MessageState.SENDING: "info", MessageState.SENT: "success"}
FATE_LABELS = {
    "waiting": (N_("Waiting"), "info"),
    "queued": (N_("In the queue"), "info"),
    "sent": (N_("Delivered"), "success"),
    "failed": (N_("Given up"), "danger"),
    "came_back": (N_("Came back"), "danger"),
    "left": (N_("Left such messages"), "neutral"),
}
Answer = Response | tuple[str, int]


@blueprint.context_processor
def words() -> dict[str, Any]:
    return {
        "MESSAGE_LABELS": MESSAGE_LABELS,
        "MESSAGE_TONES": TONES,
        "FATE_LABELS": FATE_LABELS,
        "PLACEHOLDERS": PLACEHOLDERS,
        "LANGUAGE_NAMES": LANGUAGE_NAMES,
        "STATE_LABELS": STATE_LABELS,
        "sample_args": sample_args,
    }


def managed_event(slug: str) -> Event:
    """The event, for its organizers only."""
    event = get_event(slug, current_user)
    authorize(can_write_messages(current_user, event))
    return event


@blueprint.get("/events/<slug>/manage/messages")
@signed_in
def index(slug: str) -> str:
    """Drafts, and what was sent to how many."""
    event = managed_event(slug)
    state = TableState.from_request(
        sorts=["-changed", "state", "recipients"], filters={"state": [one.value for one in MessageState]}
    )
    page = page_messages(event.id, state)
    filters = [
        {
            "name": "state",
            "label": gettext("State"),
            "options": [(one.value, gettext(label)) for one, label in MESSAGE_LABELS.items()],
        }
    ]
    fates = count_fates([row.id for row in page.rows])
    return render_template("messages/index.html", event=event, page=page, filters=filters, fates=fates)


@blueprint.route("/events/<slug>/manage/messages/new", methods=["GET", "POST"])
@signed_in
def create(slug: str) -> Answer:
    """A new draft."""
    return _write(managed_event(slug), None)


@blueprint.route("/events/<slug>/manage/messages/<int:message_id>/edit", methods=["GET", "POST"])
@signed_in
def edit(slug: str, message_id: int) -> Answer:
    """Change a draft."""
    event = managed_event(slug)
    message = get_message(event.id, message_id)
    if message.state is not MessageState.DRAFT and request.method == "GET":
        return Response(status=302, headers={"Location": _address(event, message)})
    return _write(event, message)


def _write(event: Event, message: Message | None) -> Answer:
    form = MessageForm(data=values_of(message) if message is not None else None)
    form.fill(list_types(event.id))
    only_counts = request.form.get("count") == "1"  # the button for browsers without scripts
    if not only_counts and form.validate_on_submit():
        with form.catching():
            with submission() as done:
                row = get_message(event.id, message.id) if message is not None else None
                kept = save_message(
                    actor=current_user,
                    event=event,
                    words=form.words(),
                    group=form.group(),
                    optional=bool(form.may_leave.data),
                    message=row,
                    version=id_in(form.version.data) if row is not None else None,
                    now=clock.now(),
                )
                done.redirect(
                    _address(event, kept), flash=gettext("The draft is saved. Nothing is sent yet.")
                )
            return done.response
    page = render_template(
        "messages/edit.html",
        event=event,
        message=message,
        form=form,
        estimate=estimate(event.id, form.group(), optional=bool(form.may_leave.data)),
    )
    return page, 200 if only_counts else form.status


@blueprint.get("/events/<slug>/manage/messages/estimate")
@signed_in
def count(slug: str) -> str:
    """The part of the form that says who would get the message, for filters in the query string."""
    event = managed_event(slug)
    form = GroupForm(formdata=request.args)
    form.fill(list_types(event.id))
    told = estimate(event.id, form.group(), optional=bool(form.may_leave.data))
    return render_template("messages/_estimate.html", event=event, estimate=told)


@blueprint.get("/events/<slug>/manage/messages/<int:message_id>")
@signed_in
def show(slug: str, message_id: int) -> str:
    """A draft as it will arrive, with its buttons; or what became of a message that was sent."""
    event = managed_event(slug)
    message = get_message(event.id, message_id)
    if message.state is MessageState.DRAFT:
        return _draft(event, message)
    state = TableState.from_request(sorts=["id"], filters={"fate": FATES})
    labels = [(fate, gettext(FATE_LABELS[fate][0])) for fate in FATES]
    return render_template(
        "messages/show.html",
        event=event,
        message=message,
        fates=count_fates([message.id])[message.id],
        page=page_recipients(message.id, state),
        filters=[{"name": "fate", "label": gettext("State"), "options": labels}],
        group=_group_words(event, message),
        form=ActionForm(formdata=None),
    )


def _draft(event: Event, message: Message) -> str:
    group = Group.from_json(message.recipient_group)
    told = estimate(event.id, group, optional=message.optional)
    person = _sample(event, told.first)
    return render_template(
        "messages/draft.html",
        event=event,
        message=message,
        estimate=told,
        person=person,
        previews=_previews(event, message, person),
        group=_group_words(event, message),
        form=ActionForm(formdata=None),
        send_form=SendForm(formdata=None),
    )


def _sample(event: Event, first: Sequence[Person]) -> Person | None:
    """Whose mail is shown: ?person= (or ?speaker=) of this event, else the first of the group."""
    ways: tuple[tuple[str, Callable[[int, int], Person | None]], ...] = (
        ("person", get_person),
        ("speaker", get_speaker),
    )
    for name, find in ways:
        asked = id_in(request.args.get(name) or request.form.get(name))
        chosen = find(event.id, asked) if asked is not None else None
        if chosen is not None:
            return chosen
    return first[0] if first else None


def sample_args(person: Person | None) -> dict[str, Any]:
    """What asks for this person as the sample."""
    if person is None:
        return {}
    return {"person" if isinstance(person, Registration) else "speaker": person.id}


def _previews(event: Event, message: Message, person: Person | None) -> list[dict[str, Any]]:
    """The mail in each language that the message has, as person would get it."""
    previews = []
    for locale in LANGUAGES:
        if not getattr(message, f"body_{locale}"):
            continue
        shared = event_values(event, locale)
        if person is not None:
            values = values_for(person, locale, shared)
        else:
            values = {**shared, "name": current_user.name, "organization": "", "type": ""}
        subject, text = speak(message, locale, values)
        name = name_of(person, locale) if person is not None else current_user.name
        previews.append(
            {"locale": locale, "subject": subject, "text": whole_text(text, name=name, locale=locale)}
        )
    return previews


def _group_words(event: Event, message: Message) -> list[tuple[str, str]]:
    """The filters of a message in words."""
    group = Group.from_json(message.recipient_group)
    types = {row.id: bilingual(row, "name") for row in list_types(event.id)}
    names = {str(state): label for state, label in STATE_LABELS.items()}
    kinds = {str(kind): label for kind, label in KIND_LABELS.items()}
    mark = gettext(", ")
    return [
        (gettext("Participant type"), mark.join(types.get(one, "?") for one in group.types)),
        (gettext("Registration state"), mark.join(gettext(names[one]) for one in group.states)),
        (gettext("Kind of organization"), mark.join(gettext(kinds[one]) for one in group.kinds)),
        (gettext("Country of the organization"), gettext(COUNTRY_KINDS.get(group.country, ""))),
        (gettext("Language of their mails"), LANGUAGE_NAMES.get(group.language, "")),
        (gettext("Only those of whom this is true"), mark.join(gettext(TRAITS[one]) for one in group.traits)),
    ]


@blueprint.get("/events/<slug>/manage/messages/<int:message_id>/progress")
@signed_in
def progress(slug: str, message_id: int) -> Response:
    """The part of the page that is asked for while mails are made; the page again once all are made."""
    event = managed_event(slug)
    message = get_message(event.id, message_id)
    fates = count_fates([message.id]).get(message.id, Fates())
    response = Response(render_template("messages/_progress.html", event=event, message=message, fates=fates))
    if message.state is not MessageState.SENDING:
        response.headers["HX-Refresh"] = "true"
    return response


@blueprint.post("/events/<slug>/manage/messages/<int:message_id>/test")
@signed_in
def test(slug: str, message_id: int) -> Response:
    """Mail it to oneself only."""
    event = managed_event(slug)
    message = get_message(event.id, message_id)
    group = Group.from_json(message.recipient_group)
    person = _sample(event, estimate(event.id, group, optional=message.optional).first)
    with submission() as done:
        row = get_message(event.id, message_id)
        number = send_test(actor=current_user, event=event, message=row, person=person, now=clock.now())
        told = ngettext(
            "%(num)s test mail is on its way to you.", "%(num)s test mails are on their way to you.", number
        )
        done.redirect(_address(event, row, person), flash=told)
    return done.response


@blueprint.post("/events/<slug>/manage/messages/<int:message_id>/send")
@signed_in
def send(slug: str, message_id: int) -> Response:
    """Send it to everybody in the group, once."""
    event = managed_event(slug)
    message = get_message(event.id, message_id)
    version = id_in(SendForm().version.data) or 0
    with submission() as done:
        number = send_message(
            actor=current_user, event=event, message=message, version=version, now=clock.now()
        )
        told = ngettext("The message goes to %(num)s person.", "The message goes to %(num)s people.", number)
        done.redirect(_address(event, message), flash=told)
    return done.response


@blueprint.post("/events/<slug>/manage/messages/<int:message_id>/copy")
@signed_in
def copy(slug: str, message_id: int) -> Response:
    """A new draft with the same words."""
    event = managed_event(slug)
    get_message(event.id, message_id)
    with submission() as done:
        row = get_message(event.id, message_id)
        draft = copy_message(actor=current_user, event=event, message=row, now=clock.now())
        done.redirect(url_for("messages.edit", slug=slug, message_id=draft.id))
    return done.response


@blueprint.post("/events/<slug>/manage/messages/<int:message_id>/delete")
@signed_in
def delete(slug: str, message_id: int) -> Response:
    """Throw a draft away."""
    event = managed_event(slug)
    get_message(event.id, message_id)
    with submission() as done:
        row = get_message(event.id, message_id)
        delete_message(actor=current_user, event=event, message=row, now=clock.now())
        done.redirect(url_for("messages.index", slug=slug), flash=gettext("The draft is deleted."))
    return done.response


def _address(event: Event, message: Message, person: Person | None = None) -> str:
    asked = sample_args(person) if request.form.get("person") or request.form.get("speaker") else {}
    return url_for("messages.show", slug=event.slug, message_id=message.id, **asked)
