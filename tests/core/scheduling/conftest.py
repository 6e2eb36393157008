"""Fixtures of the search."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def ready(compiled: None) -> None:
    """What is compiled is compiled once, not in each test process."""
