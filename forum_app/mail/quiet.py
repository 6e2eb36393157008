"""Quiet hours: when a mail that can wait may be sent. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

USUAL_FROM, USUAL_UNTIL = 22 * 60, 7 * 60
URGENT = timedelta(hours=3)  # what begins sooner does not wait for the morning


def awake_at(now: datetime, zone: str, quiet_from: int, quiet_until: int) -> datetime:
    """now, or the end of the quiet hours in which it lies; UTC.

    quiet_from, quiet_until: minutes after midnight on the clock of zone (IANA); equal for none.
    """
    if quiet_from == quiet_until:
        return now
    local = now.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    over_midnight = quiet_from > quiet_until
    after, before = minute >= quiet_from, minute < quiet_until
    if not (after or before if over_midnight else after and before):
        return now
    day = local.date() + timedelta(days=1) if over_midnight and after else local.date()
    end = datetime.combine(day, time(quiet_until // 60, quiet_until % 60), local.tzinfo)
    return max(now, end.astimezone(UTC))
