import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum_app.core.errors import Invalid
from forum_app.core.frab import (
    MAX_BYTES,
    Link,
    Person,
    Schedule,
    ScheduleItem,
    conference_date,
    conference_day,
    parse_schedule,
    render_json,
    render_xml,
    sort_items,
)

XML = """<?xml version='1.0' encoding='utf-8' ?>
<schedule>
<generator name="frab" version="0.7"/>
<version>1.5 Morgenröte</version>
<conference>
<acronym>tf</acronym><title>Tech &amp; Forum</title>
<start>2026-10-27</start><end>2026-10-28</end><days>2</days>
<timeslot_duration>00:05</timeslot_duration>
<time_zone_name>Europe/Berlin</time_zone_name>
</conference>
<day date='2026-10-27' start='2026-10-27T11:00:00+01:00' end='2026-10-28T04:00:00+01:00' index='1'>
<room name='Saal 1'>
<event guid='g-1' id='1'>
<date>2026-10-27T11:00:00+01:00</date><start>11:00</start><duration>00:30</duration>
<room>Saal 1</room><slug>opening</slug>
<recording><license>cc-by</license><optout>true</optout></recording>
<title>  Opening
 &lt;b&gt;bold&lt;/b&gt; </title><subtitle>開会</subtitle><track>Main</track><type>lecture</type>
<language>en</language><abstract>One
two</abstract><description><![CDATA[<p>x</p>]]></description>
<persons><person id='7'>Ann Lee</person><person id='8'>李安</person></persons>
<links><link href='https://a.example/?a=1&amp;b=2'>Slides</link>
<link href=' java&#10;script:alert(1)'>Evil</link></links>
</event>
</room>
<room name='Saal 2'>
<event guid='g-2' id='2'><start>00:15</start><duration>01:00</duration><title>Night</title></event>
<event guid='g-3' id='3'><start>10:30</start><duration>00:05</duration><title>Early</title></event>
</room>
</day>
<day date='2026-10-28' index='2'>
<room name='Saal 1'>
<event id='4'><start>05:59</start><duration>01:00</duration><title>Late</title></event>
<event id='5'><start>06:00</start><duration>01:00</duration><title>Yoga</title></event>
</room>
</day>
</schedule>
"""

JSON_ITEM = {
    "id": 1, "guid": "g-1", "date": "2027-02-03T09:00:00+09:00", "start": "09:00",
    "duration": "00:45", "room": "A", "title": "基調講演",
    "persons": [{"id": 3, "public_name": "阿部"}, {"name": "Bo"}, "Cy", {"id": 4}],
    "links": [{"url": "http://x.example", "title": "X"}], "do_not_record": False,
}  # fmt: skip


def as_json(*items: object, **conference: object) -> bytes:
    fields: dict[str, object] = {
        "acronym": "f", "title": "F", "start": "2027-02-03", "end": "2027-02-03",
        "time_zone_name": "Asia/Tokyo",
        "days": [{"index": 1, "date": "2027-02-03", "rooms": {"A": list(items)}}],
    }  # fmt: skip
    return json.dumps({"schedule": {"version": "1", "conference": {**fields, **conference}}}).encode()


def test_an_xml_agenda_is_read_with_everything_in_it() -> None:
    schedule = parse_schedule(XML.encode())
    assert (schedule.title, schedule.acronym, schedule.version) == (
        "Tech & Forum", "tf", "1.5 Morgenröte",
    )  # fmt: skip
    assert (schedule.start, schedule.end) == (date(2026, 10, 27), date(2026, 10, 28))
    assert schedule.zone == "Europe/Berlin"
    assert schedule.rooms == ("Saal 1", "Saal 2")
    items = {item.id: item for item in schedule.items}
    assert items["1"] == ScheduleItem(
        guid="g-1",
        id="1",
        starts_at=datetime(2026, 10, 27, 10, tzinfo=UTC),
        duration=timedelta(minutes=30),
        room="Saal 1",
        title="Opening <b>bold</b>",
        subtitle="開会",
        track="Main",
        type="lecture",
        language="en",
        abstract="One\ntwo",
        description="<p>x</p>",
        persons=(Person("7", "Ann Lee"), Person("8", "李安")),
        links=(Link("https://a.example/?a=1&b=2", "Slides"),),
        slug="opening",
        recording_license="cc-by",
        optout=True,
    )


def test_hours_after_midnight_fall_on_the_next_date() -> None:
    items = {item.id: item for item in parse_schedule(XML.encode()).items}
    assert items["2"].starts_at == datetime(2026, 10, 27, 23, 15, tzinfo=UTC)
    assert items["2"].duration == timedelta(hours=1)
    # The day is said to begin at 11:00 and to end at 04:00: 10:30 can only be its own morning.
    assert items["3"].starts_at == datetime(2026, 10, 27, 9, 30, tzinfo=UTC)
    # A day without hours of its own goes from six to six.
    assert items["4"].starts_at == datetime(2026, 10, 29, 4, 59, tzinfo=UTC)
    assert items["5"].starts_at == datetime(2026, 10, 28, 5, 0, tzinfo=UTC)


