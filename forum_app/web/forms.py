"""The base of all forms: CSRF, a key against double sending, tidy text, errors from services."""

import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.support import Translations
from flask import request
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from wtforms import DateTimeLocalField, Field, HiddenField, SelectChoice, StringField, TextAreaField
from wtforms.csrf.core import CSRFTokenField
from wtforms.i18n import DefaultTranslations, messages_path
from wtforms.validators import Length, Optional, ValidationError
from wtforms.widgets import Input, Select, TextArea

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.web.languages import language
from forum_app.web.texts import gettext, lazy_gettext

# Bidirectional controls reorder what follows them; C0 and C1 controls have no place in a form.
FORBIDDEN = {chr(c) for c in [*range(0x20), *range(0x7F, 0xA0)]} - {"\t", "\n", "\r"}
FORBIDDEN |= set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_DROPPED = dict.fromkeys([*map(ord, FORBIDDEN), *range(0xD800, 0xE000)])  # surrogates cannot be stored


def tidy(value: str | None) -> str | None:
    """NFC text without surrounding white space, control or bidirectional characters."""
    if not isinstance(value, str):  # nothing, or a row's number in a hidden field
        return value
    value = unicodedata.normalize("NFC", value)
    value = value.translate(_DROPPED)
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def one_line(value: str | None) -> str | None:
    """Line breaks become spaces: names and subjects end up in headers."""
    return " ".join(value.split()) if isinstance(value, str) else value


def attributes(**values: Any) -> Markup:
    """HTML attributes as wtforms.widgets.html_params writes them, at a fifth of the cost.

    Names end in "_" where they are Python's words, and data_ and aria_ names get hyphens; True stands for the
    bare name, False for nothing.
    """
    parts = []
    for name, value in sorted(values.items()):
        if value is False:
            continue
        key = name.rstrip("_")
        if key.startswith(("data_", "aria_")):
            key = key.replace("_", "-")
        parts.append(key if value is True else f'{key}="{escape(value)}"')
    return Markup(" ".join(parts))  # noqa: S704 - each value is escaped above


# The widgets look it up on their class; a form of a dozen fields spent a third of its time there.
for _widget in (Input, TextArea, Select):
    _widget.html_params = staticmethod(attributes)


def new_key() -> str:
    """A key against double sending: what a drawn form bears, and nobody can guess."""
    return secrets.token_urlsafe(16)


# What WTForms says in the words of a programmer ("Not a valid integer value"), and what we say instead.
PLAIN = {
    "This field is required.": N_("This field is required."),
    "Not a valid integer value.": N_("Please give a whole number."),
    "Not a valid date value.": N_("Please give a date."),
    "Not a valid time value.": N_("Please give a time."),
    "Not a valid datetime value.": N_("Please give a date and a time."),
    "Not a valid choice.": N_("Please choose one of those in the list."),
    "Invalid Choice: could not coerce.": N_("Please choose one of those in the list."),
    "Invalid value, must be one of: %(values)s.": N_("Please choose one of those in the list."),
    "Number must be between %(min)s and %(max)s.": N_("Please give a number from %(min)s to %(max)s."),
    "Field cannot be longer than %(max)d character.": N_("Please use at most %(max)d characters."),
}


class FieldTexts(DefaultTranslations):  # type: ignore[misc]
    """The sentences of WTForms in the language in force: ours where we have a plainer one."""

    def gettext(self, string: str) -> str:
        return gettext(PLAIN[string]) if string in PLAIN else str(super().gettext(string))

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        if singular in PLAIN:
            return gettext(PLAIN[singular])
        return str(super().ngettext(singular, plural, n))


@cache
def _field_texts(name: str) -> FieldTexts:
    """WTForms' own sentences in a language; Flask-WTF would read the file again for each request."""
    return FieldTexts(Translations.load(messages_path(), [name], domain="wtforms"))


class LateTokenField(CSRFTokenField):  # type: ignore[misc]
    """The token of a form, signed when it is drawn: a form that is only read needs none."""

    def process(self, *args: Any, **kwargs: Any) -> None:
        super(CSRFTokenField, self).process(*args, **kwargs)

    def _value(self) -> str:
        return str(self.csrf_impl.generate_csrf_token(self))


class Csrf(FlaskForm.Meta.csrf_class):  # type: ignore[misc]
    field_class = LateTokenField


