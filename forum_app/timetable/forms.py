"""Forms of the schedule's pages."""

from wtforms import BooleanField, HiddenField, IntegerField, SelectField
from wtforms.validators import DataRequired, NumberRange

from forum_app.web.forms import BaseForm
from forum_app.web.texts import lazy_gettext

LARGEST_SEED = 2**31 - 1


class RunForm(BaseForm):
    """A new run."""

    time_limit = SelectField(
        lazy_gettext("Time at most"),
        choices=[
            ("15", lazy_gettext("15 seconds: a first look")),
            ("60", lazy_gettext("1 minute")),
            ("300", lazy_gettext("5 minutes: hundreds of people")),
            ("1200", lazy_gettext("20 minutes: thousands of people")),
        ],
        coerce=str,
        default="60",
    )
    seed = IntegerField(
        lazy_gettext("Number of the attempt"),
        [NumberRange(0, LARGEST_SEED)],
        default=1,
        description=lazy_gettext("Another number tries other ways first; the rules stay the same."),
    )


class PlaceForm(BaseForm):
    """A meeting's slot and table. slot: an instant in ISO form."""

    slot = SelectField(lazy_gettext("Time"), [DataRequired()])
    table_id = SelectField(lazy_gettext("Table"))
    pin = BooleanField(
        lazy_gettext("Pin it there"),
        description=lazy_gettext("Later schedule runs leave a pinned meeting where it is."),
        default=True,
    )
    back = HiddenField()


class PinForm(BaseForm):
    """pinned: what it is to be."""

    pinned = HiddenField()
    back = HiddenField()
