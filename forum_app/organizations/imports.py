"""The roster import as the command runs it."""

from datetime import datetime

from forum_app.organizations.exchange import parse_roster
from forum_app.organizations.services import ImportReport, import_organizations


def import_organizations_file(*, data: bytes, now: datetime) -> ImportReport:
    """Read a roster and enter it in the caller's transaction; raises Invalid with one line."""
    return import_organizations(actor=None, rows=parse_roster(data), now=now)
