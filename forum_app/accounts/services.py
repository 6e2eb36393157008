"""Accounts: making them, confirming them, and letting their owners in and back in.

Whether an address has an account is never told: both cases do the same work and get the same
answer, and only the mail differs. Passwords come hashed, since hashing takes longer than a
transaction should.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from hmac import compare_digest

from sqlalchemy.exc import IntegrityError

from forum_app.accounts import attempts
from forum_app.accounts.links import digest, find_link, latest_sign_up, new_link, use_link, void_links
from forum_app.accounts.models import Purpose, User
from forum_app.accounts.passwords import (
    check_password,
    generate_password,
    hash_password,
    needs_rehash,
    verify_password,
)
from forum_app.accounts.queries import email_key, find_user_by_email
from forum_app.accounts.sessions import end_all_sessions
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.mail.services import Recipient, queue_mail


@dataclass(frozen=True, slots=True)
class Person:
    """What a sign-up says about a person. locale: "en" or "ja"; timezone: an IANA name."""

    name_latin: str = ""
    name_native: str = ""
    name_kana: str = ""
    locale: str = "en"
    timezone: str = "Asia/Tokyo"

    @property
    def name(self) -> str:
        return (self.locale == "ja" and self.name_native) or self.name_latin or self.name_native


def create_user(
    *,
    actor: User | None = None,
    email: str,
    name_latin: str = "",
    name_native: str = "",
    name_kana: str = "",
    password_hash: str | None = None,
    locale: str = "en",
    timezone: str = "Asia/Tokyo",
    verified: bool = True,
    is_admin: bool = False,
    now: datetime,
) -> User:
    """Add an account without any mail; raises Conflict when the address has one."""
    if find_user_by_email(email) is not None:
        raise Conflict(N_("There is an account with this address already."))
    user = User(
        email=email,
        email_key=email_key(email),
        name_latin=name_latin,
        name_native=name_native,
        name_kana=name_kana,
        password_hash=password_hash,
        locale=locale,
        timezone=timezone,
        verified_at=now if verified else None,
        is_admin=is_admin,
        created_at=now,
    )
    db.session.add(user)
    record(actor=actor, action="accounts.created", subject=user, now=now)
    return user


def create_admin(*, email: str, password: str | None = None, now: datetime) -> tuple[User, str]:
    """Make the account with that address an administrator, with that or a generated password.

    Returns the user and the password. Raises Invalid when the password may not be chosen.
    """
    if email.count("@") != 1 or any(c.isspace() for c in email):
        raise Invalid(N_("This is not a mail address."), field="email")
    if password is None:
        password = generate_password()
    check_password(password, own_words=[email])
    user = find_user_by_email(email)
    if user is None:
        user = create_user(email=email, name_latin="Administrator", now=now)
    user.is_admin = True
    user.verified_at = user.verified_at or now
    user.disabled_at = None
    set_password(actor=None, user=user, password_hash=hash_password(password), now=now)
    record(actor=None, action="accounts.made_administrator", subject=user, now=now)
    return user, password


def set_password(
    *,
    actor: User | None,
    user: User,
    password_hash: str,
    keep_session: str | None = None,
    now: datetime,
) -> None:
    """Set the password and end all sessions but the one with token hash keep_session."""
    user.password_hash = password_hash
    end_all_sessions(user, now, keep=keep_session)
    void_links(user, now)
    attempts.forgive(attempts.SIGN_IN_ADDRESS, user.email_key)
    record(actor=actor, action="accounts.password_set", subject=user, now=now)


# --- Sign-up -------------------------------------------------------------------------------------


def sign_up(
    *,
    actor: None = None,
    email: str,
    password_hash: str,
    person: Person,
    next_path: str | None = None,
    browser_hash: str | None = None,
    client: str,
    now: datetime,
) -> None:
    """Mail a link that confirms the address, or word that there is an account already.

    What was typed waits at the link: whoever signs up with somebody else's address changes nothing
    for them. Raises TooManyAttempts.
    """
    admit_mail(email, client, now)
    user = find_user_by_email(email)
    if user is not None and user.verified_at is not None:
        token = new_link(user, Purpose.RESET, now)
        queue_mail(
            to=user, template="accounts/already", context={"token": token, "next_path": next_path}, now=now
        )
        record(actor=actor, action="accounts.signed_up_again", subject=user, now=now)
        return
    if user is None:
        user = User(email=email, email_key=email_key(email), created_at=now, **asdict(person))
        db.session.add(user)
        try:
            db.session.flush()
        except IntegrityError as error:
            if violated(error, "uq_accounts_user_email_key"):
                raise Conflict(
                    N_("Too many changes at the same moment. Nothing was changed; please try again.")
                ) from error
            raise
    _send_confirmation(
        user, {"password_hash": password_hash, **asdict(person)}, next_path, browser_hash, person, now
    )
    record(actor=actor, action="accounts.signed_up", subject=user, now=now)


def _send_confirmation(
    user: User,
    pending: dict[str, str],
    next_path: str | None,
    browser_hash: str | None,
    person: Person,
    now: datetime,
) -> None:
    token = new_link(
        user, Purpose.VERIFY, now, next_path=next_path, pending=pending, browser_hash=browser_hash
    )
    queue_mail(
        to=Recipient(user.email, person.name, person.locale),
        template="accounts/confirm",
        context={"token": token},
        now=now,
    )


def needs_password_to_confirm(*, token: str, browser_secret: str | None, now: datetime) -> bool:
    """Whether the link was asked for in another browser than this; raises NotFound if it is dead.

    Then the password of the sign-up is asked for, so that nobody confirms a stranger's sign-up.
    """
    link = find_link(token, Purpose.VERIFY, now)
    if link is None:
        raise NotFound(N_("This link was used before or is too old. Ask for a new one."))
    if not browser_secret or not link.browser_hash:
        return True
    return not compare_digest(digest(browser_secret), link.browser_hash)


def right_sign_up_password(*, token: str, password: str, now: datetime) -> bool:
    """Whether password is that of the sign-up; slow, to be asked outside a transaction."""
    link = find_link(token, Purpose.VERIFY, now)
    return verify_password(link.pending.get("password_hash") if link else None, password)


def confirm_sign_up(*, actor: None = None, token: str, now: datetime) -> tuple[User, str | None]:
    """Use the link: the address is confirmed and what was typed takes effect. Raises NotFound.

    Returns the user and where they were going. The caller has made sure of the browser or the
    password.
    """
    link = use_link(token, Purpose.VERIFY, now)
    user = link.user
    if user.verified_at is not None or user.disabled_at is not None:
        raise NotFound(N_("This link was used before or is too old. Ask for a new one."))
    for name, value in link.pending.items():
        if name in ("password_hash", "name_latin", "name_native", "name_kana", "locale", "timezone"):
            setattr(user, name, value)
    user.verified_at = now
    void_links(user, now)
    end_all_sessions(user, now)
    record(actor=user, action="accounts.confirmed", subject=user, now=now)
    return user, link.next_path


# --- Sign-in -------------------------------------------------------------------------------------


def admit_sign_in(*, email: str, client: str, now: datetime) -> None:
    """Count a try before the password is looked at; raises TooManyAttempts while locked."""
    attempts.admit(attempts.SIGN_IN_CLIENT, client, now)
    attempts.admit(attempts.SIGN_IN_ADDRESS, email_key(email), now)


def forgive_sign_in(*, actor: None = None, user: User, client: str, now: datetime) -> None:
    """Uncount the tries of somebody who has shown to know the password."""
    attempts.forgive(attempts.SIGN_IN_ADDRESS, user.email_key)
    attempts.take_back(attempts.SIGN_IN_CLIENT, client, now)


@dataclass(frozen=True, slots=True)
class Checked:
    """A password that was compared. user_id: None when it was wrong; new_hash: by today's parameters."""

    user_id: int | None = None
    new_hash: str | None = None


