"""The form of a rule about whom an organization must not meet."""

from collections.abc import Sequence
from typing import Any

from wtforms import DateField, RadioField, SelectField
from wtforms.validators import InputRequired

from forum_app.core.errors import Invalid
from forum_app.core.text import N_
from forum_app.organizations.exclusion_queries import list_matches
from forum_app.organizations.exclusion_services import Target
from forum_app.organizations.forms import kind_choices
from forum_app.organizations.models import EXCLUSION_GROUND_LABELS, ExclusionGround, Kind, Organization
from forum_app.organizations.queries import list_areas
from forum_app.web.formats import bilingual
from forum_app.web.forms import BaseForm, long_text_field, optional, text_field
from forum_app.web.texts import gettext, lazy_gettext

WEAPONS, AREA, KIND, ORGANIZATION = "weapons", "area", "kind", "organization"


def both_names(organization: Organization) -> str:
    """The two names in one line, the reader's first."""
    first = bilingual(organization, "name")
    second = organization.name_en if first == organization.name_ja else organization.name_ja
    return f"{first} / {second}" if second and second != first else first


class ExclusionForm(BaseForm):
    """One rule. Only the field of the chosen target counts; other: which of several that the words fit."""

    target = RadioField(
        lazy_gettext("Whom is the rule about?"),
        [InputRequired()],
        choices=[
            (WEAPONS, lazy_gettext("Everybody with business related to weapons")),
            (AREA, lazy_gettext("Everybody in a technology area")),
            (KIND, lazy_gettext("A kind of organization")),
            (ORGANIZATION, lazy_gettext("One organization")),
        ],
    )
    area = SelectField(lazy_gettext("Technology area"), default="")
    kind = SelectField(lazy_gettext("Kind of organization"), default="")
    organization = text_field(
        lazy_gettext("Organization"),
        optional(),
        description=lazy_gettext("Its name in either language, or a part of it."),
    )
    other = RadioField(lazy_gettext("Which one do you mean?"), [optional()], validate_choice=False)
    ground = SelectField(lazy_gettext("Ground"), [InputRequired()])
    reason = long_text_field(
        lazy_gettext("Reason"),
        optional(),
        most=1000,
        description=lazy_gettext(
            "For yourselves, such as the clause. Only your representatives and administrators see it."
        ),
        render_kw={"rows": 3},
    )
    ends_on = DateField(
        lazy_gettext("Last day"),
        [optional()],
        description=lazy_gettext(
            "The rule holds up to this day. Leave it empty if it holds until you remove it."
        ),
    )

    def __init__(self, *args: Any, owner: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = owner
        self.area.choices = [("", gettext("Choose")), *((a.code, bilingual(a, "name")) for a in list_areas())]
        self.kind.choices = [("", gettext("Choose")), *kind_choices()]
        self.ground.choices = [(g.value, gettext(label)) for g, label in EXCLUSION_GROUND_LABELS.items()]
        self.other.choices = []

    def chosen_target(self) -> Target:
        """Whom the rule is about; raises Invalid at the field that is wanting."""
        if self.target.data == WEAPONS:
            return Target(weapons_related=True)
        if self.target.data == AREA:
            if not self.area.data:
                raise Invalid(N_("Choose a technology area."), field="area")
            return Target(area=self.area.data)
        if self.target.data == KIND:
            if not self.kind.data:
                raise Invalid(N_("Choose a kind of organization."), field="kind")
            return Target(kind=Kind(self.kind.data))
        return Target(other=self._chosen_organization())

    def chosen_ground(self) -> ExclusionGround:
        return ExclusionGround(self.ground.data)

    def _chosen_organization(self) -> Organization:
        text = self.organization.data
        if not text:
            raise Invalid(N_("Give the name of the organization."), field="organization")
        matches = list_matches(text, self.owner.id)
        chosen = [row for row in matches if row.slug == self.other.data]
        exact = [row for row in matches if text in (row.name_en, row.name_ja, row.short_name, row.slug)]
        for sure in (chosen, exact, matches):
            if len(sure) == 1:
                return sure[0]
        if not matches:
            raise Invalid(N_("The registry has no other organization of that name."), field="organization")
        self._offer(matches)
        raise Invalid(N_("Several organizations fit. Choose one."), field="other")

    def _offer(self, matches: Sequence[Organization]) -> None:
        self.other.choices = [(row.slug, both_names(row)) for row in matches]
