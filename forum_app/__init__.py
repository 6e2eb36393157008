"""Runs bilateral technology forums, in English and Japanese, from the call to the follow-up."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from forum_app.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Make the application; raises ConfigError when a setting is missing or wrong.

    Imported here: commands on files alone, such as `forum read-busy`, start without Flask and the database.
    """
    from forum_app.application import create_app as make

    return make(settings)
