"""One's own account: profile, password, address."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from forum_app.accounts.links import find_link, new_link, use_link, void_links
from forum_app.accounts.models import Purpose, User
from forum_app.accounts.queries import email_key, find_user_by_email
from forum_app.accounts.services import Person, admit_mail, set_password
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.mail.preferences import move_wishes
from forum_app.mail.services import Recipient, queue_mail


def update_profile(*, actor: User, person: Person, now: datetime) -> None:
    """Change names, language and zone."""
    if not person.name:
        raise Invalid(N_("Enter your name in at least one script."), field="name_latin")
    for name, value in asdict(person).items():
        setattr(actor, name, value)
    record(actor=actor, action="accounts.profile_changed", subject=actor, now=now)


def change_password(*, actor: User, password_hash: str, keep_session: str, now: datetime) -> None:
    """Set a new password and end all other sessions; the caller has compared the old one."""
    set_password(actor=actor, user=actor, password_hash=password_hash, keep_session=keep_session, now=now)
    queue_mail(to=actor, template="accounts/password_changed", context={}, now=now)


def request_email_change(*, actor: User, email: str, client: str, now: datetime) -> None:
    """Mail a link to the new address; only its use changes anything. Raises TooManyAttempts.

    Somebody else's address gets word that it has an account; the page does not tell.
    """
    if email_key(email) == actor.email_key:
        raise Invalid(N_("This is your address already."), field="email")
    admit_mail(email, client, now)
    void_links(actor, now, purpose=Purpose.EMAIL)
    token = new_link(actor, Purpose.EMAIL, now, pending={"email": email})
    recipient = Recipient(email, actor.name, actor.locale)
    taken = find_user_by_email(email) is not None
    queue_mail(
        to=recipient,
        template="accounts/email_taken" if taken else "accounts/email_change",
        context={"token": token},
        now=now,
    )
    record(actor=actor, action="accounts.email_change_requested", subject=actor, now=now)


def new_address(*, token: str, now: datetime) -> str:
    """The address to which the link moves an account; raises NotFound."""
    link = find_link(token, Purpose.EMAIL, now)
    if link is None:
        raise NotFound(N_("This link was used before or is too old. Ask for a new one."))
    return str(link.pending["email"])


def confirm_email_change(*, actor: None = None, token: str, now: datetime) -> User:
    """Use the link: the account moves to the new address. Raises NotFound, Conflict."""
    link = use_link(token, Purpose.EMAIL, now)
    user, email = link.user, str(link.pending["email"])
    if user.disabled_at is not None:
        raise NotFound(N_("This link was used before or is too old. Ask for a new one."))
    if find_user_by_email(email) is not None:
        raise Conflict(N_("This address cannot be used. Choose another one."))
    former = Recipient(user.email, user.name, user.locale)
    user.email, user.email_key = email, email_key(email)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Conflict(N_("This address cannot be used. Choose another one.")) from error
    void_links(user, now)
    move_wishes(former=former.email, address=email, now=now)
    queue_mail(to=former, template="accounts/email_changed", context={"email": email}, now=now)
    record(actor=user, action="accounts.email_changed", subject=user, now=now, detail={"from": former.email})
    return user
