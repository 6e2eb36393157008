"""`forum solve`: the meeting scheduler from file to file, without a database.

The scheduler runs as a process of its own, as it does for the web: this one only passes on what it says.
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread
from typing import IO, Any

import click

from forum_app.core.errors import Invalid
from forum_app.core.scheduling.reading import MAX_BYTES

MODULE = "forum_app.core.scheduling"


def _seconds(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter("must be a number of seconds")
    return value


@click.command("solve")
@click.argument("instance")
@click.option("--output", required=True, help="Where the schedule goes (b2b-schedule/1).")
@click.option(
    "--time-limit",
    type=click.FloatRange(0.1, 86_400),
    callback=_seconds,
    default=60.0,
    show_default=True,
    help="Seconds.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
def solve_command(instance: str, output: str, time_limit: float, workers: int, seed: int) -> None:
    """Schedule the meetings of INSTANCE.json (b2b-instance/1).

    Ctrl-C or SIGTERM ends the search and writes the best schedule so far.
    """
    data = _read(instance)
    target = Path(output)
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise Invalid("%(path)s cannot be written.", path=output)
    options = ("--time-limit", str(time_limit), "--workers", str(workers), "--seed", str(seed))
    schedule, refusal = _run(options, data)
    if schedule is None:
        raise Invalid("%(what)s", what=refusal or "The scheduler ended without a schedule.")
    _write(target, schedule)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one too many is refused by the reader
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise Invalid("%(path)s cannot be read: %(why)s", path=path, why=reason or "no such path") from error


def _run(options: tuple[str, ...], data: bytes) -> tuple[bytes | None, str | None]:
    """The schedule as it came, or None and the sentence that says why not."""
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
        (sys.executable, "-m", MODULE, *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("pipes were asked for")
    handlers = {
        number: signal.signal(number, lambda *_: child.terminate())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        giving = Thread(target=_give, args=(child.stdin, data), daemon=True)
        refusals: list[str] = []
        listening = Thread(target=_listen, args=(child.stderr, refusals), daemon=True)
        giving.start()
        listening.start()
        answer = child.stdout.read()
        child.wait()
        listening.join()
    finally:
        if child.poll() is None:
            child.kill()
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if child.returncode != 0 or not answer:
        return None, refusals[-1] if refusals else None
    return answer, None


def _give(pipe: IO[bytes], data: bytes) -> None:
    try:
        pipe.write(data)
        pipe.close()
    except OSError:  # it has ended already, and says why by its exit
        return


def _listen(pipe: IO[bytes], refusals: list[str]) -> None:
    """Progress in words on standard error; what is refused is kept."""
    shown = ""
    for line in pipe:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if not isinstance(value, dict):
            continue
        if "error" in value:
            refusals.append(str(value["error"]))
            continue
        words = _words(value)
        if words != shown:
            shown = words
            click.echo(f"{value.get('seconds', 0):8.1f} s  {words}", err=True)


def _words(progress: dict[str, Any]) -> str:
    if progress.get("placed") is None:
        return str(progress.get("phase", ""))
    return (
        f"{progress.get('phase')}: {progress['placed']} placed, weight {progress.get('placed_weight')}"
        f" of at most {progress.get('weight_bound')},"
        f" {progress.get('breaks')} breaks, at least {progress.get('breaks_bound', 0)}"
    )


def _write(target: Path, schedule: bytes) -> None:
    """All or nothing: a reader never sees half a file."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(schedule)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Invalid("%(path)s cannot be written: %(why)s", path=str(target), why=error.strerror) from error
