"""Forms of tables, interpreters, meeting times and absences. A day of the event and times of its clock."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from wtforms import DateField, IntegerField, SelectField, SelectMultipleField, TimeField
from wtforms.validators import DataRequired, InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from forum_app.agenda.pages import language_label
from forum_app.core.intervals import Interval
from forum_app.events.models import Event
from forum_app.meetings.models import TABLE_KIND_LABELS, TableKind
from forum_app.web.access import id_in
from forum_app.web.formats import format_date
from forum_app.web.forms import BaseForm, optional, text_field
from forum_app.web.languages import language
from forum_app.web.texts import gettext, lazy_gettext

LANGUAGE_PAIRS = ("en-ja", "en-ko", "ja-ko", "en-zh", "ja-zh", "en-fr", "ja-fr")
MOST_POSITION = 10_000
GIVE_TIME = lazy_gettext("Please give a time.")


def days_of(event: Event) -> list[date]:
    """The days of an event."""
    return [event.starts_on + timedelta(days=n) for n in range((event.ends_on - event.starts_on).days + 1)]


def pair_label(pair: str) -> str:
    """A language pair in the reader's language."""
    one, other = (language_label(code, language()) for code in pair.split("-"))
    return gettext("%(one)s – %(other)s", one=one, other=other)


def _number(value: Any) -> int | None:
    return id_in(str(value or ""))


class DaySpanForm(BaseForm):
    """A time on one day of the event, on the clock of its place. Call at(event) before validating."""

    day = SelectField(lazy_gettext("Day"), choices=[])
    starts = TimeField(lazy_gettext("Start time"), [InputRequired(GIVE_TIME)], render_kw={"step": 300})
    ends = TimeField(lazy_gettext("End time"), [InputRequired(GIVE_TIME)], render_kw={"step": 300})
    zone: ZoneInfo
    span: Interval | None = None

    def at(self, event: Event) -> Self:
        """The days to choose from, and whose clock it is."""
        self.zone = ZoneInfo(event.timezone)
        self.day.choices = [(day.isoformat(), format_date(day, language())) for day in days_of(event)]
        return self

    def show(self, start: datetime, end: datetime) -> None:
        """Begin with this time; for a form that has not been sent."""
        if not self.is_submitted():
            first, last = start.astimezone(self.zone), end.astimezone(self.zone)
            self.day.data = first.date().isoformat()
            self.starts.data, self.ends.data = first.time(), last.time()

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        day = date.fromisoformat(self.day.data)
        start = _instant(day, self.starts.data or time(), self.zone)
        # 00:00 closes the day, as 24:00 would
        after = not self.ends.data or self.ends.data == time()
        end = _instant(day + timedelta(days=after), self.ends.data or time(), self.zone)
        for field, moment in ((self.starts, start), (self.ends, end)):
            if moment is None:
                field.errors = [gettext("This time does not exist: the clocks are put forward then.")]
                return False
        if start is None or end is None or end <= start:
            self.ends.errors = [gettext("The end must be after the start.")]
            return False
        self.span = Interval(start, end)
        return True

    @property
    def chosen(self) -> Interval:
        """The time of a form that was validated."""
        assert self.span is not None  # noqa: S101 - validate() set it
        return self.span


