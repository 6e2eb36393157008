"""Who should meet whom, and why. Pure: parties in, ranked suggestions with their reasons out.

A party is a person as the matcher sees them: what they look for, what their organization does, its
kind, country, stage, and the words both use. The score of a suggestion is the sum of the points of its
reasons, so that what is told to the person is what decided. Whoever may not meet is not passed in.
"""

import enum
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forum_app.core.text import N_


class ReasonCode(enum.StrEnum):
    """Why two should meet; values of each in brackets."""

    THEY_DO = "they_do"  # (area ...) that the seeker looks for and the candidate does
    THEY_SEEK = "they_seek"  # (area ...) that the candidate looks for and the seeker does
    SHARED = "shared"  # (area ...) that both do, where nobody said what they look for
    WORDS = "words"  # (word ...) that both use and few others
    KINDS = "kinds"  # (the candidate's kind, the seeker's kind)
    THEIR_STAGE = "their_stage"  # (stage) of the candidate, which suits the seeker's kind
    YOUR_STAGE = "your_stage"  # (stage) of the seeker, which suits the candidate's kind
    COUNTRY = "country"  # (the candidate's country), another than the seeker's
    LANGUAGE = "language"  # (language) that both speak
    MET = "met"  # (where ...) they met before; new acquaintances come first


R = ReasonCode

# Clauses of one sentence to the seeker; its subject, understood, is the candidate.
TO_SEEKER: Mapping[ReasonCode, str] = {
    R.THEY_DO: N_("does %(areas)s, which you look for"),
    R.THEY_SEEK: N_("looks for %(areas)s, which you do"),
    R.SHARED: N_("works on %(areas)s, as you do"),
    R.WORDS: N_("writes of %(words)s, as you do"),
    R.KINDS: N_("a pair that often forms here (%(one)s, %(other)s)"),
    R.THEIR_STAGE: N_("is at a stage that suits you (%(stage)s)"),
    R.YOUR_STAGE: N_("takes up companies at your stage (%(stage)s)"),
    R.COUNTRY: N_("opens a way to %(country)s"),
    R.LANGUAGE: N_("speaks %(language)s, as you do"),
    R.MET: N_("met you before (%(where)s)"),
}
# The same to an organizer, of two people: one is the seeker, other the candidate.
TO_ORGANIZER: Mapping[ReasonCode, str] = {
    R.THEY_DO: N_("%(second)s does %(areas)s, which %(first)s looks for"),
    R.THEY_SEEK: N_("%(second)s looks for %(areas)s, which %(first)s does"),
    R.SHARED: N_("both work on %(areas)s"),
    R.WORDS: N_("both write of %(words)s"),
    R.KINDS: N_("a pair that often forms here (%(one)s, %(other)s)"),
    R.THEIR_STAGE: N_("the stage of %(second)s (%(stage)s) suits %(first)s"),
    R.YOUR_STAGE: N_("the stage of %(first)s (%(stage)s) suits %(second)s"),
    R.COUNTRY: N_("it opens a way to %(country)s"),
    R.LANGUAGE: N_("both speak %(language)s"),
    R.MET: N_("they met before (%(where)s)"),
}

NEED, SHARED, WORDS, KINDS, STAGE, COUNTRY, LANGUAGE, MET = 4.0, 2.5, 2.0, 2.0, 1.5, 1.0, 0.5, -1.0
MOST_AREAS, MOST_WORDS = 3, 2  # named in a reason
COMMON = 0.25  # a word that more than this part of all parties use says nothing

# How much two kinds of organization come to meet each other; pairs that are not named: OTHERWISE.
OTHERWISE = 0.2
_KINDS: dict[frozenset[str], float] = {
    frozenset(pair.split("-")): points
    for points, pairs in (
        (1.0, "startup-agency startup-government_investor startup-venture_capital"),
        (0.9, "startup-prime"),
        (0.7, "university-agency university-prime"),
        (0.6, "university-government_investor university-venture_capital startup-facilitator agency-prime"),
        (0.5, "startup-university agency agency-association government_investor-venture_capital"),
        (0.4, "prime startup-association prime-association"),
        (0.0, "press"),
    )
    for pair in pairs.split()
}
# What stage of a company suits a kind of organization that takes companies up.
_STAGES: dict[str, dict[str, float]] = {
    "agency": {"prototype": 1.0, "product": 1.0, "revenue": 0.8},
    "government_investor": {"idea": 1.0, "prototype": 1.0, "product": 0.5},
    "venture_capital": {"idea": 0.6, "prototype": 1.0, "product": 0.9, "revenue": 0.7},
    "prime": {"prototype": 0.5, "product": 1.0, "revenue": 1.0},
    "university": {"idea": 0.6, "prototype": 0.4},
}


