"""Forms of messages."""

from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from forum_app.core.text import N_
from forum_app.messages.groups import TRAITS, Group
from forum_app.messages.models import Message
from forum_app.messages.services import MOST_BODY, MOST_SUBJECT, Words
from forum_app.organizations.models import KIND_LABELS
from forum_app.registration.models import STATE_LABELS
from forum_app.registration.queries import COUNTRY_KINDS
from forum_app.web.access import id_in
from forum_app.web.formats import bilingual
from forum_app.web.forms import BaseForm, long_text_field, optional, text_field
from forum_app.web.languages import LANGUAGE_NAMES
from forum_app.web.texts import gettext, lazy_gettext

ANY = N_("All")


def several(label: str, **values: object) -> SelectMultipleField:
    """Checkboxes; none checked means no filter."""
    return SelectMultipleField(
        label,
        [optional()],
        choices=[],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        **values,
    )


class GroupForm(BaseForm):
    """The group of a message; fill() gives it the choices of an event."""

    types = several(lazy_gettext("Participant type"))
    states = several(
        lazy_gettext("Registration state"),
        description=lazy_gettext("None chosen: everybody but those who cancelled or were declined."),
    )
    kinds = several(lazy_gettext("Kind of organization"))
    country = SelectField(lazy_gettext("Country of the organization"), [optional()])
    language = SelectField(lazy_gettext("Language of their mails"), [optional()])
    traits = several(
        lazy_gettext("Only those of whom this is true"),
        description=lazy_gettext(
            "Speakers alone: also those who have an account but no registration, if no participant type and"
            " no state is chosen."
        ),
    )
    may_leave = BooleanField(
        lazy_gettext("People may leave such messages"),
        description=lazy_gettext(
            "For news that one can do without: the mail says how to get no more, waits for the morning, and"
            " does not go to those who left. Not for what everybody must know, such as a new hall."
        ),
    )

    def fill(self, types: object) -> None:
        """Choices: the participant types of the event (rows), and what there is to choose everywhere."""
        self.types.choices = [(str(row.id), bilingual(row, "name")) for row in types]  # type: ignore[attr-defined]
        self.states.choices = [(state.value, gettext(label)) for state, label in STATE_LABELS.items()]
        self.kinds.choices = [(kind.value, gettext(label)) for kind, label in KIND_LABELS.items()]
        self.traits.choices = [(name, gettext(label)) for name, label in TRAITS.items()]
        every = ("", gettext(ANY))
        self.country.choices = [every, *[(code, gettext(label)) for code, label in COUNTRY_KINDS.items()]]
        self.language.choices = [every, *LANGUAGE_NAMES.items()]

    def group(self) -> Group:
        """What was chosen; what is no choice is left out."""
        ids = [id_in(value) for value in self._chosen("types")]
        return Group(
            types=tuple(number for number in ids if number is not None),
            states=self._chosen("states"),
            kinds=self._chosen("kinds"),
            country=next(iter(self._chosen("country")), ""),
            language=next(iter(self._chosen("language")), ""),
            traits=self._chosen("traits"),
        )

    def _chosen(self, name: str) -> tuple[str, ...]:
        field = self[name]
        data = field.data if isinstance(field.data, list) else [field.data or ""]
        allowed = {value for value, *_ in field.choices}
        return tuple(value for value in data if value and value in allowed)


class MessageForm(GroupForm):
    """A message: words and group."""

    subject_en = text_field(lazy_gettext("Subject in English"), optional(), most=MOST_SUBJECT)
    subject_ja = text_field(lazy_gettext("Subject in Japanese"), optional(), most=MOST_SUBJECT)
    body_en = long_text_field(
        lazy_gettext("Text in English"), optional(), most=MOST_BODY, render_kw={"rows": 12}
    )
    body_ja = long_text_field(
        lazy_gettext("Text in Japanese"), optional(), most=MOST_BODY, render_kw={"rows": 12}
    )
    version = HiddenField()

    def words(self) -> Words:
        """What was typed."""
        return Words(
            subject_en=self.subject_en.data or "",
            body_en=self.body_en.data or "",
            subject_ja=self.subject_ja.data or "",
            body_ja=self.body_ja.data or "",
        )


class SendForm(BaseForm):
    """version: of the message that was looked at."""

    version = HiddenField()


def values_of(message: Message) -> dict[str, object]:
    """What the form shows of a draft."""
    group = Group.from_json(message.recipient_group)
    return {
        "subject_en": message.subject_en,
        "subject_ja": message.subject_ja,
        "body_en": message.body_en,
        "body_ja": message.body_ja,
        "types": [str(number) for number in group.types],
        "states": list(group.states),
        "kinds": list(group.kinds),
        "country": group.country,
        "language": group.language,
        "traits": list(group.traits),
        "may_leave": message.optional,
        "version": str(message.version),
    }


class WordingForm(BaseForm):
    """Own words of one kind of mail."""

    subject_en = text_field(lazy_gettext("Subject in English"), optional(), most=MOST_SUBJECT)
    subject_ja = text_field(lazy_gettext("Subject in Japanese"), optional(), most=MOST_SUBJECT)
    body_en = long_text_field(
        lazy_gettext("Text in English"), optional(), most=MOST_BODY, render_kw={"rows": 10}
    )
    body_ja = long_text_field(
        lazy_gettext("Text in Japanese"), optional(), most=MOST_BODY, render_kw={"rows": 10}
    )

    def typed(self) -> dict[str, tuple[str, str]]:
        """Subject and text by language."""
        return {
            "en": (self.subject_en.data or "", self.body_en.data or ""),
            "ja": (self.subject_ja.data or "", self.body_ja.data or ""),
        }
