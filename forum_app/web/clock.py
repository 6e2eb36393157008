"""The one clock. Only views, jobs and commands read it; everything below takes now as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)
