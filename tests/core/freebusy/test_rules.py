"""Rules against an oracle that only asks of each day, or each hour, whether it fits."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forum_app.core.freebusy.rules import WEEKDAYS, Budget, Exhausted, Rule, occurrences, parse_rule
from forum_app.core.freebusy.values import BadValue

START = st.datetimes(datetime(2023, 1, 1), datetime(2028, 12, 31)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001 (wall clock)

MONDAY = datetime(2027, 3, 1)  # noqa: DTZ001 (wall clock)


def numbers(low: int, high: int, *, signed: bool = False) -> st.SearchStrategy[list[int]]:
    one = st.integers(low, high)
    return st.lists(one | one.map(lambda n: -n) if signed else one, max_size=3, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = {
        "INTERVAL": [draw(st.integers(1, 3))],
        "BYMONTH": draw(numbers(1, 12)),
        "BYHOUR": draw(numbers(0, 23)),
        "BYMINUTE": draw(numbers(0, 59)),
    }
    if freq != "WEEKLY":
        parts["BYMONTHDAY"] = draw(numbers(1, 31, signed=True))
    if freq == "YEARLY":
        parts["BYYEARDAY"] = draw(numbers(1, 366, signed=True))
    text = [f"FREQ={freq}", *(f"{name}={','.join(map(str, ns))}" for name, ns in parts.items() if ns)]
    day = st.sampled_from(WEEKDAYS)
    if freq in ("MONTHLY", "YEARLY"):
        day = st.tuples(st.sampled_from(["", "1", "2", "5", "-1", "-2"]), day).map("".join)
    if days := draw(st.lists(day, max_size=3, unique=True)):
        text.append(f"BYDAY={','.join(days)}")
    text.append(f"WKST={draw(st.sampled_from(WEEKDAYS))}")
    if any(part.startswith("BY") for part in text) and (places := draw(numbers(1, 4, signed=True))):
        text.append(f"BYSETPOS={','.join(map(str, places))}")
    return ";".join(text)


def same_period(rule: Rule, start: datetime, day: date) -> tuple[int, ...] | None:
    """The period a day lies in, if the INTERVAL hits it."""
    if rule.freq == "YEARLY":
        number = day.year - start.year
    elif rule.freq == "MONTHLY":
        number = (day.year - start.year) * 12 + day.month - start.month
    else:
        number = (day - start.date()).days
        if rule.freq == "WEEKLY":
            number = (number + (start.weekday() - rule.week_start) % 7) // 7
    return (number,) if number % rule.interval == 0 else None


def nth_of(day: date, nth: int, yearly: bool) -> bool:
    def alike(other: date) -> bool:
        return other.year == day.year and (yearly or other.month == day.month)

    step, place = timedelta(days=7 if nth > 0 else -7), 1
    while alike(day - step * place):
        place += 1
    return place == abs(nth)


def fits(rule: Rule, start: datetime, day: date) -> bool:
    yearly = rule.freq == "YEARLY" and not rule.months
    month_end = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    year_days = (date(day.year, 12, 31) - date(day.year, 1, 1)).days + 1
    number = (day - date(day.year, 1, 1)).days + 1
    tests = [
        not rule.months or day.month in rule.months,
        not rule.monthdays or bool({day.day, day.day - month_end.day - 1} & {*rule.monthdays}),
        not rule.yeardays or bool({number, number - year_days - 1} & {*rule.yeardays}),
        not rule.days
        or any(day.weekday() == want and (not nth or nth_of(day, nth, yearly)) for nth, want in rule.days),
    ]
    chosen = rule.monthdays or rule.yeardays or rule.days
    if not chosen and rule.freq == "WEEKLY":
        tests.append(day.weekday() == start.weekday())
    if not chosen and rule.freq in ("MONTHLY", "YEARLY"):
        tests.append(day.day == start.day)
        tests.append(rule.freq == "MONTHLY" or bool(rule.months) or day.month == start.month)
    return all(tests)


def oracle(rule: Rule, start: datetime, end: datetime) -> Iterator[datetime]:
    periods: dict[tuple[int, ...], list[datetime]] = {}
    day = date(start.year, 1, 1) - timedelta(days=7)
    while day <= end.date() + timedelta(days=366):
        period = same_period(rule, start, day)
        if period is not None and fits(rule, start, day):
            periods.setdefault(period, []).extend(
                datetime(day.year, day.month, day.day, hour, minute, start.second)  # noqa: DTZ001 (wall clock)
                for hour in rule.hours or (start.hour,)
                for minute in rule.minutes or (start.minute,)
            )
        day += timedelta(days=1)
    for times in periods.values():
        for place, one in enumerate(times):
            if not rule.positions or {place + 1, place - len(times)} & {*rule.positions}:
                yield one


def expand(rule: Rule, start: datetime, end: datetime, after: datetime | None = None) -> list[datetime]:
    return list(
        occurrences(
            rule,
            start,
            is_date=False,
            exists=lambda _: True,
            budget=Budget(10**7),
            after=after,
            before=end,
        )
    )


@settings(max_examples=150)
@given(rules(), START, st.integers(1, 500), st.integers(0, 500))
def test_a_rule_makes_what_fits_it(text: str, start: datetime, days: int, skipped: int) -> None:
    rule, end = parse_rule(text), start + timedelta(days=days)
    expected = sorted({start, *(one for one in oracle(rule, start, end) if start < one <= end)})
    found = expand(rule, start, end)
    assert found == expected
    # beginning late changes nothing of what comes later; COUNT takes the first ones
    after = start + timedelta(days=skipped)
    assert [one for one in expand(rule, start, end, after) if one >= after] == [
        one for one in expected if one >= after
    ]
    counted = parse_rule(f"{text};COUNT=3")
    assert expand(counted, start, end) == expected[:3]


@settings(max_examples=60)
@given(
    st.sampled_from([("HOURLY", 3600), ("MINUTELY", 60), ("SECONDLY", 1)]),
    st.integers(1, 7),
    START,
    numbers(0, 23),
    numbers(0, 59),
    numbers(1, 12),
)
def test_a_rule_of_the_clock_makes_what_fits_it(
    kind: tuple[str, int],
    interval: int,
    start: datetime,
    hours: list[int],
    minutes: list[int],
    months: list[int],
) -> None:
    freq, unit = kind
    parts = {"BYHOUR": hours, "BYMINUTE": minutes if unit < 3600 else [], "BYMONTH": months}
    text = f"FREQ={freq};INTERVAL={interval}" + "".join(
        f";{name}={','.join(map(str, values))}" for name, values in parts.items() if values
    )
    end = start + timedelta(seconds=unit * 400)
    steps = [start + timedelta(seconds=unit * interval * n) for n in range(400 // interval + 1)]
    expected = [
        one
        for one in steps
        if one == start
        or (
            (not hours or one.hour in hours)
            and (not parts["BYMINUTE"] or one.minute in minutes)
            and (not months or one.month in months)
        )
    ]
    assert expand(parse_rule(text), start, end) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=SOMETIMES",
        "FREQ=DAILY;FREQ=DAILY",
        "INTERVAL=2",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=٣",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYMONTH=-1",
        "FREQ=DAILY;BYYEARDAY=1",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYWEEKNO=1",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
        "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=YEARLY;BYSETPOS=1",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=DAILY;UNTIL=tomorrow",
    ],
)
def test_what_the_text_forbids_is_no_rule(text: str) -> None:
    with pytest.raises(BadValue):
        parse_rule(text)


def test_a_rule_that_never_fits_ends() -> None:
    rule = parse_rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2")
    with pytest.raises(Exhausted):
        list(occurrences(rule, MONDAY, is_date=False, exists=lambda _: True, budget=Budget(1000)))
