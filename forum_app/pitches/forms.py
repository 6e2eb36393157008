"""Forms of the pitch programme."""

from collections.abc import Sequence
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from forum_app.agenda.models import AgendaItem
from forum_app.core.text import N_
from forum_app.organizations.models import Organization, TechnologyArea
from forum_app.pitches.call_services import CallValues, CriterionValues
from forum_app.pitches.decision_services import DECISIONS
from forum_app.pitches.models import (
    SUBMISSION_LABELS,
    SUBMISSION_TRANSITIONS,
    Criterion,
    PitchCall,
    PitchSubmission,
    SubmissionState,
)
from forum_app.pitches.services import LANGUAGES, STAGES, PitchValues
from forum_app.web.formats import bilingual, instant
from forum_app.web.forms import BaseForm, ZonedDateTimeField, long_text_field, optional, text_field
from forum_app.web.texts import gettext, lazy_gettext

S = SubmissionState
WORDS = (
    N_("not at all"),
    N_("weak"),
    N_("fair"),
    N_("good"),
    N_("very good"),
    N_("outstanding"),
)
ABSTRACT_HINT = lazy_gettext(
    "The need, your technology, what you have shown so far, what you look for. It is printed in the"
    " agenda: nothing that must stay confidential."
)
DECISION_VERBS = {
    S.ACCEPTED: N_("Accept the pitch"),
    S.RESERVE: N_("Put on the reserve list"),
    S.DECLINED: N_("Decline the pitch"),
}