def test_a_json_agenda_is_read() -> None:
    schedule = parse_schedule(as_json(JSON_ITEM))
    (item,) = schedule.items
    assert item.starts_at == datetime(2027, 2, 3, tzinfo=UTC)
    assert item.ends_at - item.starts_at == timedelta(minutes=45)
    assert item.persons == (Person("3", "阿部"), Person("", "Bo"), Person("", "Cy"))
    assert item.links == (Link("http://x.example", "X"),)
    assert parse_schedule(changed(duration="1:00:00")).items[0].duration == timedelta(days=1)
    assert parse_schedule(b"\xef\xbb\xbf" + as_json(JSON_ITEM), "schedule.json") == schedule
    assert parse_schedule(as_json(JSON_ITEM).decode().encode("utf-16"), "a.json") == schedule
    assert parse_schedule(XML.replace("utf-8", "utf-16").encode("utf-16")).items


@pytest.mark.parametrize(
    ("offset", "zone"),
    [("+01:00", "Etc/GMT-1"), ("-05:00", "Etc/GMT+5"), ("+05:30", "Asia/Kolkata"), ("Z", "UTC")],
)
def test_without_a_zone_the_offset_is_kept(offset: str, zone: str) -> None:
    item = JSON_ITEM | {"date": f"2027-02-03T09:00:00{offset}"}
    schedule = parse_schedule(as_json(item, time_zone_name=None))
    assert schedule.zone == zone
    assert parse_schedule(as_json(item, time_zone_name=""), zone="Asia/Tokyo").zone == "Asia/Tokyo"
    assert parse_schedule(render_xml(schedule)) == schedule


def test_a_repeat_is_taken_a_copy_dropped_and_a_contradiction_refused() -> None:
    again = JSON_ITEM | {"date": "2027-02-03T13:00:00+09:00"}
    other = JSON_ITEM | {"title": "別の題"}
    first, second = parse_schedule(as_json(JSON_ITEM, again)).items
    assert first.guid == "g-1" != second.guid
    assert parse_schedule(as_json(JSON_ITEM, again, JSON_ITEM, again)).items == (first, second)
    for items in ([JSON_ITEM, other], [JSON_ITEM, again, again | {"title": "別の題"}]):
        with pytest.raises(Invalid, match="twice"):
            parse_schedule(as_json(*items))


def test_an_item_without_guid_gets_the_same_one_each_time() -> None:
    data = as_json({**JSON_ITEM, "guid": None})
    assert parse_schedule(data).items[0].guid == parse_schedule(data).items[0].guid != ""


