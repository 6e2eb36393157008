"""Forms of the registry."""

from typing import Any

from babel import Locale
from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField
from wtforms.validators import Email, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from forum_app.organizations.models import (
    COUNTRIES,
    KIND_LABELS,
    MEMBER_ROLE_LABELS,
    STAGE_LABELS,
    MemberRole,
)
from forum_app.organizations.queries import list_areas
from forum_app.web.formats import bilingual
from forum_app.web.forms import BaseForm, long_text_field, optional, text_field
from forum_app.web.languages import language
from forum_app.web.texts import gettext, lazy_gettext

FIRST_COUNTRIES = ("JP", "US")


def country_names() -> dict[str, str]:
    """Names of all countries in the reader's language, by ISO code."""
    territories = Locale.parse(language()).territories
    return {code: territories.get(code, code) for code in COUNTRIES}


def country_choices() -> list[tuple[str, str]]:
    """(code, name), the two nations of the forum first."""
    names = country_names()
    rest = sorted((name, code) for code, name in names.items() if code not in FIRST_COUNTRIES)
    return [(code, names[code]) for code in FIRST_COUNTRIES] + [(code, name) for name, code in rest]


def kind_choices() -> list[tuple[str, str]]:
    """(value, label) of the kinds of organization."""
    return [(kind.value, gettext(label)) for kind, label in KIND_LABELS.items()]


def stage_choices() -> list[tuple[str, str]]:
    """(value, label) of the stages of a product, early ones first."""
    return [(stage.value, gettext(label)) for stage, label in STAGE_LABELS.items()]


class OrganizationForm(BaseForm):
    """What an organization says of itself."""

    name_en = text_field(lazy_gettext("Name in English"), optional())
    name_ja = text_field(lazy_gettext("Name in Japanese"), optional())
    name_kana = text_field(
        lazy_gettext("Reading in kana"),
        optional(),
        description=lazy_gettext("The Japanese list is sorted by it."),
    )
    short_name = text_field(
        lazy_gettext("Abbreviation"),
        optional(),
        most=40,
        description=lazy_gettext("As people say it, such as ATLA or DIU."),
    )
    kind = SelectField(lazy_gettext("Kind of organization"), [InputRequired()])
    country = SelectField(lazy_gettext("Country"), [InputRequired()])
    website = text_field(
        lazy_gettext("Website"), optional(), most=500, render_kw={"inputmode": "url", "autocomplete": "url"}
    )
    areas = SelectMultipleField(
        lazy_gettext("Technology areas"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    stage = SelectField(
        lazy_gettext("Stage of the product"),
        [optional()],
        default="",
        description=lazy_gettext("For start-ups: agencies and investors look for different stages."),
    )
    weapons_related = BooleanField(
        lazy_gettext("Has business related to weapons"),
        description=lazy_gettext(
            "Not shown to anybody. Some funds and universities are bound to meet nobody who has it."
        ),
    )
    corporate_number = text_field(
        lazy_gettext("Corporate number (Japan)"),
        optional(),
        most=40,
        description=lazy_gettext("13 digits."),
        render_kw={"inputmode": "numeric"},
    )
    uei = text_field(
        lazy_gettext("UEI (U.S.)"), optional(), most=40, description=lazy_gettext("12 letters and digits.")
    )
    cage = text_field(
        lazy_gettext("CAGE / NCAGE code"),
        optional(),
        most=40,
        description=lazy_gettext("5 letters and digits."),
    )
    profile_en = long_text_field(lazy_gettext("Profile in English"), optional())
    profile_ja = long_text_field(lazy_gettext("Profile in Japanese"), optional())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", gettext("Choose")), *kind_choices()]
        self.country.choices = [("", gettext("Choose")), *country_choices()]
        self.stage.choices = [("", gettext("Not stated")), *stage_choices()]
        self.areas.choices = [(area.code, bilingual(area, "name")) for area in list_areas()]

    def values(self) -> dict[str, Any]:
        """Keyword arguments of create_organization and update_organization."""
        names = ("name_en", "name_ja", "name_kana", "short_name", "kind", "country", "website")
        values: dict[str, Any] = {name: self[name].data or "" for name in names}
        values |= {name: self[name].data or "" for name in ("profile_en", "profile_ja")}
        values["areas"] = self.areas.data or []
        values["stage"] = self.stage.data or None
        values["weapons_related"] = bool(self.weapons_related.data)
        values["identifiers"] = {n: self[n].data or "" for n in ("corporate_number", "uei", "cage")}
        return values


class NewOrganizationForm(OrganizationForm):
    """A new entry; different: the person has seen the likely twins and means another organization."""

    different = BooleanField(lazy_gettext("It is a different organization"))


class EditOrganizationForm(OrganizationForm):
    """A change; version: the entry as the person saw it."""

    version = HiddenField()


class JoinForm(BaseForm):
    """A request to belong."""

    message = long_text_field(
        lazy_gettext("Message to the representatives"),
        optional(),
        most=500,
        description=lazy_gettext(
            "How you belong to the organization. Your name and address are shown to them."
        ),
    )


class InviteForm(BaseForm):
    """An invitation by address."""

    email = text_field(
        lazy_gettext("Mail address"),
        InputRequired(),
        Email(message=lazy_gettext("This is not a mail address.")),
        Length(min=3),
        most=320,
        render_kw={"type": "email", "autocomplete": "off"},
    )
    role = SelectField(lazy_gettext("Role"), [InputRequired()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = role_choices()


class RoleForm(BaseForm):
    """Another role for a member."""

    role = SelectField(lazy_gettext("Role"), [InputRequired()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = role_choices()


def role_choices() -> list[tuple[str, str]]:
    """(value, label), the lesser role first."""
    order = (MemberRole.MEMBER, MemberRole.REPRESENTATIVE)
    return [(role.value, gettext(MEMBER_ROLE_LABELS[role])) for role in order]
