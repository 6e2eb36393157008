"""The mailbox is looked at each minute; old notes of what came are forgotten."""

import logging

from flask import current_app

from forum_app.config import Settings
from forum_app.db import transaction
from forum_app.mail import bounces  # registers what reads reports
from forum_app.mail.mailbox_jobs import MailboxTrouble, read_mailbox
from forum_app.mail.receiving import forget_received
from forum_app.queue import every, job
from forum_app.web import clock

log = logging.getLogger(__name__)
READERS = (bounces.take_bounce,)


@job(schedule=every(minute="*"))
def read_mail() -> None:
    """Take what is new; safe with several workers, and when run again after a crash."""
    settings: Settings = current_app.config["FORUM_SETTINGS"]
    if settings.imap_url is None:
        return
    try:
        read_mailbox(settings.imap_url, clock.now)
    except MailboxTrouble as trouble:
        log.warning("the mailbox of FORUM_IMAP_URL cannot be read: %s", trouble)


@job(schedule=every(minute="47", hour="3"))
def forget_old() -> None:
    """Forget notes of mail that came more than a year ago."""
    with transaction():
        forget_received(now=clock.now())
