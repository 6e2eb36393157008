"""Levels become weights: an upper level is never given up for lower ones."""

from hypothesis import given
from hypothesis import strategies as st

from forum_app.core.scheduling.reading import MAX_WEIGHT
from forum_app.timetable.levels import FEWEST, Level, level_of, weights_of


def test_levels_by_who_says_must() -> None:
    assert [level_of(musts) for musts in (0, 1, 2)] == [Level.BOTH_WANT, Level.ONE_MUST, Level.BOTH_MUST]


@given(st.lists(st.sampled_from(list(Level)), max_size=300))
def test_one_meeting_outweighs_all_below(levels: list[Level]) -> None:
    weights = weights_of(levels)
    for level in Level:
        below = sum(weights[one] for one in levels if one > level)
        assert weights[level] > below


@given(st.lists(st.tuples(st.sampled_from(list(Level)), st.integers(0, 5000)), max_size=6))
def test_large_forums_stay_within_what_the_format_knows(sizes: list[tuple[Level, int]]) -> None:
    weights = weights_of([level for level, count in sizes for _ in range(count)])
    assert all(1 <= weight <= MAX_WEIGHT for weight in weights.values())
    for upper, lower in ((Level.BOTH_MUST, Level.ONE_MUST), (Level.ONE_MUST, Level.BOTH_WANT)):
        held = sum(count for level, count in sizes if level == lower)
        assert weights[upper] > min(FEWEST, held) * weights[lower]
