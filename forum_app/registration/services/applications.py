"""What people do with their own registration: register, change, cancel."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import make_transient_to_detached

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import Base, db, run_insert, violated
from forum_app.events.models import Event
from forum_app.organizations.models import MemberState
from forum_app.organizations.queries import find_membership
from forum_app.registration.models import Registration, RegistrationState, registration_code
from forum_app.registration.permissions import (
    Window,
    forget_states,
    identity_is_settled,
    is_over,
    may_choose,
    owns,
    registration_window,
)
from forum_app.registration.queries import find_active_state, find_registration, list_types
from forum_app.registration.services.states import change_state, mail_for, send, take_seat

S = RegistrationState
_NEW = insert(Base.metadata.tables[Registration.__tablename__])
LANGUAGES = ("en", "ja", "en-ja")
REFUSALS = {
    Window.DRAFT: N_("This event is not published yet. Nobody can register."),
    Window.NOT_YET: N_("Registration has not opened yet."),
    Window.CLOSED: N_("Registration has closed."),
    Window.OVER: N_("This event is over."),
    Window.INVITED_ONLY: N_("This event is by invitation only, and your account has no invitation."),
}
TAKEN = N_("You are registered for this event already. Open your registration to change it.")


@dataclass(frozen=True, slots=True)
class Details:
    """What a person states about themselves. organization_id: one of their own, or None."""

    name_latin: str = ""
    name_native: str = ""
    name_kana: str = ""
    organization_id: int | None = None
    job_title_en: str = ""
    job_title_ja: str = ""
    language: str = "en"
    needs: str = ""
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Consents:
    """What a person agreed to; privacy always, antitrust where the event has a statement."""

    privacy: bool = False
    antitrust: bool = False
    photo: bool = False


def register(
    *, actor: User, event: Event, type_id: int, details: Details, consents: Consents, now: datetime
) -> Registration:
    """Register actor for event, or take the invitation that waits for them.

    The new registration is approved at once where its type needs no vetting and has a seat,
    waitlisted where it has none, and applied where it needs vetting. Raises Conflict when the
    person is registered already or the window is not open, Invalid about a field.
    """
    if actor.verified_at is None:
        raise PermissionDenied(N_("Confirm your mail address first: open the link that we sent you."))
    state = find_active_state(actor, event)
    if state is not None and state != S.INVITED:
        raise Conflict(TAKEN)
    existing = find_registration(actor, event) if state is not None else None
    window = registration_window(event, now, invited=existing is not None)
    if window != Window.OPEN:
        raise Conflict(REFUSALS[window])
    kind = next((kind for kind in list_types(event.id) if kind.id == type_id), None)
    if kind is None or not may_choose(kind, existing):
        raise Invalid(N_("Choose one of the participant types."), field="type_id")
    _check(actor, event, details, consents)

    stated = {
        **{name: getattr(details, name) for name in FIELDS},
        "consent_privacy_at": now,
        "consent_antitrust_at": now if event.antitrust_en or event.antitrust_ja else None,
        "consent_photo_at": now if consents.photo else None,
    }
    target = S.APPLIED if kind.needs_vetting else S.APPROVED
    if existing is not None:
        for name, value in stated.items():
            setattr(existing, name, value)
        existing.user_id, existing.type_id, existing.type = actor.id, kind.id, kind
    try:
        if existing is not None:
            change_state(actor=actor, registration=existing, to=target, now=now)
            db.session.flush()
            return existing
        if target == S.APPROVED and not take_seat(kind.id):
            target = S.WAITLISTED
        # written without the unit of work, which looks at event, type and user too: a third of the cost
        values = {
            "event_id": event.id,
            "type_id": kind.id,
            "user_id": actor.id,
            "email": actor.email,
            "email_key": actor.email_key,
            "created_at": now,
            "state_changed_at": now,
            "state": target,
            "waitlisted_at": now if target == S.WAITLISTED else None,
            "code": registration_code(),
            "version": 1,
            **stated,
        }
        key = run_insert(_NEW, values)
    except IntegrityError as error:
        if violated(error, "uq_registration_active_user") or violated(error, "uq_registration_active_email"):
            raise Conflict(TAKEN) from error
        raise
    row = Registration(id=key, **values)
    make_transient_to_detached(row)  # as if read; what is not among the values is read when asked for
    db.session.add(row)
    forget_states()
    record(
        actor=actor,
        action=f"registration.{target.value}",
        subject=row,
        event_id=event.id,
        now=now,
        detail={"to": target.value, "type": kind.code},
    )
    template = mail_for(None, target)
    if template is not None:
        send(row, template, now)
    return row


def update_own(
    *, actor: User, registration: Registration, details: Details, photo: bool, now: datetime
) -> Registration:
    """Change what actor stated. Name and organization stay once the person was vetted under them."""
    if not owns(actor, registration):
        raise NotFound(N_("There is no such registration at this event."))
    if registration.state in (S.INVITED, S.DECLINED, S.CANCELLED) or is_over(registration.event, now):
        raise Conflict(N_("This registration can no longer be changed."))
    before = {name: getattr(registration, name) for name in FIELDS}
    if identity_is_settled(registration):
        kept = {name: before[name] for name in IDENTITY}
        details = Details(**{**{name: getattr(details, name) for name in FIELDS}, **kept})
    elif details.organization_id != registration.organization_id:
        _check_organization(actor, details)
    _check_names(details)
    _write(registration, details)
    if photo != (registration.consent_photo_at is not None):
        registration.consent_photo_at = now if photo else None
    changed = sorted(name for name in FIELDS if getattr(registration, name) != before[name])
    record(
        actor=actor,
        action="registration.changed",
        subject=registration,
        event_id=registration.event_id,
        now=now,
        detail={"fields": changed, "photo": photo},
    )
    return registration


def cancel(*, actor: User, registration: Registration, now: datetime) -> Registration:
    """Cancel the actor's own registration, or say no to the invitation; a seat goes to the waitlist."""
    if not owns(actor, registration):
        raise NotFound(N_("There is no such registration at this event."))
    if is_over(registration.event, now):
        raise Conflict(N_("This event is over."))
    change_state(actor=actor, registration=registration, to=S.CANCELLED, now=now)
    return registration


IDENTITY = ("name_latin", "name_native", "name_kana", "organization_id")
FIELDS = (*IDENTITY, "job_title_en", "job_title_ja", "language", "needs", "listed")


def _check(actor: User, event: Event, details: Details, consents: Consents) -> None:
    _check_names(details)
    _check_organization(actor, details)
    if not consents.privacy:
        raise Invalid(N_("Registration is not possible without this consent."), field="privacy")
    if (event.antitrust_en or event.antitrust_ja) and not consents.antitrust:
        raise Invalid(N_("Taking part is not possible without this agreement."), field="antitrust")


def _check_names(details: Details) -> None:
    if not (details.name_latin or details.name_native):
        raise Invalid(N_("Give your name in at least one script."), field="name_latin")
    if details.language not in LANGUAGES:
        raise Invalid(N_("Choose one of the languages."), field="language")


def _check_organization(actor: User, details: Details) -> None:
    if details.organization_id is None:
        return
    membership = find_membership(actor.id, details.organization_id)
    if membership is None or membership.state != MemberState.ACTIVE:
        raise Invalid(N_("Choose one of your organizations."), field="organization_id")


def _write(row: Registration, details: Details) -> None:
    values: dict[str, Any] = {name: getattr(details, name) for name in FIELDS}
    for name, value in values.items():
        setattr(row, name, value)
