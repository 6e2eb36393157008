"""Forms of the agenda."""

from collections.abc import Sequence
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    EmailField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
)
from wtforms.validators import InputRequired, NumberRange

from forum_app.agenda.models import (
    ACCESS_LABELS,
    ITEM_KIND_LABELS,
    AccessLevel,
    AgendaItem,
    ItemKind,
    ItemStatus,
    Speaker,
    SpeakerRole,
)
from forum_app.agenda.services import Appearance, ItemValues, values_of
from forum_app.agenda.speakers import SpeakerValues
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.web.access import id_in
from forum_app.web.forms import (
    ActionForm,
    BaseForm,
    ZonedDateTimeField,
    long_text_field,
    optional,
    text_field,
)
from forum_app.web.texts import lazy_gettext

STATUS_LABELS = {
    ItemStatus.CONFIRMED: N_("Confirmed"),
    ItemStatus.TENTATIVE: N_("Tentative"),
    ItemStatus.CANCELLED: N_("Cancelled"),
}
ROLE_LABELS = {SpeakerRole.SPEAKER: N_("Speaker"), SpeakerRole.MODERATOR: N_("Moderator")}
EMPTY_ROWS = 2
MAX_SPEAKERS = 300  # as many as an imported item may have
Choices = Sequence[tuple[str, Any]]


def whole(value: str | None) -> int | None:
    """The number of a choice; None for the empty one."""
    return id_in(value)


def labels(table: dict[Any, str]) -> list[tuple[str, Any]]:
    """Choices of an enum with their labels in the reader's language."""
    return [(member.value, lazy_gettext(label)) for member, label in table.items()]  # type: ignore[no-untyped-call,unused-ignore]


class BookmarkForm(ActionForm):
    """Put into, or take out of, one's own programme: a button."""


class SpeakerRowForm(Form):  # type: ignore[misc]
    """One line of the list of speakers; an empty line is nobody."""

    speaker = SelectField(lazy_gettext("Person"), default="", validate_choice=True)
    role = SelectField(
        lazy_gettext("Role"),
        choices=[SelectChoice(*pair) for pair in labels(ROLE_LABELS)],
        default=SpeakerRole.SPEAKER.value,
    )


class PlaceForm(BaseForm):
    """Time and room: the quick edit of a row, and the base of the whole form."""

    version = HiddenField()
    starts_at = ZonedDateTimeField(lazy_gettext("Start"), [optional()], format="%Y-%m-%dT%H:%M")
    minutes = IntegerField(lazy_gettext("Minutes"), [InputRequired(), NumberRange(1, 1440)], default=30)
    room_id = SelectField(lazy_gettext("Room"), default="")
    keep_clashes = BooleanField(lazy_gettext("Keep it anyway, although it clashes"))

    def set_place_choices(self, event: Event, rooms: Choices) -> None:
        """Rooms of the event and the zone in which times are typed."""
        self.starts_at.zone = event.timezone
        self.room_id.choices = [("", lazy_gettext("No room yet")), *rooms]

    @property
    def known_version(self) -> int:
        """Version of the row as the organizer saw it; 0 fits none."""
        return whole(self.version.data) or 0


