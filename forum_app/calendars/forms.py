"""Forms of calendars."""

from wtforms import SelectField

from forum_app.web.forms import BaseForm, optional, text_field
from forum_app.web.languages import LANGUAGE_NAMES
from forum_app.web.texts import lazy_gettext


class FeedForm(BaseForm):
    """A new secret address."""

    label = text_field(
        lazy_gettext("Name"),
        optional(),
        most=100,
        description=lazy_gettext("Where you will use it, so that you know later which one to revoke."),
    )
    locale = SelectField(lazy_gettext("Language of the entries"), choices=list(LANGUAGE_NAMES.items()))
