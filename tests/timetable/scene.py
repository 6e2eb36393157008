"""A forum with slots and mutual interest, and runs that end without waiting for the scheduler."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from forum_app.core.scheduling.reading import write_result
from forum_app.db import db, transaction
from forum_app.demo.greedy import place_greedily
from forum_app.meetings.models import (
    Meeting,
    MeetingRequest,
    MeetingStatus,
    MeetingStretch,
    Priority,
    RequestState,
)
from forum_app.registration.models import Registration
from forum_app.timetable.models import ScheduleRun
from forum_app.timetable.publish_services import publish_run
from forum_app.timetable.services import begin_run, finish_run, start_run
from tests.factories import NOW, save
from tests.meetings.scene import OPENS, SLOT, Scene, make_scene

SLOTS = 6


@dataclass
class Plan:
    """The scene of meetings with six slots of twenty minutes from OPENS on."""

    scene: Scene
    stretch: MeetingStretch

    @property
    def event(self) -> Any:
        return self.scene.event

    @property
    def base(self) -> str:
        return f"{self.scene.path}/manage/timetable"

    def agree(
        self,
        guest: Registration | None = None,
        host: Registration | None = None,
        *,
        priority: Priority = Priority.WANT,
        host_priority: Priority = Priority.WANT,
        **values: Any,
    ) -> MeetingRequest:
        """A request that both sides have agreed to."""
        guest = guest or self.scene.more_guest()
        host = host or self.scene.host
        row = MeetingRequest(
            event_id=self.event.id,
            asker_id=guest.id,
            host_id=host.id,
            topic=values.pop("topic", "Wind sensing"),
            priority=priority,
            host_priority=host_priority,
            state=RequestState.AGREED,
            created_at=NOW,
            answered_at=NOW,
            **values,
        )
        save(row)
        return row

    def start(self, **values: Any) -> ScheduleRun:
        with transaction():
            return start_run(
                actor=self.scene.organizer, event=self.event, now=values.pop("now", NOW), **values
            )

    def solve(
        self, run: ScheduleRun, now: datetime = NOW, change: Callable[[Any], Any] | None = None
    ) -> None:
        """End a waiting run with a greedy schedule, as the worker would; change: of the answer."""
        with transaction():
            task = begin_run(run.id, now=now)
        assert task is not None
        problem = task.instance.problem()
        answer = write_result(problem, place_greedily(problem))
        if change is not None:
            change(answer)
        with transaction():
            assert finish_run(task, answer, now=now)

    def solved(self, **values: Any) -> ScheduleRun:
        run = self.start(**values)
        self.solve(run)
        return db.session.get_one(ScheduleRun, run.id)

    def publish(self, run: ScheduleRun, now: datetime = NOW) -> None:
        with transaction():
            publish_run(
                actor=self.scene.organizer,
                event=self.event,
                run=db.session.get_one(ScheduleRun, run.id),
                now=now,
            )

    def published(self) -> ScheduleRun:
        run = self.solved()
        self.publish(run)
        return run

    def meetings(self) -> list[Meeting]:
        db.session.rollback()
        return list(
            db.session.scalars(
                select(Meeting)
                .where(Meeting.status == MeetingStatus.CONFIRMED)
                .order_by(Meeting.starts_at, Meeting.id)
            )
        )

    def meeting_of(self, request: MeetingRequest) -> Meeting:
        return next(one for one in self.meetings() if one.request_id == request.id)


def make_plan(tables: int = 2) -> Plan:
    scene = make_scene(tables)
    stretch = MeetingStretch(
        event_id=scene.event.id, starts_at=OPENS, ends_at=OPENS + SLOTS * SLOT, slot_minutes=20
    )
    save(stretch)
    return Plan(scene, stretch)


def at(slot: int) -> datetime:
    """The start of a slot."""
    return OPENS + slot * timedelta(minutes=20)
