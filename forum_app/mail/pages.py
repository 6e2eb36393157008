"""What the pages of mails have in common, for administrators and for organizers."""

from typing import Any

from forum_app.core.text import N_
from forum_app.mail.models import MailState, OutboxMail
from forum_app.mail.queries import SORTS
from forum_app.web.tables import TableState
from forum_app.web.texts import gettext

STATES = {
    MailState.QUEUED: (N_("In the queue"), "info"),
    MailState.SENT: (N_("Delivered"), "success"),
    MailState.FAILED: (N_("Given up"), "danger"),
    MailState.DROPPED: (N_("Not sent"), "neutral"),
}
REASONS = {
    "too late": N_("It would have come too late."),
    "no longer so": N_("What it told is no longer so."),
    "left the list": N_("Its reader wants no more of these mails."),
    "not a mail address": N_("This is not a mail address."),
}


def table_state() -> TableState:
    """What the reader asked of a list of mails."""
    keys = ["-created", *(key for key in SORTS if key != "created")]
    return TableState.from_request(sorts=keys, filters={"state": [state.value for state in MailState]})


def state_labels() -> dict[str, tuple[str, str]]:
    """Label and tone by state."""
    return {state.value: (gettext(label), tone) for state, (label, tone) in STATES.items()}


def reason_of(mail: OutboxMail) -> str:
    """Why it did not go, or not yet; in the reader's language where we said it ourselves."""
    text = mail.last_error or ""
    return gettext(REASONS[text]) if text in REASONS else text


def mail_facts(mail: OutboxMail) -> dict[str, Any]:
    """What a page about one mail shows. text: None where it may not be read here, "" when it is forgotten."""
    return {
        "state": state_labels()[mail.state.value],
        "reason": reason_of(mail),
        "text": None if mail.secret else mail.body,
        "may_resend": mail.state in (MailState.FAILED, MailState.SENT) and bool(mail.body),
    }