class CheckboxesField(SelectMultipleField):  # type: ignore[misc]
    """Several of a few: check boxes instead of a list."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _version_of(value: str | int | None) -> int:
    """A version from a hidden field; -1, which never fits, when it was tampered with."""
    text = str(value or "")  # a number when the form came without the field
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _offer_areas(field: Any, areas: Sequence[TechnologyArea]) -> None:
    field.choices = [(area.id, bilingual(area, "name")) for area in areas]


# --- The start-up's --------------------------------------------------------------------------------
class PitchForm(BaseForm):
    """A pitch. What a draft may leave out is asked for by the service when it is submitted."""

    version = HiddenField()
    kept_deck = HiddenField()  # signed: a deck that was fine when something else was not
    organization_id = SelectField(lazy_gettext("Organization"), coerce=int)
    title_en = text_field(lazy_gettext("Title in English"), most=200)
    title_ja = text_field(lazy_gettext("Title in Japanese"), most=200)
    abstract_en = long_text_field(
        lazy_gettext("Abstract in English"),
        most=3000,
        render_kw={"rows": 8},
        description=ABSTRACT_HINT,
    )
    abstract_ja = long_text_field(
        lazy_gettext("Abstract in Japanese"), most=3000, render_kw={"rows": 8}, description=ABSTRACT_HINT
    )
    area_ids = CheckboxesField(lazy_gettext("Technology areas"), coerce=int, validators=[optional()])
    stage = RadioField(lazy_gettext("How far are you?"), choices=[], validators=[optional()])
    language = RadioField(lazy_gettext("Language of the pitch"), choices=[], default="en")
    presenter = text_field(
        lazy_gettext("Who presents"),
        description=lazy_gettext(
            "Name as it shall stand in the agenda. With the name of a member of your organization the slot"
            " counts as taken in that person's calendar."
        ),
        render_kw={"list": "members", "autocomplete": "off"},
    )
    deck = FileField(
        lazy_gettext("Slides (PDF)"),
        description=lazy_gettext(
            "At most 30 pages and 20 MB; DIU, for comparison, asks for 15 slides. Only your organization,"
            " the reviewers and the organizers can open it."
        ),
        render_kw={"accept": "application/pdf,.pdf"},
    )
    remove_deck = BooleanField(lazy_gettext("Remove the slides"))

    def __init__(
        self,
        *args: Any,
        call: PitchCall,
        organizations: Sequence[Organization] = (),
        has_deck: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if organizations:
            self.organization_id.choices = [(one.id, bilingual(one, "name")) for one in organizations]
        else:
            del self.organization_id
        if call.areas:
            _offer_areas(self.area_ids, call.areas)
        else:
            del self.area_ids
        if not has_deck:
            del self.remove_deck
        self.stage.choices = [(key, gettext(label)) for key, label in STAGES.items()]
        self.language.choices = [(key, gettext(label)) for key, label in LANGUAGES.items()]

    def validate_title_en(self, field: Any) -> None:
        if not field.data and not self.title_ja.data:
            raise ValidationError(gettext("A title in at least one language is needed."))

    def values(self) -> PitchValues:
        """Arguments of the services."""
        return PitchValues(
            title_en=self.title_en.data or "",
            title_ja=self.title_ja.data or "",
            abstract_en=self.abstract_en.data or "",
            abstract_ja=self.abstract_ja.data or "",
            stage=self.stage.data or "",
            language=self.language.data or "",
            presenter=self.presenter.data or "",
            area_ids=tuple(self.area_ids.data or ()) if "area_ids" in self else (),
        )

    @property
    def expected_version(self) -> int:
        return _version_of(self.version.data)


def stored_values(submission: PitchSubmission) -> dict[str, Any]:
    """What the form of a saved pitch begins with."""
    names = ("title_en", "title_ja", "abstract_en", "abstract_ja", "stage", "language", "presenter")
    return {
        **{name: getattr(submission, name) for name in (*names, "version")},
        "area_ids": [area.id for area in submission.areas],
    }


# --- Reviewers' ------------------------------------------------------------------------------------
def score_label(score: int, best: int) -> str:
    """The number, and a word where the scale has one."""
    step, rest = divmod(score * (len(WORDS) - 1), best)
    return str(score) if rest else f"{score} – {gettext(WORDS[step])}"


class ReviewForm(BaseForm):
    """Scores by criterion; fields score_<id> are added by review_form."""

    comment = long_text_field(
        lazy_gettext("Comment"),
        optional(),
        most=3000,
        description=lazy_gettext("For the organizers and the other reviewers; the start-up does not see it."),
    )

    def scores(self) -> dict[int, int]:
        """By criterion id, of a form that was validated."""
        return {
            int(name.removeprefix("score_")): field.data
            for name, field in self._fields.items()
            if name.startswith("score_")
        }


def review_form(criteria: Sequence[Criterion], **kwargs: Any) -> ReviewForm:
    """The form for these criteria."""
    fields = {
        f"score_{one.id}": RadioField(
            bilingual(one, "name"),
            [InputRequired(gettext("Please choose a score."))],
            choices=[(score, score_label(score, one.best_score)) for score in range(one.best_score + 1)],
            coerce=_score,
            description=gettext("Weight %(weight)s", weight=one.weight),
        )
        for one in criteria
    }
    form: ReviewForm = type("ReviewForm", (ReviewForm,), fields)(**kwargs)
    return form


def _score(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


class ConflictForm(BaseForm):
    """Stand aside."""

    comment = text_field(
        lazy_gettext("What is the conflict?"),
        optional(),
        description=lazy_gettext("Optional; the organizers see it."),
    )


# --- Organizers' -----------------------------------------------------------------------------------
class DecisionForm(BaseForm):
    """A decision on one pitch or on several."""

    version = HiddenField()
    # what is no longer possible is a lost race for the service to tell, not a slip of the pen
    decision = RadioField(
        lazy_gettext("Decision on the pitch"),
        [InputRequired(lazy_gettext("Please choose a decision."))],
        validate_choice=False,
    )
    block = SelectField(
        lazy_gettext("Pitch block"),
        coerce=str,
        validators=[optional()],
        description=lazy_gettext(
            "An accepted pitch gets the next free time in the block; people see it once the agenda is"
            " published."
        ),
    )
    note = long_text_field(
        lazy_gettext("Note to the start-up"),
        optional(),
        most=2000,
        render_kw={"rows": 4},
        description=lazy_gettext("Part of the mail about the decision."),
    )

    def __init__(
        self,
        *args: Any,
        blocks: Sequence[AgendaItem],
        zone: str,
        submission: PitchSubmission | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        allowed = SUBMISSION_TRANSITIONS[submission.state] if submission is not None else DECISIONS
        self.decision.choices = [
            (one.value, gettext(DECISION_VERBS[one])) for one in DECISIONS if one in allowed
        ]
        offer_blocks(self.block, blocks, zone)

    def validate_decision(self, field: Any) -> None:
        if field.data not in DECISIONS:
            raise ValidationError(gettext("Please choose a decision."))

    @property
    def expected_version(self) -> int:
        return _version_of(self.version.data)


class PlaceForm(BaseForm):
    """A place for a pitch that was accepted without one, or another."""

    version = HiddenField()
    block = SelectField(
        lazy_gettext("Pitch block"),
        [InputRequired(lazy_gettext("Please choose a pitch block."))],
        coerce=str,
        description=lazy_gettext("The pitch gets the next free time in the block."),
    )

    def __init__(self, *args: Any, blocks: Sequence[AgendaItem], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_blocks(self.block, blocks, zone)

    expected_version = DecisionForm.expected_version


def offer_blocks(field: Any, blocks: Sequence[AgendaItem], zone: str) -> None:
    """Blocks by time, and none: all have to fit into one line of a menu."""
    field.choices = [("", gettext("No place yet"))] + [
        (
            block.code,
            f"{bilingual(block, 'title')} · {instant(block.starts_at, zone)}"
            if block.starts_at is not None
            else bilingual(block, "title"),
        )
        for block in blocks
    ]


class CallForm(BaseForm):
    """The call of an event."""

    version = HiddenField()
    opens_at = ZonedDateTimeField(
        lazy_gettext("The call opens"), [InputRequired(lazy_gettext("Please give a time."))]
    )
    closes_at = ZonedDateTimeField(
        lazy_gettext("The call closes"), [InputRequired(lazy_gettext("Please give a time."))]
    )
    minutes = IntegerField(
        lazy_gettext("Minutes per pitch"),
        [
            InputRequired(lazy_gettext("A pitch takes 1 to 120 minutes.")),
            NumberRange(1, 120, lazy_gettext("A pitch takes 1 to 120 minutes.")),
        ],
        default=10,
        render_kw={"min": 1, "max": 120},
    )
    text_en = long_text_field(lazy_gettext("Text of the call in English"), render_kw={"rows": 8})
    text_ja = long_text_field(lazy_gettext("Text of the call in Japanese"), render_kw={"rows": 8})
    area_ids = CheckboxesField(
        lazy_gettext("Technology areas"),
        coerce=int,
        validators=[optional()],
        description=lazy_gettext("Start-ups choose from these. Without any, they are not asked."),
    )

    def __init__(self, *args: Any, areas: Sequence[TechnologyArea], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_areas(self.area_ids, areas)
        self.opens_at.zone = self.closes_at.zone = zone

    def validate_text_en(self, field: Any) -> None:
        if not field.data and not self.text_ja.data:
            raise ValidationError(gettext("Fill in at least one of the two languages."))

    def validate_closes_at(self, field: Any) -> None:
        opens = self.opens_at.data
        # naive when its own check refused it
        if opens and field.data and opens.tzinfo and field.data.tzinfo and field.data <= opens:
            raise ValidationError(gettext("The call must close after it opens."))

    def values(self) -> CallValues:
        """Arguments of the service."""
        opens_at, closes_at = self.opens_at.data, self.closes_at.data
        assert opens_at is not None  # noqa: S101 - both are required
        assert closes_at is not None  # noqa: S101
        return CallValues(
            opens_at=opens_at,
            closes_at=closes_at,
            text_en=self.text_en.data or "",
            text_ja=self.text_ja.data or "",
            minutes=self.minutes.data,
            area_ids=tuple(self.area_ids.data or ()),
        )

    @property
    def expected_version(self) -> int | None:
        return _version_of(self.version.data) if self.version.data else None


def _one_to_ten(label: Any, **kwargs: Any) -> IntegerField:
    message = lazy_gettext("Please give a number from 1 to 10.")
    return IntegerField(
        label,
        [InputRequired(message), NumberRange(1, 10, message)],
        render_kw={"min": 1, "max": 10},
        **kwargs,
    )


class CriterionForm(BaseForm):
    """One criterion."""

    name_en = text_field(lazy_gettext("Name in English"))
    name_ja = text_field(lazy_gettext("Name in Japanese"))
    weight = _one_to_ten(
        lazy_gettext("Weight"), default=1, description=lazy_gettext("1 to 10, compared with the others.")
    )
    best_score = _one_to_ten(
        lazy_gettext("Best score"), default=5, description=lazy_gettext("Reviewers choose from 0 to this.")
    )

    def validate_name_en(self, field: Any) -> None:
        if not field.data and not self.name_ja.data:
            raise ValidationError(gettext("Fill in at least one of the two languages."))

    def values(self) -> CriterionValues:
        """Arguments of the services."""
        return CriterionValues(
            name_en=self.name_en.data or "",
            name_ja=self.name_ja.data or "",
            weight=self.weight.data,
            best_score=self.best_score.data,
        )


def state_options() -> list[tuple[str, str]]:
    """For the filter of organizers, who never see drafts."""
    return [(one.value, gettext(SUBMISSION_LABELS[one])) for one in S if one != S.DRAFT]
