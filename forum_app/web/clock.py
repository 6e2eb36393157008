"""The one clock. Only views, jobs and commands read it; everything below takes now as an argument."""

from datetime import UTC, datetime, timedelta

_ahead = timedelta(0)


def now() -> datetime:
    """The current instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC) + _ahead


def set_to(instant: datetime) -> None:
    """Let the clock run on from instant: tests hold for ever, a rehearsal shows the day itself."""
    global _ahead
    _ahead = instant - datetime.now(UTC)
