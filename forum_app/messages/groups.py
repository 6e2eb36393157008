"""The group of people to whom a message goes: filters, and the condition they make."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, not_, or_, select

from forum_app.accounts.models import User
from forum_app.agenda.models import AgendaItem, ItemSpeaker, ItemStatus, Speaker
from forum_app.core.text import N_
from forum_app.mail.lists import optional_lists
from forum_app.mail.models import MailPreference
from forum_app.meetings.models import (
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingStatus,
    RequestState,
)
from forum_app.organizations.models import Kind, Organization
from forum_app.pitches.models import PitchCall, PitchSubmission, SubmissionState
from forum_app.registration.models import ENDED, Registration, RegistrationState

FROM_ORGANIZERS = optional_lists.add("organizers", N_("Messages of organizers that I can do without"))
TRAITS = {
    "pitch": N_("Their organization has a pitch"),
    "pitch_accepted": N_("Their organization’s pitch is selected"),
    "meetings": N_("They have a confirmed meeting"),
    "unanswered": N_("They have not answered a meeting request"),
    "speaker": N_("They speak or moderate"),
}
LIVE_PITCHES = (SubmissionState.SUBMITTED, SubmissionState.ACCEPTED, SubmissionState.RESERVE)


@dataclass(frozen=True, slots=True)
class Group:
    """Each filter narrows; of several values of one filter any will do, of traits all must hold.

    Speakers without a registration belong to a group of speakers, unless it also asks for what only a
    registration has.

    types: ids of participant types. states: values of RegistrationState; none means all but cancelled and
    declined. kinds: of organization. country: "JP", "US", "other" or "". language: of their mails, or "".
    """

    types: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    country: str = ""
    language: str = ""
    traits: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What is kept with a message."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @property
    def takes_any_speaker(self) -> bool:
        """Whether speakers without a registration may belong to it."""
        return self.traits == ("speaker",) and not self.types and not self.states

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Group":
        """From what was kept."""
        kept = value or {}
        return cls(
            types=tuple(int(one) for one in kept.get("types", ())),
            states=tuple(one for one in kept.get("states", ()) if one in set(RegistrationState)),
            kinds=tuple(one for one in kept.get("kinds", ()) if one in set(Kind)),
            country=str(kept.get("country", "")),
            language=str(kept.get("language", "")),
            traits=tuple(one for one in kept.get("traits", ()) if one in TRAITS),
        )


# The language of a person's mails, as registration/services/states.send() has it.
LANGUAGE = func.coalesce(User.locale, Registration.language)


def people_of(event_id: int, group: Group, *, optional: bool = False) -> Select[Any]:
    """Select of the registrations of an event that belong to group; User and Organization are joined.

    optional: without those who have left such messages.
    """
    conditions: list[ColumnElement[bool]] = [Registration.event_id == event_id]
    if group.states:
        conditions.append(Registration.state.in_([RegistrationState(one) for one in group.states]))
    else:
        conditions.append(Registration.state.not_in(sorted(ENDED)))
    if group.types:
        conditions.append(Registration.type_id.in_(group.types))
    conditions.extend(_of_any_person(group, LANGUAGE))
    conditions.extend(_trait(event_id, name) for name in group.traits)
    if optional:
        conditions.append(not_(_has_left(Registration.email_key)))
    return (
        select(Registration)
        .outerjoin(User, User.id == Registration.user_id)
        .outerjoin(Organization, Organization.id == Registration.organization_id)
        .where(*conditions)
    )


def speakers_of(event_id: int, group: Group, *, optional: bool = False) -> Select[Any]:
    """Select of the speakers who belong to group besides people_of(): those with an account only.

    User and Organization are joined. Nobody, unless the group takes any speaker.
    """
    # who is registered is judged by that, also where the list of speakers says otherwise
    everybody = people_of(event_id, Group(traits=("speaker",)))
    registered = everybody.with_only_columns(Registration.email_key)
    conditions: list[ColumnElement[bool]] = [
        Speaker.event_id == event_id,
        User.disabled_at.is_(None),
        User.email_key.not_in(registered),
        _speaks(event_id),
        *_of_any_person(group, User.locale),
    ]
    if not group.takes_any_speaker:
        conditions.append(false())
    if optional:
        conditions.append(not_(_has_left(User.email_key)))
    return (
        select(Speaker)
        .join(User, User.id == Speaker.user_id)
        .outerjoin(Organization, Organization.id == Speaker.organization_id)
        .where(*conditions)
    )


def _of_any_person(group: Group, language: Any) -> Iterator[ColumnElement[bool]]:
    """The filters that need no registration. language: of the person's mails."""
    if group.kinds:
        yield Organization.kind.in_([Kind(one) for one in group.kinds])
    if group.country == "other":
        yield Organization.country.not_in(("JP", "US"))
    elif group.country:
        yield Organization.country == group.country
    if group.language:
        is_japanese = language == "ja"
        yield is_japanese if group.language == "ja" else not_(is_japanese)


def _speaks(event_id: int) -> ColumnElement[bool]:
    """Whether a Speaker has an item that takes place."""
    return (
        select(ItemSpeaker.item_id)
        .join(AgendaItem, and_(AgendaItem.id == ItemSpeaker.item_id, AgendaItem.event_id == event_id))
        .where(ItemSpeaker.speaker_id == Speaker.id, AgendaItem.status != ItemStatus.CANCELLED)
        .exists()
    )


def _trait(event_id: int, name: str) -> ColumnElement[bool]:
    if name in ("pitch", "pitch_accepted"):
        states = LIVE_PITCHES if name == "pitch" else (SubmissionState.ACCEPTED,)
        own = or_(
            PitchSubmission.organization_id == Registration.organization_id,
            PitchSubmission.submitter_id == Registration.user_id,
        )
        return (
            select(PitchSubmission.id)
            .join(PitchCall, PitchCall.id == PitchSubmission.call_id)
            .where(PitchCall.event_id == event_id, PitchSubmission.state.in_(states), own)
            .exists()
        )
    if name == "meetings":
        return (
            select(Meeting.id)
            .join(MeetingParticipant, MeetingParticipant.meeting_id == Meeting.id)
            .where(
                MeetingParticipant.registration_id == Registration.id,
                Meeting.status == MeetingStatus.CONFIRMED,
            )
            .exists()
        )
    if name == "unanswered":
        return (
            select(MeetingRequest.id)
            .where(MeetingRequest.host_id == Registration.id, MeetingRequest.state == RequestState.PENDING)
            .exists()
        )
    return (
        select(Speaker.id)
        .where(Speaker.event_id == event_id, Speaker.user_id == Registration.user_id, _speaks(event_id))
        .exists()
    )


def _has_left(email_key: Any) -> ColumnElement[bool]:
    """Whether they left the list of such messages; the names of lists are plain words."""
    return (
        select(MailPreference.address_key)
        .where(
            MailPreference.address_key == email_key,
            cast(MailPreference.off, String).contains(f'"{FROM_ORGANIZERS}"'),
        )
        .exists()
    )
