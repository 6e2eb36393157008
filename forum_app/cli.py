"""The `forum` command: Flask's own commands and ours, refusing bad input with one line."""

import sys

import click
from flask.cli import FlaskGroup

from forum_app import create_app
from forum_app.config import ConfigError
from forum_app.core.errors import DomainError


def _create_app():  # type: ignore[no-untyped-def]
    return create_app()


@click.group(cls=FlaskGroup, create_app=_create_app, add_default_commands=True)
def cli() -> None:
    """Runs bilateral technology forums."""


def main() -> None:
    """Console entry point: exit status 0 done, 1 refused with one line, 2 usage."""
    try:
        cli.main(standalone_mode=True)
    except (ConfigError, DomainError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
