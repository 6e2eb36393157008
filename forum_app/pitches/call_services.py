"""The call of an event and the criteria by which reviewers score."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.events.queries import Tile, dashboard_tiles
from forum_app.organizations.models import TechnologyArea
from forum_app.organizations.queries import list_areas
from forum_app.pitches.models import Criterion, PitchCall, SubmissionState
from forum_app.pitches.permissions import REVIEWABLE, can_manage_pitches, is_reviewer
from forum_app.pitches.queries import (
    best_given,
    count_states,
    find_call,
    review_progress,
    scored_criteria,
)

S = SubmissionState
SOMEBODY_CHANGED = N_(
    "Another organizer has changed this in the meantime. What you typed is still below; saving again"
    " replaces their version."
)
# What a new call begins with; organizers change it as they like.
FIRST_CRITERIA = (
    ("Answers a need of defence or dual use", "防衛・デュアルユースの需要への適合", 3),
    ("Readiness of the technology", "技術の成熟度", 2),
    ("Team and plan", "体制と計画", 1),
)
MOST_CRITERIA = 12


@dataclass(frozen=True, slots=True)
class CallValues:
    """What an organizer sets. opens_at, closes_at: aware instants."""

    opens_at: datetime
    closes_at: datetime
    text_en: str = ""
    text_ja: str = ""
    minutes: int = 10
    area_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CriterionValues:
    """weight and best_score: 1..10."""

    name_en: str = ""
    name_ja: str = ""
    weight: int = 1
    best_score: int = 5


def save_call(
    *, actor: User, event: Event, values: CallValues, version: int | None, now: datetime
) -> PitchCall:
    """Open a call or change it. version: as the page showed it; None for a new one."""
    _may_manage(actor, event)
    if values.closes_at <= values.opens_at:
        raise Invalid(N_("The call must close after it opens."), field="closes_at")
    if not 1 <= values.minutes <= 120:
        raise Invalid(N_("A pitch takes 1 to 120 minutes."), field="minutes")
    areas = _areas(values.area_ids)
    call = find_call(event.id)
    if (call.version if call is not None else None) != version:
        raise Conflict(SOMEBODY_CHANGED)
    is_new = call is None
    if call is None:
        call = PitchCall(
            event_id=event.id,
            criteria=[
                Criterion(name_en=en, name_ja=ja, weight=weight, best_score=5, position=position)
                for position, (en, ja, weight) in enumerate(FIRST_CRITERIA)
            ],
        )
        db.session.add(call)
    for name in ("text_en", "text_ja", "opens_at", "closes_at", "minutes"):
        setattr(call, name, getattr(values, name))
    call.areas = areas
    flag_modified(call, "text_en")  # areas are another table: let every save raise the version
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_pitches_call_event_id"):
            raise Conflict(SOMEBODY_CHANGED) from error
        raise
    action = "pitch.call_opened" if is_new else "pitch.call_changed"
    record(actor=actor, action=action, subject=call, event_id=event.id, now=now)
    return call


def add_criterion(
    *, actor: User, event: Event, call: PitchCall, values: CriterionValues, now: datetime
) -> Criterion:
    """One more criterion; votes given before count by the criteria that they scored."""
    _may_manage(actor, event)
    _check_criterion(values)
    if len(call.criteria) >= MOST_CRITERIA:
        raise Invalid(N_("At most %(count)s criteria; reviewers have to read them all."), count=MOST_CRITERIA)
    position = max((one.position for one in call.criteria), default=-1) + 1
    criterion = Criterion(position=position)
    _write_criterion(criterion, values)
    call.criteria.append(criterion)
    db.session.flush()
    _record_criterion(actor, event, call, "pitch.criterion_added", criterion, now)
    return criterion


def update_criterion(
    *,
    actor: User,
    event: Event,
    call: PitchCall,
    criterion: Criterion,
    values: CriterionValues,
    now: datetime,
) -> Criterion:
    """Change name, weight and scale; scores that were given keep their meaning, so the scale stays
    once there are some."""
    _may_manage(actor, event)
    _check_criterion(values)
    if values.best_score != criterion.best_score and best_given(criterion.id) is not None:
        raise Invalid(
            N_("Reviewers have scored by this criterion already; its scale can no longer change."),
            field="best_score",
        )
    _write_criterion(criterion, values)
    db.session.flush()
    _record_criterion(actor, event, call, "pitch.criterion_changed", criterion, now)
    return criterion


def remove_criterion(
    *, actor: User, event: Event, call: PitchCall, criterion: Criterion, now: datetime
) -> None:
    """Remove a criterion by which nobody has scored."""
    _may_manage(actor, event)
    if criterion.id in scored_criteria(call.id):
        raise Conflict(N_("Reviewers have scored by this criterion already; it can no longer be removed."))
    _record_criterion(actor, event, call, "pitch.criterion_removed", criterion, now)
    call.criteria.remove(criterion)
    db.session.flush()


def _may_manage(actor: User, event: Event) -> None:
    if not can_manage_pitches(actor, event):
        raise PermissionDenied(N_("You are not allowed to do this."))


def _areas(area_ids: tuple[int, ...]) -> list[TechnologyArea]:
    areas = [area for area in list_areas() if area.id in area_ids]
    if len(areas) != len(set(area_ids)):
        raise Invalid(N_("Please choose from the technology areas."), field="area_ids")
    return areas


def _check_criterion(values: CriterionValues) -> None:
    if not values.name_en and not values.name_ja:
        raise Invalid(N_("A name in at least one language is needed."), field="name_en")
    for name in ("weight", "best_score"):
        if not 1 <= getattr(values, name) <= 10:
            raise Invalid(N_("Please give a number from 1 to 10."), field=name)


def _write_criterion(criterion: Criterion, values: CriterionValues) -> None:
    for name in ("name_en", "name_ja", "weight", "best_score"):
        setattr(criterion, name, getattr(values, name))


def _record_criterion(
    actor: User, event: Event, call: PitchCall, action: str, criterion: Criterion, now: datetime
) -> None:
    record(
        actor=actor,
        action=action,
        subject=call,
        event_id=event.id,
        now=now,
        detail={
            "criterion": criterion.id,
            "name": criterion.name_en or criterion.name_ja,
            "weight": criterion.weight,
            "best_score": criterion.best_score,
        },
    )


def pitch_tiles(user: Any, event: Event, now: datetime) -> Iterable[Tile]:
    """What waits for reviewers and organizers on the dashboard; at most five statements."""
    if not is_reviewer(user, event):
        return
    call = find_call(event.id)
    if call is None:
        return
    done, total = review_progress(call.id, user.id, REVIEWABLE)
    yield Tile(
        N_("Pitches for you to review"),
        total - done,
        "pitches.review_index",
        hint=N_("%(done)s of %(total)s reviewed"),
        params={"done": done, "total": total},
        values={"review": "open"},
        waiting=True,
        order=31,
    )
    if not can_manage_pitches(user, event):
        return
    states = count_states(call.id)
    closed = now >= call.closes_at
    yield Tile(
        N_("Pitches to decide"),
        states.get(S.SUBMITTED, 0),
        "pitches.manage_index",
        hint=N_("The call is closed.") if closed else N_("The call is still open."),
        values={"state": S.SUBMITTED.value},
        waiting=closed,
        order=30,
    )
    yield Tile(
        N_("Accepted pitches"),
        states.get(S.ACCEPTED, 0),
        "pitches.manage_index",
        values={"state": S.ACCEPTED.value},
        order=32,
    )


dashboard_tiles.append(pitch_tiles)
