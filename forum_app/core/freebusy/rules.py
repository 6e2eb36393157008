"""Recurrence rules: RECUR to wall-clock times, by the table of RFC 5545 3.3.10."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta

from forum_app.core.freebusy.values import BadValue, Moment, parse_integer, parse_moment

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_DIGITS = re.compile(r"[0-9]{1,10}")
UNITS = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600}
FREQUENCIES = (*UNITS, "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# lowest, highest, and whether -n counts from the end
_RANGES = {
    "BYSECOND": (0, 60, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
# "N/A" in the table: MUST NOT be used with this FREQ
_FORBIDDEN = {
    "BYWEEKNO": {*FREQUENCIES} - {"YEARLY"},
    "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYMONTHDAY": {"WEEKLY"},
}
ONE_DAY = timedelta(days=1)
EPOCH = datetime(1, 1, 1)  # noqa: DTZ001 (wall clock)


class OtherCalendar(Exception):
    """A rule of a calendar other than the Gregorian (RFC 7529)."""


class Exhausted(Exception):
    """The steps that a file may cost are used up."""


class Budget:
    """Counts work, so that no file costs more than a known time, on any machine the same."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def take(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise Exhausted


@dataclass(frozen=True, slots=True)
class Rule:
    """A RECUR. days: (n, weekday) with n 0 for all; an empty tuple is a part that was not given."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: Moment | None = None
    seconds: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    days: tuple[tuple[int, int], ...] = ()
    monthdays: tuple[int, ...] = ()
    yeardays: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0
    skip: str = "OMIT"


MOST_RULE = 50_000  # characters; all values that a rule may name, each once, take a fifth of it


def _numbers(name: str, text: str) -> tuple[int, ...]:
    low, high, signed = _RANGES[name]
    found = []
    for part in text.split(","):
        number = parse_integer(part)
        if not low <= (abs(number) if signed else number) <= high or (not signed and part.strip()[0] in "+-"):
            raise BadValue(text)
        found.append(number)
    return tuple(sorted(set(found)))


def _days(text: str) -> tuple[tuple[int, int], ...]:
    found = []
    for part in text.upper().split(","):
        day = _DAY.fullmatch(part.strip(" \t"))
        if day is None or (day[1] is not None and not 1 <= abs(int(day[1])) <= 53):
            raise BadValue(text)
        found.append((int(day[1] or 0), WEEKDAYS.index(day[2])))
    return tuple(found)


def _positive(text: str) -> int:
    if _DIGITS.fullmatch(text) is None or int(text) < 1:
        raise BadValue(text)
    return int(text)


def parse_rule(text: str) -> Rule:
    """A RECUR; raises BadValue where the text says MUST NOT, OtherCalendar for a RSCALE not Gregorian."""
    parts: dict[str, str] = {}
    if len(text) > MOST_RULE:
        raise BadValue(text[:80])
    for part in text.strip(" \t").rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        name, value = name.strip(" \t").upper(), value.strip(" \t")
        if name.startswith("X-"):  # A.3: no longer specified, so not known
            continue
        if not equals or name in parts:
            raise BadValue(text)
        parts[name] = value
    calendar = parts.pop("RSCALE", "").upper()
    if calendar not in ("", "GREGORIAN"):
        raise OtherCalendar(calendar[:30])
    skip = parts.pop("SKIP", "OMIT").upper() if calendar else "OMIT"
    freq = parts.pop("FREQ", "").upper()
    if freq not in FREQUENCIES or skip not in ("OMIT", "BACKWARD", "FORWARD"):
        raise BadValue(text)
    until = parse_moment(parts.pop("UNTIL")) if "UNTIL" in parts else None
    count = _positive(parts.pop("COUNT")) if "COUNT" in parts else None
    interval = _positive(parts.pop("INTERVAL", "1"))
    start = parts.pop("WKST", "MO").upper()
    days = _days(parts.pop("BYDAY")) if "BYDAY" in parts else ()
    if start not in WEEKDAYS or parts.keys() - _RANGES.keys():
        raise BadValue(text)
    if any(freq in _FORBIDDEN.get(name, ()) for name in parts):
        raise BadValue(text)
    if any(n for n, _ in days) and (freq not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        raise BadValue(text)
    if "BYSETPOS" in parts and not days and len(parts) == 1:  # only with another BYxxx
        raise BadValue(text)
    numbers = {name: _numbers(name, value) for name, value in parts.items()}
    return Rule(
        freq=freq,
        interval=interval,
        count=count,
        until=until,
        seconds=tuple(sorted({min(second, 59) for second in numbers.get("BYSECOND", ())})),
        minutes=numbers.get("BYMINUTE", ()),
        hours=numbers.get("BYHOUR", ()),
        days=days,
        monthdays=numbers.get("BYMONTHDAY", ()),
        yeardays=numbers.get("BYYEARDAY", ()),
        weeks=numbers.get("BYWEEKNO", ()),
        months=numbers.get("BYMONTH", ()),
        positions=numbers.get("BYSETPOS", ()),
        week_start=WEEKDAYS.index(start),
        skip=skip,
    )


# --- Days ----------------------------------------------------------------------------------------
def _month_length(year: int, month: int) -> int:
    return (
        28 + (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
        if month == 2
        else (30 if month in (4, 6, 9, 11) else 31)
    )


def _year_length(year: int) -> int:
    return 337 + _month_length(year, 2)


def _nth_fits(day: date, nth: int, first: date, length: int) -> bool:
    """Whether a day is the nth of its weekday in a span of days."""
    position = (day - first).days
    if nth > 0:
        return position // 7 + 1 == nth
    return (length - 1 - position) // 7 + 1 == -nth


def _spans(rule: Rule, year: int, month: int | None) -> Callable[[date], tuple[date, int]]:
    """What a numbered weekday counts within: the month in MONTHLY and beside BYMONTH, else the year."""
    if month is not None or rule.months:
        return lambda day: (day.replace(day=1), _month_length(day.year, day.month))
    return lambda day: (date(year, 1, 1), _year_length(year))


def _weekday_fits(rule: Rule, day: date, span: Callable[[date], tuple[date, int]]) -> bool:
    weekday = day.weekday()
    return any(
        weekday == wanted and (not nth or _nth_fits(day, nth, *span(day))) for nth, wanted in rule.days
    )


def _nth_days(days: tuple[tuple[int, int], ...], first: date, length: int) -> Iterator[date]:
    """BYDAY as expansion: the days of a span of a month or a year."""
    for nth, weekday in days:
        begin = (weekday - first.weekday()) % 7
        found = range(begin, length, 7)
        if nth == 0:
            chosen: Iterable[int] = found
        elif abs(nth) <= len(found):
            chosen = (found[nth - 1 if nth > 0 else nth],)
        else:
            chosen = ()
        yield from (first + timedelta(days=offset) for offset in chosen)


def _monthdays(rule: Rule, year: int, month: int, numbers: Iterable[int]) -> Iterator[date]:
    length = _month_length(year, month)
    for number in numbers:
        day = number if number > 0 else length + 1 + number
        if 1 <= day <= length:
            yield date(year, month, day)
        elif day > length and rule.skip == "BACKWARD":
            yield date(year, month, length)
        elif day > length and rule.skip == "FORWARD":
            yield date(year, month, length) + ONE_DAY


def _week_one(year: int, start: int) -> date:
    """The first day of the first week that has four days in a year; ValueError at the calendar's ends."""
    fourth = date(year, 1, 4)
    return fourth - timedelta(days=(fourth.weekday() - start) % 7)


