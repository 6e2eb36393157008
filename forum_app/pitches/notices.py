"""Mails about pitches."""

from collections.abc import Iterable
from datetime import datetime

from forum_app.accounts.models import User
from forum_app.events.models import Event, EventRole
from forum_app.events.queries import list_people_with_role
from forum_app.mail.services import queue_mail
from forum_app.organizations.permissions import is_member
from forum_app.organizations.queries import list_representatives
from forum_app.pitches.models import PitchSubmission


def authors(submission: PitchSubmission) -> list[User]:
    """Who is told: the submitter while a member, else who speaks for the organization now."""
    submitter = submission.submitter
    if (
        submitter is not None
        and submitter.disabled_at is None
        and is_member(submitter, submission.organization)
    ):
        return [submitter]
    return list(list_representatives(submission.organization_id))


def notify_authors(submission: PitchSubmission, name: str, *, event: Event, now: datetime) -> None:
    """Tell the start-up. name: submitted, accepted, reserve or declined."""
    _send(authors(submission), submission, name, event=event, by=None, now=now)


def notify_withdrawal(
    submission: PitchSubmission, *, event: Event, actor: User, told_organizers: bool, now: datetime
) -> None:
    """Tell organizers, and the submitter if somebody else of the organization withdrew it."""
    people = {user.id: user for user in authors(submission)}
    if told_organizers:
        for grant in list_people_with_role(event.id, EventRole.ORGANIZER):
            if grant.user.disabled_at is None:
                people[grant.user_id] = grant.user
    people.pop(actor.id, None)
    _send(people.values(), submission, "withdrawn", event=event, by=actor, now=now)


def _send(
    people: Iterable[User],
    submission: PitchSubmission,
    name: str,
    *,
    event: Event,
    by: User | None,
    now: datetime,
) -> None:
    for person in people:
        queue_mail(
            to=person,
            template=f"pitches/{name}",
            context={
                "submission": submission,
                "event": event,
                "item": submission.agenda_item,
                "by": by,
            },
            thread=f"pitch-{submission.id}",
            now=now,
        )