def check_credentials(*, email: str, password: str) -> Checked:
    """Compare the password; slow, to be asked outside a transaction. As slow for unknown addresses.

    An account that waits for confirmation is compared with the password of its latest sign-up.
    """
    user = find_user_by_email(email)
    known = user.password_hash if user else None
    if user is not None and user.verified_at is None:
        waiting = latest_sign_up(user)
        known = waiting.pending.get("password_hash") if waiting else None
    right = verify_password(known, password)
    if user is None or not right or user.disabled_at is not None:
        return Checked()
    outdated = known is not None and user.verified_at is not None and needs_rehash(known)
    return Checked(user.id, hash_password(password) if outdated else None)


def admit_user(
    *,
    actor: None = None,
    checked: Checked,
    client: str,
    next_path: str | None,
    browser_hash: str | None,
    now: datetime,
) -> User | None:
    """The user who may come in, None when the answer is the one neutral sentence.

    Who has the right password but has not confirmed the address gets a fresh link by mail.
    """
    user = db.session.get(User, checked.user_id) if checked.user_id is not None else None
    if user is None or user.disabled_at is not None:
        return None
    if user.verified_at is None:
        waiting = latest_sign_up(user)
        if waiting is not None and _may_mail(user.email, client, now):
            pending = dict(waiting.pending)
            person = Person(**{k: v for k, v in pending.items() if k != "password_hash"})
            _send_confirmation(user, pending, next_path or waiting.next_path, browser_hash, person, now)
        return None
    forgive_sign_in(user=user, client=client, now=now)
    if checked.new_hash is not None:
        user.password_hash = checked.new_hash
    record(actor=user, action="accounts.signed_in", subject=user, now=now)
    return user


