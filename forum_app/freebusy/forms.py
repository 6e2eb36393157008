"""Forms for giving the forum another calendar."""

from typing import Any
from zoneinfo import available_timezones

from flask_wtf.file import FileField, FileRequired
from wtforms.validators import InputRequired, ValidationError

from forum_app.freebusy.models import MOST_ADDRESS
from forum_app.web.forms import BaseForm, text_field
from forum_app.web.texts import lazy_gettext


def _zone_field() -> Any:
    return text_field(
        lazy_gettext("Time zone for times without one"),
        InputRequired(),
        most=60,
        description=lazy_gettext(
            "Whole days and times without a zone are read in this one, such as Asia/Tokyo."
        ),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )


class _ZonedForm(BaseForm):
    """Two of them stand on one page, so each names its fields for itself."""

    own = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone.id = self.zone.label.field_id = f"{self.own}-zone"

    def validate_zone(self, field: Any) -> None:
        if field.data not in available_timezones():
            raise ValidationError(lazy_gettext("This is no time zone. Write it as in Asia/Tokyo."))


class UploadForm(_ZonedForm):
    """A calendar file, read once."""

    own = "upload"
    file = FileField(
        lazy_gettext("Calendar file (.ics)"),
        validators=[FileRequired(message=lazy_gettext("Choose a file."))],
        description=lazy_gettext("At most 10 MB."),
        render_kw={"accept": "text/calendar,.ics,.ical,.ifb"},
    )
    zone = _zone_field()


class SubscribeForm(_ZonedForm):
    """The address of a calendar, read again each hour."""

    own = "subscribe"
    address = text_field(
        lazy_gettext("Address of the calendar"),
        InputRequired(),
        most=MOST_ADDRESS,
        description=lazy_gettext(
            "The secret address in iCal format that your calendar shows in its settings; it begins with"
            " https:// or webcal://."
        ),
        render_kw={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"},
    )
    zone = _zone_field()
