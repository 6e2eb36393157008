"""Fixtures of the schedule's tests."""

import pytest
from flask import Flask

from tests.timetable.scene import Plan, make_plan


@pytest.fixture
def plan(app: Flask) -> Plan:
    """Six slots, two tables, one host, and whoever a test adds."""
    return make_plan()
