"""What the agenda's tests share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from forum_app.agenda.models import AgendaItem, AgendaVersion, ItemSpeaker, Speaker
from forum_app.agenda.publication import publish_agenda
from forum_app.db import transaction
from forum_app.events.models import Event
from tests.factories import NOW, save

DAY = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)  # 09:00 in Tokyo


def at(hours: float, day: int = 0) -> datetime:
    """An instant by the clock in Tokyo on the first day of the factories' event."""
    return DAY + timedelta(days=day, hours=hours - 9)


def publish(event: Event, now: datetime = NOW, **values: Any) -> AgendaVersion | None:
    with transaction():
        return publish_agenda(actor=None, event=event, now=now, **values)


def edit(row: Any, **values: Any) -> None:
    """Change a row in a transaction of its own."""
    with transaction():
        for name, value in values.items():
            setattr(row, name, value)


def let_speak(item: AgendaItem, *speakers: Speaker) -> None:
    save(
        *(
            ItemSpeaker(item_id=item.id, speaker_id=speaker.id, position=position)
            for position, speaker in enumerate(speakers)
        )
    )


def item_form(**values: Any) -> dict[str, Any]:
    """What a browser sends for an item."""
    form: dict[str, Any] = {
        "kind": "talk",
        "title_en": "A talk",
        "title_ja": "講演",
        "language": "en",
        "starts_at": "2026-11-30T10:00",
        "minutes": "60",
        "room_id": "",
        "track_id": "",
        "parent_id": "",
        "access": "public",
        "state": "confirmed",
        "new_role": "speaker",
    }
    form.update(values)
    return form
