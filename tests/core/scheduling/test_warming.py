"""What is compiled once is all that a run needs: a second signature would be compiled within its time."""

from dataclasses import replace

from numba.core.dispatcher import Dispatcher

from forum_app.core.scheduling import large, large_kernel
from tests.core.scheduling.test_large import forum


def signatures() -> dict[str, list[object]]:
    kernels = {name: value for name, value in vars(large_kernel).items() if isinstance(value, Dispatcher)}
    assert len(kernels) > 20
    return {name: list(kernel.signatures) for name, kernel in kernels.items()}


def test_a_run_compiles_nothing_after_preparing() -> None:
    large.prepare()
    ready = signatures()
    assert ready["anneal"]
    assert ready["fill"]
    problem = forum(6)
    found = large.search(problem, time_limit=0.3, seed=1, workers=2)
    again = replace(problem, previous=found.assignments, pinned=found.assignments[:2])
    large.search(again, time_limit=0.3, seed=1)
    assert signatures() == ready