@dataclass(frozen=True, slots=True)
class Party:
    """A person for the matcher.

    key: whatever names them, and orders equals. areas: codes of what their organization does; wanted:
    of what they look for. wishes, profile: running text in any language. stage: of their
    organization's product, or "". language: spoken.
    """

    key: int
    kind: str = "other"
    country: str = ""
    language: str = ""
    stage: str = ""
    areas: frozenset[str] = frozenset()
    wanted: frozenset[str] = frozenset()
    wishes: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, its points, and the values of its sentence (codes, words)."""

    code: ReasonCode
    points: float
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A candidate with the reasons, strongest first; points: their sum."""

    key: int
    points: float
    reasons: tuple[Reason, ...]


# --- Words ---------------------------------------------------------------------------------------
# Runs of one script: Latin words, katakana words, compounds of kanji. Hiragana binds, it says little.
_RUN = re.compile("[a-z][a-z0-9-]{3,}|[\u30a1-\u30fa\u30fc]{3,}|[\u3400-\u9fff\u3005]{2,}")


# Words of every profile, which tell nothing even where few happen to use them.
_PLAIN_EN = (
    "about after again against also among another because been before being between both build building "
    "business can come companies company could does doing done down each every find finds first for "
    "from full gets give gives good great group have help helps here high into its itself japan "
    "japanese just know known last like line long look looking looks made make makes making many market "
    "meet meeting meets more most much need needs never next nobody nothing only open other others over "
    "part partner partners people place provide provides ready same seek seeking seeks should show "
    "shown shows since small some start still such take takes technology than that their them then "
    "there these they thing this those through time today together under until upon used user users "
    "using very want wants what when where which while whose will wish with within without work working "
    "works world would year years your"
)
_PLAIN_JA = (
    "最初 以上 以内 以下 企業 当社 弊社 会社 株式会社 技術 開発 研究 提供 製造 実現 投資 可能 必要 利用 "
    "使用 活用 対象 目的 事業 製品 組織 協力 協業 市場 米国 日本 日米 両国 世界 国内 海外 初期 段階 "
    "将来 現在 今後 本社 人々 専門 支援 紹介 希望 年間 現場 方法 問題 サービス システム プロジェクト "
    "メンバー パートナー"
)
_PLAIN = frozenset(f"{_PLAIN_EN} {_PLAIN_JA}".split())


def words_of(text: str) -> frozenset[str]:
    """The words of a text that may tell what it is about, in comparable form."""
    return frozenset(_RUN.findall(unicodedata.normalize("NFKC", text).casefold())) - _PLAIN


@dataclass(frozen=True, slots=True)
class _Known:
    """A party with what is worked out once: its telling words with their weights."""

    party: Party
    sought: frozenset[str]
    offered: frozenset[str]


