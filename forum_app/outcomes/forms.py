"""The form for what came of a meeting."""

from typing import Any

from wtforms import BooleanField, DateField, RadioField, SelectField
from wtforms.validators import InputRequired

from forum_app.outcomes.models import PATHWAY_LABELS, WISH_LABELS, Pathway, Wish
from forum_app.web.forms import BaseForm, long_text_field, optional, text_field
from forum_app.web.texts import gettext, lazy_gettext


class OutcomeForm(BaseForm):
    """What one side says of a meeting."""

    wish = RadioField(
        lazy_gettext("What do you wish?"),
        choices=[],
        validators=[InputRequired(lazy_gettext("Please choose one."))],
    )
    pathway = SelectField(
        lazy_gettext("Pathway"),
        choices=[],
        validators=[optional()],
        description=lazy_gettext("Only for a pathway to a contract."),
    )
    next_step = text_field(
        lazy_gettext("Next step"),
        optional(),
        most=300,
        description=lazy_gettext("Who does what. For example: we send the test report."),
    )
    next_step_on = DateField(lazy_gettext("Until"), validators=[optional()])
    note = long_text_field(
        lazy_gettext("Note"),
        optional(),
        most=5000,
        description=lazy_gettext("For your own organization, and for the other side only if both share."),
    )
    shared = BooleanField(
        lazy_gettext("Share with the other side"),
        description=lazy_gettext("Only your organization reads this until the other side shares, too."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wish.choices = [(wish.value, gettext(label)) for wish, label in WISH_LABELS.items()]
        self.pathway.choices = [
            ("", gettext("None")),
            *[(pathway.value, gettext(label)) for pathway, label in PATHWAY_LABELS.items()],
        ]

    @property
    def values(self) -> dict[str, Any]:
        """What the service takes, of a form that was validated."""
        return {
            "wish": Wish(self.wish.data),
            "pathway": Pathway(self.pathway.data) if self.pathway.data else None,
            "next_step": self.next_step.data or "",
            "next_step_on": self.next_step_on.data,
            "note": self.note.data or "",
            "shared": self.shared.data,
        }
