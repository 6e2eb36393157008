"""Entry point of the web server."""

from forum_app import create_app

app = create_app()