class ItemForm(PlaceForm):
    """Everything of an agenda item."""

    kind = SelectField(lazy_gettext("Kind"), choices=labels(ITEM_KIND_LABELS), default=ItemKind.TALK.value)
    title_en = text_field(lazy_gettext("Title (English)"), most=500)
    title_ja = text_field(lazy_gettext("Title (Japanese)"), most=500)
    subtitle_en = text_field(lazy_gettext("Subtitle (English)"), most=500)
    subtitle_ja = text_field(lazy_gettext("Subtitle (Japanese)"), most=500)
    text_en = long_text_field(lazy_gettext("Text (English)"), most=20_000)
    text_ja = long_text_field(lazy_gettext("Text (Japanese)"), most=20_000)
    language = SelectField(
        lazy_gettext("Language"),
        choices=[
            ("", lazy_gettext("Not set")),
            ("en", lazy_gettext("English")),
            ("ja", lazy_gettext("Japanese")),
            ("en-ja", lazy_gettext("English and Japanese, interpreted")),
        ],
        default="",
    )
    track_id = SelectField(lazy_gettext("Track"), default="")
    parent_id = SelectField(lazy_gettext("Pitch block"), default="")
    access = SelectField(
        lazy_gettext("Open to"), choices=labels(ACCESS_LABELS), default=AccessLevel.PUBLIC.value
    )
    state = SelectField(  # BaseForm.status is the HTTP status
        lazy_gettext("Status"), choices=labels(STATUS_LABELS), default=ItemStatus.CONFIRMED.value
    )
    speakers = FieldList(FormField(SpeakerRowForm), lazy_gettext("Speakers"), max_entries=MAX_SPEAKERS)
    new_latin = text_field(lazy_gettext("Name in Latin letters"))
    new_native = text_field(lazy_gettext("Name in Japanese or another script"))
    new_role = SelectField(
        lazy_gettext("Role"), choices=labels(ROLE_LABELS), default=SpeakerRole.SPEAKER.value
    )

    def set_choices(
        self, event: Event, *, rooms: Choices, tracks: Choices, blocks: Choices, people: Choices
    ) -> None:
        """What belongs to the event; and always a few empty lines for speakers."""
        self.set_place_choices(event, rooms)
        self.track_id.choices = [("", lazy_gettext("No track")), *tracks]
        self.parent_id.choices = [("", lazy_gettext("Not in a block")), *blocks]
        known = {choice.value for choice in self.language.choices}
        if self.language.data and self.language.data not in known:  # an imported one
            self.language.choices = [
                *self.language.choices,
                SelectChoice(self.language.data[:20]),
            ]
        filled = sum(bool(row.form.speaker.data) for row in self.speakers)
        while len(self.speakers) < min(filled + EMPTY_ROWS, MAX_SPEAKERS):
            self.speakers.append_entry()
        choices = [("", lazy_gettext("Nobody")), *people]
        for row in self.speakers:
            row.form.speaker.choices = choices

    def fill(self, item: AgendaItem) -> None:
        """Show what is saved."""
        values = values_of(item)
        self.version.data = str(item.version)
        for name in (
            "title_en", "title_ja", "subtitle_en", "subtitle_ja", "text_en", "text_ja", "language",
            "starts_at", "minutes",
        ):  # fmt: skip
            self[name].data = getattr(values, name)
        for name in ("kind", "access"):
            self[name].data = getattr(values, name).value
        self.state.data = values.status.value
        for name in ("room_id", "track_id", "parent_id"):
            self[name].data = str(getattr(values, name) or "")
        while self.speakers.entries:
            self.speakers.pop_entry()
        for one in values.speakers:
            self.speakers.append_entry({"speaker": str(one.speaker_id), "role": one.role.value})

    def appearances(self) -> tuple[Appearance, ...]:
        """Who was chosen, in order, each once."""
        chosen: dict[int, Appearance] = {}
        for row in self.speakers:
            speaker_id = whole(row.form.speaker.data)
            if speaker_id is not None:
                chosen.setdefault(speaker_id, Appearance(speaker_id, SpeakerRole(row.form.role.data)))
        return tuple(chosen.values())

    def new_speaker(self) -> SpeakerValues | None:
        """The person typed below the list, if any."""
        if not self.new_latin.data and not self.new_native.data:
            return None
        return SpeakerValues(name_latin=self.new_latin.data or "", name_native=self.new_native.data or "")

    def values(self) -> ItemValues:
        """What was typed."""
        return ItemValues(
            kind=ItemKind(self.kind.data),
            title_en=self.title_en.data or "",
            title_ja=self.title_ja.data or "",
            subtitle_en=self.subtitle_en.data or "",
            subtitle_ja=self.subtitle_ja.data or "",
            text_en=self.text_en.data or "",
            text_ja=self.text_ja.data or "",
            language=self.language.data or "",
            room_id=whole(self.room_id.data),
            track_id=whole(self.track_id.data),
            starts_at=self.starts_at.data,
            minutes=self.minutes.data or 0,
            access=AccessLevel(self.access.data),
            status=ItemStatus(self.state.data),
            parent_id=whole(self.parent_id.data),
            speakers=self.appearances(),
        )


class SpeakerForm(BaseForm):
    """A speaker of an event."""

    name_latin = text_field(lazy_gettext("Name in Latin letters"))
    name_native = text_field(lazy_gettext("Name in Japanese or another script"))
    name_kana = text_field(lazy_gettext("Reading (kana)"))
    organization_id = SelectField(lazy_gettext("Organization"), default="")
    position_en = text_field(lazy_gettext("Position (English)"))
    position_ja = text_field(lazy_gettext("Position (Japanese)"))
    bio_en = long_text_field(lazy_gettext("About (English)"))
    bio_ja = long_text_field(lazy_gettext("About (Japanese)"))
    account = EmailField(
        lazy_gettext("Account"),
        [optional()],
        description=lazy_gettext("Address with which this person signs in, if they have an account here."),
    )

    def set_choices(self, organizations: Choices) -> None:
        """Organizations of the registry."""
        self.organization_id.choices = [("", lazy_gettext("None")), *organizations]

    def fill(self, speaker: Speaker) -> None:
        """Show what is saved."""
        for name in (
            "name_latin", "name_native", "name_kana", "position_en", "position_ja", "bio_en", "bio_ja",
        ):  # fmt: skip
            self[name].data = getattr(speaker, name)
        self.organization_id.data = str(speaker.organization_id or "")
        self.account.data = speaker.user.email if speaker.user else ""

    def values(self, user_id: int | None) -> SpeakerValues:
        """What was typed."""
        return SpeakerValues(
            name_latin=self.name_latin.data or "",
            name_native=self.name_native.data or "",
            name_kana=self.name_kana.data or "",
            position_en=self.position_en.data or "",
            position_ja=self.position_ja.data or "",
            bio_en=self.bio_en.data or "",
            bio_ja=self.bio_ja.data or "",
            organization_id=whole(self.organization_id.data),
            user_id=user_id,
        )


class InvitationForm(BaseForm):
    """Invite a person to an item or take them off: a button."""

    registration = HiddenField()
    invited = HiddenField()


class PublishForm(BaseForm):
    """Publish what was shown."""

    expected = HiddenField()
    name = text_field(
        lazy_gettext("Name of this version"),
        description=lazy_gettext("Optional; shown with the list of versions and in exports."),
    )


class ImportForm(BaseForm):
    """A schedule.xml or schedule.json."""

    file = FileField(
        lazy_gettext("File"),
        [FileRequired(lazy_gettext("Choose a file."))],
        description=lazy_gettext(
            "schedule.xml or schedule.json, as frab and pretalx write them, at most 30 MB."
        ),
    )
    publish = BooleanField(lazy_gettext("Publish at once"), default=False)
