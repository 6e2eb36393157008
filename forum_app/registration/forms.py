"""Forms of registration: what people state, and what officers decide."""

from typing import Any

from wtforms import BooleanField, DateField, HiddenField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, Email, InputRequired, NumberRange, Regexp

from forum_app.events.models import Event
from forum_app.registration.models import RegistrationState
from forum_app.web.forms import BaseForm, long_text_field, optional, text_field
from forum_app.web.texts import lazy_gettext

LANGUAGE_CHOICES = [
    ("en", lazy_gettext("English")),
    ("ja", lazy_gettext("Japanese")),
    ("en-ja", lazy_gettext("English and Japanese")),
]
MOST_SEATS = 100_000


def _id_or_none(value: Any) -> int | None:
    if value in (None, "", "None"):
        return None
    number = int(value)
    if not 0 <= number < 2**62:  # what no database has as a key
        raise ValueError("out of range")
    return number


class DetailsForm(BaseForm):
    """What people state about themselves; choices of organization_id are their own memberships."""

    name_latin = text_field(
        lazy_gettext("Name in Latin letters"),
        description=lazy_gettext("As on your passport or business card."),
        render_kw={"autocomplete": "name", "lang": "en"},
    )
    name_native = text_field(
        lazy_gettext("Name in Japanese or another script"),
        description=lazy_gettext("In its own order, if you have one."),
        render_kw={"lang": "ja"},
    )
    name_kana = text_field(
        lazy_gettext("Reading in kana"),
        description=lazy_gettext("For lists in Japanese order."),
        render_kw={"lang": "ja"},
    )
    # whether it is one of their own is for the service to say
    organization_id = SelectField(
        lazy_gettext("Organization"), coerce=_id_or_none, choices=[], validate_choice=False
    )
    job_title_en = text_field(
        lazy_gettext("Job title in English"), render_kw={"autocomplete": "organization-title"}
    )
    job_title_ja = text_field(lazy_gettext("Job title in Japanese"))
    language = RadioField(
        lazy_gettext("Language you speak at the event"),
        choices=LANGUAGE_CHOICES,
        validators=[InputRequired(lazy_gettext("Choose one of the languages."))],
        description=lazy_gettext("So that interpreters can be planned."),
    )
    needs = long_text_field(
        lazy_gettext("Access and diet"),
        most=2000,
        description=lazy_gettext("What you need to take part fully. Only the organizers read it."),
        render_kw={"rows": 2},
    )
    listed = BooleanField(
        lazy_gettext("List me in the directory of participants"),
        description=lazy_gettext(
            "Other participants see your name, organization and job title, never your mail address."
        ),
    )
    photo = BooleanField(lazy_gettext("I agree to photographs"))


class RegistrationForm(DetailsForm):
    """Registration: choices of type_id are the types that the person may choose."""

    type_id = RadioField(
        lazy_gettext("Take part as"),
        coerce=_id_or_none,
        choices=[],
        validate_choice=False,
        validators=[InputRequired(lazy_gettext("Choose one of the participant types."))],
    )
    privacy = BooleanField(
        lazy_gettext("I agree to this use of my data"),
        validators=[DataRequired(lazy_gettext("Registration is not possible without this consent."))],
    )
    antitrust = BooleanField(lazy_gettext("I have read the statement and will abide by it"))

    def ask_antitrust(self, event: Event) -> None:
        """Require the agreement where the event has a statement."""
        if event.antitrust_en or event.antitrust_ja:
            message = lazy_gettext("Taking part is not possible without this agreement.")
            self.antitrust.validators = [DataRequired(message)]
            self.antitrust.flags.required = True


class DecisionForm(BaseForm):
    """A decision of an officer; action is the button that was used."""

    action = StringField(validators=[AnyOf([state.value for state in RegistrationState])])
    version = HiddenField(validators=[Regexp(r"^\d{1,18}$")])
    reason = text_field(
        lazy_gettext("Reason"),
        most=500,
        description=lazy_gettext("Needed to decline. The person reads it in the mail."),
    )
    note = long_text_field(
        lazy_gettext("Internal note"),
        most=5000,
        description=lazy_gettext("For officers and organizers only; the person never sees it."),
        render_kw={"rows": 3},
    )
    cleared_until = DateField(
        lazy_gettext("Cleared until"),
        validators=[optional()],
        description=lazy_gettext(
            "The last day on which the person may be in cleared sessions. Empty: not cleared."
        ),
    )


class MoveForm(BaseForm):
    """Another participant type for a registration."""

    version = HiddenField(validators=[Regexp(r"^\d{1,18}$")])
    type_id = SelectField(lazy_gettext("Participant type"), coerce=_id_or_none)


class InviteForm(BaseForm):
    """An invitation by address."""

    email = text_field(
        lazy_gettext("Mail address"),
        InputRequired(lazy_gettext("Give a mail address.")),
        Email(lazy_gettext("This is not a mail address.")),
        most=320,
        render_kw={"type": "email", "autocomplete": "off"},
    )
    type_id = SelectField(lazy_gettext("Participant type"), coerce=_id_or_none)
    name_latin = text_field(lazy_gettext("Name in Latin letters"))
    name_native = text_field(lazy_gettext("Name in Japanese or another script"))
    locale = RadioField(
        lazy_gettext("Language of the mail"),
        choices=LANGUAGE_CHOICES[:2],
        default="en",
        description=lazy_gettext("Somebody who has an account gets it in the language of the account."),
    )
    message = long_text_field(
        lazy_gettext("Message"),
        most=2000,
        description=lazy_gettext("Stands in the mail as you write it."),
        render_kw={"rows": 4},
    )


class TypeForm(BaseForm):
    """A participant type."""

    name_en = text_field(lazy_gettext("Name in English"))
    name_ja = text_field(lazy_gettext("Name in Japanese"))
    hint_en = text_field(lazy_gettext("Explanation in English"), most=500)
    hint_ja = text_field(lazy_gettext("Explanation in Japanese"), most=500)
    code = text_field(
        lazy_gettext("Code"),
        InputRequired(lazy_gettext("Give a short code.")),
        Regexp(
            r"^[a-z0-9]+(-[a-z0-9]+)*$", message=lazy_gettext("Lower-case letters, digits and hyphens only.")
        ),
        most=40,
        description=lazy_gettext("Short, for exports: startup, agency, press."),
    )
    seats = IntegerField(
        lazy_gettext("Seats"),
        validators=[optional(), NumberRange(0, MOST_SEATS, lazy_gettext("A number from 0 to 100,000."))],
        description=lazy_gettext("Empty: no limit. New seats go to the waitlist at once."),
        render_kw={"inputmode": "numeric"},
    )
    position = IntegerField(
        lazy_gettext("Position in the list"),
        default=0,
        validators=[optional(), NumberRange(0, 1000, lazy_gettext("A number from 0 to 1,000."))],
        render_kw={"inputmode": "numeric"},
    )
    needs_vetting = BooleanField(
        lazy_gettext("Registrations are vetted"),
        default=True,
        description=lazy_gettext("Without vetting, who finds a seat is approved at once."),
    )
    by_invitation = BooleanField(
        lazy_gettext("By invitation only"),
        description=lazy_gettext("Only people invited as this type see it."),
    )
    takes_meetings = BooleanField(
        lazy_gettext("May be asked for meetings"),
        description=lazy_gettext("Representatives of agencies and investors, for example."),
    )