def _week_days(rule: Rule, year: int) -> set[date]:
    first = _week_one(year, rule.week_start)
    after = _week_one(year + 1, rule.week_start) if year < MAXYEAR else date(year, 12, 27)
    count = (after - first).days // 7
    weeks = {number if number > 0 else count + 1 + number for number in rule.weeks}
    return {
        first + timedelta(days=7 * (week - 1) + offset)
        for week in weeks
        if 1 <= week <= count
        for offset in range(7)
    }


def _year_days(rule: Rule, year: int, start: datetime) -> Iterable[date]:
    """The days of a YEARLY rule in one year: each part present narrows or makes the set (note 2)."""
    sets: list[set[date]] = []
    if rule.weeks:
        sets.append(_week_days(rule, year))
    if rule.yeardays:
        length = _year_length(year)
        numbers = {number if number > 0 else length + 1 + number for number in rule.yeardays}
        sets.append({date(year, 1, 1) + timedelta(days=n - 1) for n in numbers if 1 <= n <= length})
    if rule.monthdays:
        months = rule.months or range(1, 13)
        sets.append({day for month in months for day in _monthdays(rule, year, month, rule.monthdays)})
    if sets:
        days = set.intersection(*sets)
        if rule.months:
            days = {day for day in days if day.month in rule.months}
        if rule.days:
            span = _spans(rule, year, None)
            days = {day for day in days if _weekday_fits(rule, day, span)}
        elif rule.weeks and not rule.yeardays and not rule.monthdays:
            days = {day for day in days if day.weekday() == start.weekday()}
        return days
    if rule.days and rule.months:
        return {
            day
            for month in rule.months
            for day in _nth_days(rule.days, date(year, month, 1), _month_length(year, month))
        }
    if rule.days:
        return set(_nth_days(rule.days, date(year, 1, 1), _year_length(year)))
    return {
        day for month in rule.months or (start.month,) for day in _monthdays(rule, year, month, (start.day,))
    }


