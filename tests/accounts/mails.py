"""Reading the outbox as people read their mail."""

import re

from sqlalchemy import select

from forum_app.db import db
from forum_app.mail.models import OutboxMail

PASSWORD = "purple giraffe tango"
OTHER = "violet kettle umbrella"


def mails() -> list[OutboxMail]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def last_path(containing: str) -> str:
    """The path of the link in the last mail whose address contains that."""
    found = re.findall(r"https://forum\.test(\S+)", mails()[-1].body)
    return str(next(path for path in found if containing in path))


def kinds() -> list[str]:
    return [mail.kind for mail in mails()]