def _instant(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    """The instant of a time on the wall, None in the gap of a change to summer time."""
    local = datetime.combine(day, clock)
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == local else None


class HoursForm(DaySpanForm):
    """Hours of a table or an interpreter."""


class StretchForm(DaySpanForm):
    """A stretch that is cut into slots."""

    slot_minutes = IntegerField(
        lazy_gettext("Minutes per meeting"),
        default=20,
        validators=[
            InputRequired(lazy_gettext("A slot takes 10 to 120 minutes, in steps of 5.")),
            NumberRange(10, 120, lazy_gettext("A slot takes 10 to 120 minutes, in steps of 5.")),
        ],
        render_kw={"min": 10, "max": 120, "step": 5},
    )
    gap_minutes = IntegerField(
        lazy_gettext("Minutes between meetings"),
        default=0,
        validators=[
            InputRequired(lazy_gettext("A pause takes 0 to 60 minutes, in steps of 5.")),
            NumberRange(0, 60, lazy_gettext("A pause takes 0 to 60 minutes, in steps of 5.")),
        ],
        render_kw={"min": 0, "max": 60, "step": 5},
    )


class CopyForm(BaseForm):
    """Which day's meeting times the other days get."""

    day = SelectField(lazy_gettext("Day"), choices=[])


class AbsenceForm(DaySpanForm):
    """When a person takes no meetings; without times the whole day."""

    starts = TimeField(lazy_gettext("Start time"), validators=[optional()], render_kw={"step": 300})
    ends = TimeField(lazy_gettext("End time"), validators=[optional()], render_kw={"step": 300})
    note = text_field(
        lazy_gettext("Note for the organizers"),
        optional(),
        most=200,
        description=lazy_gettext("Optional. Nobody else reads it."),
    )


class TableForm(BaseForm):
    """A meeting table."""

    label = text_field(
        lazy_gettext("Label"),
        DataRequired(lazy_gettext("Please give the label that stands on the table.")),
        most=40,
    )
    kind = SelectField(lazy_gettext("Kind"), choices=[], default=TableKind.OPEN.value)
    owner_id = SelectField(
        lazy_gettext("Organization"),
        choices=[],
        coerce=_number,
        validate_choice=False,
        validators=[optional()],
        description=lazy_gettext("Only for a booth: it serves the meetings of this organization."),
    )
    room_id = SelectField(
        lazy_gettext("Room"), choices=[], coerce=_number, validate_choice=False, validators=[optional()]
    )
    position = IntegerField(
        lazy_gettext("Order"),
        validators=[
            optional(),
            NumberRange(0, MOST_POSITION, lazy_gettext("Please give a small whole number.")),
        ],
        description=lazy_gettext("Tables are filled in this order."),
        render_kw={"min": 0, "max": MOST_POSITION},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [(one.value, gettext(TABLE_KIND_LABELS[one])) for one in TableKind]

    def offer(self, rooms: Sequence[tuple[str, str]], organizations: Sequence[tuple[str, str]]) -> None:
        """Rooms and organizations to choose from."""
        self.room_id.choices = [("", gettext("No room")), *rooms]
        self.owner_id.choices = [("", gettext("No organization")), *organizations]

    @property
    def chosen_kind(self) -> TableKind:
        return TableKind(self.kind.data)


class NewTablesForm(TableForm):
    """One table, or several alike."""

    position = None
    number = IntegerField(
        lazy_gettext("How many"),
        default=1,
        validators=[
            optional(),
            NumberRange(1, 50, lazy_gettext("Between 1 and 50 tables at once.")),
        ],
        description=lazy_gettext("More than one: the label gets a running number."),
        render_kw={"min": 1, "max": 50},
    )


class InterpreterForm(BaseForm):
    """An interpreter of the event."""

    name_latin = text_field(lazy_gettext("Name in Latin letters"), optional())
    name_native = text_field(lazy_gettext("Name in Japanese"), optional())
    name_kana = text_field(lazy_gettext("Reading (kana)"), optional())
    languages = SelectMultipleField(
        lazy_gettext("Languages"),
        choices=[],
        default=[LANGUAGE_PAIRS[0]],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    most_run_minutes = IntegerField(
        lazy_gettext("Longest run in minutes"),
        default=60,
        validators=[optional(), NumberRange(10, 480, lazy_gettext("Between 10 minutes and 8 hours."))],
        description=lazy_gettext(
            "Then a rest of one meeting's length is due. Leave it empty if no rest is needed."
        ),
        render_kw={"min": 10, "max": 480, "step": 5},
    )
    cleared_until = DateField(
        lazy_gettext("Cleared until"),
        validators=[optional()],
        description=lazy_gettext("Only cleared interpreters serve meetings that need a clearance."),
    )
    email = text_field(
        lazy_gettext("Mail address of the account"),
        optional(),
        most=320,
        description=lazy_gettext("With it the interpreter sees the list of the day on the phone."),
        render_kw={"type": "email", "autocomplete": "off"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.languages.choices = [(pair, pair_label(pair)) for pair in LANGUAGE_PAIRS]
