"""`python -m forum_app.core.scheduling`: one run of the scheduler as a process of its own.

The instance (b2b-instance/1) on standard input; progress as JSON lines on standard error; the schedule
(b2b-schedule/1) on standard output. SIGTERM or SIGINT, or the death of the process that started it, asks
for the best so far. Exit status: 0 done, 1 refused with one line {"error": sentence} on standard error, 2
usage.
"""

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict
from threading import Thread

from forum_app.core.errors import Invalid
from forum_app.core.scheduling.problem import Progress
from forum_app.core.scheduling.reading import MAX_BYTES, read_problem, write_result
from forum_app.core.scheduling.solver import solve


class _Stop:
    """Set by a signal, or when our parent is gone.

    Python runs a signal's handler once the main thread is back from what it is in, and from a solver it is
    back when all is over. So a thread of its own hears of signals, by the wakeup descriptor.
    """

    def __init__(self, parent: int) -> None:
        self.asked = False
        self.parent = parent
        heard, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: None)
        Thread(target=self._listen, args=(heard,), daemon=True).start()

    def _listen(self, heard: int) -> None:
        while os.read(heard, 1):
            self.asked = True

    def __call__(self) -> bool:
        return self.asked or os.getppid() != self.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m forum_app.core.scheduling", description=__doc__)
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    # who starts us may be gone before the libraries are loaded, and getppid() then names another process
    parser.add_argument("--parent", type=int, default=os.getppid(), help="who waits for the answer")
    options = parser.parse_args()
    should_stop = _Stop(options.parent)
    try:
        problem = read_problem(sys.stdin.buffer.read(MAX_BYTES + 1))
    except Invalid as error:
        print(json.dumps({"error": str(error)}), file=sys.stderr)
        return 1
    result = solve(
        problem,
        time_limit=options.time_limit,
        seed=options.seed,
        workers=options.workers,
        progress=_tell,
        should_stop=should_stop,
    )
    json.dump(write_result(problem, result), sys.stdout)
    print(flush=True)
    return 0


def _tell(progress: Progress) -> None:
    line = {key: value for key, value in asdict(progress).items() if value is not None}
    line["seconds"] = round(progress.seconds, 2)
    print(json.dumps(line), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
