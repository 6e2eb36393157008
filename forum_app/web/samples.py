"""Made-up rows and a form for the style page, so that every component can be seen with plausible content."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace as Sample

from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import Email, InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from forum_app.web.forms import BaseForm
from forum_app.web.tables import Page, TableState

AREAS = (
    "Robotics",
    "Artificial intelligence",
    "Quantum computing",
    "Space",
    "Biotechnology",
    "Unmanned aircraft",
    "Satellites",
    "Materials",
)
PEOPLE = (
    ("Haruka Sakamoto", "坂本 遥", "さかもと はるか", "Approved", "success"),
    ("James Whitfield", "", "", "In vetting", "warning"),
    ("Ken Mori", "森 健", "もり けん", "Declined", "danger"),
    ("", "藤原 美咲", "ふじわら みさき", "Waitlisted", "info"),
    ("Dr. Alexandra Montgomery-Featherstonehaugh", "", "", "Cancelled", "closed"),
)
ORGANIZATIONS = (
    ("Hayabusa Sensing Inc.", "株式会社ハヤブサセンシング"),
    ("Defense Innovation Unit", "国防イノベーションユニット"),
    ("Aozora Fusion K.K.", "青空フュージョン株式会社"),
    ("", "防衛装備庁"),
    ("Northern Pacific Advanced Materials Research Corporation", ""),
)
# room (0: all), start and length in minutes from 09:00, titles, state, clash, track, colour, access,
# speaker
ITEMS = (
    (0, 0, 30, "Doors open, visitor screening", "開場・入館手続き", "past", "", "", 0, "", ""),
    (
        1,
        30,
        45,
        "Keynote: two ecosystems, one supply chain",
        "基調講演：二つのエコシステム、一つの供給網",
        "now",
        "",
        "Policy",
        1,
        "Public",
        "Haruka Sakamoto",
    ),
    (
        2,
        45,
        45,
        "Pitch block: advanced sensing",
        "ピッチ：先端センシング",
        "next",
        "",
        "Pitches",
        2,
        "Registered",
        "",
    ),
    (
        3,
        60,
        30,
        "Ship co-sustainment working group",
        "艦船共同維持整備 作業部会",
        "",
        "",
        "DICAS",
        5,
        "Government",
        "",
    ),
    (
        4,
        75,
        15,
        "FCT in fifteen minutes",
        "15分でわかるFCT",
        "",
        "Ken Mori speaks in Hall B at the same time.",
        "Pathways",
        3,
        "Registered",
        "Ken Mori",
    ),
    (
        1,
        90,
        60,
        "Panel: from prototype to contract",
        "パネル：試作から契約まで",
        "",
        "",
        "Pathways",
        3,
        "Public",
        "藤原 美咲",
    ),
    (2, 100, 30, "Demonstration in orbit", "軌道上実証の実演", "cancelled", "", "Space", 8, "Public", ""),
)
ROOMS = ("Hall A", "Hall B", "Room 201", "Room 202")


class SampleForm(BaseForm):
    """One field of every kind."""

    email = EmailField(
        "Mail address",
        [InputRequired(), Email()],
        description="We send a link to it.",
        render_kw={"autocomplete": "email"},
    )
    title_en = StringField("Title in English", [InputRequired()])
    title_ja = StringField("Title in Japanese")
    day = DateField("Day")
    at = TimeField("Time")
    seats = IntegerField("Seats")
    kind = SelectField("Kind", choices=[("keynote", "Keynote"), ("panel", "Panel")])
    access = RadioField(
        "Access level",
        [InputRequired()],
        choices=[("public", "Public"), ("registered", "Registered"), ("cleared", "Cleared")],
    )
    areas = SelectMultipleField(
        "Technology areas",
        choices=[(area, area) for area in AREAS],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    text = TextAreaField("Description", description="Up to 5,000 characters.")
    deck = FileField("Deck (PDF)")
    code = StringField("Ticket code")
    password = PasswordField("Password", render_kw={"autocomplete": "current-password"})
    consent = BooleanField("I agree to the antitrust statement", [InputRequired()])


def at(minutes: int) -> datetime:
    """UTC instant so many minutes after 09:00 in Tokyo on the sample day."""
    return datetime(2026, 11, 12, tzinfo=UTC) + timedelta(minutes=minutes)


def samples() -> Sample:
    """Everything that the style page shows; reads sort, search and page from the request."""
    event = Sample(
        slug="sample",
        title_en="36th U.S.-Japan Technology Forum",
        title_ja="第36回 日米技術フォーラム",
        summary_en="Start-ups, agencies and investors of both countries meet for two days.",
        summary_ja="日米のスタートアップ、政府機関、投資家が二日間にわたり一堂に会します。",
        venue_en="Toranomon Forum Hall, Tokyo",
        venue_ja="虎ノ門フォーラムホール（東京）",
        timezone="Asia/Tokyo",
        second_timezone="America/New_York",
        starts_on=date(2026, 11, 12),
        ends_on=date(2026, 11, 13),
        created_at=at(0),
        is_published=True,
    )
    rows = [
        Sample(
            person=Sample(name_latin=latin, name_native=native, name_kana=kana),
            org=Sample(name_en=english, name_ja=japanese),
            at=at(15 + 180 * index),
            n=3 * index,
            status=status,
            tone=tone,
        )
        for index, ((latin, native, kana, status, tone), (english, japanese)) in enumerate(
            zip(PEOPLE, ORGANIZATIONS, strict=True)
        )
    ]
    state = TableState.from_request(sorts=["name", "org"], filters={"status": ["applied", "approved"]})
    cells = [
        Sample(
            column=column,
            slot=start // 5,
            span=length // 5,
            item=Sample(title_en=english, title_ja=japanese, starts_at=at(start), ends_at=at(start + length)),
            state=state_ or None,
            clash=clash or None,
            room=ROOMS[column - 1] if column else None,
            track=track or None,
            track_class=f"track-{color}" if color else None,
            access=access.lower(),
            access_label=access or None,
            speakers=[speaker] if speaker else None,
        )
        for column, start, length, english, japanese, state_, clash, track, color, access, speaker in ITEMS
    ]
    return Sample(
        event=event,
        form=SampleForm(),
        page=Page(rows, 214, state),
        cells=cells,
        start=at(240),
        end=at(285),
        late=at(870),
        late_end=at(960),
    )