# --- Forgotten passwords -------------------------------------------------------------------------


def request_reset(*, actor: None = None, email: str, client: str, locale: str, now: datetime) -> None:
    """Mail a link to set a new password, or word that there is no account. Raises TooManyAttempts."""
    admit_mail(email, client, now)
    user = find_user_by_email(email)
    if user is None or user.disabled_at is not None:
        queue_mail(
            to=Recipient(email, "", locale), template="accounts/no_account", context={"email": email}, now=now
        )
        return
    token = new_link(user, Purpose.RESET, now)
    queue_mail(to=user, template="accounts/reset", context={"token": token}, now=now)
    record(actor=actor, action="accounts.reset_requested", subject=user, now=now)


def own_words_of_reset(*, token: str, now: datetime) -> list[str]:
    """Names and address of the link's owner, for the check of a password; raises NotFound."""
    link = find_link(token, Purpose.RESET, now)
    if link is None or link.user.disabled_at is not None:
        raise NotFound(N_("This link was used before or is too old. Ask for a new one."))
    return own_words(link.user)


def reset_password(*, actor: None = None, token: str, password_hash: str, now: datetime) -> User:
    """Use the link: set the password, end every session. Raises NotFound.

    The link came by mail, so it also confirms the address.
    """
    user = use_link(token, Purpose.RESET, now).user
    if user.disabled_at is not None:
        raise NotFound(N_("This link was used before or is too old. Ask for a new one."))
    user.verified_at = user.verified_at or now
    set_password(actor=user, user=user, password_hash=password_hash, now=now)
    queue_mail(to=user, template="accounts/password_changed", context={}, now=now)
    return user


def own_words(user: User) -> list[str]:
    """What a password of user may not be made of."""
    return [user.email, user.name_latin, user.name_native, user.name_kana]


def _may_mail(email: str, client: str, now: datetime) -> bool:
    try:
        admit_mail(email, client, now)
    except attempts.TooManyAttempts:
        return False
    return True


def admit_mail(email: str, client: str, now: datetime) -> None:
    """Count a mail that a form sends to an address; raises TooManyAttempts."""
    attempts.admit(attempts.MAIL_CLIENT, client, now)
    attempts.admit(attempts.MAIL_ADDRESS, email_key(email), now)
