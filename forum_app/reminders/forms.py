"""The form of what one wishes to get by mail, and when."""

from datetime import time

from wtforms import BooleanField, TimeField
from wtforms.validators import InputRequired

from forum_app.mail.lists import optional_lists
from forum_app.mail.preferences import Wishes
from forum_app.reminders.models import OFFERED, Lead, Subject
from forum_app.web.forms import BaseForm
from forum_app.web.texts import lazy_gettext


class WishesForm(BaseForm):
    """Quiet hours; the boxes of reminders and lists are read by name, since there is one for each pair."""

    quiet = BooleanField(lazy_gettext("Quiet hours: what can wait comes in the morning"))
    quiet_from = TimeField(lazy_gettext("Quiet from"), [InputRequired()])
    quiet_until = TimeField(lazy_gettext("Quiet until"), [InputRequired()])

    def show(self, wishes: Wishes) -> None:
        """Fill in what is so now."""
        self.quiet.data = wishes.quiet_from != wishes.quiet_until
        shown = wishes if self.quiet.data else Wishes()
        self.quiet_from.data = as_time(shown.quiet_from)
        self.quiet_until.data = as_time(shown.quiet_until)

    def quiet_minutes(self) -> tuple[int, int]:
        """Minutes after midnight; equal when there are to be no quiet hours."""
        first, last = _minutes(self.quiet_from.data), _minutes(self.quiet_until.data)
        return (first, last) if self.quiet.data else (first, first)


def box(subject: Subject, lead: Lead) -> str:
    """Name of the box of a reminder."""
    return f"remind-{subject.value}-{lead.value}"


def list_box(name: str) -> str:
    """Name of the box of a list."""
    return f"list-{name}"


def chosen_reminders(ticked: set[str]) -> dict[Subject, list[Lead]]:
    """What the ticked boxes say of reminders."""
    return {
        subject: [lead for lead in leads if box(subject, lead) in ticked]
        for subject, leads in OFFERED.items()
    }


def chosen_lists(ticked: set[str]) -> set[str]:
    """Lists whose boxes are ticked."""
    return {name for name in optional_lists if list_box(name) in ticked}


def as_time(minutes: int) -> time:
    """A time of day from minutes after midnight."""
    return time(minutes // 60, minutes % 60)


def _minutes(at: time | None) -> int:
    return at.hour * 60 + at.minute if at is not None else 0
