"""What lists cost: every page asks the database as often with 300 rows of everything as with 3.

The routes come from the application itself, so a new list is counted from its first day.
"""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from forum_app.accounts.models import User
from forum_app.accounts.sign_in import SECRET
from forum_app.db import db
from forum_app.web import clock
from tests.conftest import TestDatabase
from tests.growth import Growth
from tests.queries import LIMIT_PER_PAGE, count_queries
from tests.routes import route_path
from tests.world import build, token_of

STRANGER = "anonymous"
# An administrator only where nobody else gets a page: the others' rights are looked up row by row.
READERS = (STRANGER, "representative", "organizer", "administrator")
FEW, MANY = 3, 300
LEAST_PAGES = {STRANGER: 20, "representative": 35, "organizer": 60, "administrator": 2}
Costs = dict[str, int]


def is_counted(rule: Rule) -> bool:
    """Pages of meetings count in tests of their own, with rooms full of tables and interpreters; the
    figures of /metrics are kept for some seconds, so that what they cost depends on the clock."""
    elsewhere = rule.endpoint in ("static", "web.metrics") or rule.endpoint.startswith("meetings.")
    return "GET" in (rule.methods or ()) and not elsewhere


class World:
    """Everybody's pages of the small world, which grows."""

    def __init__(self, database: TestDatabase) -> None:
        self.database = database
        self.app = database.app
        arguments = build(self.app)
        self.rules = [rule for rule in self.app.url_map.iter_rules() if is_counted(rule)]
        self.values = {**arguments, "organization_slug": "acme"}
        self.users = {user.email.split("@")[0]: user.id for user in db.session.scalars(select(User))}

    def client(self, reader: str) -> FlaskClient:
        client = self.app.test_client()
        if reader != STRANGER:
            with client.session_transaction() as session:
                session[SECRET] = token_of(reader)
                session["_user_id"] = str(self.users[reader])
                session["_fresh"] = True
        return client

    def cost(self, client: FlaskClient, path: str) -> int | None:
        """Statements of one page; None where the reader gets no page."""
        with count_queries() as statements:
            answer = client.get(path, query_string={"size": 100})
        return len(statements) if answer.status_code == 200 else None

    def costs(self) -> dict[str, Costs]:
        """Statements of all pages by reader."""
        found: dict[str, Costs] = {reader: {} for reader in READERS}
        paths = [route_path(rule, self.values) for rule in self.rules]
        self.client(STRANGER).get("/events/forum/agenda")  # a process reads each version once
        for reader in READERS:
            client = self.client(reader)
            for path in paths:
                known = reader == "administrator" and any(path in found[other] for other in READERS[1:])
                cost = None if known else self.cost(client, path)
                if cost is not None:
                    found[reader][path] = cost
        return found


@pytest.fixture(scope="module")
def costs(database: TestDatabase) -> tuple[dict[str, Costs], dict[str, Costs]]:
    """Statements of all pages with few and with many rows."""
    database.reset()
    with database.app.app_context():
        world = World(database)
        growth = Growth(clock.now())
        # who first shows a calendar need not read what it has shown before
        world.client(STRANGER).get("/events/forum/agenda.ics")
        growth.grow(FEW)
        few = world.costs()
        growth.grow(MANY - FEW)
        return few, world.costs()


@pytest.mark.parametrize("reader", READERS)
def test_every_page_costs_the_same_at_any_length(
    costs: tuple[dict[str, Costs], dict[str, Costs]], reader: str
) -> None:
    few, many = (half[reader] for half in costs)
    assert few.keys() == many.keys()
    assert len(few) >= LEAST_PAGES[reader]
    assert {path: (few[path], many[path]) for path in few if few[path] != many[path]} == {}
    assert {path: cost for path, cost in many.items() if cost > LIMIT_PER_PAGE} == {}
