"""Fixtures of meetings."""

import pytest
from flask import Flask

from tests.meetings.scene import Scene, make_scene


@pytest.fixture
def scene(app: Flask) -> Scene:
    """One host, one start-up, two tables, two hours of slots."""
    return make_scene()
