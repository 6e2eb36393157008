"""The table of golden.py, and what it says whatever the line ends and the encoding."""

import re
from datetime import UTC, datetime

import pytest

from forum_app.core.freebusy.reader import Reading, read_busy
from forum_app.core.intervals import Interval
from tests.core.freebusy.golden import CASES, Case

YEAR = Interval(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
PLAIN = [case for case in CASES if not case.cut]


def calendar(case: Case) -> str:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n{case.text}\nEND:VCALENDAR\n"


def read(data: bytes, zone: str = "Asia/Tokyo", window: Interval = YEAR) -> Reading:
    return read_busy(data, zone=zone, window=window)


def written(reading: Reading) -> str:
    def one(at: datetime) -> str:
        return f"{at:%m%d%H%M:%S}".removesuffix(":00")

    return " ".join(f"{one(span.start)}-{one(span.end)}" for span in reading.busy)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_read_as_the_text_says(case: Case) -> None:
    reading = read(calendar(case).replace("\n", "\r\n").encode(), case.zone)
    assert written(reading) == case.busy, case.section
    assert (reading.sentence is not None) == case.cut


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\r\r\n").encode(),
        lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le"),
        lambda text: ("\n\n  \n" + text.replace("\n", "\r\n\r\n")).encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=[
        "LF",
        "CR",
        "CRCRLF",
        "BOM",
        "UTF-16",
        "UTF-16 big",
        "UTF-16 without a mark",
        "blank lines",
        "no last end",
    ],
)
def test_line_ends_and_encodings_change_nothing(encode: object) -> None:
    assert callable(encode)
    for case in PLAIN:
        # a blank line ends a fold in no text, and U+2028 is no character of this test
        if "\n " not in case.text and "\n\t" not in case.text:
            assert written(read(encode(calendar(case)), case.zone)) == case.busy, case.name


def test_a_fold_may_cut_a_character() -> None:
    text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:会".encode()
    text = text[:-1] + b"\r\n " + text[-1:] + b"\r\nDTSTART:20270310T090000Z\r\nDURATION:PT1H\r\n"
    text += b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    assert written(read(text)) == "03100900-03101000"


def test_no_word_of_a_calendar_is_in_the_answer() -> None:
    text = re.sub("PRODID", "X-SECRET:word\nPRODID", calendar(CASES[0]))
    assert "word" not in repr(read(text.encode()))


def test_our_own_entries_are_no_other_calendar() -> None:
    case = Case("", "", CASES[0].text.replace("UID:1", "UID:meeting-1@Forum.example"), "")
    found = read_busy(calendar(case).encode(), zone="UTC", window=YEAR, without="forum.example")
    assert not found.busy
    assert written(read(calendar(case).encode())) == CASES[0].busy
