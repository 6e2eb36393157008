import copy
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum_app.core.errors import Invalid
from forum_app.core.scheduling.problem import Assignment, Problem, Reason, Result, Status
from forum_app.core.scheduling.reading import MAX_MEETINGS, read_problem, write_result

GOOD: dict[str, Any] = {
    "format": "b2b-instance/1",
    "name": "small",
    "source": "a test",
    "n_slots": 4,
    "n_tables": 2,
    "sessions": [[0, 1], [2, 3]],
    "all_mandatory": False,
    "fairness_d": 2,
    "participants": [
        {"id": 10, "kind": "startup", "unavailable": [0], "max_meetings": 2, "min_meetings": 1},
        {"id": 11, "kind": "vc", "unavailable": [], "max_meetings": None},
        {"id": 12, "kind": "agency", "unavailable": [3]},
    ],
    "meetings": [
        {"id": 5, "a": 10, "b": 11, "weight": 3, "session": 0, "fixed": None, "after": []},
        {
            "id": 7,
            "a": 11,
            "b": 12,
            "weight": 1,
            "session": None,
            "fixed": 2,
            "after": [5],
            "interpreter": True,
        },
        {"id": 8, "a": 10, "b": 12, "weight": 5, "interpreter": [21], "tables": [1]},
    ],
    "interpreters": [{"id": 20, "unavailable": [], "max_run": 2}, {"id": 21}],
    "tables": [{"id": 1, "unavailable": [0]}],
    "previous": [[5, 1, 0], [99, 0, 0], [7, 2, 1, 20]],
    "pinned": [[5, 1, None]],
    "known": {"optimum_breaks": 0},
}


def read(instance: object) -> Problem:
    return read_problem(json.dumps(instance).encode())


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        read_problem(data)
    sentence = str(caught.value)
    assert sentence.startswith("The instance cannot be read: ")
    assert "\n" not in sentence
    assert len(sentence) < 400
    return sentence


def test_numbers_of_the_file_become_indices() -> None:
    problem = read(GOOD)
    assert [meeting.number for meeting in problem.meetings] == [5, 7, 8]
    assert (problem.meetings[1].a, problem.meetings[1].b, problem.meetings[1].after) == (1, 2, (0,))
    assert [meeting.interpreters for meeting in problem.meetings] == [None, (0, 1), (1,)]
    assert problem.meetings[2].tables == (1,)
    assert problem.table_unavailable == (frozenset(), frozenset({0}))
    assert problem.previous == (Assignment(0, 1, 0), Assignment(1, 2, 1, 0))
    assert problem.pinned == (Assignment(0, 1, None),)
    assert problem.participants[0].min_meetings == 1
    assert problem.participants[2].max_meetings is None


def test_a_result_is_written_in_the_numbers_of_the_file() -> None:
    problem = read(GOOD)
    rows = (Assignment(0, 1, 0), Assignment(1, 2, 1, 1))
    result = Result(Status.FEASIBLE, rows, 4, 9, 1, 0, unplaced=((2, Reason.NO_TABLE),), seconds=0.12345)
    written = write_result(problem, result)
    assert written["assignments"] == [[5, 1, 0], [7, 2, 1, 21]]
    assert written["unplaced"] == [[8, "no_table"]]
    assert (written["format"], written["instance"], written["status"]) == (
        "b2b-schedule/1",
        "small",
        "feasible",
    )
    assert {"placed_weight", "weight_bound", "breaks", "breaks_bound", "moved", "seconds"} <= set(written)
    json.dumps(written, allow_nan=False)


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """A change of the good instance: the last of path is the new value."""
    *keys, last, value = path

    def change(instance: dict[str, Any]) -> None:
        place: Any = instance
        for key in keys:
            place = place[key]
        place[last] = value

    return change


def drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    *keys, last = path

    def change(instance: dict[str, Any]) -> None:
        place: Any = instance
        for key in keys:
            place = place[key]
        del place[last]

    return change