@dataclass(slots=True)
class Matcher:
    """Scores among a set of parties, which decides what words tell anything.

    met: where two met before (its name, or its names by language), by unordered pair of keys.
    """

    parties: Iterable[Party]
    met: Mapping[frozenset[int], tuple[str, ...]] = field(default_factory=dict)
    _known: dict[int, _Known] = field(init=False)
    _weight: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        parties = list(self.parties)
        texts: dict[str, frozenset[str]] = {}
        for party in parties:
            for text in (party.wishes, party.profile):
                if text not in texts:
                    texts[text] = words_of(text)
        # one organization's people share a profile: it counts once
        used = Counter(word for words in texts.values() for word in words)
        documents = max(len(texts), 1)
        self._weight = {
            word: 1.0 - math.log(count) / math.log(documents + 1)
            for word, count in used.items()
            if 1 < count <= max(COMMON * documents, 2)
        }
        telling = {text: words & self._weight.keys() for text, words in texts.items()}
        self._known = {p.key: _Known(p, telling[p.wishes], telling[p.profile]) for p in parties}

    def score(self, seeker: int, candidate: int) -> Suggestion:
        """How much the candidate is worth to the seeker, with all reasons, strongest first."""
        one, other = self._known[seeker], self._known[candidate]
        reasons = sorted(self._reasons(one, other), key=lambda r: (-abs(r.points), r.code))
        return Suggestion(candidate, math.fsum(reason.points for reason in reasons), tuple(reasons))

    def rank(
        self, seeker: int, candidates: Collection[int], *, most: int, barred: Collection[int] = ()
    ) -> list[Suggestion]:
        """The best candidates for a seeker, best first; never the seeker, nor anybody barred."""
        scored = [self.score(seeker, key) for key in candidates if key != seeker and key not in barred]
        worth = [suggestion for suggestion in scored if suggestion.points > 0]
        worth.sort(key=lambda suggestion: (-suggestion.points, suggestion.key))
        return worth[:most]

    def rank_pairs(self, pairs: Iterable[tuple[int, int]], *, most: int) -> list[tuple[int, Suggestion]]:
        """The best of pairs (seeker, candidate), best first; the points are the same from both sides."""
        scored = []
        for seeker, candidate in pairs:
            there = self.score(seeker, candidate)
            if there.points > 0:
                scored.append((there.points, seeker, there))
        scored.sort(key=lambda row: (-row[0], row[1], row[2].key))
        return [(seeker, suggestion) for _, seeker, suggestion in scored[:most]]

    def _reasons(self, one: _Known, other: _Known) -> Iterable[Reason]:
        a, b = one.party, other.party
        needs = _needs(a, b)
        yield from needs
        if not needs and (shared := a.areas & b.areas):
            share = len(shared) / min(len(a.areas), len(b.areas))
            yield Reason(R.SHARED, SHARED * share, _few(shared))
        yield from self._words(one, other)
        fit = _KINDS.get(frozenset((a.kind, b.kind)), OTHERWISE)
        if "press" in (a.kind, b.kind):
            fit = 0.0
        if fit > OTHERWISE:
            yield Reason(R.KINDS, KINDS * fit, (b.kind, a.kind))
        if (suits := _STAGES.get(a.kind, {}).get(b.stage, 0.0)) > 0:
            yield Reason(R.THEIR_STAGE, STAGE * suits, (b.stage,))
        if (suits := _STAGES.get(b.kind, {}).get(a.stage, 0.0)) > 0:
            yield Reason(R.YOUR_STAGE, STAGE * suits, (a.stage,))
        if a.country and b.country and a.country != b.country:
            yield Reason(R.COUNTRY, COUNTRY, (b.country,))
        if a.language and a.language == b.language:
            yield Reason(R.LANGUAGE, LANGUAGE, (a.language,))
        if where := self.met.get(frozenset((a.key, b.key))):
            yield Reason(R.MET, MET, where)

    def _words(self, one: _Known, other: _Known) -> Iterable[Reason]:
        """Words that one seeks and the other offers count in full, words that both offer half."""
        found = dict.fromkeys(one.offered & other.offered, 0.5)
        found |= dict.fromkeys((one.sought & other.offered) | (other.sought & one.offered), 1.0)
        if found:
            worth = {word: part * self._weight[word] for word, part in found.items()}
            best = sorted(worth, key=lambda word: (-worth[word], word))[:MOST_WORDS]
            points = WORDS * min(1.0, math.fsum(worth[word] for word in best))
            if points > 0:
                yield Reason(R.WORDS, points, tuple(best))


def _needs(a: Party, b: Party) -> list[Reason]:
    """What one looks for and the other does; half of the points for a part, all for everything."""
    reasons = []
    for code, wanted, done in ((R.THEY_DO, a.wanted, b.areas), (R.THEY_SEEK, b.wanted, a.areas)):
        if met := wanted & done:
            reasons.append(Reason(code, NEED * (0.5 + 0.5 * len(met) / len(wanted)), _few(met)))
    return reasons


def _few(codes: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(codes)[:MOST_AREAS])


# --- Measuring -----------------------------------------------------------------------------------
def recall_at(ranked: Sequence[int], relevant: Collection[int], most: int) -> float:
    """The part of the relevant ones (of the first `most` that could be) among the first `most` ranked."""
    hits = len(set(ranked[:most]) & set(relevant))
    return hits / min(len(set(relevant)), most)


def ndcg_at(ranked: Sequence[int], relevant: Collection[int], most: int) -> float:
    """Normalized discounted cumulative gain of the first `most`: 1.0 when all relevant ones come first.

    Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002, with gains 0 and 1.
    """
    wanted = set(relevant)
    gain = math.fsum(1 / math.log2(n + 2) for n, key in enumerate(ranked[:most]) if key in wanted)
    best = math.fsum(1 / math.log2(n + 2) for n in range(min(len(wanted), most)))
    return gain / best
