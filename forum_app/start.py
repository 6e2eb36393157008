"""The `forum` command's door: commands on files alone start without the application."""

import os
import sys

import click

from forum_app.core.errors import DomainError
from forum_app.read_busy_command import read_busy_command
from forum_app.solve_command import solve_command

APART = {"read-busy": read_busy_command, "solve": solve_command}


def main() -> None:
    """Console entry point: exit status 0 done, 1 refused with one line, 2 usage."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    command = APART.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if command is None:
        from forum_app.cli import main as everything  # the other second of the start

        everything()
        return
    try:
        command.main(sys.argv[2:], prog_name=f"forum {command.name}")
    except DomainError as error:
        click.echo(" ".join(str(error).split()), err=True)
        sys.exit(1)
