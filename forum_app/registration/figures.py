"""What operators may count of registrations: all events together, by state, nobody by name."""

from sqlalchemy import func, select

from forum_app.db import db
from forum_app.registration.models import Registration, RegistrationState
from forum_app.web.figures import figures


def count_by_state() -> dict[str, int]:
    """Registrations of all events by state."""
    rows = db.session.execute(select(Registration.state, func.count()).group_by(Registration.state))
    return dict.fromkeys((state.value for state in RegistrationState), 0) | {
        state.value: number for state, number in rows
    }


figures.add(
    "forum_registrations", "Registrations of all events by state.", label="state", read=count_by_state
)
