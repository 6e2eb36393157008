"""`forum mail list` and `forum mail resend`."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import Base, db, transaction
from forum_app.mail.models import MailState
from forum_app.mail.outbox import list_failed_ids, send_again
from forum_app.mail.queries import count_by_state, count_gathered, list_mail
from forum_app.mail.safe_text import header_text
from forum_app.web.tables import PAGE_SIZES, TableState


def mail_lines(*, state: str | None, slug: str | None, search: str, most: int) -> Iterator[str]:
    """A line of figures, then one for each mail; raises NotFound when there is no such event."""
    event_id = _event_id(slug) if slug is not None else None
    counts = count_by_state(event_id)
    yield ", ".join(
        [*(f"{counts[one]} {one.value}" for one in MailState), f"{count_gathered(event_id)} gathered"]
    )
    shown, size = 0, PAGE_SIZES[-1]
    while shown < most:
        asked = TableState(
            path="",
            q=search,
            sort="created",
            descending=True,
            number=shown // size + 1,
            size=size,
            filters={"state": state} if state else {},
        )
        page = list_mail(asked, event_id)
        for mail in page.rows[: most - shown]:
            what = header_text(f"{mail.subject}{f' [{mail.last_error}]' if mail.last_error else ''}")
            when = mail.created_at.strftime("%Y-%m-%d %H:%M")
            yield f"{mail.id:>8} {mail.state.value:<8}{when}  {header_text(mail.to_address)}  {what}"
        shown += size
        if shown >= page.total:
            return


def resend(numbers: Sequence[int], *, all_failed: bool, now: datetime) -> int:
    """Queue mails again, all or none; how many. Raises NotFound, Conflict."""
    with transaction():
        chosen = list_failed_ids() if all_failed else sorted(set(numbers))
        for number in chosen:
            send_again(mail_id=number, now=now)
    return len(chosen)


def _event_id(slug: str) -> int:
    # by the table: mail knows nothing of events but their numbers
    events = Base.metadata.tables["events_event"]
    found = db.session.scalar(select(events.c.id).where(events.c.slug == slug))
    if found is None:
        raise NotFound(N_("There is no such event."))
    return int(found)