# --- Refusals ------------------------------------------------------------------------------------
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<schedule><version>&b;</version></schedule>"""
EXTERNAL = """<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><schedule>&x;</schedule>"""


def changed(**values: object) -> bytes:
    return as_json(JSON_ITEM | values)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "neither"),
        (b"\x00\x01\x02", "neither"),
        (b"%PDF-1.7", "neither"),
        (BOMB.encode(), "document type"),
        (EXTERNAL.encode(), "document type"),
        (XML[:900].encode(), "line 2"),
        (b"<schedule>" + b"<a>" * 100, "deeply"),
        (b"<html></html>", "not a frab schedule"),
        (b"<schedule></schedule>", "not a frab schedule"),
        (b"<schedule><conference/></schedule>", "no dates"),
        (b'<?xml version="1.0" encoding="klingon"?><schedule/>', ""),
        (b"<schedule>\xff\xfe</schedule>", "line 1"),
        (XML.replace("Europe/Berlin", "Mars/Base").encode(), "time zone"),
        (XML.replace("2026-10-27T11:00:00+01:00</date>", "soon</date>").encode(), "item 1"),
        (XML.replace("<title>Night</title>", "").encode(), "item 2: the title"),
        (XML.replace("00:05</duration>", "5 min</duration>").encode(), "item 3"),
        (XML.replace("date='2026-10-28'", "").encode(), "day 2"),
        (b"[]", "not a frab schedule"),
        (b"{}", "not a frab schedule"),
        (b'{"schedule": {"conference": []}}', "not a frab schedule"),
        (b'{"schedule": ', "line 1"),
        (b"[" * 200_000, "JSON"),
        (b'{"a": NaN}', "JSON"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "JSON"),
        (as_json(JSON_ITEM)[:-30], "cut off"),
        (as_json(days="none"), "list"),
        (as_json(days=[1]), "named values"),
        (as_json(days=[{"date": "2027-02-03", "rooms": []}]), "no"),
        (as_json(days=[{"date": "2027-02-03", "rooms": [1]}]), "named values"),
        (as_json(days=[{"date": "2027-02-03", "rooms": {"A": {}}}]), "list"),
        (as_json(days=[{"date": "2027-02-30", "rooms": {}}]), "day 1"),
        (as_json(1), "named values"),
        (as_json(start="1066-10-14"), "1066"),
        (as_json(timeslot_duration="00:00"), "duration"),
        (as_json(JSON_ITEM | {"date": "2027-02-03T09:00:00"}, time_zone_name=None), "time zone"),
        (as_json(JSON_ITEM | {"id": None, "guid": ""}), "neither"),
        (changed(title=["x"]), "item 1: “title” is not text"),
        (changed(title=True), "not text"),
        (changed(title="x" * 501), "500"),
        (changed(description="x" * 100_001), "100000"),
        (changed(persons={"a": 1}), "list"),
        (changed(persons=[1] * 301), "300"),
        (changed(links=[["x"]]), "not text"),
        (changed(duration="25:00"), "24 hours"),
        (changed(duration="00:00"), "duration"),
        (changed(duration="99:9999:00"), "duration"),
        (changed(duration=-1), "duration"),
        (changed(date="9999-12-31T23:59:59-23:59"), "1990 to 2100"),
        (changed(date="0001-01-01T00:00:00+14:00"), "1990 to 2100"),
        (changed(date="tomorrow"), "item 1"),
        (changed(date="2027-02-03T09:00:00+99:00"), "item 1"),
        (changed(date=None, start="25:00"), "item 1"),
        (changed(date=None, start=None), "item 1"),
        (b" " * (MAX_BYTES + 1), "30 megabytes"),
    ],
)  # fmt: skip
def test_what_is_malformed_or_hostile_is_refused_with_one_sentence(data: bytes, says: str) -> None:
    if says == "no":  # an empty list of rooms is what some writers put for none
        assert parse_schedule(data).items == ()
        return
    with pytest.raises(Invalid) as caught:
        parse_schedule(data)
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_too_many_items_are_refused_soon() -> None:
    body = "<event id='1'/>" * 20_001
    head = "<schedule><conference/><day date='2027-01-01'><room name='A'>"
    with pytest.raises(Invalid, match="20000 items"):
        parse_schedule((head + body).encode())
    with pytest.raises(Invalid, match="20000"):
        parse_schedule(as_json(*[{}] * 20_001))


@pytest.mark.parametrize(
    "data",
    [
        b"<schedule>" + b"<a/>" * 7_000_000,
        b"<schedule>" + b"<a></a>" * 900_000,
        b"[" + b"[]," * 9_000_000,
        b"[" + b"1," * 14_000_000,
    ],
)
def test_millions_of_small_things_are_refused_within_seconds(data: bytes) -> None:
    before = time.process_time()
    with pytest.raises(Invalid):
        parse_schedule(data)
    assert time.process_time() - before < 10


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(JSON_ITEM)), json_values, st.sampled_from(["days", "rooms", "start", "title"]))
def test_any_value_anywhere_is_taken_or_refused_but_never_breaks(key: str, value: object, field: str) -> None:
    for data in (changed(**{key: value}), as_json(JSON_ITEM, **{field: value})):
        with suppress(Invalid):
            schedule = parse_schedule(data)
            assert parse_schedule(render_json(schedule)) == schedule


@given(st.integers(0, len(XML)), st.integers(0, len(XML)), st.binary(max_size=4))
def test_a_damaged_file_is_taken_or_refused_but_never_breaks(a: int, b: int, junk: bytes) -> None:
    data = XML.encode()
    for damaged in (data[:a], data[:a] + junk + data[a:], data[: min(a, b)] + data[max(a, b) :]):
        with suppress(Invalid):
            parse_schedule(damaged)


# --- There and back ------------------------------------------------------------------------------
words = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
        st.sampled_from(list("<>&\"' 日本語;:]]>")),
    ),
    max_size=20,
).map(lambda text: " ".join(text.split()))
named = words.filter(bool)
paragraphs = st.lists(words, max_size=3).map(lambda lines: "\n".join(lines).strip())
addresses = st.sampled_from(["", "https://a.example/?x=1&y=<2>", "http://日本.example/", "/local"])
ROOMS = ["Hall A", "会議室 <2>", "", "Z"]


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    zone = draw(st.sampled_from(["Asia/Tokyo", "America/New_York", "Europe/Berlin", "UTC", "Etc/GMT-1"]))
    base = datetime(2027, 3, 13, tzinfo=UTC)
    items = [
        ScheduleItem(
            guid=f"guid-{number}",
            id=draw(st.sampled_from([str(number), f"x{number}", f"00{number}"])),
            starts_at=base + timedelta(minutes=draw(st.integers(0, 4 * 1440))),
            duration=timedelta(minutes=draw(st.integers(1, 1440))),
            room=draw(st.sampled_from(ROOMS)),
            title=draw(named),
            subtitle=draw(words),
            track=draw(words),
            type=draw(words),
            language=draw(st.sampled_from(["", "ja", "en"])),
            abstract=draw(paragraphs),
            description=draw(paragraphs),
            persons=tuple(Person(str(n), draw(named)) for n in range(draw(st.integers(0, 2)))),
            links=tuple(
                Link(href, draw(words)) for href in draw(st.lists(addresses.filter(bool), max_size=2))
            ),
            slug=draw(words),
            recording_license=draw(words),
            optout=draw(st.booleans()),
            url=draw(addresses),
            logo=draw(addresses),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    dates = {conference_date(item.starts_at, zone) for item in items} | {date(2027, 3, 14)}
    rooms = draw(st.permutations([room for room in ROOMS if room]))
    acronym = draw(words)
    return Schedule(
        title=draw(named),
        acronym=acronym,
        version=draw(words),
        start=min(dates),
        end=max(dates),
        zone=zone,
        items=sort_items(items, rooms),
        rooms=tuple(rooms),
        days=tuple(conference_day(day, zone) for day in sorted(dates)),
        timeslot_minutes=draw(st.sampled_from([5, 10, 15])),
        base_url=draw(addresses),
    )


@pytest.mark.parametrize("render", [render_xml, render_json])
@given(schedule=schedules())
def test_what_is_written_reads_back_equal(render: Callable[[Schedule], bytes], schedule: Schedule) -> None:
    data = render(schedule)
    assert data == render(schedule)
    assert parse_schedule(data) == schedule


def test_the_sample_survives_both_formats() -> None:
    schedule = parse_schedule(XML.encode())
    assert parse_schedule(render_xml(schedule)) == schedule
    assert parse_schedule(render_json(schedule)) == schedule
    assert parse_schedule(render_json(parse_schedule(render_xml(schedule)))) == schedule


def test_items_stand_under_the_conference_day_and_days_are_made_when_none_are_given() -> None:
    schedule = replace(parse_schedule(XML.encode()), days=())
    document = json.loads(render_json(schedule))["schedule"]["conference"]
    titles = {
        day["date"]: [item["title"] for room in day["rooms"].values() for item in room]
        for day in document["days"]
    }
    assert titles == {
        "2026-10-27": ["Opening <b>bold</b>", "Early", "Night"],
        "2026-10-28": ["Yoga", "Late"],
    }
    root = fromstring(render_xml(schedule))  # noqa: S314 (our own bytes)
    assert [day.get("index") for day in root.iter("day")] == ["1", "2"]


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    schedule = parse_schedule(changed(title="a\x00b\x0bc\ufffed", abstract="x\r\ny\x1b"))
    assert (schedule.items[0].title, schedule.items[0].abstract) == ("abcd", "x\ny")
    hostile = replace(schedule, items=(replace(schedule.items[0], title="a\x00\ud800b"),), title="\x01t")
    assert parse_schedule(render_xml(hostile)).items[0].title == "ab"
    assert parse_schedule(render_json(hostile)).title == "t"


def test_a_closing_section_mark_and_quotes_are_escaped() -> None:
    schedule = parse_schedule(changed(title=']]> <script>alert("1")</script> & \'', room="A"))
    assert b"<script>" not in render_xml(schedule)
    assert parse_schedule(render_xml(schedule)) == schedule


def test_what_the_published_schemas_require_is_there_even_for_a_bare_item() -> None:
    bare = {key: JSON_ITEM[key] for key in ("id", "guid", "date", "duration", "title")}
    schedule = parse_schedule(as_json(bare))
    root = fromstring(render_xml(schedule))  # noqa: S314 (our own bytes)
    assert [child.tag for child in root] == ["generator", "version", "conference", "day"]
    event = root.find("day/room/event")
    assert event is not None
    assert {child.tag for child in event} == {
        "room",
        "title",
        "subtitle",
        "type",
        "date",
        "start",
        "duration",
        "abstract",
        "slug",
        "track",
        "persons",
        "language",
        "description",
        "recording",
        "links",
    }
    conference = json.loads(render_json(schedule))["schedule"]["conference"]
    assert {"title", "acronym", "days", "daysCount", "start", "end", "timeslot_duration"} <= set(conference)
    assert set(conference["days"][0]) == {"index", "date", "day_start", "day_end", "rooms"}
    assert set(conference["days"][0]["rooms"]["A"][0]) >= {
        "abstract",
        "date",
        "duration",
        "guid",
        "id",
        "language",
        "links",
        "persons",
        "room",
        "slug",
        "start",
        "subtitle",
        "title",
        "track",
        "type",
        "url",
    }
    assert set(conference["rooms"][0]) == {"guid", "name"}
