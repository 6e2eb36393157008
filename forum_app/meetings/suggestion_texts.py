"""The reasons of a suggestion as one sentence in the reader's language."""

from collections.abc import Mapping, Sequence

from babel import Locale
from markupsafe import Markup

from forum_app.core.matching import TO_ORGANIZER, TO_SEEKER, Reason, ReasonCode, Suggestion
from forum_app.organizations.models import KIND_LABELS, STAGE_LABELS, Kind, Stage
from forum_app.organizations.queries import list_areas
from forum_app.web.formats import bilingual
from forum_app.web.languages import language
from forum_app.web.texts import gettext

MOST_REASONS = 3  # more than that nobody reads
R = ReasonCode


class Sentences:
    """Words for reasons; reads the names of technology areas once."""

    def __init__(self) -> None:
        self.areas = {area.code: bilingual(area, "name") for area in list_areas()}

    def to_seeker(self, suggestion: Suggestion) -> Markup:
        """Why the reader should meet the candidate."""
        return self._sentence(suggestion, TO_SEEKER, {})

    def to_organizer(self, suggestion: Suggestion, first: str, second: str) -> Markup:
        """Why two should meet; first, second: names of the seeker's and the candidate's organization."""
        # browsers take Japanese names for several words, and break lines inside them
        whole = Markup('<span class="unbroken">%s</span>')
        return self._sentence(suggestion, TO_ORGANIZER, {"first": whole % first, "second": whole % second})

    def _sentence(
        self, suggestion: Suggestion, texts: Mapping[ReasonCode, str], names: Mapping[str, str]
    ) -> Markup:
        for_it = _telling([reason for reason in suggestion.reasons if reason.points > 0 and _read(reason)])
        against = [reason for reason in suggestion.reasons if reason.points < 0]
        clauses = [
            Markup(gettext(texts[reason.code])) % {**names, **self._values(reason)}  # noqa: S704 - our words
            for reason in (*for_it, *against)
        ]
        text = Markup(gettext("; ")).join(clauses)  # noqa: S704
        return text[:1].upper() + text[1:] + gettext(".")

    def _values(self, reason: Reason) -> dict[str, str]:
        values = reason.values
        match reason.code:
            case R.THEY_DO | R.THEY_SEEK | R.SHARED:
                return {"areas": _listed([_inside(self.areas.get(code, code)) for code in values])}
            case R.WORDS:
                return {"words": _listed(_read(reason))}
            case R.KINDS:
                one, other = (_inside(gettext(KIND_LABELS[Kind(value)])) for value in values)
                return {"one": one, "other": other}
            case R.THEIR_STAGE | R.YOUR_STAGE:
                return {"stage": _inside(gettext(STAGE_LABELS[Stage(values[0])]))}
            case R.COUNTRY:
                return {"country": _name("territories", values[0])}
            case R.LANGUAGE:
                return {"language": _name("languages", values[0])}
            case R.MET:
                return {"where": values[-1] if language() == "ja" else values[0]}


def _read(reason: Reason) -> Sequence[str]:
    """The values that the reader can read: words of texts are in one of two scripts."""
    if reason.code is not R.WORDS:
        return reason.values
    return [word for word in reason.values if word.isascii() == (language() != "ja")]


def _telling(reasons: Sequence[Reason]) -> Sequence[Reason]:
    """The strongest few; that two kinds often meet is said only where little else is known."""
    others = [reason for reason in reasons if reason.code is not R.KINDS]
    return others[:MOST_REASONS] if len(others) > 1 else reasons[:MOST_REASONS]


def _listed(words: Sequence[str]) -> str:
    """Words in a row: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return gettext("%(some)s and %(last)s", some=gettext(", ").join(words[:-1]), last=words[-1])


def _inside(label: str) -> str:
    """A label as it reads inside a sentence; abbreviations keep their letters."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _name(table: str, code: str) -> str:
    """A country or language in the reader's language; the code if it has no name."""
    return str(getattr(Locale(language()), table).get(code, code))
