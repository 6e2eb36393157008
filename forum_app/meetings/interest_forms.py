"""Forms of interest: marking, answering, one's profile, booking open slots, the event's rules."""

from typing import Any

from flask_babel.speaklater import LazyString
from wtforms import BooleanField, IntegerField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import DataRequired, InputRequired, NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from forum_app.meetings.forms import parse_slot
from forum_app.meetings.models import PRIORITY_LABELS, Priority
from forum_app.organizations.models import KIND_LABELS, Kind
from forum_app.organizations.queries import list_areas
from forum_app.web.formats import bilingual
from forum_app.web.forms import (
    BaseForm,
    ZonedDateTimeField,
    long_text_field,
    optional,
    text_field,
)
from forum_app.web.texts import gettext, lazy_gettext

MOST = 200
NUMBER = lazy_gettext("Please give a number from 0 to 200.")


def _priorities() -> list[tuple[str, str]]:
    return [(one.value, gettext(PRIORITY_LABELS[one])) for one in (Priority.MUST, Priority.WANT)]


class MarkForm(BaseForm):
    """Interest marked from a list: one line and one of two buttons."""

    topic = text_field(lazy_gettext("Topic"), optional(), most=200)
    priority = SelectField(choices=[], default=Priority.WANT.value, validators=[InputRequired()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.priority.choices = _priorities()


class AgreeForm(BaseForm):
    """Wish to meet too; the time comes with the schedule."""

    priority = RadioField(
        lazy_gettext("How important is it to you?"),
        choices=[],
        default=Priority.WANT.value,
        validators=[InputRequired()],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.priority.choices = _priorities()


class BookForm(BaseForm):
    """Book an open slot. A slot that is gone is a lost race (409), not a mistyped form."""

    slot = RadioField(
        lazy_gettext("Free times"),
        choices=[],
        validate_choice=False,
        validators=[DataRequired(lazy_gettext("Please choose a time."))],
    )
    topic = text_field(
        lazy_gettext("Topic"),
        DataRequired(lazy_gettext("Please say in one line what you want to talk about.")),
        most=200,
        description=lazy_gettext("One line that tells the other side why to meet."),
    )
    needs_interpreter = BooleanField(lazy_gettext("I need an interpreter (English / Japanese)"))

    def validate_slot(self, field: RadioField) -> None:
        if parse_slot(field.data) is None:
            raise ValidationError(gettext("Please choose a time."))


class ProfileForm(BaseForm):
    """What a person looks for and asks of meetings."""

    wishes_en = long_text_field(
        lazy_gettext("What I look for, in English"),
        optional(),
        most=2000,
        description=lazy_gettext(
            "Needs, partners, next steps. Everybody in the directory can read and search it."
        ),
    )
    wishes_ja = long_text_field(lazy_gettext("What I look for, in Japanese"), optional(), most=2000)
    areas = SelectMultipleField(
        lazy_gettext("Technology areas I look for"),
        choices=[],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[optional()],
    )
    most_meetings = IntegerField(
        lazy_gettext("At most so many meetings"),
        validators=[optional(), NumberRange(0, MOST, NUMBER)],
        render_kw={"min": 0, "max": MOST},
        description=lazy_gettext("Over the whole event. Empty: no limit of your own."),
    )
    paused = BooleanField(
        lazy_gettext("No new requests for now"),
        description=lazy_gettext("You stay in the directory. What waits already can still be answered."),
    )
    link = text_field(
        lazy_gettext("Link for remote meetings"),
        optional(),
        most=500,
        description=lazy_gettext("Only people with a remote meeting with you see it."),
        render_kw={"type": "url", "inputmode": "url"},
    )
    needs_statement = BooleanField(lazy_gettext("The other side must have made an export-control statement"))
    needs_clearance = BooleanField(lazy_gettext("The other side must be cleared"))
    closed_room = BooleanField(lazy_gettext("Only in a closed room"))
    export_statement = long_text_field(
        lazy_gettext("My export-control statement"),
        optional(),
        most=1000,
        render_kw={"rows": 4},
        description=lazy_gettext(
            "What you show and discuss, and that nothing of it needs a licence, or which licence you hold. "
            "Some hosts ask for it before they meet."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.areas.choices = [(area.code, bilingual(area, "name")) for area in list_areas()]


class SettingsForm(BaseForm):
    """An event's rules for meetings."""

    interest_closes_at = ZonedDateTimeField(
        lazy_gettext("Requests close"),
        validators=[optional()],
        description=lazy_gettext("After it nobody asks for new meetings. Empty: with the end of the event."),
    )
    request_days = IntegerField(
        lazy_gettext("Days until a request without an answer ends"),
        default=10,
        validators=[
            InputRequired(lazy_gettext("Please give a number of days from 1 to 60.")),
            NumberRange(1, 60, lazy_gettext("Please give a number of days from 1 to 60.")),
        ],
        render_kw={"min": 1, "max": 60},
    )
    walk_minutes = IntegerField(
        lazy_gettext("Minutes of walking between two buildings"),
        default=10,
        validators=[
            InputRequired(lazy_gettext("Please give 0 to 120 minutes, in steps of 5.")),
            NumberRange(0, 120, lazy_gettext("Please give 0 to 120 minutes, in steps of 5.")),
        ],
        render_kw={"min": 0, "max": 120, "step": 5},
    )


class LimitsForm(BaseForm):
    """Three numbers for each kind of organization, named requests_<kind>, most_<kind>, least_<kind>."""


def _limit_label(limit: LazyString, kind: str) -> str:
    """Thirty fields of three names: a list of what to correct must tell them apart."""
    return f"{limit} – {gettext(kind)}"


for _kind in Kind:
    for _name, _label in (
        ("requests", lazy_gettext("Requests waiting")),
        ("most", lazy_gettext("Most meetings")),
        ("least", lazy_gettext("Least meetings")),
    ):
        setattr(
            LimitsForm,
            f"{_name}_{_kind.value}",
            IntegerField(
                LazyString(_limit_label, _label, KIND_LABELS[_kind]),
                validators=[optional(), NumberRange(0, MOST, NUMBER)],
                render_kw={"min": 0, "max": MOST},
            ),
        )


class BarForm(BaseForm):
    """Two kinds of organization that do not meet."""

    one = SelectField(lazy_gettext("People of this kind"), choices=[], validators=[InputRequired()])
    other = SelectField(
        lazy_gettext("do not meet people of this kind"), choices=[], validators=[InputRequired()]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(kind.value, gettext(KIND_LABELS[kind])) for kind in Kind]
        self.one.choices = self.other.choices = choices
