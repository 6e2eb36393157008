"""The page on which people register, drawn once for all who see the same.

The key holds whatever the page shows of event, types, invitation and organizations. Names, tokens and the
seats that are left are holes, filled in anew for each answer.
"""

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from forum_app.accounts.models import User
from forum_app.events.models import Event
from forum_app.registration.forms import RegistrationForm
from forum_app.registration.models import ParticipantType, Registration
from forum_app.web.formats import bilingual, second_zone
from forum_app.web.forms import new_key
from forum_app.web.languages import language
from forum_app.web.parts import Parts, Stencil, hole, render_part, stencil
from forum_app.web.texts import gettext

Option = tuple[int | str, str]  # value and label
NAMES = ("name_latin", "name_native", "name_kana")
_EVENT_SHOWS = (
    "slug",
    "timezone",
    "registration_closes_at",
    "privacy_en",
    "privacy_ja",
    "antitrust_en",
    "antitrust_ja",
    "photo_en",
    "photo_ja",
)
_TYPE_SHOWS = ("id", "name_en", "name_ja", "hint_en", "hint_ja", "needs_vetting")
_forms: Parts[Stencil] = Parts(200)


def seats_text(kind: ParticipantType) -> str:
    """How many seats of a type are left, in words."""
    if kind.seats is None:
        return gettext("Seats are not limited")
    left = kind.seats - kind.seats_taken
    if left <= 0:
        return gettext("No seat is left: you would be on the waitlist")
    return gettext("Seats left: %(left)s of %(seats)s", left=left, seats=kind.seats)


def organization_options(organizations: Sequence[Any]) -> list[Option]:
    """Choices of the field: one's own organizations under both names, or none."""
    return [*((one.id, _both_names(one)) for one in organizations), ("", gettext("None, or not listed"))]


def _both_names(organization: Any) -> str:
    first = bilingual(organization, "name")
    second = organization.name_en if first == organization.name_ja else organization.name_ja
    return f"{first} / {second}" if second and second != first else first


def empty_page(
    event: Event,
    user: User,
    types: Sequence[ParticipantType],
    invitation: Registration | None,
    organizations: Sequence[Any],
) -> Markup:
    """The page for somebody who has not sent anything yet, with what account and invitation tell already."""
    options = organization_options(organizations)
    invited_as = None if invitation is None else invitation.type
    key = (
        language(),
        request.script_root,
        second_zone(event),
        tuple([getattr(event, name) for name in _EVENT_SHOWS]),
        tuple([tuple([getattr(kind, name) for name in _TYPE_SHOWS]) for kind in types]),
        invited_as and (invited_as.id, invited_as.name_en, invited_as.name_ja),
        tuple(options),
    )
    source: Any = invitation if invitation is not None and invitation.name else user
    return _forms.get(key, lambda: _draw_empty(event, types, invited_as, options)).fill(
        csrf_token=generate_csrf(),
        idempotency_key=new_key(),
        **{name: getattr(source, name) or getattr(user, name) for name in NAMES},
        **{f"seats_{kind.id}": seats_text(kind) for kind in types},
    )


def _draw_empty(
    event: Event,
    types: Sequence[ParticipantType],
    invited_as: ParticipantType | None,
    options: list[Option],
) -> Stencil:
    chosen = invited_as.id if invited_as is not None else types[0].id if len(types) == 1 else None
    form = RegistrationForm(
        formdata=None,
        data={
            **{name: hole(name) for name in (*NAMES, "idempotency_key")},
            "language": language(),
            "type_id": chosen,
            "organization_id": options[0][0] or None,
        },
        meta={"csrf": False},  # the token is a hole of the template
    )
    return stencil(
        "registration/_register.html",
        csrf_token=hole("csrf_token"),
        **_values(form, event, types, invited_as, options),
        seats={kind.id: hole(f"seats_{kind.id}") for kind in types},
    )


def refused_page(
    form: RegistrationForm,
    event: Event,
    types: Sequence[ParticipantType],
    invitation: Registration | None,
    organizations: Sequence[Any],
) -> Markup:
    """The page with what was sent and why it is not taken."""
    return render_part(
        "registration/_register.html",
        csrf_token=None,  # the form brings its own
        **_values(
            form,
            event,
            types,
            None if invitation is None else invitation.type,
            organization_options(organizations),
        ),
        seats={kind.id: seats_text(kind) for kind in types},
    )


def _values(
    form: RegistrationForm,
    event: Event,
    types: Sequence[ParticipantType],
    invited_as: ParticipantType | None,
    options: list[Option],
) -> dict[str, Any]:
    form.ask_antitrust(event)
    form.type_id.choices = [(kind.id, bilingual(kind, "name")) for kind in types]
    form.organization_id.choices = options
    return {
        "event": event,
        "form": form,
        "types": {kind.id: kind for kind in types},
        "invited_as": invited_as,
    }