def _prepared(unbound_field: Any) -> dict[str, Any]:
    """What a field is made of, with our filters and WTForms' own type of choices; made once, kept with it."""
    if not hasattr(unbound_field, "forum_prepared"):
        kwargs = dict(unbound_field.kwargs)
        if issubclass(unbound_field.field_class, StringField):
            lines = [] if issubclass(unbound_field.field_class, TextAreaField) else [one_line]
            kwargs["filters"] = [tidy, *lines, *kwargs.get("filters", [])]
        if isinstance(choices := kwargs.get("choices"), (list, tuple)):  # we write pairs
            kwargs["choices"] = [SelectChoice(*pair) for pair in choices]
        unbound_field.forum_prepared = kwargs
    prepared: dict[str, Any] = unbound_field.forum_prepared
    return prepared


class BaseForm(FlaskForm):  # type: ignore[misc]
    """All forms of the product. Use validate_on_submit(), then submission(), see web/submission."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf_class = Csrf

        def bind_field(self, form: Any, unbound_field: Any, options: Any) -> Any:
            # what unbound_field.bind() does, but what is the same for each form of the class is made once
            rest = dict(options)
            named = {
                "name": rest.pop("name"),
                "_form": form,
                "_prefix": rest.pop("prefix", ""),
                "_translations": rest.pop("translations", None),
            }
            values = {**_prepared(unbound_field), **rest, **named}
            return unbound_field.field_class(*unbound_field.args, **values)

        def get_translations(self, form: Any) -> Any:
            return _field_texts(language())

    idempotency_key = HiddenField(default=new_key)

    def validate(self, extra_validators: Any = None) -> bool:
        """As WTForms does, but what cannot be read is told once: not that it is out of range, too."""
        good = bool(super().validate(extra_validators))
        for field in self:
            if getattr(field, "process_errors", None):
                field.errors = list(field.process_errors)
        return good

    @property
    def status(self) -> int:
        """422 when what was sent was refused, else 200; for the second value of a view."""
        return 422 if request.method == "POST" and self.errors else 200

    def refuse(self, error: Invalid) -> None:
        """Show a service's sentence at its field, or above the form."""
        sentence = gettext(error.message) % error.params if error.params else gettext(error.message)
        field = self._fields.get(error.field) if error.field else None
        if field is not None:
            field.errors = [*field.errors, sentence]
        else:
            self.form_errors.append(sentence)

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Turn Invalid raised inside into errors of this form; put it outside submission()."""
        try:
            yield
        except Invalid as error:
            self.refuse(error)


class ActionForm(BaseForm):
    """A form of nothing but a button."""


class ZonedDateTimeField(DateTimeLocalField):  # type: ignore[misc]
    """A wall-clock time typed in the event's zone; data is an aware UTC instant.

    Set field.zone (IANA name) after the form is made. A time in the gap of a change to summer time
    is refused; of a time that exists twice the first is taken.
    """

    data: datetime | None
    zone: str = "UTC"

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if not self.data:
            return ""
        return f"{self.data.astimezone(ZoneInfo(self.zone)):%Y-%m-%dT%H:%M}"

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and self.data.tzinfo is None:
            zone = ZoneInfo(self.zone)
            try:
                instant = self.data.replace(tzinfo=zone).astimezone(UTC)
            except OverflowError as error:  # in the first or last hours of the calendar
                raise ValidationError(lazy_gettext("This time is out of range.")) from error
            if instant.astimezone(zone).replace(tzinfo=None) != self.data:
                raise ValidationError(
                    lazy_gettext("This time does not exist: the clocks are put forward then.")
                )
            self.data = instant


def text_field(label: Any, *validators: Any, most: int = 200, **kwargs: Any) -> StringField:
    """One line of text with a limit that the browser knows too."""
    render = {"maxlength": most, **kwargs.pop("render_kw", {})}
    return StringField(label, [*validators, Length(max=most)], render_kw=render, **kwargs)


def long_text_field(label: Any, *validators: Any, most: int = 5000, **kwargs: Any) -> TextAreaField:
    """Several lines of text with a limit."""
    render = {"maxlength": most, "rows": 5, **kwargs.pop("render_kw", {})}
    return TextAreaField(label, [*validators, Length(max=most)], render_kw=render, **kwargs)


def optional() -> Optional:
    """Shorthand for a field that may stay empty."""
    return Optional(strip_whitespace=True)


def fields_of(form: BaseForm) -> list[Field]:
    """Visible fields in their order."""
    return [f for f in form if not isinstance(f, HiddenField) and f.type != "CSRFTokenField"]
