"""One touch on the floor."""

from wtforms import HiddenField, IntegerField
from wtforms.validators import AnyOf, InputRequired

from forum_app.web.forms import BaseForm


class MarkForm(BaseForm):
    """Who came, who did not: a person (registration id) and what is noted."""

    person = IntegerField(validators=[InputRequired()])
    what = HiddenField(validators=[AnyOf(("arrived", "not_arrived", "no_show", "came"))])
