"""The demonstration forum: the 35th edition held, the 36th being prepared, one closed working group.

Everything hangs on `now`, so that the forum is always about seven weeks away. Made once: a second
call finds the events and does nothing.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from forum_app.config import Settings, kept_secret
from forum_app.db import db, transaction
from forum_app.demo.editions import make_edition, make_working_group
from forum_app.demo.meetings import seed_meetings
from forum_app.demo.messages import seed_message
from forum_app.demo.outcomes import seed_outcomes
from forum_app.demo.people import seed_accounts, seed_organizations, seed_people
from forum_app.demo.programme import seed_agenda, seed_pitches
from forum_app.demo.registrations import seed_registrations
from forum_app.demo.rules import seed_exclusions
from forum_app.demo.timetable import seed_schedule
from forum_app.demo.world import ACCOUNTS, FORUM, PAST, ZONE, World
from forum_app.events.models import Series
from forum_app.events.queries import find_event


def is_seeded() -> bool:
    """Whether the demonstration forum is there."""
    return find_event(FORUM) is not None


def demo_password(settings: Settings) -> str:
    """Password of all demonstration accounts: the setting, else one made once and kept under var/."""
    return settings.demo_password or kept_secret(settings.var / "demo-password", 12)


def accounts_text(settings: Settings) -> str:
    """Address and accounts, as `make run` prints them."""
    lines = [f"Address:  {settings.base_url}/", f"Password: {demo_password(settings)}   (all accounts)"]
    lines += [f"  {email}" for email, *_ in ACCOUNTS]
    return "\n".join(lines)


def seed_demo(*, settings: Settings, now: datetime) -> None:
    """Make all of it in one transaction, unless it is there."""
    with transaction():
        if is_seeded():
            return
        world = World(now=now)
        seed_organizations(world)
        seed_accounts(world, demo_password(settings))
        seed_people(world)
        seed_exclusions(world)
        series = Series(
            slug="tech-forum", name_en="U.S.-Japan Technology Forum", name_ja="日米技術フォーラム"
        )
        dicas = Series(slug="dicas", name_en="DICAS Forum", name_ja="DICASフォーラム")
        db.session.add_all([series, dicas])
        db.session.flush()
        first = _first_day(now)
        past = make_edition(world, series, 35, PAST, first - timedelta(days=364), held=True)
        coming = make_edition(world, series, 36, FORUM, first, held=False)
        for event in (past, coming):
            held = event is past
            registrations = seed_registrations(world, event, held=held)
            items = seed_agenda(event, world.organizations, registrations, world.people, now)
            seed_pitches(event, world.organizations, world.people, world.users, items, now, held=held)
            seed_meetings(event, world.organizations, registrations, world.users, now, held=held)
            if held:
                seed_outcomes(event)
            else:
                seed_schedule(event, actor=world.users["organizer"], now=now)
                seed_message(event, actor=world.users["organizer"], now=now)
        make_working_group(world, dicas, first + timedelta(days=91))


def _first_day(now: datetime) -> date:
    """A Tuesday about seven weeks ahead."""
    day = now.astimezone(ZoneInfo(ZONE)).date() + timedelta(days=45)
    return day + timedelta(days=(1 - day.weekday()) % 7)
