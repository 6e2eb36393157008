"""Suggestions measured on the demonstration forum against a random order.

For everybody whose wishes of the coming forum came to mutual interest or a meeting: how many of those
people's organizations stand among the first ten suggested, as if nobody had asked yet; and what it costs.
The people of the demonstration choose by shared areas, by name and by chance (demo/rules.py); the
matcher knows neither the choice nor the names, so the figure says that it finds what there is to find
in the data, not how well it does with real people.
"""

import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import select

from forum_app import create_app
from forum_app.config import load_settings
from forum_app.core.matching import Matcher, Party, ndcg_at, recall_at
from forum_app.db import db
from forum_app.demo.seed import seed_demo
from forum_app.demo.world import FORUM
from forum_app.events.queries import get_event_by_slug
from forum_app.meetings.models import MeetingRequest, RequestState
from forum_app.meetings.rule_queries import HARD, list_obstacles, today_at
from forum_app.meetings.suggestion_queries import first_of_each, list_people
from forum_app.web import clock

FIRST = 10
MUTUAL = (RequestState.AGREED, RequestState.ACCEPTED)
LARGE = 600


def run() -> list[dict[str, object]]:
    """Rows: name, value and the limit it must keep (at least or at most)."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"FORUM_ENV": "test", "FORUM_VAR": folder, "FORUM_DEMO_PASSWORD": "matching"}
        settings = replace(load_settings(environ), secret_key="x" * 32)
        Path(folder).mkdir(exist_ok=True)
        app = create_app(settings)
        with app.app_context():
            upgrade()
            seed_demo(settings=settings, now=clock.now())
            rows = _quality()
            db.session.remove()
            db.engine.dispose()
    return [*rows, *_speed()]


def _quality() -> list[dict[str, object]]:
    event = get_event_by_slug(FORUM)
    people = {person.id: person for person in list_people(event.id)}
    mutual: dict[int, set[int]] = defaultdict(set)
    for request in db.session.scalars(
        select(MeetingRequest).where(MeetingRequest.event_id == event.id, MeetingRequest.state.in_(MUTUAL))
    ):
        if request.asker_id in people and request.host_id in people:
            mutual[request.asker_id].add(request.host_id)
            mutual[request.host_id].add(request.asker_id)
    matcher = Matcher([person.party for person in people.values()])
    chance = random.Random(1)  # noqa: S311 - the same order every time
    today = today_at(event, clock.now())
    found: dict[str, list[float]] = defaultdict(list)
    for me in sorted(mutual):
        able = [n for n, p in people.items() if n != me and (p.hosts or people[me].hosts)]
        obstacles = list_obstacles(event, [(me, number) for number in able], today)
        able = [number for number in able if not obstacles[me, number] & HARD]
        of = {number: people[number].organization_id for number in able}
        # as on the page, where one of each organization stands: it is the organization that is found
        wanted = {people[number].organization_id or -number for number in mutual[me]}
        best = first_of_each(matcher.rank(me, able, most=len(able)), of)
        ranked = [of[suggestion.key] or -suggestion.key for suggestion in best]
        found["recall"].append(recall_at(ranked, wanted, FIRST))
        found["ndcg"].append(ndcg_at(ranked, wanted, FIRST))
        for _ in range(20):
            chance.shuffle(ranked)
            found["random recall"].append(recall_at(ranked, wanted, FIRST))
            found["random ndcg"].append(ndcg_at(ranked, wanted, FIRST))
    mean = {name: round(statistics.fmean(values), 3) for name, values in found.items()}
    return [
        {"name": f"suggestions: recall@{FIRST}", "value": mean["recall"], "random": mean["random recall"]},
        {"name": f"suggestions: NDCG@{FIRST}", "value": mean["ndcg"], "random": mean["random ndcg"]},
        {"name": "suggestions: people measured", "value": len(mutual), "random": ""},
    ]


def _speed() -> list[dict[str, object]]:
    """Milliseconds to rank everybody for one person among LARGE people; no database."""
    chance = random.Random(2)  # noqa: S311 - the same crowd every time
    areas = [f"area{n}" for n in range(11)]
    words = [f"word{n}ish" for n in range(400)]
    kinds = ["startup"] * 6 + ["agency", "government_investor", "venture_capital", "prime", "university"]
    parties = [
        Party(
            key=number,
            kind=chance.choice(kinds),
            country=chance.choice(("JP", "US")),
            language=chance.choice(("ja", "en")),
            stage=chance.choice(("", "idea", "prototype", "product")),
            areas=frozenset(chance.sample(areas, 2)),
            wanted=frozenset(chance.sample(areas, chance.randrange(4))),
            profile=" ".join(chance.sample(words, 12)),
        )
        for number in range(LARGE)
    ]
    took = []
    for seeker in range(20):
        start = time.process_time()
        Matcher(parties).rank(seeker, range(LARGE), most=20)
        took.append((time.process_time() - start) * 1000)
    value = round(statistics.median(took), 1)
    return [{"name": f"suggestions: ms for one of {LARGE} people", "value": value, "random": ""}]


def table(rows: list[dict[str, object]]) -> str:
    """The rows as text."""
    lines = [f"{'suggestions':<44}{'value':>10}{'random':>10}"]
    lines += [f"{row['name']!s:<44}{row['value']!s:>10}{row['random']!s:>10}" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(run()) + "\n")
