"""Forms of accounts."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

from email_validator import EmailNotValidError, validate_email
from wtforms import EmailField, Field, HiddenField, RadioField, SelectField
from wtforms.validators import DataRequired, InputRequired, ValidationError
from wtforms.widgets import PasswordInput

from forum_app.accounts.passwords import MOST, check_password
from forum_app.core.errors import Invalid
from forum_app.core.kana import katakana
from forum_app.web import clock
from forum_app.web.formats import zone_label
from forum_app.web.forms import BaseForm, text_field
from forum_app.web.languages import LANGUAGE_NAMES, ZONES, known_zones, language
from forum_app.web.texts import gettext, lazy_gettext

KANA = re.compile(r"[\u3041-\u309f\u30a0-\u30ff\s]*")
MOST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets


class SecretField(Field):  # type: ignore[misc]
    """A password, taken as typed: spaces count. Never sent back."""

    widget = PasswordInput(hide_value=True)

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = valuelist[0] if valuelist else ""

    def _value(self) -> str:
        return ""


class AddressField(EmailField):  # type: ignore[misc]
    """A mail address in the form in which servers take it (ASCII domain)."""

    data: Any

    def pre_validate(self, form: Any) -> None:
        if not self.data:
            return
        typed = unicodedata.normalize("NFKC", self.data)[: MOST_EMAIL * 2]
        try:
            checked = validate_email(typed, check_deliverability=False, allow_smtputf8=False, strict=True)
        except EmailNotValidError:
            raise ValidationError(gettext("This is not a mail address.")) from None
        self.data = checked.ascii_email or typed


def address_field(label: Any) -> AddressField:
    return AddressField(label, [DataRequired()], render_kw={"maxlength": MOST_EMAIL, "spellcheck": "false"})


def zone_choices() -> dict[str, list[tuple[str, str]]]:
    """The zones most readers live in by their cities, then all others by their IANA names."""
    now = clock.now()  # only for the abbreviation: JST, EDT or EST
    usual = [(zone, zone_label(zone, now, language())) for zone in ZONES]
    return {
        gettext("Often chosen"): usual,
        gettext("All time zones"): [(zone, zone) for zone in _other_zones()],
    }


@lru_cache(maxsize=1)
def _other_zones() -> tuple[str, ...]:
    old = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    return tuple(sorted(z for z in known_zones() if "/" in z and not z.startswith(old) and z not in ZONES))


class ZoneField(SelectField):  # type: ignore[misc]
    """An IANA time zone; one that is not offered but known is kept."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, choices=zone_choices, **kwargs)

    def iter_groups(self) -> Any:
        if isinstance(self.choices, dict) and self.data in known_zones():
            offered = {value for choices in self.choices.values() for value, _ in choices}
            if self.data not in offered:
                next(iter(self.choices.values())).append((self.data, self.data))
        return super().iter_groups()

    def pre_validate(self, form: Any) -> None:
        if self.data not in known_zones():
            raise ValidationError(gettext("Choose a time zone from the list."))


class PersonFields(BaseForm):
    """Names in two scripts, language and zone."""

    name_latin = text_field(lazy_gettext("Name in Latin letters"))
    name_native = text_field(lazy_gettext("Name in Japanese (or your own) script"))
    name_kana = text_field(lazy_gettext("Reading in kana"))
    locale = RadioField(lazy_gettext("Language of mails and pages"), choices=list(LANGUAGE_NAMES.items()))
    timezone = ZoneField(lazy_gettext("Your time zone"))

    def validate_name_latin(self, field: Field) -> None:
        if not field.data and not self.name_native.data:
            raise ValidationError(gettext("Enter your name in at least one script."))

    def validate_name_kana(self, field: Field) -> None:
        typed = katakana(field.data or "")
        if not KANA.fullmatch(typed):
            raise ValidationError(gettext("Write the reading in kana only."))
        field.data = typed


class SignUpForm(PersonFields):
    """A new account."""

    email = address_field(lazy_gettext("Mail address"))
    password = SecretField(lazy_gettext("Password"), [InputRequired()])
    next = HiddenField()

    def validate_password(self, field: Field) -> None:
        own = [self.email.data, self.name_latin.data, self.name_native.data, self.name_kana.data]
        check_chosen(field, [word for word in own if word])


class SignInForm(BaseForm):
    """An address and a password."""

    email = text_field(lazy_gettext("Mail address"), DataRequired(), most=MOST_EMAIL)
    password = SecretField(lazy_gettext("Password"), [InputRequired()])
    next = HiddenField()


class ConfirmForm(BaseForm):
    """The link of a sign-up, opened in the browser that asked for it: nothing but a button."""


class ConfirmElsewhereForm(BaseForm):
    """The link of a sign-up, opened in another browser."""

    password = SecretField(lazy_gettext("The password you chose when signing up"), [InputRequired()])


class ForgotForm(BaseForm):
    """An address to mail a link to."""

    email = address_field(lazy_gettext("Mail address"))


class ResetForm(BaseForm):
    """A new password, from a mailed link."""

    own_words: list[str] = []
    password = SecretField(lazy_gettext("New password"), [InputRequired()])

    def validate_password(self, field: Field) -> None:
        check_chosen(field, self.own_words)


class PasswordForm(BaseForm):
    """A new password for somebody signed in."""

    own_words: list[str] = []
    current = SecretField(lazy_gettext("Current password"), [InputRequired()])
    password = SecretField(lazy_gettext("New password"), [InputRequired()])

    def validate_password(self, field: Field) -> None:
        check_chosen(field, self.own_words)


class EmailForm(BaseForm):
    """A new address for somebody signed in."""

    email = address_field(lazy_gettext("New mail address"))
    current = SecretField(lazy_gettext("Current password"), [InputRequired()])


def check_chosen(field: Field, own_words: list[str]) -> None:
    """Refuse a password that may not be chosen, in the reader's language."""
    if len(field.data or "") > MOST * 4:  # before any work on it
        raise ValidationError(gettext("Use at most %(most)s characters.") % {"most": MOST})
    try:
        check_password(field.data or "", own_words=own_words)
    except Invalid as error:
        raise ValidationError(gettext(error.message) % error.params) from None
