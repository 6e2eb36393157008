"""Laws of the matcher: what is told is what decided, and nobody barred is ever suggested."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum_app.core.matching import (
    MET,
    TO_ORGANIZER,
    TO_SEEKER,
    Matcher,
    Party,
    ReasonCode,
    ndcg_at,
    recall_at,
    words_of,
)

AREAS = ("ai", "space", "robotics", "sensing", "quantum")
KINDS = (
    "startup",
    "agency",
    "government_investor",
    "venture_capital",
    "prime",
    "university",
    "press",
    "other",
)
STAGES = ("", "idea", "prototype", "product", "revenue")
WORDS = ("radar", "wave power", "量子センサー", "ドローン", "無人航空機", "")
PLACEHOLDERS = re.compile(r"%\((\w+)\)s")


@st.composite
def crowds(draw: st.DrawFn) -> list[Party]:
    """Two to a dozen parties with distinct keys."""
    keys = draw(st.lists(st.integers(1, 99), min_size=2, max_size=12, unique=True))
    some_areas = st.frozensets(st.sampled_from(AREAS))
    some_words = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
    return [
        Party(
            key=key,
            kind=draw(st.sampled_from(KINDS)),
            country=draw(st.sampled_from(("JP", "US", ""))),
            language=draw(st.sampled_from(("en", "ja"))),
            stage=draw(st.sampled_from(STAGES)),
            areas=draw(some_areas),
            wanted=draw(some_areas),
            wishes=draw(some_words),
            profile=draw(some_words),
        )
        for key in keys
    ]


def keys_of(crowd: list[Party]) -> list[int]:
    return [party.key for party in crowd]


@given(crowds())
def test_points_are_the_sum_of_the_reasons(crowd: list[Party]) -> None:
    matcher = Matcher(crowd)
    for one in crowd:
        for other in crowd:
            found = matcher.score(one.key, other.key)
            assert found.points == pytest.approx(sum(reason.points for reason in found.reasons))
            assert all(reason.values and all(reason.values) for reason in found.reasons)
            sizes = [abs(reason.points) for reason in found.reasons]
            assert sizes == sorted(sizes, reverse=True)
            codes = [reason.code for reason in found.reasons]
            assert len(codes) == len(set(codes))


@given(crowds(), st.data())
def test_nobody_barred_is_suggested_and_every_suggestion_has_a_reason(
    crowd: list[Party], data: st.DataObject
) -> None:
    keys = keys_of(crowd)
    barred = data.draw(st.frozensets(st.sampled_from(keys)))
    most = data.draw(st.integers(0, 15))
    ranked = Matcher(crowd).rank(keys[0], keys, most=most, barred=barred)
    assert not {suggestion.key for suggestion in ranked} & (barred | {keys[0]})
    assert len(ranked) <= most
    assert all(suggestion.points > 0 and suggestion.reasons for suggestion in ranked)
    assert [s.points for s in ranked] == sorted((s.points for s in ranked), reverse=True)


@given(crowds(), st.randoms())
def test_the_order_of_what_is_read_does_not_matter(crowd: list[Party], random: object) -> None:
    keys = keys_of(crowd)
    first = Matcher(crowd).rank(keys[0], keys, most=20)
    shuffled, turned = list(crowd), list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert Matcher(shuffled).rank(keys[0], turned, most=20) == first


@given(crowds())
def test_the_two_sides_see_one_another(crowd: list[Party]) -> None:
    """What one is told of needs and stages, the other is told from the other side."""
    turned = {
        ReasonCode.THEY_DO: ReasonCode.THEY_SEEK,
        ReasonCode.THEY_SEEK: ReasonCode.THEY_DO,
        ReasonCode.THEIR_STAGE: ReasonCode.YOUR_STAGE,
        ReasonCode.YOUR_STAGE: ReasonCode.THEIR_STAGE,
    }
    matcher, (one, other, *_) = Matcher(crowd), crowd
    there, back = matcher.score(one.key, other.key), matcher.score(other.key, one.key)
    assert there.points == pytest.approx(back.points)
    mirrored = {(turned.get(r.code, r.code), r.points) for r in there.reasons}
    assert mirrored == {(r.code, r.points) for r in back.reasons}


@given(crowds(), st.sampled_from(AREAS))
def test_doing_what_is_looked_for_never_harms(crowd: list[Party], area: str) -> None:
    seeker, candidate, *rest = crowd
    seeker = replace(seeker, wanted=seeker.wanted | {area})
    able = replace(candidate, areas=candidate.areas | {area})
    before = Matcher([seeker, candidate, *rest]).score(seeker.key, candidate.key)
    after = Matcher([seeker, able, *rest]).score(seeker.key, able.key)
    assert after.points >= before.points - 1e-9
    assert any(reason.code is ReasonCode.THEY_DO and area for reason in after.reasons)


@given(crowds())
def test_who_met_before_comes_later_and_is_told_so(crowd: list[Party]) -> None:
    one, other, *_ = crowd
    pair = frozenset((one.key, other.key))
    new = Matcher(crowd).score(one.key, other.key)
    again = Matcher(crowd, met={pair: ("Forum 35",)}).score(one.key, other.key)
    assert again.points == pytest.approx(new.points + MET)
    assert [r.values for r in again.reasons if r.code is ReasonCode.MET] == [("Forum 35",)]


@given(crowds())
def test_pairs_are_ranked_as_they_are_scored(crowd: list[Party]) -> None:
    keys = keys_of(crowd)
    pairs = [(a, b) for a in keys for b in keys if a < b]
    matcher = Matcher(crowd)
    ranked = matcher.rank_pairs(pairs, most=1000)
    assert {(seeker, s.key) for seeker, s in ranked} <= set(pairs)
    assert all(matcher.score(seeker, s.key) == s for seeker, s in ranked)
    points = [s.points for _, s in ranked]
    assert points == sorted(points, reverse=True)


def test_a_founder_is_led_to_the_agency_that_looks_for_what_they_do() -> None:
    founder = Party(
        1, "startup", "JP", "ja", "prototype", frozenset({"robotics"}), profile="船体を登る点検ロボット"
    )
    agency = Party(
        2, "agency", "US", "en", wanted=frozenset({"robotics"}), wishes="Robots for hull inspection"
    )
    fund = Party(3, "venture_capital", "JP", "ja", areas=frozenset({"biotechnology"}))
    press = Party(4, "press", "JP", "ja", areas=frozenset({"robotics"}))
    ranked = Matcher([founder, agency, fund, press]).rank(1, [2, 3, 4], most=10)
    assert [suggestion.key for suggestion in ranked] == [2, 3, 4]
    assert [reason.code for reason in ranked[0].reasons] == [
        ReasonCode.THEY_SEEK,
        ReasonCode.KINDS,
        ReasonCode.YOUR_STAGE,
        ReasonCode.COUNTRY,
    ]


def test_words_that_everybody_uses_say_nothing() -> None:
    crowd = [Party(n, profile="radar systems" if n < 3 else f"systems of kind {n}") for n in range(1, 20)]
    found = Matcher(crowd).score(1, 2)
    assert found.reasons == ()  # the very same profile is one document: a colleague's
    crowd[1] = replace(crowd[1], profile="systems that see by radar")
    assert [r.values for r in Matcher(crowd).score(1, 2).reasons] == [("radar",)]


def test_words_in_both_languages() -> None:
    assert words_of("Ｒａｄａｒ と量子センサーの、ドローン! an AI") == {
        "radar",
        "量子",
        "センサー",
        "ドローン",
    }


def test_every_reason_has_its_two_sentences() -> None:
    for texts in (TO_SEEKER, TO_ORGANIZER):
        assert set(texts) == set(ReasonCode)
        assert all(PLACEHOLDERS.search(text) or code is ReasonCode.MET for code, text in texts.items())


def test_measures() -> None:
    assert recall_at([1, 2, 3, 4], {2, 9}, 3) == 0.5
    assert recall_at([1, 2, 3], {1, 2, 3, 4, 5}, 2) == 1.0
    assert ndcg_at([1, 2], {1, 2}, 10) == 1.0
    assert ndcg_at([3, 1], {1}, 10) == pytest.approx(0.6309, abs=1e-4)
