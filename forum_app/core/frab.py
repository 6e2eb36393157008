"""An agenda in the conference world's exchange format: schedule.xml and schedule.json.

Made by frab, pretalx and the C3VOC, read by companion apps and recording crews. parse_schedule()
takes either form, render_xml() and render_json() write them; what is written reads back equal.
Texts may hold HTML or anything else: they are text, escaped where they are shown.
"""

from forum_app.core.frab_model import (
    DAY_BREAK,
    ConferenceDay,
    Link,
    Person,
    Schedule,
    ScheduleItem,
    conference_date,
    conference_day,
    sort_items,
)
from forum_app.core.frab_parsing import parse_schedule
from forum_app.core.frab_reading import MAX_BYTES, MAX_ITEMS
from forum_app.core.frab_writing import render_json, render_xml

__all__ = [
    "DAY_BREAK",
    "MAX_BYTES",
    "MAX_ITEMS",
    "ConferenceDay",
    "Link",
    "Person",
    "Schedule",
    "ScheduleItem",
    "conference_date",
    "conference_day",
    "parse_schedule",
    "render_json",
    "render_xml",
    "sort_items",
]
