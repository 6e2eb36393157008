"""Shapes of what organizers type."""

from typing import Any, ClassVar

from wtforms import DateField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Regexp, ValidationError
from wtforms.widgets import HiddenInput

from forum_app.events.models import ROLE_LABELS, VISIBILITY_LABELS, EventRole, Visibility
from forum_app.events.queries import list_series
from forum_app.events.services import (
    FIRST_YEAR,
    LAST_YEAR,
    LONGEST_DAYS,
    RESERVED_SLUGS,
    SLUG,
    EventValues,
)
from forum_app.web.formats import bilingual
from forum_app.web.forms import BaseForm, ZonedDateTimeField, long_text_field, optional, text_field
from forum_app.web.languages import is_zone
from forum_app.web.texts import gettext, lazy_gettext

WINDOW_FIELDS = ("registration_opens_at", "registration_closes_at")


def slug_field(label: Any, description: Any) -> Any:
    """Lower-case ASCII, as it stands in addresses."""
    return text_field(
        label,
        InputRequired(),
        Regexp(
            SLUG.pattern + r"\Z",
            message=lazy_gettext(
                "Use lower-case letters a to z, digits and hyphens, at most 80, no hyphen at the ends."
            ),
        ),
        most=80,
        description=description,
        render_kw={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )


def _check_zone(form: BaseForm, field: Any) -> None:
    if field.data and not is_zone(field.data):
        raise ValidationError(gettext("This time zone is not known. Use a name such as Asia/Tokyo."))


def _check_bilingual(form: BaseForm, first: str) -> None:
    """At least one of <first>_en, <first>_ja."""
    if not form[f"{first}_en"].data and not form[f"{first}_ja"].data:
        raise ValidationError(gettext("Fill in at least one of the two languages."))


class EventForm(BaseForm):
    """The settings of an event; its slug is asked for only once, see NewEventForm."""

    # what the event was when the page was loaded, so that nobody's change is overwritten unseen
    version = IntegerField(widget=HiddenInput())
    title_en = text_field(lazy_gettext("Event title in English"), most=500)
    title_ja = text_field(lazy_gettext("Event title in Japanese"), most=500)
    series = SelectField(lazy_gettext("Series"), validate_choice=True)
    edition = IntegerField(
        lazy_gettext("Edition"),
        [optional(), NumberRange(1, 9999)],
        description=lazy_gettext("Its number in the series, such as 36."),
    )
    summary_en = long_text_field(lazy_gettext("Summary in English"))
    summary_ja = long_text_field(lazy_gettext("Summary in Japanese"))
    starts_on = DateField(lazy_gettext("First day"), [InputRequired()])
    ends_on = DateField(lazy_gettext("Last day"), [InputRequired()])
    timezone = text_field(
        lazy_gettext("Time zone of the event"),
        InputRequired(),
        _check_zone,
        most=60,
        description=lazy_gettext("An IANA name, such as Asia/Tokyo."),
        render_kw={"list": "zones", "autocomplete": "off", "spellcheck": "false"},
    )
    second_timezone = text_field(
        lazy_gettext("Second time zone"),
        _check_zone,
        most=60,
        description=lazy_gettext("Shown beside the first, for the partner country."),
        render_kw={"list": "zones", "autocomplete": "off", "spellcheck": "false"},
    )
    venue_en = text_field(lazy_gettext("Venue in English"))
    venue_ja = text_field(lazy_gettext("Venue in Japanese"))
    address_en = text_field(lazy_gettext("Address in English"), most=500)
    address_ja = text_field(lazy_gettext("Address in Japanese"), most=500)
    visibility = RadioField(lazy_gettext("Visibility"), default=Visibility.PUBLIC.value)
    registration_opens_at = ZonedDateTimeField(lazy_gettext("Registration opens"), [optional()])
    registration_closes_at = ZonedDateTimeField(lazy_gettext("Registration closes"), [optional()])

    def __init__(
        self,
        *args: Any,
        series_slug: str = "",
        may_choose_series: bool = True,
        **kwargs: Any,
    ) -> None:
        # a row's own series is a row; the field holds its slug
        super().__init__(*args, **kwargs)
        if may_choose_series:
            self.known_series = {row.slug: row for row, _ in list_series()}
            self.series.choices = [
                ("", gettext("None")),
                *[(slug, bilingual(row, "name")) for slug, row in self.known_series.items()],
            ]
            if not self.is_submitted():
                self.series.data = series_slug
        else:
            del self.series
        notes = {
            Visibility.PUBLIC: gettext("listed for everybody"),
            Visibility.UNLISTED: gettext("for those who have the address"),
            Visibility.CLOSED: gettext("exists only for its participants and staff"),
        }
        self.visibility.choices = [
            (kind.value, f"{gettext(VISIBILITY_LABELS[kind])} – {notes[kind]}") for kind in Visibility
        ]
        zone = self.timezone.data if is_zone(self.timezone.data or "") else "UTC"
        for name in WINDOW_FIELDS:
            self[name].zone = zone

    def validate_title_en(self, field: Any) -> None:
        _check_bilingual(self, "title")

    def validate_starts_on(self, field: Any) -> None:
        self._check_year(field)

    def validate_ends_on(self, field: Any) -> None:
        self._check_year(field)
        first = self.starts_on.data
        if first is None or field.data is None:
            return
        if field.data < first:
            raise ValidationError(gettext("The last day must not be before the first."))
        if (field.data - first).days >= LONGEST_DAYS:
            raise ValidationError(gettext("An event lasts at most %(days)s days.", days=LONGEST_DAYS))

    def validate_registration_closes_at(self, field: Any) -> None:
        opens = self.registration_opens_at.data
        # naive when its own check refused it
        if opens and field.data and opens.tzinfo and field.data.tzinfo and field.data <= opens:
            raise ValidationError(gettext("The registration must close after it opens."))

    @staticmethod
    def _check_year(field: Any) -> None:
        if field.data is not None and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
            raise ValidationError(
                gettext("The year must be between %(first)s and %(last)s.", first=FIRST_YEAR, last=LAST_YEAR)
            )

    def values(self) -> EventValues:
        """Arguments of the services."""
        values = EventValues(
            edition=self.edition.data,
            title_en=self.title_en.data or "",
            title_ja=self.title_ja.data or "",
            summary_en=self.summary_en.data or "",
            summary_ja=self.summary_ja.data or "",
            timezone=self.timezone.data,
            second_timezone=self.second_timezone.data or None,
            starts_on=self.starts_on.data,
            ends_on=self.ends_on.data,
            venue_en=self.venue_en.data or "",
            venue_ja=self.venue_ja.data or "",
            address_en=self.address_en.data or "",
            address_ja=self.address_ja.data or "",
            visibility=Visibility(self.visibility.data),
            registration_opens_at=self.registration_opens_at.data,
            registration_closes_at=self.registration_closes_at.data,
        )
        if "series" in self:
            values["series"] = self.known_series.get(self.series.data or "")
        return values


class NewEventForm(EventForm):
    """A new event also needs its address, which never changes afterwards; no version of it was loaded."""

    version = None
    slug = slug_field(
        lazy_gettext("Short name in addresses"),
        lazy_gettext("Such as tech-forum-36. It cannot be changed later."),
    )

    def validate_slug(self, field: Any) -> None:
        if field.data in RESERVED_SLUGS:
            raise ValidationError(gettext("This address is taken by a page of its own. Choose another."))


class TextsForm(BaseForm):
    """What participants agree to when they register."""

    version = IntegerField(widget=HiddenInput())
    privacy_en = long_text_field(lazy_gettext("Privacy notice in English"), most=20000)
    privacy_ja = long_text_field(lazy_gettext("Privacy notice in Japanese"), most=20000)
    antitrust_en = long_text_field(lazy_gettext("Antitrust statement in English"), most=20000)
    antitrust_ja = long_text_field(lazy_gettext("Antitrust statement in Japanese"), most=20000)
    photo_en = long_text_field(lazy_gettext("Photo and recording notice in English"), most=20000)
    photo_ja = long_text_field(lazy_gettext("Photo and recording notice in Japanese"), most=20000)

    def values(self) -> EventValues:
        """Arguments of the service."""
        return EventValues(
            privacy_en=self.privacy_en.data or "",
            privacy_ja=self.privacy_ja.data or "",
            antitrust_en=self.antitrust_en.data or "",
            antitrust_ja=self.antitrust_ja.data or "",
            photo_en=self.photo_en.data or "",
            photo_ja=self.photo_ja.data or "",
        )


class NamedForm(BaseForm):
    """A name in at least one of the two languages."""

    name_en = text_field(lazy_gettext("Name in English"))
    name_ja = text_field(lazy_gettext("Name in Japanese"))

    # columns of the row beside its names
    columns: ClassVar[tuple[str, ...]] = ()

    def validate_name_en(self, field: Any) -> None:
        _check_bilingual(self, "name")

    def row_values(self) -> dict[str, Any]:
        """What was typed, by column."""
        fields = {name: self[name] for name in ("name_en", "name_ja", *self.columns)}
        return {
            name: field.data or "" if isinstance(field, StringField) else field.data
            for name, field in fields.items()
        }


class RoomForm(NamedForm):
    """A room."""

    columns = ("building", "floor", "capacity")
    building = text_field(
        lazy_gettext("Building"),
        optional(),
        most=100,
        description=lazy_gettext(
            "Only if the venue has several. Meetings leave people time to walk from one to another."
        ),
    )
    floor = text_field(lazy_gettext("Floor"), most=60)
    capacity = IntegerField(lazy_gettext("Seats"), [optional(), NumberRange(1, 100_000)])


class TrackForm(NamedForm):
    """A track; the colours are the theme's."""

    columns = ("color",)
    color = SelectField(lazy_gettext("Colour"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.color.choices = [(number, gettext("Colour %(number)s", number=number)) for number in range(1, 9)]


class RoleForm(BaseForm):
    """Whom to give which role."""

    email = text_field(
        lazy_gettext("Mail address"),
        InputRequired(),
        most=320,
        description=lazy_gettext("The person must have an account already."),
        render_kw={"type": "email", "autocomplete": "off"},
    )
    role = SelectField(lazy_gettext("Role"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = [(role.value, gettext(ROLE_LABELS[role])) for role in EventRole]


class SeriesForm(NamedForm):
    """Names of a series."""


class NewSeriesForm(SeriesForm):
    """A new series also needs its address."""

    slug = slug_field(lazy_gettext("Short name in addresses"), lazy_gettext("Such as tech-forum."))
