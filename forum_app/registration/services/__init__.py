"""Use cases of registration, by topic."""

from forum_app.registration.services.applications import (
    LANGUAGES,
    REFUSALS,
    Consents,
    Details,
    cancel,
    register,
    update_own,
)
from forum_app.registration.services.check_in import check_in, mark_no_shows, undo_check_in
from forum_app.registration.services.decisions import (
    approve_all,
    decide,
    invite,
    move_to_type,
    note_vetting,
    possible_decisions,
)
from forum_app.registration.services.states import change_state, promote_waiting, release_seat, take_seat
from forum_app.registration.services.types import TypeDetails, create_type, delete_type, update_type

__all__ = [
    "LANGUAGES",
    "REFUSALS",
    "Consents",
    "Details",
    "TypeDetails",
    "approve_all",
    "cancel",
    "change_state",
    "check_in",
    "create_type",
    "decide",
    "delete_type",
    "invite",
    "mark_no_shows",
    "move_to_type",
    "note_vetting",
    "possible_decisions",
    "promote_waiting",
    "register",
    "release_seat",
    "take_seat",
    "undo_check_in",
    "update_own",
    "update_type",
]
