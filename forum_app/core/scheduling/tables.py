"""Tables for a schedule whose meetings have their slots."""

from collections.abc import Mapping

from forum_app.core.scheduling.exact_tables import with_tables
from forum_app.core.scheduling.problem import Assignment, Problem


def assign_tables(
    problem: Problem, placed: Mapping[int, int], given: Mapping[int, int]
) -> dict[int, int | None]:
    """Meeting -> table; placed: meeting -> slot, given: meeting -> table that is decided already."""
    rows = with_tables(problem, (Assignment(k, slot, given.get(k)) for k, slot in placed.items()))
    return {row.meeting: row.table for row in rows}
