"""`forum read-busy`: the busy time in a calendar file, as the upload reads it; no database."""

import gc
import json
from datetime import UTC, datetime
from pathlib import Path

import click

from forum_app.core.errors import Invalid
from forum_app.core.freebusy.lines import MAX_BYTES
from forum_app.core.freebusy.reader import read_busy
from forum_app.core.freebusy.zones import named_zone
from forum_app.core.intervals import Interval


def _instant(context: click.Context, parameter: click.Parameter, value: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{value!r} is not an instant such as 2027-03-10T09:00:00Z") from error


def _zone(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if named_zone(value) is None:
        raise click.BadParameter(f"{value!r} is not a time zone such as Asia/Tokyo")
    return value


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one too many is refused by the reader
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise Invalid("%(path)s cannot be read: %(why)s", path=path, why=reason or "no such path") from error


def _written(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@click.command("read-busy")
@click.argument("file")
@click.option("--zone", required=True, callback=_zone, help="The reader's zone, for floating times and days.")
@click.option("--from", "start", required=True, callback=_instant, help="ISO 8601; UTC without an offset.")
@click.option("--to", "end", required=True, callback=_instant, help="ISO 8601; UTC without an offset.")
def read_busy_command(file: str, zone: str, start: datetime, end: datetime) -> None:
    """The busy time in an .ics FILE as JSON: UTC, merged, cut to the window.

    With "cut", a sentence, where not all of the file is in it.
    """
    if end <= start:
        raise click.BadParameter("must be later than --from", param_hint="--to")
    gc.disable()  # the process ends soon, and half of the time would go into counting what still lives
    reading = read_busy(_read(file), zone=zone, window=Interval(start, end))
    answer: dict[str, object] = {
        "busy": [[_written(span.start), _written(span.end)] for span in reading.busy]
    }
    if reading.sentence is not None:
        answer["cut"] = reading.sentence
    click.echo(json.dumps(answer, ensure_ascii=False))
