"""New processes, and what all test processes of a run make once and share.

A process that shall run the product without the seconds in which Python loads it is forked from one that has
loaded it: a process of its own, started afresh, which does nothing else and knows nothing of the tests: no
database, no settings, no threads. What loading takes is proven where the product is really started: in the
tests of the browser, the worker and the wheel, and by `Command.apart` in test_cli.py.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forum_app.start import main


def forking() -> ForkServerContext:
    """Makes processes whose modules are loaded, and which share nothing else with this one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.loaded"])
    return context


def _command(arguments: tuple[str, ...]) -> None:
    sys.argv = ["forum", *arguments]
    main()


def _python(code: str) -> None:
    exec(code, {"__name__": "__main__"})  # noqa: S102 - of a test


def _become(do: Callable[[Any], None], what: Any, environ: dict[str, str], out: str, err: str) -> None:
    """What the new process does: as what starts with these variables and ends with these files."""
    for name, number in ((out, 1), (err, 2)):
        file = os.open(name, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environ)
    do(what)


def _run(
    do: Callable[[Any], None], what: Any, environ: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = forking().Process(target=_become, args=(do, what, dict(environ), str(out), str(err)))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(str(what), timeout)
        words = [file.read_text(encoding="utf-8") for file in (out, err)]
        return subprocess.CompletedProcess(what, process.exitcode, *words)


def forum(*arguments: str, environ: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a `forum` command to its end. timeout: seconds, after which TimeoutExpired is raised."""
    return _run(_command, arguments, environ, timeout)


def python(code: str, *, environ: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python as forum() runs a command."""
    return _run(_python, code, environ, timeout)


def once(folder: Path, make: Callable[[Path], None]) -> Path:
    """folder, filled by make; whoever asks meanwhile in another process waits for it."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def compile_search(folder: Path) -> None:
    """What a worker does once per installation, for half a minute: not beside other tests, nor twice."""
    command = [sys.executable, "-m", "forum_app.core.scheduling.warming"]
    subprocess.run(command, check=True, timeout=900)
