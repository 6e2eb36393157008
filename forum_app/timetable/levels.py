"""Whose wishes come first: levels that an organizer understands, as weights that the scheduler adds up."""

import enum
from collections import Counter
from collections.abc import Iterable

from forum_app.core.scheduling.reading import MAX_WEIGHT
from forum_app.core.text import N_

FEWEST = 999
"""One meeting of a level outweighs at least so many of the next, however large the forum is."""


class Level(enum.IntEnum):
    """Both sides wish each meeting; the levels differ in how much. The first counts most."""

    BOTH_MUST = 0
    ONE_MUST = 1
    BOTH_WANT = 2


LEVEL_LABELS = {
    Level.BOTH_MUST: N_("Must have for both"),
    Level.ONE_MUST: N_("Must have for one"),
    Level.BOTH_WANT: N_("Both would like it"),
}


def level_of(musts: int) -> Level:
    """The level of a request by how many of the two say must."""
    return Level(2 - min(2, musts))


def weights_of(levels: Iterable[Level]) -> dict[Level, int]:
    """Weight per level: more than all of the lower levels together.

    In a forum with so many wishes that such weights would not fit, one meeting of a level still outweighs
    FEWEST of the next one.
    """
    count = Counter(levels)
    weights: dict[Level, int] = {}
    below = 0
    ratio = FEWEST + 1
    ceiling = {Level.BOTH_WANT: 1, Level.ONE_MUST: ratio, Level.BOTH_MUST: min(MAX_WEIGHT, ratio * ratio)}
    for level in reversed(Level):
        weights[level] = min(below + 1, ceiling[level])
        below += weights[level] * count[level]
    return weights