def _month_days(rule: Rule, year: int, month: int, start: datetime) -> Iterable[date]:
    """The days of a MONTHLY rule in one month (note 1)."""
    if rule.months and month not in rule.months:
        return ()
    if rule.monthdays:
        days: Iterable[date] = set(_monthdays(rule, year, month, rule.monthdays))
        if rule.days:
            span = _spans(rule, year, month)
            days = {day for day in days if _weekday_fits(rule, day, span)}
        return days
    if rule.days:
        return set(_nth_days(rule.days, date(year, month, 1), _month_length(year, month)))
    return set(_monthdays(rule, year, month, (start.day,)))


def _day_allowed(rule: Rule, day: date) -> bool:
    """The parts that limit days in rules of a day or less."""
    if rule.months and day.month not in rule.months:
        return False
    if rule.yeardays:
        number, length = day.timetuple().tm_yday, _year_length(day.year)
        if number not in rule.yeardays and number - length - 1 not in rule.yeardays:
            return False
    if rule.monthdays:
        length = _month_length(day.year, day.month)
        if day.day not in rule.monthdays and day.day - length - 1 not in rule.monthdays:
            return False
    return not rule.days or any(day.weekday() == weekday for _, weekday in rule.days)


def _day_periods(
    rule: Rule, start: datetime, after: datetime | None
) -> Iterator[tuple[date, Iterable[date]]]:
    """(first day, days) of each period of a rule of a day or more, from the one of `after` on."""
    step = rule.interval
    if rule.freq == "YEARLY":
        # a week of a year may begin in the year before
        begin = _first(start.year, (after.year - 1) if after else None, step)
        for year in range(begin, MAXYEAR + 1, step):
            yield (
                date(year, 1, 1) - (7 * ONE_DAY if year > 1 and rule.weeks else timedelta()),
                _year_days(rule, year, start),
            )
    elif rule.freq == "MONTHLY":
        # SKIP=FORWARD may lead into the next month
        begin = start.year * 12 + start.month - 1
        begin = _first(begin, after.year * 12 + after.month - 2 if after else None, step)
        for number in range(begin, (MAXYEAR + 1) * 12, step):
            year, month = divmod(number, 12)
            yield date(year, month + 1, 1), _month_days(rule, year, month + 1, start)
    else:
        weekly = rule.freq == "WEEKLY"
        first = start.date().toordinal()
        if weekly:
            first -= (start.weekday() - rule.week_start) % 7
            step *= 7
        begin = _first(first, after.toordinal() - 7 if after else None, step)
        wanted = {weekday for _, weekday in rule.days} or {start.weekday()}
        for ordinal in range(begin, date.max.toordinal() - 7, step):
            if ordinal < 1:  # a week that began before the calendar
                continue
            day = date.fromordinal(ordinal)
            if not weekly:
                yield day, (day,) if _day_allowed(rule, day) else ()
                continue
            week = (day + timedelta(days=offset) for offset in range(7))
            yield (
                day,
                [
                    one
                    for one in week
                    if one.weekday() in wanted and (not rule.months or one.month in rule.months)
                ],
            )


def _first(begin: int, wanted: int | None, step: int) -> int:
    """The first number of begin, begin + step, ... that is at most one step before wanted, or begin."""
    if wanted is None or wanted <= begin:
        return begin
    return begin + (wanted - begin) // step * step


