"""Everything that the product's processes and the crowd's servers import; see tests/starting.py."""

from datetime import UTC, datetime
from importlib import import_module

from sqlalchemy.orm import configure_mappers

import tests.meetings.crowd  # noqa: F401 - loaded, so that whoever is forked has it
from forum_app.application import MODULES
from forum_app.web import clock

for module in ("cli", *MODULES):
    import_module(f"forum_app.{module}")
configure_mappers()
# The tests' fixtures have set the clock to the day on which tests hold; commands run today.
clock.set_to(datetime.now(UTC))
