"""Reading registrations."""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from forum_app.db import db
from forum_app.events.models import Event
from forum_app.registration.models import ACTIVE, Registration


def find_registration(user: Any, event: Event) -> Registration | None:
    """The active registration of user at event (with type and organization), by login or address."""
    if not user.is_authenticated:
        return None
    who = Registration.user_id == user.id
    if user.verified_at is not None:
        # an invitation knows only an address until its owner takes it
        who = or_(who, Registration.email_key == user.email_key)
    return db.session.scalar(
        select(Registration)
        .where(Registration.event_id == event.id, Registration.state.in_(ACTIVE), who)
        .options(joinedload(Registration.type), joinedload(Registration.organization))
        .order_by(Registration.id.desc())
        .limit(1)
    )
