"""Forms of meetings. Times are typed in the event's zone."""

import re
from datetime import UTC, datetime
from typing import Any

from wtforms import BooleanField, IntegerField, RadioField, SelectField
from wtforms.validators import DataRequired, InputRequired, NumberRange, ValidationError

from forum_app.meetings.models import FORMAT_LABELS, PRIORITY_LABELS, MeetingFormat, Priority
from forum_app.web.forms import BaseForm, ZonedDateTimeField, long_text_field, optional, text_field
from forum_app.web.texts import gettext, lazy_gettext

SLOT = re.compile(r"\d{8}T\d{4}Z")


def parse_slot(value: str | None) -> datetime | None:
    """The instant that FreeSlot.value stands for; None for anything else."""
    if not value or not SLOT.fullmatch(value):
        return None
    try:
        return datetime.strptime(value, "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def instant_of(field: ZonedDateTimeField) -> datetime:
    """The instant typed into a required field of a form that was validated."""
    assert field.data is not None  # noqa: S101 - InputRequired saw it
    return field.data


def _optional_id(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


class AskForm(BaseForm):
    """Ask for a meeting."""

    topic = text_field(
        lazy_gettext("Topic"),
        DataRequired(lazy_gettext("Please say in one line what you want to talk about.")),
        most=200,
        description=lazy_gettext("One line that tells the other side why to meet."),
    )
    message = long_text_field(
        lazy_gettext("Message"),
        optional(),
        most=2000,
        description=lazy_gettext("What you bring, what you look for. Nothing that must stay confidential."),
    )
    priority = RadioField(
        lazy_gettext("How important is it to you?"),
        choices=[],
        default=Priority.WANT.value,
        validators=[InputRequired()],
    )
    format = RadioField(
        lazy_gettext("How do you want to meet?"),
        choices=[],
        default=MeetingFormat.IN_PERSON.value,
        validators=[optional()],
    )
    needs_interpreter = BooleanField(lazy_gettext("I need an interpreter (English / Japanese)"))
    team = BooleanField(
        lazy_gettext("Whoever of their delegation is free will do"),
        description=lazy_gettext(
            "Any of their people who take meetings may answer, which finds a time sooner."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        order = (Priority.MUST, Priority.WANT)
        self.priority.choices = [(p.value, gettext(PRIORITY_LABELS[p])) for p in order]
        self.format.choices = [(one.value, gettext(FORMAT_LABELS[one])) for one in MeetingFormat]


class AcceptForm(BaseForm):
    """Choose one of the free slots. The choices change under the reader's hands, so they are not a
    condition here: a slot that is gone is a lost race (409), not a mistyped form.
    """

    slot = RadioField(
        lazy_gettext("Free times"),
        choices=[],
        validate_choice=False,
        validators=[DataRequired(lazy_gettext("Please choose a time."))],
    )
    table_id = SelectField(
        lazy_gettext("Table"), choices=[], coerce=_optional_id, validate_choice=False, validators=[optional()]
    )

    def validate_slot(self, field: RadioField) -> None:
        if parse_slot(field.data) is None:
            raise ValidationError(gettext("Please choose a time."))

    @property
    def starts_at(self) -> datetime:
        """The chosen start, of a form that was validated."""
        starts_at = parse_slot(self.slot.data)
        assert starts_at is not None  # noqa: S101 - validate_slot saw it
        return starts_at


class DeclineForm(BaseForm):
    """Say no, kindly."""

    answer = long_text_field(
        lazy_gettext("A sentence to the person who asked"),
        optional(),
        most=500,
        render_kw={"rows": 3},
        description=lazy_gettext("Optional. For example whom to ask instead."),
    )


class CancelForm(BaseForm):
    """Cancel a meeting."""

    reason = long_text_field(
        lazy_gettext("Reason"),
        DataRequired(lazy_gettext("Please tell the other side why.")),
        most=500,
        render_kw={"rows": 3},
        description=lazy_gettext("The other side reads it."),
    )


class MoveForm(BaseForm):
    """Move a meeting to another time or table."""

    starts_at = ZonedDateTimeField(
        lazy_gettext("New start"), validators=[InputRequired(lazy_gettext("Please give a time."))]
    )
    table_id = SelectField(
        lazy_gettext("Table"), choices=[], coerce=_optional_id, validate_choice=False, validators=[optional()]
    )


class OfficeHoursForm(BaseForm):
    """A stretch of time in which a host takes meetings."""

    starts_at = ZonedDateTimeField(
        lazy_gettext("Office hours begin"), validators=[InputRequired(lazy_gettext("Please give a time."))]
    )
    ends_at = ZonedDateTimeField(
        lazy_gettext("Office hours end"), validators=[InputRequired(lazy_gettext("Please give a time."))]
    )
    slot_minutes = IntegerField(
        lazy_gettext("Minutes per meeting"),
        default=20,
        validators=[
            InputRequired(lazy_gettext("A slot takes 10 to 120 minutes, in steps of 5.")),
            NumberRange(10, 120, lazy_gettext("A slot takes 10 to 120 minutes, in steps of 5.")),
        ],
        render_kw={"min": 10, "max": 120, "step": 5},
    )
    direct = BooleanField(
        lazy_gettext("Free times can be booked at once"),
        description=lazy_gettext(
            "First come, first served, without asking you. Otherwise you answer each request yourself."
        ),
    )
    note_en = text_field(
        lazy_gettext("Note in English"),
        optional(),
        most=500,
        description=lazy_gettext("What you can talk about, whom you want to meet."),
    )
    note_ja = text_field(lazy_gettext("Note in Japanese"), optional(), most=500)
