"""Rules change below this feature, and with the days; what they forbid ends by a job."""

from forum_app.db import transaction
from forum_app.meetings.rule_enforcement_services import end_what_rules_forbid
from forum_app.queue import every, job
from forum_app.web import clock


@job(schedule=every(minute="*/2"))
def apply_rules() -> None:
    """End requests and meetings that have become forbidden."""
    with transaction():
        end_what_rules_forbid(now=clock.now())
