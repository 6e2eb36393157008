"""Organizers: the day at the tables, and moving a meeting."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from forum_app.core.errors import Conflict
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.services import get_event
from forum_app.meetings import blueprint
from forum_app.meetings.booking_services import move_meeting
from forum_app.meetings.forms import MoveForm, instant_of
from forum_app.meetings.models import (
    Meeting,
    MeetingStatus,
    MeetingTable,
)
from forum_app.meetings.pages import slot_label, table_label
from forum_app.meetings.queries import (
    count_meetings,
    count_requests,
    get_meeting,
    list_meetings_at,
    list_tables,
)
from forum_app.meetings.remarks import remarks_on
from forum_app.meetings.slot_queries import FreeSlot
from forum_app.web import clock
from forum_app.web.access import authorize, signed_in
from forum_app.web.errors import sentence
from forum_app.web.formats import format_date
from forum_app.web.languages import language
from forum_app.web.navigation import manage_navigation
from forum_app.web.submission import submission
from forum_app.web.texts import gettext

COLUMNS = 4  # tables side by side; more make cells too narrow for names

manage_navigation.add("meetings.manage_index", N_("Meetings"), order=60, visible=can_manage_event)


def managed_event(slug: str) -> Event:
    """The event, for its organizers only."""
    event = get_event(slug, current_user)
    authorize(can_manage_event(current_user, event))
    return event


def _days(event: Event) -> list[date]:
    return [event.starts_on + timedelta(days=n) for n in range((event.ends_on - event.starts_on).days + 1)]


def _chosen_day(event: Event, days: Sequence[date]) -> date:
    """?day=, else today if the event is on, else its first day."""
    typed = request.args.get("day", "")
    today = clock.now().astimezone(ZoneInfo(event.timezone)).date()
    return next((day for day in days if day.isoformat() == typed), today if today in days else days[0])


def _matrix(
    tables: Sequence[MeetingTable], meetings: Sequence[Meeting]
) -> list[tuple[datetime, dict[int, Meeting]]]:
    """Rows of (start, {table id: meeting that starts or goes on then}), one row per start."""
    rows = []
    for start in sorted({meeting.starts_at for meeting in meetings}):
        at = {m.table_id: m for m in meetings if m.table_id and m.starts_at <= start < m.ends_at}
        rows.append((start, at))
    return rows


@blueprint.get("/events/<slug>/manage/meetings")
@signed_in
def manage_index(slug: str) -> str:
    """The day at the tables."""
    event = managed_event(slug)
    days = _days(event)
    day = _chosen_day(event, days)
    zone = ZoneInfo(event.timezone)
    opens = datetime.combine(day, time(), zone).astimezone(UTC)
    closes = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    tables = list_tables(event.id)
    confirmed = list_meetings_at(
        event.id, starts_from=opens, starts_before=closes, statuses=[MeetingStatus.CONFIRMED]
    )
    return render_template(
        "meetings/manage/index.html",
        event=event,
        day=day,
        days=[
            (
                format_date(one, language()),
                url_for("meetings.manage_index", slug=slug, day=one.isoformat()),
                one == day,
            )
            for one in days
        ],
        tables=tables,
        columns=COLUMNS,
        meetings=confirmed,
        matrix=_matrix(tables, confirmed),
        requests=count_requests(event.id),
        counts=count_meetings(event.id),
    )


@blueprint.route("/events/<slug>/manage/meetings/<int:meeting_id>/move", methods=["GET", "POST"])
@signed_in
def move(slug: str, meeting_id: int) -> Response | tuple[str, int]:
    """Move a meeting; a lost race answers 409 with free times."""
    event = managed_event(slug)
    meeting = get_meeting(event.id, meeting_id)
    form = MoveForm(data={"starts_at": meeting.starts_at, "table_id": str(meeting.table_id or "")})
    form.starts_at.zone = event.timezone
    form.table_id.choices = [("", gettext("The first free one"))] + [
        (str(table.id), table_label(table)) for table in list_tables(event.id)
    ]
    conflict = None
    if form.validate_on_submit():
        try:
            with form.catching():
                with submission() as done:
                    move_meeting(
                        actor=current_user,
                        meeting=meeting,
                        starts_at=instant_of(form.starts_at),
                        table_id=form.table_id.data,
                        now=clock.now(),
                    )
                    done.redirect(
                        url_for("meetings.manage_index", slug=slug, day=_local_day(event, meeting)),
                        flash=gettext("The meeting was moved. Both people are told."),
                    )
                return done.response
        except Conflict as lost:
            conflict = lost
        meeting = get_meeting(event.id, meeting_id)
    free = [slot for slot in conflict.alternatives if isinstance(slot, FreeSlot)] if conflict else []
    page = render_template(
        "meetings/manage/move.html",
        event=event,
        meeting=meeting,
        remarks=remarks_on([meeting.id]).get(meeting.id, []),
        form=form,
        problem=sentence(conflict) if conflict else None,
        free=[slot_label(slot.start, slot.end, event) for slot in free],
    )
    return page, 409 if conflict else form.status


def _local_day(event: Event, meeting: Meeting) -> str:
    return meeting.starts_at.astimezone(ZoneInfo(event.timezone)).date().isoformat()