FAULTS: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    *(
        (drop(key), f"{key} ")
        for key in ("format", "n_slots", "n_tables", "all_mandatory", "participants", "meetings")
    ),
    (drop("participants", 0, "id"), "participants[0].id is missing"),
    (drop("participants", 0, "unavailable"), "participants[0].unavailable is missing"),
    (drop("meetings", 1, "a"), "meetings[1].a is missing"),
    (drop("meetings", 1, "id"), "meetings[1].id is missing"),
    (put("format", "b2b-instance/2"), "format must be 'b2b-instance/1'"),
    (put("n_slots", True), "n_slots must be a whole number"),
    (put("n_slots", 4.0), "n_slots must be a whole number"),
    (put("n_slots", "4"), "n_slots must be a whole number"),
    (put("n_slots", 0), "n_slots is 0"),
    (put("n_slots", -4), "n_slots is -4"),
    (put("n_slots", 10**30), "n_slots is a very large number"),
    (put("n_tables", -1), "n_tables is -1"),
    (put("n_tables", None), "n_tables must be a whole number"),
    (put("sessions", {}), "sessions must be a list"),
    (put("sessions", [[0, 9]]), "sessions[0] is 9"),
    (put("all_mandatory", 1), "all_mandatory must be true or false"),
    (put("fairness_d", -1), "fairness_d is -1"),
    (put("name", 3), "name must be a text"),
    (put("participants", {}), "participants must be a list"),
    (put("participants", 0, 3), "participants[0] must be an object"),
    (put("participants", 0, "unavailable", [-1]), "participants[0].unavailable is -1"),
    (put("participants", 0, "unavailable", 3), "participants[0].unavailable must be a list"),
    (put("participants", 0, "max_meetings", -1), "participants[0].max_meetings is -1"),
    (put("participants", 1, "id", 10), "participants has two entries with id 10"),
    (put("meetings", 0, "a", 77), "participant 77 does not exist"),
    (put("meetings", 0, "a", -1), "meetings[0].a is -1"),
    (put("meetings", 0, "a", 11), "participant with itself"),
    (put("meetings", 0, "weight", 0), "meetings[0].weight is 0"),
    (put("meetings", 0, "weight", True), "meetings[0].weight must be a whole number"),
    (put("meetings", 0, "session", 2), "meetings[0].session is 2"),
    (put("meetings", 0, "fixed", 4), "meetings[0].fixed is 4"),
    (put("meetings", 0, "fixed", -1), "meetings[0].fixed is -1"),
    (put("meetings", 0, "after", [6]), "meeting 6 does not exist"),
    (put("meetings", 0, "after", [7]), "after goes round in a circle"),
    (put("meetings", 0, "after", [5]), "after goes round in a circle"),
    (put("meetings", 0, "interpreter", 1), "meetings[0].interpreter must be true, false or a list"),
    (put("meetings", 0, "interpreter", [3]), "interpreter 3 does not exist"),
    (put("meetings", 0, "tables", [2]), "meetings[0].tables is 2"),
    (put("meetings", 1, "id", 5), "meetings has two entries with id 5"),
    (put("interpreters", 0, "max_run", 0), "interpreters[0].max_run is 0"),
    (put("tables", 0, "id", 5), "tables[0].id is 5"),
    (put("previous", [[5, 9, 0]]), "previous[0] slot is 9"),
    (put("previous", [[5]]), "previous[0] must be [meeting, slot, table]"),
    (put("previous", [[5, 0, 0], [5, 1, 0]]), "previous[1] names meeting 5 again"),
    (put("pinned", [[99, 0, 0]]), "meeting 99 does not exist"),
    (put("pinned", [[5, 0, 2]]), "pinned[0] table is 2"),
    (put("meetings", [{}] * (MAX_MEETINGS + 1)), f"at most {MAX_MEETINGS} are possible"),
]


@pytest.mark.parametrize(("change", "words"), FAULTS, ids=[words for _, words in FAULTS])
def test_what_is_wrong_is_said_in_one_sentence(change: Callable[[dict[str, Any]], None], words: str) -> None:
    instance = copy.deepcopy(GOOD)
    change(instance)
    assert words in refusal(json.dumps(instance).encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b'{"n_slots": NaN}', "NaN is not a number of JSON"),
        (b'{"n_slots": -Infinity}', "-Infinity is not a number of JSON"),
        (b'{"n_slots": ' + b"9" * 5000 + b"}", "a number that is too long"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_instance_at_all(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_percent_signs_do_no_harm() -> None:
    instance = copy.deepcopy(GOOD) | {"format": "%(what)s %s"}
    refusal(json.dumps(instance).encode())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_anything_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    instance = copy.deepcopy(GOOD)
    place: Any = instance
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(ANYTHING)
    with suppress(Invalid):
        read(instance)
