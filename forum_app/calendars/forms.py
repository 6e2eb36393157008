"""Forms of calendars."""

from collections.abc import Sequence
from typing import Any

from wtforms import SelectField

from forum_app.calendars.models import REMINDERS
from forum_app.web.forms import BaseForm, optional, text_field
from forum_app.web.languages import LANGUAGE_NAMES
from forum_app.web.texts import gettext, lazy_gettext, ngettext


def reminder_label(minutes: int | None) -> str:
    """How long before the start, in words."""
    if minutes is None:
        return gettext("No reminder")
    if minutes == 0:
        return gettext("At the start")
    if minutes >= 1440:
        days = minutes // 1440
        return ngettext("%(num)d day before", "%(num)d days before", days)
    if minutes >= 60:
        hours = minutes // 60
        return ngettext("%(num)d hour before", "%(num)d hours before", hours)
    return ngettext("%(num)d minute before", "%(num)d minutes before", minutes)


class AddressForm(BaseForm):
    """What may be changed of an address."""

    label = text_field(
        lazy_gettext("Name"),
        optional(),
        most=100,
        description=lazy_gettext("Where you will use it, so that you know later which one to revoke."),
    )
    locale = SelectField(lazy_gettext("Language of the entries"), choices=list(LANGUAGE_NAMES.items()))
    reminder = SelectField(
        lazy_gettext("Reminder"),
        default="",
        description=lazy_gettext(
            "Before each meeting and each session of yours. Some calendars, such as Google’s, use their own."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reminder.choices = [
            ("", reminder_label(None)),
            *((str(minutes), reminder_label(minutes)) for minutes in REMINDERS),
        ]

    @property
    def reminder_minutes(self) -> int | None:
        return int(self.reminder.data) if self.reminder.data else None


class FeedForm(AddressForm):
    """A new secret address."""

    subject = SelectField(lazy_gettext("What it shows"))

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """What to choose from; the first is taken when nothing is sent."""
        self.subject.choices = list(choices)
        if not self.subject.data or self.subject.data == "None":
            self.subject.data = choices[0][0]
