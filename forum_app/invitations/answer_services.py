"""Answers that come back by mail: who may have sent them, how late they are, and what they do.

An answer counts if all of this is so: it brings back the secret of this one invitation (in ORGANIZER, or in
the address that the mail went to, since Exchange leaves ORGANIZER out), it names its UID, the attendee is
the address that was invited, the mail comes from that address, it answers the SEQUENCE that was sent last,
and it was written after the answer that we have. Anything else changes nothing, and nobody is written to
about it: what looks like an answer may have a made-up sender.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from forum_app.accounts.queries import email_key
from forum_app.audit.services import record
from forum_app.core.ical import Method, Participation
from forum_app.core.itip import MOST_BYTES, Answer, Unreadable, read_answer
from forum_app.db import db
from forum_app.invitations.models import LETTERS, SECRET_LENGTH, Invitation, Note, NoteKind
from forum_app.invitations.queries import count_notes, find_by_secret
from forum_app.mail.receiving import IncomingMail, Outcome, content_of, handlers, header
from forum_app.meetings.booking_services import cancel_meeting
from forum_app.meetings.models import Meeting, MeetingStatus

MOST_NOTES = 20  # of one invitation
MOST_REASON = 500
MOST_TEXT = 1000
AHEAD = timedelta(days=1)  # a clock that is more than this ahead cannot be put in order
_SECRET = re.compile(rf"[^+@]+\+([{LETTERS}]{{{SECRET_LENGTH}}})@.+")
_ANSWERS = frozenset({Participation.ACCEPTED, Participation.TENTATIVE, Participation.DECLINED})
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_QUOTES = re.compile(r"^(>|On .{1,200} wrote:$|-----Original Message-----|_{20,}|.{1,200}のメール:$)")
_DISGUISES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
NOTES = {
    "COUNTER": NoteKind.COUNTER,
    "REPLY": NoteKind.OTHER,
    "REFRESH": NoteKind.OTHER,
}


def take_answer(mail: IncomingMail, now: datetime) -> Outcome | None:
    """What a mail does to the invitation that it answers; None if it is not about one."""
    answer = None
    for content in _calendars(mail):
        try:
            answer = read_answer(content)
            break
        except Unreadable as why:
            return Outcome("answer", f"unreadable: {why}")
    secrets = set(_secrets([*mail.recipients, answer.organizer if answer else ""]))
    if not secrets:
        return Outcome("answer", "no secret of ours") if answer else None
    invitation = find_by_secret(secrets, answer.uid if answer else None)
    if invitation is None or invitation.user.disabled_at is not None:
        return Outcome("answer", "unknown")
    invited = email_key(invitation.address)
    if not mail.sender or email_key(mail.sender) != invited:
        return Outcome("answer", "other sender")
    if answer is None:
        return _letter(mail, invitation, now)
    if email_key(answer.attendee) != invited:
        return Outcome("answer", "other attendee")
    if answer.method not in NOTES:
        return Outcome("answer", "not an answer")
    return _settle(invitation, answer, now)


def _settle(invitation: Invitation, answer: Answer, now: datetime) -> Outcome:
    """An answer of the right person: moves the participation, or is noted for the organizers."""
    if answer.sequence != invitation.sequence or invitation.method != Method.REQUEST:
        return Outcome("answer", "stale: other sequence")
    if invitation.ends_at <= now:
        return Outcome("answer", "stale: it is over")
    if answer.stamp is None or answer.stamp > now + AHEAD:
        return Outcome("answer", "unreadable: no usable stamp")
    if invitation.answer_stamp is not None and answer.stamp <= invitation.answer_stamp:
        return Outcome("answer", "stale: answered later")
    participation = answer.participation
    if answer.method != "REPLY" or answer.one_of_many or participation not in _ANSWERS:
        delegates = participation == Participation.DELEGATED
        kind = NoteKind.DELEGATED if delegates else NOTES[answer.method]
        return _note(invitation, kind, answer.comment, now, answer)
    invitation.answer_stamp = answer.stamp
    invitation.answered_at = now
    invitation.participation = participation
    record(
        actor=invitation.user,
        action="invitations.answered",
        subject=invitation,
        event_id=invitation.event_id,
        now=now,
        detail={"answer": participation.value, "sequence": answer.sequence},
    )
    if participation == Participation.DECLINED:
        return _decline(invitation, answer, now)
    if answer.comment:
        _note(invitation, NoteKind.COMMENT, answer.comment, now)
    return Outcome("answer", participation.value.lower())


def _decline(invitation: Invitation, answer: Answer, now: datetime) -> Outcome:
    """A meeting of two is called off by whoever declines it, as on its page; of more people, and of an
    item, the organizers learn."""
    meeting = db.session.get(Meeting, invitation.meeting_id) if invitation.meeting_id is not None else None
    if meeting is None or len(meeting.participants) > 2:
        _note(invitation, NoteKind.DECLINED, answer.comment, now)
        return Outcome("answer", "declined, noted")
    if meeting.status != MeetingStatus.CONFIRMED or meeting.ends_at <= now:
        return Outcome("answer", "declined, off already")
    reason = " ".join(answer.comment.split())[:MOST_REASON]
    cancel_meeting(actor=invitation.user, meeting=meeting, reason=reason, now=now)
    return Outcome("answer", "declined, cancelled")


def _letter(mail: IncomingMail, invitation: Invitation, now: datetime) -> Outcome:
    """Somebody wrote words instead of pressing a button; what a machine writes is passed over."""
    automatic = header(mail.message, "Auto-Submitted").lower() not in ("", "no")
    if automatic or header(mail.message, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return Outcome("answer", "written by a machine")
    text = next(
        (
            content_of(part).decode("utf-8", "replace")
            for part in mail.parts()
            if part.get_content_type() == "text/plain"
        ),
        "",
    )
    lines = []
    for line in _DISGUISES.sub("", text[:20_000].replace("\r\n", "\n")).split("\n"):
        if _QUOTES.match(line.strip()):
            break
        lines.append(line.rstrip())
    words = "\n".join(lines).strip()[:MOST_TEXT]
    if not words:
        return Outcome("answer", "empty")
    return _note(invitation, NoteKind.OTHER, words, now)


def _note(
    invitation: Invitation, kind: NoteKind, text: str, now: datetime, answer: Answer | None = None
) -> Outcome:
    if count_notes(invitation.id) >= MOST_NOTES:
        return Outcome("answer", "too many notes")
    db.session.add(
        Note(
            invitation_id=invitation.id,
            kind=kind,
            text=text[:MOST_TEXT],
            starts_at=answer.starts_at if answer and kind == NoteKind.COUNTER else None,
            ends_at=answer.ends_at if answer and kind == NoteKind.COUNTER else None,
            received_at=now,
        )
    )
    return Outcome("answer", f"noted: {kind.value}")


# --- Reading -----------------------------------------------------------------------------------------
def _calendars(mail: IncomingMail) -> Iterator[bytes]:
    for part in mail.parts():
        named = str(part.get_filename() or "").lower().endswith(".ics")
        if part.get_content_type() in _CALENDARS or named:
            content = content_of(part)
            if content.strip():
                yield content[: MOST_BYTES + 1]


def _secrets(addresses: list[str]) -> Iterator[str]:
    for address in addresses:
        match = _SECRET.fullmatch(address.strip().lower())
        if match is not None:
            yield match[1]


handlers.append(take_answer)
