"""What upper features say beside meetings, since meetings may not ask upwards.

A source gets the ids of meetings on a page and returns sentences by id, in the reader's language, in one
statement for all of them. Only people who meet, and organizers, see them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

meeting_remarks: list[Callable[[Collection[int]], Mapping[int, Sequence[str]]]] = []


def remarks_on(meeting_ids: Collection[int]) -> dict[int, list[str]]:
    """All sentences of all features, by meeting."""
    found: dict[int, list[str]] = {}
    for source in meeting_remarks if meeting_ids else ():
        for meeting_id, sentences in source(meeting_ids).items():
            found.setdefault(meeting_id, []).extend(sentences)
    return found
