"""Random problems small enough to try all schedules of."""

from hypothesis import strategies as st

from forum_app.core.scheduling.problem import Assignment, Interpreter, Meeting, Participant, Problem


@st.composite
def problems(draw: st.DrawFn, *, mandatory: bool | None = None, plain: bool = False) -> Problem:
    """At most 5 people, 5 meetings, 4 slots and 2 tables; plain: none of the optional keys."""
    n_slots = draw(st.integers(2, 4))
    n_tables = draw(st.integers(1, 2))
    slots = st.integers(0, n_slots - 1)
    sometimes = st.integers(0, 3).map(lambda n: n == 0)
    people = tuple(
        Participant(
            unavailable=draw(st.frozensets(slots, max_size=1)),
            max_meetings=draw(st.sampled_from([None, None, None, 1, 2])),
            min_meetings=0 if plain else draw(st.sampled_from([0, 0, 1, 2])),
        )
        for _ in range(draw(st.integers(2, 5)))
    )
    halves: tuple[tuple[int, ...], ...] = ((0,), tuple(range(1, n_slots)))
    sessions = halves if draw(st.booleans()) else ()
    interpreters = (
        ()
        if plain
        else tuple(
            Interpreter(draw(st.frozensets(slots, max_size=1)), draw(st.sampled_from([None, 1])))
            for _ in range(draw(st.integers(0, 2)))
        )
    )
    pairs = [(a, b) for a in range(len(people)) for b in range(a)]
    meetings = []
    for index in range(draw(st.integers(1, 5))):
        a, b = draw(st.sampled_from(pairs))
        earlier = st.frozensets(st.integers(0, max(0, index - 1)), max_size=1)
        talks = tables = None
        if not plain and draw(sometimes):
            talks = tuple(
                draw(st.frozensets(st.sampled_from(range(len(interpreters))))) if interpreters else ()
            )
        if not plain and draw(sometimes):
            tables = tuple(draw(st.frozensets(st.integers(0, n_tables - 1), min_size=1)))
        meetings.append(
            Meeting(
                a,
                b,
                weight=draw(st.sampled_from([1, 1, 3, 5])),
                session=draw(st.integers(0, len(sessions) - 1)) if draw(sometimes) and sessions else None,
                fixed=draw(slots) if draw(sometimes) and draw(sometimes) else None,
                after=tuple(draw(earlier)) if index and draw(sometimes) else (),
                interpreters=talks,
                tables=tables,
            )
        )
    places = st.builds(
        Assignment,
        st.integers(0, len(meetings) - 1),
        slots,
        st.none() if plain else st.one_of(st.none(), st.integers(0, n_tables - 1)),
    )
    previous = [] if plain else draw(st.lists(places, max_size=3, unique_by=lambda row: row.meeting))
    pinned = draw(st.lists(places, max_size=1)) if draw(sometimes) else []
    away = st.frozensets(slots, max_size=1)
    return Problem(
        n_slots,
        n_tables,
        people,
        tuple(meetings),
        sessions=sessions,
        all_mandatory=draw(st.booleans()) if mandatory is None else mandatory,
        fairness_d=draw(st.sampled_from([None, None, 0, 1])),
        interpreters=interpreters,
        table_unavailable=() if plain or draw(st.booleans()) else tuple(draw(away) for _ in range(n_tables)),
        previous=tuple(previous),
        pinned=tuple(pinned),
    )