# --- Times ---------------------------------------------------------------------------------------
def _times(rule: Rule, start: datetime, is_date: bool) -> list[time]:
    """The times of day of a rule of a day or more."""
    if is_date:  # BYHOUR, BYMINUTE and BYSECOND MUST be ignored
        return [time()]
    return [
        time(hour, minute, second)
        for hour in rule.hours or (start.hour,)
        for minute in rule.minutes or (start.minute,)
        for second in rule.seconds or (start.second,)
    ]


def _clock_periods(
    rule: Rule, start: datetime, after: datetime | None, before: datetime | None, budget: Budget
) -> Iterator[list[datetime]]:
    """The sets of a rule of hours, minutes or seconds; spans that a part excludes are passed over."""
    unit = UNITS[rule.freq]
    step = unit * rule.interval
    begin = start.replace(
        second=0 if unit > 1 else start.second, minute=0 if unit > 60 else start.minute, microsecond=0
    )
    base = int((begin - EPOCH).total_seconds())
    at = _first(base, int((after - EPOCH).total_seconds()) - step if after else None, step)
    last = (date.max.toordinal() - 2) * 86_400
    if before is not None:
        last = min(last, int((before - EPOCH).total_seconds()) + 1)

    def aligned(second: int) -> int:
        return base + -((base - second) // step) * step

    while at < last:
        budget.take()
        now = EPOCH + timedelta(seconds=at)
        if not _day_allowed(rule, now.date()):
            at = aligned(at - at % 86_400 + 86_400)
        elif rule.hours and now.hour not in rule.hours:
            at = aligned(at - at % 3600 + 3600)
        elif rule.minutes and unit <= 60 and now.minute not in rule.minutes:
            at = aligned(at - at % 60 + 60)
        elif rule.seconds and unit == 1 and now.second not in rule.seconds:
            at += step
        else:
            at += step
            if unit == 1:
                yield [now]
                continue
            seconds = rule.seconds or (start.second,)
            minutes = (rule.minutes or (start.minute,)) if unit == 3600 else (now.minute,)
            yield [now.replace(minute=minute, second=second) for minute in minutes for second in seconds]


def _chosen(rule: Rule, times: list[datetime]) -> list[datetime]:
    if not rule.positions:
        return times
    picked = {
        position - 1 if position > 0 else len(times) + position
        for position in rule.positions
        if abs(position) <= len(times)
    }
    return [times[index] for index in sorted(picked)]


def occurrences(
    rule: Rule,
    start: datetime,
    *,
    is_date: bool,
    exists: Callable[[datetime], bool],
    budget: Budget,
    after: datetime | None = None,
    before: datetime | None = None,
) -> Iterator[datetime]:
    """The wall-clock starts of a rule, in order; UNTIL is left to the caller, who knows the zone.

    start: DTSTART, always the first. exists: whether a wall-clock time is one; what a rule makes of the
    hour that the clocks leave out is ignored and not counted (3.3.10). after: earlier ones are of no
    interest and may be left out; before: nothing later is.
    """
    yield start
    left = None if rule.count is None else rule.count - 1
    if left == 0:
        return
    if rule.count is not None:
        after = None  # each one has to be counted
    last = start
    for times in _sets(rule, start, is_date, after, before, budget):
        budget.take(1 + len(times))
        kept = times if is_date else [one for one in times if exists(one)]
        for one in _chosen(rule, kept):
            if one <= last:
                continue
            if before is not None and one > before:
                return
            last = one
            yield one
            if left is not None:
                left -= 1
                if left == 0:
                    return


def _sets(
    rule: Rule,
    start: datetime,
    is_date: bool,
    after: datetime | None,
    before: datetime | None,
    budget: Budget,
) -> Iterator[list[datetime]]:
    """The sorted set of each period, gaps of the clock not yet taken out."""
    if rule.freq in UNITS:
        if is_date:  # smaller than the day that DTSTART is
            raise BadValue(rule.freq)
        yield from _clock_periods(rule, start, after, before, budget)
        return
    clock = _times(rule, start, is_date)
    limit = before.date() if before else None
    for first, days in _day_periods(rule, start, after):
        if limit is not None and first > limit:
            return
        chosen = sorted(days)
        budget.take(1 + len(chosen) * len(clock))
        yield [datetime.combine(day, at) for day in chosen for at in clock]
